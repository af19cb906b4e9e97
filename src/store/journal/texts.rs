//! Long texts stand once in a journal: where a stored value has one, its hash stands instead.
//!
//! Works on MessagePack as it lies there, whatever the types: a text of [`LONG`] bytes or more is replaced by an
//! extension value of type 1 that holds its [`ContentHash`]. Nothing that is stored makes extension values itself.

use crate::domain::ContentHash;

/// Texts from this length on stand by themselves: program sources, modules, large prompts, which repeat. A hash of a
/// shorter one would save little.
pub(super) const LONG: usize = 1024;

/// The first two bytes of a hash in the place of a text: an extension value of sixteen bytes, type 1.
const MARK: [u8; 2] = [0xd8, 1];

/// A text that stands by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) hash: ContentHash,
    pub(super) text: Vec<u8>,
}

/// What stands at the beginning of some bytes: the length of its head, and of what belongs to it behind the head.
/// Lists and maps are heads only; their parts stand behind them.
struct Part {
    head: usize,
    tail: usize,
    is_text: bool,
}

impl Part {
    /// `None` where no value can begin so.
    fn of(bytes: &[u8]) -> Option<Self> {
        let number = |at: usize, width: usize| {
            let digits = bytes.get(at..at + width)?;
            Some(digits.iter().fold(0_usize, |number, digit| number << 8 | usize::from(*digit)))
        };
        let plain = |head, tail| Some(Self { head, tail, is_text: false });
        let text = |head, tail| Some(Self { head, tail, is_text: true });
        match *bytes.first()? {
            short @ 0xa0..=0xbf => text(1, usize::from(short & 0x1f)),
            0xd9 => text(2, number(1, 1)?),
            0xda => text(3, number(1, 2)?),
            0xdb => text(5, number(1, 4)?),
            0xc4 => plain(2, number(1, 1)?),
            0xc5 => plain(3, number(1, 2)?),
            0xc6 => plain(5, number(1, 4)?),
            0xc7 => plain(3, number(1, 1)?),
            0xc8 => plain(4, number(1, 2)?),
            0xc9 => plain(6, number(1, 4)?),
            0xcc | 0xd0 => plain(1, 1),
            0xcd | 0xd1 => plain(1, 2),
            0xca | 0xce | 0xd2 => plain(1, 4),
            0xcb | 0xcf | 0xd3 => plain(1, 8),
            fixed @ 0xd4..=0xd8 => plain(2, 1 << (fixed - 0xd4)),
            0xdc | 0xde => plain(3, 0),
            0xdd | 0xdf => plain(5, 0),
            0xc1 => None,
            _ => plain(1, 0),
        }
    }

    fn length(&self) -> usize {
        self.head + self.tail
    }
}

/// Takes the long texts out of `body` and gives them.
pub(super) fn take_out(body: Vec<u8>) -> (Vec<u8>, Vec<Text>) {
    if body.len() < LONG {
        return (body, Vec::new());
    }
    let mut short = Vec::with_capacity(256);
    let mut texts: Vec<Text> = Vec::new();
    let mut rest = body.as_slice();
    while let Some(part) = Part::of(rest) {
        let whole = &rest[..part.length()];
        rest = &rest[part.length()..];
        if part.is_text && part.tail >= LONG {
            let text = &whole[part.head..];
            let hash = ContentHash::of(text);
            short.extend_from_slice(&MARK);
            short.extend_from_slice(&hash.to_bytes());
            if texts.iter().all(|other| other.hash != hash) {
                texts.push(Text { hash, text: text.to_owned() });
            }
        } else {
            short.extend_from_slice(whole);
        }
    }
    (short, texts)
}

/// Puts texts back where their hashes stand.
///
/// # Errors
/// Why it is no stored value, or what `find` says of a text.
pub(super) fn put_back(
    body: &[u8],
    mut find: impl FnMut(ContentHash) -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, String> {
    let mut whole = Vec::with_capacity(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        let part = Part::of(rest).filter(|part| part.length() <= rest.len()).ok_or("it is cut off")?;
        let (one, behind) = rest.split_at(part.length());
        rest = behind;
        match hash_of(one) {
            None => whole.extend_from_slice(one),
            Some(hash) => {
                let text = find(hash)?;
                whole.push(0xdb);
                whole.extend_from_slice(&u32::try_from(text.len()).map_err(|_| "a text is too long")?.to_be_bytes());
                whole.extend_from_slice(&text);
            }
        }
    }
    Ok(whole)
}

/// The hashes that stand in a body in the place of texts.
pub(super) fn hashes(body: &[u8]) -> Vec<ContentHash> {
    let mut hashes = Vec::new();
    let mut rest = body;
    while let Some(one) = Part::of(rest).and_then(|part| rest.split_at_checked(part.length())) {
        hashes.extend(hash_of(one.0));
        rest = one.1;
    }
    hashes
}

/// The hash that stands in the place of a text, if this is one.
fn hash_of(part: &[u8]) -> Option<ContentHash> {
    part.strip_prefix(&MARK).and_then(|hash| <[u8; 16]>::try_from(hash).ok()).map(ContentHash::from_bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::{Value, json};

    use super::*;

    fn there_and_back(value: &Value) -> usize {
        let body = rmp_serde::to_vec_named(value).unwrap();
        let (short, texts) = take_out(body.clone());
        let count = texts.len();
        let texts: HashMap<ContentHash, Vec<u8>> = texts.into_iter().map(|text| (text.hash, text.text)).collect();
        let whole = put_back(&short, |hash| texts.get(&hash).cloned().ok_or_else(|| "missing".into())).unwrap();
        assert_eq!(rmp_serde::from_slice::<Value>(&whole).unwrap(), *value);
        if count == 0 {
            assert_eq!(whole, body);
        }
        count
    }

    #[test]
    fn long_texts_are_taken_out_once_and_put_back_everywhere() {
        let long = "é".repeat(LONG / 2);
        let short = "x".repeat(LONG - 1);
        let huge = "y".repeat(1 << 17);
        assert_eq!(there_and_back(&json!([short, short, 1, -1, 1.5, null, true])), 0);
        let value = json!({"a": [long, {"b": long}, [huge]], "c": [u64::MAX, i64::MIN, 0.1, -7000, 70000, false]});
        assert_eq!(there_and_back(&value), 2);
        let many: Vec<Value> = (0..70_000).map(|n| json!(n)).collect();
        assert_eq!(there_and_back(&json!({"many": many, "text": long})), 1);
    }

    #[test]
    fn what_is_cut_off_or_missing_is_an_error() {
        let (short, _) = take_out(rmp_serde::to_vec_named(&json!(["x".repeat(LONG)])).unwrap());
        let none = |_| Err("missing".to_owned());
        assert_eq!(put_back(&short, none), Err("missing".into()));
        assert_eq!(put_back(&short[..5], none), Err("it is cut off".into()));
        assert_eq!(put_back(&[0xc1], none), Err("it is cut off".into()));
    }
}
