//! Going on from an earlier question: the form of a rewind and of a fork, and what became of it.
//!
//! Both make a new session; a rewind cancels the old one besides. The form shows what is kept, which answers are left
//! behind and what was written since. Nothing is made but by the key that sends.

use std::sync::Arc;

use tui_textarea::TextArea;

use super::app::{App, Focus, Layer, Tab};
use super::editor::{text_field, text_of};
use super::keymap::{Action, Context, Motion};
use super::listing::ListVerb;
use super::msg::Cmd;
use super::pager::{Block, Pager};
use super::theme::Tone;
use super::words::{count, on_one_line};
use crate::domain::{Answer, AnsweredBy, ExecutionState, QueryId, ResumeError, ResumeOutcome, SessionId, StateName};
use crate::engine::{BranchError, BranchPreview, Summary};

/// What becomes of the session that another goes on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BranchKind {
    /// It is cancelled.
    Rewind,
    /// It stays as it is.
    Fork,
}

impl BranchKind {
    /// What it is called.
    pub(super) fn verb(self) -> &'static str {
        match self {
            Self::Rewind => "Rewind",
            Self::Fork => "Fork",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Rewind => "rewound",
            Self::Fork => "forked",
        }
    }
}

/// The fields of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BranchField {
    At,
    Answer,
}

/// The form. It belongs to one session, whatever is selected later.
#[derive(Debug)]
pub(super) struct BranchForm {
    pub(super) kind: BranchKind,
    pub(super) session: SessionId,
    /// The query that is to be open again.
    pub(super) at: QueryId,
    /// The number of the last query that was asked.
    last: u32,
    pub(super) answer: TextArea<'static>,
    pub(super) field: BranchField,
    /// What the engine says of it, once it has.
    pub(super) preview: Option<Result<BranchPreview, BranchError>>,
    /// The same in words: what the person should know before confirming, what matters most first.
    pub(super) said: Pager,
}

impl BranchForm {
    pub(super) fn context(&self) -> Context {
        match self.field {
            BranchField::At => Context::Choice,
            BranchField::Answer => Context::Detail,
        }
    }

    pub(super) fn other_field(&mut self) {
        self.field = match self.field {
            BranchField::At => BranchField::Answer,
            BranchField::Answer => BranchField::At,
        };
    }

    /// Goes to another query; its preview is to be asked for then.
    #[must_use]
    pub(super) fn turn(&mut self, motion: Motion) -> Option<Cmd> {
        let here = self.at.number();
        let to = match motion {
            Motion::Up => here - 1,
            Motion::Down => here + 1,
            Motion::Top => 1,
            Motion::Bottom => self.last,
            Motion::HalfUp | Motion::HalfDown => {
                self.said.scroll(motion);
                return None;
            }
        };
        let to = to.clamp(1, self.last.max(1));
        (to != here).then(|| {
            self.at = QueryId::new(to);
            self.preview = None;
            self.said = looking();
            self.look()
        })
    }

    fn take_preview(&mut self, preview: Result<BranchPreview, BranchError>) {
        self.said = Pager::new(match &preview {
            Ok(preview) => said(self.kind, self.at, preview),
            Err(why) => vec![Block::new(Tone::Warning, format!("It cannot be done: {why}."))],
        });
        self.preview = Some(preview);
    }

    fn look(&self) -> Cmd {
        Cmd::PreviewBranch { session: self.session, at: self.at }
    }
}

impl App {
    /// Opens the form.
    pub(super) fn open_branch(&mut self, kind: BranchKind, cmds: &mut Vec<Cmd>) {
        let Some(summary) = self.selected_summary() else {
            self.refuse("no session is selected");
            return;
        };
        if summary.parent().is_some() {
            let refused = self.no_branch_of_a_child(kind, summary.id);
            self.refuse(refused);
            return;
        }
        let (session, last) = (summary.id, summary.asked);
        let Some(at) = self.branch_point(summary) else {
            let again = self.key(Action::List(ListVerb::Again));
            let asked = if summary.state.is_ended() { "it asked nothing" } else { "it has asked nothing yet" };
            self.refuse(format!("{asked}: there is no question to go back to; {again} runs it again from the start"));
            return;
        };
        let answer = text_field(self.listing.branches.get(&session).map_or("", String::as_str));
        let form =
            BranchForm { kind, session, at, last, answer, field: BranchField::Answer, preview: None, said: looking() };
        cmds.push(form.look());
        self.layer = Some(Layer::Branch(Box::new(form)));
    }

    /// Why a child is not gone on from by itself, and what can be done instead: another session waits for its result, so
    /// only the session at the top of the family goes on from a question, and from one of its own.
    fn no_branch_of_a_child(&self, kind: BranchKind, child: SessionId) -> String {
        let (top, is_part) = (self.top_of(child), format!("{} is part of", self.name_of(child)));
        let verb = kind.verb().to_lowercase();
        let [branch, again] = [ListVerb::Branch(kind), ListVerb::Again].map(|does| self.key(Action::List(does)));
        match self.sessions.get(top) {
            Some(summary) if summary.asked > 0 => {
                format!("{verb}: {is_part} {}; go there and press {branch}", self.name_of(top))
            }
            Some(_) => format!(
                "{verb}: {is_part} {}, which asked nothing itself; {again} there runs all of it again, {again} here only \
                 this",
                self.name_of(top)
            ),
            None => format!("{verb}: {is_part} a session that is not here; {again} runs it again by itself"),
        }
    }

    /// The question that is meant: the one the person went to, else the one that was answered last.
    fn branch_point(&self, summary: &Summary) -> Option<QueryId> {
        let in_questions = self.tab == Tab::Questions && self.focus != Focus::List;
        let ExecutionState::Paused(pause) = &summary.state else {
            return Some(summary.asked).filter(|n| *n > 0).map(QueryId::new);
        };
        let chosen = self.question.filter(|_| in_questions);
        let chosen = chosen.filter(|query| pause.prompts.iter().any(|prompt| prompt.query.query_id == *query));
        let answered = pause.prompts.iter().rev().find(|prompt| prompt.answered_by.is_some());
        let first = pause.prompts.first()?.query.query_id;
        let before = first.number().checked_sub(1).filter(|n| *n > 0).map(QueryId::new);
        Some(chosen.or(answered.map(|prompt| prompt.query.query_id)).or(before).unwrap_or(first))
    }

    pub(super) fn previewed(&mut self, session: SessionId, at: QueryId, preview: Result<BranchPreview, BranchError>) {
        if let Some(Layer::Branch(form)) = &mut self.layer
            && (form.session, form.at) == (session, at)
        {
            form.take_preview(preview);
        }
    }

    /// Keeps what was written in a form that was left.
    pub(super) fn keep_branch(&mut self, form: &BranchForm) {
        let text = text_of(&form.answer);
        if text.trim().is_empty() {
            self.listing.branches.remove(&form.session);
        } else {
            self.listing.branches.insert(form.session, text);
            self.say("nothing was done; the answer is kept for the next time");
        }
    }

    pub(super) fn send_branch(&mut self, form: Box<BranchForm>, cmds: &mut Vec<Cmd>) {
        match &form.preview {
            None => {
                self.refuse("what would be left behind is not known yet: look at it first, then send again");
                self.layer = Some(Layer::Branch(form));
                return;
            }
            Some(Err(why)) => {
                self.refuse(format!("{}: {why}", form.kind.verb().to_lowercase()));
                self.layer = Some(Layer::Branch(form));
                return;
            }
            Some(Ok(_)) => {}
        }
        let (text, token) = (text_of(&form.answer), self.next_token);
        let answer = (!text.trim().is_empty()).then(|| {
            self.next_token += 1;
            let mut answer = Answer::new(form.at, Arc::<str>::from(&*text), AnsweredBy::Person);
            answer.answer_id = Some(format!("desk-{:016x}-{token}-{}", self.nonce, form.at).into());
            answer
        });
        if answer.is_some() {
            self.listing.branches.insert(form.session, text);
        }
        let BranchForm { kind, session: of, at, .. } = *form;
        self.say(format!("{} at {at}: sent", kind.verb().to_lowercase()));
        cmds.push(Cmd::Branch { kind, of, at, answer });
    }

    /// Takes in what became of it. The new session is selected if the old one still is and nobody writes.
    pub(super) fn branched(&mut self, done: Branched, cmds: &mut Vec<Cmd>) {
        let Branched { kind, of, at, result, answered } = done;
        let name = self.name_of(of);
        let id = match result {
            Ok(id) => id,
            Err(why) => {
                self.refuse(format!("{name} not {} at {at}: {why}", kind.done()));
                return;
            }
        };
        self.show_despite_freeze(of);
        self.show_despite_freeze(id);
        let free = self.layer.is_none() && self.editor.is_none();
        if free && self.selected == Some(of) && self.sessions.get(id).is_some() {
            self.select(id, cmds);
            self.tab = Tab::Questions;
        }
        let told = format!("{name} {} at {at}: {}", kind.done(), self.name_of(id));
        match answered {
            None => self.say(told),
            Some(Ok(_)) => {
                self.listing.branches.remove(&of);
                self.say(format!("{told}; {at} answered"));
            }
            Some(Err(why)) => self.refuse(format!("{told}; {at} not answered: {why}; the text is kept")),
        }
    }
}

fn looking() -> Pager {
    Pager::new(vec![Block::new(Tone::Dim, "Looking what would be kept …")])
}

fn said(kind: BranchKind, at: QueryId, preview: &BranchPreview) -> Vec<Block> {
    let mut said = vec![becomes(kind, at, preview.state), numbers(preview)];
    // What is not undone matters more than what can be given again.
    for intent in &preview.written {
        let key = intent.key.as_deref().map(|key| format!(" “{key}”")).unwrap_or_default();
        said.push(Block::hanging(Tone::Dim, format!("  {} {}{key}", intent.op, intent.file), 4));
    }
    for left in &preview.left {
        let text = format!("  {} by {}: “{}”", left.query, left.by, on_one_line(&left.response));
        said.push(Block::hanging(Tone::Dim, text, 4));
    }
    said
}

fn becomes(kind: BranchKind, at: QueryId, state: StateName) -> Block {
    match (kind, state) {
        (BranchKind::Rewind, StateName::Running | StateName::Paused) => {
            Block::new(Tone::Warning, format!("A new session from {at} on; this one is cancelled."))
        }
        (BranchKind::Rewind | BranchKind::Fork, _) => {
            Block::new(Tone::Plain, format!("A new session from {at} on; this one stays {state}."))
        }
    }
}

fn numbers(preview: &BranchPreview) -> Block {
    let answers = format!("{} kept, {} left behind", count(preview.kept, "answer"), preview.left.len());
    match preview.written.len() {
        0 => Block::new(Tone::Plain, format!("{answers}.")),
        n => Block::new(Tone::Warning, format!("{answers}; {} to files since, not undone.", count(n, "write"))),
    }
}

/// What became of a [`Cmd::Branch`].
#[derive(Debug, Clone)]
pub struct Branched {
    /// What was wanted.
    pub kind: BranchKind,
    /// The session that it goes on from.
    pub of: SessionId,
    /// The query that is open again.
    pub at: QueryId,
    /// The new session.
    pub result: Result<SessionId, BranchError>,
    /// What became of the answer, where there was one to give.
    pub answered: Option<Result<ResumeOutcome, ResumeError>>,
}
