//! Two sessions beside each other: what each asked, what it was answered, how it ended; what differs is marked.
//!
//! By default a branch and the session it goes on from. Nothing is drawn here.

use std::collections::BTreeSet;

use super::app::{App, Layer};
use super::documents::pretty_within;
use super::feed::wrapped;
use super::keymap::{Action, Motion};
use super::life::{Exchange, Life};
use super::listing::ListVerb;
use super::names::born_at;
use super::text::head;
use super::theme::Tone;
use super::words::first_line;
use crate::domain::{ExecutionState, QueryId, SessionId};

/// Bytes of an answer or a result that are shown.
const BYTES: usize = 4 << 10;

/// One row of the layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BesideRow {
    /// Over both columns.
    Both(Tone, String),
    Pair(Tone, String, String),
}

/// The layer.
#[derive(Debug)]
pub(super) struct Beside {
    lives: [Life; 2],
    pub(super) names: [String; 2],
    rows: Vec<BesideRow>,
    /// What the rows were made of: the width, and how much of each was read.
    made_of: Option<(usize, u64, u64)>,
    top: usize,
    height: usize,
}

impl Beside {
    pub(super) fn lives_mut(&mut self) -> impl Iterator<Item = &mut Life> {
        self.lives.iter_mut()
    }

    /// The rows that are seen.
    pub(super) fn visible(&self) -> impl Iterator<Item = &BesideRow> {
        self.rows.iter().skip(self.top)
    }

    /// The columns of each side on so many in all; between them stands one blank, a line and one blank.
    pub(super) fn half(width: usize) -> usize {
        width.saturating_sub(3) / 2
    }

    pub(super) fn scroll(&mut self, motion: Motion) {
        let half = self.height.div_ceil(2).max(1);
        let top = match motion {
            Motion::Down => self.top + 1,
            Motion::Up => self.top.saturating_sub(1),
            Motion::HalfDown => self.top + half,
            Motion::HalfUp => self.top.saturating_sub(half),
            Motion::Top => 0,
            Motion::Bottom => usize::MAX,
        };
        self.top = top.min(self.rows.len().saturating_sub(self.height));
    }

    pub(super) fn prepare(&mut self, width: usize, height: usize) {
        self.height = height;
        let made_of = Some((width, self.lives[0].edition(), self.lives[1].edition()));
        if self.made_of != made_of {
            self.made_of = made_of;
            self.rows = self.rows_of(Self::half(width));
        }
        self.top = self.top.min(self.rows.len().saturating_sub(height));
    }

    fn rows_of(&self, half: usize) -> Vec<BesideRow> {
        let [left, right] = &self.lives;
        let mut rows = Vec::new();
        let queries: BTreeSet<QueryId> = left.exchanges().keys().chain(right.exchanges().keys()).copied().collect();
        for query in queries {
            let both = [left, right].map(|life| life.exchanges().get(&query));
            let [asked_left, asked_right] = both.map(|it| it.map(|it| &it.prompt));
            let same_prompt = asked_left == asked_right;
            if let Some(prompt) = asked_left.filter(|_| same_prompt) {
                rows.push(BesideRow::Both(Tone::Strong, format!("{query}  “{}”", first_line(prompt))));
            } else {
                rows.push(BesideRow::Both(Tone::Warning, format!("{query}  ≠ asked otherwise")));
                let prompts = both.map(|it| it.map_or("not asked".to_owned(), |it| format!("“{}”", it.prompt)));
                pair(&mut rows, Tone::Warning, &prompts, half);
            }
            let [answer_left, answer_right] = both.map(|it| it.and_then(|it| it.answer.as_ref()).map(|it| &it.1));
            let differs = answer_left != answer_right;
            let tone = if differs { Tone::Warning } else { Tone::Plain };
            let answers = both.map(|exchange| said(exchange, differs));
            pair(&mut rows, tone, &answers, half);
        }
        rows.push(BesideRow::Both(Tone::Plain, String::new()));
        rows.push(BesideRow::Both(Tone::Strong, "result".into()));
        let ends = [left, right].map(|life| end(life.state()));
        let differs = ends[0] != ends[1];
        let sign = if differs { "≠ " } else { "" };
        let ends = ends.map(|end| format!("{sign}{end}"));
        pair(&mut rows, if differs { Tone::Warning } else { Tone::Plain }, &ends, half);
        rows
    }
}

fn said(exchange: Option<&Exchange>, differs: bool) -> String {
    let sign = if differs { "≠ " } else { "" };
    match exchange {
        None => String::new(),
        Some(Exchange { answer: None, .. }) => format!("{sign}(no answer yet)"),
        Some(Exchange { answer: Some((by, text)), .. }) => format!("{sign}{by}: {}", head(text, BYTES)),
    }
}

fn end(state: &ExecutionState) -> String {
    match state {
        ExecutionState::Running { .. } => "running".into(),
        ExecutionState::Paused(pause) => {
            let open: Vec<String> = pause.pending().take(3).map(|prompt| prompt.query.query_id.to_string()).collect();
            if open.is_empty() { "answered".into() } else { format!("waits for {}", open.join(", ")) }
        }
        ExecutionState::Done(done) => match &done.value {
            serde_json::Value::String(text) => format!("done: {}", head(text, BYTES)),
            value => format!("done: {}", pretty_within(value, BYTES).0),
        },
        ExecutionState::Failed(failure) => format!("failed: {}", head(&failure.message, BYTES)),
        ExecutionState::Cancelled(cancelled) => {
            let detail = cancelled.reason.detail.as_deref().unwrap_or("no detail given");
            format!("cancelled ({}): {}", cancelled.reason.code.as_str(), head(detail, BYTES))
        }
    }
}

/// Two texts beside each other, as many rows as the longer one needs.
fn pair(rows: &mut Vec<BesideRow>, tone: Tone, texts: &[String; 2], half: usize) {
    let [mut left, mut right] = [0, 1].map(|n| wrapped(&texts[n], half.max(1)));
    loop {
        let (a, b) = (left.next(), right.next());
        if a.is_none() && b.is_none() {
            return;
        }
        rows.push(BesideRow::Pair(tone, a.unwrap_or_default().to_owned(), b.unwrap_or_default().to_owned()));
    }
}

impl App {
    /// Lays two sessions beside each other: the two that are marked, else a branch and what it goes on from.
    pub(super) fn open_beside(&mut self) {
        let Some([left, right]) = self.two_to_compare() else {
            let [fork, mark] = [ListVerb::Branch(super::branching::BranchKind::Fork), ListVerb::Mark]
                .map(|verb| self.key(Action::List(verb)));
            self.refuse(format!("nothing to lay beside it: {fork} makes a branch; or mark two sessions ({mark})"));
            return;
        };
        let summaries = [left, right].map(|id| self.sessions.get(id));
        let [Some(first), Some(second)] = summaries else {
            self.refuse("the session that it goes on from is no longer known");
            return;
        };
        let beside = Beside {
            lives: [Life::of(first), Life::of(second)],
            names: [left, right].map(|id| self.name_of(id)),
            rows: Vec::new(),
            made_of: None,
            top: 0,
            height: 0,
        };
        self.layer = Some(Layer::Beside(Box::new(beside)));
    }

    fn two_to_compare(&self) -> Option<[SessionId; 2]> {
        let mut marked: Vec<SessionId> = self.listing.marks.iter().copied().collect();
        if marked.len() == 2 {
            marked.sort_by_key(|id| self.sessions.get(*id).map(|summary| (born_at(summary), summary.id)));
            return Some([marked[0], marked[1]]);
        }
        let here = self.selected_summary()?;
        if let Some(branch) = here.spec.branch {
            return Some([branch.of, here.id]);
        }
        let branches = self.sessions.iter().filter(|it| it.spec.branch.is_some_and(|branch| branch.of == here.id));
        let newest = branches.max_by_key(|it| (it.last_at, it.id))?;
        Some([here.id, newest.id])
    }
}
