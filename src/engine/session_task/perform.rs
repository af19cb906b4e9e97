//! What the session's task does for its program outside the slice: reads and writes of files.
//!
//! Requests are served meanwhile, so that nobody waits for a disk; only between an intent and the end of its write is
//! nothing served, since that write is to be told of before anything else happens.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{NoTurn, Over, SessionTask};
use crate::domain::{Command, EffectStep, EventKind, Intent, SeenAt, Seq};
use crate::engine::{
    Effect, EffectResult, EventRef, Files, Finished, PendingWrite, Performed, Prepared, Presence, Record, StoreWrite,
};

/// A write in which the process before went down.
pub(in crate::engine) struct Interrupted {
    /// Its intent, the last event of the session.
    pub(in crate::engine) seq: Seq,
    pub(in crate::engine) intent: Arc<Intent>,
    /// Dropped once it is finished, or cannot be.
    pub(in crate::engine) word: oneshot::Sender<()>,
}

impl SessionTask {
    /// Finishes a write in which the process before went down, before others write the file again. One that cannot be
    /// finished is left to the program, which comes to it again.
    pub(super) async fn finish_interrupted(&mut self, interrupted: Interrupted) -> Result<(), Over> {
        let Interrupted { seq, intent, word } = interrupted;
        let world = Arc::clone(&self.world);
        let finished = tokio::task::spawn_blocking(move || world.files.finish(&intent)).await;
        let told = match finished {
            Ok(Ok(Finished::Written | Finished::AlreadyWritten)) => {
                self.turn(Command::Effect(EffectStep::Done { intent: seq, error: None }))
            }
            Ok(Ok(Finished::Conflict) | Err(_)) | Err(_) => Ok(()),
        };
        drop(word);
        told
    }

    /// Does what the program waits for, and records what the program gets.
    pub(super) async fn perform(&mut self, effect: Effect) -> Result<EffectResult, Over> {
        let wanted = effect.hash();
        let begun = std::mem::take(&mut self.begun);
        let result = match effect {
            Effect::ReadModule { name } => {
                let roots = self.library_roots();
                let read = self.blocking(move |files| files.read_module(&roots, &name)).await?;
                EffectResult::Module(read.unwrap_or_else(Err))
            }
            Effect::Read(read) => {
                let roots = self.library_roots();
                let read = self.blocking(move |files| files.read(&roots, &read)).await?;
                EffectResult::Value(read.unwrap_or_else(Err))
            }
            Effect::Write(_) if !begun.is_empty() => EffectResult::Value(self.finish(&begun).await?),
            Effect::Write(write) => EffectResult::Value(self.write(write).await?),
            Effect::Fork(fork) => EffectResult::Value(self.fork(fork, &begun).await?),
        };
        let performed = Performed { wanted, result: Arc::new(result.clone()) };
        self.record(&[Record::Performed(performed)]);
        Ok(result)
    }

    /// Where the session looks for modules, in order.
    fn library_roots(&self) -> Vec<PathBuf> {
        let own = self.session.spec().own_library_dirs();
        own.chain(&self.world.library_dirs).cloned().collect()
    }

    /// Writes: intent, write, done.
    async fn write(&mut self, write: StoreWrite) -> Result<Result<serde_json::Value, String>, Over> {
        // Every write holds a blocking thread while it waits for the lock of its file, and needs one more to get rid
        // of it: without a bound all threads could wait for those who wait for a thread.
        let world = Arc::clone(&self.world);
        let permit = self.meanwhile(async move { world.writes.clone().acquire_owned().await }).await?;
        let prepared = match self.blocking(move |files| files.prepare(&write)).await? {
            Ok(Ok(prepared)) => prepared,
            Ok(Err(why)) | Err(why) => return Ok(Err(why)),
        };
        let pending = match prepared {
            Prepared::Nothing(value) => return Ok(Ok(value)),
            Prepared::Write(pending) => pending,
        };
        // A cancel that has come by now finds nothing written.
        self.serve_waiting().await?;
        let result = self.commit(pending).await?;
        drop(permit);
        Ok(result)
    }

    /// Finishes a write of which the process before had recorded the intent. A file that somebody else has changed since
    /// is left alone, and the session waits for a person.
    async fn finish(&mut self, begun: &[EventRef]) -> Result<Result<serde_json::Value, String>, Over> {
        let mut intent = None;
        for event in begun {
            match &event.kind {
                EventKind::Effect(EffectStep::Intent(told)) => intent = Some((event.seq, Arc::clone(told))),
                EventKind::Effect(EffectStep::Done { error: Some(error), .. }) => return Ok(Err(error.clone())),
                EventKind::Effect(EffectStep::Done { error: None, .. }) => {
                    let result = intent.map_or(serde_json::Value::Null, |(_, intent)| intent.result.clone());
                    return Ok(Ok(result));
                }
                _ => {}
            }
        }
        let Some((seq, intent)) = intent else { return Ok(Err("nothing is known of this write".into())) };
        let wanted = Arc::clone(&intent);
        let why = match self.blocking(move |files| files.finish(&wanted)).await?.unwrap_or_else(Err) {
            Ok(Finished::Written | Finished::AlreadyWritten) => None,
            Ok(Finished::Conflict) => {
                let key = intent.key.as_deref().map(|key| format!(" ({key})")).unwrap_or_default();
                Some(format!("{}{key} was changed by somebody else while this write was interrupted", intent.file))
            }
            Err(why) => Some(why),
        };
        if let Some(why) = why {
            tracing::warn!(session = %self.session.id(), %why, "a write cannot be finished");
            self.show(Presence::cannot_replay(&why));
            // It is tried again at the next start.
            match self.wait_marked().await? {}
        }
        self.turn(Command::Effect(EffectStep::Done { intent: seq, error: None }))?;
        Ok(Ok(intent.result.clone()))
    }

    async fn commit(&mut self, mut pending: Box<dyn PendingWrite>) -> Result<Result<serde_json::Value, String>, Over> {
        let step = EffectStep::Intent(Arc::new(pending.intent().clone()));
        match self.acknowledged(Command::Effect(step)).await {
            Ok(()) => {}
            Err(NoTurn::NotRecorded(cause)) => return Ok(Err(format!("nothing is written: not recorded: {cause}"))),
            Err(NoTurn::Rejected(rejected)) => return Ok(Err(format!("nothing is written: {rejected}"))),
        }
        let intent = self.session.last_seq();
        let written = tokio::task::spawn_blocking(move || (pending.commit(), Some(pending))).await;
        let (result, pending) = written.unwrap_or_else(|error| (Err(error.to_string()), None));
        let error = result.as_ref().err().cloned();
        let told = self.turn(Command::Effect(EffectStep::Done { intent, error }));
        // The lock of the file is given back behind that: of the intents of one file only the last one in the journal
        // can be unfinished, which is what a recovery goes by.
        drop(pending);
        told?;
        Ok(result)
    }

    /// Runs `work` where it may block, and serves requests meanwhile. Where the session ends, `work` goes on to its end
    /// by itself. `Err` within: it panicked.
    async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&dyn Files) -> T + Send + 'static,
    ) -> Result<Result<T, String>, Over> {
        let world = Arc::clone(&self.world);
        let work = tokio::task::spawn_blocking(move || work(&*world.files));
        self.meanwhile(async move { work.await.map_err(|error| error.to_string()) }).await
    }

    /// Waits for `work`, and serves requests and looks at the clock meanwhile.
    pub(super) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Over> {
        let mut work = pin!(work);
        loop {
            let wall = self
                .session
                .wall_deadline()
                .map(|deadline| Duration::from_millis(u64::try_from(deadline - self.world.clock.now()).unwrap_or(0)));
            tokio::select! {
                // The limit first: what comes at the same moment comes too late.
                biased;
                () = tokio::time::sleep(wall.unwrap_or_default()), if wall.is_some() => self.check_wall()?,
                result = &mut work => return Ok(result),
                request = self.inbox.recv() => self.serve(request, SeenAt::Running).await?,
            }
        }
    }
}
