//! Where a question comes from: the line of the session's own program that asks.
//!
//! Looks at the stack and at nothing else; once for each pause.

use super::host::Host;
use super::{failure, preempt};

/// The line at which the program, or a function that it wrote, asks; `None` where only modules are on the stack, or a
/// tail call has left no frame.
pub(super) fn line(host: &Host) -> Option<u32> {
    preempt::line_within(failure::script(host))
}
