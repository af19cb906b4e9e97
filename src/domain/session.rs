//! A session as a fold over its events.
//!
//! [`apply`] is total: it has no clock, no error and no opinion. What may happen is for
//! [`decide`](super::decide) to say; what did happen is applied, live and in recovery alike.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    AnsweredBy, Event, EventKind, ExecutionState, Pause, Prompt, QueryId, ResumeOutcome, Seq, SessionId, SessionSpec,
    Timestamp, Usage,
};

/// Everything that the rules need to know of one session.
///
/// Its serialized form is for journals that keep it beside the events it was folded of; nobody else reads it. Names of
/// deliveries are keys of two parts there, so it has no JSON form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub(super) id: SessionId,
    pub(super) spec: Arc<SessionSpec>,
    pub(super) created_at: Timestamp,
    pub(super) state: ExecutionState,
    pub(super) last_seq: Seq,
    pub(super) last_at: Timestamp,
    pub(super) begun: bool,
    pub(super) epoch: u32,
    /// Who answered `q-1`, `q-2`, …; as long as queries were asked.
    pub(super) answered: Vec<Option<AnsweredBy>>,
    /// How many queries were asked before those in `answered`: it has forgotten who answered them.
    #[serde(skip)]
    pub(super) forgotten: u32,
    /// The answers of the pause, in the order of its queries.
    pub(super) replies: Vec<Option<Arc<str>>>,
    /// What became of deliveries that had a name. A name stands for one delivery to one query: whoever names all its
    /// answers alike still gets each of them taken.
    pub(super) deliveries: HashMap<(QueryId, Arc<str>), ResumeOutcome>,
    pub(super) usage: Usage,
    pub(super) forks: u32,
    pub(super) progress: Option<Arc<Progress>>,
    pub(super) log: Arc<VecDeque<LogLine>>,
}

/// Lines of a program's log that are kept at hand. The journal has all of them.
const LOG_LINES: usize = 20;

/// A line of a program's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// The level, as the program named it.
    pub level: Arc<str>,
    /// The function that wrote it.
    pub source: Arc<str>,
    /// The line.
    pub message: Arc<str>,
}

/// What a program said last of its progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done.
    pub step: u64,
    /// Steps in all.
    pub total: u64,
    /// What it is doing.
    pub message: Option<String>,
}

impl Session {
    /// A session as it is born: running, with no event.
    pub fn new(id: SessionId, spec: Arc<SessionSpec>, created_at: Timestamp) -> Self {
        Self {
            id,
            spec,
            created_at,
            state: ExecutionState::BORN,
            last_seq: 0,
            last_at: created_at,
            begun: false,
            epoch: 0,
            answered: Vec::new(),
            forgotten: 0,
            replies: Vec::new(),
            deliveries: HashMap::new(),
            usage: Usage::default(),
            forks: 0,
            progress: None,
            log: Arc::default(),
        }
    }

    /// Its id.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// What it was made of.
    pub fn spec(&self) -> &Arc<SessionSpec> {
        &self.spec
    }

    /// When it was made.
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Its state.
    pub fn state(&self) -> &ExecutionState {
        &self.state
    }

    /// The number of its last event; 0 before the first.
    pub fn last_seq(&self) -> Seq {
        self.last_seq
    }

    /// The time of its last event; its birth before the first.
    pub fn last_at(&self) -> Timestamp {
        self.last_at
    }

    /// Whether its program has begun.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// What it has used so far.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// How many queries it has asked itself; those of its children are not among them.
    pub fn asked(&self) -> u32 {
        self.forgotten + self.answered.len() as u32
    }

    /// How many forks it has begun.
    pub fn forks(&self) -> u32 {
        self.forks
    }

    /// What its program said last of its progress.
    pub fn progress(&self) -> Option<&Arc<Progress>> {
        self.progress.as_ref()
    }

    /// The last lines of its log, oldest first: twenty at most.
    pub fn log(&self) -> &Arc<VecDeque<LogLine>> {
        &self.log
    }

    /// Puts the spec of another session that was made of the same in the place of its own, so that both share it.
    ///
    /// # Panics
    /// Where the specs differ, in a debug build.
    pub fn share_spec(&mut self, spec: &Arc<SessionSpec>) {
        debug_assert_eq!(self.spec, *spec);
        self.spec = Arc::clone(spec);
    }

    /// Passes every text that the session keeps of its pause to `share`, which may put an equal one in its place: many
    /// sessions ask with the same texts.
    pub fn share_texts(&mut self, share: &mut impl FnMut(&mut Arc<str>)) {
        if let ExecutionState::Paused(pause) = &mut self.state {
            Arc::make_mut(pause).share_texts(share);
        }
    }

    /// Forgets who answered what, which only later answers would be told, and the end of its log.
    pub fn forget_answers(&mut self) {
        self.log = Arc::default();
        self.forgotten = self.asked();
        self.answered = Vec::new();
        self.deliveries = HashMap::new();
    }

    /// Its usage as of `now`: the clock of a session that has not ended goes on between its events.
    pub fn usage_at(&self, now: Timestamp) -> Usage {
        let mut usage = self.usage;
        if !self.state.is_ended() {
            usage.elapsed_ms = since(self.created_at, now);
            if let ExecutionState::Paused(pause) = &self.state {
                usage.waiting_ms += since(pause.paused_at, now);
            }
        }
        usage
    }

    /// Takes the answers of the pause that has just ended, in the order of its queries.
    ///
    /// Empty while a query is open, and after they were taken.
    pub fn take_replies(&mut self) -> Vec<Arc<str>> {
        if self.replies.iter().any(Option::is_none) {
            return Vec::new();
        }
        // None is missing: to map keeps the list where it is, to flatten would make another.
        std::mem::take(&mut self.replies).into_iter().map(Option::unwrap_or_default).collect()
    }

    /// The time at which the wall limit ends the session, if it has one.
    pub fn wall_deadline(&self) -> Option<Timestamp> {
        let wall = i64::try_from(self.spec.limits.wall_ms?).unwrap_or(i64::MAX);
        Some(self.created_at.saturating_add(wall))
    }

    /// Who answered `query`, if somebody has.
    pub(super) fn answered_by(&self, query: QueryId) -> Option<&AnsweredBy> {
        if self.query_id(query.number()) != query {
            return None;
        }
        self.answered.get(index(query)?)?.as_ref()
    }

    /// The id of its `n`-th query, counted from 1.
    pub(super) fn query_id(&self, n: u32) -> QueryId {
        match &self.spec.parent {
            None => QueryId::new(n),
            Some(parent) => QueryId::of_child(parent.index, n),
        }
    }

    /// Counts the children that its program waits for.
    fn count_children(&mut self, count: impl FnOnce(u32) -> u32) {
        if let ExecutionState::Running { waiting_on } = &mut self.state {
            let n = count(waiting_on.unwrap_or(0));
            *waiting_on = (n > 0).then_some(n);
        }
    }
}

/// Where `query` stands among all queries of its session.
fn index(query: QueryId) -> Option<usize> {
    (query.number() as usize).checked_sub(1)
}

impl Pause {
    /// Passes every text to `share`, which may put an equal one in its place.
    fn share_texts(&mut self, share: &mut impl FnMut(&mut Arc<str>)) {
        for Prompt { query, .. } in &mut self.prompts {
            let query = Arc::make_mut(query);
            share(&mut query.prompt);
            for text in [&mut query.system, &mut query.role, &mut query.cache_breakpoint] {
                text.iter_mut().for_each(&mut *share);
            }
        }
    }

    /// Where `query` stands among the prompts of this pause.
    pub(super) fn position(&self, query: QueryId) -> Option<usize> {
        let first = self.prompts.first()?.query.query_id;
        if first.child() != query.child() {
            return None;
        }
        let first = first.number();
        let position = query.number().checked_sub(first)? as usize;
        (position < self.prompts.len()).then_some(position)
    }
}

pub(super) fn since(start: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.saturating_sub(start)).unwrap_or(0)
}

/// Folds one event into a session.
pub fn apply(session: &mut Session, event: &Event) {
    fold(session, event, true);
}

/// Folds the events of one turn into a session, at which nobody looks in between.
pub fn apply_turn(session: &mut Session, turn: &[Event]) {
    for (n, event) in (1..).zip(turn) {
        fold(session, event, n == turn.len());
    }
}

/// Folds one event into a session, at which others look afterwards or not.
fn fold(session: &mut Session, event: &Event, is_seen: bool) {
    session.last_seq = event.seq;
    session.last_at = event.at;
    session.usage.elapsed_ms = since(session.created_at, event.at);
    match &event.kind {
        EventKind::Tick { .. } => session.begun = true,
        EventKind::StateTransition { end, .. } => {
            if let ExecutionState::Paused(pause) = &session.state {
                session.usage.waiting_ms = session.usage.waiting_ms.saturating_add(since(pause.paused_at, event.at));
            }
            // A transition to `paused` is completed by the event behind it, which carries the pause.
            session.state = end.clone().map_or(ExecutionState::BORN, ExecutionState::from);
        }
        EventKind::PauseRequested { info } => {
            session.epoch = info.epoch;
            session.usage.pauses += 1;
            for Prompt { query, .. } in &info.prompts {
                session.answered.push(None);
                session.usage.book_query(&query.prompt, query.system.as_deref());
            }
            session.replies.clear();
            session.replies.resize(info.prompts.len(), None);
            session.state = ExecutionState::Paused(Arc::clone(info));
        }
        EventKind::AnswerAccepted { query_id, by, answer_id, remaining, response, usage } => {
            if let ExecutionState::Paused(pause) = &mut session.state
                && let Some(position) = pause.position(*query_id)
            {
                let query = &pause.prompts[position].query;
                session.usage.book_answer(&query.prompt, query.system.as_deref(), response, usage.as_deref());
                // Others share the pause. The last answer ends it in the same turn.
                if is_seen || *remaining > 0 {
                    Arc::make_mut(pause).prompts[position].answered_by = Some(by.clone());
                }
                session.replies[position] = Some(Arc::clone(response));
                if let Some(answered) = index(*query_id).and_then(|index| session.answered.get_mut(index)) {
                    *answered = Some(by.clone());
                }
            }
            if let Some(answer_id) = answer_id {
                let outcome = match remaining {
                    0 => ResumeOutcome::Continued,
                    n => ResumeOutcome::Remaining(*n),
                };
                session.deliveries.insert((*query_id, Arc::clone(answer_id)), outcome);
            }
        }
        EventKind::ResumeAccepted { .. } => session.usage.rounds += 1,
        EventKind::ChildStarted { index, .. } => {
            session.forks += u32::from(*index == 0);
            session.count_children(|n| n.saturating_add(1));
        }
        EventKind::ChildEnded { usage, .. } => {
            session.usage.add_child(usage);
            session.count_children(|n| n.saturating_sub(1));
        }
        EventKind::Progress { step, total, message } => {
            session.progress = Some(Arc::new(Progress { step: *step, total: *total, message: message.clone() }));
        }
        EventKind::Log { level, source, message } => {
            let log = Arc::make_mut(&mut session.log);
            if log.len() == LOG_LINES {
                log.pop_front();
            }
            let (level, source) = (Arc::clone(level), Arc::clone(source));
            log.push_back(LogLine { at: event.at, level, source, message: message.as_str().into() });
        }
        EventKind::LlmCallBegin { .. }
        | EventKind::LlmCallEnd { .. }
        | EventKind::Note { .. }
        | EventKind::LogDropped { .. }
        | EventKind::Stats { .. }
        | EventKind::Effect(_)
        | EventKind::Branched(_)
        | EventKind::CancelRequested { .. } => {}
    }
}
