//! The live feed of the selected session: what its observer read, and how far the person has scrolled in it.
//!
//! It keeps a bounded end of the feed. Nothing is formatted before it is seen; see `words` for that.

use std::collections::VecDeque;

use super::keymap::Motion;
use super::msg::FeedItem;
use crate::domain::{ObserverRecvError, Seq, SessionId};
use crate::engine::EventRef;

/// Lines that are kept. A person scrolls back so far; the whole feed is the journal's.
pub(super) const FEED_LINES: usize = 5_000;

/// Bytes that the kept lines may hold: log lines can be 16 KB each, answers and prompts 4 MB.
const FEED_BYTES: usize = 8 << 20;

/// One line of the feed.
#[derive(Debug, Clone)]
pub(super) enum FeedLine {
    Event(EventRef),
    Gap { from: Seq, to: Seq },
}

impl FeedLine {
    fn bytes(&self) -> usize {
        match self {
            Self::Event(event) => event.bytes(),
            Self::Gap { .. } => 0,
        }
    }
}

/// Where the window of the feed stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scroll {
    /// At the end, wherever that is.
    Following,
    /// With this line at the top, counted from the oldest kept one.
    At(usize),
}

/// The feed of one session.
#[derive(Debug)]
pub(super) struct Feed {
    session: Option<SessionId>,
    lines: VecDeque<FeedLine>,
    bytes: usize,
    scroll: Scroll,
}

impl Default for Feed {
    fn default() -> Self {
        Self { session: None, lines: VecDeque::new(), bytes: 0, scroll: Scroll::Following }
    }
}

impl Feed {
    pub(super) fn of(session: SessionId) -> Self {
        Self { session: Some(session), ..Self::default() }
    }

    pub(super) fn session(&self) -> Option<SessionId> {
        self.session
    }

    pub(super) fn take(&mut self, items: Vec<FeedItem>) {
        for item in items {
            let line = match item {
                FeedItem::Event(event) => FeedLine::Event(event),
                FeedItem::Instead(ObserverRecvError::Gap { from, to }) => FeedLine::Gap { from, to },
                FeedItem::Instead(ObserverRecvError::Closed) => continue,
            };
            self.bytes += line.bytes();
            self.lines.push_back(line);
        }
        while self.lines.len() > FEED_LINES || (self.bytes > FEED_BYTES && self.lines.len() > 1) {
            if let Some(line) = self.lines.pop_front() {
                self.bytes -= line.bytes();
            }
            if let Scroll::At(top) = &mut self.scroll {
                *top = top.saturating_sub(1);
            }
        }
    }

    pub(super) fn is_following(&self) -> bool {
        self.scroll == Scroll::Following
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The line at the top of a window of this height.
    fn top(&self, height: usize) -> usize {
        let last_top = self.lines.len().saturating_sub(height);
        match self.scroll {
            Scroll::Following => last_top,
            Scroll::At(top) => top.min(last_top),
        }
    }

    pub(super) fn follow_or_stop(&mut self, height: usize) {
        self.scroll = match self.scroll {
            Scroll::Following => Scroll::At(self.top(height)),
            Scroll::At(_) => Scroll::Following,
        };
    }

    pub(super) fn scroll(&mut self, motion: Motion, height: usize) {
        let top = self.top(height);
        let half = height.div_ceil(2);
        let last_top = self.lines.len().saturating_sub(height);
        let to = match motion {
            Motion::Down => top + 1,
            Motion::HalfDown => top + half,
            Motion::Bottom => last_top,
            Motion::Up => top.saturating_sub(1),
            Motion::HalfUp => top.saturating_sub(half),
            Motion::Top => 0,
        };
        let forward = matches!(motion, Motion::Down | Motion::HalfDown | Motion::Bottom);
        self.scroll = if forward && to >= last_top { Scroll::Following } else { Scroll::At(to) };
    }

    /// The lines in a window of this height.
    pub(super) fn window(&self, height: usize) -> impl Iterator<Item = &FeedLine> {
        self.lines.iter().skip(self.top(height)).take(height)
    }
}
