//! Makes cards and adds fields to them.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::super::entry::{Backup, Change};
use super::shelf::{Shelf, check_name};
use super::table::{self, RFC_3339};
use crate::domain::Timestamp;
use crate::engine::Prepared;

/// Makes a card.
pub(super) fn create(shelf: &Shelf<'_>, op: &str, card: &Value, at: Timestamp) -> Result<Prepared, String> {
    let Value::Object(mut card) = table::without_nulls(card) else {
        return Err("alc.card.create: pkg.name is required".into());
    };
    let pkg = card.get("pkg").and_then(|pkg| pkg.get("name")).and_then(Value::as_str);
    let pkg = pkg.ok_or("alc.card.create: pkg.name is required")?.to_owned();
    check_name("pkg", &pkg)?;
    if is_run(op, &card)? {
        return Ok(Prepared::Nothing(Value::Null));
    }
    let created_by = format!("alc@{}", env!("CARGO_PKG_VERSION"));
    card.entry("schema_version").or_insert_with(|| "card/v0".into());
    card.entry("created_at").or_insert_with(|| table::time(at, RFC_3339).into());
    card.entry("created_by").or_insert_with(|| created_by.into());
    if let Some(params @ (Value::Object(_) | Value::Array(_))) = card.get("params") {
        let fingerprint = format!("{:016x}", djb2(&plain_json(params)));
        card.insert("param_fingerprint".into(), fingerprint.into());
    }
    let card_id = match card.get("card_id").and_then(Value::as_str) {
        Some(card_id) => card_id.to_owned(),
        None => fresh_id(&pkg, &card, at),
    };
    check_name("card_id", &card_id)?;
    card.insert("card_id".into(), card_id.clone().into());
    let text = table::text(&card)?;
    let entry = shelf.entry(&pkg, &format!("{card_id}.toml"));
    let result = json!({ "card_id": card_id, "path": entry.path().display().to_string() });
    entry.prepare(op, Backup::None, |now| {
        // Under the lock of all cards: of two who make the same card one is refused.
        if now.is_some() || shelf.package_of(&card_id)?.is_some() {
            return Err(format!("alc.card.create: card '{card_id}' already exists (immutable)"));
        }
        Ok(Change::Set(text, result))
    })
}

/// Adds fields to a card.
pub(super) fn append(shelf: &Shelf<'_>, op: &str, card_id: &str, fields: &Value) -> Result<Prepared, String> {
    let pkg = shelf.package_of(card_id)?.ok_or_else(|| format!("alc.card.append: card '{card_id}' not found"))?;
    let Value::Object(fields) = table::without_nulls(fields) else {
        return Err("alc.card.append: fields must be a table".into());
    };
    if is_run(op, &fields)? {
        return Ok(Prepared::Nothing(Value::Null));
    }
    let entry = shelf.entry(&pkg, &format!("{card_id}.toml"));
    let name = entry.name();
    entry.prepare(op, Backup::None, |now| {
        let now = now.ok_or_else(|| format!("alc.card.append: card '{card_id}' not found"))?;
        let mut card = table::parse(&name, now)?;
        for (key, value) in fields {
            if card.contains_key(&key) {
                return Err(format!("alc.card.append: key '{key}' already set on card '{card_id}' (immutable)"));
            }
            card.insert(key, value);
        }
        Ok(Change::Set(table::text(&card)?, Value::Object(card)))
    })
}

/// Whether a card tells of a run. Such are not kept unless somebody switches them on, which nothing does yet.
fn is_run(op: &str, card: &Map<String, Value>) -> Result<bool, String> {
    let Some(run) = card.get("run") else { return Ok(false) };
    match run.get("status").and_then(Value::as_str) {
        Some("succeeded" | "failed" | "skipped") => Ok(true),
        _ => Err(format!("alc.{op}: run.status must be succeeded, failed or skipped")),
    }
}

/// The id of a card that was given none: package, model, time and a hash of all of it.
fn fresh_id(pkg: &str, card: &Map<String, Value>, at: Timestamp) -> String {
    let model = card.get("model").and_then(|model| model.get("id")).and_then(Value::as_str).unwrap_or("");
    let model = model.strip_prefix("claude-").or(model.strip_prefix("gpt-")).unwrap_or(model);
    let mut model: String = model.chars().filter(char::is_ascii_alphanumeric).collect();
    if model.is_empty() {
        model.push_str("model");
    }
    let hash = djb2(&plain_json(&Value::Object(card.clone()))) & 0xff_ffff;
    format!("{pkg}_{model}_{}_{hash:06x}", table::time(at, "%Y%m%dT%H%M%S"))
}

/// Bernstein's hash in 64 bits.
fn djb2(text: &str) -> u64 {
    text.bytes().fold(5381, |hash: u64, byte| hash.wrapping_mul(33).wrapping_add(byte.into()))
}

/// JSON with sorted keys whose texts are not escaped: what fingerprints are made of.
fn plain_json(value: &Value) -> String {
    let mut out = String::new();
    write_plain(&mut out, value);
    out
}

fn write_plain(out: &mut String, value: &Value) {
    let list =
        |out: &mut String, open: char, close: char, parts: &mut dyn Iterator<Item = (Option<&String>, &Value)>| {
            out.push(open);
            for (n, (key, value)) in parts.enumerate() {
                if n > 0 {
                    out.push(',');
                }
                if let Some(key) = key {
                    let _ = write!(out, "\"{key}\":");
                }
                write_plain(out, value);
            }
            out.push(close);
        };
    match value {
        Value::String(text) => drop(write!(out, "\"{text}\"")),
        Value::Array(items) => list(out, '[', ']', &mut items.iter().map(|item| (None, item))),
        Value::Object(fields) => list(out, '{', '}', &mut fields.iter().map(|(key, value)| (Some(key), value))),
        other => drop(write!(out, "{other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_hash_of_the_parameters_with_sorted_keys() {
        let params = json!({ "b": 1, "a": "x" });
        assert_eq!(plain_json(&params), r#"{"a":"x","b":1}"#);
        assert_eq!(format!("{:016x}", djb2(&plain_json(&params))), "1f71ae11cb220615");
        assert_eq!(plain_json(&json!({"s": "a\"b\n", "l": [1.0, true]})), "{\"l\":[1.0,true],\"s\":\"a\"b\n\"}");
    }

    #[test]
    fn an_id_names_package_model_and_time() {
        let card = json!({ "model": { "id": "claude-opus-4-6" } });
        let id = fresh_id("cot", card.as_object().unwrap(), 1_767_225_600_000);
        assert!(id.starts_with("cot_opus46_20260101T000000_"), "{id}");
        assert_eq!(id.len(), "cot_opus46_20260101T000000_".len() + 6);
        assert!(fresh_id("x", &Map::new(), 0).starts_with("x_model_19700101T000000_"));
    }
}
