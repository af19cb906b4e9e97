//! The terminal: taking it, giving it back whatever happens, reading it, and noticing that it is gone.
//!
//! What keys mean is not known here. Reading has a thread of its own, so that a terminal that behaves badly can never
//! hold up the loop.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
use std::task::Poll;
use std::thread::{self, ThreadId};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event, EventStream};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use futures::StreamExt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::view::view;

/// Bytes a picture is collected in before it is written: a full screen of colours fits, so a frame is one write.
const PICTURE_BYTES: usize = 64 << 10;

/// Reads that may wait for the loop. Few: behind a slow loop the terminal itself should wait.
const READS: usize = 16;

/// Events taken as one read. More than any read of the terminal gives, so that a paste stays together.
const EVENTS_AT_ONCE: usize = 64 << 10;

/// Whether the terminal is ours now, for whoever must give it back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The thread that has it.
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);

/// The terminal while the desk has it. Dropping it gives it back.
pub(super) struct Guard {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Guard {
    /// Takes the terminal. From here on a panic gives it back before it is reported.
    pub(super) fn take() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(watch_for_panics);
        *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        set_up()?;
        match new_terminal() {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        self.terminal.size().map(|size| (size.width, size.height))
    }

    /// Draws one picture, which terminals that can do so show at once.
    pub(super) fn draw(&mut self, app: &App) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| view(app, frame))?;
        queue!(self.terminal.backend_mut(), EndSynchronizedUpdate)?;
        Write::flush(self.terminal.backend_mut())
    }

    /// Forgets what is on the screen, so that the next picture is drawn whole.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        // Not by `Terminal::clear`: that asks the terminal where its cursor is, and waits for a reply that the reading
        // thread would take.
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.terminal = new_terminal()?;
        Ok(())
    }

    /// Gives the terminal back, stops the process until somebody continues it, and takes the terminal again.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        give_back();
        signal_hook::low_level::raise(signal_hook::consts::SIGTSTP)?;
        self.take_again()
    }

    /// Takes the terminal again after somebody else had it.
    pub(super) fn take_again(&mut self) -> io::Result<()> {
        set_up()?;
        self.forget()
    }
}

fn new_terminal() -> io::Result<Terminal<CrosstermBackend<BufWriter<Stdout>>>> {
    Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(PICTURE_BYTES, io::stdout())))
}

/// Gives the terminal back before a panic of the desk is reported.
///
/// A panic elsewhere in the process does not end the desk: its owner takes care of it (a session fails, say), and its
/// report must not be written over the picture, so it goes to the log.
fn watch_for_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let owner = *OWNER.lock().unwrap_or_else(PoisonError::into_inner);
        if TAKEN.load(Ordering::SeqCst) && owner != Some(thread::current().id()) {
            tracing::error!("{panic}");
            return;
        }
        give_back();
        report(panic);
    }));
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

fn set_up() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let done = execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide);
    if done.is_err() {
        give_back();
    }
    done
}

/// Leaves the terminal as it was. Does nothing if it is not ours; a terminal that is gone is nobody's fault.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        drop(execute!(io::stdout(), EndSynchronizedUpdate, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show));
        drop(disable_raw_mode());
    }
}

/// Reads the terminal until dropped. What was there at once comes at once.
pub(super) struct Reader {
    reads: mpsc::Receiver<io::Result<Vec<Event>>>,
    stop: CancellationToken,
    thread: Option<thread::JoinHandle<()>>,
}

impl Reader {
    pub(super) fn start() -> io::Result<Self> {
        let (sender, reads) = mpsc::channel(READS);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let thread = thread::Builder::new()
            .name("keys".into())
            .spawn(move || runtime.block_on(stopped.run_until_cancelled(read_on(sender))).unwrap_or(()))?;
        Ok(Self { reads, stop, thread: Some(thread) })
    }

    /// The next read; `None` when there can be none any more. Cancel-safe.
    pub(super) async fn read(&mut self) -> Option<io::Result<Vec<Event>>> {
        self.reads.recv().await
    }

    /// Leaves the thread alone: the terminal is gone, and a read of it may never return.
    pub(super) fn abandon(mut self) {
        self.thread = None;
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.cancel();
        self.reads.close();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn read_on(sender: mpsc::Sender<io::Result<Vec<Event>>>) {
    let mut stream = EventStream::new();
    while let Some(first) = stream.next().await {
        let mut events = Vec::new();
        let mut next = Some(Some(first));
        let mut failed = None;
        while let Some(Some(event)) = next {
            match event {
                Ok(event) => events.push(event),
                Err(error) => failed = Some(error),
            }
            if failed.is_some() || events.len() >= EVENTS_AT_ONCE {
                break;
            }
            next = ready_now(&mut stream).await;
        }
        if !events.is_empty() && sender.send(Ok(events)).await.is_err() {
            return;
        }
        if let Some(error) = failed {
            drop(sender.send(Err(error)).await);
            return;
        }
    }
}

/// The next event if it is there already.
///
/// With the waker of the task that reads: the stream wakes only the first that it said "not yet" to.
async fn ready_now(stream: &mut EventStream) -> Option<Option<io::Result<Event>>> {
    poll_fn(|context| match stream.poll_next_unpin(context) {
        Poll::Ready(event) => Poll::Ready(Some(event)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Notices that the terminal has hung up. It never reads, so it takes no key away.
pub(super) struct HangUp(Option<AsyncFd<File>>);

impl HangUp {
    pub(super) fn watch() -> Self {
        let terminal = if io::stdin().is_terminal() {
            io::stdin().as_fd().try_clone_to_owned().map(File::from)
        } else {
            File::open("/dev/tty")
        };
        // Where it cannot be watched, a failed write and SIGHUP still say so.
        #[expect(
            deprecated,
            reason = "the successor is unsafe for files that others can close; nobody can close this one"
        )]
        Self(terminal.and_then(|file| AsyncFd::with_interest(file, Interest::READABLE)).ok())
    }

    /// Returns when the terminal is gone. Cancel-safe.
    pub(super) async fn gone(&self) {
        let Some(terminal) = &self.0 else { return std::future::pending().await };
        loop {
            match terminal.readable().await {
                Ok(mut ready) if !ready.ready().is_read_closed() => ready.clear_ready(),
                Ok(_) | Err(_) => return,
            }
        }
    }
}
