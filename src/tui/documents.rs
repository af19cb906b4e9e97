//! The long texts of the right side: a question in full, how a session ended in full, and what it was asked before.
//!
//! Made once when they come into view, as blocks that the pager lays out. Nothing is drawn here.

use std::sync::Arc;

use super::life::Life;
use super::pager::Block;
use super::theme::{Tone, sign_of};
use super::words::{asked_with, clock, count, duration, failure_kind, first_line, tokens, word_of};
use crate::domain::{Cancelled, Done, ExecutionState, Query, StateName};
use crate::engine::Summary;

/// Bytes of a result that are shown. 1 MB: nobody reads more on a screen, and laying it out would be felt.
const RESULT_BYTES: usize = 1 << 20;

/// Sessions of a fork that are named.
const CHILDREN: usize = 50;

/// The text of a question: the prompt first, since it is what is answered, then what it was asked with.
pub(super) fn question_text(query: &Query) -> Vec<Block> {
    let mut blocks = vec![
        Block::new(Tone::Plain, Arc::clone(&query.prompt)),
        Block::new(Tone::Plain, ""),
        Block::new(Tone::Dim, asked_with(query)),
    ];
    if let Some(system) = &query.system {
        blocks.push(Block::new(Tone::Dim, format!("system: {system}")));
    }
    blocks
}

/// What stands where a question would stand, of a session that has not ended.
pub(super) fn no_question_text(summary: &Summary) -> Vec<Block> {
    let warning = super::presences::warning(&summary.presence);
    if !warning.is_empty() {
        return warning;
    }
    let text = match &summary.state {
        ExecutionState::Running { .. } if summary.is_held() => {
            "It is held before its first instruction; :release . lets it begin."
        }
        ExecutionState::Running { waiting_on: Some(_) } => "It waits for the children that it has forked.",
        ExecutionState::Running { waiting_on: None } => "It is running and asks nothing.",
        ExecutionState::Paused(_) => "It waits for an answer.",
        state @ (ExecutionState::Done(_) | ExecutionState::Cancelled(_) | ExecutionState::Failed(_)) => {
            return result_text(state);
        }
    };
    vec![Block::new(Tone::Dim, text)]
}

/// Where in the list the sessions stand that a fork waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whereabouts {
    /// Under it, all of them.
    Under,
    /// Folded away.
    Folded,
    /// Not shown by the filter: so many, and whether others are.
    Hidden(usize, bool),
    /// Elsewhere, some at least: under another heading.
    Apart,
}

/// Says where they stand, and how to see those that are not seen. `fold` is the key that unfolds, `back` the one that
/// removes the filter.
pub(super) fn whereabouts(place: Whereabouts, fold: &str, back: &str) -> Block {
    let removes = format!("{back} in the list removes it.");
    let text = match place {
        Whereabouts::Under => "They stand under it in the list, and ask there.".to_owned(),
        Whereabouts::Folded => format!("They are folded away in the list; {fold} there shows them."),
        Whereabouts::Hidden(_, false) => format!("The filter hides them; {removes}"),
        Whereabouts::Hidden(n, true) => format!("The filter hides {n} of them; {removes}"),
        Whereabouts::Apart => "They stand in the list under the headings of their groups, and ask there.".to_owned(),
    };
    Block::new(Tone::Dim, text)
}

/// What the sessions do that a fork waits for: a line each, those that ask first.
pub(super) fn forked_text(children: &[(String, &Summary)]) -> Vec<Block> {
    let mut lines: Vec<(u8, Block)> = children.iter().take(CHILDREN).map(|(name, child)| forked(name, child)).collect();
    lines.sort_by_key(|(rank, _)| *rank);
    let mut blocks = vec![Block::new(Tone::Plain, "")];
    blocks.extend(lines.into_iter().map(|(_, block)| block));
    if children.len() > CHILDREN {
        blocks.push(Block::new(Tone::Dim, format!("and {} more", children.len() - CHILDREN)));
    }
    blocks
}

fn forked(name: &str, child: &Summary) -> (u8, Block) {
    let (rank, does) = match &child.state {
        ExecutionState::Paused(pause) => {
            let prompt = pause.pending().next().map_or("", |prompt| first_line(&prompt.query.prompt));
            (0, format!("asks “{prompt}”"))
        }
        ExecutionState::Running { .. } => (1, "is running".to_owned()),
        state @ (ExecutionState::Done(_) | ExecutionState::Cancelled(_) | ExecutionState::Failed(_)) => {
            (2, format!("is {}", state.name()))
        }
    };
    let state = child.state.name();
    (rank, Block::hanging(Tone::State(state), format!("{} {name} {does}", sign_of(state)), 2))
}

/// What stands above the value of a session that is done.
pub(super) fn done_heading(done: &Done) -> Vec<Block> {
    let mut blocks = vec![Block::new(Tone::State(StateName::Done), format!("done at {}", clock(done.finished_at)))];
    if let Some(usage) = &done.usage {
        let of = format!(
            "{} · {} · waited {}",
            count(usage.llm_calls as usize, "question"),
            tokens(usage.total_tokens.tokens),
            duration(usage.waiting_ms as i64)
        );
        blocks.push(Block::new(Tone::Dim, of));
    }
    blocks.push(Block::new(Tone::Plain, ""));
    blocks
}

/// How a session ended, in full.
pub(super) fn result_text(state: &ExecutionState) -> Vec<Block> {
    match state {
        ExecutionState::Running { .. } => vec![Block::new(Tone::Dim, "It has not ended: it is running.")],
        ExecutionState::Paused(_) => {
            vec![Block::new(Tone::Dim, "It has not ended: it waits for an answer.")]
        }
        ExecutionState::Done(done) => {
            let mut blocks = done_heading(done);
            let (json, complete) = pretty(&done.value);
            blocks.push(Block::new(Tone::Plain, json));
            if !complete {
                blocks.push(Block::new(Tone::Warning, "… the value is longer; only its first megabyte is shown"));
            }
            blocks
        }
        ExecutionState::Failed(failure) => {
            let heading = format!("failed ({}) at {}", failure_kind(failure), clock(failure.occurred_at));
            let mut blocks = vec![
                Block::new(Tone::Error, heading),
                Block::new(Tone::Plain, ""),
                Block::new(Tone::Plain, failure.message.as_str()),
            ];
            if let Some(traceback) = &failure.traceback {
                blocks.push(Block::new(Tone::Plain, ""));
                blocks.push(Block::new(Tone::Dim, traceback.as_str()));
            }
            blocks
        }
        ExecutionState::Cancelled(cancelled) => cancelled_text(cancelled),
    }
}

/// Every question of a session that has ended, in full, with its answer: as far as its life is read.
pub(super) fn exchanges_text(life: &Life) -> Vec<Block> {
    // Nothing is read while the picture is frozen.
    if life.exchanges().is_empty() && !life.reads_on() && life.is_whole() {
        return Vec::new();
    }
    let mut blocks = vec![Block::new(Tone::Plain, ""), Block::new(Tone::Strong, "Its questions and answers")];
    for (query, exchange) in life.exchanges() {
        blocks.push(Block::new(Tone::Plain, ""));
        blocks.push(Block::new(Tone::Key, format!("{query} asked")));
        blocks.push(Block::new(Tone::Plain, Arc::clone(&exchange.prompt)));
        match &exchange.answer {
            Some((by, response)) => {
                blocks.push(Block::new(Tone::Key, format!("answered by {by}")));
                blocks.push(Block::new(Tone::Plain, Arc::clone(response)));
            }
            None => blocks.push(Block::new(Tone::Dim, "not answered")),
        }
    }
    if life.reads_on() {
        blocks.push(Block::new(Tone::Dim, "Reading …"));
    } else if !life.is_whole() {
        blocks.push(Block::new(Tone::Warning, "Not everything that it asked is kept or read here."));
    }
    blocks
}

fn cancelled_text(cancelled: &Cancelled) -> Vec<Block> {
    let reason = &cancelled.reason;
    let seen_at = word_of(&cancelled.seen_at);
    let mut blocks = vec![
        Block::new(Tone::State(StateName::Cancelled), format!("cancelled: {}", reason.code.as_str())),
        Block::new(Tone::Plain, format!("detail: {}", reason.detail.as_deref().unwrap_or("none given"))),
        Block::new(
            Tone::Plain,
            format!(
                "requested {} · observed {} ({} later) · seen at: {seen_at}",
                clock(reason.requested_at),
                clock(cancelled.observed_at),
                duration(cancelled.observed_at - reason.requested_at)
            ),
        ),
        Block::new(Tone::Plain, ""),
    ];
    match &cancelled.state_before {
        ExecutionState::Paused(pause) => {
            blocks.push(Block::new(Tone::Plain, format!("It was paused at epoch {}:", pause.epoch)));
            for prompt in &pause.prompts {
                let (tone, state) = match &prompt.answered_by {
                    Some(by) => (Tone::Dim, format!("answered by {by}")),
                    None => (Tone::Plain, "not answered".to_owned()),
                };
                let line = format!("  {} “{}” {state}", prompt.query.query_id, first_line(&prompt.query.prompt));
                blocks.push(Block::new(tone, line));
            }
        }
        before @ (ExecutionState::Running { .. }
        | ExecutionState::Done(_)
        | ExecutionState::Cancelled(_)
        | ExecutionState::Failed(_)) => {
            blocks.push(Block::new(Tone::Plain, format!("It was {}.", before.name())));
        }
    }
    blocks
}

/// JSON on indented lines, and whether that is all of it.
pub(super) fn pretty(value: &serde_json::Value) -> (String, bool) {
    pretty_within(value, RESULT_BYTES)
}

/// The same of anything, on at most so many bytes.
pub(super) fn pretty_within(value: &impl serde::Serialize, bytes: usize) -> (String, bool) {
    let mut room = Room { text: Vec::new(), bytes };
    let complete = serde_json::to_writer_pretty(&mut room, value).is_ok();
    (String::from_utf8_lossy(&room.text).into_owned(), complete)
}

/// JSON on at most so many bytes.
pub(super) fn json_text(value: &serde_json::Value, bytes: usize) -> String {
    let mut room = Room { text: Vec::new(), bytes };
    // The error is the room running out; what came before it is shown.
    drop(serde_json::to_writer(&mut room, value));
    String::from_utf8_lossy(&room.text).into_owned()
}

/// A writer that refuses more than it has room for.
struct Room {
    text: Vec<u8>,
    bytes: usize,
}

impl std::io::Write for Room {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        let fits = buf.len().min(self.bytes - self.text.len());
        if fits == 0 && !buf.is_empty() {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.text.extend_from_slice(&buf[..fits]);
        Ok(fits)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_value_is_cut_and_said_to_be() {
        let value = serde_json::Value::String("x".repeat(2 << 20));
        assert!(!pretty(&value).1);
        assert!(json_text(&serde_json::json!({"a": 1}), 100).contains("\"a\":1"));
    }
}
