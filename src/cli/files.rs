//! Reads the files that settings come from: config, keymap, theme. What they say is checked where it is known.

use std::path::{Path, PathBuf};

use super::exit::{CliError, FileFault};
use super::program::read_file;
use crate::config::{ConfigError, ConfigFile, Environment, Flags, KeymapFile, Paths, Settings, Theme};
use crate::tui::Keymap;

/// No config, keymap or theme is nearly as long.
const BYTES: u64 = 1 << 20;

/// The settings, and what is wrong with the config file and with variables, which then do not count.
pub(super) fn settings(mut environment: Environment, flags: &Flags) -> (Settings, Vec<CliError>) {
    let mut faults = Vec::new();
    match config(&environment, flags) {
        Ok(file) => environment.above(file),
        Err(fault) => faults.push(fault),
    }
    loop {
        match Settings::merge(&environment, flags) {
            Ok(settings) => return (settings, faults),
            Err(fault) => {
                environment.leave_out(fault.name);
                faults.push(ConfigError::from(fault).into());
            }
        }
    }
}

/// What the config file says. One that nobody named need not be there.
fn config(environment: &Environment, flags: &Flags) -> Result<ConfigFile, CliError> {
    let paths = Paths::resolve(environment, flags);
    let Some((path, named)) = paths.config() else { return Ok(ConfigFile::default()) };
    match read(path, named)? {
        Some(text) => Ok(ConfigFile::parse(path, &text).map_err(ConfigError::from)?),
        None => Ok(ConfigFile::default()),
    }
}

/// The keymap: that of the file that is named, else of keymap.toml beside the config file, else the table's own.
pub(super) fn keymap(settings: &Settings) -> Result<Keymap, CliError> {
    let beside = settings.paths.config().and_then(|(config, _)| Some(config.parent()?.join("keymap.toml")));
    let named = settings.desk.keymap.clone();
    let is_named = named.is_some();
    let Some(path) = named.or(beside) else { return Ok(Keymap::default()) };
    let Some(text) = read(&path, is_named)? else { return Ok(Keymap::default()) };
    let file = KeymapFile::parse(&path, &text).map_err(ConfigError::from)?;
    Ok(Keymap::with(&file).map_err(ConfigError::from)?)
}

/// The theme: by name, else by path.
pub(super) fn theme(settings: &Settings) -> Result<Theme, CliError> {
    let name = &settings.desk.theme;
    if let Some(theme) = Theme::bundled(name) {
        return Ok(theme);
    }
    let path = match settings.paths.config() {
        Some((config, _)) => config.parent().unwrap_or(Path::new("")).join(name),
        None => PathBuf::from(name),
    };
    let Some(text) = read(&path, false)? else {
        let names: Vec<&str> = Theme::names().collect();
        let what = format!(
            "there is no theme {name:?} and no file {}; write {}, auto or the path of one",
            path.display(),
            names.join(", ")
        );
        return Err(CliError::file(theme_place(settings, name), FileFault::Content(what)));
    };
    Ok(Theme::parse(&path, &text).map_err(ConfigError::from)?)
}

/// Where a theme is named: in the config file, else by the variable.
fn theme_place(settings: &Settings, name: &str) -> String {
    const VARIABLE: &str = "SWITCHBOARD_THEME";
    let in_file = settings.paths.config().and_then(|(path, named)| {
        let text = read(path, named).ok()??;
        ConfigFile::parse(path, &text).ok()?.place_of(VARIABLE, name)
    });
    in_file.unwrap_or_else(|| format!("the variable {VARIABLE}"))
}

/// The text of a file; `None` if it is not there and need not be.
fn read(path: &Path, needed: bool) -> Result<Option<String>, CliError> {
    match read_file(path, BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(CliError::File { cause: FileFault::Missing, .. }) if !needed => Ok(None),
        Err(error) => Err(error),
    }
}
