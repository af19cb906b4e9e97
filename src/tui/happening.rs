//! What the loop waits for: the terminal, signals, what the engine has, and time.
//!
//! Values only, and how the next of them is waited for; what is done then is the loop's.

use std::io;

use futures::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::msg::{FeedItem, Msg};
use super::options::Exit;
use super::terminal::Read;
use crate::engine::Observer;

/// The signals that end the desk, and the one after which it must draw itself anew.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    stop: Signal,
    continued: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            stop: signal(SignalKind::from_raw(signal_hook::consts::SIGTSTP))?,
            continued: signal(SignalKind::from_raw(signal_hook::consts::SIGCONT))?,
        })
    }

    /// Forgets Ctrl-C and Ctrl-Z that were pressed while another program had the terminal: they were meant for that.
    pub(super) fn forget_keys(&mut self) {
        for signal in [&mut self.interrupt, &mut self.stop] {
            while signal.recv().now_or_never().flatten().is_some() {}
        }
    }

    /// The next signal. Cancel-safe.
    pub(super) async fn next(&mut self) -> Happening {
        tokio::select! {
            _ = self.terminate.recv() => Happening::Ended(Exit::Terminated),
            _ = self.interrupt.recv() => Happening::Ended(Exit::Interrupted),
            _ = self.hang_up.recv() => Happening::Ended(Exit::TerminalLost),
            _ = self.stop.recv() => Happening::Stopped,
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
