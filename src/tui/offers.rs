//! Which actions can do something at this moment: the footer offers no other.
//!
//! Nothing is forbidden here. A key that does nothing now is still obeyed, and says why.

use super::app::{App, Focus, Layer};
use super::keymap::{Action, Context};
use super::listing::ListVerb;

impl App {
    /// Whether `action` would do anything if its key were pressed now.
    pub(super) fn offers(&self, action: Action) -> bool {
        if self.follows.is_some() && super::update::changes_sessions(action) {
            return false;
        }
        let summary = self.selected_summary();
        let open = self.pause().map_or(0, |pause| self.open_queries(pause).len());
        let next = self.sessions.list().next_waiting(self.selected);
        let other_waits = next.is_some() && next != self.selected;
        match action {
            Action::Answer => open > 0 && summary.is_some_and(|summary| !summary.presence.is_watched()),
            Action::Waiting(_) => other_waits,
            Action::Cancel if self.focus == Focus::List && !self.listing.marks.is_empty() => true,
            Action::Cancel => summary.is_some_and(|summary| !summary.state.is_ended()),
            Action::Question(_) => match self.context() {
                Context::Sent => open > 0 || other_waits,
                Context::Editor => open > 1,
                // The footer of the list has others to name.
                Context::List => false,
                _ => self.pause().is_some_and(|pause| pause.prompts.len() > 1),
            },
            Action::SameAnswer => open > 1 && self.same_text().is_some(),
            Action::Reuse => self.drafts.has_orphan(),
            Action::Follow | Action::Times | Action::Wrap => self.shows_a_feed(),
            Action::NextMatch(_) if self.feed_here().is_none() => self.shows_a_batch() && self.batch_search().is_some(),
            Action::NextMatch(_) | Action::OnlyMatching => {
                self.feed_here().is_some_and(|feed| feed.searched().is_some())
            }
            Action::Open => match self.context() {
                Context::List => summary.is_some(),
                Context::Sent => false,
                Context::Offers => matches!(&self.layer, Some(Layer::Start(form)) if !form.offers().is_empty()),
                Context::Palette => {
                    matches!(&self.layer, Some(Layer::Palette(it)) if !it.is_raw() && it.chosen().is_some())
                }
                Context::Text => matches!(self.layer, Some(Layer::Details(_))),
                Context::History | Context::Find | Context::Filter => true,
                _ => self.shows_a_feed() || self.folds.is_some(),
            },
            // Its questions are looked at, not chosen.
            Action::Choose(_) => !matches!(self.layer, Some(Layer::AnswerMarked(_))),
            Action::Draft => self.can_draft && self.editor.as_ref().is_some_and(|editor| editor.gone.is_none()),
            Action::History => self.history.has_some() || self.outlives() && self.history.may_have_more(),
            Action::Send if self.context() == Context::Palette => self.palette_is_raw(),
            Action::List(ListVerb::Filter) => self.focus == Focus::List || self.shows_a_feed() || self.shows_a_batch(),
            Action::Send => self.focus != Focus::Editor || self.editor.as_ref().is_some_and(|e| e.gone.is_none()),
            Action::List(ListVerb::Editor) => self.editor.as_ref().is_some_and(|editor| editor.gone.is_none()),
            Action::List(ListVerb::AnswerMarked | ListVerb::Unmark) => !self.listing.marks.is_empty(),
            Action::List(ListVerb::Fold) => summary.is_some_and(|summary| {
                let tree = self.sessions.list().tree();
                tree.below(summary.id).0 > 0 || tree.parent(summary.id).is_some()
            }),
            Action::List(ListVerb::Branch(_)) => {
                summary.is_some_and(|summary| summary.asked > 0 && summary.parent().is_none())
            }
            // Of one that goes on there is more to do.
            Action::List(ListVerb::Again) => summary.is_some_and(|summary| summary.state.is_ended()),
            Action::List(
                ListVerb::Sort
                | ListVerb::SortNow
                | ListVerb::Group
                | ListVerb::Mark
                | ListVerb::Range
                | ListVerb::MarkShown
                | ListVerb::Transcript
                | ListVerb::Mouse,
            ) => summary.is_some(),
            Action::List(ListVerb::Start)
            | Action::Help
            | Action::Quit
            | Action::Back
            | Action::ShowQuestions
            | Action::ShowFeed
            | Action::ShowState
            | Action::ShowResult
            | Action::ShowSource
            | Action::ShowTimeline
            | Action::Beside
            | Action::HowToQuit
            | Action::Redraw
            | Action::Suspend
            | Action::Move(_)
            | Action::Pane(_)
            | Action::Copy
            | Action::Freeze
            | Action::AllFeeds
            | Action::Calls
            | Action::Diagnostics
            | Action::Palette
            | Action::Yes
            | Action::No => true,
        }
    }
}
