//! Contract §3 `shutdown`, and that nothing is left behind.

use std::sync::Arc;
use std::time::Duration;

use switchboard::domain::{CancelCode, ExecutionState, SpawnError, StateName};
use switchboard::engine::{Durability, Record};
use tokio::runtime::Handle;

use crate::support::{
    Act, HandClock, Parts, Rig, Shelf, Switch, answer, ended, paused, reason, registry, say, wait_for,
};

const PLENTY: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_shutdown_cancels_every_live_session_where_it_stands_and_leaves_no_task() {
    let before = Handle::current().metrics().num_alive_tasks();
    let rig = Rig::new();
    let waiting = rig.start([say("why?")]).await;
    let running = rig.start([Act::Spin]).await;
    let done = rig.start([Act::Finish(1.into())]).await;
    rig.registry.collect(Duration::from_secs(1), Duration::from_secs(1));
    paused(&rig.registry, waiting).await;
    ended(&rig.registry, done).await;
    let unborn = rig.start([say("why?")]).await;
    rig.clock.advance(500);
    assert_eq!(rig.registry.shutdown(PLENTY).await, 0);
    for (id, was) in [(waiting, StateName::Paused), (running, StateName::Running), (unborn, StateName::Running)] {
        let ExecutionState::Cancelled(end) = rig.registry.state(id).unwrap() else { panic!("{id} goes on") };
        assert_eq!((end.reason.code, end.state_before.name()), (CancelCode::SystemShutdown, was));
        assert_eq!(end.reason.requested_at, HandClock::START + 500);
    }
    assert_eq!(rig.registry.state(done).unwrap().name(), StateName::Done);
    assert_eq!(Handle::current().metrics().num_alive_tasks(), before);
}

#[tokio::test]
async fn after_a_shutdown_no_session_is_started_and_the_others_still_answer_questions_about_them() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    paused(&rig.registry, id).await;
    rig.registry.shutdown(PLENTY).await;
    let (spec, _) = rig.write([say("why?")]);
    assert!(matches!(rig.registry.spawn(spec).await, Err(SpawnError::Engine(_))));
    assert_eq!(rig.registry.list().len(), 1);
    assert!(rig.registry.resume(id, answer(1, "a")).await.is_err());
    assert!(rig.registry.cancel(id, reason(CancelCode::User, "late", 0)).await.unwrap().is_ended());
    assert_eq!(rig.registry.shutdown(PLENTY).await, 0, "a second one finds nothing to do");
}

/// A spawn waits for its record while the registry shuts down: whatever it is told, nothing goes on running.
#[tokio::test]
async fn a_session_that_is_recorded_during_a_shutdown_does_not_outlive_it() {
    let rig = Rig::new();
    rig.journal.hold(|_, _, durability| durability == Durability::Acknowledged);
    let (spec, _) = rig.write([say("why?")]);
    let registry = rig.registry.clone();
    let spawned = tokio::spawn(async move { registry.spawn(spec).await });
    wait_for("the record to reach the journal", || rig.journal.waiting() == 1).await;
    assert_eq!(rig.registry.shutdown(PLENTY).await, 0);
    rig.journal.release(&Ok(()));
    if let Ok(id) = spawned.await.unwrap() {
        let end = ended(&rig.registry, id).await;
        assert_eq!(end.name(), StateName::Cancelled);
    }
    assert_eq!(rig.registry.shutdown(PLENTY).await, 0);
    assert!(rig.registry.list().iter().all(|summary| summary.state.is_ended()));
}

/// The same over a journal that outlives the process: nobody has cancelled it, so it waits there.
#[tokio::test]
async fn a_session_that_is_recorded_during_a_shutdown_waits_in_a_journal_that_outlives_it() {
    let rig = Rig::recorded();
    rig.journal.hold(|_, _, durability| durability == Durability::Acknowledged);
    let (spec, probe) = rig.write([say("why?")]);
    let registry = rig.registry.clone();
    let spawned = tokio::spawn(async move { registry.spawn(spec).await });
    wait_for("the record to reach the journal", || rig.journal.waiting() == 1).await;
    assert_eq!(rig.registry.shutdown(PLENTY).await, 0);
    rig.journal.release(&Ok(()));
    let id = spawned.await.unwrap().expect("it is recorded");
    assert_eq!(rig.registry.shutdown(PLENTY).await, 0);
    assert_eq!((rig.registry.state(id).unwrap(), probe.steps()), (ExecutionState::BORN, 0));

    let next = rig.after_a_crash(<[Record]>::len);
    next.registry.recover().await.unwrap();
    paused(&next.registry, id).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_cannot_be_recorded_says_how_many_sessions_go_on() {
    let rig = Rig::on_paused_time();
    for _ in 0..3 {
        let id = rig.start([say("why?")]).await;
        paused(&rig.registry, id).await;
    }
    rig.journal.refuse_acknowledged();
    assert_eq!(rig.registry.shutdown(Duration::from_secs(5)).await, 3);
    assert!(rig.registry.list().iter().all(|summary| summary.state.name() == StateName::Paused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_does_not_wait_longer_than_its_deadline_for_a_program_that_holds_its_thread() {
    let rig = Rig::new();
    let (held, free) = (Switch::default(), Switch::default());
    let _end = free.on_at_the_end();
    let acts = {
        let (held, free) = (held.clone(), free.clone());
        [Act::call(move || {
            held.on();
            while !free.is_on() {
                std::thread::yield_now();
            }
        })]
    };
    let id = rig.start(acts).await;
    wait_for("the program to hold its thread", || held.is_on()).await;
    assert_eq!(rig.registry.shutdown(Duration::from_millis(1)).await, 1);
    assert_eq!(rig.registry.state(id).unwrap().name(), StateName::Running);
    free.on();
    assert_eq!(rig.registry.shutdown(PLENTY).await, 0);
    assert_eq!(rig.registry.state(id).unwrap().name(), StateName::Cancelled);
}

#[tokio::test]
async fn dropping_the_last_handle_leaves_no_task() {
    let before = Handle::current().metrics().num_alive_tasks();
    let parts = Parts { files: Arc::new(Shelf::default()), ..Parts::default() };
    let handle = registry(&parts);
    for acts in [vec![say("why?")], vec![Act::Spin], vec![Act::Finish(1.into())]] {
        handle.spawn(parts.programs.write(acts).0).await.unwrap();
    }
    handle.collect(Duration::ZERO, Duration::from_hours(1));
    tokio::task::yield_now().await;
    drop(handle);
    wait_for("every task to end", || Handle::current().metrics().num_alive_tasks() == before).await;
}
