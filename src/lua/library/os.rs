//! The clocks, dates and environment of `os`: recorded, in UTC, and given with the session.

use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use mlua::{Lua, LuaString, Value};

use crate::lua::convert;
use crate::lua::functions::Refusable;
use crate::lua::host::Host;

/// What the fields of a date table are: year, month, day, hour, minute, second, day of the week and of the year.
type Fields = (i64, i64, i64, i64, i64, i64, i64, i64);

/// What stands for the fields where there are none.
const NO_FIELDS: Fields = (0, 0, 0, 0, 0, 0, 0, 0);

/// How long a template of `os.date` may be, in bytes: each two of them may become some twenty.
const TEMPLATE: usize = 4 << 10;

/// The conversions of `os.date`.
const CONVERSIONS: &str = "aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%";
/// Those that may stand behind `%E` and `%O`; they mean the same without.
const ALTERNATIVE: [(char, &str); 2] = [('E', "cCxXyY"), ('O', "deHImMSuUVwWy")];

/// CPU seconds the session has used, and whether the slice should end.
pub(in crate::lua) fn clock(_: &Lua, host: &Arc<Host>, (): ()) -> mlua::Result<(f64, bool)> {
    let mut state = host.state();
    Ok((state.door().cpu_time().as_secs_f64(), state.door().is_full()))
}

/// Milliseconds since 1970, and whether the slice should end.
pub(in crate::lua) fn now(_: &Lua, host: &Arc<Host>, (): ()) -> mlua::Result<(i64, bool)> {
    let mut state = host.state();
    Ok((state.door().now(), state.door().is_full()))
}

/// What the environment of the session has under a name.
pub(in crate::lua) fn getenv(lua: &Lua, host: &Arc<Host>, name: Value) -> mlua::Result<Option<LuaString>> {
    let Some(name) = convert::coerced(lua, &name)? else { return Ok(None) };
    let value = name.to_str().ok().and_then(|name| host.spec.env.get(&*name));
    value.map(|value| lua.create_string(value)).transpose()
}

/// A date as a text, or as fields where the template asks for a table.
pub(in crate::lua) fn date(
    lua: &Lua,
    _: &Arc<Host>,
    (template, seconds): (Value, Value),
) -> mlua::Result<Refusable<(Option<String>, Fields)>> {
    let refused = |text: &str| Ok((Some(text.to_owned()), (None, NO_FIELDS)));
    let Some(template) = convert::coerced(lua, &template)? else {
        return refused(&format!("bad argument #1 to 'date' (string expected, got {})", template.type_name()));
    };
    let length = template.as_bytes().len();
    if length > TEMPLATE {
        return refused(&format!("bad argument #1 to 'date' (a template of {length} bytes; the limit is {TEMPLATE})"));
    }
    let Some(seconds) = integer(&seconds) else {
        return refused(&format!("bad argument #2 to 'date' (number expected, got {})", seconds.type_name()));
    };
    let Ok(at) = Timestamp::from_second(seconds) else {
        return refused("date result cannot be represented in this installation");
    };
    let at = at.to_zoned(TimeZone::UTC);
    let template = template.to_string_lossy();
    let template = template.strip_prefix('!').unwrap_or(&template);
    if template == "*t" {
        return Ok((None, (None, fields(&at))));
    }
    match format(template, &at) {
        Ok(text) => Ok((None, (Some(text), NO_FIELDS))),
        Err(text) => refused(&text),
    }
}

/// The seconds of a date table, and its fields as they should be.
pub(in crate::lua) fn time_of(
    lua: &Lua,
    _: &Arc<Host>,
    parts: (Value, Value, Value, Value, Value, Value),
) -> mlua::Result<Refusable<(i64, Fields)>> {
    Ok(match seconds_of(lua, parts) {
        Ok(at) => (None, (at.timestamp().as_second(), fields(&at))),
        Err(text) => (Some(text), (0, NO_FIELDS)),
    })
}

fn seconds_of(lua: &Lua, parts: (Value, Value, Value, Value, Value, Value)) -> Result<Zoned, String> {
    let (year, month, day, hour, min, sec) = parts;
    let unrepresentable = || "time result cannot be represented in this installation".to_owned();
    let year = field(lua, "year", &year, None)?;
    let month = field(lua, "month", &month, None)?;
    let day = field(lua, "day", &day, None)?;
    let hour = field(lua, "hour", &hour, Some(12))?;
    let min = field(lua, "min", &min, Some(0))?;
    let sec = field(lua, "sec", &sec, Some(0))?;
    // Months count on into other years; the rest is a distance from the first day of the month.
    let months = year * 12 + month - 1;
    let first = i16::try_from(months.div_euclid(12)).ok().and_then(|year| {
        let month = i8::try_from(months.rem_euclid(12) + 1).ok()?;
        DateTime::new(year, month, 1, 0, 0, 0, 0).ok()
    });
    let distance = (day - 1) * 86_400 + hour * 3600 + min * 60 + sec;
    first
        .and_then(|first| first.checked_add(SignedDuration::from_secs(distance)).ok())
        .and_then(|at| at.to_zoned(TimeZone::UTC).ok())
        .ok_or_else(unrepresentable)
}

fn field(lua: &Lua, name: &str, value: &Value, default: Option<i64>) -> Result<i64, String> {
    let number = match value {
        Value::Nil => return default.ok_or_else(|| format!("field '{name}' missing in date table")),
        Value::String(_) => lua.coerce_integer(value.clone()).ok().flatten(),
        value => integer(value),
    };
    let number = number.ok_or_else(|| format!("field '{name}' is not an integer"))?;
    // As in C, where the fields of a date are of this size.
    i32::try_from(number).map(i64::from).map_err(|_| format!("field '{name}' is out-of-bound"))
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Integer(n) => Some(*n),
        Value::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => Some(*n as i64),
        _ => None,
    }
}

fn fields(at: &Zoned) -> Fields {
    (
        at.year().into(),
        at.month().into(),
        at.day().into(),
        at.hour().into(),
        at.minute().into(),
        at.second().into(),
        i64::from(at.weekday().to_sunday_zero_offset()) + 1,
        at.day_of_year().into(),
    )
}

fn format(template: &str, at: &Zoned) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('%') {
        out.push_str(before);
        let mut chars = behind.chars();
        let conversion = match chars.next() {
            Some(prefix @ ('E' | 'O')) => {
                chars.next().filter(|it| ALTERNATIVE.iter().any(|(of, allowed)| *of == prefix && allowed.contains(*it)))
            }
            conversion => conversion.filter(|it| CONVERSIONS.contains(*it)),
        };
        let Some(conversion) = conversion else {
            return Err(format!("bad argument #1 to 'date' (invalid conversion specifier '%{behind}')"));
        };
        out.push_str(&converted(conversion, at));
        rest = chars.as_str();
    }
    out.push_str(rest);
    Ok(out)
}

/// One conversion, as in the C locale.
fn converted(conversion: char, at: &Zoned) -> String {
    let template = match conversion {
        'c' => "%a %b %e %H:%M:%S %Y".to_owned(),
        'x' => "%m/%d/%y".to_owned(),
        'X' => "%H:%M:%S".to_owned(),
        'r' => "%I:%M:%S %p".to_owned(),
        'z' => return "+0000".to_owned(),
        'Z' => return "GMT".to_owned(),
        '%' => return "%".to_owned(),
        other => format!("%{other}"),
    };
    jiff::fmt::strtime::format(&template, at).unwrap_or_default()
}
