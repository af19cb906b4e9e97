//! The sessions of the list, kept in attention order as they change.
//!
//! A change costs the logarithm of how many there are; nothing here ever walks over all of them.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{ExecutionState, SessionId, StateName, Timestamp};
use crate::engine::Summary;

/// The groups of attention order, first to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    /// Oldest question first.
    Waiting,
    /// Newest failure first.
    Failed,
    /// Oldest first.
    Running,
    /// Newest end first.
    Ended,
}

/// Where a session stands in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    group: Group,
    rank: i64,
    id: SessionId,
}

impl Place {
    fn of(summary: &Summary) -> Self {
        let (group, rank) = match &summary.state {
            ExecutionState::Paused(pause) => (Group::Waiting, pause.paused_at),
            ExecutionState::Failed(failure) => (Group::Failed, -failure.occurred_at),
            ExecutionState::Running { .. } => (Group::Running, summary.created_at),
            ExecutionState::Done(_) | ExecutionState::Cancelled(_) => (Group::Ended, -summary.last_at),
        };
        Self { group, rank, id: summary.id }
    }

    pub(super) fn id(self) -> SessionId {
        self.id
    }

    fn is_waiting(self) -> bool {
        self.group == Group::Waiting
    }
}

/// How many sessions there are of each state, and what all of them used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) total: usize,
    pub(super) waiting: usize,
    pub(super) running: usize,
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) cancelled: usize,
    pub(super) tokens: u64,
}

impl Counts {
    /// How many have not ended.
    pub(super) fn live(self) -> usize {
        self.waiting + self.running
    }

    fn slot(&mut self, state: StateName) -> &mut usize {
        match state {
            StateName::Paused => &mut self.waiting,
            StateName::Running => &mut self.running,
            StateName::Done => &mut self.done,
            StateName::Failed => &mut self.failed,
            StateName::Cancelled => &mut self.cancelled,
        }
    }
}

/// All sessions the desk knows.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    rows: HashMap<SessionId, Summary>,
    order: BTreeSet<Place>,
    counts: Counts,
}

impl Sessions {
    pub(super) fn get(&self, id: SessionId) -> Option<&Summary> {
        self.rows.get(&id)
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a session in, new or changed.
    pub(super) fn put(&mut self, summary: Summary) {
        self.remove(summary.id);
        self.order.insert(Place::of(&summary));
        self.counts.total += 1;
        *self.counts.slot(summary.state.name()) += 1;
        self.counts.tokens = self.counts.tokens.saturating_add(summary.usage.total_tokens.tokens);
        self.rows.insert(summary.id, summary);
    }

    pub(super) fn remove(&mut self, id: SessionId) {
        let Some(old) = self.rows.remove(&id) else { return };
        self.order.remove(&Place::of(&old));
        self.counts.total -= 1;
        *self.counts.slot(old.state.name()) -= 1;
        self.counts.tokens = self.counts.tokens.saturating_sub(old.usage.total_tokens.tokens);
    }

    pub(super) fn place(&self, id: SessionId) -> Option<Place> {
        self.rows.get(&id).map(Place::of)
    }

    pub(super) fn first(&self) -> Option<Place> {
        self.order.first().copied()
    }

    pub(super) fn last(&self) -> Option<Place> {
        self.order.last().copied()
    }

    /// The sessions behind `place`, in order.
    pub(super) fn behind(&self, place: Place) -> impl Iterator<Item = Place> {
        self.order.range((std::ops::Bound::Excluded(place), std::ops::Bound::Unbounded)).copied()
    }

    /// The sessions before `place`, the nearest first.
    pub(super) fn before(&self, place: Place) -> impl Iterator<Item = Place> {
        self.order.range(..place).rev().copied()
    }

    /// The session that has waited longest.
    pub(super) fn oldest_waiting(&self) -> Option<Place> {
        self.first().filter(|place| place.is_waiting())
    }

    /// Since when the oldest question waits.
    pub(super) fn waiting_since(&self) -> Option<Timestamp> {
        self.oldest_waiting().map(|place| place.rank)
    }

    /// The waiting session behind `from`, oldest first; starts over at the end.
    pub(super) fn next_waiting(&self, from: Option<Place>) -> Option<Place> {
        from.filter(|place| place.is_waiting())
            .and_then(|place| self.behind(place).next().filter(|next| next.is_waiting()))
            .or_else(|| self.oldest_waiting())
    }

    /// The waiting session before `from`; starts over at the beginning.
    pub(super) fn previous_waiting(&self, from: Option<Place>) -> Option<Place> {
        from.filter(|place| place.is_waiting()).and_then(|place| self.before(place).next()).or_else(|| {
            let end = Place { group: Group::Failed, rank: i64::MIN, id: SessionId::from_bits(0) };
            self.before(end).next()
        })
    }

    /// At most `height` sessions around `selected`, which stands `anchor` rows below the first where that is possible.
    pub(super) fn window(&self, selected: Option<Place>, anchor: usize, height: usize) -> Vec<Place> {
        let Some(selected) = selected.or_else(|| self.first()) else { return Vec::new() };
        let above = anchor.min(height.saturating_sub(1));
        let mut window: Vec<Place> = self.before(selected).take(above).collect();
        window.reverse();
        window.push(selected);
        window.extend(self.behind(selected).take(height.saturating_sub(window.len())));
        if window.len() < height {
            let missing = height - window.len();
            let mut more: Vec<Place> = self.before(window[0]).take(missing).collect();
            more.reverse();
            more.append(&mut window);
            window = more;
        }
        window.truncate(height);
        window
    }
}
