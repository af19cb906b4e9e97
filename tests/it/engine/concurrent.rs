//! Several tasks answer, cancel and observe the same sessions at once. Afterwards every reply that anybody got must be
//! explained by the order of the session's events in the journal.
//!
//! A reply is explained by a moment between the request and the reply at which the rules, asked alone, say the same.
//! The rules themselves are proved in the tests of the domain.

use std::sync::Arc;

use switchboard::domain::{
    Answer, AnsweredBy, CancelCode, CancelReason, Command, EventKind, ExecutionState, PromptHash, QueryId, Rejected,
    ResumeError, ResumeOutcome, ResumePayload, Seq, Session, SessionId, StateName, TerminalOutcome, apply, decide,
};
use switchboard::engine::{Entropy, EventRef, Registry};

use crate::support::{Act, Rig, Seeded, batch, bounded, ended, history, say, stream};

/// A request and its reply, with the newest event that was seen before the one and after the other.
struct Reply<T, R> {
    seen_before: Seq,
    asked: T,
    got: R,
    seen_after: Seq,
}

type Answered = Reply<ResumePayload, Result<ResumeOutcome, ResumeError>>;
type CancelledBy = Reply<CancelReason, ExecutionState>;

/// Everything one task did to one session.
#[derive(Default)]
struct Deeds {
    answers: Vec<Answered>,
    cancels: Vec<CancelledBy>,
}

/// One task that answers, well or badly, and sometimes cancels.
struct Meddler {
    registry: Registry,
    id: SessionId,
    dice: Seeded,
    name: u64,
    deeds: Deeds,
}

impl Meddler {
    async fn meddle(mut self) -> Deeds {
        let mut after_the_end = 0;
        for n in 0.. {
            let summary = self.registry.summary(self.id).unwrap();
            if summary.state.is_ended() {
                after_the_end += 1;
                if after_the_end == 4 {
                    break;
                }
            }
            if self.dice.one_in(40) {
                self.cancel(summary.last_seq, n).await;
            } else {
                self.answer(summary.last_seq, &summary.state, n).await;
            }
            if self.dice.one_in(3) {
                tokio::task::yield_now().await;
            }
        }
        self.deeds
    }

    async fn cancel(&mut self, seen_before: Seq, n: i64) {
        let requested_at = self.name as i64 * 1_000_000 + n;
        let asked = CancelReason { code: CancelCode::User, detail: None, requested_at };
        let got = self.registry.cancel(self.id, asked.clone()).await.unwrap();
        let seen_after = self.registry.summary(self.id).unwrap().last_seq;
        self.deeds.cancels.push(Reply { seen_before, asked, got, seen_after });
    }

    async fn answer(&mut self, seen_before: Seq, state: &ExecutionState, n: i64) {
        let (epoch, first, width) = match state {
            ExecutionState::Paused(pause) => {
                (pause.epoch, pause.prompts[0].query.query_id.number(), pause.prompts.len() as u64)
            }
            _ => (self.dice.below(4) as u32, 1, 6),
        };
        let count = if self.dice.one_in(2) { 1 } else { self.dice.below(3) + 1 };
        let list: Vec<Answer> = (0..count)
            .map(|k| {
                let query = if self.dice.one_in(12) { 99 } else { first + self.dice.below(width) as u32 };
                // Deliveries with a name are the same from every task; the others are told apart by their text.
                let named = self.dice.one_in(3);
                let text = if named { format!("for {query}") } else { format!("{} {n} {k}", self.name) };
                let off = u32::from(self.dice.one_in(10));
                Answer {
                    epoch: self.dice.one_in(2).then_some(epoch + off),
                    prompt_hash: self.dice.one_in(4).then(|| PromptHash::of("why?")),
                    answer_id: named.then(|| format!("delivery for {query}").into()),
                    ..Answer::new(QueryId::new(query), text, AnsweredBy::Rule(format!("{}", self.name).into()))
                }
            })
            .collect();
        let asked = if count == 1 && self.dice.one_in(2) {
            ResumePayload::Single(list.into_iter().next().unwrap())
        } else {
            ResumePayload::Batch(list)
        };
        let got = self.registry.resume(self.id, asked.clone()).await;
        let seen_after = self.registry.summary(self.id).unwrap().last_seq;
        self.deeds.answers.push(Reply { seen_before, asked, got, seen_after });
    }
}

/// The session as it stood after each of its events, and at which of them a turn could begin.
struct Record {
    events: Vec<EventRef>,
    states: Vec<Session>,
}

impl Record {
    fn of(registry: &Registry, id: SessionId, events: Vec<EventRef>) -> Self {
        let summary = registry.summary(id).unwrap();
        let mut session = Session::new(id, summary.spec, summary.created_at);
        let mut states = vec![session.clone()];
        for event in &events {
            apply(&mut session, event);
            states.push(session.clone());
        }
        Self { events, states }
    }

    /// Whether a turn may end behind event number `seq`.
    fn is_between_turns(&self, seq: usize) -> bool {
        let before = seq.checked_sub(1).map(|at| &self.events[at].kind);
        match self.events.get(seq).map(|event| &event.kind) {
            Some(
                EventKind::PauseRequested { .. }
                | EventKind::LlmCallBegin { .. }
                | EventKind::LlmCallEnd { .. }
                | EventKind::ResumeAccepted { .. },
            ) => false,
            Some(EventKind::StateTransition { .. }) => {
                !matches!(before, Some(EventKind::LlmCallEnd { .. } | EventKind::CancelRequested { .. }))
            }
            _ => true,
        }
    }

    /// Says at which moment the rules give this reply, and what they cause.
    fn explains(&self, reply: &Answered) -> Option<(usize, usize)> {
        let moments = reply.seen_before as usize..=reply.seen_after as usize;
        moments.into_iter().filter(|at| self.is_between_turns(*at)).find_map(|at| {
            let session = &self.states[at];
            let says = decide(session, Command::Answer(reply.asked.clone()), session.last_at());
            match (&reply.got, says) {
                (Ok(outcome), Ok(events)) => {
                    let happened = self.events.get(at..at + events.len())?;
                    let left = match self.states[at + events.len()].state() {
                        ExecutionState::Paused(pause) => ResumeOutcome::Remaining(pause.pending().count() as u32),
                        _ => ResumeOutcome::Continued,
                    };
                    let same = events.iter().zip(happened).all(|(says, did)| says.kind == did.kind);
                    (same && left == *outcome && at + events.len() <= reply.seen_after as usize)
                        .then_some((at, events.len()))
                }
                (Ok(outcome), Err(Rejected::Repeated(first))) => (first == *outcome).then_some((at, 0)),
                (Err(error), Err(Rejected::Answer(says))) => (says == *error).then_some((at, 0)),
                _ => None,
            }
        })
    }
}

fn check(registry: &Registry, id: SessionId, events: &[EventRef], deeds: &[Deeds]) {
    let record = Record::of(registry, id, events.to_vec());
    let last = events.len() as Seq;
    let end = record.states.last().unwrap();

    // The accepted answers are exactly the ones that somebody was told Ok for, each once.
    let mut accepted = vec![0; events.len()];
    for reply in deeds.iter().flat_map(|deeds| &deeds.answers) {
        let Some((at, count)) = record.explains(reply) else {
            panic!(
                "{id}: nothing between event {} and event {} explains {:?} for {:?} in\n{events:#?}",
                reply.seen_before, reply.seen_after, reply.got, reply.asked
            )
        };
        let unnamed = reply.asked.answers().iter().any(|answer| answer.answer_id.is_none());
        for told in &mut accepted[at..at + count] {
            *told += 1;
            assert!(*told == 1 || !unnamed, "{id}: {:?} was told twice that it was taken", reply.asked);
        }
    }
    for (event, told) in events.iter().zip(accepted) {
        if matches!(event.kind, EventKind::AnswerAccepted { .. }) {
            assert!(told > 0, "{id}: nobody was told Ok for {event:?}");
        }
    }

    // The first cancel wins, and after any of them nothing happens.
    let requested = events.iter().position(|event| matches!(event.kind, EventKind::CancelRequested { .. }));
    for cancel in deeds.iter().flat_map(|deeds| &deeds.cancels) {
        assert_eq!(&cancel.got, end.state(), "{id}");
        assert_eq!(cancel.seen_after, last, "{id}: nothing follows a cancel that was acknowledged");
    }
    if let (Some(at), ExecutionState::Cancelled(cancelled)) = (requested, end.state()) {
        let mut cancels = deeds.iter().flat_map(|deeds| &deeds.cancels);
        let first = cancels.find(|cancel| cancel.asked == cancelled.reason).expect("somebody asked for it");
        assert!(first.seen_before <= at as Seq);
        assert_eq!(cancelled.state_before, *record.states[at].state());
    }

    // Usage is the sum of the accepted answers, and the program got exactly them.
    let responses: Vec<(QueryId, &str)> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::AnswerAccepted { query_id, response, .. } => Some((*query_id, &**response)),
            _ => None,
        })
        .collect();
    let summary = registry.summary(id).unwrap();
    assert_eq!(&summary.usage, end.usage());
    let bytes: usize = responses.iter().map(|(_, response)| response.len()).sum();
    assert_eq!(summary.usage.total_response_chars, bytes as u64);
    let mut ordered = responses;
    ordered.sort();
    assert!(ordered.windows(2).all(|pair| pair[0].0 < pair[1].0), "one answer per query");
    if let ExecutionState::Done(done) = end.state() {
        assert_eq!(done.value, ordered.iter().map(|(_, response)| *response).collect::<serde_json::Value>());
        assert_eq!(done.usage.as_ref(), (summary.usage.llm_calls > 0).then_some(&summary.usage));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reply_is_explained_by_the_order_of_the_journal() {
    const SESSIONS: u64 = 600;
    const SIDE_BY_SIDE: usize = 12;
    let rig = Arc::new(Rig::new());
    let lanes: Vec<_> = (0..SIDE_BY_SIDE)
        .map(|lane| {
            let rig = Arc::clone(&rig);
            tokio::spawn(async move {
                let mut ends = Vec::new();
                for seed in (lane as u64..SESSIONS).step_by(SIDE_BY_SIDE) {
                    ends.push(one_session(&rig, seed).await);
                }
                ends
            })
        })
        .collect();
    let mut ends = Vec::new();
    for lane in lanes {
        ends.extend(bounded(lane).await.unwrap());
    }
    for end in [StateName::Done, StateName::Cancelled] {
        assert!(ends.iter().filter(|state| **state == end).count() > 20, "both ends were met often: {ends:?}");
    }
}

async fn one_session(rig: &Rig, seed: u64) -> StateName {
    let dice = Seeded::new(seed);
    let acts: Vec<Act> = (0..=dice.below(6))
        .map(|_| match dice.below(4) {
            0 => say("why?"),
            1 => batch(["why?", "why?"]),
            2 => batch(["why?", "why?", "why?"]),
            _ => Act::Log(dice.below(40)),
        })
        .collect();
    let id = rig.start(acts).await;
    let registry = &rig.registry;
    let observers: Vec<_> = (0..3).map(|_| tokio::spawn(stream(registry.observe(id, None).unwrap()))).collect();
    let patient: Vec<_> = (0..2)
        .map(|_| {
            let registry = registry.clone();
            tokio::spawn(async move { registry.await_terminal(id).await.unwrap() })
        })
        .collect();
    let meddlers: Vec<_> = (1..=4)
        .map(|name| {
            let dice = Seeded::new(dice.bits());
            let meddler = Meddler { registry: registry.clone(), id, dice, name, deeds: Deeds::default() };
            tokio::spawn(meddler.meddle())
        })
        .collect();
    let mut deeds = Vec::new();
    for meddler in meddlers {
        deeds.push(meddler.await.unwrap());
    }
    let end: TerminalOutcome = ended(registry, id).await;
    for caller in patient {
        assert_eq!(caller.await.unwrap(), end);
    }
    let events = history(registry, id).await;
    for (n, event) in (1..).zip(&events) {
        assert_eq!(event.seq, n);
    }
    for observer in observers {
        assert_eq!(observer.await.unwrap(), events, "every observer got the same");
    }
    check(registry, id, &events, &deeds);
    end.name()
}
