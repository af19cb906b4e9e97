//! The registry: one cheap-to-clone handle over all sessions, and the verbs of the contract.
//!
//! It decides nothing about a session: it finds the session's task and passes the request on.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinError;
use tokio::time::Instant;

use super::calls::{Call, CancelEffect, Verb};
use super::changes::{ChangeCursor, ChangeLog, Changes};
use super::diagnostics::Board;
use super::family::Sessions;
use super::feed::Feed;
use super::posts::Live;
use super::recovery_log::RecoveryLog;
use super::session_task::{Request, answer_to_ended};
use super::shared::{Found, Shared};
use super::world::{RERUNS, WRITES, World};
use super::{Clock, Entropy, Files, Inspection, Journal, Observer, Package, Presence, Retention, Summary, VmFactory};
use crate::domain::{
    AwaitError, CancelError, CancelReason, ExecutionState, InvalidSpec, Limits, ObserveError, ReleaseError,
    ResumeError, ResumeOutcome, ResumePayload, Seq, SessionId, SessionSpec, SpawnError, StateError, TerminalOutcome,
};

/// Everything a registry needs from outside. It reads no environment and no home.
pub struct RegistryConfig {
    /// Makes the VMs.
    pub vms: Arc<dyn VmFactory>,
    /// Keeps the records.
    pub journal: Arc<dyn Journal>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives random bits.
    pub entropy: Arc<dyn Entropy>,
    /// Reads modules.
    pub files: Arc<dyn Files>,
    /// Where modules are looked for, behind a session's own directories.
    pub library_dirs: Vec<PathBuf>,
    /// The runtime that the sessions run on.
    pub runtime: tokio::runtime::Handle,
}

/// The handle. Clones share everything; when the last is dropped, every session that has not ended is cancelled
/// (`parent_dropped`).
#[derive(Clone)]
pub struct Registry {
    pub(super) shared: Arc<Shared>,
}

impl Registry {
    /// Makes a registry with no sessions.
    pub fn new(config: RegistryConfig) -> Self {
        let RegistryConfig { vms, journal, clock, entropy, files, library_dirs, runtime } = config;
        let (writes, reruns) = (Arc::new(Semaphore::new(WRITES)), Arc::new(Semaphore::new(RERUNS)));
        let (changes, recovery, board) = (ChangeLog::new(), RecoveryLog::default(), Board::new());
        let world =
            World { vms, journal, clock, entropy, files, library_dirs, changes, board, recovery, writes, reruns };
        Self { shared: Arc::new(Shared::new(world, runtime)) }
    }

    /// Starts a session and gives its id, once it is durable and before its program has run.
    ///
    /// # Errors
    /// [`SpawnError::InvalidSpec`] where no session can be made of the spec; [`SpawnError::Engine`] where it could not
    /// be recorded or the registry is shutting down. Then no session exists.
    pub async fn spawn(&self, spec: SessionSpec) -> Result<SessionId, SpawnError> {
        let started = Instant::now();
        let (title, held) = (spec.display_title().to_owned(), spec.held);
        let result = self.start(spec).await;
        let outcome = result.as_ref().map(|_| ()).map_err(Clone::clone);
        self.note(result.as_ref().ok().copied(), Verb::Spawn { title, held, outcome }, started);
        result
    }

    async fn start(&self, spec: SessionSpec) -> Result<SessionId, SpawnError> {
        spec.check()?;
        if spec.parent.is_some() {
            return Err(InvalidSpec::ParentGiven.into());
        }
        let spec = self.shared.complete(spec).await?;
        spec.check()?;
        let prepared = self.shared.prepare(spec, None).await?;
        let id = prepared.id;
        self.shared.list(&prepared);
        self.shared.start(prepared);
        Ok(id)
    }

    /// The state of a session now. Never waits.
    ///
    /// # Errors
    /// [`StateError::NotFound`] of a session that never was, or was pruned.
    pub fn state(&self, id: SessionId) -> Result<ExecutionState, StateError> {
        match self.find(id) {
            Some(Found::Live(live)) => Ok(live.feed.lock().summary.state.clone()),
            Some(Found::Retired(session)) => Ok(session.state().clone()),
            None => Err(StateError::NotFound(id)),
        }
    }

    /// What lists show of a session now. Never waits.
    ///
    /// # Errors
    /// As [`state`](Self::state).
    pub fn summary(&self, id: SessionId) -> Result<Summary, StateError> {
        match self.find(id) {
            Some(Found::Live(live)) => Ok(live.feed.lock().summary.clone()),
            Some(Found::Retired(session)) => Ok(Summary::from(&*session)),
            None => Err(StateError::NotFound(id)),
        }
    }

    /// Answers queries of a paused session: `Single` any one, `Batch` one or more, all or nothing.
    ///
    /// Returns once the answer is durable and every observer can see it; the program goes on behind that.
    ///
    /// # Errors
    /// [`ResumeError`], the first that applies in the order of its variants; then nothing was changed.
    pub async fn resume(&self, id: SessionId, payload: ResumePayload) -> Result<ResumeOutcome, ResumeError> {
        let started = Instant::now();
        let mut verb = Verb::resume(&payload);
        let _asked = self.shared.world.board.request();
        let result = self.answer(id, payload).await;
        if let Verb::Resume { outcome, .. } = &mut verb {
            outcome.clone_from(&result);
        }
        self.note(Some(id), verb, started);
        result
    }

    async fn answer(&self, id: SessionId, payload: ResumePayload) -> Result<ResumeOutcome, ResumeError> {
        let live = match self.find(id) {
            Some(Found::Live(live)) => live,
            Some(Found::Retired(session)) => return answer_to_ended(&session, payload),
            None => {
                payload.check(&Limits::default())?;
                return Err(ResumeError::NotFound { session: id });
            }
        };
        let (reply, answer) = oneshot::channel();
        match self.shared.send(&live, Box::new(Request::Answer(payload, reply))).await {
            Ok(()) => match answer.await {
                Ok(result) => result,
                // The task died with the request in its hands, or left.
                Err(_) => Err(refusal(&live.feed)),
            },
            Err(request) => {
                let Request::Answer(payload, _) = *request else {
                    unreachable!("the request comes back as it was sent")
                };
                match live.feed.remains() {
                    Some(session) => answer_to_ended(&session, payload),
                    None => Err(refusal(&live.feed)),
                }
            }
        }
    }

    /// Cancels a session and gives its state, which has then ended. `Ok` also of one that had ended before.
    ///
    /// The caller may stop waiting: what was asked for is done all the same.
    ///
    /// # Errors
    /// [`CancelError::NotFound`] as for [`state`](Self::state); [`CancelError::NotRecorded`] where the cancel could
    /// not be made durable: then the session goes on.
    pub async fn cancel(&self, id: SessionId, reason: CancelReason) -> Result<ExecutionState, CancelError> {
        let started = Instant::now();
        let _asked = self.shared.world.board.request();
        let result = self.end(id, reason.clone()).await;
        let outcome = result.as_ref().map_err(Clone::clone).map(|state| {
            let effect = match state {
                ExecutionState::Cancelled(end) if end.reason == reason => CancelEffect::Ended,
                _ => CancelEffect::Nothing,
            };
            (state.name(), effect)
        });
        if let (Ok((_, CancelEffect::Nothing)), Some(Found::Live(live))) = (&outcome, self.find(id)) {
            live.feed.ignore(reason.clone());
        }
        self.note(Some(id), Verb::Cancel { reason, outcome }, started);
        result
    }

    async fn end(&self, id: SessionId, reason: CancelReason) -> Result<ExecutionState, CancelError> {
        let live = match self.find(id) {
            Some(Found::Live(live)) => live,
            Some(Found::Retired(session)) => return Ok(session.state().clone()),
            None => return Err(CancelError::NotFound { session: id }),
        };
        if let Some(answer) = self.shared.send_cancel(&live, reason)
            && let Ok(result) = answer.await
        {
            result?;
        }
        if !live.has_ended() && live.open_post().is_none() {
            return Err(CancelError::NotRecorded { cause: not_taken(&live.feed.lock().summary.presence).into() });
        }
        Ok(live.feed.ended().await.into())
    }

    /// Lets a session begin that was spawned [held](SessionSpec::held).
    ///
    /// # Errors
    /// [`ReleaseError::NotFound`] as for [`state`](Self::state); [`ReleaseError::NotHeld`] where the session has begun
    /// or ended.
    pub async fn release(&self, id: SessionId) -> Result<(), ReleaseError> {
        let started = Instant::now();
        let _asked = self.shared.world.board.request();
        let outcome = self.let_go(id).await;
        self.note(Some(id), Verb::Release { outcome: outcome.clone() }, started);
        outcome
    }

    async fn let_go(&self, id: SessionId) -> Result<(), ReleaseError> {
        let feed = match self.find(id) {
            Some(Found::Live(live)) => {
                let (reply, answer) = oneshot::channel();
                if self.shared.send(&live, Box::new(Request::Release(reply))).await.is_ok()
                    && let Ok(result) = answer.await
                {
                    return result;
                }
                Arc::clone(&live.feed)
            }
            Some(Found::Retired(session)) => Arc::new(Feed::of_remains(session)),
            None => return Err(ReleaseError::NotFound { session: id }),
        };
        let actual = feed.lock().summary.state.name();
        Err(ReleaseError::NotHeld { actual })
    }

    pub(super) fn note(&self, session: Option<SessionId>, verb: Verb, started: Instant) {
        self.shared.calls.note(self.shared.world.clock.now(), session, verb, started.elapsed());
    }

    /// The last verbs that were called, by whomever, oldest first: those that were refused and those that were not, a
    /// few hundred of each. Never waits.
    pub fn calls(&self) -> Vec<Arc<Call>> {
        self.shared.calls.all()
    }

    /// What there is to know of a session beside its summary. Never waits.
    ///
    /// # Errors
    /// As [`state`](Self::state).
    pub fn inspect(&self, id: SessionId) -> Result<Inspection, StateError> {
        match self.find(id) {
            Some(Found::Live(live)) => {
                let sweeps = self.shared.sweeps.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let published = live.feed.lock();
                let (ignored_cancels, ignored) = published.ignored.clone();
                let retention = super::collect::retention(&published, self.shared.world.clock.now(), &sweeps);
                let (log, observers) = (Arc::clone(&published.log), published.observers);
                Ok(Inspection { log, observers, ignored_cancels, ignored, retention })
            }
            Some(Found::Retired(session)) => Ok(Inspection {
                log: Arc::clone(session.log()),
                observers: 0,
                ignored_cancels: Vec::new(),
                ignored: 0,
                retention: Retention::Evicted,
            }),
            None => Err(StateError::NotFound(id)),
        }
    }

    /// Opens a reader of a session's events from number `from` on (absent: 1). Never waits.
    ///
    /// # Errors
    /// [`ObserveError::NotFound`] as for [`state`](Self::state).
    pub fn observe(&self, id: SessionId, from: Option<Seq>) -> Result<Observer, ObserveError> {
        // Counted under the lock that an eviction takes: never a reader of a half-removed session.
        let feed = self.sessions(|sessions| {
            let feed = Arc::clone(&sessions.get(&id)?.feed);
            feed.lock().observers += 1;
            Some(feed)
        });
        let journal = &self.shared.world.journal;
        let feed = if let Some(feed) = feed {
            feed
        } else {
            let session = journal.retired(id).ok_or(ObserveError::NotFound(id))?;
            let feed = Arc::new(Feed::of_remains(session));
            feed.lock().observers += 1;
            feed
        };
        Ok(Observer::open(feed, Arc::clone(journal), from.unwrap_or(1)))
    }

    /// Waits until a session has ended. Any number may wait, and one that gives up hurts nobody.
    ///
    /// # Errors
    /// [`AwaitError::NotFound`] as for [`state`](Self::state).
    pub async fn await_terminal(&self, id: SessionId) -> Result<TerminalOutcome, AwaitError> {
        let feed = match self.find(id) {
            Some(Found::Live(live)) => Arc::clone(&live.feed),
            Some(Found::Retired(session)) => Arc::new(Feed::of_remains(session)),
            None => return Err(AwaitError::NotFound(id)),
        };
        Ok(feed.ended().await)
    }

    /// Every session, oldest first. For start-up and the command line; a screen asks for [`changes`](Self::changes).
    pub fn list(&self) -> Vec<Summary> {
        let live: Vec<Arc<Live>> = self.sessions(|sessions| sessions.values().cloned().collect());
        let mut list: Vec<Summary> = live.iter().map(|live| live.feed.lock().summary.clone()).collect();
        let retired = self.shared.world.journal.all_retired();
        list.extend(retired.iter().map(|session| Summary::from(&**session)));
        list.sort_by_key(|summary| (summary.created_at, summary.id));
        // A session may be evicted between the two looks.
        list.dedup_by_key(|summary| summary.id);
        list
    }

    /// Which sessions changed since somebody last looked.
    pub fn changes(&self, since: ChangeCursor) -> Changes {
        self.shared.world.changes.since(since)
    }

    /// Waits until some session has changed since `since`. Cancel-safe.
    pub async fn changed(&self, since: ChangeCursor) {
        self.shared.world.changes.changed(since).await;
    }

    /// Evicts sessions that have ended, have no observer and were idle for `ttl`; looks every `interval`, first one
    /// `interval` from now, for as long as the registry lives.
    ///
    /// Only the resident copy goes: the journal goes on answering for it.
    pub fn collect(&self, ttl: Duration, interval: Duration) {
        self.note(None, Verb::Collect { ttl, interval }, Instant::now());
        super::collect::start(&self.shared, ttl, interval);
    }

    /// Ends the registry: refuses new sessions, and leaves every live one in the journal where it stands. Where the
    /// journal ends with the process, every live session is cancelled (`system_shutdown`), since nothing of it would be
    /// left. Returns how many tasks had not stopped at the `deadline`.
    pub async fn shutdown(&self, deadline: Duration) -> usize {
        self.shared.closing.cancel();
        let reason = self.shared.closing_reason();
        let live: Vec<Arc<Live>> = self.sessions(|sessions| sessions.values().cloned().collect());
        let leaves = self.shared.world.journal.outlives_the_process();
        for session in &live {
            match session.open_post() {
                Some(post) if leaves => {
                    // A full inbox: the task comes to its end by the requests before, and by the dropped registry.
                    let leave = async move { drop(post.inbox.send(Box::new(Request::Leave)).await) };
                    self.shared.tasks.spawn_on(leave, &self.shared.runtime);
                }
                Some(_) => drop(self.shared.send_cancel(session, reason.clone())),
                None => {}
            }
        }
        self.shared.tasks.close();
        let _ = tokio::time::timeout(deadline, self.shared.tasks.wait()).await;
        let late = self.shared.tasks.len();
        if let Err(error) = self.shared.world.journal.close().get().await {
            tracing::error!(%error, "the journal could not be closed");
        }
        late
    }

    /// Runs `work` on the runtime of the sessions, and waits for its end. What asks something of many sessions belongs
    /// there: it may have to read a journal for each, and wakes nobody on another thread.
    pub async fn beside<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let work = self.shared.tasks.spawn_on(work, &self.shared.runtime);
        match work.await.map_err(JoinError::try_into_panic) {
            Ok(result) => result,
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            // The runtime ends, and nothing comes of it any more.
            Err(Err(_)) => std::future::pending().await,
        }
    }

    fn find(&self, id: SessionId) -> Option<Found> {
        self.shared.find(id)
    }

    /// What the registry has in memory of the children that a session has forked, oldest first. Children that it has
    /// evicted have ended.
    pub fn children(&self, parent: SessionId) -> Vec<Summary> {
        let children = self.shared.children(parent);
        let mut list: Vec<Summary> = children.iter().map(|live| live.feed.lock().summary.clone()).collect();
        list.sort_by_key(|summary| (summary.created_at, summary.id));
        list
    }

    /// Whether somebody has asked for its cancel, which was not refused: it has ended, or is about to. A fork that gives
    /// up ends its other children so; it says this of them before it says why.
    pub fn is_ending(&self, id: SessionId) -> bool {
        self.shared.live(id).is_none_or(|live| {
            let published = live.feed.lock();
            published.is_ending || published.summary.state.is_ended()
        })
    }

    /// The packages that programs can `require`, by name, with what each says of itself. Reads the library directories:
    /// it may block.
    pub fn packages(&self) -> Vec<Package> {
        self.shared.world.files.packages(&self.shared.world.library_dirs)
    }

    fn sessions<T>(&self, read: impl FnOnce(&Sessions) -> T) -> T {
        self.shared.sessions(read)
    }
}

/// Why a session that has not ended takes nothing: it is not recorded here, or it has left memory as this process is
/// about to end.
fn not_taken(presence: &Presence) -> &'static str {
    match presence {
        Presence::Elsewhere | Presence::SuspendedElsewhere => {
            "another process has the session; here its record can only be read"
        }
        Presence::ReadOnly => "its journal can only be read here",
        _ => "shutting down; the session waits in the journal",
    }
}

/// What an answer is told that no task has taken: how its session ended, or that nothing is taken any more.
fn refusal(feed: &Feed) -> ResumeError {
    let summary = &feed.lock().summary;
    match (&summary.state, &summary.presence) {
        (ExecutionState::Cancelled(_), _) => ResumeError::AlreadyCancelled,
        (state @ (ExecutionState::Done(_) | ExecutionState::Failed(_)), _) => {
            ResumeError::NotPaused { actual: state.name() }
        }
        (_, Presence::CannotReplay(why)) => ResumeError::NotRecorded { cause: why.to_string() },
        (ExecutionState::Running { .. } | ExecutionState::Paused(_), presence) => {
            ResumeError::NotRecorded { cause: not_taken(presence).into() }
        }
    }
}
