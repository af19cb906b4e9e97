//! The rows of the list as families: children stand under the session that forked them, each level in its own order.
//!
//! A child whose parent is not shown, or stands in another group, stands by itself. A change of a session costs the
//! logarithm of how many there are, and as much again for each session above it; only when a session itself comes,
//! goes or changes its group are its children looked at. What is shown, and why, is not known here.

use std::collections::{BTreeSet, HashMap, HashSet, btree_set};
use std::ops::Bound;

use super::arrange::{Group, Place};
use crate::domain::{BySession, SessionId};

/// Where a family stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Rise {
    /// Where its parent would stand alone.
    Never,
    /// Where the first of its members would: whoever needs attention must not be hidden below those who do not.
    #[default]
    Follows,
    /// As it was when the order was asked for: where the first of its members stood, and never further down.
    Keeps,
}

#[derive(Debug)]
struct Node {
    /// Where it would stand alone.
    own: Place,
    /// Where it stands with its family.
    place: Place,
    parent: Option<SessionId>,
    /// The parent, where it stands under it.
    home: Option<SessionId>,
    shown: bool,
}

/// Rows in order, in families.
#[derive(Debug, Default)]
pub(super) struct Tree {
    rise: Rise,
    nodes: BySession<Box<Node>>,
    /// Shown rows that stand by themselves.
    top: BTreeSet<Place>,
    /// Shown rows that stand under another.
    under: HashMap<SessionId, BTreeSet<Place>>,
    /// The known children of each session, shown or not.
    children: HashMap<SessionId, HashSet<SessionId>>,
    /// Sessions whose children are folded away.
    folded: HashSet<SessionId>,
    shown: usize,
}

impl Tree {
    pub(super) fn new(rise: Rise, folded: HashSet<SessionId>) -> Self {
        Self { rise, folded, ..Self::default() }
    }

    /// How many rows are shown, also in what is folded away.
    pub(super) fn len(&self) -> usize {
        self.shown
    }

    /// Where a session stands, or would if it were shown.
    pub(super) fn place(&self, id: SessionId) -> Option<&Place> {
        self.nodes.get(&id).map(|node| &node.place)
    }

    /// Takes a row in, new or changed.
    pub(super) fn put(&mut self, own: Place, parent: Option<SessionId>, shown: bool) {
        let id = own.id;
        let before = self.take(id);
        if let Some(parent) = parent {
            self.children.entry(parent).or_default().insert(id);
        }
        let home = self.home(parent, &own.group);
        let other = before.is_none_or(|before| before.shown != shown || before.own.group != own.group);
        self.insert(Box::new(Node { place: own.clone(), own, parent, home, shown }));
        if other {
            self.find_homes_below(id);
        }
        self.lift(Some(id));
        self.lift(home);
    }

    pub(super) fn remove(&mut self, id: SessionId) {
        let Some(node) = self.take(id) else { return };
        if let Some(parent) = node.parent
            && let Some(children) = self.children.get_mut(&parent)
            && children.remove(&id)
            && children.is_empty()
        {
            self.children.remove(&parent);
        }
        self.find_homes_below(id);
        self.folded.remove(&id);
    }

    /// Takes a node out. Its children stay where they are.
    fn take(&mut self, id: SessionId) -> Option<Box<Node>> {
        let node = self.nodes.remove(&id)?;
        if node.shown {
            self.shown -= 1;
            match node.home {
                None => drop(self.top.remove(&node.place)),
                Some(home) => {
                    let siblings = self.under.get_mut(&home);
                    if siblings.is_some_and(|siblings| siblings.remove(&node.place) && siblings.is_empty()) {
                        self.under.remove(&home);
                    }
                }
            }
            self.lift(node.home);
        }
        Some(node)
    }

    fn insert(&mut self, node: Box<Node>) {
        if node.shown {
            self.shown += 1;
            let siblings = match node.home {
                None => &mut self.top,
                Some(home) => self.under.entry(home).or_default(),
            };
            siblings.insert(node.place.clone());
        }
        self.nodes.insert(node.place.id, node);
    }

    /// Under which row one of this parent and group stands.
    fn home(&self, parent: Option<SessionId>, group: &Group) -> Option<SessionId> {
        let above = |parent: &SessionId| self.nodes.get(parent).is_some_and(|it| it.shown && it.own.group == *group);
        parent.filter(above)
    }

    /// Puts the children of a session under it, or lets them stand by themselves.
    fn find_homes_below(&mut self, id: SessionId) {
        let Some(children) = self.children.get(&id) else { return };
        for child in children.iter().copied().collect::<Vec<_>>() {
            let Some(node) = self.nodes.get(&child) else { continue };
            let home = self.home(node.parent, &node.own.group);
            if node.home != home
                && let Some(mut node) = self.take(child)
            {
                node.home = home;
                self.insert(node);
            }
        }
    }

    /// Puts a family, and those above it, where its members want it now.
    fn lift(&mut self, mut next: Option<SessionId>) {
        while let Some(id) = next {
            let Some(node) = self.nodes.get(&id) else { return };
            let first = self.under.get(&id).and_then(BTreeSet::first).map(|place| &place.rank);
            let rank = match self.rise {
                Rise::Never => &node.own.rank,
                Rise::Follows => first.map_or(&node.own.rank, |first| first.min(&node.own.rank)),
                Rise::Keeps => first.map_or(&node.place.rank, |first| first.min(&node.place.rank)),
            };
            if *rank == node.place.rank {
                return;
            }
            let place = Place { rank: rank.clone(), ..node.place.clone() };
            next = node.home;
            let (home, shown, old) = (node.home, node.shown, node.place.clone());
            if shown {
                let siblings = match home {
                    None => &mut self.top,
                    Some(home) => self.under.entry(home).or_default(),
                };
                siblings.remove(&old);
                siblings.insert(place.clone());
            }
            if let Some(node) = self.nodes.get_mut(&id) {
                node.place = place;
            }
        }
    }

    /// Whether a row is shown and not folded away.
    pub(super) fn is_seen(&self, id: SessionId) -> bool {
        self.nodes.get(&id).is_some_and(|node| node.shown) && self.folded_above(id).is_none()
    }

    /// How many rows a row stands below.
    pub(super) fn depth(&self, id: SessionId) -> usize {
        self.above(id).count()
    }

    /// The rows that a row stands under, the nearest first.
    fn above(&self, id: SessionId) -> impl Iterator<Item = SessionId> {
        std::iter::successors(self.nodes.get(&id).and_then(|node| node.home), |id| self.nodes.get(id)?.home)
    }

    /// How many rows stand right under a row, and whether they are folded away.
    pub(super) fn below(&self, id: SessionId) -> (usize, bool) {
        (self.under.get(&id).map_or(0, BTreeSet::len), self.folded.contains(&id))
    }

    /// The known sessions that come from a session, shown or not, in no order.
    pub(super) fn coming_from(&self, id: SessionId) -> impl Iterator<Item = SessionId> {
        self.children.get(&id).into_iter().flatten().copied()
    }

    /// The row that a row stands under.
    pub(super) fn parent(&self, id: SessionId) -> Option<SessionId> {
        self.nodes.get(&id)?.home
    }

    /// Folds the children of a row away, or shows them.
    pub(super) fn fold_or_unfold(&mut self, id: SessionId) {
        if !self.folded.remove(&id) {
            self.folded.insert(id);
        }
    }

    /// Unfolds what a row is folded away in.
    pub(super) fn reveal(&mut self, id: SessionId) {
        while let Some(above) = self.folded_above(id) {
            self.folded.remove(&above);
        }
    }

    /// What is folded.
    pub(super) fn folded(&self) -> &HashSet<SessionId> {
        &self.folded
    }

    /// The topmost row that a row is folded away in.
    fn folded_above(&self, id: SessionId) -> Option<SessionId> {
        if self.folded.is_empty() {
            return None;
        }
        self.above(id).filter(|above| self.folded.contains(above)).last()
    }

    /// Where a row stands on each level, from the top down: what stands first in the list is less.
    pub(super) fn path(&self, id: SessionId) -> Option<Vec<&Place>> {
        let mut path = vec![self.place(id)?];
        path.extend(self.above(id).filter_map(|above| self.place(above)));
        path.reverse();
        Some(path)
    }

    fn siblings(&self, home: Option<SessionId>) -> Option<&BTreeSet<Place>> {
        match home {
            None => Some(&self.top),
            Some(home) => self.under.get(&home),
        }
    }

    /// The rows right under a row, unless they are folded away.
    fn open_under(&self, id: SessionId) -> Option<&BTreeSet<Place>> {
        self.under.get(&id).filter(|_| !self.folded.contains(&id))
    }

    pub(super) fn first(&self) -> Option<&Place> {
        self.top.first()
    }

    pub(super) fn last(&self) -> Option<&Place> {
        self.top.last().map(|place| self.last_below(place))
    }

    /// The last row of a family.
    fn last_below<'a>(&'a self, mut place: &'a Place) -> &'a Place {
        while let Some(last) = self.open_under(place.id).and_then(BTreeSet::last) {
            place = last;
        }
        place
    }

    /// Every row that is seen, in order.
    pub(super) fn all(&self) -> Rows<'_> {
        Rows { tree: self, open: vec![self.top.range::<Place, _>(..)] }
    }

    /// The rows behind this one, in order; it need not be shown itself.
    pub(super) fn behind(&self, id: SessionId) -> Rows<'_> {
        let from = self.folded_above(id).unwrap_or(id);
        let mut open = Vec::new();
        for place in self.path(from).unwrap_or_default() {
            let siblings = self.siblings(self.parent(place.id));
            open.extend(siblings.map(|it| it.range::<Place, _>((Bound::Excluded(place), Bound::Unbounded))));
        }
        open.extend(self.open_under(from).filter(|_| from == id).map(|under| under.range::<Place, _>(..)));
        Rows { tree: self, open }
    }

    /// The rows before this one, the nearest first.
    pub(super) fn before(&self, id: SessionId) -> impl Iterator<Item = &Place> {
        std::iter::successors(self.just_before(id), |place| self.just_before(place.id))
    }

    fn just_before(&self, id: SessionId) -> Option<&Place> {
        if let Some(above) = self.folded_above(id) {
            return self.place(above);
        }
        let node = self.nodes.get(&id)?;
        match self.siblings(node.home)?.range::<Place, _>(..&node.place).next_back() {
            Some(before) => Some(self.last_below(before)),
            None => self.place(node.home?),
        }
    }
}

/// Rows in order.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    tree: &'a Tree,
    /// What is left of each level.
    open: Vec<btree_set::Range<'a, Place>>,
}

impl<'a> Iterator for Rows<'a> {
    type Item = &'a Place;

    fn next(&mut self) -> Option<&'a Place> {
        loop {
            match self.open.last_mut()?.next() {
                Some(place) => {
                    self.open.extend(self.tree.open_under(place.id).map(|under| under.range::<Place, _>(..)));
                    return Some(place);
                }
                None => drop(self.open.pop()),
            }
        }
    }
}
