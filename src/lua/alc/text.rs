//! `alc.json_extract`, `match_enum`, `match_bool`, `fingerprint` and `chunk`: what programs do with texts of answers.
//!
//! Everything here is linear in its text, or counts its steps.

use std::ops::Range;
use std::sync::Arc;

use mlua::{Lua, LuaString, Table, Value};

use crate::lua::convert::{self, Place};
use crate::lua::decode;
use crate::lua::functions::Refusable;
use crate::lua::host::{Host, Patience};

/// How similar a word must be to a candidate where the program does not say.
const THRESHOLD: f64 = 0.7;

/// So many lines or characters are in a piece where the program does not say.
const PIECE: usize = 50;

/// What speaks for yes.
const YES: [&str; 9] = ["approved", "yes", "ok", "accept", "pass", "confirm", "agree", "true", "lgtm"];

/// What speaks for no.
const NO: [&str; 8] = ["rejected", "no", "deny", "block", "fail", "refuse", "disagree", "false"];

/// The first JSON in a text that becomes a table: the whole text, its first fenced block, the objects in it, the arrays.
pub(in crate::lua) fn json_extract(lua: &Lua, host: &Arc<Host>, text: LuaString) -> mlua::Result<Option<Table>> {
    let text = text.as_bytes();
    let table = |range: Range<usize>| -> mlua::Result<Option<Table>> {
        let Ok(part) = std::str::from_utf8(&text[range]) else { return Ok(None) };
        Ok(match decode::text(lua, host, part.as_bytes())? {
            Ok(Value::Table(table)) => Some(table),
            _ => None,
        })
    };
    let mut patience = Patience::new(lua, host);
    patience.steps_over(text.len())?;
    let whole = 0..text.len();
    for range in [Some(whole), fenced(&text)].into_iter().flatten() {
        if let Some(table) = table(range)? {
            return Ok(Some(table));
        }
    }
    for (open, close) in [(b'{', b'}'), (b'[', b']')] {
        for range in balanced(&text, open, close) {
            patience.steps_over(range.len())?;
            if let Some(table) = table(range)? {
                return Ok(Some(table));
            }
        }
    }
    Ok(None)
}

/// What stands in the first fenced block that says it is JSON, else in the first one; blanks around it cut off.
fn fenced(text: &[u8]) -> Option<Range<usize>> {
    let find = |what: &[u8], from: usize| {
        let found = text[from..].windows(what.len()).position(|it| it == what);
        found.map(|at| from + at)
    };
    let block = |mark: &[u8]| {
        let mut start = find(mark, 0)? + mark.len();
        while text.get(start).is_some_and(|byte| is_blank(*byte)) {
            start += 1;
        }
        let mut stop = find(b"```", start)?;
        while stop > start && is_blank(text[stop - 1]) {
            stop -= 1;
        }
        Some(start..stop)
    };
    block(b"```json").or_else(|| block(b"```"))
}

/// What Lua takes for a blank.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// The outermost stretches from an opening sign to the closing one that belongs to it, left to right.
fn balanced(text: &[u8], open: u8, close: u8) -> impl Iterator<Item = Range<usize>> {
    // An opening sign that is never closed begins no stretch, but one within may. A bit for each: a text may be large.
    let mut never_closed = vec![0u8; text.len().div_ceil(8)];
    let mut closing = 0_usize;
    for (at, byte) in text.iter().enumerate().rev() {
        if *byte == close {
            closing += 1;
        } else if *byte == open {
            match closing.checked_sub(1) {
                Some(left) => closing = left,
                None => never_closed[at / 8] |= 1 << (at % 8),
            }
        }
    }
    let mut at = 0;
    std::iter::from_fn(move || {
        let begins = |at: &usize| text[*at] == open && never_closed[at / 8] & 1 << (at % 8) == 0;
        let start = (at..text.len()).find(begins)?;
        let mut depth = 0_usize;
        let stop = (start..text.len()).find(|at| {
            depth += usize::from(text[*at] == open);
            depth -= usize::from(text[*at] == close);
            depth == 0
        })?;
        at = stop + 1;
        Some(start..at)
    })
}

/// Which of some candidates a text names, behind the text of the error, if there is one: the one that occurs last, else
/// the one that is most like a word of the text.
pub(in crate::lua) fn match_enum(
    lua: &Lua,
    host: &Arc<Host>,
    (text, candidates, opts): (Value, Value, Value),
) -> mlua::Result<Refusable<Option<LuaString>>> {
    let refused = |text| Ok((Some(host.refuse(text)), None));
    let text = match convert::text(lua, Place::Argument(1), &text)? {
        Ok(text) => text.to_str()?.to_lowercase(),
        Err(text) => return refused(text),
    };
    let Value::Table(list) = candidates else {
        return refused(convert::misfit(Place::Argument(2), &candidates, "table"));
    };
    let threshold = match opts {
        Value::Nil => THRESHOLD,
        Value::Table(opts) => convert::number(lua, &opts.raw_get("threshold")?).unwrap_or(THRESHOLD),
        other => return refused(convert::misfit(Place::Argument(3), &other, "table")),
    };
    let mut patience = Patience::new(lua, host);
    let mut candidates = Vec::new();
    for i in 1..=list.raw_len() {
        let candidate: Value = list.raw_get(i)?;
        patience.step()?;
        match convert::text(lua, Place::Inside, &candidate)? {
            Ok(candidate) => candidates.push((candidate.to_str()?.to_lowercase(), candidate)),
            Err(text) => return refused(text),
        }
    }
    let mut named: Option<(usize, &LuaString)> = None;
    for (lower, candidate) in &candidates {
        patience.steps_over(text.len())?;
        if let Some(at) = text.rfind(lower)
            && named.is_none_or(|(before, _)| at > before)
        {
            named = Some((at, candidate));
        }
    }
    if let Some((_, candidate)) = named {
        return Ok((None, Some(candidate.clone())));
    }
    let mut best: Option<(f64, &LuaString)> = None;
    for word in text.split_whitespace() {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        if word.is_empty() {
            continue;
        }
        for (lower, candidate) in &candidates {
            patience.step()?;
            let wanted = best.map_or(threshold, |(similarity, _)| similarity);
            if at_most(word, lower) < wanted {
                continue;
            }
            // Comparing takes as many steps as both lengths multiplied.
            patience.steps_over(word.len().saturating_mul(lower.len()).min(TOO_LONG))?;
            if word.len().saturating_mul(lower.len()) > TOO_LONG {
                let text = format!("alc.match_enum: a word of {} bytes is too long to be compared", word.len());
                return refused(text);
            }
            let similarity = strsim::jaro_winkler(word, lower);
            if similarity >= threshold && best.is_none_or(|(before, _)| similarity > before) {
                best = Some((similarity, candidate));
            }
        }
    }
    Ok((None, best.map(|(_, candidate)| candidate.clone())))
}

/// Two words whose lengths multiplied are more than this are not compared: that would take seconds.
const TOO_LONG: usize = 100_000_000;

/// How similar two words can be at most, by their lengths alone.
fn at_most(a: &str, b: &str) -> f64 {
    let (a, b) = (a.chars().count(), b.chars().count());
    if a == b {
        return 1.0;
    }
    let common = a.min(b) as f64;
    let jaro = if common == 0.0 { 0.0 } else { (common / a as f64 + common / b as f64 + 1.0) / 3.0 };
    jaro + 0.4 * (1.0 - jaro)
}

/// Whether a text says yes or no, by the last word of either kind, behind the text of the error, if there is one.
pub(in crate::lua) fn match_bool(lua: &Lua, host: &Arc<Host>, text: Value) -> mlua::Result<Refusable<Option<bool>>> {
    let text = match convert::text(lua, Place::Argument(1), &text)? {
        Ok(text) => text.to_str()?.to_lowercase(),
        Err(text) => return Ok((Some(host.refuse(text)), None)),
    };
    let mut patience = Patience::new(lua, host);
    let mut last: Option<(usize, bool)> = None;
    for (words, verdict) in [(&YES[..], true), (&NO[..], false)] {
        for word in words {
            patience.steps_over(text.len())?;
            if let Some(at) = last_whole(&text, word)
                && last.is_none_or(|(before, _)| at > before)
            {
                last = Some((at, verdict));
            }
        }
    }
    Ok((None, last.map(|(_, verdict)| verdict)))
}

/// Where a word stands last with no letter or digit beside it.
fn last_whole(text: &str, word: &str) -> Option<usize> {
    let is_free = |at: Option<&u8>| !at.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let mut places = text.rmatch_indices(word).map(|(at, _)| at);
    places.find(|at| is_free(at.checked_sub(1).and_then(|at| bytes.get(at))) && is_free(bytes.get(at + word.len())))
}

/// Eight hexadecimal digits that are the same for texts that differ in case and blanks only. D. J. Bernstein's hash.
pub(in crate::lua) fn fingerprint(lua: &Lua, host: &Arc<Host>, text: LuaString) -> mlua::Result<String> {
    let text = text.as_bytes();
    Patience::new(lua, host).steps_over(text.len())?;
    let mut hash: u32 = 5381;
    let mut add = |byte: u8| hash = hash.wrapping_mul(33).wrapping_add(u32::from(byte));
    let words = text.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty());
    for (i, word) in words.enumerate() {
        if i > 0 {
            add(b' ');
        }
        for byte in word {
            add(byte.to_ascii_lowercase());
        }
    }
    Ok(format!("{hash:08x}"))
}

/// A text in pieces of so many lines or characters, behind the text of the error, if there is one.
pub(in crate::lua) fn chunk(
    lua: &Lua,
    host: &Arc<Host>,
    (text, opts): (Value, Value),
) -> mlua::Result<Refusable<Option<Table>>> {
    let refused = |text| Ok((Some(host.refuse(text)), None));
    let text = match convert::text(lua, Place::Argument(1), &text)? {
        Ok(text) => text,
        Err(text) => return refused(text),
    };
    let opts = match opts {
        Value::Nil => None,
        Value::Table(opts) => Some(opts),
        other => return refused(convert::misfit(Place::Argument(2), &other, "table")),
    };
    let field = |name| opts.as_ref().map_or(Ok(Value::Nil), |opts| opts.raw_get::<Value>(name));
    let by_chars = field("mode")?.as_string().is_some_and(|mode| mode == "chars");
    let count = |value: &Value| match value {
        Value::Nil => None,
        value => convert::number(lua, value).filter(|n| (0.0..2e9).contains(n)).map(|n| n as usize),
    };
    let size = count(&field("size")?).unwrap_or(PIECE);
    let overlap = count(&field("overlap")?).unwrap_or(0);
    let text = text.to_str()?;
    let pieces = decode::array(lua)?;
    let step = if overlap < size { size - overlap } else { 1 };
    let (mut rest, mut patience) = (&*text, Patience::new(lua, host));
    while size > 0 && !rest.is_empty() {
        let end = length_of(rest, size, by_chars);
        let piece = &rest[..end];
        patience.steps_over(piece.len())?;
        let piece = if by_chars {
            lua.create_string(piece)?
        } else {
            lua.create_string(piece.lines().collect::<Vec<_>>().join("\n"))?
        };
        pieces.raw_push(piece)?;
        if end == rest.len() {
            break;
        }
        rest = &rest[length_of(rest, step, by_chars)..];
    }
    Ok((None, Some(pieces)))
}

/// How long the first so many characters of a text are, or lines with their ends.
fn length_of(text: &str, n: usize, by_chars: bool) -> usize {
    if by_chars {
        text.char_indices().nth(n).map_or(text.len(), |(at, _)| at)
    } else {
        text.match_indices('\n').nth(n - 1).map_or(text.len(), |(at, _)| at + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(text: &str) -> Vec<&str> {
        balanced(text.as_bytes(), b'{', b'}').map(|range| &text[range]).collect()
    }

    #[test]
    fn stretches_are_those_of_the_pattern_b() {
        assert_eq!(stretches("{a{b}} {c} }{"), ["{a{b}}", "{c}"]);
        assert_eq!(stretches("{{a} {b}"), ["{a}", "{b}"]);
        assert_eq!(stretches("}{ {x"), [""; 0]);
    }

    #[test]
    fn no_two_words_are_more_alike_than_their_lengths_allow() {
        for (a, b) in [("pas", "pass"), ("blokced", "blocked"), ("x", "pass"), ("", "a"), ("zzz", "zz"), ("ab", "ba")] {
            assert!(strsim::jaro_winkler(a, b) <= at_most(a, b) + 1e-12, "{a} {b}");
        }
    }

    #[test]
    fn a_fenced_block_that_says_json_comes_first() {
        let text = b"```\nx\n``` ```json\n {} \n```";
        assert_eq!(fenced(text).map(|range| &text[range]), Some(&b"{}"[..]));
        assert_eq!(fenced(b"```json {}"), None);
        let text = b"```lua x```";
        assert_eq!(fenced(text).map(|range| &text[range]), Some(&b"lua x"[..]));
    }
}
