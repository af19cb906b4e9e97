//! Starting sessions from the desk: the form for a file or typed code, and running a session's program again.
//!
//! Nothing is started but by Ctrl-S or Alt-Enter in the form, or by the key for running again. What is written in the
//! form is kept until a session was started from it.

use std::sync::Arc;

use tui_textarea::TextArea;

use super::app::{App, Layer};
use super::editor::{paste, text_field, text_of, type_key};
use super::input::Key;
use super::msg::Cmd;
use crate::domain::{SessionId, SessionSpec};

/// What to start.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// The program in a file.
    File(String),
    /// A typed program.
    Code(String),
    /// What a session was made of.
    Again(Arc<SessionSpec>),
}

/// The fields of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StartField {
    File,
    Code,
}

/// The form that starts a session.
#[derive(Debug)]
pub(super) struct StartForm {
    pub(super) field: StartField,
    pub(super) file: TextArea<'static>,
    pub(super) code: TextArea<'static>,
    /// Paths that begin as the one that is typed.
    pub(super) offers: Vec<String>,
}

impl StartForm {
    fn new() -> Self {
        Self { field: StartField::File, file: text_field(""), code: text_field(""), offers: Vec::new() }
    }

    /// Whether nothing is written in it.
    fn is_blank(&self) -> bool {
        text_of(&self.file).trim().is_empty() && text_of(&self.code).trim().is_empty()
    }

    fn area(&mut self) -> &mut TextArea<'static> {
        match self.field {
            StartField::File => &mut self.file,
            StartField::Code => &mut self.code,
        }
    }

    /// Types a key. Says what to look for on disk, if that is another path now.
    pub(super) fn type_key(&mut self, key: Key) -> Option<Cmd> {
        if self.field == StartField::File && key.typed().is_some_and(char::is_control) {
            return None;
        }
        let changed = type_key(self.area(), key);
        (changed && self.field == StartField::File).then(|| Cmd::Complete(text_of(&self.file)))
    }

    /// Puts a paste in. Says how many control characters were left out.
    pub(super) fn paste(&mut self, text: &str) -> usize {
        match self.field {
            StartField::File => paste(&mut self.file, text.lines().next().unwrap_or_default()),
            StartField::Code => paste(&mut self.code, text),
        }
    }

    /// Goes on with the path as far as all offers agree; where they do not, to the other field.
    pub(super) fn other_field(&mut self) -> Option<Cmd> {
        let begun = text_of(&self.file);
        let agreed = agreed(&self.offers);
        if self.field == StartField::File && agreed.len() > begun.len() && agreed.starts_with(&begun) {
            self.file = text_field(agreed);
            return Some(Cmd::Complete(agreed.to_owned()));
        }
        self.field = match self.field {
            StartField::File => StartField::Code,
            StartField::Code => StartField::File,
        };
        None
    }
}

/// The beginning that all of these have.
fn agreed(offers: &[String]) -> &str {
    let Some((first, others)) = offers.split_first() else { return "" };
    let same = |other: &String| first.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let bytes = others.iter().map(same).min().unwrap_or(first.len());
    &first[..first.floor_char_boundary(bytes)]
}

impl App {
    pub(super) fn open_start(&mut self, cmds: &mut Vec<Cmd>) {
        let form = self.listing.start.take().unwrap_or_else(|| Box::new(StartForm::new()));
        cmds.push(Cmd::Complete(text_of(&form.file)));
        self.layer = Some(Layer::Start(form));
    }

    /// Keeps a form that was left.
    pub(super) fn keep_start(&mut self, form: Box<StartForm>) {
        if !form.is_blank() {
            self.listing.start = Some(form);
            self.say("nothing was started; what was written is kept for the next N");
        }
    }

    pub(super) fn send_start(&mut self, form: Box<StartForm>, cmds: &mut Vec<Cmd>) {
        let start = match form.field {
            StartField::File => Start::File(text_of(&form.file).trim().to_owned()),
            StartField::Code => Start::Code(text_of(&form.code)),
        };
        let blank = match &start {
            Start::File(text) | Start::Code(text) => text.trim().is_empty(),
            Start::Again(_) => false,
        };
        if blank {
            self.refuse(match form.field {
                StartField::File => "no file is named yet (Tab goes to the field for code)",
                StartField::Code => "there is no code yet (Tab goes to the field for a file)",
            });
            self.layer = Some(Layer::Start(form));
            return;
        }
        self.listing.start = Some(form);
        self.say("starting");
        cmds.push(Cmd::Start(start));
    }

    pub(super) fn run_again(&mut self, cmds: &mut Vec<Cmd>) {
        match self.selected_summary().map(|summary| Arc::clone(&summary.spec)) {
            Some(spec) => {
                self.say("starting");
                cmds.push(Cmd::Start(Start::Again(spec)));
            }
            None => self.refuse("no session is selected"),
        }
    }

    /// Takes in what became of a start. The keyboard and the selection stay where they are.
    pub(super) fn started(&mut self, start: &Start, result: Result<(SessionId, String), String>) {
        match result {
            Ok((id, title)) => {
                if !matches!(start, Start::Again(_)) {
                    self.listing.start = None;
                }
                self.say(format!("{} is started: session {}", super::text::head(&title, 60), id.short()));
            }
            Err(why) => {
                let kept = if matches!(start, Start::Again(_)) { "" } else { " (N goes on with it)" };
                self.refuse(format!("not started: {why}{kept}"));
            }
        }
    }

    pub(super) fn take_offers(&mut self, begun: &str, offers: Vec<String>) {
        if let Some(Layer::Start(form)) = &mut self.layer
            && text_of(&form.file) == begun
        {
            form.offers = offers;
        }
    }
}
