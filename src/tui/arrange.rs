//! How the list is arranged: which order, which groups, which filter, and where a session stands then.
//!
//! Pure: a [`Place`] is made of one session alone, so a change of one session moves one row and nothing else is looked
//! at. What is shown of it is the list's to say.

use std::cmp::Ordering;
use std::sync::Arc;

use super::names::born_at;
use super::natural::natural;
use crate::config::{Grouping, Sort};
use crate::domain::query::Expr;
use crate::domain::{ExecutionState, SessionId, SessionKind, Timestamp};
use crate::engine::Summary;

/// Everything that says which rows there are and in which order.
#[derive(Debug, Clone)]
pub(super) struct Arrangement {
    pub(super) sort: Sort,
    pub(super) grouping: Grouping,
    pub(super) filter: Arc<Expr>,
}

impl Default for Arrangement {
    fn default() -> Self {
        Self { sort: Sort::default(), grouping: Grouping::default(), filter: Arc::new(Expr::EVERYTHING) }
    }
}

/// A group of rows. Those that belong to none stand last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Group {
    State(Attention),
    Named(Arc<str>),
    Rest,
}

/// The groups of attention order, first to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Attention {
    Waiting,
    Failed,
    Running,
    Done,
    Cancelled,
}

/// What decides within a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Numbers(i64, i64),
    /// Those of one title in the order of their numbers, which is that of their birth.
    Name(Title, Timestamp),
}

/// A title, in the order in which people expect titles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Title(Arc<str>);

impl Ord for Title {
    fn cmp(&self, other: &Self) -> Ordering {
        natural(&self.0, &other.0)
    }
}

impl PartialOrd for Title {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Where a session stands in the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) group: Group,
    pub(super) rank: Rank,
    pub(super) id: SessionId,
}

impl Place {
    pub(super) fn of(summary: &Summary, how: &Arrangement) -> Self {
        Self { group: group_of(summary, how.grouping), rank: rank_of(summary, how.sort), id: summary.id }
    }

    /// Behind everything that stood in the stable order when it was asked for; in the order of arrival.
    pub(super) fn arrived(summary: &Summary, how: &Arrangement, n: i64) -> Self {
        Self { rank: Rank::Numbers(i64::MAX, n), ..Self::of(summary, how) }
    }
}

fn attention(state: &ExecutionState) -> Attention {
    match state {
        ExecutionState::Paused(_) => Attention::Waiting,
        ExecutionState::Failed(_) => Attention::Failed,
        ExecutionState::Running { .. } => Attention::Running,
        ExecutionState::Done(_) => Attention::Done,
        ExecutionState::Cancelled(_) => Attention::Cancelled,
    }
}

fn group_of(summary: &Summary, grouping: Grouping) -> Group {
    match grouping {
        Grouping::None => Group::Rest,
        Grouping::State => Group::State(attention(&summary.state)),
        Grouping::Tag => match summary.spec.tags.first_key_value() {
            Some((key, value)) if value.is_empty() => Group::Named(key.as_str().into()),
            Some((key, value)) => Group::Named(format!("{key}={value}").into()),
            None => Group::Rest,
        },
        Grouping::File => match &summary.spec.kind {
            SessionKind::Run { name: Some(name), .. } => Group::Named(name.as_str().into()),
            SessionKind::Run { name: None, .. } => Group::Rest,
            SessionKind::Advice { strategy, .. } | SessionKind::Eval { strategy, .. } => {
                Group::Named(strategy.as_str().into())
            }
        },
    }
}

fn rank_of(summary: &Summary, sort: Sort) -> Rank {
    let newest_first = born_at(summary).saturating_neg();
    match sort {
        Sort::Attention | Sort::Stable => {
            // What has ended well or by somebody's wish needs no attention, whichever it was.
            let (group, rank) = match &summary.state {
                ExecutionState::Paused(pause) => (0, summary.spec.own_time(pause.paused_at)),
                ExecutionState::Failed(failure) => (1, failure.occurred_at.saturating_neg()),
                ExecutionState::Running { .. } => (2, born_at(summary)),
                ExecutionState::Done(_) | ExecutionState::Cancelled(_) => (3, summary.last_at.saturating_neg()),
            };
            Rank::Numbers(group, rank)
        }
        Sort::Started => Rank::Numbers(newest_first, 0),
        Sort::Name => Rank::Name(Title(summary.spec.display_title().to_lowercase().into()), born_at(summary)),
        Sort::State => Rank::Numbers(attention(&summary.state) as i64, newest_first),
        Sort::Waiting => match waiting_since(summary) {
            Some(since) => Rank::Numbers(0, since),
            None => Rank::Numbers(1, 0_i64.saturating_sub_unsigned(summary.usage.waiting_ms)),
        },
        Sort::Tokens => Rank::Numbers(0_i64.saturating_sub_unsigned(summary.usage.total_tokens.tokens), newest_first),
    }
}

/// Since when a session waits, if it does: a branch not for longer than it is there.
pub(super) fn waiting_since(summary: &Summary) -> Option<Timestamp> {
    match &summary.state {
        ExecutionState::Paused(pause) => Some(summary.spec.own_time(pause.paused_at)),
        ExecutionState::Running { .. }
        | ExecutionState::Done(_)
        | ExecutionState::Cancelled(_)
        | ExecutionState::Failed(_) => None,
    }
}
