//! What goes out of a journal: log lines of ended sessions after a while, and sessions that a person removes.
//!
//! Answers never go by themselves, and nothing ever goes of a session that has not ended, nor of what it has forked: its
//! program runs again up to where it stood, and asks its children for what they gave.

use rusqlite::{Connection, OptionalExtension};

use super::row::{self, Entry};
use super::schema::facts;
use crate::domain::{ContentHash, SessionId, Timestamp};

/// Sessions that are looked at in one transaction: some milliseconds in which nothing else is written.
const AT_ONCE: i64 = 50;

/// How long log lines of ended sessions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// The time now.
    pub now: Timestamp,
    /// Milliseconds since the end of their session.
    pub log_ms: i64,
    /// Bytes of the journal from which on the oldest go sooner.
    pub bytes: u64,
}

impl Retention {
    /// Thirty days, or a gigabyte.
    pub const fn at(now: Timestamp) -> Self {
        Self { now, log_ms: 30 * 24 * 3600 * 1000, bytes: 1 << 30 }
    }
}

/// What became of sessions that were to be removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// They are gone.
    pub removed: Vec<SessionId>,
    /// They, or those at the top of their families, have not ended. They are as they were.
    pub not_ended: Vec<SessionId>,
    /// There are none.
    pub unknown: Vec<SessionId>,
}

/// Takes the log lines out of a few sessions for which it is time, in the transaction that is open.
pub(super) fn prune(db: &Connection, limits: &Retention) -> rusqlite::Result<()> {
    let pages = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let used = (pages("page_count")? - pages("freelist_count")?) * pages("page_size")?;
    let until = if used as u64 > limits.bytes { i64::MAX } else { limits.now.saturating_sub(limits.log_ms) };
    let sql = "SELECT place FROM sessions WHERE ended <= ? AND pruned = 0 ORDER BY ended LIMIT ?";
    let places: Vec<i64> =
        db.prepare_cached(sql)?.query_map((until, AT_ONCE), |row| row.get(0))?.collect::<Result<_, _>>()?;
    for place in places {
        prune_session(db, place)?;
        // It has the last of the lines too; what is left of the records says the rest.
        db.prepare_cached("DELETE FROM snapshots WHERE place = ?")?.execute([place])?;
        db.prepare_cached("UPDATE sessions SET pruned = 1 WHERE place = ?")?.execute([place])?;
    }
    Ok(())
}

/// Takes the log lines out of one session. Rows in which nothing is left stay, empty: they count.
fn prune_session(db: &Connection, place: i64) -> rusqlite::Result<()> {
    let mut statement =
        db.prepare_cached("SELECT row, n, seq, sum, body FROM records WHERE place = ? ORDER BY seq, row")?;
    let mut rows = statement.query([place])?;
    while let Some(row) = rows.next()? {
        let (id, n, seq, sum): (i64, i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let body: Vec<u8> = row.get(4)?;
        if row::checksum(&[place, n, seq], &body) != sum {
            // Salvage may still make something of it.
            continue;
        }
        let Ok(Some(left)) = row::entries(&body, |hash| text(db, hash)).and_then(row::without_logs) else { continue };
        let sum = row::checksum(&[place, n, seq], &left);
        db.prepare_cached("UPDATE records SET sum = ?, body = ? WHERE row = ?")?.execute((sum, left, id))?;
    }
    Ok(())
}

fn text(db: &Connection, hash: ContentHash) -> Result<Vec<u8>, String> {
    db.prepare_cached("SELECT text FROM texts WHERE hash = ?")
        .and_then(|mut statement| statement.query_row([hash.to_bytes()], |row| row.get(0)))
        .map_err(|error| error.to_string())
}

/// Removes sessions that have ended, with everything that is kept of them. What a session has forked has ended with what
/// stands at the top of its family, and only then: nobody comes back for what waits below an end.
///
/// # Errors
/// What SQLite says; then nothing is removed.
pub(super) fn remove(db: &mut Connection, ids: &[SessionId]) -> rusqlite::Result<Removed> {
    let transaction = db.transaction()?;
    facts::keep_numbers(&transaction)?;
    let mut outcome = Removed::default();
    // All of them are looked at before the first goes: it may be what tells the end of others.
    let mut places = Vec::new();
    for id in ids {
        match find(&transaction, *id)? {
            None => outcome.unknown.push(*id),
            Some((place, ended)) if has_family_ended(&transaction, place, ended)? => {
                places.push(place);
                outcome.removed.push(*id);
            }
            Some(_) => outcome.not_ended.push(*id),
        }
    }
    for (id, place) in outcome.removed.iter().zip(places) {
        for table in ["records", "snapshots", "sessions"] {
            transaction.prepare_cached(&format!("DELETE FROM {table} WHERE place = ?"))?.execute([place])?;
        }
        transaction.prepare_cached("DELETE FROM drafts WHERE session = ?")?.execute([id.bits() as i64])?;
    }
    if !outcome.removed.is_empty() {
        remove_texts(&transaction)?;
    }
    transaction.commit()?;
    Ok(outcome)
}

/// The place of a session, and when it ended; `None` where there is none.
fn find(db: &Connection, id: SessionId) -> rusqlite::Result<Option<(i64, Option<Timestamp>)>> {
    db.prepare_cached("SELECT place, ended FROM sessions WHERE id = ?")?
        .query_row([id.bits() as i64], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// Whether what stands at the top of the family of the session at `place` has ended. Of those above it the journal may
/// have lost some: then it is the last that is there.
fn has_family_ended(db: &Connection, mut place: i64, mut ended: Option<Timestamp>) -> rusqlite::Result<bool> {
    while let Some(parent) = parent(db, place)? {
        match find(db, parent)? {
            // A parent is born first; of a file in which that is not so, nothing is asked in a circle.
            Some((above, above_ended)) if above < place => (place, ended) = (above, above_ended),
            _ => break,
        }
    }
    Ok(ended.is_some())
}

/// The session that forked the one at `place`. Of one whose birth is damaged none is known, and none could go on with it.
fn parent(db: &Connection, place: i64) -> rusqlite::Result<Option<SessionId>> {
    let body: Option<Vec<u8>> = db
        .prepare_cached("SELECT body FROM records WHERE place = ? ORDER BY seq, row LIMIT 1")?
        .query_row([place], |row| row.get(0))
        .optional()?;
    let entries = body.and_then(|body| row::entries(&body, |hash| text(db, hash)).ok()).unwrap_or_default();
    Ok(entries.first().and_then(|entry| match entry {
        Entry::Spawned { spec, .. } => spec.parent.as_ref().map(|parent| parent.session),
        _ => None,
    }))
}

/// Removes the texts that no row has any more.
fn remove_texts(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("CREATE TEMP TABLE IF NOT EXISTS used (hash BLOB PRIMARY KEY); DELETE FROM used")?;
    for table in ["records", "snapshots"] {
        let mut statement = db.prepare(&format!("SELECT body FROM {table}"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for hash in super::texts::hashes(row.get_ref(0)?.as_blob().unwrap_or_default()) {
                db.prepare_cached("INSERT OR IGNORE INTO used VALUES (?)")?.execute([hash.to_bytes()])?;
            }
        }
    }
    db.execute_batch("DELETE FROM texts WHERE hash NOT IN (SELECT hash FROM used); DROP TABLE used")
}
