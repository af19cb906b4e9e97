//! Starting sessions from the desk: opening and leaving the form, what became of a start, and running a program again.
//!
//! Nothing is started but by the key that sends in the form, or by the key for running again. What is written in the
//! form is kept until a session was started from it.

use std::sync::Arc;

use serde_json::Value;

use super::app::{App, Layer};
use super::keymap::{Action, Context};
use super::listing::ListVerb;
use super::msg::Cmd;
use super::programs::Wanted;
use super::start_form::StartForm;
use crate::domain::{SessionId, SessionSpec};
use crate::engine::Package;

/// What to start.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// The program in a file.
    File(String),
    /// A typed program.
    Code(String),
    /// A package that does a task.
    Advice {
        /// The package.
        strategy: String,
        /// Its task.
        task: Option<String>,
        /// Its options, an object.
        opts: Option<Value>,
    },
    /// A package that is tried on a scenario.
    Eval {
        /// The package.
        strategy: String,
        /// The scenario: a file, a name, or cases.
        scenario: String,
        /// The options of the package, an object.
        opts: Option<Value>,
    },
    /// What a session was made of.
    Again(Arc<SessionSpec>),
}

impl App {
    pub(super) fn open_start(&mut self, cmds: &mut Vec<Cmd>) {
        let form = self.listing.start.take().unwrap_or_else(|| Box::new(StartForm::new()));
        cmds.push(Cmd::Packages);
        cmds.extend(form.look());
        self.layer = Some(Layer::Start(form));
    }

    /// Keeps a form that was left.
    pub(super) fn keep_start(&mut self, form: Box<StartForm>) {
        if !form.is_blank() {
            self.listing.start = Some(form);
            let key = self.key(Action::List(ListVerb::Start));
            self.say(format!("nothing was started; what was written is kept for the next {key}"));
        }
    }

    pub(super) fn send_start(&mut self, mut form: Box<StartForm>, cmds: &mut Vec<Cmd>) {
        match form.start() {
            Ok(start) => {
                self.listing.start = Some(form);
                self.listing.started_from = self.selected;
                self.say("starting");
                cmds.push(Cmd::Start(start));
            }
            Err((field, fault)) => {
                cmds.extend(form.go_to(field));
                self.layer = Some(Layer::Start(form));
                self.refuse(fault);
            }
        }
    }

    pub(super) fn run_again(&mut self, cmds: &mut Vec<Cmd>) {
        match self.selected_summary().map(|summary| Arc::clone(&summary.spec)) {
            Some(mut spec) => {
                if spec.branch.is_some() || spec.parent.is_some() {
                    // By itself: it goes on from no other, and no other waits for it.
                    let spec = Arc::make_mut(&mut spec);
                    (spec.branch, spec.parent) = (None, None);
                }
                self.listing.started_from = self.selected;
                self.say("starting");
                cmds.push(Cmd::Start(Start::Again(spec)));
            }
            None => self.refuse("no session is selected"),
        }
    }

    /// Takes in what became of a start. The new session is selected if the keyboard is in the list and nothing else was
    /// selected meanwhile; a form whose session did not start is there again.
    pub(super) fn started(&mut self, start: &Start, result: Result<(SessionId, String), String>, cmds: &mut Vec<Cmd>) {
        let again = matches!(start, Start::Again(_));
        let from = self.listing.started_from.take();
        match result {
            Ok((id, title)) => {
                if !again {
                    self.listing.start = None;
                }
                self.show_despite_freeze(id);
                self.listing.started = Some((id, from));
                self.select_started(cmds);
                self.say(format!("{} is started: session {}", super::text::head(&title, 60), id.short()));
            }
            Err(why) if again => self.refuse(format!("not started: {why}")),
            Err(why) if self.is_free_in_list() && self.listing.start.is_some() => {
                self.open_start(cmds);
                self.refuse(format!("not started: {why}"));
            }
            Err(why) => {
                let key = self.key(Action::List(ListVerb::Start));
                self.refuse(format!("not started: {why} ({key} goes on with it)"));
            }
        }
    }

    /// Selects the session that was started, once it is there, unless the person has gone on to something else.
    pub(super) fn select_started(&mut self, cmds: &mut Vec<Cmd>) {
        let Some((id, from)) = self.listing.started.filter(|(id, _)| self.sessions.get(*id).is_some()) else { return };
        self.listing.started = None;
        if self.is_free_in_list() && self.selected == from {
            self.select(id, cmds);
        }
    }

    /// Whether the keyboard is in the list and nothing lies over it.
    fn is_free_in_list(&self) -> bool {
        self.layer.is_none() && self.all_feeds.is_none() && self.context() == Context::List
    }

    pub(super) fn take_offers(&mut self, begun: &str, wanted: Wanted, offers: Vec<String>) {
        if let Some(Layer::Start(form)) = &mut self.layer {
            form.take_paths(begun, wanted, offers);
        }
    }

    pub(super) fn take_packages(&mut self, packages: Vec<Package>) {
        if let Some(Layer::Start(form)) = &mut self.layer {
            form.take_packages(packages);
        }
    }
}
