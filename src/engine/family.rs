//! Who has forked whom: the sessions that are listed, and what is asked of those below one.
//!
//! Each question costs as much as the family that it is about is large, however many sessions there are. What a child
//! or a parent does is not here; see [`session_task::fork`](super::session_task).

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use super::Spent;
use super::heaps::{Heaps, Portion};
use super::posts::Live;
use super::purse::Purse;
use super::shared::Shared;
use super::weight::json_weight;
use crate::domain::{BySession, SessionId, SessionKind, SessionSpec};

/// The sessions that are listed, by id. Everybody may look; they come and go only here.
#[derive(Default)]
pub(super) struct Sessions {
    all: BySession<Arc<Live>>,
    /// Each child behind its parent, whether or not that is listed.
    children: BTreeSet<(SessionId, SessionId)>,
}

impl Sessions {
    /// Lists a session unless it is listed. Gives what is.
    pub(super) fn add(&mut self, live: Arc<Live>) -> &Arc<Live> {
        let id = live.feed.id();
        if let Some(parent) = live.feed.lock().summary.parent() {
            self.children.insert((parent, id));
        }
        self.all.entry(id).or_insert(live)
    }

    /// Takes a session from the list.
    pub(super) fn remove(&mut self, id: SessionId) -> Option<Arc<Live>> {
        let live = self.all.remove(&id)?;
        if let Some(parent) = live.feed.lock().summary.parent() {
            self.children.remove(&(parent, id));
        }
        Some(live)
    }

    /// The children of a session, by id.
    fn children(&self, parent: SessionId) -> impl Iterator<Item = &Arc<Live>> {
        let of_parent = (parent, SessionId::from_bits(0))..=(parent, SessionId::from_bits(u64::MAX));
        self.children.range(of_parent).filter_map(|(_, child)| self.all.get(child))
    }
}

impl Deref for Sessions {
    type Target = BySession<Arc<Live>>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

/// Bytes of what a child was made of that it has for itself.
fn made_of(kind: &SessionKind) -> u64 {
    match kind {
        SessionKind::Advice { opts: Some(ctx), .. } => json_weight(ctx) as u64,
        _ => 0,
    }
}

impl Shared {
    /// The children of a session that are listed, also those that have ended.
    pub(super) fn children(&self, parent: SessionId) -> Vec<Arc<Live>> {
        self.sessions(|sessions| sessions.children(parent).cloned().collect())
    }

    /// The sessions below `top` that have not ended.
    pub(super) fn living_below(&self, top: SessionId) -> Vec<Arc<Live>> {
        let mut below = self.children(top);
        let mut next = 0;
        while let Some(live) = below.get(next) {
            let children = self.children(live.feed.id());
            below.extend(children);
            next += 1;
        }
        below.retain(|live| !live.has_ended());
        below
    }

    /// The session at the top of a child's family.
    pub(super) fn top_of(&self, spec: &SessionSpec) -> Option<SessionId> {
        let mut top = spec.parent.as_ref()?.session;
        while let Some(parent) = self.live(top)?.feed.lock().summary.parent() {
            top = parent;
        }
        Some(top)
    }

    /// What a child takes of the memory that its family may have.
    pub(super) fn portion_of(&self, spec: &SessionSpec) -> Option<Portion> {
        let heaps = self.heaps_below(self.top_of(spec)?)?;
        Some(Portion::new(heaps, made_of(&spec.kind)))
    }

    /// What counts the memory below the session `top`.
    pub(super) fn heaps_below(&self, top: SessionId) -> Option<Arc<Heaps>> {
        Some(Arc::clone(self.live(top)?.feed.lock().heaps.get_or_insert_default()))
    }

    /// What counts the budget of a family, for a child of it.
    pub(super) fn purse_of(&self, spec: &SessionSpec) -> Option<Arc<Purse>> {
        spec.parent.as_ref()?.budget?;
        let top = self.top_of(spec)?;
        self.purse_below(top, || {
            // What ended children have used is added to what their parents have.
            let family = self.live(top).into_iter().chain(self.living_below(top));
            family.map(|live| live.feed.lock().summary.usage).fold(Spent::default(), |spent, usage| Spent {
                llm_calls: spent.llm_calls + usage.llm_calls,
                tokens: spent.tokens + usage.total_tokens.tokens,
            })
        })
    }
}
