//! The palette: every action by its name, and the raw verbs.
//!
//! An action does what its key would do in the pane below. A raw verb goes past the desk's guards, so it is confirmed
//! like an answer and never by Enter.

use super::app::{App, Layer};
use super::input::Key;
use super::keymap::{Action, Context, Row};
use super::msg::Cmd;
use super::picker::{Picker, fits};
use super::raw;
use super::table::TABLE;
use crate::domain::SessionId;
use crate::domain::query::{Scratch, Word};

/// The open palette.
#[derive(Debug)]
pub(super) struct Palette {
    pub(super) picker: Picker,
    /// Where it was opened.
    from: Context,
    /// The actions that fit what is typed, the best first.
    rows: Vec<&'static Row>,
    scratch: Scratch,
}

impl Palette {
    fn new(from: Context) -> Self {
        let mut palette = Self { picker: Picker::new(), from, rows: Vec::new(), scratch: Scratch::default() };
        palette.look();
        palette
    }

    pub(super) fn type_key(&mut self, key: Key) {
        self.picker.type_key(key);
        self.look();
    }

    /// Gives how many control characters were left out.
    pub(super) fn paste(&mut self, text: &str) -> usize {
        let left_out = self.picker.paste(text);
        self.look();
        left_out
    }

    /// The actions that fit what is typed, the best first.
    pub(super) fn rows(&self) -> &[&'static Row] {
        &self.rows
    }

    /// Finds the actions whose name has what is typed, then those whose name nearly has it, as words are found in the
    /// list; then in the same way those whose description has it.
    fn look(&mut self) {
        let wanted = self.picker.text();
        let words: Vec<Word> = wanted.split_whitespace().map(Word::new).collect();
        let scratch = &mut self.scratch;
        let mut nearly = |text: &str| words.iter().all(|word| scratch.finds(word, text));
        let mut rank = |row: &Row| {
            let whole = format!("{} {}", row.name, row.description);
            match () {
                () if fits(row.name, &wanted) => Some(0),
                () if nearly(row.name) => Some(1),
                () if fits(&whole, &wanted) => Some(2),
                () => nearly(&whole).then_some(3),
            }
        };
        let here = TABLE.iter().filter(|row| row.contexts.contains(&self.from) && row.action != Action::Palette);
        let mut ranked: Vec<(u8, &Row)> = here.filter_map(|row| Some((rank(row)?, row))).collect();
        // Stable: as in the table.
        ranked.sort_by_key(|(rank, _)| *rank);
        self.rows = ranked.into_iter().map(|(_, row)| row).collect();
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
        self.layer = Some(Layer::Palette(Palette::new(from)));
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
