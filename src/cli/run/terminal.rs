//! The last word on a session: how it ended, as data and as an exit code.

use serde::Serialize;
use serde_json::Value;

use super::super::exit::Exit;
use super::supervise::Ending;
use crate::domain::{CancelCode, CancelReason, ExecutionState, LimitKind, Prompt, SessionId, Usage};
use crate::engine::Summary;

/// The last line of a session. In JSON every absent field is left out.
#[derive(Debug, Serialize)]
pub(super) struct Terminal<'a> {
    session: SessionId,
    kind: &'static str,
    #[serde(flatten)]
    pub(super) end: End<'a>,
    pub(super) pauses: u64,
    pub(super) queries: u64,
    usage: &'a Usage,
}

/// The ways a session of a run can end; in JSON the field `state` names it.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum End<'a> {
    /// It returned a value.
    Done { value: &'a Value },
    /// An error or a limit.
    Failed {
        error: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<LimitKind>,
    },
    /// Somebody cancelled it.
    Cancelled { reason: &'a CancelReason },
    /// No source could answer; the session was left where it stands.
    Waiting { pending: Vec<Prompt> },
}

impl<'a> Terminal<'a> {
    /// The last word on a session that has ended, or that is left. `ending` says why the run ended, if not by its
    /// sessions.
    pub(super) fn of(summary: &'a Summary, ending: Option<Ending>) -> Option<Self> {
        let end = match &summary.state {
            // The run is over before it was, and the journal keeps it.
            ExecutionState::Running { .. } if ending.is_some() => End::Waiting { pending: Vec::new() },
            ExecutionState::Paused(pause) if ending.is_some() => {
                End::Waiting { pending: pause.pending().cloned().collect() }
            }
            ExecutionState::Running { .. } | ExecutionState::Paused(_) => return None,
            ExecutionState::Done(done) => End::Done { value: &done.value },
            ExecutionState::Failed(failure) => End::Failed { error: &failure.message, limit: failure.limit },
            ExecutionState::Cancelled(cancelled) => match (&cancelled.state_before, ending) {
                (ExecutionState::Paused(pause), Some(Ending::NobodyAnswers))
                    if cancelled.reason.code == CancelCode::SystemShutdown =>
                {
                    End::Waiting { pending: pause.pending().cloned().collect() }
                }
                // Its children waited: nothing else runs when nobody answers. They may have ended before it did.
                (ExecutionState::Running { .. }, Some(Ending::NobodyAnswers))
                    if cancelled.reason.code == CancelCode::SystemShutdown =>
                {
                    End::Waiting { pending: Vec::new() }
                }
                _ => End::Cancelled { reason: &cancelled.reason },
            },
        };
        let usage = &summary.usage;
        let (pauses, queries) = (usage.pauses, usage.llm_calls);
        Some(Self { session: summary.id, kind: "terminal", end, pauses, queries, usage })
    }

    /// Its compact JSON text.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("an end with string keys always has a JSON form")
    }

    /// What it means for the exit code.
    pub(super) fn exit(&self, ending: Option<Ending>) -> Exit {
        match &self.end {
            End::Done { .. } => Exit::Ok,
            End::Failed { limit: Some(_), .. } => Exit::Limit,
            End::Failed { limit: None, .. } => Exit::SessionFailed,
            // Not an end of its own: nobody reads any more.
            End::Cancelled { reason }
                if reason.code == CancelCode::SystemShutdown && ending == Some(Ending::ReaderGone) =>
            {
                Exit::Waiting
            }
            End::Cancelled { .. } => Exit::SessionCancelled,
            End::Waiting { .. } => Exit::Waiting,
        }
    }
}
