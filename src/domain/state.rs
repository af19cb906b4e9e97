//! The states of a session as everybody sees them.
//!
//! The large parts are behind `Arc`: a state is copied out of the registry for every look at it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{AnsweredBy, QueryId, Timestamp, Usage};

/// The state of a session; in JSON the field `state` names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ExecutionState {
    /// The program is running, or ready to.
    Running {
        /// How many children it waits for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waiting_on: Option<u32>,
    },
    /// The program waits for answers.
    Paused(Arc<Pause>),
    /// The program returned.
    Done(Arc<Done>),
    /// Somebody cancelled it.
    Cancelled(Arc<Cancelled>),
    /// An error or a limit ended it.
    Failed(Arc<Failure>),
}

impl ExecutionState {
    /// The state every session is born in.
    pub const BORN: Self = Self::Running { waiting_on: None };

    /// The one-word name of the state.
    pub fn name(&self) -> StateName {
        match self {
            Self::Running { .. } => StateName::Running,
            Self::Paused(_) => StateName::Paused,
            Self::Done(_) => StateName::Done,
            Self::Cancelled(_) => StateName::Cancelled,
            Self::Failed(_) => StateName::Failed,
        }
    }

    /// Whether the session has ended.
    pub fn is_ended(&self) -> bool {
        self.name().is_ended()
    }

    /// How it ended, if it has.
    pub fn outcome(&self) -> Option<TerminalOutcome> {
        match self {
            Self::Running { .. } | Self::Paused(_) => None,
            Self::Done(done) => Some(TerminalOutcome::Done(Arc::clone(done))),
            Self::Cancelled(cancelled) => Some(TerminalOutcome::Cancelled(Arc::clone(cancelled))),
            Self::Failed(failure) => Some(TerminalOutcome::Failed(Arc::clone(failure))),
        }
    }
}

/// The names of the states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// See [`ExecutionState::Running`].
    Running,
    /// See [`ExecutionState::Paused`].
    Paused,
    /// See [`ExecutionState::Done`].
    Done,
    /// See [`ExecutionState::Cancelled`].
    Cancelled,
    /// See [`ExecutionState::Failed`].
    Failed,
}

impl StateName {
    /// Whether a session in this state has ended.
    pub fn is_ended(self) -> bool {
        match self {
            Self::Running | Self::Paused => false,
            Self::Done | Self::Cancelled | Self::Failed => true,
        }
    }

    /// The word that JSON, errors and the screen use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a session ended; one of the three ended states of [`ExecutionState`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum TerminalOutcome {
    /// The program returned.
    Done(Arc<Done>),
    /// Somebody cancelled it.
    Cancelled(Arc<Cancelled>),
    /// An error or a limit ended it.
    Failed(Arc<Failure>),
}

impl TerminalOutcome {
    /// The one-word name of the ended state.
    pub fn name(&self) -> StateName {
        match self {
            Self::Done(_) => StateName::Done,
            Self::Cancelled(_) => StateName::Cancelled,
            Self::Failed(_) => StateName::Failed,
        }
    }
}

impl From<TerminalOutcome> for ExecutionState {
    fn from(outcome: TerminalOutcome) -> Self {
        match outcome {
            TerminalOutcome::Done(done) => Self::Done(done),
            TerminalOutcome::Cancelled(cancelled) => Self::Cancelled(cancelled),
            TerminalOutcome::Failed(failure) => Self::Failed(failure),
        }
    }
}

/// What a paused session waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pause {
    /// The number of the pause: 1, 2, …
    pub epoch: u32,
    /// Whether the program asked one thing or a batch. A batch of one is a batch.
    pub kind: PauseKind,
    /// Every prompt of the pause in order, those that are answered too.
    pub prompts: Vec<Prompt>,
    /// When the pause was published.
    pub paused_at: Timestamp,
}

impl Pause {
    /// The prompts that nobody has answered yet.
    pub fn pending(&self) -> impl Iterator<Item = &Prompt> {
        self.prompts.iter().filter(|prompt| prompt.answered_by.is_none())
    }
}

/// The two ways to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseKind {
    /// `alc.llm`: one query.
    Single,
    /// `alc.llm_batch` and what stands on it: one or more queries.
    Batch,
}

/// One question of a pause and whether it is answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// What was asked. Shared, since every look at the session copies its state.
    #[serde(flatten)]
    pub query: Arc<Query>,
    /// Who answered it, once somebody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<AnsweredBy>,
}

/// What a program asked, with everything it asked it with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// Its id.
    pub query_id: QueryId,
    /// The prompt.
    pub prompt: Arc<str>,
    /// The system text, if the program gave one.
    #[serde(default)]
    pub system: Option<Arc<str>>,
    /// How long an answer the program wants.
    pub max_tokens: u32,
    /// Whether the answer should be checked against sources.
    #[serde(default)]
    pub grounded: bool,
    /// Whether the question is left open on purpose.
    #[serde(default)]
    pub underspecified: bool,
    /// Who is meant to answer, if the program said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Arc<str>>,
    /// A mark for prompt caches, passed through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_breakpoint: Option<Arc<str>>,
    /// The line of the session's own program that asked, counted from 1, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// The end of a program that returned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// What it returned.
    pub value: serde_json::Value,
    /// What it used; absent when nothing was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// When.
    pub finished_at: Timestamp,
}

/// The end of a session that was cancelled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Why, in the words of the first who cancelled it.
    pub reason: CancelReason,
    /// When the session saw it.
    pub observed_at: Timestamp,
    /// Where it took effect.
    pub seen_at: SeenAt,
    /// The state the session was in, with what was already answered. Never itself an ended state.
    pub state_before: ExecutionState,
}

/// Why a session is cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelReason {
    /// The kind of reason.
    pub code: CancelCode,
    /// The caller's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
}

/// The kinds of reason for a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelCode {
    /// A person or a calling program wanted it.
    User,
    /// A time limit of the caller passed.
    Timeout,
    /// The session it belonged to ended.
    ParentDropped,
    /// Switchboard is closing.
    SystemShutdown,
    /// The engine's own policy.
    Internal,
}

impl CancelCode {
    /// Every code, in the order a form offers them.
    pub const ALL: [Self; 5] = [Self::User, Self::Timeout, Self::ParentDropped, Self::SystemShutdown, Self::Internal];

    /// The word that JSON and the screen use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Timeout => "timeout",
            Self::ParentDropped => "parent_dropped",
            Self::SystemShutdown => "system_shutdown",
            Self::Internal => "internal",
        }
    }
}

/// The checkpoint at which a cancel took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenAt {
    /// Before the first Lua instruction.
    BeforeStart,
    /// After a question was asked, before it was published.
    BeforePause,
    /// In the middle of running.
    Running,
    /// While it waited for an answer.
    Paused,
}

/// The end of a session by an error or a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What went wrong; for an error of the program with script and line.
    pub message: String,
    /// Whose error it is.
    pub kind: FailureKind,
    /// Which limit, when a limit ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitKind>,
    /// The Lua stack at the error, one frame a line, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceback: Option<String>,
    /// When.
    pub occurred_at: Timestamp,
}

/// Whose error ended a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The program's, also when it does not compile.
    LuaError,
    /// Switchboard's, or a result that is not JSON.
    EngineError,
    /// A limit was reached.
    Limit,
    /// Anything else.
    Other,
}

/// The limits that can end a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// The Lua heap.
    Memory,
    /// What all sessions take that one has forked.
    FamilyMemory,
    /// CPU time in all.
    Cpu,
    /// Time since the session was made.
    Wall,
    /// Time in one section that cannot be interrupted.
    Section,
    /// Pauses.
    Pauses,
    /// Queries.
    Queries,
    /// The size of a text or value.
    Size,
}
