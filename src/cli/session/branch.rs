//! `switchboard session rewind` and `fork`: a new session that goes on from an earlier question.

use std::time::Duration;

use serde_json::{Value, json};

use super::which::Meant;
use super::{wait, which};
use crate::cli::args::{BranchArgs, Format};
use crate::cli::exit::{CliError, Exit};
use crate::cli::journal::to_change;
use crate::cli::{output, program};
use crate::config::Settings;
use crate::desk::{Desk, DeskOptions};
use crate::domain::{Answer, AnsweredBy, ExecutionState, ResumeError, ResumePayload, SessionId, printable_line};
use crate::engine::{BranchError, BranchPreview, ChangeCursor, LeftAnswer, Registry};

/// How long a program gets from its answer to its next rest. What is busy for longer is left to the journal as it is.
const SETTLING: Duration = Duration::from_secs(10);

/// What becomes of the other session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is cancelled if it has not ended.
    Rewind,
    /// It goes on.
    Fork,
}

/// Makes the new session, and gives its answer if there is one.
pub(super) fn branch(settings: &Settings, args: &BranchArgs, kind: Kind) -> Result<Exit, CliError> {
    let (Meant { path, journal, .. }, of) = wait(which::one(settings, &args.id))??;
    let of = of.id();
    // Nothing is written to say what would be.
    let journal = if args.dry_run {
        journal
    } else {
        drop(journal);
        to_change(&path)?
    };
    let desk = Desk::open(DeskOptions {
        library_dirs: program::library_dirs(&[], settings)?,
        home: program::home(settings),
        journal: Some(journal),
        sleep: settings.sleep,
    })?;
    let (registry, at, answer, dry_run) = (desk.registry().clone(), args.at, args.answer.clone(), args.dry_run);
    let result = desk.run(async move {
        let preview = registry.preview_branch(of, at).await?;
        if dry_run {
            return Ok((preview, None));
        }
        let id = match kind {
            Kind::Rewind => registry.rewind_to(of, at).await?,
            Kind::Fork => registry.fork_at(of, at).await?,
        };
        if kind == Kind::Rewind {
            // What the other has forked ends with it.
            registry.end_dropped().await.map_err(|error| BranchError::Unreadable(error.0))?;
        }
        let mut refusal = None;
        if let Some(text) = answer {
            let answer = ResumePayload::Single(Answer::new(at, text, AnsweredBy::Person));
            refusal = registry.resume(id, answer).await.err();
            let _ = tokio::time::timeout(SETTLING, come_to_rest(&registry, id)).await;
        }
        let state = registry.state(id).ok();
        Ok((preview, Some(Made { id, state, refusal })))
    });
    desk.close();
    let (preview, made) = result.map_err(|error: BranchError| refused(&error))?;
    output::data(match args.output {
        Format::Text => text(&preview, made.as_ref()),
        Format::Json => format!("{:#}\n", object(of, args, &preview, made.as_ref())),
        Format::Jsonl => object(of, args, &preview, made.as_ref()).to_string() + "\n",
    })?;
    match made.and_then(|Made { id, refusal, .. }| Some((id, refusal?))) {
        None => Ok(Exit::Ok),
        Some((id, error @ ResumeError::NotRecorded { .. })) => Err(CliError::failure(not_answered(id, &error))),
        Some((id, error)) => Err(CliError::usage(not_answered(id, &error))),
    }
}

/// A new session.
struct Made {
    id: SessionId,
    state: Option<ExecutionState>,
    /// Why it did not take its answer.
    refusal: Option<ResumeError>,
}

fn not_answered(id: SessionId, error: &ResumeError) -> String {
    format!("session {id} is there and was not answered: {error}")
}

/// Waits until a session and all that it waits for pause or have ended.
async fn come_to_rest(registry: &Registry, id: SessionId) {
    let mut seen = ChangeCursor::default();
    loop {
        seen = registry.changes(seen).cursor;
        if !moves(registry, id) {
            return;
        }
        registry.changed(seen).await;
    }
}

fn moves(registry: &Registry, id: SessionId) -> bool {
    let Ok(ExecutionState::Running { waiting_on }) = registry.state(id) else { return false };
    let Some(children) = waiting_on else { return true };
    let living: Vec<_> = registry.children(id).into_iter().filter(|child| !child.state.is_ended()).collect();
    // One has just ended otherwise, of which it is not told yet.
    living.len() != children as usize || living.iter().any(|child| moves(registry, child.id))
}

fn refused(error: &BranchError) -> CliError {
    match error {
        BranchError::NotAsked { .. } | BranchError::Child { .. } => CliError::usage(error.to_string()),
        BranchError::NotFound(_) | BranchError::Unreadable(_) | BranchError::NotRecorded(_) => {
            CliError::failure(error.to_string())
        }
    }
}

fn text(preview: &BranchPreview, made: Option<&Made>) -> String {
    let left = match preview.left.len() {
        0 => "none".to_owned(),
        n => n.to_string(),
    };
    let mut lines = vec![
        format!("asks again: {}", printable_line(&preview.prompt)),
        format!("keeps {} answers, leaves {left}", preview.kept),
    ];
    let told = |left: &LeftAnswer| format!("  {} {}: {}", left.query, left.by, printable_line(&left.response));
    lines.extend(preview.left.iter().map(told));
    lines.extend(preview.written.iter().map(|intent| {
        let key = intent.key.as_deref().map(|key| format!(" {}", printable_line(key))).unwrap_or_default();
        format!("  written since and not undone: {}{key}", printable_line(&intent.file))
    }));
    lines.extend(made.map(|Made { id, state, .. }| {
        let state = state.as_ref().map_or("unknown", |state| state.name().as_str());
        format!("session {id} is {state}")
    }));
    lines.join("\n") + "\n"
}

fn object(of: SessionId, args: &BranchArgs, preview: &BranchPreview, made: Option<&Made>) -> Value {
    let left =
        preview.left.iter().map(|left| json!({ "query_id": left.query, "by": left.by, "response": left.response }));
    json!({
        "of": of,
        "query_id": args.at,
        "prompt": preview.prompt,
        "kept": preview.kept,
        "left": left.collect::<Vec<_>>(),
        "written": preview.written,
        "session": made.map(|made| made.id),
        "execution": made.and_then(|made| made.state.as_ref()),
    })
}
