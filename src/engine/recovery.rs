//! How the sessions of the journal come back after a start.
//!
//! Those that wait come back asleep: nothing of them runs before somebody answers. Those that ran are run again from
//! their records, but for those that were run as the process went down twice: they wait for a person. Nothing here
//! decides what a program does; see [`rerun`](super::rerun).

use std::sync::Arc;

use super::feed::Feed;
use super::posts::Live;
use super::purse::Purse;
use super::registry::{Registry, Shared};
use super::{JournalError, Presence, Spent, Stored, Summary};
use crate::domain::{Session, SessionId, SessionSpec, StateName};

/// Sessions that are taken from the journal at a time.
const PAGE: usize = 500;

/// What came back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Sessions that had ended.
    pub ended: usize,
    /// Sessions that wait for answers, asleep.
    pub waiting: usize,
    /// Sessions that are run again.
    pub running: usize,
    /// Sessions that wait for a person to release them: they ran as the process went down twice.
    pub suspended: usize,
}

impl Recovered {
    /// How many there are.
    pub fn all(&self) -> usize {
        self.ended + self.waiting + self.running + self.suspended
    }
}

impl Registry {
    /// Brings back every session of the journal, the oldest first, and tells `told` after each page what came back so
    /// far. What ran is run again once all are there, since children and parents look for each other.
    ///
    /// # Errors
    /// What the journal says where it cannot be read; what was read before stays.
    pub async fn recover(&self, mut told: impl FnMut(Recovered)) -> Result<Recovered, JournalError> {
        let shared = &self.shared;
        let (mut recovered, mut behind, mut tasks) = (Recovered::default(), 0, Vec::new());
        loop {
            let page = shared.world.journal.stored(behind, PAGE).get().await?;
            let Some(last) = page.last() else { break };
            behind = last.place;
            for stored in page.iter() {
                shared.bring_back(stored, &mut recovered, &mut tasks);
            }
            told(recovered);
            tokio::task::yield_now().await;
        }
        for live in tasks {
            // Its task runs it again, or minds its time.
            drop(shared.post(&live));
        }
        Ok(recovered)
    }
}

impl Shared {
    fn bring_back(&self, stored: &Stored, recovered: &mut Recovered, tasks: &mut Vec<Arc<Live>>) {
        let Stored { session, attempts, .. } = stored;
        let state = session.state();
        let is_paused = state.name() == StateName::Paused;
        let presence = if state.is_ended() {
            recovered.ended += 1;
            Presence::Resident
        } else if !is_paused && *attempts > 0 {
            recovered.suspended += 1;
            Presence::Suspended
        } else {
            Presence::Sleeping
        };
        if let Some(live) = self.live(session.id()) {
            // Somebody has asked for it before its turn.
            if presence == Presence::Sleeping && !is_paused && live.open_post().is_none() {
                recovered.running += 1;
                tasks.push(live);
            }
            return;
        }
        let feed = match presence {
            Presence::Resident => Feed::of_remains(Arc::clone(session)),
            _ => Feed::new(session),
        };
        feed.lock().summary.presence = presence.clone();
        let live = Arc::new(Live::new(Arc::new(feed), None));
        if presence == Presence::Sleeping {
            if is_paused {
                recovered.waiting += 1;
                if session.wall_deadline().is_some() {
                    // Its clock goes on: the task waits for it, and runs nothing.
                    tasks.push(Arc::clone(&live));
                }
            } else {
                recovered.running += 1;
                tasks.push(Arc::clone(&live));
            }
        }
        self.enlist(session.id(), &live);
    }

    /// Lists a session that is in the journal and has not ended. Nothing of it runs.
    pub(super) fn enlist_asleep(&self, session: &Session) {
        let feed = Feed::new(session);
        feed.lock().summary.presence = Presence::Sleeping;
        let live = Arc::new(Live::new(Arc::new(feed), None));
        self.world.changes.grow();
        // Another may have been quicker.
        let live = self.sessions_mut(|sessions| Arc::clone(sessions.entry(session.id()).or_insert(live)));
        self.world.changes.mark(session.id(), &live.feed.mark);
    }

    /// What counts the budget of a family, for a child of it.
    pub(super) fn purse_of(&self, spec: &SessionSpec) -> Option<Arc<Purse>> {
        spec.parent.as_ref()?.budget?;
        let top = self.top_of(spec)?;
        self.purse_below(top, || {
            // What ended children have used is added to what their parents have.
            let of_family = |summary: &Summary| {
                let below = summary.spec.parent.is_some() && self.top_of(&summary.spec) == Some(top);
                summary.id == top || below && !summary.state.is_ended()
            };
            let live: Vec<Arc<Live>> = self.sessions(|sessions| sessions.values().cloned().collect());
            let summaries = live.iter().map(|live| live.feed.lock().summary.clone());
            summaries.filter(of_family).fold(Spent::default(), |spent, Summary { usage, .. }| Spent {
                llm_calls: spent.llm_calls + usage.llm_calls,
                tokens: spent.tokens + usage.total_tokens.tokens,
            })
        })
    }

    /// The session at the top of a child's family.
    pub(super) fn top_of(&self, spec: &SessionSpec) -> Option<SessionId> {
        let mut top = spec.parent.as_ref()?.session;
        while let Some(parent) = self.live(top)?.feed.lock().summary.parent() {
            top = parent;
        }
        Some(top)
    }
}
