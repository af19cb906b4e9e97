//! The exit codes, and the one place that says which error or end has which.

use std::io;
use std::path::PathBuf;

use crate::config::ConfigError;
use crate::desk::DeskError;
use crate::domain::{InvalidSpec, SpawnError};
use crate::engine::JournalError;
use crate::store::journal::{OpenError, Refused};
use crate::tui;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything ended well.
    Ok,
    /// Something failed that is not a session.
    Failure,
    /// The arguments, or what they name, make no sense.
    Usage,
    /// What was named is not there.
    NotFound,
    /// A limit ended a session.
    Limit,
    /// Somebody else has what was wanted, or it is not in a state for it.
    Conflict,
    /// A session was left waiting, or only a part was done.
    Waiting,
    /// A session failed.
    SessionFailed,
    /// A session was cancelled.
    SessionCancelled,
    /// Ended by SIGHUP, or because the terminal is gone.
    HungUp,
    /// Ended by SIGINT.
    Interrupted,
    /// Ended by SIGTERM.
    Terminated,
}

impl Exit {
    /// The number the process ends with.
    pub fn code(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Limit => 4,
            Self::Conflict => 5,
            Self::Waiting => 6,
            Self::SessionFailed => 7,
            Self::SessionCancelled => 8,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// What it means that the desk was left.
    pub(super) fn of_desk(left: &tui::Exit) -> Self {
        match left {
            tui::Exit::Quit | tui::Exit::KeptIsFree(_) => Self::Ok,
            tui::Exit::Interrupted => Self::Interrupted,
            tui::Exit::Terminated => Self::Terminated,
            tui::Exit::TerminalLost => Self::HungUp,
        }
    }

    /// Of several ends, the one to tell: failed before cancelled before a limit before waiting.
    pub(super) fn worst_of(ends: impl IntoIterator<Item = Self>) -> Self {
        let rank = |end: &Self| match end {
            Self::Ok => 0,
            Self::Waiting => 1,
            Self::Limit => 2,
            Self::SessionCancelled => 3,
            Self::SessionFailed => 4,
            Self::Failure
            | Self::Usage
            | Self::NotFound
            | Self::Conflict
            | Self::HungUp
            | Self::Interrupted
            | Self::Terminated => 5,
        };
        ends.into_iter().max_by_key(rank).unwrap_or(Self::Ok)
    }
}

/// Why the program could not do what it was asked. Each is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// Something that should work here does not.
    #[error("{0}")]
    Failure(String),
    /// Arguments that make no sense together.
    #[error("{0}")]
    Usage(String),
    /// A variable or a file of the settings that makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Everything that is wrong with the settings; something is.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Settings(Vec<CliError>),
    /// A file that cannot be read.
    #[error("{path}: {cause}")]
    File { path: Shown, cause: FileFault },
    /// A program that cannot be run.
    #[error("{name}: {cause}")]
    Program { name: String, cause: InvalidSpec },
    /// A session that could not be started.
    #[error("starting a session: {0}")]
    Spawn(#[from] SpawnError),
    /// The desk could not be built or shown.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// A journal that cannot be opened.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// A journal that cannot be read.
    #[error("{0}")]
    Reading(#[from] JournalError),
    /// No session begins so, or there are none.
    #[error("{0}")]
    NoSession(String),
    /// Something else stands against it.
    #[error("{0}")]
    Conflict(String),
    /// Standard output is there and cannot be written.
    #[error("standard output: {0}; check where it is redirected to")]
    Output(#[source] io::Error),
    /// A part of the program is gone.
    #[error("a part of the run has failed, as told above; this is a fault of switchboard, please report it")]
    Broken,
    /// The co-process that answers could not even be started.
    #[error("--answerer: cannot start sh: {0}; check PATH")]
    Answerer(#[source] io::Error),
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileFault {
    #[error("no such file or directory; check the name")]
    Missing,
    /// With a hint.
    #[error("there is no such file and no such subcommand{0}; see switchboard --help")]
    NoVerb(String),
    #[error("it is a directory; give a file")]
    IsDirectory,
    #[error("it is not a directory; give one")]
    NotADirectory,
    #[error("it is not UTF-8 (byte {0}); save it as UTF-8")]
    NotUtf8(usize),
    #[error("it is longer than {0} bytes; make it shorter")]
    TooLong(u64),
    #[error("{0}")]
    System(#[source] io::Error),
    /// Says itself what is wrong and what to do.
    #[error("{0}")]
    Content(String),
}

/// A path in a message, as one line whatever it holds.
#[derive(Debug)]
pub(super) struct Shown(PathBuf);

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::domain::printable_line(&self.0.to_string_lossy()))
    }
}

impl CliError {
    /// What is told of it: a line, or as many as there are mistakes.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::Settings(faults) => faults.iter().flat_map(Self::lines).collect(),
            Self::Config(ConfigError::File(faults)) => faults.0.iter().map(ToString::to_string).collect(),
            other => vec![other.to_string()],
        }
    }

    /// Something that should work here does not.
    pub(super) fn failure(message: impl Into<String>) -> Self {
        Self::Failure(message.into())
    }

    /// An error in how the program was called.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// A fault of a file.
    pub(super) fn file(path: impl Into<PathBuf>, cause: FileFault) -> Self {
        Self::File { path: Shown(path.into()), cause }
    }

    /// What the system said of a file.
    pub(super) fn io(path: impl Into<PathBuf>, error: io::Error) -> Self {
        let cause = match error.kind() {
            io::ErrorKind::NotFound => FileFault::Missing,
            io::ErrorKind::IsADirectory => FileFault::IsDirectory,
            io::ErrorKind::NotADirectory => FileFault::NotADirectory,
            _ => FileFault::System(error),
        };
        Self::file(path, cause)
    }

    /// The exit code of this error.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Settings(faults) => faults.first().map_or(Exit::Usage, Self::exit),
            Self::File { cause: FileFault::Missing, .. }
            | Self::NoSession(_)
            | Self::File { cause: FileFault::NoVerb(_), .. } => Exit::NotFound,
            Self::Journal(error) if matches!(error.refused, Refused::Missing) => Exit::NotFound,
            Self::Journal(error) if matches!(error.refused, Refused::Held(_)) => Exit::Conflict,
            Self::Conflict(_) => Exit::Conflict,
            Self::Journal(error) if matches!(error.refused, Refused::NoFile(_) | Refused::Foreign) => Exit::Usage,
            Self::Usage(_)
            | Self::Config(_)
            | Self::File { .. }
            | Self::Program { .. }
            | Self::Spawn(SpawnError::InvalidSpec(_)) => Exit::Usage,
            Self::Failure(_)
            | Self::Spawn(SpawnError::Engine(_))
            | Self::Journal(_)
            | Self::Reading(_)
            | Self::Desk(_)
            | Self::Output(_)
            | Self::Broken
            | Self::Answerer(_) => Exit::Failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_mixed_ends_failed_comes_before_cancelled_before_a_limit_before_waiting() {
        use Exit::{Limit, Ok, SessionCancelled, SessionFailed, Waiting};
        let order = [Ok, Waiting, Limit, SessionCancelled, SessionFailed];
        for (at, end) in order.into_iter().enumerate() {
            assert_eq!(Exit::worst_of(order.into_iter().take(at + 1).rev()), end);
            assert_eq!(Exit::worst_of(order.into_iter().take(at + 1)), end);
        }
        assert_eq!(Exit::worst_of([]), Ok);
        assert_eq!([Ok, Limit, Waiting, SessionFailed, SessionCancelled].map(Exit::code), [0, 4, 6, 7, 8]);
    }
}
