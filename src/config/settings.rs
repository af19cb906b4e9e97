//! The settings, and the layers they come from.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use super::{ConfigFile, DeskSettings, FileErrors, Paths, keys, limits, parse_duration};
use crate::domain::Limits;

/// When output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// On a terminal that can, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What goes to the log file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// What failed.
    Error,
    /// And sessions that failed.
    Warn,
    /// And what the program did by itself, such as evictions.
    #[default]
    Info,
    /// And refused commands.
    Debug,
    /// Everything.
    Trace,
}

/// The variables of an environment. An empty one counts as not set.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: HashMap<OsString, OsString>,
    /// What the config file says, which counts where the variable is not set.
    file: ConfigFile,
}

impl Environment {
    /// Takes variables by name.
    pub fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let variables = variables.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        Self { variables, file: ConfigFile::default() }
    }

    /// Puts what a config file says below the variables.
    pub fn above(&mut self, file: ConfigFile) {
        self.file = file;
    }

    /// Takes a variable away. What the config file says in its place counts then.
    pub fn leave_out(&mut self, name: &str) {
        self.variables.remove(OsStr::new(name));
    }

    /// Whether the value of a variable is what the config file says.
    pub(super) fn is_of_the_file(&self, name: &str) -> bool {
        !self.variables.contains_key(OsStr::new(name))
    }

    /// The value of a variable that is a key of the config file, if it is one that the key can have.
    pub(super) fn checked(&self, name: &'static str) -> Result<Option<String>, VariableError> {
        let Some(value) = self.get(name).map(|value| value.to_string_lossy().into_owned()) else { return Ok(None) };
        match keys::of_variable(name).and_then(|key| key.kind.fault(&value)) {
            None => Ok(Some(value)),
            Some(fault) => Err(VariableError { name, fault }),
        }
    }

    /// The value that the word in a variable stands for, if it is set.
    pub(super) fn word<T: Copy>(
        &self,
        name: &'static str,
        words: &[(&'static str, T)],
    ) -> Result<Option<T>, VariableError> {
        let value = self.checked(name)?;
        Ok(value.and_then(|value| words.iter().find(|(word, _)| *word == value).map(|(_, found)| *found)))
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        let value = self.variables.get(OsStr::new(name)).or_else(|| self.file.values.get(name));
        value.map(OsString::as_os_str)
    }
}

/// What was given as flags.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// The config file.
    pub config: Option<PathBuf>,
    /// The home directory.
    pub home: Option<PathBuf>,
    /// The state directory.
    pub state_dir: Option<PathBuf>,
    /// The log file.
    pub log_file: Option<PathBuf>,
    /// The directory of installed modules.
    pub packages: Option<PathBuf>,
    /// The journal.
    pub journal: Option<PathBuf>,
    /// Whether nothing is kept.
    pub ephemeral: bool,
    /// When output is coloured.
    pub color: Option<Color>,
    /// What goes to the log file.
    pub log_level: Option<LogLevel>,
}

/// A variable of the environment that is nothing that it can be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable {name} is {fault}")]
pub struct VariableError {
    /// The variable.
    pub name: &'static str,
    /// Its value, and what to set it to.
    pub fault: String,
}

/// A setting that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable of the environment makes none.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// A file is not as it should be.
    #[error(transparent)]
    File(#[from] FileErrors),
}

/// The merged settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Every path.
    pub paths: Paths,
    /// When output is coloured.
    pub color: Color,
    /// Whether `NO_COLOR` is set. It counts only where `color` is automatic.
    pub no_color: bool,
    /// Whether the terminal cannot move its cursor (`TERM=dumb`).
    pub dumb_terminal: bool,
    /// Whether the locale says that the terminal knows only ASCII. One that says nothing does not say so.
    pub ascii_terminal: bool,
    /// What goes to the log file.
    pub log_level: LogLevel,
    /// What sessions may use unless they are given other limits.
    pub limits: Limits,
    /// What becomes of sessions when the program ends.
    pub keeping: Keeping,
    /// When sessions that wait leave memory.
    pub sleep: Sleep,
    /// How the person wants the desk.
    pub desk: DeskSettings,
}

impl Settings {
    /// Merges the layers.
    ///
    /// # Errors
    /// Names a variable that makes no sense.
    pub fn merge(environment: &Environment, flags: &Flags) -> Result<Self, VariableError> {
        let color = match flags.color {
            Some(color) => color,
            None => environment.word("SWITCHBOARD_COLOR", Color::WORDS)?.unwrap_or_default(),
        };
        let log_level = match flags.log_level {
            Some(level) => level,
            None => environment.word("SWITCHBOARD_LOG_LEVEL", LogLevel::WORDS)?.unwrap_or_default(),
        };
        Ok(Self {
            paths: Paths::resolve(environment, flags),
            keeping: if flags.ephemeral { Keeping::Nothing } else { Keeping::Journal },
            color,
            no_color: environment.get("NO_COLOR").is_some(),
            ascii_terminal: says_ascii(environment),
            dumb_terminal: environment.get("TERM").is_some_and(|term| term == "dumb"),
            log_level,
            limits: limits::merge(environment)?,
            sleep: Sleep::merge(environment)?,
            desk: DeskSettings::merge(environment, says_ascii(environment))?,
        })
    }

    /// Whether to colour what goes to a terminal, or to something else.
    pub fn colors(&self, target: Target) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => target == Target::Terminal && !self.no_color && !self.dumb_terminal,
        }
    }
}

/// Whether the locale is set and is none of UTF-8. Of its variables the first that is set counts, as in POSIX.
fn says_ascii(environment: &Environment) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| environment.get(name));
    locale.is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        !locale.contains("utf-8") && !locale.contains("utf8")
    })
}

/// What becomes of sessions when the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// They are kept in a journal.
    Journal,
    /// They end with it.
    Nothing,
}

/// When sessions that wait leave memory for the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sleep {
    /// How long they must have waited.
    pub after: Duration,
    /// How many may wait in memory.
    pub residents: usize,
}

impl Default for Sleep {
    /// Nobody notices that they have left: an answer brings them back within milliseconds.
    fn default() -> Self {
        Self { after: Duration::from_mins(10), residents: 2000 }
    }
}

impl Sleep {
    fn merge(environment: &Environment) -> Result<Self, VariableError> {
        let default = Self::default();
        let after = environment.checked("SWITCHBOARD_SLEEP_AFTER")?.and_then(|text| parse_duration(&text).ok());
        let residents = environment.checked("SWITCHBOARD_RESIDENTS")?.and_then(|text| text.parse().ok());
        Ok(Self { after: after.unwrap_or(default.after), residents: residents.unwrap_or(default.residents) })
    }
}

/// Where output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A terminal.
    Terminal,
    /// A file, a pipe.
    Other,
}

impl Color {
    /// Each value and the word for it.
    pub const WORDS: &[(&'static str, Self)] =
        &[("auto", Self::Auto), ("always", Self::Always), ("never", Self::Never)];
}

impl LogLevel {
    /// Each value and the word for it.
    pub const WORDS: &[(&'static str, Self)] = &[
        ("off", Self::Off),
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merge(variables: &[(&str, &str)], flags: &Flags) -> Result<Settings, VariableError> {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        Settings::merge(&Environment::of(variables), flags)
    }

    #[test]
    fn a_flag_wins_over_its_variable() {
        let variables = [("SWITCHBOARD_COLOR", "always"), ("SWITCHBOARD_LOG_LEVEL", "debug")];
        let flags = Flags { color: Some(Color::Never), ..Flags::default() };
        let settings = merge(&variables, &flags).unwrap();
        assert_eq!((settings.color, settings.log_level), (Color::Never, LogLevel::Debug));
        let settings = merge(&[], &Flags::default()).unwrap();
        assert_eq!((settings.color, settings.log_level), (Color::Auto, LogLevel::Info));
    }

    #[test]
    fn when_sessions_leave_memory_can_be_said() {
        let variables = [("SWITCHBOARD_SLEEP_AFTER", "30s"), ("SWITCHBOARD_RESIDENTS", "7")];
        let sleep = merge(&variables, &Flags::default()).unwrap().sleep;
        assert_eq!(sleep, Sleep { after: Duration::from_secs(30), residents: 7 });
        assert_eq!(merge(&[], &Flags::default()).unwrap().sleep, Sleep::default());
        let error = merge(&[("SWITCHBOARD_SLEEP_AFTER", "soon")], &Flags::default()).unwrap_err();
        assert!(error.to_string().contains("SWITCHBOARD_SLEEP_AFTER"), "{error}");
    }

    #[test]
    fn a_word_that_means_nothing_is_named() {
        let error = merge(&[("SWITCHBOARD_COLOR", "purple")], &Flags::default()).unwrap_err();
        let expected = r#"the variable SWITCHBOARD_COLOR is "purple"; set it to one of auto, always, never"#;
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn ascii_is_used_only_where_the_locale_asks_for_it() {
        for (variables, ascii) in [
            (&[][..], false),
            (&[("LANG", "C")], true),
            (&[("LANG", "de_DE.ISO-8859-1"), ("LC_ALL", "C.UTF-8")], false),
            (&[("LANG", "en_US.utf8")], false),
            (&[("LANG", "en_US.UTF-8"), ("LC_CTYPE", "POSIX")], true),
        ] {
            assert_eq!(merge(variables, &Flags::default()).unwrap().ascii_terminal, ascii, "{variables:?}");
        }
    }

    #[test]
    fn automatic_colour_needs_a_terminal_that_can_and_no_word_against_it() {
        let colors = |variables: &[_], color, target| {
            merge(variables, &Flags { color: Some(color), ..Flags::default() }).unwrap().colors(target)
        };
        assert!(colors(&[], Color::Auto, Target::Terminal));
        assert!(!colors(&[], Color::Auto, Target::Other));
        assert!(!colors(&[("NO_COLOR", "1")], Color::Auto, Target::Terminal));
        assert!(colors(&[("NO_COLOR", "")], Color::Auto, Target::Terminal));
        assert!(!colors(&[("TERM", "dumb")], Color::Auto, Target::Terminal));
        assert!(colors(&[("NO_COLOR", "1")], Color::Always, Target::Other));
        assert!(!colors(&[], Color::Never, Target::Terminal));
    }
}
