//! What an error is called: its line, its place in the script, the stack without the host's own frames.

use std::sync::Arc;

use mlua::{Lua, Value};

use super::alc::log;
use super::host::{Host, is_memory_error};
use crate::domain::FailureKind;
use crate::engine::VmFailure;

/// What a position looks like in an error that comes out of code of the prelude, which has no lines.
const NO_POSITION: &str = "?:-1: ";

/// The frames that are looked through for a line of the program.
const FRAMES: usize = 50;

/// The failure that an error from outside the program's own code stands for: the program did not compile, memory ran
/// out, or something went wrong that should not.
pub(super) fn of_error(host: &Host, error: &mlua::Error) -> VmFailure {
    if is_memory_error(error) {
        host.out_of_memory();
    }
    if let Some(doom) = host.state().doom.clone() {
        return doom;
    }
    let (kind, message) = match error {
        mlua::Error::SyntaxError { message, .. } => (FailureKind::LuaError, message.clone()),
        other => (FailureKind::EngineError, other.to_string()),
    };
    VmFailure { message: bounded(host, &message), kind, limit: None, traceback: None }
}

/// An error may be as long as the program likes; what is kept of it is a line of the log.
fn bounded(host: &Host, text: &str) -> String {
    log::cut(text, host.limits().log_line_bytes)
}

/// The failure of a program that raised an error with this text.
pub(super) fn of_text(host: &Host, text: &str) -> VmFailure {
    let mut state = host.state();
    let position = state.position.take().unwrap_or_default();
    let traceback = state.traceback.take();
    let mut line = text.strip_prefix(NO_POSITION).unwrap_or(text);
    if state.engine_error.as_deref() == Some(line) {
        line = line.strip_prefix("runtime error: ").or(line.strip_prefix("syntax error: ")).unwrap_or(line);
    }
    let message = bounded(host, &format!("{position}{line}"));
    let traceback = traceback.map(|stack| bounded(host, &stack));
    VmFailure { message, kind: FailureKind::LuaError, limit: None, traceback }
}

/// Keeps the stack of an error that nothing in the program catches, as its message handler. Also its place, where the
/// text does not say.
#[expect(clippy::unnecessary_wraps, reason = "all functions that Lua calls have one shape")]
pub(super) fn trace(lua: &Lua, host: &Arc<Host>, error: Value) -> mlua::Result<Value> {
    let traceback = lua.traceback(None, 1).ok().map(|stack| own_frames(&stack.to_string_lossy()));
    let lacks_position = match &error {
        Value::String(text) => {
            let text = text.to_string_lossy();
            text.starts_with(NO_POSITION)
                || text.starts_with("bad argument #") && text.contains("to '?'")
                || is_bare_engine_error(host, &text)
        }
        _ => false,
    };
    // A tail call leaves no frame of the program: then only the script is known.
    let position = lacks_position.then(|| position(lua, 1).unwrap_or_else(|| format!("{}: ", script(host))));
    let mut state = host.state();
    state.traceback = traceback.filter(|stack| !stack.is_empty());
    state.position = position;
    Ok(error)
}

/// What errors call the script.
pub(super) fn script(host: &Host) -> &str {
    host.spec.script_name()
}

/// Whether this is the text of an engine function that says nothing of a place. What a module raised does.
fn is_bare_engine_error(host: &Host, text: &str) -> bool {
    let raised = text.strip_prefix("runtime error: ").or(text.strip_prefix("syntax error: "));
    let is_of_module = raised.is_some_and(|text| text.starts_with("[string \""));
    !is_of_module && host.state().engine_error.as_deref() == Some(text)
}

/// The first line of the program on the stack, as the beginning of an error text.
pub(super) fn position(lua: &Lua, from: usize) -> Option<String> {
    for level in from..from + FRAMES {
        let place = lua.inspect_stack(level, |frame| {
            let line = frame.current_line()?;
            let source = frame.source().short_src?.into_owned();
            (source != "?").then(|| format!("{source}:{line}: "))
        })?;
        if place.is_some() {
            return place;
        }
    }
    None
}

/// What a call stands in that cannot yield, as far as the stack tells: the innermost function of C that the program
/// called by a name.
pub(super) fn unyielding(lua: &Lua) -> String {
    // The first frame is the function of the host that asks.
    for level in 1..FRAMES {
        let name = lua.inspect_stack(level, |frame| {
            let is_c = frame.source().what == "C";
            frame.names().name.filter(|name| is_c && name != "?").map(std::borrow::Cow::into_owned)
        });
        match name {
            None => break,
            Some(None) => {}
            // These run handlers, and wait for nothing else.
            Some(Some(name)) if name == "error" || name == "assert" => return "a message handler".into(),
            Some(Some(name)) if name == "for iterator" => return "the iterator of ipairs".into(),
            Some(Some(name)) => return format!("'{name}'"),
        }
    }
    "a message handler or a C function".into()
}

/// The frames of a stack that are not the host's, one a line.
fn own_frames(stack: &str) -> String {
    let frames = stack.lines().skip(1).map(str::trim_start);
    let own = frames.filter(|frame| !frame.starts_with("?:") && !frame.starts_with("?: "));
    let mut lines: Vec<&str> = own.collect();
    // Below the program stands the protected call of the prelude.
    while lines.last().is_some_and(|frame| frame.starts_with("[C]") || frame.starts_with("(...tail")) {
        lines.pop();
    }
    while lines.first().is_some_and(|frame| *frame == "[C]: in ?" || frame.starts_with("(...tail")) {
        lines.remove(0);
    }
    lines.join("\n")
}
