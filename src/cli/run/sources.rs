//! Who is asked: the way of a question from source to source, until one answers or none is left.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::domain::{ExecutionState, Query, SessionId};
use crate::engine::Registry;

/// Queries of one pause that nobody has answered yet. There is never more than one of a pause on its way.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) session: SessionId,
    /// The session of the run that it belongs to: itself, or the one at the top above a child.
    pub(super) top: SessionId,
    pub(super) epoch: u32,
    pub(super) queries: Vec<Arc<Query>>,
}

impl Ask {
    /// Whether its session still waits at this pause. A limit or a signal may have ended it.
    pub(super) fn is_open(&self, registry: &Registry) -> bool {
        match registry.state(self.session) {
            Ok(ExecutionState::Paused(pause)) => pause.epoch == self.epoch,
            Ok(_) | Err(_) => false,
        }
    }
}

/// What the supervisor is told.
#[derive(Debug)]
pub(super) enum Report {
    /// A session has ended and all of it is printed.
    Ended {
        session: SessionId,
        /// Its last line, where that is printed in one document with the others.
        document: Option<String>,
    },
    /// What a session waits for has changed: it has forked children, which belong to the run as well, was told of the
    /// end of one, or it cannot be read any more what it was told.
    Children {
        parent: SessionId,
        top: SessionId,
        /// Those that it has forked, of which some may have been named before.
        forked: Vec<SessionId>,
    },
    /// No source can answer what a session waits for.
    Stuck(SessionId),
    /// A part of the run is gone by a fault of its own, which the panic has told.
    Broken,
}

/// Where a question goes next.
#[derive(Clone)]
pub(super) enum Stage {
    /// To a source with a queue. The queue has room for every session, so that nobody ever waits to ask.
    Source(mpsc::Sender<Ask>),
    /// Nobody is left.
    Nobody(mpsc::Sender<Report>),
}

impl Stage {
    /// Passes a question on. One that nobody takes any more belongs to a run that is over.
    pub(super) async fn ask(&self, ask: Ask) {
        if ask.queries.is_empty() {
            return;
        }
        match self {
            Self::Source(queue) => drop(queue.send(ask).await),
            Self::Nobody(reports) => drop(reports.send(Report::Stuck(ask.session)).await),
        }
    }
}
