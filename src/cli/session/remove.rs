//! `switchboard session rm`: removes sessions that have ended, with everything that is kept of them.

use std::sync::Arc;

use serde_json::json;

use super::{journal_path, open, wait, which};
use crate::cli::args::{Format, RemoveArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::journal::for_writing;
use crate::cli::output;
use crate::config::Settings;
use crate::domain::{Session, printable_line};
use crate::engine::Journal;

/// Removes the sessions, or says which it would.
pub(super) fn remove(settings: &Settings, args: &RemoveArgs) -> Result<Exit, CliError> {
    let (id, query) = (args.which.id.as_deref(), args.which.query.as_deref());
    if let Some(text) = query {
        which::query(text)?;
    }
    // Nothing is made only to find that nothing is in it.
    let mut journal = open(settings)?;
    if !args.dry_run {
        journal = for_writing(journal_path(settings)?)?;
    }
    wait(async {
        let sessions = which::meant(&journal, id, query).await?;
        let (ended, live): (Vec<_>, Vec<_>) = sessions.into_iter().partition(|session| session.state().is_ended());
        if let (Some(session), Some(_)) = (live.first(), id) {
            let message = format!("{0} has not ended; first switchboard session cancel {0}", session.id());
            return Err(CliError::Conflict(message));
        }
        if !args.dry_run {
            journal.remove(ended.iter().map(|session| session.id()).collect()).get().await?;
            journal.close().get().await?;
        }
        say(args, &ended, live.len())?;
        Ok(Exit::Ok)
    })?
}

fn say(args: &RemoveArgs, ended: &[Arc<Session>], kept: usize) -> Result<(), CliError> {
    let word = if args.dry_run { "would remove" } else { "removed" };
    let objects = ended.iter().map(
        |session| json!({ "session": session.id(), "title": session.spec().display_title(), "removed": !args.dry_run }),
    );
    let text = match args.which.output {
        Format::Text => {
            let lines = ended.iter().map(|session| {
                let title = printable_line(session.spec().display_title()).into_owned();
                format!("{word} {}  {title}\n", session.id())
            });
            lines.collect()
        }
        Format::Json => format!("{:#}\n", json!({ "sessions": objects.collect::<Vec<_>>(), "not_ended": kept })),
        Format::Jsonl => objects.map(|object| object.to_string() + "\n").collect(),
    };
    output::data(text)?;
    if kept > 0 {
        output::message(&format!("{kept} sessions that it means have not ended and are kept"));
    }
    Ok(())
}
