//! The port behind which programs run: a coroutine with a door.
//!
//! A [`Vm`] knows no task, no channel and no clock. It is stepped; it says what it waits for; what reaches it from
//! outside comes with the next step or through the [`Door`].

use std::sync::Arc;

use serde_json::Value;

use super::{Door, Effect, EffectResult};
use crate::domain::{FailureKind, LimitKind, PauseKind, Question, SessionSpec};

/// Makes the VM of a session.
pub trait VmFactory: Send + Sync + 'static {
    /// Makes a VM that is ready for [`Input::Start`]. Called on the runtime of the sessions; must not run the program.
    ///
    /// # Errors
    /// What ends the session before it has begun, such as too little memory.
    fn make(&self, spec: &Arc<SessionSpec>) -> Result<Box<dyn Vm>, VmFailure>;

    /// What a program's behaviour depends on beside its spec and its record, as one word to compare: the version of the
    /// VM and of everything that is loaded before the program.
    fn version(&self) -> Arc<str>;
}

/// One program in a state of its own.
///
/// Dropping it ends the program wherever it stands, and gives back all it used.
pub trait Vm: Send {
    /// Runs the program until it wants something, the door says that the slice is over, or it ends.
    ///
    /// The door goes in by value, since functions of the program use it, and comes back with what they emitted. Before
    /// [`Step::Asked`] and [`Step::Finished`] it is [settled](Door::settle).
    /// After [`Step::Finished`] it must not be stepped again.
    fn step(&mut self, input: Input, door: Door) -> (Step, Door);

    /// Whether the step that takes `input` has much to do at once that cannot be interrupted, such as to convert a large
    /// value.
    fn is_heavy(&self, input: &Input) -> bool {
        let _ = input;
        false
    }

    /// Bytes of heap the program holds now.
    fn memory(&self) -> usize;
}

/// What a step brings to the program.
#[derive(Debug)]
pub enum Input {
    /// The first step.
    Start,
    /// The answers to the queries of [`Step::Asked`], in their order.
    Answers(Vec<Arc<str>>),
    /// What became of [`Step::Wants`].
    Done(EffectResult),
    /// After [`Step::Preempted`].
    Continue,
}

/// Why a step came back.
#[derive(Debug)]
pub enum Step {
    /// The program asks and waits for every answer.
    Asked {
        /// One question or a batch.
        kind: PauseKind,
        /// What it asks, in order; never empty.
        questions: Vec<Question>,
    },
    /// The program waits for something to be done outside.
    Wants(Effect),
    /// The slice is over; the program is ready to go on.
    Preempted,
    /// The program was ended where it stood, since it was asked to stop in a section that cannot be interrupted, and the
    /// request was taken back. Only running it again from its record brings it back.
    Lost,
    /// The program has ended.
    Finished(Result<Value, VmFailure>),
}

/// Why a program ended without a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmFailure {
    /// What went wrong; for an error of the program with script and line.
    pub message: String,
    /// Whose error it is.
    pub kind: FailureKind,
    /// Which limit, if it was one.
    pub limit: Option<LimitKind>,
    /// The Lua stack at the error, one frame a line.
    pub traceback: Option<String>,
}
