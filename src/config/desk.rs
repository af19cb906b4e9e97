//! How the person wants the desk: its look, its list, what it tells the world outside.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::settings::{Environment, VariableError};
use super::units::parse_duration;
use crate::domain::query::Expr;

/// The orders of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Waiting, oldest first; failed, newest first; running; ended.
    #[default]
    Attention,
    /// As attention had it when it was asked for; new sessions come last, and no row moves by itself.
    Stable,
    /// Newest first.
    Started,
    /// By title.
    Name,
    /// By state, newest first within one.
    State,
    /// Who waits, longest first; then who has waited most in all.
    Waiting,
    /// Most first.
    Tokens,
}

impl Sort {
    /// Each order and its word.
    pub const WORDS: &[(&'static str, Self)] = &[
        ("attention", Self::Attention),
        ("stable", Self::Stable),
        ("started", Self::Started),
        ("name", Self::Name),
        ("state", Self::State),
        ("waiting", Self::Waiting),
        ("tokens", Self::Tokens),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        word_of(Self::WORDS, self)
    }

    /// The order behind it; the last is followed by the first.
    #[must_use]
    pub fn next(self) -> Self {
        behind(Self::WORDS, self)
    }
}

/// What the rows of the list are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grouping {
    /// Nothing.
    #[default]
    None,
    /// The state.
    State,
    /// The first tag.
    Tag,
    /// The file of the program.
    File,
}

impl Grouping {
    /// Each grouping and its word.
    pub const WORDS: &[(&'static str, Self)] =
        &[("none", Self::None), ("state", Self::State), ("tag", Self::Tag), ("file", Self::File)];

    /// The word for it.
    pub fn word(self) -> &'static str {
        word_of(Self::WORDS, self)
    }

    /// The grouping behind it; the last is followed by the first.
    #[must_use]
    pub fn next(self) -> Self {
        behind(Self::WORDS, self)
    }
}

fn word_of<T: PartialEq + Copy>(words: &[(&'static str, T)], one: T) -> &'static str {
    words.iter().find(|(_, other)| *other == one).map_or("", |(word, _)| word)
}

fn behind<T: PartialEq + Copy>(words: &[(&'static str, T)], one: T) -> T {
    let at = words.iter().position(|(_, other)| *other == one).unwrap_or_default();
    words[(at + 1) % words.len()].1
}

/// How many colours a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// The sixteen that every terminal's own palette defines.
    #[default]
    Sixteen,
    /// The fixed palette of 256.
    Indexed,
    /// Any, by red, green and blue.
    True,
}

/// The words for the number of colours; none leaves it to the terminal's variables.
pub(super) const DEPTHS: &[(&str, Option<Depth>)] =
    &[("auto", None), ("16", Some(Depth::Sixteen)), ("256", Some(Depth::Indexed)), ("true", Some(Depth::True))];

/// The words for the signs, and whether they are ASCII only; none leaves it to the locale.
pub(super) const SIGNS: &[(&str, Option<bool>)] = &[("auto", None), ("unicode", Some(false)), ("ascii", Some(true))];

/// How the person wants the desk.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the config file, and no two depend on each other"
)]
pub struct DeskSettings {
    /// The name of a theme that comes with the program, or the path of one; `auto` asks the terminal.
    pub theme: String,
    /// How many colours to use.
    pub depth: Depth,
    /// Whether to draw with ASCII only.
    pub ascii: bool,
    /// The order of the list at the start.
    pub sort: Sort,
    /// What its rows are grouped by at the start.
    pub grouping: Grouping,
    /// What it shows at the start.
    pub filter: Arc<Expr>,
    /// The keymap file, if one is named.
    pub keymap: Option<PathBuf>,
    /// Whether the mouse works in the desk, and not in the terminal.
    pub mouse: bool,
    /// Whether the terminal's title shows the counts.
    pub title: bool,
    /// Whether the bell rings when a session begins to wait.
    pub bell: bool,
    /// Whether the terminal is asked to show a notification then (OSC 9).
    pub notify: bool,
    /// At most one bell or notification in this time.
    pub notify_every: Duration,
    /// The command that edits a file.
    pub editor: String,
    /// The command that shows a file page by page.
    pub pager: String,
}

impl DeskSettings {
    /// Reads what the environment, and the config file below it, say.
    pub(super) fn merge(environment: &Environment, ascii_locale: bool) -> Result<Self, VariableError> {
        let text = |name: &str| environment.get(name).map(|value| value.to_string_lossy().into_owned());
        let switch = |name| environment.checked(name).map(|value| value.as_deref() == Some("true"));
        let every = environment.checked("SWITCHBOARD_NOTIFY_EVERY")?.and_then(|text| parse_duration(&text).ok());
        let filter = environment.checked("SWITCHBOARD_FILTER")?.and_then(|text| text.parse().ok());
        let command = |own: &str, names: &[&str], default: &str| {
            let named = names.iter().find_map(|name| text(name));
            text(own).or(named).unwrap_or_else(|| default.to_owned())
        };
        Ok(Self {
            theme: theme(environment, text("SWITCHBOARD_THEME")),
            depth: environment.word("SWITCHBOARD_DEPTH", DEPTHS)?.flatten().unwrap_or_else(|| depth(environment)),
            ascii: environment.word("SWITCHBOARD_SIGNS", SIGNS)?.flatten().unwrap_or(ascii_locale),
            sort: environment.word("SWITCHBOARD_SORT", Sort::WORDS)?.unwrap_or_default(),
            grouping: environment.word("SWITCHBOARD_GROUP", Grouping::WORDS)?.unwrap_or_default(),
            filter: Arc::new(filter.unwrap_or(Expr::EVERYTHING)),
            keymap: environment.get("SWITCHBOARD_KEYMAP").map(PathBuf::from),
            mouse: environment.checked("SWITCHBOARD_MOUSE")?.as_deref() != Some("false"),
            title: environment.checked("SWITCHBOARD_TITLE")?.as_deref() != Some("false"),
            bell: switch("SWITCHBOARD_BELL")?,
            notify: switch("SWITCHBOARD_NOTIFY")?,
            // Enough to look up, and not a drum.
            notify_every: every.unwrap_or(Duration::from_secs(5)),
            editor: command("SWITCHBOARD_EDITOR", &["VISUAL", "EDITOR"], "vi"),
            pager: command("SWITCHBOARD_PAGER", &["PAGER"], "less"),
        })
    }
}

/// A theme by name or path. `auto` is dark unless the terminal says that its background is light, as some do in
/// `COLORFGBG` (`text;background`, numbers of the sixteen colours).
fn theme(environment: &Environment, named: Option<String>) -> String {
    if let Some(theme) = named.filter(|theme| theme != "auto") {
        return theme;
    }
    let said = environment.get("COLORFGBG").map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
    let light = said.rsplit(';').next().is_some_and(|background| ["7", "15"].contains(&background));
    if light { "light" } else { "dark" }.to_owned()
}

/// How many colours the terminal says it has.
fn depth(environment: &Environment) -> Depth {
    let says = |name, words: &[&str]| {
        environment.get(name).is_some_and(|value| {
            let value = value.to_string_lossy();
            words.iter().any(|word| value.contains(word))
        })
    };
    if says("COLORTERM", &["truecolor", "24bit"]) {
        Depth::True
    } else if says("TERM", &["256color"]) {
        Depth::Indexed
    } else {
        Depth::Sixteen
    }
}
