//! Keeps records in memory: a [`Journal`] for as long as the process lives.
//!
//! It writes no disk, so nothing in it outlives the process. Answers are kept for ever; of the other events of a
//! session only the newest, as many as are its share of 256 MB and at most 4 MB (about), and of the sessions taken over
//! only the newest whole. So a thousand busy sessions keep as much as sixty do. Their events come to lie where older ones
//! were, and that is faster, too: to get memory that was never used took a fifth of the time of an answer.
//! One made to [keep everything](MemoryJournal::keeping_everything) has every record for a replay.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::folding::{Folded, fold};
use super::weight::weight;
use super::{Draft, Durability, EventRef, Journal, Page, Read, Record, Reply, Seen, Stored, StoredPage, Turn};
use crate::domain::{BySession, Event, EventKind, QueryId, Seq, Session, SessionId};

/// Bytes of events, answers not counted, that are kept of one session: some tens of thousands of log lines.
const EVENT_BYTES: usize = 4 << 20;

/// Bytes of events that are kept of all sessions that live, as far as that is not less than this for each.
const ALL_EVENT_BYTES: usize = 256 << 20;
const LEAST_EVENT_BYTES: usize = 16 << 10;

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
    shards: [Mutex<BySession<Log>>; SHARDS],
    retired: Mutex<Retired>,
    drafts: Mutex<Vec<Draft>>,
    /// The sessions in the order of their birth, where everything is kept.
    births: Option<Mutex<Vec<SessionId>>>,
    event_bytes: usize,
    all_event_bytes: usize,
    kept_whole: usize,
    /// Sessions that have records and were not taken over.
    live: AtomicUsize,
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
        let shards = std::array::from_fn(|_| Mutex::default());
        let (retired, drafts, live) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        Self { shards, retired, drafts, births: None, event_bytes, all_event_bytes: ALL_EVENT_BYTES, kept_whole, live }
    }

    /// Makes an empty journal that keeps every record, so that sessions can be replayed. It grows without a bound.
    pub fn keeping_everything() -> Self {
        Self { births: Some(Mutex::default()), all_event_bytes: usize::MAX, ..Self::new(usize::MAX, usize::MAX) }
    }

    /// The recorded reads of a session that are still kept, oldest first.
    pub fn reads(&self, session: SessionId) -> Vec<Read> {
        self.shard(session)
            .get(&session)
            .map_or_else(Vec::new, |log| log.reads.iter().flat_map(|seen| seen.each()).collect())
    }

    fn shard(&self, session: SessionId) -> MutexGuard<'_, BySession<Log>> {
        // Ids are random, so any bits of them spread evenly.
        let shard = &self.shards[session.bits() as usize % SHARDS];
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of events that each session may keep.
    fn share(&self) -> usize {
        let share = self.all_event_bytes / self.live.load(Ordering::Relaxed).max(1);
        share.max(LEAST_EVENT_BYTES).min(self.event_bytes)
    }

    fn retired_lock(&self) -> MutexGuard<'_, Retired> {
        self.retired.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn append(&self, session: SessionId, records: &[Record], _durability: Durability) -> Reply<()> {
        let mut shard = self.shard(session);
        let log = shard.entry(session).or_insert_with(|| {
            self.live.fetch_add(1, Ordering::Relaxed);
            Log::default()
        });
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
        log.prune(self.share());
        Reply::Ready(Ok(()))
    }

    fn events(&self, session: SessionId, from: Seq, max: usize) -> Reply<Page> {
        let shard = self.shard(session);
        Reply::Ready(Ok(shard.get(&session).map_or_else(Page::default, |log| log.page(from, max))))
    }

    fn retire(&self, session: Arc<Session>) {
        let id = session.id();
        let mut retired = self.retired_lock();
        if retired.sessions.insert(id, session).is_none() {
            // Never less than none: whoever is taken over without a record was not counted.
            let _ = self.live.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |live| live.checked_sub(1));
        }
        retired.whole.push_back(id);
        if retired.whole.len() > self.kept_whole
            && let Some(oldest) = retired.whole.pop_front()
        {
            if let Some(session) = retired.sessions.get_mut(&oldest) {
                Arc::make_mut(session).forget_answers();
            }
            drop(retired);
            if let Some(log) = self.shard(oldest).get_mut(&oldest) {
                log.keep_the_end();
            }
        }
    }

    fn retired(&self, session: SessionId) -> Option<Arc<Session>> {
        let retired = self.retired_lock().sessions.get(&session).cloned();
        retired.or_else(|| stored(0, session, &self.shard(session).get(&session)?.records).map(|stored| stored.session))
    }

    fn all_retired(&self) -> Vec<Arc<Session>> {
        let retired = self.retired_lock();
        retired.sessions.values().filter(|session| session.state().is_ended()).cloned().collect()
    }

    fn records(&self, session: SessionId) -> Reply<Option<Arc<[Record]>>> {
        let records = self.shard(session).get(&session).map(|log| log.records.clone());
        Reply::Ready(Ok(records.filter(|records| !records.is_empty()).map(Arc::from)))
    }

    fn stored(&self, behind: u64, max: usize) -> Reply<Arc<StoredPage>> {
        let births = self.births.as_ref().map(|births| births.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let mut page = StoredPage::default();
        let places = (1..).zip(births.into_iter().flatten());
        for (place, id) in places.skip_while(|(place, _)| *place <= behind).take(max) {
            page.last = Some(place);
            page.sessions.extend(self.shard(id).get(&id).and_then(|log| stored(place, id, &log.records)));
        }
        Reply::Ready(Ok(Arc::new(page)))
    }

    fn stored_one(&self, session: SessionId) -> Reply<Option<Stored>> {
        let births = self.births.as_ref().map(|births| births.lock().unwrap_or_else(PoisonError::into_inner));
        let place = births.and_then(|births| births.iter().position(|birth| *birth == session));
        let stored = place.and_then(|n| stored(n as u64 + 1, session, &self.shard(session).get(&session)?.records));
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
    /// newest turn. What is so old is in no cache any more: that is waited for once a portion and not at each answer.
    fn prune(&mut self, bound: usize) {
        if self.bytes <= bound {
            return;
        }
        let bound = bound - bound / PORTIONS;
        while self.bytes > bound && self.reads.len() * size_of::<Seen>() > bound / 2 {
            self.reads.pop_front();
            self.bytes -= size_of::<Seen>();
        }
        while self.bytes > bound && self.turns.len() > 1 {
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
