//! Raw verbs that were called: what becomes of drafts and of rows by them.
//!
//! Reading them is `raw`'s, calling them `deeds`'s.

use std::collections::HashSet;

use super::app::App;
use super::msg::Cmd;
use super::raw::Raw;
use crate::domain::{ResumePayload, SessionId};
use crate::engine::{Presence, Summary};

/// What was called and is not all seen yet.
#[derive(Debug, Default)]
pub(super) struct RawCalls {
    /// Answers under way.
    pub(super) resumes: Vec<(SessionId, ResumePayload)>,
    /// Sessions that were let go and are said to be suspended still: the engine says more once it has begun with them.
    released: HashSet<SessionId>,
}

impl RawCalls {
    /// Makes of a session that was let go what it is: it is run again, from the first event on.
    pub(super) fn correct(&mut self, summary: &mut Summary) {
        if summary.presence != Presence::Suspended {
            self.released.remove(&summary.id);
        } else if self.released.contains(&summary.id) {
            summary.presence = Presence::Replaying { done: 0, of: summary.last_seq };
        }
    }
}

impl App {
    pub(super) fn call_raw(&mut self, raw: Raw, cmds: &mut Vec<Cmd>) {
        if let Raw::Resume { session, payload } = &raw {
            self.raw.resumes.push((*session, payload.clone()));
        }
        cmds.push(Cmd::Raw(raw));
    }

    /// Takes in what came of a verb. A draft of a query that it answered is kept, and that is no fault.
    pub(super) fn raw_done(&mut self, raw: &Raw, result: Result<String, String>) {
        let mut kept = String::new();
        if let Raw::Resume { session, payload } = raw {
            let called = self.raw.resumes.iter().position(|(of, answers)| (of, answers) == (session, payload));
            called.map(|at| self.raw.resumes.remove(at));
            if result.is_ok() {
                self.show_despite_freeze(*session);
                let others = self.drafts.spent(*session, payload.answers());
                kept = self.kept_beside(others);
            }
            self.check_drafts_of(*session);
        }
        match result {
            Ok(said) => self.say(said + &kept),
            Err(why) => self.refuse(why),
        }
    }

    /// These sessions were let go: their rows say so at once.
    pub(super) fn released(&mut self, sessions: &[SessionId]) {
        for id in sessions {
            self.show_despite_freeze(*id);
            let Some(mut summary) = self.sessions.get(*id).cloned() else { continue };
            if summary.presence == Presence::Suspended {
                self.raw.released.insert(*id);
                self.raw.correct(&mut summary);
                self.sessions.put(summary, self.now);
            }
        }
    }
}
