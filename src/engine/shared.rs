//! What the handles of one registry share: its sessions, its tasks, and the world they live in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::Spent;
use super::calls::CallLog;
use super::family::Sessions;
use super::posts::Live;
use super::purse::Purse;
use super::world::World;
use crate::domain::{Session, SessionId};

/// What all handles of one registry share.
pub(super) struct Shared {
    pub(super) world: Arc<World>,
    pub(super) sessions: RwLock<Sessions>,
    pub(super) runtime: tokio::runtime::Handle,
    /// Owns every task of the registry.
    pub(super) tasks: TaskTracker,
    /// Raised by `shutdown`, and when the last handle is dropped.
    pub(super) closing: CancellationToken,
    /// Every sweep that was started: its `ttl` and its interval.
    pub(super) sweeps: Mutex<Vec<(Duration, Duration)>>,
    /// Of the families that share a budget, by the session at the top.
    pub(super) purses: Mutex<HashMap<SessionId, Weak<Purse>>>,
    pub(super) calls: CallLog,
    _close_on_drop: DropGuard,
}

/// Where a session is found.
pub(super) enum Found {
    /// The engine has it.
    Live(Arc<Live>),
    /// It has ended, and the journal has it.
    Retired(Arc<Session>),
}

impl Shared {
    /// Makes what a registry with no sessions has.
    pub(super) fn new(world: World, runtime: tokio::runtime::Handle) -> Self {
        let closing = CancellationToken::new();
        Self {
            world: Arc::new(world),
            sessions: RwLock::default(),
            runtime,
            tasks: TaskTracker::new(),
            sweeps: Mutex::default(),
            purses: Mutex::default(),
            calls: CallLog::default(),
            _close_on_drop: closing.clone().drop_guard(),
            closing,
        }
    }

    /// An id that no session has.
    pub(super) fn fresh_id(&self) -> SessionId {
        loop {
            let id = SessionId::from_bits(self.world.entropy.bits());
            if self.find(id).is_none() {
                return id;
            }
        }
    }

    /// Finds a session, wherever it is. One of the journal that has not come back yet is listed then.
    pub(super) fn find(&self, id: SessionId) -> Option<Found> {
        if let Some(live) = self.live(id) {
            return Some(Found::Live(live));
        }
        // An evicted session is in the journal before it leaves the map.
        let session = self.world.journal.retired(id)?;
        if session.state().is_ended() {
            return Some(Found::Retired(session));
        }
        // It has not come back yet.
        self.enlist_asleep(&session);
        self.live(id).map(Found::Live)
    }

    /// What is kept of a session that has not been evicted.
    pub(super) fn live(&self, id: SessionId) -> Option<Arc<Live>> {
        self.sessions(|sessions| sessions.get(&id).cloned())
    }

    pub(super) fn sessions<T>(&self, read: impl FnOnce(&Sessions) -> T) -> T {
        read(&self.sessions.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What counts the budget below the session `top`; where nobody has it yet, one that begins with what is `spent`.
    pub(super) fn purse_below(&self, top: SessionId, spent: impl FnOnce() -> Spent) -> Option<Arc<Purse>> {
        let known = self.purses.lock().unwrap_or_else(PoisonError::into_inner).get(&top).and_then(Weak::upgrade);
        if known.is_some() {
            return known;
        }
        let spent = spent();
        let mut purses = self.purses.lock().unwrap_or_else(PoisonError::into_inner);
        purses.retain(|_, purse| purse.strong_count() > 0);
        // Another may have made it meanwhile.
        let purse = purses.get(&top).and_then(Weak::upgrade).unwrap_or_else(|| Arc::new(Purse::new(spent)));
        purses.insert(top, Arc::downgrade(&purse));
        Some(purse)
    }

    pub(super) fn sessions_mut<T>(&self, write: impl FnOnce(&mut Sessions) -> T) -> T {
        write(&mut self.sessions.write().unwrap_or_else(PoisonError::into_inner))
    }
}
