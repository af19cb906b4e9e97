//! The palette: every action by its name, and the raw verbs.
//!
//! An action does what its key would do in the pane below. A raw verb goes past the desk's guards, so it is confirmed
//! like an answer and never by Enter.

use super::app::{App, Layer};
use super::keymap::{Action, Context, Row};
use super::msg::Cmd;
use super::picker::{Picker, fits};
use super::raw;
use super::table::TABLE;
use crate::domain::SessionId;

/// The open palette.
#[derive(Debug)]
pub(super) struct Palette {
    pub(super) picker: Picker,
    /// Where it was opened.
    from: Context,
}

impl Palette {
    /// The actions whose name or description has what is typed; those by name first.
    pub(super) fn rows(&self) -> Vec<&'static Row> {
        let wanted = self.picker.text();
        let here = TABLE.iter().filter(|row| row.contexts.contains(&self.from) && row.action != Action::Palette);
        let (mut named, described): (Vec<&Row>, Vec<&Row>) = here
            .filter(|row| fits(&format!("{} {}", row.name, row.description), &wanted))
            .partition(|row| fits(row.name, &wanted));
        named.extend(described);
        named
    }

    /// Whether what is typed is a raw verb. The name of an action is the action until there is a blank behind it.
    pub(super) fn is_raw(&self) -> bool {
        let line = self.picker.text();
        let action = raw::verb_alone(&line).is_some_and(|verb| self.rows().iter().any(|row| row.name == verb));
        raw::is_raw(&line) && !action
    }
}

impl App {
    pub(super) fn open_palette(&mut self) {
        let from = self.context();
        self.layer = Some(Layer::Palette(Palette { picker: Picker::new(), from }));
    }

    /// Does the chosen action. A raw verb wants another key.
    pub(super) fn choose_in_palette(&mut self, cmds: &mut Vec<Cmd>) {
        let Some(Layer::Palette(palette)) = &self.layer else { return };
        if palette.is_raw() {
            let keys = self.keymap.written(Action::Send).replace(' ', " or ");
            self.refuse(format!("a raw verb is confirmed with {keys}"));
            return;
        }
        let (row, from) = (palette.rows().get(palette.picker.chosen).copied(), palette.from);
        if let Some(row) = row {
            self.layer = None;
            self.act(row.action, from, cmds);
        } else {
            let verbs = raw::VERBS.map(|(verb, _)| verb).join(", ");
            self.refuse(format!("no action has these words; the raw verbs are {verbs}"));
        }
    }

    /// Whether what is typed into the palette is a raw verb.
    pub(super) fn palette_is_raw(&self) -> bool {
        matches!(&self.layer, Some(Layer::Palette(palette)) if palette.is_raw())
    }

    /// Calls the raw verb, or does the chosen action.
    pub(super) fn confirm_palette(&mut self, cmds: &mut Vec<Cmd>) {
        let Some(Layer::Palette(palette)) = &self.layer else { return };
        let line = palette.picker.text();
        if !palette.is_raw() {
            self.choose_in_palette(cmds);
            return;
        }
        match raw::parse(&line, &|text| self.session_named(text)) {
            Ok(raw) => {
                self.layer = None;
                self.say(format!("{} called", line.split_whitespace().next().unwrap_or_default()));
                cmds.push(Cmd::Raw(raw));
            }
            Err(fault) => self.refuse(fault),
        }
    }

    /// The session that a text names: `.` is the selected one, else an id or the beginning of one.
    fn session_named(&self, text: &str) -> Result<SessionId, String> {
        if text == "." {
            return self.selected.ok_or_else(|| "no session is selected".to_owned());
        }
        // A whole id goes to the engine as it is, also one that nobody has.
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let mut named = self.sessions.iter().map(|summary| summary.id).filter(|id| id.to_string().starts_with(text));
        match (named.next(), named.next()) {
            (Some(id), None) => Ok(id),
            (Some(_), Some(_)) => Err(format!("{text} begins more than one session id; give more of it")),
            (None, _) => Err(format!("no session id begins with {text}; . is the selected session")),
        }
    }
}
