//! Reading the events of a session, from any point, at any pace.
//!
//! Reads the ring while it is close behind, the journal when it is not. It changes nothing and slows nobody down.

use std::collections::VecDeque;
use std::sync::Arc;

use super::feed::{Feed, Look};
use super::{EventRef, Events, Journal, Page, Reply};
use crate::domain::{ObserverRecvError, Seq, SessionId};

/// Turns taken from the ring at a time, few enough to hold the lock for a microsecond or two; events from the journal.
const BATCH: usize = 64;

/// A reader of one session's events: the whole stream from where it was opened, the transition into an ended state
/// last, then [`Closed`](ObserverRecvError::Closed).
pub struct Observer {
    feed: Arc<Feed>,
    journal: Arc<dyn Journal>,
    next: Seq,
    buffer: VecDeque<Events>,
    page: Option<Reply<Page>>,
}

/// What a reader finds without waiting.
enum Found {
    /// The next events are in the buffer.
    Some,
    Error(ObserverRecvError),
    NothingYet,
    AskedJournal,
}

impl Observer {
    /// Opens a reader; the caller has counted it under the feed's lock.
    pub(super) fn open(feed: Arc<Feed>, journal: Arc<dyn Journal>, from: Seq) -> Self {
        Self { feed, journal, next: from.max(1), buffer: VecDeque::new(), page: None }
    }

    /// The session it reads.
    pub fn session(&self) -> SessionId {
        self.feed.id()
    }

    /// Waits for the next event. Cancel-safe: an event is either returned or still to come.
    ///
    /// # Errors
    /// [`Gap`](ObserverRecvError::Gap) names events that are no longer kept; reading goes on behind them.
    /// [`Closed`](ObserverRecvError::Closed) after the last event.
    pub async fn recv(&mut self) -> Result<EventRef, ObserverRecvError> {
        loop {
            self.wait().await?;
            if let Some(event) = self.take_one() {
                return Ok(event);
            }
        }
    }

    /// Waits for the next events: as many of one turn as are there and were not read before. They count as one reader of
    /// their turn, where each event by itself is one. Cancel-safe.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub async fn recv_turn(&mut self) -> Result<Events, ObserverRecvError> {
        loop {
            self.wait().await?;
            if let Some(events) = self.buffer.pop_front() {
                self.next = events.last_seq() + 1;
                return Ok(events);
            }
        }
    }

    /// Waits until there are events in the buffer.
    async fn wait(&mut self) -> Result<(), ObserverRecvError> {
        loop {
            // Most of the time the next event is there, and nothing has to be prepared for waiting.
            let mut found = self.find();
            if matches!(found, Found::NothingYet) {
                let feed = Arc::clone(&self.feed);
                // It hears of every publication from here on, so that none behind the second look is missed.
                let woken = feed.wake.notified();
                found = self.find();
                if matches!(found, Found::NothingYet) {
                    woken.await;
                    continue;
                }
            }
            match found {
                Found::Some => return Ok(()),
                Found::Error(error) => return Err(error),
                Found::NothingYet => {}
                Found::AskedJournal => {
                    if let Some(page) = &mut self.page {
                        // What it says, `find` reads.
                        let _ = page.get().await;
                    }
                }
            }
        }
    }

    /// The next event if one is there, `None` if not yet. Never waits.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    pub fn try_recv(&mut self) -> Result<Option<EventRef>, ObserverRecvError> {
        match self.find() {
            Found::Some => Ok(self.take_one()),
            Found::Error(error) => Err(error),
            Found::NothingYet | Found::AskedJournal => Ok(None),
        }
    }

    /// Takes the next event out of the buffer.
    fn take_one(&mut self) -> Option<EventRef> {
        let (event, rest) = self.buffer.pop_front()?.split_first();
        if let Some(rest) = rest {
            self.buffer.push_front(rest);
        }
        self.next = event.seq + 1;
        Some(event)
    }

    /// Stops reading; the same as dropping it.
    pub fn close(self) {}

    fn find(&mut self) -> Found {
        loop {
            if !self.buffer.is_empty() {
                return Found::Some;
            }
            match self.page.take() {
                Some(Reply::Ready(page)) => {
                    if let Some(gap) = self.take_page(page) {
                        return Found::Error(gap);
                    }
                }
                Some(Reply::Later(mut receiver)) => match receiver.try_recv() {
                    Ok(page) => self.page = Some(Reply::Ready(page)),
                    Err(tokio::sync::oneshot::error::TryRecvError::Empty) => {
                        self.page = Some(Reply::Later(receiver));
                        return Found::AskedJournal;
                    }
                    Err(tokio::sync::oneshot::error::TryRecvError::Closed) => {
                        self.page = Some(Reply::Ready(Ok(Page::default())));
                    }
                },
                None => match self.feed.look(self.next, BATCH, &mut self.buffer) {
                    Look::Some => {}
                    Look::NothingYet => return Found::NothingYet,
                    Look::Closed => return Found::Error(ObserverRecvError::Closed),
                    Look::Older(ring) => {
                        let wanted = (ring - self.next).min(BATCH as Seq) as usize;
                        self.page = Some(self.journal.events(self.session(), self.next, wanted));
                    }
                },
            }
        }
    }

    /// Takes what the journal had; gives the gap it begins with, if any.
    fn take_page(&mut self, page: Result<Page, super::JournalError>) -> Option<ObserverRecvError> {
        let page = page.unwrap_or_else(|error| {
            tracing::warn!(session = %self.session(), %error, "the journal could not be read");
            Page::default()
        });
        if page.events.is_empty() && page.gap.is_none() {
            // The feed has announced these events and the journal does not have them: they are lost.
            let mut ring = VecDeque::new();
            let to = match self.feed.look(self.next, 0, &mut ring) {
                Look::Older(first) => first - 1,
                Look::Some | Look::NothingYet | Look::Closed => return None,
            };
            return Some(self.skip(self.next, to));
        }
        if let Some((from, to)) = page.gap
            && let Look::Older(first) = self.feed.look(self.next, 0, &mut VecDeque::new())
            && first <= to
        {
            // The journal keeps less than the ring. What is in the ring is not missing.
            return Some(self.skip(from, first - 1));
        }
        self.buffer.extend(page.events.into_iter().map(Events::from));
        page.gap.map(|(from, to)| self.skip(from, to))
    }

    fn skip(&mut self, from: Seq, to: Seq) -> ObserverRecvError {
        self.next = to + 1;
        ObserverRecvError::Gap { from, to }
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.feed.lock().observers -= 1;
    }
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Observer").field("session", &self.session()).field("next", &self.next).finish_non_exhaustive()
    }
}
