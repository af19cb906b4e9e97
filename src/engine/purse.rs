//! The budget that a family of sessions shares: how much of it is spent.
//!
//! Children of one fork run at the same time, so what one of them sees spent depends on the others: it is a recorded
//! read. Only the count stands here; what is allowed stands with each session, and a program is told by its VM.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What is spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Queries.
    pub llm_calls: u64,
    /// Tokens.
    pub tokens: u64,
}

/// Counts what a family spends.
#[derive(Debug, Default)]
pub(super) struct Purse {
    llm_calls: AtomicU64,
    tokens: AtomicU64,
}

impl Purse {
    /// A purse of which somebody has spent before.
    pub(super) fn new(spent: Spent) -> Self {
        Self { llm_calls: spent.llm_calls.into(), tokens: spent.tokens.into() }
    }

    pub(super) fn spent(&self) -> Spent {
        Spent { llm_calls: self.llm_calls.load(Ordering::Acquire), tokens: self.tokens.load(Ordering::Acquire) }
    }

    /// Takes `n` queries if as many are spent as the taker has `seen`: of two who see the last one, one gets it.
    pub(super) fn take_calls(&self, n: usize, seen: Spent) -> bool {
        let after = seen.llm_calls.saturating_add(n as u64);
        self.llm_calls.compare_exchange(seen.llm_calls, after, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Counts tokens that were asked with or answered.
    pub(super) fn add_tokens(&self, tokens: u64) {
        self.tokens.fetch_add(tokens, Ordering::AcqRel);
    }
}
