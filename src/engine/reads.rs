//! What a program got to see of the world outside, as it is recorded.
//!
//! A program may look at a clock millions of times. What it saw several times in a row is one record with a count, so
//! that a record grows with what there was to see and not with how often somebody looked. Each kind of read has an order
//! of its own: a program that looks at two clocks in turn would otherwise never see the same twice in a row.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::purse::Spent;
use crate::domain::Timestamp;

/// A recorded read: what a program got to see of the world outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// The time, in Unix milliseconds.
    Time(Timestamp),
    /// Sixty-four random bits. Later ones of the session follow from the first.
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

impl Read {
    /// How many kinds there are.
    pub(super) const KINDS: usize = 6;

    /// The number of its kind.
    pub(super) fn kind(self) -> usize {
        match self {
            Self::Time(_) => 0,
            Self::Seed(_) => 1,
            Self::Elapsed(_) => 2,
            Self::Cpu(_) => 3,
            Self::Spent(_) => 4,
            Self::Taken(_) => 5,
        }
    }
}

/// A read, and how often in a row a program saw the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// What it saw.
    pub read: Read,
    /// How often; never 0.
    pub times: u32,
}

impl From<Read> for Seen {
    fn from(read: Read) -> Self {
        Self { read, times: 1 }
    }
}

impl Seen {
    /// Every one of the reads.
    pub fn each(self) -> impl Iterator<Item = Read> {
        std::iter::repeat_n(self.read, self.times as usize)
    }
}

/// What is recorded of what a program saw, as far as it has not seen it again.
#[derive(Debug, Default)]
pub(super) struct PastReads([VecDeque<Seen>; Read::KINDS]);

impl PastReads {
    /// Adds what was seen next.
    pub(super) fn push(&mut self, seen: Seen) {
        if seen.times > 0 {
            self.0[seen.read.kind()].push_back(seen);
        }
    }

    /// The next one of a kind, if there is one.
    pub(super) fn next(&mut self, kind: usize) -> Option<Read> {
        let queue = &mut self.0[kind];
        let front = queue.front_mut()?;
        let read = front.read;
        front.times -= 1;
        if front.times == 0 {
            queue.pop_front();
        }
        Some(read)
    }
}
