//! What the records of a session amount to.
//!
//! Whoever has records and wants the session folds them here: a branch, a proof, a journal in memory. The journal on disk
//! folds what it has stored by itself, since it goes on from snapshots.

use std::sync::Arc;

use super::Record;
use crate::domain::{Event, EventKind, Session, SessionId, apply};

/// What records amount to.
pub(super) struct Folded {
    pub(super) session: Session,
    /// How often its program was run again after an unclean end since it last paused.
    pub(super) attempts: u32,
}

/// Folds the records of a session. `None` where they do not begin with its birth.
pub(super) fn fold(id: SessionId, records: &[Record]) -> Option<Folded> {
    let Some(Record::Spawned { spec, at, .. }) = records.first() else { return None };
    let mut folded = Folded { session: Session::new(id, Arc::clone(spec), *at), attempts: 0 };
    for record in records {
        if let Record::Resumed { unclean: true, .. } = record {
            folded.attempts += 1;
        }
        for event in events(record) {
            if matches!(event.kind, EventKind::PauseRequested { .. }) {
                folded.attempts = 0;
            }
            apply(&mut folded.session, event);
        }
    }
    Some(folded)
}

/// The events of a record.
pub(super) fn events(record: &Record) -> std::slice::Iter<'_, Event> {
    match record {
        Record::Turn(turn) => turn.iter(),
        Record::Spawned { .. } | Record::Read(_) | Record::Performed(_) | Record::Resumed { .. } => [].iter(),
    }
}
