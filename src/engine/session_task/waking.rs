//! How a session that has a record comes back: its program is run again from it, up to where the record ends.
//!
//! A paused session sleeps until somebody answers: only then is its program run again, before the answer is taken, so
//! that an answer is never taken by a session that cannot go on. A running one is run again at once. Whatever stands in
//! the way, the session waits, is marked, and loses nothing.

use std::convert::Infallible;
use std::sync::Arc;

use super::{Over, SessionTask};
use crate::domain::{Command, ExecutionState, ResumeError, SeenAt};
use crate::engine::rerun::{Arrived, Halt, Reached, Rerun};
use crate::engine::{Door, Durability, Emission, Input, Presence, Record, Step, StopFlag};

/// Programs that have used more CPU time than this stay in memory: to run them again would be felt.
const SLEEPER_CPU_MS: u128 = 50;

/// Events between two words on how far a replay is.
const TOLD_EVERY: u64 = 512;

/// What the task does first.
pub(super) enum First {
    /// The program gets this.
    Input(Input),
    /// The program has just done this.
    Step(Step),
}

impl SessionTask {
    /// Brings the program to where it goes on: to its beginning, or to the end of its record.
    pub(super) async fn first(&mut self) -> Result<First, Over> {
        if self.session.last_seq() == 0 {
            self.make()?;
            self.show(Presence::Resident);
            self.world.recovery.arrived(self.session.id());
            self.turn(Command::Begin)?;
            return Ok(First::Input(Input::Start));
        }
        if self.vm.is_some() || matches!(self.session.state(), ExecutionState::Paused(_)) {
            // Whoever answers wakes the program first, and somebody may have done so already.
            return Ok(First::Input(Input::Answers(self.wait_for_answers().await?)));
        }
        let _turn = loop {
            let turns = Arc::clone(&self.world.reruns);
            match self.meanwhile(async move { turns.acquire_owned().await }).await? {
                Ok(turn) => break turn,
                Err(_) => self.wait_for_request(SeenAt::Running).await?,
            }
        };
        self.note_rerun().await?;
        self.come_back().await
    }

    /// Runs the program again from its record, to where it goes on.
    pub(super) async fn come_back(&mut self) -> Result<First, Over> {
        loop {
            match self.rerun().await {
                Ok(Reached::Step(step)) => {
                    self.world.recovery.arrived(self.session.id());
                    return Ok(First::Step(step));
                }
                Ok(Reached::Effect(effect, begun)) => {
                    self.world.recovery.arrived(self.session.id());
                    self.begun = begun;
                    return Ok(First::Step(Step::Wants(effect)));
                }
                Ok(Reached::Pause | Reached::End) => self.show(Presence::cannot_replay("its record ends elsewhere")),
                Err(Halt::Stopped) => {
                    self.serve_waiting().await?;
                    continue;
                }
                Err(halt) => self.show(Presence::cannot_replay(&halt)),
            }
            match self.wait_marked().await? {}
        }
    }

    /// Waits, without a program, for what ends the session: a cancel, a limit, or the end of the process.
    pub(super) async fn wait_marked(&mut self) -> Result<Infallible, Over> {
        self.world.recovery.arrived(self.session.id());
        self.wait_for_the_end().await
    }

    /// Makes an answer's way free: the program of a session that sleeps is run again up to its pause. `Err`: the answer
    /// cannot be taken, and nothing was changed.
    pub(super) async fn wake(&mut self) -> Result<(), ResumeError> {
        if self.vm.is_some() {
            return Ok(());
        }
        let why = match Box::pin(self.rerun()).await {
            Ok(Reached::Pause) => {
                self.show(Presence::Resident);
                return Ok(());
            }
            Ok(Reached::Step(_) | Reached::Effect(..) | Reached::End) => {
                self.vm = None;
                "its program goes on without this question".to_owned()
            }
            Err(Halt::Stopped) => return Err(ResumeError::AlreadyCancelled),
            Err(halt) => halt.to_string(),
        };
        tracing::warn!(session = %self.session.id(), %why, "cannot be replayed");
        self.show(Presence::cannot_replay(&why));
        Err(ResumeError::NotRecorded { cause: why })
    }

    /// Whether the session, which waits, may leave memory: its program was run again beside it and came to the same
    /// pause. One that may not says why and stays.
    pub(super) async fn may_sleep(&mut self) -> bool {
        let Some(door) = &self.door else { return false };
        if self.vm.is_none() {
            return true;
        }
        if door.cpu().as_millis() > SLEEPER_CPU_MS {
            let why = format!("it has used more than {SLEEPER_CPU_MS} ms of CPU time");
            self.show(Presence::CannotSleep(why.into()));
            return false;
        }
        match Box::pin(self.run_again(|_, _| ())).await {
            Ok(Arrived { reached: Reached::Pause, .. }) => true,
            Ok(_) => {
                self.show(Presence::CannotSleep("run again it does not come to this pause".into()));
                false
            }
            Err(Halt::Stopped) => false,
            Err(halt) => {
                self.show(Presence::CannotSleep(halt.to_string().into()));
                false
            }
        }
    }

    /// Shows where the session is.
    pub(super) fn show(&self, presence: Presence) {
        {
            let shown = &mut self.feed.lock().summary.presence;
            if *shown == presence {
                return;
            }
            *shown = presence;
        }
        self.world.changes.mark(self.session.id(), &self.feed.mark);
    }

    /// Runs the program again and takes it from there.
    async fn rerun(&mut self) -> Result<Reached, Halt> {
        let (feed, world, id) = (Arc::clone(&self.feed), Arc::clone(&self.world), self.session.id());
        let mut told = 0;
        let tell = move |done: u64, of: u64| {
            if done >= told + TOLD_EVERY {
                told = done;
                feed.lock().summary.presence = Presence::Replaying { done, of };
                world.changes.mark(id, &feed.mark);
            }
        };
        let Arrived { reached, vm, door, news } = self.run_again(tell).await?;
        self.vm = Some(vm);
        self.door = Some(door);
        if let Reached::Step(_) | Reached::Effect(..) = reached {
            self.show(Presence::Resident);
            self.take_in_news(news);
        }
        Ok(reached)
    }

    async fn run_again(&mut self, told: impl FnMut(u64, u64)) -> Result<Arrived, Halt> {
        let unreadable = |why: String| Halt::Failed(format!("its record cannot be read: {why}"));
        let records = self.world.journal.records(self.session.id()).get().await;
        let records =
            records.map_err(|error| unreadable(error.0))?.ok_or_else(|| unreadable("it is not whole".into()))?;
        let door = self.new_door(self.stop.clone());
        let rerun = Rerun::new(&self.world, &self.session, &records, door);
        rerun.map_err(|failure| Halt::Failed(failure.message))?.run(&self.stop, told).await
    }

    /// Records that the program is about to be run again: one that takes the process down each time is found out.
    async fn note_rerun(&mut self) -> Result<(), Over> {
        let unclean = !self.world.journal.was_closed();
        let record = Record::Resumed { unclean, at: self.world.clock.now() };
        let mut receipt = self.world.journal.append(self.session.id(), &[record], Durability::Acknowledged);
        if let Err(error) = self.meanwhile(async move { receipt.get().await }).await? {
            // Read-only or full: it is not run where it could not be recorded.
            self.show(Presence::cannot_replay(&error));
            self.wait_marked().await?;
        }
        Ok(())
    }

    fn take_in_news(&mut self, news: Vec<Emission>) {
        if !news.is_empty() {
            self.take_in(news);
        }
    }

    /// Makes the door of the session.
    pub(super) fn new_door(&self, stop: StopFlag) -> Door {
        let (clock, entropy) = (Arc::clone(&self.world.clock), Arc::clone(&self.world.entropy));
        let door = Door::new(clock, entropy, stop, self.session.created_at(), &self.session.spec().limits);
        let budget = self.session.spec().parent.as_ref().and_then(|parent| parent.budget);
        match (&self.purse, budget) {
            (Some(purse), Some(budget)) => door.sharing(Arc::clone(purse), budget.since),
            (Some(_) | None, _) => door,
        }
    }
}
