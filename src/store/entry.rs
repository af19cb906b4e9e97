//! One entry of a file of the home: what is read, compared and written. An entry is a whole file, or a key of one.
//!
//! What a write does is here in one place, so that it is the same for a program and for a recovery.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::cards::aliases;
use super::disk::{self, Turn};
use crate::domain::{ContentHash, Intent};
use crate::engine::{Finished, PendingWrite, Prepared};

/// An entry: the file below the home, and the key in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    home: PathBuf,
    file: String,
    key: Option<String>,
}

impl Entry {
    /// A whole file.
    pub(super) fn whole(home: &Path, file: String) -> Self {
        Self { home: home.to_owned(), file, key: None }
    }

    /// A key of a file.
    pub(super) fn keyed(home: &Path, file: String, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::whole(home, file) }
    }

    /// What errors call it: its file below the home.
    pub(super) fn name(&self) -> String {
        self.file.clone()
    }

    /// Whether it is a whole file.
    pub(super) fn is_whole(&self) -> bool {
        self.key.is_none()
    }

    /// Where the file is.
    pub(super) fn path(&self) -> PathBuf {
        self.home.join(&self.file)
    }

    /// What it holds: of a whole file its text, of a key its value as compact JSON.
    pub(super) fn read(&self) -> Result<Option<String>, String> {
        self.text_in(self.file()?.as_deref())
    }

    /// The text of the file.
    fn file(&self) -> Result<Option<String>, String> {
        disk::read(&self.path()).map_err(|error| format!("{}: {error}", self.file))
    }

    fn text_in(&self, file: Option<&str>) -> Result<Option<String>, String> {
        match (&self.key, file) {
            (None, file) => Ok(file.map(str::to_owned)),
            (Some(_), None) => Ok(None),
            (Some(key), Some(file)) if self.is_alias() => aliases::find(&self.file, file, key),
            (Some(key), Some(file)) => Ok(object(&self.file, file)?.get(key).map(Value::to_string)),
        }
    }

    /// The text of the file once the entry holds `after`; `None` where it is gone then.
    fn with(&self, file: Option<&str>, after: Option<&str>) -> Result<Option<String>, String> {
        let Some(key) = &self.key else { return Ok(after.map(str::to_owned)) };
        let damaged = |error: serde_json::Error| format!("{}: {error}", self.file);
        let after: Option<Value> = after.map(serde_json::from_str).transpose().map_err(damaged)?;
        if self.is_alias() {
            return aliases::with(&self.file, file, key, after).map(Some);
        }
        let mut values = file.map_or_else(|| Ok(Map::new()), |file| object(&self.file, file))?;
        match after {
            Some(value) => drop(values.insert(key.clone(), value)),
            None => drop(values.remove(key)),
        }
        Ok(Some(pretty(&Value::Object(values))))
    }

    fn is_alias(&self) -> bool {
        self.file == aliases::FILE
    }

    /// Takes the turn to write the file.
    fn take_turn(&self) -> Result<Turn, String> {
        // No part of a name can be what the directory of the locks is called, and no lock what a file is called.
        let (area, name) = self.file.split_once('/').unwrap_or(("", &self.file));
        let lock = match area {
            // A card, its samples and its aliases depend on each other.
            "cards" => "all.lock".to_owned(),
            _ => format!("{}.lock", name.replace('/', "+")),
        };
        let lock = self.home.join(area).join("~locks").join(lock);
        disk::take_turn(&lock).map_err(|error| format!("{}: the lock {}: {error}", self.file, lock.display()))
    }

    /// Gets a write ready: `change` is shown what the entry holds and says what it is to hold.
    pub(super) fn prepare(
        self,
        op: &str,
        backup: Backup,
        change: impl FnOnce(Option<&str>) -> Result<Change, String>,
    ) -> Result<Prepared, String> {
        let turn = self.take_turn()?;
        let file = self.file()?;
        let before = self.text_in(file.as_deref())?;
        let (after, result) = match change(before.as_deref())? {
            Change::Nothing(result) => return Ok(Prepared::Nothing(result)),
            Change::Set(after, result) => (Some(after), result),
            Change::Remove(result) => (None, result),
        };
        let text = self.with(file.as_deref(), after.as_deref())?;
        if text.as_ref().is_some_and(|text| text.len() as u64 > disk::FILE_BYTES) {
            // Nobody could read it any more.
            return Err(format!("{}: it would be longer than {} bytes", self.file, disk::FILE_BYTES));
        }
        let intent = Intent {
            op: op.to_owned(),
            file: self.file.clone(),
            key: self.key.clone(),
            before: before.as_deref().map(ContentHash::of),
            after: after.map(Arc::from),
            result,
            backup: backup == Backup::Keep && file.is_some(),
        };
        Ok(Prepared::Write(Box::new(Ready { entry: self, turn, old: file, new: text, intent })))
    }
}

/// Whether what a write replaces is kept beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backup {
    Keep,
    None,
}

/// What an entry is to hold, and what the program gets.
pub(super) enum Change {
    Nothing(Value),
    Set(String, Value),
    Remove(Value),
}

/// Finishes a write that a crash has interrupted.
pub(super) fn finish(home: &Path, intent: &Intent) -> Result<Finished, String> {
    let mut parts = intent.file.split('/');
    let is_inside =
        matches!(parts.next(), Some("state" | "cards")) && parts.all(|part| !matches!(part, "" | "." | ".."));
    if !is_inside {
        return Err(format!("{:?} is no file of state or cards", intent.file));
    }
    let entry = Entry { home: home.to_owned(), file: intent.file.clone(), key: intent.key.clone() };
    let turn = entry.take_turn()?;
    let old = entry.file()?;
    let now = entry.text_in(old.as_deref())?;
    if now.as_deref() == intent.after.as_deref() {
        return Ok(Finished::AlreadyWritten);
    }
    if now.as_deref().map(ContentHash::of) != intent.before {
        return Ok(Finished::Conflict);
    }
    let new = entry.with(old.as_deref(), intent.after.as_deref())?;
    let mut ready = Ready { entry, turn, old, new, intent: intent.clone() };
    ready.commit().map(|_| Finished::Written)
}

/// A write that is ready, with its turn.
struct Ready {
    entry: Entry,
    #[expect(dead_code, reason = "held until the write is over and recorded")]
    turn: Turn,
    /// The text of the file as it is, and as it will be.
    old: Option<String>,
    new: Option<String>,
    intent: Intent,
}

impl PendingWrite for Ready {
    fn intent(&self) -> &Intent {
        &self.intent
    }

    fn commit(&mut self) -> Result<Value, String> {
        let path = self.entry.path();
        let backup = match &self.old {
            Some(old) if self.intent.backup => {
                let kept = disk::replace(&disk::with_suffix(&path, ".bak"), old);
                // Whatever became of the copy, the file itself is as it was.
                kept.map_err(|fault| io::Error::other(format!("its copy: {fault}")).into())
            }
            Some(_) | None => Ok(()),
        };
        let written = backup.and_then(|()| match (&self.old, &self.new) {
            (_, Some(new)) => disk::replace(&path, new),
            (Some(_), None) => disk::remove(&path),
            (None, None) => Ok(()),
        });
        written.map_err(|fault| format!("{}: {fault}", self.intent.file))?;
        Ok(self.intent.result.clone())
    }
}

/// The values of a file of plain keys.
pub(super) fn object(name: &str, text: &str) -> Result<Map<String, Value>, String> {
    json(name, text)
}

/// The JSON of a file.
pub(super) fn json<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("{name} is damaged ({error}); it is left as it is: repair it or move it away"))
}

/// JSON as it stands in files.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("a JSON value with string keys always serializes")
}
