//! How a journal is opened: who writes it and who only reads, with which settings, and which files are refused.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::kept::Kept;
use super::lock::{self, Lock, beside};
use super::place::{Standing, Unwritable, file_of, has_content};
use super::queue::Queue;
use super::reader::Reader;
use super::reading::Readers;
use super::schema::{self, facts};
use super::writer::Writer;
use super::{Access, Reads, SqliteJournal, Writing, salvage, unwritable};

/// Pages of the write-ahead log from which on they are moved into the file: 16 MB, so that a page that changes with
/// every commit is moved once for many of them.
const CHECKPOINT: i32 = 4000;

/// What the log may keep of its size when it is empty.
const LOG_BYTES: i64 = 64 << 20;

/// How long another program may keep the file locked before that is trouble. Nothing of this program does.
const BUSY: Duration = Duration::from_millis(250);

/// Files that a journal has open at a time: a lock, and of four connections each the file and its log, and an index.
const FILES: usize = 10;

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
    /// It is a directory, a device or a pipe.
    #[error("{0}; a journal is a file of its own, so give another one with --journal")]
    NoFile(&'static str),
    /// Nothing can be read of it yet.
    #[error("there is no journal; nothing was recorded there")]
    Missing,
    /// There is nothing to be read yet, and this process has it.
    #[error("it is held by {0}, and nothing is recorded there yet; try again")]
    Held(String),
    /// A process ended while SQLite wrote the file itself and not its log. Opening it for writing takes that back.
    #[error("a process ended as it opened the journal; the next desk that opens it puts that right")]
    Interrupted,
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

/// What is done where there is no journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Absent {
    Make,
    Refuse,
}

/// A journal that was opened.
#[derive(Debug)]
pub enum Opened {
    /// This process writes it.
    Writer(SqliteJournal),
    /// Another process writes it, so named: this one only reads.
    Reader(SqliteJournal, String),
    /// The system does not let this process write it, for this reason: it only reads.
    ReadOnly(SqliteJournal, Unwritable),
}

impl SqliteJournal {
    /// Opens the journal at `path` for writing, or for reading where another process writes it or this one may not. Makes
    /// it where there is none. Where the file is damaged, what is intact of it is salvaged into a new one beside it, which is opened
    /// instead: see [`notice`](Self::notice).
    ///
    /// # Errors
    /// When the file is something else, or of a newer version, or the system says no. The file is left as it is.
    pub fn open(path: &Path) -> Result<Opened, OpenError> {
        Self::open_or(path, Absent::Make)
    }

    /// Opens the journal at `path` as [`open`](Self::open) does, and makes none: another process may just have deleted it.
    ///
    /// # Errors
    /// As there, and when there is none.
    pub fn open_again(path: &Path) -> Result<Opened, OpenError> {
        Self::open_or(path, Absent::Refuse).map_err(|error| {
            // It may have gone at any moment, also while it was only looked at.
            let refused = if path.exists() { error.refused } else { Refused::Missing };
            OpenError { refused, ..error }
        })
    }

    fn open_or(called: &Path, absent: Absent) -> Result<Opened, OpenError> {
        let refuse = |refused| OpenError { path: called.to_owned(), refused };
        let path = &file_of(called);
        let is_gone = || absent == Absent::Refuse && !path.exists();
        if is_gone() {
            return Err(refuse(Refused::Missing));
        }
        if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| refuse(error.into()))?;
        }
        check_kind(path).map_err(refuse)?;
        let held = |holder| match Self::reader(called, path, Reads::Held) {
            Ok(journal) => Ok(Opened::Reader(journal, holder)),
            Err(OpenError { refused: Refused::Missing, .. }) => Err(refuse(Refused::Held(holder))),
            Err(error) => Err(error),
        };
        if let Some(why) = unwritable(called, path, &salvage::newest(path)) {
            return match lock::holder(path) {
                Some(holder) => held(holder),
                None => Self::reader(called, path, Reads::ReadOnly).map(|journal| Opened::ReadOnly(journal, why)),
            };
        }
        // Beside what is no journal nothing is left.
        if !beside(path, ".lock").exists()
            && has_content(path).is_ok_and(|is_there| is_there)
            && let Err(Refused::Foreign) = look_at(path).map_err(|refused| salvage::named(refused, path))
        {
            return Err(refuse(Refused::Foreign));
        }
        let lock = match lock::take(path).map_err(|error| refuse(error.into()))? {
            Ok(lock) => lock,
            Err(holder) => return held(holder),
        };
        if is_gone() {
            // Nobody else wants its lock either.
            let _ = fs::remove_file(beside(path, ".lock"));
            return Err(refuse(Refused::Missing));
        }
        let mut locks = vec![lock];
        let open = |locks: &mut Vec<Lock>| {
            Ok(match salvage::intact(path, locks)? {
                Ok((file, notice)) => Ok(Self::writer(called, path, file, locks, notice)?),
                Err(holder) => Err(holder),
            })
        };
        match open(&mut locks) {
            Ok(Ok(journal)) => Ok(Opened::Writer(journal)),
            Ok(Err(holder)) => held(holder),
            Err(refused) => {
                locks.iter().for_each(Lock::unmake);
                Err(refuse(match refused {
                    Refused::Sql(error) => refused_by(error),
                    refused => refused,
                }))
            }
        }
    }

    /// Opens the journal at `path` for reading only, whoever writes it meanwhile.
    ///
    /// # Errors
    /// When there is none, or it is something else, or of a newer version.
    pub fn read(path: &Path) -> Result<Self, OpenError> {
        Self::reader(path, &file_of(path), Reads::Asked)
    }

    fn reader(called: &Path, asked: &Path, why: Reads) -> Result<Self, OpenError> {
        let path = salvage::newest(asked);
        let refuse = |refused| OpenError { path: if path == asked { called } else { &path }.to_owned(), refused };
        let readers = Arc::<Readers>::default();
        let open = || {
            let (_, was_closed) = look_at(&path)?;
            let direct = Reader::open(&path, &readers, Weak::new())?;
            Ok((direct, Reader::start(&path, &readers, &Weak::new())?, was_closed))
        };
        match open().map_err(|refused| salvage::named(refused, &path)) {
            Ok((direct, threads, was_closed)) => {
                let direct = Mutex::new(direct);
                let (called, asked) = (called.to_owned(), asked.to_owned());
                let access = Access::Reads(why, threads);
                Ok(Self { called, asked, path, access, readers, direct, was_closed, notice: None })
            }
            Err(refused) => {
                readers.let_go();
                Err(refuse(refused))
            }
        }
    }

    /// The locks stay where they are if it is refused.
    fn writer(
        called: &Path,
        asked: &Path,
        path: PathBuf,
        locks: &mut Vec<Lock>,
        notice: Option<String>,
    ) -> Result<Self, Refused> {
        let (db, was_closed) = open_for_writing(&path)?;
        let (queue, readers) = (Arc::<Queue>::default(), Arc::<Readers>::default());
        let weak = Arc::downgrade(&queue);
        let open = || {
            let direct = Reader::open(&path, &readers, Weak::clone(&weak))?;
            Reader::start(&path, &readers, &weak)?;
            let kept = Kept::of(&path, locks)?;
            let writer = Writer::new(db, &path, kept, Arc::clone(&queue), Arc::clone(&readers))?;
            let thread = std::thread::Builder::new().name("journal-write".into()).spawn(move || writer.run())?;
            Ok((direct, thread))
        };
        match open() {
            Ok((direct, thread)) => {
                let access = Access::Writes(Writing { queue, thread: Some(thread), locks: std::mem::take(locks) });
                let (called, asked, direct) = (called.to_owned(), asked.to_owned(), Mutex::new(direct));
                Ok(Self { called, asked, path, access, readers, direct, was_closed, notice })
            }
            Err(refused) => {
                readers.let_go();
                Err(refused)
            }
        }
    }
}

/// Refuses what is there and no file. Opening a pipe would wait for its other end, and beside a device nothing may lie.
fn check_kind(path: &Path) -> Result<(), Refused> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(Refused::NoFile("this is a directory")),
        Ok(found) if !found.is_file() => Err(Refused::NoFile("this is a device or a pipe")),
        // One that has content can be read, and is not written.
        Ok(found) if found.len() == 0 && found.nlink() > 1 => Err(Refused::NoFile("this is a hard link")),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// What the system says where SQLite says only that a file cannot be opened, if the process has too many open. Others are
/// tried: to close one of the journal would let go of locks that SQLite has on it.
pub(super) fn too_many(error: &rusqlite::Error) -> Option<io::Error> {
    if error.sqlite_error_code() != Some(ErrorCode::CannotOpen) {
        return None;
    }
    let opened: io::Result<Vec<File>> = (0..FILES).map(|_| File::open("/dev/null")).collect();
    opened.err()
}

/// The same of what is refused.
pub(super) fn refused_by(error: rusqlite::Error) -> Refused {
    too_many(&error).map_or_else(|| error.into(), Refused::Io)
}

/// What a process left undone that ended while it opened a file: only then SQLite writes the file itself, and what would
/// undo that beside it. Everything later goes to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undone {
    /// It made the tables: there is nothing yet.
    Making,
    /// It was one that had tables already, of which somebody had made a copy without a log.
    Opening,
}

/// What a process left undone at `path`, if it did.
pub(super) fn undone(path: &Path) -> io::Result<Option<Undone>> {
    let mut head = Vec::new();
    match File::open(beside(path, "-journal")) {
        Ok(file) => file.take(20).read_to_end(&mut head)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // One that is done with may stay, and begins with a zero.
    if head.first().is_none_or(|first| *first == 0) {
        return Ok(None);
    }
    // How many pages the file had before. Tables do not go into one.
    let pages = match head.get(16..20).and_then(|pages| pages.try_into().ok()) {
        Some(pages) => u64::from(u32::from_be_bytes(pages)),
        None => fs::metadata(path)?.len() / schema::PAGE as u64,
    };
    Ok(Some(if pages > 1 { Undone::Opening } else { Undone::Making }))
}

/// Opens a file only to read it, and says whether the process that wrote it had ended in order.
pub(super) fn look_at(path: &Path) -> Result<(Connection, bool), Refused> {
    check_kind(path)?;
    if !path.exists() {
        return Err(Refused::Missing);
    }
    match undone(path)? {
        None => {}
        Some(Undone::Making) => return Err(Refused::Missing),
        Some(Undone::Opening) => return Err(Refused::Interrupted),
    }
    // SQLite would not say why it cannot be opened.
    File::open(path)?;
    let db = Standing::of(path).connect(path)?;
    if schema::check(&db)? == schema::Found::Empty {
        return Err(Refused::Missing);
    }
    let was_closed = facts::get(&db, facts::OPEN)?.is_none();
    Ok((db, was_closed))
}

/// Opens a file for writing, and says whether the process that wrote it before had ended in order.
pub(super) fn open_for_writing(path: &Path) -> Result<(Connection, bool), Refused> {
    // SQLite gives its other files the mode of this one.
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let mut db = Connection::open(path)?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(64);
    schema::parse_once(&db)?;
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
    let (last_row, _) = facts::last_numbers(&db)?;
    facts::set(&db, facts::OPEN, last_row)?;
    Ok((db, was_closed))
}
