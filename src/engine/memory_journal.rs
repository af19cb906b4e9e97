//! Keeps records in memory: a [`Journal`] for as long as the process lives.
//!
//! It writes no disk, so nothing in it outlives the process. Answers are kept for ever; of the other events only the
//! newest: 4 MB of a session, and 256 MB of all together, of which those that have more than their share give way. (What
//! they take in memory is about half as much again.) Of the sessions taken over only the newest are kept whole.
//! The bound for all also keeps answers fast, since events come to lie where older ones were: to get memory that was
//! never used took a fifth of the time of an answer.
//! One made to [keep everything](MemoryJournal::keeping_everything) has every record for a replay.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::folding::{Folded, fold};
use super::weight::weight;
use super::{Draft, Durability, EventRef, Journal, Page, Read, Record, Reply, Seen, Stored, StoredPage, Turn};
use crate::domain::{BySession, Event, EventKind, QueryId, Seq, Session, SessionId};

/// Bytes of events, answers not counted, that are kept of one session: some tens of thousands of log lines.
const EVENT_BYTES: usize = 4 << 20;

/// The same of all sessions. It is looked at in steps, so that it may be a few megabytes more.
const ALL_EVENT_BYTES: usize = 256 << 20;

/// Nobody's share is less than this.
const LEAST_SHARE: usize = 16 << 10;

/// After so many bytes more or less a shard tells the sum of all, and somebody gives way if that is too much.
const STEP: usize = 64 << 10;

/// Turns that one append drops at most, so that none takes long: more than it can add in a step.
const TURNS_AT_ONCE: usize = 1024;

/// What is dropped at once is this part of what is kept: at most so much less is kept than could be.
const PORTIONS: usize = 256;

/// Answers in a piece: one page of memory.
const PIECE: usize = 32;

/// Sessions taken over that are kept whole; of older ones their end and their summary. At the bound above they are
/// a few gigabytes in the worst case and some tens of megabytes in the usual one.
const KEPT_WHOLE: usize = 1000;

/// Locks over the sessions, so that two workers seldom meet at one.
const SHARDS: usize = 64;

/// The in-memory journal.
#[derive(Debug)]
pub struct MemoryJournal {
    shards: [Mutex<Shard>; SHARDS],
    retired: Mutex<Retired>,
    drafts: Mutex<Vec<Draft>>,
    /// The sessions in the order of their birth, where everything is kept.
    births: Option<Mutex<Vec<SessionId>>>,
    event_bytes: usize,
    all_event_bytes: usize,
    kept_whole: usize,
    /// Bytes of events of all sessions, as the shards have told.
    all: AtomicIsize,
    /// Bytes of events that each session may keep while all have too many.
    share: AtomicUsize,
    /// Sessions that have more than the least share, as the shards were looked at last.
    large: AtomicUsize,
    /// Which shard is looked at next.
    next: AtomicUsize,
}

#[derive(Debug, Default)]
struct Shard {
    logs: BySession<Log>,
    /// Bytes more or less that the sum of all does not have yet.
    untold: isize,
    /// As it was looked at last.
    large: usize,
}

/// The records of one session.
#[derive(Debug, Default)]
struct Log {
    /// Answers that are older than everything in `turns`, in pieces: one list would have to be copied as it grows.
    answers: Vec<Vec<Event>>,
    /// The newest turns, each with its size: a turn that is about to go is no longer in any cache.
    turns: VecDeque<(Turn, usize)>,
    reads: VecDeque<Seen>,
    bytes: usize,
    /// Everything, where everything is kept.
    records: Vec<Record>,
}

#[derive(Debug, Default)]
struct Retired {
    sessions: BySession<Arc<Session>>,
    whole: VecDeque<SessionId>,
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::new(EVENT_BYTES, KEPT_WHOLE)
    }
}

impl MemoryJournal {
    /// Makes an empty journal that keeps at most `event_bytes` of events a session, and `kept_whole` sessions taken over.
    pub fn new(event_bytes: usize, kept_whole: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            retired: Mutex::default(),
            drafts: Mutex::default(),
            births: None,
            event_bytes,
            all_event_bytes: ALL_EVENT_BYTES,
            kept_whole,
            all: AtomicIsize::new(0),
            share: AtomicUsize::new(event_bytes),
            large: AtomicUsize::new(0),
            next: AtomicUsize::new(0),
        }
    }

    /// Makes an empty journal that keeps every record, so that sessions can be replayed. It grows without a bound.
    pub fn keeping_everything() -> Self {
        Self { births: Some(Mutex::default()), all_event_bytes: usize::MAX, ..Self::new(usize::MAX, usize::MAX) }
    }

    /// The recorded reads of a session that are still kept, oldest first.
    pub fn reads(&self, session: SessionId) -> Vec<Read> {
        self.shard(session)
            .logs
            .get(&session)
            .map_or_else(Vec::new, |log| log.reads.iter().flat_map(|seen| seen.each()).collect())
    }

    fn shard(&self, session: SessionId) -> MutexGuard<'_, Shard> {
        // Ids are random, so any bits of them spread evenly.
        let shard = &self.shards[session.bits() as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has_too_much(&self) -> bool {
        usize::try_from(self.all.load(Ordering::Relaxed)).is_ok_and(|all| all > self.all_event_bytes)
    }

    /// Bytes of events that a session may keep now.
    fn bound(&self) -> usize {
        if self.has_too_much() { self.share.load(Ordering::Relaxed) } else { self.event_bytes }
    }

    /// Counts who has much in one shard after the other, and takes of those that have more than their share: who had
    /// much and waits now would else keep it for ever.
    fn look_around(&self) {
        let shard = &self.shards[self.next.fetch_add(1, Ordering::Relaxed) % SHARDS];
        // Whoever works there tells later.
        let Ok(mut shard) = shard.try_lock() else { return };
        let Shard { logs, untold, large: before } = &mut *shard;
        let large = logs.values().filter(|log| log.bytes > LEAST_SHARE).count();
        self.large.fetch_add(large, Ordering::Relaxed);
        let all_large = self.large.fetch_sub(*before, Ordering::Relaxed) - *before;
        *before = large;
        let each = (self.all_event_bytes / all_large.max(1)).max(LEAST_SHARE).min(self.event_bytes);
        self.share.store(each, Ordering::Relaxed);
        let mut left = TURNS_AT_ONCE;
        for log in logs.values_mut().filter(|log| log.bytes > each) {
            let kept = log.bytes;
            log.prune(each, &mut left);
            *untold -= (kept - log.bytes) as isize;
        }
    }

    fn retired_lock(&self) -> MutexGuard<'_, Retired> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn append(&self, session: SessionId, records: &[Record], _durability: Durability) -> Reply<()> {
        let mut shard = self.shard(session);
        let Shard { logs, untold, .. } = &mut *shard;
        let log = logs.entry(session).or_default();
        let before = log.bytes;
        if let Some(births) = &self.births {
            if log.records.is_empty() {
                births.lock().unwrap_or_else(PoisonError::into_inner).push(session);
            }
            log.records.extend_from_slice(records);
        }
        for record in records {
            match record {
                // The spec lives as long as the session, which the registry or `retired` holds.
                // The results of effects are for a replay, which needs a journal that outlives the process.
                Record::Spawned { .. } | Record::Performed(_) | Record::Resumed { .. } => {}
                Record::Read(seen) => {
                    log.reads.push_back(*seen);
                    log.bytes += size_of::<Seen>();
                }
                Record::Turn(turn) => {
                    let answers: usize = turn.iter().filter(|event| is_answer(event)).map(weight).sum();
                    let size = turn.bytes() - answers;
                    log.bytes += size;
                    log.turns.push_back((turn.clone(), size));
                }
            }
        }
        let mut left = TURNS_AT_ONCE;
        log.prune(self.bound(), &mut left);
        *untold += log.bytes as isize - before as isize;
        if untold.unsigned_abs() > STEP {
            self.all.fetch_add(std::mem::take(untold), Ordering::Relaxed);
            drop(shard);
            if self.has_too_much() {
                self.look_around();
            }
        }
        Reply::Ready(Ok(()))
    }

    fn events(&self, session: SessionId, from: Seq, max: usize) -> Reply<Page> {
        let shard = self.shard(session);
        Reply::Ready(Ok(shard.logs.get(&session).map_or_else(Page::default, |log| log.page(from, max))))
    }

    fn retire(&self, session: Arc<Session>) {
        let id = session.id();
        let mut retired = self.retired_lock();
        retired.sessions.insert(id, session);
        retired.whole.push_back(id);
        if retired.whole.len() > self.kept_whole
            && let Some(oldest) = retired.whole.pop_front()
        {
            if let Some(session) = retired.sessions.get_mut(&oldest) {
                Arc::make_mut(session).forget_answers();
            }
            drop(retired);
            let mut shard = self.shard(oldest);
            let Shard { logs, untold, .. } = &mut *shard;
            if let Some(log) = logs.get_mut(&oldest) {
                *untold -= log.bytes as isize;
                log.keep_the_end();
            }
        }
    }

    fn retired(&self, session: SessionId) -> Option<Arc<Session>> {
        let retired = self.retired_lock().sessions.get(&session).cloned();
        retired.or_else(|| {
            stored(0, session, &self.shard(session).logs.get(&session)?.records).map(|stored| stored.session)
        })
    }

    fn all_retired(&self) -> Vec<Arc<Session>> {
        let retired = self.retired_lock();
        retired.sessions.values().filter(|session| session.state().is_ended()).cloned().collect()
    }

    fn records(&self, session: SessionId) -> Reply<Option<Arc<[Record]>>> {
        let records = self.shard(session).logs.get(&session).map(|log| log.records.clone());
        Reply::Ready(Ok(records.filter(|records| !records.is_empty()).map(Arc::from)))
    }

    fn stored(&self, behind: u64, max: usize) -> Reply<Arc<StoredPage>> {
        let births = self.births.as_ref().map(|births| births.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let mut page = StoredPage::default();
        let places = (1..).zip(births.into_iter().flatten());
        for (place, id) in places.skip_while(|(place, _)| *place <= behind).take(max) {
            page.last = Some(place);
            page.sessions.extend(self.shard(id).logs.get(&id).and_then(|log| stored(place, id, &log.records)));
        }
        Reply::Ready(Ok(Arc::new(page)))
    }

    fn stored_one(&self, session: SessionId) -> Reply<Option<Stored>> {
        let births = self.births.as_ref().map(|births| births.lock().unwrap_or_else(PoisonError::into_inner));
        let place = births.and_then(|births| births.iter().position(|birth| *birth == session));
        let stored =
            place.and_then(|n| stored(n as u64 + 1, session, &self.shard(session).logs.get(&session)?.records));
        Reply::Ready(Ok(stored))
    }

    fn stored_count(&self) -> Reply<usize> {
        let births = self.births.as_ref();
        Reply::Ready(Ok(births.map_or(0, |births| births.lock().unwrap_or_else(PoisonError::into_inner).len())))
    }

    fn outlives_the_process(&self) -> bool {
        self.births.is_some()
    }

    fn was_closed(&self) -> bool {
        true
    }

    fn keep_draft(&self, session: SessionId, query: QueryId, text: Option<Arc<str>>) {
        let mut drafts = self.drafts.lock().unwrap_or_else(PoisonError::into_inner);
        drafts.retain(|draft| (draft.session, draft.query) != (session, query));
        drafts.extend(text.map(|text| Draft { session, query, text }));
    }

    fn drafts(&self) -> Reply<Arc<[Draft]>> {
        Reply::Ready(Ok(self.drafts.lock().unwrap_or_else(PoisonError::into_inner).clone().into()))
    }

    fn trouble(&self) -> Option<String> {
        None
    }

    fn close(&self) -> Reply<()> {
        Reply::Ready(Ok(()))
    }
}

/// A session as its records have it.
fn stored(place: u64, id: SessionId, records: &[Record]) -> Option<Stored> {
    let Folded { session, attempts } = fold(id, records)?;
    Some(Stored { place, session: Arc::new(session), attempts, rests: true })
}

impl Log {
    /// Drops the oldest records that are no answers where there is more than `bound`, and a portion more; never the
    /// newest turn, and of turns not more than `left`. What is so old is in no cache any more: that is waited for once a
    /// portion and not at each answer.
    fn prune(&mut self, bound: usize, left: &mut usize) {
        if self.bytes <= bound {
            return;
        }
        let bound = bound - bound / PORTIONS;
        while self.bytes > bound && self.reads.len() * size_of::<Seen>() > bound / 2 {
            self.reads.pop_front();
            self.bytes -= size_of::<Seen>();
        }
        while self.bytes > bound && self.turns.len() > 1 && *left > 0 {
            *left -= 1;
            let Some((turn, size)) = self.turns.pop_front() else { return };
            self.bytes -= size;
            // By themselves: the rest of their turn goes.
            for answer in turn.iter().filter(|event| is_answer(event)) {
                match self.answers.last_mut() {
                    Some(piece) if piece.len() < PIECE => piece.push(answer.clone()),
                    _ => {
                        let mut piece = Vec::with_capacity(PIECE);
                        piece.push(answer.clone());
                        self.answers.push(piece);
                    }
                }
            }
        }
    }

    fn keep_the_end(&mut self) {
        let end = self.turns.pop_back().and_then(|(turn, _)| Turn::new([turn.last()?.clone()]));
        *self = Self { turns: end.map(|turn| (turn, 0)).into_iter().collect(), ..Self::default() };
    }

    /// At most `max` events from `from` on, with the gap before them if the first is missing.
    fn page(&self, from: Seq, max: usize) -> Page {
        let is_before = |piece: &Vec<Event>| piece.last().is_none_or(|event| event.seq < from);
        let old = self.answers[self.answers.partition_point(is_before)..].iter().flatten();
        let old = old.filter(|event| event.seq >= from);
        let new = self.turns.range(self.turns.partition_point(|(turn, _)| turn.last_seq() < from)..);
        let new = new.flat_map(|(turn, _)| turn.since(from));
        Page::of(old.cloned().map(EventRef::from).chain(new), from, max)
    }
}

/// Answers are kept for ever, and so do not count.
fn is_answer(event: &Event) -> bool {
    matches!(event.kind, EventKind::AnswerAccepted { .. })
}
