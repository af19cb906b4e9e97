//! Arguments of engine functions: what is taken for a text or a number, and what an argument error says.

use std::sync::Arc;

use mlua::{Lua, LuaString, Value};

/// What a text is called in errors.
const TEXT: &str = "String (expected string or number)";

/// Which argument an error speaks of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// An argument, from 1.
    Argument(u32),
    /// Something within an argument.
    Inside,
}

impl Place {
    fn prefix(self) -> String {
        match self {
            Self::Argument(n) => format!("bad argument #{n}: "),
            Self::Inside => String::new(),
        }
    }
}

/// What an argument error says.
pub(super) fn misfit(place: Place, value: &Value, wanted: &str) -> String {
    format!("{}error converting Lua {} to {wanted}", place.prefix(), value.type_name())
}

/// A text, or a number as a text; nothing for anything else.
pub(super) fn coerced(lua: &Lua, value: &Value) -> mlua::Result<Option<LuaString>> {
    match value {
        Value::String(text) => Ok(Some(text.clone())),
        Value::Integer(_) | Value::Number(_) => lua.coerce_string(value.clone()),
        _ => Ok(None),
    }
}

/// A text that is UTF-8, or a number as a text; `Err` within is what the argument error says.
pub(super) fn text(lua: &Lua, place: Place, value: &Value) -> mlua::Result<Result<LuaString, String>> {
    let Some(text) = coerced(lua, value)? else {
        return Ok(Err(misfit(place, value, TEXT)));
    };
    let fault = std::str::from_utf8(&text.as_bytes()).err();
    Ok(match fault {
        None => Ok(text),
        Some(fault) => Err(misfit(place, value, &format!("String ({fault})"))),
    })
}

/// The same as a copy, after `check` has seen how many bytes it is. Looked at once only: each look locks the Lua state.
pub(super) fn shared_text(
    lua: &Lua,
    place: Place,
    value: &Value,
    check: impl Fn(usize) -> mlua::Result<()>,
) -> mlua::Result<Result<Arc<str>, String>> {
    let copy = |text: &LuaString| {
        let bytes = text.as_bytes();
        check(bytes.len()).map(|()| std::str::from_utf8(&bytes).map(Arc::from))
    };
    let copied = match value {
        Value::String(text) => copy(text)?,
        other => {
            check(0)?;
            match coerced(lua, other)? {
                Some(text) => copy(&text)?,
                None => return Ok(Err(misfit(place, value, TEXT))),
            }
        }
    };
    Ok(copied.map_err(|fault| misfit(place, value, &format!("String ({fault})"))))
}

/// A number, or a text that is one.
pub(super) fn number(lua: &Lua, value: &Value) -> Option<f64> {
    match value {
        Value::Integer(n) => Some(*n as f64),
        Value::Number(n) => Some(*n),
        Value::String(_) => lua.coerce_number(value.clone()).ok().flatten(),
        _ => None,
    }
}

/// An unsigned integer called `kind` in errors; fractions are cut off, texts that are numbers taken.
pub(super) fn unsigned(lua: &Lua, n: u32, value: &Value, kind: &str) -> Result<u64, String> {
    let misfit = |why: &str| misfit(Place::Argument(n), value, &format!("{kind} ({why})"));
    if let Value::Integer(integer) = value {
        return u64::try_from(*integer).map_err(|_| misfit("out of range"));
    }
    let Some(number) = number(lua, value) else {
        return Err(misfit("expected number or string coercible to number"));
    };
    let number = number.trunc();
    if (0.0..u64::MAX as f64).contains(&number) { Ok(number as u64) } else { Err(misfit("out of range")) }
}
