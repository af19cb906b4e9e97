//! What keys do to a feed, that of the session or that of all: search, times, wrapping, opening a line.

use super::app::{App, Focus, Layer, Tab};
use super::details::Details;
use super::feed::Feed;
use super::keymap::{Action, Way};
use super::listing::ListVerb;
use super::picker::Picker;
use super::words::count;
use crate::domain::SessionId;

/// The line in which a search is typed, and what was searched before.
#[derive(Debug)]
pub(super) struct Find {
    pub(super) picker: Picker,
    before: String,
}

impl App {
    /// The feed that keys act on: of all sessions while that is open, else of the selected one.
    pub(super) fn feed_here(&self) -> Option<&Feed> {
        match &self.all_feeds {
            Some(all) => Some(all),
            None => (self.tab == Tab::Feed && self.focus == Focus::Session).then_some(&self.feed),
        }
    }

    fn feed_here_mut(&mut self) -> Option<&mut Feed> {
        match &mut self.all_feeds {
            Some(all) => Some(all),
            None => (self.tab == Tab::Feed && self.focus == Focus::Session).then_some(&mut self.feed),
        }
    }

    pub(super) fn shows_a_feed(&self) -> bool {
        self.feed_here().is_some()
    }

    /// Does something to the feed, or says that there is none.
    pub(super) fn in_feed(&mut self, act: impl FnOnce(&mut Feed)) {
        match self.feed_here_mut() {
            Some(feed) => act(feed),
            None => self.refuse_without_feed(),
        }
    }

    fn refuse_without_feed(&mut self) {
        self.refuse(format!("this is a key of the feed; {} shows it", self.key(Action::ShowFeed)));
    }

    pub(super) fn open_find(&mut self) {
        match self.feed_here() {
            Some(feed) => {
                let before = feed.searched().unwrap_or_default().to_owned();
                self.layer = Some(Layer::Find(Find { picker: Picker::new(), before }));
            }
            None => self.refuse_without_feed(),
        }
    }

    /// Searches what has been typed so far.
    pub(super) fn search_typed(&mut self) {
        let Some(Layer::Find(find)) = &self.layer else { return };
        let text = find.picker.text();
        self.in_feed(|feed| {
            feed.search(&text);
            feed.go_to_first_match();
        });
    }

    /// Ends typing and keeps the search.
    pub(super) fn keep_search(&mut self) {
        let Some(Layer::Find(find)) = self.layer.take() else { return };
        let text = find.picker.text();
        let mut found = 0;
        self.in_feed(|feed| found = feed.search(&text));
        if text.is_empty() {
            self.say("nothing is searched any more");
        } else {
            let [next, before] = [Way::Next, Way::Previous].map(|way| self.key(Action::NextMatch(way)));
            self.say(format!("{} with “{text}”; {next} and {before} go through them", count(found, "line")));
        }
    }

    /// Ends typing and searches what was searched before.
    pub(super) fn drop_search(&mut self, find: &Find) {
        self.in_feed(|feed| {
            feed.search(&find.before);
        });
    }

    pub(super) fn go_to_match(&mut self, way: Way) {
        let mut found = Some(());
        let mut searched = true;
        self.in_feed(|feed| {
            searched = feed.searched().is_some();
            found = feed.go_to_match(way);
        });
        if !searched {
            self.refuse(format!("nothing is searched; {} does", self.key(Action::List(ListVerb::Filter))));
        } else if found.is_none() {
            self.refuse("no line has it");
        }
    }

    pub(super) fn only_matching(&mut self) {
        let mut done = Some(());
        self.in_feed(|feed| done = feed.only_matching_or_all());
        if done.is_none() {
            let [search, only] = [Action::List(ListVerb::Filter), Action::OnlyMatching].map(|action| self.key(action));
            self.refuse(format!("nothing is searched; {search} does, then {only} shows only what it finds"));
        }
    }

    /// The session that a person started: itself, or the one at the top of its family, as far as it is known.
    pub(super) fn top_of(&self, session: SessionId) -> SessionId {
        let parent = |id: SessionId| Some(self.sessions.get(id)?.spec.parent.as_ref()?.session);
        std::iter::successors(Some(session), |id| parent(*id)).last().unwrap_or(session)
    }

    /// Opens the line that the cursor is on.
    pub(super) fn open_details(&mut self) {
        let Some(line) = self.feed_here().and_then(Feed::line_here) else {
            self.refuse("there is no line to open");
            return;
        };
        let title = format!("{} · event {}", self.name_of(line.session), super::words::feed_seq(&line.tells));
        let details = Details::of(line, self.top_of(line.session), title);
        self.layer = Some(Layer::Details(Box::new(details)));
    }
}
