//! Programs written down as a list of acts, and the VM that performs them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde_json::Value;
use switchboard::domain::{FailureKind, PauseKind, Question, SessionKind, SessionSpec};
use switchboard::engine::{Door, Effect, EffectResult, Input, Step, Vm, VmFactory, VmFailure};

use super::AtTheEnd;

/// One thing a program does. A program that has nothing more to do finishes with the list of its answers.
#[derive(Clone)]
pub(crate) enum Act {
    /// Asks one question.
    Ask(Arc<str>),
    /// Asks one question that is made up when it is asked.
    AskWith(Arc<dyn Fn() -> Question + Send + Sync>),
    /// Asks several at once.
    AskBatch(Vec<Question>),
    /// Asks "question 1", "question 2", … for ever.
    AskForEver,
    /// Logs so many lines, "line 1" first.
    Log(u64),
    /// Says how far it is.
    Progress(u64, u64),
    /// Says a figure.
    Stats(&'static str, Value),
    /// Reads the clock.
    ReadClock,
    /// Reads a seed.
    ReadSeed,
    /// Runs for ever: comes back from every step with the slice over.
    Spin,
    /// Runs until the switch is on.
    SpinUntil(Switch),
    /// A heavy step, which holds its thread until the switch is on.
    HoldUntil(Switch),
    /// Wants a module.
    Require(&'static str),
    /// Does something in the middle of a step.
    Do(Arc<dyn Fn() + Send + Sync>),
    /// Finishes.
    Finish(Value),
    /// Finishes with what it got of its modules.
    FinishWithModules,
    /// Fails.
    Fail(VmFailure),
    /// Panics.
    Panic(&'static str),
    /// As the first act: no VM can be made of the program.
    CannotBeMade(VmFailure),
    /// As the first act: making the VM panics.
    PanicInMake,
}

/// The act that asks `prompt`.
pub(crate) fn say(prompt: &str) -> Act {
    Act::Ask(prompt.into())
}

/// The act that asks several prompts at once.
pub(crate) fn batch<const N: usize>(prompts: [&str; N]) -> Act {
    Act::AskBatch(prompts.map(|prompt| Question { prompt: prompt.into(), ..Question::default() }).to_vec())
}

/// Off until it is switched on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Switch(Arc<AtomicBool>);

impl Switch {
    pub(crate) fn on(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Switches it on at the end of the test however it ends: a thread that waits for it would hold up the runtime.
    pub(crate) fn on_at_the_end(&self) -> AtTheEnd<impl FnMut() + use<>> {
        let switch = self.clone();
        AtTheEnd(move || switch.on())
    }
}

/// What can be seen of a program from outside, summed over the sessions that run it.
#[derive(Default)]
pub(crate) struct Probe {
    made: AtomicUsize,
    steps: AtomicUsize,
    dropped: AtomicUsize,
    /// Bytes of heap that its VMs report.
    pub(crate) heap: AtomicUsize,
    /// What came back from the door's clock and seeds.
    pub(crate) seen: Mutex<Vec<u64>>,
    /// Done once, while the next VM is dropped.
    pub(crate) last_deed: Mutex<Option<Deed>>,
}

/// Something done once.
pub(crate) type Deed = Box<dyn FnOnce() + Send>;

impl Probe {
    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    pub(crate) fn steps(&self) -> usize {
        self.steps.load(Ordering::SeqCst)
    }

    pub(crate) fn dropped(&self) -> usize {
        self.dropped.load(Ordering::SeqCst)
    }
}

/// A program and what can be seen of it.
type Written = (Arc<[Act]>, Arc<Probe>);

/// Every program that was written down; a spec names one in place of its source.
#[derive(Default)]
pub(crate) struct Programs {
    written: RwLock<HashMap<Arc<str>, Written>>,
}

impl Programs {
    /// Writes a program down, and gives a spec that runs it.
    pub(crate) fn write(&self, acts: impl Into<Arc<[Act]>>) -> (SessionSpec, Arc<Probe>) {
        let mut written = self.written.write().unwrap_or_else(PoisonError::into_inner);
        let name: Arc<str> = format!("program {}", written.len()).into();
        let probe = Arc::new(Probe::default());
        written.insert(Arc::clone(&name), (acts.into(), Arc::clone(&probe)));
        (SessionSpec::run(name), probe)
    }
}

impl VmFactory for Programs {
    fn make(&self, spec: &Arc<SessionSpec>) -> Result<Box<dyn Vm>, VmFailure> {
        let SessionKind::Run { code, .. } = &spec.kind else { panic!("only programs can be written down") };
        let (acts, probe) = {
            let written = self.written.read().unwrap_or_else(PoisonError::into_inner);
            written.get(code).expect("the program was written down").clone()
        };
        match acts.first() {
            Some(Act::CannotBeMade(failure)) => return Err(failure.clone()),
            Some(Act::PanicInMake) => panic!("made in anger"),
            _ => {}
        }
        probe.made.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(FakeVm { acts, next: 0, said: 0, answers: Vec::new(), modules: Vec::new(), probe }))
    }

    fn version(&self) -> Arc<str> {
        "fake".into()
    }
}

/// Performs a program.
struct FakeVm {
    acts: Arc<[Act]>,
    next: usize,
    /// Lines logged or questions asked by the current act.
    said: u64,
    answers: Vec<Arc<str>>,
    modules: Vec<String>,
    probe: Arc<Probe>,
}

impl Vm for FakeVm {
    fn step(&mut self, input: Input, mut door: Door) -> (Step, Door) {
        self.probe.steps.fetch_add(1, Ordering::SeqCst);
        match input {
            Input::Start | Input::Continue => {}
            Input::Answers(answers) => self.answers.extend(answers),
            Input::Done(EffectResult::Value(result)) => {
                self.modules.push(result.map_or_else(|why| why, |value| value.to_string()));
            }
            Input::Done(EffectResult::Module(result)) => self.modules.push(match result {
                Ok(Some(source)) => source.text,
                Ok(None) => "not found".to_owned(),
                Err(why) => why,
            }),
        }
        loop {
            if let Some(step) = self.act(&mut door) {
                if let Step::Asked { .. } | Step::Finished(_) = step {
                    door.settle();
                }
                return (step, door);
            }
        }
    }

    fn is_heavy(&self, _input: &Input) -> bool {
        matches!(self.acts.get(self.next), Some(Act::HoldUntil(_)))
    }

    fn memory(&self) -> usize {
        self.probe.heap.load(Ordering::SeqCst)
    }
}

impl FakeVm {
    /// Performs one act, or a part of it; `None` to go on at once.
    fn act(&mut self, door: &mut Door) -> Option<Step> {
        let acts = Arc::clone(&self.acts);
        let Some(act) = acts.get(self.next) else {
            return Some(Step::Finished(Ok(self.answers.iter().map(|answer| &**answer).collect())));
        };
        match act {
            Act::AskForEver => {
                self.said += 1;
                return Some(asked(PauseKind::Single, vec![question(&format!("question {}", self.said))]));
            }
            Act::Log(lines) if self.said < *lines => {
                if door.is_full() {
                    return Some(Step::Preempted);
                }
                self.said += 1;
                door.log(&"info".into(), &"print".into(), &format!("line {}", self.said));
                return None;
            }
            Act::Spin => return Some(Step::Preempted),
            Act::SpinUntil(switch) if !switch.is_on() => return Some(Step::Preempted),
            _ => {}
        }
        self.next += 1;
        self.said = 0;
        match act {
            Act::Ask(prompt) => Some(asked(PauseKind::Single, vec![question(prompt)])),
            Act::AskWith(question) => Some(asked(PauseKind::Single, vec![question()])),
            Act::AskBatch(questions) => Some(asked(PauseKind::Batch, questions.clone())),
            Act::Progress(step, total) => {
                door.progress(*step, *total, Some("under way"));
                None
            }
            Act::Stats(key, value) => {
                door.stats((*key).to_owned(), value.clone());
                None
            }
            Act::HoldUntil(switch) => {
                while !switch.is_on() {
                    std::thread::yield_now();
                }
                None
            }
            Act::ReadClock => {
                let now = door.now();
                self.probe.seen.lock().unwrap().push(now as u64);
                None
            }
            Act::ReadSeed => {
                let seed = door.seed();
                self.probe.seen.lock().unwrap().push(seed);
                None
            }
            Act::Require(name) => Some(Step::Wants(Effect::ReadModule { name: (*name).to_owned() })),
            Act::Do(deed) => {
                deed();
                None
            }
            Act::Finish(value) => Some(Step::Finished(Ok(value.clone()))),
            Act::FinishWithModules => Some(Step::Finished(Ok(self.modules.clone().into()))),
            Act::Fail(failure) => Some(Step::Finished(Err(failure.clone()))),
            Act::Panic(message) => panic!("{message}"),
            Act::AskForEver | Act::Log(_) | Act::Spin | Act::SpinUntil(_) | Act::CannotBeMade(_) | Act::PanicInMake => {
                None
            }
        }
    }
}

impl Drop for FakeVm {
    fn drop(&mut self) {
        let deed = self.probe.last_deed.lock().unwrap().take();
        if let Some(deed) = deed {
            deed();
        }
        self.probe.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

fn asked(kind: PauseKind, questions: Vec<Question>) -> Step {
    Step::Asked { kind, questions }
}

fn question(prompt: &str) -> Question {
    Question { prompt: prompt.into(), max_tokens: 1024, ..Question::default() }
}

/// An error of the program itself.
impl Act {
    pub(crate) fn raise(message: &str) -> Self {
        let message = message.to_owned();
        Self::Fail(VmFailure { message, kind: FailureKind::LuaError, limit: None, traceback: None })
    }

    pub(crate) fn call(deed: impl Fn() + Send + Sync + 'static) -> Self {
        Self::Do(Arc::new(deed))
    }
}
