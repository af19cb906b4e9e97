//! What tells sessions of one title apart: a number behind the title, in the order they came.
//!
//! The first stays without a number until a second one comes. Numbers are never used again.

use std::collections::HashMap;

use super::text::{cut, width_of};
use crate::domain::{BySession, SessionId};
use crate::engine::Summary;

/// The numbers of sessions among those of the same title.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// How many sessions of a title there were, and the first of them.
    titles: HashMap<String, (u32, SessionId)>,
    numbers: BySession<u32>,
}

impl Names {
    /// Takes a session in, unless it is known. Gives the one that has got a number by that.
    pub(super) fn put(&mut self, summary: &Summary) -> Option<SessionId> {
        if self.numbers.contains_key(&summary.id) {
            return None;
        }
        let title = summary.spec.display_title();
        let (n, first) = match self.titles.get_mut(title) {
            Some(known) => known,
            None => self.titles.entry(title.to_owned()).or_insert((0, summary.id)),
        };
        *n += 1;
        self.numbers.insert(summary.id, *n);
        (*n == 2).then_some(*first)
    }

    /// The number that stands behind a session's title, if one does.
    pub(super) fn number(&self, summary: &Summary) -> Option<u32> {
        let several = self.titles.get(summary.spec.display_title()).is_some_and(|(n, _)| *n > 1);
        self.numbers.get(&summary.id).copied().filter(|_| several)
    }

    /// What the screen calls a session, on at most `width` columns. The number is never cut off.
    pub(super) fn name(&self, summary: &Summary, width: usize) -> String {
        let title = summary.spec.display_title();
        // Nothing can be called by blanks.
        if title.trim().is_empty() {
            return cut(&summary.id.short(), width);
        }
        let Some(number) = self.number(summary) else { return cut(title, width) };
        let number = format!(" #{number}");
        format!("{}{number}", cut(title, width.saturating_sub(width_of(&number)).max(1)))
    }
}
