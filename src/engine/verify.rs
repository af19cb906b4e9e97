//! Runs a session's program again from its record alone, and says whether it does the same.
//!
//! Nothing is published, written or asked; the session itself is not touched.

use std::sync::Arc;

use super::folding::{Folded, fold};
use super::registry::Registry;
use super::replay::{Past, Replay};
use super::rerun::{Halt, Reached, Rerun};
use super::{Difference, Door, Record, StopFlag, VmFailure};
use crate::domain::{Command, ExecutionState, Seq, Session, SessionId};

/// A session whose program does again what is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Events in its record, each of which came again with its number.
    pub events: Seq,
    /// Whether the same version of Lua and prelude ran it that is built in here.
    pub same_engine: bool,
}

/// Why a session could not be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// There is no such session.
    #[error("no session {0}")]
    NotFound(SessionId),
    /// Not everything is recorded, or cannot be read.
    #[error("its record cannot be read: {0}")]
    Unreadable(String),
    /// Its program does something else.
    #[error(transparent)]
    Differs(#[from] Difference),
    /// Its program could not be made again.
    #[error("its program cannot be run again: {0}")]
    Failed(String),
}

impl Registry {
    /// Runs the program of a session again from its record, up to where the record ends, and holds every event against
    /// it: prompts, results, numbers, times and usage.
    ///
    /// # Errors
    /// [`VerifyError`]; [`Differs`](VerifyError::Differs) names the first event that came otherwise.
    pub async fn verify(&self, id: SessionId) -> Result<Verified, VerifyError> {
        let world = Arc::clone(&self.shared.world);
        let records = world.journal.records(id).get().await.map_err(|error| VerifyError::Unreadable(error.0))?;
        let records = match records {
            Some(records) => records,
            None if self.state(id).is_ok() => {
                return Err(VerifyError::Unreadable("it is not kept whole".into()));
            }
            None => return Err(VerifyError::NotFound(id)),
        };
        let (Some(Folded { session, .. }), Some(Record::Spawned { engine, .. })) =
            (fold(id, &records), records.first())
        else {
            return Err(VerifyError::Unreadable("it has no beginning".into()));
        };
        let verified = Verified { events: session.last_seq(), same_engine: **engine == *world.vms.version() };

        let task = self.shared.tasks.spawn_on(
            async move {
                let stop = StopFlag::default();
                let (clock, entropy) = (Arc::clone(&world.clock), Arc::clone(&world.entropy));
                let door = Door::new(clock, entropy, stop.clone(), session.created_at(), &session.spec().limits);
                let end = match Rerun::new(&world, &session, &records, door.for_a_family(session.spec())) {
                    Ok(rerun) => rerun.run(&stop, |_, _| ()).await.map(|arrived| arrived.reached),
                    Err(failure) => fails_again(&session, &records, failure),
                };
                match (end, session.state()) {
                    (Ok(Reached::Pause), ExecutionState::Paused(_))
                    | (Ok(Reached::Step(_) | Reached::Effect(..)), ExecutionState::Running { .. }) => Ok(verified),
                    (Ok(Reached::End), state) if state.is_ended() => Ok(verified),
                    // Its process ended before it began.
                    (Ok(Reached::End), _) if session.last_seq() == 0 => Ok(verified),
                    (Ok(_), state) => Err(VerifyError::Differs(Difference {
                        seq: session.last_seq(),
                        recorded: format!("the last event; the session was {}", state.name()),
                        now: "another state".into(),
                    })),
                    (Err(Halt::Differs(difference)), _) => Err(difference.into()),
                    (Err(halt), _) => Err(VerifyError::Failed(halt.to_string())),
                }
            },
            &self.shared.runtime,
        );
        task.await.map_err(|error| VerifyError::Failed(error.to_string()))?
    }
}

/// A session whose program could not be made has failed at once; does it again?
fn fails_again(session: &Session, records: &[Record], failure: VmFailure) -> Result<Reached, Halt> {
    let VmFailure { message, kind, limit, traceback } = failure;
    match Replay::new(session, records).0.does(Command::Fail { message, kind, limit, traceback })? {
        Past::Recorded(()) | Past::New => Ok(Reached::End),
    }
}
