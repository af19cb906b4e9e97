//! What a desk is opened for, and how far that is: whether sessions come back from the journal, and sessions to start.
//!
//! Whoever does it counts here, beside the desk; the loop looks. Until it is done the header says how far it is, and
//! the selection stands on the first row for as long as nobody has pressed a key.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::app::App;
use super::msg::Cmd;
use super::standing::Stand;
use super::words::bar;
use crate::domain::Timestamp;

/// How often it is looked how far it is, where nothing else happens.
const LOOK_MS: i64 = 100;

/// How far it is. Counted by whoever does it, read by the loop.
#[derive(Debug, Default)]
pub struct Opening(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    far: Far,
    faults: Vec<String>,
}

/// How far it is. The default: all is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Far {
    /// Whether sessions come back from the journal; how far that is the registry says.
    pub reading: bool,
    /// How many of how many sessions were started; nothing where all are.
    pub started: Option<(usize, usize)>,
}

impl Opening {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sessions come back from the journal.
    pub fn reads(&self) {
        self.lock().far.reading = true;
    }

    /// All have come back, or no more will.
    pub fn has_read(&self) {
        self.lock().far.reading = false;
    }

    /// So many of so many sessions were started.
    pub fn started(&self, n: usize, of: usize) {
        self.lock().far.started = Some((n, of));
    }

    /// All were started, or no more will be, for this reason.
    pub fn is_started(&self, fault: Option<String>) {
        let mut state = self.lock();
        state.far.started = None;
        state.faults.extend(fault);
    }

    /// How far it is.
    pub fn far(&self) -> Far {
        self.lock().far
    }

    /// What went wrong since somebody asked last, a line each.
    pub fn take_faults(&self) -> Vec<String> {
        mem::take(&mut self.lock().faults)
    }
}

/// What the desk knows of its opening.
#[derive(Debug, Default)]
pub(super) struct Opens {
    pub(super) far: Far,
    /// Whether somebody has pressed a key, or the desk is open: only keys select then.
    pub(super) is_touched: bool,
    /// Where the person stood before, until the desk is open.
    pub(super) stand: Option<Stand>,
}

impl Far {
    /// Whether all is done.
    pub fn is_done(self) -> bool {
        self == Self::default()
    }

    /// How far the starts are, in words for the header.
    pub(super) fn words(self) -> Option<String> {
        let (n, of) = self.started?;
        Some(format!("starting {} {n}/{of}", bar(n as u64, of as u64)))
    }

    /// How many sessions would never be started if the desk were left now.
    pub(super) fn to_start(self) -> usize {
        self.started.map_or(0, |(n, of)| of.saturating_sub(n))
    }
}

impl App {
    /// How far the desk is with what it was opened for.
    pub fn opening(&self) -> Far {
        self.opens.far
    }

    /// Takes in how far it is.
    pub(super) fn opened(&mut self, far: Far, cmds: &mut Vec<Cmd>) {
        self.opens.far = far;
        self.stand_first(cmds);
    }

    /// Selects the first row, or where the person stood before, as long as rows still come in and nobody has pressed a
    /// key.
    pub(super) fn stand_first(&mut self, cmds: &mut Vec<Cmd>) {
        let before = self.opens.stand.as_ref().and_then(|stand| stand.selected);
        let first = before.filter(|id| self.sessions.get(*id).is_some()).or_else(|| self.sessions.list().first());
        if let Some(first) = first.filter(|_| self.selected.is_none() || !self.opens.is_touched) {
            self.select(first, cmds);
        }
        // From here on only keys select.
        let all_seen = self.sessions.counts().total >= self.recovery.read;
        let is_open = self.opens.far.is_done() && all_seen && self.selected.is_some();
        if let Some(stand) = self.opens.stand.take_if(|_| is_open || self.opens.is_touched)
            && !self.opens.is_touched
        {
            (self.anchor, self.at_top) = (stand.anchor, stand.at_top);
        }
        self.opens.is_touched |= is_open;
    }

    /// When to look again how far it is.
    pub(super) fn next_opening(&self) -> Option<Timestamp> {
        (!self.opens.far.is_done()).then_some(self.now + LOOK_MS)
    }
}
