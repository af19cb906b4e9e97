//! The keys of the list: moving, filtering, sorting, grouping, marking.
//!
//! Marks belong to sessions, whatever the filter shows; what is done to all of them stands in `bulk`. Nothing here
//! changes a session.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tui_textarea::TextArea;

use super::app::{App, Tab};
use super::arrange::Arrangement;
use super::branching::BranchKind;
use super::editor::{paste, text_field, text_of};
use super::input::Key;
use super::keymap::{Action, Motion, Way};
use super::msg::Cmd;
use super::start_form::StartForm;
use super::typing::type_key;
use super::words::count;
use crate::domain::query::{Expr, Fault};
use crate::domain::{ResumePayload, SessionId};

/// What the keys of the list do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListVerb {
    /// Opens the filter line.
    Filter,
    /// Goes on to the next order.
    Sort,
    /// Puts the rows of the stable order where attention wants them now.
    SortNow,
    /// Goes on to the next grouping.
    Group,
    /// Marks the session, or takes its mark away.
    Mark,
    /// Begins a range of marks, or ends it.
    Range,
    /// Marks every session that is shown.
    MarkShown,
    /// Takes all marks away.
    Unmark,
    /// Folds the children of a session away, or shows them.
    Fold,
    /// Opens the form that answers every marked session.
    AnswerMarked,
    /// Opens the form that starts a session.
    Start,
    /// Starts a session of the same program.
    Again,
    /// Opens the form of a rewind or of a fork.
    Branch(BranchKind),
    /// Shows the transcript in the pager.
    Transcript,
    /// Gives the mouse to the terminal, or takes it.
    Mouse,
    /// Opens the draft in the person's editor.
    Editor,
}

/// What the person has done to the list.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The filter as it was typed, the last that could be read.
    pub(super) filter: String,
    /// The filter line while it is open.
    pub(super) line: Option<FilterLine>,
    pub(super) marks: HashSet<SessionId>,
    /// Where a range of marks began.
    pub(super) range_from: Option<SessionId>,
    /// The answer for all marked that was not sent, or not taken by all.
    pub(super) unsent: Option<String>,
    /// Answers for marked sessions that are under way, where drafts are kept of the same queries.
    pub(super) sent: Vec<(SessionId, ResumePayload)>,
    /// The form for a new session that no session was started from yet.
    pub(super) start: Option<Box<StartForm>>,
    /// What was selected as a session was started last.
    pub(super) started_from: Option<SessionId>,
    /// A session that was started and is not there yet, and what was selected then.
    pub(super) started: Option<(SessionId, Option<SessionId>)>,
    /// The answers of forms for rewinds and forks that were not sent, or not taken.
    pub(super) branches: HashMap<SessionId, String>,
}

/// The filter while it is typed.
#[derive(Debug)]
pub(super) struct FilterLine {
    pub(super) area: TextArea<'static>,
    /// What is wrong with it; then the last that could be read goes on to filter.
    pub(super) fault: Option<Fault>,
    before: String,
}

impl FilterLine {
    pub(super) fn text(&self) -> String {
        text_of(&self.area)
    }
}

impl App {
    pub(super) fn list_verb(&mut self, verb: ListVerb, cmds: &mut Vec<Cmd>) {
        match verb {
            ListVerb::Filter => self.open_filter(),
            ListVerb::Sort => {
                let sort = self.sessions.how().sort.next();
                self.arrange(|how| how.sort = sort);
                let key = self.key(Action::List(verb));
                self.say(format!("sorted by {}; {key} goes on to {}", sort.word(), sort.next().word()));
            }
            ListVerb::SortNow => {
                let how = self.sessions.how().clone();
                self.sessions.arrange_afresh(how, self.now);
                self.say("sorted anew");
            }
            ListVerb::Group => {
                let grouping = self.sessions.how().grouping.next();
                self.arrange(|how| how.grouping = grouping);
                let key = self.key(Action::List(verb));
                self.say(format!("grouped by {}; {key} goes on to {}", grouping.word(), grouping.next().word()));
            }
            ListVerb::Mark => self.mark(),
            ListVerb::Range => self.begin_or_end_range(),
            ListVerb::MarkShown => {
                self.sessions.finish(self.now);
                self.listing.range_from = None;
                let shown = self.sessions.list().all();
                self.listing.marks.extend(shown);
                self.say_marks();
            }
            ListVerb::Unmark => {
                let marks = std::mem::take(&mut self.listing.marks).len();
                self.listing.range_from = None;
                self.say(format!("{} removed", count(marks, "mark")));
            }
            ListVerb::Fold => self.fold_family(cmds),
            ListVerb::AnswerMarked => self.open_answer_marked(),
            ListVerb::Start => self.open_start(cmds),
            ListVerb::Again => self.run_again(cmds),
            ListVerb::Branch(kind) => self.open_branch(kind, cmds),
            ListVerb::Transcript => match self.selected_summary() {
                Some(summary) => cmds.push(Cmd::Page(summary.id)),
                None => self.refuse("no session is selected"),
            },
            ListVerb::Editor => self.edit_outside(cmds),
            ListVerb::Mouse => {
                self.mouse = !self.mouse;
                cmds.push(Cmd::Mouse(self.mouse));
                let key = self.key(Action::List(verb));
                self.say(if self.mouse {
                    format!("the mouse works in the desk; {key} gives it back to the terminal")
                } else {
                    format!("the mouse selects text in the terminal; {key} takes it back")
                });
            }
        }
    }

    fn arrange(&mut self, change: impl FnOnce(&mut Arrangement)) {
        let mut how = self.sessions.how().clone();
        change(&mut how);
        self.sessions.arrange(how, self.now);
    }

    fn open_filter(&mut self) {
        let before = self.listing.filter.clone();
        self.listing.line = Some(FilterLine { area: text_field(&before), fault: None, before });
    }

    pub(super) fn type_filter(&mut self, key: Key) {
        // It is one line.
        if key.typed().is_some_and(char::is_control) {
            return;
        }
        if let Some(line) = &mut self.listing.line {
            type_key(&mut line.area, key);
        }
        self.preview_filter();
    }

    /// Puts a paste into the filter line. Says how many control characters were left out.
    pub(super) fn paste_filter(&mut self, text: &str) -> usize {
        let mut left_out = 0;
        if let Some(line) = &mut self.listing.line {
            left_out = paste(&mut line.area, &text.replace(['\r', '\n', '\t'], " "));
        }
        self.preview_filter();
        left_out
    }

    /// Filters by what is typed, if it can be read.
    fn preview_filter(&mut self) {
        let Some(line) = &mut self.listing.line else { return };
        let text = line.text();
        match text.parse::<Expr>() {
            Ok(expr) => {
                if line.fault.take().is_some() {
                    // What it lacked is there.
                    self.status = None;
                }
                self.listing.filter = text;
                self.filter_by(expr);
            }
            Err(fault) => {
                let told = fault.what.clone();
                line.fault = Some(fault);
                self.say(told);
            }
        }
    }

    pub(super) fn filter_by(&mut self, expr: Expr) {
        if *self.sessions.how().filter != expr {
            self.arrange(|how| how.filter = Arc::new(expr));
        }
    }

    /// Leaves the filter line for the list it made.
    pub(super) fn accept_filter(&mut self, cmds: &mut Vec<Cmd>) {
        match self.listing.line.take() {
            Some(line) if line.fault.is_some() => {
                let why = line.fault.as_ref().map(ToString::to_string).unwrap_or_default();
                self.listing.line = Some(line);
                self.refuse(format!("{why} ({} leaves the filter as it was)", self.key(Action::Back)));
            }
            Some(_) => {
                self.sessions.finish(self.now);
                let shown = self.selected.is_some_and(|id| self.sessions.list().is_shown(id));
                match self.sessions.list().first() {
                    Some(first) if !shown => self.select(first, cmds),
                    Some(_) => {}
                    None => self.say(format!("no session matches the filter; {} removes it", self.key(Action::Back))),
                }
            }
            None => {}
        }
    }

    /// One step back in the list: out of the filter line, out of a range, out of the filter.
    pub(super) fn back_in_list(&mut self) {
        if let Some(line) = self.listing.line.take() {
            let expr = line.before.parse().unwrap_or(Expr::EVERYTHING);
            self.listing.filter = line.before;
            self.filter_by(expr);
        } else if self.listing.range_from.take().is_some() {
            self.say("no range any more; what was marked before stays marked");
        } else if !self.sessions.how().filter.is_everything() {
            let removed = std::mem::take(&mut self.listing.filter);
            self.filter_by(Expr::EVERYTHING);
            self.say(format!("filter removed: {removed}"));
        } else {
            self.say(format!("this is the list; {} quits", self.key(Action::Quit)));
        }
    }

    /// Folds the family of the selected session; from a child, that of its parent, which is selected then.
    fn fold_family(&mut self, cmds: &mut Vec<Cmd>) {
        let Some(here) = self.selected_summary().map(|summary| summary.id) else {
            self.refuse("no session is selected");
            return;
        };
        let tree = self.sessions.list().tree();
        let family = if tree.below(here).0 > 0 { Some(here) } else { tree.parent(here) };
        let Some(family) = family else {
            self.refuse("nothing stands under this session");
            return;
        };
        self.sessions.fold_or_unfold(family);
        if family != here {
            self.select(family, cmds);
        }
        let (below, folded) = self.sessions.list().tree().below(family);
        if folded {
            let key = self.key(Action::List(ListVerb::Fold));
            self.say(format!("{} folded away; {key} shows them", count(below, "session")));
        }
    }

    fn mark(&mut self) {
        if self.listing.range_from.is_some() {
            self.begin_or_end_range();
            return;
        }
        match self.selected_summary().map(|summary| summary.id) {
            Some(id) => {
                if !self.listing.marks.remove(&id) {
                    self.listing.marks.insert(id);
                }
                self.say_marks();
            }
            None => self.refuse("no session is selected"),
        }
    }

    fn begin_or_end_range(&mut self) {
        let Some(here) = self.selected_summary().map(|summary| summary.id) else {
            self.refuse("no session is selected");
            return;
        };
        if self.listing.range_from.is_some() {
            self.mark_range();
            self.say_marks();
        } else {
            self.listing.range_from = Some(here);
            let [range, mark] = [ListVerb::Range, ListVerb::Mark].map(|verb| self.key(Action::List(verb)));
            let back = self.key(Action::Back);
            self.say(format!("a range begins here; {range} or {mark} ends and marks it, {back} drops it"));
        }
    }

    /// Marks the range, if there is one.
    pub(super) fn mark_range(&mut self) {
        let Some((from, here)) = self.listing.range_from.take().zip(self.selected) else { return };
        self.sessions.finish(self.now);
        self.listing.marks.extend(self.sessions.list().between(from, here));
    }

    fn say_marks(&mut self) {
        let marks = self.listing.marks.len();
        self.say(if marks == 0 {
            "nothing is marked".to_owned()
        } else {
            let marked = count(marks, "session");
            let [answer, unmark] = [ListVerb::AnswerMarked, ListVerb::Unmark].map(|verb| self.key(Action::List(verb)));
            format!(
                "{marked} marked: {} cancels them, {answer} answers them, {unmark} unmarks",
                self.key(Action::Cancel)
            )
        });
    }

    pub(super) fn move_selection(&mut self, motion: Motion, cmds: &mut Vec<Cmd>) {
        let height = usize::from(self.layout().list.inside.height);
        let half = height.div_ceil(2).max(1);
        let list = self.sessions.list();
        let Some(here) = self.selected.filter(|id| list.place(*id).is_some()) else {
            match list.first() {
                Some(first) => self.select(first, cmds),
                None => self.refuse("there is no session"),
            }
            return;
        };
        let (to, anchor) = match motion {
            Motion::Down => (list.behind(here).next(), self.anchor + 1),
            Motion::Up => (list.before(here).next(), self.anchor.saturating_sub(1)),
            Motion::Top => (list.first(), 0),
            Motion::Bottom => (list.last(), height),
            Motion::HalfDown => (list.behind(here).take(half).last(), self.anchor),
            Motion::HalfUp => (list.before(here).take(half).last(), self.anchor),
        };
        if let Some(to) = to {
            self.anchor = anchor;
            self.select(to, cmds);
        }
    }

    /// Shows the list from its first row on, where the selected one is seen then: a small screen may have scrolled it.
    pub(super) fn show_list_from_the_top(&mut self) {
        let height = usize::from(self.layout().list.inside.height);
        let above = |id| self.sessions.list().before(id).take(height).count();
        self.at_top |= self.selected.is_some_and(|id| above(id) < height);
    }

    pub(super) fn go_to_waiting(&mut self, way: Way, cmds: &mut Vec<Cmd>) {
        let list = self.sessions.list();
        let to = match way {
            Way::Next => list.next_waiting(self.selected),
            Way::Previous => list.previous_waiting(self.selected),
        };
        match to {
            Some(to) => {
                self.tab = Tab::Questions;
                if self.selected == Some(to) {
                    self.say("no other session waits");
                } else {
                    self.select(to, cmds);
                }
            }
            None if self.sessions.counts().waiting > 0 => {
                let back = self.key(Action::Back);
                self.refuse(format!("no shown session waits; the filter hides those that do ({back} removes it)"));
            }
            None => self.refuse("no session waits"),
        }
    }
}
