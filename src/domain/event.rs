//! What happened to a session, in order.
//!
//! The events are the journal, the feed on the screen and the input of recovery: the same values.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    AnsweredBy, Branch, CancelReason, EffectStep, Pause, PauseKind, QueryId, Seq, SessionId, StateName,
    TerminalOutcome, Timestamp, TokenUsage, Usage,
};

/// One event of a session. In JSON the fields of its kind stand beside `seq`, `at` and `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number in the session.
    pub seq: Seq,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl Event {
    /// Its compact JSON text with the session it is of beside its fields: a line of the stream of events. Of a child,
    /// `top` is the session that a person started.
    pub fn line(&self, top: SessionId, child: Option<SessionId>) -> String {
        let event = serde_json::to_string(self).expect("an event with string keys always has a JSON form");
        let fields = event.strip_prefix('{').expect("the JSON form of an event is an object");
        match child {
            None => format!("{{\"session\":\"{top}\",{fields}"),
            Some(child) => format!("{{\"session\":\"{top}\",\"child\":\"{child}\",{fields}"),
        }
    }
}

/// What stands in the stream of events where events `from` to `to` are no longer kept.
pub fn gap_line(top: SessionId, child: Option<SessionId>, from: Seq, to: Seq) -> String {
    let mut gap = serde_json::json!({ "session": top, "kind": "gap", "from": from, "to": to });
    if let Some(child) = child {
        gap["child"] = serde_json::json!(child);
    }
    gap.to_string()
}

/// The kinds of event; in JSON the field `kind` names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// The program begins. Once in a session, and never when it was cancelled before.
    Tick {
        /// Always `running`.
        phase: Phase,
    },
    /// The state changed.
    StateTransition {
        /// The state before.
        from: StateName,
        /// The state after.
        to: StateName,
        /// The whole ended state, in the transition into one. It is the last event of the session.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        end: Option<TerminalOutcome>,
    },
    /// The program waits for answers. Follows the transition to `paused`.
    PauseRequested {
        /// The pause as it begins.
        info: Arc<Pause>,
    },
    /// The last answer of a pause is in and the program goes on. Follows the transition to `running`.
    ResumeAccepted {
        /// The kind of the payload that brought the last answer.
        payload_kind: PauseKind,
    },
    /// A query waits for its answer.
    LlmCallBegin {
        /// The query.
        query_id: QueryId,
    },
    /// A query is answered.
    LlmCallEnd {
        /// The query.
        query_id: QueryId,
        /// Tokens as the answerer counted them. Boxed: few do, and every event would be a quarter larger.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Box<TokenUsage>>,
    },
    /// What the engine has to say.
    Note {
        /// What it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        /// What it says.
        content: String,
    },
    /// A line of the program's log.
    Log {
        /// The level, as the program named it.
        level: Arc<str>,
        /// The function that wrote it.
        source: Arc<str>,
        /// The line.
        message: String,
    },
    /// Log lines came faster than the limit and were not kept.
    LogDropped {
        /// How many.
        n: u64,
    },
    /// How far the program says it is.
    Progress {
        /// Steps done.
        step: u64,
        /// Steps in all.
        total: u64,
        /// What it is doing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A figure that the program recorded.
    Stats {
        /// Its name.
        key: String,
        /// Its value.
        value: serde_json::Value,
    },
    /// The program writes to a file that outlives it: the intent before, and that it was done.
    Effect(EffectStep),
    /// This session goes on from another. The events before are that one's, with its numbers and times.
    Branched(Branch),
    /// A child runs. The program waits until all children of its fork have ended.
    ChildStarted {
        /// The child, a session of its own. Written `id`: wherever events are printed, `session` says whose they are.
        #[serde(rename = "id")]
        session: SessionId,
        /// Its place among the children of the fork, counted from 0.
        index: u32,
        /// The package that it runs.
        strategy: Arc<str>,
    },
    /// A child has ended. What it used is added to what this session has used.
    ChildEnded {
        /// The child.
        #[serde(rename = "id")]
        session: SessionId,
        /// How it ended; the session itself has the rest.
        state: StateName,
        /// What it used.
        usage: Box<Usage>,
    },
    /// An answer was taken. It is booked and durable.
    AnswerAccepted {
        /// The query.
        query_id: QueryId,
        /// Who answered.
        by: AnsweredBy,
        /// The name of the delivery, if it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer_id: Option<Arc<str>>,
        /// How many queries of the pause are still open.
        remaining: u32,
        /// The text that the program gets.
        response: Arc<str>,
        /// Tokens as the answerer counted them. Boxed: few do, and every event would be a quarter larger.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Box<TokenUsage>>,
    },
    /// A cancel was accepted. The transition to `cancelled` follows at once.
    CancelRequested {
        /// Why.
        reason: CancelReason,
    },
}

/// The phases a program can announce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It runs.
    Running,
}

impl EventKind {
    /// The word that JSON and the screen use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tick { .. } => "tick",
            Self::StateTransition { .. } => "state_transition",
            Self::PauseRequested { .. } => "pause_requested",
            Self::ResumeAccepted { .. } => "resume_accepted",
            Self::LlmCallBegin { .. } => "llm_call_begin",
            Self::LlmCallEnd { .. } => "llm_call_end",
            Self::Note { .. } => "note",
            Self::Log { .. } => "log",
            Self::LogDropped { .. } => "log_dropped",
            Self::Progress { .. } => "progress",
            Self::Stats { .. } => "stats",
            Self::Effect(_) => "effect",
            Self::Branched(_) => "branched",
            Self::ChildStarted { .. } => "child_started",
            Self::ChildEnded { .. } => "child_ended",
            Self::AnswerAccepted { .. } => "answer_accepted",
            Self::CancelRequested { .. } => "cancel_requested",
        }
    }

    /// Whether this is the transition into an ended state, the last event of a session.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::StateTransition { to, .. } if to.is_ended())
    }
}
