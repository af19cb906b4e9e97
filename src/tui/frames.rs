//! What the loop measures of itself: its pictures, how long a key waits for its own, what comes in and what it missed.
//!
//! Figures for the diagnostics layer; nothing on the desk is decided by them.

use tokio::time::Instant;

use super::msg::FeedItem;
use super::run::FRAME;
use crate::engine::{Lately, Spread};

/// What the loop has measured since the desk was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrameFigures {
    /// How long pictures took to be made and written.
    pub took: Spread,
    /// How long keys waited for the picture that shows what they did.
    pub keys: Spread,
    /// Pictures for which there would have been time, and that were not drawn because the one before came late.
    pub dropped: u64,
    /// Things that came while a picture was due already, and are shown by the same.
    pub shared: u64,
    /// Sessions that changed, each counted once a look.
    pub changes: u64,
    /// Events that the feeds took.
    pub events: u64,
    /// Gaps in them: events that were gone before they could be read.
    pub gaps: u64,
}

/// What measures.
#[derive(Debug, Default)]
pub(super) struct Frames {
    took: Lately,
    keys: Lately,
    dropped: u64,
    shared: u64,
    pub(super) changes: u64,
    events: u64,
    gaps: u64,
    /// Since when a picture is due.
    due: Option<Instant>,
    /// When the first key was read that no picture shows.
    key: Option<Instant>,
    drawn_at: Option<Instant>,
}

impl Frames {
    /// Something came that the picture does not show yet.
    pub(super) fn wanted(&mut self) {
        if self.due.is_some() {
            self.shared += 1;
        } else {
            self.due = Some(Instant::now());
        }
    }

    /// A key was read.
    pub(super) fn key(&mut self) {
        self.key.get_or_insert_with(Instant::now);
    }

    /// A feed took these.
    pub(super) fn took(&mut self, items: &[FeedItem]) {
        let gaps = items.iter().filter(|item| matches!(item, FeedItem::Instead(_))).count();
        self.gaps += gaps as u64;
        self.events += (items.len() - gaps) as u64;
    }

    /// A picture was drawn that began at `began`.
    pub(super) fn drawn(&mut self, began: Instant) {
        let now = Instant::now();
        self.took.note(now - began);
        if let Some(key) = self.key.take() {
            self.keys.note(now - key);
        }
        if let Some(due) = self.due.take() {
            // One that comes too soon behind another waits for its turn.
            let due = self.drawn_at.map_or(due, |at| due.max(at + FRAME));
            self.dropped += (now.saturating_duration_since(due).as_micros() / FRAME.as_micros()) as u64;
        }
        self.drawn_at = Some(now);
    }

    pub(super) fn figures(&self) -> FrameFigures {
        FrameFigures {
            took: self.took.spread(),
            keys: self.keys.spread(),
            dropped: self.dropped,
            shared: self.shared,
            changes: self.changes,
            events: self.events,
            gaps: self.gaps,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_picture_that_comes_late_has_dropped_those_before_and_a_key_waits_for_its_own() {
        let mut frames = Frames::default();
        let mut one = async |ms| {
            frames.key();
            frames.wanted();
            frames.wanted();
            tokio::time::advance(Duration::from_millis(ms)).await;
            let began = Instant::now();
            tokio::time::advance(Duration::from_millis(1)).await;
            frames.drawn(began);
            frames.figures()
        };
        let (first, second) = (one(2).await, one(50).await);
        assert_eq!((first.dropped, first.shared, first.took.total), (0, 1, 1));
        assert_eq!((second.dropped, second.shared, second.took.total), (2, 2, 2), "51 ms, of which 16 were its turn");
        assert_eq!((second.took.max, second.keys.max), (Duration::from_millis(1), Duration::from_millis(51)));
    }
}
