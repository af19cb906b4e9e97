//! What waits to be written, and the bounds of it.
//!
//! Who appends never waits here: below the bounds the journal is said to have it, above them the word comes once it is
//! written. Nothing is written here; that is the [writer's](super::writer).

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::figures::Commits;
use super::reading::Reading;
use super::retention::{Removed, Retention};
use super::row::Row;
use crate::domain::{QueryId, Session, SessionId};
use crate::engine::{Durability, JournalError, JournalFigures, Reply, Turn};

/// Bytes that may wait in all, and of one session, before its program has to wait. 64 MB: a second or two of a slow
/// disk at the speed at which thousands of programs log; 4 MB: a sixteenth of it.
const BYTES: usize = 64 << 20;
const SESSION_BYTES: usize = 4 << 20;

/// How long what nobody waits for may wait: a crash loses that much of what a replay derives again.
const LAZY: Duration = Duration::from_millis(10);

/// The same for what is typed: a commit for each key would wear out a disk.
const TYPED: Duration = Duration::from_millis(500);

/// How often a journal in trouble tries again by itself.
const RETRY: Duration = Duration::from_secs(1);

/// How long others who are about to append are waited for, at most; a tenth of a commit on a usual disk.
const GATHER: Duration = Duration::from_micros(200);

/// How long the writer looks for the next append before it sleeps, if it has just written some that were waited for: as
/// long as it takes to tell of them and to be asked again. To wake it would take half as long once more.
const WATCH: Duration = Duration::from_micros(150);

/// As many appends at most: where more were waited for, enough is there at once.
const FEW: usize = 4;

/// The word on something that was asked for.
pub(super) type Word<T> = oneshot::Sender<Result<T, JournalError>>;

/// One append.
pub(super) struct Append {
    pub(super) session: SessionId,
    pub(super) row: Row,
    pub(super) durability: Durability,
    pub(super) word: Option<Word<()>>,
    bytes: usize,
}

/// Something to be done by the writer, in order.
pub(super) enum Job {
    Append(Append),
    /// A session that nobody has in memory any more.
    Retire(Arc<Session>),
    /// What the first `n` rows of the session at `place` amount to.
    Snapshot {
        place: i64,
        n: i64,
        attempts: u32,
        session: Arc<Session>,
    },
    /// A read that wants everything before it written.
    Read(Reading),
    Remove(Vec<SessionId>, Word<Removed>),
    Prune(Retention),
    Close(Word<()>),
}

impl Job {
    /// Whether somebody waits for it.
    fn is_urgent(&self) -> bool {
        match self {
            Self::Append(append) => append.word.is_some(),
            Self::Retire(_) | Self::Snapshot { .. } | Self::Prune(_) => false,
            Self::Read(_) | Self::Remove(..) | Self::Close(_) => true,
        }
    }
}

/// What is typed for queries; `None` where nothing is any more.
pub(super) type Typed = HashMap<(SessionId, QueryId), Option<Arc<str>>>;

/// What the writer takes at once.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) jobs: Vec<Job>,
    pub(super) typed: Typed,
    /// When the first of the jobs was added for which somebody waits.
    pub(super) asked: Option<Instant>,
    /// Nobody is left who could add anything.
    pub(super) is_last: bool,
}

/// The queue between those who append and the writer.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    wake: Condvar,
    /// Whether somebody waits, for the writer to see without the lock.
    is_urgent: AtomicBool,
    pub(super) commits: Commits,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    typed: Typed,
    /// Jobs for which somebody waits.
    urgent: usize,
    /// Since when the first of them waits.
    urgent_since: Option<Instant>,
    /// Since when the oldest of what nobody waits for waits.
    lazy_since: Option<Instant>,
    typed_since: Option<Instant>,
    bytes: usize,
    unwritten: HashMap<SessionId, Unwritten>,
    /// Sessions that are taken over and not written yet.
    retiring: HashMap<SessionId, Arc<Session>>,
    trouble: Option<String>,
    closed: bool,
    /// The handle is gone.
    dropped: bool,
    writer: Waits,
}

/// Whether the writer waits.
#[derive(Default, Clone, Copy)]
enum Waits {
    #[default]
    No,
    /// It looks by itself then.
    Until(Instant),
    /// It looks once it is woken.
    Woken,
}

/// What is derived and not written yet of one session.
#[derive(Default)]
struct Unwritten {
    bytes: usize,
    appends: VecDeque<Option<Turn>>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an append. `turn` is its turn, for readers meanwhile.
    pub(super) fn append(&self, session: SessionId, row: Row, turn: Option<Turn>, durability: Durability) -> Reply<()> {
        let bytes = row.bytes();
        let mut state = self.lock();
        if state.closed {
            return Reply::Ready(Err(JournalError("the journal is closed".into())));
        }
        let is_behind = durability == Durability::Acknowledged || {
            let unwritten = state.unwritten.entry(session).or_default();
            unwritten.bytes += bytes;
            unwritten.appends.push_back(turn);
            unwritten.bytes > SESSION_BYTES || state.bytes + bytes > BYTES
        };
        state.bytes += bytes;
        let (word, reply) = if is_behind {
            let (word, reply) = oneshot::channel();
            (Some(word), Reply::Later(reply))
        } else {
            (None, Reply::Ready(Ok(())))
        };
        self.push(state, Job::Append(Append { session, row, durability, word, bytes }));
        reply
    }

    /// Adds a job, unless the journal is closed: then it comes back.
    pub(super) fn add(&self, job: Job) -> Result<(), Job> {
        let mut state = self.lock();
        if state.closed {
            return Err(job);
        }
        match &job {
            Job::Retire(session) => drop(state.retiring.insert(session.id(), Arc::clone(session))),
            Job::Close(_) => state.closed = true,
            _ => {}
        }
        self.push(state, job);
        Ok(())
    }

    /// Takes what is typed for a query.
    pub(super) fn type_in(&self, session: SessionId, query: QueryId, text: Option<Arc<str>>) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.typed.insert((session, query), text);
        if state.typed_since.is_none() {
            let now = Instant::now();
            state.typed_since = Some(now);
            self.notify_by(state, now + TYPED);
        }
    }

    fn push(&self, mut state: MutexGuard<'_, State>, job: Job) {
        let urgent = job.is_urgent();
        state.jobs.push_back(job);
        let now = Instant::now();
        if urgent {
            state.urgent += 1;
            self.is_urgent.store(true, Ordering::Release);
            state.urgent_since.get_or_insert(now);
            self.notify_by(state, now);
        } else if state.lazy_since.is_none() {
            state.lazy_since = Some(now);
            self.notify_by(state, now + LAZY);
        } else {
            // The writer wakes for what came before it.
        }
    }

    /// Wakes the writer, unless it looks by itself at `due` or before.
    fn notify_by(&self, state: MutexGuard<'_, State>, due: Instant) {
        let sleeps_longer = match state.writer {
            Waits::No => false,
            Waits::Until(until) => until > due,
            Waits::Woken => true,
        };
        drop(state);
        if sleeps_longer {
            self.wake.notify_one();
        }
    }

    /// Waits until there is something to write, and takes all of it. `last` appends had been waited for the time before:
    /// that many are likely to come again, and one commit for all is worth a moment.
    pub(super) fn take(&self, last: usize, has_leftovers: bool) -> Batch {
        if (1..=FEW).contains(&last) {
            self.watch();
        }
        let mut state = self.lock();
        let retry = has_leftovers.then(|| Instant::now() + RETRY);
        // What programs derive from what they were just told of comes within this time. The writer looks by itself then, so
        // that nobody who adds it has to wake a thread for something that may wait.
        let mut soon = Some(Instant::now() + LAZY);
        loop {
            let lazy = state.lazy_since.map(|since| since + LAZY);
            let typed = state.typed_since.map(|since| since + TYPED);
            let due = if retry.is_some() { retry } else { lazy.into_iter().chain(typed).min() };
            let now = Instant::now();
            if state.urgent > 0 || state.dropped || due.is_some_and(|due| due <= now) {
                break;
            }
            soon = soon.filter(|soon| *soon > now);
            state = self.wait(state, due.or(soon));
        }
        let give_up = Instant::now() + GATHER;
        while state.urgent < last && !state.dropped && Instant::now() < give_up {
            state = self.wait(state, Some(give_up));
        }
        state.urgent = 0;
        self.is_urgent.store(false, Ordering::Release);
        (state.lazy_since, state.typed_since) = (None, None);
        Batch {
            jobs: mem::take(&mut state.jobs).into(),
            typed: mem::take(&mut state.typed),
            asked: state.urgent_since.take(),
            is_last: state.dropped,
        }
    }

    /// Looks for somebody who waits, for a moment; others who have something to do go first.
    fn watch(&self) {
        let give_up = Instant::now() + WATCH;
        while !self.is_urgent.load(Ordering::Acquire) && Instant::now() < give_up {
            std::thread::yield_now();
        }
    }

    fn wait<'a>(&self, mut state: MutexGuard<'a, State>, until: Option<Instant>) -> MutexGuard<'a, State> {
        state.writer = until.map_or(Waits::Woken, Waits::Until);
        let mut state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
            None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => self.wake.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner).0,
        };
        state.writer = Waits::No;
        state
    }

    /// Forgets appends and sessions that are written, or that never will be.
    pub(super) fn settle<'a>(&self, jobs: impl Iterator<Item = &'a Job>) {
        let mut state = self.lock();
        for job in jobs {
            match job {
                Job::Append(append) => {
                    state.bytes -= append.bytes;
                    if append.durability == Durability::Derived {
                        state.settle_derived(append);
                    }
                }
                Job::Retire(session) => state.settle_retired(session),
                _ => {}
            }
        }
    }

    /// The turns of a session that were derived and are not written yet, in order.
    pub(super) fn unwritten(&self, session: SessionId) -> Vec<Turn> {
        let state = self.lock();
        state.unwritten.get(&session).map_or_else(Vec::new, |it| it.appends.iter().flatten().cloned().collect())
    }

    /// A session that is taken over and not written yet.
    pub(super) fn retiring(&self, session: SessionId) -> Option<Arc<Session>> {
        self.lock().retiring.get(&session).cloned()
    }

    /// All of them.
    pub(super) fn all_retiring(&self) -> Vec<Arc<Session>> {
        self.lock().retiring.values().cloned().collect()
    }

    /// How the journal keeps up.
    pub(super) fn figures(&self) -> JournalFigures {
        let figures = self.commits.figures();
        let state = self.lock();
        // What the writer has taken still counts, but for its number.
        JournalFigures { waiting: state.jobs.len(), waiting_bytes: state.bytes, ..figures }
    }

    /// Why nothing can be written.
    pub(super) fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        self.lock().trouble = trouble;
    }

    /// Nobody will add anything: the writer takes what is there and ends.
    pub(super) fn let_go(&self) {
        let mut state = self.lock();
        (state.closed, state.dropped) = (true, true);
        drop(state);
        self.wake.notify_one();
    }
}

impl State {
    fn settle_retired(&mut self, session: &Arc<Session>) {
        if self.retiring.get(&session.id()).is_some_and(|waiting| Arc::ptr_eq(waiting, session)) {
            self.retiring.remove(&session.id());
        }
    }

    fn settle_derived(&mut self, append: &Append) {
        let Some(unwritten) = self.unwritten.get_mut(&append.session) else { return };
        unwritten.appends.pop_front();
        unwritten.bytes -= append.bytes;
        if unwritten.appends.is_empty() {
            self.unwritten.remove(&append.session);
        }
    }
}
