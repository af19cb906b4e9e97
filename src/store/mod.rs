//! What lies on the disk: the files that programs `require`, and what they keep below a home.
//!
//! Implements ports of the engine and knows nothing of Lua, of the screen or of the command line.

mod cards;
mod disk;
mod entry;
mod files;
pub mod journal;
mod packages;
mod scenarios;
mod state;

pub use files::FsFiles;

/// Whether a text can be part of the name of a file and leads nowhere else.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text != "." && !text.contains(['/', '\\', '\0']) && !text.contains("..")
}
