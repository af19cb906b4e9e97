//! What ties a child to the session that forked it, and the budget that a family shares.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{QueryId, SessionId, Timestamp};

/// The session that a child belongs to. Only the engine makes children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The session that forked it.
    pub session: SessionId,
    /// Which of its forks, counted from 1.
    pub fork: u32,
    /// The place among the children of that fork, counted from 0: its queries are `f-<index>-<n>`.
    pub index: u32,
    /// How many sessions stand above it.
    pub depth: u32,
    /// The budget of the session at the top, if it has one: all below it take from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<SharedBudget>,
}

/// Where a session goes on from another one, which stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// The other session.
    pub of: SessionId,
    /// The query that is open again. Written `query_id`: in every event `at` is the time.
    #[serde(rename = "query_id")]
    pub at: QueryId,
    /// When it was branched off: its own birth, since the session is as old as the one it goes on from. 0 in records
    /// made before this was recorded.
    #[serde(default)]
    pub made_at: Timestamp,
}

/// A budget that several sessions take from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedBudget {
    /// Its limits.
    #[serde(flatten)]
    pub limits: Budget,
    /// When its time began.
    pub since: Timestamp,
}

/// The limits of `ctx.budget`. Only non-negative integers count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Queries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llm_calls: Option<u64>,
    /// Milliseconds since the session was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed_ms: Option<u64>,
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

impl Budget {
    /// The budget that a `ctx` sets.
    pub fn of(ctx: Option<&Value>) -> Self {
        let limit = |name| ctx?.get("budget")?.as_object()?.get(name)?.as_u64();
        Self { llm_calls: limit("max_llm_calls"), elapsed_ms: limit("max_elapsed_ms"), tokens: limit("max_tokens") }
    }

    /// Whether any limit is set.
    pub fn is_set(&self) -> bool {
        self.llm_calls.is_some() || self.elapsed_ms.is_some() || self.tokens.is_some()
    }
}
