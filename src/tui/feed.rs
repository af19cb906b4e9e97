//! A live feed: what observers read, where the person is in it, what is searched in it, and which lines are seen.
//!
//! It keeps a bounded end of what happened. A line is put into words when it is seen or searched; see `words` for that.

use std::collections::VecDeque;

use super::keymap::{Motion, Way};
use super::msg::FeedItem;
use super::text::row_at;
use super::words;
use crate::domain::{EventKind, ObserverRecvError, QueryId, Seq, SessionId, Timestamp, gap_line};
use crate::engine::EventRef;

/// Lines that are kept. A person scrolls back so far; the whole feed is the journal's.
pub(super) const FEED_LINES: usize = 5_000;

/// Bytes that the kept lines may hold: log lines can be 16 KB each, answers and prompts 4 MB.
const FEED_BYTES: usize = 8 << 20;

/// Rows that one wrapped line may take.
const WRAPPED_ROWS: usize = 20;

/// What a line of the feed tells of.
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

    pub(super) fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Event(event) => Some(event.at),
            Self::Gap { .. } => None,
        }
    }

    /// The line of JSON that the stream of events has for it.
    pub(super) fn json(&self, session: SessionId, top: SessionId) -> String {
        let child = (session != top).then_some(session);
        match self {
            Self::Event(event) => event.line(top, child),
            Self::Gap { from, to } => gap_line(top, child, *from, *to),
        }
    }
}

/// One line of the feed.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) session: SessionId,
    pub(super) tells: FeedLine,
    /// The time of the line before it, for distances.
    pub(super) before: Option<Timestamp>,
    /// Whether the search finds it.
    hit: bool,
}

/// How times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Times {
    /// The time of day, UTC.
    #[default]
    Clock,
    /// Since the session was made.
    SinceStart,
    /// Since the line before.
    Distance,
}

/// A search. Letters stand for both cases as long as none is large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Search {
    text: String,
    any_case: bool,
}

impl Search {
    /// The search of a text; nothing is searched by an empty one.
    pub(super) fn of(text: &str) -> Option<Self> {
        let any_case = !text.chars().any(char::is_uppercase);
        (!text.is_empty()).then(|| Self { text: text.to_owned(), any_case })
    }

    fn finds(&self, line: &FeedLine) -> bool {
        let (kind, payload) = words::feed_line(line);
        self.is_in(kind) || self.is_in(&payload)
    }

    /// What is searched.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a text has it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        if self.any_case { text.to_lowercase().contains(&self.text) } else { text.contains(&self.text) }
    }
}

/// Which lines are shown while something is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Only {
    #[default]
    All,
    Matching,
}

/// What is searched in a feed, and whether only what it finds is shown. It belongs to the feed it was typed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sought {
    search: Search,
    only: Only,
}

/// A feed and the window on it. Lines are named by a number that stays with them when older ones go.
#[derive(Debug, Default)]
pub(super) struct Feed {
    session: Option<SessionId>,
    lines: VecDeque<Line>,
    bytes: usize,
    /// The number of the oldest kept line.
    first: u64,
    /// The line that keys act on; `None` while the end is followed.
    cursor: Option<u64>,
    /// The line at the top of the window, while it is not followed.
    top: u64,
    times: Times,
    wraps: bool,
    search: Option<Search>,
    only: Only,
    /// The size of the window.
    size: (usize, usize),
    /// The lines in the window.
    window: Vec<u64>,
}

impl Feed {
    /// The feed of another session, looked at in the same way; what was sought in it before is sought again.
    pub(super) fn of(session: SessionId, before: &Self, sought: Option<Sought>) -> Self {
        let (search, only) = sought.map_or((None, Only::All), |Sought { search, only }| (Some(search), only));
        Self { session: Some(session), times: before.times, wraps: before.wraps, search, only, ..Self::default() }
    }

    pub(super) fn session(&self) -> Option<SessionId> {
        self.session
    }

    pub(super) fn take(&mut self, session: SessionId, items: Vec<FeedItem>) {
        for item in items {
            let tells = match item {
                FeedItem::Event(event) => FeedLine::Event(event),
                FeedItem::Instead(ObserverRecvError::Gap { from, to }) => FeedLine::Gap { from, to },
                FeedItem::Instead(ObserverRecvError::Closed) => continue,
            };
            self.bytes += tells.bytes();
            let hit = self.search.as_ref().is_some_and(|search| search.finds(&tells));
            let before = self.lines.back().and_then(|line| line.tells.at().or(line.before));
            self.lines.push_back(Line { session, tells, before, hit });
        }
        while self.lines.len() > FEED_LINES || (self.bytes > FEED_BYTES && self.lines.len() > 1) {
            if let Some(line) = self.lines.pop_front() {
                self.bytes -= line.tells.bytes();
                self.first += 1;
            }
        }
    }

    pub(super) fn is_following(&self) -> bool {
        self.cursor.is_none()
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn times(&self) -> Times {
        self.times
    }

    pub(super) fn wraps(&self) -> bool {
        self.wraps
    }

    pub(super) fn other_times(&mut self) {
        self.times = match self.times {
            Times::Clock => Times::SinceStart,
            Times::SinceStart => Times::Distance,
            Times::Distance => Times::Clock,
        };
    }

    pub(super) fn wrap_or_cut(&mut self) {
        self.wraps = !self.wraps;
    }

    /// What is sought, to seek it again when its session is looked at again.
    pub(super) fn sought(&self) -> Option<(SessionId, Sought)> {
        Some((self.session?, Sought { search: self.search.clone()?, only: self.only }))
    }

    /// The text that is searched.
    pub(super) fn searched(&self) -> Option<&str> {
        self.search.as_ref().map(|search| search.text.as_str())
    }

    pub(super) fn shows_only_matching(&self) -> bool {
        self.only == Only::Matching
    }

    /// Shows only what the search finds, or everything again. `None`: nothing is searched.
    pub(super) fn only_matching_or_all(&mut self) -> Option<()> {
        self.search.as_ref()?;
        self.only = match self.only {
            Only::All => Only::Matching,
            Only::Matching => Only::All,
        };
        Some(())
    }

    /// Searches another text; an empty one ends the search. Gives how many lines it finds.
    pub(super) fn search(&mut self, text: &str) -> usize {
        self.search = Search::of(text);
        if self.search.is_none() {
            self.only = Only::All;
        }
        let mut found = 0;
        for line in &mut self.lines {
            line.hit = self.search.as_ref().is_some_and(|search| search.finds(&line.tells));
            found += usize::from(line.hit);
        }
        found
    }

    /// Which of the lines that the search finds keys act on, counted from 1; and how many there are.
    pub(super) fn hit_here(&self) -> (Option<usize>, usize) {
        let here = self.here().map_or(0, |here| (here - self.first) as usize);
        let hits = |lines: usize| self.lines.iter().take(lines).filter(|line| line.hit).count();
        let is_hit = self.cursor.is_some() && self.lines.get(here).is_some_and(|line| line.hit);
        (is_hit.then(|| hits(here + 1)), hits(self.lines.len()))
    }

    /// Where the person is, to come back to.
    pub(super) fn stands(&self) -> Option<u64> {
        self.cursor
    }

    /// Goes back to where the person was.
    pub(super) fn stand(&mut self, at: Option<u64>) {
        self.cursor = at;
    }

    /// Goes to another line that the search finds; starts over at the end, and says whether it did. `None`: there is
    /// none.
    pub(super) fn go_to_match(&mut self, way: Way) -> Option<bool> {
        let here = self.here()?;
        let count = self.lines.len();
        let at = (here - self.first) as usize;
        let next = (1..=count).map(|step| match way {
            Way::Next => (at + step) % count,
            Way::Previous => (at + count - step % count) % count,
        });
        let found = next.into_iter().find(|n| self.lines[*n].hit)?;
        self.cursor = Some(self.first + found as u64);
        Some(match way {
            Way::Next => found <= at,
            Way::Previous => found >= at,
        })
    }

    /// Goes to the newest line that the search finds, at or above where the person is.
    pub(super) fn go_to_first_match(&mut self) {
        let Some(here) = self.here() else { return };
        if !self.lines[(here - self.first) as usize].hit {
            self.go_to_match(Way::Previous);
        } else if self.cursor.is_none() {
            self.cursor = Some(here);
        }
    }

    /// The number of the line that keys act on.
    fn here(&self) -> Option<u64> {
        let last = (self.first + self.lines.len() as u64).checked_sub(1).filter(|_| !self.lines.is_empty())?;
        Some(self.cursor.unwrap_or(last).clamp(self.first, last))
    }

    /// The line that keys act on.
    pub(super) fn line_here(&self) -> Option<&Line> {
        self.lines.get((self.here()? - self.first) as usize)
    }

    pub(super) fn follow_or_stop(&mut self) {
        self.cursor = match self.cursor {
            None => self.here(),
            Some(_) => None,
        };
    }

    pub(super) fn scroll(&mut self, motion: Motion) {
        let Some(here) = self.here() else { return };
        let half = self.size.1.div_ceil(2).max(1);
        let at = (here - self.first) as usize;
        let mut down = (at + 1..self.lines.len()).filter(|n| self.is_shown(*n));
        let mut up = (0..at).rev().filter(|n| self.is_shown(*n));
        let to = match motion {
            Motion::Down => down.next(),
            Motion::HalfDown => down.take(half).last(),
            Motion::Bottom => None,
            Motion::Up => Some(up.next().unwrap_or(at)),
            Motion::HalfUp => Some(up.take(half).last().unwrap_or(at)),
            Motion::Top => Some((0..at).find(|n| self.is_shown(*n)).unwrap_or(at)),
        };
        // Whoever goes beyond the last line follows.
        self.cursor =
            to.filter(|to| motion == Motion::Up || to + 1 < self.lines.len()).map(|to| self.first + to as u64);
    }

    fn is_shown(&self, n: usize) -> bool {
        self.only == Only::All || self.lines[n].hit
    }

    fn rows(&self, n: usize) -> usize {
        if !self.wraps {
            return 1;
        }
        let (_, payload) = words::feed_line(&self.lines[n].tells);
        wrapped(&payload, self.size.0).count().max(1)
    }

    /// Decides which lines a window of this size shows.
    pub(super) fn prepare(&mut self, payload_width: usize, height: usize) {
        self.size = (payload_width, height);
        self.window.clear();
        let Some(here) = self.here() else { return };
        let at = (here - self.first) as usize;
        let mut window = if self.cursor.is_none() {
            self.window_up(self.lines.len(), height)
        } else {
            self.cursor = Some(here);
            let top = (self.top.max(self.first) - self.first) as usize;
            let window = self.window_down(top.min(at), height);
            if window.contains(&at) { window } else { self.window_up(at + 1, height) }
        };
        let rows: usize = window.iter().map(|n| self.rows(*n)).sum();
        if rows < height && window.last().is_none_or(|last| !(last + 1..self.lines.len()).any(|n| self.is_shown(n))) {
            // No empty rows at the end as long as there are lines above.
            window = self.window_up(self.lines.len(), height);
        }
        self.window = window.into_iter().map(|n| self.first + n as u64).collect();
        self.top = self.window.first().copied().unwrap_or(self.first);
    }

    /// The shown lines that fit `height` rows, the last of them before line `end`.
    fn window_up(&self, end: usize, height: usize) -> Vec<usize> {
        let mut window = self.fitting((0..end).rev(), height);
        window.reverse();
        window
    }

    /// The shown lines that fit `height` rows, from line `start` on.
    fn window_down(&self, start: usize, height: usize) -> Vec<usize> {
        self.fitting(start..self.lines.len(), height)
    }

    /// Those of `lines` that are shown and fit `height` rows together; the first in any case.
    fn fitting(&self, lines: impl Iterator<Item = usize>, height: usize) -> Vec<usize> {
        let mut left = height;
        let mut window = Vec::new();
        for n in lines.filter(|n| self.is_shown(*n)) {
            let rows = self.rows(n);
            if rows > left && !window.is_empty() {
                break;
            }
            left = left.saturating_sub(rows);
            window.push(n);
            if left == 0 {
                break;
            }
        }
        window
    }

    /// The lines in the window, with whether the cursor is on them and whether the search finds them.
    pub(super) fn window(&self) -> impl Iterator<Item = (&Line, bool, bool)> {
        let lines = self.window.iter().filter_map(|n| Some((*n, self.lines.get(n.checked_sub(self.first)? as usize)?)));
        lines.map(|(n, line)| (line, self.cursor == Some(n), line.hit))
    }

    /// When a query was answered, as far as the feed still has it.
    pub(super) fn answered_at(&self, query: QueryId) -> Option<Timestamp> {
        self.lines.iter().rev().find_map(|line| match &line.tells {
            FeedLine::Event(event) => match &event.kind {
                EventKind::AnswerAccepted { query_id, .. } if *query_id == query => Some(event.at),
                _ => None,
            },
            FeedLine::Gap { .. } => None,
        })
    }
}

/// The rows of a wrapped payload.
pub(super) fn wrapped(payload: &str, width: usize) -> impl Iterator<Item = &str> {
    let mut at = 0;
    std::iter::from_fn(move || {
        (at < payload.len()).then(|| {
            let (end, next) = row_at(payload, at, width.max(1));
            let row = &payload[at..end];
            at = next;
            row
        })
    })
    .take(WRAPPED_ROWS)
}
