//! The layer of the last verbs: who called what with which arguments, what came of it, and how long it took.

use std::sync::Arc;

use super::app::{App, Layer};
use super::pager::{Block, Pager};
use super::theme::Tone;
use super::words::{clock, count, first_line, lasted, on_one_line};
use crate::domain::ResumeOutcome;
use crate::engine::{Call, CancelEffect, Verb};

/// Columns by which a call that needs several rows is moved in: behind its time.
const INDENT: usize = 15;

impl App {
    pub(super) fn open_calls(&mut self) {
        self.layer = Some(Layer::Calls(Pager::with_cursor(Vec::new())));
        self.calls_shown = None;
    }

    /// Whether the loop should ask for the calls.
    pub fn wants_calls(&self) -> bool {
        matches!(self.layer, Some(Layer::Calls(_)))
    }

    /// Takes in the calls that the engine remembers, the oldest first.
    pub(super) fn called(&mut self, calls: &[Arc<Call>]) {
        let last = Some(calls.last().map_or(0, |call| call.n));
        if last == self.calls_shown {
            return;
        }
        self.calls_shown = last;
        // The newest first: what one has just done stands at the top.
        let mut blocks: Vec<Block> = calls.iter().rev().map(|call| self.block(call)).collect();
        if blocks.is_empty() {
            blocks.push(Block::new(Tone::Dim, "No verb was called yet."));
        }
        if let Some(Layer::Calls(pager)) = &mut self.layer {
            let at_top = pager.cursor() == Some(0);
            pager.replace(blocks);
            if at_top {
                pager.move_to(0);
            }
        }
    }

    fn block(&self, call: &Call) -> Block {
        let session = match &call.verb {
            // Its name stands behind it, among the arguments.
            Verb::Spawn { .. } => call.session.map(|id| id.short() + " "),
            _ => call.session.map(|id| self.name_of(id)),
        };
        let session = session.unwrap_or_default();
        let took = lasted(call.latency);
        let head = format!("{:>5} {} {:<7} {took:>7} ", call.n, clock(call.at), call.verb.name());
        let (tone, outcome) = match call.verb.refusal() {
            Some(why) => (Tone::Warning, format!("refused: {why}")),
            None => (Tone::Plain, self.outcome(&call.verb)),
        };
        Block::hanging(tone, format!("{head}{session}{} → {outcome}", arguments(&call.verb)), INDENT)
    }

    fn outcome(&self, verb: &Verb) -> String {
        match verb {
            Verb::Spawn { .. } => "started".into(),
            Verb::Resume { outcome: Ok(ResumeOutcome::Remaining(n)), .. } => format!("{n} remain"),
            Verb::Resume { .. } => "continued".into(),
            Verb::Cancel { outcome: Ok((state, CancelEffect::Nothing)), .. } => format!("nothing changed: {state}"),
            Verb::Cancel { .. } => "cancelled".into(),
            Verb::Release { .. } => "released".into(),
            Verb::Branch { outcome: Ok(id), .. } => format!("{} goes on from there", self.name_of(*id)),
            // It says why itself.
            Verb::Branch { outcome: Err(_), .. } => String::new(),
            Verb::Collect { .. } => "swept from now on".into(),
        }
    }
}

fn arguments(verb: &Verb) -> String {
    match verb {
        Verb::Spawn { title, held, .. } => format!("“{title}”{}", if *held { " held" } else { "" }),
        Verb::Resume { answers, query, by, epoch, text, .. } => {
            let query = query.map(|query| format!(" {query}")).unwrap_or_default();
            let more = if *answers == 1 { String::new() } else { format!(" and {} in all", count(*answers, "answer")) };
            let epoch = epoch.map(|epoch| format!(" epoch {epoch}")).unwrap_or_default();
            let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
            format!("{query}{more}{epoch}{by} “{}”", on_one_line(text))
        }
        Verb::Cancel { reason, .. } => {
            let detail =
                reason.detail.as_deref().map(|detail| format!(" “{}”", first_line(detail))).unwrap_or_default();
            format!(" {}{detail}", reason.code.as_str())
        }
        Verb::Release { .. } => String::new(),
        Verb::Branch { at, .. } => format!(" at {at}"),
        Verb::Collect { ttl, interval } => format!("ttl {ttl:?} interval {interval:?}"),
    }
}
