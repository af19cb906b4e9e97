//! JSON as Lua values, made while it is read, so that what it takes counts as Lua memory at once.
//!
//! Null becomes nil. A table that was an array is marked by its metatable, so that it is one again when it is written.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use mlua::{Lua, LuaSerdeExt, Table, Value};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::host::{Host, Patience};

/// The value of a JSON document that `source` reads; `Err` within is what is wrong with the text.
///
/// # Errors
/// When memory runs out or it takes too long: the session has to end.
pub(super) fn text(lua: &Lua, host: &Arc<Host>, json: &[u8]) -> mlua::Result<Result<Value, String>> {
    let mut source = serde_json::Deserializer::from_slice(json);
    let value = read(lua, Patience::new(lua, host), &mut source)?;
    Ok(value.and_then(|value| source.end().map(|()| value).map_err(|error| error.to_string())))
}

/// The value of a JSON value.
///
/// # Errors
/// As for [`text`].
pub(super) fn value(lua: &Lua, host: &Arc<Host>, json: &serde_json::Value) -> mlua::Result<Value> {
    read(lua, Patience::with_engine(lua, host), json)?.map_err(mlua::Error::runtime)
}

/// An empty array: it stays one when it is written, whatever is put into it.
pub(super) fn array(lua: &Lua) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.set_metatable(Some(lua.array_metatable()))?;
    Ok(table)
}

fn read<'de, D>(lua: &Lua, patience: Patience<'_>, source: D) -> mlua::Result<Result<Value, String>>
where
    D: Deserializer<'de, Error: fmt::Display>,
{
    let reader =
        Reader { lua, marker: lua.array_metatable(), patience: RefCell::new(patience), fault: RefCell::default() };
    let read = Node(&reader).deserialize(source);
    match (reader.fault.into_inner(), read) {
        (Some(fault), _) => Err(fault),
        (None, Ok(value)) => Ok(Ok(value)),
        (None, Err(error)) => Ok(Err(error.to_string())),
    }
}

/// What every node needs.
struct Reader<'a> {
    lua: &'a Lua,
    marker: Table,
    patience: RefCell<Patience<'a>>,
    /// The error of Lua that stopped the reading, if one did.
    fault: RefCell<Option<mlua::Error>>,
}

impl Reader<'_> {
    /// Keeps an error of Lua and gives one of the format for it.
    fn stop<T, E: serde::de::Error>(&self, result: mlua::Result<T>) -> Result<T, E> {
        result.map_err(|error| {
            *self.fault.borrow_mut() = Some(error);
            E::custom("stopped")
        })
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Node<'r, 'a>(&'r Reader<'a>);

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        self.0.stop(self.0.patience.borrow_mut().step())?;
        source.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any valid JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Boolean(truth))
    }

    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Integer(n))
    }

    fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
        Ok(i64::try_from(n).map_or(Value::Number(n as f64), Value::Integer))
    }

    fn visit_f64<E>(self, n: f64) -> Result<Value, E> {
        Ok(Value::Number(n))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        self.0.stop(self.0.lua.create_string(text)).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let reader = self.0;
        let table = reader.stop(reader.lua.create_table())?;
        let (mut length, mut holes) = (0, Vec::new());
        while let Some(item) = items.next_element_seed(self)? {
            length += 1;
            // A hole is filled for now, so that the array grows as one.
            let item = if item.is_nil() {
                holes.push(length);
                Value::Boolean(false)
            } else {
                item
            };
            reader.stop(table.raw_set(length, item))?;
        }
        let table =
            if holes.is_empty() { table } else { reader.stop(with_holes(reader.lua, &table, length, &holes))? };
        reader.stop(table.set_metatable(Some(reader.marker.clone())))?;
        Ok(Value::Table(table))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let reader = self.0;
        let table = reader.stop(reader.lua.create_table())?;
        while let Some(key) = entries.next_key_seed(self)? {
            let value = entries.next_value_seed(self)?;
            if !matches!(key, Value::String(_)) {
                return Err(A::Error::custom("key must be a string"));
            }
            reader.stop(table.raw_set(key, value))?;
        }
        Ok(Value::Table(table))
    }
}

/// A copy of an array with holes, of exactly its length: so its length stays what it was in the text.
fn with_holes(lua: &Lua, filled: &Table, length: i64, holes: &[i64]) -> mlua::Result<Table> {
    let capacity = usize::try_from(length).unwrap_or(0);
    let table = lua.create_table_with_capacity(capacity, 0)?;
    let mut holes = holes.iter().copied().peekable();
    for i in 1..=length {
        if holes.next_if_eq(&i).is_none() {
            table.raw_set(i, filled.raw_get::<Value>(i)?)?;
        }
    }
    Ok(table)
}
