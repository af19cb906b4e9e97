//! The port behind which every record of every session is kept.
//!
//! The in-memory implementation is [`MemoryJournal`](super::MemoryJournal). What a crash means is said at each method.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::{EventRef, JournalFigures, Performed, Presence, Seen, Turn};
use crate::domain::{ExecutionState, QueryId, Seq, Session, SessionId, SessionSpec, Timestamp};

/// One record of a session, in the order it was made.
#[derive(Debug, Clone)]
pub enum Record {
    /// The session was made.
    Spawned {
        /// What it was made of.
        spec: Arc<SessionSpec>,
        /// When.
        at: Timestamp,
        /// The version of what runs its program: see [`VmFactory::version`](super::VmFactory::version).
        engine: Arc<str>,
    },
    /// Something happened.
    Turn(Turn),
    /// Its program got to see something of the world outside.
    Read(Seen),
    /// An effect was performed and its program is about to get the result.
    Performed(Performed),
    /// Its program is about to be run again from its record, after the process that ran it has ended.
    Resumed {
        /// Whether that process had not ended in order.
        unclean: bool,
        /// When.
        at: Timestamp,
    },
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

/// How long a reply is looked for before its task sleeps: as long as a commit takes on a fast disk, and some more.
const SOON: Duration = Duration::from_micros(300);

impl Reply<()> {
    /// The same, where few others wait for anything: looks for the reply for a moment before it sleeps. To wake a thread
    /// for it would take half as long as the commit. Whatever else there is to do goes first.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub(super) async fn get_soon(&mut self) -> Result<(), JournalError> {
        let mut began = None;
        while let Self::Later(receiver) = self
            && began.get_or_insert_with(Instant::now).elapsed() < SOON
        {
            match receiver.try_recv() {
                Ok(result) => *self = Self::Ready(result),
                Err(oneshot::error::TryRecvError::Empty) => tokio::task::yield_now().await,
                Err(oneshot::error::TryRecvError::Closed) => break,
            }
        }
        self.get().await
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

impl Page {
    /// The page of at most `max` events from number `from` on. `events` are those that are kept from there on, in order.
    pub fn of(events: impl IntoIterator<Item = EventRef>, from: Seq, max: usize) -> Self {
        let mut page = Self::default();
        for event in events.into_iter().take(max) {
            let expected = page.events.last().map_or(from, |last| last.seq + 1);
            match event.seq {
                seq if seq == expected => page.events.push(event),
                seq if page.events.is_empty() => {
                    page.gap = Some((from, seq - 1));
                    page.events.push(event);
                }
                _ => break,
            }
        }
        page
    }
}

/// Some sessions of a journal, in the order of their birth.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StoredPage {
    /// Behind which place the next page begins; `None`: there are no more.
    pub last: Option<u64>,
    /// The sessions.
    pub sessions: Vec<Stored>,
    /// Those whose records are damaged, each with the reason in a line.
    pub damaged: Vec<(SessionId, JournalError)>,
}

/// A session as the journal has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its place among all sessions in the order of their birth.
    pub place: u64,
    /// What its events amount to.
    pub session: Arc<Session>,
    /// How often its program was run again after an unclean end since it last paused.
    pub attempts: u32,
    /// Of one that is [suspended](Self::is_suspended), whether nothing was recorded of it since the journal was opened for
    /// writing last; in one that nobody writes now, always. Of every other, always.
    pub rests: bool,
}

impl Stored {
    /// Whether its program is not run again by itself: it computed as the process went down, twice. Of a session that
    /// somebody else may run, together with [`rests`](Self::rests).
    pub fn is_suspended(&self) -> bool {
        // One that waits for its children computed nothing as the process went down.
        self.attempts > 0 && matches!(self.session.state(), ExecutionState::Running { waiting_on: None })
    }
}

/// A text that somebody has typed for a query and not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The session.
    pub session: SessionId,
    /// The query it was meant for.
    pub query: QueryId,
    /// What was typed.
    pub text: Arc<str>,
}

/// Keeps the records of sessions.
///
/// What is asked for by number or by page is told now or later; what is asked for of one session by its id is told at
/// once, from memory or a short read.
pub trait Journal: Send + Sync + 'static {
    /// Takes records of one session, behind everything it took of that session before. All of them or none.
    ///
    /// A crash leaves the records of the calls up to some point and nothing of the later ones. An `Err` means that
    /// none of them is kept, now or after a crash. What is [derived](Durability::Derived) may be `Ready` before it is
    /// durable; where it is told `Later`, the journal is behind, and the session is not stepped until it has been.
    fn append(&self, session: SessionId, records: &[Record], durability: Durability) -> Reply<()>;

    /// Reads at most `max` events from number `from` on. An empty page with no gap means there are none yet.
    fn events(&self, session: SessionId, from: Seq, max: usize) -> Reply<Page>;

    /// Every record of a session, in order, from [`Record::Spawned`] on, also those that are not durable yet. `None` of
    /// a session of which none or not all are kept.
    fn records(&self, session: SessionId) -> Reply<Option<Arc<[Record]>>>;

    /// Takes over a session that is no longer kept in memory by the engine: one that has ended, or one that waits and
    /// sleeps. What it amounts to follows from its records; this saves folding them.
    fn retire(&self, session: Arc<Session>);

    /// A session that was taken over, or that another process has recorded; if there is one and it was not removed.
    fn retired(&self, session: SessionId) -> Option<Arc<Session>>;

    /// Every session for which [`retired`](Self::retired) answers and that has ended.
    fn all_retired(&self) -> Vec<Arc<Session>>;

    /// At most `max` sessions that stood in the journal as it was opened, in the order of their birth, behind `place`
    /// (0: from the first on). One that is damaged is named, and is in nobody's way.
    fn stored(&self, behind: u64, max: usize) -> Reply<Arc<StoredPage>>;

    /// A session that stands in the journal, if it does.
    fn stored_one(&self, session: SessionId) -> Reply<Option<Stored>>;

    /// How many sessions [`stored`](Self::stored) gives in all.
    fn stored_count(&self) -> Reply<usize>;

    /// Whether sessions are found here again after the process has ended: then its end does not end them.
    fn outlives_the_process(&self) -> bool;

    /// Of a journal that this process only reads, where its sessions are, [`Presence::Elsewhere`] or
    /// [`Presence::ReadOnly`]: nothing is done to them here.
    fn watched(&self) -> Option<Presence> {
        None
    }

    /// Whether the process that wrote here before this one had ended in order.
    fn was_closed(&self) -> bool;

    /// Keeps what is typed for a query in place of what was kept for it; `None`: nothing any more. Never waits. A crash
    /// may lose the last second of it.
    fn keep_draft(&self, session: SessionId, query: QueryId, text: Option<Arc<str>>);

    /// The drafts that are kept.
    fn drafts(&self) -> Reply<Arc<[Draft]>>;

    /// Why nothing can be recorded at the moment, if that is so: one line for people.
    fn trouble(&self) -> Option<String>;

    /// How it keeps up; `None` of one that writes no disk. Never waits.
    fn figures(&self) -> Option<JournalFigures> {
        None
    }

    /// Makes everything durable that was taken, and notes that this process ends in order. Nothing is taken afterwards.
    fn close(&self) -> Reply<()>;
}
