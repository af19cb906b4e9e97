//! `cards/_aliases.toml`: names for cards.

use serde_json::{Map, Value, json};

use super::super::entry::{Backup, Change, Entry};
use super::shelf::{Shelf, check_name};
use super::table::{self, RFC_3339};
use crate::domain::Timestamp;
use crate::engine::Prepared;

/// The file, below the home.
pub(in crate::store) const FILE: &str = "cards/_aliases.toml";

/// What an alias stands for, as compact JSON.
pub(in crate::store) fn find(name: &str, file: &str, alias: &str) -> Result<Option<String>, String> {
    Ok(all(name, file)?.into_iter().find(|entry| is(entry, alias)).map(|entry| entry.to_string()))
}

/// The text of the file once `alias` stands for `after`.
pub(in crate::store) fn with(
    name: &str,
    file: Option<&str>,
    alias: &str,
    after: Option<Value>,
) -> Result<String, String> {
    let mut entries = file.map_or_else(|| Ok(Vec::new()), |file| all(name, file))?;
    match (entries.iter().position(|entry| is(entry, alias)), after) {
        (Some(at), Some(after)) => entries[at] = after,
        (Some(at), None) => drop(entries.remove(at)),
        (None, after) => entries.extend(after),
    }
    let mut fields = Map::new();
    fields.insert("alias".into(), Value::Array(entries));
    table::text(&fields)
}

/// Names a card.
pub(super) fn set(
    shelf: &Shelf<'_>,
    op: &str,
    name: &str,
    card_id: &str,
    pkg: Option<&str>,
    note: Option<&str>,
    at: Timestamp,
) -> Result<Prepared, String> {
    check_name("alias", name)?;
    let mut alias = json!({ "name": name, "card_id": card_id, "set_at": table::time(at, RFC_3339) });
    for (field, value) in [("pkg", pkg), ("note", note)] {
        if let Some(value) = value {
            alias[field] = value.into();
        }
    }
    Entry::keyed(shelf.home(), FILE.to_owned(), name).prepare(op, Backup::None, |_| {
        if shelf.package_of(card_id)?.is_none() {
            return Err(format!("alc.card.alias_set: card '{card_id}' not found"));
        }
        Ok(Change::Set(alias.to_string(), alias))
    })
}

/// Every alias, of one package or of all.
pub(super) fn list(shelf: &Shelf<'_>, pkg: Option<&str>) -> Result<Value, String> {
    let mut entries = entries(shelf)?;
    entries.retain(|entry| pkg.is_none_or(|pkg| entry.get("pkg").and_then(Value::as_str) == Some(pkg)));
    Ok(entries.into())
}

/// The card that an alias stands for.
pub(super) fn card(shelf: &Shelf<'_>, name: &str) -> Result<Option<Map<String, Value>>, String> {
    check_name("alias", name)?;
    let entry = entries(shelf)?.into_iter().find(|entry| is(entry, name));
    match entry.as_ref().and_then(|entry| entry.get("card_id")).and_then(Value::as_str) {
        Some(card_id) => shelf.get(card_id),
        None => Ok(None),
    }
}

fn entries(shelf: &Shelf<'_>) -> Result<Vec<Value>, String> {
    let text = Entry::whole(shelf.home(), FILE.to_owned()).read().map_err(|why| format!("card: {why}"))?;
    text.map_or_else(|| Ok(Vec::new()), |text| all(FILE, &text))
}

fn all(name: &str, file: &str) -> Result<Vec<Value>, String> {
    match table::parse(name, file)?.remove("alias") {
        None => Ok(Vec::new()),
        Some(Value::Array(entries)) => Ok(entries),
        Some(_) => Err(format!("card: {name} is damaged (alias is no list); it is left as it is: repair it")),
    }
}

fn is(entry: &Value, alias: &str) -> bool {
    entry.get("name").and_then(Value::as_str) == Some(alias)
}
