//! The one door: everything nondeterministic that reaches a program comes through here and is recorded, and
//! everything a program says on its way goes out through here.
//!
//! It never waits and never does IO. It is bounded: a full door ends the slice.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::purse::{Purse, Spent};
use super::weight::json_weight;
use super::{Clock, Entropy};
use crate::domain::{Command, Limits, SessionSpec, Timestamp, Usage};

/// How long a program runs before others get their turn. A key on the screen or an answer never waits longer for a
/// program that can be interrupted.
pub const SLICE: Duration = Duration::from_millis(1);

/// Emissions a door takes in before the slice ends: a screenful of screens.
const CAPACITY: usize = 256;

/// Bytes of them, the last one not counted: what one session can have the host hold before others get their turn.
const CAPACITY_BYTES: usize = 256 << 10;

/// A recorded read: what a program got to see of the world outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// The time, in Unix milliseconds.
    Time(Timestamp),
    /// Sixty-four random bits.
    Seed(u64),
    /// Milliseconds since the session was made.
    Elapsed(u64),
    /// Nanoseconds of CPU time used by the session.
    Cpu(u64),
    /// What is spent of a budget that is shared.
    Spent(Spent),
    /// Whether it got what it wanted to take of a budget that is shared.
    Taken(bool),
}

/// What came out of a door, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Emission {
    /// Something the program said: a log line, its progress, a figure.
    Said(Command),
    /// Something the program got to see.
    Read(Read),
}

/// Asks a running program to stop; looked at by its door. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks the program to stop, for good.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Takes the request back: the cancel behind it could not be recorded.
    pub fn lower(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Whether it was asked to.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The door of one session. Moves into its VM for each step and comes back.
pub struct Door(Box<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    stop: StopFlag,
    created_at: Timestamp,
    limits: Limits,
    usage: Usage,
    cpu_before_slice: Duration,
    slice_start: Instant,
    slice: Duration,
    emissions: Vec<Emission>,
    /// Bytes of what was said.
    said: usize,
    bucket: LogBucket,
    /// Of a child whose family has a budget.
    purse: Option<Arc<Purse>>,
    past: Past,
}

/// What the program got to see when it was recorded, while it is run again.
#[derive(Default)]
struct Past {
    reads: VecDeque<Read>,
    /// Whether log lines are held against the record, which knows which of them were dropped.
    keeps_logs: bool,
    /// The read that was recorded where the program wanted another.
    differs: Option<Read>,
}

/// Looks for a read of one kind among what is recorded, and else takes it from outside and records it.
macro_rules! read {
    ($door:expr, $kind:path, $live:expr) => {
        match $door.recorded() {
            Some($kind(value)) => value,
            other => {
                if let Some(other) = other {
                    $door.past_differs(other);
                }
                let value = $live;
                $door.0.emissions.push(Emission::Read($kind(value)));
                value
            }
        }
    };
}

impl Door {
    /// Makes the door of a session that was made at `created_at`.
    pub fn new(
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        stop: StopFlag,
        created_at: Timestamp,
        limits: &Limits,
    ) -> Self {
        Self(Box::new(Inner {
            clock,
            entropy,
            stop,
            created_at,
            limits: limits.clone(),
            usage: Usage::default(),
            cpu_before_slice: Duration::ZERO,
            slice_start: Instant::now(),
            slice: SLICE,
            emissions: Vec::new(),
            said: 0,
            bucket: LogBucket {
                dropped: 0,
                tokens: limits.log_lines_per_s.saturating_mul(LogBucket::BURST_SECONDS),
                filled_at: created_at,
            },
            purse: None,
            past: Past::default(),
        }))
    }

    /// The same for a child: its budget is its family's, whose time began at `since`.
    #[must_use]
    pub(super) fn sharing(mut self, purse: Arc<Purse>, since: Timestamp) -> Self {
        self.0.created_at = since;
        self.0.purse = Some(purse);
        self
    }

    /// The same for a program of which the family is not there: what it saw of their budget is recorded.
    #[must_use]
    pub(super) fn for_a_family(self, spec: &SessionSpec) -> Self {
        match spec.parent.as_ref().and_then(|parent| parent.budget) {
            Some(budget) => self.sharing(Arc::default(), budget.since),
            None => self,
        }
    }

    /// The same for a program that is run again: it gets to see `reads` before anything new.
    #[must_use]
    pub(super) fn replaying(mut self, reads: VecDeque<Read>) -> Self {
        self.0.past = Past { reads, keeps_logs: true, differs: None };
        self
    }

    /// The program has come to the end of its record: what it logs is bounded by time again.
    pub(super) fn is_present(&mut self) {
        self.0.past.keeps_logs = false;
        self.0.bucket.filled_at = self.0.clock.now();
    }

    /// What was recorded where the program wanted to see something else, if that has happened.
    pub(super) fn misread(&self) -> Option<Read> {
        self.0.past.differs
    }

    fn recorded(&mut self) -> Option<Read> {
        self.0.past.reads.pop_front()
    }

    fn past_differs(&mut self, recorded: Read) {
        self.0.past.differs.get_or_insert(recorded);
        self.0.past.reads.clear();
    }

    /// Starts a slice, and gives when it began: `usage` is what has been booked for the session so far.
    pub fn begin_slice(&mut self, usage: Usage) -> Instant {
        self.0.usage = usage;
        self.0.slice_start = Instant::now();
        self.0.slice_start
    }

    /// Ends a slice and takes what came out of the door during it. Its time counts as CPU time of the session.
    pub fn end_slice(&mut self) -> Vec<Emission> {
        self.0.cpu_before_slice += self.0.slice_start.elapsed();
        if let Some(n) = self.0.bucket.take_dropped() {
            self.0.emissions.push(Emission::Said(Command::DropLogs { n }));
        }
        self.0.said = 0;
        std::mem::take(&mut self.0.emissions)
    }

    /// CPU time the session has used, the current slice not included.
    pub fn cpu(&self) -> Duration {
        self.0.cpu_before_slice
    }

    /// Whether the program should be interrupted where it stands: its time is up, the door is full, or it was
    /// asked to stop.
    pub fn slice_is_over(&self) -> bool {
        self.is_stopped() || self.is_full() || self.0.slice_start.elapsed() >= self.0.slice
    }

    /// Whether the session was asked to stop: it will never be stepped again.
    pub fn is_stopped(&self) -> bool {
        self.0.stop.is_raised()
    }

    /// Whether nothing more fits before the slice ends. What is said all the same is kept; the bound is for those
    /// who can end the slice.
    pub fn is_full(&self) -> bool {
        self.0.emissions.len() >= CAPACITY || self.0.said >= CAPACITY_BYTES
    }

    /// The limits of the session.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// What has been booked for the session before this slice. No read: it follows from the answers.
    pub fn usage(&self) -> &Usage {
        &self.0.usage
    }

    /// What is spent of the budget. No read where the session has it for itself: then it follows from the answers.
    pub fn spent(&mut self) -> Spent {
        let Some(purse) = &self.0.purse else {
            let usage = &self.0.usage;
            return Spent { llm_calls: usage.llm_calls, tokens: usage.total_tokens.tokens };
        };
        let purse = Arc::clone(purse);
        read!(self, Read::Spent, purse.spent())
    }

    /// Takes `n` queries of the budget, unless more is spent by now than was `seen`. Gives whether it did.
    pub fn take_calls(&mut self, n: usize, seen: Spent) -> bool {
        let Some(purse) = &self.0.purse else { return true };
        let purse = Arc::clone(purse);
        read!(self, Read::Taken, purse.take_calls(n, seen))
    }

    /// The time now, recorded.
    pub fn now(&mut self) -> Timestamp {
        read!(self, Read::Time, self.0.clock.now())
    }

    /// Sixty-four random bits, recorded.
    pub fn seed(&mut self) -> u64 {
        read!(self, Read::Seed, self.0.entropy.bits())
    }

    /// Milliseconds since the session was made, or the one at the top of its family; recorded.
    pub fn elapsed_ms(&mut self) -> u64 {
        read!(self, Read::Elapsed, u64::try_from(self.0.clock.now() - self.0.created_at).unwrap_or(0))
    }

    /// CPU time the session has used, recorded.
    pub fn cpu_time(&mut self) -> Duration {
        let used = self.0.cpu_before_slice + self.0.slice_start.elapsed();
        let nanos = read!(self, Read::Cpu, u64::try_from(used.as_nanos()).unwrap_or(u64::MAX));
        Duration::from_nanos(nanos)
    }

    /// Says a log line. Above the rate limit it is counted instead of kept; above the length limit it is cut.
    pub fn log(&mut self, level: &Arc<str>, source: &Arc<str>, message: &str) {
        let inner = &mut *self.0;
        if !inner.past.keeps_logs && !inner.bucket.take(inner.clock.now(), inner.limits.log_lines_per_s) {
            return;
        }
        if let Some(n) = inner.bucket.take_dropped() {
            inner.emissions.push(Emission::Said(Command::DropLogs { n }));
        }
        let message = cut(message, inner.limits.log_line_bytes);
        inner.said += level.len() + source.len() + message.len();
        let said = Command::Log { level: Arc::clone(level), source: Arc::clone(source), message };
        inner.emissions.push(Emission::Said(said));
    }

    /// Says how far the program is.
    pub fn progress(&mut self, step: u64, total: u64, message: Option<&str>) {
        let message = message.map(|message| cut(message, self.0.limits.log_line_bytes));
        self.0.said += message.as_ref().map_or(0, String::len);
        self.0.emissions.push(Emission::Said(Command::Progress { step, total, message }));
    }

    /// Says a figure.
    pub fn stats(&mut self, key: String, value: serde_json::Value) {
        self.0.said += key.len() + json_weight(&value);
        self.0.emissions.push(Emission::Said(Command::Stats { key, value }));
    }
}

/// Cuts a text that is too long, at a character, and says how much is missing.
fn cut(text: &str, limit: u64) -> String {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit);
    format!("{}… ({} more bytes)", &text[..end], text.len() - end)
}

/// Keeps a program from logging faster than anybody can read: a bucket of tokens that time refills.
struct LogBucket {
    tokens: u64,
    filled_at: Timestamp,
    dropped: u64,
}

impl LogBucket {
    /// The bucket holds so many seconds' worth: a burst, such as a table printed at once, passes whole.
    const BURST_SECONDS: u64 = 10;

    /// Takes a token for one line, or counts the line as dropped.
    fn take(&mut self, now: Timestamp, per_second: u64) -> bool {
        let refill = u64::try_from(now - self.filled_at).unwrap_or(0).saturating_mul(per_second) / 1000;
        if refill > 0 {
            self.tokens = self.tokens.saturating_add(refill).min(per_second.saturating_mul(Self::BURST_SECONDS));
            self.filled_at = now;
        }
        let Some(left) = self.tokens.checked_sub(1) else {
            self.dropped += 1;
            return false;
        };
        self.tokens = left;
        true
    }

    fn take_dropped(&mut self) -> Option<u64> {
        (self.dropped > 0).then(|| std::mem::take(&mut self.dropped))
    }
}
