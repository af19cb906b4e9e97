//! What the task does for those who ask something of its session: answers, cancels, and what else comes in.
//!
//! Requests are served at the checkpoints only, one at a time, so that nobody finds the session in the middle of a turn.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{NoTurn, Over, Request, SessionTask};
use crate::domain::{
    CancelCode, CancelError, CancelReason, Command, ExecutionState, Rejected, ReleaseError, ResumeError, ResumeOutcome,
    ResumePayload, SeenAt, Session, decide,
};
use crate::engine::Presence;

impl SessionTask {
    /// Waits for the next request, or for the wall limit, and serves it.
    pub(super) async fn wait_for_request(&mut self, seen_at: SeenAt) -> Result<(), Over> {
        let request = match self.session.wall_deadline() {
            None => self.inbox.recv().await,
            Some(deadline) => {
                let left = u64::try_from(deadline - self.world.clock.now()).unwrap_or(0);
                tokio::select! {
                    biased;
                    () = tokio::time::sleep(Duration::from_millis(left)) => return self.check_wall(),
                    request = self.inbox.recv() => request,
                }
            }
        };
        self.serve(request, seen_at).await
    }

    /// Serves requests, in the middle of a step, until one ends the session or has it leave memory.
    pub(super) async fn wait_for_the_end(&mut self) -> Result<Infallible, Over> {
        loop {
            self.wait_for_request(SeenAt::Running).await?;
        }
    }

    /// Serves every request that waits, without waiting for more.
    pub(super) async fn serve_waiting(&mut self) -> Result<(), Over> {
        self.serve_all(|session| if session.has_begun() { SeenAt::Running } else { SeenAt::BeforeStart }).await
    }

    pub(super) async fn serve_before_pause(&mut self) -> Result<(), Over> {
        self.serve_all(|_| SeenAt::BeforePause).await
    }

    async fn serve_all(&mut self, seen_at: impl Fn(&Session) -> SeenAt) -> Result<(), Over> {
        loop {
            match self.inbox.try_recv() {
                Ok(request) => self.serve(Some(request), seen_at(&self.session)).await?,
                Err(mpsc::error::TryRecvError::Empty) if self.stop.is_raised() => {
                    // Whoever raises the flag sends the cancel in the same breath.
                    let request = self.inbox.recv().await;
                    self.serve(request, seen_at(&self.session)).await?;
                }
                Err(mpsc::error::TryRecvError::Empty) => return Ok(()),
                Err(mpsc::error::TryRecvError::Disconnected) => self.serve(None, seen_at(&self.session)).await?,
            }
        }
    }

    /// Serves one request. `None`: the registry is gone, and nobody can ever answer or cancel.
    pub(super) async fn serve(&mut self, request: Option<Box<Request>>, seen_at: SeenAt) -> Result<(), Over> {
        match request.map(|request| *request) {
            Some(Request::Answer(payload, reply)) => {
                let result = self.answer(payload).await;
                // A caller that has given up does not take its answer back.
                let _ = reply.send(result);
            }
            Some(Request::Cancel(reason, reply)) => {
                let result = self.cancel(reason, seen_at).await;
                let _ = reply.send(result);
            }
            Some(Request::Sleep) => {
                // Whoever waits with a request meanwhile is served instead.
                if let ExecutionState::Paused(_) = self.session.state()
                    && self.inbox.is_empty()
                    && self.may_sleep().await
                    && self.inbox.is_empty()
                {
                    return Err(Over::Asleep);
                }
            }
            Some(Request::Leave) => return Err(Over::Left),
            None if self.world.journal.outlives_the_process() => return Err(Over::Left),
            Some(Request::Release(reply)) => {
                let was_held = std::mem::take(&mut self.held);
                let not_held = ReleaseError::NotHeld { actual: self.session.state().name() };
                let _ = reply.send(if was_held { Ok(()) } else { Err(not_held) });
            }
            None => {
                let detail = Some("the registry was dropped".to_owned());
                let reason =
                    CancelReason { code: CancelCode::ParentDropped, detail, requested_at: self.world.clock.now() };
                if self.cancel(reason, seen_at).await.is_err() {
                    self.end_by_force("the registry was dropped and the journal refused the cancel".into());
                }
            }
        }
        self.unless_ended()
    }

    async fn answer(&mut self, payload: ResumePayload) -> Result<ResumeOutcome, ResumeError> {
        let events = match decide(&self.session, Command::Answer(payload), self.world.clock.now()) {
            Ok(events) => events,
            // What is refused wakes nobody.
            Err(rejected) => return refused_answer(&self.session, rejected),
        };
        self.wake().await?;
        self.acknowledge(events).await.map_err(|cause| ResumeError::NotRecorded { cause })?;
        Ok(match self.session.state() {
            ExecutionState::Paused(pause) => ResumeOutcome::Remaining(pause.pending().count() as u32),
            _ => ResumeOutcome::Continued,
        })
    }

    async fn cancel(&mut self, reason: CancelReason, seen_at: SeenAt) -> Result<(), CancelError> {
        // Where its program is there, it waits for its children itself, and ends them.
        let is_away = !matches!(self.feed.lock().summary.presence, Presence::Resident | Presence::CannotSleep(_));
        match self.acknowledged(Command::Cancel { reason, seen_at }).await {
            Ok(()) => {
                if is_away {
                    self.end_children_left();
                }
                Ok(())
            }
            Err(NoTurn::Rejected(_)) => Ok(()),
            Err(NoTurn::NotRecorded(cause)) => {
                self.stop.lower();
                self.feed.lock().is_ending = false;
                self.world.changes.mark(self.session.id(), &self.feed.mark);
                Err(CancelError::NotRecorded { cause })
            }
        }
    }

    /// Cancels the children of a session whose program is not there to wait for them.
    fn end_children_left(&self) {
        let id = self.session.id();
        let Some(shared) = self.shared.upgrade() else { return };
        let reason = shared.dropped_reason();
        for child in shared.children(id).iter().filter(|child| !child.has_ended()) {
            drop(shared.send_cancel(child, reason.clone()));
        }
    }
}

/// What an answer to a session that has ended is told.
pub(in crate::engine) fn answer_to_ended(
    session: &Session,
    payload: ResumePayload,
) -> Result<ResumeOutcome, ResumeError> {
    match decide(session, Command::Answer(payload), session.last_at()) {
        Ok(_) => Err(ResumeError::NotPaused { actual: session.state().name() }),
        Err(rejected) => refused_answer(session, rejected),
    }
}

fn refused_answer(session: &Session, rejected: Rejected) -> Result<ResumeOutcome, ResumeError> {
    match rejected {
        Rejected::Answer(error) => {
            tracing::debug!(session = %session.id(), %error, "answer refused");
            Err(error)
        }
        Rejected::Repeated(outcome) => Ok(outcome),
        Rejected::Ended(actual) | Rejected::OutOfTurn(actual) => Err(ResumeError::NotPaused { actual }),
    }
}
