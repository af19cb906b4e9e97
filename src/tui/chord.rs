//! What an action is bound to: one key, or two of which the second comes behind the first, as in `Ctrl-X Ctrl-E`.

use std::fmt;
use std::str::FromStr;

use super::input::{Key, ParseKeyError};

/// A key, or two one behind the other. Written as people write them, with a blank between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chord {
    /// The key, or the first of the two.
    pub first: Key,
    /// The second, if there is one.
    pub second: Option<Key>,
}

impl Chord {
    /// The key that does it.
    pub fn last(self) -> Key {
        self.second.unwrap_or(self.first)
    }

    /// Whether only one of the two can be bound: they are the same, or one is the beginning of the other.
    pub fn clashes(self, other: Self) -> bool {
        self == other || self.first == other.first && (self.second.is_none() || other.second.is_none())
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.second.map_or(Ok(()), |second| write!(f, " {second}"))
    }
}

impl FromStr for Chord {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        match text.split_once(' ') {
            None => Ok(Self { first: text.parse()?, second: None }),
            Some((first, second)) => Ok(Self { first: first.parse()?, second: Some(second.parse()?) }),
        }
    }
}
