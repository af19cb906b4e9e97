//! Drives a VM as the engine does: steps it, answers it, and keeps what it said.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use serde_json::Value;
use switchboard::domain::{
    Command, FailureKind, LimitKind, PauseKind, Question, SessionSpec, Timestamp, Usage, estimate_tokens,
};
use switchboard::engine::{
    Clock, Door, Effect, EffectResult, Emission, Entropy, Input, ModuleSource, Read, Step, StopFlag, Vm, VmFactory,
    VmFailure,
};
use switchboard::lua::LuaVms;

pub(crate) static VMS: LazyLock<LuaVms> = LazyLock::new(LuaVms::new);

/// A clock that stands still.
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        1_700_000_000_123
    }
}

/// Counts instead of guessing.
#[derive(Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn bits(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// One session without an engine.
pub(crate) struct Session {
    pub(crate) vm: Box<dyn Vm>,
    door: Option<Door>,
    pub(crate) stop: StopFlag,
    usage: Usage,
    pub(crate) said: Vec<Command>,
    pub(crate) reads: Vec<Read>,
    pub(crate) pauses: Vec<(PauseKind, Vec<Question>)>,
    /// Steps that came back because the slice was over.
    pub(crate) preempted: usize,
    pub(crate) modules: Vec<(&'static str, &'static str)>,
    /// The directory that has all other modules.
    pub(crate) library: Option<PathBuf>,
}

impl Session {
    pub(crate) fn of(spec: SessionSpec) -> Self {
        Self::try_of(spec).expect("a state can be made")
    }

    /// A session, if its state can be made under its limits.
    pub(crate) fn try_of(spec: SessionSpec) -> Option<Self> {
        Self::made_by(&VMS, spec)
    }

    /// A session whose VM comes from `vms`.
    pub(crate) fn made_by(vms: &LuaVms, spec: SessionSpec) -> Option<Self> {
        let spec = Arc::new(spec);
        let stop = StopFlag::default();
        let door =
            Door::new(Arc::new(Fixed), Arc::new(Counting::default()), stop.clone(), 1_700_000_000_000, &spec.limits);
        Some(Self {
            vm: vms.make(&spec).ok()?,
            door: Some(door),
            stop,
            usage: Usage::default(),
            said: Vec::new(),
            reads: Vec::new(),
            pauses: Vec::new(),
            preempted: 0,
            modules: Vec::new(),
            library: None,
        })
    }

    pub(crate) fn new(code: &str) -> Self {
        Self::of(SessionSpec::run(code))
    }

    pub(crate) fn with_ctx(code: &str, ctx: Value) -> Self {
        Self::of(SessionSpec { ctx: Some(ctx), ..SessionSpec::run(code) })
    }

    /// One step. What it said is kept.
    pub(crate) fn step(&mut self, input: Input) -> Step {
        let mut door = self.door.take().expect("a step gives the door back");
        door.begin_slice(self.usage);
        let (step, mut door) = self.vm.step(input, door);
        for emission in door.end_slice() {
            match emission {
                Emission::Said(said) => self.said.push(said),
                Emission::Read(seen) => self.reads.extend(seen.each()),
            }
        }
        self.door = Some(door);
        step
    }

    /// Steps until it asks or ends, letting it go on where its slice is over.
    pub(crate) fn go(&mut self, input: Input) -> Step {
        let mut step = self.step(input);
        loop {
            step = match step {
                Step::Preempted => {
                    self.preempted += 1;
                    self.step(Input::Continue)
                }
                Step::Wants(Effect::ReadModule { name }) => {
                    let found = self.modules.iter().find(|(module, _)| *module == name);
                    let source = found.map(|(module, text)| ModuleSource {
                        path: format!("{}.lua", module.replace('.', "/")).into(),
                        text: (*text).to_owned(),
                    });
                    let source = source.or_else(|| self.read(&name));
                    self.step(Input::Done(EffectResult::Module(Ok(source))))
                }
                // Nothing is stored anywhere.
                Step::Wants(_) => self.step(Input::Done(EffectResult::Value(Ok(Value::Null)))),
                step => return step,
            };
        }
    }

    fn read(&self, name: &str) -> Option<ModuleSource> {
        let stem = name.replace('.', "/");
        [format!("{stem}.lua"), format!("{stem}/init.lua")].into_iter().find_map(|path| {
            let text = std::fs::read_to_string(self.library.as_ref()?.join(&path)).ok()?;
            Some(ModuleSource { path: path.into(), text })
        })
    }

    /// Runs to the end, answering every question with `answer`.
    pub(crate) fn finish(&mut self, answer: impl Fn(&str) -> String) -> Result<Value, VmFailure> {
        let mut step = self.go(Input::Start);
        loop {
            match step {
                Step::Asked { kind, questions } => {
                    let answers: Vec<Arc<str>> = questions.iter().map(|it| answer(&it.prompt).into()).collect();
                    for (question, answer) in questions.iter().zip(&answers) {
                        self.usage.llm_calls += 1;
                        let system = question.system.as_deref().unwrap_or("");
                        let tokens =
                            estimate_tokens(&question.prompt) + estimate_tokens(system) + estimate_tokens(answer);
                        self.usage.total_tokens.tokens += tokens;
                    }
                    self.pauses.push((kind, questions));
                    step = self.go(Input::Answers(answers));
                }
                Step::Finished(result) => return result,
                Step::Lost => panic!("no request to stop is taken back here"),
                Step::Preempted | Step::Wants(_) => unreachable!("go() goes on there"),
            }
        }
    }

    /// The lines it logged.
    pub(crate) fn lines(&self) -> Vec<(&str, &str, &str)> {
        self.said
            .iter()
            .filter_map(|said| match said {
                Command::Log { level, source, message } => Some((&**level, &**source, message.as_str())),
                _ => None,
            })
            .collect()
    }

    /// The prompts it asked, in order.
    pub(crate) fn prompts(&self) -> Vec<&str> {
        self.pauses.iter().flat_map(|(_, questions)| questions).map(|question| &*question.prompt).collect()
    }
}

/// The answer that most tests give.
pub(crate) fn echo(prompt: &str) -> String {
    format!("<{prompt}>")
}

/// What a program returns.
pub(crate) fn result(code: &str) -> Value {
    Session::new(code).finish(echo).unwrap_or_else(|failure| panic!("{code}\n{failure:?}"))
}

/// How a program fails.
pub(crate) fn failure(code: &str) -> VmFailure {
    Session::new(code).finish(echo).expect_err(code)
}

/// The error text of a program that fails by an error of its own.
pub(crate) fn error(code: &str) -> String {
    let failure = failure(code);
    assert_eq!((failure.kind, failure.limit), (FailureKind::LuaError, None), "{failure:?}");
    failure.message
}

/// The limit that a program ran into.
pub(crate) fn limit(code: &str) -> LimitKind {
    let failure = failure(code);
    assert_eq!(failure.kind, FailureKind::Limit, "{failure:?}");
    failure.limit.expect("a failure by a limit names it")
}
