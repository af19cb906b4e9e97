//! How the sessions of the journal come back after a start.
//!
//! Those that wait come back asleep: nothing of them runs before somebody answers. Those that ran are run again from
//! their records, but for those that were run as the process went down twice: they wait for a person. Nothing here
//! decides what a program does; see [`rerun`](super::rerun).
//!
//! Before any of them writes a file, the writes are finished in which the process went down, also of those that wait for
//! a person: once another has written the same file, nobody can tell any more whether they were done.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::feed::Feed;
use super::posts::Live;
use super::registry::Registry;
use super::session_task::Interrupted;
use super::shared::{Found, Shared};
use super::world::{WRITES, World};
use super::{JournalError, Presence, Recovery, Stored, Summary};
use crate::domain::{EffectStep, EventKind, Session, SessionId, StateName};

/// Sessions that are taken from the journal at a time.
const PAGE: usize = 500;

/// What came back, as the journal had it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Sessions that had ended.
    pub ended: usize,
    /// Sessions that wait for answers, asleep.
    pub waiting: usize,
    /// Sessions that are run again.
    pub running: usize,
    /// Sessions that wait for a person to release them: they ran as the process went down twice.
    pub suspended: usize,
    /// Sessions that did not come back: their records are damaged.
    pub damaged: usize,
}

/// What is to be done with the sessions that came back.
#[derive(Default)]
struct Back {
    /// Those that need a task.
    tasks: Vec<Arc<Live>>,
    /// Those that ran as the process went down, also those that wait for a person.
    ran: Vec<Arc<Live>>,
}

/// Keeps every session of the registry from writing files.
type Gate = OwnedSemaphorePermit;

impl Registry {
    /// Brings back every session of the journal, the oldest first, but for those that are damaged;
    /// [`recovery`](Self::recovery) says meanwhile how far it is, and why some did not come back. Once all are there,
    /// children whose parent has ended are cancelled, writes that were interrupted are finished, and then what ran is run
    /// again, since children and parents look for each other. Until then no session writes files.
    ///
    /// # Errors
    /// What the journal says where it cannot be read; what was read before stays, and is run again.
    pub async fn recover(&self) -> Result<Recovered, JournalError> {
        let gate = self.shared.hold_writes().await;
        let (mut recovered, mut back, mut children) = (Recovered::default(), Back::default(), Vec::new());
        let read = self.shared.read_all(&mut recovered, &mut back, &mut children).await;
        self.shared.end_dropped(&children).await;
        self.shared.run_again(&read, back, gate).await;
        read.map(|()| recovered)
    }

    /// Brings back one session of the journal and those below it that it has forked, and no other. Gives all of them
    /// that have not ended, parents first, and the session itself in any case, as they stand before anything of them
    /// runs: whatever they do is an event behind `last_seq`.
    ///
    /// # Errors
    /// What the journal says where it cannot be read, or the session is damaged.
    pub async fn recover_family(&self, top: SessionId) -> Result<Vec<Summary>, JournalError> {
        let gate = self.shared.hold_writes().await;
        let (mut family, mut back) = (vec![top], Back::default());
        let read = self.shared.read_family(&mut family, &mut back).await;
        self.shared.end_dropped(&family).await;
        let family = family.into_iter().filter_map(|id| self.summary(id).ok());
        let family = family.filter(|it| it.id == top || !it.state.is_ended()).collect();
        self.shared.run_again(&read, back, gate).await;
        read.map(|()| family)
    }

    /// Cancels every child of the journal whose parent has ended, and those below it. Nobody else comes back for it.
    /// [`recover`](Self::recover) does so by itself.
    ///
    /// # Errors
    /// What the journal says where it cannot be read; then nothing was cancelled.
    pub async fn end_dropped(&self) -> Result<(), JournalError> {
        let (mut children, mut behind) = (Vec::new(), 0);
        loop {
            let page = self.shared.world.journal.stored(behind, PAGE).get().await?;
            let Some(last) = page.last else { break };
            behind = last;
            children.extend(page.sessions.iter().filter(|stored| is_live_child(stored)).map(|it| it.session.id()));
        }
        self.shared.end_dropped(&children).await;
        Ok(())
    }

    /// How far the sessions of the journal have come back. Never waits.
    pub fn recovery(&self) -> Recovery {
        self.shared.world.recovery.now()
    }

    /// Waits until the recovery is further than `seen`. Cancel-safe.
    pub async fn recovery_changed(&self, seen: &Recovery) {
        self.shared.world.recovery.changed(seen).await;
    }
}

impl Shared {
    /// Keeps files from being written until it is known in which writes the process before went down. Also behind one
    /// that ended in order: what did not stop in time was left in the middle.
    async fn hold_writes(&self) -> Option<Gate> {
        let World { journal, writes, .. } = &*self.world;
        if journal.watched().is_some() {
            return None;
        }
        // It is never closed.
        Arc::clone(writes).acquire_many_owned(WRITES as u32).await.ok()
    }

    /// Reads every session of the journal and lists it; `children` have not ended.
    async fn read_all(
        &self,
        recovered: &mut Recovered,
        back: &mut Back,
        children: &mut Vec<SessionId>,
    ) -> Result<(), JournalError> {
        let World { journal, recovery, .. } = &*self.world;
        recovery.begin(journal.stored_count().get().await?);
        let mut behind = 0;
        loop {
            let page = journal.stored(behind, PAGE).get().await?;
            let Some(last) = page.last else { return Ok(()) };
            behind = last;
            for stored in &page.sessions {
                self.bring_back(stored, recovered, back);
                if is_live_child(stored) {
                    children.push(stored.session.id());
                }
            }
            recovered.damaged += page.damaged.len();
            recovery.read(&page);
            tokio::task::yield_now().await;
        }
    }

    /// Reads the first of `family` and those below it, and lists them. Adds to the family those that have not ended.
    async fn read_family(&self, family: &mut Vec<SessionId>, back: &mut Back) -> Result<(), JournalError> {
        let World { journal, .. } = &*self.world;
        let mut recovered = Recovered::default();
        let Some(top) = journal.stored_one(family[0]).get().await? else { return Ok(()) };
        self.bring_back(&top, &mut recovered, back);
        if top.session.state().name() == StateName::Paused {
            // Its children have ended: a parent runs for as long as one has not. Of a parent that has ended some may not
            // have: its process died in between.
            return Ok(());
        }
        // Also those that have ended: there may be some below them that have not.
        let mut all = HashSet::from([top.session.id()]);
        // Children are younger than their parents.
        let mut behind = top.place;
        loop {
            let page = journal.stored(behind, PAGE).get().await?;
            let Some(last) = page.last else { return Ok(()) };
            behind = last;
            for stored in &page.sessions {
                let session = &stored.session;
                if session.spec().parent.as_ref().is_some_and(|parent| all.contains(&parent.session)) {
                    all.insert(session.id());
                    self.bring_back(stored, &mut recovered, back);
                    if !session.state().is_ended() {
                        family.push(session.id());
                    }
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// Cancels those of `sessions` that are children and whose parent has ended or is cancelled so itself. Returns once
    /// that is durable; nothing of them runs meanwhile.
    ///
    /// A process may die between the end of a parent and those of its children. One whose parent is not there, since
    /// its record is damaged or was removed, is left as it is: nobody can tell whether the parent had ended, a damaged
    /// record may be put right, and a child that waits loses nothing. A person can still cancel it.
    async fn end_dropped(self: &Arc<Self>, sessions: &[SessionId]) {
        if self.world.journal.watched().is_some() {
            // It is for the process that records them.
            return;
        }
        for some in sessions.chunks(PAGE) {
            let dropped = some.iter().filter(|id| self.is_dropped(**id));
            let lives = dropped.filter_map(|id| match self.find(*id)? {
                Found::Live(live) => Some(live),
                Found::Retired(_) => None,
            });
            let cancels: Vec<_> = lives.filter_map(|live| self.send_cancel(&live, self.dropped_reason())).collect();
            for cancelled in cancels {
                // Where it could not be recorded the child goes on; the next start finds it again.
                drop(cancelled.await);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Whether a session above this one has ended. Looks no further than at those, of which there are few.
    fn is_dropped(&self, id: SessionId) -> bool {
        let mut above = self.end_and_parent(id).and_then(|(_, parent)| parent);
        while let Some((has_ended, parent)) = above.and_then(|id| self.end_and_parent(id)) {
            if has_ended {
                return true;
            }
            above = parent;
        }
        false
    }

    /// Whether a session has ended, and its parent. Lists nobody.
    fn end_and_parent(&self, id: SessionId) -> Option<(bool, Option<SessionId>)> {
        if let Some(live) = self.live(id) {
            let summary = &live.feed.lock().summary;
            return Some((summary.state.is_ended(), summary.parent()));
        }
        let session = self.world.journal.retired(id)?;
        Some((session.state().is_ended(), session.spec().parent.as_ref().map(|parent| parent.session)))
    }

    /// Starts the tasks of what was read: each runs its program again, or minds its time. Returns once every write is
    /// finished in which the process before went down.
    async fn run_again(self: &Arc<Self>, read: &Result<(), JournalError>, back: Back, gate: Option<Gate>) {
        let finished = match &gate {
            Some(_) => self.finish_writes(&back.ran).await,
            None => Vec::new(),
        };
        self.world.recovery.all_read(read);
        for live in back.tasks {
            if self.post(&live).is_none() {
                self.world.recovery.arrived(live.feed.id());
            }
        }
        for word in finished {
            // It is dropped, not said.
            drop(word.await);
        }
        drop(gate);
    }

    /// Starts the task of each session that was writing as the process went down. Each tells when it has finished that.
    async fn finish_writes(self: &Arc<Self>, ran: &[Arc<Live>]) -> Vec<oneshot::Receiver<()>> {
        let mut finished = Vec::new();
        for live in ran {
            let (id, last) = {
                let summary = &live.feed.lock().summary;
                (summary.id, summary.last_seq)
            };
            // Nothing is recorded of a session between the intent of a write and its end.
            let Ok(page) = self.world.journal.events(id, last, 1).get().await else { continue };
            let Some(event) = page.events.first().filter(|event| event.seq == last) else { continue };
            let EventKind::Effect(EffectStep::Intent(intent)) = &event.kind else { continue };
            let (word, told) = oneshot::channel();
            // One that has a task already, since somebody has asked for it, finishes it when its program comes to it.
            if let Some((_, Some(task))) = self.way(live) {
                self.run(task.finishing(Interrupted { seq: last, intent: Arc::clone(intent), word }));
                finished.push(told);
            }
        }
        finished
    }

    fn bring_back(&self, stored: &Stored, recovered: &mut Recovered, back: &mut Back) {
        let session = &stored.session;
        let state = session.state();
        let is_paused = state.name() == StateName::Paused;
        let (presence, count) = if state.is_ended() {
            (Presence::Resident, &mut recovered.ended)
        } else if let Some(watched) = self.world.journal.watched() {
            match watched.of(stored) {
                Presence::SuspendedElsewhere => (Presence::SuspendedElsewhere, &mut recovered.suspended),
                watched if is_paused => (watched, &mut recovered.waiting),
                watched => (watched, &mut recovered.running),
            }
        } else if is_paused {
            (Presence::Sleeping, &mut recovered.waiting)
        } else if stored.is_suspended() {
            (Presence::Suspended, &mut recovered.suspended)
        } else {
            // Before others find it: whoever starts its task tells that it has arrived.
            self.world.recovery.awaits(session.id());
            (Presence::Sleeping, &mut recovered.running)
        };
        *count += 1;
        let feed = match presence {
            Presence::Resident => Feed::of_remains(Arc::clone(session)),
            _ => Feed::new(session),
        };
        let live = self.enlist_unless_there(session.id(), feed, presence.clone());
        if state.name() == StateName::Running {
            back.ran.push(Arc::clone(&live));
        }
        if live.open_post().is_some() {
            // Somebody has asked for it before its turn.
            self.world.recovery.arrived(session.id());
        } else if presence == Presence::Suspended {
            // Also of one that somebody has looked at before its turn.
            live.feed.lock().summary.presence = presence;
        } else if presence == Presence::Sleeping && (!is_paused || session.wall_deadline().is_some()) {
            // It is run again; or its clock goes on, for which the task waits and runs nothing.
            back.tasks.push(live);
        }
    }

    /// Lists a session that is in the journal and has not ended. Nothing of it runs.
    pub(super) fn enlist_asleep(&self, session: &Session) {
        let presence = self.world.journal.watched().unwrap_or(Presence::Sleeping);
        self.enlist_unless_there(session.id(), Feed::new(session), presence);
    }

    /// Lists a session of the journal, unless another was quicker.
    pub(super) fn enlist_unless_there(&self, id: SessionId, feed: Feed, presence: Presence) -> Arc<Live> {
        feed.lock().summary.presence = presence;
        let live = Arc::new(Live::new(Arc::new(feed), None));
        self.world.changes.grow();
        let live = self.sessions_mut(|sessions| Arc::clone(sessions.add(live)));
        self.world.changes.mark(id, &live.feed.mark);
        live
    }
}

/// Whether it is a child that has not ended.
fn is_live_child(stored: &Stored) -> bool {
    stored.session.spec().parent.is_some() && !stored.session.state().is_ended()
}
