//! Where the keyboard is: in a pane or in what lies over the panes, and so what keys mean and which word stands at the top
//! right.

use super::app::App;
use super::beside::Beside;
use super::branching::{BranchForm, BranchKind};
use super::bulk::AnswerMarked;
use super::details::Details;
use super::diagnosing::Diagnosing;
use super::forms::{CancelForm, SameAnswer};
use super::help::Help;
use super::keymap::Context;
use super::pager::Pager;
use super::palette::Palette;
use super::picker::Picker;
use super::searching::Find;
use super::start_form::StartForm;

/// The panes the keyboard can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Focus {
    List,
    Session,
    Editor,
    /// In the session, behind the last answer of a pause. `strayed`: something was typed since, into nothing.
    Sent {
        strayed: bool,
    },
}

/// What lies over the panes.
#[derive(Debug)]
pub(super) enum Layer {
    Help(Help),
    /// A line of a feed in full.
    Details(Box<Details>),
    /// The last verbs.
    Calls(Pager),
    /// What engine and desk do right now.
    Diagnostics(Box<Diagnosing>),
    /// The line in which a search is typed.
    Find(Find),
    Palette(Palette),
    /// The answers that were sent.
    History(Picker),
    Cancel(Box<CancelForm>),
    Same(SameAnswer),
    AnswerMarked(Box<AnswerMarked>),
    Start(Box<StartForm>),
    /// A rewind or a fork.
    Branch(Box<BranchForm>),
    /// Two sessions beside each other.
    Beside(Box<Beside>),
    Quit,
}

impl Layer {
    /// Whether it shows a text that scrolls, and moving chooses nothing in it.
    pub(super) fn scrolls(&self) -> bool {
        match self {
            Self::Help(_)
            | Self::Details(_)
            | Self::Calls(_)
            | Self::Diagnostics(_)
            | Self::AnswerMarked(_)
            | Self::Beside(_) => true,
            Self::Find(_)
            | Self::Palette(_)
            | Self::History(_)
            | Self::Cancel(_)
            | Self::Same(_)
            | Self::Start(_)
            | Self::Branch(_)
            | Self::Quit => false,
        }
    }
}

impl App {
    /// The word at the top right: what the keyboard does now.
    pub fn mode(&self) -> &'static str {
        match (&self.layer, self.focus) {
            (Some(Layer::Help(help)), _) if help.find.is_some() => "SEARCH",
            (Some(Layer::Help(_)), _) => "HELP",
            (Some(Layer::Cancel(_)), _) => "CANCEL",
            (Some(Layer::Same(_)), _) => "SAME?",
            (Some(Layer::Quit), _) => "QUIT?",
            (Some(Layer::AnswerMarked(_)), _) => "ANSWER ALL",
            (Some(Layer::Start(_)), _) => "NEW",
            (Some(Layer::Branch(form)), _) => match form.kind {
                BranchKind::Rewind => "REWIND",
                BranchKind::Fork => "FORK",
            },
            (None, Focus::List) if self.listing.line.is_some() => "FILTER",
            (Some(Layer::Details(_)), _) => "EVENT",
            (Some(Layer::Calls(_)), _) => "CALLS",
            (Some(Layer::Diagnostics(_)), _) => "DIAGNOSTICS",
            (Some(Layer::Beside(_)), _) => "BESIDE",
            (Some(Layer::Find(_)), _) => "SEARCH",
            (Some(Layer::Palette(_)), _) => "PALETTE",
            (Some(Layer::History(_)), _) => "HISTORY",
            (None, _) if self.all_feeds.is_some() => "FEEDS",
            (None, Focus::List) => "LIST",
            (None, Focus::Session) => "SESSION",
            (None, Focus::Editor) => "ANSWER",
            (None, Focus::Sent { .. }) => "SENT",
        }
    }

    pub(super) fn context(&self) -> Context {
        match (&self.layer, self.focus) {
            (Some(Layer::Help(help)), _) if help.find.is_some() => Context::Find,
            (Some(Layer::Help(_)), _) => Context::Help,
            (Some(Layer::Cancel(form)), _) => form.context(),
            (Some(Layer::Same(_) | Layer::Quit), _) => Context::Question,
            (Some(Layer::AnswerMarked(form)), _) => form.context(),
            (Some(Layer::Start(form)), _) => form.context(),
            (Some(Layer::Branch(form)), _) => form.context(),
            (None, Focus::List) if self.listing.line.is_some() => Context::Filter,
            (Some(Layer::Details(_) | Layer::Calls(_) | Layer::Diagnostics(_) | Layer::Beside(_)), _) => Context::Text,
            (Some(Layer::Find(_)), _) => Context::Find,
            (Some(Layer::Palette(_)), _) => Context::Palette,
            (Some(Layer::History(_)), _) => Context::History,
            (None, _) if self.all_feeds.is_some() => Context::Feeds,
            (None, Focus::List) => Context::List,
            (None, Focus::Session) => Context::Session,
            (None, Focus::Editor) => Context::Editor,
            (None, Focus::Sent { .. }) => Context::Sent,
        }
    }
}
