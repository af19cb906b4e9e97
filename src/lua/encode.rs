//! Lua values as JSON text. Tables are read raw; nothing of the program runs.
//!
//! Walks with a stack of its own, so depth costs no Rust stack.

use std::collections::HashSet;
use std::ffi::c_void;
use std::fmt::Write as _;
use std::sync::Arc;

use mlua::{Lua, LuaSerdeExt, Table, Value};

use super::host::{Host, Patience};
use crate::domain::LimitKind;

/// How deep a value may be. Nothing decodes a tenth of this again; each level holds a handle of the state.
const DEPTH: usize = 10_000;

/// Which limit the text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// The text goes back into the program: what its memory allows.
    Memory,
    /// The text is the result of the session.
    Result,
    /// The text is a figure, of so many bytes at most; a longer one is refused.
    Figure(usize),
    /// The text is stored, of so many bytes at most; a longer one is refused.
    Stored(usize),
}

/// The JSON text of `value`; `Err` within is what cannot be JSON.
///
/// # Errors
/// When the text is too long, or takes too long: the session has to end.
pub(super) fn encode(lua: &Lua, host: &Arc<Host>, value: Value, bound: Bound) -> mlua::Result<Result<String, String>> {
    let mut encoder = Encoder {
        lua,
        host,
        bound,
        out: String::new(),
        pending: 0,
        path: Vec::new(),
        on_path: HashSet::new(),
        patience: match bound {
            Bound::Memory | Bound::Figure(_) | Bound::Stored(_) => Patience::new(lua, host),
            Bound::Result => Patience::with_engine(lua, host),
        },
    };
    match encoder.run(value) {
        Ok(()) => Ok(Ok(encoder.out)),
        Err(Stop::NotJson(text)) => Ok(Err(format!("deserialize error: {text}"))),
        Err(Stop::TooLong(text)) => Ok(Err(text)),
        Err(Stop::Lua(error)) => Err(error),
    }
}

enum Stop {
    NotJson(String),
    TooLong(String),
    Lua(mlua::Error),
}

impl From<mlua::Error> for Stop {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

/// A table that is being written.
struct Open {
    table: Table,
    address: *const c_void,
    rest: Rest,
}

enum Rest {
    Array { next: usize, length: usize },
    Object { keys: std::vec::IntoIter<String>, is_first: bool },
}

struct Encoder<'a> {
    lua: &'a Lua,
    host: &'a Arc<Host>,
    bound: Bound,
    out: String,
    /// Bytes of keys that are held to be sorted.
    pending: usize,
    path: Vec<Open>,
    on_path: HashSet<*const c_void>,
    patience: Patience<'a>,
}

impl Encoder<'_> {
    fn run(&mut self, value: Value) -> Result<(), Stop> {
        self.value(value)?;
        while let Some(open) = self.path.last_mut() {
            let value = match &mut open.rest {
                Rest::Array { next, length } if next == length => None,
                Rest::Array { next, .. } => {
                    if *next > 0 {
                        self.out.push(',');
                    }
                    *next += 1;
                    Some(open.table.raw_get::<Value>(*next)?)
                }
                Rest::Object { keys, is_first } => match keys.next() {
                    None => None,
                    Some(key) => {
                        if !std::mem::replace(is_first, false) {
                            self.out.push(',');
                        }
                        push_text(&mut self.out, &key);
                        self.out.push(':');
                        self.pending -= key.len();
                        Some(open.table.raw_get::<Value>(key.as_str())?)
                    }
                },
            };
            match value {
                Some(value) => self.value(value)?,
                None => self.close(),
            }
        }
        self.check_size()
    }

    fn close(&mut self) {
        if let Some(open) = self.path.pop() {
            self.on_path.remove(&open.address);
            self.out.push(if matches!(open.rest, Rest::Array { .. }) { ']' } else { '}' });
        }
    }

    fn value(&mut self, value: Value) -> Result<(), Stop> {
        self.patience.step()?;
        self.check_size()?;
        match value {
            Value::Nil => self.out.push_str("null"),
            Value::Boolean(true) => self.out.push_str("true"),
            Value::Boolean(false) => self.out.push_str("false"),
            Value::Integer(n) => write!(self.out, "{n}").expect("a String takes every text"),
            // JSON knows neither infinity nor NaN: `serde_json` has no number for them.
            Value::Number(n) => match serde_json::Number::from_f64(n) {
                Some(n) => write!(self.out, "{n}").expect("a String takes every text"),
                None => self.out.push_str("null"),
            },
            Value::String(text) => {
                let text = text
                    .to_str()
                    .map_err(|_| Stop::NotJson("invalid type: byte array, expected any valid JSON value".into()))?;
                self.room_for(text.len())?;
                push_text(&mut self.out, &text);
                // Escapes make it longer.
                self.check_size()?;
            }
            Value::Table(table) => self.open(table)?,
            other => {
                let kind = match other.type_name() {
                    "error" | "lightuserdata" => "userdata",
                    kind => kind,
                };
                return Err(Stop::NotJson(format!("unsupported value type `{kind}`")));
            }
        }
        Ok(())
    }

    fn open(&mut self, table: Table) -> Result<(), Stop> {
        let address = table.to_pointer();
        if !self.on_path.insert(address) {
            return Err(Stop::NotJson("recursive table detected".into()));
        }
        if self.path.len() >= DEPTH {
            return Err(Stop::NotJson(format!("more than {DEPTH} tables within each other")));
        }
        let length = table.raw_len();
        let is_array = length > 0 || table.metatable().is_some_and(|it| it.to_pointer() == self.array_mark());
        let rest = if is_array {
            self.out.push('[');
            Rest::Array { next: 0, length }
        } else {
            self.out.push('{');
            Rest::Object { keys: self.keys(&table)?.into_iter(), is_first: true }
        };
        self.path.push(Open { table, address, rest });
        Ok(())
    }

    fn array_mark(&self) -> *const c_void {
        self.lua.array_metatable().to_pointer()
    }

    /// The keys of an object, sorted.
    fn keys(&mut self, table: &Table) -> Result<Vec<String>, Stop> {
        let mut keys = Vec::new();
        for pair in table.pairs::<Value, Value>() {
            let (key, _) = pair?;
            self.patience.step()?;
            let wanted = if keys.is_empty() { "expected a string key" } else { "expected a string" };
            let found = match key {
                Value::String(text) => match text.to_str() {
                    Ok(text) => {
                        self.pending += text.len();
                        self.room_for(0)?;
                        keys.push(text.to_owned());
                        continue;
                    }
                    Err(_) => "byte array".to_owned(),
                },
                Value::Integer(n) => format!("integer `{n}`"),
                Value::Number(n) => format!("floating point `{n}`"),
                Value::Boolean(truth) => format!("boolean `{truth}`"),
                Value::Table(_) => "map".to_owned(),
                other => return Err(Stop::NotJson(format!("unsupported value type `{}`", other.type_name()))),
            };
            return Err(Stop::NotJson(format!("invalid type: {found}, {wanted}")));
        }
        keys.sort_unstable();
        Ok(keys)
    }

    fn check_size(&self) -> Result<(), Stop> {
        self.room_for(0)
    }

    fn room_for(&self, more: usize) -> Result<(), Stop> {
        let bytes = (self.out.len() + self.pending + more) as u64;
        let limits = self.host.limits();
        match self.bound {
            Bound::Memory if bytes > limits.memory_bytes => Err(self.host.out_of_memory().into()),
            Bound::Result if bytes > limits.result_bytes => {
                let message = format!("the result takes more than {} bytes of JSON, the limit", limits.result_bytes);
                Err(self.host.exceed(LimitKind::Size, message).into())
            }
            Bound::Figure(limit) if bytes > limit as u64 => {
                Err(Stop::TooLong(format!("a figure of at least {bytes} bytes of JSON; the limit is {limit}")))
            }
            Bound::Stored(limit) if bytes > limit as u64 => {
                Err(Stop::TooLong(format!("a value of at least {bytes} bytes of JSON; the limit is {limit}")))
            }
            Bound::Memory | Bound::Result | Bound::Figure(_) | Bound::Stored(_) => Ok(()),
        }
    }
}

/// Appends a JSON string.
fn push_text(out: &mut String, text: &str) {
    let quoted = serde_json::to_string(text).expect("every text is a JSON string");
    out.push_str(&quoted);
}
