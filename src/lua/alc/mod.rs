//! The functions of the `alc` table, as far as they need Rust: one file per Lua table or group. Their Lua sides stand
//! in `assets/prelude`.

#![expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "functions that Lua calls take their arguments by value and may fail, all of one shape"
)]

pub(super) mod ask;
pub(super) mod budget;
pub(super) mod card;
pub(super) mod env;
pub(super) mod fork;
pub(super) mod json;
pub(super) mod log;
pub(super) mod math;
pub(super) mod state;
pub(super) mod stats;
pub(super) mod text;
pub(super) mod wants;
