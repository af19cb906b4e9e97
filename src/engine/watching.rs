//! Sessions that are not recorded here: what others have recorded of them by now is shown, and nothing is done.

use std::sync::Arc;

use super::changes::Mark;
use super::feed::Feed;
use super::registry::Registry;
use super::{Presence, Stored};
use crate::domain::SessionId;

impl Registry {
    /// Shows a session as the process that runs it has recorded it by now. Its observers read on in the journal.
    ///
    /// For registries over a journal that is only read; one caller at a time.
    pub fn show(&self, stored: &Stored) {
        let (shared, session, id) = (&self.shared, &stored.session, stored.session.id());
        let watched = shared.world.journal.watched().unwrap_or(Presence::Elsewhere).of(stored);
        let Some(live) = shared.live(id) else {
            let (feed, presence) = if session.state().is_ended() {
                (Feed::of_remains(Arc::clone(session)), Presence::Resident)
            } else {
                (Feed::new(session), watched)
            };
            shared.enlist_unless_there(id, feed, presence);
            return;
        };
        if session.state().is_ended() {
            live.feed.lock().remains = Some(Arc::clone(session));
        } else {
            live.feed.lock().summary.presence = watched;
        }
        live.feed.publish(session, None);
        shared.world.changes.mark(id, &live.feed.mark);
    }

    /// Forgets sessions that were removed from the journal: whoever looks for them finds none. Looks are told of it.
    ///
    /// For the same registries as [`show`](Self::show).
    pub fn forget(&self, removed: impl IntoIterator<Item = SessionId>) {
        for id in removed {
            // The lock is not held while it is dropped.
            let gone = self.shared.sessions_mut(|sessions| sessions.remove(id));
            drop(gone);
            self.shared.world.changes.mark(id, &Mark::default());
        }
    }
}
