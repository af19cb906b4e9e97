//! The journal on disk: SQLite behind the engine's [`Journal`] port.
//!
//! One file in WAL mode with `synchronous=FULL`, one writer that commits everything that waits as one
//! transaction, and readers on connections of their own. An append is one row with a checksum; rows are
//! only ever added at the end of their table, so that a crash leaves a prefix of what was appended. What stands there
//! is MessagePack with named fields, long texts once for all sessions.
//!
//! - **Who writes** holds an advisory lock; everybody else reads, also meanwhile, and is told who has it. So does who may
//!   not write where the file lies.
//! - **Trouble**: while nothing can be written, appends that are waited for are refused, what is derived waits up to a
//!   bound, and [`Journal::trouble`] says why.
//! - **Damage**: a damaged file is left as it is, and what is intact in it is salvaged into a new one, which
//!   takes its place from then on.
//! - **Retention**: see [`Retention`].
//!
//! What is deliberately absent: what a record means. The engine replays; here a session is only folded.

mod figures;
mod kept;
mod lock;
mod opening;
mod place;
mod queue;
mod reader;
mod reading;
mod reads;
mod retention;
mod row;
mod salvage;
mod schema;
mod share;
mod texts;
mod whole;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use self::lock::Lock;
use self::queue::{Job, Queue};
use self::reader::Reader;
use self::reading::{Readers, Reading};
use self::row::Row;
use crate::domain::{QueryId, Seq, Session, SessionId};
use crate::engine::{
    Draft, Durability, Journal, JournalError, JournalFigures, Page, Presence, Record, Reply, Stored, StoredPage, Turn,
};

pub use opening::{OpenError, Opened, Refused};
pub use place::Unwritable;
pub use reading::News;
pub use retention::{Removed, Retention};

/// A journal in a file.
pub struct SqliteJournal {
    /// What it was asked for as: a file, or what leads to it.
    called: PathBuf,
    /// The file that was asked for: whoever writes has its lock.
    asked: PathBuf,
    /// The file that is read and written.
    path: PathBuf,
    access: Access,
    readers: Arc<Readers>,
    /// For what is told at once.
    direct: Mutex<Reader>,
    was_closed: bool,
    notice: Option<String>,
}

/// What this process does with a journal.
enum Access {
    Writes(Writing),
    /// With the threads that read.
    Reads(Reads, Vec<JoinHandle<()>>),
}

/// Why a journal is only read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    /// Nothing else was asked for.
    Asked,
    /// Another process had its lock.
    Held,
    /// The system does not let this process write it.
    ReadOnly,
}

/// What a journal that is written has.
struct Writing {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
    locks: Vec<Lock>,
}

impl std::fmt::Debug for SqliteJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteJournal").field("path", &self.path).field("reads", &self.reads()).finish_non_exhaustive()
    }
}

impl SqliteJournal {
    fn writing(&self) -> Option<&Writing> {
        match &self.access {
            Access::Writes(writing) => Some(writing),
            Access::Reads(..) => None,
        }
    }

    fn reads(&self) -> Option<Reads> {
        match self.access {
            Access::Writes(_) => None,
            Access::Reads(why, _) => Some(why),
        }
    }

    /// The file that is really read and written: the one that was asked for, or the newest that was salvaged from it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What a person should be told of how it was opened: that the file is damaged, and what takes its place.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// The ids of all sessions, in the order of their birth. It reads at once, and nothing else of them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn ids(&self) -> Result<Vec<SessionId>, JournalError> {
        self.direct().ids()
    }

    /// Lets log lines go for which it is time, of a few sessions; see [`Retention`]. Never waits.
    pub fn prune(&self, retention: Retention) {
        if let Some(writing) = self.writing() {
            // A journal that is closed lets nothing go.
            let _ = writing.queue.add(Job::Prune(retention));
        }
    }

    /// Removes those of `sessions` that have ended, with everything that is kept of them. What a session has forked has
    /// ended with what stands at the top of its family, and stays until then.
    pub fn remove(&self, sessions: Vec<SessionId>) -> Reply<Removed> {
        self.later(|word| Job::Remove(sessions, word))
    }

    /// What was recorded since `last`, by whoever writes: a few hundred sessions of it, and who asks again is told the
    /// next. Before there was a last look, nothing but where the end is.
    pub fn news(&self, last: &News) -> Reply<News> {
        self.behind_everything(|word| Reading::News(News { sessions: Vec::new(), ..last.clone() }, word))
    }

    /// Asks the writer for something.
    fn later<T>(&self, job: impl FnOnce(queue::Word<T>) -> Job) -> Reply<T> {
        let Some(writing) = self.writing() else { return Reply::Ready(Err(self.not_ours())) };
        let (word, reply) = oneshot::channel();
        match writing.queue.add(job(word)) {
            Ok(()) => Reply::Later(reply),
            Err(_) => Reply::Ready(Err(JournalError("the journal is closed".into()))),
        }
    }

    /// Reads something, behind everything that waits to be written.
    fn behind_everything<T>(&self, reading: impl FnOnce(queue::Word<T>) -> Reading) -> Reply<T> {
        let (word, reply) = oneshot::channel();
        let reading = reading(word);
        match self.writing() {
            None => self.readers.add(reading),
            Some(writing) => {
                // After it was closed, everything is written.
                if let Err(Job::Read(reading)) = writing.queue.add(Job::Read(reading)) {
                    self.readers.add(reading);
                }
            }
        }
        Reply::Later(reply)
    }

    fn not_ours(&self) -> JournalError {
        if let Some(holder) = self.holder() {
            let called = if self.path == self.asked { &self.called } else { &self.path };
            return JournalError(format!("{holder} has the journal; here {} can only be read", called.display()));
        }
        JournalError(match self.unwritable() {
            Some(why) => why.to_string(),
            None => "nobody has the journal any more; open it again to have it".to_owned(),
        })
    }

    /// Whether it could not be had for writing as it was opened here, and now can: opened again, it is written.
    pub fn is_free(&self) -> bool {
        match self.reads() {
            None | Some(Reads::Asked) => false,
            // While one follows another, this one reads on as that one did.
            Some(Reads::Held) => self.holder().is_none(),
            Some(Reads::ReadOnly) => self.holder().is_none() && self.unwritable().is_none(),
        }
    }

    /// Who writes it, of a journal that is only read, if anybody does.
    pub fn holder(&self) -> Option<String> {
        match self.reads()? {
            Reads::Asked => Some("another process".to_owned()),
            Reads::Held | Reads::ReadOnly => lock::holder(&self.asked).or_else(|| lock::holder(&self.path)),
        }
    }

    /// Why the system does not let it be written, if so.
    fn unwritable(&self) -> Option<Unwritable> {
        unwritable(&self.called, &self.asked, &self.path)
    }

    fn direct(&self) -> MutexGuard<'_, Reader> {
        let mut reader = self.direct.lock().unwrap_or_else(PoisonError::into_inner);
        reader.look();
        reader
    }
}

impl Journal for SqliteJournal {
    fn append(&self, session: SessionId, records: &[Record], durability: Durability) -> Reply<()> {
        let Some(writing) = self.writing() else { return Reply::Ready(Err(self.not_ours())) };
        let row = match Row::of(session, records) {
            Ok(row) => row,
            Err(why) => return Reply::Ready(Err(JournalError(format!("it has no stored form: {why}")))),
        };
        let turn = if durability == Durability::Derived { one_turn(records) } else { None };
        writing.queue.append(session, row, turn, durability)
    }

    fn events(&self, session: SessionId, from: Seq, max: usize) -> Reply<Page> {
        let unwritten = self.writing().map_or_else(Vec::new, |writing| writing.queue.unwritten(session));
        let (word, reply) = oneshot::channel();
        self.readers.add(Reading::Events { session, from, max, unwritten, word });
        Reply::Later(reply)
    }

    fn records(&self, session: SessionId) -> Reply<Option<Arc<[Record]>>> {
        self.behind_everything(|word| Reading::Records(session, word))
    }

    fn retire(&self, session: Arc<Session>) {
        if let Some(writing) = self.writing() {
            // After it was closed, its records say the same.
            let _ = writing.queue.add(Job::Retire(session));
        }
    }

    fn retired(&self, session: SessionId) -> Option<Arc<Session>> {
        let retiring = self.writing().and_then(|writing| writing.queue.retiring(session));
        // What cannot be read is told where it is noticed; here it is as if it were not there.
        retiring.or_else(|| self.direct().session(session).ok().flatten())
    }

    fn all_retired(&self) -> Vec<Arc<Session>> {
        let retiring = self.writing().map_or_else(Vec::new, |writing| writing.queue.all_retiring());
        let mut sessions = self.direct().ended().unwrap_or_default();
        let stored: std::collections::HashSet<SessionId> = sessions.iter().map(|session| session.id()).collect();
        let new = retiring.into_iter().filter(|it| it.state().is_ended() && !stored.contains(&it.id()));
        sessions.extend(new);
        sessions
    }

    fn stored(&self, behind: u64, max: usize) -> Reply<Arc<StoredPage>> {
        self.behind_everything(|word| Reading::Stored { behind, max, word })
    }

    fn stored_one(&self, session: SessionId) -> Reply<Option<Stored>> {
        self.behind_everything(|word| Reading::StoredOne(session, word))
    }

    fn stored_count(&self) -> Reply<usize> {
        self.behind_everything(Reading::StoredCount)
    }

    fn outlives_the_process(&self) -> bool {
        true
    }

    fn watched(&self) -> Option<Presence> {
        Some(match self.reads()? {
            Reads::Asked | Reads::Held => Presence::Elsewhere,
            Reads::ReadOnly => Presence::ReadOnly,
        })
    }

    fn was_closed(&self) -> bool {
        self.was_closed
    }

    fn keep_draft(&self, session: SessionId, query: QueryId, text: Option<Arc<str>>) {
        if let Some(writing) = self.writing() {
            writing.queue.type_in(session, query, text);
        }
    }

    fn drafts(&self) -> Reply<Arc<[Draft]>> {
        self.behind_everything(Reading::Drafts)
    }

    fn trouble(&self) -> Option<String> {
        match self.writing() {
            None => Some(self.not_ours().0),
            Some(writing) => writing.queue.trouble(),
        }
    }

    fn figures(&self) -> Option<JournalFigures> {
        let figures = self.writing().map_or_else(JournalFigures::default, |writing| writing.queue.figures());
        Some(JournalFigures { bytes: figures::bytes(&self.path), ..figures })
    }

    fn close(&self) -> Reply<()> {
        if self.writing().is_none() {
            return Reply::Ready(Ok(()));
        }
        self.later(Job::Close)
    }
}

/// Why the system does not let a journal be written, that is called so: the file that was asked for, or the one that is read.
fn unwritable(called: &Path, asked: &Path, read: &Path) -> Option<Unwritable> {
    Unwritable::of_file(asked).map(|why| why.called(called)).or_else(|| Unwritable::of_file(read))
}

/// The events of an append as one turn.
fn one_turn(records: &[Record]) -> Option<Turn> {
    let mut turns = records.iter().filter_map(|record| match record {
        Record::Turn(turn) => Some(turn),
        _ => None,
    });
    let first = turns.next()?;
    match turns.next() {
        None => Some(first.clone()),
        Some(second) => {
            let events = [first, second].into_iter().chain(turns).flat_map(|turn| turn.iter().cloned());
            Turn::new(events.collect::<Vec<_>>())
        }
    }
}

/// Writes what waits, and ends the threads.
impl Drop for SqliteJournal {
    fn drop(&mut self) {
        if let Access::Writes(writing) = &mut self.access {
            writing.queue.let_go();
            // A writer that panicked has nothing more to write.
            let _ = writing.thread.take().map(JoinHandle::join);
        }
        self.readers.let_go();
        if let Access::Reads(_, threads) = &mut self.access {
            // Whoever opens it next may write: SQLite would have it share what these may only read.
            threads.drain(..).for_each(|thread| drop(thread.join()));
        }
    }
}
