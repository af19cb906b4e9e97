//! Looks whether `pairs` visits keys in the same order in every state, which replay depends on.

use mlua::{Lua, Table};

/// Whether fresh states visit string keys in one order. False in a build whose Lua has a random hash seed: nothing can
/// be replayed then.
pub fn pairs_order_is_fixed() -> bool {
    let first = order();
    first.is_some() && (0..3).all(|_| order() == first)
}

/// The order in which a fresh state visits some keys.
fn order() -> Option<Vec<String>> {
    let lua = Lua::new();
    let table: Table = lua.load("local t = {} for i = 1, 64 do t['key' .. i] = i end return t").eval().ok()?;
    let keys = table.pairs::<String, i64>().map(|pair| pair.map(|(key, _)| key));
    keys.collect::<mlua::Result<_>>().ok()
}
