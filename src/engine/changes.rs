//! Which sessions changed since somebody last looked: what keeps a frame's cost at what changed.
//!
//! A session that changes a thousand times between two looks is listed once, and costs one atomic load each time.
//! This is no feed: it says that a session changed, never what happened.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::domain::SessionId;

/// How far somebody has looked at the changes of a registry. The default is before everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChangeCursor(u64);

/// Which sessions changed since a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Where to look on from.
    pub cursor: ChangeCursor,
    /// Sessions that changed. One may stand here twice if others looked in between.
    pub sessions: Vec<SessionId>,
    /// Whether more changed than is kept: the list of all sessions says the rest.
    pub overflowed: bool,
}

/// Remembers when a session last entered the list; one for each session.
#[derive(Debug, Default)]
pub(super) struct Mark(AtomicU64);

/// The list of changes, cut into epochs: each look ends one.
#[derive(Debug)]
pub(super) struct ChangeLog {
    epoch: AtomicU64,
    sessions: AtomicUsize,
    list: Mutex<List>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct List {
    entries: VecDeque<(u64, SessionId)>,
    /// Entries of this epoch and earlier are no longer all kept.
    forgotten: u64,
}

impl ChangeLog {
    /// Entries kept beyond two for each session; so few sessions never overflow between two looks.
    const SLACK: usize = 1024;

    pub(super) fn new() -> Self {
        // The epoch starts above the default cursor and above the default mark.
        Self { epoch: AtomicU64::new(1), sessions: AtomicUsize::new(0), list: Mutex::default(), wake: Notify::new() }
    }

    /// Says that a session more exists, so that more entries are worth keeping.
    pub(super) fn grow(&self) {
        self.sessions.fetch_add(1, Ordering::Relaxed);
    }

    /// Says that a session changed. Its new state must be visible before.
    pub(super) fn mark(&self, session: SessionId, mark: &Mark) {
        // Whoever reads a later epoch than this one also sees the state that the caller has published: the epoch
        // is raised before states are read, and this load comes after the publication.
        let epoch = self.epoch.load(Ordering::SeqCst);
        if mark.0.load(Ordering::SeqCst) == epoch {
            return;
        }
        {
            let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
            // Only the session's one writer sets its mark, and epochs only rise under this lock.
            let epoch = self.epoch.load(Ordering::SeqCst);
            mark.0.store(epoch, Ordering::SeqCst);
            list.entries.push_back((epoch, session));
            let bound = 2 * self.sessions.load(Ordering::Relaxed) + Self::SLACK;
            while list.entries.len() > bound {
                if let Some((epoch, _)) = list.entries.pop_front() {
                    list.forgotten = epoch;
                }
            }
        }
        self.wake.notify_waiters();
    }

    /// Lists what changed since `since`.
    pub(super) fn since(&self, since: ChangeCursor) -> Changes {
        let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = self.epoch.fetch_add(1, Ordering::SeqCst);
        let first = list.entries.partition_point(|(at, _)| *at <= since.0);
        let sessions = list.entries.range(first..).map(|(_, session)| *session).collect();
        Changes { cursor: ChangeCursor(epoch), sessions, overflowed: list.forgotten > since.0 }
    }

    /// Waits until something has changed since `since`.
    pub(super) async fn changed(&self, since: ChangeCursor) {
        loop {
            let woken = self.wake.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            {
                let list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
                if list.forgotten > since.0 || list.entries.back().is_some_and(|(at, _)| *at > since.0) {
                    return;
                }
            }
            woken.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> SessionId {
        SessionId::from_bits(n)
    }

    #[test]
    fn a_session_that_changes_often_is_listed_once_a_look() {
        let (log, mark) = (ChangeLog::new(), Mark::default());
        log.grow();
        for _ in 0..1000 {
            log.mark(id(1), &mark);
        }
        let first = log.since(ChangeCursor::default());
        assert_eq!((first.sessions.as_slice(), first.overflowed), (&[id(1)][..], false));
        assert_eq!(log.since(first.cursor).sessions, []);
        log.mark(id(1), &mark);
        assert_eq!(log.since(first.cursor).sessions, [id(1)]);
    }

    #[test]
    fn who_looks_too_rarely_is_told_to_list_everything() {
        let log = ChangeLog::new();
        let marks: Vec<Mark> = (0..5000).map(|_| Mark::default()).collect();
        let start = log.since(ChangeCursor::default()).cursor;
        for (n, mark) in (0..).zip(&marks) {
            log.mark(id(n), mark);
        }
        assert!(log.since(start).overflowed);
        let now = log.since(start).cursor;
        log.mark(id(7), &marks[7]);
        let last = log.since(now);
        assert_eq!((last.sessions.as_slice(), last.overflowed), (&[id(7)][..], false));
    }
}
