//! Sessions and their questions: what the header, the rows of the list and the headings say of them.

use std::fmt::Write as _;

use super::figures::{MINUTE, age, bar, clock, count, duration, tokens};
use super::texts::{ROW_BYTES, first_line};
use crate::domain::{Cancelled, ExecutionState, Failure, Prompt, Query, StateName, Timestamp};
use crate::engine::{Presence, Summary};
use crate::tui::arrange::waiting_since;
use crate::tui::freeze::Frozen;
use crate::tui::names::born_at;
use crate::tui::presences;
use crate::tui::sessions::Counts;
use crate::tui::text::{head, width_of};
use crate::tui::theme::Tone;

/// The counts of the header, most wanted first.
pub(in crate::tui) fn header_parts(
    counts: Counts,
    waiting_since: Option<Timestamp>,
    now: Timestamp,
) -> Vec<(Tone, String)> {
    let mut parts = vec![(Tone::Plain, count(counts.total, "session"))];
    let oldest = waiting_since.map(|since| format!(" (oldest {})", age(since, now))).unwrap_or_default();
    for (n, tone, word) in [
        (counts.waiting, Tone::State(StateName::Paused), "waiting"),
        (counts.suspended, Tone::Warning, "suspended"),
        (counts.held, Tone::Warning, "held"),
        (counts.running, Tone::State(StateName::Running), "running"),
        (counts.done, Tone::State(StateName::Done), "done"),
        (counts.failed, Tone::State(StateName::Failed), "failed"),
        (counts.cancelled, Tone::State(StateName::Cancelled), "cancelled"),
    ] {
        if n > 0 {
            let more = if word == "waiting" { oldest.as_str() } else { "" };
            parts.push((tone, format!("{n} {word}{more}")));
        }
    }
    parts
}

/// What those do that have not ended: `2 waiting, 1 running`, and what else there is.
pub(in crate::tui) fn live_parts(counts: Counts) -> String {
    let mut parts = format!("{} waiting, {} running", counts.waiting, counts.running);
    for (n, word) in [(counts.suspended, "suspended"), (counts.held, "held")] {
        if n > 0 {
            let _ = write!(parts, ", {n} {word}");
        }
    }
    parts
}

/// What happened behind a frozen picture.
pub(in crate::tui) fn frozen(frozen: &Frozen) -> String {
    format!(
        " FROZEN at {} · behind it {} changed, {}",
        clock(frozen.at),
        count(frozen.sessions(), "session"),
        count(frozen.events as usize, "event")
    )
}

/// The time a row of the list shows: how long it has waited or run, or how long it took.
pub(in crate::tui) fn row_time(summary: &Summary, now: Timestamp) -> String {
    match live_since(summary) {
        Some(since) => age(since, now),
        None => match summary.last_at - born_at(summary) {
            took @ MINUTE.. => age(0, took),
            took => duration(took),
        },
    }
}

/// Since when a session waits or runs; `None` when it has ended.
pub(in crate::tui) fn live_since(summary: &Summary) -> Option<Timestamp> {
    match &summary.state {
        ExecutionState::Paused(_) => waiting_since(summary),
        ExecutionState::Running { .. } => Some(born_at(summary)),
        ExecutionState::Done(_) | ExecutionState::Cancelled(_) | ExecutionState::Failed(_) => None,
    }
}

/// What a row of the list says of its session: the question, the progress, or how it ended.
pub(in crate::tui) fn row_text(summary: &Summary, width: usize) -> String {
    // A figure that is cut would be another figure: the bar goes first.
    let steps = |done: u64, of: u64| {
        let (bar, steps) = (bar(done, of), format!("{done}/{of}"));
        if width_of(&bar) + 1 + steps.len() <= width { format!("{bar} {steps}") } else { steps }
    };
    if let Presence::Replaying { done, of } = summary.presence {
        return steps(done, of);
    }
    match &summary.state {
        ExecutionState::Paused(pause) => {
            let first = pause.pending().next().map_or("", |prompt| first_line(&prompt.query.prompt));
            let all = pause.prompts.len();
            // How many are answered, as over the questions themselves and as of steps: done of all.
            let of = if all > 1 { format!("{}/{all} ", all - pause.pending().count()) } else { String::new() };
            format!("{of}“{first}”")
        }
        ExecutionState::Running { waiting_on: Some(1) } => "waits for 1 child".into(),
        ExecutionState::Running { waiting_on: Some(n) } => format!("waits for {n} children"),
        ExecutionState::Running { .. } if summary.is_held() => "held before its first instruction".into(),
        ExecutionState::Running { waiting_on: None } => match &summary.progress {
            Some(progress) => {
                let message = progress.message.as_deref().map_or("", |message| head(message, ROW_BYTES));
                format!("{} {message}", steps(progress.step, progress.total))
            }
            None => String::new(),
        },
        ExecutionState::Done(done) => match &done.value {
            serde_json::Value::String(text) => head(text, ROW_BYTES).to_owned(),
            value @ (serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_)) => {
                value.to_string()
            }
            serde_json::Value::Array(items) => format!("[{}]", count(items.len(), "item")),
            serde_json::Value::Object(fields) => format!("{{{}}}", count(fields.len(), "field")),
        },
        ExecutionState::Cancelled(cancelled) => reason(cancelled),
        ExecutionState::Failed(failure) => first_line(&failure.message).to_owned(),
    }
}

fn reason(cancelled: &Cancelled) -> String {
    let code = cancelled.reason.code.as_str();
    match &cancelled.reason.detail {
        Some(detail) => format!("{code}: {}", head(detail, ROW_BYTES)),
        None => code.to_owned(),
    }
}

/// Whether another session has taken the place of one, from an earlier question on.
pub(in crate::tui) fn was_rewound(state: &ExecutionState) -> bool {
    let detail =
        |cancelled: &Cancelled| cancelled.reason.detail.as_deref().is_some_and(|it| it.starts_with("rewound to "));
    matches!(state, ExecutionState::Cancelled(cancelled) if detail(cancelled))
}

/// The heading over a session.
pub(in crate::tui) fn session_heading(summary: &Summary, now: Timestamp) -> String {
    let word = if summary.is_held() { "HELD".to_owned() } else { summary.state.name().as_str().to_uppercase() };
    let time = row_time(summary, now);
    let used = match summary.usage.total_tokens.tokens {
        0 => String::new(),
        n => format!(" · {}", tokens(n)),
    };
    let marked = presences::mark(&summary.presence).map(|mark| format!(" · {mark}")).unwrap_or_default();
    match &summary.state {
        ExecutionState::Paused(pause) => {
            let of = pause.prompts.len();
            let answered = of - pause.pending().count();
            let batch = if of > 1 { format!(" · {answered} of {of} answered") } else { String::new() };
            format!("{word} {time}{marked} · pause {}{batch}{used}", pause.epoch)
        }
        ExecutionState::Running { .. } if !marked.is_empty() => format!("{word} {time}{marked}{used}"),
        ExecutionState::Running { .. } => match &summary.progress {
            Some(progress) => {
                let (step, total) = (progress.step, progress.total);
                format!("{word} {time} · {} {step}/{total}{used}", bar(step, total))
            }
            None => format!("{word} {time}{used}"),
        },
        ExecutionState::Done(_) | ExecutionState::Cancelled(_) => format!("{word} {time}{used}"),
        ExecutionState::Failed(failure) => format!("{word} {time} · {}", failure_kind(failure)),
    }
}

pub(in crate::tui) fn failure_kind(failure: &Failure) -> String {
    let kind = word_of(&failure.kind);
    match failure.limit {
        Some(limit) => format!("{kind}: {}", word_of(&limit)),
        None => kind,
    }
}

/// The word that JSON has for one of a few values.
pub(in crate::tui) fn word_of(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// The line of one question in the list of questions.
pub(in crate::tui) fn question_state(prompt: &Prompt, place: QuestionPlace) -> (Tone, String) {
    match (&prompt.answered_by, place) {
        (Some(by), _) => (Tone::Dim, format!("answered by {by}")),
        (None, QuestionPlace::Sending) => (Tone::Warning, "sending".into()),
        (None, QuestionPlace::Drafted) => (Tone::State(StateName::Paused), "waiting · draft".into()),
        (None, QuestionPlace::Open) => (Tone::State(StateName::Paused), "waiting".into()),
    }
}

/// What the desk itself knows of an open question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tui) enum QuestionPlace {
    Open,
    Drafted,
    Sending,
}

/// What a question was asked with, on one line.
pub(in crate::tui) fn asked_with(query: &Query) -> String {
    let mut with = format!("{} · max_tokens {}", query.query_id, query.max_tokens);
    if query.grounded {
        with.push_str(" · grounded");
    }
    if query.underspecified {
        with.push_str(" · underspecified");
    }
    for (name, value) in [("role", &query.role), ("cache_breakpoint", &query.cache_breakpoint)] {
        if let Some(value) = value {
            let _ = write!(with, " · {name} {}", head(value, ROW_BYTES));
        }
    }
    with
}
