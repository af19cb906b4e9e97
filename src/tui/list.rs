//! The rows of the list in their order, kept so as sessions change.
//!
//! A change of a session costs the logarithm of how many there are, and asks the filter about that session alone. Time
//! can change what a filter says (`age>5m`): each row remembers when, so nothing is asked again before. Nothing here
//! ever walks over all rows.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use super::arrange::{Arrangement, Group, Place, waiting_since};
use super::names::Names;
use super::tree::{Rise, Tree};
use crate::config::{Grouping, Sort};
use crate::domain::query::{Facts, Scratch};
use crate::domain::{BySession, SessionId, Timestamp};
use crate::engine::Summary;

/// What is remembered of a session, shown or not.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Placed {
    own: Place,
    shown: bool,
    waits: Option<Timestamp>,
    turns: Option<Timestamp>,
}

/// A session as the list gets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) summary: &'a Summary,
    /// What tells it from others of its title.
    pub(super) names: &'a Names,
}

/// One line of the list as it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// The heading of a group, and how many rows it has.
    Heading(Group, usize),
    Row(SessionId),
}

impl Line {
    pub(super) fn session(&self) -> Option<SessionId> {
        match self {
            Self::Row(id) => Some(*id),
            Self::Heading(..) => None,
        }
    }
}

/// Rows in order.
#[derive(Debug, Default)]
pub(super) struct List {
    how: Arrangement,
    placed: BySession<Box<Placed>>,
    /// Where each stands.
    tree: Tree,
    /// Those that are shown and wait, oldest first.
    waiting: BTreeSet<(Timestamp, SessionId)>,
    /// When the filter is to be asked again.
    turns: BTreeSet<(Timestamp, SessionId)>,
    groups: HashMap<Group, usize>,
    /// Whether the filter may say something else when only the number of a session changes.
    asks_for_numbers: bool,
    /// How many sessions came after the stable order was asked for.
    arrived: i64,
    /// Whether the places of the stable order are of no use to a later one.
    forgotten: bool,
    /// Whether rows stay where they are, and shown, whatever becomes of their sessions.
    held: bool,
    scratch: Scratch,
}

impl List {
    /// A list without rows; `before` says what is folded in it.
    pub(super) fn new(how: Arrangement, before: &Self) -> Self {
        let rise = match how.sort {
            Sort::Attention | Sort::State | Sort::Waiting => Rise::Follows,
            Sort::Stable => Rise::Keeps,
            Sort::Started | Sort::Name | Sort::Tokens => Rise::Never,
        };
        let asks_for_numbers = how.filter.asks_for_numbers();
        let tree = Tree::new(rise, before.tree.folded().clone());
        Self { how, tree, held: before.held, asks_for_numbers, ..Self::default() }
    }

    pub(super) fn how(&self) -> &Arrangement {
        &self.how
    }

    /// The rows as families.
    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(super) fn tree_mut(&mut self) -> &mut Tree {
        &mut self.tree
    }

    /// Holds every row where it is, or lets those that are put again go to their places.
    pub(super) fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Whether other numbers may be other rows: not while every row is held.
    pub(super) fn turns_with_numbers(&self) -> bool {
        self.asks_for_numbers && !self.held
    }

    /// Lets the next arrangement in stable order begin anew.
    pub(super) fn forget_places(&mut self) {
        self.forgotten = true;
    }

    /// How many rows are shown, also in what is folded away.
    pub(super) fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether the filter shows a session.
    pub(super) fn is_shown(&self, id: SessionId) -> bool {
        self.placed.get(&id).is_some_and(|placed| placed.shown)
    }

    /// Where a session stands, or would if it were shown.
    pub(super) fn place(&self, id: SessionId) -> Option<&Place> {
        self.tree.place(id)
    }

    /// Takes a session in that was there when this order was asked for. In stable order it keeps the place it had in
    /// `before`.
    pub(super) fn settle(&mut self, known: Known<'_>, before: Option<&Self>, now: Timestamp) {
        let summary = known.summary;
        let stable = |list: &Self| list.how.sort == Sort::Stable && !list.forgotten;
        let kept = before.filter(|before| stable(before) && self.how.sort == Sort::Stable);
        let rank = kept.and_then(|before| before.place(summary.id)).map(|place| place.rank.clone());
        let mut place = Place::of(summary, &self.how);
        place.rank = rank.unwrap_or(place.rank);
        if let Some(before) = kept {
            self.arrived = self.arrived.max(before.arrived);
        }
        self.put_at(place, known, now);
    }

    /// Takes a session in, new or changed.
    pub(super) fn put(&mut self, known: Known<'_>, now: Timestamp) {
        let summary = known.summary;
        let place = match (self.how.sort, self.place(summary.id)) {
            (Sort::Stable, Some(place)) => Place { rank: place.rank.clone(), ..Place::of(summary, &self.how) },
            (Sort::Stable, None) => {
                self.arrived += 1;
                Place::arrived(summary, &self.how, self.arrived)
            }
            _ => Place::of(summary, &self.how),
        };
        self.put_at(place, known, now);
    }

    fn put_at(&mut self, own: Place, Known { summary, names }: Known<'_>, now: Timestamp) {
        let number = self.asks_for_numbers.then(|| names.number(summary)).flatten();
        let facts = Facts { number, ..summary.facts(now) };
        let verdict = self.how.filter.verdict(&facts, &mut self.scratch);
        let held = self.placed.get(&summary.id).filter(|_| self.held);
        let (own, shown) = held.map_or((own, verdict.holds), |before| (before.own.clone(), before.shown));
        let placed = Box::new(Placed { own, shown, waits: waiting_since(summary), turns: verdict.until });
        // Most changes move nothing: a log line, a step of progress.
        if self.placed.get(&summary.id) == Some(&placed) {
            return;
        }
        self.uncount(summary.id);
        if placed.shown {
            if let Some(since) = placed.waits {
                self.waiting.insert((since, summary.id));
            }
            *self.groups.entry(placed.own.group.clone()).or_default() += 1;
        }
        if let Some(at) = placed.turns {
            self.turns.insert((at, summary.id));
        }
        self.tree.put(placed.own.clone(), summary.origin(), placed.shown);
        self.placed.insert(summary.id, placed);
    }

    pub(super) fn remove(&mut self, id: SessionId) {
        self.uncount(id);
        self.tree.remove(id);
    }

    /// Forgets everything of a session but its place.
    fn uncount(&mut self, id: SessionId) {
        let Some(placed) = self.placed.remove(&id) else { return };
        if placed.shown {
            if let Some(since) = placed.waits {
                self.waiting.remove(&(since, id));
            }
            if let Some(rows) = self.groups.get_mut(&placed.own.group) {
                *rows -= 1;
                if *rows == 0 {
                    self.groups.remove(&placed.own.group);
                }
            }
        }
        if let Some(at) = placed.turns {
            self.turns.remove(&(at, id));
        }
    }

    /// When time alone may show or hide a row.
    pub(super) fn next_turn(&self) -> Option<Timestamp> {
        self.turns.first().map(|(at, _)| *at)
    }

    /// A session about which the filter is to be asked again by now.
    pub(super) fn due(&self, now: Timestamp) -> Option<SessionId> {
        self.turns.first().filter(|(at, _)| *at <= now && !self.held).map(|(_, id)| *id)
    }

    pub(super) fn first(&self) -> Option<SessionId> {
        self.tree.first().map(|place| place.id)
    }

    pub(super) fn last(&self) -> Option<SessionId> {
        self.tree.last().map(|place| place.id)
    }

    /// Every session that is seen, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = SessionId> {
        self.tree.all().map(|place| place.id)
    }

    /// The seen sessions behind this one, in order; it need not be shown itself.
    pub(super) fn behind(&self, id: SessionId) -> impl Iterator<Item = SessionId> {
        self.tree.behind(id).map(|place| place.id)
    }

    /// The seen sessions before this one, the nearest first.
    pub(super) fn before(&self, id: SessionId) -> impl Iterator<Item = SessionId> {
        self.tree.before(id).map(|place| place.id)
    }

    /// The seen sessions from one to the other, both included if they are seen, whichever stands first.
    pub(super) fn between(&self, a: SessionId, b: SessionId) -> impl Iterator<Item = SessionId> {
        let ends = self.tree.path(a).zip(self.tree.path(b));
        ends.into_iter().flat_map(move |(path_a, path_b)| {
            let (from, to) = if path_a <= path_b { (a, path_b) } else { (b, path_a) };
            let first = self.tree.is_seen(from).then_some(from);
            let up_to_end = move |id: &SessionId| self.tree.path(*id).is_some_and(|path| path <= to);
            first.into_iter().chain(self.behind(from)).take_while(up_to_end)
        })
    }

    /// Whether a seen session stands between two others, or is one of them.
    pub(super) fn is_between(&self, id: SessionId, a: SessionId, b: SessionId) -> bool {
        let path = |id| self.tree.path(id);
        match (path(id), path(a), path(b)) {
            (Some(it), Some(a), Some(b)) => self.tree.is_seen(id) && it >= *(&a).min(&b) && it <= *(&a).max(&b),
            _ => false,
        }
    }

    /// The shown session that has waited longest.
    pub(super) fn oldest_waiting(&self) -> Option<SessionId> {
        self.waiting.first().map(|(_, id)| *id)
    }

    /// The shown waiting session behind `from`, oldest first; starts over at the end.
    pub(super) fn next_waiting(&self, from: Option<SessionId>) -> Option<SessionId> {
        let behind = self
            .waits(from)
            .and_then(|here| self.waiting.range((Bound::Excluded(here), Bound::Unbounded)).next().map(|(_, id)| *id));
        behind.or_else(|| self.oldest_waiting())
    }

    /// The shown waiting session before `from`; starts over at the beginning.
    pub(super) fn previous_waiting(&self, from: Option<SessionId>) -> Option<SessionId> {
        let before = self.waits(from).and_then(|here| self.waiting.range(..here).next_back());
        before.or_else(|| self.waiting.last()).map(|(_, id)| *id)
    }

    fn waits(&self, id: Option<SessionId>) -> Option<(Timestamp, SessionId)> {
        let id = id?;
        self.placed.get(&id)?.waits.map(|since| (since, id))
    }

    /// At most `height` lines around `selected`, which stands `anchor` lines below the first where that is possible.
    pub(super) fn window(&self, selected: Option<SessionId>, anchor: usize, height: usize) -> Vec<Line> {
        let selected = selected.filter(|id| self.placed.contains_key(id)).or_else(|| self.first());
        let Some((id, place)) = selected.and_then(|id| Some((id, self.place(id)?))) else { return Vec::new() };
        let mut above = self.lines_above(id, place, anchor.min(height.saturating_sub(1)));
        let mut lines: Vec<Line> = above.drain(..).rev().collect();
        lines.push(Line::Row(id));
        lines.extend(self.lines_below(id, place, height.saturating_sub(lines.len())));
        if lines.len() < height {
            lines.truncate(0);
            lines.push(Line::Row(id));
            lines.extend(self.lines_below(id, place, height - 1));
            let more = self.lines_above(id, place, height - lines.len());
            lines.splice(0..0, more.into_iter().rev());
        }
        lines.truncate(height);
        lines
    }

    fn heading(&self, group: &Group) -> Option<Line> {
        let headed = self.how.grouping != Grouping::None;
        headed.then(|| Line::Heading(group.clone(), self.groups.get(group).copied().unwrap_or_default()))
    }

    /// At most `most` lines above a row, the nearest first.
    fn lines_above(&self, id: SessionId, place: &Place, most: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut group = &place.group;
        for before in self.tree.before(id) {
            if lines.len() >= most {
                return lines;
            }
            if before.group != *group {
                lines.extend(self.heading(group));
                group = &before.group;
            }
            lines.push(Line::Row(before.id));
        }
        lines.extend(self.heading(group));
        lines.truncate(most);
        lines
    }

    /// At most `most` lines below a row.
    fn lines_below(&self, id: SessionId, place: &Place, most: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut group = &place.group;
        for behind in self.tree.behind(id) {
            if lines.len() >= most {
                break;
            }
            if behind.group != *group {
                group = &behind.group;
                lines.extend(self.heading(group));
            }
            lines.push(Line::Row(behind.id));
        }
        lines.truncate(most);
        lines
    }
}
