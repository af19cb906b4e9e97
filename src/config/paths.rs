//! Every path the program uses, and where each came from.
//!
//! Follows the XDG base directories. A machine without a home is no error: what would lie there is then not used.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Environment, Flags};

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A flag, named as it is typed.
    Flag(&'static str),
    /// A variable of the environment.
    Variable(&'static str),
    /// The config file.
    ConfigFile,
    /// Another path that it lies in, by its name.
    Within(&'static str),
    /// Nothing tells: a home directory would be needed.
    NoHome,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Variable(name) => write!(f, "${name}"),
            Self::ConfigFile => f.write_str("config file"),
            Self::Within(name) => write!(f, "in {name}"),
            Self::NoHome => f.write_str("not used: HOME is not set"),
        }
    }
}

/// One path, as `info --paths` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathEntry {
    /// What it is called.
    pub name: &'static str,
    /// What lies there.
    pub purpose: &'static str,
    /// The flag that sets it.
    pub flag: &'static str,
    /// The variable that sets it.
    pub variable: &'static str,
    /// Where it is; absent when nothing tells.
    pub path: Option<PathBuf>,
    /// Where that came from.
    pub origin: Origin,
}

impl PathEntry {
    fn unset(name: &'static str, purpose: &'static str, flag: &'static str, variable: &'static str) -> Self {
        Self { name, purpose, flag, variable, path: None, origin: Origin::NoHome }
    }
}

/// Every path the program uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    config: PathEntry,
    home: PathEntry,
    state_dir: PathEntry,
    log_file: PathEntry,
    packages: PathEntry,
    journal: PathEntry,
}

impl Paths {
    /// Finds every path; the first that is set wins: flag, own variable, XDG variable, `HOME`.
    pub fn resolve(environment: &Environment, flags: &Flags) -> Self {
        let home = base(
            environment,
            flags.home.as_deref(),
            PathEntry::unset("home", "packages, state, cards and scenarios", "--home", "SWITCHBOARD_HOME"),
            "XDG_DATA_HOME",
            ".local/share",
        );
        let state_dir = base(
            environment,
            flags.state_dir.as_deref(),
            PathEntry::unset(
                "state",
                "what the program keeps for itself: its journal, records of runs, its log",
                "--state-dir",
                "SWITCHBOARD_STATE_DIR",
            ),
            "XDG_STATE_HOME",
            ".local/state",
        );
        let log_file = within(
            environment,
            flags.log_file.as_deref(),
            PathEntry::unset("log", "what goes wrong in the background", "--log-file", "SWITCHBOARD_LOG_FILE"),
            &state_dir,
            "switchboard.log",
        );
        let packages = within(
            environment,
            flags.packages.as_deref(),
            PathEntry::unset(
                "packages",
                "modules for require, behind every --lib",
                "--packages",
                "SWITCHBOARD_PACKAGES",
            ),
            &home,
            "packages",
        );
        let journal = within(
            environment,
            flags.journal.as_deref(),
            PathEntry::unset(
                "journal",
                "every session of the desk, its questions and answers",
                "--journal",
                "SWITCHBOARD_JOURNAL",
            ),
            &state_dir,
            "journal.db",
        );
        let config = config_file(environment, flags.config.as_deref());
        Self { config, home, state_dir, log_file, packages, journal }
    }

    /// Every path, in the order `info --paths` shows them.
    pub fn entries(&self) -> [&PathEntry; 6] {
        [&self.config, &self.home, &self.packages, &self.state_dir, &self.journal, &self.log_file]
    }

    /// The config file, if there is a place for one, and whether somebody named it: then it must be there.
    pub fn config(&self) -> Option<(&Path, bool)> {
        let named = matches!(self.config.origin, Origin::Flag(_) | Origin::Variable("SWITCHBOARD_CONFIG"));
        self.config.path.as_deref().map(|path| (path, named))
    }

    /// The log file, if there is a place for one.
    pub fn log_file(&self) -> Option<&Path> {
        self.log_file.path.as_deref()
    }

    /// The journal of the desk, if there is a place for one.
    pub fn journal(&self) -> Option<&Path> {
        self.journal.path.as_deref()
    }

    /// The journal that was named for this start of the program, by a flag or a variable.
    pub fn named_journal(&self) -> Option<&Path> {
        let named = matches!(self.journal.origin, Origin::Flag(_) | Origin::Variable(_));
        self.journal().filter(|_| named)
    }

    /// Whether records of runs lie where only this start of the program was told, by a flag.
    pub fn are_runs_elsewhere(&self) -> bool {
        matches!(self.state_dir.origin, Origin::Flag(_))
    }

    /// Where the records of runs lie, a journal each, if there is a place for them.
    pub fn runs(&self) -> Option<PathBuf> {
        self.state_dir.path.as_ref().map(|directory| directory.join("runs"))
    }

    /// The home of packages, state, cards and scenarios, if there is a place for one. It need not exist.
    pub fn home(&self) -> Option<&Path> {
        self.home.path.as_deref()
    }

    /// The directory of installed modules, if there is a place for one. It need not exist.
    pub fn packages(&self) -> Option<&Path> {
        self.packages.path.as_deref()
    }
}

/// The config file: named, else at its place in the XDG base directory.
fn config_file(environment: &Environment, flag: Option<&Path>) -> PathEntry {
    let entry =
        PathEntry::unset("config", "the config file; keymap.toml lies beside it", "--config", "SWITCHBOARD_CONFIG");
    let found = base(environment, flag, entry, "XDG_CONFIG_HOME", ".config");
    match found.origin {
        Origin::Flag(_) | Origin::Variable("SWITCHBOARD_CONFIG") => found,
        _ => PathEntry { path: found.path.map(|path| path.join("config.toml")), ..found },
    }
}

/// A directory of its own in one of the XDG base directories.
fn base(
    environment: &Environment,
    flag: Option<&Path>,
    entry: PathEntry,
    xdg: &'static str,
    below_home: &str,
) -> PathEntry {
    let entry = chosen(environment, flag, entry);
    if entry.path.is_some() {
        return entry;
    }
    // The XDG specification: a relative base directory is invalid and is to be ignored.
    let absolute = |name| environment.get(name).map(PathBuf::from).filter(|path: &PathBuf| path.is_absolute());
    if let Some(base) = absolute(xdg) {
        return PathEntry { path: Some(base.join("switchboard")), origin: Origin::Variable(xdg), ..entry };
    }
    match absolute("HOME") {
        Some(home) => {
            let path = home.join(below_home).join("switchboard");
            PathEntry { path: Some(path), origin: Origin::Variable("HOME"), ..entry }
        }
        None => entry,
    }
}

/// A path that lies in another unless it is set.
fn within(
    environment: &Environment,
    flag: Option<&Path>,
    entry: PathEntry,
    outer: &PathEntry,
    name: &str,
) -> PathEntry {
    let entry = chosen(environment, flag, entry);
    match &outer.path {
        Some(path) if entry.path.is_none() => {
            PathEntry { path: Some(path.join(name)), origin: Origin::Within(outer.name), ..entry }
        }
        _ => entry,
    }
}

/// The path of the flag or of the program's own variable, if one is set.
fn chosen(environment: &Environment, flag: Option<&Path>, entry: PathEntry) -> PathEntry {
    if let Some(path) = flag {
        return PathEntry { path: Some(path.to_owned()), origin: Origin::Flag(entry.flag), ..entry };
    }
    match environment.get(entry.variable) {
        Some(path) => {
            let in_file = environment.is_of_the_file(entry.variable);
            let origin = if in_file { Origin::ConfigFile } else { Origin::Variable(entry.variable) };
            PathEntry { path: Some(PathBuf::from(path)), origin, ..entry }
        }
        None => entry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(variables: &[(&str, &str)], flags: &Flags) -> Vec<String> {
        let environment = Environment::of(variables.iter().map(|(name, value)| (name.into(), value.into())));
        let paths = Paths::resolve(&environment, flags);
        let path = |entry: &PathEntry| entry.path.as_ref().map_or("-".into(), |path| path.display().to_string());
        paths.entries().iter().map(|entry| format!("{} {} {}", entry.name, path(entry), entry.origin)).collect()
    }

    #[test]
    fn flags_win_over_variables_and_those_over_defaults() {
        assert_eq!(
            shown(&[("HOME", "/h")], &Flags::default()),
            [
                "config /h/.config/switchboard/config.toml $HOME",
                "home /h/.local/share/switchboard $HOME",
                "packages /h/.local/share/switchboard/packages in home",
                "state /h/.local/state/switchboard $HOME",
                "journal /h/.local/state/switchboard/journal.db in state",
                "log /h/.local/state/switchboard/switchboard.log in state",
            ]
        );
        let variables = [
            ("HOME", "/h"),
            ("XDG_DATA_HOME", "/data"),
            ("SWITCHBOARD_CONFIG", "/c.toml"),
            ("XDG_STATE_HOME", "relative is ignored"),
            ("SWITCHBOARD_LOG_FILE", "/v/log"),
            ("SWITCHBOARD_STATE_DIR", ""),
            ("SWITCHBOARD_JOURNAL", "/j.db"),
        ];
        let flags = Flags { packages: Some("/f/pkg".into()), ..Flags::default() };
        assert_eq!(
            shown(&variables, &flags),
            [
                "config /c.toml $SWITCHBOARD_CONFIG",
                "home /data/switchboard $XDG_DATA_HOME",
                "packages /f/pkg --packages",
                "state /h/.local/state/switchboard $HOME",
                "journal /j.db $SWITCHBOARD_JOURNAL",
                "log /v/log $SWITCHBOARD_LOG_FILE",
            ]
        );
    }

    #[test]
    fn without_a_home_nothing_is_made_up() {
        let none = "- not used: HOME is not set";
        let expected = ["config", "home", "packages", "state", "journal", "log"].map(|name| format!("{name} {none}"));
        assert_eq!(shown(&[], &Flags::default()), expected);
    }
}
