//! What `string.find`, `match`, `gmatch` and `gsub` need of the host: the matcher, with its results as Lua values.

use std::sync::Arc;

use mlua::{Integer, Lua, LuaString, MultiValue, Table, Value};

use crate::lua::host::{Host, Patience};
use crate::lua::pattern::{self, Capture, Fault, Found, Matcher, Watch};

/// How long a subject the C function may be given with this pattern; less than none if none at all.
pub(in crate::lua) fn pattern_reach(_: &Lua, _: &Arc<Host>, pattern: LuaString) -> mlua::Result<Integer> {
    Ok(pattern::reach(&pattern.as_bytes()).map_or(-1, |reach| Integer::try_from(reach).unwrap_or(0)))
}

/// Searches from a place on. `way` is `find`, `plain` or `match`. Gives the text of the error, if there is one, then
/// what the function of Lua gives; or false and a place, where the slice is over and the search should go on there.
pub(in crate::lua) fn search(
    lua: &Lua,
    host: &Arc<Host>,
    (subject, pattern, start, way): (LuaString, LuaString, usize, LuaString),
) -> mlua::Result<MultiValue> {
    let (subject, pattern, way) = (subject.as_bytes(), pattern.as_bytes(), way.as_bytes());
    let patience = Patience::new(lua, host);
    if start > subject.len() {
        return Ok(given(vec![Value::Nil]));
    }
    if &*way == b"plain" || &*way == b"find" && !pattern::has_specials(&pattern) {
        return plain(&subject, &pattern, start, patience);
    }
    let (anchored, pattern) = split_anchor(&pattern);
    let mut matcher = Matcher::new(&subject, pattern, patience);
    let (start, stop) = match matcher.search(start, None, anchored) {
        Ok(Found::Match(start, stop)) => (start, stop),
        Ok(Found::Nothing) => return Ok(given(vec![Value::Nil])),
        Ok(Found::NotYet(next)) => return Ok(not_yet(next)),
        Err(fault) => return refused(lua, fault),
    };
    let (mut values, whole) = if &*way == b"find" {
        (vec![place(start + 1), place(stop)], Whole::Omitted)
    } else {
        (Vec::new(), Whole::Given)
    };
    match captures(lua, &matcher, &subject, start, stop, whole)? {
        Ok(captured) => values.extend(captured),
        Err(fault) => return refused(lua, fault),
    }
    Ok(given(values))
}

/// Searches from `from` on for a match that does not end at `last`, as `gmatch` and `gsub` go on. Gives the text of
/// the error, if there is one, then where the match begins and ends and its captures; or nothing; or false and a place,
/// where the slice is over and the search should go on there.
pub(in crate::lua) fn step(
    lua: &Lua,
    host: &Arc<Host>,
    (subject, pattern, from, last, anchored): (LuaString, LuaString, usize, i64, bool),
) -> mlua::Result<MultiValue> {
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    let mut matcher = Matcher::new(&subject, &pattern, Patience::new(lua, host));
    let (start, stop) = match matcher.search(from, usize::try_from(last).ok(), anchored) {
        Ok(Found::Match(start, stop)) => (start, stop),
        Ok(Found::Nothing) => return Ok(given(vec![Value::Nil])),
        Ok(Found::NotYet(next)) => return Ok(not_yet(next)),
        Err(fault) => return refused(lua, fault),
    };
    let mut values = vec![place(start), place(stop)];
    match captures(lua, &matcher, &subject, start, stop, Whole::Given)? {
        Ok(captured) => values.extend(captured),
        Err(fault) => return refused(lua, fault),
    }
    Ok(given(values))
}

/// A stretch of a `gsub`: subject, pattern, replacement, how many at most, where to go on, where the last match ended
/// and how many there were.
type Stretch = (LuaString, LuaString, Value, Integer, usize, i64, Integer);

/// `gsub` with a text or a table that runs no code, until it is done or the slice is over. Gives the text of the error,
/// if there is one, a piece of the result, where to go on if it is not done, where the last match ended, and how many
/// there were.
pub(in crate::lua) fn substitute(lua: &Lua, host: &Arc<Host>, stretch: Stretch) -> mlua::Result<MultiValue> {
    let (subject, pattern, replacement, limit, mut from, last, mut count) = stretch;
    let (subject, pattern) = (subject.as_bytes(), pattern.as_bytes());
    let (anchored, pattern) = split_anchor(&pattern);
    let mut matcher = Matcher::new(&subject, pattern, Patience::new(lua, host));
    let mut last = usize::try_from(last).ok();
    let mut out = Output { bytes: Vec::new(), host };
    let mut next = None;
    while count < limit {
        let (start, stop) = match matcher.search(from, last, anchored) {
            Ok(Found::Match(start, stop)) => (start, stop),
            Ok(Found::Nothing) => break,
            Ok(Found::NotYet(place)) => {
                next = Some(place);
                break;
            }
            Err(fault) => return refused(lua, fault),
        };
        count += 1;
        let before = out.push(&subject[from..start]);
        let replaced = match &replacement {
            Value::Table(table) => look_up(lua, table, &matcher, &subject, (start, stop), &mut out)?,
            text => {
                let text = text.as_string().map(LuaString::as_bytes);
                expand(text.as_deref().unwrap_or_default(), &mut matcher, &subject, (start, stop), &mut out)
            }
        };
        if let Err(fault) = before.and(replaced) {
            return refused(lua, fault);
        }
        (from, last) = (stop, Some(stop));
        if anchored {
            break;
        }
    }
    if let Err(fault) = out.push(&subject[from..next.unwrap_or(subject.len())]) {
        return refused(lua, fault);
    }
    let last = last.map_or(Value::Integer(-1), place);
    let piece = Value::String(lua.create_string(&out.bytes)?);
    Ok(given(vec![piece, next.map_or(Value::Nil, place), last, Value::Integer(count)]))
}

impl Watch for Patience<'_> {
    fn step(&mut self, bytes: usize) -> mlua::Result<()> {
        self.steps_over(bytes)
    }

    fn is_tired(&self) -> bool {
        Patience::is_tired(self)
    }
}

fn split_anchor(pattern: &[u8]) -> (bool, &[u8]) {
    pattern.strip_prefix(b"^").map_or((false, pattern), |rest| (true, rest))
}

fn plain(subject: &[u8], text: &[u8], start: usize, mut patience: Patience<'_>) -> mlua::Result<MultiValue> {
    for at in start..=subject.len().saturating_sub(text.len()) {
        patience.steps_over(text.len())?;
        if subject[at..].starts_with(text) {
            return Ok(given(vec![place(at + 1), place(at + text.len())]));
        }
        if patience.is_tired() {
            return Ok(not_yet(at + 1));
        }
    }
    Ok(given(vec![Value::Nil]))
}

fn not_yet(next: usize) -> MultiValue {
    given(vec![Value::Boolean(false), place(next)])
}

/// What stands for the captures of a pattern that has none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Given,
    Omitted,
}

fn captures<W: Watch>(
    lua: &Lua,
    matcher: &Matcher<'_, W>,
    subject: &[u8],
    start: usize,
    stop: usize,
    whole: Whole,
) -> mlua::Result<Result<Vec<Value>, Fault>> {
    let n = if matcher.level() == 0 && whole == Whole::Given { 1 } else { matcher.level() };
    let mut values = Vec::with_capacity(n);
    for i in 0..n {
        match matcher.capture(i, start, stop) {
            Ok(capture) => values.push(captured(lua, capture, subject)?),
            Err(fault) => return Ok(Err(fault)),
        }
    }
    Ok(Ok(values))
}

fn captured(lua: &Lua, capture: Capture, subject: &[u8]) -> mlua::Result<Value> {
    Ok(match capture {
        Capture::Position(at) | Capture::Open(at) => place(at + 1),
        Capture::Text(start, stop) => Value::String(lua.create_string(&subject[start..stop])?),
    })
}

/// The result of a `gsub` while it is made: it never grows beyond what the memory of the session would take.
struct Output<'a> {
    bytes: Vec<u8>,
    host: &'a Host,
}

impl Output<'_> {
    fn push(&mut self, piece: &[u8]) -> Result<(), Fault> {
        let length = self.bytes.len().saturating_add(piece.len());
        if length as u64 > self.host.limits().memory_bytes {
            return Err(Fault::TooLong(self.host.out_of_memory()));
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }
}

/// Appends what a table has for the first capture.
fn look_up<W: Watch>(
    lua: &Lua,
    table: &Table,
    matcher: &Matcher<'_, W>,
    subject: &[u8],
    (start, stop): (usize, usize),
    out: &mut Output<'_>,
) -> mlua::Result<Result<(), Fault>> {
    let key = match matcher.capture(0, start, stop) {
        Ok(capture) => captured(lua, capture, subject)?,
        Err(fault) => return Ok(Err(fault)),
    };
    match table.raw_get::<Value>(key)? {
        Value::Nil | Value::Boolean(false) => Ok(out.push(&subject[start..stop])),
        Value::String(text) => Ok(out.push(&text.as_bytes())),
        number @ (Value::Integer(_) | Value::Number(_)) => {
            let text = lua.coerce_string(number)?;
            Ok(out.push(&text.expect("a number has a text").as_bytes()))
        }
        other => {
            let kind = if matches!(other, Value::Boolean(_)) { "boolean" } else { other.type_name() };
            Ok(Err(Fault::Pattern(format!("invalid replacement value (a {kind})"))))
        }
    }
}

/// Appends a replacement text with its captures filled in.
fn expand<W: Watch>(
    text: &[u8],
    matcher: &mut Matcher<'_, W>,
    subject: &[u8],
    (start, stop): (usize, usize),
    out: &mut Output<'_>,
) -> Result<(), Fault> {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|c| *c == b'%') {
        matcher.step()?;
        out.push(&rest[..at])?;
        match rest.get(at + 1) {
            Some(b'%') => out.push(b"%")?,
            Some(b'0') => out.push(&subject[start..stop])?,
            Some(digit @ b'1'..=b'9') => match matcher.capture(usize::from(digit - b'1'), start, stop)? {
                Capture::Position(at) | Capture::Open(at) => out.push((at + 1).to_string().as_bytes())?,
                Capture::Text(from, to) => out.push(&subject[from..to])?,
            },
            _ => return Err(Fault::Pattern("invalid use of '%' in replacement string".into())),
        }
        rest = &rest[at + 2..];
    }
    out.push(rest)
}

fn place(at: usize) -> Value {
    Value::Integer(Integer::try_from(at).unwrap_or(Integer::MAX))
}

/// Values behind the absent text of an error.
fn given(mut values: Vec<Value>) -> MultiValue {
    values.insert(0, Value::Nil);
    MultiValue::from_vec(values)
}

fn refused(lua: &Lua, fault: Fault) -> mlua::Result<MultiValue> {
    match fault {
        Fault::Pattern(text) => Ok(MultiValue::from_vec(vec![Value::String(lua.create_string(text)?)])),
        Fault::TooLong(error) => Err(error),
    }
}
