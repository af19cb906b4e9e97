//! `alc.fork`: takes the arguments and says which children are wanted.

use std::sync::Arc;

use mlua::{Lua, Value};

use super::wants::{json, want};
use crate::engine::{Effect, Fork, OnError};
use crate::lua::convert::{self, Place};
use crate::lua::host::Host;

/// Notes that children are wanted; gives the text of the error, if there is one.
pub(in crate::lua) fn want_fork(
    lua: &Lua,
    host: &Arc<Host>,
    (strategies, ctx, opts): (Value, Value, Value),
) -> mlua::Result<Option<String>> {
    let fork = fork(lua, host, &strategies, ctx, &opts)?;
    Ok(want(host, fork.map(Effect::Fork)))
}

fn fork(
    lua: &Lua,
    host: &Arc<Host>,
    strategies: &Value,
    ctx: Value,
    opts: &Value,
) -> mlua::Result<Result<Fork, String>> {
    let Value::Table(list) = strategies else {
        return Ok(Err(convert::misfit(Place::Argument(1), strategies, "table")));
    };
    if !ctx.is_table() {
        return Ok(Err(convert::misfit(Place::Argument(2), &ctx, "table")));
    }
    let on_error = match opts {
        Value::Nil => Value::Nil,
        Value::Table(opts) => opts.raw_get("on_error")?,
        other => return Ok(Err(convert::misfit(Place::Argument(3), other, "table"))),
    };
    if list.raw_len() == 0 {
        return Ok(Err("alc.fork: strategies must be a non-empty array".into()));
    }
    let mut names: Vec<Arc<str>> = Vec::new();
    for i in 1..=list.raw_len() {
        let name = match convert::text(lua, Place::Inside, &list.raw_get::<Value>(i)?)? {
            Ok(name) => name.to_string_lossy(),
            Err(why) => return Ok(Err(why)),
        };
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            let why = "only alphanumeric and underscore allowed";
            return Ok(Err(format!("alc.fork: invalid strategy name '{name}' ({why})")));
        }
        names.push(name.into());
    }
    let is_abort = on_error.as_string().is_some_and(|text| *text == "abort");
    let on_error = if is_abort { OnError::Abort } else { OnError::Skip };
    Ok(json(lua, host, ctx)?.map(|ctx| Fork { strategies: names, ctx, on_error }))
}
