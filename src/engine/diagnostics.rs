//! What the engine does right now, for somebody who asks why something is slow: which thread runs which program, what ran
//! for longer than it should, what waits, and how the journal keeps up.
//!
//! A look at counters and no record: nothing is decided by it, and it is gone with the registry. A step costs two
//! stores for it, a request two additions; the rest is done by whoever looks.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::lately::Spread;
use super::posts::Live;
use super::registry::Registry;
use crate::domain::{Session, SessionId, Timestamp};

/// A step that takes longer than this straggles: ten slices. One that can be interrupted comes back within two, on a
/// busy machine within a few; one that cannot holds its worker for up to its limit of a section.
pub const STRAGGLES: Duration = Duration::from_millis(10);

/// Stragglers of the past that are kept: what a person can look through.
const KEPT: usize = 32;

/// What the engine does right now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diagnostics {
    /// The threads that have stepped programs, in the order in which they began to.
    pub workers: Vec<Worker>,
    /// The last steps that straggled and came back, the newest first.
    pub straggled: Vec<Straggler>,
    /// Programs whose slice was over and that wait for a worker to go on.
    pub preempted: usize,
    /// Tasks that came from outside the workers and that none of them has taken up.
    pub injected: usize,
    /// Sessions that have a task: all that are in memory.
    pub tasks: usize,
    /// Answers, cancels and releases that were sent to sessions and have no reply yet.
    pub requests: usize,
    /// How the journal keeps up; `None` of one that writes no disk.
    pub journal: Option<JournalFigures>,
}

/// A thread that steps programs.
#[derive(Debug, Clone, PartialEq)]
pub struct Worker {
    /// Its number, from 1.
    pub n: usize,
    /// Steps it has made.
    pub steps: u64,
    /// What it runs; nothing while it is idle, or does the host's own work.
    pub work: Option<Work>,
}

/// A step under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Work {
    /// The session.
    pub session: SessionId,
    /// What people call it.
    pub title: String,
    /// How long the step has lasted.
    pub lasts: Duration,
    /// Where in the program it straggles, as far as that is known.
    pub place: Option<String>,
    /// Requests to the session that wait for the end of the step.
    pub inbox: usize,
}

impl Work {
    /// Whether it takes longer than a step should.
    pub fn straggles(&self) -> bool {
        self.lasts > STRAGGLES
    }
}

/// A step that has straggled.
#[derive(Debug, Clone, PartialEq)]
pub struct Straggler {
    /// The session.
    pub session: SessionId,
    /// What people call it.
    pub title: String,
    /// When it came back.
    pub at: Timestamp,
    /// How long it lasted.
    pub lasted: Duration,
    /// Where in the program, as far as that is known.
    pub place: Option<String>,
}

/// How a journal keeps up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JournalFigures {
    /// Things that wait to be written.
    pub waiting: usize,
    /// Bytes of them.
    pub waiting_bytes: usize,
    /// How long the commit under way has lasted.
    pub committing: Option<Duration>,
    /// How long commits took.
    pub commits: Spread,
    /// How long whoever had to wait for a commit waited, from asking on; of each commit the longest.
    pub waits: Spread,
    /// Bytes of its files.
    pub bytes: u64,
    /// Why it could not be written last, and how long ago that was noticed.
    pub last_trouble: Option<(String, Duration)>,
}

/// Where workers note what they do.
pub(super) struct Board {
    n: u64,
    since: Instant,
    slots: Mutex<Vec<Arc<Slot>>>,
    straggled: Mutex<VecDeque<Straggler>>,
    preempted: AtomicUsize,
    requests: AtomicUsize,
}

/// What one thread does. Only that thread writes.
#[derive(Debug, Default)]
struct Slot {
    steps: AtomicU64,
    session: AtomicU64,
    /// When the step began, in nanoseconds of the board, from 1; 0 while there is none.
    began: AtomicU64,
    /// Where the step straggles.
    place: Mutex<Option<String>>,
}

thread_local! {
    /// The slot of this thread, and the board it is on.
    static HERE: RefCell<Option<(u64, Arc<Slot>)>> = const { RefCell::new(None) };
}

/// Says where in its program the step that this thread makes straggles. For the VM, which is asked for it by nobody.
pub fn straggles_at(place: &str) {
    HERE.with_borrow(|here| {
        if let Some((_, slot)) = here {
            *slot.place() = Some(place.trim_end_matches([':', ' ']).to_owned());
        }
    });
}

impl Slot {
    fn place(&self) -> MutexGuard<'_, Option<String>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of the step under way and when it began.
    fn work(&self) -> Option<(SessionId, u64)> {
        loop {
            // A step ends before the next one says whose it is: if the beginning is the same, so was the session.
            let began = self.began.load(Ordering::Acquire);
            let session = self.session.load(Ordering::Acquire);
            if began == 0 {
                return None;
            }
            if self.began.load(Ordering::Acquire) == began {
                return Some((SessionId::from_bits(session), began));
            }
        }
    }
}

/// A step under way on this thread; it ends where this is dropped.
pub(super) struct Stepping<'a> {
    board: &'a Board,
}

impl Drop for Stepping<'_> {
    fn drop(&mut self) {
        self.board.here(|slot| slot.began.store(0, Ordering::Release));
    }
}

/// One more of something, until this is dropped.
pub(super) struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn on(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Board {
    pub(super) fn new() -> Self {
        static BOARDS: AtomicU64 = AtomicU64::new(0);
        Self {
            n: BOARDS.fetch_add(1, Ordering::Relaxed),
            since: Instant::now(),
            slots: Mutex::default(),
            straggled: Mutex::default(),
            preempted: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        }
    }

    /// Reads or writes the slot of this thread; a thread that has none gets one.
    fn here<T>(&self, with: impl FnOnce(&Slot) -> T) -> T {
        HERE.with_borrow_mut(|here| match here {
            Some((board, slot)) if *board == self.n => with(slot),
            _ => {
                let slot = Arc::new(Slot::default());
                self.slots().push(Arc::clone(&slot));
                with(&here.insert((self.n, slot)).1)
            }
        })
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn straggled(&self) -> MutexGuard<'_, VecDeque<Straggler>> {
        self.straggled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that this thread steps a session from `began` on.
    pub(super) fn step(&self, session: SessionId, began: Instant) -> Stepping<'_> {
        let began = began.saturating_duration_since(self.since).as_nanos() as u64;
        self.here(|slot| {
            slot.steps.store(slot.steps.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            slot.session.store(session.bits(), Ordering::Release);
            slot.began.store(began.max(1), Ordering::Release);
        });
        Stepping { board: self }
    }

    /// Notes how long the step lasted that this thread has just made.
    pub(super) fn stepped(&self, session: &Session, lasted: Duration, now: impl FnOnce() -> Timestamp) {
        if lasted <= STRAGGLES {
            return;
        }
        let (place, title) = (self.here(|slot| slot.place().take()), session.spec().display_title().to_owned());
        let newest = Straggler { session: session.id(), title, at: now(), lasted, place };
        let mut straggled = self.straggled();
        straggled.truncate(KEPT - 1);
        straggled.push_front(newest);
    }

    /// Notes that a program waits for a worker to go on.
    pub(super) fn preempted(&self) -> Counted<'_> {
        Counted::on(&self.preempted)
    }

    /// Notes that somebody has asked something of a session and waits for its reply.
    pub(super) fn request(&self) -> Counted<'_> {
        Counted::on(&self.requests)
    }

    /// Whether so few requests are under way that none waits for another.
    pub(super) fn is_calm(&self) -> bool {
        self.requests.load(Ordering::Relaxed) <= 2
    }
}

impl Registry {
    /// What the engine does right now. Never waits; costs what the workers and the journal have to say, however many
    /// sessions there are.
    pub fn diagnostics(&self) -> Diagnostics {
        let world = &self.shared.world;
        let board = &world.board;
        let mut slots = board.slots();
        // Of a thread that has ended nobody but the board has the slot.
        slots.retain(|slot| Arc::strong_count(slot) > 1);
        let seen: Vec<_> = slots.iter().map(|slot| (Arc::clone(slot), slot.work())).collect();
        drop(slots);
        let now = board.since.elapsed();
        let work = |slot: &Slot, session, began| Work {
            session,
            title: self.summary(session).map(|it| it.spec.display_title().to_owned()).unwrap_or_default(),
            lasts: now.saturating_sub(Duration::from_nanos(began)),
            place: slot.place().clone(),
            inbox: self.shared.live(session).as_deref().map_or(0, Live::inbox),
        };
        let worker = |n, slot: &Slot, at: Option<(SessionId, u64)>| Worker {
            n,
            steps: slot.steps.load(Ordering::Relaxed),
            work: at.map(|(session, began)| work(slot, session, began)),
        };
        Diagnostics {
            workers: (1..).zip(&seen).map(|(n, (slot, at))| worker(n, slot, *at)).collect(),
            straggled: board.straggled().iter().cloned().collect(),
            preempted: board.preempted.load(Ordering::Relaxed),
            injected: self.shared.runtime.metrics().global_queue_depth(),
            tasks: self.shared.tasks.len(),
            requests: board.requests.load(Ordering::Relaxed),
            journal: world.journal.figures(),
        }
    }
}
