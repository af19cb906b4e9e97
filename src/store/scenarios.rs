//! Scenarios for evaluations: Lua files by name in the directory of the home, or by path.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{disk, is_name};

/// Finds a scenario: `scenarios/<name>.lua` in the home, else a file that lies in the home or in a library directory.
///
/// A program must not read any other file of its user by naming it here.
pub(super) fn read(home: &Path, roots: &[PathBuf], name: &str) -> Result<Value, String> {
    let scenarios = home.join("scenarios");
    if is_name(name)
        && let Some(found) = text(&scenarios.join(format!("{name}.lua")), name)?
    {
        return Ok(found);
    }
    let borders = roots.iter().chain([&scenarios]).filter_map(|root| fs::canonicalize(root).ok());
    for border in borders {
        let Ok(path) = fs::canonicalize(border.join(name)) else { continue };
        if path.starts_with(&border)
            && path.is_file()
            && let Some(found) = text(&path, name)?
        {
            return Ok(found);
        }
    }
    Ok(Value::Null)
}

/// Reads the file that a person has named. It may be a pipe: they know what they give.
pub(super) fn read_file(path: &Path) -> Result<String, String> {
    match File::open(path).and_then(disk::text) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == ErrorKind::NotFound => Err("no such file; check the name".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn text(path: &Path, name: &str) -> Result<Option<Value>, String> {
    let text = disk::read(path).map_err(|error| format!("scenario {name}: {error}"))?;
    let file = path.file_name().map_or(name.into(), |file| file.to_string_lossy());
    Ok(text.map(|text| json!({ "path": file, "text": text })))
}
