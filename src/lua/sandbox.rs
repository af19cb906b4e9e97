//! Makes a state what a session may have: few libraries, without what reaches outside, the rest loaded on first use.
//!
//! A library of which parts are missing has a metatable that loads the part in which a missing name stands. Whatever a
//! session does not use costs it nothing.

use std::sync::Arc;

use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, LuaOptions, LuaString, StdLib, Table, Value};

use super::functions;
use super::host::Host;
use super::mark::Mark;
use super::parts::{PARTS, Prelude};
use super::preempt;

/// Under this name the registry has what the parts need of the original functions; no program can reach it.
const KEPT: &str = "kept";

/// The libraries of which parts are missing, `kept` among them.
pub(super) const LIBRARIES: [&str; 9] = ["kept", "string", "table", "coroutine", "os", "io", "package", "alc", MATH];

/// What is taken out of a library: some of it comes back as a part.
const TAKEN: [(&str, &[&str]); 4] = [
    ("string", &["find", "match", "gmatch", "gsub", "rep", "format", "dump"]),
    ("table", &["sort", "move", "insert", "remove", "concat", "unpack"]),
    ("coroutine", &["resume", "yield", "wrap", "close"]),
    (MATH, &["random", "randomseed"]),
];

/// What is kept of a library though it stays there too: the parts must not depend on what a program does to it.
const SHARED: [(&str, &[&str]); 3] =
    [("string", &["sub"]), ("table", &["pack"]), ("coroutine", &["status", "isyieldable", "create"])];

/// The same of the globals.
const SHARED_GLOBALS: [&str; 10] =
    ["error", "getmetatable", "ipairs", "next", "pairs", "rawget", "rawset", "select", "tonumber", "type"];

/// A large library that few programs use: it is opened when it is first looked into.
const MATH: &str = "math";

/// Globals that the prelude replaces; the originals are kept.
const REPLACED: [&str; 5] = ["pcall", "xpcall", "setmetatable", "tostring", "load"];

/// Globals that are loaded when they are first called, each with the name of what it then is.
const LATE: [(&str, &str); 6] = [
    ("pcall", "protected_call"),
    ("xpcall", "handled_call"),
    ("print", "print_line"),
    ("require", "require_module"),
    ("load", "load_text"),
    ("collectgarbage", "collect_nothing"),
];

/// Makes a state, and the body of the thread that runs its program.
pub(super) fn open(host: &Arc<Host>, prelude: &Arc<Prelude>) -> mlua::Result<(Lua, Function)> {
    let libraries = StdLib::COROUTINE | StdLib::TABLE | StdLib::STRING | StdLib::UTF8;
    let lua = Lua::new_with(libraries, LuaOptions::new())?;
    lua.set_memory_limit(usize::try_from(host.limits().memory_bytes).unwrap_or(usize::MAX))?;
    let globals = lua.globals();
    let loaded: Table = lua.named_registry_value("_LOADED")?;
    let kept = lua.create_table_with_capacity(0, 64)?;
    lua.set_named_registry_value(KEPT, &kept)?;

    let root = functions::root(&lua, host)?;
    let lazy = lazy(&lua, host, prelude)?;
    for name in REPLACED.into_iter().chain(SHARED_GLOBALS) {
        kept.raw_set(name, globals.raw_get::<Value>(name)?)?;
    }
    for name in ["dofile", "loadfile", "warn"] {
        globals.raw_set(name, Value::Nil)?;
    }
    for (name, library) in [("kept", Some(&kept)), ("string", None), ("table", None), ("coroutine", None)] {
        let library = library.map_or_else(|| globals.raw_get(name), |it| Ok(it.clone()))?;
        take(&library, name, &kept)?;
        make_lazy(host, &library, name, &lazy)?;
    }
    for name in ["os", "io", "package", "alc", MATH] {
        let library = lua.create_table()?;
        make_lazy(host, &library, name, &lazy)?;
        globals.raw_set(name, &library)?;
        match name {
            "alc" => kept.raw_set(name, library)?,
            _ => loaded.raw_set(name, library)?,
        }
    }
    for (mark, name) in
        [(Mark::Ask, "ASK"), (Mark::Yielded, "YIELDED"), (Mark::Refused, "REFUSED"), (Mark::Failed, "FAILED")]
    {
        kept.raw_set(name, Value::LightUserData(mark.value()))?;
    }
    let (resume, close) = preempt::coroutine_functions(&lua)?;
    kept.raw_set("resume", resume)?;
    kept.raw_set("close", close)?;
    for text in preempt::LASTING {
        kept.raw_set(text, true)?;
    }
    kept.raw_set("loaded", loaded)?;
    kept.raw_set("host", root)?;

    let core = lua.load(prelude.core.as_slice()).set_mode(ChunkMode::Binary);
    let core = core.set_environment(kept.clone()).into_function()?;
    let finished = Value::LightUserData(Mark::Finished.value());
    let (setmetatable, text_of, late, body): (Function, Function, Function, Function) = core.call((kept, finished))?;
    globals.raw_set("setmetatable", setmetatable)?;
    globals.raw_set("tostring", preempt::text_function(&lua, &text_of)?)?;
    for (name, part) in LATE {
        globals.raw_set(name, late.call::<Function>(part)?)?;
    }
    Ok((lua, body))
}

/// Takes out of a library what a session must not have, and keeps what the parts need.
fn take(library: &Table, name: &str, kept: &Table) -> mlua::Result<()> {
    for name in names_of(&TAKEN, name) {
        kept.raw_set(*name, library.raw_get::<Value>(*name)?)?;
        library.raw_set(*name, Value::Nil)?;
    }
    for name in names_of(&SHARED, name) {
        kept.raw_set(*name, library.raw_get::<Value>(*name)?)?;
    }
    Ok(())
}

fn names_of(lists: &[(&str, &'static [&'static str])], name: &str) -> &'static [&'static str] {
    lists.iter().find(|(of, _)| *of == name).map_or(&[], |(_, names)| names)
}

fn make_lazy(host: &Host, library: &Table, name: &'static str, lazy: &Table) -> mlua::Result<()> {
    let mut state = host.state();
    let place = state.libraries.iter_mut().zip(LIBRARIES).find(|(_, it)| *it == name);
    if let Some((address, _)) = place {
        *address = library.to_pointer().addr();
    }
    drop(state);
    library.set_metatable(Some(lazy.clone()))
}

/// The metatable of libraries of which parts are missing.
fn lazy(lua: &Lua, host: &Arc<Host>, prelude: &Arc<Prelude>) -> mlua::Result<Table> {
    let metatable = lua.create_table_with_capacity(0, 3)?;
    let (host_, prelude_) = (Arc::clone(host), Arc::clone(prelude));
    let index = lua.create_function(move |lua, (library, key): (Table, Value)| {
        let Value::String(key) = key else { return Ok(Value::Nil) };
        let found = find(lua, &host_, &prelude_, &library, key);
        found.inspect_err(|error| host_.note(error))
    })?;
    metatable.raw_set("__index", index)?;
    let (host_, prelude_) = (Arc::clone(host), Arc::clone(prelude));
    let pairs = lua.create_function(move |lua, library: Table| {
        let loaded = load_all(lua, &host_, &prelude_, &library);
        loaded.inspect_err(|error| host_.note(error))?;
        Ok((lua.globals().raw_get::<Value>("next")?, library))
    })?;
    metatable.raw_set("__pairs", pairs)?;
    metatable.raw_set("__metatable", false)?;
    Ok(metatable)
}

fn find(lua: &Lua, host: &Arc<Host>, prelude: &Prelude, library: &Table, key: LuaString) -> mlua::Result<Value> {
    let Some(name) = name_of(host, library) else { return Ok(Value::Nil) };
    if name == MATH {
        open_math(lua, host, library)?;
    }
    let number = PARTS.iter().position(|part| part.library == name && part.names.iter().any(|it| key == *it));
    if let Some(number) = number {
        load(lua, host, prelude, library, number)?;
    }
    library.raw_get(key)
}

fn load_all(lua: &Lua, host: &Arc<Host>, prelude: &Prelude, library: &Table) -> mlua::Result<()> {
    let Some(name) = name_of(host, library) else { return Ok(()) };
    if name == MATH {
        open_math(lua, host, library)?;
    }
    for (number, _) in PARTS.iter().enumerate().filter(|(_, part)| part.library == name) {
        load(lua, host, prelude, library, number)?;
    }
    Ok(())
}

fn name_of(host: &Host, library: &Table) -> Option<&'static str> {
    let address = library.to_pointer().addr();
    host.state().libraries.iter().zip(LIBRARIES).find(|(it, _)| **it == address).map(|(_, name)| name)
}

/// Loads a part, unless it was loaded before: what the program removed since stays removed.
fn load(lua: &Lua, host: &Host, prelude: &Prelude, library: &Table, number: usize) -> mlua::Result<()> {
    let bit = 1 << number;
    {
        let mut state = host.state();
        if state.loaded & bit != 0 {
            return Ok(());
        }
        state.loaded |= bit;
    }
    let kept: Table = lua.named_registry_value(KEPT)?;
    let host_function: Function = kept.raw_get("host")?;
    let chunk = lua.load(prelude.parts[number].as_slice()).set_mode(ChunkMode::Binary);
    let chunk = chunk.set_environment(kept.clone()).into_function()?;
    chunk.call::<Table>((host_function, kept))?.for_each(|name: Value, value: Value| add(library, &name, &value))
}

/// Adds something to a library, unless the program has put something else there.
fn add(library: &Table, name: &Value, value: &Value) -> mlua::Result<()> {
    if library.raw_get::<Value>(name)?.is_nil() {
        library.raw_set(name, value)?;
    }
    Ok(())
}

/// Opens the library and moves what is in it to the table that stands for it.
fn open_math(lua: &Lua, host: &Host, library: &Table) -> mlua::Result<()> {
    if std::mem::replace(&mut host.state().has_math, true) {
        return Ok(());
    }
    let globals = lua.globals();
    let before: Value = globals.raw_get(MATH)?;
    let loaded: Table = lua.named_registry_value("_LOADED")?;
    let loaded_before: Value = loaded.raw_get(MATH)?;
    loaded.raw_set(MATH, Value::Nil)?;
    lua.load_std_libs(StdLib::MATH)?;
    let opened: Table = globals.raw_get(MATH)?;
    globals.raw_set(MATH, before)?;
    loaded.raw_set(MATH, loaded_before)?;
    take(&opened, MATH, &lua.named_registry_value::<Table>(KEPT)?)?;
    opened.for_each(|name: Value, value: Value| add(library, &name, &value))
}
