//! `switchboard session cancel`: ends sessions of a journal that nobody else has. Nothing of them runs for it.

use serde_json::json;

use super::{wait, which};
use crate::cli::args::{CancelArgs, Format};
use crate::cli::exit::{CliError, Exit};
use crate::cli::journal::to_change;
use crate::cli::output;
use crate::config::Settings;
use crate::desk::{Desk, DeskOptions};
use crate::domain::{CancelError, CancelReason, ExecutionState, SessionId, printable_line};
use crate::engine::{Clock as _, Registry, SystemClock};

/// A session that was meant: its id, its title, its state now, and whether it had ended before.
struct Meant {
    id: SessionId,
    title: String,
    state: ExecutionState,
    had_ended: bool,
}

/// Cancels the sessions, and says what became of each.
pub(super) fn cancel(settings: &Settings, args: &CancelArgs) -> Result<Exit, CliError> {
    let (id, query) = (args.which.id.as_deref(), args.which.query.as_deref());
    let which::Meant { path, journal, sessions } = wait(which::meant(settings, id, query))??;
    drop(journal);
    let desk =
        Desk::open(DeskOptions { journal: Some(to_change(&path)?), sleep: settings.sleep, ..DeskOptions::default() })?;
    let reason = CancelReason { code: args.code, detail: args.detail.clone(), requested_at: SystemClock.now() };
    let registry = desk.registry().clone();
    // Of those that a query means, what has ended is not meant to be ended.
    let sessions = sessions.into_iter().filter(move |session| id.is_some() || !session.state().is_ended());
    let sessions: Vec<_> = sessions
        .map(|session| (session.id(), session.spec().display_title().to_owned(), session.state().is_ended()))
        .collect();
    let result = desk.run(async move {
        let mut meant = Vec::new();
        for (id, title, had_ended) in sessions {
            let state = end(&registry, id, reason.clone()).await;
            let state = state.map_err(|error| CliError::failure(error.to_string()))?;
            meant.push(Meant { id, title, state, had_ended });
        }
        // What they have forked ends with them.
        registry.end_dropped().await?;
        Ok::<_, CliError>(meant)
    });
    desk.close();
    let meant = result?;
    say(args, &meant)?;
    let all_had_ended = !meant.is_empty() && meant.iter().all(|session| session.had_ended);
    Ok(if all_had_ended { Exit::Conflict } else { Exit::Ok })
}

/// Cancels one, and waits until that is its state.
async fn end(registry: &Registry, id: SessionId, reason: CancelReason) -> Result<ExecutionState, CancelError> {
    let state = registry.cancel(id, reason).await?;
    // It ends once its task has said so; one that had ended is as it was.
    drop(registry.await_terminal(id).await);
    Ok(registry.state(id).unwrap_or(state))
}

fn say(args: &CancelArgs, meant: &[Meant]) -> Result<(), CliError> {
    let object = |Meant { id, title, state, had_ended }: &Meant| json!({ "session": id, "title": title, "state": state.name().as_str(), "had_ended": had_ended });
    output::data(match args.which.output {
        Format::Text => {
            let lines = meant.iter().map(|Meant { id, title, state, had_ended }| {
                let state = state.name().as_str();
                let what = if *had_ended { format!("nothing changed: was already {state}") } else { state.to_owned() };
                format!("{id}  {}  {what}\n", printable_line(title))
            });
            lines.collect()
        }
        Format::Json => format!("{:#}\n", json!({ "sessions": meant.iter().map(object).collect::<Vec<_>>() })),
        Format::Jsonl => meant.iter().map(|session| object(session).to_string() + "\n").collect(),
    })
}
