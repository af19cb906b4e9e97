//! Reads a journal on connections of its own: writing never waits for a reader, nor a reader for a commit.
//!
//! Readings that may be long are done by a few threads, in the order they were asked for. Each caller waits for one at a
//! time, so that many wait only where there are as many callers.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row};

use super::queue::{Job, Queue, Word};
use super::row::{self, Entry};
use super::share::Share;
use super::writer;
use crate::domain::{ContentHash, EventKind, Seq, Session, SessionId, apply};
use crate::engine::{Draft, EventRef, JournalError, Page, Record, Stored, StoredPage, Turn};

/// Threads that read. Two: one long reading then never holds up everybody.
const THREADS: usize = 2;

/// Rows behind a snapshot from which on a new one is worth writing.
const STALE: usize = 32;

/// Bytes of texts that one reader keeps at hand.
const TEXTS: usize = 16 << 20;

/// Something to be read.
pub(super) enum Reading {
    /// A stretch of events. `unwritten`: the turns that were derived and not written as it was asked for.
    Events {
        session: SessionId,
        from: Seq,
        max: usize,
        unwritten: Vec<Turn>,
        word: Word<Page>,
    },
    Records(SessionId, Word<Option<Arc<[Record]>>>),
    Stored {
        behind: u64,
        max: usize,
        word: Word<Arc<StoredPage>>,
    },
    StoredOne(SessionId, Word<Option<Stored>>),
    StoredCount(Word<usize>),
    Drafts(Word<Arc<[Draft]>>),
    /// What was recorded behind this row; `None`: nothing, only where the end is.
    News(Option<i64>, Word<News>),
}

/// What another process has recorded.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// The sessions of which something was recorded, as they are now.
    pub sessions: Vec<Arc<Session>>,
    /// The last row that was there: what comes next stands behind it.
    pub(super) row: Option<i64>,
}

impl Reading {
    /// Tells the one who waits that it cannot be done.
    pub(super) fn refuse(self, error: JournalError) {
        match self {
            Self::Events { word, .. } => drop(word.send(Err(error))),
            Self::Records(_, word) => drop(word.send(Err(error))),
            Self::Stored { word, .. } => drop(word.send(Err(error))),
            Self::StoredOne(_, word) => drop(word.send(Err(error))),
            Self::StoredCount(word) => drop(word.send(Err(error))),
            Self::Drafts(word) => drop(word.send(Err(error))),
            Self::News(_, word) => drop(word.send(Err(error))),
        }
    }
}

/// The readers of one journal: what they have to read, and what they found.
#[derive(Default)]
pub(super) struct Readers {
    waiting: Mutex<(VecDeque<Reading>, bool)>,
    wake: Condvar,
    damage: AtomicBool,
}

impl Readers {
    fn lock(&self) -> MutexGuard<'_, (VecDeque<Reading>, bool)> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds something to be read.
    pub(super) fn add(&self, reading: Reading) {
        self.lock().0.push_back(reading);
        self.wake.notify_one();
    }

    /// Lets the threads end once they have read what they were asked for.
    pub(super) fn let_go(&self) {
        self.lock().1 = true;
        self.wake.notify_all();
    }

    /// Whether a row was found that is not what was written.
    pub(super) fn has_met_damage(&self) -> bool {
        self.damage.load(Ordering::Acquire)
    }

    fn next(&self) -> Option<Reading> {
        let mut waiting = self.lock();
        loop {
            match waiting.0.pop_front() {
                Some(reading) => return Some(reading),
                None if waiting.1 => return None,
                None => waiting = self.wake.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// One reader with a connection of its own.
pub(super) struct Reader {
    db: Connection,
    path: PathBuf,
    readers: Arc<Readers>,
    /// For snapshots that are worth writing; of a journal that is only read there is none.
    queue: Weak<Queue>,
    /// The last place as the journal was opened.
    last_place: i64,
    texts: HashMap<ContentHash, Vec<u8>>,
    text_bytes: usize,
    share: Share,
}

/// A session as it is folded of what is stored.
struct Folded {
    session: Session,
    attempts: u32,
    /// All its rows, and those of them that no snapshot covers.
    rows: i64,
    behind: usize,
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
            Self::Sql(error) => {
                matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
            }
        }
    }
}

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

type Read<T> = Result<T, Unreadable>;

/// A connection that only reads.
///
/// # Errors
/// When the file cannot be opened.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(std::time::Duration::from_secs(2))?;
    db.set_prepared_statement_cache_capacity(32);
    Ok(db)
}

impl Reader {
    /// Makes a reader of the file at `path`.
    ///
    /// # Errors
    /// When the file cannot be opened or read.
    pub(super) fn open(path: &Path, readers: &Arc<Readers>, queue: Weak<Queue>) -> rusqlite::Result<Self> {
        let db = connect(path)?;
        let last_place = db.query_row("SELECT coalesce(max(place), 0) FROM sessions", [], |row| row.get(0))?;
        Ok(Self {
            db,
            path: path.to_owned(),
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
    pub(super) fn start(path: &Path, readers: &Arc<Readers>, queue: &Weak<Queue>) -> Result<(), super::Refused> {
        for n in 1..=THREADS {
            let reader = Self::open(path, readers, Weak::clone(queue))?;
            // It ends by itself once the journal lets go of the readers.
            std::thread::Builder::new().name(format!("journal-read-{n}")).spawn(move || reader.run())?;
        }
        Ok(())
    }

    fn run(mut self) {
        let readers = Arc::clone(&self.readers);
        while let Some(reading) = readers.next() {
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
                    let stored = self.stored(behind, max);
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
                Reading::News(behind, word) => {
                    let news = self.news(behind);
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
            self.readers.damage.store(true, Ordering::Release);
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

    /// A session of the file, folded; `None` where there is none.
    ///
    /// # Errors
    /// Why it cannot be read, in a line.
    pub(super) fn session(&mut self, id: SessionId) -> Result<Option<Arc<Session>>, JournalError> {
        let folded = self.place(id).and_then(|place| place.map(|place| self.fold(place, id)).transpose());
        let folded = self.told(folded)?;
        Ok(folded.flatten().map(|folded| Arc::new(folded.session)))
    }

    /// The ids of all sessions of the file.
    ///
    /// # Errors
    /// Why they cannot be read, in a line.
    pub(super) fn ids(&self) -> Result<Vec<SessionId>, JournalError> {
        let places = self.told(self.places("SELECT place, id FROM sessions ORDER BY place", []))?;
        Ok(places.into_iter().map(|(_, id)| id).collect())
    }

    /// Every session of the file that has ended.
    ///
    /// # Errors
    /// Why they cannot be read, in a line.
    pub(super) fn ended(&mut self) -> Result<Vec<Arc<Session>>, JournalError> {
        let sessions = self.all_ended();
        self.share = Share::default();
        self.told(sessions)
    }

    fn all_ended(&mut self) -> Read<Vec<Arc<Session>>> {
        let mut sessions = Vec::new();
        for (place, id) in self.places("SELECT place, id FROM sessions WHERE ended IS NOT NULL ORDER BY place", [])? {
            if let Some(folded) = self.fold(place, id)? {
                sessions.push(Arc::new(folded.session));
            }
        }
        Ok(sessions)
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

    fn stored(&mut self, behind: u64, max: usize) -> Read<Arc<StoredPage>> {
        let behind = i64::try_from(behind).unwrap_or(i64::MAX);
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let sql = "SELECT place, id FROM sessions WHERE place > ? AND place <= ? ORDER BY place LIMIT ?";
        let places = self.places(sql, (behind, self.last_place, max))?;
        if places.is_empty() {
            self.share = Share::default();
        }
        let mut page = StoredPage::default();
        for (place, id) in places {
            page.last = Some(place as u64);
            let folded = match self.fold(place, id) {
                Err(damage) if damage.is_damage() => {
                    page.damaged.push((id, JournalError(self.explain(damage))));
                    continue;
                }
                folded => folded?,
            };
            let Some(Folded { session, attempts, rows, behind }) = folded else { continue };
            let session = Arc::new(session);
            if behind > STALE
                && let Some(queue) = self.queue.upgrade()
            {
                // A journal that is closed writes none.
                let _ = queue.add(Job::Snapshot { place, n: rows, attempts, session: Arc::clone(&session) });
            }
            page.sessions.push(Stored { place: place as u64, session, attempts });
        }
        Ok(Arc::new(page))
    }

    fn stored_one(&mut self, session: SessionId) -> Read<Option<Stored>> {
        let Some(place) = self.place(session)? else { return Ok(None) };
        let folded = self.fold(place, session)?;
        Ok(folded.map(|Folded { session, attempts, .. }| Stored {
            place: place as u64,
            session: Arc::new(session),
            attempts,
        }))
    }

    fn stored_count(&self) -> Read<usize> {
        let mut statement = self.db.prepare_cached("SELECT count(*) FROM sessions WHERE place <= ?")?;
        Ok(statement.query_row([self.last_place], |row| row.get::<_, i64>(0))? as usize)
    }

    fn news(&mut self, behind: Option<i64>) -> Read<News> {
        // What is recorded meanwhile may be among the sessions, and is then read once more.
        let row: i64 = self.db.query_row("SELECT coalesce(max(row), 0) FROM records", [], |row| row.get(0))?;
        let mut sessions = Vec::new();
        if let Some(behind) = behind.filter(|behind| *behind < row) {
            let sql = "SELECT place, id FROM sessions WHERE place IN (SELECT place FROM records WHERE row > ?) ORDER BY place";
            for (place, id) in self.places(sql, [behind])? {
                if let Some(folded) = self.fold(place, id)? {
                    sessions.push(Arc::new(folded.session));
                }
            }
            self.share = Share::default();
        }
        Ok(News { sessions, row: Some(row) })
    }

    /// What is stored of a session amounts to this; `None` where its birth is not stored.
    fn fold(&mut self, place: i64, id: SessionId) -> Read<Option<Folded>> {
        let mut folded = self.snapshot(place)?;
        let (covered, from) = folded.as_ref().map_or((0, 0), |folded| (folded.rows, folded.session.last_seq() as i64));
        let mut share = std::mem::take(&mut self.share);
        let rows = self.rows(place, from, |n, entries| {
            if n > covered {
                for entry in entries {
                    add(&mut folded, id, entry, &mut share);
                }
                if let Some(folded) = &mut folded {
                    folded.rows = n;
                    folded.behind += 1;
                }
            }
            true
        });
        if let Some(Folded { session, .. }) = &mut folded {
            let spec = share.spec(Arc::clone(session.spec()));
            session.share_spec(&spec);
            session.share_texts(&mut |text| share.text(text));
        }
        self.share = share;
        rows.map(|()| folded)
    }

    /// The snapshot of a session. One that is damaged does no harm: its records say the same.
    fn snapshot(&mut self, place: i64) -> Read<Option<Folded>> {
        let sql = "SELECT n, attempts, sum, body FROM snapshots WHERE place = ?";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query([place])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (n, attempts, sum): (i64, u32, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let Ok(body) = row.get_ref(3)?.as_blob() else { return Ok(None) };
        if row::checksum(&[place, n, i64::from(attempts)], body) != sum {
            return Ok(None);
        }
        let find = |hash| text(&self.db, &mut self.texts, &mut self.text_bytes, hash);
        let session = row::unpack_session(body, find).ok();
        Ok(session.map(|session| Folded { session, attempts, rows: n, behind: 0 }))
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

/// Adds one entry to what is folded so far.
fn add(folded: &mut Option<Folded>, id: SessionId, entry: Entry, share: &mut Share) {
    match (entry, &mut *folded) {
        (Entry::Spawned { spec, at, .. }, None) => {
            let session = Session::new(id, share.spec(spec), at);
            *folded = Some(Folded { session, attempts: 0, rows: 0, behind: 0 });
        }
        (Entry::Turn(events), Some(folded)) => {
            for (seq, at, kind) in events {
                if matches!(kind, EventKind::PauseRequested { .. }) {
                    folded.attempts = 0;
                }
                if seq > folded.session.last_seq() {
                    apply(&mut folded.session, &crate::domain::Event { seq, at, kind });
                }
            }
        }
        (Entry::Resumed { unclean: true, .. }, Some(folded)) => folded.attempts += 1,
        _ => {}
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
