//! However a session's program, VM, task, runtime or registry ends, the session is left in an ended state.

use std::sync::Arc;

use futures::FutureExt;
use serde_json::json;
use switchboard::domain::{
    Answer, AnsweredBy, CancelCode, EventKind, ExecutionState, Failure, FailureKind, ObserverRecvError, QueryId,
    ResumeError, ResumeOutcome, ResumePayload, SessionId, StateName, TerminalOutcome,
};
use switchboard::engine::{Registry, VmFailure};

use crate::support::{Act, Parts, Rig, answer, ended, history, kinds, paused, reason, registry, say, stream, wait_for};

async fn failed(registry: &Registry, id: SessionId) -> Arc<Failure> {
    match ended(registry, id).await {
        TerminalOutcome::Failed(failure) => failure,
        other => panic!("it should have failed: {other:?}"),
    }
}

#[tokio::test]
async fn an_error_of_the_program_fails_the_session_and_no_other() {
    let rig = Rig::new();
    let other = rig.start([say("why?")]).await;
    let id = rig.start([Act::raise("script:3: no")]).await;
    let failure = failed(&rig.registry, id).await;
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::LuaError, "script:3: no"));
    paused(&rig.registry, other).await;
}

#[tokio::test]
async fn a_panic_in_the_vm_fails_the_session_as_an_engine_error_and_the_registry_lives_on() {
    for acts in [vec![Act::Panic("a bug")], vec![Act::PanicInMake], vec![Act::Log(3), Act::Panic("a bug")]] {
        let rig = Rig::new();
        let (id, _) = rig.start_probed(acts).await;
        let failure = failed(&rig.registry, id).await;
        assert_eq!((failure.kind, failure.limit), (FailureKind::EngineError, None));
        assert!(failure.message.contains("a bug") || failure.message.contains("made in anger"), "{failure:?}");
        let events = history(&rig.registry, id).await;
        assert!(events.last().unwrap().kind.is_last());
        let next = rig.start([say("why?")]).await;
        paused(&rig.registry, next).await;
    }
}

#[tokio::test]
async fn a_panic_while_the_vm_is_dropped_leaves_the_session_as_it_ended() {
    let rig = Rig::new();
    let (spec, probe) = rig.write([Act::Finish(json!(1))]);
    *probe.last_deed.lock().unwrap() = Some(Box::new(|| panic!("a bug in a destructor")));
    let id = rig.registry.spawn(spec).await.unwrap();
    assert_eq!(ended(&rig.registry, id).await.name(), StateName::Done);
    let nothing = ResumeError::NotPaused { actual: StateName::Done };
    assert_eq!(rig.registry.resume(id, answer(1, "a")).await, Err(nothing));
    assert_eq!(rig.registry.shutdown(std::time::Duration::from_mins(1)).await, 0);
}

#[tokio::test]
async fn a_vm_that_cannot_be_made_ends_the_session_before_it_has_begun() {
    let failure = VmFailure {
        message: "too little memory".into(),
        kind: FailureKind::Limit,
        limit: Some(switchboard::domain::LimitKind::Memory),
        traceback: None,
    };
    let rig = Rig::new();
    let id = rig.start([Act::CannotBeMade(failure)]).await;
    let failure = failed(&rig.registry, id).await;
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Limit, "too little memory"));
    assert_eq!(kinds(&history(&rig.registry, id).await), ["state_transition"]);
}

#[tokio::test]
async fn the_state_of_an_ended_program_is_dropped() {
    let rig = Rig::new();
    let large = 100 << 20;
    for heap in [0, large] {
        for acts in [vec![Act::Finish(json!(1))], vec![Act::raise("no")], vec![Act::Spin], vec![say("why?")]] {
            let (spec, probe) = rig.write(acts);
            probe.heap.store(heap, std::sync::atomic::Ordering::SeqCst);
            let id = rig.registry.spawn(spec).await.unwrap();
            wait_for("its first step", || probe.steps() > 0).await;
            rig.registry.cancel(id, reason(CancelCode::User, "", 0)).await.unwrap();
            wait_for("its state to be dropped", || probe.dropped() == 1).await;
            assert_eq!(probe.made(), 1);
        }
    }
}

#[test]
fn a_task_that_is_dropped_with_its_runtime_leaves_its_session_ended() {
    let outside = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let inside = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    outside.block_on(async {
        let rig = Rig::of(Parts::on(inside.handle().clone()));
        let waiting = rig.start([say("first?"), say("second?")]).await;
        let running = rig.start([Act::Spin]).await;
        paused(&rig.registry, waiting).await;
        rig.registry.resume(waiting, answer(1, "a")).await.unwrap();
        let observer = rig.registry.observe(waiting, None).unwrap();
        let patient = tokio::spawn({
            let registry = rig.registry.clone();
            async move { registry.await_terminal(waiting).await }
        });
        inside.shutdown_background();
        for id in [waiting, running] {
            let failure = failed(&rig.registry, id).await;
            assert_eq!(failure.kind, FailureKind::EngineError, "{failure:?}");
            let state = rig.registry.cancel(id, reason(CancelCode::User, "late", 0)).await.unwrap();
            assert_eq!(state.name(), StateName::Failed);
        }
        assert_eq!(patient.await.unwrap().unwrap().name(), StateName::Failed);
        assert!(stream(observer).await.last().unwrap().kind.is_last());
        let first = ResumeError::AlreadyAnswered { id: QueryId::new(1), by: AnsweredBy::Person };
        assert_eq!(rig.registry.resume(waiting, answer(1, "b")).await, Err(first));

        let stillborn = rig.start([say("why?")]).await;
        assert_eq!(failed(&rig.registry, stillborn).await.kind, FailureKind::EngineError);
    });
}

#[tokio::test]
async fn when_the_last_handle_is_dropped_every_session_is_cancelled() {
    let parts = Parts::default();
    let handle = registry(&parts);
    let spec = |acts: Vec<Act>| parts.programs.write(acts).0;
    let mut observers = Vec::new();
    for acts in [vec![say("why?")], vec![Act::Spin]] {
        let id = handle.spawn(spec(acts)).await.unwrap();
        observers.push(handle.observe(id, None).unwrap());
        assert_eq!(observers.last_mut().unwrap().recv().await.unwrap().kind.name(), "tick");
    }
    let mut unborn = handle.observe(handle.spawn(spec(vec![say("why?")])).await.unwrap(), None).unwrap();
    assert_eq!(unborn.try_recv(), Ok(None));
    observers.push(unborn);
    drop(handle);
    for observer in observers {
        let events = stream(observer).await;
        let EventKind::StateTransition { end: Some(TerminalOutcome::Cancelled(end)), .. } =
            &events.last().unwrap().kind
        else {
            panic!("{events:?}")
        };
        assert_eq!(end.reason.code, CancelCode::ParentDropped);
    }
}

#[tokio::test]
async fn when_the_last_handle_is_dropped_and_the_journal_refuses_sessions_end_all_the_same() {
    let parts = Parts::default();
    let handle = registry(&parts);
    let id = handle.spawn(parts.programs.write([say("why?")]).0).await.unwrap();
    paused(&handle, id).await;
    let observer = handle.observe(id, Some(5)).unwrap();
    parts.journal.refuse_acknowledged();
    drop(handle);
    let events = stream(observer).await;
    let EventKind::StateTransition { to: StateName::Failed, .. } = &events.last().unwrap().kind else {
        panic!("{events:?}")
    };
}

#[tokio::test]
async fn ended_is_final_nothing_changes_the_state_or_adds_an_event() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    let end = ended(&rig.registry, id).await;
    let events = history(&rig.registry, id).await;
    for _ in 0..3 {
        rig.registry.resume(id, answer(1, "b")).await.unwrap_err();
        rig.registry.cancel(id, reason(CancelCode::User, "late", 0)).await.unwrap();
    }
    assert_eq!(rig.registry.state(id).unwrap(), ExecutionState::from(end));
    assert_eq!(history(&rig.registry, id).await, events);
    let mut observer = rig.registry.observe(id, Some(events.len() as u64 + 1)).unwrap();
    assert_eq!(observer.try_recv(), Err(ObserverRecvError::Closed));
}

/// Exactly one answer per query (§4.3) and the first outcome for a delivery sent again (§2) hold at every moment,
/// also at the one in which the task of the session goes away.
#[tokio::test]
async fn an_answer_that_meets_the_end_of_the_task_is_told_the_same_as_before_and_after() {
    let rig = Rig::new();
    let (spec, probe) = rig.write([say("why?")]);
    let id = rig.registry.spawn(spec).await.unwrap();
    paused(&rig.registry, id).await;
    let delivery = || {
        let answer = Answer::new(QueryId::new(1), "a", AnsweredBy::Person);
        ResumePayload::Single(Answer { answer_id: Some("once".into()), ..answer })
    };
    let (tell, told) = std::sync::mpsc::channel();
    let handle = rig.registry.clone();
    *probe.last_deed.lock().unwrap() = Some(Box::new(move || {
        tell.send(handle.resume(id, delivery()).now_or_never()).unwrap();
        tell.send(handle.resume(id, answer(1, "b")).now_or_never()).unwrap();
    }));
    assert_eq!(rig.registry.resume(id, delivery()).await, Ok(ResumeOutcome::Continued));
    wait_for("its state to be dropped", || probe.dropped() == 1).await;
    assert_eq!(told.recv().unwrap(), Some(Ok(ResumeOutcome::Continued)));
    let first = ResumeError::AlreadyAnswered { id: QueryId::new(1), by: AnsweredBy::Person };
    assert_eq!(told.recv().unwrap(), Some(Err(first)));
}
