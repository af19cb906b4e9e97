//! The functions of the host by name: the one function that the prelude gets makes the others when they are wanted.
//!
//! They take whatever a program passes, read tables raw, and never call back into Lua. What a program did wrong comes
//! back as a text, which the prelude raises.

use std::sync::Arc;

use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua, LuaString};

use super::host::Host;
use super::{alc, failure, library};

/// A reply with the text of an error, if there is one, in front.
pub(super) type Refusable<T> = (Option<String>, T);

/// Makes a Lua function of a Rust one.
pub(super) fn make<A, R>(
    lua: &Lua,
    host: &Arc<Host>,
    f: fn(&Lua, &Arc<Host>, A) -> mlua::Result<R>,
) -> mlua::Result<Function>
where
    A: FromLuaMulti + 'static,
    R: IntoLuaMulti + 'static,
{
    let host = Arc::clone(host);
    lua.create_function(move |lua, args| f(lua, &host, args).inspect_err(|error| host.note(error)))
}

/// The function that the prelude gets: it makes the one of a name.
pub(super) fn root(lua: &Lua, host: &Arc<Host>) -> mlua::Result<Function> {
    make(lua, host, |lua, host, name: LuaString| by_name(lua, host, &name.to_str()?))
}

fn by_name(lua: &Lua, host: &Arc<Host>, name: &str) -> mlua::Result<Function> {
    match name {
        "ask" => make(lua, host, alc::ask::ask),
        "ask_with" => make(lua, host, alc::ask::ask_with),
        "ask_batch" => make(lua, host, alc::ask::ask_batch),
        "misfit" => make(lua, host, alc::ask::misfit),
        "cannot_wait" => make(lua, host, alc::ask::cannot_wait),
        "budget" => make(lua, host, alc::budget::remaining),
        "log" => make(lua, host, alc::log::log),
        "print" => make(lua, host, alc::log::print),
        "progress" => make(lua, host, alc::log::progress),
        "write" => make(lua, host, alc::log::write),
        "number_text" => make(lua, host, alc::log::number_text),
        "record" => make(lua, host, alc::stats::record),
        "figure" => make(lua, host, alc::stats::figure),
        "llm_calls" => make(lua, host, alc::stats::llm_calls),
        "encode" => make(lua, host, alc::json::encode),
        "decode" => make(lua, host, alc::json::decode),
        "want_state" => make(lua, host, alc::state::want_state),
        "want_fork" => make(lua, host, alc::fork::want_fork),
        "want_scenario" => make(lua, host, alc::wants::want_scenario),
        "want_card" => make(lua, host, alc::card::want_card),
        "json_extract" => make(lua, host, alc::text::json_extract),
        "match_enum" => make(lua, host, alc::text::match_enum),
        "match_bool" => make(lua, host, alc::text::match_bool),
        "fingerprint" => make(lua, host, alc::text::fingerprint),
        "chunk" => make(lua, host, alc::text::chunk),
        "t_critical" => make(lua, host, alc::math::t_critical),
        "environment" => make(lua, host, alc::env::environment),
        "directories" => make(lua, host, alc::env::directories),
        "math_names" => make(lua, host, alc::math::names),
        "math_function" => make(lua, host, alc::math::function),
        "condemned" => make(lua, host, library::base::condemned),
        "trace" => make(lua, host, failure::trace),
        "metafields" => make(lua, host, library::base::metafields),
        "source_limit" => make(lua, host, library::base::source_limit),
        "hurry" => make(lua, host, library::base::hurry),
        "slice_is_over" => make(lua, host, library::base::slice_is_over),
        "seed" => make(lua, host, library::base::seed),
        "engine_error" => make(lua, host, library::require::engine_error),
        "want_module" => make(lua, host, library::require::want_module),
        "pattern_reach" => make(lua, host, library::string::pattern_reach),
        "search" => make(lua, host, library::string::search),
        "step" => make(lua, host, library::string::step),
        "substitute" => make(lua, host, library::string::substitute),
        "clock" => make(lua, host, library::os::clock),
        "now" => make(lua, host, library::os::now),
        "date" => make(lua, host, library::os::date),
        "time_of" => make(lua, host, library::os::time_of),
        "getenv" => make(lua, host, library::os::getenv),
        unknown => Err(mlua::Error::runtime(format!("the host has no function {unknown}"))),
    }
}
