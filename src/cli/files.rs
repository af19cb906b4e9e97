//! Reads the files that settings come from: config, keymap, theme. What they say is checked where it is known.

use std::path::{Path, PathBuf};

use super::exit::{CliError, FileFault};
use super::program::read_file;
use crate::config::{ConfigError, ConfigFile, Environment, Flags, KeymapFile, Paths, Settings, Theme};
use crate::tui::Keymap;

/// No config, keymap or theme is nearly as long.
const BYTES: u64 = 1 << 20;

/// Puts what the config file says below the environment. One that nobody named need not be there.
pub(super) fn with_config(mut environment: Environment, flags: &Flags) -> Result<Environment, CliError> {
    let paths = Paths::resolve(&environment, flags);
    let Some((path, named)) = paths.config() else { return Ok(environment) };
    if let Some(text) = read(path, named)? {
        environment.above(ConfigFile::parse(path, &text).map_err(ConfigError::from)?);
    }
    Ok(environment)
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
        let what = format!("no theme {name:?} and no such file; write {}, auto or the path of one", names.join(", "));
        return Err(CliError::file(path, FileFault::Content(what)));
    };
    Ok(Theme::parse(&path, &text).map_err(ConfigError::from)?)
}

/// The text of a file; `None` if it is not there and need not be.
fn read(path: &Path, needed: bool) -> Result<Option<String>, CliError> {
    match read_file(path, BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(CliError::File { cause: FileFault::Missing, .. }) if !needed => Ok(None),
        Err(error) => Err(error),
    }
}
