//! What is said of sessions that a run has left in their journal: how each goes on, or why it cannot.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::output;
use super::KeptIn;
use super::text::shown;
use crate::domain::{CancelCode, ExecutionState, SessionId};
use crate::engine::{Presence, Registry};

/// What can be done with the sessions of a run that is ended before they are.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Those that can go on.
    can_go_on: Vec<SessionId>,
    /// Those that nothing brings back, and that stand in the way of one of the run, with the reason.
    halted: Vec<(SessionId, Arc<str>)>,
}

impl Left {
    /// Looks at the sessions of a run, before they leave memory: after that, nobody knows what stood in their way.
    pub(super) fn of(registry: &Registry, order: &[SessionId]) -> Self {
        let mut left = Self::default();
        for session in order {
            let mut halted = Vec::new();
            if goes_on(registry, *session, &mut halted) {
                left.can_go_on.push(*session);
            } else {
                left.halted.extend(halted);
            }
        }
        left
    }

    /// Says how each goes on that the journal keeps as it is, or why it cannot, unless it is one of `told`, of which
    /// that was said as it was found.
    pub(super) fn tell(self, registry: &Registry, told: &HashSet<SessionId>, kept_in: Option<&KeptIn>) {
        if let Some(text) = self.told(registry, told, kept_in) {
            output::message(&text);
        }
    }

    /// The same where nobody reads standard output any more, which is said too if it has cost anything. `order` are the
    /// sessions of the run, and so many were not even started.
    pub(super) fn tell_without_reader(
        self,
        registry: &Registry,
        order: &[SessionId],
        unstarted: u32,
        told: &HashSet<SessionId>,
        kept_in: Option<&KeptIn>,
    ) {
        let is_lost = |id: &SessionId| match registry.state(*id) {
            Ok(ExecutionState::Cancelled(cancelled)) => cancelled.reason.code == CancelCode::SystemShutdown,
            Ok(_) | Err(_) => false,
        };
        let lost = order.iter().filter(|id| is_lost(id)).count();
        let parts = [
            self.told(registry, told, kept_in),
            (lost > 0)
                .then(|| format!("{lost} of {} sessions had not ended, and nothing of them is kept", order.len())),
            (unstarted > 0).then(|| format!("{unstarted} more were not started")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if !parts.is_empty() {
            output::message(&format!("nobody reads standard output any more; {}", parts.join("; ")));
        }
    }

    /// Says of those that cannot go on why, and gives what is to be said of those that can.
    fn told(mut self, registry: &Registry, told: &HashSet<SessionId>, kept_in: Option<&KeptIn>) -> Option<String> {
        let has_ended = |id: &SessionId| registry.summary(*id).is_ok_and(|summary| summary.state.is_ended());
        self.halted.retain(|(session, _)| !has_ended(session) && !told.contains(session));
        for (session, why) in &self.halted {
            output::message(&cannot_go_on(*session, why, kept_in));
        }
        self.can_go_on.retain(|session| !has_ended(session));
        how_to_go_on(&self.can_go_on, kept_in)
    }
}

/// Whether anything comes of going on with a session: it runs, or it or one below it waits for an answer that it would
/// take. Adds those that cannot be run again from their records, with the reason.
fn goes_on(registry: &Registry, session: SessionId, halted: &mut Vec<(SessionId, Arc<str>)>) -> bool {
    let Ok(summary) = registry.summary(session) else { return true };
    if let Presence::CannotReplay(why) = summary.presence {
        halted.push((session, why));
        return false;
    }
    let ExecutionState::Running { waiting_on: Some(_) } = summary.state else { return true };
    let mut below = registry.children(session);
    below.retain(|child| !child.state.is_ended());
    // Those that have all ended let it go on.
    below.is_empty() || below.iter().any(|child| goes_on(registry, child.id, halted))
}

/// That a session cannot be run again from its record, and what to do.
pub(super) fn cannot_go_on(session: SessionId, why: &str, kept_in: Option<&KeptIn>) -> String {
    let journal = kept_in.map(KeptIn::argument).unwrap_or_default();
    let session = session.short();
    let why = shown(why);
    format!(
        "{session} cannot go on: {why}; it is tried again when it is resumed, or end it: switchboard session cancel {session}{journal}"
    )
}

/// What to type to go on with sessions that were left.
fn how_to_go_on(left: &[SessionId], kept_in: Option<&KeptIn>) -> Option<String> {
    let (first, others) = left.split_first()?;
    let journal = kept_in.map(KeptIn::argument).unwrap_or_default();
    let id = if others.is_empty() { first.short() } else { "ID".to_owned() };
    let how = format!("goes on with: switchboard run --resume {id}{journal}");
    Some(match kept_in.filter(|kept_in| kept_in.is_gone()) {
        Some(kept_in) => {
            let and = |log: PathBuf| format!("move {} too, as FILE-wal; then ", log.display());
            let first = kept_in.log_left().map(and).unwrap_or_default();
            format!("{} is gone; if it was moved, {first}it {how}", kept_in.path.display())
        }
        None if others.is_empty() => format!("it {how}"),
        None => {
            let ids: Vec<String> = left.iter().take(3).map(|id| id.short()).collect();
            let more = if left.len() > ids.len() { ", …" } else { "" };
            format!("{} sessions are left ({}{more}); each {how}", left.len(), ids.join(", "))
        }
    })
}
