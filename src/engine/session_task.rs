//! The one task that owns a live session and its VM, and is the only writer of both.
//!
//! Turn order: decide → record → apply → publish → act. The task reads top to bottom in [`SessionTask::live`].

mod fork;
mod leaving;
mod perform;
mod serving;
mod waking;

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{mpsc, oneshot};

pub(super) use self::perform::Interrupted;
pub(super) use self::serving::answer_to_ended;
use self::waking::First;
use super::feed::Feed;
use super::heaps::Portion;
use super::purse::Purse;
use super::shared::Shared;
use super::stepping;
use super::weight::{is_heavy, json_weight};
use super::world::World;
use super::{
    Door, Durability, Emission, EventRef, Input, Presence, Record, Reply, Step, StopFlag, Turn, Vm, VmFailure,
};
use crate::domain::{
    CancelError, CancelReason, Command, Event, EventKind, ExecutionState, FailureKind, LimitKind, Rejected,
    ReleaseError, ResumeError, ResumeOutcome, ResumePayload, SeenAt, Session, apply, apply_turn, decide,
};

/// Requests that wait for the task, at most: enough that a burst of answers to a large batch never makes its senders
/// wait for each other, and few enough to be read at once.
pub(super) const INBOX: usize = 64;

/// A heap above this is given back on a thread of its own: freeing 50 MB takes 22 ms, in which no answer would move.
const LARGE_HEAP: usize = 4 << 20;

/// What others ask of a session. Boxed in the channel, whose slots exist for every session.
pub(super) enum Request {
    Answer(ResumePayload, oneshot::Sender<Result<ResumeOutcome, ResumeError>>),
    Cancel(CancelReason, oneshot::Sender<Result<(), CancelError>>),
    Release(oneshot::Sender<Result<(), ReleaseError>>),
    /// Leave memory, if it waits and can come back.
    Sleep,
    /// Leave everything as it stands: the process is about to end.
    Leave,
}

/// A turn that did not happen.
enum NoTurn {
    Rejected(Rejected),
    NotRecorded(String),
}

/// Why there is nothing more to do for the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// The session has ended.
    Ended,
    /// The session leaves memory and waits in the journal.
    Asleep,
    /// The process is about to end; the session goes on in the next.
    Left,
}

/// A live session.
pub(super) struct SessionTask {
    session: Session,
    feed: Arc<Feed>,
    world: Arc<World>,
    inbox: mpsc::Receiver<Box<Request>>,
    stop: StopFlag,
    vm: Option<Box<dyn Vm>>,
    /// Away while the VM has it.
    door: Option<Door>,
    /// The journal's word on what it has not written yet.
    unwritten: Option<Reply<()>>,
    /// For the children that the program forks. Weak, so that a registry that is dropped closes the channel.
    shared: Weak<Shared>,
    /// Of a child whose family has a budget.
    purse: Option<Arc<Purse>>,
    /// Of a child: what it takes of the memory that its family may have.
    portion: Option<Portion>,
    /// Whether it waits to be released before its first instruction.
    held: bool,
    /// What is recorded of an effect that the process before had begun.
    begun: Vec<EventRef>,
    /// The write in which the process before went down, and whom to tell once it is finished.
    interrupted: Option<Box<Interrupted>>,
    /// Whether the session was made by another process, or has slept.
    has_come_back: bool,
    /// Whether the session lives on without this task.
    is_left: bool,
}

impl SessionTask {
    pub(super) fn new(
        session: Session,
        feed: Arc<Feed>,
        shared: Weak<Shared>,
        inbox: mpsc::Receiver<Box<Request>>,
        stop: StopFlag,
        purse: Option<Arc<Purse>>,
        world: Arc<World>,
    ) -> Self {
        let presence = feed.lock().summary.presence.clone();
        let held = presence == Presence::Suspended || session.spec().held && !session.has_begun();
        let mut task = Self {
            session,
            feed,
            world,
            inbox,
            stop,
            vm: None,
            door: None,
            unwritten: None,
            shared,
            purse,
            portion: None,
            held,
            begun: Vec::new(),
            interrupted: None,
            has_come_back: presence != Presence::Resident,
            is_left: false,
        };
        task.door = Some(task.new_door(task.stop.clone()));
        task
    }

    /// The same for a child, with its portion of its family's memory.
    pub(super) fn sharing(mut self, portion: Option<Portion>) -> Self {
        self.portion = portion;
        self
    }

    /// The same for a session that was writing as the process before went down: before anything else it finishes that.
    pub(super) fn finishing(mut self, interrupted: Interrupted) -> Self {
        self.interrupted = Some(Box::new(interrupted));
        self
    }

    /// Lives until the session has ended, or leaves memory. A panic on the way ends it as an engine error.
    pub(super) async fn run(mut self) {
        let over = match AssertUnwindSafe(self.live()).catch_unwind().await {
            Ok(Ok(never)) => match never {},
            Ok(Err(over)) => over,
            Err(panic) => {
                self.end_by_force(format!("the session's task panicked: {}", panic_text(panic.as_ref())));
                Over::Ended
            }
        };
        // Of a session that ended before it came to the end of its record.
        self.world.recovery.arrived(self.session.id());
        match over {
            Over::Ended => {
                // The remains are there before the channel closes: whoever can no longer ask the task asks them.
                let session = self.bury();
                self.inbox.close();
                self.give_back();
                self.refuse_the_rest(&session).await;
            }
            Over::Asleep | Over::Left => {
                self.leave();
                self.inbox.close();
                self.give_back();
                self.pass_on_the_rest().await;
            }
        }
    }

    /// Gives the program's memory back.
    fn give_back(&mut self) {
        if let Some(vm) = self.vm.take()
            && vm.memory() > LARGE_HEAP
        {
            tokio::task::spawn_blocking(move || drop(vm));
        }
    }

    async fn live(&mut self) -> Result<Infallible, Over> {
        if let Some(interrupted) = self.interrupted.take() {
            Box::pin(self.finish_interrupted(*interrupted)).await?;
        }
        // Checkpoint A: before the first instruction.
        self.serve_waiting().await?;
        if self.held {
            // It may be held for days: a recovery is over all the same.
            self.world.recovery.arrived(self.session.id());
        }
        while self.held {
            let seen_at = if self.session.has_begun() { SeenAt::Running } else { SeenAt::BeforeStart };
            self.wait_for_request(seen_at).await?;
        }
        // Boxed, here and below: what is rare must not make the frame larger that every session keeps while it waits.
        let mut next = Box::pin(self.first()).await?;
        loop {
            let step = match next {
                First::Input(input) => self.step(input).await?,
                First::Step(step) => step,
            };
            if matches!(step, Step::Lost) {
                self.vm = None;
                next = Box::pin(self.come_back()).await?;
                continue;
            }
            next = First::Input(match step {
                Step::Preempted => {
                    let waits = self.world.board.preempted();
                    tokio::task::yield_now().await;
                    drop(waits);
                    // Checkpoint D: at any moment in between.
                    self.serve_waiting().await?;
                    Input::Continue
                }
                Step::Lost => unreachable!("it has come back above"),
                Step::Wants(effect) => Input::Done(Box::pin(self.perform(effect)).await?),
                Step::Asked { kind, questions } => {
                    // Checkpoint B: after a question is asked, before it is published.
                    self.serve_before_pause().await?;
                    self.turn(Command::Ask { kind, questions })?;
                    Input::Answers(self.wait_for_answers().await?)
                }
                Step::Finished(result) => {
                    self.serve_waiting().await?;
                    if let (Ok(value), Some(_)) = (&result, &self.portion) {
                        let holds =
                            if is_heavy(value) { stepping::aside(|| json_weight(value)) } else { json_weight(value) };
                        self.check_family(holds as u64)?;
                    }
                    match result {
                        Ok(value) if is_heavy(&value) => stepping::aside(|| self.turn(Command::Finish { value }))?,
                        Ok(value) => self.turn(Command::Finish { value })?,
                        Err(failure) => self.fail(failure)?,
                    }
                    return Err(Over::Ended);
                }
            });
        }
    }

    /// Makes the program.
    fn make(&mut self) -> Result<(), Over> {
        match self.world.vms.make(self.session.spec()) {
            Ok(vm) => self.vm = Some(vm),
            Err(failure) => self.fail(failure)?,
        }
        Ok(())
    }

    /// Runs the program for one slice, and takes in what it said on the way.
    async fn step(&mut self, input: Input) -> Result<Step, Over> {
        if let Some(mut unwritten) = self.unwritten.take() {
            // A session with too much unwritten is not stepped.
            let written = unwritten.get().await;
            self.note_lost(written);
        }
        let mut door = self.door.take().expect("the door is here between steps");
        let began = door.begin_slice(*self.session.usage());
        let cpu_before = door.cpu();
        let at = (&self.world, self.session.id(), began);
        let (step, mut door) = stepping::step(&mut self.vm, input, door, at).await;
        let emissions = door.end_slice();
        let cpu = door.cpu();
        self.world.board.stepped(&self.session, cpu.saturating_sub(cpu_before), || self.world.clock.now());
        self.door = Some(door);
        if !emissions.is_empty() {
            self.take_in(emissions);
        }
        let limits = &self.session.spec().limits;
        if let Some(limit) = limits.cpu_ms
            && cpu > Duration::from_millis(limit)
            && !matches!(step, Step::Finished(_))
        {
            let message = format!("the program used {} ms of CPU time; the limit is {limit} ms", cpu.as_millis());
            self.fail(limit_failure(LimitKind::Cpu, message))?;
        }
        if !matches!(step, Step::Finished(_)) {
            let holds = self.vm.as_ref().map_or(0, |vm| vm.memory() as u64);
            self.check_family(holds)?;
            self.check_wall()?;
        }
        Ok(step)
    }

    /// Ends a child that takes more where its family has no more memory.
    fn check_family(&mut self, holds: u64) -> Result<(), Over> {
        let limit = self.session.spec().limits.family_memory_bytes;
        if let Some(taken) = self.portion.as_mut().and_then(|portion| portion.hold(holds))
            && taken > limit
        {
            let message =
                format!("out of memory: what one session has forked takes {taken} bytes; the limit is {limit}");
            self.fail(limit_failure(LimitKind::FamilyMemory, message))?;
        }
        Ok(())
    }

    /// Waits until every query of the pause is answered.
    async fn wait_for_answers(&mut self) -> Result<Vec<Arc<str>>, Over> {
        loop {
            match self.session.state() {
                ExecutionState::Paused(_) => {}
                ExecutionState::Running { .. } => return Ok(self.session.take_replies()),
                ExecutionState::Done(_) | ExecutionState::Cancelled(_) | ExecutionState::Failed(_) => {
                    return Err(Over::Ended);
                }
            }
            self.wait_for_request(SeenAt::Paused).await?;
        }
    }

    /// Takes a turn for a command from outside: it is durable before anything shows it.
    async fn acknowledged(&mut self, command: Command) -> Result<(), NoTurn> {
        let events = decide(&self.session, command, self.world.clock.now()).map_err(NoTurn::Rejected)?;
        self.acknowledge(events).await.map_err(NoTurn::NotRecorded)
    }

    /// Makes what was decided durable, then shows it. `Err`: why it could not be recorded; nothing has changed.
    async fn acknowledge(&mut self, events: Vec<Event>) -> Result<(), String> {
        let Some(turn) = Turn::new(events) else { return Ok(()) };
        let records = [Record::Turn(turn)];
        let mut receipt = self.world.journal.append(self.session.id(), &records, Durability::Acknowledged);
        let recorded = if self.world.board.is_calm() { receipt.get_soon().await } else { receipt.get().await };
        recorded.map_err(|error| error.0)?;
        self.apply_and_publish(turn_of(records));
        Ok(())
    }

    /// Takes a turn for what the program did: recorded behind its inputs, published at once.
    fn turn(&mut self, command: Command) -> Result<(), Over> {
        match decide(&self.session, command, self.world.clock.now()) {
            Ok(events) => self.derive(events),
            Err(rejected) => self.end_by_force(format!("the program's host is out of step: {rejected}")),
        }
        self.unless_ended()
    }

    fn unless_ended(&self) -> Result<(), Over> {
        if self.session.state().is_ended() { Err(Over::Ended) } else { Ok(()) }
    }

    fn fail(&mut self, failure: VmFailure) -> Result<(), Over> {
        let VmFailure { message, kind, limit, traceback } = failure;
        tracing::warn!(session = %self.session.id(), %message, "failed");
        self.turn(Command::Fail { message, kind, limit, traceback })
    }

    fn check_wall(&mut self) -> Result<(), Over> {
        let Some(limit) = self.session.spec().limits.wall_ms else { return Ok(()) };
        if self.session.wall_deadline().is_some_and(|deadline| self.world.clock.now() >= deadline) {
            let message = format!("the session did not end within {limit} ms of its start");
            self.fail(limit_failure(LimitKind::Wall, message))?;
        }
        Ok(())
    }

    /// Takes in what came out of the door during a slice: one batch of records, one publication.
    fn take_in(&mut self, emissions: Vec<Emission>) {
        let now = self.world.clock.now();
        let mut records = Vec::new();
        let is_said = |emission: &&Emission| matches!(emission, Emission::Said(_));
        let mut said = Vec::with_capacity(emissions.iter().filter(is_said).count());
        for emission in emissions {
            match emission {
                Emission::Read(seen) => records.push(Record::Read(seen)),
                Emission::Said(command) => {
                    let Ok(events) = decide(&self.session, command, now) else { continue };
                    for event in events {
                        apply(&mut self.session, &event);
                        said.push(event);
                    }
                }
            }
        }
        let turn = Turn::new(said);
        records.extend(turn.clone().map(Record::Turn));
        self.record(&records);
        // Reads alone change nothing that anybody can see.
        if turn.is_some() {
            self.publish(turn);
        }
    }

    fn derive(&mut self, events: Vec<Event>) {
        if let Some(turn) = Turn::new(events) {
            let records = [Record::Turn(turn)];
            self.record(&records);
            self.apply_and_publish(turn_of(records));
        }
    }

    /// Records what follows from the inputs, behind them.
    fn record(&mut self, records: &[Record]) {
        match self.world.journal.append(self.session.id(), records, Durability::Derived) {
            Reply::Ready(written) => self.note_lost(written),
            later @ Reply::Later(_) => self.unwritten = Some(later),
        }
    }

    fn note_lost(&self, written: Result<(), super::JournalError>) {
        if let Err(error) = written {
            tracing::warn!(session = %self.session.id(), %error, "events were not recorded");
        }
    }

    fn apply_and_publish(&mut self, turn: Turn) {
        let tokens = self.session.usage().total_tokens.tokens;
        apply_turn(&mut self.session, &turn);
        if let Some(purse) = &self.purse
            && !turn.iter().any(|event| matches!(event.kind, EventKind::ChildEnded { .. }))
        {
            // What children used they have counted themselves. Estimates that turn out lower stay as they were taken.
            purse.add_tokens(self.session.usage().total_tokens.tokens.saturating_sub(tokens));
        }
        self.publish(Some(turn));
    }

    fn publish(&self, turn: Option<Turn>) {
        self.feed.publish(&self.session, turn);
        self.world.changes.mark(self.session.id(), &self.feed.mark);
    }
}

/// The turn back from the record that was made of it.
fn turn_of([record]: [Record; 1]) -> Turn {
    match record {
        Record::Turn(turn) => turn,
        other => unreachable!("made of a turn: {other:?}"),
    }
}

fn limit_failure(limit: LimitKind, message: String) -> VmFailure {
    VmFailure { message, kind: FailureKind::Limit, limit: Some(limit), traceback: None }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
