//! `state/`: values that outlive a session.
//!
//! A plain key is an entry of the file of its namespace, `<namespace>.json`. A key of the form `prefix:id` has a file of
//! its own, `<prefix>/<id>.json`, whatever the namespace. People can read, copy and repair all of them.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::{Value, json};

use super::entry::{self, Backup, Change, Entry};
use crate::engine::{Prepared, StoreRead, StoreWrite};

/// Where a key's value is.
struct Place {
    /// The file of its own, if the key has that form.
    own: Option<Entry>,
    /// The entry in the file of the namespace.
    plain: Result<Entry, String>,
}

impl Place {
    fn of(home: &Path, namespace: &str, key: &str) -> Self {
        let own = split(key).map(|(prefix, id)| own_file(home, prefix, id));
        let plain = namespace_file(namespace).map(|file| Entry::keyed(home, file, key));
        Self { own, plain }
    }

    /// The value, wherever it is.
    fn read(self) -> Result<Option<Value>, String> {
        if let Some(own) = &self.own
            && let Some(value) = value_of(own)?
        {
            return Ok(Some(value));
        }
        match self.plain {
            Ok(plain) => value_of(&plain),
            // A key with a file of its own needs no namespace.
            Err(_) if self.own.is_some() => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// Where it is written.
    fn target(self) -> Result<Entry, String> {
        self.own.map_or(self.plain, Ok)
    }

    /// Its value in the file of the namespace, though it is written to a file of its own.
    fn shadowed(&self) -> Result<Option<Value>, String> {
        match (&self.own, &self.plain) {
            (Some(_), Ok(plain)) => value_of(plain),
            _ => Ok(None),
        }
    }
}

/// Reads; `Err` is what is raised in the program.
pub(super) fn read(home: &Path, read: &StoreRead) -> Option<Result<Value, String>> {
    Some(match read {
        StoreRead::StateGet { namespace, key } => Place::of(home, namespace, key)
            .read()
            .map(|value| value.map_or(Value::Null, |value| json!({ "value": value })))
            .map_err(named),
        StoreRead::StateHas { namespace, key } => {
            Place::of(home, namespace, key).read().map(|value| value.is_some().into()).map_err(named)
        }
        StoreRead::StateKeys { namespace } => keys(home, namespace).map_err(named),
        StoreRead::StateList { prefix } => list(home, prefix).map_err(named),
        StoreRead::StateShow { prefix, id } => show(home, prefix, id).map_err(named),
        _ => return None,
    })
}

/// Gets a write ready; `Err` is what is raised in the program.
pub(super) fn prepare(home: &Path, write: &StoreWrite) -> Option<Result<Prepared, String>> {
    let op = write.op();
    let ready = match write {
        StoreWrite::StateSet { namespace, key, value } => {
            Place::of(home, namespace, key).target().and_then(|target| set(target, op, Backup::None, value))
        }
        StoreWrite::StateSetNx { namespace, key, value } => set_nx(Place::of(home, namespace, key), op, value),
        StoreWrite::StateDelete { namespace, key } => delete(Place::of(home, namespace, key), op),
        StoreWrite::StateIncr { namespace, key, delta, default } => {
            incr(Place::of(home, namespace, key), op, key, *delta, *default)
        }
        StoreWrite::StateReset { prefix, id, steps, fields } => reset(home, op, prefix, id, steps, fields),
        StoreWrite::StateSetDispatched { prefix, id, value } => {
            checked(home, prefix, id).and_then(|target| set(target, op, Backup::Keep, value))
        }
        StoreWrite::StateDeleteDispatched { prefix, id } => {
            checked(home, prefix, id).and_then(|target| remove(target, op, Backup::Keep))
        }
        _ => return None,
    };
    Some(ready.map_err(named))
}

/// Faults of files say whose they are; those that a program can cause have texts of their own.
fn named(why: String) -> String {
    if why.starts_with("state/") { format!("state: {why}") } else { why }
}

fn set(target: Entry, op: &str, backup: Backup, value: &Value) -> Result<Prepared, String> {
    let text = text_for(&target, value);
    target.prepare(op, backup, |_| Ok(Change::Set(text, Value::Null)))
}

fn set_nx(place: Place, op: &str, value: &Value) -> Result<Prepared, String> {
    let shadowed = place.shadowed()?.is_some();
    let target = place.target()?;
    let text = text_for(&target, value);
    target.prepare(op, Backup::None, |now| {
        if now.is_some() || shadowed {
            return Ok(Change::Nothing(false.into()));
        }
        Ok(Change::Set(text, true.into()))
    })
}

fn delete(place: Place, op: &str) -> Result<Prepared, String> {
    let target = match place {
        Place { own: Some(own), plain } => match (own.read()?, plain) {
            (None, Ok(plain)) => plain,
            (Some(_), _) | (None, Err(_)) => own,
        },
        Place { own: None, plain } => plain?,
    };
    remove(target, op, Backup::None)
}

fn remove(target: Entry, op: &str, backup: Backup) -> Result<Prepared, String> {
    target.prepare(op, backup, |now| match now {
        Some(_) => Ok(Change::Remove(true.into())),
        None => Ok(Change::Nothing(false.into())),
    })
}

fn incr(place: Place, op: &str, key: &str, delta: f64, default: f64) -> Result<Prepared, String> {
    let shadowed = place.shadowed()?;
    let target = place.target()?;
    let shape = target.clone();
    target.prepare(op, Backup::None, |now| {
        let now = match now {
            Some(text) => Some(entry::json::<Value>(&format!("the value of '{key}'"), text)?),
            None => shadowed,
        };
        let not_a_number = || format!("incr: value at '{key}' is not a number");
        let from = now.map_or(Some(default), |now| now.as_f64()).ok_or_else(not_a_number)?;
        let sum = serde_json::Number::from_f64(from + delta).ok_or_else(not_a_number)?;
        let sum = Value::Number(sum);
        Ok(Change::Set(text_for(&shape, &sum), sum))
    })
}

fn reset(
    home: &Path,
    op: &str,
    prefix: &str,
    id: &str,
    steps: &[String],
    fields: &[String],
) -> Result<Prepared, String> {
    let target = checked(home, prefix, id)?;
    let backup_path = super::disk::with_suffix(&target.path(), ".bak").display().to_string();
    let name = format!("state/{prefix}/{id}.json");
    target.prepare(op, Backup::Keep, |now| {
        let text = now.ok_or_else(|| not_found(prefix, id))?;
        let mut flow: Value = entry::json(&name, text)?;
        let invalid = |what: &str| format!("state: shape invalid: {what}");
        let data = flow.get_mut("data").ok_or_else(|| invalid("missing 'data' top-level field"))?;
        let data = data.as_object_mut().ok_or_else(|| invalid("'data' is not an object"))?;
        let mut steps_removed = 0;
        if let Some(completed) = data.get_mut("completed_steps") {
            let completed =
                completed.as_array_mut().ok_or_else(|| invalid("'data.completed_steps' is not an array"))?;
            let before = completed.len();
            completed.retain(|step| !step.as_str().is_some_and(|step| steps.iter().any(|gone| gone == step)));
            steps_removed = before - completed.len();
        }
        let fields_removed = fields.iter().filter(|field| data.remove(*field).is_some()).count();
        let result = json!({
            "ok": true, "backup_path": backup_path, "steps_removed": steps_removed, "fields_removed": fields_removed,
        });
        Ok(Change::Set(entry::pretty(&flow), result))
    })
}

fn keys(home: &Path, namespace: &str) -> Result<Value, String> {
    let file = namespace_file(namespace)?;
    let whole = Entry::whole(home, file.clone());
    let Some(text) = whole.read()? else { return Ok(json!([])) };
    let values = entry::object(&file, &text)?;
    Ok(values.into_iter().map(|(key, _)| Value::String(key)).collect())
}

fn list(home: &Path, prefix: &str) -> Result<Value, String> {
    check_prefix(prefix)?;
    let dir = home.join("state").join(prefix);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(json!([])),
        Err(error) => return Err(format!("state/{prefix}: {error}")),
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut ids: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".json")?.to_owned())).collect();
    ids.sort_unstable();
    Ok(ids.into())
}

fn show(home: &Path, prefix: &str, id: &str) -> Result<Value, String> {
    let target = checked(home, prefix, id)?;
    value_of(&target)?.ok_or_else(|| not_found(prefix, id))
}

fn not_found(prefix: &str, id: &str) -> String {
    format!("state: key '{id}' not found in namespace '{prefix}'")
}

/// The value of an entry.
fn value_of(entry: &Entry) -> Result<Option<Value>, String> {
    let name = entry.name();
    entry.read()?.map(|text| entry::json(&name, &text)).transpose()
}

/// The text that an entry of state holds for a value.
fn text_for(target: &Entry, value: &Value) -> String {
    if target.is_whole() { entry::pretty(value) } else { value.to_string() }
}

fn own_file(home: &Path, prefix: &str, id: &str) -> Entry {
    Entry::whole(home, format!("state/{prefix}/{id}.json"))
}

fn checked(home: &Path, prefix: &str, id: &str) -> Result<Entry, String> {
    check_prefix(prefix)?;
    if !is_segment(id) {
        return Err(format!("state: unsafe key segment '{id}'"));
    }
    Ok(own_file(home, prefix, id))
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    if is_prefix(prefix) { Ok(()) } else { Err(format!("state: unsafe namespace segment '{prefix}'")) }
}

fn namespace_file(namespace: &str) -> Result<String, String> {
    if super::is_name(namespace) {
        Ok(format!("state/{namespace}.json"))
    } else {
        Err(format!("Invalid namespace: '{namespace}'"))
    }
}

/// The two parts of a key that has a file of its own.
fn split(key: &str) -> Option<(&str, &str)> {
    key.split_once(':').filter(|(prefix, id)| is_prefix(prefix) && is_segment(id))
}

/// Whether a directory can be called so. `x.json` is the file of a namespace, and `x.json.tmp` beside it for a moment.
fn is_prefix(text: &str) -> bool {
    is_segment(text) && !text.contains(".json")
}

fn is_segment(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !text.is_empty() && text != "." && !text.contains("..") && text.bytes().all(fits)
}
