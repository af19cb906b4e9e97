//! The program text of a session, with its lines numbered and the line marked that asked or failed.

use super::pager::Block;
use super::theme::Tone;
use crate::domain::{ExecutionState, Failure, SessionKind, SessionSpec, StateName};
use crate::engine::Summary;

/// The text, a block for each line; with a mark, a heading before them.
pub(super) fn text(summary: &Summary) -> Vec<Block> {
    let Some(code) = code_of(&summary.spec) else {
        return vec![Block::new(Tone::Dim, "A session of this kind has no text of its own.")];
    };
    let marked = marked_line(summary);
    let tone = Tone::State(summary.state.name());
    let numbers = code.lines().count().to_string().len().max(3);
    let line = |(n, line): (usize, &str)| {
        let (sign, tone) = if marked == Some(n) { ("▸", tone) } else { (" ", Tone::Plain) };
        Block::hanging(tone, format!("{sign}{n:>numbers$} {line}"), numbers + 2)
    };
    let head = mark_means(summary).map(|text| Block::new(Tone::Dim, text));
    head.into_iter().chain((1..).zip(code.lines()).map(line)).collect()
}

fn code_of(spec: &SessionSpec) -> Option<&str> {
    match &spec.kind {
        SessionKind::Run { code, .. } => Some(code),
        SessionKind::Advice { .. } | SessionKind::Eval { .. } => None,
    }
}

/// The line of the program, counted from 1, that asked what the session waits for, or where it failed.
pub(super) fn marked_line(summary: &Summary) -> Option<usize> {
    match &summary.state {
        ExecutionState::Failed(failure) => failed_line(&summary.spec, failure),
        ExecutionState::Paused(pause) => {
            let asked = pause.pending().chain(&pause.prompts).next();
            asked.and_then(|prompt| prompt.query.line).map(|line| line as usize)
        }
        ExecutionState::Cancelled(cancelled) => match &cancelled.state_before {
            ExecutionState::Paused(pause) => {
                pause.prompts.first().and_then(|prompt| prompt.query.line).map(|line| line as usize)
            }
            ExecutionState::Running { .. }
            | ExecutionState::Done(_)
            | ExecutionState::Cancelled(_)
            | ExecutionState::Failed(_) => None,
        },
        ExecutionState::Running { .. } | ExecutionState::Done(_) => None,
    }
}

/// What the mark means, above the text.
fn mark_means(summary: &Summary) -> Option<String> {
    let line = marked_line(summary)?;
    Some(match summary.state.name() {
        StateName::Failed => format!("failed at line {line}"),
        StateName::Paused => format!("line {line} asked"),
        StateName::Running | StateName::Done | StateName::Cancelled => format!("line {line} had asked"),
    })
}

/// The first line of the script that the message or the stack names.
fn failed_line(spec: &SessionSpec, failure: &Failure) -> Option<usize> {
    let script = match &spec.kind {
        SessionKind::Run { name, .. } => name.as_deref().unwrap_or("script"),
        SessionKind::Advice { .. } | SessionKind::Eval { .. } => return None,
    };
    let texts = std::iter::once(failure.message.as_str()).chain(failure.traceback.as_deref());
    texts.flat_map(|text| text.match_indices(script).map(|(at, _)| &text[at + script.len()..])).find_map(|behind| {
        let number = behind.strip_prefix(':')?;
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        number[..digits].parse().ok()
    })
}
