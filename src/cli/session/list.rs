//! `switchboard session list`: the sessions of a journal, a line each; or the runs.

use serde_json::{Value, json};

use super::{open, runs, wait, which};
use crate::cli::args::{Format, ListArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output;
use crate::config::Settings;
use crate::domain::{ExecutionState, Session, Timestamp, printable_line};

/// The longest title and question that a line shows.
const SHOWN: usize = 60;

/// Prints the list.
pub(super) fn list(settings: &Settings, args: &ListArgs) -> Result<Exit, CliError> {
    let query = args.query.as_deref().map(which::query).transpose()?;
    if args.runs {
        return runs::list(settings, args, query.as_ref());
    }
    let journal = open(settings)?;
    let sessions = wait(which::sessions(&journal, query.as_ref()))??;
    let objects = || sessions.iter().map(|session| object(session));
    let text = match args.output {
        Format::Text => sessions.iter().map(|session| line(session)).collect(),
        Format::Json => format!("{:#}\n", json!({ "sessions": objects().collect::<Vec<_>>() })),
        Format::Jsonl => objects().map(|object| object.to_string() + "\n").collect(),
    };
    output::data(text)?;
    Ok(Exit::Ok)
}

/// A session on one line.
fn line(session: &Session) -> String {
    let mut line = format!(
        "{}  {:<9}  {}  {}",
        session.id().short(),
        session.state().name(),
        time(born(session)),
        short(session.spec().display_title())
    );
    if let ExecutionState::Paused(pause) = session.state() {
        let mut pending = pause.pending();
        if let Some(prompt) = pending.next() {
            line = format!("{line}  ? {} {}", prompt.query.query_id, short(&prompt.query.prompt));
        }
        let more = pending.count();
        if more > 0 {
            line = format!("{line} (and {more} more)");
        }
    }
    line + "\n"
}

/// A session as data.
pub(super) fn object(session: &Session) -> Value {
    let waits_for = match session.state() {
        ExecutionState::Paused(pause) => pause.pending().map(|prompt| json!(prompt.query)).collect(),
        _ => Vec::new(),
    };
    json!({
        "session": session.id(),
        "title": session.spec().display_title(),
        "state": session.state().name(),
        "created_at": born(session),
        "last_at": session.last_at(),
        "last_seq": session.last_seq(),
        "waits_for": waits_for,
        "usage": session.usage(),
        "tags": session.spec().tags,
        "parent": session.spec().parent.as_ref().map(|parent| parent.session),
        "branch": session.spec().branch,
    })
}

/// Since when a session is there: its age is counted from then. The events before it, of a branch, are another's.
pub(super) fn born(session: &Session) -> Timestamp {
    session.spec().own_time(session.created_at())
}

/// A moment, to the second, in UTC.
pub(super) fn time(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => at.to_string(),
    }
}

/// A text as one short line.
pub(super) fn short(text: &str) -> String {
    let mut characters = text.char_indices();
    match characters.nth(SHOWN) {
        Some((end, _)) => format!("{}…", printable_line(&text[..end])),
        None => printable_line(text).into_owned(),
    }
}
