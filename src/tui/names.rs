//! What tells sessions of one title apart: a number behind the title, in the order of their birth.
//!
//! The number follows from what is recorded alone: the moments in which the sessions of that title were made, and of
//! those of one moment the order of their ids. So two desks on one journal give the same, and so does the next start, as
//! far as the same sessions are there. A session that is gone keeps its number for as long as the desk runs. A session
//! without another of its title has none.

use std::collections::HashMap;

use super::text::{cut, width_of};
use crate::domain::{SessionId, Timestamp};
use crate::engine::Summary;

/// The sessions of each title in the order of their birth, also those that are gone.
#[derive(Debug, Default)]
pub(super) struct Names {
    titles: HashMap<String, Vec<(Timestamp, SessionId)>>,
}

impl Names {
    /// Takes a session in, unless it is known. Gives the others that have got a number by that, or another one: mostly
    /// none, since most sessions are younger than all before.
    pub(super) fn put(&mut self, summary: &Summary) -> Vec<SessionId> {
        let title = summary.spec.display_title();
        let here = (summary.created_at, summary.id);
        let born = match self.titles.get_mut(title) {
            Some(known) => known,
            None => self.titles.entry(title.to_owned()).or_default(),
        };
        let Err(at) = born.binary_search(&here) else { return Vec::new() };
        born.insert(at, here);
        let from = if born.len() == 2 { 0 } else { at };
        born[from..].iter().map(|(_, id)| *id).filter(|id| *id != summary.id).collect()
    }

    /// The number that stands behind a session's title, if one does.
    pub(super) fn number(&self, summary: &Summary) -> Option<u32> {
        let born = self.titles.get(summary.spec.display_title()).filter(|born| born.len() > 1)?;
        let at = born.binary_search(&(summary.created_at, summary.id)).ok()?;
        u32::try_from(at + 1).ok()
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
