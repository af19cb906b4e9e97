//! `alc.json_encode` and `alc.json_decode`.

use std::sync::Arc;

use mlua::{Lua, Value};

use crate::lua::convert::{self, Place};
use crate::lua::functions::Refusable;
use crate::lua::host::Host;
use crate::lua::{decode, encode};

/// A value as JSON text, behind the text of the error, if there is one.
pub(in crate::lua) fn encode(lua: &Lua, host: &Arc<Host>, value: Value) -> mlua::Result<Refusable<Option<String>>> {
    Ok(match encode::encode(lua, host, value, encode::Bound::Memory)? {
        Ok(json) => (None, Some(json)),
        Err(text) => (Some(host.refuse(text)), None),
    })
}

/// The value of a JSON text, behind the text of the error, if there is one.
pub(in crate::lua) fn decode(lua: &Lua, host: &Arc<Host>, text: Value) -> mlua::Result<Refusable<Value>> {
    let text = match convert::text(lua, Place::Argument(1), &text)? {
        Ok(text) => text,
        Err(text) => return Ok((Some(host.refuse(text)), Value::Nil)),
    };
    Ok(match decode::text(lua, host, &text.as_bytes())? {
        Ok(value) => (None, value),
        Err(text) => (Some(host.refuse(text)), Value::Nil),
    })
}
