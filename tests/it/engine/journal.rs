//! What is acknowledged is recorded first, and what cannot be recorded never happened.

use futures::FutureExt;
use switchboard::domain::{CancelCode, CancelError, ExecutionState, ResumeError, ResumeOutcome, SpawnError, StateName};
use switchboard::engine::{ChangeCursor, Durability, JournalError};

use crate::support::{Act, Rig, answer, ended, history, paused, paused_at, reason, say, until, wait_for};

#[tokio::test]
async fn a_spawn_that_is_not_recorded_makes_no_session() {
    let rig = Rig::new();
    let (spec, probe) = rig.write([say("why?")]);
    rig.journal.refuse_acknowledged();
    let refused = rig.registry.spawn(spec.clone()).await;
    assert_eq!(refused, Err(SpawnError::Engine("not recorded: the disk is full".into())));
    assert_eq!((rig.registry.list(), probe.made()), (Vec::new(), 0));
    rig.journal.accept();
    paused(&rig.registry, rig.registry.spawn(spec).await.unwrap()).await;
}

#[tokio::test]
async fn an_answer_that_is_not_recorded_changes_nothing_and_can_be_given_again() {
    let rig = Rig::new();
    let (id, probe) = rig.start_probed([say("why?")]).await;
    paused(&rig.registry, id).await;
    let before = rig.registry.summary(id).unwrap();
    let cursor = rig.registry.changes(ChangeCursor::default()).cursor;
    rig.journal.refuse_acknowledged();
    let cause = "the disk is full".to_owned();
    for _ in 0..3 {
        assert_eq!(
            rig.registry.resume(id, answer(1, "lost")).await,
            Err(ResumeError::NotRecorded { cause: cause.clone() })
        );
    }
    assert_eq!(rig.registry.summary(id).unwrap(), before);
    assert_eq!((rig.registry.changes(cursor).sessions, probe.steps()), (Vec::new(), 1));
    rig.journal.accept();
    assert_eq!(rig.registry.resume(id, answer(1, "kept")).await, Ok(ResumeOutcome::Continued));
    let end = ExecutionState::from(ended(&rig.registry, id).await);
    let ExecutionState::Done(done) = end else { panic!("{end:?}") };
    assert_eq!(done.value, serde_json::json!(["kept"]));
}

#[tokio::test]
async fn every_other_refusal_is_told_before_not_recorded() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    paused(&rig.registry, id).await;
    rig.journal.refuse_acknowledged();
    let refused = rig.registry.resume(id, answer(9, "a")).await;
    assert!(matches!(refused, Err(ResumeError::UnknownQuery { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_cancel_that_is_not_recorded_changes_nothing_and_the_session_goes_on() {
    let switch = crate::support::Switch::default();
    let rig = Rig::new();
    let not_recorded = Err(CancelError::NotRecorded { cause: "the disk is full".into() });
    let why = || reason(CancelCode::User, "enough", 1);

    let (running, probe) = rig.start_probed([Act::SpinUntil(switch.clone()), say("why?")]).await;
    let waiting = rig.start([say("why?")]).await;
    paused(&rig.registry, waiting).await;
    wait_for("a few steps", || probe.steps() > 3).await;
    let unborn = rig.start([say("why?")]).await;
    rig.journal.refuse_acknowledged();
    for id in [unborn, running, waiting] {
        assert_eq!(rig.registry.cancel(id, why()).await, not_recorded);
        assert!(!rig.registry.state(id).unwrap().is_ended());
    }
    rig.journal.accept();
    let steps = probe.steps();
    wait_for("the loop to go on", || probe.steps() > steps + 3).await;
    switch.on();
    for id in [unborn, running, waiting] {
        paused(&rig.registry, id).await;
        rig.registry.resume(id, answer(1, "a")).await.unwrap();
        assert_eq!(ended(&rig.registry, id).await.name(), StateName::Done);
        let events = history(&rig.registry, id).await;
        assert!(!events.iter().any(|event| event.kind.name() == "cancel_requested"));
    }
}

#[tokio::test]
async fn after_a_cancel_that_was_not_recorded_the_next_one_is_taken() {
    let rig = Rig::new();
    let id = rig.start([Act::Spin]).await;
    rig.journal.refuse_acknowledged();
    let lost = [1, 2, 3].map(|n| {
        let registry = rig.registry.clone();
        tokio::spawn(async move { registry.cancel(id, reason(CancelCode::User, "lost", n)).await })
    });
    for lost in lost {
        assert!(lost.await.unwrap().is_err());
    }
    rig.journal.accept();
    let why = reason(CancelCode::Timeout, "kept", 9);
    let ExecutionState::Cancelled(end) = rig.registry.cancel(id, why.clone()).await.unwrap() else {
        panic!("it is cancelled")
    };
    assert_eq!(end.reason, why);
}

#[tokio::test]
async fn an_answer_is_acknowledged_and_seen_only_once_it_is_recorded() {
    let rig = Rig::new();
    let (id, probe) = rig.start_probed([say("first?"), say("second?")]).await;
    let pause = paused(&rig.registry, id).await;
    let mut observer = rig.registry.observe(id, Some(5)).unwrap();
    rig.journal.hold(|_, _, durability| durability == Durability::Acknowledged);
    let registry = rig.registry.clone();
    let mut given = tokio::spawn(async move { registry.resume(id, answer(1, "a")).await });
    wait_for("the answer to reach the journal", || rig.journal.waiting() == 1).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert!((&mut given).now_or_never().is_none(), "it is not acknowledged");
    assert_eq!(rig.registry.state(id).unwrap(), ExecutionState::Paused(pause));
    assert_eq!((observer.try_recv(), probe.steps()), (Ok(None), 1));
    rig.journal.release(&Ok(()));
    assert_eq!(given.await.unwrap(), Ok(ResumeOutcome::Continued));
    assert_eq!(observer.recv().await.unwrap().kind.name(), "answer_accepted");
    paused_at(&rig.registry, id, 2).await;
}

#[tokio::test]
async fn an_answer_that_the_journal_refuses_late_was_never_given() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    let pause = paused(&rig.registry, id).await;
    rig.journal.hold(|_, _, durability| durability == Durability::Acknowledged);
    let registry = rig.registry.clone();
    let given = tokio::spawn(async move { registry.resume(id, answer(1, "a")).await });
    wait_for("the answer to reach the journal", || rig.journal.waiting() == 1).await;
    rig.journal.release(&Err(JournalError("the disk broke".into())));
    assert_eq!(given.await.unwrap(), Err(ResumeError::NotRecorded { cause: "the disk broke".into() }));
    assert_eq!(rig.registry.state(id).unwrap(), ExecutionState::Paused(pause));
}

#[tokio::test]
async fn a_caller_that_gives_up_on_a_slow_journal_has_answered_all_the_same() {
    let rig = Rig::new();
    let id = rig.start([say("first?"), say("second?")]).await;
    paused(&rig.registry, id).await;
    rig.journal.hold(|_, _, durability| durability == Durability::Acknowledged);
    assert!(rig.registry.resume(id, answer(1, "a")).now_or_never().is_none());
    wait_for("the answer to reach the journal", || rig.journal.waiting() == 1).await;
    rig.journal.release(&Ok(()));
    paused_at(&rig.registry, id, 2).await;
}

#[tokio::test]
async fn a_slow_journal_delays_acknowledgements_of_one_session_and_nothing_of_the_others() {
    let rig = Rig::new();
    let slow = rig.start([say("why?")]).await;
    let quick = rig.start([say("first?"), Act::Log(1000), say("second?")]).await;
    paused(&rig.registry, slow).await;
    rig.journal.hold(move |id, _, _| id == slow);
    let registry = rig.registry.clone();
    let given = tokio::spawn(async move { registry.resume(slow, answer(1, "a")).await });
    wait_for("the answer to reach the journal", || rig.journal.waiting() == 1).await;
    for n in 1..=2 {
        paused_at(&rig.registry, quick, n).await;
        rig.registry.resume(quick, answer(n, "a")).await.unwrap();
    }
    assert_eq!(ended(&rig.registry, quick).await.name(), StateName::Done);
    assert_eq!(rig.registry.state(slow).unwrap().name(), StateName::Paused);
    rig.journal.release(&Ok(()));
    assert_eq!(given.await.unwrap(), Ok(ResumeOutcome::Continued));
    assert_eq!(ended(&rig.registry, slow).await.name(), StateName::Done);
}

#[tokio::test]
async fn what_a_program_says_is_published_at_once_and_it_is_not_stepped_before_it_is_written() {
    let rig = Rig::new();
    let switch = crate::support::Switch::default();
    rig.journal.hold(|_, _, durability| durability == Durability::Derived);
    let (id, probe) = rig.start_probed([Act::Log(2), Act::SpinUntil(switch.clone()), Act::Finish(1.into())]).await;
    // The beginning is unwritten, so the first step waits for it.
    wait_for("the beginning to reach the journal", || rig.journal.waiting() == 1).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(probe.steps(), 0);
    assert_eq!(rig.registry.summary(id).unwrap().last_seq, 1, "the tick is published");
    rig.journal.release(&Ok(()));
    wait_for("a few steps", || probe.steps() > 3).await;
    switch.on();
    ended(&rig.registry, id).await;
}

#[tokio::test]
async fn a_session_whose_events_are_not_recorded_goes_on_and_a_late_reader_is_told_what_is_missing() {
    let rig = Rig::new();
    rig.journal.refuse(|_, _, durability| durability == Durability::Derived);
    let id = rig.start([Act::Log(600), say("why?")]).await;
    until(&rig.registry, id, |state| state.name() == StateName::Paused).await;
    let mut observer = rig.registry.observe(id, None).unwrap();
    let mut next = 1;
    loop {
        match observer.try_recv() {
            Ok(Some(event)) => {
                assert_eq!(event.seq, next);
                next += 1;
            }
            Err(switchboard::domain::ObserverRecvError::Gap { from, to }) => {
                assert_eq!(from, next);
                next = to + 1;
            }
            Ok(None) => break,
            Err(switchboard::domain::ObserverRecvError::Closed) => panic!("it waits"),
        }
    }
    assert_eq!(next, rig.registry.summary(id).unwrap().last_seq + 1);
}
