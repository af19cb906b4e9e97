//! What the keyboard does behind the last answer of a pause.
//!
//! Whoever types on after `Ctrl-S` means the answer that has just gone. Back in the list the same letters would cancel,
//! quit and mark, so the keyboard stays here, where letters do nothing and say so, until a key goes on on purpose: Esc,
//! Tab or an arrow, Enter as long as nothing was typed into the void (else it may be the end of a line), and Alt-N,
//! which goes to the next question that waits, here or elsewhere. So a desk full of questions is answered with
//! Alt-N, text, Ctrl-S, and nothing else.

use super::app::{App, Focus};
use super::input::Key;
use super::keymap::{Action, Way};
use super::msg::Cmd;

impl App {
    /// A key in this state. Says whether that was all.
    pub(super) fn sent_key(&mut self, key: Key, action: Option<Action>, cmds: &mut Vec<Cmd>) -> bool {
        let Focus::Sent { strayed } = self.focus else { return false };
        match action {
            None => {
                self.focus = Focus::Sent { strayed: true };
                let back = self.key(Action::Back);
                let on = match key.typed() {
                    Some(_) => format!("{back} goes on"),
                    None => format!("{back} or {} goes on", self.key(Action::Open)),
                };
                let next = self.key(Action::Question(Way::Next));
                self.refuse(format!("the answer is sent, {key} does nothing; {on}, {next} to the next question"));
                true
            }
            Some(Action::Open) if strayed => {
                let [back, next] = [Action::Back, Action::Question(Way::Next)].map(|action| self.key(action));
                self.refuse(format!(
                    "the answer is sent, {key} does nothing; {back} goes on, {next} to the next question"
                ));
                true
            }
            Some(Action::Open | Action::Back) => {
                self.focus = self.before_editor;
                true
            }
            Some(Action::Question(_)) => {
                self.next_that_waits(cmds);
                true
            }
            Some(Action::HowToQuit | Action::Redraw | Action::Suspend) => false,
            Some(_) => {
                self.focus = self.before_editor;
                let context = self.context();
                // What the key means in the pane it goes back to.
                if let Some(action) = self.keymap.action(context, key) {
                    self.act(action, context, cmds);
                }
                true
            }
        }
    }

    /// Opens the next open question: of this session, else of the one that has waited longest.
    fn next_that_waits(&mut self, cmds: &mut Vec<Cmd>) {
        if self.open_question_here() {
            return;
        }
        match self.sessions.list().next_waiting(self.selected).filter(|next| Some(*next) != self.selected) {
            Some(next) => {
                self.select(next, cmds);
                if !self.open_question_here() {
                    self.focus = self.before_editor;
                }
            }
            None if self.sessions.counts().waiting > 0 && !self.sessions.how().filter.is_everything() => {
                let back = self.key(Action::Back);
                self.say(format!("no other shown session waits, the filter hides those that do; {back} goes back"));
            }
            None => self.say(format!("no other question waits; {} goes back", self.key(Action::Back))),
        }
    }

    fn open_question_here(&mut self) -> bool {
        let (Some(session), Some(pause)) = (self.selected, self.pause().cloned()) else { return false };
        let Some(query) = self.open_queries(&pause).first().copied() else { return false };
        self.edit_behind_another(session, &pause, query);
        true
    }
}
