//! What the loop waits for: the terminal, signals, what the engine has, and time.
//!
//! Values only, and how the next of them is waited for; what is done then is the loop's.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use signal_hook::consts::{SIGCONT, SIGINT, SIGQUIT, SIGTSTP};
use signal_hook::flag;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::msg::{FeedItem, Msg};
use super::options::Exit;
use super::terminal::Read;
use crate::engine::Observer;

/// A signal that a key sends. It comes at a known time: one that was meant for another program can be told from the next.
struct KeySignal {
    /// Whether it came and was not taken. Set as it comes, in the handler.
    came: Arc<AtomicBool>,
    /// Wakes whoever waits for it, some time later.
    wake: Signal,
}

impl KeySignal {
    fn listen(number: i32) -> io::Result<Self> {
        let came = Arc::new(AtomicBool::new(false));
        // First: whoever is woken finds it set.
        flag::register(number, Arc::clone(&came))?;
        Ok(Self { came, wake: signal(SignalKind::from_raw(number))? })
    }

    fn forget(&self) {
        self.came.store(false, Ordering::SeqCst);
    }

    /// Returns when it has come. Cancel-safe.
    async fn sent(&mut self) {
        while self.wake.recv().await.is_some() {
            if self.came.swap(false, Ordering::SeqCst) {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}

/// Whether SIGQUIT ends the process, as it does by itself; once for all desks of the process.
fn quits() -> io::Result<&'static AtomicBool> {
    static QUITS: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if QUITS.get().is_none() {
        let quits = Arc::new(AtomicBool::new(true));
        flag::register_conditional_default(SIGQUIT, Arc::clone(&quits))?;
        drop(QUITS.set(quits));
    }
    Ok(QUITS.get().expect("it was set above"))
}

/// The signals that end the desk, and the one after which it must draw itself anew.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: KeySignal,
    hang_up: Signal,
    stop: KeySignal,
    continued: Signal,
    quits: &'static AtomicBool,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: KeySignal::listen(SIGINT)?,
            hang_up: signal(SignalKind::hangup())?,
            stop: KeySignal::listen(SIGTSTP)?,
            continued: signal(SignalKind::from_raw(SIGCONT))?,
            quits: quits()?,
        })
    }

    /// From here on Ctrl-C, Ctrl-Z and Ctrl-\ are pressed in another program, and meant for it alone: some have them as
    /// keys of their own. The system sends their signals to everybody on the terminal all the same.
    ///
    /// SIGQUIT is otherwise left to the system: where the desk reads the keys there is none for it, and whoever sends it
    /// wants to look at a desk that hangs, or to be rid of it.
    pub(super) fn keys_are_of_another(&self) {
        self.quits.store(false, Ordering::SeqCst);
    }

    /// From here on they are keys of the desk. What came before is forgotten.
    pub(super) fn keys_are_ours(&self) {
        self.interrupt.forget();
        self.stop.forget();
        self.quits.store(true, Ordering::SeqCst);
    }

    /// The next signal. Cancel-safe.
    pub(super) async fn next(&mut self) -> Happening {
        tokio::select! {
            _ = self.terminate.recv() => Happening::Ended(Exit::Terminated),
            () = self.interrupt.sent() => Happening::Ended(Exit::Interrupted),
            _ = self.hang_up.recv() => Happening::Ended(Exit::TerminalLost),
            () = self.stop.sent() => Happening::Stopped,
            _ = self.continued.recv() => Happening::Continued,
        }
    }
}

/// What the loop waited for.
pub(super) enum Happening {
    Read(Option<io::Result<Read>>),
    Outcome(Option<Msg>),
    Changes,
    Feed(FeedItem),
    Tick,
    Look,
    Draw,
    /// Nothing happens, and there is work to do.
    Idle,
    HungUp,
    Ended(Exit),
    Stopped,
    Continued,
}

impl Happening {
    /// Whether it is something to be shown.
    pub(super) fn is_news(&self) -> bool {
        match self {
            Self::Read(_) | Self::Outcome(_) | Self::Changes | Self::Feed(_) | Self::Tick => true,
            Self::Look | Self::Draw | Self::Idle | Self::HungUp | Self::Ended(_) | Self::Stopped | Self::Continued => {
                false
            }
        }
    }
}

/// The next thing the observer reads. Cancel-safe.
pub(super) async fn next_item(observer: Option<&mut Observer>) -> FeedItem {
    match observer {
        Some(observer) => match observer.recv().await {
            Ok(event) => FeedItem::Event(event),
            Err(instead) => FeedItem::Instead(instead),
        },
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use signal_hook::low_level::raise;

    use super::*;

    #[tokio::test]
    async fn what_was_pressed_in_another_program_is_forgotten_before_anybody_was_woken() {
        let mut signals = Signals::listen().unwrap();
        signals.keys_are_of_another();
        for number in [SIGINT, SIGTSTP, SIGQUIT] {
            raise(number).unwrap();
        }
        signals.keys_are_ours();
        // Behind everything that is forgotten.
        raise(SIGCONT).unwrap();
        assert!(matches!(signals.next().await, Happening::Continued));
        raise(SIGINT).unwrap();
        assert!(matches!(signals.next().await, Happening::Ended(Exit::Interrupted)));
    }
}
