//! Reads a journal on connections of its own: writing never waits for a reader, nor a reader for a commit.
//!
//! Readings that may be long are done by a few threads, in the order they were asked for. Each caller waits for one at a
//! time, so that many wait only where there are as many callers.

mod folding;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use rusqlite::{Connection, OptionalExtension, Row};

use super::place::Standing;
use super::queue::Queue;
use super::reading::{Readers, Reading};
use super::row::{self, Entry};
use super::schema;
use super::share::Share;
use super::writer;
use crate::domain::{ContentHash, Seq, SessionId};
use crate::engine::{Draft, EventRef, JournalError, Page, Record, Turn};

/// Threads that read. Two: one long reading then never holds up everybody.
const THREADS: usize = 2;

/// Bytes of texts that one reader keeps at hand.
const TEXTS: usize = 16 << 20;

/// One reader with a connection of its own.
pub(super) struct Reader {
    db: Connection,
    path: PathBuf,
    standing: Standing,
    readers: Arc<Readers>,
    /// For snapshots that are worth writing; of a journal that is only read there is none.
    queue: Weak<Queue>,
    /// The last place as the journal was opened: what is born later here needs not be brought back. Where others write
    /// it, there is no last one: what was born before somebody first asked for news would be neither here nor there.
    last_place: i64,
    texts: HashMap<ContentHash, Vec<u8>>,
    text_bytes: usize,
    share: Share,
}

/// Why something cannot be read.
enum Unreadable {
    Sql(rusqlite::Error),
    Damaged(String),
}

impl Unreadable {
    /// Whether the file is not what was written, and not only out of reach.
    fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Sql(error) => writer::is_damage(error),
        }
    }
}

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

type Read<T> = Result<T, Unreadable>;

/// Makes a connection that only reads, to a file that stands so.
fn connect(path: &Path, standing: &Standing) -> rusqlite::Result<Connection> {
    let db = standing.connect(path)?;
    db.busy_timeout(std::time::Duration::from_secs(2))?;
    db.set_prepared_statement_cache_capacity(32);
    schema::parse_once(&db)?;
    Ok(db)
}

impl Reader {
    /// Makes a reader of the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be opened or read.
    pub(super) fn open(path: &Path, readers: &Arc<Readers>, queue: Weak<Queue>) -> rusqlite::Result<Self> {
        let standing = Standing::of(path);
        let db = connect(path, &standing)?;
        let last_place = if queue.strong_count() > 0 {
            db.query_row("SELECT coalesce(max(place), 0) FROM sessions", [], |row| row.get(0))?
        } else {
            i64::MAX
        };
        Ok(Self {
            db,
            path: path.to_owned(),
            standing,
            readers: Arc::clone(readers),
            queue,
            last_place,
            texts: HashMap::new(),
            text_bytes: 0,
            share: Share::default(),
        })
    }

    /// Starts the threads that read.
    ///
    /// # Errors
    /// When the file cannot be opened or the system gives no threads.
    pub(super) fn start(
        path: &Path,
        readers: &Arc<Readers>,
        queue: &Weak<Queue>,
    ) -> Result<Vec<JoinHandle<()>>, super::Refused> {
        let start = |n| {
            let reader = Self::open(path, readers, Weak::clone(queue))?;
            // It ends by itself once the journal lets go of the readers.
            Ok(std::thread::Builder::new().name(format!("journal-read-{n}")).spawn(move || reader.run())?)
        };
        (1..=THREADS).map(start).collect()
    }

    /// Connects anew where others have written the file in a way that this connection does not see.
    pub(super) fn look(&mut self) {
        if self.queue.strong_count() > 0 {
            return;
        }
        let standing = Standing::of(&self.path);
        if standing != self.standing
            && let Ok(db) = connect(&self.path, &standing)
        {
            (self.db, self.standing) = (db, standing);
        }
    }

    fn run(mut self) {
        let readers = Arc::clone(&self.readers);
        while let Some(reading) = readers.next() {
            self.look();
            // Whoever no longer waits for a word does not miss it.
            match reading {
                Reading::Events { session, from, max, unwritten, word } => {
                    let page = self.page(session, from, max, unwritten);
                    drop(word.send(self.told(page)));
                }
                Reading::Records(session, word) => {
                    let records = self.records(session);
                    drop(word.send(self.told(records)));
                }
                Reading::Stored { behind, max, word } => {
                    let stored = self.at_once(|reader| reader.stored(behind, max));
                    drop(word.send(self.told(stored)));
                }
                Reading::StoredOne(session, word) => {
                    let stored = self.stored_one(session);
                    drop(word.send(self.told(stored)));
                }
                Reading::StoredCount(word) => {
                    let count = self.stored_count();
                    drop(word.send(self.told(count)));
                }
                Reading::Drafts(word) => {
                    let drafts = self.drafts();
                    drop(word.send(self.told(drafts)));
                }
                Reading::News(last, word) => {
                    let news = self.at_once(|reader| reader.news(&last));
                    drop(word.send(self.told(news)));
                }
            }
        }
    }

    fn told<T>(&self, result: Read<T>) -> Result<T, JournalError> {
        result.map_err(|error| JournalError(self.explain(error)))
    }

    /// Says in a line why something cannot be read, and notes damage.
    fn explain(&self, error: Unreadable) -> String {
        if error.is_damage() {
            self.readers.note_damage();
        }
        let why = match error {
            Unreadable::Sql(error) => writer::plain(&self.path, &error),
            Unreadable::Damaged(why) => {
                format!("{} is damaged ({why}); the next start saves what is intact", self.path.display())
            }
        };
        tracing::error!(%why, "the journal cannot be read");
        why
    }

    /// The ids of all sessions of the file.
    ///
    /// # Errors
    /// Why they cannot be read, in a line.
    pub(super) fn ids(&self) -> Result<Vec<SessionId>, JournalError> {
        let places = self.told(self.places("SELECT place, id FROM sessions ORDER BY place", []))?;
        Ok(places.into_iter().map(|(_, id)| id).collect())
    }

    /// Reads many things as of one moment, and asks for the locks of the file once.
    fn at_once<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.db.is_autocommit() {
            self.db.prepare_cached("BEGIN")?.execute([])?;
        }
        let result = read(self);
        // A reading that failed may have ended it.
        if !self.db.is_autocommit() {
            self.db.prepare_cached("COMMIT")?.execute([])?;
        }
        result
    }

    fn place(&self, id: SessionId) -> Read<Option<i64>> {
        let mut statement = self.db.prepare_cached("SELECT place FROM sessions WHERE id = ?")?;
        Ok(statement.query_row([id.bits() as i64], |row| row.get(0)).optional()?)
    }

    fn places(&self, sql: &str, parameters: impl rusqlite::Params) -> Read<Vec<(i64, SessionId)>> {
        let mut statement = self.db.prepare_cached(sql)?;
        let place = |row: &Row<'_>| Ok((row.get(0)?, SessionId::from_bits(row.get::<_, i64>(1)? as u64)));
        Ok(statement.query_map(parameters, place)?.collect::<Result<_, _>>()?)
    }

    /// The rows of a session from event number `from` on, with their number in it, as long as `each` wants more.
    fn rows(&mut self, place: i64, from: i64, mut each: impl FnMut(i64, Vec<Entry>) -> bool) -> Read<()> {
        let sql = "SELECT n, seq, sum, body FROM records WHERE place = ? AND seq >= ? ORDER BY seq, row";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query((place, from))?;
        while let Some(row) = rows.next()? {
            let (n, seq, sum): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let body =
                row.get_ref(3)?.as_blob().map_err(|_| Unreadable::Damaged(format!("row {n} of place {place}")))?;
            let damaged = |why: &str| Unreadable::Damaged(format!("row {n} of place {place}: {why}"));
            if row::checksum(&[place, n, seq], body) != sum {
                return Err(damaged("the checksum is wrong"));
            }
            let find = |hash| text(&self.db, &mut self.texts, &mut self.text_bytes, hash);
            let entries = row::entries(body, find).map_err(|why| damaged(&why))?;
            if !each(n, entries) {
                break;
            }
        }
        Ok(())
    }

    fn page(&mut self, session: SessionId, from: Seq, max: usize, unwritten: Vec<Turn>) -> Read<Page> {
        let mut events: Vec<EventRef> = Vec::new();
        if let Some(place) = self.place(session)? {
            self.rows(place, from as i64, |_, entries| {
                for record in row::records(entries) {
                    if let Record::Turn(turn) = record {
                        events.extend(turn.since(from));
                    }
                }
                events.len() < max
            })?;
        }
        for turn in unwritten {
            let next = events.last().map_or(from, |last| last.seq + 1);
            events.extend(turn.since(next.max(turn.first_seq())).filter(|event| event.seq >= next));
        }
        Ok(Page::of(events, from, max))
    }

    fn records(&mut self, session: SessionId) -> Read<Option<Arc<[Record]>>> {
        let Some(place) = self.place(session)? else { return Ok(None) };
        let mut records = Vec::new();
        let mut expected = 1;
        let mut missing = None;
        self.rows(place, 0, |n, entries| {
            if n != expected {
                missing = Some(expected);
            }
            expected = n + 1;
            records.extend(row::records(entries));
            missing.is_none()
        })?;
        if let Some(n) = missing {
            return Err(Unreadable::Damaged(format!("row {n} of place {place} is missing")));
        }
        let mut next = 1;
        let is_whole = records.iter().all(|record| match record {
            Record::Turn(turn) => std::mem::replace(&mut next, turn.last_seq() + 1) == turn.first_seq(),
            _ => true,
        });
        let is_born = matches!(records.first(), Some(Record::Spawned { .. }));
        Ok((is_born && is_whole).then(|| records.into()))
    }

    fn stored_count(&self) -> Read<usize> {
        let mut statement = self.db.prepare_cached("SELECT count(*) FROM sessions WHERE place <= ?")?;
        Ok(statement.query_row([self.last_place], |row| row.get::<_, i64>(0))? as usize)
    }

    fn drafts(&mut self) -> Read<Arc<[Draft]>> {
        let mut statement = self.db.prepare_cached("SELECT session, query, sum, text FROM drafts ORDER BY row")?;
        let mut rows = statement.query([])?;
        let mut drafts = Vec::new();
        while let Some(row) = rows.next()? {
            let session = SessionId::from_bits(row.get::<_, i64>(0)? as u64);
            let (query, sum, text): (String, i64, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
            // What was typed is no record: one that is damaged is left out.
            if writer::draft_sum(session, &query, &text) == sum
                && let Ok(query) = query.parse()
            {
                drafts.push(Draft { session, query, text: text.into() });
            }
        }
        Ok(drafts.into())
    }
}

/// A text that stands by itself.
fn text(
    db: &Connection,
    texts: &mut HashMap<ContentHash, Vec<u8>>,
    bytes: &mut usize,
    hash: ContentHash,
) -> Result<Vec<u8>, String> {
    if let Some(text) = texts.get(&hash) {
        return Ok(text.clone());
    }
    let text: Option<Vec<u8>> = db
        .prepare_cached("SELECT text FROM texts WHERE hash = ?")
        .and_then(|mut statement| statement.query_row([hash.to_bytes()], |row| row.get(0)).optional())
        .map_err(|error| error.to_string())?;
    let text = text.ok_or_else(|| format!("the text {hash} is missing"))?;
    if ContentHash::of(&text) != hash {
        return Err(format!("the text {hash} is not what was written"));
    }
    if *bytes + text.len() > TEXTS {
        texts.clear();
        *bytes = 0;
    }
    *bytes += text.len();
    texts.insert(hash, text.clone());
    Ok(text)
}
