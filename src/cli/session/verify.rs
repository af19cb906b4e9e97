//! `switchboard session verify`: runs programs again from their records, and says whether they do the same.

use serde_json::json;

use super::which::Meant;
use super::{wait, which};
use crate::cli::args::{Format, WhichArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output;
use crate::config::Settings;
use crate::desk::{Desk, DeskOptions};
use crate::domain::{Session, printable_line};
use crate::engine::{Verified, VerifyError};

/// Verifies the sessions. A failure of one is a failure of all.
pub(super) fn verify(settings: &Settings, args: &WhichArgs) -> Result<Exit, CliError> {
    let (id, query) = (args.id.as_deref(), args.query.as_deref());
    let Meant { journal, sessions, .. } = wait(which::meant(settings, id, query))??;
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
