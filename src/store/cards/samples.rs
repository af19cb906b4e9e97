//! The samples of a card: one row of JSON a line, written once.

use serde_json::{Value, json};

use super::super::entry::{self, Backup, Change};
use super::condition::Condition;
use super::number;
use super::shelf::Shelf;
use crate::engine::Prepared;

/// Writes the samples of a card.
pub(super) fn write(shelf: &Shelf<'_>, op: &str, card_id: &str, samples: &[Value]) -> Result<Prepared, String> {
    let pkg = shelf.package_of(card_id)?.ok_or_else(|| format!("card '{card_id}' not found"))?;
    let entry = shelf.entry(&pkg, &file_name(card_id));
    let rows: Vec<String> = samples.iter().map(Value::to_string).collect();
    let text = if rows.is_empty() { String::new() } else { rows.join("\n") + "\n" };
    let result = json!({ "path": entry.path().display().to_string(), "count": samples.len() });
    entry.prepare(op, Backup::None, |now| match now {
        Some(_) => Err(format!("alc.card.write_samples: samples already exist for card '{card_id}' (write-once)")),
        None => Ok(Change::Set(text, result)),
    })
}

/// The rows that fit, in their order.
pub(super) fn read(shelf: &Shelf<'_>, card_id: &str, query: &Value) -> Result<Value, String> {
    let condition = Condition::of(query.get("where"))?;
    let Some(pkg) = shelf.package_of(card_id)? else { return Ok(json!([])) };
    let entry = shelf.entry(&pkg, &file_name(card_id));
    let text = entry.read().map_err(|why| format!("card: {why}"))?.unwrap_or_default();
    let name = entry.name();
    let rows = text.lines().filter(|line| !line.trim().is_empty()).map(|line| entry::json::<Value>(&name, line));
    // A damaged line is named even where it would not fit.
    let rows = rows.filter(|row| row.as_ref().map_or(true, |row| fits(&condition, row)));
    rows.skip(number(query, "offset").unwrap_or(0)).take(number(query, "limit").unwrap_or(usize::MAX)).collect()
}

fn fits(condition: &Condition, row: &Value) -> bool {
    match row {
        Value::Object(row) => condition.holds(row),
        _ => condition.holds(&serde_json::Map::new()),
    }
}

fn file_name(card_id: &str) -> String {
    format!("{card_id}.samples.jsonl")
}
