//! The layer of diagnostics: which worker runs what, what straggles, what waits, how the journal and the desk's own pictures
//! keep up. For somebody who asks why something is slow.
//!
//! It looks once a second, and only while it is open. What per second means follows from two looks.

use super::app::{App, Layer};
use super::frames::FrameFigures;
use super::keymap::Action;
use super::pager::{Block, Pager};
use super::theme::Tone;
use super::words::{clock, count, first_line, lasted, sized};
use crate::domain::{SessionId, Timestamp};
use crate::engine::{Diagnostics, JournalFigures, STRAGGLES, Spread, Straggler, Worker};

/// Columns by which a line that needs several rows is moved in.
const INDENT: usize = 4;

/// A journal that keeps somebody waiting for longer is slow: a person begins to feel it.
const SLOW: std::time::Duration = std::time::Duration::from_millis(100);

/// What engine and desk do right now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Diagnosis {
    /// What the engine does.
    pub engine: Diagnostics,
    /// What the desk has measured of itself.
    pub desk: FrameFigures,
}

/// The open layer.
#[derive(Debug, Default)]
pub(super) struct Diagnosing {
    pub(super) pager: Pager,
    /// The last look, and when that was.
    last: Option<(Timestamp, Diagnosis)>,
}

impl App {
    /// Takes in what should be known of how the desk was started; it stands first in the layer from then on.
    pub(super) fn take_notices(&mut self, notices: Vec<String>) {
        if let Some(first) = notices.first() {
            let more = match notices.len() {
                1 => String::new(),
                n => format!(" (and {} more; {} shows them)", n - 1, self.key(Action::Diagnostics)),
            };
            self.refuse(format!("{first}{more}"));
        }
        self.notices.extend(notices);
    }

    pub(super) fn open_diagnostics(&mut self) {
        let pager = Pager::with_cursor(vec![Block::new(Tone::Dim, "looking …")]);
        self.layer = Some(Layer::Diagnostics(Box::new(Diagnosing { pager, last: None })));
    }

    /// Whether the loop should look at what engine and desk do.
    pub fn wants_diagnosis(&self) -> bool {
        self.next_diagnosis().is_some_and(|at| at <= self.now)
    }

    /// When to look next, while the layer is open.
    pub(super) fn next_diagnosis(&self) -> Option<Timestamp> {
        let Some(Layer::Diagnostics(layer)) = &self.layer else { return None };
        Some(layer.last.as_ref().map_or(self.now, |(at, _)| (at / 1000 + 1) * 1000))
    }

    /// Takes in what engine and desk do.
    pub(super) fn diagnosed(&mut self, diagnosis: Diagnosis) {
        let now = self.now;
        let Some(Layer::Diagnostics(layer)) = &mut self.layer else { return };
        let mut all: Vec<Block> = self.notices.iter().map(|notice| line(Tone::Warning, notice)).collect();
        if !all.is_empty() {
            all.insert(0, heading("Since the start"));
        }
        let since = layer.last.as_ref().map(|(at, before)| Since { ms: now.saturating_sub(*at), before });
        all.extend(blocks(&diagnosis, since.as_ref()));
        layer.pager.replace(all);
        layer.last = Some((now, diagnosis));
    }
}

/// The look before, so long ago.
struct Since<'a> {
    ms: i64,
    before: &'a Diagnosis,
}

/// How much came a second since the look before.
fn rate(since: Option<&Since<'_>>, now: u64, of: impl Fn(&Diagnosis) -> u64) -> String {
    match since.filter(|since| since.ms > 0) {
        Some(since) => format!("{}/s", now.saturating_sub(of(since.before)) * 1000 / since.ms as u64),
        None => "…/s".to_owned(),
    }
}

fn blocks(diagnosis: &Diagnosis, since: Option<&Since<'_>>) -> Vec<Block> {
    let Diagnosis { engine, desk } = diagnosis;
    let busy = engine.workers.iter().filter(|worker| worker.work.is_some()).count();
    let mut blocks = vec![heading(&format!("Workers: {busy} of {} run a program", engine.workers.len()))];
    blocks.extend(engine.workers.iter().map(worker));
    blocks.push(heading(&format!("Steps of more than {} that came back, the newest first", lasted(STRAGGLES))));
    blocks.extend(engine.straggled.iter().map(straggler));
    if engine.straggled.is_empty() {
        blocks.push(line(Tone::Dim, "none"));
    }
    blocks.push(heading("Queues"));
    blocks.push(line(Tone::Plain, &queues(engine)));
    match &engine.journal {
        Some(figures) => {
            blocks.push(heading("Journal"));
            journal(figures, since, &mut blocks);
        }
        None => blocks.push(heading("Journal: none that writes a disk")),
    }
    blocks.push(heading("Desk"));
    let slow = if desk.dropped > 0 { Tone::Warning } else { Tone::Plain };
    let pictures = rate(since, desk.took.total, |before| before.desk.took.total);
    let took = spread("a picture takes", &desk.took);
    blocks.push(line(
        slow,
        &format!("{pictures} pictures, {} in all, {} dropped; {took}", desk.took.total, desk.dropped),
    ));
    blocks.push(line(Tone::Plain, &format!("{}, {} keys in all", spread("a key waits", &desk.keys), desk.keys.total)));
    let changes = rate(since, desk.changes, |before| before.desk.changes);
    let events = rate(since, desk.events, |before| before.desk.events);
    blocks.push(line(
        Tone::Plain,
        &format!(
            "{events} events taken, {}; {changes} changed sessions; {} shared a picture",
            count(desk.gaps as usize, "gap"),
            desk.shared
        ),
    ));
    blocks
}

fn heading(text: &str) -> Block {
    Block::new(Tone::Strong, text)
}

fn line(tone: Tone, text: &str) -> Block {
    Block::hanging(tone, format!("  {text}"), INDENT)
}

fn worker(Worker { n, steps, work }: &Worker) -> Block {
    let Some(work) = work else {
        return line(Tone::Plain, &format!("{n}  idle, {steps} steps so far"));
    };
    let tone = if work.straggles() { Tone::Warning } else { Tone::Plain };
    let straggles = if work.straggles() { "STRAGGLES for" } else { "for" };
    let place = work.place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
    let behind = if work.inbox > 0 { format!(", {} behind it", count(work.inbox, "request")) } else { String::new() };
    let name = named(&work.title, work.session);
    line(tone, &format!("{n}  {name} {straggles} {}{place}{behind}", lasted(work.lasts)))
}

fn straggler(Straggler { session, title, at, lasted: took, place }: &Straggler) -> Block {
    let place = place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
    line(Tone::Plain, &format!("{}  {} {}{place}", clock(*at), lasted(*took), named(title, *session)))
}

fn named(title: &str, session: SessionId) -> String {
    format!("{} {}", first_line(title), session.short())
}

fn queues(engine: &Diagnostics) -> String {
    format!(
        "{} stopped at the end of a slice and ready, {} from outside not taken up; {} without a reply; {} in memory",
        count(engine.preempted, "program"),
        count(engine.injected, "task"),
        count(engine.requests, "request"),
        count(engine.tasks, "session"),
    )
}

fn journal(figures: &JournalFigures, since: Option<&Since<'_>>, blocks: &mut Vec<Block>) {
    let before = |before: &Diagnosis| before.engine.journal.as_ref().map_or(0, |it| it.commits.total);
    let commits = rate(since, figures.commits.total, before);
    let took = spread("one takes", &figures.commits);
    blocks.push(line(Tone::Plain, &format!("{commits} commits, {} in all; {took}", figures.commits.total)));
    let under_way = figures.committing.filter(|since| *since > SLOW);
    let slow = figures.waits.p99 > SLOW || under_way.is_some();
    let now =
        under_way.map(|since| format!("; SLOW: the commit under way lasts {}", lasted(since))).unwrap_or_default();
    let tone = if slow { Tone::Warning } else { Tone::Plain };
    blocks.push(line(tone, &format!("{}{now}", spread("an answer waits", &figures.waits))));
    let waiting = format!("{} to be written ({})", figures.waiting, sized(figures.waiting_bytes as u64));
    blocks.push(line(Tone::Plain, &format!("{waiting}; its files have {}", sized(figures.bytes))));
    if let Some((why, ago)) = &figures.last_trouble {
        blocks.push(line(Tone::Warning, &format!("last trouble, {} ago: {}", lasted(*ago), first_line(why))));
    }
}

fn spread(what: &str, spread: &Spread) -> String {
    let Spread { median, p99, max, .. } = spread;
    format!("{what} {}, p99 {}, at most {}", lasted(*median), lasted(*p99), lasted(*max))
}
