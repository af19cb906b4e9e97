//! `alc.math`: random numbers from explicit generators, statistics and special functions.
//!
//! Each function is one line of a table in its file and is made when a program first looks it up. They compute on plain
//! numbers; what is wrong with an argument comes back as a text. Nothing here draws from chance but from a generator
//! that the program made from a seed of its own, so all of it replays.

mod call;
mod describe;
mod information;
mod ranking;
mod sampling;
mod special;
mod testing;

use std::sync::Arc;

use mlua::{Function, Lua, LuaString, MultiValue, Value};

use self::call::{Call, Refusal};
use crate::lua::functions::Refusable;
use crate::lua::host::Host;

/// What a function of the library does.
type Body = fn(&mut Call<'_>) -> Result<Value, Refusal>;

/// The functions of one file by name.
type Functions = &'static [(&'static str, Body)];

const LIBRARY: [Functions; 6] = [
    sampling::FUNCTIONS,
    describe::FUNCTIONS,
    ranking::FUNCTIONS,
    testing::FUNCTIONS,
    information::FUNCTIONS,
    special::FUNCTIONS,
];

pub(in crate::lua) use testing::t_critical;

/// The names of all functions.
pub(in crate::lua) fn names(_: &Lua, _: &Arc<Host>, (): ()) -> mlua::Result<Vec<&'static str>> {
    Ok(LIBRARY.iter().flat_map(|functions| functions.iter()).map(|(name, _)| *name).collect())
}

/// The function of a name, if there is one. It gives the text of an error, if there is one, and its result.
pub(in crate::lua) fn function(lua: &Lua, host: &Arc<Host>, name: LuaString) -> mlua::Result<Option<Function>> {
    let found = LIBRARY.iter().flat_map(|functions| functions.iter()).find(|(it, _)| name == *it);
    let Some((name, body)) = found else { return Ok(None) };
    let host = Arc::clone(host);
    let function = lua.create_function(move |lua, arguments: MultiValue| {
        run(lua, &host, name, *body, &arguments).inspect_err(|error| host.note(error))
    })?;
    Ok(Some(function))
}

fn run(
    lua: &Lua,
    host: &Arc<Host>,
    name: &'static str,
    body: Body,
    arguments: &MultiValue,
) -> mlua::Result<Refusable<Value>> {
    match body(&mut Call::new(lua, host, name, arguments)) {
        Ok(value) => Ok((None, value)),
        Err(Refusal::Argument(text)) => Ok((Some(host.refuse(text)), Value::Nil)),
        Err(Refusal::Fault(text)) => Ok((Some(host.refuse(format!("runtime error: {text}"))), Value::Nil)),
        Err(Refusal::Lua(error)) => Err(error),
    }
}
