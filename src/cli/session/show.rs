//! `switchboard session show`: what a session is, where it stands and what it waits for.

use std::fmt::Write;

use serde_json::{Value, json};

use super::list::{born, object, time};
use super::{wait, which};
use crate::cli::args::{Format, WhichArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output;
use crate::config::Settings;
use crate::domain::{ExecutionState, Session, printable, printable_line};

/// Prints what there is to know.
pub(super) fn show(settings: &Settings, args: &WhichArgs) -> Result<Exit, CliError> {
    let sessions = wait(which::meant(settings, args.id.as_deref(), args.query.as_deref()))??.sessions;
    let text = match args.output {
        Format::Text => sessions.iter().map(|session| text(session)).collect::<Vec<_>>().join("\n"),
        Format::Json => match sessions.as_slice() {
            [session] if args.id.is_some() => format!("{:#}\n", whole(session)),
            sessions => {
                let sessions: Vec<Value> = sessions.iter().map(|session| whole(session)).collect();
                format!("{:#}\n", json!({ "sessions": sessions }))
            }
        },
        Format::Jsonl => sessions.iter().map(|session| whole(session).to_string() + "\n").collect(),
    };
    output::data(text)?;
    Ok(Exit::Ok)
}

/// A session with its spec and its whole state.
fn whole(session: &Session) -> Value {
    let mut whole = object(session);
    whole["spec"] = json!(session.spec());
    whole["execution"] = json!(session.state());
    whole["progress"] = json!(session.progress());
    whole
}

fn text(session: &Session) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        writeln!(text, "{name:<9} {}", printable_line(value)).expect("writing to memory does not fail");
    };
    let (spec, usage) = (session.spec(), session.usage());
    line("session", &session.id().to_string());
    line("title", spec.display_title());
    line("state", session.state().name().as_str());
    line("started", &time(born(session)));
    line("last", &time(session.last_at()));
    for (key, value) in &spec.tags {
        line("tag", &format!("{key}={value}"));
    }
    if let Some(parent) = &spec.parent {
        line("parent", &parent.session.to_string());
    }
    if let Some(branch) = &spec.branch {
        line("branch", &format!("of {} at {}", branch.of, branch.at));
    }
    let queries = format!("{} asked in {} pauses, {} tokens", usage.llm_calls, usage.pauses, usage.total_tokens.tokens);
    line("queries", &queries);
    match session.state() {
        ExecutionState::Running { waiting_on } => {
            if let Some(children) = waiting_on {
                line("waits", &format!("for {children} children"));
            }
        }
        ExecutionState::Paused(pause) => {
            for prompt in pause.pending() {
                line("asks", &prompt.query.query_id.to_string());
                for part in printable(&prompt.query.prompt).lines() {
                    line("", part);
                }
            }
        }
        ExecutionState::Done(done) => line("value", &done.value.to_string()),
        ExecutionState::Cancelled(cancelled) => {
            let reason = &cancelled.reason;
            line("reason", &format!("{} {}", reason.code.as_str(), reason.detail.as_deref().unwrap_or_default()));
        }
        ExecutionState::Failed(failure) => line("error", &failure.message),
    }
    text
}
