//! The State tab: every fact that there is of a session, field by field and then as JSON, for whoever debugs a flow.
//!
//! Nothing is judged here and nothing left out; times stand with their distance.

use super::documents::pretty_within;
use super::feed::Feed;
use super::names::born_at;
use super::pager::Block;
use super::theme::Tone;
use super::words::{age, clock, count, duration, failure_kind, first_line, sized, word_of};
use crate::domain::{
    CancelReason, Cancelled, ExecutionState, Failure, Pause, Scenario, SessionKind, StateName, Timestamp, TokenCount,
    Usage,
};
use crate::engine::{Inspection, Retention, Summary};

/// Bytes of JSON that are shown: a result in full stands in its own tab.
const JSON_BYTES: usize = 64 << 10;

/// Columns of the names of fields.
const NAME: usize = 14;

/// The text, as of `now`. `inspection` is absent until the engine has been asked.
pub(super) fn text(summary: &Summary, inspection: Option<&Inspection>, feed: &Feed, now: Timestamp) -> Vec<Block> {
    let mut facts = Facts { blocks: Vec::new(), now };
    facts.session(summary);
    facts.heading("State");
    facts.state(&summary.state, feed);
    facts.heading("Usage");
    facts.usage(&summary.usage, &summary.state);
    facts.heading("In the engine");
    facts.field("last seq", format!("{} at {}", summary.last_seq, facts.time(summary.last_at)));
    facts.field("idle", age(summary.last_at, now));
    if let Some((tone, text)) = super::presences::fact(&summary.presence) {
        facts.toned(tone, "program", text);
    }
    match inspection {
        Some(inspection) => facts.engine(inspection),
        None => facts.field("observers", "not known yet"),
    }
    facts.heading("As JSON");
    let (json, complete) = pretty_within(&summary.state, JSON_BYTES);
    facts.blocks.push(Block::new(Tone::Plain, json));
    if !complete {
        facts.blocks.push(Block::new(Tone::Warning, "… it is longer; 4 shows the result"));
    }
    facts.blocks
}

struct Facts {
    blocks: Vec<Block>,
    now: Timestamp,
}

impl Facts {
    fn heading(&mut self, text: &str) {
        if !self.blocks.is_empty() {
            self.blocks.push(Block::new(Tone::Plain, ""));
        }
        self.blocks.push(Block::new(Tone::Strong, text));
    }

    fn field(&mut self, name: &str, value: impl AsRef<str>) {
        self.toned(Tone::Plain, name, value);
    }

    fn toned(&mut self, tone: Tone, name: &str, value: impl AsRef<str>) {
        self.blocks.push(Block::hanging(tone, format!("{name:<NAME$} {}", value.as_ref()), NAME + 1));
    }

    fn time(&self, at: Timestamp) -> String {
        format!("{} ({} ago)", clock(at), age(at, self.now))
    }

    fn session(&mut self, summary: &Summary) {
        let spec = &summary.spec;
        self.heading("Session");
        self.field("id", summary.id.to_string());
        self.field("title", spec.display_title());
        let kind = match &spec.kind {
            SessionKind::Run { code, name } => {
                let name = name.as_deref().unwrap_or("script");
                format!("run {name}, {}", count(code.lines().count(), "line"))
            }
            SessionKind::Advice { strategy, .. } => format!("advice of {strategy}"),
            SessionKind::Eval { scenario, strategy, .. } => {
                let scenario = match scenario {
                    Scenario::Inline(_) => "a scenario of its own".to_owned(),
                    Scenario::Name(name) => name.clone(),
                    Scenario::File(path) => path.display().to_string(),
                };
                format!("eval of {strategy} against {scenario}")
            }
        };
        self.field("kind", kind);
        if !spec.tags.is_empty() {
            let tags: Vec<String> = spec.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
            self.field("tags", tags.join(" "));
        }
        self.field("created", self.time(summary.created_at));
        if spec.branch.is_some() {
            self.field("branched", self.time(born_at(summary)));
        }
        let limits = &spec.limits;
        let mut limited = vec![format!("memory {}", sized(limits.memory_bytes))];
        for (name, limit, unit) in [
            ("cpu", limits.cpu_ms, " ms"),
            ("wall", limits.wall_ms, " ms"),
            ("pauses", limits.pauses, ""),
            ("queries", limits.queries, ""),
        ] {
            limited.extend(limit.map(|limit| format!("{name} {limit}{unit}")));
        }
        self.field("limits", limited.join(" · "));
        if spec.held && summary.last_seq == 0 && !summary.state.is_ended() {
            self.toned(Tone::Warning, "held", "before its first instruction; :release . lets it begin");
        }
    }

    fn state(&mut self, state: &ExecutionState, feed: &Feed) {
        self.toned(Tone::State(state.name()), "state", state.name().as_str());
        match state {
            ExecutionState::Running { waiting_on } => {
                if let Some(n) = waiting_on {
                    self.field("children", format!("{n} that it waits for"));
                }
            }
            ExecutionState::Paused(pause) => self.pause(pause, feed),
            ExecutionState::Done(done) => self.field("finished", self.time(done.finished_at)),
            ExecutionState::Failed(failure) => self.failure(failure),
            ExecutionState::Cancelled(cancelled) => self.cancelled(cancelled, feed),
        }
    }

    fn pause(&mut self, pause: &Pause, feed: &Feed) {
        self.field("epoch", pause.epoch.to_string());
        self.field("kind", word_of(&pause.kind));
        self.field("paused", self.time(pause.paused_at));
        let open: Vec<String> = pause.pending().map(|prompt| prompt.query.query_id.to_string()).collect();
        self.field("pending", if open.is_empty() { "none".to_owned() } else { open.join(" ") });
        for prompt in &pause.prompts {
            let query = prompt.query.query_id;
            let (tone, what) = match &prompt.answered_by {
                None => (Tone::State(StateName::Paused), "pending".to_owned()),
                Some(by) => match feed.answered_at(query) {
                    Some(at) => {
                        let after = duration(at - pause.paused_at);
                        (Tone::Plain, format!("answered by {by} at {}, {after} after the pause began", clock(at)))
                    }
                    None => (Tone::Plain, format!("answered by {by}")),
                },
            };
            let line = prompt.query.line.map(|line| format!(", asked at line {line}")).unwrap_or_default();
            self.toned(tone, &query.to_string(), format!("{what}{line}: “{}”", first_line(&prompt.query.prompt)));
        }
    }

    fn failure(&mut self, failure: &Failure) {
        self.field("kind", failure_kind(failure));
        self.field("occurred", self.time(failure.occurred_at));
        self.toned(Tone::Error, "message", &failure.message);
        match &failure.traceback {
            Some(traceback) => self.blocks.push(Block::new(Tone::Dim, traceback.as_str())),
            None => self.field("traceback", "none"),
        }
    }

    fn cancelled(&mut self, cancelled: &Cancelled, feed: &Feed) {
        self.reason(&cancelled.reason);
        let later = duration(cancelled.observed_at - cancelled.reason.requested_at);
        self.field("observed", format!("{}, {later} after it was requested", self.time(cancelled.observed_at)));
        self.field("seen at", word_of(&cancelled.seen_at));
        self.heading("State before the cancel");
        self.state(&cancelled.state_before, feed);
    }

    fn reason(&mut self, reason: &CancelReason) {
        self.field("code", reason.code.as_str());
        self.field("detail", reason.detail.as_deref().unwrap_or("none"));
        self.field("requested", self.time(reason.requested_at));
    }

    fn usage(&mut self, usage: &Usage, state: &ExecutionState) {
        self.field("questions", format!("{} in {}", usage.llm_calls, count(usage.pauses as usize, "pause")));
        self.field("rounds", usage.rounds.to_string());
        let (prompt, response) = (usage.total_prompt_chars, usage.total_response_chars);
        self.field("bytes", format!("{prompt} asked · {response} answered"));
        self.field("prompt", tokens(usage.prompt_tokens));
        self.field("response", tokens(usage.response_tokens));
        self.field("total", tokens(usage.total_tokens));
        let waiting = match state {
            ExecutionState::Paused(pause) => usage.waiting_ms as i64 + (self.now - pause.paused_at).max(0),
            ExecutionState::Running { .. }
            | ExecutionState::Done(_)
            | ExecutionState::Cancelled(_)
            | ExecutionState::Failed(_) => usage.waiting_ms as i64,
        };
        self.field("waited", format!("{} for answers", duration(waiting)));
        self.field("elapsed", format!("{} as of its last event", duration(usage.elapsed_ms as i64)));
    }

    fn engine(&mut self, inspection: &Inspection) {
        self.field("observers", inspection.observers.to_string());
        self.field("collection", collection(inspection.retention));
        if inspection.ignored > 0 {
            let n = inspection.ignored as usize;
            self.toned(Tone::Warning, "ignored", format!("{} after its end", count(n, "cancel")));
        }
        for reason in &inspection.ignored_cancels {
            let detail = reason.detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
            self.field("", format!("{} {}{detail}", clock(reason.requested_at), reason.code.as_str()));
        }
    }
}

fn tokens(count: TokenCount) -> String {
    format!("{} tokens, {}", count.tokens, word_of(&count.source()))
}

fn collection(retention: Retention) -> String {
    let seconds = |ms: u64| duration(i64::try_from(ms).unwrap_or(i64::MAX));
    match retention {
        Retention::Live => "never, since it has not ended".into(),
        Retention::Observed(n) => format!("not now: {}", count(n, "observer")),
        Retention::NoSweeps => "never: nothing collects".into(),
        Retention::Young { idle_ms, ttl_ms } => {
            format!("not yet: idle for {} of {}", seconds(idle_ms), seconds(ttl_ms))
        }
        Retention::Due { interval_ms } => format!("yes, at the next sweep; one comes every {}", seconds(interval_ms)),
        Retention::Evicted => "done: it was evicted, the journal answers for it".into(),
    }
}
