//! Folds what is stored of sessions: from their last snapshot on, or from their birth.
//!
//! A session that is damaged is noted and left out, and what is asked of many is told of the others.

use std::sync::Arc;

use super::{Read, Reader, text};
use crate::domain::{EventKind, Session, SessionId, apply};
use crate::engine::{JournalError, Stored, StoredPage};
use crate::store::journal::lock;
use crate::store::journal::queue::Job;
use crate::store::journal::reading::News;
use crate::store::journal::row::{self, Entry};
use crate::store::journal::schema::facts;
use crate::store::journal::share::Share;

/// Rows behind a snapshot from which on a new one is worth writing.
const STALE: usize = 32;

/// Sessions that are told at once of what others have recorded: some milliseconds in which nothing else is shown.
const NEWS: usize = 256;

/// A session as it is folded of what is stored.
struct Folded {
    session: Session,
    attempts: u32,
    /// All its rows, and those of them that no snapshot covers.
    rows: i64,
    behind: usize,
}

impl Reader {
    /// A session of the file, folded; `None` where there is none.
    ///
    /// # Errors
    /// Why it cannot be read, in a line.
    pub(in super::super) fn session(&mut self, id: SessionId) -> Result<Option<Arc<Session>>, JournalError> {
        let folded = self.place(id).and_then(|place| place.map(|place| self.fold(place, id)).transpose());
        let folded = self.told(folded)?;
        Ok(folded.flatten().map(|folded| Arc::new(folded.session)))
    }

    /// Every session of the file that has ended.
    ///
    /// # Errors
    /// Why they cannot be read, in a line.
    pub(in super::super) fn ended(&mut self) -> Result<Vec<Arc<Session>>, JournalError> {
        let sessions = self.at_once(Self::all_ended);
        self.share = Share::default();
        self.told(sessions)
    }

    fn all_ended(&mut self) -> Read<Vec<Arc<Session>>> {
        let mut sessions = Vec::new();
        for (place, id) in self.places("SELECT place, id FROM sessions WHERE ended IS NOT NULL ORDER BY place", [])? {
            match self.fold(place, id) {
                // It is noted, and is in nobody's way.
                Err(damage) if damage.is_damage() => drop(self.explain(damage)),
                folded => sessions.extend(folded?.map(|folded| Arc::new(folded.session))),
            }
        }
        Ok(sessions)
    }

    pub(super) fn stored(&mut self, behind: u64, max: usize) -> Read<Arc<StoredPage>> {
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
            page.sessions.push(self.amounts_to(place, session, attempts)?);
        }
        Ok(Arc::new(page))
    }

    pub(super) fn stored_one(&mut self, session: SessionId) -> Read<Option<Stored>> {
        let Some(place) = self.place(session)? else { return Ok(None) };
        self.stored_at(place, session)
    }

    fn stored_at(&mut self, place: i64, id: SessionId) -> Read<Option<Stored>> {
        let Some(Folded { session, attempts, .. }) = self.fold(place, id)? else { return Ok(None) };
        self.amounts_to(place, Arc::new(session), attempts).map(Some)
    }

    fn amounts_to(&self, place: i64, session: Arc<Session>, attempts: u32) -> Read<Stored> {
        let mut stored = Stored { place: place as u64, session, attempts, rests: true };
        // Nobody asks it of others, and they are many.
        if stored.is_suspended() {
            stored.rests = self.rests(place)?;
        }
        Ok(stored)
    }

    /// Whether nothing was recorded of a session since the journal was opened for writing last, or nobody writes it now:
    /// the next that does so leaves it alone.
    fn rests(&self, place: i64) -> Read<bool> {
        if self.queue.strong_count() == 0 && lock::holder(&self.path).is_none() {
            return Ok(true);
        }
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM records, facts
             WHERE place = ? AND row > value AND name = ?)";
        Ok(self.db.prepare_cached(sql)?.query_row((place, facts::OPEN), |row| row.get(0))?)
    }

    pub(super) fn news(&mut self, last: &News) -> Read<News> {
        let mut news = News { sessions: Vec::new(), ..last.clone() };
        news.writer_from = facts::get(&self.db, facts::OPEN)?;
        if last.row.is_some() && news.writer_from != last.writer_from {
            // It leaves alone what ran as the one before it went down, and records nothing of that.
            news.anew = Some(0);
        }
        if news.left.is_empty() {
            // What is recorded while some are left is looked for once they are told: each is told as it is by then.
            self.look_behind(&mut news)?;
        }
        for (place, id) in self.next_of(&mut news)? {
            match self.stored_at(place, id) {
                // It is noted, and hides none of the others.
                Err(damage) if damage.is_damage() => drop(self.explain(damage)),
                stored => news.sessions.extend(stored?),
            }
        }
        news.is_more = !news.left.is_empty() || news.anew.is_some();
        if !news.is_more {
            self.share = Share::default();
        }
        news.count = self.db.query_row("SELECT count(*) FROM sessions", [], |row| row.get::<_, i64>(0))? as usize;
        Ok(news)
    }

    /// Looks which sessions have rows behind the last that was looked at.
    fn look_behind(&self, news: &mut News) -> Read<()> {
        let row: i64 = self.db.query_row("SELECT coalesce(max(row), 0) FROM records", [], |row| row.get(0))?;
        let Some(behind) = news.row.replace(row) else { return Ok(()) };
        if row > behind {
            let sql = "SELECT place, id FROM sessions
                 WHERE place IN (SELECT place FROM records WHERE row > ?) ORDER BY place";
            news.left = self.places(sql, [behind])?.into();
        } else {
            // Where the last were removed there is less; their numbers are not given again.
            news.row = Some(behind);
        }
        Ok(())
    }

    /// Takes out those that are to be told next.
    fn next_of(&self, news: &mut News) -> Read<Vec<(i64, SessionId)>> {
        let (next, left) = news.left.split_at(news.left.len().min(NEWS));
        let mut next = next.to_vec();
        news.left = left.into();
        if let Some(behind) = news.anew {
            let sql = "SELECT place, id FROM sessions WHERE place > ? AND ended IS NULL ORDER BY place LIMIT ?";
            let max = NEWS - next.len();
            let mut others = self.places(sql, (behind, max as i64))?;
            news.anew = if others.len() < max { None } else { others.last().map_or(news.anew, |last| Some(last.0)) };
            others.retain(|other| !next.contains(other));
            next.extend(others);
        }
        Ok(next)
    }

    /// What is stored of a session amounts to this; `None` where its birth is not stored.
    fn fold(&mut self, place: i64, id: SessionId) -> Read<Option<Folded>> {
        let mut folded = match self.snapshot(place) {
            Err(damage) if damage.is_damage() => {
                self.explain(damage);
                None
            }
            folded => folded?,
        };
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
