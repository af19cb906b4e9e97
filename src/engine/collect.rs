//! Eviction of sessions that have ended and that nobody reads.
//!
//! Never of one that runs or waits, however long. The resident copy goes; the journal goes on answering.

use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use super::Retention;
use super::feed::Published;
use super::shared::Shared;
use crate::domain::{Session, SessionId, Timestamp};

/// Starts a sweeper that lives as long as the registry.
pub(super) fn start(shared: &Arc<Shared>, ttl: Duration, interval: Duration) {
    shared.sweeps.lock().unwrap_or_else(PoisonError::into_inner).push((ttl, interval));
    let weak = Arc::downgrade(shared);
    let closing = shared.closing.clone();
    let sweeper = async move {
        // A zero interval would never let anybody else run.
        let interval = interval.max(Duration::from_millis(1));
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(interval) => {}
            }
            let Some(shared) = Weak::upgrade(&weak) else { return };
            sweep(&shared, ttl);
        }
    };
    shared.tasks.spawn_on(sweeper, &shared.runtime);
}

fn sweep(shared: &Shared, ttl: Duration) {
    let now = shared.world.clock.now();
    let ttl = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
    let candidates: Vec<SessionId> = {
        let sessions = shared.sessions.read().unwrap_or_else(PoisonError::into_inner);
        let idle = sessions.iter().filter(|(_, live)| evictable(&live.feed.lock(), now, ttl).is_some());
        idle.map(|(id, _)| *id).collect()
    };
    for id in candidates {
        // One at a time, so that nobody waits for a long sweep. Readers are counted under the same lock.
        let mut sessions = shared.sessions.write().unwrap_or_else(PoisonError::into_inner);
        let remains = sessions.get(&id).and_then(|live| evictable(&live.feed.lock(), now, ttl));
        if let Some(remains) = remains {
            shared.world.journal.retire(remains);
            let evicted = sessions.remove(id);
            drop(sessions);
            drop(evicted);
            tracing::info!(session = %id, "evicted");
        }
    }
}

/// The remains of a session that may go.
fn evictable(published: &Published, now: Timestamp, ttl: i64) -> Option<Arc<Session>> {
    let idle = now.saturating_sub(published.summary.last_at);
    let remains = published.remains.as_ref()?;
    (published.observers == 0 && idle >= ttl).then(|| Arc::clone(remains))
}

/// Why a session is or is not to be collected by any of these sweeps, in words of the rule above.
pub(super) fn retention(published: &Published, now: Timestamp, sweeps: &[(Duration, Duration)]) -> Retention {
    if published.remains.is_none() {
        return Retention::Live;
    }
    if published.observers > 0 {
        return Retention::Observed(published.observers);
    }
    let ms = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let idle_ms = u64::try_from(now.saturating_sub(published.summary.last_at)).unwrap_or(0);
    let due = sweeps.iter().filter(|(ttl, _)| idle_ms >= ms(*ttl)).map(|(_, interval)| *interval).min();
    match (due, sweeps.iter().map(|(ttl, _)| *ttl).min()) {
        (Some(interval), _) => Retention::Due { interval_ms: ms(interval) },
        (None, Some(ttl)) => Retention::Young { idle_ms, ttl_ms: ms(ttl) },
        (None, None) => Retention::NoSweeps,
    }
}
