//! The last verbs that were called, from whatever source, for somebody who debugs a flow by hand.
//!
//! A bounded memory of what was asked and what came of it. It is no record: nothing is decided by it, and it is gone
//! with the registry.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::BranchError;
use crate::domain::{
    AnsweredBy, CancelError, CancelReason, QueryId, ReleaseError, ResumeError, ResumeOutcome, ResumePayload, SessionId,
    SpawnError, StateName, Timestamp,
};

/// Calls of each kind, taken and refused, that are kept: some screens full. Apart, so that a flood of answers does not
/// wash away the one that was refused.
const KEPT: usize = 256;

/// Bytes of an answer that are kept with its call.
const TEXT_BYTES: usize = 256;

/// A verb that was called, with what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its number among all calls, from 1.
    pub n: u64,
    /// When it came back.
    pub at: Timestamp,
    /// The session it was about, if there was one.
    pub session: Option<SessionId>,
    /// What was called.
    pub verb: Verb,
    /// How long it took.
    pub latency: Duration,
}

/// The verbs that change something, with their arguments and outcomes.
#[derive(Debug, Clone, PartialEq)]
pub enum Verb {
    /// A session was to be started.
    Spawn {
        /// What people call it.
        title: String,
        /// Whether it is held before its first instruction.
        held: bool,
        /// What came of it.
        outcome: Result<(), SpawnError>,
    },
    /// Queries were to be answered.
    Resume {
        /// How many answers the payload had.
        answers: usize,
        /// The query of the first.
        query: Option<QueryId>,
        /// Who answered.
        by: Option<AnsweredBy>,
        /// The pause it was meant for.
        epoch: Option<u32>,
        /// The beginning of the first text.
        text: Arc<str>,
        /// What came of it.
        outcome: Result<ResumeOutcome, ResumeError>,
    },
    /// A session was to be cancelled.
    Cancel {
        /// Why.
        reason: CancelReason,
        /// The state it was in then, and whether this cancel did it.
        outcome: Result<(StateName, CancelEffect), CancelError>,
    },
    /// A held session was to begin.
    Release {
        /// What came of it.
        outcome: Result<(), ReleaseError>,
    },
    /// A session was to be gone on from, at an earlier question.
    Branch {
        /// Whether the new session takes its place: a rewind, else a fork.
        rewinds: bool,
        /// The query that is open again.
        at: QueryId,
        /// The new session.
        outcome: Result<SessionId, BranchError>,
    },
    /// Ended sessions are to be collected.
    Collect {
        /// How long they must have been idle.
        ttl: Duration,
        /// How often they are looked for.
        interval: Duration,
    },
}

/// What a cancel did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelEffect {
    /// It ended the session.
    Ended,
    /// The session had ended before.
    Nothing,
}

impl Verb {
    /// The arguments of a `resume`, before the payload is given away.
    pub(super) fn resume(payload: &ResumePayload) -> Self {
        let answers = payload.answers();
        let first = answers.first();
        let text = first.map_or_else(|| Arc::from(""), |answer| shortened(&answer.response));
        Self::Resume {
            answers: answers.len(),
            query: first.map(|answer| answer.query_id),
            by: first.map(|answer| answer.by.clone()),
            epoch: first.and_then(|answer| answer.epoch),
            text,
            outcome: Ok(ResumeOutcome::Continued),
        }
    }

    /// Its name in the contract.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Spawn { .. } => "spawn",
            Self::Resume { .. } => "resume",
            Self::Cancel { .. } => "cancel",
            Self::Release { .. } => "release",
            Self::Branch { rewinds: true, .. } => "rewind",
            Self::Branch { rewinds: false, .. } => "fork",
            Self::Collect { .. } => "collect",
        }
    }

    /// Why it was refused, if it was.
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::Spawn { outcome, .. } => outcome.as_ref().err().map(ToString::to_string),
            Self::Resume { outcome, .. } => outcome.as_ref().err().map(ToString::to_string),
            Self::Cancel { outcome, .. } => outcome.as_ref().err().map(ToString::to_string),
            Self::Release { outcome } => outcome.as_ref().err().map(ToString::to_string),
            Self::Branch { outcome, .. } => outcome.as_ref().err().map(ToString::to_string),
            Self::Collect { .. } => None,
        }
    }
}

/// A text as far as it is kept; a short one is shared.
fn shortened(text: &Arc<str>) -> Arc<str> {
    if text.len() <= TEXT_BYTES { Arc::clone(text) } else { Arc::from(&text[..text.floor_char_boundary(TEXT_BYTES)]) }
}

/// The memory of calls.
#[derive(Debug, Default)]
pub(super) struct CallLog(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    last: u64,
    taken: VecDeque<Arc<Call>>,
    refused: VecDeque<Arc<Call>>,
}

impl CallLog {
    pub(super) fn note(&self, at: Timestamp, session: Option<SessionId>, verb: Verb, latency: Duration) {
        let is_refused = verb.refusal().is_some();
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.last += 1;
        let call = Arc::new(Call { n: log.last, at, session, verb, latency });
        let list = if is_refused { &mut log.refused } else { &mut log.taken };
        list.push_back(call);
        let oldest = if list.len() > KEPT { list.pop_front() } else { None };
        drop(log);
        drop(oldest);
    }

    /// Every call that is kept, the oldest first.
    pub(super) fn all(&self) -> Vec<Arc<Call>> {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Arc<Call>> = log.taken.iter().chain(&log.refused).cloned().collect();
        drop(log);
        all.sort_by_key(|call| call.n);
        all
    }
}
