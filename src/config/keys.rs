//! Every key of the config file, once: where it stands, which variable says the same, and what it may be.
//!
//! The file is the layer below the environment: what it says counts where the variable is not set. So a key has one
//! meaning, one check and one name in messages, whoever sets it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::desk::{Grouping, Sort};
use super::file::{FileError, FileErrors, Reading};
use super::settings::{Color, LogLevel};
use super::units::{parse_duration, parse_size};
use crate::domain::query::Expr;

/// What a key may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// One of these words.
    Words(fn() -> Vec<&'static str>),
    /// A path; a relative one begins where the file lies.
    Path,
    /// Any text.
    Text,
    /// On or off: `true` or `false`.
    Switch,
    /// Such as `5s`.
    Duration,
    /// Such as `64MB`.
    Size,
    /// A whole number.
    Count,
    /// A query.
    Query,
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// The table it stands in; none for the top.
    pub(super) table: &'static str,
    pub(super) name: &'static str,
    pub(super) variable: &'static str,
    pub(super) kind: Kind,
}

const fn key(table: &'static str, name: &'static str, variable: &'static str, kind: Kind) -> Key {
    Key { table, name, variable, kind }
}

macro_rules! words {
    ($words:expr) => {
        Kind::Words(|| $words.iter().map(|(word, _)| *word).collect())
    };
}

/// Every key, in the order of `assets/default.toml`.
pub(super) const KEYS: &[Key] = &[
    key("", "color", "SWITCHBOARD_COLOR", words!(Color::WORDS)),
    key("", "log_level", "SWITCHBOARD_LOG_LEVEL", words!(LogLevel::WORDS)),
    key("paths", "home", "SWITCHBOARD_HOME", Kind::Path),
    key("paths", "packages", "SWITCHBOARD_PACKAGES", Kind::Path),
    key("paths", "state_dir", "SWITCHBOARD_STATE_DIR", Kind::Path),
    key("paths", "journal", "SWITCHBOARD_JOURNAL", Kind::Path),
    key("paths", "log_file", "SWITCHBOARD_LOG_FILE", Kind::Path),
    key("limits", "memory", "SWITCHBOARD_MEMORY", Kind::Size),
    key("limits", "cpu", "SWITCHBOARD_CPU", Kind::Duration),
    key("limits", "timeout", "SWITCHBOARD_TIMEOUT", Kind::Duration),
    key("limits", "section", "SWITCHBOARD_SECTION", Kind::Duration),
    key("limits", "max_pauses", "SWITCHBOARD_MAX_PAUSES", Kind::Count),
    key("limits", "max_queries", "SWITCHBOARD_MAX_QUERIES", Kind::Count),
    key("limits", "max_family", "SWITCHBOARD_MAX_FAMILY", Kind::Count),
    key("limits", "family_memory", "SWITCHBOARD_FAMILY_MEMORY", Kind::Size),
    key("limits", "source_size", "SWITCHBOARD_SOURCE_SIZE", Kind::Size),
    key("limits", "ctx_size", "SWITCHBOARD_CTX_SIZE", Kind::Size),
    key("limits", "prompt_size", "SWITCHBOARD_PROMPT_SIZE", Kind::Size),
    key("limits", "answer_size", "SWITCHBOARD_ANSWER_SIZE", Kind::Size),
    key("limits", "result_size", "SWITCHBOARD_RESULT_SIZE", Kind::Size),
    key("limits", "log_line_size", "SWITCHBOARD_LOG_LINE_SIZE", Kind::Size),
    key("limits", "log_rate", "SWITCHBOARD_LOG_RATE", Kind::Count),
    key("limits", "reports", "SWITCHBOARD_REPORTS", Kind::Count),
    key("sleep", "after", "SWITCHBOARD_SLEEP_AFTER", Kind::Duration),
    key("sleep", "residents", "SWITCHBOARD_RESIDENTS", Kind::Count),
    key("desk", "theme", "SWITCHBOARD_THEME", Kind::Text),
    key("desk", "depth", "SWITCHBOARD_DEPTH", words!(super::desk::DEPTHS)),
    key("desk", "signs", "SWITCHBOARD_SIGNS", words!(super::desk::SIGNS)),
    key("desk", "sort", "SWITCHBOARD_SORT", words!(Sort::WORDS)),
    key("desk", "group", "SWITCHBOARD_GROUP", words!(Grouping::WORDS)),
    key("desk", "filter", "SWITCHBOARD_FILTER", Kind::Query),
    key("desk", "keymap", "SWITCHBOARD_KEYMAP", Kind::Path),
    key("desk", "mouse", "SWITCHBOARD_MOUSE", Kind::Switch),
    key("desk", "title", "SWITCHBOARD_TITLE", Kind::Switch),
    key("desk", "bell", "SWITCHBOARD_BELL", Kind::Switch),
    key("desk", "notify", "SWITCHBOARD_NOTIFY", Kind::Switch),
    key("desk", "notify_every", "SWITCHBOARD_NOTIFY_EVERY", Kind::Duration),
    key("desk", "editor", "SWITCHBOARD_EDITOR", Kind::Text),
    key("desk", "pager", "SWITCHBOARD_PAGER", Kind::Text),
];

/// The key that a variable stands for.
pub(super) fn of_variable(variable: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.variable == variable)
}

impl Kind {
    /// What is wrong with a value of this kind, if anything is.
    pub(super) fn fault(self, value: &str) -> Option<String> {
        match self {
            Self::Words(words) => {
                (!words().contains(&value)).then(|| format!("{value:?}; set it to one of {}", words().join(", ")))
            }
            Self::Path | Self::Text => None,
            Self::Switch => {
                (!["true", "false"].contains(&value)).then(|| format!("{value:?}; set it to true or false"))
            }
            Self::Duration => parse_duration(value).err().map(|error| format!("{value:?}: {error}")),
            Self::Size => parse_size(value).err().map(|error| format!("{value:?}: {error}")),
            Self::Count => {
                value.parse::<u64>().is_err().then(|| format!("{value:?}; set it to a whole number, such as 20"))
            }
            Self::Query => value.parse::<Expr>().err().map(|fault| format!("{value:?}: {fault}")),
        }
    }
}

/// A config file that was read: values by the variable that says the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigFile {
    pub(super) values: HashMap<&'static str, OsString>,
    path: PathBuf,
    /// The line of each value.
    lines: HashMap<&'static str, usize>,
}

impl ConfigFile {
    /// Reads the text of a config file.
    ///
    /// # Errors
    /// Names the line of each thing that is wrong: no TOML, an unknown table or key, a value of another kind.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileErrors> {
        let reading = Reading::new(path, text);
        let mut file = Self { path: path.to_owned(), ..Self::default() };
        let mut faults = Vec::new();
        for (name, span, value) in reading.top()? {
            let is_table = !name.is_empty() && KEYS.iter().any(|key| key.table == name);
            let (table, entries) = if is_table {
                match reading.table(&name, value) {
                    Ok(entries) => (&*name, entries),
                    Err(fault) => {
                        faults.push(fault);
                        continue;
                    }
                }
            } else {
                ("", vec![(name.clone(), span, value)])
            };
            for (name, span, value) in entries {
                match KEYS.iter().find(|key| key.table == table && key.name == name) {
                    Some(key) => faults.extend(file.take(&reading, path, key, &value).err()),
                    None => faults.push(reading.fault(span, unknown(table, &name))),
                }
            }
        }
        FileErrors::of(faults)?;
        Ok(file)
    }

    /// The file and the line that give a variable this value.
    pub fn place_of(&self, variable: &str, value: &str) -> Option<String> {
        let line = self.lines.get(variable).filter(|_| self.values[variable] == value)?;
        Some(format!("{}:{line}", self.path.display()))
    }

    fn take(
        &mut self,
        reading: &Reading<'_>,
        path: &Path,
        key: &Key,
        value: &toml::Spanned<toml::de::DeValue<'_>>,
    ) -> Result<(), FileError> {
        let text = match key.kind {
            Kind::Switch => reading.switch(key.name, value)?.to_string(),
            Kind::Count => reading.count(key.name, value)?.to_string(),
            Kind::Words(_) | Kind::Path | Kind::Text | Kind::Duration | Kind::Size | Kind::Query => {
                reading.string(key.name, value)?
            }
        };
        if text.is_empty() {
            return Ok(());
        }
        if let Some(fault) = key.kind.fault(&text) {
            return Err(reading.fault(value.span(), format!("{} is {fault}", key.name)));
        }
        let text = match key.kind {
            Kind::Path => beside(path, &text).into_os_string(),
            _ => text.into(),
        };
        self.values.insert(key.variable, text);
        self.lines.insert(key.variable, reading.line(value.span().start));
        Ok(())
    }
}

/// A path as the file at `file` means it.
fn beside(file: &Path, path: &str) -> PathBuf {
    file.parent().unwrap_or_else(|| Path::new("")).join(path)
}

/// An unknown key, with the one that was probably meant, else all there are.
fn unknown(table: &str, name: &str) -> String {
    let tables = KEYS.iter().map(|key| key.table).filter(|other| table.is_empty() && !other.is_empty());
    let mut names: Vec<&str> = KEYS.iter().filter(|key| key.table == table).map(|key| key.name).chain(tables).collect();
    names.dedup();
    if let Some(key) = KEYS.iter().find(|key| key.name == name && key.table != table) {
        let place = if key.table.is_empty() { "above all tables".to_owned() } else { format!("under [{}]", key.table) };
        return format!("{name} stands {place}; move it there");
    }
    let place = if table.is_empty() { String::new() } else { format!(" in [{table}]") };
    format!("unknown key {name:?}{place}; the keys there are {}", names.join(", "))
}
