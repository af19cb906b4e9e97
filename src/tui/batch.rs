//! Going through the questions of a batch: by pages, to its ends, and to those that a search finds.
//!
//! A batch may have hundreds of questions. Which of them is shown says nothing about where an answer goes: an editor
//! belongs to its query.

use super::app::{App, Focus, Tab};
use super::feed::Search;
use super::keymap::{Motion, Way};
use super::text::head;
use crate::domain::{QueryId, SessionId};

/// Bytes of a question that are searched: what somebody could have seen of it.
const SEARCHED: usize = 64 << 10;

/// A search among the questions of one pause, and what it finds.
#[derive(Debug)]
pub(super) struct BatchSearch {
    session: SessionId,
    epoch: u32,
    search: Search,
    found: Vec<QueryId>,
}

impl BatchSearch {
    /// What is searched.
    pub(super) fn text(&self) -> &str {
        self.search.text()
    }

    /// Whether it finds a question.
    pub(super) fn finds(&self, query: QueryId) -> bool {
        self.found.binary_search(&query).is_ok()
    }
}

impl App {
    /// Whether keys in the session act on the questions of a batch.
    pub(super) fn shows_a_batch(&self) -> bool {
        let several = self.pause().is_some_and(|pause| pause.prompts.len() > 1);
        self.all_feeds.is_none() && self.tab == Tab::Questions && self.focus == Focus::Session && several
    }

    /// Goes through a batch that has more questions than are seen. Says whether it is such a one; of another, and line by
    /// line, the text of the question is what moves.
    pub(super) fn move_in_batch(&mut self, motion: Motion) -> bool {
        let rows = usize::from(self.layout().questions.height);
        let Some(pause) = self.pause().filter(|pause| self.shows_a_batch() && pause.prompts.len() > rows) else {
            return false;
        };
        let last = pause.prompts.len() - 1;
        let shown = self.shown_question().map(|prompt| prompt.query.query_id);
        let here = pause.prompts.iter().position(|prompt| Some(prompt.query.query_id) == shown).unwrap_or(0);
        let page = rows.max(1);
        let to = match motion {
            Motion::Up | Motion::Down => return false,
            Motion::Top => 0,
            Motion::Bottom => last,
            Motion::HalfDown => (here + page).min(last),
            Motion::HalfUp => here.saturating_sub(page),
        };
        self.question = Some(pause.prompts[to].query.query_id);
        true
    }

    /// The search among the questions that are shown, if there is one.
    pub(super) fn batch_search(&self) -> Option<&BatchSearch> {
        let (session, epoch) = (self.selected?, self.pause()?.epoch);
        self.batch_search.as_ref().filter(|search| (search.session, search.epoch) == (session, epoch))
    }

    /// Searches the questions for another text; an empty one ends the search. Gives how many it finds.
    pub(super) fn search_batch(&mut self, text: &str) -> usize {
        self.batch_search = self.searched_batch(text);
        self.batch_search.as_ref().map_or(0, |search| search.found.len())
    }

    fn searched_batch(&self, text: &str) -> Option<BatchSearch> {
        let (session, pause, search) = (self.selected?, self.pause()?, Search::of(text)?);
        let has =
            |query: &QueryId, prompt: &str| search.is_in(head(prompt, SEARCHED)) || search.is_in(&query.to_string());
        let queries = pause.prompts.iter().map(|prompt| (prompt.query.query_id, &prompt.query.prompt));
        let mut found: Vec<QueryId> =
            queries.filter(|(query, prompt)| has(query, prompt)).map(|(query, _)| query).collect();
        found.sort_unstable();
        Some(BatchSearch { session, epoch: pause.epoch, search, found })
    }

    /// Which of the questions that the search finds is shown, counted from 1; and how many there are.
    pub(super) fn question_found_here(&self) -> (Option<usize>, usize) {
        let Some(search) = self.batch_search() else { return (None, 0) };
        let shown = self.shown_question().map(|prompt| prompt.query.query_id);
        let here = shown.and_then(|shown| search.found.binary_search(&shown).ok()).map(|at| at + 1);
        (here, search.found.len())
    }

    /// Goes to the first question that the search finds, from the shown one on.
    pub(super) fn go_to_first_question_found(&mut self) {
        if self.question_found_here().0.is_none() {
            self.go_to_question_found(Way::Next);
        }
    }

    /// Goes to another question that the search finds; starts over at the end, and says whether it did. `None`: there is
    /// none.
    pub(super) fn go_to_question_found(&mut self, way: Way) -> Option<bool> {
        let found = &self.batch_search()?.found;
        let here = self.shown_question()?.query.query_id;
        let (to, over) = match way {
            Way::Next => match found.iter().find(|query| **query > here) {
                Some(next) => (*next, false),
                None => (*found.first()?, true),
            },
            Way::Previous => match found.iter().rev().find(|query| **query < here) {
                Some(before) => (*before, false),
                None => (*found.last()?, true),
            },
        };
        self.question = Some(to);
        Some(over)
    }
}
