//! What is done to all marked sessions at once: cancels, and one answer for all.
//!
//! The set is frozen when its form opens. The form names the exact number and says what of it cannot be seen; only
//! Ctrl-S or Alt-Enter confirms it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tui_textarea::TextArea;

use super::app::{App, Layer};
use super::editor::{text_field, text_of};
use super::forms::CancelForm;
use super::keymap::{Action, Context, Motion};
use super::listing::ListVerb;
use super::msg::Cmd;
use super::natural::natural;
use super::view::questions_seen;
use super::words::{count, first_line, with_ending};
use crate::domain::{
    Answer, AnsweredBy, CancelError, CancelReason, ExecutionState, QueryId, ResumeError, ResumePayload, SessionId,
};

/// Sessions that a form calls by their names.
const NAMED: usize = 4;

/// A frozen set of sessions that are to be cancelled.
#[derive(Debug, Clone)]
pub(super) struct Bulk {
    pub(super) sessions: Arc<[SessionId]>,
    /// How many of them the list hides: by the filter, or folded away.
    pub(super) hidden: usize,
    /// How many of them had ended when the set was frozen.
    pub(super) ended: usize,
    /// How many other sessions, which they have forked, end with them.
    pub(super) below: usize,
    /// What the first of them are called.
    pub(super) names: Vec<String>,
}

/// The form that gives one answer to every open question of a frozen set of sessions.
#[derive(Debug)]
pub(super) struct AnswerMarked {
    targets: Vec<Target>,
    /// Questions in all.
    pub(super) questions: usize,
    /// How many of the sessions the list hides: by the filter, or folded away.
    pub(super) hidden: usize,
    /// How many marked sessions ask nothing.
    pub(super) silent: usize,
    /// How many of the questions have drafts.
    pub(super) drafts: usize,
    /// The different prompts and how often each is asked, the most frequent first.
    pub(super) prompts: Vec<(Arc<str>, usize)>,
    /// How many of them stand above those that are seen, as it was scrolled last.
    pub(super) above: usize,
    pub(super) area: TextArea<'static>,
    /// Whether the keyboard is in the questions, to look at all of them, and not in the text.
    pub(super) in_questions: bool,
    /// It is empty, and the person was told so.
    empty_asked: bool,
}

impl AnswerMarked {
    pub(super) fn sessions(&self) -> usize {
        self.targets.len()
    }

    /// Somebody typed: an empty text must be asked about again.
    pub(super) fn touched(&mut self) {
        self.empty_asked = false;
    }

    pub(super) fn context(&self) -> Context {
        if self.in_questions { Context::Choice } else { Context::Detail }
    }

    /// Scrolls the questions, on a screen of this size.
    pub(super) fn scroll(&mut self, motion: Motion, size: (u16, u16)) {
        let seen = questions_seen(self, size);
        let last = self.prompts.len().saturating_sub(seen);
        let half = seen.div_ceil(2).max(1);
        let above = self.above.min(last);
        self.above = match motion {
            Motion::Down => above + 1,
            Motion::Up => above.saturating_sub(1),
            Motion::HalfDown => above + half,
            Motion::HalfUp => above.saturating_sub(half),
            Motion::Top => 0,
            Motion::Bottom => last,
        }
        .min(last);
    }
}

/// The questions of one session, and the pause they belong to.
#[derive(Debug)]
struct Target {
    session: SessionId,
    epoch: u32,
    queries: Vec<QueryId>,
}

impl App {
    /// The marked sessions, those that are gone left out: in the order of the list, those that it hides last.
    pub(super) fn marked(&mut self) -> Vec<SessionId> {
        self.mark_range();
        let sessions = &self.sessions;
        self.listing.marks.retain(|id| sessions.get(*id).is_some());
        let marks = &self.listing.marks;
        let list = sessions.list();
        // Those that are seen stand in order already; with a hundred thousand marks sorting would be felt.
        let mut marked: Vec<SessionId> = list.all().filter(|id| marks.contains(id)).collect();
        if marked.len() < marks.len() {
            let mut hidden: Vec<SessionId> = marks.iter().filter(|id| !list.tree().is_seen(**id)).copied().collect();
            hidden.sort_by_cached_key(|id| (list.tree().path(*id), *id));
            marked.append(&mut hidden);
        }
        marked
    }

    /// Opens the form that cancels every marked session. Says whether any is marked.
    pub(super) fn open_cancel_marked(&mut self) -> bool {
        let sessions = self.marked();
        let Some(first) = sessions.first().copied() else { return false };
        let list = self.sessions.list();
        let hidden = sessions.iter().filter(|id| !list.tree().is_seen(**id)).count();
        let has_ended = |id: &&SessionId| self.sessions.get(**id).is_some_and(|summary| summary.state.is_ended());
        let ended = sessions.iter().filter(has_ended).count();
        let kept = self.cancel_drafts.iter().position(|form| form.bulk.is_some());
        let mut form = match kept {
            Some(at) => self.cancel_drafts.remove(at),
            None => CancelForm::new(first),
        };
        let below = self.live_below(&sessions.iter().copied().collect());
        let names = sessions.iter().take(NAMED).map(|id| self.name_of(*id)).collect();
        form.bulk = Some(Bulk { sessions: sessions.into(), hidden, ended, below, names });
        self.layer = Some(Layer::Cancel(Box::new(form)));
        true
    }

    pub(super) fn send_cancel_marked(&mut self, bulk: &Bulk, reason: CancelReason, cmds: &mut Vec<Cmd>) {
        self.say(format!("cancel of {} sent", count(bulk.sessions.len(), "session")));
        cmds.push(Cmd::CancelAll { sessions: Arc::clone(&bulk.sessions), reason });
    }

    /// Takes in what became of the cancels of a set. What was not cancelled stays marked.
    pub(super) fn cancelled_all(&mut self, done: &[SessionId], before: usize, refused: &[(SessionId, CancelError)]) {
        for id in done {
            self.listing.marks.remove(id);
        }
        let cancelled = count(done.len() - before.min(done.len()), "session");
        let told = match before {
            0 => format!("{cancelled} cancelled"),
            _ => format!("{cancelled} cancelled; {before} had ended before, which changed nothing"),
        };
        match refused.first() {
            None => self.say(told),
            Some((id, why)) => {
                self.refuse(format!("{told}; {} not, such as {}: {why}", refused.len(), self.name_of(*id)));
            }
        }
    }

    pub(super) fn open_answer_marked(&mut self) {
        let marked = self.marked();
        if marked.is_empty() {
            let [one, all] = [ListVerb::Mark, ListVerb::MarkShown].map(|verb| self.key(Action::List(verb)));
            self.refuse(format!("nothing is marked ({one} marks, {all} marks all shown)"));
            return;
        }
        let mut targets = Vec::new();
        let mut asked: HashMap<&Arc<str>, usize> = HashMap::new();
        let (mut hidden, mut drafts) = (0, 0);
        for id in &marked {
            let Some(ExecutionState::Paused(pause)) = self.sessions.get(*id).map(|summary| &summary.state) else {
                continue;
            };
            let queries: Vec<QueryId> = pause.pending().map(|prompt| prompt.query.query_id).collect();
            if queries.is_empty() {
                continue;
            }
            for prompt in pause.pending() {
                *asked.entry(&prompt.query.prompt).or_default() += 1;
            }
            drafts += queries.iter().filter(|query| self.drafts.has(*id, **query)).count();
            hidden += usize::from(!self.sessions.list().tree().is_seen(*id));
            targets.push(Target { session: *id, epoch: pause.epoch, queries });
        }
        let silent = marked.len() - targets.len();
        if targets.is_empty() {
            self.refuse(format!("none of the {} marked waits for an answer", count(silent, "session")));
            return;
        }
        let mut prompts: Vec<(Arc<str>, usize)> =
            asked.into_iter().map(|(prompt, n)| (Arc::clone(prompt), n)).collect();
        prompts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| natural(first_line(&a.0), first_line(&b.0))));
        let questions = targets.iter().map(|target| target.queries.len()).sum();
        let area = text_field(self.listing.unsent.as_deref().unwrap_or_default());
        let form = AnswerMarked {
            targets,
            questions,
            hidden,
            silent,
            drafts,
            prompts,
            above: 0,
            area,
            in_questions: false,
            empty_asked: false,
        };
        self.layer = Some(Layer::AnswerMarked(Box::new(form)));
    }

    /// Keeps the text of a form that was not sent.
    pub(super) fn keep_answer_marked(&mut self, form: &AnswerMarked) {
        let text = text_of(&form.area);
        if text.trim().is_empty() {
            self.listing.unsent = None;
        } else {
            self.listing.unsent = Some(text);
            let key = self.key(Action::List(ListVerb::AnswerMarked));
            self.say(format!("nothing was sent; the text is kept for the next {key}"));
        }
    }

    pub(super) fn send_answer_marked(&mut self, mut form: Box<AnswerMarked>, cmds: &mut Vec<Cmd>) {
        let text = text_of(&form.area);
        if text.trim().is_empty() && !form.empty_asked {
            form.empty_asked = true;
            self.refuse(format!(
                "the answer to {} is empty: send again to send it so",
                count(form.questions, "question")
            ));
            self.layer = Some(Layer::AnswerMarked(form));
            return;
        }
        let text: Arc<str> = text.into();
        let token = self.next_token;
        self.next_token += 1;
        let nonce = self.nonce;
        let answers = form.targets.into_iter().map(|Target { session, epoch, queries }| {
            let one = |query: QueryId| {
                let mut answer = Answer::new(query, Arc::clone(&text), AnsweredBy::Person);
                answer.epoch = Some(epoch);
                answer.answer_id = Some(format!("desk-{nonce:016x}-{token}-{query}").into());
                answer
            };
            (session, ResumePayload::Batch(queries.into_iter().map(one).collect()))
        });
        let answers: Vec<(SessionId, ResumePayload)> = answers.collect();
        self.listing.sent.extend(answers.iter().filter(|(id, _)| self.drafts.any_of(*id)).cloned());
        self.say(format!("the answer was sent to {}{}", count(form.questions, "question"), with_ending(&text)));
        self.listing.unsent = Some(text.to_string());
        cmds.push(Cmd::AnswerAll { answers });
    }

    /// Takes in what became of the answers for a set. What was refused stays marked, and the text is kept.
    pub(super) fn answered_all(&mut self, taken: &[SessionId], refused: &[(SessionId, ResumeError)]) {
        let stay: HashSet<SessionId> = refused.iter().map(|(id, _)| *id).collect();
        for id in taken.iter().filter(|id| !stay.contains(id)) {
            self.listing.marks.remove(id);
        }
        let mut others = 0;
        for (id, payload) in std::mem::take(&mut self.listing.sent) {
            if taken.contains(&id) {
                others += self.drafts.spent(id, payload.answers());
            }
            self.check_drafts_of(id);
        }
        let told = format!("{} answered{}", count(taken.len(), "session"), self.kept_beside(others));
        match refused.first() {
            None => {
                self.listing.unsent = None;
                self.say(told);
            }
            Some((id, why)) => {
                let name = self.name_of(*id);
                self.refuse(format!("{told}; {} refused it, such as {name}: {why}", refused.len()));
            }
        }
    }
}
