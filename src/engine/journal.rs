//! The port behind which every record of every session is kept.
//!
//! The in-memory implementation is [`MemoryJournal`](super::MemoryJournal). What a crash means is said at each method.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{EventRef, Performed, Read, Turn};
use crate::domain::{Seq, Session, SessionId, SessionSpec, Timestamp};

/// One record of a session, in the order it was made.
#[derive(Debug, Clone)]
pub enum Record {
    /// The session was made.
    Spawned {
        /// What it was made of.
        spec: Arc<SessionSpec>,
        /// When.
        at: Timestamp,
    },
    /// Something happened.
    Turn(Turn),
    /// Its program got to see something of the world outside.
    Read(Read),
    /// An effect was performed and its program is about to get the result.
    Performed(Performed),
}

/// Whether somebody waits for the records to be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A spawn, an answer, a cancel: acknowledged once it is durable. A crash before that means it never happened.
    Acknowledged,
    /// What a program derives from such inputs: written behind them, in order. A crash may lose it; a replay derives
    /// it again with the same `seq`.
    Derived,
}

/// Why the journal could not write or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JournalError(pub String);

/// What a journal says, now or later.
#[derive(Debug)]
pub enum Reply<T> {
    /// Now.
    Ready(Result<T, JournalError>),
    /// Once its writer or reader has come to it.
    Later(oneshot::Receiver<Result<T, JournalError>>),
}

impl<T> Reply<T> {
    /// Waits for the reply. Cancel-safe: a reply that was not waited for to the end is still under way.
    ///
    /// # Errors
    /// What the journal says; also when it is gone.
    pub async fn get(&mut self) -> Result<T, JournalError>
    where
        T: Clone,
    {
        if let Self::Later(receiver) = self {
            let result = receiver.await.unwrap_or_else(|_| Err(JournalError("the journal is gone".into())));
            *self = Self::Ready(result);
        }
        match self {
            Self::Ready(result) => result.clone(),
            Self::Later(_) => unreachable!("it was awaited above"),
        }
    }
}

/// A stretch of a session's events.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The first and the last of the events that are no longer kept, where the stretch begins with such.
    pub gap: Option<(Seq, Seq)>,
    /// The events behind the gap, each with the next number.
    pub events: Vec<EventRef>,
}

/// Keeps the records of sessions.
pub trait Journal: Send + Sync + 'static {
    /// Takes records of one session, behind everything it took of that session before. All of them or none.
    ///
    /// A crash leaves the records of the calls up to some point and nothing of the later ones. An `Err` means that
    /// none of them is kept, now or after a crash.
    fn append(&self, session: SessionId, records: &[Record], durability: Durability) -> Reply<()>;

    /// Reads at most `max` events from number `from` on. An empty page with no gap means there are none yet.
    fn events(&self, session: SessionId, from: Seq, max: usize) -> Reply<Page>;

    /// Takes over a session that has ended and is no longer kept in memory by the engine.
    fn retire(&self, session: Arc<Session>);

    /// A session that was taken over, if it was and has not been pruned.
    fn retired(&self, session: SessionId) -> Option<Arc<Session>>;

    /// Every session that was taken over.
    fn all_retired(&self) -> Vec<Arc<Session>>;
}
