//! What the desk is opened with, and how it ends.

use std::io;
use std::sync::Arc;

use super::keymap::Keymap;
use super::opening::Opening;
use super::outside::{Drafts, Keeper};
use super::programs::Programs;
use super::standing::Stand;
use super::theme::Look;
use crate::config::DeskSettings;
use crate::engine::{Clock, Draft, Entropy};

/// What the desk needs from outside.
pub struct TuiOptions {
    /// How it looks.
    pub look: Look,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives the random bits that make answer ids unique.
    pub entropy: Arc<dyn Entropy>,
    /// What the person wants.
    pub settings: DeskSettings,
    /// What the keys are.
    pub keymap: Keymap,
    /// Reads programs to start.
    pub programs: Arc<dyn Programs>,
    /// Drafts answers, if somebody is configured to.
    pub drafts: Option<Arc<dyn Drafts>>,
    /// Keeps sessions and drafts beyond the desk; without one they end with it.
    pub keeper: Option<Arc<dyn Keeper>>,
    /// What was typed before and not sent.
    pub unsent: Vec<Draft>,
    /// What should be known of how it was started, a line each.
    pub notices: Vec<String>,
    /// What it is opened for, and how far that is.
    pub opening: Arc<Opening>,
    /// Where the person stood in a desk before, if this one takes its place.
    pub stand: Option<Stand>,
}

/// Why the desk ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// The person quit.
    Quit,
    /// SIGINT asked for it.
    Interrupted,
    /// SIGTERM asked for it.
    Terminated,
    /// The terminal is gone, or SIGHUP said so.
    TerminalLost,
    /// What another process kept is free, and the person does nothing at the moment: a desk opened now has it, and
    /// should be as this one was.
    KeptIsFree(Box<Stand>),
}

/// Why there is no desk, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// The terminal could not be taken.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[source] io::Error),
    /// Signals cannot be listened to.
    #[error("signals cannot be listened to: {0}")]
    Signals(#[source] io::Error),
}
