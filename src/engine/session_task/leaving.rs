//! How a task comes to its end: its session has ended, or leaves memory and lives on in the journal.
//!
//! However that is, nobody who has asked something waits for ever, and the session is left where others find it.

use std::sync::Arc;

use super::serving::answer_to_ended;
use super::{Request, SessionTask};
use crate::domain::{Command, ExecutionState, FailureKind, ReleaseError, Session, decide};
use crate::engine::Presence;

impl SessionTask {
    /// Tells everybody who still waits that the session has ended; also those who were let into the channel before
    /// it was closed and are about to send.
    pub(super) async fn refuse_the_rest(&mut self, session: &Session) {
        while let Some(request) = self.inbox.recv().await {
            match *request {
                Request::Answer(payload, reply) => {
                    let _ = reply.send(answer_to_ended(session, payload));
                }
                Request::Cancel(_, reply) => {
                    let _ = reply.send(Ok(()));
                }
                Request::Release(reply) => {
                    let _ = reply.send(Err(ReleaseError::NotHeld { actual: session.state().name() }));
                }
                Request::Sleep | Request::Leave => {}
            }
        }
    }

    /// Leaves the session to the journal. From here on a request starts another task for it.
    pub(in crate::engine) fn leave(&mut self) {
        self.is_left = true;
        let session = Arc::new(self.session.clone());
        self.feed.rest(Presence::Sleeping);
        self.world.changes.mark(session.id(), &self.feed.mark);
        self.world.journal.retire(session);
        if let Some(shared) = self.shared.upgrade() {
            shared.close_post(self.session.id());
        }
    }

    /// Hands on what came for this task as it left.
    pub(super) async fn pass_on_the_rest(&mut self) {
        while let Some(request) = self.inbox.recv().await {
            if let Some(shared) = self.shared.upgrade() {
                shared.pass_on(self.session.id(), request).await;
            }
        }
    }

    /// Leaves the session where others find it. The task has no more use for it.
    pub(super) fn bury(&mut self) -> Arc<Session> {
        if let ExecutionState::Done(_) = self.session.state() {
            self.feed.lock().portion = self.portion.take();
        }
        let placeholder = Session::new(self.session.id(), Arc::clone(self.session.spec()), self.session.created_at());
        self.feed.bury(std::mem::replace(&mut self.session, placeholder))
    }

    /// Ends the session here and now, where no ordinary turn can.
    pub(super) fn end_by_force(&mut self, message: String) {
        tracing::error!(session = %self.session.id(), %message, "failed");
        let fail = Command::Fail { message, kind: FailureKind::EngineError, limit: None, traceback: None };
        if let Ok(events) = decide(&self.session, fail, self.world.clock.now()) {
            self.derive(events);
        }
    }
}

/// However a task ends, its session is left in an ended state, and its remains where others find them.
impl Drop for SessionTask {
    fn drop(&mut self) {
        if self.is_left || self.feed.remains().is_some() {
            return;
        }
        if !self.session.state().is_ended() {
            self.end_by_force("the session's task was dropped".into());
        }
        self.bury();
    }
}
