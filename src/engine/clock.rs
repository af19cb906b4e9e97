//! The ports through which time and randomness come in, and their real implementations.
//!
//! Only the engine's [`Door`](super::Door) and registry ask them; a program never does so directly.

use rustix::time::{ClockId, clock_gettime};

use crate::domain::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Gives random bits.
pub trait Entropy: Send + Sync + 'static {
    /// Sixty-four random bits.
    fn bits(&self) -> u64;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // Not by way of the standard library's durations, which take longer than the look itself.
        let now = clock_gettime(ClockId::Realtime);
        now.tv_sec * 1000 + now.tv_nsec / 1_000_000
    }
}

/// The random numbers of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn bits(&self) -> u64 {
        getrandom::u64().expect("the operating system gives random numbers once it has started")
    }
}
