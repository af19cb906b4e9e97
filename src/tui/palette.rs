//! The palette: every action by its name, and the raw verbs.
//!
//! An action does what its key would do in the pane below. A raw verb goes past the desk's guards, so it is confirmed
//! like an answer and never by Enter.
//!
//! Words are found as in the list, also where letters are missing; but Enter does only what is seen to be chosen. That is
//! chosen by itself only where the name, or words of it, begin as was typed: a word that names nothing must not do what
//! merely has its letters.

use super::app::{App, Layer};
use super::editor::text_field;
use super::input::Key;
use super::keymap::{Action, Context, Motion, Row};
use super::msg::Cmd;
use super::picker::{Picker, fits};
use super::raw;
use super::table::TABLE;
use super::view::palette_rows;
use crate::domain::SessionId;
use crate::domain::query::{Scratch, Word};

/// The last rank of what begins as was typed, as a whole or in its words.
const BEGUN: u8 = 2;

/// The last rank of what was found by its name; behind it are those found by what they do.
const BY_NAME: u8 = 4;

/// How many are named that could have been meant.
const NAMED: usize = 3;

/// Letters that may be wrong in a name that could have been meant.
const SLIPS: usize = 2;

/// The open palette.
#[derive(Debug)]
pub(super) struct Palette {
    pub(super) picker: Picker,
    /// Where it was opened.
    from: Context,
    /// What fits what is typed, the best first.
    offers: Vec<Offer>,
    /// How many of them were found by their names.
    by_name: usize,
    scratch: Scratch,
}

/// A line of the palette.
#[derive(Debug, Clone, Copy)]
pub(super) enum Offer {
    /// An action of the table.
    Act(&'static Row),
    /// A raw verb and its shape. Choosing it writes its name, and no more.
    Verb(&'static str, &'static str),
}

impl Offer {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Act(row) => row.name,
            Self::Verb(name, _) => name,
        }
    }

    pub(super) fn says(self) -> &'static str {
        match self {
            Self::Act(row) => row.description,
            Self::Verb(_, shape) => shape,
        }
    }

    fn is_act(self) -> bool {
        matches!(self, Self::Act(_))
    }
}

impl Palette {
    fn new(from: Context) -> Self {
        let (picker, scratch) = (Picker::new(), Scratch::default());
        let mut palette = Self { picker, from, offers: Vec::new(), by_name: 0, scratch };
        palette.look();
        palette
    }

    pub(super) fn type_key(&mut self, key: Key) {
        if self.picker.type_key(key) {
            self.look();
        }
    }

    /// Chooses another of the offers.
    pub(super) fn choose(&mut self, motion: Motion) {
        self.picker.choose(motion, self.offers.len());
    }

    /// Has this in the line instead of what is typed.
    fn write(&mut self, text: &str) {
        self.picker.input = text_field(text);
        self.look();
    }

    /// Gives how many control characters were left out.
    pub(super) fn paste(&mut self, text: &str) -> usize {
        let left_out = self.picker.paste(text);
        self.look();
        left_out
    }

    /// What fits what is typed, the best first.
    pub(super) fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// Finds what is called so, what begins so, what has words that begin so; then what has in its name what is typed,
    /// or nearly has it, as words are found in the list; then in the same way in its description. Chooses the first if it
    /// begins so.
    fn look(&mut self) {
        let wanted = self.picker.text();
        let words: Vec<Word> = wanted.split_whitespace().map(Word::new).collect();
        let scratch = &mut self.scratch;
        let mut nearly = |text: &str| words.iter().all(|word| scratch.finds(word, text));
        let typed = wanted.to_lowercase();
        let begun: Vec<&str> = typed.split([' ', '_']).filter(|word| !word.is_empty()).collect();
        let name_begun = begun.join("_");
        let mut rank = |offer: Offer| {
            let name = offer.name();
            let whole = format!("{name} {}", offer.says());
            let words_begin = || begun.iter().all(|begun| name.split('_').any(|word| word.starts_with(begun)));
            match () {
                () if name == name_begun => Some(0),
                () if name.starts_with(&name_begun) => Some(1),
                () if words_begin() => Some(2),
                () if fits(name, &wanted) => Some(3),
                () if nearly(name) => Some(4),
                () if fits(&whole, &wanted) => Some(5),
                () => nearly(&whole).then_some(6),
            }
        };
        let mut ranked: Vec<(u8, Offer)> =
            everything(self.from).filter_map(|offer| Some((rank(offer)?, offer))).collect();
        // Stable: as in the table, and the verbs behind it.
        ranked.sort_by_key(|(rank, _)| *rank);
        let is_begun = ranked.first().is_some_and(|(rank, _)| *rank <= BEGUN) && !begun.is_empty();
        self.picker.chosen = is_begun.then_some(0);
        self.by_name = ranked.iter().filter(|(rank, _)| *rank <= BY_NAME).count();
        self.offers = ranked.into_iter().map(|(_, offer)| offer).collect();
    }

    /// What is typed, without blanks around it.
    fn typed(&self) -> String {
        self.picker.text().trim().to_owned()
    }

    /// Whether somebody at a screen of this size knows that `offer` is chosen: it is seen, or it was named.
    fn shows(&self, offer: Offer, size: (u16, u16)) -> bool {
        palette_rows(size) > 0 || self.typed() == offer.name()
    }

    /// The names that could have been meant: of what was found, else those with a slip or two.
    fn near(&self) -> Vec<&'static str> {
        if self.by_name > 0 {
            return self.offers.iter().take(self.by_name.min(NAMED)).map(|offer| offer.name()).collect();
        }
        let typed = self.typed().to_lowercase();
        let slips = |offer: Offer| (strsim::osa_distance(&typed, offer.name()), offer.name());
        let mut near: Vec<(usize, &str)> = everything(self.from).map(slips).filter(|(n, _)| *n <= SLIPS).collect();
        near.sort_by_key(|(slips, _)| *slips);
        near.into_iter().take(NAMED).map(|(_, name)| name).collect()
    }

    /// What Enter would do.
    pub(super) fn chosen(&self) -> Option<Offer> {
        self.offers.get(self.picker.chosen?).copied()
    }

    /// Whether what is typed is a raw verb. The name of an action is the action until there is a blank behind it.
    pub(super) fn is_raw(&self) -> bool {
        let line = self.picker.text();
        let action = raw::verb_alone(&line)
            .is_some_and(|verb| self.offers.iter().any(|offer| offer.is_act() && offer.name() == verb));
        raw::is_raw(&line) && !action
    }
}

/// What can be done from there, as in the table, and the raw verbs.
fn everything(from: Context) -> impl Iterator<Item = Offer> {
    let here = TABLE.iter().filter(move |row| row.contexts.contains(&from) && row.action != Action::Palette);
    here.map(Offer::Act).chain(raw::VERBS.iter().map(|(name, shape)| Offer::Verb(name, shape)))
}

impl App {
    pub(super) fn open_palette(&mut self) {
        let from = self.context();
        self.behind = self.layer.take();
        self.layer = Some(Layer::Palette(Palette::new(from)));
    }

    /// Does the chosen action, or writes the name of the chosen verb. A raw verb wants another key.
    pub(super) fn choose_in_palette(&mut self, cmds: &mut Vec<Cmd>) {
        let Some(Layer::Palette(palette)) = &mut self.layer else { return };
        if palette.is_raw() {
            let keys = self.keymap.written(Action::Send).replace(' ', " or ");
            self.refuse(format!("a raw verb is confirmed with {keys}"));
            return;
        }
        match (palette.chosen(), palette.from) {
            (Some(offer), _) if !palette.shows(offer, self.size) => {
                let typed = palette.typed();
                self.refuse(format!("there is no room to show what {typed} means: name it in full"));
            }
            (Some(Offer::Act(row)), from) => {
                self.layer = self.behind.take();
                self.act(row.action, from, cmds);
            }
            (Some(Offer::Verb(name, _)), _) => palette.write(&format!("{name} ")),
            (None, _) => {
                let refused = self.nothing_chosen();
                self.refuse(refused);
            }
        }
    }

    /// Why Enter does nothing, and what could have been meant.
    fn nothing_chosen(&self) -> String {
        let Some(Layer::Palette(palette)) = &self.layer else { return String::new() };
        let typed = palette.typed();
        let choose = match self.key_in_text(Action::Move(Motion::Down)) {
            down if !palette.offers.is_empty() => format!("; {down} chooses one of these"),
            _ => String::new(),
        };
        let verbs = || raw::VERBS.map(|(verb, _)| verb).join(", ");
        match palette.near()[..] {
            _ if typed.is_empty() => format!("nothing is typed{choose}"),
            [] if choose.is_empty() => format!("no command {typed}; the raw verbs are {}", verbs()),
            [] => format!("no command {typed}{choose}"),
            ref near => format!("no command {typed}; nearest: {}{choose}", near.join(", ")),
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
        // To ask for the marked ones ends a range; nothing else does.
        let marked = if line.split_whitespace().any(|word| word == "marked") { self.marked() } else { Vec::new() };
        match raw::parse(&line, &|text| self.session_named(text), &marked) {
            Ok(raw) => {
                self.layer = self.behind.take();
                self.say(format!("{} called", line.split_whitespace().next().unwrap_or_default()));
                self.call_raw(raw, cmds);
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
