//! What a session shows of itself: its latest state, and a bounded ring of its last events.
//!
//! The session's task publishes here; everybody else reads, and never waits for the task. One short lock guards both
//! parts, so that whoever has read event `n` sees a state at least as new. It is never held across an await.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::changes::Mark;
use super::heaps::{Heaps, Portion};
use super::inspection::IGNORED_KEPT;
use super::{Events, Presence, Summary, Turn};
use crate::domain::{CancelReason, LogLine, Seq, Session, SessionId, TerminalOutcome};

/// Events kept in the ring. A reader this close behind never asks the journal; at a typical event's size it is some
/// tens of kilobytes for a busy session and next to nothing for one that waits.
const RING: usize = 256;

/// Bytes kept in the ring, the newest turn always: large events are read from the journal sooner.
const RING_BYTES: usize = 256 << 10;

/// The published part of one session.
#[derive(Debug)]
pub(super) struct Feed {
    id: SessionId,
    published: Mutex<Published>,
    /// Rung for each publication that somebody may wait for.
    pub(super) wake: Notify,
    /// Rung once, when the session has ended.
    end: Notify,
    /// For the list of changes.
    pub(super) mark: Mark,
}

/// What is behind the lock.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) summary: Summary,
    /// The newest turns.
    ring: VecDeque<Turn>,
    /// Events in the ring.
    in_ring: usize,
    ring_bytes: usize,
    /// The last lines of the log.
    pub(super) log: Arc<VecDeque<LogLine>>,
    pub(super) observers: usize,
    /// Whether a reader has found nothing since the last publication, and may wait for the next.
    is_awaited: bool,
    /// Whether a cancel of it was asked for that was not refused: it ends as soon as that is recorded.
    pub(super) is_ending: bool,
    /// Of the session at the top of a family: what those below it take.
    pub(super) heaps: Option<Arc<Heaps>>,
    /// Of a child that has ended: what its remains take.
    pub(super) portion: Option<Portion>,
    /// Cancels that came too late: the first few, and how many.
    pub(super) ignored: (Vec<CancelReason>, u64),
    /// The session itself, once it has ended and has no task any more.
    pub(super) remains: Option<Arc<Session>>,
}

/// What the ring has for a reader.
pub(super) enum Look {
    /// The next events, now in the reader's buffer.
    Some,
    /// Nothing yet.
    NothingYet,
    /// The session has ended and the reader has read everything.
    Closed,
    /// The next events have left the ring; they end before this one.
    Older(Seq),
}

impl Published {
    /// Adds a turn to the ring; drops what is beyond both bounds.
    fn push(&mut self, turn: Turn) {
        self.in_ring += turn.len();
        self.ring_bytes += turn.bytes();
        self.ring.push_back(turn);
        while self.ring.len() > 1
            && let Some((events, bytes)) = self.ring.front().map(|turn| (turn.len(), turn.bytes()))
            && (self.in_ring - events >= RING || self.ring_bytes > RING_BYTES)
        {
            self.ring.pop_front();
            self.in_ring -= events;
            self.ring_bytes -= bytes;
        }
    }
}

impl Feed {
    pub(super) fn new(session: &Session) -> Self {
        Self::with(session, None)
    }

    /// The feed of a session that ended long ago.
    pub(super) fn of_remains(session: Arc<Session>) -> Self {
        Self::with(&Arc::clone(&session), Some(session))
    }

    fn with(session: &Session, remains: Option<Arc<Session>>) -> Self {
        let published = Published {
            summary: Summary::from(session),
            ring: VecDeque::new(),
            in_ring: 0,
            ring_bytes: 0,
            log: Arc::clone(session.log()),
            observers: 0,
            is_awaited: false,
            is_ending: false,
            heaps: None,
            portion: None,
            ignored: (Vec::new(), 0),
            remains,
        };
        Self {
            id: session.id(),
            published: Mutex::new(published),
            wake: Notify::new(),
            end: Notify::new(),
            mark: Mark::default(),
        }
    }

    pub(super) fn id(&self) -> SessionId {
        self.id
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes the state of the session and the turn that led to it.
    pub(super) fn publish(&self, session: &Session, turn: Option<Turn>) {
        let is_awaited = {
            let mut published = self.lock();
            let summary = &mut published.summary;
            summary.state.clone_from(session.state());
            summary.last_seq = session.last_seq();
            summary.last_at = session.last_at();
            summary.usage = *session.usage();
            summary.asked = session.asked();
            summary.progress.clone_from(&session.progress().cloned());
            if session.state().is_ended() {
                summary.presence = Presence::Resident;
            }
            if !Arc::ptr_eq(&published.log, session.log()) {
                published.log = Arc::clone(session.log());
            }
            if let Some(turn) = turn {
                published.push(turn);
            }
            std::mem::take(&mut published.is_awaited)
        };
        if is_awaited {
            self.wake.notify_waiters();
        }
        if session.state().is_ended() {
            self.end.notify_waiters();
        }
    }

    /// Forgets the ring, as the session leaves memory: its readers read the journal.
    pub(super) fn rest(&self, presence: Presence) {
        let mut published = self.lock();
        published.summary.presence = presence;
        published.ring = VecDeque::new();
        published.in_ring = 0;
        published.ring_bytes = 0;
    }

    /// Remembers a cancel that came too late.
    pub(super) fn ignore(&self, reason: CancelReason) {
        let ignored = &mut self.lock().ignored;
        ignored.1 += 1;
        if ignored.0.len() < IGNORED_KEPT {
            ignored.0.push(reason);
        }
    }

    /// Leaves the session itself behind, as its task ends.
    pub(super) fn bury(&self, session: Session) -> Arc<Session> {
        let remains = Arc::new(session);
        self.lock().remains = Some(Arc::clone(&remains));
        remains
    }

    /// The session itself, once its task has left it behind. The channel of a session closes only after that.
    pub(super) fn remains(&self) -> Option<Arc<Session>> {
        self.lock().remains.clone()
    }

    /// Waits until the session has ended. Cancel-safe.
    pub(super) async fn ended(&self) -> TerminalOutcome {
        loop {
            let end = self.end.notified();
            tokio::pin!(end);
            end.as_mut().enable();
            let outcome = self.lock().summary.state.outcome();
            if let Some(outcome) = outcome {
                return outcome;
            }
            end.await;
        }
    }

    /// Puts the events from number `next` on into `buffer`, of at most `max` turns.
    pub(super) fn look(&self, next: Seq, max: usize, buffer: &mut VecDeque<Events>) -> Look {
        let mut published = self.lock();
        let last = published.summary.last_seq;
        if next > last {
            if published.summary.state.is_ended() {
                return Look::Closed;
            }
            published.is_awaited = true;
            return Look::NothingYet;
        }
        let first = last + 1 - published.in_ring as Seq;
        if next < first {
            return Look::Older(first);
        }
        // From the newest back: most readers are close behind, and what is older is in no cache any more.
        let newer = published.ring.iter().rev().take_while(|turn| turn.first_seq() > next).count();
        let turns = published.ring.range(published.ring.len().saturating_sub(newer + 1)..);
        buffer.extend(turns.filter_map(|turn| turn.part_since(next)).take(max));
        Look::Some
    }
}
