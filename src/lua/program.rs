//! The program of a session: the source that it was given, or what its kind stands for.

use std::sync::Arc;

use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, Value};

use super::decode;
use super::host::Host;
use super::outermost;
use crate::domain::{Scenario, SessionKind};

/// Runs a strategy. Its own frame stays, so that an error has a line.
const ADVICE: &str = "local strategy = ...
return function()
  local result = require(strategy).run(ctx)
  return result
end";

/// Evaluates a strategy. A scenario that is given as text is a program of its own.
const EVAL: &str = "local evaluate, load, assert = alc.eval, load, assert
local scenario, text, strategy, opts = ...
return function()
  if text then
    local chunk = load('return ' .. text, '=scenario', 't') or assert(load(text, '=scenario', 't'))
    scenario = chunk()
  end
  local report = evaluate(scenario, strategy, opts)
  return report
end";

/// The program as a function; nothing of it has run.
pub(super) fn load(lua: &Lua, host: &Arc<Host>) -> mlua::Result<Function> {
    let compile = |code: &str| {
        let name = format!("={}", host.spec.script_name());
        lua.load(code).set_name(name).set_mode(ChunkMode::Text).into_function()
    };
    match &host.spec.kind {
        SessionKind::Run { code, .. } => outermost::compile(lua, &format!("={}", host.spec.script_name()), code),
        SessionKind::Advice { strategy, .. } => compile(ADVICE)?.call(strategy.as_str()),
        SessionKind::Eval { scenario, strategy, opts, auto_card } => {
            let options = lua.create_table()?;
            if let Some(opts) = opts {
                options.raw_set("strategy_opts", decode::value(lua, host, opts)?)?;
            }
            options.raw_set("auto_card", *auto_card)?;
            let (scenario, text) = match scenario {
                Scenario::Inline(text) => match serde_json::from_str(text) {
                    Ok(json) => (decode::value(lua, host, &json)?, Value::Nil),
                    Err(_) => (Value::Nil, Value::String(lua.create_string(&**text)?)),
                },
                Scenario::Name(name) => (Value::String(lua.create_string(name)?), Value::Nil),
                Scenario::File(path) => {
                    return Err(mlua::Error::runtime(format!("the scenario {} was not read", path.display())));
                }
            };
            compile(EVAL)?.call((scenario, text, strategy.as_str(), options))
        }
    }
}
