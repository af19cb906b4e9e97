//! Events as lines for people. Whatever a program says is shown as data: control characters become visible signs.

use std::fmt::Write;

use super::Form;
use super::follow::Whose;
use super::terminal::{End, Terminal};
use crate::domain::{CancelCode, EffectStep, Event, EventKind, Prompt, Query, SessionId, printable_line};

/// The longest part of a text that one line shows; `-o jsonl` has it all.
const SHOWN_CHARS: usize = 2000;

const PLAIN: &str = "";
const DIM: &str = "2";
const ASKS: &str = "1;33";
const GOOD: &str = "32";
const BAD: &str = "31";

/// Writes the lines of an event. Those that only mark the way to another have none.
pub(in crate::cli) fn event(out: &mut String, form: Form, whose: Whose, event: &Event) {
    let mut lines = Lines { out, form, whose };
    match &event.kind {
        EventKind::Tick { .. } => lines.line(DIM, "running"),
        EventKind::PauseRequested { info } => {
            for prompt in &info.prompts {
                lines.question(&prompt.query);
            }
        }
        EventKind::AnswerAccepted { query_id, by, response, .. } => {
            lines.line(PLAIN, &format!("> {query_id} {by}: {}", shown(response)));
        }
        EventKind::Log { level, message, .. } => lines.line(DIM, &format!("  {}: {}", shown(level), shown(message))),
        EventKind::LogDropped { n } => lines.line(DIM, &format!("  {n} log lines came too fast and are not kept")),
        EventKind::Progress { step, total, message } => {
            let message = message.as_deref().map(shown).unwrap_or_default();
            lines.line(DIM, format!("  {step}/{total} {message}").trim_end());
        }
        EventKind::Stats { key, value } => {
            lines.line(DIM, &format!("  {} = {}", shown(key), shown(&value.to_string())));
        }
        EventKind::Effect(EffectStep::Intent(intent)) => {
            let key = intent.key.as_deref().map(|key| format!(" {}", shown(key))).unwrap_or_default();
            lines.line(DIM, &format!("  {}: {}{key}", intent.op, shown(&intent.file)));
        }
        EventKind::Effect(EffectStep::Done { error: Some(error), .. }) => {
            lines.line(BAD, &format!("! {}", shown(error)));
        }
        EventKind::Branched(branch) => {
            lines.line(DIM, &format!("  goes on from {} at {}", branch.of.short(), branch.at));
        }
        EventKind::ChildStarted { session, strategy, .. } => {
            lines.line(DIM, &format!("  child {}: {}", session.short(), shown(strategy)));
        }
        EventKind::ChildEnded { session, state, .. } => {
            lines.line(DIM, &format!("  child {}: {state}", session.short()));
        }
        EventKind::Note { title, content } => {
            let title = title.as_deref().map(|title| format!("{}: ", shown(title))).unwrap_or_default();
            lines.line(BAD, &format!("! {title}{}", shown(content)));
        }
        // That the program itself ends what waits is said by the last line.
        EventKind::CancelRequested { reason } if reason.code == CancelCode::SystemShutdown => {}
        EventKind::CancelRequested { reason } => {
            let detail = reason.detail.as_deref().map(|detail| format!(": {}", shown(detail))).unwrap_or_default();
            lines.line(DIM, &format!("  cancel requested, {}{detail}", reason.code.as_str()));
        }
        EventKind::Effect(EffectStep::Done { error: None, .. })
        | EventKind::StateTransition { .. }
        | EventKind::ResumeAccepted { .. }
        | EventKind::LlmCallBegin { .. }
        | EventKind::LlmCallEnd { .. } => {}
    }
}

/// Writes the lines of a question.
pub(super) fn question(out: &mut String, form: Form, whose: Whose, query: &Query) {
    Lines { out, form, whose }.question(query);
}

/// Writes the line of a gap.
pub(in crate::cli) fn gap(out: &mut String, form: Form, whose: Whose, from: u64, to: u64) {
    Lines { out, form, whose }.line(DIM, &format!("  events {from} to {to} are no longer kept"));
}

/// Writes the last line of a session.
pub(super) fn terminal(out: &mut String, form: Form, whose: Whose, terminal: &Terminal<'_>) {
    let mut lines = Lines { out, form, whose };
    match &terminal.end {
        End::Done { value } => lines.line(GOOD, &format!("done: {}", shown(&value.to_string()))),
        End::Failed { error, limit: None } => lines.line(BAD, &format!("failed: {}", shown(error))),
        End::Failed { error, limit: Some(_) } => lines.line(BAD, &format!("failed at a limit: {}", shown(error))),
        End::Cancelled { reason } => {
            let detail = reason.detail.as_deref().map(|detail| format!(": {}", shown(detail))).unwrap_or_default();
            lines.line(BAD, &format!("cancelled, {}{detail}", reason.code.as_str()));
        }
        End::Waiting { pending } => {
            for Prompt { query, .. } in pending {
                lines.line(ASKS, &format!("waiting: {} {}", query.query_id, shown(&query.prompt)));
            }
        }
    }
}

struct Lines<'a> {
    out: &'a mut String,
    form: Form,
    whose: Whose,
}

impl Lines<'_> {
    fn question(&mut self, query: &Query) {
        self.line(ASKS, &format!("? {} {}", query.query_id, shown(&query.prompt)));
        if let Some(system) = &query.system {
            self.line(DIM, &format!("  system: {}", shown(system)));
        }
    }

    /// One line, in a colour where there are colours, behind the name of its session where there are several or it is a
    /// child.
    fn line(&mut self, style: &str, text: &str) {
        let top = self.form.several.then(|| self.whose.top.short());
        let names: Vec<String> = top.into_iter().chain(self.whose.child().map(SessionId::short)).collect();
        if !names.is_empty() {
            self.out.push_str(&names.join("/"));
            self.out.push_str("  ");
        }
        let written = if self.form.colors && style != PLAIN {
            writeln!(self.out, "\x1b[{style}m{text}\x1b[0m")
        } else {
            writeln!(self.out, "{text}")
        };
        written.expect("writing to memory does not fail");
    }
}

/// A text as one line of bounded length.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}… ({} more bytes)", printable_line(&text[..end]), text.len() - end),
        None => printable_line(text).into_owned(),
    }
}
