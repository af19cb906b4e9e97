//! Where the person stands: the selected session, how far the list is scrolled, how it is arranged and filtered, which
//! tab is open. A desk that takes another's place begins there.

use std::collections::HashSet;

use super::app::{App, Tab};
use super::arrange::Arrangement;
use crate::domain::SessionId;

/// Where the person stood in a desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stand {
    pub(super) selected: Option<SessionId>,
    /// How many rows of the list stood above the selected one, and whether the first of all was seen.
    pub(super) anchor: usize,
    pub(super) at_top: bool,
    filter: String,
    sort: crate::config::Sort,
    grouping: crate::config::Grouping,
    folded: HashSet<SessionId>,
    tab: Tab,
}

impl App {
    /// Where the person stands now.
    pub fn stand(&self) -> Stand {
        let how = self.sessions.how();
        Stand {
            selected: self.selected,
            anchor: self.anchor,
            at_top: self.at_top,
            filter: self.listing.filter.clone(),
            sort: how.sort,
            grouping: how.grouping,
            folded: self.sessions.list().tree().folded().clone(),
            tab: self.tab,
        }
    }

    /// Begins where the person stood. Comes before the first session.
    pub fn stand_as(&mut self, stand: Stand) {
        self.tab = stand.tab;
        if let Ok(filter) = stand.filter.parse() {
            self.listing.filter.clone_from(&stand.filter);
            let how = Arrangement { sort: stand.sort, grouping: stand.grouping, filter: std::sync::Arc::new(filter) };
            self.sessions.arrange(how, self.now);
        }
        for id in &stand.folded {
            self.sessions.fold_or_unfold(*id);
        }
        self.opens.stand = Some(stand);
    }
}
