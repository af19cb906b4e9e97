//! What is to be read of a journal, and waits for a thread that reads.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::queue::Word;
use crate::domain::{Seq, SessionId};
use crate::engine::{Draft, JournalError, Page, Record, Stored, StoredPage, Turn};

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
    /// What was recorded behind this; of none: nothing, only where the end is.
    News(News, Word<News>),
}

/// What another process has recorded, a page at a time.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// Sessions of which something was recorded, in the order of their birth; behind them, where another process has begun
    /// to write, those that have not ended. Each as it is now.
    pub sessions: Vec<Stored>,
    /// How many sessions there are in all.
    pub count: usize,
    /// Whether there is more to tell already.
    pub is_more: bool,
    /// The last row that was looked at: what comes next stands behind it.
    pub(super) row: Option<i64>,
    /// The last row before its writer began, if somebody writes.
    pub(super) writer_from: Option<i64>,
    /// Sessions that have a row up to that one and are still to be told, with their places.
    pub(super) left: Arc<[(i64, SessionId)]>,
    /// Behind which place sessions that have not ended are still to be told, since another process writes.
    pub(super) anew: Option<i64>,
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

    /// Notes that something was found that is not what was written.
    pub(super) fn note_damage(&self) {
        self.damage.store(true, Ordering::Release);
    }

    /// Whether there was such a thing.
    pub(super) fn has_met_damage(&self) -> bool {
        self.damage.load(Ordering::Acquire)
    }

    /// Waits for something to be read; `None` once there will be nothing more.
    pub(super) fn next(&self) -> Option<Reading> {
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
