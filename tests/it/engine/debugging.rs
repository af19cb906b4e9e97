//! What is there for whoever debugs a flow by hand: held sessions, the facts beside a summary, and the last calls.

use std::time::Duration;

use switchboard::domain::{
    CancelCode, EventKind, ExecutionState, LimitKind, ReleaseError, ResumeError, SeenAt, SessionId, SessionSpec,
    StateName, TerminalOutcome,
};
use switchboard::engine::{CancelEffect, Retention, Verb};

use crate::support::{Act, Rig, answer, ended, history, kinds, paused, reason, say, wait_for};

/// A held session and its probe.
async fn held(rig: &Rig, acts: Vec<Act>) -> (SessionId, std::sync::Arc<crate::support::Probe>) {
    let (spec, probe) = rig.write(acts);
    let id = rig.registry.spawn(SessionSpec { held: true, ..spec }).await.unwrap();
    (id, probe)
}

#[tokio::test]
async fn a_held_session_stands_before_its_first_instruction_until_it_is_released() {
    let rig = Rig::new();
    let (id, probe) = held(&rig, vec![say("why?")]).await;
    // It serves requests while it is held, so it has been there and waits.
    let refused = rig.registry.resume(id, answer(1, "x")).await;
    assert_eq!(refused, Err(ResumeError::NotPaused { actual: StateName::Running }));
    assert_eq!((probe.made(), probe.steps()), (0, 0));
    assert_eq!(rig.registry.summary(id).unwrap().last_seq, 0, "no event: it has not begun");
    assert_eq!(rig.registry.release(id).await, Ok(()));
    paused(&rig.registry, id).await;
    let not_held = |actual| Err(ReleaseError::NotHeld { actual });
    assert_eq!(rig.registry.release(id).await, not_held(StateName::Paused));
    rig.registry.resume(id, answer(1, "x")).await.unwrap();
    ended(&rig.registry, id).await;
    assert_eq!(rig.registry.release(id).await, not_held(StateName::Done));
    let nobody = SessionId::from_bits(77);
    assert_eq!(rig.registry.release(nobody).await, Err(ReleaseError::NotFound { session: nobody }));
}

#[tokio::test]
async fn a_held_session_can_be_cancelled_and_was_seen_before_its_start() {
    let rig = Rig::new();
    let (id, probe) = held(&rig, vec![say("why?")]).await;
    let state = rig.registry.cancel(id, reason(CancelCode::User, "no", 5)).await.unwrap();
    let ExecutionState::Cancelled(cancelled) = state else { panic!("{state:?}") };
    assert_eq!((cancelled.seen_at, &cancelled.state_before), (SeenAt::BeforeStart, &ExecutionState::BORN));
    assert_eq!(kinds(&history(&rig.registry, id).await), ["cancel_requested", "state_transition"]);
    assert_eq!(probe.made(), 0);
}

#[tokio::test]
async fn the_last_twenty_lines_of_a_log_are_at_hand() {
    let rig = Rig::new();
    let id = rig.start([Act::Log(3), say("why?"), Act::Log(25)]).await;
    paused(&rig.registry, id).await;
    let numbers = || -> Vec<String> {
        let log = rig.registry.inspect(id).unwrap().log;
        log.iter().map(|line| line.message.to_string()).collect()
    };
    assert_eq!(numbers().len(), 3);
    rig.clock.advance(7);
    rig.registry.resume(id, answer(1, "x")).await.unwrap();
    ended(&rig.registry, id).await;
    let events = history(&rig.registry, id).await;
    let logged: Vec<String> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Log { message, .. } => Some(message.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(numbers(), logged[logged.len() - 20..]);
    let last = rig.registry.inspect(id).unwrap().log.back().unwrap().clone();
    assert_eq!((&*last.level, last.at), ("info", rig.registry.summary(id).unwrap().last_at));
}

#[tokio::test(start_paused = true)]
async fn the_wall_limit_ends_a_held_session_too() {
    let rig = Rig::on_paused_time();
    let (mut spec, _) = rig.write(vec![say("why?")]);
    (spec.held, spec.limits.wall_ms) = (true, Some(1_000));
    let id = rig.registry.spawn(spec).await.unwrap();
    let TerminalOutcome::Failed(failure) = ended(&rig.registry, id).await else { panic!("it should fail") };
    assert_eq!(failure.limit, Some(LimitKind::Wall));
}

#[tokio::test(start_paused = true)]
async fn an_inspection_says_why_a_session_is_or_is_not_to_be_collected() {
    let rig = Rig::on_paused_time();
    let id = rig.start([say("why?")]).await;
    paused(&rig.registry, id).await;
    let retention = || rig.registry.inspect(id).unwrap().retention;
    assert_eq!(retention(), Retention::Live);
    let observer = rig.registry.observe(id, None).unwrap();
    assert_eq!(rig.registry.inspect(id).unwrap().observers, 1);
    rig.registry.resume(id, answer(1, "x")).await.unwrap();
    ended(&rig.registry, id).await;
    wait_for("its remains", || retention() != Retention::Live).await;
    assert_eq!(retention(), Retention::Observed(1));
    observer.close();
    assert_eq!(retention(), Retention::NoSweeps);
    rig.registry.collect(Duration::from_secs(10), Duration::from_secs(3));
    assert_eq!(retention(), Retention::Young { idle_ms: 0, ttl_ms: 10_000 });
    tokio::time::sleep(Duration::from_millis(10_500)).await;
    assert_eq!(retention(), Retention::Due { interval_ms: 3_000 });
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(retention(), Retention::Evicted);
    assert!(rig.registry.inspect(SessionId::from_bits(9)).is_err());
}

#[tokio::test]
async fn cancels_that_came_too_late_are_remembered_and_change_nothing() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    paused(&rig.registry, id).await;
    rig.registry.cancel(id, reason(CancelCode::User, "first", 5)).await.unwrap();
    for n in 0..20 {
        let late = reason(CancelCode::Timeout, "late", n);
        let state = rig.registry.cancel(id, late).await.unwrap();
        assert!(matches!(state, ExecutionState::Cancelled(end) if end.reason.code == CancelCode::User));
    }
    let facts = rig.registry.inspect(id).unwrap();
    assert_eq!((facts.ignored, facts.ignored_cancels.len()), (20, 16));
    assert_eq!(facts.ignored_cancels[0], reason(CancelCode::Timeout, "late", 0));
}

#[tokio::test]
async fn the_last_calls_from_any_source_are_there_with_their_outcomes() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    paused(&rig.registry, id).await;
    assert!(rig.registry.resume(id, answer(7, "nobody asked")).await.is_err());
    rig.registry.resume(id, answer(1, &"long ".repeat(1_000))).await.unwrap();
    ended(&rig.registry, id).await;
    rig.registry.cancel(id, reason(CancelCode::User, "late", 5)).await.unwrap();
    let calls = rig.registry.calls();
    let names: Vec<&str> = calls.iter().map(|call| call.verb.name()).collect();
    assert_eq!(names, ["spawn", "resume", "resume", "cancel"]);
    assert_eq!(calls.iter().map(|call| call.n).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(calls.iter().all(|call| call.session == Some(id)));
    assert!(calls[1].verb.refusal().is_some_and(|why| why.contains("unknown query q-7")));
    assert!(matches!(&calls[2].verb, Verb::Resume { outcome: Ok(_), text, .. } if text.len() <= 256));
    let expected = Ok((StateName::Done, CancelEffect::Nothing));
    assert!(matches!(&calls[3].verb, Verb::Cancel { outcome, .. } if *outcome == expected));
}

#[tokio::test]
async fn a_flood_of_calls_is_bounded_and_does_not_wash_a_refused_one_away() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    paused(&rig.registry, id).await;
    assert!(rig.registry.resume(id, answer(7, "nobody asked")).await.is_err());
    for n in 0..600 {
        rig.registry.cancel(id, reason(CancelCode::User, "again", n)).await.unwrap();
    }
    let calls = rig.registry.calls();
    assert_eq!(calls.len(), 257);
    assert_eq!(calls.iter().filter(|call| call.verb.refusal().is_some()).count(), 1);
}
