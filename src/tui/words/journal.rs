//! What becomes of the record: what comes back, who writes it, what is kept.

use super::figures::bar;
use super::sessions::live_parts;
use super::texts::first_line;
use crate::engine::Recovery;
use crate::tui::sessions::Counts;

/// How far the sessions of the journal have come back; nothing once all have.
pub(in crate::tui) fn recovery(recovery: &Recovery) -> Option<String> {
    let far = |verb, done: usize, of: usize| format!("{verb} {} {done}/{of}", bar(done as u64, of as u64));
    match *recovery {
        Recovery { read, of, .. } if read < of => Some(far("reading", read, of)),
        Recovery { rerun, to_rerun, .. } if rerun < to_rerun => Some(far("replaying", rerun, to_rerun)),
        _ => None,
    }
}

/// Which sessions of the journal are not here, what to do, and why it is so; nothing where all are.
pub(in crate::tui) fn missing(recovery: &Recovery) -> Option<String> {
    let why = first_line(recovery.trouble.as_deref()?);
    Some(match recovery.damaged {
        0 => format!("not every session came back: {why}"),
        1 => format!("1 session is damaged; start again to save what is intact: {why}"),
        n => format!("{n} sessions are damaged; start again to save what is intact: {why}"),
    })
}

/// That nothing can be recorded.
pub(in crate::tui) fn trouble(why: &str) -> String {
    format!("answers cannot be recorded: {}", first_line(why))
}

/// The process that a desk follows: its number, if it is known.
fn followed(whom: &str) -> &str {
    if whom.starts_with("pid ") { whom.split(" on ").next().unwrap_or(whom) } else { whom }
}

/// Whom a desk follows, in a header of so many columns.
pub(in crate::tui) fn follows(whom: &str, width: u16) -> String {
    let read_only = if width < 60 { "" } else { "read-only · " };
    format!("follows {} · {read_only}", followed(whom))
}

/// Why nothing can be begun there.
pub(in crate::tui) fn only_read(whom: &str) -> String {
    format!("{} has the journal: here it is only read", followed(whom))
}

/// Whom it follows and what that means.
pub(in crate::tui) fn follows_long(whom: &str) -> String {
    let name = followed(whom);
    format!("{name} has the journal; this desk shows what it does, and takes over when it is gone ({whom})")
}

/// What becomes of sessions that have not ended when the desk is left, with a journal.
pub(in crate::tui) fn farewell(counts: Counts) -> String {
    let (n, parts) = (counts.live(), live_parts(counts));
    let wait = if n == 1 { "1 session waits".to_owned() } else { format!("{n} sessions wait") };
    let come = if n == 1 { "comes" } else { "come" };
    format!("{wait} in the journal and {come} back with the next start ({parts})")
}
