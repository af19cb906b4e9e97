//! What there is to know of a session beside its summary: the end of its log, who reads it, what of its cancels came too late, and why it
//! is or is not to be collected. Read-only, for whoever debugs a flow.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::{CancelReason, LogLine};

/// Cancels that came too late and are kept with a session: the first few tell the story.
pub(super) const IGNORED_KEPT: usize = 16;

/// What there is to know of a session beside its [`Summary`](super::Summary).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The last lines of its program's log, oldest first: twenty at most.
    pub log: Arc<VecDeque<LogLine>>,
    /// How many observers read it now.
    pub observers: usize,
    /// The first cancels that changed nothing since it had ended, oldest first. Forgotten when it is evicted.
    pub ignored_cancels: Vec<CancelReason>,
    /// How many there were.
    pub ignored: u64,
    /// Whether it is to be collected.
    pub retention: Retention,
}

/// Why a session is or is not to be collected, by the rule of the sweeps. Every time is in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// It has not ended: never.
    Live,
    /// So many observers read it.
    Observed(usize),
    /// It has ended, and nothing collects.
    NoSweeps,
    /// It has not been idle for long enough.
    Young {
        /// How long it has been.
        idle_ms: u64,
        /// How long it must be.
        ttl_ms: u64,
    },
    /// The next sweep, one `interval_ms` after the last, takes it.
    Due {
        /// How often sweeps come.
        interval_ms: u64,
    },
    /// It was evicted; the journal answers for it.
    Evicted,
}
