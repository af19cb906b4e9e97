//! The VM of one session: steps its program, and tells the engine what it wants or how it ended.

use std::sync::Arc;

use mlua::{Function, IntoLuaMulti, Lua, Thread, Value};

use super::encode::{Text, Written};
use super::host::{Host, Wanted};
use super::mark::Mark;
use super::preempt::resume_interruptibly;
use super::stopwatch::Stopwatch;
use super::{alc, decode, encode, failure, program};
use crate::domain::{FailureKind, PauseKind};
use crate::engine::{Door, EffectResult, HEAVY, Input, ModuleSource, Step, Vm, VmFailure, is_heavy};

/// One program in a state of its own. Every handle of the state is in here.
pub(super) struct LuaVm {
    // The handles are dropped before the state.
    program: Program,
    lua: Lua,
    host: Arc<Host>,
    /// What the program waits for.
    waits_for: PauseKind,
    /// Whether it has asked before.
    has_asked: bool,
    /// An input that came while it was asked to stop.
    unused: Option<Input>,
}

/// Up to this size of its heap a state is cleaned of what making it left behind when its program first asks: that takes
/// some microseconds, and most states will wait for a long time then.
const CLEANED: usize = 64 << 10;

enum Program {
    /// Not begun: the body of its thread.
    Ready(Function),
    /// Begun.
    Begun(Thread),
    /// Its result is being written.
    Finishing(Text),
    /// Its result is written, and takes a while to read.
    Written(String),
    /// It ended, or it did not compile.
    Ended,
}

impl LuaVm {
    /// A VM that is ready to begin.
    pub(super) fn new(lua: Lua, host: Arc<Host>, body: Function) -> Self {
        Self { program: Program::Ready(body), lua, host, waits_for: PauseKind::Single, has_asked: false, unused: None }
    }

    /// Puts the door in and says with what the program goes on; `Err`: it does not.
    fn begin_step(&mut self, input: Input, door: Door) -> Result<Input, Step> {
        // What came while the program was asked to stop is kept: if the request is taken back, it goes on with that.
        let input = match (input, self.unused.take()) {
            (Input::Continue, Some(kept)) => kept,
            (input, _) => input,
        };
        let mut state = self.host.state();
        state.begin_step(door);
        if state.door().is_stopped() {
            self.unused = Some(input);
            return Err(Step::Preempted);
        }
        if self.host.is_raising() && state.doom.is_none() {
            return Err(Step::Lost);
        }
        Ok(input)
    }

    /// Takes the door out and says what became of the step.
    fn end_step(&self, came_out: Step) -> (Step, Door) {
        let mut state = self.host.state();
        let step = match state.doom.take() {
            Some(doom) => Step::Finished(Err(doom)),
            // Stopped where it could not yield: whatever came out of it is of no account.
            None if self.host.is_raising() && state.door().is_stopped() => Step::Preempted,
            None if self.host.is_raising() => Step::Lost,
            None => came_out,
        };
        if let Step::Asked { .. } | Step::Finished(_) = step {
            state.door().settle();
        }
        (step, state.end_step())
    }

    fn run(&mut self, input: Input) -> Step {
        let came_out = match input {
            Input::Start => self.begin(),
            Input::Continue => self.go_on(),
            Input::Answers(answers) => self.answer(&answers),
            Input::Done(EffectResult::Module(result)) => match result {
                Ok(Some(ModuleSource { path, text })) => self.resume((text, path.to_string_lossy().into_owned())),
                Ok(None) => self.resume(()),
                Err(why) => self.resume((false, why)),
            },
            Input::Done(EffectResult::Value(result)) => match result {
                Ok(value) => decode::value(&self.lua, &self.host, &value).and_then(|value| self.resume(value)),
                Err(why) => self.resume((Value::Nil, self.host.refuse(why))),
            },
        };
        came_out.unwrap_or_else(|error| Step::Finished(Err(failure::of_error(&self.host, &error))))
    }

    fn begin(&mut self) -> mlua::Result<Step> {
        let Program::Ready(body) = std::mem::replace(&mut self.program, Program::Ended) else {
            return Err(mlua::Error::runtime("the program has begun before"));
        };
        let spec = Arc::clone(&self.host.spec);
        let ctx = match spec.program_ctx() {
            Some(ctx) => decode::value(&self.lua, &self.host, &ctx)?,
            None => Value::Table(self.lua.create_table()?),
        };
        self.lua.globals().raw_set("ctx", ctx)?;
        let program = program::load(&self.lua, &self.host)?;
        self.program = Program::Begun(self.lua.create_thread(body)?);
        self.resume(program)
    }

    fn answer(&mut self, answers: &[Arc<str>]) -> mlua::Result<Step> {
        match self.waits_for {
            PauseKind::Single => self.resume(answers.first().map_or("", |answer| answer)),
            PauseKind::Batch => {
                let table = self.lua.create_sequence_from(answers.iter().map(|answer| &**answer))?;
                self.resume(table)
            }
        }
    }

    fn resume(&mut self, args: impl IntoLuaMulti) -> mlua::Result<Step> {
        let Program::Begun(thread) = &self.program else {
            return Err(mlua::Error::runtime("the program is not running"));
        };
        let mut out: (Value, Value) = resume_interruptibly(&self.host, thread, args)?;
        loop {
            return match Mark::of(&out.0) {
                // The program's own thread yielded: nobody but us resumes it.
                Some(Mark::Yielded) => {
                    if self.host.state().door().slice_is_over() {
                        return Ok(Step::Preempted);
                    }
                    out = resume_interruptibly(&self.host, thread, ())?;
                    continue;
                }
                Some(Mark::Ask) => {
                    let asked = self.host.state().asked.take();
                    match asked {
                        Some(Wanted::Answers(kind, questions)) => {
                            self.waits_for = kind;
                            self.clean_once()?;
                            Ok(Step::Asked { kind, questions })
                        }
                        Some(Wanted::Effect(effect)) => Ok(Step::Wants(effect)),
                        None => Err(mlua::Error::runtime("the program waits for nothing")),
                    }
                }
                Some(Mark::Finished) => {
                    let written = encode::begin_result(&self.lua, &self.host, out.1)?;
                    Ok(self.finish(written))
                }
                Some(Mark::Failed) => {
                    let text = out.1.as_string().map(mlua::LuaString::to_string_lossy).unwrap_or_default();
                    Ok(self.end(Err(failure::of_text(&self.host, &text))))
                }
                Some(Mark::Refused | Mark::Ended) | None => Ok(Step::Preempted),
            };
        }
    }

    fn clean_once(&mut self) -> mlua::Result<()> {
        if !std::mem::replace(&mut self.has_asked, true) && self.lua.used_memory() <= CLEANED {
            self.lua.gc_collect()?;
        }
        Ok(())
    }

    fn go_on(&mut self) -> mlua::Result<Step> {
        match std::mem::replace(&mut self.program, Program::Ended) {
            Program::Finishing(text) => {
                let written = encode::go_on_with_result(&self.lua, &self.host, text)?;
                Ok(self.finish(written))
            }
            Program::Written(json) => Ok(self.end_with(&json)),
            program => {
                self.program = program;
                self.resume(())
            }
        }
    }

    fn finish(&mut self, written: Result<Written, String>) -> Step {
        match written {
            Ok(Written::NotYet(text)) => {
                self.program = Program::Finishing(text);
                Step::Preempted
            }
            Ok(Written::Whole(json)) if json.len() > HEAVY => {
                self.program = Program::Written(json);
                Step::Preempted
            }
            Ok(Written::Whole(json)) => self.end_with(&json),
            Err(message) => self.end(Err(not_json(message))),
        }
    }

    fn end_with(&mut self, json: &str) -> Step {
        self.end(serde_json::from_str(json).map_err(|error| not_json(format!("JSON parse: {error}"))))
    }

    fn end(&mut self, result: Result<serde_json::Value, VmFailure>) -> Step {
        self.program = Program::Ended;
        alc::log::flush(&mut self.host.state());
        Step::Finished(result)
    }
}

/// The failure of a program whose result is no JSON.
fn not_json(message: String) -> VmFailure {
    VmFailure { message, kind: FailureKind::EngineError, limit: None, traceback: None }
}

impl Vm for LuaVm {
    fn step(&mut self, input: Input, door: Door) -> (Step, Door) {
        let watch = Stopwatch::start(door.began());
        let came_out = match self.begin_step(input, door) {
            Ok(input) => self.run(input),
            Err(step) => step,
        };
        let (step, mut door) = self.end_step(came_out);
        door.used(watch.stop());
        (step, door)
    }

    fn is_heavy(&self, input: &Input) -> bool {
        match (input, &self.program) {
            (Input::Start, _) => self.host.spec.given_ctx().is_some_and(is_heavy),
            (Input::Done(EffectResult::Value(Ok(value))), _) => is_heavy(value),
            (Input::Continue, Program::Written(_)) => true,
            _ => false,
        }
    }

    fn memory(&self) -> usize {
        self.lua.used_memory()
    }
}
