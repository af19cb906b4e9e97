//! Saves what is intact of a damaged file into a new one, and never writes the damaged one.
//!
//! Reads pages and not tables: a row is found wherever the page that it stands on is a leaf, whatever became of the tree
//! above it, and its checksum says whether it is what was written. Of each session the longest intact beginning is kept.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::lock::{self, Lock};
use super::opening::{Refused, open_for_writing, refused_by, undone};
use super::place::{Standing, has_content};
use super::row::{self, Entry};
use super::schema::{self, facts};
use super::texts;
use super::writer::is_damage;
use crate::domain::{ContentHash, SessionId};

mod pages;

use pages::{Pages, Place};

/// A file of this size is read once to see whether it is intact, if the process before did not end in order: half a
/// second. Of a larger one, damage shows when it is read.
const CHECKED: u64 = 64 << 20;

/// A file of this size is always read once: a few milliseconds.
const CHECKED_ALWAYS: u64 = 2 << 20;

/// A file that is intact, and what to say of it.
pub(super) type Intact = (PathBuf, Option<String>);

/// The file to open for the journal at `path`: itself, or what was or is now salvaged from it, and then what to say.
/// Takes the locks of what is opened, or says who has one: it can also be opened under its own name.
///
/// # Errors
/// A file of something else, or of a newer version, or one of which nothing can be read.
pub(super) fn intact(path: &Path, locks: &mut Vec<Lock>) -> Result<Result<Intact, String>, Refused> {
    if !has_content(path)? || is_intact(path)? {
        return Ok(Ok((path.to_owned(), None)));
    }
    let (number, newest) = newest_salvaged(path);
    if let Some(newest) = newest {
        match lock::take(&newest)? {
            Ok(lock) => locks.push(lock),
            Err(holder) => return Ok(Err(holder)),
        }
        if is_intact(&newest)? {
            let notice = format!("{} is damaged; going on with {}", path.display(), newest.display());
            return Ok(Ok((newest, Some(notice))));
        }
        return salvage_into(path, &newest, number + 1, locks);
    }
    salvage_into(path, path, 1, locks)
}

/// The file to read for the journal at `path`: itself, or the newest that was salvaged from it.
pub(super) fn newest(path: &Path) -> PathBuf {
    newest_salvaged(path).1.unwrap_or_else(|| path.to_owned())
}

fn salvage_into(
    path: &Path,
    damaged: &Path,
    number: u32,
    locks: &mut Vec<Lock>,
) -> Result<Result<Intact, String>, Refused> {
    let saved = salvaged(path, number);
    match lock::take(&saved)? {
        Ok(lock) => locks.push(lock),
        Err(holder) => return Ok(Err(holder)),
    }
    let count = salvage(damaged, &saved)?;
    let notice = format!(
        "{} is damaged and left as it is; {count} sessions were saved into {}, which takes its place",
        damaged.display(),
        saved.display()
    );
    tracing::error!(%notice);
    Ok(Ok((saved, Some(notice))))
}

/// The name of the `number`-th file that is salvaged from the journal at `path`.
fn salvaged(path: &Path, number: u32) -> PathBuf {
    path.with_extension(format!("salvaged-{number}.db"))
}

fn newest_salvaged(path: &Path) -> (u32, Option<PathBuf>) {
    let mut there = all_salvaged(path);
    (there.len() as u32, there.pop())
}

/// Every file that was salvaged from the journal at `path`, in their order.
pub(super) fn all_salvaged(path: &Path) -> Vec<PathBuf> {
    // Else each would be the directory itself.
    let numbers = if path.file_name().is_some() { 1..u32::MAX } else { 0..0 };
    numbers.map(|number| salvaged(path, number)).take_while(|file| file.exists()).collect()
}

/// Every file that was salvaged from the journal at `path`, in their order, and behind them what a process may have left
/// that was ended as it salvaged the next.
pub(super) fn all_begun(path: &Path) -> Vec<PathBuf> {
    let mut files = all_salvaged(path);
    let next = salvaged(path, files.len() as u32 + 1);
    files.extend([unfinished(&next), next]);
    files
}

/// Where what is salvaged is written until it is whole.
fn unfinished(saved: &Path) -> PathBuf {
    lock::beside(saved, ".unfinished")
}

/// Whether a file is what was written, as far as that can be said in half a second.
fn is_intact(path: &Path) -> Result<bool, Refused> {
    if undone(path)?.is_some() {
        // Whoever writes it undoes that first; whoever only reads cannot, and would be told that he may not write.
        return Ok(true);
    }
    // Its head may be what is damaged: what it is, its rows say.
    match passes(path).map_err(|refused| named(refused, path)) {
        Ok(is_intact) => Ok(is_intact),
        Err(Refused::Damaged) => Ok(false),
        Err(refused) => Err(refused),
    }
}

/// Says of a file that SQLite takes for none of its own whether it is a damaged journal or something else.
pub(super) fn named(refused: Refused, path: &Path) -> Refused {
    let is_ours = || Pages::open(path).is_ok_and(|pages| pages.rows().any(|row| row.is_ours()));
    match refused {
        Refused::Sql(error) if !is_damage(&error) => refused_by(error),
        Refused::Sql(_) | Refused::Foreign => {
            if is_ours() {
                Refused::Damaged
            } else {
                Refused::Foreign
            }
        }
        refused => refused,
    }
}

/// The same, as far as SQLite reads it.
fn passes(path: &Path) -> Result<bool, Refused> {
    let db = Standing::of(path).connect(path)?;
    if schema::check(&db)? == schema::Found::Empty {
        return Ok(true);
    }
    if facts::get(&db, facts::DAMAGED)?.is_some() {
        return Ok(false);
    }
    facts::last_numbers(&db)?;
    let was_closed = facts::get(&db, facts::OPEN)?.is_none();
    if std::fs::metadata(path)?.len() > if was_closed { CHECKED_ALWAYS } else { CHECKED } {
        return Ok(true);
    }
    let word: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(word == "ok" && rows_are_intact(&db)?)
}

fn rows_are_intact(db: &Connection) -> rusqlite::Result<bool> {
    let mut statement = db.prepare("SELECT place, n, seq, sum, body FROM records")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let numbers: [i64; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
        let is_intact =
            row.get_ref(4)?.as_blob().is_ok_and(|body| row::checksum(&numbers, body) == row.get(3).unwrap_or(-1));
        if !is_intact {
            return Ok(false);
        }
    }
    let mut statement = db.prepare("SELECT hash, text FROM texts")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (hash, text) = (row.get_ref(0)?.as_blob(), row.get_ref(1)?.as_blob());
        let is_intact = matches!((hash, text), (Ok(hash), Ok(text)) if ContentHash::of(text).to_bytes() == hash);
        if !is_intact {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Saves what is intact in `damaged` into `saved`, which is there whole or not at all. Gives how many sessions.
fn salvage(damaged: &Path, saved: &Path) -> Result<usize, Refused> {
    let pages = Pages::open(damaged)?;
    let mut rows: HashMap<i64, Vec<(i64, Place)>> = HashMap::new();
    let mut kept_texts: HashMap<ContentHash, Place> = HashMap::new();
    let mut drafts = Vec::new();
    for row in pages.rows() {
        match row.kind() {
            Some(pages::Kind::Record { place, n }) => rows.entry(place).or_default().push((n, row.place)),
            Some(pages::Kind::Text(hash)) => drop(kept_texts.insert(hash, row.place)),
            Some(pages::Kind::Draft) => drafts.push(row.place),
            None => {}
        }
    }
    let unfinished = unfinished(saved);
    if unfinished.exists() {
        std::fs::remove_file(&unfinished)?;
    }
    let (mut db, _) = open_for_writing(&unfinished)?;
    let transaction = db.transaction()?;
    let mut places: Vec<i64> = rows.keys().copied().collect();
    places.sort_unstable();
    let mut count = 0;
    let mut ids = HashSet::new();
    for place in places {
        let mut of_session = rows.remove(&place).unwrap_or_default();
        of_session.sort_by_key(|(n, _)| *n);
        of_session.dedup_by_key(|(n, _)| *n);
        count += usize::from(save_session(&transaction, &pages, place, &of_session, &kept_texts, &mut ids)?);
    }
    for place in kept_texts.into_values() {
        let Some(text) = pages.text(place) else { continue };
        let hash = ContentHash::of(&text).to_bytes();
        transaction.prepare_cached("INSERT OR IGNORE INTO texts (hash, text) VALUES (?, ?)")?.execute((hash, text))?;
    }
    for place in drafts {
        let Some((session, query, sum, text)) = pages.draft(place) else { continue };
        if ids.contains(&SessionId::from_bits(session as u64)) {
            let sql = "INSERT OR IGNORE INTO drafts (session, query, sum, text) VALUES (?, ?, ?, ?)";
            transaction.prepare_cached(sql)?.execute((session, query, sum, text))?;
        }
    }
    transaction.commit()?;
    db.pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(()))?;
    drop(db);
    std::fs::rename(&unfinished, saved)?;
    Ok(count)
}

/// Saves the longest intact beginning of one session; whether there is one.
fn save_session(
    db: &Connection,
    pages: &Pages,
    place: i64,
    rows: &[(i64, Place)],
    kept_texts: &HashMap<ContentHash, Place>,
    ids: &mut HashSet<SessionId>,
) -> Result<bool, Refused> {
    let mut is_saved = false;
    for ((n, at), expected) in rows.iter().zip(1..) {
        let Some((seq, sum, body)) = pages.record(*at) else { break };
        if *n != expected || texts::hashes(&body).iter().any(|hash| !kept_texts.contains_key(hash)) {
            break;
        }
        let find =
            |hash| kept_texts.get(&hash).and_then(|place| pages.text(*place)).ok_or_else(|| "missing".to_owned());
        let Ok(entries) = row::entries(&body, find) else { break };
        if *n == 1 {
            let Some(Entry::Spawned { id, .. }) = entries.first() else { break };
            if !ids.insert(*id) {
                break;
            }
            db.prepare_cached("INSERT INTO sessions (place, id) VALUES (?, ?)")?.execute((place, id.bits() as i64))?;
        }
        db.prepare_cached("INSERT INTO records (place, n, seq, sum, body) VALUES (?, ?, ?, ?, ?)")?
            .execute((place, n, seq, sum, body))?;
        let ended = entries.iter().rev().find_map(|entry| match entry {
            Entry::Turn(events) => events.last().filter(|(_, _, kind)| kind.is_last()).map(|(_, at, _)| *at),
            _ => None,
        });
        if ended.is_some() {
            db.prepare_cached("UPDATE sessions SET ended = ? WHERE place = ?")?.execute((ended, place))?;
        }
        is_saved = true;
    }
    Ok(is_saved)
}
