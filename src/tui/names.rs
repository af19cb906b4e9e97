//! What tells sessions of one title apart: a number behind the title, in the order they came.
//!
//! The first stays without a number until a second one comes. Numbers are never used again.

use std::collections::HashMap;

use super::text::{cut, width_of};
use crate::domain::SessionId;
use crate::engine::Summary;

/// The numbers of sessions among those of the same title.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// How many sessions of a title there were.
    titles: HashMap<String, u32>,
    numbers: HashMap<SessionId, u32>,
}

impl Names {
    /// Takes a session in, unless it is known.
    pub(super) fn put(&mut self, summary: &Summary) {
        if self.numbers.contains_key(&summary.id) {
            return;
        }
        let title = summary.spec.display_title();
        let n = match self.titles.get_mut(title) {
            Some(n) => n,
            None => self.titles.entry(title.to_owned()).or_default(),
        };
        *n += 1;
        self.numbers.insert(summary.id, *n);
    }

    /// What the screen calls a session, on at most `width` columns. The number is never cut off.
    pub(super) fn name(&self, summary: &Summary, width: usize) -> String {
        let title = summary.spec.display_title();
        let number = self.numbers.get(&summary.id).filter(|_| self.titles.get(title).is_some_and(|n| *n > 1));
        let Some(number) = number else { return cut(title, width) };
        let number = format!(" #{number}");
        format!("{}{number}", cut(title, width.saturating_sub(width_of(&number)).max(1)))
    }
}
