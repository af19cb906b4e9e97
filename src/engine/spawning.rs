//! How a session comes to be: its kind is looked at, it is recorded, listed, and its task is started.
//!
//! The registry does this for people, and the task of a session does it for the children that its program forks.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::feed::Feed;
use super::posts::{Live, Post};
use super::purse::Purse;
use super::session_task::{Request, SessionTask};
use super::shared::Shared;
use super::{Durability, Files, Record, StoreRead};
use crate::domain::{
    CancelCode, CancelError, CancelReason, InvalidSpec, Scenario, Session, SessionId, SessionKind, SessionSpec,
    SpawnError,
};

/// A session that is recorded and has not been listed or not been started.
pub(super) struct Prepared {
    pub(super) id: SessionId,
    pub(super) live: Arc<Live>,
    task: SessionTask,
}

impl Prepared {
    /// Leaves it to the journal, before its first instruction.
    pub(super) fn leave(mut self) {
        self.task.leave();
    }
}

impl Shared {
    /// Refuses what is not installed, and takes in what lies in a file, so that a session is made of its spec alone.
    pub(super) async fn complete(&self, mut spec: SessionSpec) -> Result<SessionSpec, SpawnError> {
        if matches!(spec.kind, SessionKind::Run { .. }) {
            return Ok(spec);
        }
        let files = Arc::clone(&self.world.files);
        let roots: Vec<PathBuf> = spec.own_library_dirs().chain(&self.world.library_dirs).cloned().collect();
        let looked = self.runtime.spawn_blocking(move || look_up(&*files, &roots, &mut spec.kind).map(|()| spec)).await;
        looked.map_err(|error| SpawnError::Engine(error.to_string()))?.map_err(SpawnError::from)
    }

    /// Records a session.
    pub(super) async fn prepare(
        self: &Arc<Self>,
        spec: SessionSpec,
        purse: Option<Arc<Purse>>,
    ) -> Result<Prepared, SpawnError> {
        if self.closing.is_cancelled() {
            return Err(SpawnError::Engine("shutting down; no session is started any more".into()));
        }
        let world = &self.world;
        let (spec, at) = (Arc::new(spec), world.clock.now());
        let id = self.fresh_id();
        let record = Record::Spawned { spec: Arc::clone(&spec), at, engine: world.vms.version() };
        let mut receipt = world.journal.append(id, &[record], Durability::Acknowledged);
        receipt.get().await.map_err(|error| SpawnError::Engine(format!("not recorded: {error}")))?;

        let session = Session::new(id, spec, at);
        let feed = Arc::new(Feed::new(&session));
        let (post, requests) = Post::new();
        let stop = post.stop.clone();
        let live = Arc::new(Live::new(Arc::clone(&feed), Some(post)));
        let portion = self.portion_of(session.spec());
        let task = SessionTask::new(session, feed, Arc::downgrade(self), requests, stop, purse, Arc::clone(world));
        Ok(Prepared { id, live, task: task.sharing(portion) })
    }

    /// Lists a session: from here on everybody finds it.
    pub(super) fn list(&self, Prepared { id, live, .. }: &Prepared) {
        self.world.changes.grow();
        self.sessions_mut(|sessions| _ = sessions.add(Arc::clone(live)));
        self.world.changes.mark(*id, &live.feed.mark);
    }

    /// Starts the task of a session that is listed.
    pub(super) fn start(self: &Arc<Self>, Prepared { live, task, .. }: Prepared) {
        if self.closing.is_cancelled() {
            // A shutdown that began meanwhile may have listed the sessions before this one was among them.
            if self.world.journal.outlives_the_process() {
                // Its inbox is empty yet.
                drop(live.open_post().map(|post| post.inbox.try_send(Box::new(Request::Leave))));
            } else {
                self.send_cancel(&live, self.closing_reason());
            }
        }
        self.run(task);
    }

    /// Runs a task to its end.
    pub(super) fn run(&self, task: SessionTask) {
        // Boxed: a task that starts tasks of its own kind has no type otherwise.
        let run: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(task.run());
        self.tasks.spawn_on(run, &self.runtime);
    }

    /// Asks a session's task to cancel it; `None` if it has ended, or nothing is taken any more. Never waits: the flag and
    /// the request go out together, whatever becomes of the caller.
    pub(super) fn send_cancel(
        self: &Arc<Self>,
        live: &Live,
        reason: CancelReason,
    ) -> Option<oneshot::Receiver<Result<(), CancelError>>> {
        let (reply, answer) = oneshot::channel();
        let (post, task) = self.way(live)?;
        live.feed.lock().is_ending = true;
        post.stop.raise();
        let tried = post.inbox.try_send(Box::new(Request::Cancel(reason, reply)));
        // Behind the request: a session that only comes back for it sees it before its program runs.
        if let Some(task) = task {
            self.run(task);
        }
        match tried {
            Ok(()) => Some(answer),
            Err(mpsc::error::TrySendError::Closed(request)) if !live.has_ended() => {
                // It has just left memory.
                let (shared, id) = (Arc::clone(self), live.feed.id());
                self.tasks.spawn_on(async move { shared.pass_on(id, request).await }, &self.runtime);
                Some(answer)
            }
            Err(mpsc::error::TrySendError::Closed(_)) => None,
            Err(mpsc::error::TrySendError::Full(request)) => {
                // If the task ends meanwhile the request is dropped, and with it the reply.
                let send = async move { drop(post.inbox.send(request).await) };
                self.tasks.spawn_on(send, &self.runtime);
                Some(answer)
            }
        }
    }

    /// Why a child is cancelled whose parent has ended.
    pub(super) fn dropped_reason(&self) -> CancelReason {
        let detail = Some("the session that forked it has ended".to_owned());
        CancelReason { code: CancelCode::ParentDropped, detail, requested_at: self.world.clock.now() }
    }

    pub(super) fn closing_reason(&self) -> CancelReason {
        CancelReason { code: CancelCode::SystemShutdown, detail: None, requested_at: self.world.clock.now() }
    }
}

/// Looks for what a kind names.
fn look_up(files: &dyn Files, roots: &[PathBuf], kind: &mut SessionKind) -> Result<(), InvalidSpec> {
    match kind {
        SessionKind::Run { .. } => Ok(()),
        SessionKind::Advice { strategy, .. } => look_for_strategy(files, roots, strategy),
        SessionKind::Eval { strategy, scenario, .. } => {
            look_for_strategy(files, roots, strategy)?;
            match scenario {
                Scenario::Inline(_) => Ok(()),
                Scenario::Name(name) => look_for_scenario(files, roots, name),
                Scenario::File(path) => {
                    let unknown = |why| InvalidSpec::UnknownScenario { scenario: path.display().to_string(), why };
                    *scenario = Scenario::Inline(files.read_scenario(path).map_err(unknown)?.into());
                    Ok(())
                }
            }
        }
    }
}

fn look_for_strategy(files: &dyn Files, roots: &[PathBuf], strategy: &str) -> Result<(), InvalidSpec> {
    match files.read_module(roots, strategy) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(InvalidSpec::UnknownStrategy { strategy: strategy.to_owned() }),
        Err(why) => Err(InvalidSpec::UnreadableStrategy(why)),
    }
}

fn look_for_scenario(files: &dyn Files, roots: &[PathBuf], name: &str) -> Result<(), InvalidSpec> {
    let unknown = |why: String| Err(InvalidSpec::UnknownScenario { scenario: name.to_owned(), why });
    match files.read_module(roots, name) {
        Ok(Some(_)) => return Ok(()),
        Ok(None) => {}
        Err(why) => return unknown(why),
    }
    match files.read(roots, &StoreRead::Scenario { name: name.to_owned() }) {
        Ok(found) if !found.is_null() => Ok(()),
        Ok(_) => unknown("no module and no file of the scenarios directory has this name".into()),
        Err(why) => unknown(why),
    }
}
