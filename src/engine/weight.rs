//! About how many bytes things take in memory, for what is bounded in bytes.
//!
//! Texts count in full also where they are shared: a bound must hold whoever shares them.

use serde_json::Value;

use crate::domain::{EffectStep, Event, EventKind, Prompt, TerminalOutcome};

/// Values above this size are dealt with where nobody waits: to convert this many bytes of numbers takes some ten
/// milliseconds.
pub(crate) const HEAVY: usize = 256 << 10;

/// Whether a value takes more than [`HEAVY`] bytes as JSON; looks no further than it must.
pub(crate) fn is_heavy(value: &Value) -> bool {
    fn left_of(left: usize, value: &Value) -> Option<usize> {
        let left = left.checked_sub(2)?;
        match value {
            Value::String(text) => left.checked_sub(text.len()),
            Value::Array(list) => list.iter().try_fold(left, left_of),
            Value::Object(map) => {
                map.iter().try_fold(left, |left, (key, value)| left_of(left.checked_sub(key.len())?, value))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(left),
        }
    }
    left_of(HEAVY, value).is_none()
}

/// About how many bytes an event takes.
pub(super) fn weight(event: &Event) -> usize {
    let payload = match &event.kind {
        EventKind::AnswerAccepted { response, .. } => response.len(),
        EventKind::PauseRequested { info } => info.prompts.iter().map(prompt_weight).sum(),
        EventKind::Note { title, content } => content.len() + title.as_ref().map_or(0, String::len),
        EventKind::Log { level, source, message } => level.len() + source.len() + message.len(),
        EventKind::Progress { message, .. } => message.as_ref().map_or(0, String::len),
        EventKind::Stats { key, value } => key.len() + json_weight(value),
        EventKind::StateTransition { end: Some(TerminalOutcome::Done(done)), .. } => json_weight(&done.value),
        EventKind::Effect(EffectStep::Intent(intent)) => {
            intent.file.len()
                + intent.key.as_ref().map_or(0, String::len)
                + intent.after.as_ref().map_or(0, |it| it.len())
        }
        EventKind::Effect(EffectStep::Done { error, .. }) => error.as_ref().map_or(0, String::len),
        EventKind::ChildStarted { strategy, .. } => strategy.len(),
        EventKind::ChildEnded { usage, .. } => size_of_val(&**usage),
        EventKind::StateTransition { .. }
        | EventKind::Tick { .. }
        | EventKind::Branched(_)
        | EventKind::ResumeAccepted { .. }
        | EventKind::LlmCallBegin { .. }
        | EventKind::LlmCallEnd { .. }
        | EventKind::LogDropped { .. }
        | EventKind::CancelRequested { .. } => 0,
    };
    size_of::<Event>() + payload
}

fn prompt_weight(Prompt { query, .. }: &Prompt) -> usize {
    let texts = [&query.system, &query.role, &query.cache_breakpoint];
    let texts: usize = texts.into_iter().flatten().map(|text| text.len()).sum();
    size_of_val(&**query) + query.prompt.len() + texts
}

/// About how many bytes a JSON value takes.
pub(super) fn json_weight(value: &Value) -> usize {
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(json_weight).sum(),
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + json_weight(value)).sum(),
    };
    size_of_val(value) + inner
}
