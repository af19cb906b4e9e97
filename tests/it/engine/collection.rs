//! Contract §6: which sessions are evicted, when, and that they go on answering.

use std::sync::Arc;
use std::time::Duration;

use switchboard::domain::{
    AnsweredBy, CancelCode, EventKind, ObserverRecvError, QueryId, ResumeError, SessionId, StateName,
};
use switchboard::engine::{Journal, MemoryJournal};
use tokio::runtime::Handle;

use crate::support::{Act, Parts, Rig, Shelf, TestJournal, answer, ended, history, paused, reason, say, stream};

const SECOND: Duration = Duration::from_secs(1);

fn evicted(rig: &Rig, id: SessionId) -> bool {
    rig.journal.retired(id).is_some()
}

/// Begins to collect, from now on.
async fn collect(rig: &Rig, ttl: Duration, interval: Duration) {
    rig.registry.clone().collect(ttl, interval);
    tokio::task::yield_now().await;
}

/// Lets time pass, and everything that is due then happen.
async fn pass(time: Duration) {
    tokio::time::advance(time).await;
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

async fn finished(rig: &Rig) -> SessionId {
    let id = rig.start([Act::Log(3), Act::Finish(1.into())]).await;
    ended(&rig.registry, id).await;
    id
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ended_unobserved_is_evicted_at_the_first_sweep_one_interval_later() {
    let rig = Rig::on_paused_time();
    let id = finished(&rig).await;
    collect(&rig, Duration::ZERO, 10 * SECOND).await;
    pass(Duration::from_millis(9_999)).await;
    assert!(!evicted(&rig, id), "the first sweep comes one interval after the call");
    pass(Duration::from_millis(1)).await;
    assert!(evicted(&rig, id));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_evicted_once_it_was_idle_for_the_whole_ttl_and_not_a_millisecond_before() {
    let rig = Rig::on_paused_time();
    collect(&rig, Duration::from_millis(700), Duration::from_millis(1)).await;
    let id = finished(&rig).await;
    for _ in 0..699 {
        pass(Duration::from_millis(1)).await;
        assert!(!evicted(&rig, id));
    }
    pass(Duration::from_millis(1)).await;
    assert!(evicted(&rig, id), "sub-second values work");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_or_running_session_is_never_evicted_however_long_it_waits() {
    let shelf = Arc::new(Shelf::default());
    let _end = shelf.gate.opens_at_the_end();
    let clock = Arc::new(crate::support::HandClock::following_the_runtime());
    let rig = Rig::of(Parts { files: Arc::clone(&shelf) as _, clock, ..Parts::default() });
    let waiting = rig.start([say("why?")]).await;
    let running = rig.start([Act::Spin]).await;
    let reading = rig.start([Act::Require("slow")]).await;
    paused(&rig.registry, waiting).await;
    collect(&rig, Duration::ZERO, SECOND).await;
    for _ in 0..50 {
        pass(3600 * SECOND).await;
    }
    for id in [waiting, running, reading] {
        assert!(!evicted(&rig, id));
        assert!(!rig.registry.state(id).unwrap().is_ended());
    }
    rig.registry.resume(waiting, answer(1, "a")).await.unwrap();
    shelf.gate.open();
}

#[tokio::test(start_paused = true)]
async fn a_session_is_not_evicted_while_somebody_observes_it() {
    let rig = Rig::on_paused_time();
    let id = finished(&rig).await;
    collect(&rig, Duration::ZERO, SECOND).await;
    let one = rig.registry.observe(id, None).unwrap();
    let two = rig.registry.observe(id, None).unwrap();
    pass(100 * SECOND).await;
    assert!(!evicted(&rig, id));
    one.close();
    pass(100 * SECOND).await;
    assert!(!evicted(&rig, id));
    assert_eq!(stream(two).await.len(), 5);
    pass(SECOND).await;
    assert!(evicted(&rig, id), "the last observer is gone");
}

#[tokio::test(start_paused = true)]
async fn being_listed_or_awaited_is_not_being_observed() {
    let rig = Rig::on_paused_time();
    let id = finished(&rig).await;
    collect(&rig, Duration::ZERO, SECOND).await;
    let listed = rig.registry.list();
    rig.registry.await_terminal(id).await.unwrap();
    pass(SECOND).await;
    assert!(evicted(&rig, id));
    assert_eq!(rig.registry.list(), listed);
}

#[tokio::test(start_paused = true)]
async fn the_sweeper_goes_on_for_every_later_session_with_nobody_holding_it() {
    let rig = Rig::on_paused_time();
    collect(&rig, SECOND, SECOND).await;
    for _ in 0..5 {
        let id = finished(&rig).await;
        pass(SECOND).await;
        pass(SECOND).await;
        assert!(evicted(&rig, id));
    }
}

#[tokio::test(start_paused = true)]
async fn a_zero_interval_lets_others_run() {
    let rig = Rig::on_paused_time();
    collect(&rig, Duration::ZERO, Duration::ZERO).await;
    let id = finished(&rig).await;
    pass(SECOND).await;
    assert!(evicted(&rig, id));
}

#[tokio::test(start_paused = true)]
async fn an_absurdly_long_ttl_or_interval_evicts_nothing_and_harms_nothing() {
    let rig = Rig::on_paused_time();
    let id = finished(&rig).await;
    collect(&rig, Duration::MAX, SECOND).await;
    collect(&rig, Duration::ZERO, Duration::MAX).await;
    pass(1_000_000 * SECOND).await;
    assert!(!evicted(&rig, id));
    assert_eq!(rig.registry.shutdown(SECOND).await, 0);
}

#[tokio::test(start_paused = true)]
async fn the_sweeper_lives_as_long_as_the_registry_and_not_longer() {
    let before = Handle::current().metrics().num_alive_tasks();
    let rig = Rig::on_paused_time();
    collect(&rig, SECOND, SECOND).await;
    pass(5 * SECOND).await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), before + 1);
    drop(rig);
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    assert_eq!(Handle::current().metrics().num_alive_tasks(), before);
}

#[tokio::test(start_paused = true)]
async fn an_evicted_session_answers_every_verb_as_before() {
    let rig = Rig::on_paused_time();
    let id = rig.start([say("why?"), Act::Log(600)]).await;
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    let end = ended(&rig.registry, id).await;
    let (state, summary) = (rig.registry.state(id), rig.registry.summary(id));
    let (list, events) = (rig.registry.list(), history(&rig.registry, id).await);
    collect(&rig, Duration::ZERO, SECOND).await;
    pass(SECOND).await;
    assert!(evicted(&rig, id));

    assert_eq!(rig.registry.state(id), state);
    assert_eq!(rig.registry.summary(id), summary);
    assert_eq!(rig.registry.list(), list);
    assert_eq!(rig.registry.await_terminal(id).await, Ok(end));
    assert_eq!(history(&rig.registry, id).await, events);
    assert_eq!(stream(rig.registry.observe(id, Some(500)).unwrap()).await, events[499..]);
    let first = ResumeError::AlreadyAnswered { id: QueryId::new(1), by: AnsweredBy::Person };
    assert_eq!(rig.registry.resume(id, answer(1, "b")).await, Err(first));
    let nothing = ResumeError::NotPaused { actual: StateName::Done };
    assert_eq!(rig.registry.resume(id, answer(7, "b")).await, Err(nothing));
    assert_eq!(rig.registry.cancel(id, reason(CancelCode::User, "late", 0)).await, Ok(state.unwrap()));
}

#[tokio::test(start_paused = true)]
async fn without_a_disk_the_newest_ended_sessions_are_kept_whole_and_older_ones_as_a_summary() {
    let journal = Arc::new(TestJournal::new(MemoryJournal::new(1 << 20, 2)));
    let clock = Arc::new(crate::support::HandClock::following_the_runtime());
    let rig = Rig::of(Parts { journal, clock, ..Parts::default() });
    collect(&rig, Duration::ZERO, SECOND).await;
    let mut ids = Vec::new();
    let mut summaries = Vec::new();
    for _ in 0..4 {
        let id = finished(&rig).await;
        ids.push(id);
        summaries.push(rig.registry.summary(id).unwrap());
        pass(SECOND).await;
        assert!(evicted(&rig, id));
    }
    assert_eq!(rig.registry.list(), summaries, "every one is still there");
    for id in &ids[2..] {
        assert_eq!(history(&rig.registry, *id).await.len(), 5);
    }
    for id in &ids[..2] {
        let mut observer = rig.registry.observe(*id, None).unwrap();
        assert_eq!(observer.recv().await, Err(ObserverRecvError::Gap { from: 1, to: 4 }));
        let last = observer.recv().await.unwrap();
        assert!(matches!(last.kind, EventKind::StateTransition { to: StateName::Done, .. }));
        assert_eq!(observer.recv().await, Err(ObserverRecvError::Closed));
    }
}
