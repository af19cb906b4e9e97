//! A session as Markdown that people read: its questions and answers in their order, and what it said between them.

use std::fmt::Write;

use super::export::Kept;
use super::list::time;
use crate::domain::{
    EffectStep, Event, EventKind, ExecutionState, Query, Session, TerminalOutcome, printable, printable_line,
};

/// The transcript of a session.
pub(super) fn of(session: &Session, kept: &[Kept]) -> String {
    let mut page = Page::default();
    page.line(&format!("# {}", inline(session.spec().display_title())));
    page.blank();
    page.line(&format!("- session: `{}`", session.id()));
    page.line(&format!("- started: {}", time(session.created_at())));
    page.line(&format!("- state: {}", session.state().name()));
    for (key, value) in &session.spec().tags {
        page.line(&format!("- tag: {}={}", inline(key), inline(value)));
    }
    if let Some(branch) = &session.spec().branch {
        page.line(&format!("- goes on from: `{}` at {}", branch.of, branch.at));
    }
    let usage = session.usage();
    page.line(&format!("- asked: {} queries, {} tokens", usage.llm_calls, usage.total_tokens.tokens));
    for one in kept {
        match one.event() {
            Some(event) => page.event(event),
            None => {
                if let Kept::Gap(from, to) = one {
                    page.item(&format!("events {from} to {to} are no longer kept"));
                }
            }
        }
    }
    if let ExecutionState::Paused(pause) = session.state() {
        let open: Vec<String> = pause.pending().map(|prompt| prompt.query.query_id.to_string()).collect();
        page.heading(&format!("Waits for {}", open.join(", ")));
    }
    page.blank();
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        writeln!(self.0, "{line}").expect("writing to memory does not fail");
    }

    /// An empty line, unless there is one.
    fn blank(&mut self) {
        if !self.0.is_empty() && !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
    }

    fn heading(&mut self, text: &str) {
        self.blank();
        self.line(&format!("## {text}"));
        self.blank();
    }

    fn item(&mut self, text: &str) {
        if !self.0.lines().next_back().is_some_and(|line| line.starts_with("- ")) {
            self.blank();
        }
        self.line(&format!("- {}", printable_line(text)));
    }

    /// A text as it is, whatever is in it.
    fn block(&mut self, text: &str) {
        let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(3.max(longest + 1));
        self.blank();
        self.line(&format!("{fence}text\n{}\n{fence}", printable(text)));
    }

    fn question(&mut self, query: &Query, at: &str) {
        self.heading(&format!("{} asked {at}", query.query_id));
        if let Some(system) = &query.system {
            self.line("System:");
            self.block(system);
            self.blank();
        }
        self.block(&query.prompt);
    }

    fn event(&mut self, event: &Event) {
        let at = time(event.at);
        match &event.kind {
            EventKind::PauseRequested { info } => {
                for prompt in &info.prompts {
                    self.question(&prompt.query, &at);
                }
            }
            EventKind::AnswerAccepted { query_id, by, response, .. } => {
                self.blank();
                self.line(&format!("**{query_id} answered** by {} {at}", inline(&by.to_string())));
                self.block(response);
            }
            EventKind::Log { level, message, .. } => self.item(&format!("{at} {level}: {message}")),
            EventKind::LogDropped { n } => self.item(&format!("{at} {n} log lines came too fast and are not kept")),
            EventKind::Note { title, content } => {
                let title = title.as_deref().map(|title| format!("{title}: ")).unwrap_or_default();
                self.item(&format!("{at} note: {title}{content}"));
            }
            EventKind::Stats { key, value } => self.item(&format!("{at} {key} = {value}")),
            EventKind::Effect(EffectStep::Intent(intent)) => {
                let key = intent.key.as_deref().unwrap_or_default();
                self.item(&format!("{at} {} {} {key}", intent.op, intent.file));
            }
            EventKind::Effect(EffectStep::Done { error: Some(error), .. }) => {
                self.item(&format!("{at} {error}"));
            }
            EventKind::Branched(branch) => {
                self.item(&format!("{at} goes on from {} at {}", branch.of, branch.at));
            }
            EventKind::ChildStarted { session, strategy, .. } => {
                self.item(&format!("{at} child {session} started: {strategy}"));
            }
            EventKind::ChildEnded { session, state, .. } => self.item(&format!("{at} child {session} ended: {state}")),
            EventKind::StateTransition { end: Some(end), .. } => self.end(end, &at),
            EventKind::Tick { .. }
            | EventKind::StateTransition { end: None, .. }
            | EventKind::ResumeAccepted { .. }
            | EventKind::LlmCallBegin { .. }
            | EventKind::LlmCallEnd { .. }
            | EventKind::Progress { .. }
            | EventKind::Effect(EffectStep::Done { error: None, .. })
            | EventKind::CancelRequested { .. } => {}
        }
    }

    fn end(&mut self, end: &TerminalOutcome, at: &str) {
        match end {
            TerminalOutcome::Done(done) => {
                self.heading(&format!("Done {at}"));
                self.block(&format!("{:#}", done.value));
            }
            TerminalOutcome::Failed(failure) => {
                self.heading(&format!("Failed {at}"));
                self.block(&failure.message);
            }
            TerminalOutcome::Cancelled(cancelled) => {
                self.heading(&format!("Cancelled {at}"));
                let reason = &cancelled.reason;
                self.block(&format!("{} {}", reason.code.as_str(), reason.detail.as_deref().unwrap_or_default()));
            }
        }
    }
}

/// A text inside a line, without what Markdown would take for its own.
fn inline(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in printable_line(text).chars() {
        if "\\`*_[]<>#|".contains(c) {
            shown.push('\\');
        }
        shown.push(c);
    }
    shown
}
