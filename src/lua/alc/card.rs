//! `alc.card`: takes the arguments and says what is wanted.

use std::sync::Arc;

use mlua::{Lua, LuaString, Value};
use serde_json::{Value as Json, json};

use super::wants::{self, optional, text, want};
use crate::engine::{Effect, StoreRead, StoreWrite};
use crate::lua::convert::{self, Place};
use crate::lua::host::Host;

/// Notes what is wanted of the cards; gives the text of the error, if there is one.
pub(in crate::lua) fn want_card(
    lua: &Lua,
    host: &Arc<Host>,
    (op, a, b, c): (LuaString, Value, Value, Value),
) -> mlua::Result<Option<String>> {
    Ok(want(host, effect(lua, host, &op.to_str()?, a, b, &c)?))
}

fn effect(
    lua: &Lua,
    host: &Arc<Host>,
    op: &str,
    a: Value,
    b: Value,
    c: &Value,
) -> mlua::Result<Result<Effect, String>> {
    Ok(match op {
        "create" => match table(lua, host, a)? {
            Some(card) => {
                let at = host.state().door().now();
                card.map(|card| Effect::Write(StoreWrite::CardCreate { card, at }))
            }
            None => Err("alc.card.create: input must be a table".into()),
        },
        "list" => field(lua, &a, "pkg")?.map(|pkg| Effect::Read(StoreRead::CardList { pkg })),
        "alias_list" => field(lua, &a, "pkg")?.map(|pkg| Effect::Read(StoreRead::CardAliases { pkg })),
        "find" => options(lua, host, 1, a)?.map(|query| Effect::Read(StoreRead::CardFind { query })),
        "context" => wants::json(lua, host, a)?.map(|context| Effect::Read(StoreRead::CardContext { context })),
        "lineage" => match &a {
            Value::Table(query) => match convert::text(lua, Place::Inside, &query.raw_get::<Value>("card_id")?)? {
                Ok(_) => options(lua, host, 1, a)?.map(|query| Effect::Read(StoreRead::CardLineage { query })),
                Err(why) => Err(why),
            },
            other => Err(convert::misfit(Place::Argument(1), other, "table")),
        },
        _ => match text(lua, 1, &a)? {
            Ok(first) => of_card(lua, host, op, first, b, c)?,
            Err(why) => Err(why),
        },
    })
}

/// What is wanted of one card or alias.
fn of_card(
    lua: &Lua,
    host: &Arc<Host>,
    op: &str,
    first: String,
    b: Value,
    c: &Value,
) -> mlua::Result<Result<Effect, String>> {
    Ok(match op {
        "get" => Ok(Effect::Read(StoreRead::CardGet { card_id: first })),
        "get_by_alias" => Ok(Effect::Read(StoreRead::CardByAlias { name: first })),
        "read_samples" => {
            options(lua, host, 2, b)?.map(|query| Effect::Read(StoreRead::CardSamples { card_id: first, query }))
        }
        "append" => match table(lua, host, b)? {
            Some(fields) => fields.map(|fields| Effect::Write(StoreWrite::CardAppend { card_id: first, fields })),
            None => Err("alc.card.append: fields must be a table".into()),
        },
        "write_samples" => match table(lua, host, b)? {
            Some(Ok(Json::Array(samples))) => {
                Ok(Effect::Write(StoreWrite::CardWriteSamples { card_id: first, samples }))
            }
            // What a program writes as an empty list.
            Some(Ok(Json::Object(none))) if none.is_empty() => {
                Ok(Effect::Write(StoreWrite::CardWriteSamples { card_id: first, samples: Vec::new() }))
            }
            Some(Err(why)) => Err(why),
            Some(Ok(_)) | None => Err("alc.card.write_samples: samples must be an array".into()),
        },
        "alias_set" => match (text(lua, 2, &b)?, field(lua, c, "pkg")?, field(lua, c, "note")?) {
            (Ok(card_id), Ok(pkg), Ok(note)) => {
                let at = host.state().door().now();
                Ok(Effect::Write(StoreWrite::CardAliasSet { name: first, card_id, pkg, note, at }))
            }
            (Err(why), _, _) | (_, Err(why), _) | (_, _, Err(why)) => Err(why),
        },
        unknown => return Err(mlua::Error::runtime(format!("alc.card has no function {unknown}"))),
    })
}

/// A table as JSON; `None` of anything else.
fn table(lua: &Lua, host: &Arc<Host>, value: Value) -> mlua::Result<Option<Result<Json, String>>> {
    if value.is_table() { wants::json(lua, host, value).map(Some) } else { Ok(None) }
}

/// Options as JSON; absent ones are none.
fn options(lua: &Lua, host: &Arc<Host>, n: u32, value: Value) -> mlua::Result<Result<Json, String>> {
    match value {
        Value::Nil => Ok(Ok(json!({}))),
        Value::Table(_) => wants::json(lua, host, value),
        other => Ok(Err(convert::misfit(Place::Argument(n), &other, "table"))),
    }
}

/// A text among options, if it is there.
fn field(lua: &Lua, options: &Value, name: &str) -> mlua::Result<Result<Option<String>, String>> {
    match options {
        Value::Nil => Ok(Ok(None)),
        Value::Table(options) => optional(lua, &options.raw_get::<Value>(name)?).map(Ok),
        other => Ok(Err(convert::misfit(Place::Argument(1), other, "table"))),
    }
}
