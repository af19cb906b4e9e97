//! Does to many sessions what the desk asks for, some at a time, and sums up what became of it.
//!
//! What is asked for and what is said about it is not known here.

use std::sync::Arc;

use futures::StreamExt;
use futures::stream;

use super::branching::{BranchKind, Branched};
use super::msg::Msg;
use super::words::count;
use crate::domain::{Answer, CancelReason, ExecutionState, QueryId, ResumePayload, SessionId};
use crate::engine::Registry;

/// Requests under way at a time: enough to keep every session's task busy, and a bound on what waits in memory.
const AT_A_TIME: usize = 64;

/// Cancels all of these sessions.
pub(super) async fn cancel_all(registry: Registry, sessions: Arc<[SessionId]>, reason: CancelReason) -> Msg {
    let cancel = |id: SessionId| {
        let (registry, reason) = (registry.clone(), reason.clone());
        async move { (id, registry.cancel(id, reason).await) }
    };
    let mut outcomes = stream::iter(sessions.iter().copied()).map(cancel).buffer_unordered(AT_A_TIME);
    let (mut done, mut before, mut refused) = (Vec::new(), 0, Vec::new());
    while let Some((id, outcome)) = outcomes.next().await {
        match outcome {
            Ok(state) => {
                let ours = matches!(&state, ExecutionState::Cancelled(cancelled) if cancelled.reason == reason);
                before += usize::from(!ours);
                done.push(id);
            }
            Err(error) => refused.push((id, error)),
        }
    }
    Msg::CancelledAll { done, before, refused }
}

/// Gives each of these sessions its answers.
pub(super) async fn answer_all(registry: Registry, answers: Vec<(SessionId, ResumePayload)>) -> Msg {
    let answer = |(id, payload): (SessionId, ResumePayload)| {
        let registry = registry.clone();
        async move { (id, registry.resume(id, payload).await) }
    };
    let mut outcomes = stream::iter(answers).map(answer).buffer_unordered(AT_A_TIME);
    let (mut taken, mut refused) = (Vec::new(), Vec::new());
    while let Some((id, outcome)) = outcomes.next().await {
        match outcome {
            Ok(_) => taken.push(id),
            Err(error) => refused.push((id, error)),
        }
    }
    Msg::AnsweredAll { taken, refused }
}

/// Lets all of these sessions begin, or go on. Gives those that do, and in one line what came of it.
pub(super) async fn release_all(
    registry: Registry,
    sessions: Arc<[SessionId]>,
) -> (Vec<SessionId>, Result<String, String>) {
    let release = |id: SessionId| {
        let registry = registry.clone();
        async move { (id, registry.release(id).await) }
    };
    let mut outcomes = stream::iter(sessions.iter().copied()).map(release).buffer_unordered(AT_A_TIME);
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    while let Some((id, outcome)) = outcomes.next().await {
        match outcome {
            Ok(()) => done.push(id),
            Err(error) => refused.push((id, error)),
        }
    }
    let told = format!("release: {} of {} let go", done.len(), count(sessions.len(), "session"));
    let told = match (refused.first(), sessions.len()) {
        (None, 1) => Ok("release: it is let go".into()),
        (None, _) => Ok(told),
        (Some((_, why)), 1) => Err(format!("release: {why}")),
        (Some((id, why)), _) => Err(format!("{told}; {} not, such as {}: {why}", refused.len(), id.short())),
    };
    (done, told)
}

/// Makes a session that goes on from another one, and answers the query that is open again, if there is an answer.
pub(super) async fn branch(
    registry: &Registry,
    kind: BranchKind,
    of: SessionId,
    at: QueryId,
    answer: Option<Answer>,
) -> Branched {
    let result = match kind {
        BranchKind::Rewind => registry.rewind_to(of, at).await,
        BranchKind::Fork => registry.fork_at(of, at).await,
    };
    let answered = match (&result, answer) {
        (Ok(id), Some(answer)) => Some(registry.resume(*id, ResumePayload::Single(answer)).await),
        (Ok(_) | Err(_), _) => None,
    };
    Branched { kind, of, at, result, answered }
}
