//! Settings of one start of the program: defaults < file < environment < flags, merged once.
//!
//! Whoever starts the program hands in the environment and the flags as data; nothing here reads the process or the
//! disk, and nothing here knows how flags are written.

mod desk;
mod file;
mod keymap;
mod keys;
mod limits;
mod paths;
mod settings;
mod theme;
mod units;

pub use desk::{Depth, DeskSettings, Grouping, Sort};
pub use file::{FileError, FileErrors};
pub use keymap::{Binding, KeymapFile};
pub use keys::ConfigFile;
pub use paths::{Origin, PathEntry, Paths};
pub use settings::{Color, ConfigError, Environment, Flags, Keeping, LogLevel, Settings, Sleep, Target, VariableError};
pub use theme::{Paint, Shade, Slot, Theme};
pub use units::{ParseUnitError, parse_duration, parse_size, size_in_words};
