//! The one transition table: which events a command causes in a session, or why it is refused.
//!
//! Nothing here changes anything. An ended session refuses everything by rule.

use std::sync::Arc;

use super::{
    Answer, CancelReason, Cancelled, Command, Done, Event, EventKind, ExecutionState, Failure, FailureKind, LimitKind,
    Pause, PauseKind, Phase, Prompt, PromptHash, Query, QueryId, Question, ResumeError, ResumeOutcome, ResumePayload,
    SeenAt, Session, StateName, TerminalOutcome, Timestamp,
};

/// A command that was refused. A value, not a failure: nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Rejected {
    /// An answer that cannot be taken.
    #[error(transparent)]
    Answer(#[from] ResumeError),
    /// A delivery that was taken before, with what became of it then.
    #[error("delivered before")]
    Repeated(ResumeOutcome),
    /// The session has ended.
    #[error("the session has ended: {0}")]
    Ended(StateName),
    /// The program cannot do this in this state; the host of the program is at fault.
    #[error("out of turn while {0}")]
    OutOfTurn(StateName),
}

/// Says which events `command` causes in `session` at `now`.
///
/// # Errors
/// [`Rejected`] says why it causes none.
pub fn decide(session: &Session, command: Command, now: Timestamp) -> Result<Vec<Event>, Rejected> {
    use ExecutionState::{Cancelled, Done, Failed, Paused, Running};

    let mut events = Events { session, at: now, list: Vec::new() };
    match (&session.state, command) {
        (Running { .. } | Paused(_) | Done(_) | Cancelled(_) | Failed(_), Command::Answer(payload)) => {
            let pause = check_answer(session, &payload)?;
            events.answer(pause, payload);
        }
        (Done(_) | Cancelled(_) | Failed(_), _) => return Err(Rejected::Ended(session.state.name())),

        (Running { .. } | Paused(_), Command::Cancel { reason, seen_at }) => events.cancel(reason, seen_at),
        (Running { .. } | Paused(_), Command::Fail { message, kind, limit, traceback }) => {
            events.fail(session.state.name(), message, kind, limit, traceback);
        }
        (Running { .. } | Paused(_), Command::Note { title, content }) => {
            events.push(EventKind::Note { title, content });
        }

        (Running { .. }, Command::Begin) if session.begun => return Err(Rejected::OutOfTurn(StateName::Running)),
        (Running { .. }, Command::Begin) => events.push(EventKind::Tick { phase: Phase::Running }),
        (Running { .. }, Command::Ask { questions, .. }) if questions.is_empty() => {
            return Err(Rejected::OutOfTurn(StateName::Running));
        }
        (Running { .. }, Command::Ask { kind, questions }) => events.ask(kind, questions),
        (Running { .. }, Command::Finish { value }) => events.finish(value),
        (Running { .. }, Command::Log { level, source, message }) => {
            events.push(EventKind::Log { level, source, message });
        }
        (Running { .. }, Command::DropLogs { n }) => events.push(EventKind::LogDropped { n }),
        (Running { .. }, Command::Progress { step, total, message }) => {
            events.push(EventKind::Progress { step, total, message });
        }
        (Running { .. }, Command::StartChildren { children }) => {
            for (index, (session, strategy)) in (0..).zip(children) {
                events.push(EventKind::ChildStarted { session, index, strategy });
            }
        }
        (Running { .. }, Command::EndChild { session, state, usage }) => {
            events.push(EventKind::ChildEnded { session, state, usage });
        }
        (Running { .. }, Command::Effect(step)) => events.push(EventKind::Effect(step)),
        (Running { .. }, Command::Stats { key, value }) => events.push(EventKind::Stats { key, value }),

        (
            Paused(_),
            Command::Begin
            | Command::Ask { .. }
            | Command::Finish { .. }
            | Command::Log { .. }
            | Command::DropLogs { .. }
            | Command::Progress { .. }
            | Command::Effect(_)
            | Command::StartChildren { .. }
            | Command::EndChild { .. }
            | Command::Stats { .. },
        ) => return Err(Rejected::OutOfTurn(StateName::Paused)),
    }
    Ok(events.list)
}

/// Says whether `payload` can be taken, and by which pause. The order of the checks is the contract's.
fn check_answer<'a>(session: &'a Session, payload: &ResumePayload) -> Result<&'a Pause, Rejected> {
    let answers = payload.answers();
    payload.check(&session.spec.limits)?;
    if let Some(outcome) = delivered_before(session, answers) {
        return Err(Rejected::Repeated(outcome));
    }
    if session.state.name() == StateName::Cancelled {
        return Err(ResumeError::AlreadyCancelled.into());
    }
    for Answer { query_id, .. } in answers {
        if let Some(by) = session.answered_by(*query_id) {
            return Err(ResumeError::AlreadyAnswered { id: *query_id, by: by.clone() }.into());
        }
    }
    check_fresh(session, answers)?;
    let ExecutionState::Paused(pause) = &session.state else {
        return Err(ResumeError::NotPaused { actual: session.state.name() }.into());
    };
    for Answer { query_id, .. } in answers {
        if pause.position(*query_id).is_none() {
            let pending = pause.pending().map(|prompt| prompt.query.query_id).collect();
            return Err(ResumeError::UnknownQuery { id: *query_id, pending }.into());
        }
    }
    Ok(pause)
}

/// What became of this delivery, if every answer of it was taken before under the same name.
///
/// Each answer has its own part of the outcome; the one that left fewest queries open was the last, whatever order
/// they come in now.
fn delivered_before(session: &Session, answers: &[Answer]) -> Option<ResumeOutcome> {
    let before = |answer: &Answer| session.deliveries.get(&(answer.query_id, answer.answer_id.clone()?)).copied();
    let outcomes = answers.iter().map(before).collect::<Option<Vec<_>>>()?;
    outcomes.into_iter().min_by_key(|outcome| match outcome {
        ResumeOutcome::Continued => 0,
        ResumeOutcome::Remaining(n) => *n,
    })
}

fn check_fresh(session: &Session, answers: &[Answer]) -> Result<(), ResumeError> {
    for answer in answers {
        if let Some(epoch) = answer.epoch
            && epoch != session.epoch
        {
            return Err(ResumeError::Stale {
                expected: format!("epoch {}", session.epoch),
                given: format!("epoch {epoch}"),
            });
        }
        if let Some(given) = answer.prompt_hash
            && let ExecutionState::Paused(pause) = &session.state
            && let Some(position) = pause.position(answer.query_id)
        {
            let expected = PromptHash::of(&pause.prompts[position].query.prompt);
            if given != expected {
                return Err(ResumeError::Stale {
                    expected: format!("prompt {expected}"),
                    given: format!("prompt {given}"),
                });
            }
        }
    }
    Ok(())
}

/// The events of one turn, numbered as they come.
struct Events<'a> {
    session: &'a Session,
    at: Timestamp,
    list: Vec<Event>,
}

impl Events<'_> {
    fn push(&mut self, kind: EventKind) {
        let seq = self.session.last_seq + 1 + self.list.len() as u64;
        self.list.push(Event { seq, at: self.at, kind });
    }

    fn transition(&mut self, from: StateName, to: StateName) {
        self.push(EventKind::StateTransition { from, to, end: None });
    }

    fn end(&mut self, from: StateName, end: TerminalOutcome) {
        self.push(EventKind::StateTransition { from, to: end.name(), end: Some(end) });
    }

    fn ask(&mut self, kind: PauseKind, questions: Vec<Question>) {
        let asked = self.session.answered.len() as u32;
        let limits = &self.session.spec.limits;
        for (n, question) in (asked + 1..).zip(&questions) {
            let bytes = (question.prompt.len() + question.system.as_deref().map_or(0, str::len)) as u64;
            if bytes > limits.prompt_bytes {
                let message = format!(
                    "the prompt of {} is {bytes} bytes long; the limit is {}",
                    self.session.query_id(n),
                    limits.prompt_bytes
                );
                return self.fail(StateName::Running, message, FailureKind::Limit, Some(LimitKind::Size), None);
            }
        }

        let prompts: Vec<Prompt> =
            (asked + 1..).zip(questions).map(|(n, question)| prompt(self.session.query_id(n), question)).collect();
        let pauses = u64::from(self.session.epoch) + 1;
        let queries = u64::from(asked) + prompts.len() as u64;
        let info = Arc::new(Pause { epoch: self.session.epoch + 1, kind, prompts, paused_at: self.at });
        self.list.reserve_exact(2 + info.prompts.len());
        self.warn_near(limits.pauses, u64::from(self.session.epoch), pauses, "pauses");
        self.warn_near(limits.queries, u64::from(asked), queries, "queries");
        self.transition(StateName::Running, StateName::Paused);
        self.push(EventKind::PauseRequested { info: Arc::clone(&info) });
        for prompt in &info.prompts {
            self.push(EventKind::LlmCallBegin { query_id: prompt.query.query_id });
        }

        let reached = match (limits.pauses, limits.queries) {
            (Some(limit), _) if pauses > limit => Some((
                LimitKind::Pauses,
                format!("{limit} pauses were answered and the program paused again; the limit is {limit} pauses"),
            )),
            (_, Some(limit)) if queries > limit => {
                Some((LimitKind::Queries, format!("the program asked {queries} queries; the limit is {limit} queries")))
            }
            _ => None,
        };
        if let Some((limit, message)) = reached {
            self.fail(StateName::Paused, message, FailureKind::Limit, Some(limit), None);
        }
    }

    /// Says once that four fifths of a limit are used, so that somebody can still do something about it. It follows
    /// from what the program did alone, so a replay says it again in the same place.
    fn warn_near(&mut self, limit: Option<u64>, before: u64, now: u64, of: &str) {
        let Some(limit) = limit else { return };
        let is_near = |used: u64| used.saturating_mul(5) >= limit.saturating_mul(4);
        if now < limit && is_near(now) && !is_near(before) {
            let content = format!("{now} of {limit} {of} are used; the limit ends the session");
            self.push(EventKind::Note { title: Some("limit near".into()), content });
        }
    }

    fn answer(&mut self, pause: &Pause, payload: ResumePayload) {
        let (payload_kind, single, batch) = match payload {
            ResumePayload::Single(answer) => (PauseKind::Single, Some(answer), Vec::new()),
            ResumePayload::Batch(answers) => (PauseKind::Batch, None, answers),
        };
        let mut remaining = pause.pending().count() as u32;
        self.list.reserve_exact(2 * (usize::from(single.is_some()) + batch.len()) + 2);
        for Answer { query_id, response, usage, by, answer_id, epoch: _, prompt_hash: _ } in
            single.into_iter().chain(batch)
        {
            remaining -= 1;
            let usage = usage.map(Box::new);
            let taken = usage.clone();
            self.push(EventKind::AnswerAccepted { query_id, by, answer_id, remaining, response, usage: taken });
            self.push(EventKind::LlmCallEnd { query_id, usage });
        }
        if remaining == 0 {
            self.transition(StateName::Paused, StateName::Running);
            self.push(EventKind::ResumeAccepted { payload_kind });
        }
    }

    fn cancel(&mut self, reason: CancelReason, seen_at: SeenAt) {
        let state_before = self.session.state.clone();
        let from = state_before.name();
        self.push(EventKind::CancelRequested { reason: reason.clone() });
        let end = Cancelled { reason, observed_at: self.at, seen_at, state_before };
        self.end(from, TerminalOutcome::Cancelled(Arc::new(end)));
    }

    fn finish(&mut self, value: serde_json::Value) {
        let usage = self.session.usage_at(self.at);
        let usage = (usage.llm_calls > 0).then_some(usage);
        let end = Done { value, usage, finished_at: self.at };
        self.end(StateName::Running, TerminalOutcome::Done(Arc::new(end)));
    }

    fn fail(
        &mut self,
        from: StateName,
        message: String,
        kind: FailureKind,
        limit: Option<LimitKind>,
        traceback: Option<String>,
    ) {
        let end = Failure { message, kind, limit, traceback, occurred_at: self.at };
        self.end(from, TerminalOutcome::Failed(Arc::new(end)));
    }
}

fn prompt(query_id: QueryId, question: Question) -> Prompt {
    let Question { prompt, system, max_tokens, grounded, underspecified, role, cache_breakpoint, line } = question;
    let query = Query { query_id, prompt, system, max_tokens, grounded, underspecified, role, cache_breakpoint, line };
    Prompt { query: Arc::new(query), answered_by: None }
}
