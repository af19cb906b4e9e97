//! `switchboard session tail`: the events of a session as they come, whoever runs it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{wait, which};
use crate::cli::args::{Format, TailArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output;
use crate::cli::run::follow::Whose;
use crate::cli::run::{Form, text};
use crate::config::Settings;
use crate::domain::{Event, Seq, Session, SessionId, gap_line};
use crate::engine::Journal;
use crate::store::journal::SqliteJournal;

/// Events that are read at once.
const PAGE: usize = 500;

/// How often a journal that another process writes is looked at: what a person does not notice.
const LOOK: Duration = Duration::from_millis(200);

/// Prints the events of a session until it has ended, or nobody reads any more.
pub(super) fn tail(settings: &Settings, args: &TailArgs) -> Result<Exit, CliError> {
    let form = Form::of(settings, args.output, false);
    wait(async {
        let (meant, session) = which::one(settings, &args.id).await?;
        follow(&meant.journal, &session, form).await
    })??;
    Ok(Exit::Ok)
}

async fn follow(journal: &SqliteJournal, session: &Arc<Session>, form: Form) -> Result<(), CliError> {
    let id = session.id();
    let whose = Whose { top: id, session: id };
    let mut from = 1;
    let file = file_at(journal.path());
    let mut is_removed = false;
    let mut events: Vec<Value> = Vec::new();
    loop {
        let page = match journal.events(id, from, PAGE).get().await {
            Err(_) if file_at(journal.path()) != file => {
                is_removed = true;
                break;
            }
            page => page?,
        };
        let mut lines = String::new();
        if let Some((first, last)) = page.gap {
            match form.format {
                Format::Text => text::gap(&mut lines, form, whose, first, last),
                Format::Json => events.push(json!({ "kind": "gap", "from": first, "to": last })),
                Format::Jsonl => lines += &(gap_line(id, None, first, last) + "\n"),
            }
        }
        for event in &page.events {
            match form.format {
                Format::Text => text::event(&mut lines, form, whose, event),
                Format::Json => events.push(json!(&**event)),
                Format::Jsonl => lines += &(event.line(id, None) + "\n"),
            }
        }
        if !lines.is_empty() && output::stream(&lines)?.is_break() {
            return Ok(());
        }
        let last: Option<&Event> = page.events.last().map(|event| &**event);
        if let Some(last) = last {
            from = last.seq + 1;
            if last.kind.is_last() {
                break;
            }
        } else if output::is_reader_gone() {
            return Ok(());
        } else {
            let is_there = is_there(journal, id, from).await;
            if file_at(journal.path()) != file || !is_there? {
                is_removed = true;
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
    if form.format == Format::Json {
        output::data(format!("{:#}\n", json!({ "session": id, "events": events })))?;
    }
    if is_removed {
        return Err(CliError::NoSession(format!("{id} was removed; no more events of it come")));
    }
    Ok(())
}

/// What tells the file at a path from every other; `None` where none is. One that is deleted can still be read by who has
/// it open.
fn file_at(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Whether a journal still has a session whose events before `from` were read.
async fn is_there(journal: &SqliteJournal, id: SessionId, from: Seq) -> Result<bool, CliError> {
    if from == 1 {
        return Ok(journal.stored_one(id).get().await?.is_some());
    }
    // Cheaper, where much is recorded of it.
    let first = journal.events(id, 1, 1).get().await?;
    Ok(first.gap.is_some() || !first.events.is_empty())
}
