//! Sends sessions to sleep that wait for long, or of which there are too many in memory.
//!
//! It only asks: the session's task looks whether it can come back, and goes on waiting where it cannot. A session that
//! runs is never asked.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::posts::Live;
use super::registry::Registry;
use super::session_task::Request;
use super::shared::Shared;
use super::{Presence, Summary};
use crate::domain::{ExecutionState, Timestamp};

/// When sessions that wait leave memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hibernation {
    /// How long a session must have waited.
    pub after: Duration,
    /// How many sessions may wait in memory; beyond, those that waited longest leave at once.
    pub residents: usize,
    /// How often such sessions are looked for; also the time until the first look.
    pub interval: Duration,
}

impl Registry {
    /// Sends sessions that wait to sleep, for as long as the registry lives. Does nothing where the journal ends with
    /// the process.
    pub fn hibernate(&self, hibernation: Hibernation) {
        let shared = &self.shared;
        if !shared.world.journal.outlives_the_process() {
            return;
        }
        let weak = Arc::downgrade(shared);
        let closing = shared.closing.clone();
        let sweeper = async move {
            // A zero interval would never let anybody else run.
            let interval = hibernation.interval.max(Duration::from_millis(1));
            loop {
                tokio::select! {
                    () = closing.cancelled() => return,
                    () = tokio::time::sleep(interval) => {}
                }
                let Some(shared) = Weak::upgrade(&weak) else { return };
                shared.send_to_sleep(hibernation);
            }
        };
        shared.tasks.spawn_on(sweeper, &shared.runtime);
    }
}

impl Shared {
    /// Asks every session that has waited for long, and the longest waiting ones beyond the bound, to leave memory.
    fn send_to_sleep(&self, Hibernation { after, residents, .. }: Hibernation) {
        let now = self.world.clock.now();
        let after = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        let mut waiting: Vec<(Timestamp, Arc<Live>)> = self.sessions(|sessions| {
            let since = |live: &Arc<Live>| Some((waits_in_memory(&live.feed.lock().summary)?, Arc::clone(live)));
            // One that sleeps may have a task all the same, which refuses answers.
            sessions.values().filter(|live| live.open_post().is_some()).filter_map(since).collect()
        });
        waiting.sort_unstable_by_key(|(since, _)| *since);
        let too_many = waiting.len().saturating_sub(residents);
        for (n, (since, live)) in waiting.into_iter().enumerate() {
            let is_to_sleep = n < too_many || now.saturating_sub(since) >= after;
            if is_to_sleep && let Some(post) = live.open_post() {
                // A full inbox is no sleeper's.
                drop(post.inbox.try_send(Box::new(Request::Sleep)));
            }
        }
    }
}

/// Since when a session waits in memory that could sleep.
fn waits_in_memory(summary: &Summary) -> Option<Timestamp> {
    match (&summary.state, &summary.presence) {
        // A clock that is to end it runs in its task.
        _ if summary.spec.limits.wall_ms.is_some() => None,
        (ExecutionState::Paused(_), Presence::Resident | Presence::Sleeping) => Some(summary.last_at),
        _ => None,
    }
}
