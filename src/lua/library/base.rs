//! What the replacements of the base functions need of the host.

use std::sync::Arc;

use mlua::{Lua, Value};

use crate::lua::host::Host;
use crate::lua::interrupt;

/// Whether a caught error ends the session all the same. A text comes here only when it says that memory ran out.
pub(in crate::lua) fn condemned(_: &Lua, host: &Arc<Host>, error: Value) -> mlua::Result<bool> {
    if matches!(error, Value::String(_)) {
        host.out_of_memory();
    }
    let mut state = host.state();
    Ok(host.is_raising() || state.doom.is_some() || state.door().is_stopped())
}

/// What the metatable of a value has raw as `__tostring`, and as `__name` if that is a text.
pub(in crate::lua) fn metafields(_: &Lua, _: &Arc<Host>, value: Value) -> mlua::Result<(Value, Value)> {
    let metatable = match value {
        Value::Table(table) => table.metatable(),
        _ => None,
    };
    let Some(metatable) = metatable else { return Ok((Value::Nil, Value::Nil)) };
    let name: Value = metatable.raw_get("__name")?;
    let name = if matches!(name, Value::String(_)) { name } else { Value::Nil };
    Ok((metatable.raw_get("__tostring")?, name))
}

/// How long source may be.
pub(in crate::lua) fn source_limit(_: &Lua, host: &Arc<Host>, (): ()) -> mlua::Result<i64> {
    Ok(i64::try_from(host.limits().source_bytes).unwrap_or(i64::MAX))
}

/// Whether the slice is over.
pub(in crate::lua) fn slice_is_over(_: &Lua, host: &Arc<Host>, (): ()) -> mlua::Result<bool> {
    Ok(host.state().door().slice_is_over())
}

/// A seed for `math.random`.
pub(in crate::lua) fn seed(_: &Lua, host: &Arc<Host>, (): ()) -> mlua::Result<i64> {
    Ok(host.state().door().seed().cast_signed())
}

/// Has the program interrupted soon, if its slice is over.
#[expect(clippy::unnecessary_wraps, reason = "all functions that Lua calls have one shape")]
pub(in crate::lua) fn hurry(_: &Lua, host: &Arc<Host>, (): ()) -> mlua::Result<()> {
    interrupt::hurry(host);
    Ok(())
}
