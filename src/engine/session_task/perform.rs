//! What the session's task does for its program outside the slice: reads and writes of files.
//!
//! Requests are served meanwhile, so that nobody waits for a disk; only between an intent and the end of its write is
//! nothing served, since that write is to be told of before anything else happens.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::{Ended, NoTurn, SessionTask};
use crate::domain::{Command, EffectStep, SeenAt};
use crate::engine::{Effect, EffectResult, Files, PendingWrite, Performed, Prepared, Record, StoreWrite};

impl SessionTask {
    /// Does what the program waits for, and records what the program gets.
    pub(super) async fn perform(&mut self, effect: Effect) -> Result<EffectResult, Ended> {
        let wanted = effect.hash();
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
            Effect::Write(write) => EffectResult::Value(self.write(write).await?),
            Effect::Fork(fork) => EffectResult::Value(self.fork(fork).await?),
        };
        let performed = Performed { wanted, result: Arc::new(result.clone()) };
        self.record(&[Record::Performed(performed)]);
        Ok(result)
    }

    /// Where the session looks for modules, in order.
    fn library_roots(&self) -> Vec<PathBuf> {
        let own = self.session.spec().project_root.iter();
        own.chain(&self.world.library_dirs).cloned().collect()
    }

    /// Writes: intent, write, done.
    async fn write(&mut self, write: StoreWrite) -> Result<Result<serde_json::Value, String>, Ended> {
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

    async fn commit(&mut self, pending: Box<dyn PendingWrite>) -> Result<Result<serde_json::Value, String>, Ended> {
        let step = EffectStep::Intent(Arc::new(pending.intent().clone()));
        match self.acknowledged(Command::Effect(step)).await {
            Ok(()) => {}
            Err(NoTurn::NotRecorded(cause)) => return Ok(Err(format!("nothing is written: not recorded: {cause}"))),
            Err(NoTurn::Rejected(rejected)) => return Ok(Err(format!("nothing is written: {rejected}"))),
        }
        let intent = self.session.last_seq();
        let written = tokio::task::spawn_blocking(move || pending.commit()).await;
        let result = written.unwrap_or_else(|error| Err(error.to_string()));
        let error = result.as_ref().err().cloned();
        self.turn(Command::Effect(EffectStep::Done { intent, error }))?;
        Ok(result)
    }

    /// Runs `work` where it may block, and serves requests meanwhile. Where the session ends, `work` goes on to its end
    /// by itself. `Err` within: it panicked.
    async fn blocking<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&dyn Files) -> T + Send + 'static,
    ) -> Result<Result<T, String>, Ended> {
        let world = Arc::clone(&self.world);
        let work = tokio::task::spawn_blocking(move || work(&*world.files));
        self.meanwhile(async move { work.await.map_err(|error| error.to_string()) }).await
    }

    /// Waits for `work`, and serves requests and looks at the clock meanwhile.
    pub(super) async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Ended> {
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
