//! The tables of a journal, and which versions of them are read.
//!
//! `records` only grows at its end: a commit then writes few pages however many sessions it is of. Every row is one
//! append of one session, so that an append is there whole or not at all.

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::Refused;

/// What SQLite's own header calls a journal: `SwBd`.
pub(super) const APPLICATION_ID: i32 = 0x5377_4264;

/// The version that is written. 2: reads of the outside that follow one another are one entry of a row. The rows of
/// version 1 stay as they are; every later program reads them too.
pub(super) const VERSION: i32 = 2;

/// Bytes of a page; salvage relies on it.
pub(super) const PAGE: usize = 4096;

/// The tables.
///
/// - `sessions`: their place in the order of birth, their id, when they ended, whether they were looked at
///   for log lines that may go.
/// - `records`: of a session by its place; neither the number of a row nor a place is ever given twice; `n` counts its rows from 1; `seq` is the number of its last event so far.
/// - `snapshots`: what the first `n` rows of a session amount to. Can be made again from them.
/// - `texts`: long texts, by hash.
/// - `facts`: what there is to know of the file itself.
///
/// `sum` is the checksum of the numbers and the body beside it.
const TABLES: &str = "
    CREATE TABLE records (
        row INTEGER PRIMARY KEY, place INTEGER NOT NULL, n INTEGER NOT NULL, seq INTEGER NOT NULL,
        sum INTEGER NOT NULL, body BLOB NOT NULL);
    CREATE TABLE texts (row INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, text BLOB NOT NULL);
    CREATE TABLE drafts (
        row INTEGER PRIMARY KEY, session INTEGER NOT NULL, query TEXT NOT NULL, sum INTEGER NOT NULL,
        text TEXT NOT NULL, UNIQUE (session, query));
    CREATE TABLE sessions (
        place INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, ended INTEGER, pruned INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE snapshots (
        place INTEGER PRIMARY KEY, n INTEGER NOT NULL, attempts INTEGER NOT NULL, sum INTEGER NOT NULL,
        body BLOB NOT NULL);
    CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE INDEX records_of ON records (place, seq);
    CREATE INDEX ended ON sessions (ended) WHERE ended IS NOT NULL;
";

/// Lets a statement stay as it was parsed. SQLite would else do that anew for each session that is read, since a plan
/// could depend on the values asked for; ours all go along one index.
pub(super) fn parse_once(db: &Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Makes the tables in an empty file, or brings those of an older version up to this one. In one transaction.
///
/// # Errors
/// A file of something else, or of a newer version. It is left as it is.
pub(super) fn prepare(db: &mut Connection) -> Result<(), Refused> {
    let found = check(db)?;
    if found == Found::This {
        return Ok(());
    }
    let transaction = db.transaction()?;
    if found == Found::Empty {
        transaction.execute_batch(TABLES)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()?;
    Ok(())
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// No tables at all.
    Empty,
    /// A journal of an older version: it can be read, and is brought up before it is written.
    Older,
    /// A journal of the version that is written.
    This,
}

/// Looks what a file is.
///
/// # Errors
/// A file of something else, or of a newer version.
pub(super) fn check(db: &Connection) -> Result<Found, Refused> {
    let application: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version) {
        (0, 0) if tables == 0 => Ok(Found::Empty),
        (APPLICATION_ID, VERSION) => Ok(Found::This),
        (APPLICATION_ID, 1..VERSION) => Ok(Found::Older),
        (APPLICATION_ID, newer) if newer > VERSION => Err(Refused::Newer { version: newer }),
        _ => Err(Refused::Foreign),
    }
}

/// What a file says of itself: whether the last process that wrote had ended in order, and which numbers were given.
pub(super) mod facts {
    use rusqlite::{Connection, OptionalExtension};

    /// Set while a process writes, to the last row that stood there before it; gone when it ended in order.
    pub(in super::super) const OPEN: &str = "open";

    /// Set once a row was found damaged: the next start salvages.
    pub(in super::super) const DAMAGED: &str = "damaged";

    /// The last row and the last place as sessions were removed: SQLite would give their numbers again.
    const LAST_ROW: &str = "last_row";
    const LAST_PLACE: &str = "last_place";

    /// The last row and the last place that were ever given. Whoever follows a journal looks for what stands behind the
    /// last row that it saw, and holds a session to be the one of its place.
    pub(in super::super) fn last_numbers(db: &Connection) -> rusqlite::Result<(i64, i64)> {
        let last = |name, sql| {
            let stored: i64 = db.query_row(sql, [], |row| row.get(0))?;
            Ok::<_, rusqlite::Error>(stored.max(get(db, name)?.unwrap_or_default()))
        };
        let row = last(LAST_ROW, "SELECT coalesce(max(row), 0) FROM records")?;
        Ok((row, last(LAST_PLACE, "SELECT coalesce(max(place), 0) FROM sessions")?))
    }

    /// Keeps them, before what has them may go.
    pub(in super::super) fn keep_numbers(db: &Connection) -> rusqlite::Result<()> {
        let (row, place) = last_numbers(db)?;
        set(db, LAST_ROW, row)?;
        set(db, LAST_PLACE, place)
    }

    pub(in super::super) fn set(db: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
        db.prepare_cached("INSERT OR REPLACE INTO facts VALUES (?, ?)")?.execute((name, value)).map(drop)
    }

    pub(in super::super) fn clear(db: &Connection, name: &str) -> rusqlite::Result<()> {
        db.execute("DELETE FROM facts WHERE name = ?", [name]).map(drop)
    }

    pub(in super::super) fn get(db: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
        db.query_row("SELECT value FROM facts WHERE name = ?", [name], |row| row.get(0)).optional()
    }
}
