//! `switchboard info --paths`: every path, and where it comes from.

use serde_json::{Value, json};

use super::args::{Format, InfoArgs};
use super::exit::{CliError, Exit};
use super::output;
use crate::config::{PathEntry, Settings};
use crate::domain::printable_line;

/// Prints the paths.
pub(super) fn info(settings: &Settings, args: InfoArgs) -> Result<Exit, CliError> {
    let InfoArgs { paths: _, output: format } = args;
    let entries = settings.paths.entries();
    let text = match format {
        Format::Text => entries.iter().map(|entry| line(entry)).collect(),
        Format::Json => {
            let document = json!({ "paths": entries.map(object) });
            format!("{document:#}\n")
        }
        Format::Jsonl => entries.map(|entry| object(entry).to_string() + "\n").concat(),
    };
    output::data(text)?;
    Ok(Exit::Ok)
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
