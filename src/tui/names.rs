//! What tells sessions of one title apart: a number behind the title, in the order of their birth.
//!
//! The number follows from what is recorded alone: the moments in which the sessions of that title were made, and of
//! those of one moment the order of their ids. So two desks on one journal give the same, and so does the next start, as
//! far as the same sessions are there. A session that is gone keeps its number for as long as the desk runs. A session
//! without another of its title has none.
//!
//! A branch has the moment of the session it goes on from. One that is made meanwhile comes last, so that no number
//! changes; the next start counts it right behind that session.

use std::collections::HashMap;

use super::text::{cut, width_of};
use crate::domain::{BySession, SessionId, Timestamp};
use crate::engine::Summary;

/// Where a session stands among those of its title: its moment, whether it is a branch, its id.
pub(super) type Birth = (Timestamp, bool, SessionId);

/// Where a session stands among those of its title, unless it is a branch that is made while the desk runs.
pub(super) fn birth(summary: &Summary) -> Birth {
    (summary.created_at, summary.spec.branch.is_some(), summary.id)
}

/// The sessions of each title in the order of their numbers, also those that are gone.
#[derive(Debug, Default)]
pub(super) struct Names {
    titles: HashMap<String, Vec<Birth>>,
    numbers: BySession<u32>,
}

impl Names {
    /// Takes a session in, unless it is known. Gives the others that have got a number by that, or another one: mostly
    /// none, since most sessions are younger than all before.
    pub(super) fn put(&mut self, summary: &Summary) -> Vec<SessionId> {
        if self.numbers.contains_key(&summary.id) {
            return Vec::new();
        }
        let title = summary.spec.display_title();
        let here @ (_, is_branch, _) = birth(summary);
        let born = match self.titles.get_mut(title) {
            Some(known) => known,
            None => self.titles.entry(title.to_owned()).or_default(),
        };
        let younger = born.iter().rev().take_while(|other| !is_branch && !other.1 && **other > here).count();
        let at = born.len() - younger;
        born.insert(at, here);
        for (number, (.., id)) in (1..).zip(born.iter()).skip(at) {
            self.numbers.insert(*id, number);
        }
        let from = if born.len() == 2 { 0 } else { at };
        born[from..].iter().map(|(.., id)| *id).filter(|id| *id != summary.id).collect()
    }

    /// The number that stands behind a session's title, if one does.
    pub(super) fn number(&self, summary: &Summary) -> Option<u32> {
        let several = self.titles.get(summary.spec.display_title()).is_some_and(|born| born.len() > 1);
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
