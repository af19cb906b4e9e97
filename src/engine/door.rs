//! The one door: everything nondeterministic that reaches a program comes through here and is recorded, and
//! everything a program says on its way goes out through here.
//!
//! It never waits and never does IO. It is bounded: a full door ends the slice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::purse::{Purse, Spent};
use super::reads::{PastReads, Read, Seen};
use super::reports::Reports;
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

/// So many looks at the CPU clock in one slice see it as it is; after those it moves in steps.
const CLOSE_LOOKS: u32 = 16;

/// The steps: a program that does nothing but look has some thousands of readings a second recorded, not millions.
const CPU_STEP: Duration = Duration::from_micros(100);

/// What came out of a door, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Emission {
    /// Something the program said: a log line, its progress, a figure.
    Said(Command),
    /// Something the program got to see, and how often before it saw something else of this kind.
    Read(Seen),
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

/// How many times as long as its limit a section may last where it is run again.
const PATIENCE: u32 = 20;

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
    /// CPU time of this slice, where the VM says how much it was.
    cpu_of_slice: Option<Duration>,
    /// The most CPU time that the program has seen, in nanoseconds: a clock does not go back.
    cpu_seen: u64,
    slice_start: Instant,
    slice: Duration,
    emissions: Vec<Emission>,
    /// Bytes of what was said.
    said: usize,
    bucket: LogBucket,
    /// Of a child whose family has a budget.
    purse: Option<Arc<Purse>>,
    /// Where among the emissions the last read of each kind stands.
    last_reads: [Option<u16>; Read::KINDS],
    /// What it has reported since its last pause, if anything. Most sessions wait without.
    reports: Option<Box<Reports>>,
    /// Looks at the CPU clock in this slice that showed something new.
    cpu_looks: u32,
    /// The last seed, from which the next one follows.
    last_seed: Option<u64>,
    past: Past,
}

/// What the program got to see when it was recorded, while it is run again.
#[derive(Default)]
struct Past {
    reads: Option<Box<PastReads>>,
    /// Whether the program has not come to the end of its record. Log lines are held against the record then, which
    /// knows which of them were dropped.
    is_ahead: bool,
}

impl Past {
    fn next(&mut self, kind: usize) -> Option<Read> {
        self.reads.as_mut()?.next(kind)
    }
}

/// Looks for a read of one kind among what is recorded, and else takes it from outside and records it.
macro_rules! read {
    ($door:expr, $kind:path, $live:expr) => {
        match $door.0.past.next($kind(Default::default()).kind()) {
            Some($kind(value)) => value,
            _ => {
                let value = $live;
                $door.0.record($kind(value));
                value
            }
        }
    };
}

impl Inner {
    /// Records what the program gets to see.
    fn record(&mut self, read: Read) {
        let last = &mut self.last_reads[read.kind()];
        if let Some(Emission::Read(seen)) = last.and_then(|place| self.emissions.get_mut(usize::from(place)))
            && seen.read == read
            && seen.times < u32::MAX
        {
            seen.times += 1;
        } else {
            // Nothing is found again behind more emissions than a full door has.
            *last = u16::try_from(self.emissions.len()).ok();
            self.emissions.push(Emission::Read(read.into()));
        }
    }

    fn report(&mut self, report: Command, bytes: usize) {
        let reports = self.reports.get_or_insert_default();
        if let Some(kept) = reports.take(report, bytes, self.limits.reports) {
            self.said += bytes;
            self.emissions.push(Emission::Said(kept));
        }
    }

    /// Says how many log lines were dropped.
    fn say_dropped(&mut self) {
        if let Some(n) = self.bucket.take_dropped() {
            self.emissions.push(Emission::Said(Command::DropLogs { n }));
        }
    }

    /// Nanoseconds of CPU time now, as the program gets to see them. It may look as often as it likes: after a few looks
    /// in one slice the clock moves in steps.
    fn cpu_now(&mut self) -> u64 {
        let used = self.cpu_before_slice + self.slice_start.elapsed();
        let now = u64::try_from(used.as_nanos()).unwrap_or(u64::MAX).max(self.cpu_seen);
        let last = self.last_reads[Read::Cpu(0).kind()].and_then(|place| self.emissions.get(usize::from(place)));
        if let Some(Emission::Read(Seen { read: Read::Cpu(last), .. })) = last
            && self.cpu_looks >= CLOSE_LOOKS
            && now.saturating_sub(*last) < CPU_STEP.as_nanos() as u64
        {
            return *last;
        }
        self.cpu_looks += 1;
        now
    }
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
            cpu_of_slice: None,
            cpu_seen: 0,
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
            last_reads: [None; Read::KINDS],
            reports: None,
            cpu_looks: 0,
            last_seed: None,
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
    pub(super) fn replaying(mut self, reads: PastReads) -> Self {
        self.0.past = Past { reads: Some(Box::new(reads)), is_ahead: true };
        self
    }

    /// The program has come to the end of its record: what it logs is bounded by time again, and its sections are by
    /// their limit.
    pub(super) fn is_present(&mut self) {
        self.0.past.is_ahead = false;
        self.0.bucket.filled_at = self.0.clock.now();
    }

    /// Starts a slice, and gives when it began: `usage` is what has been booked for the session so far.
    pub fn begin_slice(&mut self, usage: Usage) -> Instant {
        self.0.usage = usage;
        self.0.slice_start = Instant::now();
        self.0.slice_start
    }

    /// When the slice began.
    pub fn began(&self) -> Instant {
        self.0.slice_start
    }

    /// Takes how much CPU time the slice took, from a VM that knows: its thread may have stood still.
    pub fn used(&mut self, cpu: Duration) {
        self.0.cpu_of_slice = Some(cpu);
    }

    /// Ends a slice and takes what came out of the door during it. All of its time counts as CPU time of the session where
    /// nobody has said [how much it was](Self::used).
    pub fn end_slice(&mut self) -> Vec<Emission> {
        self.0.cpu_before_slice += self.0.cpu_of_slice.take().unwrap_or_else(|| self.0.slice_start.elapsed());
        self.0.say_dropped();
        self.0.said = 0;
        self.0.last_reads = [None; Read::KINDS];
        self.0.cpu_looks = 0;
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

    /// CPU time that a section may last which cannot be interrupted. Where the program is run again it has come through
    /// before, and must again, on a machine that is slower by now; what is behind its record ends there, too.
    pub fn section_limit(&self) -> Duration {
        let live = Duration::from_millis(self.0.limits.section_ms);
        if self.0.past.is_ahead { live.saturating_mul(PATIENCE) } else { live }
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

    /// Sixty-four random bits. The first ones are recorded; the others follow from them, so that a program may take as
    /// many as it likes.
    pub fn seed(&mut self) -> u64 {
        let seed = match (self.0.past.next(Read::Seed(0).kind()), self.0.last_seed) {
            (Some(Read::Seed(recorded)), _) => recorded,
            (_, Some(last)) => following(last),
            (_, None) => {
                let seed = self.0.entropy.bits();
                self.0.record(Read::Seed(seed));
                seed
            }
        };
        self.0.last_seed = Some(seed);
        seed
    }

    /// Milliseconds since the session was made, or the one at the top of its family; recorded.
    pub fn elapsed_ms(&mut self) -> u64 {
        read!(self, Read::Elapsed, u64::try_from(self.0.clock.now() - self.0.created_at).unwrap_or(0))
    }

    /// CPU time the session has used, recorded.
    pub fn cpu_time(&mut self) -> Duration {
        let seen = read!(self, Read::Cpu, self.0.cpu_now());
        // Also of what is recorded: where its program is run again in less time, it stands still until it is there.
        self.0.cpu_seen = self.0.cpu_seen.max(seen);
        Duration::from_nanos(seen)
    }

    /// Says a log line. Above the rate limit it is counted instead of kept; above the length limit it is cut.
    pub fn log(&mut self, level: &Arc<str>, source: &Arc<str>, message: &str) {
        let inner = &mut *self.0;
        let bytes = message.len().min(usize::try_from(inner.limits.log_line_bytes).unwrap_or(usize::MAX));
        if !inner.past.is_ahead && !inner.bucket.take(inner.clock.now(), inner.limits.log_lines_per_s, bytes) {
            return;
        }
        inner.say_dropped();
        let message = cut(message, inner.limits.log_line_bytes);
        inner.said += level.len() + source.len() + message.len();
        let said = Command::Log { level: Arc::clone(level), source: Arc::clone(source), message };
        inner.emissions.push(Emission::Said(said));
    }

    /// Says how far the program is. Of very many such reports some are left out.
    pub fn progress(&mut self, step: u64, total: u64, message: Option<&str>) {
        let message = message.map(|message| cut(message, self.0.limits.log_line_bytes));
        let bytes = message.as_ref().map_or(0, String::len);
        self.0.report(Command::Progress { step, total, message }, bytes);
    }

    /// Says a figure. As for [`progress`](Self::progress).
    pub fn stats(&mut self, key: String, value: serde_json::Value) {
        let bytes = key.len() + json_weight(&value);
        self.0.report(Command::Stats { key, value }, bytes);
    }

    /// Says what was held back of reports: the program is about to ask or to end.
    pub fn settle(&mut self) {
        let inner = &mut *self.0;
        inner.say_dropped();
        if let Some(reports) = inner.reports.take() {
            inner.emissions.extend(reports.settle(inner.limits.reports).map(Emission::Said));
        }
    }
}

/// The seed behind `seed`: a step of the generator `SplitMix64`.
fn following(seed: u64) -> u64 {
    let sum = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
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

    /// So many bytes of a line cost a token more.
    const UNIT: usize = 256;

    /// Takes the tokens for one line of so many bytes, or counts the line as dropped.
    fn take(&mut self, now: Timestamp, per_second: u64, bytes: usize) -> bool {
        let most = per_second.saturating_mul(Self::BURST_SECONDS);
        let refill = u64::try_from(now - self.filled_at).unwrap_or(0).saturating_mul(per_second) / 1000;
        if refill > 0 {
            self.tokens = self.tokens.saturating_add(refill).min(most);
            self.filled_at = now;
        }
        // No line is so long that it can never be said.
        let cost = (1 + (bytes / Self::UNIT) as u64).min(most.max(1));
        let Some(left) = self.tokens.checked_sub(cost) else {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{SystemClock, SystemEntropy};

    #[test]
    fn a_section_may_last_longer_while_its_program_is_run_again() {
        let limits = Limits { section_ms: 50, ..Limits::default() };
        let door = Door::new(Arc::new(SystemClock), Arc::new(SystemEntropy), StopFlag::default(), 0, &limits);
        assert_eq!(door.section_limit(), Duration::from_millis(50));
        let mut again = door.replaying(PastReads::default());
        assert_eq!(again.section_limit(), Duration::from_secs(1));
        again.is_present();
        assert_eq!(again.section_limit(), Duration::from_millis(50));
    }
}
