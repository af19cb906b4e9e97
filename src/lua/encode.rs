//! Lua values as JSON text. Tables are read raw; nothing of the program runs.
//!
//! Walks with a stack of its own, so depth costs no Rust stack.

use std::collections::HashSet;
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
    let mut encoder = Encoder { lua, host, bound, text: Text::default(), patience: Patience::new(lua, host) };
    match encoder.value(value).and_then(|()| encoder.run()) {
        Ok(_) => Ok(Ok(encoder.text.out)),
        Err(stop) => stop.told().map(Err),
    }
}

/// How far a result is written.
pub(super) enum Written {
    /// It is whole.
    Whole(String),
    /// The slice is over; it can be gone on with.
    NotYet(Text),
}

/// Begins to write the result of a session. It may be large, so it is written a slice at a time.
///
/// # Errors
/// As for [`encode`].
pub(super) fn begin_result(lua: &Lua, host: &Arc<Host>, value: Value) -> mlua::Result<Result<Written, String>> {
    write_result(lua, host, Text::default(), Some(value))
}

/// Goes on with a result.
///
/// # Errors
/// As for [`encode`].
pub(super) fn go_on_with_result(lua: &Lua, host: &Arc<Host>, text: Text) -> mlua::Result<Result<Written, String>> {
    write_result(lua, host, text, None)
}

fn write_result(
    lua: &Lua,
    host: &Arc<Host>,
    text: Text,
    first: Option<Value>,
) -> mlua::Result<Result<Written, String>> {
    let patience = Patience::with_engine(lua, host);
    let mut encoder = Encoder { lua, host, bound: Bound::Result, text, patience };
    let begun = first.map_or(Ok(()), |value| encoder.value(value));
    match begun.and_then(|()| encoder.run()) {
        Ok(true) => Ok(Ok(Written::Whole(encoder.text.out))),
        Ok(false) => Ok(Ok(Written::NotYet(encoder.text))),
        Err(stop) => stop.told().map(Err),
    }
}

enum Stop {
    NotJson(String),
    TooLong(String),
    Lua(mlua::Error),
}

impl Stop {
    fn told(self) -> mlua::Result<String> {
        match self {
            Self::NotJson(text) => Ok(format!("deserialize error: {text}")),
            Self::TooLong(text) => Ok(text),
            Self::Lua(error) => Err(error),
        }
    }
}

impl From<mlua::Error> for Stop {
    fn from(error: mlua::Error) -> Self {
        Self::Lua(error)
    }
}

/// A table that is being written.
struct Open {
    table: Table,
    /// Compared, never followed.
    address: usize,
    rest: Rest,
}

enum Rest {
    Array { next: usize, length: usize },
    Object { keys: std::vec::IntoIter<String>, is_first: bool },
}

/// A text while it is written, and where it goes on.
#[derive(Default)]
pub(super) struct Text {
    out: String,
    /// Bytes of keys that are held to be sorted.
    pending: usize,
    path: Vec<Open>,
    on_path: HashSet<usize>,
}

struct Encoder<'a> {
    lua: &'a Lua,
    host: &'a Arc<Host>,
    bound: Bound,
    text: Text,
    patience: Patience<'a>,
}

impl Encoder<'_> {
    /// Goes on until the text is whole, or a result's slice is over. Gives whether it is whole.
    fn run(&mut self) -> Result<bool, Stop> {
        while let Some(open) = self.text.path.last_mut() {
            if self.bound == Bound::Result && self.patience.is_tired() {
                return Ok(false);
            }
            let value = match &mut open.rest {
                Rest::Array { next, length } if next == length => None,
                Rest::Array { next, .. } => {
                    if *next > 0 {
                        self.text.out.push(',');
                    }
                    *next += 1;
                    Some(open.table.raw_get::<Value>(*next)?)
                }
                Rest::Object { keys, is_first } => match keys.next() {
                    None => None,
                    Some(key) => {
                        if !std::mem::replace(is_first, false) {
                            self.text.out.push(',');
                        }
                        push_text(&mut self.text.out, &key);
                        self.text.out.push(':');
                        self.text.pending -= key.len();
                        Some(open.table.raw_get::<Value>(key.as_str())?)
                    }
                },
            };
            match value {
                Some(value) => self.value(value)?,
                None => self.close(),
            }
        }
        self.check_size()?;
        Ok(true)
    }

    fn close(&mut self) {
        if let Some(open) = self.text.path.pop() {
            self.text.on_path.remove(&open.address);
            self.text.out.push(if matches!(open.rest, Rest::Array { .. }) { ']' } else { '}' });
        }
    }

    fn value(&mut self, value: Value) -> Result<(), Stop> {
        self.patience.step()?;
        self.check_size()?;
        match value {
            Value::Nil => self.text.out.push_str("null"),
            Value::Boolean(true) => self.text.out.push_str("true"),
            Value::Boolean(false) => self.text.out.push_str("false"),
            Value::Integer(n) => write!(self.text.out, "{n}").expect("a String takes every text"),
            // JSON knows neither infinity nor NaN: `serde_json` has no number for them.
            Value::Number(n) => match serde_json::Number::from_f64(n) {
                Some(n) => write!(self.text.out, "{n}").expect("a String takes every text"),
                None => self.text.out.push_str("null"),
            },
            Value::String(text) => {
                let text = text
                    .to_str()
                    .map_err(|_| Stop::NotJson("invalid type: byte array, expected any valid JSON value".into()))?;
                self.room_for(text.len())?;
                push_text(&mut self.text.out, &text);
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
        let address = table.to_pointer().addr();
        if !self.text.on_path.insert(address) {
            return Err(Stop::NotJson("recursive table detected".into()));
        }
        if self.text.path.len() >= DEPTH {
            return Err(Stop::NotJson(format!("more than {DEPTH} tables within each other")));
        }
        let length = table.raw_len();
        let is_array = length > 0 || table.metatable().is_some_and(|it| it.to_pointer().addr() == self.array_mark());
        let rest = if is_array {
            self.text.out.push('[');
            Rest::Array { next: 0, length }
        } else {
            self.text.out.push('{');
            Rest::Object { keys: self.keys(&table)?.into_iter(), is_first: true }
        };
        self.text.path.push(Open { table, address, rest });
        Ok(())
    }

    fn array_mark(&self) -> usize {
        self.lua.array_metatable().to_pointer().addr()
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
                        self.text.pending += text.len();
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
        let bytes = (self.text.out.len() + self.text.pending + more) as u64;
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
