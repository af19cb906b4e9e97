//! Sessions that another process runs and records: what they amount to by now is shown here, and nothing is done.

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
                (Feed::new(session), Presence::Elsewhere)
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
