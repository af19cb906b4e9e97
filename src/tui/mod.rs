//! The desk on a terminal: what the person sees and types.
//!
//! One loop ([`run`](run())) turns what happens into a [`Msg`]; [`update`](update()) changes the [`App`] and says what
//! is to be done as [`Cmd`]s; [`view`](view()) draws the [`App`]. `update` and `view` are plain functions without a
//! clock, a terminal or a registry, so that a test is a row of keys and a picture.
//!
//! What is deliberately absent: sessions, rules, Lua. The desk sees the engine through its `Registry` only, and every
//! text of a program goes through `domain::printable` before it is drawn.

mod acts;
mod all_feeds;
mod announcing;
mod answering;
mod app;
mod arrange;
mod batch;
mod beside;
mod branching;
mod bulk;
mod calls;
mod cancelling;
mod chord;
mod copying;
mod deeds;
mod details;
mod diagnosing;
mod documents;
mod drafting;
mod editing;
mod editor;
mod facts;
mod feed;
mod folding;
mod forms;
mod frames;
mod freeze;
mod happening;
mod help;
mod history;
mod input;
mod keeping;
mod keyboard;
mod keymap;
mod keymap_file;
mod layers;
mod layout;
mod lending;
mod life;
mod list;
mod listing;
mod msg;
mod names;
mod natural;
mod offers;
mod opening;
mod options;
mod outside;
mod pager;
mod palette;
mod performing;
mod picker;
mod pointing;
mod prepare;
mod presences;
mod programs;
mod raw;
mod raw_calls;
mod run;
mod searching;
mod sent;
mod sessions;
mod source;
mod standing;
mod start_form;
mod starting;
mod status;
mod table;
mod terminal;
mod text;
mod theme;
mod transcript;
mod tree;
mod typing;
mod update;
mod view;
mod words;

pub use app::App;
pub use branching::{BranchKind, Branched};
pub use chord::Chord;
pub use diagnosing::Diagnosis;
pub use frames::FrameFigures;
pub use input::{Held, Input, Key, KeyName, ParseKeyError, Pointer, PointerDeed};
pub use keymap::{Action, Context, Keymap, Motion, Row, Way};
pub use listing::ListVerb;
pub use msg::{Cmd, DraftWanted, FeedItem, Msg, Peek};
pub use opening::{Far, Opening};
pub use options::{Exit, TuiError, TuiOptions};
pub use outside::{Drafts, Keeper};
pub use programs::{NoPrograms, Programs, Wanted};
pub use raw::{Program, Raw};
pub use run::run;
pub use standing::Stand;
pub use starting::Start;
pub use table::{GROUPS, TABLE, TEXT_GROUP, TEXT_KEYS};
pub use theme::{Colors, Look, Signs};
pub use update::update;
pub use view::view;
