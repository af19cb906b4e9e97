//! What tells sessions of one title apart: a number behind the title, in the order of their birth.
//!
//! The number follows from what is recorded alone: the moments in which the sessions of that title were made, and of
//! those of one moment the order of their ids. So two desks on one journal give the same, and so does the next start, as
//! far as the same sessions are there. A session that is gone keeps its number for as long as the desk runs. A session
//! without another of its title has none.
//!
//! Numbers are looked up, never handed out: one more session costs the same whichever it comes before. Of whoever gets
//! another number by that nothing is kept here.

use std::collections::HashMap;

use super::text::{cut, width_of};
use crate::domain::{SessionId, Timestamp};
use crate::engine::Summary;

/// When a session came to be, and its id.
type Birth = (Timestamp, SessionId);

fn birth(summary: &Summary) -> Birth {
    (born_at(summary), summary.id)
}

/// When a session came to be: of a branch, when it was branched off.
pub(super) fn born_at(summary: &Summary) -> Timestamp {
    summary.spec.own_time(summary.created_at)
}

/// The sessions of each title in the order of their birth, also those that are gone.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, Vec<Birth>>);

impl Names {
    /// Takes a session in, unless it is known. Says whether another has another number by that, or its first.
    pub(super) fn put(&mut self, summary: &Summary) -> bool {
        let title = summary.spec.display_title();
        let Some(born) = self.0.get_mut(title) else {
            self.0.insert(title.to_owned(), vec![birth(summary)]);
            return false;
        };
        let here = birth(summary);
        // Nearly all are younger than those before: nothing is moved for them.
        let Err(at) = born.binary_search(&here) else { return false };
        born.insert(at, here);
        at + 1 < born.len() || born.len() == 2
    }

    /// The number that stands behind a session's title, if one does.
    pub(super) fn number(&self, summary: &Summary) -> Option<u32> {
        let born = self.0.get(summary.spec.display_title()).filter(|born| born.len() > 1)?;
        let at = born.binary_search(&birth(summary)).ok()?;
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
