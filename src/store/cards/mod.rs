//! `cards/`: what was found out about a package, for later runs and for people.
//!
//! A card is `<pkg>/<card_id>.toml`, its samples `<pkg>/<card_id>.samples.jsonl`, names for cards `_aliases.toml`. A card
//! never changes but by new fields, its samples never.

pub(super) mod aliases;
mod condition;
mod lineage;
mod making;
mod samples;
mod shelf;
mod table;

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::engine::{Prepared, StoreRead, StoreWrite};
use condition::{Condition, Order};
use shelf::{Found, Shelf};

/// How many cards go before a prompt where the program does not say, and at most.
const CONTEXT: (usize, usize) = (5, 100);

/// How long their text may be, in bytes; cards behind that are left out.
const CONTEXT_BYTES: usize = 64 << 10;

/// Reads; `Err` is what is raised in the program.
pub(super) fn read(home: &Path, read: &StoreRead) -> Option<Result<Value, String>> {
    let shelf = Shelf::new(home);
    Some(match read {
        StoreRead::CardGet { card_id } => shelf.get(card_id).map(or_null),
        StoreRead::CardList { pkg } => list(&shelf, pkg.as_deref()),
        StoreRead::CardFind { query } => find(&shelf, query),
        StoreRead::CardSamples { card_id, query } => samples::read(&shelf, card_id, query),
        StoreRead::CardByAlias { name } => aliases::card(&shelf, name).map(or_null),
        StoreRead::CardAliases { pkg } => aliases::list(&shelf, pkg.as_deref()),
        StoreRead::CardLineage { query } => lineage::lineage(&shelf, query),
        // What cannot be read is not there: a prompt must not fail by an old card.
        StoreRead::CardContext { context } => Ok(self::context(&shelf, context).map_or(Value::Null, Value::String)),
        _ => return None,
    })
}

/// Gets a write ready; `Err` is what is raised in the program.
pub(super) fn prepare(home: &Path, write: &StoreWrite) -> Option<Result<Prepared, String>> {
    let shelf = Shelf::new(home);
    let op = write.op();
    Some(match write {
        StoreWrite::CardCreate { card, at } => making::create(&shelf, op, card, *at),
        StoreWrite::CardAppend { card_id, fields } => making::append(&shelf, op, card_id, fields),
        StoreWrite::CardAliasSet { name, card_id, pkg, note, at } => {
            aliases::set(&shelf, op, name, card_id, pkg.as_deref(), note.as_deref(), *at)
        }
        StoreWrite::CardWriteSamples { card_id, samples } => samples::write(&shelf, op, card_id, samples),
        _ => return None,
    })
}

fn or_null(card: Option<Map<String, Value>>) -> Value {
    card.map_or(Value::Null, Value::Object)
}

fn list(shelf: &Shelf<'_>, pkg: Option<&str>) -> Result<Value, String> {
    Ok(newest_first(shelf.cards(pkg)?).iter().map(|(pkg, card)| summary(pkg, card)).collect())
}

fn find(shelf: &Shelf<'_>, query: &Value) -> Result<Value, String> {
    let condition = Condition::of(query.get("where"))?;
    let order = Order::of(query.get("order_by"))?;
    let mut cards = newest_first(shelf.cards(query.get("pkg").and_then(Value::as_str))?);
    cards.retain(|(_, card)| condition.holds(card));
    cards.sort_by(|(_, a), (_, b)| order.compare(a, b));
    let rows =
        cards.iter().skip(number(query, "offset").unwrap_or(0)).take(number(query, "limit").unwrap_or(usize::MAX));
    Ok(rows.map(|(pkg, card)| summary(pkg, card)).collect())
}

/// The cards that a prompt is given, as one text.
fn context(shelf: &Shelf<'_>, context: &Value) -> Option<String> {
    let cards: Vec<Map<String, Value>> = match context {
        Value::String(card_id) => vec![shelf.get(card_id).ok()??],
        Value::Object(query) => {
            let (usual, most) = CONTEXT;
            let limit = number(context, "limit").unwrap_or(usual).min(most);
            let cards = newest_first(shelf.cards(Some(query.get("pkg")?.as_str()?)).ok()?);
            cards.into_iter().take(limit).map(|(_, card)| card).collect()
        }
        _ => return None,
    };
    let mut text = String::from("<past_cards>\n");
    for card in &cards {
        let line = json!(card).to_string();
        if text.len() + line.len() > CONTEXT_BYTES {
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text.push_str("</past_cards>");
    (!cards.is_empty()).then_some(text)
}

/// Cards with their packages, the newest first.
fn newest_first(mut cards: Vec<Found>) -> Vec<Found> {
    let time = |card: &Map<String, Value>| card.get("created_at").and_then(Value::as_str).unwrap_or("").to_owned();
    let id = |card: &Map<String, Value>| card.get("card_id").and_then(Value::as_str).unwrap_or("").to_owned();
    cards.sort_by_cached_key(|(_, card)| (std::cmp::Reverse(time(card)), id(card)));
    cards
}

/// The row of a card in lists.
fn summary(pkg: &str, card: &Map<String, Value>) -> Value {
    let within = |outer: &str, inner: &str| card.get(outer).and_then(|it| it.get(inner)).cloned();
    let mut row = Map::new();
    row.insert("pkg".into(), within("pkg", "name").unwrap_or_else(|| pkg.into()));
    let fields = [
        ("card_id", card.get("card_id").cloned()),
        ("created_at", card.get("created_at").cloned()),
        ("model", within("model", "id")),
        ("scenario", within("scenario", "name")),
        ("pass_rate", within("stats", "pass_rate")),
    ];
    row.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    row.into()
}

/// A count among options; what is no count is as good as absent.
fn number(options: &Value, name: &str) -> Option<usize> {
    let value = options.get(name)?;
    let whole = value.as_u64().or_else(|| value.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64));
    usize::try_from(whole?).ok()
}
