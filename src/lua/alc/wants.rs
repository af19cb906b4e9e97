//! How the functions of a program say what they want done outside, and how they take their arguments for it.

use std::sync::Arc;

use mlua::{Lua, LuaString, Value};
use serde_json::Value as Json;

use crate::engine::{Effect, StoreRead};
use crate::lua::convert::{self, Place};
use crate::lua::encode;
use crate::lua::host::{Host, Wanted};

/// Keeps an effect until the prelude yields; or gives the text of the error.
pub(super) fn want(host: &Host, effect: Result<Effect, String>) -> Option<String> {
    match effect {
        Ok(effect) => {
            host.state().asked = Some(Wanted::Effect(effect));
            None
        }
        Err(text) => Some(host.refuse(text)),
    }
}

/// A text, or a number as a text.
pub(super) fn text(lua: &Lua, n: u32, value: &Value) -> mlua::Result<Result<String, String>> {
    Ok(convert::text(lua, Place::Argument(n), value)?.map(|text| text.to_string_lossy()))
}

/// A text that may be absent.
pub(super) fn optional(lua: &Lua, value: &Value) -> mlua::Result<Option<String>> {
    Ok(convert::coerced(lua, value)?.map(|text: LuaString| text.to_string_lossy()))
}

/// A value as JSON; not larger than what a session may return.
pub(super) fn json(lua: &Lua, host: &Arc<Host>, value: Value) -> mlua::Result<Result<Json, String>> {
    let limit = usize::try_from(host.limits().result_bytes).unwrap_or(usize::MAX);
    let text = encode::encode(lua, host, value, encode::Bound::Stored(limit))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).map_err(|error| format!("JSON parse: {error}"))))
}

/// Notes that the file of a scenario is wanted; gives the text of the error, if there is one.
pub(in crate::lua) fn want_scenario(lua: &Lua, host: &Arc<Host>, name: Value) -> mlua::Result<Option<String>> {
    let name = text(lua, 1, &name)?;
    Ok(want(host, name.map(|name| Effect::Read(StoreRead::Scenario { name }))))
}
