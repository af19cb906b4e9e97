//! What can be asked of a session: by people and programs outside, and by its own program.

use std::sync::Arc;

use super::{
    CancelReason, EffectStep, FailureKind, LimitKind, PauseKind, ResumePayload, SeenAt, SessionId, StateName, Usage,
};

/// A command to one session. [`decide`](super::decide) says what it causes.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The program is about to run its first instruction.
    Begin,
    /// The program asks.
    Ask {
        /// One question or a batch.
        kind: PauseKind,
        /// What it asks, in order; never empty.
        questions: Vec<Question>,
    },
    /// Somebody answers.
    Answer(ResumePayload),
    /// Somebody cancels.
    Cancel {
        /// Why.
        reason: CancelReason,
        /// The checkpoint the session is at.
        seen_at: SeenAt,
    },
    /// The program returned.
    Finish {
        /// What it returned.
        value: serde_json::Value,
    },
    /// An error or a limit ends the program.
    Fail {
        /// What went wrong.
        message: String,
        /// Whose error it is.
        kind: FailureKind,
        /// Which limit, if it was one.
        limit: Option<LimitKind>,
        /// The Lua stack at the error.
        traceback: Option<String>,
    },
    /// The program logs a line.
    Log {
        /// The level, as the program named it.
        level: Arc<str>,
        /// The function that wrote it.
        source: Arc<str>,
        /// The line.
        message: String,
    },
    /// Log lines were not kept.
    DropLogs {
        /// How many.
        n: u64,
    },
    /// The program says how far it is.
    Progress {
        /// Steps done.
        step: u64,
        /// Steps in all.
        total: u64,
        /// What it is doing.
        message: Option<String>,
    },
    /// The program records a figure.
    Stats {
        /// Its name.
        key: String,
        /// Its value.
        value: serde_json::Value,
    },
    /// The program writes to a file that outlives it: a step of that.
    Effect(EffectStep),
    /// The children of a fork are about to run.
    StartChildren {
        /// Each with the package that it runs, in the order of the fork.
        children: Vec<(SessionId, Arc<str>)>,
    },
    /// A child has ended.
    EndChild {
        /// The child.
        session: SessionId,
        /// How.
        state: StateName,
        /// What it used.
        usage: Box<Usage>,
    },
    /// The engine has something to say.
    Note {
        /// What it is about.
        title: Option<String>,
        /// What it says.
        content: String,
    },
}

/// A question before it has an id: what the program asks and with what.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Question {
    /// The prompt.
    pub prompt: Arc<str>,
    /// The system text, if the program gave one.
    pub system: Option<Arc<str>>,
    /// How long an answer the program wants.
    pub max_tokens: u32,
    /// Whether the answer should be checked against sources.
    pub grounded: bool,
    /// Whether the question is left open on purpose.
    pub underspecified: bool,
    /// Who is meant to answer, if the program said.
    pub role: Option<Arc<str>>,
    /// A mark for prompt caches, passed through.
    pub cache_breakpoint: Option<Arc<str>>,
    /// The line of the session's own program that asks, counted from 1, where it is known.
    pub line: Option<u32>,
}
