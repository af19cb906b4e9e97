//! The terminal: taking it, giving it back whatever happens, reading it, and noticing that it is gone.
//!
//! What keys mean is not known here. Reading has a thread of its own, so that a terminal that behaves badly can never
//! hold up the loop.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{self, DisableBracketedPaste, EnableBracketedPaste, Event, EventStream};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::app::App;
use super::view::view;
use crate::domain::Timestamp;

/// Bytes a picture is collected in before it is written: a full screen of colours fits, so a frame is one write.
const PICTURE_BYTES: usize = 64 << 10;

/// Reads that may wait for the loop. Few: behind a slow loop the terminal itself should wait.
const READS: usize = 16;

/// Events taken as one read. More than any read of the terminal gives, so that a paste stays together.
const EVENTS_AT_ONCE: usize = 64 << 10;

/// How long is waited for the rest of what there is to read. It cannot be no time at all: then the library does not even
/// look at what it has read already, and every character of a paste would be a read by itself.
const AT_ONCE: Duration = Duration::from_micros(500);

/// How long is waited for a key at a time; any time would do.
const A_WHILE: Duration = Duration::from_hours(1);

/// Whether the terminal is ours now, for whoever must give it back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The thread that has it.
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);

/// Whether the terminal reports the mouse to us while we have it.
static MOUSE: AtomicBool = AtomicBool::new(false);

/// Whether the title of the window is ours while we have the terminal.
static TITLE: AtomicBool = AtomicBool::new(false);

/// Presses and the wheel, with coordinates of any size. Not every movement: nobody here wants to know.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// Puts the window's title aside, and back, on terminals that keep a stack of titles (xterm and most since).
const TITLE_ASIDE: &str = "\x1b[22;0t";
const TITLE_BACK: &str = "\x1b[23;0t";

/// What the desk takes beside keys and screen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extras {
    pub(super) mouse: bool,
    pub(super) title: bool,
}

/// What pictures are written to, until they are over.
///
/// A ratatui terminal shows the cursor as it is dropped, and where it cannot, because the terminal is gone, it reports so
/// to a standard error that is gone too: a panic.
struct Screen {
    out: Stdout,
    is_over: Arc<AtomicBool>,
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_over.load(Ordering::Relaxed) { Ok(bytes.len()) } else { self.out.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_over.load(Ordering::Relaxed) { Ok(()) } else { self.out.flush() }
    }
}

/// The terminal while the desk has it. Dropping it gives it back.
pub(super) struct Guard {
    terminal: Terminal<CrosstermBackend<BufWriter<Screen>>>,
    /// Whether `terminal` has shown its last picture.
    is_over: Arc<AtomicBool>,
    /// What the title of the window was set to.
    titled: String,
    /// Whether the stop that the next SIGCONT ends is our own.
    own_stop: bool,
}

impl Guard {
    /// Takes the terminal. From here on a panic gives it back before it is reported.
    pub(super) fn take(extras: Extras) -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(watch_for_panics);
        *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        MOUSE.store(extras.mouse, Ordering::SeqCst);
        TITLE.store(extras.title, Ordering::SeqCst);
        set_up()?;
        match new_terminal() {
            Ok((terminal, is_over)) => Ok(Self { terminal, is_over, titled: String::new(), own_stop: false }),
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
        self.is_over.store(true, Ordering::Relaxed);
        (self.terminal, self.is_over) = new_terminal()?;
        Ok(())
    }

    /// Takes the mouse, or gives it back.
    pub(super) fn mouse(&mut self, on: bool) -> io::Result<()> {
        MOUSE.store(on, Ordering::SeqCst);
        execute!(self.terminal.backend_mut(), Print(if on { MOUSE_ON } else { MOUSE_OFF }))
    }

    /// Sets the title of the window, if it is ours and not set so already.
    pub(super) fn title(&mut self, title: impl FnOnce() -> String) -> io::Result<()> {
        if !TITLE.load(Ordering::SeqCst) {
            return Ok(());
        }
        let title = title();
        if title != self.titled {
            queue!(self.terminal.backend_mut(), SetTitle(&title))?;
            self.titled = title;
        }
        Ok(())
    }

    /// Rings the bell, and asks the terminal to show a text, which must be one line without control characters.
    pub(super) fn announce(&mut self, bell: bool, text: Option<&str>) -> io::Result<()> {
        if let Some(text) = text {
            execute!(self.terminal.backend_mut(), Print("\x1b]9;"), Print(text), Print("\x1b\\"))?;
        }
        if bell {
            execute!(self.terminal.backend_mut(), Print('\x07'))?;
        }
        Ok(())
    }

    /// Gives the terminal back for a while; [`take_again`](Self::take_again) ends it.
    #[expect(clippy::unused_self, reason = "only who has the terminal can give it back")]
    pub(super) fn hand_over(&mut self) {
        give_back();
    }

    /// Gives the terminal back, stops the process until somebody continues it, and takes the terminal again.
    pub(super) fn stop(&mut self) -> io::Result<()> {
        give_back();
        self.own_stop = true;
        stop_here()?;
        self.take_again()
    }

    /// The process was continued. After a stop of our own the terminal is taken already; SIGSTOP comes without a word.
    pub(super) fn continued(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.own_stop) { Ok(()) } else { self.take_again() }
    }

    /// Somebody types: no stop is under way.
    pub(super) fn is_in_use(&mut self) {
        self.own_stop = false;
    }

    /// Takes the terminal again after somebody else had it.
    pub(super) fn take_again(&mut self) -> io::Result<()> {
        self.titled.clear();
        set_up()?;
        self.forget()
    }
}

/// Stops the process until somebody continues it.
///
/// By SIGTTIN, since SIGTSTP is the signal that asks for this and has come to us already. Where nobody could ever
/// continue the process, the system ignores both alike, and SIGSTOP would stop it for good.
pub(super) fn stop_here() -> io::Result<()> {
    signal_hook::low_level::raise(signal_hook::consts::SIGTTIN)
}

/// Hands a text to the clipboard of the terminal, where it has one and lets us.
pub(super) fn copy(text: &str) -> io::Result<()> {
    execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text))
}

type Drawn = (Terminal<CrosstermBackend<BufWriter<Screen>>>, Arc<AtomicBool>);

fn new_terminal() -> io::Result<Drawn> {
    let is_over = Arc::new(AtomicBool::new(false));
    let screen = Screen { out: io::stdout(), is_over: Arc::clone(&is_over) };
    let terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(PICTURE_BYTES, screen)))?;
    Ok((terminal, is_over))
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
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn set_up() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    let mouse = if MOUSE.load(Ordering::SeqCst) { MOUSE_ON } else { "" };
    let title = if TITLE.load(Ordering::SeqCst) { TITLE_ASIDE } else { "" };
    let done = execute!(
        io::stdout(),
        Print(title),
        EnterAlternateScreen,
        // It is not empty where a desk that was killed had taken it.
        Clear(ClearType::All),
        EnableBracketedPaste,
        Print(mouse),
        cursor::Hide
    );
    if done.is_err() {
        give_back();
    }
    done
}

/// Leaves the terminal as it was. Does nothing if it is not ours; a terminal that is gone is nobody's fault.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let title = if TITLE.load(Ordering::SeqCst) { TITLE_BACK } else { "" };
        drop(execute!(
            io::stdout(),
            EndSynchronizedUpdate,
            Print(MOUSE_OFF),
            DisableBracketedPaste,
            LeaveAlternateScreen,
            Print(title),
            cursor::Show
        ));
        drop(disable_raw_mode());
    }
}

/// What was there to be read at once.
pub(super) struct Read {
    pub(super) events: Vec<Event>,
    /// When, on a clock that stands while there is anything to read: what a slow machine takes its time over came
    /// together all the same.
    pub(super) at: Timestamp,
}

/// Reads the terminal until dropped. What was there at once comes at once.
///
/// One thread waits and reads, and nobody else asks for events meanwhile: two that ask, as those of the library's stream,
/// meet at a lock that gives the processor away again and again, and beside busy programs the system takes that to mean
/// that the key has time (measured: up to half a second).
pub(super) struct Reader {
    reads: mpsc::Receiver<io::Result<Read>>,
    stop: CancellationToken,
    /// Never asked for anything: it is the library's only way to wake the thread that waits.
    waker: Option<EventStream>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Reader {
    /// Begins to read, `now`.
    pub(super) fn start(now: Timestamp) -> io::Result<Self> {
        let (sender, reads) = mpsc::channel(READS);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let waker = Some(EventStream::new());
        let thread = thread::Builder::new().name("keys".into()).spawn(move || read_on(&sender, &stopped, now))?;
        Ok(Self { reads, stop, waker, thread: Some(thread) })
    }

    /// The next read; `None` when there can be none any more. Cancel-safe.
    pub(super) async fn read(&mut self) -> Option<io::Result<Read>> {
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
        drop(self.waker.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Reads until it is stopped or nobody takes what was read.
fn read_on(sender: &mpsc::Sender<io::Result<Read>>, stop: &CancellationToken, began: Timestamp) {
    let mut waited = Duration::ZERO;
    while !stop.is_cancelled() {
        let since = Instant::now();
        let polled = event::poll(A_WHILE);
        waited += since.elapsed();
        match polled {
            Ok(true) => {}
            // Somebody woke it.
            Ok(false) => continue,
            Err(error) => return drop(sender.blocking_send(Err(error))),
        }
        let mut events = Vec::new();
        let failed = loop {
            match event::read() {
                Ok(event) => events.push(event),
                Err(error) => break Some(error),
            }
            if events.len() >= EVENTS_AT_ONCE || !matches!(event::poll(AT_ONCE), Ok(true)) {
                break None;
            }
        };
        let at = began.saturating_add_unsigned(waited.as_millis() as u64);
        if !events.is_empty() && sender.blocking_send(Ok(Read { events, at })).is_err() {
            return;
        }
        if let Some(error) = failed {
            return drop(sender.blocking_send(Err(error)));
        }
    }
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
