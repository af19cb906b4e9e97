//! Settings of one start of the program: defaults < environment < flags, merged once.
//!
//! Whoever starts the program hands in the environment and the flags as data; nothing here reads the process or the
//! disk, and nothing here knows how flags are written.

mod paths;
mod settings;
mod units;

pub use paths::{Origin, PathEntry, Paths};
pub use settings::{Color, ConfigError, Environment, Flags, LogLevel, Settings, Target};
pub use units::{ParseUnitError, parse_duration, parse_size};
