//! The keymap with what a person's keymap file says, and what such a file must not say.
//!
//! A file gives an action other keys; what it does not name stays. What it may not do is what the desk promises: one key
//! is one action, letters typed in a text are text, and no key that comes by itself does something that cannot be
//! undone.

use super::chord::Chord;
use super::input::{Held, Key, KeyName};
use super::keymap::{Action, Context, Keymap, Row, default_keys};
use super::table::{TABLE, TEXT_KEYS};
use crate::config::{Binding, FileError, KeymapFile};

impl Keymap {
    /// The keymap of the table and this file.
    ///
    /// # Errors
    /// Names the line of the first thing that is wrong: an unknown action or key, a key that is another action already,
    /// or that must not be this one.
    pub fn with(file: &KeymapFile) -> Result<Self, FileError> {
        let mut keys = default_keys();
        // Where the keys of a row come from: a line of the file, or the table.
        let mut lines: Vec<Option<usize>> = vec![None; TABLE.len()];
        for binding in &file.bindings {
            let Some(at) = TABLE.iter().position(|row| row.name == binding.action) else {
                let what = format!("unknown action {:?}; switchboard keys lists them", binding.action);
                return Err(file.fault(binding.line, what));
            };
            keys[at] = read(file, binding, &TABLE[at])?;
            lines[at] = Some(binding.line);
        }
        for (at, row) in TABLE.iter().enumerate() {
            for key in &keys[at] {
                let twice = keys[at].iter().filter(|other| other.clashes(*key)).count() > 1;
                let other = TABLE.iter().enumerate().find_map(|(other, candidate)| {
                    let meets = candidate.contexts.iter().any(|context| row.contexts.contains(context));
                    let theirs = keys[other].iter().find(|theirs| theirs.clashes(*key));
                    theirs.filter(|_| other != at && meets).map(|theirs| (other, candidate, theirs))
                });
                // Of two rows, the one that the file names is at fault, and of two such the later.
                let Some(line) = lines[at].filter(|line| other.is_none_or(|(other, ..)| lines[other] < Some(*line)))
                else {
                    continue;
                };
                if twice {
                    return Err(file.fault(line, format!("{} has {key} twice; write it once", row.name)));
                }
                if let Some((_, other, theirs)) = other {
                    let is = if key == theirs { "is" } else { "begins the same as" };
                    let theirs = if key == theirs { String::new() } else { format!("{theirs}, which is ") };
                    let what = format!("{key} {is} {theirs}{} already; give one of the two another key", other.name);
                    return Err(file.fault(line, what));
                }
            }
        }
        Ok(Self::of(keys))
    }
}

fn read(file: &KeymapFile, binding: &Binding, row: &Row) -> Result<Vec<Chord>, FileError> {
    if binding.keys.is_empty() {
        return Err(file.fault(binding.line, format!("{} needs at least one key", row.name)));
    }
    let mut keys = Vec::new();
    for (text, line) in &binding.keys {
        let key: Chord = text.parse().map_err(|error| file.fault(*line, format!("{error}")))?;
        if let Some(why) = forbidden(key, row) {
            return Err(file.fault(*line, format!("{key} cannot be {}: {why}; choose another key", row.name)));
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Why a key must not be this action, if it must not.
fn forbidden(key: Chord, row: &Row) -> Option<&'static str> {
    // Where some other context takes the letter, texts get it all the same.
    let (first, last) = (key.first, key.last());
    let only_texts = row.contexts.iter().all(|context| context.takes_text());
    if only_texts && matches!((first.name, first.held), (KeyName::Char(_), Held { ctrl: false, alt: false, .. })) {
        return Some("it is typed in texts");
    }
    let in_editor = row.contexts.iter().any(|context| matches!(context, Context::Editor | Context::Detail));
    if in_editor && TEXT_KEYS.iter().any(|(text_key, _)| text_key.parse::<Key>().as_ref() == Ok(&first)) {
        return Some("it edits texts");
    }
    let harmless = !matches!(row.action, Action::Send | Action::Yes | Action::Cancel | Action::Quit);
    let comes_by_itself = ["Enter", "Esc", "Space", "Tab", "Shift-Tab", "Ctrl-C"]
        .iter()
        .any(|name| name.parse::<Key>().as_ref() == Ok(&last));
    (!harmless && comes_by_itself).then_some("a key that is pressed without thinking must do nothing that lasts")
}
