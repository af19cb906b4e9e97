//! `alc.stats`: the figures that a program records.

use std::sync::Arc;

use mlua::{Lua, LuaString, Value};

use super::log;
use crate::lua::convert::{self, Place};
use crate::lua::encode;
use crate::lua::functions::Refusable;
use crate::lua::host::Host;

/// How long the JSON of a figure may be, in bytes: every observer holds the figures.
const FIGURE: usize = 64 << 10;

/// Whether the slice should end, and the key and the JSON of what was recorded.
type Recorded = (bool, Option<LuaString>, Option<String>);

/// Records a figure. Gives the text of the error, if there is one, whether the slice should end, the key and the JSON.
pub(in crate::lua) fn record(
    lua: &Lua,
    host: &Arc<Host>,
    (key, value): (Value, Value),
) -> mlua::Result<Refusable<Recorded>> {
    let refused = |text| Ok((Some(host.refuse(text)), (false, None, None)));
    let key = match convert::text(lua, Place::Argument(1), &key)? {
        Ok(key) => key,
        Err(text) => return refused(text),
    };
    let json = match encode::encode(lua, host, value, encode::Bound::Figure(FIGURE))? {
        Ok(json) => json,
        Err(text) => return refused(text),
    };
    let value = match serde_json::from_str(&json) {
        Ok(value) => value,
        Err(error) => return refused(error.to_string()),
    };
    let name = log::cut(&key.to_str()?, host.limits().log_line_bytes);
    let mut state = host.state();
    state.door().stats(name, value);
    let full = state.door().is_full();
    drop(state);
    Ok((None, (full, Some(key), Some(json))))
}

/// Takes the key of a figure. Gives the text of the error, if there is one, and the key.
pub(in crate::lua) fn figure(lua: &Lua, host: &Arc<Host>, key: Value) -> mlua::Result<Refusable<Option<LuaString>>> {
    Ok(match convert::text(lua, Place::Argument(1), &key)? {
        Ok(key) => (None, Some(key)),
        Err(text) => (Some(host.refuse(text)), None),
    })
}

/// How many queries the session has asked.
pub(in crate::lua) fn llm_calls(_: &Lua, host: &Arc<Host>, (): ()) -> mlua::Result<i64> {
    Ok(i64::try_from(host.state().door().usage().llm_calls).unwrap_or(i64::MAX))
}
