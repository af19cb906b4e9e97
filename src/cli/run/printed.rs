//! The order of what sessions print: what a child has done comes before what its parent says of its end.
//!
//! Each session is printed by a follower of its own, as fast as it is read. Only here does one wait for another, and a
//! parent for its children only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::{CancellationToken, DropGuard};

use crate::domain::SessionId;

/// The sessions of which not everything is printed yet. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Printed(Arc<Mutex<HashMap<SessionId, CancellationToken>>>);

impl Printed {
    /// Has whoever asks wait for what will be printed of a session.
    pub(super) fn expect(&self, session: SessionId) {
        self.lock().entry(session).or_default();
    }

    /// Says that everything of a session is printed, or that its follower is gone, when dropped.
    pub(super) fn guard(&self, session: SessionId) -> DropGuard {
        self.lock().entry(session).or_default().clone().drop_guard()
    }

    /// Waits until everything of a session is printed that somebody follows.
    pub(super) async fn wait(&self, session: SessionId) {
        let token = self.lock().get(&session).cloned();
        if let Some(token) = token {
            token.cancelled().await;
            self.lock().remove(&session);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
