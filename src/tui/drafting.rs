//! Asking the configured answerer for a draft: a key of the editor.
//!
//! What comes back is a text in the editor and never an answer: only a person sends it. A draft that comes over other
//! text is kept beside it, and one that has just come cannot be sent by a key that was on its way before.

use std::sync::Arc;

use super::app::App;
use super::editor::why_gone;
use super::keymap::Action;
use super::msg::{Cmd, DraftWanted};

/// How long a draft must have been seen before it is sent: as long as a key needs that was meant for something else.
pub(super) const SEEN_MS: i64 = 700;

impl App {
    /// Asks the answerer for the question of the editor.
    pub(super) fn ask_for_draft(&mut self, cmds: &mut Vec<Cmd>) {
        if !self.can_draft {
            self.refuse("no answerer is configured; start the desk with --answerer COMMAND");
            return;
        }
        let Some(editor) = &self.editor else { return };
        let (session, epoch) = (editor.session, editor.epoch);
        let Some(query) = self.shown_question().map(|prompt| Arc::clone(&prompt.query)) else {
            self.refuse("the question is gone");
            return;
        };
        if self.drafting.contains(&(session, query.query_id)) {
            self.say(format!("the answerer is at {} already", query.query_id));
            return;
        }
        self.drafting.push((session, query.query_id));
        self.say(format!("the answerer is asked for a draft of {}", query.query_id));
        cmds.push(Cmd::Draft(DraftWanted { top: self.top_of(session), session, epoch, query }));
    }

    /// Takes in what the answerer wrote.
    pub(super) fn drafted(&mut self, wanted: &DraftWanted, result: Result<String, String>) {
        let (session, query) = (wanted.session, wanted.query.query_id);
        self.drafting.retain(|asked| *asked != (session, query));
        let text = match result {
            Ok(text) => text,
            Err(why) => {
                self.refuse(format!("no draft of {query}: {why}"));
                return;
            }
        };
        let state = self.sessions.get(session).map(|summary| &summary.state);
        let open = state.is_some_and(|state| why_gone(state, query, wanted.epoch).is_none());
        let now = self.now;
        let editor = self.editor.as_mut().filter(|editor| editor.session == session && editor.query == query);
        match editor {
            Some(editor) if open && editor.is_blank() => {
                super::editor::paste(&mut editor.area, &text);
                editor.touched(true);
                editor.came_at = Some(now);
                self.say(format!("a draft of {query} has come; read it, nothing was sent"));
            }
            None if open && !self.drafts.has(session, query) => {
                self.drafts.keep_text(session, query, wanted.epoch, &text);
                let key = self.key(Action::Answer);
                self.say(format!("a draft of {query} has come; {key} opens it"));
            }
            Some(_) | None => {
                self.drafts.keep_orphan(session, query, text);
                let key = self.key(Action::Reuse);
                self.say(format!("a draft of {query} has come and is kept beside your text ({key} in an editor)"));
            }
        }
    }
}
