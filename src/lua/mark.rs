//! The marks by which host and prelude tell each other what a yield or an end means.
//!
//! A mark is a light userdata: a program can neither make one nor, since marks never reach its code, get hold of one.

use mlua::{LightUserData, Value};

/// What a yield or the end of the session's thread means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Something is wanted from outside; the host knows what.
    Ask,
    /// The program itself yielded.
    Yielded,
    /// The reply to `Ask` where the question cannot get out.
    Refused,
    /// The program returned; its value follows.
    Finished,
    /// The program raised an error; its text follows.
    Failed,
    /// The error by which a session is ended that cannot yield.
    Ended,
}

/// One address a mark.
static PLACES: [u8; 6] = [0; 6];

impl Mark {
    /// Every mark, in the order in which the prelude takes them.
    pub(super) const ALL: [Self; 6] =
        [Self::Ask, Self::Yielded, Self::Refused, Self::Finished, Self::Failed, Self::Ended];

    /// The value that stands for the mark in Lua.
    pub(super) fn value(self) -> LightUserData {
        LightUserData((&raw const PLACES[self as usize]).cast_mut().cast())
    }

    /// The mark that `value` is, if it is one.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::LightUserData(place) => Self::ALL.into_iter().find(|mark| mark.value().0 == place.0),
            _ => None,
        }
    }
}
