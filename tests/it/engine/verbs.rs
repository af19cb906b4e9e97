//! Contract §3: the verbs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use switchboard::domain::{
    AnsweredBy, AwaitError, CancelCode, CancelError, ExecutionState, InvalidSpec, ObserveError, PauseKind, QueryId,
    ResumeError, ResumeOutcome, ResumePayload, SessionId, SessionSpec, SpawnError, StateError, StateName,
    TerminalOutcome,
};
use switchboard::engine::{ChangeCursor, Entropy};

use crate::support::{
    Act, HandClock, Parts, Rig, answer, answers, batch, bounded, ended, history, kinds, paused, paused_at, reason, say,
};

#[tokio::test]
async fn spawn_returns_before_the_program_has_run() {
    let rig = Rig::new();
    let (id, probe) = rig.start_probed([say("why?")]).await;
    assert_eq!((probe.made(), probe.steps()), (0, 0));
    assert_eq!(rig.registry.state(id).unwrap(), ExecutionState::BORN);
    assert_eq!(rig.registry.summary(id).unwrap().last_seq, 0, "running from birth, with no event for it");
    paused(&rig.registry, id).await;
    assert_eq!((probe.made(), probe.steps()), (1, 1), "execution goes on in the background");
}

#[tokio::test]
async fn a_program_that_returns_is_done_with_its_value() {
    let rig = Rig::new();
    let id = rig.start([Act::Finish(serde_json::json!({"n": 1}))]).await;
    let TerminalOutcome::Done(done) = ended(&rig.registry, id).await else { panic!("it should be done") };
    assert_eq!((done.value["n"].as_i64(), done.usage), (Some(1), None));
    assert_eq!(kinds(&history(&rig.registry, id).await), ["tick", "state_transition"]);
}

#[tokio::test]
async fn an_answer_reaches_the_program() {
    let rig = Rig::new();
    let id = rig.start([say("first?"), batch(["second?", "third?"])]).await;
    let pause = paused(&rig.registry, id).await;
    assert_eq!((pause.epoch, pause.kind, pause.prompts.len()), (1, PauseKind::Single, 1));
    assert_eq!(rig.registry.resume(id, answer(1, "a")).await, Ok(ResumeOutcome::Continued));
    let pause = paused_at(&rig.registry, id, 2).await;
    let ids: Vec<u32> = pause.prompts.iter().map(|prompt| prompt.query.query_id.number()).collect();
    assert_eq!((pause.epoch, pause.kind, ids), (2, PauseKind::Batch, vec![2, 3]));
    assert_eq!(rig.registry.resume(id, answer(3, "c")).await, Ok(ResumeOutcome::Remaining(1)));
    assert_eq!(rig.registry.resume(id, answers([(2, "b")])).await, Ok(ResumeOutcome::Continued));
    let TerminalOutcome::Done(done) = ended(&rig.registry, id).await else { panic!("it should be done") };
    assert_eq!(done.value, serde_json::json!(["a", "b", "c"]));
}

#[tokio::test]
async fn the_stream_of_a_whole_session_stands_in_the_order_of_the_contract() {
    let rig = Rig::new();
    let id = rig.start([Act::Log(1), batch(["a", "b"]), Act::Progress(1, 2)]).await;
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(2, "y")).await.unwrap();
    rig.registry.resume(id, answer(1, "x")).await.unwrap();
    let events = history(&rig.registry, id).await;
    let wanted = [
        "tick",
        "log",
        "state_transition",
        "pause_requested",
        "llm_call_begin",
        "llm_call_begin",
        "answer_accepted",
        "llm_call_end",
        "answer_accepted",
        "llm_call_end",
        "state_transition",
        "resume_accepted",
        "progress",
        "state_transition",
    ];
    assert_eq!(kinds(&events), wanted);
    let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, (1..=wanted.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_batch_of_one_is_a_batch() {
    let rig = Rig::new();
    let id = rig.start([batch(["only"])]).await;
    assert_eq!(paused(&rig.registry, id).await.kind, PauseKind::Batch);
}

#[tokio::test]
async fn an_invalid_spec_is_refused_and_no_session_exists() {
    let rig = Rig::new();
    let refused = rig.registry.spawn(SessionSpec::run("  \n")).await;
    assert_eq!(refused, Err(SpawnError::InvalidSpec(InvalidSpec::Blank)));
    assert_eq!(rig.registry.list(), []);
    assert_eq!(rig.registry.changes(ChangeCursor::default()).sessions, []);
}

#[tokio::test]
async fn not_found_means_that_no_such_session_ever_existed() {
    let Rig { registry, .. } = Rig::new();
    let session = SessionId::from_bits(1);
    assert_eq!(registry.state(session), Err(StateError::NotFound(session)));
    assert_eq!(registry.summary(session).err(), Some(StateError::NotFound(session)));
    assert_eq!(registry.observe(session, None).err(), Some(ObserveError::NotFound(session)));
    assert_eq!(registry.await_terminal(session).await, Err(AwaitError::NotFound(session)));
    assert_eq!(registry.resume(session, answer(1, "a")).await, Err(ResumeError::NotFound { session }));
    let why = reason(CancelCode::User, "", 0);
    assert_eq!(registry.cancel(session, why).await, Err(CancelError::NotFound { session }));
}

#[tokio::test]
async fn an_invalid_payload_is_told_before_not_found() {
    let Rig { registry, .. } = Rig::new();
    let refused = registry.resume(SessionId::from_bits(1), ResumePayload::Batch(Vec::new())).await;
    assert_eq!(refused, Err(ResumeError::InvalidPayload { why: "the batch is empty".into() }));
}

#[tokio::test]
async fn a_running_session_is_not_paused() {
    let rig = Rig::new();
    let id = rig.start([Act::Spin]).await;
    let refused = rig.registry.resume(id, answer(1, "a")).await;
    assert_eq!(refused, Err(ResumeError::NotPaused { actual: StateName::Running }));
}

#[tokio::test]
async fn after_the_end_an_answer_is_told_who_was_first_or_that_nothing_waits() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    ended(&rig.registry, id).await;
    let first = ResumeError::AlreadyAnswered { id: QueryId::new(1), by: AnsweredBy::Person };
    assert_eq!(rig.registry.resume(id, answer(1, "b")).await, Err(first));
    let nothing = ResumeError::NotPaused { actual: StateName::Done };
    assert_eq!(rig.registry.resume(id, answer(2, "b")).await, Err(nothing));
}

#[tokio::test]
async fn clones_of_the_handle_share_everything() {
    let rig = Rig::new();
    let clone = rig.registry.clone();
    let id = rig.start([say("why?")]).await;
    paused(&clone, id).await;
    clone.resume(id, answer(1, "a")).await.unwrap();
    drop(clone);
    assert_eq!(ended(&rig.registry, id).await.name(), StateName::Done);
}

#[tokio::test]
async fn sessions_are_listed_oldest_first_with_what_a_screen_shows() {
    let rig = Rig::new();
    let mut ids = Vec::new();
    for n in 0..5 {
        let (mut spec, _) = rig.write([Act::Progress(n, 5), say("why?")]);
        spec.title = Some(format!("number {n}"));
        ids.push(rig.registry.spawn(spec).await.unwrap());
        rig.clock.advance(10);
    }
    for id in &ids {
        paused(&rig.registry, *id).await;
    }
    let list = rig.registry.list();
    assert_eq!(list.iter().map(|summary| summary.id).collect::<Vec<_>>(), ids);
    for (n, summary) in (0..).zip(&list) {
        assert_eq!(summary.spec.display_title(), format!("number {n}"));
        assert_eq!(summary.created_at, HandClock::START + 10 * n);
        assert_eq!(summary.progress.as_ref().map(|progress| progress.step), Some(n as u64));
        assert_eq!((summary.state.name(), summary.usage.llm_calls), (StateName::Paused, 1));
        assert_eq!(rig.registry.summary(summary.id).as_ref(), Ok(summary));
    }
}

#[tokio::test]
async fn any_number_of_callers_await_the_same_end_also_after_one_gave_up() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    paused(&rig.registry, id).await;
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let registry = rig.registry.clone();
            tokio::spawn(async move { registry.await_terminal(id).await.unwrap() })
        })
        .collect();
    tokio::task::yield_now().await;
    callers[3].abort();
    let given_up = futures::FutureExt::now_or_never(rig.registry.await_terminal(id));
    assert_eq!(given_up, None);
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    let end = ended(&rig.registry, id).await;
    for (n, caller) in callers.into_iter().enumerate() {
        match bounded(caller).await {
            Ok(outcome) => assert_eq!(outcome, end),
            Err(gave_up) => assert!(n == 3 && gave_up.is_cancelled()),
        }
    }
    assert_eq!(ended(&rig.registry, id).await, end, "and again, long after");
}

/// Gives every number twice.
struct Stammering(AtomicU64);

impl Entropy for Stammering {
    fn bits(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) / 2
    }
}

#[tokio::test]
async fn an_id_that_is_taken_is_drawn_again() {
    let rig = Rig::of(Parts { entropy: Arc::new(Stammering(AtomicU64::new(0))), ..Parts::default() });
    let (spec, _) = rig.write([say("why?")]);
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(rig.registry.spawn(spec.clone()).await.unwrap());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 10);
}
