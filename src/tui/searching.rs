//! What keys do to a feed, that of the session or that of all: search, times, wrapping, opening a line. And the search
//! among the questions of a batch, which goes like that in a feed.

use super::app::{App, Focus, Layer, NoEditor, Tab};
use super::batch::BatchSearch;
use super::details::Details;
use super::feed::Feed;
use super::keymap::{Action, Way};
use super::listing::ListVerb;
use super::picker::Picker;
use super::words::{self, count};
use crate::domain::{QueryId, SessionId};

/// The line in which a search is typed, and what was searched before.
#[derive(Debug)]
pub(super) struct Find {
    pub(super) picker: Picker,
    before: String,
    from: From,
}

/// Where the person was as the search began.
#[derive(Debug, Clone, Copy)]
enum From {
    /// In a feed, on this line.
    Feed(Option<u64>),
    /// In a batch, at this question.
    Batch(Option<QueryId>),
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
        if let Some(Layer::Help(help)) = &mut self.layer {
            help.search(&self.keymap);
            return;
        }
        let (before, from) = if let Some(feed) = self.feed_here() {
            (feed.searched(), From::Feed(feed.stands()))
        } else if self.shows_a_batch() {
            (self.batch_search().map(BatchSearch::text), From::Batch(self.question))
        } else {
            self.refuse_without_feed();
            // What is typed behind it was meant for the search.
            self.no_editor = Some(NoEditor { at: self.now, letter: None });
            return;
        };
        let before = before.unwrap_or_default().to_owned();
        self.layer = Some(Layer::Find(Find { picker: Picker::new(), before, from }));
    }

    /// Searches what has been typed so far, from where the search began.
    pub(super) fn search_typed(&mut self) {
        let Some(Layer::Find(find)) = &self.layer else { return };
        let text = find.picker.text();
        match find.from {
            From::Feed(at) => self.in_feed(|feed| {
                feed.stand(at);
                feed.search(&text);
                feed.go_to_first_match();
            }),
            From::Batch(at) => {
                self.question = at;
                self.search_batch(&text);
                self.go_to_first_question_found();
            }
        }
    }

    /// Ends typing and keeps the search.
    pub(super) fn keep_search(&mut self) {
        let Some(Layer::Find(find)) = self.layer.take() else { return };
        let text = find.picker.text();
        let mut found = 0;
        let noun = match find.from {
            From::Feed(_) => {
                self.in_feed(|feed| found = feed.search(&text));
                "line"
            }
            From::Batch(_) => {
                found = self.search_batch(&text);
                "question"
            }
        };
        if text.is_empty() {
            self.say("nothing is searched any more");
        } else {
            let [next, before] = [Way::Next, Way::Previous].map(|way| self.key(Action::NextMatch(way)));
            self.say(format!("{} with “{text}”; {next} and {before} go through them", count(found, noun)));
        }
    }

    /// Ends typing, goes back to where it began and searches what was searched before.
    pub(super) fn drop_search(&mut self, find: &Find) {
        match find.from {
            From::Feed(at) => self.in_feed(|feed| {
                feed.stand(at);
                feed.search(&find.before);
            }),
            From::Batch(at) => {
                self.question = at;
                self.search_batch(&find.before);
            }
        }
    }

    /// Which of how many the search is at that is being typed.
    pub(super) fn found_here(&self) -> (Option<usize>, usize) {
        match self.feed_here() {
            Some(feed) => feed.hit_here(),
            None => self.question_found_here(),
        }
    }

    pub(super) fn go_to_match(&mut self, way: Way) {
        let (searched, gone) = if self.feed_here().is_none() && self.shows_a_batch() {
            (self.batch_search().is_some(), self.go_to_question_found(way))
        } else {
            let (mut searched, mut gone) = (true, Some(false));
            self.in_feed(|feed| {
                searched = feed.searched().is_some();
                gone = feed.go_to_match(way);
            });
            if self.feed_here().is_none() {
                return;
            }
            (searched, gone)
        };
        match gone {
            _ if !searched => {
                self.refuse(format!("nothing is searched; {} does", self.key(Action::List(ListVerb::Filter))));
            }
            None => self.refuse("nothing here has it"),
            // A pane without a frame has no other place for it.
            Some(false) if self.layout().session.inside.x == self.layout().session.frame.x => {
                self.say(words::place(self.found_here()));
            }
            Some(false) => self.status = None,
            Some(true) if self.found_here().1 == 1 => self.say("this is the only one that has it"),
            Some(true) => self.say(match way {
                Way::Next => "that was the last one: from the first on again",
                Way::Previous => "that was the first one: from the last on again",
            }),
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
        let title = format!("{} · event {}", self.name_of(line.session), words::feed_seq(&line.tells));
        let details = Details::of(line, self.top_of(line.session), title);
        self.layer = Some(Layer::Details(Box::new(details)));
    }
}
