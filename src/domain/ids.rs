//! Names of sessions and queries, and the units of time and order.
//!
//! Nothing here makes an id: randomness comes in from outside.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time: Unix milliseconds.
pub type Timestamp = i64;

/// The number of an event within its session: 1, 2, … without gaps.
pub type Seq = u64;

/// Names one session, for ever. Written as sixteen lower-case hexadecimal digits.
///
/// Sixty-four random bits: a person can shorten them to any unique prefix, and a million sessions meet with a
/// probability of 3 · 10⁻⁸ (the registry draws again when they do).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(u64);

impl SessionId {
    /// Makes an id of 64 random bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits it was made of.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The first eight digits, which a screen shows.
    pub fn short(self) -> String {
        format!("{:08x}", self.0 >> 32)
    }
}

/// A map by session.
pub type BySession<T> = FxHashMap<SessionId, T>;

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct ParseIdError {
    text: String,
    wanted: &'static str,
}

impl FromStr for SessionId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let digits = text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match u64::from_str_radix(text, 16) {
            Ok(bits) if digits => Ok(Self(bits)),
            _ => Err(ParseIdError { text: text.to_owned(), wanted: "a session id (sixteen hexadecimal digits)" }),
        }
    }
}

/// Names one query within its session: `q-1`, `q-2`, … in the order asked, never used again. Those of a child say which
/// child of its fork it is, counted from 0: `f-0-1`, `f-0-2`, …
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryId {
    /// One more than the place of the child.
    child: Option<NonZeroU32>,
    number: u32,
}

impl QueryId {
    /// The id of the `n`-th query of a session, counted from 1.
    pub const fn new(n: u32) -> Self {
        Self { child: None, number: n }
    }

    /// The id of the `n`-th query, counted from 1, of the child at place `index` of its fork, counted from 0.
    pub const fn of_child(index: u32, n: u32) -> Self {
        Self { child: NonZeroU32::new(index.saturating_add(1)), number: n }
    }

    /// Its number, counted from 1.
    pub const fn number(self) -> u32 {
        self.number
    }

    /// The place of the child that asked it, counted from 0, if it was a child.
    pub fn child(self) -> Option<u32> {
        self.child.map(|child| child.get() - 1)
    }
}

impl fmt::Display for QueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.child() {
            None => write!(f, "q-{}", self.number),
            Some(child) => write!(f, "f-{child}-{}", self.number),
        }
    }
}

impl fmt::Debug for QueryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for QueryId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let number = |n: &str| n.parse().ok().filter(|_| !n.starts_with(['0', '+']));
        let of_child = || {
            let (child, n) = text.strip_prefix("f-")?.split_once('-')?;
            let child: u32 = if child == "0" { 0 } else { number(child)? };
            Some(Self::of_child(child, number(n)?)).filter(|_| child < u32::MAX)
        };
        let id = match text.strip_prefix("q-") {
            Some(n) => number(n).map(Self::new),
            None => of_child(),
        };
        id.ok_or_else(|| ParseIdError { text: text.to_owned(), wanted: "a query id (such as q-3)" })
    }
}

macro_rules! serde_as_text {
    ($($id:ty),*) => {$(
        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

serde_as_text!(SessionId, QueryId);
