//! A keymap file: names of actions and the keys for each, with their lines. What actions and keys there are is the
//! desk's to know.
//!
//! ```toml
//! next_waiting = ["w", "Ctrl-N"]
//! mark = "x"
//! ```

use std::path::{Path, PathBuf};

use super::file::{FileError, FileErrors, Reading};

/// A keymap file that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeymapFile {
    /// The file.
    pub path: PathBuf,
    /// What it says, in its order.
    pub bindings: Vec<Binding>,
    /// What of it is neither a text nor an array of texts.
    pub faults: Vec<FileError>,
}

/// One action of a keymap file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The name of the action.
    pub action: String,
    /// Its line.
    pub line: usize,
    /// The keys as they are written, each with its line.
    pub keys: Vec<(String, usize)>,
}

impl KeymapFile {
    /// Reads the text of a keymap file.
    ///
    /// # Errors
    /// Names the lines of what is no TOML.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileErrors> {
        let reading = Reading::new(path, text);
        let (mut bindings, mut faults) = (Vec::new(), Vec::new());
        for (action, span, value) in reading.top()? {
            match reading.strings(&action, &value) {
                Ok(keys) => {
                    let keys = keys.into_iter().map(|(key, span)| (key, reading.line(span.start))).collect();
                    bindings.push(Binding { action, line: reading.line(span.start), keys });
                }
                Err(fault) => faults.push(fault),
            }
        }
        bindings.sort_by_key(|binding| binding.line);
        Ok(Self { path: path.to_owned(), bindings, faults })
    }

    /// What is wrong at a line of it.
    pub fn fault(&self, line: usize, what: impl Into<String>) -> FileError {
        FileError { path: self.path.clone(), line, what: what.into() }
    }
}
