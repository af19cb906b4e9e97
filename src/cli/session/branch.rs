//! `switchboard session rewind` and `fork`: a new session that goes on from an earlier question.

use serde_json::{Value, json};

use super::which::Meant;
use super::{wait, which};
use crate::cli::args::{BranchArgs, Format};
use crate::cli::exit::{CliError, Exit};
use crate::cli::journal::to_change;
use crate::cli::{output, program};
use crate::config::Settings;
use crate::desk::{Desk, DeskOptions};
use crate::domain::{Answer, AnsweredBy, ExecutionState, ObserverRecvError, ResumePayload, SessionId, printable_line};
use crate::engine::{BranchError, BranchPreview, LeftAnswer, Registry};

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
        if let Some(text) = answer {
            let answer = ResumePayload::Single(Answer::new(at, text, AnsweredBy::Person));
            registry.resume(id, answer).await.map_err(|error| BranchError::NotRecorded(error.to_string()))?;
            come_to_rest(&registry, id).await;
        }
        let state = registry.state(id).ok();
        Ok((preview, Some((id, state))))
    });
    desk.close();
    let (preview, made) = result.map_err(|error: BranchError| refused(&error))?;
    output::data(match args.output {
        Format::Text => text(&preview, made.as_ref()),
        Format::Json => format!("{:#}\n", object(of, args, &preview, made.as_ref())),
        Format::Jsonl => object(of, args, &preview, made.as_ref()).to_string() + "\n",
    })?;
    Ok(Exit::Ok)
}

/// A new session, and where it is.
type Made = (SessionId, Option<ExecutionState>);

/// Waits until a session pauses or has ended.
async fn come_to_rest(registry: &Registry, id: SessionId) {
    let Ok(summary) = registry.summary(id) else { return };
    let Ok(mut observer) = registry.observe(id, Some(summary.last_seq + 1)) else { return };
    while let Ok(ExecutionState::Running { .. }) = registry.state(id) {
        if matches!(observer.recv_turn().await, Err(ObserverRecvError::Closed)) {
            return;
        }
    }
}

fn refused(error: &BranchError) -> CliError {
    match error {
        BranchError::NotAsked { .. } | BranchError::Child(_) => CliError::usage(error.to_string()),
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
    lines.extend(made.map(|(id, state)| {
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
        "session": made.map(|(id, _)| id),
        "execution": made.and_then(|(_, state)| state.as_ref()),
    })
}
