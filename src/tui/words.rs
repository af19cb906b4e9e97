//! How the desk puts things into words: ages, counts, states, events, results.
//!
//! Texts of programs go in as they are and come out unsafe to draw; `text` makes them visible where they are drawn.
//! Nothing here takes longer than what it says: long texts are cut before they are copied.

use std::fmt::Write as _;
use std::time::Duration;

use super::arrange::waiting_since;
use super::documents::json_text;
use super::feed::FeedLine;
use super::freeze::Frozen;
use super::names::born_at;
use super::sessions::Counts;
use super::text::{head, width_of};
use super::theme::Tone;
use crate::domain::{
    Cancelled, EffectStep, Event, EventKind, ExecutionState, Failure, Prompt, Query, Seq, StateName, Timestamp,
};
use crate::engine::{Presence, Recovery, Summary};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Bytes of a text that can be seen on one row at most.
const ROW_BYTES: usize = 1024;

/// How long ago `since` is: seconds below a minute, minutes above.
pub(super) fn age(since: Timestamp, now: Timestamp) -> String {
    let age = now.saturating_sub(since).max(0);
    match age {
        0..MINUTE => format!("{}s", age / SECOND),
        MINUTE..HOUR => format!("{}m", age / MINUTE),
        HOUR..DAY => format!("{}h{:02}m", age / HOUR, age % HOUR / MINUTE),
        _ => format!("{}d{:02}h", age / DAY, age % DAY / HOUR),
    }
}

/// When the age of `since` is written differently for the first time.
pub(super) fn next_age(since: Timestamp, now: Timestamp) -> Timestamp {
    let age = now.saturating_sub(since).max(0);
    let step = if age < MINUTE { SECOND } else { MINUTE };
    since + (age / step + 1) * step
}

/// How long something took.
pub(super) fn duration(ms: i64) -> String {
    match ms.max(0) {
        ms @ 0..SECOND => format!("{ms}ms"),
        ms @ SECOND..MINUTE => format!("{}.{}s", ms / SECOND, ms % SECOND / 100),
        ms @ MINUTE..HOUR if ms % MINUTE >= SECOND => format!("{}m{:02}s", ms / MINUTE, ms % MINUTE / SECOND),
        ms => age(0, ms),
    }
}

/// How long something took that is measured exactly.
pub(super) fn lasted(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1_000 => format!("{micros}µs"),
        micros @ 1_000..10_000 => format!("{}.{}ms", micros / 1_000, micros % 1_000 / 100),
        micros => duration((micros / 1_000) as i64),
    }
}

/// The time of day in UTC.
pub(super) fn clock(at: Timestamp) -> String {
    let day = at.rem_euclid(DAY);
    format!("{:02}:{:02}:{:02}", day / HOUR, day % HOUR / MINUTE, day % MINUTE / SECOND)
}

/// A number of tokens.
pub(super) fn tokens(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} tok"),
        1_000..1_000_000 => format!("{}.{}k tok", n / 1_000, n % 1_000 / 100),
        _ => format!("{}.{}M tok", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

/// `1 question`, `2 questions`.
pub(super) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Which of how many a search is at: `2 of 21`; where it is at none, how many there are.
pub(super) fn place((here, all): (Option<usize>, usize)) -> String {
    match here {
        Some(here) => format!("{here} of {all}"),
        None if all == 0 => "none".to_owned(),
        None => format!("{all} found"),
    }
}

/// The counts of the header, most wanted first.
pub(super) fn header_parts(counts: Counts, waiting_since: Option<Timestamp>, now: Timestamp) -> Vec<(Tone, String)> {
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
pub(super) fn live_parts(counts: Counts) -> String {
    let mut parts = format!("{} waiting, {} running", counts.waiting, counts.running);
    for (n, word) in [(counts.suspended, "suspended"), (counts.held, "held")] {
        if n > 0 {
            let _ = write!(parts, ", {n} {word}");
        }
    }
    parts
}

/// What happened behind a frozen picture.
pub(super) fn frozen(frozen: &Frozen) -> String {
    format!(
        " FROZEN at {} · behind it {} changed, {}",
        clock(frozen.at),
        count(frozen.sessions(), "session"),
        count(frozen.events as usize, "event")
    )
}

/// The time a row of the list shows: how long it has waited or run, or how long it took.
pub(super) fn row_time(summary: &Summary, now: Timestamp) -> String {
    match live_since(summary) {
        Some(since) => age(since, now),
        None => match summary.last_at - born_at(summary) {
            took @ MINUTE.. => age(0, took),
            took => duration(took),
        },
    }
}

/// Since when a session waits or runs; `None` when it has ended.
pub(super) fn live_since(summary: &Summary) -> Option<Timestamp> {
    match &summary.state {
        ExecutionState::Paused(_) => waiting_since(summary),
        ExecutionState::Running { .. } => Some(born_at(summary)),
        ExecutionState::Done(_) | ExecutionState::Cancelled(_) | ExecutionState::Failed(_) => None,
    }
}

/// What a row of the list says of its session: the question, the progress, or how it ended.
pub(super) fn row_text(summary: &Summary, width: usize) -> String {
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

pub(super) fn bar(step: u64, total: u64) -> String {
    const CELLS: u64 = 6;
    let full = step.min(total).saturating_mul(CELLS).checked_div(total).unwrap_or(0).min(CELLS);
    "▇".repeat(full as usize) + &"▁".repeat((CELLS - full) as usize)
}

/// Whether another session has taken the place of one, from an earlier question on.
pub(super) fn was_rewound(state: &ExecutionState) -> bool {
    let detail =
        |cancelled: &Cancelled| cancelled.reason.detail.as_deref().is_some_and(|it| it.starts_with("rewound to "));
    matches!(state, ExecutionState::Cancelled(cancelled) if detail(cancelled))
}

/// How far the sessions of the journal have come back; nothing once all have.
pub(super) fn recovery(recovery: &Recovery) -> Option<String> {
    let far = |verb, done: usize, of: usize| format!("{verb} {} {done}/{of}", bar(done as u64, of as u64));
    match *recovery {
        Recovery { read, of, .. } if read < of => Some(far("reading", read, of)),
        Recovery { rerun, to_rerun, .. } if rerun < to_rerun => Some(far("replaying", rerun, to_rerun)),
        _ => None,
    }
}

/// Which sessions of the journal are not here, what to do, and why it is so; nothing where all are.
pub(super) fn missing(recovery: &Recovery) -> Option<String> {
    let why = first_line(recovery.trouble.as_deref()?);
    Some(match recovery.damaged {
        0 => format!("not every session came back: {why}"),
        1 => format!("1 session is damaged; start again to save what is intact: {why}"),
        n => format!("{n} sessions are damaged; start again to save what is intact: {why}"),
    })
}

/// That nothing can be recorded.
pub(super) fn trouble(why: &str) -> String {
    format!("answers cannot be recorded: {}", first_line(why))
}

/// The process that a desk follows: its number, if it is known.
fn followed(whom: &str) -> &str {
    if whom.starts_with("pid ") { whom.split(" on ").next().unwrap_or(whom) } else { whom }
}

/// Whom a desk follows, in a header of so many columns.
pub(super) fn follows(whom: &str, width: u16) -> String {
    let read_only = if width < 60 { "" } else { "read-only · " };
    format!("follows {} · {read_only}", followed(whom))
}

/// Why nothing can be begun there.
pub(super) fn only_read(whom: &str) -> String {
    format!("{} has the journal: here it is only read", followed(whom))
}

/// Whom it follows and what that means.
pub(super) fn follows_long(whom: &str) -> String {
    let name = followed(whom);
    format!("{name} has the journal; this desk shows what it does, and takes over when it is gone ({whom})")
}

/// What becomes of sessions that have not ended when the desk is left, with a journal.
pub(super) fn farewell(counts: Counts) -> String {
    let (n, parts) = (counts.live(), live_parts(counts));
    let wait = if n == 1 { "1 session waits".to_owned() } else { format!("{n} sessions wait") };
    let come = if n == 1 { "comes" } else { "come" };
    format!("{wait} in the journal and {come} back with the next start ({parts})")
}

/// The first line of a text that is not blank, as far as a row could show it.
pub(super) fn first_line(text: &str) -> &str {
    head(text, 4 * ROW_BYTES).trim_ascii_start().lines().next().unwrap_or("")
}

/// A text that was written, on one line: its first, and signs for line ends behind it, which would be seen nowhere else.
pub(super) fn on_one_line(text: &str) -> String {
    let text = text.trim_ascii_start();
    let line = first_line(text);
    let behind = &text[line.len()..];
    if behind.is_empty() {
        line.to_owned()
    } else if behind.chars().all(|c| matches!(c, '\n' | '\r')) {
        format!("{line}{}", "⏎".repeat(behind.matches('\n').count().min(3)))
    } else {
        format!("{line}⏎…")
    }
}

/// What a text of these lines ends with that nobody sees; nothing if all of it is seen.
pub(super) fn ending<'a>(lines: impl DoubleEndedIterator<Item = &'a str>) -> Option<String> {
    let mut empty = 0;
    let mut last = None;
    for line in lines.rev() {
        if !line.is_empty() {
            last = Some(line);
            break;
        }
        empty += 1;
    }
    // Of a text without anything, the first line is no end of another.
    let empty = if last.is_none() { empty - 1 } else { empty };
    let blanks = last.map_or(0, |line| line.len() - line.trim_end_matches([' ', '\t']).len());
    match (empty, blanks) {
        (..=0, 0) => None,
        (..=0, 1) => Some("blank at the end".to_owned()),
        (..=0, blanks) => Some(format!("{blanks} blanks at the end")),
        (1, _) => Some("last line empty".to_owned()),
        (lines, _) => Some(format!("last {lines} lines empty")),
    }
}

/// The same in parentheses, behind what is said of the text.
pub(super) fn with_ending(text: &str) -> String {
    ending(text.split('\n')).map(|ending| format!(" ({ending})")).unwrap_or_default()
}

/// The heading over a session.
pub(super) fn session_heading(summary: &Summary, now: Timestamp) -> String {
    let word = summary.state.name().as_str().to_uppercase();
    let time = row_time(summary, now);
    let used = match summary.usage.total_tokens.tokens {
        0 => String::new(),
        n => format!(" · {}", tokens(n)),
    };
    let marked = super::presences::mark(&summary.presence).map(|mark| format!(" · {mark}")).unwrap_or_default();
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

pub(super) fn failure_kind(failure: &Failure) -> String {
    let kind = word_of(&failure.kind);
    match failure.limit {
        Some(limit) => format!("{kind}: {}", word_of(&limit)),
        None => kind,
    }
}

/// The word that JSON has for one of a few values.
pub(super) fn word_of(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// A number of bytes.
pub(super) fn sized(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KB", bytes / 1_024),
        1_048_576..1_073_741_824 => format!("{} MB", bytes / 1_048_576),
        _ => format!("{}.{} GB", bytes >> 30, ((bytes % (1 << 30)) * 10) >> 30),
    }
}

/// The number of a feed line.
pub(super) fn feed_seq(line: &FeedLine) -> Seq {
    match line {
        FeedLine::Event(event) => event.seq,
        FeedLine::Gap { from, .. } => *from,
    }
}

/// What a feed line says: its kind, and its payload as far as a row or a few could show it.
pub(super) fn feed_line(line: &FeedLine) -> (&'static str, String) {
    match line {
        FeedLine::Event(event) => (event.kind.name(), payload(event)),
        FeedLine::Gap { from, to } => ("gap", format!("events {from} to {to} are no longer kept")),
    }
}

fn payload(event: &Event) -> String {
    let short = |text: &str| head(text, ROW_BYTES).to_owned();
    match &event.kind {
        EventKind::Tick { .. } => "the program begins".into(),
        EventKind::StateTransition { from, to, .. } => format!("{from} → {to}"),
        EventKind::PauseRequested { info } => {
            let first = info.prompts.first().map_or("", |prompt| first_line(&prompt.query.prompt));
            match info.prompts.len() {
                0 | 1 => format!("epoch {}: “{first}”", info.epoch),
                n => format!("epoch {}: {n} questions: “{first}”", info.epoch),
            }
        }
        EventKind::ResumeAccepted { .. } => "all answered".into(),
        EventKind::LlmCallBegin { query_id } | EventKind::LlmCallEnd { query_id, .. } => query_id.to_string(),
        EventKind::Note { title: Some(title), content } => format!("{}: {}", short(title), short(content)),
        EventKind::Note { title: None, content } => short(content),
        EventKind::Log { level, message, .. } => format!("{}: {}", short(level), short(message)),
        EventKind::LogDropped { n } => format!("{} came too fast and were not kept", count(*n as usize, "line")),
        EventKind::Progress { step, total, message } => {
            format!("{step}/{total} {}", message.as_deref().map(short).unwrap_or_default())
        }
        EventKind::Stats { key, value } => format!("{} = {}", short(key), json_text(value, ROW_BYTES)),
        EventKind::Effect(EffectStep::Intent(intent)) => {
            let key = intent.key.as_deref().map(|key| format!(" “{}”", short(key))).unwrap_or_default();
            format!("{} {}{key}", intent.op, short(&intent.file))
        }
        EventKind::Effect(EffectStep::Done { intent, error: None }) => format!("#{intent} is written"),
        EventKind::Effect(EffectStep::Done { intent, error: Some(error) }) => {
            format!("#{intent}: {}", short(error))
        }
        EventKind::Branched(branch) => format!("from {} at {}", branch.of.short(), branch.at),
        EventKind::ChildStarted { session, strategy, .. } => format!("{} runs {}", session.short(), short(strategy)),
        EventKind::ChildEnded { session, state, .. } => format!("{} is {state}", session.short()),
        EventKind::AnswerAccepted { query_id, by, remaining, response, .. } => {
            let left = if *remaining > 0 { format!(" ({remaining} left)") } else { String::new() };
            format!("{query_id} by {by}{left}: “{}”", on_one_line(response))
        }
        EventKind::CancelRequested { reason } => {
            let detail = reason.detail.as_deref().map(|detail| format!(": {}", short(detail))).unwrap_or_default();
            format!("{}{detail}", reason.code.as_str())
        }
    }
}

/// The line of one question in the list of questions.
pub(super) fn question_state(prompt: &Prompt, place: QuestionPlace) -> (Tone, String) {
    match (&prompt.answered_by, place) {
        (Some(by), _) => (Tone::Dim, format!("answered by {by}")),
        (None, QuestionPlace::Sending) => (Tone::Warning, "sending".into()),
        (None, QuestionPlace::Drafted) => (Tone::State(StateName::Paused), "waiting · draft".into()),
        (None, QuestionPlace::Open) => (Tone::State(StateName::Paused), "waiting".into()),
    }
}

/// What the desk itself knows of an open question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuestionPlace {
    Open,
    Drafted,
    Sending,
}

/// What a question was asked with, on one line.
pub(super) fn asked_with(query: &Query) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_of_a_text_is_told() {
        for (text, line, ending_of) in [
            ("", "", None),
            ("7", "7", None),
            ("7\n", "7⏎", Some("last line empty")),
            ("7 \n\n", "7 ⏎⏎", Some("last 2 lines empty")),
            ("7\n\n\n\n\n", "7⏎⏎⏎", Some("last 5 lines empty")),
            ("7 ", "7 ", Some("blank at the end")),
            ("7\n  ", "7⏎…", Some("2 blanks at the end")),
            ("one\ntwo", "one⏎…", None),
            ("\n", "", Some("last line empty")),
        ] {
            assert_eq!(
                (on_one_line(text).as_str(), ending(text.split('\n')).as_deref()),
                (line, ending_of),
                "{text:?}"
            );
        }
        assert!(on_one_line(&"x".repeat(1 << 20)).len() < 10_000);
    }

    #[test]
    fn ages_count_seconds_below_a_minute_and_minutes_above() {
        for (ms, text, next) in [
            (0, "0s", 1_000),
            (59_999, "59s", 60_000),
            (60_000, "1m", 120_000),
            (3_599_999, "59m", 3_600_000),
            (3_660_000, "1h01m", 3_720_000),
            (90_000_000, "1d01h", 90_060_000),
        ] {
            assert_eq!(age(0, ms), text);
            assert_eq!(next_age(0, ms), next, "{text}");
        }
        assert_eq!(age(5_000, 0), "0s", "a clock that went back");
    }
}
