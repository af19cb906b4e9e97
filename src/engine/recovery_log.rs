//! How far a recovery is: how many sessions were read, and how many programs were run again.
//!
//! Who watches a recovery reads numbers here and asks the journal nothing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::{JournalError, StoredPage};
use crate::domain::SessionId;

/// How far the sessions of the journal have come back. All zero before a recovery begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Sessions that were read.
    pub read: usize,
    /// Sessions that are to be read.
    pub of: usize,
    /// Programs that have come to the end of their records, or that cannot.
    pub rerun: usize,
    /// Programs that ran, of the sessions that were read; they are run again once all are.
    pub to_rerun: usize,
    /// Sessions that did not come back, since their records are damaged.
    pub damaged: usize,
    /// Why those, or all that were not read, did not come back: one line for people.
    pub trouble: Option<Arc<str>>,
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
        self.now.borrow().clone()
    }

    /// Waits until it is further than `seen`. Cancel-safe.
    pub(super) async fn changed(&self, seen: &Recovery) {
        // It ends with the registry, and whoever asks has that.
        drop(self.now.subscribe().wait_for(|now| now != seen).await);
    }

    /// Begins to read `of` sessions.
    pub(super) fn begin(&self, of: usize) {
        self.now.send_modify(|now| *now = Recovery { of, ..Recovery::default() });
    }

    /// One page more was read.
    pub(super) fn read(&self, page: &StoredPage) {
        self.now.send_modify(|now| {
            now.read += page.sessions.len() + page.damaged.len();
            now.damaged += page.damaged.len();
            if now.trouble.is_none() {
                now.trouble = page.damaged.first().map(|(_, why)| why.0.as_str().into());
            }
        });
    }

    /// There is nothing more to read, whatever was expected.
    pub(super) fn all_read(&self, result: &Result<(), JournalError>) {
        self.now.send_modify(|now| {
            now.of = now.read;
            if let Err(error) = result {
                now.trouble = Some(error.0.as_str().into());
            }
        });
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
        let damaged = vec![(SessionId::from_bits(9), JournalError("a row".into()))];
        log.read(&StoredPage { damaged, ..StoredPage::default() });
        let id = SessionId::from_bits(1);
        log.awaits(id);
        log.awaits(id);
        let now = Recovery { read: 1, of: 3, to_rerun: 1, damaged: 1, trouble: Some("a row".into()), rerun: 0 };
        assert_eq!(log.now(), now);
        log.arrived(SessionId::from_bits(2));
        log.arrived(id);
        log.arrived(id);
        assert!(log.now().is_under_way());
        log.all_read(&Ok(()));
        assert_eq!(log.now(), Recovery { of: 1, rerun: 1, ..now });
        assert!(!log.now().is_under_way());
    }
}
