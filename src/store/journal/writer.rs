//! The one thread that writes: it takes everything that waits and commits it as one transaction.
//!
//! Words come after the commit. Where it fails, those who wait for their appends are told so and these are dropped;
//! what is derived stays, in order, and is tried again with the next batch and once a second.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::kept::{Gone, Kept};
use super::opening::too_many;
use super::queue::{Append, Batch, Job, Queue, Typed};
use super::reading::Readers;
use super::retention;
use super::row::{self, Row};
use super::schema::facts;
use super::texts::Text;
use crate::domain::{ContentHash, Session, SessionId};
use crate::engine::{Durability, JournalError};

/// Hashes of texts that are known to stand in the file, at most: some tens of kilobytes.
const KNOWN_TEXTS: usize = 4096;

/// Where a session stands in the file.
#[derive(Debug, Clone, Copy)]
struct Head {
    place: i64,
    /// Its rows.
    n: i64,
    last_seq: i64,
}

/// Why a batch was not written.
enum Failed {
    Sql(rusqlite::Error),
    Gone(Gone),
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Gone> for Failed {
    fn from(gone: Gone) -> Self {
        Self::Gone(gone)
    }
}

/// The writer of one journal.
pub(super) struct Writer {
    db: Connection,
    path: PathBuf,
    queue: Arc<Queue>,
    readers: Arc<Readers>,
    kept: Kept,
    heads: HashMap<SessionId, Head>,
    /// The last numbers that were given. None is given twice, also where what had it is gone: a failed commit leaves a gap.
    last_row: i64,
    last_place: i64,
    known_texts: HashSet<ContentHash>,
    /// Sessions whose head the transaction has changed.
    touched: Vec<SessionId>,
}

impl Writer {
    /// Makes the writer of an open file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn new(
        db: Connection,
        path: &Path,
        kept: Kept,
        queue: Arc<Queue>,
        readers: Arc<Readers>,
    ) -> rusqlite::Result<Self> {
        let (last_row, last_place) = facts::last_numbers(&db)?;
        Ok(Self {
            kept,
            db,
            path: path.to_owned(),
            queue,
            readers,
            heads: HashMap::new(),
            last_row,
            last_place,
            known_texts: HashSet::new(),
            touched: Vec::new(),
        })
    }

    /// Writes until nobody is left who could add anything.
    pub(super) fn run(mut self) {
        let mut left = Batch::default();
        let mut last_waited = 0;
        let mut in_trouble = false;
        loop {
            let new = self.queue.take(last_waited, in_trouble);
            let is_last = new.is_last;
            let mut batch = joined(left, new);
            last_waited = waited(&batch);
            self.queue.commits.begin();
            match self.write(&mut batch) {
                Ok(()) => {
                    self.queue.commits.done(batch.asked);
                    if std::mem::take(&mut in_trouble) {
                        tracing::warn!(journal = %self.path.display(), "can be written again");
                        self.queue.set_trouble(None);
                    }
                    left = Batch::default();
                    self.acknowledge(batch);
                }
                Err(failed) => {
                    let why = self.undo(&failed);
                    self.queue.commits.failed(&why);
                    if !std::mem::replace(&mut in_trouble, true) {
                        tracing::error!(journal = %self.path.display(), %why, "cannot be written");
                    }
                    self.queue.set_trouble(Some(why.clone()));
                    left = self.refuse(batch, &why);
                }
            }
            if is_last {
                return;
            }
        }
    }

    fn write(&mut self, batch: &mut Batch) -> Result<(), Failed> {
        self.touched.clear();
        self.db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        // SQLite would go on writing files that nobody finds again. It is looked now, as who opens the journal for writing
        // waits until this is written: what comes after that is not written here.
        self.kept.look()?;
        if self.queue.trouble().is_some() {
            // Something is written even where nothing is left to write: only that proves that it can be. It also
            // overwrites what the failed commit may have left of itself behind the end of the log.
            let began = facts::get(&self.db, facts::OPEN)?.unwrap_or_default();
            facts::set(&self.db, facts::OPEN, began)?;
        }
        for job in &batch.jobs {
            match job {
                Job::Append(append) => self.append(append)?,
                Job::Retire(session) => self.retire(session)?,
                Job::Snapshot { place, n, attempts, session } => self.snapshot(*place, *n, *attempts, session)?,
                Job::Prune(limits) => retention::prune(&self.db, limits)?,
                Job::Close(_) => facts::clear(&self.db, facts::OPEN)?,
                // Each of these has an outcome of its own, see `acknowledge`.
                Job::Read(_) | Job::Remove(..) => {}
            }
        }
        self.write_typed(&batch.typed)?;
        if self.readers.has_met_damage() {
            facts::set(&self.db, facts::DAMAGED, 1)?;
        }
        self.db.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }

    fn append(&mut self, append: &Append) -> rusqlite::Result<()> {
        let Row { last_seq, ended, body, texts } = &append.row;
        self.write_texts(texts)?;
        let mut head = self.head(append.session)?;
        head.n += 1;
        head.last_seq = last_seq.map_or(head.last_seq, |seq| seq as i64);
        let sum = row::checksum(&[head.place, head.n, head.last_seq], body);
        self.last_row += 1;
        let sql = "INSERT INTO records (row, place, n, seq, sum, body) VALUES (?, ?, ?, ?, ?, ?)";
        self.db.prepare_cached(sql)?.execute((self.last_row, head.place, head.n, head.last_seq, sum, body))?;
        if let Some(at) = ended {
            self.db.prepare_cached("UPDATE sessions SET ended = ? WHERE place = ?")?.execute((at, head.place))?;
        }
        self.heads.insert(append.session, head);
        self.touched.push(append.session);
        Ok(())
    }

    /// Where a session stands; a new one gets its place.
    fn head(&mut self, session: SessionId) -> rusqlite::Result<Head> {
        if let Some(head) = self.heads.get(&session) {
            return Ok(*head);
        }
        if let Some(head) = self.stored_head(session)? {
            return Ok(head);
        }
        self.last_place += 1;
        let sql = "INSERT INTO sessions (place, id) VALUES (?, ?)";
        self.db.prepare_cached(sql)?.execute((self.last_place, session.bits() as i64))?;
        Ok(Head { place: self.last_place, n: 0, last_seq: 0 })
    }

    fn stored_head(&self, session: SessionId) -> rusqlite::Result<Option<Head>> {
        let place = self
            .db
            .prepare_cached("SELECT place FROM sessions WHERE id = ?")?
            .query_row([session.bits() as i64], |row| row.get(0))
            .optional()?;
        let Some(place) = place else { return Ok(None) };
        self.db
            .prepare_cached("SELECT n, seq FROM records WHERE place = ? ORDER BY seq DESC, row DESC LIMIT 1")?
            .query_row([place], |row| Ok(Head { place, n: row.get(0)?, last_seq: row.get(1)? }))
            .optional()
            .map(|head| Some(head.unwrap_or(Head { place, n: 0, last_seq: 0 })))
    }

    fn write_texts(&mut self, texts: &[Text]) -> rusqlite::Result<()> {
        for Text { hash, text } in texts {
            if self.known_texts.contains(hash) {
                continue;
            }
            self.db
                .prepare_cached("INSERT OR IGNORE INTO texts (hash, text) VALUES (?, ?)")?
                .execute((hash.to_bytes(), text))?;
            if self.known_texts.len() >= KNOWN_TEXTS {
                self.known_texts.clear();
            }
            self.known_texts.insert(*hash);
        }
        Ok(())
    }

    fn retire(&mut self, session: &Arc<Session>) -> rusqlite::Result<()> {
        let head = match self.heads.get(&session.id()) {
            Some(head) => Some(*head),
            None => self.stored_head(session.id())?,
        };
        // One that was removed is not brought back.
        let Some(head) = head else { return Ok(()) };
        if session.state().is_ended() {
            self.heads.remove(&session.id());
        }
        // It waits or has ended: whatever it was run again for is behind it.
        self.snapshot(head.place, head.n, 0, session)
    }

    fn snapshot(&mut self, place: i64, n: i64, attempts: u32, session: &Session) -> rusqlite::Result<()> {
        let (body, texts) = match row::pack_session(session) {
            Ok(packed) => packed,
            Err(error) => {
                // Its records say the same.
                tracing::warn!(session = %session.id(), %error, "no snapshot");
                return Ok(());
            }
        };
        self.write_texts(&texts)?;
        let sum = row::checksum(&[place, n, i64::from(attempts)], &body);
        self.db
            .prepare_cached(
                "INSERT INTO snapshots (place, n, attempts, sum, body)
                 SELECT ?1, ?2, ?3, ?4, ?5 FROM sessions WHERE place = ?1
                 ON CONFLICT (place) DO UPDATE SET n = ?2, attempts = ?3, sum = ?4, body = ?5 WHERE n <= ?2",
            )?
            .execute((place, n, attempts, sum, body))?;
        Ok(())
    }

    fn write_typed(&self, typed: &Typed) -> rusqlite::Result<()> {
        for ((session, query), text) in typed {
            let (id, query) = (session.bits() as i64, query.to_string());
            match text {
                None => {
                    self.db
                        .prepare_cached("DELETE FROM drafts WHERE session = ? AND query = ?")?
                        .execute((id, query))?;
                }
                Some(text) => {
                    let sum = draft_sum(*session, &query, text);
                    self.db
                        .prepare_cached(
                            "INSERT OR REPLACE INTO drafts (session, query, sum, text) VALUES (?, ?, ?, ?)",
                        )?
                        .execute((id, query, sum, &**text))?;
                }
            }
        }
        Ok(())
    }

    /// Says what became of a batch that is durable.
    fn acknowledge(&mut self, batch: Batch) {
        self.queue.settle(batch.jobs.iter());
        for job in batch.jobs {
            match job {
                Job::Append(Append { word: Some(word), .. }) => {
                    // Whoever gave up waiting has it written all the same.
                    let _ = word.send(Ok(()));
                }
                Job::Close(word) => {
                    // Nothing depends on it: where somebody reads at the moment, the log stays and is read at the next start.
                    let _ = self.db.pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(()));
                    let _ = word.send(Ok(()));
                }
                Job::Read(reading) => self.readers.add(reading),
                Job::Remove(ids, word) => {
                    for id in &ids {
                        self.heads.remove(id);
                    }
                    self.known_texts.clear();
                    let _ =
                        word.send(retention::remove(&mut self.db, &ids).map_err(|error| error_of(&self.path, &error)));
                }
                Job::Append(_) | Job::Retire(_) | Job::Snapshot { .. } | Job::Prune(_) => {}
            }
        }
    }

    /// Takes back what a failed transaction did, and says in one line why it failed.
    fn undo(&mut self, failed: &Failed) -> String {
        if !self.db.is_autocommit() {
            // Where even this fails, the next BEGIN says so.
            let _ = self.db.execute_batch("ROLLBACK");
        }
        for session in self.touched.drain(..) {
            self.heads.remove(&session);
        }
        self.known_texts.clear();
        match failed {
            Failed::Gone(Gone::Journal(why)) => why.clone(),
            Failed::Gone(Gone::Log(why)) => {
                // What was acknowledged goes where it is found. Nobody else writes there: the lock is held.
                let moved = self.db.pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(()));
                if let Err(error) = moved {
                    tracing::error!(journal = %self.path.display(), %error, "the log cannot be moved into the file");
                }
                why.clone()
            }
            Failed::Sql(error) => plain(&self.path, error),
        }
    }

    /// Tells those who wait that nothing was written, and gives what stays to be tried again.
    fn refuse(&self, batch: Batch, why: &str) -> Batch {
        let error = || JournalError(why.to_owned());
        let mut left = Batch { typed: batch.typed, ..Batch::default() };
        let mut dropped = Vec::new();
        for job in batch.jobs {
            match job {
                Job::Append(Append { durability: Durability::Acknowledged, .. }) => dropped.push(job),
                Job::Append(_) | Job::Retire(_) | Job::Snapshot { .. } => left.jobs.push(job),
                Job::Read(reading) => reading.refuse(error()),
                Job::Remove(_, word) => drop(word.send(Err(error()))),
                Job::Close(word) => drop(word.send(Err(error()))),
                Job::Prune(_) => {}
            }
        }
        self.queue.settle(dropped.iter());
        for job in dropped {
            if let Job::Append(Append { word: Some(word), .. }) = job {
                let _ = word.send(Err(error()));
            }
        }
        left
    }
}

/// What was left and what is new, in order.
fn joined(mut left: Batch, new: Batch) -> Batch {
    left.jobs.extend(new.jobs);
    left.typed.extend(new.typed);
    Batch { asked: new.asked, ..left }
}

/// How many of a batch are acknowledged.
fn waited(batch: &Batch) -> usize {
    batch
        .jobs
        .iter()
        .filter(|job| matches!(job, Job::Append(Append { durability: Durability::Acknowledged, .. })))
        .count()
}

/// The checksum of a draft.
pub(super) fn draft_sum(session: SessionId, query: &str, text: &str) -> i64 {
    row::checksum(&[session.bits() as i64, query.len() as i64], format!("{query}{text}").as_bytes())
}

fn error_of(path: &Path, error: &rusqlite::Error) -> JournalError {
    JournalError(plain(path, error))
}

/// Whether an error says that a file is not what was written.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    // What stands in a column is not what is ever written there.
    matches!(error, FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) | Utf8Error(..))
        || matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// An error of SQLite in words for people.
pub(super) fn plain(path: &Path, error: &rusqlite::Error) -> String {
    let file = path.display();
    match error.sqlite_error_code() {
        _ if is_damage(error) => format!("{file} is damaged; the next start saves what is intact"),
        Some(ErrorCode::DiskFull) => format!("the disk of {file} is full"),
        Some(ErrorCode::ReadOnly) => format!("{file} can only be read"),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => format!("another program keeps {file} locked"),
        Some(ErrorCode::CannotOpen) => {
            let why = too_many(error).map_or_else(|| error.to_string(), |why| why.to_string());
            format!("{file} cannot be opened: {why}")
        }
        _ => format!("{file}: {error}"),
    }
}
