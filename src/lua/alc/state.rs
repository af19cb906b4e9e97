//! `alc.state`: takes the arguments and says what is wanted.

use std::sync::Arc;

use mlua::{Lua, LuaString, Table, Value};

use super::wants::{json, text, want};
use crate::engine::{Effect, StoreRead, StoreWrite};
use crate::lua::convert::{self, Place};
use crate::lua::host::Host;

/// Notes what is wanted of the state; gives the text of the error, if there is one.
pub(in crate::lua) fn want_state(
    lua: &Lua,
    host: &Arc<Host>,
    (op, a, b, c): (LuaString, Value, Value, Value),
) -> mlua::Result<Option<String>> {
    Ok(want(host, effect(lua, host, &op.to_str()?, a, b, c)?))
}

fn effect(lua: &Lua, host: &Arc<Host>, op: &str, a: Value, b: Value, c: Value) -> mlua::Result<Result<Effect, String>> {
    let namespace = host.spec.state_namespace();
    if op == "keys" {
        return Ok(Ok(Effect::Read(StoreRead::StateKeys { namespace })));
    }
    let first = match text(lua, 1, &a)? {
        Ok(first) => first,
        Err(why) => return Ok(Err(why)),
    };
    let takes_id = matches!(op, "show" | "reset" | "set_dispatched" | "delete_dispatched");
    let second = match if takes_id { text(lua, 2, &b)? } else { Ok(String::new()) } {
        Ok(second) => second,
        Err(why) => return Ok(Err(why)),
    };
    let (key, prefix, id) = (first.clone(), first, second);
    let effect = match op {
        "get" => Effect::Read(StoreRead::StateGet { namespace, key }),
        "has" => Effect::Read(StoreRead::StateHas { namespace, key }),
        "list" => Effect::Read(StoreRead::StateList { prefix }),
        "show" => Effect::Read(StoreRead::StateShow { prefix, id }),
        "set" | "set_nx" | "set_dispatched" => {
            let value = match json(lua, host, if takes_id { c } else { b })? {
                Ok(value) => value,
                Err(why) => return Ok(Err(why)),
            };
            Effect::Write(match op {
                "set" => StoreWrite::StateSet { namespace, key, value },
                "set_nx" => StoreWrite::StateSetNx { namespace, key, value },
                _ => StoreWrite::StateSetDispatched { prefix, id, value },
            })
        }
        "delete" => Effect::Write(StoreWrite::StateDelete { namespace, key }),
        "delete_dispatched" => Effect::Write(StoreWrite::StateDeleteDispatched { prefix, id }),
        "incr" => match (number(lua, 2, &b, 1.0), number(lua, 3, &c, 0.0)) {
            (Ok(delta), Ok(default)) => Effect::Write(StoreWrite::StateIncr { namespace, key, delta, default }),
            (Err(why), _) | (_, Err(why)) => return Ok(Err(why)),
        },
        "reset" => match names(lua, &c)? {
            Ok((steps, fields)) => Effect::Write(StoreWrite::StateReset { prefix, id, steps, fields }),
            Err(why) => return Ok(Err(why)),
        },
        unknown => return Err(mlua::Error::runtime(format!("alc.state has no function {unknown}"))),
    };
    Ok(Ok(effect))
}

fn number(lua: &Lua, n: u32, value: &Value, default: f64) -> Result<f64, String> {
    if value.is_nil() {
        return Ok(default);
    }
    let misfit =
        || convert::misfit(Place::Argument(n), value, "number (expected number or string coercible to number)");
    convert::number(lua, value).ok_or_else(misfit)
}

/// Names of steps, and of fields.
type Names = (Vec<String>, Vec<String>);

/// The names under `steps` and `fields` of the options, which may be absent.
fn names(lua: &Lua, opts: &Value) -> mlua::Result<Result<Names, String>> {
    let opts = match opts {
        Value::Nil => return Ok(Ok((Vec::new(), Vec::new()))),
        Value::Table(opts) => opts,
        other => return Ok(Err(convert::misfit(Place::Argument(3), other, "table"))),
    };
    let list = |name: &str| -> mlua::Result<Result<Vec<String>, String>> {
        let list = match opts.raw_get::<Value>(name)? {
            Value::Nil => return Ok(Ok(Vec::new())),
            Value::Table(list) => list,
            other => return Ok(Err(convert::misfit(Place::Inside, &other, "table"))),
        };
        texts(lua, &list)
    };
    let (steps, fields) = (list("steps")?, list("fields")?);
    Ok(steps.and_then(|steps| Ok((steps, fields?))))
}

/// The texts of a list.
pub(super) fn texts(lua: &Lua, list: &Table) -> mlua::Result<Result<Vec<String>, String>> {
    let mut texts = Vec::new();
    for i in 1..=list.raw_len() {
        match convert::text(lua, Place::Inside, &list.raw_get::<Value>(i)?)? {
            Ok(text) => texts.push(text.to_string_lossy()),
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(texts))
}
