//! The read model of a session: what lists and screens show of it.

use std::sync::Arc;

use crate::domain::{ExecutionState, Progress, Seq, Session, SessionId, SessionSpec, Timestamp, Usage};

/// A session as it stood after its last event. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Its id.
    pub id: SessionId,
    /// What it was made of.
    pub spec: Arc<SessionSpec>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its state.
    pub state: ExecutionState,
    /// The number of its last event; 0 before the first.
    pub last_seq: Seq,
    /// The time of its last event; its birth before the first.
    pub last_at: Timestamp,
    /// What it has used, as of its last event.
    pub usage: Usage,
    /// How far its program says it is.
    pub progress: Option<Arc<Progress>>,
}

impl Summary {
    /// The session that forked it, of a child: lists show it under that one.
    pub fn parent(&self) -> Option<SessionId> {
        self.spec.parent.as_ref().map(|parent| parent.session)
    }
}

impl From<&Session> for Summary {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id(),
            spec: Arc::clone(session.spec()),
            created_at: session.created_at(),
            state: session.state().clone(),
            last_seq: session.last_seq(),
            last_at: session.last_at(),
            usage: *session.usage(),
            progress: session.progress().cloned(),
        }
    }
}
