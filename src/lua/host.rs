//! What a VM and the functions that its program calls share: the door while a step lasts, what is asked for, and
//! whether the session has to end.
//!
//! It holds no Lua handle: functions own it, so that would be a cycle.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mlua::Lua;

use super::interrupt;
use super::preempt::{self, Preemption};
use super::sandbox::LIBRARIES;
use crate::domain::{Budget, FailureKind, LimitKind, Limits, PauseKind, Question, SessionSpec};
use crate::engine::{Door, Effect, VmFailure};

/// Shared by the VM and every function of one session.
pub(super) struct Host {
    /// What the session is made of.
    pub(super) spec: Arc<SessionSpec>,
    /// The limits of `ctx.budget`.
    pub(super) budget: Budget,
    /// How the program is interrupted.
    pub(super) preemption: Preemption,
    /// Whether errors are raised at every instruction.
    raising: AtomicBool,
    state: Mutex<State>,
}

/// What changes while a session runs.
#[derive(Default)]
pub(super) struct State {
    /// The door, while a step lasts.
    door: Option<Door>,
    /// What the program asks; taken when it yields.
    pub(super) asked: Option<Wanted>,
    /// Why the session must end, once it must.
    pub(super) doom: Option<VmFailure>,
    /// The first attempt in this step to interrupt the program, if it did not succeed at once.
    pub(super) attempt: Option<interrupt::Attempt>,
    /// The last error text of an engine function: it has no position, so an uncaught one is given one.
    pub(super) engine_error: Option<String>,
    /// The Lua stack at the uncaught error.
    pub(super) traceback: Option<String>,
    /// Where the uncaught error was raised, if its text does not say.
    pub(super) position: Option<String>,
    /// The parts of the prelude that are loaded, a bit each.
    pub(super) loaded: u64,
    /// The addresses of the libraries of which parts are loaded on first use. They are compared, never followed.
    pub(super) libraries: [usize; LIBRARIES.len()],
    /// Whether the library `math` is open.
    pub(super) has_math: bool,
    /// What was written since the last line end.
    pub(super) written: String,
}

/// What a program waits for.
#[derive(Debug)]
pub(super) enum Wanted {
    /// Answers.
    Answers(PauseKind, Vec<Question>),
    /// Something done outside.
    Effect(Effect),
}

impl Host {
    /// The host of a session that has not been stepped.
    pub(super) fn new(spec: &Arc<SessionSpec>, preemption: Preemption) -> Self {
        Self {
            budget: spec.budget(),
            spec: Arc::clone(spec),
            preemption,
            raising: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    /// The limits of the session.
    pub(super) fn limits(&self) -> &Limits {
        &self.spec.limits
    }

    /// What changes. Held for a moment only, and never while Lua is called.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether errors are raised at every instruction: only the thread that steps the session asks or says so.
    pub(super) fn is_raising(&self) -> bool {
        self.raising.load(Ordering::Relaxed)
    }

    /// Has errors raised at every instruction, for good.
    pub(super) fn start_raising(&self) {
        self.raising.store(true, Ordering::Relaxed);
    }

    /// Says that the session must end, unless something said so before; the error to raise.
    pub(super) fn condemn(&self, failure: VmFailure) -> mlua::Error {
        let mut state = self.state();
        let doom = state.doom.get_or_insert(failure);
        mlua::Error::runtime(&doom.message)
    }

    /// Says that the session must end because it went beyond a limit; the error to raise.
    pub(super) fn exceed(&self, limit: LimitKind, message: String) -> mlua::Error {
        self.condemn(VmFailure { message, kind: FailureKind::Limit, limit: Some(limit), traceback: None })
    }

    /// Says that memory ran out; the error to raise.
    pub(super) fn out_of_memory(&self) -> mlua::Error {
        let limit = self.limits().memory_bytes;
        self.exceed(LimitKind::Memory, format!("out of memory: the limit is {limit} bytes of Lua heap"))
    }

    /// Looks at an error on its way into Lua: running out of memory ends the session.
    pub(super) fn note(&self, error: &mlua::Error) {
        if is_memory_error(error) {
            self.out_of_memory();
        }
    }

    /// Keeps the text of an error that an engine function raises.
    pub(super) fn refuse(&self, text: String) -> String {
        self.state().engine_error = Some(text.clone());
        text
    }
}

impl State {
    /// The door.
    pub(super) fn door(&mut self) -> &mut Door {
        self.door
            .as_mut()
            .expect("functions of a program run within a step, and the door is in for as long as it lasts")
    }

    /// Puts the door in for a step.
    pub(super) fn begin_step(&mut self, door: Door) {
        self.door = Some(door);
        self.attempt = None;
    }

    /// Takes the door out after a step.
    pub(super) fn end_step(&mut self) -> Door {
        self.door.take().expect("the door was put in as the step began, and only this takes it out")
    }
}

/// Whether memory ran out somewhere below `error`.
pub(super) fn is_memory_error(error: &mlua::Error) -> bool {
    match error {
        mlua::Error::MemoryError(_) => true,
        mlua::Error::CallbackError { cause, .. }
        | mlua::Error::BadArgument { cause, .. }
        | mlua::Error::WithContext { cause, .. } => is_memory_error(cause),
        _ => false,
    }
}

/// Keeps a function of the host from holding its worker: it looks at the clock now and then and gives up when the
/// session is stopped or the section has lasted too long.
pub(super) struct Patience<'a> {
    lua: &'a Lua,
    host: &'a Arc<Host>,
    /// CPU time of the thread when it began.
    since: Option<Duration>,
    steps: u32,
    is_tired: bool,
    has_limit: bool,
}

impl<'a> Patience<'a> {
    /// So many steps take some ten microseconds.
    const STEPS: u32 = 4096;

    /// So many bytes take about as long as a step.
    const BYTES: usize = 64;

    /// The patience for one call.
    pub(super) fn new(lua: &'a Lua, host: &'a Arc<Host>) -> Self {
        Self { lua, host, since: None, steps: 0, is_tired: false, has_limit: true }
    }

    /// The patience with the engine's own work, which no program can make longer than its limits of size: it lasts until
    /// the session is stopped.
    pub(super) fn with_engine(lua: &'a Lua, host: &'a Arc<Host>) -> Self {
        Self { has_limit: false, ..Self::new(lua, host) }
    }

    /// Counts a step.
    ///
    /// # Errors
    /// The error to raise when it has lasted too long. The session has to end then.
    #[inline]
    pub(super) fn step(&mut self) -> mlua::Result<()> {
        self.steps_over(0)
    }

    /// Counts a step that looks at so many bytes: a long text is many steps.
    ///
    /// # Errors
    /// As for [`step`](Self::step).
    #[inline]
    pub(super) fn steps_over(&mut self, bytes: usize) -> mlua::Result<()> {
        self.steps = self.steps.saturating_add(1 + u32::try_from(bytes / Self::BYTES).unwrap_or(u32::MAX - 1));
        if self.steps < Self::STEPS {
            return Ok(());
        }
        self.steps = 0;
        self.look()
    }

    #[cold]
    fn look(&mut self) -> mlua::Result<()> {
        let now = preempt::cpu_time();
        let since = *self.since.get_or_insert(now);
        let mut state = self.host.state();
        let too_long = now.saturating_sub(since) >= state.door().section_limit();
        let must_end = too_long && self.has_limit || state.door().is_stopped();
        drop(state);
        if must_end {
            return Err(interrupt::give_up(self.lua, self.host));
        }
        self.is_tired = interrupt::hurry(self.host);
        Ok(())
    }

    /// Whether the slice is over: what can be gone on with later should be.
    pub(super) fn is_tired(&self) -> bool {
        self.is_tired
    }
}
