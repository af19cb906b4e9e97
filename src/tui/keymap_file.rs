//! The keymap with what a person's keymap file says, and what such a file must not say.
//!
//! A file gives an action other keys; what it does not name stays. What it may not do is what the desk promises: one key
//! is one action, letters typed in a text are text, and no key that comes by itself does something that cannot be
//! undone.

use super::chord::Chord;
use super::input::{Held, Key, KeyName};
use super::keymap::{Action, Context, Keymap, Row, default_keys};
use super::table::{TABLE, TEXT_KEYS};
use crate::config::{Binding, FileError, FileErrors, KeymapFile};

/// Keys that a terminal sends as others, and those others.
const SENT_AS: [(char, &str); 7] =
    [('m', "Enter"), ('i', "Tab"), ('[', "Esc"), ('\\', "Ctrl-4"), (']', "Ctrl-5"), ('^', "Ctrl-6"), ('_', "Ctrl-7")];

impl Keymap {
    /// The keymap of the table and this file.
    ///
    /// # Errors
    /// Names the line of everything that is wrong: an unknown action or key, a key that is another action already, or
    /// that must not be this one, or that no terminal sends.
    pub fn with(file: &KeymapFile) -> Result<Self, FileErrors> {
        let mut faults = file.faults.clone();
        let mut keys = default_keys();
        // Where the keys of a row come from: a line of the file, or the table.
        let mut lines: Vec<Option<usize>> = vec![None; TABLE.len()];
        for binding in &file.bindings {
            let Some(at) = TABLE.iter().position(|row| row.name == binding.action) else {
                let what = format!("unknown action {:?}; switchboard keys lists them", binding.action);
                faults.push(file.fault(binding.line, what));
                continue;
            };
            keys[at] = read(file, binding, &TABLE[at], &mut faults);
            lines[at] = Some(binding.line);
        }
        faults.extend(clashes(&keys, &lines).into_iter().map(|(line, what)| file.fault(line, what)));
        if faults.is_empty() {
            return Ok(Self::of(keys));
        }
        // Stable: of one line, in the order they were found.
        faults.sort_by_key(|fault| fault.line);
        Err(FileErrors(faults))
    }
}

/// The keys that are bound twice, each with the line that is at fault.
fn clashes(keys: &[Vec<Chord>], lines: &[Option<usize>]) -> Vec<(usize, String)> {
    let mut faults = Vec::new();
    for (at, row) in TABLE.iter().enumerate() {
        for (n, key) in keys[at].iter().enumerate() {
            // Once is enough.
            if keys[at][..n].iter().any(|other| other.clashes(*key)) {
                continue;
            }
            let twice = keys[at][n + 1..].iter().any(|other| other.clashes(*key));
            let other = TABLE.iter().enumerate().find_map(|(other, candidate)| {
                let meets = candidate.contexts.iter().any(|context| row.contexts.contains(context));
                let theirs = keys[other].iter().find(|theirs| theirs.clashes(*key));
                theirs.filter(|_| other != at && meets).map(|theirs| (other, candidate, theirs))
            });
            // Of two rows, the one that the file names is at fault, and of two such the later.
            let Some(line) = lines[at].filter(|line| other.is_none_or(|(other, ..)| lines[other] < Some(*line))) else {
                continue;
            };
            if twice {
                faults.push((line, format!("{} has {key} twice; write it once", row.name)));
            } else if let Some((_, other, theirs)) = other {
                let is = if key == theirs { "is" } else { "begins the same as" };
                let theirs = if key == theirs { String::new() } else { format!("{theirs}, which is ") };
                faults.push((
                    line,
                    format!("{key} {is} {theirs}{} already; give one of the two another key", other.name),
                ));
            }
        }
    }
    faults
}

/// The keys of a row as the file has them, as far as they can be read and may be.
fn read(file: &KeymapFile, binding: &Binding, row: &Row, faults: &mut Vec<FileError>) -> Vec<Chord> {
    if binding.keys.is_empty() {
        faults.push(file.fault(binding.line, format!("{} needs at least one key", row.name)));
    }
    let mut keys = Vec::new();
    for (text, line) in &binding.keys {
        let key: Chord = match text.parse() {
            Ok(key) => key,
            Err(error) => {
                faults.push(file.fault(*line, format!("{error}")));
                continue;
            }
        };
        match never_sent(key).or_else(|| forbidden(key, row).map(str::to_owned)) {
            Some(why) => {
                faults.push(file.fault(*line, format!("{key} cannot be {}: {why}; choose another key", row.name)));
            }
            None => keys.push(key),
        }
    }
    keys
}

/// Why a key never comes as it is written, if it does not.
fn never_sent(chord: Chord) -> Option<String> {
    let sent_as = |key: Key| {
        let KeyName::Char(c) = key.name else { return None };
        SENT_AS.iter().find(|(sent, _)| key.held.ctrl && *sent == c).map(|(_, other)| *other)
    };
    let other = sent_as(chord.first).or_else(|| chord.second.and_then(sent_as))?;
    Some(format!("a terminal sends {other} for it"))
}

/// Why a key must not be this action, if it must not.
fn forbidden(key: Chord, row: &Row) -> Option<&'static str> {
    // Where some other context takes the letter, texts get it all the same.
    let (first, last) = (key.first, key.last());
    let only_texts = row.contexts.iter().all(|context| context.takes_text());
    if (only_texts || row.action == Action::Send)
        && matches!((first.name, first.held), (KeyName::Char(_), Held { ctrl: false, alt: false, .. }))
    {
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
