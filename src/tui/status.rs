//! The status line: what was said last, how it is meant, and for how long it stays.

use super::app::App;
use crate::domain::Timestamp;

/// How a message in the status line is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Said,
    Refused,
}

/// The message in the status line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) weight: Weight,
    pub(super) text: String,
    /// When it was said.
    pub(super) at: Timestamp,
    /// When a key may take it away. What a key caused goes with the next key; what came by itself must be seen first.
    pub(super) stays_until: Timestamp,
}

impl Status {
    /// How long a message has the row of the counts, where it has none of its own: long enough to be read.
    const HAS_THE_COUNTS_MS: i64 = 3_000;

    /// When it gives the row of the counts back.
    pub(super) fn leaves_the_counts(&self) -> Timestamp {
        self.at.max(self.stays_until).saturating_add(Self::HAS_THE_COUNTS_MS)
    }
}

impl App {
    /// The message in the status line.
    pub fn status(&self) -> Option<&str> {
        self.status.as_ref().map(|status| status.text.as_str())
    }

    pub(super) fn say(&mut self, text: impl Into<String>) {
        self.tell(Weight::Said, text.into());
    }

    pub(super) fn refuse(&mut self, text: impl Into<String>) {
        self.tell(Weight::Refused, text.into());
    }

    fn tell(&mut self, weight: Weight, text: String) {
        self.status = Some(Status { weight, text, at: self.now, stays_until: self.messages_stay });
    }
}
