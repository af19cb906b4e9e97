//! How far a recovery is: how many sessions were read, and how many programs were run again.
//!
//! Who watches a recovery reads numbers here and asks the journal nothing.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::domain::SessionId;

/// How far the sessions of the journal have come back. All zero before a recovery begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Sessions that were read.
    pub read: usize,
    /// Sessions that are to be read.
    pub of: usize,
    /// Programs that have come to the end of their records, or that cannot.
    pub rerun: usize,
    /// Programs that ran, of the sessions that were read; they are run again once all are.
    pub to_rerun: usize,
}

impl Recovery {
    /// Whether something is still to come.
    pub fn is_under_way(&self) -> bool {
        self.read < self.of || self.rerun < self.to_rerun
    }
}

/// Keeps count of a recovery, and wakes who watches it.
#[derive(Debug, Default)]
pub(super) struct RecoveryLog {
    now: watch::Sender<Recovery>,
    /// Sessions whose programs have not come to the end of their records.
    awaited: Mutex<HashSet<SessionId>>,
}

impl RecoveryLog {
    /// How far it is now.
    pub(super) fn now(&self) -> Recovery {
        *self.now.borrow()
    }

    /// Waits until it is further than `seen`. Cancel-safe.
    pub(super) async fn changed(&self, seen: Recovery) {
        // It ends with the registry, and whoever asks has that.
        drop(self.now.subscribe().wait_for(|now| *now != seen).await);
    }

    /// Begins to read `of` sessions.
    pub(super) fn begin(&self, of: usize) {
        self.now.send_modify(|now| *now = Recovery { of, ..Recovery::default() });
    }

    /// So many sessions more were read.
    pub(super) fn read(&self, n: usize) {
        self.now.send_modify(|now| now.read += n);
    }

    /// There is nothing more to read, whatever was expected.
    pub(super) fn all_read(&self) {
        self.now.send_modify(|now| now.of = now.read);
    }

    /// The program of a session is to be run again.
    pub(super) fn awaits(&self, session: SessionId) {
        if self.lock().insert(session) {
            self.now.send_modify(|now| now.to_rerun += 1);
        }
    }

    /// The program of a session has come to the end of its record, or cannot, or the session ends. Counts once, and only
    /// what is awaited.
    pub(super) fn arrived(&self, session: SessionId) {
        let mut awaited = self.lock();
        if awaited.remove(&session) {
            self.now.send_modify(|now| now.rerun += 1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_awaited_and_counted_once() {
        let log = RecoveryLog::default();
        log.begin(3);
        log.read(2);
        let id = SessionId::from_bits(1);
        log.awaits(id);
        log.awaits(id);
        assert_eq!(log.now(), Recovery { read: 2, of: 3, rerun: 0, to_rerun: 1 });
        log.arrived(SessionId::from_bits(2));
        log.arrived(id);
        log.arrived(id);
        assert!(log.now().is_under_way());
        log.all_read();
        assert_eq!(log.now(), Recovery { read: 2, of: 2, rerun: 1, to_rerun: 1 });
        assert!(!log.now().is_under_way());
    }
}
