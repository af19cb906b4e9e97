//! The life of a session as moments: when it ran, when it waited, each question and each answer, and its state then.
//!
//! Made of its events, which are read page by page and folded as everywhere; the events themselves are not kept, and
//! what is kept is bounded. Nothing is drawn here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::app::{App, Layer, Tab};
use super::feed::FeedLine;
use super::msg::{Cmd, FeedItem};
use super::pager::Block;
use super::text::head;
use super::theme::Tone;
use super::words::{clock, count, duration, feed_line, first_line, on_one_line, session_heading};
use crate::domain::{
    AnsweredBy, Event, EventKind, ExecutionState, ObserverRecvError, QueryId, Seq, Session, SessionId, StateName,
    Timestamp, apply,
};
use crate::engine::Summary;

/// Events that are read at a time: a few milliseconds' worth.
const PAGE: u64 = 1_000;

/// Moments that are kept, and bytes of questions and answers.
const MOMENTS: usize = 10_000;
const BYTES: usize = 64 << 20;

/// Questions of a pause that a state names.
const NAMED: usize = 6;

/// Bytes of a question or an answer that a line shows.
const LINE_BYTES: usize = 200;

/// Columns of a distance.
const DISTANCE: usize = 8;

/// Something that happened, and the state behind it.
#[derive(Debug)]
struct Moment {
    seq: Seq,
    at: Timestamp,
    tone: Tone,
    text: String,
    then: Vec<(Tone, String)>,
}

/// A question, and the answer that its program got.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exchange {
    pub(super) prompt: Arc<str>,
    pub(super) answer: Option<(AnsweredBy, Arc<str>)>,
}

/// What is known of a session's life so far.
#[derive(Debug)]
pub(super) struct Life {
    folded: Session,
    moments: Vec<Moment>,
    exchanges: BTreeMap<QueryId, Exchange>,
    /// The number of the last event that was read.
    read: Seq,
    bytes: usize,
    /// A page is under way.
    awaits: bool,
    /// There is no room for more, or nothing more is to be had.
    full: bool,
    /// Events are missing that are no longer kept.
    has_gap: bool,
}

impl Life {
    pub(super) fn of(summary: &Summary) -> Self {
        Self {
            folded: Session::new(summary.id, Arc::clone(&summary.spec), summary.created_at),
            moments: Vec::new(),
            exchanges: BTreeMap::new(),
            read: 0,
            bytes: 0,
            awaits: false,
            full: false,
            has_gap: false,
        }
    }

    pub(super) fn session(&self) -> SessionId {
        self.folded.id()
    }

    /// The state behind the last event that was read.
    pub(super) fn state(&self) -> &ExecutionState {
        self.folded.state()
    }

    /// Every question in order, with its answer.
    pub(super) fn exchanges(&self) -> &BTreeMap<QueryId, Exchange> {
        &self.exchanges
    }

    /// Whether a page is under way.
    pub(super) fn reads_on(&self) -> bool {
        self.awaits
    }

    /// Whether nothing is missing of what was to be read.
    pub(super) fn is_whole(&self) -> bool {
        !self.full && !self.has_gap
    }

    /// A number that is another one when more is known.
    pub(super) fn edition(&self) -> u64 {
        self.read
    }

    /// What is to be read next, if anything is and nothing is under way.
    fn next_page(&mut self, last: Seq) -> Option<Cmd> {
        if self.awaits || self.full || self.read >= last {
            return None;
        }
        self.awaits = true;
        let from = self.read + 1;
        Some(Cmd::Life { session: self.session(), from, to: last.min(self.read + PAGE) })
    }

    /// Takes in a page.
    fn take(&mut self, from: Seq, items: &[FeedItem]) {
        if from != self.read + 1 {
            return;
        }
        self.awaits = false;
        self.full |= items.is_empty();
        for item in items {
            match item {
                FeedItem::Event(event) => {
                    self.bytes += event.bytes();
                    self.read = event.seq;
                    self.fold(event);
                }
                FeedItem::Instead(ObserverRecvError::Gap { from, to }) => {
                    self.read = *to;
                    self.has_gap = true;
                    let (_, text) = feed_line(&FeedLine::Gap { from: *from, to: *to });
                    self.note(*to, self.folded.last_at(), Tone::Warning, text);
                }
                FeedItem::Instead(ObserverRecvError::Closed) => {}
            }
            if !self.full && (self.moments.len() >= MOMENTS || self.bytes >= BYTES) {
                self.full = true;
                let text = format!("no more is read here: {}", count(self.moments.len(), "moment"));
                self.note(self.read, self.folded.last_at(), Tone::Warning, text);
                break;
            }
        }
    }

    fn fold(&mut self, event: &Event) {
        let waited = match self.folded.state() {
            ExecutionState::Paused(pause) => event.at - pause.paused_at,
            _ => 0,
        };
        apply(&mut self.folded, event);
        let (tone, text) = match &event.kind {
            EventKind::Tick { .. } => (Tone::State(StateName::Running), "begins to run".to_owned()),
            EventKind::PauseRequested { info } => {
                for prompt in &info.prompts {
                    let exchange = Exchange { prompt: Arc::clone(&prompt.query.prompt), answer: None };
                    self.exchanges.insert(prompt.query.query_id, exchange);
                }
                let first = info.prompts.first();
                let asked =
                    first.map_or(String::new(), |it| format!("{} “{}”", it.query.query_id, line(&it.query.prompt)));
                let of = match info.prompts.len() {
                    0 | 1 => String::new(),
                    n => format!(" and {} more", n - 1),
                };
                (Tone::State(StateName::Paused), format!("waits: {asked}{of}"))
            }
            EventKind::AnswerAccepted { query_id, by, response, .. } => {
                if let Some(exchange) = self.exchanges.get_mut(query_id) {
                    exchange.answer = Some((by.clone(), Arc::clone(response)));
                }
                let after = duration(waited);
                (
                    Tone::Plain,
                    format!(
                        "{query_id} answered by {by} after {after}: “{}”",
                        head(&on_one_line(response), LINE_BYTES)
                    ),
                )
            }
            EventKind::ResumeAccepted { .. } => (Tone::State(StateName::Running), "runs on".to_owned()),
            EventKind::StateTransition { to, end: Some(_), .. } => (Tone::State(*to), to.as_str().to_owned()),
            EventKind::CancelRequested { .. }
            | EventKind::Branched(_)
            | EventKind::ChildStarted { .. }
            | EventKind::ChildEnded { .. } => {
                let (kind, payload) = words_of(event);
                (Tone::Dim, format!("{kind}: {payload}"))
            }
            EventKind::StateTransition { end: None, .. }
            | EventKind::LlmCallBegin { .. }
            | EventKind::LlmCallEnd { .. }
            | EventKind::Note { .. }
            | EventKind::Log { .. }
            | EventKind::LogDropped { .. }
            | EventKind::Progress { .. }
            | EventKind::Stats { .. }
            | EventKind::Effect(_) => return,
        };
        self.note(event.seq, event.at, tone, text);
    }

    fn note(&mut self, seq: Seq, at: Timestamp, tone: Tone, text: String) {
        let then = self.then();
        self.moments.push(Moment { seq, at, tone, text, then });
    }

    /// The state now, in a few lines.
    fn then(&self) -> Vec<(Tone, String)> {
        let summary = Summary::from(&self.folded);
        let usage = self.folded.usage();
        let asked = format!(
            "{} in {} · waited {} · {} in all",
            count(usage.llm_calls as usize, "question"),
            count(usage.pauses as usize, "pause"),
            duration(usage.waiting_ms as i64),
            duration(usage.elapsed_ms as i64)
        );
        let mut then = vec![
            (Tone::State(summary.state.name()), session_heading(&summary, self.folded.last_at())),
            (Tone::Plain, asked),
        ];
        if let Some(progress) = self.folded.progress() {
            then.push((Tone::Plain, format!("step {} of {}", progress.step, progress.total)));
        }
        if let ExecutionState::Paused(pause) = &summary.state {
            for prompt in pause.prompts.iter().take(NAMED) {
                let (tone, how) = match &prompt.answered_by {
                    Some(by) => (Tone::Dim, format!("answered by {by}")),
                    None => (Tone::State(StateName::Paused), "waiting".to_owned()),
                };
                then.push((tone, format!("{} {how}: “{}”", prompt.query.query_id, line(&prompt.query.prompt))));
            }
        }
        then
    }

    /// A row for each moment.
    pub(super) fn blocks(&self) -> Vec<Block> {
        if self.moments.is_empty() {
            return vec![Block::new(Tone::Dim, if self.full { "Nothing is kept." } else { "Nothing yet." })];
        }
        let mut before = self.folded.created_at();
        let row = |moment: &Moment| {
            let distance = format!("+{}", duration(moment.at - before));
            before = moment.at;
            let text = format!("{} {distance:>DISTANCE$}  {}", clock(moment.at), moment.text);
            Block::hanging(moment.tone, text, 8 + 1 + DISTANCE + 2)
        };
        self.moments.iter().map(row).collect()
    }

    /// The number of a moment's event, and the state behind it.
    pub(super) fn then_at(&self, moment: usize) -> Option<(Seq, &[(Tone, String)])> {
        self.moments.get(moment).map(|moment| (moment.seq, &*moment.then))
    }
}

fn line(text: &str) -> &str {
    head(first_line(text), LINE_BYTES)
}

fn words_of(event: &Event) -> (&'static str, String) {
    match &event.kind {
        EventKind::CancelRequested { reason } => {
            let detail = reason.detail.as_deref().map(|detail| format!(": {}", line(detail))).unwrap_or_default();
            ("cancelled", format!("{}{detail}", reason.code.as_str()))
        }
        EventKind::Branched(branch) => ("goes on", format!("from {} at {}", branch.of.short(), branch.at)),
        EventKind::ChildStarted { session, strategy, .. } => {
            ("forks", format!("{} runs {}", session.short(), line(strategy)))
        }
        EventKind::ChildEnded { session, state, .. } => ("child", format!("{} is {state}", session.short())),
        _ => ("", String::new()),
    }
}

impl App {
    /// Has the lives that are looked at read on. Comes behind every message.
    pub(super) fn read_lives(&mut self, cmds: &mut Vec<Cmd>) {
        // Of one that has ended, its questions stand under the result.
        let shows = |summary: &&Summary| match self.tab {
            Tab::Timeline => true,
            Tab::Questions => summary.state.is_ended() && summary.asked > 0,
            Tab::Feed | Tab::State | Tab::Result | Tab::Source => false,
        };
        let wanted = self.selected_summary().filter(shows);
        let known = self.life.as_ref().map(|life| life.session());
        match wanted {
            Some(summary) if known != Some(summary.id) => self.life = Some(Box::new(Life::of(summary))),
            Some(_) => {}
            None => self.life = None,
        }
        if self.frozen.is_some() {
            return;
        }
        let sessions = &self.sessions;
        let mut lives: Vec<&mut Life> = self.life.iter_mut().map(|life| &mut **life).collect();
        if let Some(Layer::Beside(beside)) = &mut self.layer {
            lives.extend(beside.lives_mut());
        }
        for life in lives {
            let last = sessions.get(life.session()).map_or(0, |summary| summary.last_seq);
            cmds.extend(life.next_page(last));
        }
    }

    /// Takes in a page of a session's events.
    pub(super) fn lived(&mut self, session: SessionId, from: Seq, items: &[FeedItem]) {
        let mut lives: Vec<&mut Life> = self.life.iter_mut().map(|life| &mut **life).collect();
        if let Some(Layer::Beside(beside)) = &mut self.layer {
            lives.extend(beside.lives_mut());
        }
        for life in lives.into_iter().filter(|life| life.session() == session) {
            life.take(from, items);
        }
    }
}
