//! Why a verb of the registry refused. Each is one clear line.

use serde::Serialize;

use super::{AnsweredBy, InvalidSpec, QueryId, Seq, SessionId, StateName};

/// Why no session was started.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpawnError {
    /// The spec cannot be run.
    #[error("invalid spec: {0}")]
    InvalidSpec(#[from] InvalidSpec),
    /// The engine could not start it.
    #[error("engine: {0}")]
    Engine(String),
}

/// Why there is no state to show.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
pub enum StateError {
    /// No session ever had this id, or it was pruned.
    #[error("session {0} not found")]
    NotFound(SessionId),
}

/// Why an answer was not taken. The first that applies, in this order; nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum ResumeError {
    /// The payload itself makes no sense: an empty batch, an id twice, a text over the limit.
    #[error("invalid payload: {why}")]
    InvalidPayload {
        /// What is wrong with it.
        why: String,
    },
    /// No session ever had this id, or it was pruned.
    #[error("session {session} not found")]
    NotFound {
        /// The id.
        session: SessionId,
    },
    /// The session was cancelled.
    #[error("the session is already cancelled")]
    AlreadyCancelled,
    /// Somebody was first.
    #[error("{id} is already answered by {by}")]
    AlreadyAnswered {
        /// The query.
        id: QueryId,
        /// Who was first.
        by: AnsweredBy,
    },
    /// The answer was meant for another pause or another prompt.
    #[error("stale answer: meant for {given}, the session is at {expected}")]
    Stale {
        /// What the session is at.
        expected: String,
        /// What the answer was meant for.
        given: String,
    },
    /// The session waits for nothing.
    #[error("not paused: {actual}")]
    NotPaused {
        /// The state it is in.
        actual: StateName,
    },
    /// The pause has no such query.
    #[error("unknown query {id}; waiting for {}", list(pending))]
    UnknownQuery {
        /// The id given.
        id: QueryId,
        /// The queries that wait.
        pending: Vec<QueryId>,
    },
    /// The answer could not be made durable, so it was not taken.
    #[error("not recorded: {cause}")]
    NotRecorded {
        /// Why.
        cause: String,
    },
}

/// Why a cancel was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum CancelError {
    /// No session ever had this id, or it was pruned.
    #[error("session {session} not found")]
    NotFound {
        /// The id.
        session: SessionId,
    },
    /// The cancel could not be made durable, so it was not taken.
    #[error("not recorded: {cause}")]
    NotRecorded {
        /// Why.
        cause: String,
    },
}

/// Why a session was not let go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum ReleaseError {
    /// No session ever had this id, or it was pruned.
    #[error("session {session} not found")]
    NotFound {
        /// The id.
        session: SessionId,
    },
    /// It was not held: it has begun, or ended.
    #[error("not held: {actual}")]
    NotHeld {
        /// The state it is in.
        actual: StateName,
    },
}

/// Why there is nothing to observe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
pub enum ObserveError {
    /// No session ever had this id, or it was pruned.
    #[error("session {0} not found")]
    NotFound(SessionId),
}

/// Why there is no end to wait for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
pub enum AwaitError {
    /// No session ever had this id, or it was pruned.
    #[error("session {0} not found")]
    NotFound(SessionId),
}

/// What an observer reads instead of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum ObserverRecvError {
    /// These events were pruned or dropped; reading goes on behind them.
    #[error("events {from} to {to} are no longer kept")]
    Gap {
        /// The first missing one.
        from: Seq,
        /// The last missing one.
        to: Seq,
    },
    /// The session has ended and its last event was read.
    #[error("closed: the session has ended")]
    Closed,
}

fn list(ids: &[QueryId]) -> String {
    const SHOWN: usize = 5;
    let shown = ids.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match ids.len() {
        0..=SHOWN => shown,
        n => format!("{shown} and {} more", n - SHOWN),
    }
}
