//! Answers: opening the editor, sending, the next question, the same answer for the rest, and what became of it.
//!
//! An answer goes only to the query its editor was opened for, only by [`Action::Send`](super::Action::Send) or by a yes to a question that
//! names the number, and it names the pause it is meant for.

use std::sync::Arc;

use super::app::{App, Focus, Layer, NoEditor, Sent, Tab};
use super::drafting::SEEN_MS;
use super::editor::{Editor, Readiness, text_field, why_gone};
use super::forms::SameAnswer;
use super::input::Key;
use super::keymap::{Action, Context, Way};
use super::msg::Cmd;
use super::words::{count, with_ending};
use crate::domain::{
    Answer, AnsweredBy, ExecutionState, Pause, QueryId, ResumeError, ResumeOutcome, ResumePayload, SessionId,
};
use crate::engine::Presence;

/// How soon behind each other keys are that belong to one text.
const TYPING_MS: i64 = 1_000;

impl App {
    /// Opens the editor. Where there is nothing to answer, letters that follow at once were meant for it.
    pub(super) fn open_answer_or_wait(&mut self) {
        self.open_answer();
        self.no_editor = self.editor.is_none().then_some(NoEditor { at: self.now, letter: None });
    }

    /// Whether a letter in the panes belongs to an answer or a search that could not be opened; if so, it does nothing.
    pub(super) fn is_meant_for_an_answer(&mut self, key: Key, context: Context) -> bool {
        let Some(before) = self.no_editor.take() else { return false };
        let in_panes = matches!(context, Context::List | Context::Session);
        let answers = self.keymap.action(context, key) == Some(Action::Answer);
        let meant = in_panes
            && key.typed().is_some_and(|c| !c.is_control())
            && !answers
            && self.now.saturating_sub(before.at) < TYPING_MS;
        if meant {
            // A text goes on with each of its letters. Whoever presses one key again and again moves with it; and where
            // nothing is ever answered, nobody is in the midst of a text.
            let goes_on = before.letter != Some(key) && !self.is_only_read();
            let at = if goes_on { self.now } else { before.at };
            self.no_editor = Some(NoEditor { at, letter: Some(key) });
            self.refuse(format!("nothing takes text here, so {key} did nothing; a second later it does"));
        }
        meant
    }

    /// Whether the selected session, or all of them, can only be looked at here.
    fn is_only_read(&self) -> bool {
        self.follows.is_some() || self.selected_summary().is_some_and(|summary| summary.presence.is_watched())
    }

    /// Opens the editor for the question the person went to, else for the first open one.
    pub(super) fn open_answer(&mut self) {
        let Some(summary) = self.selected_summary() else {
            self.refuse("no session is selected");
            return;
        };
        let session = summary.id;
        // What is written here would be lost: only who has the journal keeps drafts.
        let watched = match summary.presence {
            Presence::Elsewhere => Some("another process has this session: it is answered there"),
            Presence::ReadOnly => Some("the journal can only be read here: no answer would be recorded"),
            _ => None,
        };
        if let Some(why) = watched {
            self.refuse(why);
            return;
        }
        let pause = match &summary.state {
            ExecutionState::Paused(pause) => Arc::clone(pause),
            ExecutionState::Cancelled(_) => {
                self.refuse(ResumeError::AlreadyCancelled.to_string());
                return;
            }
            state @ (ExecutionState::Running { .. } | ExecutionState::Done(_) | ExecutionState::Failed(_)) => {
                let refused = ResumeError::NotPaused { actual: state.name() };
                self.refuse(refused.to_string());
                return;
            }
        };
        let open = self.open_queries(&pause);
        let chosen = self.question.filter(|query| open.contains(query));
        match chosen.or_else(|| open.first().copied()) {
            Some(query) => {
                if matches!(self.focus, Focus::List | Focus::Session) {
                    self.before_editor = self.focus;
                }
                self.edit(session, &pause, query, Readiness::Ready);
            }
            None => self.refuse("the answer is on its way"),
        }
    }

    pub(super) fn open_queries(&self, pause: &Pause) -> Vec<QueryId> {
        pause.pending().map(|prompt| prompt.query.query_id).filter(|query| !self.is_under_way(*query)).collect()
    }

    pub(super) fn edit(&mut self, session: SessionId, pause: &Pause, query: QueryId, readiness: Readiness) {
        self.close_editor();
        let area = self.drafts.take(session, query).unwrap_or_else(|| text_field(""));
        self.editor = Some(Editor {
            session,
            query,
            epoch: pause.epoch,
            area,
            readiness,
            gone: None,
            came_at: None,
            changed: false,
        });
        self.question = Some(query);
        self.tab = Tab::Questions;
        self.focus = Focus::Editor;
    }

    /// Opens the editor behind the send of another answer: the key that sent must not send this one, too.
    pub(super) fn edit_behind_another(&mut self, session: SessionId, pause: &Pause, query: QueryId) {
        self.edit(session, pause, query, Readiness::Untouched);
        let now = self.now;
        if let Some(editor) = self.editor.as_mut().filter(|editor| !editor.text().trim().is_empty()) {
            // Somebody wrote that before. Once it was seen, it is an answer like any other.
            (editor.readiness, editor.came_at) = (Readiness::Ready, Some(now));
        }
    }

    /// Closes the editor and keeps what it holds.
    pub(super) fn close_editor(&mut self) {
        if let Some(editor) = self.editor.take() {
            self.drafts.keep(editor);
        }
    }

    /// Sends what the editor holds, unless there is a reason not to, which is said.
    pub(super) fn send_answer(&mut self, cmds: &mut Vec<Cmd>) {
        let Some(editor) = &mut self.editor else { return };
        let query = editor.query;
        if let Some(why) = &editor.gone {
            let refused = format!("not sent: {why}; the text is kept");
            self.refuse(refused);
            return;
        }
        if editor.came_at.is_some_and(|at| self.now - at < SEEN_MS) {
            self.refuse(format!("the draft of {query} was not seen yet: read it, then send it"));
            return;
        }
        match editor.readiness {
            Readiness::Untouched => {
                self.refuse(format!("nothing was typed for {query} yet: nothing was sent"));
                return;
            }
            Readiness::Ready if editor.text().trim().is_empty() => {
                editor.readiness = Readiness::EmptyAsked;
                self.refuse(format!("the answer to {query} is empty: send again to send it so"));
                return;
            }
            Readiness::Ready | Readiness::EmptyAsked => {}
        }
        let Some(editor) = self.editor.take() else { return };
        let text: Arc<str> = editor.text().into();
        self.history.keep(&text);
        self.last_answer = Some((editor.session, editor.epoch, Arc::clone(&text)));
        let ending = with_ending(&text);
        let answer = self.answer(query, editor.epoch, text);
        self.give(editor.session, editor.epoch, ResumePayload::Single(answer), cmds);
        self.say(format!("{query} sent{ending}"));
        self.go_on_behind(editor.session, query);
    }

    /// Opens the next question of the same pause, or leaves the editor if there is none.
    fn go_on_behind(&mut self, session: SessionId, query: QueryId) {
        if let Some(pause) = self.pause().map(Arc::clone) {
            let open = self.open_queries(&pause);
            let next = open.iter().find(|open| **open > query).or_else(|| open.first());
            if let Some(next) = next {
                self.edit_behind_another(session, &pause, *next);
                return;
            }
        }
        self.question = None;
        self.focus = Focus::Sent { strayed: false };
    }

    fn answer(&mut self, query: QueryId, epoch: u32, text: Arc<str>) -> Answer {
        let mut answer = Answer::new(query, text, AnsweredBy::Person);
        answer.epoch = Some(epoch);
        answer.answer_id = Some(format!("desk-{:016x}-{}-{query}", self.nonce, self.next_token).into());
        answer
    }

    fn give(&mut self, session: SessionId, epoch: u32, payload: ResumePayload, cmds: &mut Vec<Cmd>) {
        let token = self.next_token;
        self.next_token += 1;
        self.sent.push(Sent { token, session, epoch, payload: payload.clone(), taken: false });
        cmds.push(Cmd::Answer { token, session, payload });
    }

    /// Goes to another question of the batch; in the editor, to another open one.
    pub(super) fn other_question(&mut self, way: Way, context: Context) {
        let (Some(pause), Some(session)) = (self.pause().map(Arc::clone), self.selected) else {
            self.refuse("the session waits for nothing");
            return;
        };
        let queries = if context == Context::Editor {
            self.open_queries(&pause)
        } else {
            pause.prompts.iter().map(|prompt| prompt.query.query_id).collect()
        };
        let here = self.shown_question().map(|prompt| prompt.query.query_id);
        let here = self.editor.as_ref().map(|editor| editor.query).or(here);
        let next = match (way, here) {
            (Way::Next, Some(here)) => queries.iter().find(|query| **query > here).or(queries.first()),
            (Way::Previous, Some(here)) => queries.iter().rev().find(|query| **query < here).or(queries.last()),
            (Way::Next | Way::Previous, None) => queries.first(),
        };
        match next.copied() {
            Some(next) if Some(next) != here => {
                if context == Context::Editor {
                    self.edit(session, &pause, next, Readiness::Ready);
                } else {
                    self.question = Some(next);
                }
            }
            Some(_) | None => self.say("there is no other question in this batch"),
        }
    }

    /// Asks whether one text is the answer to every open question of the pause.
    pub(super) fn ask_same(&mut self) {
        let Some(session) = self.selected else {
            self.refuse("no session is selected");
            return;
        };
        let Some(pause) = self.pause().map(Arc::clone) else {
            self.refuse("the session waits for nothing");
            return;
        };
        let queries = self.open_queries(&pause);
        if queries.is_empty() {
            self.refuse("the answers are on their way");
            return;
        }
        if let Some(text) = self.same_text() {
            self.layer = Some(Layer::Same(SameAnswer { session, epoch: pause.epoch, text, queries }));
        } else {
            let [answer, back, same] =
                [Action::Answer, Action::Back, Action::SameAnswer].map(|action| self.key(action));
            self.refuse(format!("no answer to give yet: write one ({answer}), keep it ({back}), then {same}"));
        }
    }

    /// The text that the rest of the batch would be given: the draft of the shown question, else what was sent last.
    pub(super) fn same_text(&self) -> Option<Arc<str>> {
        let (session, pause) = (self.selected?, self.pause()?);
        let shown = self.shown_question().map(|prompt| prompt.query.query_id);
        let draft = shown.and_then(|query| self.drafts.text(session, query)).map(Arc::from);
        let last = self.last_answer.as_ref().filter(|(to, epoch, _)| *to == session && *epoch == pause.epoch);
        draft.or_else(|| last.map(|(_, _, text)| Arc::clone(text)))
    }

    pub(super) fn send_same(&mut self, same: SameAnswer, cmds: &mut Vec<Cmd>) {
        let SameAnswer { session, epoch, text, queries } = same;
        let answers: Vec<Answer> = queries.iter().map(|query| self.answer(*query, epoch, Arc::clone(&text))).collect();
        self.give(session, epoch, ResumePayload::Batch(answers), cmds);
        self.say(format!("the same answer sent to {}", count(queries.len(), "question")));
    }

    /// Puts the newest text whose query is gone into the editor, at the cursor.
    pub(super) fn reuse_orphan(&mut self) {
        let Some(editor) = &mut self.editor else { return };
        match self.drafts.newest_orphan(editor.session) {
            Some(orphan) => {
                editor.put_in(&orphan.text);
                editor.touched(true);
                self.say(format!("the draft of {} is here now; nothing was sent", orphan.query));
            }
            None => self.refuse("there is no orphan draft"),
        }
    }

    /// Takes in what became of answers that were given.
    pub(super) fn answered(&mut self, token: u64, result: Result<ResumeOutcome, ResumeError>) {
        let Some(at) = self.sent.iter().position(|sent| sent.token == token) else { return };
        // What was taken is under way until the session is seen to have it: else it would be asked for again.
        self.sent[at].taken = result.is_ok();
        let sent = if result.is_ok() { self.sent[at].clone() } else { self.sent.remove(at) };
        self.show_despite_freeze(sent.session);
        if let Some(state) = self.sessions.get(sent.session).map(|summary| summary.state.clone()) {
            self.forget_seen(sent.session, &state);
        }
        let what = match sent.payload.answers() {
            [one] => one.query_id.to_string(),
            several => count(several.len(), "question"),
        };
        let ending = sent.payload.answers().first().map(|answer| with_ending(&answer.response)).unwrap_or_default();
        match result {
            Ok(outcome) => {
                let others = self.drafts.spent(sent.session, sent.payload.answers());
                self.check_drafts_of(sent.session);
                let kept = self.kept_beside(others);
                match outcome {
                    // Whether it goes on, asks again or has ended by now, the picture tells.
                    ResumeOutcome::Continued => {
                        let it = if sent.payload.answers().len() == 1 { "it" } else { "them" };
                        self.say(format!("{what} answered: the program has {it}{ending}{kept}"));
                    }
                    ResumeOutcome::Remaining(n) => {
                        self.say(format!("{what} answered{ending}: {} left{kept}", count(n as usize, "question")));
                    }
                }
            }
            Err(refused) => {
                self.take_back(&sent);
                self.refuse(format!("{what} not answered: {refused}"));
                self.check_drafts_of(sent.session);
            }
        }
    }

    /// What is said of texts that were written for queries which were answered otherwise.
    pub(super) fn kept_beside(&self, others: usize) -> String {
        match others {
            0 => String::new(),
            _ => format!("; what else was written is kept ({} in an editor)", self.key(Action::Reuse)),
        }
    }

    pub(super) fn check_drafts_of(&mut self, session: SessionId) {
        if let Some(state) = self.sessions.get(session).map(|summary| summary.state.clone()) {
            self.check_drafts(session, &state);
        }
    }

    /// Forgets the answers that a session is seen to have.
    pub(super) fn forget_seen(&mut self, session: SessionId, state: &ExecutionState) {
        self.sent.retain(|sent| {
            let seen = |answer: &Answer| why_gone(state, answer.query_id, sent.epoch).is_some();
            !sent.taken || sent.session != session || !sent.payload.answers().iter().all(seen)
        });
    }

    /// Keeps the text of an answer that was not taken.
    fn take_back(&mut self, sent: &Sent) {
        // All answers of one payload have one text; one copy is enough.
        let Some(answer) = sent.payload.answers().first() else { return };
        let kept =
            |answer: &Answer| self.drafts.text(sent.session, answer.query_id).as_deref() == Some(&*answer.response);
        if answer.response.trim().is_empty() || sent.payload.answers().iter().any(kept) {
            return;
        }
        let query = answer.query_id;
        let state = self.sessions.get(sent.session).map(|summary| &summary.state);
        let open = state.is_some_and(|state| why_gone(state, query, sent.epoch).is_none());
        let taken = self.editor.as_ref().is_some_and(|editor| editor.session == sent.session && editor.query == query)
            || self.drafts.has(sent.session, query);
        if open && !taken {
            self.drafts.keep_text(sent.session, query, sent.epoch, &answer.response);
        } else {
            self.drafts.keep_orphan(sent.session, query, answer.response.to_string());
        }
    }
}
