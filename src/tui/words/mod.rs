//! How the desk puts things into words: ages, counts, states, events, results.
//!
//! Texts of programs go in as they are and come out unsafe to draw; `text` makes them visible where they are drawn.
//! Nothing here takes longer than what it says: long texts are cut before they are copied.

mod events;
mod figures;
mod journal;
mod sessions;
mod texts;

pub(super) use events::{feed_line, feed_seq};
pub(super) use figures::{age, bar, clock, count, duration, lasted, next_age, place, sized, tokens};
pub(super) use journal::{farewell, follows, follows_long, missing, only_read, recovery, trouble};
pub(super) use sessions::{
    QuestionPlace, asked_with, failure_kind, frozen, header_parts, live_parts, live_since, question_state, row_text,
    row_time, session_heading, was_rewound, word_of,
};
pub(super) use texts::{ending, first_line, on_one_line, with_ending};
