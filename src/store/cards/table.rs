//! Cards between TOML, in files, and JSON, which programs get.

use jiff::Timestamp as Instant;
use serde_json::{Map, Value};
use toml::Value as Toml;

use crate::domain::Timestamp;

/// The fields of a TOML file.
pub(super) fn parse(name: &str, text: &str) -> Result<Map<String, Value>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        format!("card: {name} is damaged ({}); it is left as it is: repair it or move it away", error.message())
    })?;
    Ok(table.into_iter().map(|(key, value)| (key, json(value))).collect())
}

/// The text of a TOML file with these fields. Null is nothing in TOML: it must have been dropped.
pub(super) fn text(fields: &Map<String, Value>) -> Result<String, String> {
    let table: toml::Table = fields.iter().map(|(key, value)| (key.clone(), toml(value))).collect();
    toml::to_string_pretty(&table).map_err(|error| format!("card: it cannot be written as TOML: {error}"))
}

/// The same without nulls, at every level.
pub(super) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().filter(|item| !item.is_null()).map(without_nulls).collect(),
        Value::Object(fields) => {
            fields.iter().filter(|(_, it)| !it.is_null()).map(|(key, it)| (key.clone(), without_nulls(it))).collect()
        }
        other => other.clone(),
    }
}

/// A time as cards show it: RFC 3339, UTC, whole seconds.
pub(super) fn time(at: Timestamp, template: &str) -> String {
    Instant::from_millisecond(at).unwrap_or(Instant::UNIX_EPOCH).strftime(template).to_string()
}

/// The template of [`time`] in fields.
pub(super) const RFC_3339: &str = "%Y-%m-%dT%H:%M:%SZ";

fn json(value: Toml) -> Value {
    match value {
        Toml::String(text) => text.into(),
        Toml::Integer(n) => n.into(),
        Toml::Float(n) => n.into(),
        Toml::Boolean(truth) => truth.into(),
        Toml::Datetime(time) => time.to_string().into(),
        Toml::Array(list) => list.into_iter().map(json).collect(),
        Toml::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
    }
}

fn toml(value: &Value) -> Toml {
    match value {
        Value::Null => Toml::String(String::new()),
        Value::Bool(truth) => Toml::Boolean(*truth),
        Value::Number(n) => n.as_i64().map_or_else(|| Toml::Float(n.as_f64().unwrap_or_default()), Toml::Integer),
        Value::String(text) => Toml::String(text.clone()),
        Value::Array(list) => Toml::Array(list.iter().map(toml).collect()),
        Value::Object(fields) => Toml::Table(fields.iter().map(|(key, value)| (key.clone(), toml(value))).collect()),
    }
}
