//! Cancels: the form, sending it, and what became of it.
//!
//! A cancel is sent even when the session has ended by then; the answer says that nothing changed.

use std::collections::HashSet;

use super::app::{App, Focus, Layer};
use super::editor::text_of;
use super::forms::CancelForm;
use super::msg::Cmd;
use crate::domain::{CancelError, CancelReason, ExecutionState, SessionId};
use crate::engine::Summary;

impl App {
    pub(super) fn open_cancel(&mut self) {
        // In the list the object is what is marked there, if anything is.
        if self.focus == Focus::List && self.open_cancel_marked() {
            return;
        }
        let Some(session) = self.selected_summary().map(|summary| summary.id) else {
            self.refuse("no session is selected");
            return;
        };
        let kept = self.cancel_drafts.iter().position(|form| form.bulk.is_none() && form.session == session);
        let mut form = match kept {
            Some(at) => self.cancel_drafts.remove(at),
            None => CancelForm::new(session),
        };
        form.below = self.live_below(&HashSet::from([session]));
        self.layer = Some(Layer::Cancel(Box::new(form)));
    }

    /// How many children of these sessions, and children of those, have not ended and are not among them.
    pub(super) fn live_below(&self, tops: &HashSet<SessionId>) -> usize {
        let parent = |id: SessionId| self.sessions.get(id).and_then(Summary::parent);
        let is_below = |summary: &&Summary| {
            std::iter::successors(summary.parent(), |above| parent(*above)).any(|above| tops.contains(&above))
        };
        let others = self.sessions.iter().filter(|summary| !summary.state.is_ended() && !tops.contains(&summary.id));
        others.filter(is_below).count()
    }

    /// Keeps what was written in a form that was not sent.
    pub(super) fn keep_cancel(&mut self, form: CancelForm) {
        if !form.detail.is_empty() {
            self.cancel_drafts.push(form);
            self.say("not cancelled; the reason is kept");
        }
    }

    pub(super) fn send_cancel(&mut self, cmds: &mut Vec<Cmd>) {
        match self.layer.take() {
            Some(Layer::Cancel(form)) => {
                let detail = text_of(&form.detail);
                let detail = (!detail.trim().is_empty()).then_some(detail);
                let reason = CancelReason { code: form.code, detail, requested_at: self.now };
                if let Some(bulk) = &form.bulk {
                    self.send_cancel_marked(bulk, reason, cmds);
                    return;
                }
                self.say(format!("cancel of {} sent", self.name_of(form.session)));
                cmds.push(Cmd::Cancel { session: form.session, reason });
            }
            layer => self.layer = layer,
        }
    }

    /// Takes in what became of a cancel.
    pub(super) fn cancelled(
        &mut self,
        session: SessionId,
        reason: &CancelReason,
        result: Result<ExecutionState, CancelError>,
    ) {
        self.show_despite_freeze(session);
        let name = self.name_of(session);
        match result {
            Ok(ExecutionState::Cancelled(cancelled)) if cancelled.reason == *reason => {
                self.say(format!("{name} is cancelled"));
            }
            Ok(state) => self.say(format!("nothing changed: {name} was already {}", state.name())),
            Err(refused) => self.refuse(format!("{name} not cancelled: {refused}")),
        }
    }

    /// What people call a session.
    pub(super) fn name_of(&self, session: SessionId) -> String {
        match self.sessions.get(session) {
            Some(summary) => self.sessions.names().name(summary, 40),
            None => session.short(),
        }
    }
}
