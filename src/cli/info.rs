//! `switchboard info`: the version, and every path with where it comes from.

use serde_json::{Value, json};

use super::args::{Format, InfoArgs};
use super::exit::{CliError, Exit};
use super::output;
use crate::config::{PathEntry, Settings};
use crate::domain::printable_line;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Prints them; where the settings have a mistake, what holds without it, and then the mistake.
pub(super) fn info(settings: &Settings, faults: Vec<CliError>, args: InfoArgs) -> Result<Exit, CliError> {
    let InfoArgs { paths: only_paths, output: format } = args;
    let entries = settings.paths.entries();
    let text = match format {
        Format::Text => {
            let version = if only_paths { String::new() } else { format!("{:<9} {VERSION}\n", "version") };
            entries.iter().fold(version, |text, entry| text + &line(entry))
        }
        Format::Json => {
            let mut document = json!({ "paths": entries.map(object) });
            if !only_paths {
                document["version"] = VERSION.into();
            }
            format!("{document:#}\n")
        }
        Format::Jsonl => {
            let version = json!({ "name": "version", "version": VERSION });
            let lines = (!only_paths).then_some(version).into_iter().chain(entries.map(object));
            lines.map(|line| line.to_string() + "\n").collect()
        }
    };
    output::data(text)?;
    if faults.is_empty() { Ok(Exit::Ok) } else { Err(CliError::Settings(faults)) }
}

fn line(entry: &PathEntry) -> String {
    let path = entry.path.as_ref().map_or_else(|| "-".to_owned(), |path| path.to_string_lossy().into_owned());
    format!(
        "{:<9} {}  ({}; set it with {} or {})\n",
        entry.name,
        printable_line(&path),
        entry.origin,
        entry.flag,
        entry.variable
    )
}

fn object(entry: &PathEntry) -> Value {
    json!({
        "name": entry.name,
        "path": entry.path.as_ref().map(|path| path.to_string_lossy()),
        "from": entry.origin.to_string(),
        "flag": entry.flag,
        "variable": entry.variable,
        "purpose": entry.purpose,
    })
}
