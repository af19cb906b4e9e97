//! The journal on disk: SQLite behind the engine's [`Journal`] port.
//!
//! One file in WAL mode with `synchronous=FULL`, one writer that commits everything that waits as one
//! transaction, and readers on connections of their own. An append is one row with a checksum; rows are
//! only ever added at the end of their table, so that a crash leaves a prefix of what was appended. What stands there
//! is MessagePack with named fields, long texts once for all sessions.
//!
//! - **Who writes** holds an advisory lock; everybody else reads, also meanwhile, and is told who has it.
//! - **Trouble**: while nothing can be written, appends that are waited for are refused, what is derived waits up to a
//!   bound, and [`Journal::trouble`] says why.
//! - **Damage**: a damaged file is left as it is, and what is intact in it is salvaged into a new one, which
//!   takes its place from then on.
//! - **Retention**: see [`Retention`].
//!
//! What is deliberately absent: what a record means. The engine replays; here a session is only folded.

mod figures;
mod lock;
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
mod writer;

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use self::lock::Lock;
use self::queue::{Job, Queue};
use self::reader::Reader;
use self::reading::{Readers, Reading};
use self::row::Row;
use self::schema::facts;
use self::writer::Writer;
use crate::domain::{QueryId, Seq, Session, SessionId};
use crate::engine::{
    Draft, Durability, Journal, JournalError, JournalFigures, Page, Record, Reply, Stored, StoredPage, Turn,
};

pub use reading::News;
pub use retention::{Removed, Retention};

/// Pages of the write-ahead log from which on they are moved into the file: 16 MB, so that a page that changes with
/// every commit is moved once for many of them.
const CHECKPOINT: i32 = 4000;

/// What the log may keep of its size when it is empty.
const LOG_BYTES: i64 = 64 << 20;

/// How long another program may keep the file locked before that is trouble. Nothing of this program does.
const BUSY: Duration = Duration::from_millis(250);

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{}: {refused}", path.display())]
pub struct OpenError {
    /// The file.
    pub path: PathBuf,
    /// What is the matter with it.
    pub refused: Refused,
}

/// What is the matter with a file.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// A newer version of this program wrote it.
    #[error(
        "the journal is of version {version}; this program reads up to version {}; use a newer one",
        schema::VERSION
    )]
    Newer {
        /// The version.
        version: i32,
    },
    /// It is something else.
    #[error("this file is no journal; give another one with --journal")]
    Foreign,
    /// Nothing can be read of it yet.
    #[error("there is no journal; nothing was recorded there")]
    Missing,
    /// It is damaged, and nothing was salvaged yet: opening it for writing does that.
    #[error("the journal is damaged; what is intact is saved by the next desk that opens it")]
    Damaged,
    /// The system says no.
    #[error("{0}; --journal FILE names another, --ephemeral keeps nothing")]
    Io(#[from] io::Error),
    /// SQLite says no.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
}

/// A journal that was opened.
#[derive(Debug)]
pub enum Opened {
    /// This process writes it.
    Writer(SqliteJournal),
    /// Another process writes it, so named: this one only reads.
    Reader(SqliteJournal, String),
}

/// A journal in a file.
pub struct SqliteJournal {
    path: PathBuf,
    /// Of a journal that is only read, none.
    writing: Option<Writing>,
    /// The file whose lock another process has, of a journal that is only read for that.
    held: Option<PathBuf>,
    readers: Arc<Readers>,
    /// For what is told at once.
    direct: Mutex<Reader>,
    was_closed: bool,
    notice: Option<String>,
}

/// What a journal that is written has.
struct Writing {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
    _locks: Vec<Lock>,
}

impl std::fmt::Debug for SqliteJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteJournal").field("path", &self.path).field("held", &self.held).finish_non_exhaustive()
    }
}

impl SqliteJournal {
    /// Opens the journal at `path` for writing, or for reading where another process writes it. Makes it where there is
    /// none. Where the file is damaged, what is intact of it is salvaged into a new one beside it, which is opened
    /// instead: see [`notice`](Self::notice).
    ///
    /// # Errors
    /// When the file is something else, or of a newer version, or the system says no. The file is left as it is.
    pub fn open(path: &Path) -> Result<Opened, OpenError> {
        let refuse = |refused| OpenError { path: path.to_owned(), refused };
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| refuse(error.into()))?;
        }
        let lock = match lock::take(path).map_err(|error| refuse(error.into()))? {
            Ok(lock) => lock,
            Err(holder) => {
                return Self::reader(path, Some(path.to_owned())).map(|reader| Opened::Reader(reader, holder));
            }
        };
        let mut locks = vec![lock];
        let (path, notice) = salvage::intact(path, &mut locks).map_err(refuse)?;
        let opened = Self::writer(path, locks, notice);
        opened.map(Opened::Writer).map_err(refuse)
    }

    /// Opens the journal at `path` for reading only, whoever writes it meanwhile.
    ///
    /// # Errors
    /// When there is none, or it is something else, or of a newer version.
    pub fn read(path: &Path) -> Result<Self, OpenError> {
        Self::reader(path, None)
    }

    fn reader(path: &Path, held: Option<PathBuf>) -> Result<Self, OpenError> {
        let path = salvage::newest(path);
        let refuse = |refused| OpenError { path: path.clone(), refused };
        if !path.exists() {
            return Err(refuse(Refused::Missing));
        }
        let readers = Arc::<Readers>::default();
        let open = || {
            let db = reader::connect(&path)?;
            if schema::check(&db)? == schema::Found::Empty {
                return Err(Refused::Missing);
            }
            let was_closed = facts::get(&db, facts::OPEN)?.is_none();
            Reader::start(&path, &readers, &Weak::new())?;
            Ok((Reader::open(&path, &readers, Weak::new())?, was_closed))
        };
        match open().map_err(|refused| salvage::named(refused, &path)) {
            Ok((direct, was_closed)) => {
                let direct = Mutex::new(direct);
                Ok(Self { path, writing: None, held, readers, direct, was_closed, notice: None })
            }
            Err(refused) => {
                readers.let_go();
                Err(refuse(refused))
            }
        }
    }

    fn writer(path: PathBuf, locks: Vec<Lock>, notice: Option<String>) -> Result<Self, Refused> {
        let (db, was_closed) = open_for_writing(&path)?;
        let (queue, readers) = (Arc::<Queue>::default(), Arc::<Readers>::default());
        let weak = Arc::downgrade(&queue);
        let open = || {
            let direct = Reader::open(&path, &readers, Weak::clone(&weak))?;
            Reader::start(&path, &readers, &weak)?;
            let writer = Writer::new(db, &path, Arc::clone(&queue), Arc::clone(&readers))?;
            let thread = std::thread::Builder::new().name("journal-write".into()).spawn(move || writer.run())?;
            Ok((direct, thread))
        };
        match open() {
            Ok((direct, thread)) => {
                let writing = Some(Writing { queue, thread: Some(thread), _locks: locks });
                let direct = Mutex::new(direct);
                Ok(Self { path, writing, held: None, readers, direct, was_closed, notice })
            }
            Err(refused) => {
                readers.let_go();
                Err(refused)
            }
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
        if let Some(writing) = &self.writing {
            // A journal that is closed lets nothing go.
            let _ = writing.queue.add(Job::Prune(retention));
        }
    }

    /// Removes those of `sessions` that have ended, with everything that is kept of them.
    pub fn remove(&self, sessions: Vec<SessionId>) -> Reply<Removed> {
        self.later(|word| Job::Remove(sessions, word))
    }

    /// What was recorded since `last`, by whoever writes; before there was a last look, nothing but where the end is.
    pub fn news(&self, last: &News) -> Reply<News> {
        self.behind_everything(|word| Reading::News(last.row, word))
    }

    /// Asks the writer for something.
    fn later<T>(&self, job: impl FnOnce(queue::Word<T>) -> Job) -> Reply<T> {
        let Some(writing) = &self.writing else { return Reply::Ready(Err(self.not_ours())) };
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
        match &self.writing {
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
        JournalError(match self.holder() {
            Some(holder) => format!("{holder} has the journal; here {} can only be read", self.path.display()),
            None => "nobody has the journal any more; open it again to have it".to_owned(),
        })
    }

    /// Whether another process had it as it was opened here, and nobody has it now.
    pub fn is_free(&self) -> bool {
        self.held.is_some() && self.holder().is_none()
    }

    /// Who writes it, of a journal that is only read, if anybody does.
    fn holder(&self) -> Option<String> {
        match &self.held {
            Some(path) => lock::holder(path),
            None => Some("another process".to_owned()),
        }
    }

    fn direct(&self) -> MutexGuard<'_, Reader> {
        self.direct.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens a file for writing, and says whether the process that wrote it before had ended in order.
fn open_for_writing(path: &Path) -> Result<(Connection, bool), Refused> {
    // SQLite gives its other files the mode of this one.
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let mut db = Connection::open(path)?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(64);
    db.pragma_update(None, "page_size", schema::PAGE as i64)?;
    if schema::check(&db)? == schema::Found::Empty {
        // Salvage reads pages of one size and without maps of them.
        db.pragma_update(None, "auto_vacuum", 0)?;
    }
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    db.pragma_update(None, "synchronous", "full")?;
    // What is removed is gone from the file, and no salvage brings it back.
    db.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    db.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT, |_| Ok(()))?;
    db.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES, |_| Ok(()))?;
    schema::prepare(&mut db)?;
    let was_closed = facts::get(&db, facts::OPEN)?.is_none();
    facts::set(&db, facts::OPEN, 1)?;
    Ok((db, was_closed))
}

impl Journal for SqliteJournal {
    fn append(&self, session: SessionId, records: &[Record], durability: Durability) -> Reply<()> {
        let Some(writing) = &self.writing else { return Reply::Ready(Err(self.not_ours())) };
        let row = match Row::of(session, records) {
            Ok(row) => row,
            Err(why) => return Reply::Ready(Err(JournalError(format!("it has no stored form: {why}")))),
        };
        let turn = if durability == Durability::Derived { one_turn(records) } else { None };
        writing.queue.append(session, row, turn, durability)
    }

    fn events(&self, session: SessionId, from: Seq, max: usize) -> Reply<Page> {
        let unwritten = self.writing.as_ref().map_or_else(Vec::new, |writing| writing.queue.unwritten(session));
        let (word, reply) = oneshot::channel();
        self.readers.add(Reading::Events { session, from, max, unwritten, word });
        Reply::Later(reply)
    }

    fn records(&self, session: SessionId) -> Reply<Option<Arc<[Record]>>> {
        self.behind_everything(|word| Reading::Records(session, word))
    }

    fn retire(&self, session: Arc<Session>) {
        if let Some(writing) = &self.writing {
            // After it was closed, its records say the same.
            let _ = writing.queue.add(Job::Retire(session));
        }
    }

    fn retired(&self, session: SessionId) -> Option<Arc<Session>> {
        let retiring = self.writing.as_ref().and_then(|writing| writing.queue.retiring(session));
        // What cannot be read is told where it is noticed; here it is as if it were not there.
        retiring.or_else(|| self.direct().session(session).ok().flatten())
    }

    fn all_retired(&self) -> Vec<Arc<Session>> {
        let retiring = self.writing.as_ref().map_or_else(Vec::new, |writing| writing.queue.all_retiring());
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

    fn is_read_only(&self) -> bool {
        self.writing.is_none()
    }

    fn was_closed(&self) -> bool {
        self.was_closed
    }

    fn keep_draft(&self, session: SessionId, query: QueryId, text: Option<Arc<str>>) {
        if let Some(writing) = &self.writing {
            writing.queue.type_in(session, query, text);
        }
    }

    fn drafts(&self) -> Reply<Arc<[Draft]>> {
        self.behind_everything(Reading::Drafts)
    }

    fn trouble(&self) -> Option<String> {
        match &self.writing {
            None => Some(self.not_ours().0),
            Some(writing) => writing.queue.trouble(),
        }
    }

    fn figures(&self) -> Option<JournalFigures> {
        let figures = self.writing.as_ref().map_or_else(JournalFigures::default, |writing| writing.queue.figures());
        Some(JournalFigures { bytes: figures::bytes(&self.path), ..figures })
    }

    fn close(&self) -> Reply<()> {
        if self.writing.is_none() {
            return Reply::Ready(Ok(()));
        }
        self.later(Job::Close)
    }
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
        if let Some(writing) = &mut self.writing {
            writing.queue.let_go();
            // A writer that panicked has nothing more to write.
            let _ = writing.thread.take().map(JoinHandle::join);
        }
        self.readers.let_go();
    }
}

/// Whether `path` is a file with something in it.
fn has_content(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
