//! The read model of a session: what lists and screens show of it.

use std::sync::Arc;

use super::Stored;
use crate::domain::query::{Facts, Standing};
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
    /// How many queries it has asked itself: `q-1` up to this one. Those of its children are not among them.
    pub asked: u32,
    /// How far its program says it is.
    pub progress: Option<Arc<Progress>>,
    /// Where its program is.
    pub presence: Presence,
}

/// Where the program of a session is: in memory, in its record, or on the way between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Presence {
    /// In memory, or the session has ended.
    #[default]
    Resident,
    /// In memory for good, with the reason: it could not be brought back from its record.
    CannotSleep(Arc<str>),
    /// In its record alone; an answer brings it back.
    Sleeping,
    /// It is run again, and has come to `done` of `of` recorded events.
    Replaying {
        /// Events that it has come to again.
        done: u64,
        /// Events in its record.
        of: u64,
    },
    /// In another process, which records it; here its record can only be read.
    Elsewhere,
    /// In its record alone, which cannot be written here and can be read.
    ReadOnly,
    /// In its record alone, with the reason why it cannot be brought back. It takes no answer; it can be cancelled or
    /// branched, and is tried again at the next start.
    CannotReplay(Arc<str>),
    /// In its record alone: it ran as the process went down, twice. It is run again when somebody releases it.
    Suspended,
    /// The same of a session that is recorded in another process, or in a journal that can only be read here: it is
    /// released there.
    SuspendedElsewhere,
}

impl Presence {
    /// Whether it is only shown here, since nothing can be recorded of it.
    pub fn is_watched(&self) -> bool {
        matches!(self, Self::Elsewhere | Self::ReadOnly | Self::SuspendedElsewhere)
    }

    /// Whether it waits for somebody to release it, since it ran as the process went down, twice.
    pub fn is_suspended(&self) -> bool {
        matches!(self, Self::Suspended | Self::SuspendedElsewhere)
    }

    /// The presence of one session of a journal that is only read here, where this is that of its sessions.
    pub(super) fn of(self, stored: &Stored) -> Self {
        if stored.rests && stored.is_suspended() { Self::SuspendedElsewhere } else { self }
    }

    pub(super) fn cannot_replay(why: &(impl ToString + ?Sized)) -> Self {
        Self::CannotReplay(why.to_string().into())
    }
}

impl Summary {
    /// The session that forked it, of a child: lists show it under that one.
    pub fn parent(&self) -> Option<SessionId> {
        self.spec.parent.as_ref().map(|parent| parent.session)
    }

    /// Whether it stands before its first instruction until somebody releases it.
    pub fn is_held(&self) -> bool {
        self.spec.held && self.last_seq == 0 && !self.state.is_ended()
    }

    /// What a query may ask beside the state: whether it waits to be released.
    pub fn standing(&self) -> Option<Standing> {
        match self.state {
            ExecutionState::Running { .. } if self.presence.is_suspended() => Some(Standing::Suspended),
            _ => self.is_held().then_some(Standing::Held),
        }
    }

    /// What a query may ask of it, as long as nobody sees a number of it.
    pub fn facts(&self, now: Timestamp) -> Facts<'_> {
        Facts {
            id: self.id,
            spec: &self.spec,
            number: None,
            state: &self.state,
            standing: self.standing(),
            created_at: self.created_at,
            tokens: self.usage.total_tokens.tokens,
            query: None,
            now,
        }
    }

    /// The session that it comes from: the one that forked it, of a child; the one that it goes on from, of a branch.
    pub fn origin(&self) -> Option<SessionId> {
        self.parent().or_else(|| self.spec.branch.map(|branch| branch.of))
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
            asked: session.asked(),
            progress: session.progress().cloned(),
            presence: Presence::default(),
        }
    }
}

/// As somebody sees it who only reads the journal.
impl From<&Stored> for Summary {
    fn from(stored: &Stored) -> Self {
        let summary = Self::from(&*stored.session);
        let presence = if summary.state.is_ended() { Presence::Resident } else { Presence::Elsewhere.of(stored) };
        Self { presence, ..summary }
    }
}
