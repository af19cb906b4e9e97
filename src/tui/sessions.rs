//! All sessions the desk knows, counted, and the list of them as it is arranged.
//!
//! A change costs the logarithm of how many there are. Arranging them anew is the one thing that looks at all of them:
//! it is done in portions ([`Sessions::work`]), between which keys are taken, and the old list is shown meanwhile.

use std::collections::BTreeSet;

use super::arrange::{Arrangement, waiting_since};
use super::list::{Known, List};
use super::names::Names;
use crate::domain::{BySession, SessionId, StateName, Timestamp};
use crate::engine::Summary;

/// Sessions that one portion of work looks at: two milliseconds' worth where the filter is slow.
const PORTION: usize = 2_000;

/// How many sessions there are of each state, and what all of them used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) total: usize,
    pub(super) waiting: usize,
    pub(super) running: usize,
    /// Those that are run when somebody releases them: before their first instruction, or behind two deaths.
    pub(super) held: usize,
    pub(super) suspended: usize,
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) cancelled: usize,
    pub(super) tokens: u64,
}

impl Counts {
    /// How many have not ended.
    pub(super) fn live(self) -> usize {
        self.waiting + self.running + self.held + self.suspended
    }

    fn slot(&mut self, summary: &Summary) -> &mut usize {
        match summary.state.name() {
            StateName::Paused => &mut self.waiting,
            StateName::Running if summary.presence.is_suspended() => &mut self.suspended,
            StateName::Running if summary.is_held() => &mut self.held,
            StateName::Running => &mut self.running,
            StateName::Done => &mut self.done,
            StateName::Failed => &mut self.failed,
            StateName::Cancelled => &mut self.cancelled,
        }
    }
}

/// A list that is not complete yet.
#[derive(Debug)]
struct Next {
    list: List,
    to_do: Vec<SessionId>,
}

/// All sessions the desk knows.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// Boxed, here and in lists: to move the rows themselves as the map grows would hold a key up for a third of a second.
    rows: BySession<Box<Summary>>,
    counts: Counts,
    /// Those that wait, oldest first, shown or not.
    waiting: BTreeSet<(Timestamp, SessionId)>,
    names: Names,
    /// Whether sessions got other numbers since the list was arranged.
    renumbered: bool,
    list: List,
    next: Option<Box<Next>>,
}

impl Sessions {
    pub(super) fn get(&self, id: SessionId) -> Option<&Summary> {
        self.rows.get(&id).map(Box::as_ref)
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// The list as it is shown.
    pub(super) fn list(&self) -> &List {
        &self.list
    }

    /// How the list is arranged, or will be in a moment.
    pub(super) fn how(&self) -> &Arrangement {
        self.next.as_ref().map_or(&self.list, |next| &next.list).how()
    }

    /// Every session, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Summary> {
        self.rows.values().map(Box::as_ref)
    }

    /// Takes a session in, new or changed.
    pub(super) fn put(&mut self, summary: Summary, now: Timestamp) {
        if !self.count_out(summary.id) {
            self.renumbered |= self.names.put(&summary);
        }
        self.place(&summary, now);
        self.counts.total += 1;
        *self.counts.slot(&summary) += 1;
        self.counts.tokens = self.counts.tokens.saturating_add(summary.usage.total_tokens.tokens);
        if let Some(since) = waiting_since(&summary) {
            self.waiting.insert((since, summary.id));
        }
        self.rows.insert(summary.id, Box::new(summary));
    }

    /// Holds every row where it is, whatever becomes of its session.
    pub(super) fn hold(&mut self) {
        self.in_lists(|list| list.hold(true));
    }

    /// Lets rows go to their places again: these now, others when they change.
    pub(super) fn let_go(&mut self, of: impl IntoIterator<Item = SessionId>, now: Timestamp) {
        self.in_lists(|list| list.hold(false));
        for id in of {
            if let Some(summary) = self.rows.get(&id).cloned() {
                self.place(&summary, now);
            }
        }
    }

    fn place(&mut self, summary: &Summary, now: Timestamp) {
        let known = Known { summary, names: &self.names };
        self.list.put(known, now);
        if let Some(next) = &mut self.next {
            next.list.put(known, now);
        }
    }

    /// What tells sessions of one title apart.
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Folds the children of a session away, or shows them.
    pub(super) fn fold_or_unfold(&mut self, id: SessionId) {
        self.in_lists(|list| list.tree_mut().fold_or_unfold(id));
    }

    /// Unfolds what a session is folded away in.
    pub(super) fn reveal(&mut self, id: SessionId) {
        self.in_lists(|list| list.tree_mut().reveal(id));
    }

    fn in_lists(&mut self, change: impl Fn(&mut List)) {
        change(&mut self.list);
        if let Some(next) = &mut self.next {
            change(&mut next.list);
        }
    }

    pub(super) fn remove(&mut self, id: SessionId) {
        self.count_out(id);
        self.rows.remove(&id);
        self.list.remove(id);
        if let Some(next) = &mut self.next {
            next.list.remove(id);
        }
    }

    /// Takes a session out of the counts. Gives whether it was known.
    fn count_out(&mut self, id: SessionId) -> bool {
        let Some(old) = self.rows.get(&id) else { return false };
        if let Some(since) = waiting_since(old) {
            self.waiting.remove(&(since, id));
        }
        self.counts.total -= 1;
        *self.counts.slot(old) -= 1;
        self.counts.tokens = self.counts.tokens.saturating_sub(old.usage.total_tokens.tokens);
        true
    }

    /// Since when the oldest question waits.
    pub(super) fn waiting_since(&self) -> Option<Timestamp> {
        self.waiting.first().map(|(since, _)| *since)
    }

    /// Arranges the list anew: at once if there are few sessions, else in portions.
    pub(super) fn arrange(&mut self, how: Arrangement, now: Timestamp) {
        self.renumbered = false;
        let to_do = self.rows.keys().copied().collect();
        self.next = Some(Box::new(Next { list: List::new(how, &self.list), to_do }));
        self.work(now);
    }

    /// Arranges the list anew and forgets the places of a stable order.
    pub(super) fn arrange_afresh(&mut self, how: Arrangement, now: Timestamp) {
        self.list.forget_places();
        self.arrange(how, now);
    }

    /// Does all of the work, for a key that means the list as it was asked for.
    pub(super) fn finish(&mut self, now: Timestamp) {
        while self.has_work(now) {
            self.work(now);
        }
    }

    /// Whether there is work that waits for nothing but time to do it.
    pub(super) fn has_work(&self, now: Timestamp) -> bool {
        self.next.is_some() || self.is_out_of_date() || self.list.due(now).is_some()
    }

    /// Whether the filter is to be asked again about all: any of them may have got the number that it names.
    fn is_out_of_date(&self) -> bool {
        self.renumbered && self.list.turns_with_numbers()
    }

    /// Does a portion of the work.
    pub(super) fn work(&mut self, now: Timestamp) {
        if self.next.is_none() && self.is_out_of_date() {
            return self.arrange(self.list.how().clone(), now);
        }
        let mut left = PORTION;
        if let Some(next) = &mut self.next {
            while left > 0
                && let Some(id) = next.to_do.pop()
            {
                left -= 1;
                if let Some(summary) = self.rows.get(&id) {
                    let known = Known { summary, names: &self.names };
                    next.list.settle(known, Some(&self.list), now);
                }
            }
            if next.to_do.is_empty()
                && let Some(next) = self.next.take()
            {
                self.list = next.list;
            }
        }
        while left > 0
            && let Some(id) = self.list.due(now)
        {
            left -= 1;
            match self.rows.get(&id) {
                Some(summary) => self.list.put(Known { summary, names: &self.names }, now),
                None => self.list.remove(id),
            }
        }
    }
}
