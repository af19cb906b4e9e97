//! The query language: which sessions somebody means. One grammar for the filter of the desk, bulk acts, rules and
//! `--where`.
//!
//! ```text
//! query  = all { "or" all }
//! all    = part { [ "and" ] part }             every part must hold
//! part   = [ "-" ] ( "(" query ")" | test )    "-" turns it round
//! test   = word | field
//! field  = "state:" STATE | "is:" ( "held" | "suspended" ) | "tag:" TEXT | "id:" DIGITS | "title~" REGEX | "prompt~" REGEX
//!        | ("age" | "wait") (">" | "<") DURATION | "tokens" (">" | "<") NUMBER
//! ```
//!
//! DURATION is a number with `ms`, `s`, `m`, `h` or `d`, or several of them, the largest first: `90s`, `1h30m`.
//! Values with blanks, parentheses or quotes stand in `"…"`, where `\"` is a quote; a quoted text is never a field.
//! Words and patterns mind their case only where they have capitals.
//!
//! | test | holds of a session |
//! |---|---|
//! | `word` | whose title or open prompts it matches fuzzily, or whose id begins with it |
//! | `state:paused` | in this state |
//! | `is:held`, `is:suspended` | that runs once somebody releases it: before its first instruction, behind two deaths |
//! | `tag:ci` | with a tag of this key, of this value, or (`tag:team=ci`) of both |
//! | `id:691b` | whose id begins so |
//! | `title~re`, `prompt~re` | whose title, or one of whose open prompts, the regular expression finds |
//! | `age>5m`, `age<2h` | started longer, or less long, ago (`ms s m h d`) |
//! | `wait>5m`, `wait<2h` | that waits, longer or less long |
//! | `tokens>1000` | that used more, or fewer, tokens (`k` and `M` count thousands and millions) |
//!
//! What is deliberately absent: sessions, lists, a clock. [`Facts`] brings what a query may ask, the time included.

mod expr;
mod facts;
mod parse;
mod value;

pub use expr::{Compare, Expr, Pattern, Standing, Test, Word};
pub use facts::{Facts, Scratch, Verdict};
pub use parse::Fault;
