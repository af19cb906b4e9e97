//! `alc.log`, `alc.progress`, `print` and what is written to `io`: what a program says on its way.

use std::sync::{Arc, LazyLock};

use mlua::{Lua, LuaString, Value};

use crate::lua::convert::{self, Place};
use crate::lua::functions::Refusable;
use crate::lua::host::{Host, State};

static INFO: LazyLock<Arc<str>> = LazyLock::new(|| "info".into());
static LOG: LazyLock<Arc<str>> = LazyLock::new(|| "alc.log".into());
static PRINT: LazyLock<Arc<str>> = LazyLock::new(|| "alc.lua.print".into());
static WRITE: LazyLock<Arc<str>> = LazyLock::new(|| "alc.lua.io".into());

/// How long the level of a line may be, in bytes; the rest is cut off.
const LEVEL: usize = 64;

/// Logs a line. Gives the text of the error, if there is one, and whether the slice should end.
pub(in crate::lua) fn log(
    lua: &Lua,
    host: &Arc<Host>,
    (level, message): (Value, Value),
) -> mlua::Result<Refusable<bool>> {
    let (level, message) =
        match (convert::text(lua, Place::Argument(1), &level)?, convert::text(lua, Place::Argument(2), &message)?) {
            (Ok(level), Ok(message)) => (level, message),
            (Err(text), _) | (_, Err(text)) => return Ok((Some(host.refuse(text)), false)),
        };
    let mut state = host.state();
    let level = level.to_str()?;
    let level = &level[..level.floor_char_boundary(LEVEL)];
    let level = if level == "info" { Arc::clone(&INFO) } else { Arc::from(level) };
    state.door().log(&level, &LOG, &message.to_str()?);
    Ok((None, state.door().is_full()))
}

/// Logs a line that was printed. Gives whether the slice should end.
pub(in crate::lua) fn print(_: &Lua, host: &Arc<Host>, line: LuaString) -> mlua::Result<bool> {
    let mut state = host.state();
    let limit = bound(host);
    let bytes = line.as_bytes();
    state.door().log(&INFO, &PRINT, &String::from_utf8_lossy(&bytes[..bytes.len().min(limit)]));
    Ok(state.door().is_full())
}

/// Takes what was written to `io`; every full line is logged. Gives whether the slice should end.
pub(in crate::lua) fn write(_: &Lua, host: &Arc<Host>, text: LuaString) -> mlua::Result<bool> {
    let limit = bound(host);
    let bytes = text.as_bytes();
    let mut state = host.state();
    let mut lines = bytes.split(|byte| *byte == b'\n').peekable();
    while let Some(piece) = lines.next() {
        let room = limit.saturating_sub(state.written.len());
        let piece = String::from_utf8_lossy(&piece[..piece.len().min(room)]);
        state.written.push_str(&piece);
        if lines.peek().is_some() {
            say_written(&mut state);
        }
    }
    Ok(state.door().is_full())
}

/// Logs what was written behind the last line end, as the program ends.
pub(in crate::lua) fn flush(state: &mut State) {
    if !state.written.is_empty() {
        say_written(state);
    }
}

fn say_written(state: &mut State) {
    let line = std::mem::take(&mut state.written);
    state.door().log(&INFO, &WRITE, &line);
}

/// Cuts a text as the door cuts a line: at a character, saying how much is missing.
pub(in crate::lua) fn cut(text: &str, limit: u64) -> String {
    let end = text.floor_char_boundary(usize::try_from(limit).unwrap_or(usize::MAX));
    match text.len() - end {
        0 => text.to_owned(),
        missing => format!("{}… ({missing} more bytes)", &text[..end]),
    }
}

/// More of a line than this would be cut off anyway: the limit and what tells the door that it was exceeded.
fn bound(host: &Host) -> usize {
    usize::try_from(host.limits().log_line_bytes).unwrap_or(usize::MAX).saturating_add(1024)
}

/// Notes how far the program is. Gives the text of the error, if there is one, and whether the slice should end.
pub(in crate::lua) fn progress(
    lua: &Lua,
    host: &Arc<Host>,
    (step, total, message): (Value, Value, Value),
) -> mlua::Result<Refusable<bool>> {
    let (step, total) = match (convert::unsigned(lua, 1, &step, "u64"), convert::unsigned(lua, 2, &total, "u64")) {
        (Ok(step), Ok(total)) => (step, total),
        (Err(text), _) | (_, Err(text)) => return Ok((Some(host.refuse(text)), false)),
    };
    let message = match message {
        Value::Nil => None,
        message => match convert::text(lua, Place::Argument(3), &message)? {
            Ok(message) => Some(message),
            Err(text) => return Ok((Some(host.refuse(text)), false)),
        },
    };
    let message = message.as_ref().map(LuaString::to_str).transpose()?;
    let mut state = host.state();
    state.door().progress(step, total, message.as_deref());
    Ok((None, state.door().is_full()))
}

/// A number as `print` shows it: a float with one decimal if it has no fraction, else in the shortest form.
pub(in crate::lua) fn number_text(_: &Lua, _: &Arc<Host>, number: Value) -> mlua::Result<String> {
    Ok(match number {
        Value::Number(n) if n.fract() == 0.0 && n.abs() < 1e15 => format!("{n:.1}"),
        Value::Number(n) => n.to_string(),
        Value::Integer(n) => n.to_string(),
        _ => String::new(),
    })
}
