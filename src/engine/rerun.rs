//! Runs a program again from its record, up to where the record ends.
//!
//! The same steps as the first time, with the answers, results and reads that were recorded. It asks nobody, writes
//! nothing and publishes nothing; whoever wants the program to go on takes it from here.

use std::sync::Arc;

use super::replay::{Past, PastEffect, Replay};
use super::stepping;
use super::world::World;
use super::{Difference, Door, Effect, EffectResult, Emission, EventRef, Input, Record, Step, StopFlag, Vm, VmFailure};
use crate::domain::{Command, Session};

/// A program that is run again.
pub(super) struct Rerun {
    /// There between steps.
    vm: Option<Box<dyn Vm>>,
    door: Option<Door>,
    past: Replay,
    world: Arc<World>,
    news: Vec<Emission>,
}

/// Where a program is once its record ends.
pub(super) enum Reached {
    /// It waits for answers that are not all recorded.
    Pause,
    /// It goes on beyond its record, and this is what it does next.
    Step(Step),
    /// It wants an effect of which the record knows how it began.
    Effect(Effect, Vec<EventRef>),
    /// The session had ended there.
    End,
}

/// A program as it is once its record ends.
pub(super) struct Arrived {
    pub(super) reached: Reached,
    pub(super) vm: Box<dyn Vm>,
    pub(super) door: Door,
    /// What came out of the door behind the record, in the slice in which it ended.
    pub(super) news: Vec<Emission>,
}

/// Why a program did not come to the end of its record.
#[derive(Debug, thiserror::Error)]
pub(super) enum Halt {
    /// It was asked to stop.
    #[error("it was asked to stop")]
    Stopped,
    /// It did something else.
    #[error(transparent)]
    Differs(#[from] Difference),
    /// It could not be run again.
    #[error("its program cannot be run again: {0}")]
    Failed(String),
}

impl Rerun {
    /// Makes the program of `session` once more.
    pub(super) fn new(
        world: &Arc<World>,
        session: &Session,
        records: &[Record],
        door: Door,
    ) -> Result<Self, VmFailure> {
        let vm = Some(world.vms.make(session.spec())?);
        let (past, reads) = Replay::new(session, records);
        Ok(Self { vm, door: Some(door.replaying(reads)), past, world: Arc::clone(world), news: Vec::new() })
    }

    /// Runs it, a slice at a time, and tells `told` how many of how many events it has come to.
    pub(super) async fn run(mut self, flag: &StopFlag, mut told: impl FnMut(u64, u64)) -> Result<Arrived, Halt> {
        let mut input = Input::Start;
        if self.past.does(Command::Begin)? == Past::New {
            return Ok(self.arrived(Reached::End));
        }
        loop {
            let step = self.step(input).await?;
            if flag.is_raised() {
                return Err(Halt::Stopped);
            }
            input = match self.look(step)? {
                Ok(input) => input,
                Err(reached) => return Ok(self.arrived(reached)),
            };
            if matches!(input, Input::Continue) {
                let (done, of) = self.past.progress();
                told(done, of);
                tokio::task::yield_now().await;
            }
        }
    }

    /// Runs one slice, and holds what the program said against the record.
    async fn step(&mut self, input: Input) -> Result<Step, Halt> {
        let mut door = self.door.take().expect("the door is here between steps");
        let (board, id) = (&self.world.board, self.past.session().id());
        let began = door.begin_slice(*self.past.session().usage());
        let cpu_before = door.cpu();
        let (step, mut door) = stepping::step(&mut self.vm, input, door, (&self.world, id, began)).await;
        let emissions = door.end_slice();
        let lasted = door.cpu().saturating_sub(cpu_before);
        board.stepped(self.past.session(), lasted, || self.world.clock.now());
        self.door = Some(door);
        let mut has_looked = None;
        for emission in emissions {
            match emission {
                Emission::Read(seen) => {
                    has_looked = Some(seen.read);
                    self.news.push(Emission::Read(seen));
                }
                Emission::Said(command) => {
                    if self.past.does(command.clone())? == Past::New {
                        self.news.push(Emission::Said(command));
                    }
                }
            }
        }
        if let Some(read) = has_looked
            && let Some(difference) = self.past.differs_at_end(&format!("a look at the world outside ({read:?})"))
        {
            return Err(difference.into());
        }
        Ok(step)
    }

    /// Holds what the program does against the record: how it goes on, or where it is as the record ends.
    fn look(&mut self, step: Step) -> Result<Result<Input, Reached>, Halt> {
        Ok(match step {
            Step::Preempted if !self.past.is_over() => Ok(Input::Continue),
            Step::Wants(effect) if !self.past.is_cut() => match self.past.wants(effect.hash(), effect.name())? {
                PastEffect::Performed(result) => Ok(Input::Done(EffectResult::clone(&result))),
                // Somebody else ended the session while it waited for this.
                PastEffect::Begun(_) if self.past.is_cut() => Err(Reached::End),
                PastEffect::Begun(events) => Err(Reached::Effect(effect, events)),
            },
            Step::Asked { kind, questions } => {
                let command = Command::Ask { kind, questions: questions.clone() };
                match self.past.does(command)? {
                    Past::Recorded(()) => match self.past.answers() {
                        Some(answers) => Ok(Input::Answers(answers)),
                        None if self.past.session().state().is_ended() || self.past.is_cut() => Err(Reached::End),
                        None => Err(Reached::Pause),
                    },
                    Past::New => Err(self.beyond(Step::Asked { kind, questions })),
                }
            }
            Step::Finished(result) => {
                let command = match result.clone() {
                    Ok(value) => Command::Finish { value },
                    Err(VmFailure { message, kind, limit, traceback }) => {
                        Command::Fail { message, kind, limit, traceback }
                    }
                };
                match self.past.does(command)? {
                    Past::Recorded(()) => Err(Reached::End),
                    Past::New => Err(self.beyond(Step::Finished(result))),
                }
            }
            // It was asked to stop, and no longer is.
            Step::Lost => return Err(Halt::Stopped),
            step @ (Step::Preempted | Step::Wants(_)) => Err(self.beyond(step)),
        })
    }

    /// What the program does beyond its record.
    fn beyond(&self, step: Step) -> Reached {
        if self.past.is_cut() { Reached::End } else { Reached::Step(step) }
    }

    fn arrived(self, reached: Reached) -> Arrived {
        let mut door = self.door.expect("the door is here between steps");
        door.is_present();
        let vm = self.vm.expect("the VM is here between steps");
        Arrived { reached, vm, door, news: self.news }
    }
}
