//! Prints what is no stream of events: one text to standard output, messages to standard error.
//!
//! A reader that has gone away is no error: what it did not want to read is not printed.

use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;

use super::exit::CliError;

/// Prints `text` to standard output.
pub(super) fn data(text: impl AsRef<[u8]>) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::Output(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints a part of what is printed to standard output. Breaks where nobody reads it.
pub(super) fn stream(text: &str) -> Result<ControlFlow<()>, CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(CliError::Output(error)),
        Ok(()) => Ok(ControlFlow::Continue(())),
    }
}

/// Prints one line to standard error. There is nobody left to tell if that fails.
pub(super) fn message(line: &str) {
    let line = crate::domain::printable_line(line);
    let _ = writeln!(io::stderr().lock(), "{line}");
}
