//! Lines of a feed.

use super::figures::count;
use super::texts::{ROW_BYTES, first_line, on_one_line};
use crate::domain::{EffectStep, Event, EventKind, Seq};
use crate::tui::documents::json_text;
use crate::tui::feed::FeedLine;
use crate::tui::text::head;

/// The number of a feed line.
pub(in crate::tui) fn feed_seq(line: &FeedLine) -> Seq {
    match line {
        FeedLine::Event(event) => event.seq,
        FeedLine::Gap { from, .. } => *from,
    }
}

/// What a feed line says: its kind, and its payload as far as a row or a few could show it.
pub(in crate::tui) fn feed_line(line: &FeedLine) -> (&'static str, String) {
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
