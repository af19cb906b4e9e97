//! The vocabulary and the rules of a session, as pure data and pure functions.
//!
//! Here stand the types of the contract (ids, spec, states, events, answers, usage) and the one transition table:
//! [`decide`] says which events a command causes, [`apply`] folds an event into a [`Session`]. [`query`] says which
//! sessions somebody means.
//!
//! What is deliberately absent: no clock, no randomness, no IO, no async and no Lua. Time comes in as an argument.
//! Everybody may use this module; it uses nobody.

mod answer;
mod command;
mod decide;
mod effect;
mod error;
mod event;
mod family;
mod ids;
pub mod query;
mod session;
mod spec;
mod state;
mod text;
mod usage;

pub use answer::{Answer, AnsweredBy, PromptHash, ResumeOutcome, ResumePayload, TokenUsage};
pub use command::{Command, Question};
pub use decide::{Rejected, decide};
pub use effect::{ContentHash, EffectStep, Intent};
pub use error::{
    AwaitError, CancelError, ObserveError, ObserverRecvError, ReleaseError, ResumeError, SpawnError, StateError,
};
pub use event::{Event, EventKind, Phase, gap_line};
pub use family::{Branch, Budget, Parent, SharedBudget};
pub use ids::{BySession, ParseIdError, QueryId, Seq, SessionId, Timestamp};
pub use session::{LogLine, Progress, Session, apply, apply_turn};
pub use spec::{InvalidSpec, Limits, Scenario, SessionKind, SessionSpec};
pub use state::{
    CancelCode, CancelReason, Cancelled, Done, ExecutionState, Failure, FailureKind, LimitKind, Pause, PauseKind,
    Prompt, Query, SeenAt, StateName, TerminalOutcome,
};
pub use text::{printable, printable_line};
pub use usage::{TokenCount, TokenSource, Usage, estimate_tokens};
