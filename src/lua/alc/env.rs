//! What a session was given to run in: its environment, and the directories of its home. Both are part of its spec, so
//! they are the same whenever it is run again.

use std::path::Path;
use std::sync::Arc;

use mlua::{Lua, Table};

use crate::lua::host::Host;

/// The variable that holds the home of the session.
const HOME: &str = "HOME";

/// The directories of a home that programs may ask for.
const DIRECTORIES: [&str; 3] = ["state", "cards", "scenarios"];

/// The environment without the home; nothing where there is none.
pub(in crate::lua) fn environment(lua: &Lua, host: &Arc<Host>, (): ()) -> mlua::Result<Option<Table>> {
    let given = host.spec.env.iter().filter(|(name, _)| *name != HOME);
    let mut given = given.map(|(name, value)| (name.as_str(), value.as_str())).peekable();
    given.peek().is_some().then(|| lua.create_table_from(given)).transpose()
}

/// The directories of the home; none where there is no home.
pub(in crate::lua) fn directories(lua: &Lua, host: &Arc<Host>, (): ()) -> mlua::Result<Table> {
    let directories = lua.create_table()?;
    if let Some(home) = host.spec.env.get(HOME) {
        for name in DIRECTORIES {
            directories.raw_set(name, Path::new(home).join(name).to_string_lossy())?;
        }
    }
    Ok(directories)
}
