//! How much CPU time a step took.
//!
//! To ask the system at both ends of each step would take as long as a tenth of a short one. Short steps are counted by
//! the clock on the wall, in which little can go wrong; of a longer one, in which the thread may have stood still, the
//! CPU clock of the thread knows how much it really ran.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::preempt::cpu_time;

/// Steps up to this are short.
const SHORT: Duration = Duration::from_micros(200);

/// A look at the CPU clock that is older than this when a step begins is renewed. What other sessions used since the
/// look counts for the step, so that much at most.
const FRESH: Duration = Duration::from_micros(100);

/// A look at the CPU clock of a thread.
#[derive(Clone, Copy)]
struct Look {
    /// Until when it is fresh.
    until: Instant,
    used: Duration,
}

thread_local! {
    static LAST: Cell<Option<Look>> = const { Cell::new(None) };
}

impl Look {
    fn take(at: Instant) -> Self {
        let look = Self { until: at + FRESH, used: cpu_time() };
        LAST.set(Some(look));
        look
    }
}

/// Runs with a step, on its thread.
pub(super) struct Stopwatch {
    began: Instant,
    before: Look,
}

impl Stopwatch {
    /// Runs from `began` on, which was a moment ago.
    pub(super) fn start(began: Instant) -> Self {
        // A look from after `began` is another's: the slice began on another thread and waited for this one.
        let fresh = LAST.get().filter(|last| began <= last.until && last.until <= began + FRESH);
        Self { began, before: fresh.unwrap_or_else(|| Look::take(began)) }
    }

    /// About how much CPU time went by.
    pub(super) fn stop(self) -> Duration {
        let now = Instant::now();
        let passed = now - self.began;
        if passed <= SHORT {
            return passed;
        }
        Look::take(now).used.saturating_sub(self.before.used).min(passed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// Longer than a thread that only waits can have run.
    const LONG: Duration = Duration::from_millis(20);

    #[test]
    fn a_thread_that_stands_still_uses_nothing() {
        let (done, wait) = channel();
        let watch = Stopwatch::start(Instant::now());
        let other = std::thread::spawn(move || {
            let start = Instant::now();
            while start.elapsed() < LONG {
                std::hint::spin_loop();
            }
            done.send(()).unwrap();
        });
        wait.recv().unwrap();
        other.join().unwrap();
        assert!(watch.stop() < LONG);
    }

    #[test]
    fn what_a_thread_ran_before_it_took_the_step_up_is_not_counted() {
        let began = Instant::now();
        Look::take(Instant::now());
        let enough = cpu_time() + LONG;
        while cpu_time() < enough {}
        assert!(Stopwatch::start(began).stop() < LONG);
    }

    #[test]
    fn what_a_thread_really_ran_is_counted() {
        let watch = Stopwatch::start(Instant::now());
        let enough = cpu_time() + LONG;
        while cpu_time() < enough {}
        assert!(watch.stop() >= LONG);
    }
}
