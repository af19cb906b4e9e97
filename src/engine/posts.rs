//! Where requests to a session go: to its task, which is started where the session has none.
//!
//! A session that sleeps has no task and no channel. Whoever asks something of it starts a task, which takes the
//! session from the journal; the task leaves when it is told to sleep, and hands on what came too late.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::{self, error::TrySendError};

use super::feed::Feed;
use super::session_task::{INBOX, Request, SessionTask};
use super::shared::Shared;
use super::{Presence, StopFlag};
use crate::domain::SessionId;

/// What the registry keeps of a session that it has not evicted. Its task holds the feed but not this, so that a
/// dropped registry closes the channel.
pub(super) struct Live {
    pub(super) feed: Arc<Feed>,
    /// `None` while the session has no task.
    post: Mutex<Option<Post>>,
}

/// The way to the task of a session.
#[derive(Clone)]
pub(super) struct Post {
    pub(super) inbox: mpsc::Sender<Box<Request>>,
    pub(super) stop: StopFlag,
}

impl Post {
    /// Makes a way, and the end of it that the task reads.
    pub(super) fn new() -> (Self, mpsc::Receiver<Box<Request>>) {
        let (inbox, requests) = mpsc::channel(INBOX);
        (Self { inbox, stop: StopFlag::default() }, requests)
    }
}

impl Live {
    pub(super) fn new(feed: Arc<Feed>, post: Option<Post>) -> Self {
        Self { feed, post: Mutex::new(post) }
    }

    /// Whether the session has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.feed.lock().summary.state.is_ended()
    }

    /// Requests that wait for its task.
    pub(super) fn inbox(&self) -> usize {
        self.open_post().map_or(0, |post| post.inbox.max_capacity() - post.inbox.capacity())
    }

    /// Whether nothing can be asked of the session here any more: it has ended, or is not recorded here.
    pub(super) fn is_out_of_reach(&self) -> bool {
        let summary = &self.feed.lock().summary;
        summary.state.is_ended() || summary.presence.is_watched()
    }

    /// The way to its task, if it has one.
    pub(super) fn open_post(&self) -> Option<Post> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Post>> {
        self.post.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// The way to a session's task; starts one where there is none. `None`: the session has ended or is another
    /// process's, or the registry is closing and starts nothing any more.
    pub(super) fn post(self: &Arc<Self>, live: &Live) -> Option<Post> {
        let (post, task) = self.way(live)?;
        if let Some(task) = task {
            self.run(task);
        }
        Some(post)
    }

    /// The same, with a task that was made for it and that the caller starts.
    pub(super) fn way(self: &Arc<Self>, live: &Live) -> Option<(Post, Option<SessionTask>)> {
        let mut slot = live.lock();
        if let Some(post) = &*slot {
            return Some((post.clone(), None));
        }
        if self.closing.is_cancelled() || live.is_out_of_reach() {
            return None;
        }
        let (world, feed) = (&self.world, Arc::clone(&live.feed));
        let Some(session) = world.journal.retired(feed.id()) else {
            tracing::error!(session = %feed.id(), "the journal does not have it any more");
            feed.lock().summary.presence = Presence::cannot_replay("the journal does not have it any more");
            world.changes.mark(feed.id(), &feed.mark);
            return None;
        };
        let (post, requests) = Post::new();
        *slot = Some(post.clone());
        drop(slot);
        let (purse, portion) = (self.purse_of(session.spec()), self.portion_of(session.spec()));
        let (session, stop) = (Arc::unwrap_or_clone(session), post.stop.clone());
        let task = SessionTask::new(session, feed, Arc::downgrade(self), requests, stop, purse, Arc::clone(world));
        Some((post, Some(task.sharing(portion))))
    }

    /// Sends a request to a session's task. It comes back where the session has ended or nothing is taken any more.
    pub(super) async fn send(self: &Arc<Self>, live: &Live, mut request: Box<Request>) -> Result<(), Box<Request>> {
        // Nearly always there is a task whose inbox has room: then nothing has to be taken out from under the lock.
        if let Some(post) = &*live.lock() {
            match post.inbox.try_send(request) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(back) | TrySendError::Closed(back)) => request = back,
            }
        }
        loop {
            let Some(post) = self.post(live) else { return Err(request) };
            match post.inbox.send(request).await {
                Ok(()) => return Ok(()),
                Err(mpsc::error::SendError(back)) if live.has_ended() => return Err(back),
                // The task has left meanwhile, and has closed its way before its channel.
                Err(mpsc::error::SendError(back)) => request = back,
            }
        }
    }

    /// Hands on what came for a task that has left. What finds nobody is dropped, and with it the way to reply.
    pub(super) async fn pass_on(self: &Arc<Self>, id: SessionId, request: Box<Request>) {
        if let Some(live) = self.live(id) {
            drop(self.send(&live, request).await);
        }
    }

    /// Closes the way to a task that leaves.
    pub(super) fn close_post(&self, id: SessionId) {
        if let Some(live) = self.live(id) {
            *live.lock() = None;
        }
    }
}
