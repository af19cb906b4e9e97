//! `switchboard session export`: sessions as a transcript for people, or as every event for programs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::which::Meant;
use super::{transcript, wait, which};
use crate::cli::args::{Format, WhichArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output;
use crate::config::Settings;
use crate::domain::{Event, Session, gap_line};
use crate::engine::{EventRef, Journal};
use crate::store::journal::SqliteJournal;

/// Events that are read at once.
const PAGE: usize = 1000;

/// What is kept of a session: its events, and where some are missing.
pub(super) enum Kept {
    Event(EventRef),
    Gap(u64, u64),
}

impl Kept {
    /// The event, if it is one.
    pub(super) fn event(&self) -> Option<&Event> {
        match self {
            Self::Event(event) => Some(event),
            Self::Gap(..) => None,
        }
    }
}

/// Writes the sessions out.
pub(super) fn export(settings: &Settings, args: &WhichArgs) -> Result<Exit, CliError> {
    wait(async {
        let Meant { journal, sessions, .. } = which::meant(settings, args.id.as_deref(), args.query.as_deref()).await?;
        let mut documents = Vec::new();
        for session in sessions {
            let kept = events(&journal, &session).await?;
            match args.output {
                Format::Text => {
                    if output::stream(&transcript::of(&session, &kept))?.is_break() {
                        return Ok(());
                    }
                }
                Format::Json => documents.push(document(&session, &kept)),
                Format::Jsonl => {
                    if output::stream(&lines(&session, &kept))?.is_break() {
                        return Ok(());
                    }
                }
            }
        }
        match args.output {
            Format::Text | Format::Jsonl => Ok(()),
            Format::Json => {
                let whole = match documents.pop() {
                    Some(document) if args.id.is_some() => document,
                    last => json!({ "sessions": documents.into_iter().chain(last).collect::<Vec<_>>() }),
                };
                output::data(format!("{whole:#}\n"))
            }
        }
    })??;
    Ok(Exit::Ok)
}

async fn events(journal: &SqliteJournal, session: &Arc<Session>) -> Result<Vec<Kept>, CliError> {
    let mut kept = Vec::new();
    let mut from = 1;
    loop {
        let page = journal.events(session.id(), from, PAGE).get().await?;
        kept.extend(page.gap.map(|(first, last)| Kept::Gap(first, last)));
        let Some(last) = page.events.last() else { return Ok(kept) };
        from = last.seq + 1;
        kept.extend(page.events.into_iter().map(Kept::Event));
    }
}

/// The first line: what the session was made of.
fn head(session: &Session) -> Value {
    json!({
        "session": session.id(),
        "kind": "session",
        "created_at": session.created_at(),
        "spec": session.spec(),
    })
}

fn lines(session: &Session, kept: &[Kept]) -> String {
    let mut lines = head(session).to_string() + "\n";
    for one in kept {
        lines += &match one {
            Kept::Event(event) => event.line(session.id(), None),
            Kept::Gap(from, to) => gap_line(session.id(), None, *from, *to),
        };
        lines.push('\n');
    }
    lines
}

fn document(session: &Session, kept: &[Kept]) -> Value {
    let mut document = head(session);
    let events = kept.iter().map(|one| match one {
        Kept::Event(event) => json!(&**event),
        Kept::Gap(from, to) => json!({ "kind": "gap", "from": from, "to": to }),
    });
    document["events"] = events.collect();
    document
}
