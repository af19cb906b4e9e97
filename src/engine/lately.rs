//! How long the last few of something took: enough to say what is usual and what is not.

use std::collections::VecDeque;
use std::time::Duration;

/// How many are looked at: some seconds of pictures or commits.
const KEPT: usize = 512;

/// How long the last few of something took. Cheap to add to; sorted only where somebody looks.
#[derive(Debug, Default)]
pub struct Lately {
    took: VecDeque<Duration>,
    total: u64,
}

/// How durations spread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spread {
    /// How many there were in all; of these, the last 512 at most are looked at.
    pub total: u64,
    /// The one in the middle.
    pub median: Duration,
    /// What ninety-nine of a hundred did not exceed.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

impl Lately {
    /// Takes in one more, and forgets the oldest.
    pub fn note(&mut self, took: Duration) {
        self.total += 1;
        if self.took.len() == KEPT {
            self.took.pop_front();
        }
        self.took.push_back(took);
    }

    /// How those that are remembered spread; zeros where there are none.
    pub fn spread(&self) -> Spread {
        let mut sorted: Vec<Duration> = self.took.iter().copied().collect();
        sorted.sort_unstable();
        let at = |hundredths: usize| sorted.get((sorted.len().max(1) - 1) * hundredths / 100).copied();
        let [median, p99, max] = [50, 99, 100].map(|hundredths| at(hundredths).unwrap_or_default());
        Spread { total: self.total, median, p99, max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_and_what_is_not_of_the_last_few() {
        let mut lately = Lately::default();
        assert_eq!(lately.spread(), Spread::default());
        lately.note(Duration::from_secs(1));
        for ms in (1..=KEPT as u64).rev() {
            lately.note(Duration::from_millis(ms));
        }
        let [median, p99, max] = [256, 506, 512].map(Duration::from_millis);
        assert_eq!(lately.spread(), Spread { total: KEPT as u64 + 1, median, p99, max }, "the first is forgotten");
    }
}
