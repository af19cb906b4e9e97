//! A picture that stands still while everything goes on: what came meanwhile waits here, bounded, and is counted.
//!
//! Keys go on working on what is shown. A session that a person does something to goes on, with its feed, and only that
//! one; its row stays where it is.

use std::collections::{HashMap, HashSet, VecDeque};

use super::app::App;
use super::feed::FEED_LINES;
use super::keymap::Action;
use super::msg::{Cmd, FeedItem};
use super::names::born_at;
use crate::domain::{ObserverRecvError, Seq, SessionId, Timestamp};
use crate::engine::Summary;

/// What came since the picture stands still.
#[derive(Debug)]
pub(super) struct Frozen {
    /// When it was frozen.
    pub(super) at: Timestamp,
    /// The newest of each session that changed.
    changed: HashMap<SessionId, Summary>,
    /// Events that happened meanwhile.
    pub(super) events: u64,
    /// The end of the feed that was shown.
    items: VecDeque<FeedItem>,
    /// The first event of that feed that there was no room for.
    lost: Option<Seq>,
    /// The session whose feed was shown.
    feed: Option<SessionId>,
    /// Sessions that the person did something to.
    exempt: HashSet<SessionId>,
}

impl Frozen {
    /// How many sessions changed.
    pub(super) fn sessions(&self) -> usize {
        self.changed.len()
    }

    fn keep_item(&mut self, item: FeedItem) {
        self.items.push_back(item);
        if self.items.len() >= FEED_LINES
            && let Some(FeedItem::Event(event)) = self.items.pop_front()
        {
            self.lost.get_or_insert(event.seq);
        }
    }
}

impl App {
    /// Freezes the picture, or lets it go on with everything that came.
    pub(super) fn freeze_or_go_on(&mut self, cmds: &mut Vec<Cmd>) {
        let Some(frozen) = self.frozen.take() else {
            self.frozen = Some(Frozen {
                at: self.now,
                changed: HashMap::new(),
                events: 0,
                items: VecDeque::new(),
                lost: None,
                feed: self.feed.session(),
                exempt: HashSet::new(),
            });
            self.sessions.hold();
            let key = self.key(Action::Freeze);
            self.say(format!("the picture is frozen; everything goes on, {key} shows it"));
            return;
        };
        self.feed_on(frozen.feed, frozen.lost, frozen.items);
        self.sessions.let_go(frozen.exempt, self.now);
        let mut changed: Vec<Summary> = frozen.changed.into_values().collect();
        changed.sort_by_key(|summary| (born_at(summary), summary.id));
        self.take_in(changed, cmds);
        self.say("the picture goes on");
    }

    /// Shows what happened in a session while its feed stood still.
    fn feed_on(&mut self, of: Option<SessionId>, lost: Option<Seq>, items: VecDeque<FeedItem>) {
        let Some(session) = self.feed.session().filter(|session| of == Some(*session)) else { return };
        let first = items.iter().find_map(|item| match item {
            FeedItem::Event(event) => Some(event.seq),
            FeedItem::Instead(_) => None,
        });
        if let (Some(from), Some(first)) = (lost, first) {
            let gap = ObserverRecvError::Gap { from, to: first - 1 };
            self.feed.take(session, vec![FeedItem::Instead(gap)]);
        }
        self.feed.take(session, items.into());
    }

    /// Takes in what changed, or keeps it for later.
    pub(super) fn changed(&mut self, summaries: Vec<Summary>, cmds: &mut Vec<Cmd>) {
        let Some(frozen) = &mut self.frozen else {
            self.take_in(summaries, cmds);
            return;
        };
        let (now, later): (Vec<Summary>, Vec<Summary>) =
            summaries.into_iter().partition(|summary| frozen.exempt.contains(&summary.id));
        for summary in later {
            let before = frozen.changed.get(&summary.id).or_else(|| self.sessions.get(summary.id));
            let before = before.map_or(0, |before| before.last_seq);
            frozen.events += summary.last_seq.saturating_sub(before);
            frozen.changed.insert(summary.id, summary);
        }
        self.take_in(now, cmds);
    }

    /// Takes in what happened in the selected session, or keeps it for later.
    pub(super) fn fed(&mut self, session: SessionId, items: Vec<FeedItem>) {
        if self.feed.session() != Some(session) {
            return;
        }
        match &mut self.frozen {
            // A feed that was opened since is new to the picture.
            Some(frozen) if frozen.feed == Some(session) => {
                for item in items {
                    frozen.keep_item(item);
                }
            }
            Some(_) | None => self.feed.take(session, items),
        }
    }

    /// What the person did to a session is shown, whatever stands still.
    pub(super) fn show_despite_freeze(&mut self, session: SessionId) {
        let Some(frozen) = &mut self.frozen else { return };
        frozen.exempt.insert(session);
        let changed = frozen.changed.remove(&session);
        if let Some(summary) = &changed {
            let shown = self.sessions.get(session).map_or(0, |shown| shown.last_seq);
            frozen.events = frozen.events.saturating_sub(summary.last_seq.saturating_sub(shown));
        }
        let feed = frozen.feed.take_if(|feed| *feed == session);
        if feed.is_some() {
            let (lost, items) = (frozen.lost.take(), std::mem::take(&mut frozen.items));
            self.feed_on(feed, lost, items);
        }
        self.take_in(changed.into_iter().collect(), &mut Vec::new());
    }

    /// The time that the picture shows.
    pub(super) fn shown_now(&self) -> Timestamp {
        self.frozen.as_ref().map_or(self.now, |frozen| frozen.at)
    }
}
