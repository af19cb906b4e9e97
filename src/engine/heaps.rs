//! The memory that the sessions below one take together: what they were made of, what their programs hold, and the
//! results of those that have ended, for as long as these are in memory.
//!
//! Each program has a limit of its own; this says how much one may take by forking. Only the count stands here, in bytes
//! and about: what is allowed stands with each session. What sleeps takes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what a family takes.
#[derive(Debug, Default)]
pub(super) struct Heaps(AtomicU64);

impl Heaps {
    pub(super) fn taken(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What one of the family takes. It is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Portion {
    heaps: Arc<Heaps>,
    /// For as long as it is there.
    made_of: u64,
    /// Now.
    holds: u64,
}

impl Portion {
    /// The portion of a session that was made of so many bytes.
    pub(super) fn new(heaps: Arc<Heaps>, made_of: u64) -> Self {
        heaps.0.fetch_add(made_of, Ordering::Relaxed);
        Self { heaps, made_of, holds: 0 }
    }

    /// Notes that the session holds so many bytes. Gives what all of the family take, where it holds more than before.
    pub(super) fn hold(&mut self, bytes: u64) -> Option<u64> {
        let before = std::mem::replace(&mut self.holds, bytes);
        if bytes > before {
            return Some(self.heaps.0.fetch_add(bytes - before, Ordering::Relaxed) + (bytes - before));
        }
        self.heaps.0.fetch_sub(before - bytes, Ordering::Relaxed);
        None
    }
}

impl Drop for Portion {
    fn drop(&mut self) {
        self.heaps.0.fetch_sub(self.made_of + self.holds, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_take_is_what_each_holds() {
        let heaps = Arc::new(Heaps::default());
        let mut first = Portion::new(Arc::clone(&heaps), 10);
        let mut second = Portion::new(Arc::clone(&heaps), 10);
        assert_eq!(first.hold(100), Some(120));
        assert_eq!(second.hold(50), Some(170));
        assert_eq!(first.hold(30), None, "it holds less");
        assert_eq!((second.hold(50), second.hold(51)), (None, Some(101)));
        drop(first);
        assert_eq!(heaps.taken(), 61);
        drop(second);
        assert_eq!(heaps.taken(), 0);
    }
}
