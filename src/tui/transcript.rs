//! A session as a text to read from top to bottom: what it was made of, what it asked, who answered, how it ended.
//!
//! For a pager or a file: one column, no colours, control characters as visible signs.

use std::fmt::Write as _;

use super::documents::json_text;
use super::feed::FeedLine;
use super::words::{asked_with, clock, feed_line, session_heading};
use crate::domain::{EventKind, ExecutionState, Timestamp, printable, printable_line};
use crate::engine::{EventRef, Summary};

/// Bytes of a result that a transcript holds: all of what a program may return.
const RESULT_BYTES: usize = 16 << 20;

/// The transcript of a session and its events.
pub(super) fn transcript(summary: &Summary, events: &[EventRef], now: Timestamp) -> String {
    let mut text = format!(
        "{}\nsession {} · {}\n",
        printable_line(summary.spec.display_title()),
        summary.id,
        printable_line(&session_heading(summary, now))
    );
    for (key, value) in &summary.spec.tags {
        let _ = writeln!(text, "tag {}", printable_line(&format!("{key}={value}")));
    }
    if let Some(ctx) = &summary.spec.ctx {
        let _ = writeln!(text, "ctx {}", printable_line(&json_text(ctx, RESULT_BYTES)));
    }
    for event in events {
        write_event(&mut text, event);
    }
    match &summary.state {
        ExecutionState::Done(done) => {
            let value = serde_json::to_string_pretty(&done.value).unwrap_or_default();
            let _ = writeln!(text, "\nresult:\n{}", printable(&value));
        }
        ExecutionState::Failed(failure) => {
            let _ = writeln!(text, "\nerror: {}", printable(&failure.message));
            if let Some(traceback) = &failure.traceback {
                let _ = writeln!(text, "{}", printable(traceback));
            }
        }
        ExecutionState::Cancelled(cancelled) => {
            let detail = cancelled.reason.detail.as_deref().unwrap_or("no detail given");
            let _ = writeln!(text, "\ncancelled ({}): {}", cancelled.reason.code.as_str(), printable(detail));
        }
        ExecutionState::Running { .. } | ExecutionState::Paused(_) => {}
    }
    text
}

fn write_event(text: &mut String, event: &EventRef) {
    let time = clock(event.at);
    match &event.kind {
        EventKind::PauseRequested { info } => {
            for prompt in &info.prompts {
                let with = asked_with(&prompt.query);
                let _ = writeln!(text, "\n{time}  {} asks\n{}", printable_line(&with), indented(&prompt.query.prompt));
                if let Some(system) = &prompt.query.system {
                    let _ = writeln!(text, "  system:\n{}", indented(system));
                }
            }
        }
        EventKind::AnswerAccepted { query_id, by, response, .. } => {
            let _ = writeln!(text, "\n{time}  {query_id} answered by {by}\n{}", indented(response));
        }
        EventKind::LlmCallBegin { .. }
        | EventKind::LlmCallEnd { .. }
        | EventKind::ResumeAccepted { .. }
        | EventKind::StateTransition { .. } => {}
        EventKind::Tick { .. }
        | EventKind::Note { .. }
        | EventKind::Log { .. }
        | EventKind::LogDropped { .. }
        | EventKind::Progress { .. }
        | EventKind::Stats { .. }
        | EventKind::CancelRequested { .. }
        | EventKind::Effect(_)
        | EventKind::Branched(_)
        | EventKind::ChildStarted { .. }
        | EventKind::ChildEnded { .. } => {
            let (kind, payload) = feed_line(&FeedLine::Event(event.clone()));
            let _ = writeln!(text, "{time}  {kind}: {}", printable_line(&payload));
        }
    }
}

fn indented(text: &str) -> String {
    printable(text).lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
