//! What `require` needs of the host.

use std::sync::Arc;

use mlua::{Lua, LuaString};

use crate::engine::Effect;
use crate::lua::host::{Host, Wanted};

/// Keeps the text of an error that the prelude raises for the engine.
pub(in crate::lua) fn engine_error(_: &Lua, host: &Arc<Host>, text: LuaString) -> mlua::Result<()> {
    host.refuse(text.to_string_lossy());
    Ok(())
}

/// Notes that a module is wanted; the prelude yields next.
pub(in crate::lua) fn want_module(_: &Lua, host: &Arc<Host>, name: LuaString) -> mlua::Result<()> {
    let effect = Effect::ReadModule { name: name.to_string_lossy() };
    host.state().asked = Some(Wanted::Effect(effect));
    Ok(())
}
