//! Going on from an earlier question: a rewind or a fork of a session makes a new one.
//!
//! The new session has the other's record up to that question, so that its program comes to it again without asking
//! what is kept; see [`rerun`](super::rerun). No existing session changes. Files that were written since are not undone.

use std::sync::Arc;

use tokio::time::Instant;

use super::folding::{Folded, events, fold};
use super::registry::Registry;
use super::{Durability, Record, Turn, Verb};
use crate::domain::{
    Answer, AnsweredBy, Branch, CancelCode, CancelReason, Command, EffectStep, Event, EventKind, ExecutionState,
    Intent, QueryId, ResumePayload, Session, SessionId, SessionSpec, StateName, apply, decide,
};

/// What a branch keeps of a session and what it leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct BranchPreview {
    /// The question that is open again.
    pub prompt: Arc<str>,
    /// Answers that are kept; they are not asked again.
    pub kept: usize,
    /// Answers that the branch does not have, in the order they were given.
    pub left: Vec<LeftAnswer>,
    /// What was written to files since. It is not undone.
    pub written: Vec<Arc<Intent>>,
    /// The state the session is in now.
    pub state: StateName,
}

/// An answer that a branch does not have.
#[derive(Debug, Clone, PartialEq)]
pub struct LeftAnswer {
    /// The query.
    pub query: QueryId,
    /// Who answered.
    pub by: AnsweredBy,
    /// The text.
    pub response: Arc<str>,
}

/// Why a session could not be branched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BranchError {
    /// There is no such session.
    #[error("no session {0}")]
    NotFound(SessionId),
    /// It has not asked this.
    #[error("{session} has not asked {at}; it has asked {asked}")]
    NotAsked {
        /// The session.
        session: SessionId,
        /// The query.
        at: QueryId,
        /// What it has asked, in words.
        asked: String,
    },
    /// Nobody but the call that forked it could take the result of its branch.
    #[error("{child} is a child of a fork; {instead}")]
    Child {
        /// The session.
        child: SessionId,
        /// What can be done instead, in words.
        instead: String,
    },
    /// Not everything of it is kept.
    #[error("its record cannot be read: {0}")]
    Unreadable(String),
    /// The branch could not be made durable: there is none.
    #[error("not recorded: {0}")]
    NotRecorded(String),
}

impl Registry {
    /// What a branch of `of` at `at` would keep and leave.
    ///
    /// # Errors
    /// [`BranchError`]; nothing is changed in any case.
    pub async fn preview_branch(&self, of: SessionId, at: QueryId) -> Result<BranchPreview, BranchError> {
        let records = self.records_of(of).await?;
        let Folded { session: parent, .. } = fold(of, &records).ok_or_else(no_beginning)?;
        let cut = cut(&records, at).ok_or_else(|| not_asked(of, at, &parent))?;
        let kept = cut.kept.iter().flat_map(events).filter(|event| answer_of(event).is_some()).count();
        let written = cut.behind.iter().filter_map(|event| match &event.kind {
            EventKind::Effect(EffectStep::Intent(intent)) => Some(Arc::clone(intent)),
            _ => None,
        });
        let left = cut.behind.iter().filter_map(answer_of).filter(|left| !cut.is_kept(left.query));
        Ok(BranchPreview {
            prompt: Arc::clone(&cut.prompt),
            kept: kept + cut.again.len(),
            left: left.collect(),
            written: written.collect(),
            state: parent.state().name(),
        })
    }

    /// Makes a session that goes on from `of` with the query `at` open again. `of` stays as it is.
    ///
    /// # Errors
    /// [`BranchError`]; then there is no new session.
    pub async fn fork_at(&self, of: SessionId, at: QueryId) -> Result<SessionId, BranchError> {
        let started = Instant::now();
        let outcome = self.branch_at(of, at).await;
        self.note(Some(of), Verb::Branch { rewinds: false, at, outcome: outcome.clone() }, started);
        outcome
    }

    async fn branch_at(&self, of: SessionId, at: QueryId) -> Result<SessionId, BranchError> {
        let records = self.records_of(of).await?;
        let Folded { session: parent, .. } = fold(of, &records).ok_or_else(no_beginning)?;
        let cut = cut(&records, at).ok_or_else(|| not_asked(of, at, &parent))?;
        let shared = &self.shared;
        let now = shared.world.clock.now();
        let id = shared.fresh_id();
        let (session, records) =
            branch(id, &parent, Branch { of, at, made_at: now }, cut, &records[0]).ok_or_else(no_beginning)?;
        let mut receipt = shared.world.journal.append(id, &records, Durability::Acknowledged);
        receipt.get().await.map_err(|error| BranchError::NotRecorded(error.0))?;
        shared.world.journal.retire(Arc::new(session.clone()));
        shared.enlist_asleep(&session);
        Ok(id)
    }

    /// The same, and cancels `of` if it has not ended: the new session takes its place.
    ///
    /// # Errors
    /// As [`fork_at`](Self::fork_at). A cancel that could not be recorded is no error: then both are there.
    pub async fn rewind_to(&self, of: SessionId, at: QueryId) -> Result<SessionId, BranchError> {
        let started = Instant::now();
        let outcome = self.rewound_at(of, at).await;
        self.note(Some(of), Verb::Branch { rewinds: true, at, outcome: outcome.clone() }, started);
        outcome
    }

    async fn rewound_at(&self, of: SessionId, at: QueryId) -> Result<SessionId, BranchError> {
        let id = self.branch_at(of, at).await?;
        if self.state(of).is_ok_and(|state| !state.is_ended()) {
            let requested_at = self.shared.world.clock.now();
            let reason =
                CancelReason { code: CancelCode::User, detail: Some(format!("rewound to {at}")), requested_at };
            if let Err(error) = self.cancel(of, reason).await {
                tracing::warn!(session = %of, %error, "rewound and not cancelled");
            }
        }
        Ok(id)
    }

    async fn records_of(&self, of: SessionId) -> Result<Arc<[Record]>, BranchError> {
        let records = self.shared.world.journal.records(of).get().await;
        match records.map_err(|error| BranchError::Unreadable(error.0))? {
            Some(records) => match parent(&records) {
                Some(parent) => Err(BranchError::Child { child: of, instead: self.instead_of_a_child(parent).await }),
                None => Ok(records),
            },
            None if self.state(of).is_ok() => Err(BranchError::Unreadable("it is not kept whole".into())),
            None => Err(BranchError::NotFound(of)),
        }
    }

    /// What can be done instead of branching a child of `parent`: what stands at the top of the family has a record of
    /// its own questions, and forks again behind each of them.
    async fn instead_of_a_child(&self, parent: SessionId) -> String {
        let (mut above, mut top) = (Some(parent), None);
        while let Some(id) = above {
            top = self.shared.world.journal.stored_one(id).get().await.ok().flatten();
            above = top.as_ref().and_then(|stored| stored.session.spec().parent.as_ref()).map(|parent| parent.session);
        }
        match top.map(|stored| stored.session) {
            None => "what it comes from is not there any more".to_owned(),
            Some(top) => match (top.id(), top.asked()) {
                (top, 0) => format!("{top}, from which it comes, has asked nothing itself: run its program again"),
                (top, asked) => {
                    let asked = asked_in_words(asked);
                    format!("{top}, from which it comes, can be branched at what it has asked itself: {asked}")
                }
            },
        }
    }
}

/// A record, cut where a query was open.
struct Cut {
    prompt: Arc<str>,
    /// Everything up to there, the spawn not included.
    kept: Vec<Record>,
    /// Answers to other queries of the same pause that came behind the cut; they are given again.
    again: Vec<Answer>,
    /// Every event behind the cut.
    behind: Vec<Event>,
}

impl Cut {
    fn is_kept(&self, query: QueryId) -> bool {
        self.again.iter().any(|answer| answer.query_id == query)
    }
}

/// Cuts a record where `at` was open for the last time; `None` where it was never asked.
fn cut(records: &[Record], at: QueryId) -> Option<Cut> {
    let asks = |event: &Event| match &event.kind {
        EventKind::PauseRequested { info } => info.prompts.iter().find(|prompt| prompt.query.query_id == at).cloned(),
        _ => None,
    };
    let (asked, prompt) = records.iter().enumerate().find_map(|(place, record)| {
        let prompt = events(record).find_map(asks)?;
        Some((place, prompt))
    })?;
    let mut kept: Vec<Record> = records[1..=asked].to_vec();
    let mut rest = records[asked + 1..].iter();
    let mut behind: Vec<Event> = Vec::new();
    // Answers to the others of the pause, up to the one in question or the end of the pause.
    for record in rest.by_ref() {
        let is_before = |event: &Event| match &event.kind {
            EventKind::AnswerAccepted { query_id, .. } | EventKind::LlmCallEnd { query_id, .. } => *query_id != at,
            EventKind::Branched(_) => true,
            _ => false,
        };
        let Record::Turn(turn) = record else { continue };
        let before = turn.iter().take_while(|event| is_before(event)).count();
        kept.extend(Turn::new(turn[..before].to_vec()).map(Record::Turn));
        if before < turn.len() {
            behind.extend_from_slice(&turn[before..]);
            break;
        }
    }
    behind.extend(rest.flat_map(events).cloned());
    // The pause goes on until its transition: what was answered in it besides is kept.
    let in_pause = behind.iter().take_while(|event| !matches!(event.kind, EventKind::StateTransition { .. }));
    let again = in_pause.filter_map(|event| match &event.kind {
        EventKind::AnswerAccepted { query_id, by, answer_id, response, usage, .. } if *query_id != at => Some(Answer {
            query_id: *query_id,
            epoch: None,
            prompt_hash: None,
            response: Arc::clone(response),
            usage: usage.as_deref().copied(),
            by: by.clone(),
            answer_id: answer_id.clone(),
        }),
        _ => None,
    });
    let again = again.collect();
    Some(Cut { prompt: Arc::clone(&prompt.query.prompt), kept, again, behind })
}

/// The new session and its records.
fn branch(
    id: SessionId,
    parent: &Session,
    branch: Branch,
    cut: Cut,
    spawned: &Record,
) -> Option<(Session, Vec<Record>)> {
    let Record::Spawned { engine, at, .. } = spawned else { return None };
    let now = branch.made_at;
    let mut spec = SessionSpec { branch: Some(branch), held: false, ..(**parent.spec()).clone() };
    // The time of the other session is not held against it.
    let passed = u64::try_from(now - *at).unwrap_or(0);
    spec.limits.wall_ms = spec.limits.wall_ms.map(|wall| wall.saturating_add(passed));
    let spec = Arc::new(spec);
    let mut session = Session::new(id, Arc::clone(&spec), *at);
    let mut records = vec![Record::Spawned { spec, at: *at, engine: Arc::clone(engine) }];
    cut.kept.iter().flat_map(events).for_each(|event| apply(&mut session, event));
    records.extend(cut.kept);
    let mut own = vec![Event { seq: session.last_seq() + 1, at: now, kind: EventKind::Branched(branch) }];
    apply(&mut session, &own[0]);
    if !cut.again.is_empty() {
        let again = decide(&session, Command::Answer(ResumePayload::Batch(cut.again)), now).ok()?;
        for event in &again {
            apply(&mut session, event);
        }
        own.extend(again);
    }
    records.extend(Turn::new(own).map(Record::Turn));
    matches!(session.state(), ExecutionState::Paused(_)).then_some((session, records))
}

fn answer_of(event: &Event) -> Option<LeftAnswer> {
    match &event.kind {
        EventKind::AnswerAccepted { query_id, by, response, .. } => {
            Some(LeftAnswer { query: *query_id, by: by.clone(), response: Arc::clone(response) })
        }
        _ => None,
    }
}

fn parent(records: &[Record]) -> Option<SessionId> {
    match records.first()? {
        Record::Spawned { spec, .. } => spec.parent.as_ref().map(|parent| parent.session),
        _ => None,
    }
}

fn no_beginning() -> BranchError {
    BranchError::Unreadable("it has no beginning".into())
}

fn not_asked(session: SessionId, at: QueryId, parent: &Session) -> BranchError {
    BranchError::NotAsked { session, at, asked: asked_in_words(parent.asked()) }
}

fn asked_in_words(asked: u32) -> String {
    match asked {
        0 => "nothing".to_owned(),
        1 => "q-1".to_owned(),
        n => format!("q-1 to q-{n}"),
    }
}
