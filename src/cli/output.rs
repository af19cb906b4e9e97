//! Prints what is no stream of events: one text to standard output, messages to standard error.
//!
//! A reader that has gone away is no error: what it did not want to read is not printed, and the exit code says what it
//! would have said.

use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

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

/// Whether whoever read standard output has gone, for those that have nothing to print at the moment.
pub(super) fn is_reader_gone() -> bool {
    let out = io::stdout();
    let mut looked_at = [PollFd::new(&out, PollFlags::empty())];
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut looked_at, Some(&at_once)).is_ok() && looked_at[0].revents().intersects(PollFlags::ERR | PollFlags::HUP)
}

/// Prints one line to standard error. There is nobody left to tell if that fails.
pub(super) fn message(line: &str) {
    let line = crate::domain::printable_line(line);
    let _ = writeln!(io::stderr().lock(), "{line}");
}
