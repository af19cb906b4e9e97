//! What replaces parts of the standard library; the Lua sides stand in `assets/prelude`.

#![expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "functions that Lua calls take their arguments by value and may fail, all of one shape"
)]

pub(super) mod base;
pub(super) mod os;
pub(super) mod require;
pub(super) mod string;
