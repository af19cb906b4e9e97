//! `switchboard session verify`: runs programs again from their records, and says whether they do the same.

use std::sync::Arc;

use serde_json::json;

use super::{journal_path, open, wait, which};
use crate::cli::args::{Format, WhichArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::{journal, output};
use crate::config::Settings;
use crate::desk::{Desk, DeskOptions};
use crate::domain::{Session, printable_line};
use crate::engine::{Verified, VerifyError};
use crate::store::journal::SqliteJournal;

/// Verifies the sessions. A failure of one is a failure of all.
pub(super) fn verify(settings: &Settings, args: &WhichArgs) -> Result<Exit, CliError> {
    let (id, query) = (args.id.as_deref(), args.query.as_deref());
    let (journal, sessions) = find(settings, id, query)?;
    let desk = Desk::open(DeskOptions {
        library_dirs: Vec::new(),
        home: None,
        journal: Some(journal),
        sleep: settings.sleep,
    })?;
    let registry = desk.registry().clone();
    let mut exit = Exit::Ok;
    let mut objects = Vec::new();
    for session in sessions {
        let (registry, id) = (registry.clone(), session.id());
        let verified = desk.run(async move { registry.verify(id).await });
        if verified.is_err() {
            exit = Exit::Failure;
        }
        match args.output {
            Format::Text => output::data(line(&session, &verified))?,
            Format::Json => objects.push(object(&session, &verified)),
            Format::Jsonl => output::data(object(&session, &verified).to_string() + "\n")?,
        }
    }
    if let Format::Json = args.output {
        output::data(format!("{:#}\n", json!({ "sessions": objects })))?;
    }
    desk.close();
    Ok(exit)
}

/// The sessions that are meant: of the journal, else of the records of runs.
fn find(
    settings: &Settings,
    id: Option<&str>,
    query: Option<&str>,
) -> Result<(SqliteJournal, Vec<Arc<Session>>), CliError> {
    let in_journal = open(settings).and_then(|journal| {
        let sessions = wait(which::meant(&journal, id, query))??;
        Ok((journal, sessions))
    });
    match (in_journal, id) {
        (Err(error), Some(id)) if error.exit() == Exit::NotFound && settings.paths.named_journal().is_none() => {
            for path in journal::runs(settings) {
                // What else lies there is not this command's.
                let Ok(record) = SqliteJournal::read(&path) else { continue };
                if let Ok(session) = wait(which::one(&record, id))? {
                    return Ok((record, vec![session]));
                }
            }
            Err(CliError::no_session(id, journal_path(settings)?))
        }
        (found, _) => found,
    }
}

fn line(session: &Session, verified: &Result<Verified, VerifyError>) -> String {
    let id = session.id();
    match verified {
        Ok(Verified { events, same_engine: true }) => format!("ok   {id}  {events} events came again\n"),
        Ok(Verified { events, same_engine: false }) => {
            format!("ok   {id}  {events} events came again, though another version recorded them\n")
        }
        Err(error) => format!("BAD  {id}  {}\n", printable_line(&error.to_string())),
    }
}

fn object(session: &Session, verified: &Result<Verified, VerifyError>) -> serde_json::Value {
    let title = session.spec().display_title();
    match verified {
        Ok(Verified { events, same_engine }) => json!({
            "session": session.id(), "title": title, "verified": true, "events": events, "same_engine": same_engine,
        }),
        Err(error) => json!({
            "session": session.id(), "title": title, "verified": false, "error": error.to_string(),
        }),
    }
}
