//! Sessions that are not recorded here: what others have recorded of them by now is shown, and nothing is done.

use std::sync::Arc;

use super::Presence;
use super::feed::Feed;
use super::registry::Registry;
use crate::domain::Session;

impl Registry {
    /// Shows a session as the process that runs it has recorded it by now. Its observers read on in the journal.
    ///
    /// For registries over a journal that is only read; one caller at a time.
    pub fn show(&self, session: &Arc<Session>) {
        let (shared, id) = (&self.shared, session.id());
        let Some(live) = shared.live(id) else {
            let (feed, presence) = if session.state().is_ended() {
                (Feed::of_remains(Arc::clone(session)), Presence::Resident)
            } else {
                (Feed::new(session), shared.world.journal.watched().unwrap_or(Presence::Elsewhere))
            };
            shared.enlist_unless_there(id, feed, presence);
            return;
        };
        if session.state().is_ended() {
            live.feed.lock().remains = Some(Arc::clone(session));
        }
        live.feed.publish(session, None);
        shared.world.changes.mark(id, &live.feed.mark);
    }
}
