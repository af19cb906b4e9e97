//! How the desk shows where the program of a session is: a mark in the list, a few words in the heading, and in full.
//!
//! One that sleeps looks like any other that waits: whoever answers need not know. Marked is what a person can do
//! something about.

use super::pager::Block;
use super::theme::{Tone, sign_of};
use super::words::bar;
use crate::engine::{Presence, Summary};

/// The sign of a session in the list.
pub(super) fn sign(summary: &Summary) -> &'static str {
    match summary.presence {
        Presence::CannotReplay(_) | Presence::Suspended | Presence::SuspendedElsewhere => "!",
        Presence::Resident
        | Presence::CannotSleep(_)
        | Presence::Sleeping
        | Presence::Elsewhere
        | Presence::ReadOnly
        | Presence::Replaying { .. } => sign_of(summary.state.name()),
    }
}

/// The word of a session in the list: that of its state, unless there is more to say of it.
pub(super) fn word(summary: &Summary) -> &'static str {
    match summary.presence {
        _ if summary.is_held() => "held",
        Presence::Resident | Presence::Sleeping | Presence::Elsewhere | Presence::ReadOnly => {
            summary.state.name().as_str()
        }
        Presence::CannotSleep(_) => "no sleep",
        Presence::CannotReplay(_) => "no replay",
        Presence::Suspended | Presence::SuspendedElsewhere => "suspended",
        Presence::Replaying { .. } => "replays",
    }
}

/// The words in the heading of a session.
pub(super) fn mark(presence: &Presence) -> Option<String> {
    match presence {
        Presence::Resident | Presence::Sleeping | Presence::Elsewhere | Presence::ReadOnly => None,
        Presence::CannotSleep(_) => Some("! cannot sleep".into()),
        Presence::CannotReplay(_) => Some("! cannot replay".into()),
        Presence::Suspended | Presence::SuspendedElsewhere => Some("! suspended".into()),
        Presence::Replaying { done, of } => Some(format!("replays {} {done}/{of}", bar(*done, *of))),
    }
}

/// The State tab's line.
pub(super) fn fact(presence: &Presence) -> Option<(Tone, String)> {
    match presence {
        Presence::Resident => None,
        Presence::Sleeping => Some((Tone::Plain, "asleep in the journal; an answer wakes it".into())),
        Presence::Replaying { done, of } => {
            Some((Tone::Plain, format!("it is run again from its record: {done} of {of} events")))
        }
        Presence::Elsewhere | Presence::ReadOnly => note(presence).map(|text| (Tone::Plain, text)),
        Presence::CannotSleep(_) | Presence::CannotReplay(_) | Presence::Suspended | Presence::SuspendedElsewhere => {
            note(presence).map(|text| (Tone::Warning, text))
        }
    }
}

/// What stands above the question, so that nobody writes an answer in vain.
pub(super) fn warning(presence: &Presence) -> Vec<Block> {
    let dim = matches!(presence, Presence::Replaying { .. } | Presence::Elsewhere | Presence::ReadOnly);
    let tone = if dim { Tone::Dim } else { Tone::Warning };
    note(presence).map_or_else(Vec::new, |text| vec![Block::new(tone, text), Block::new(Tone::Plain, "")])
}

fn note(presence: &Presence) -> Option<String> {
    match presence {
        Presence::Resident | Presence::Sleeping => None,
        Presence::Replaying { .. } => Some("It is run again from its record.".into()),
        Presence::Elsewhere => Some("Another process has it: answers are given there.".into()),
        Presence::ReadOnly => Some("Its journal can only be read here: it takes no answer.".into()),
        Presence::CannotSleep(why) => {
            Some(format!("It stays in memory, since it would not come back from its record: {why}."))
        }
        Presence::CannotReplay(why) => Some(format!(
            "It cannot be brought back from its record and takes no answer: {why}. It can be cancelled, or gone on from \
             at an earlier question; the next start tries again."
        )),
        Presence::Suspended => Some(
            "It ran as the process went down, twice, and is not run again by itself; :release . lets it go on.".into(),
        ),
        Presence::SuspendedElsewhere => Some(
            "It ran as the process went down, twice, and is not run again by itself; it is released where its journal is \
             written."
                .into(),
        ),
    }
}
