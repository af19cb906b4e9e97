//! Limits that the engine itself keeps: wall time, CPU time, lines of log.

use std::sync::Arc;
use std::time::Duration;

use switchboard::domain::{EventKind, Failure, FailureKind, LimitKind, SessionId, TerminalOutcome};
use switchboard::engine::Registry;

use crate::support::{Act, HandClock, Parts, Rig, Shelf, answer, ended, history, kinds, paused, say, until, wait_for};

async fn failed(registry: &Registry, id: SessionId) -> Arc<Failure> {
    match ended(registry, id).await {
        TerminalOutcome::Failed(failure) => failure,
        other => panic!("it should have failed: {other:?}"),
    }
}

async fn start_within(rig: &Rig, wall_ms: u64, acts: Vec<Act>) -> SessionId {
    let (mut spec, _) = rig.write(acts);
    spec.limits.wall_ms = Some(wall_ms);
    rig.registry.spawn(spec).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_wall_limit_ends_a_waiting_session_at_its_moment() {
    let rig = Rig::on_paused_time();
    let id = start_within(&rig, 5000, vec![say("why?")]).await;
    paused(&rig.registry, id).await;
    let failure = failed(&rig.registry, id).await;
    assert_eq!((failure.kind, failure.limit), (FailureKind::Limit, Some(LimitKind::Wall)));
    assert_eq!(failure.occurred_at, HandClock::START + 5000);
    assert_eq!(rig.registry.summary(id).unwrap().usage.waiting_ms, 5000);
}

#[tokio::test(start_paused = true)]
async fn the_wall_limit_counts_from_the_start_over_all_pauses() {
    let rig = Rig::on_paused_time();
    let id = start_within(&rig, 5000, vec![say("first?"), say("second?")]).await;
    paused(&rig.registry, id).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    assert_eq!(failed(&rig.registry, id).await.occurred_at, HandClock::START + 5000);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_ends_in_time_never_meets_its_wall_limit() {
    let rig = Rig::on_paused_time();
    let id = start_within(&rig, 5000, vec![say("why?")]).await;
    paused(&rig.registry, id).await;
    tokio::time::sleep(Duration::from_millis(4999)).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    let end = ended(&rig.registry, id).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(rig.registry.await_terminal(id).await, Ok(end));
}

#[tokio::test(start_paused = true)]
async fn the_longest_wall_limit_is_no_limit() {
    let rig = Rig::on_paused_time();
    let id = start_within(&rig, u64::MAX, vec![say("why?")]).await;
    paused(&rig.registry, id).await;
    tokio::time::sleep(Duration::from_hours(24 * 365)).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    assert!(matches!(ended(&rig.registry, id).await, TerminalOutcome::Done(_)));
}

#[tokio::test]
async fn the_wall_limit_ends_a_running_loop() {
    let rig = Rig::new();
    let id = start_within(&rig, 5000, vec![Act::Spin]).await;
    until(&rig.registry, id, |_| true).await;
    rig.clock.advance(5000);
    assert_eq!(failed(&rig.registry, id).await.limit, Some(LimitKind::Wall));
}

#[tokio::test]
async fn the_wall_limit_ends_a_session_that_waits_for_a_module() {
    let shelf = Arc::new(Shelf::default());
    let _end = shelf.gate.opens_at_the_end();
    let rig = Rig::of(Parts { files: Arc::clone(&shelf) as _, ..Parts::default() });
    let (mut spec, probe) = rig.write([Act::Require("slow")]);
    spec.limits.wall_ms = Some(1);
    let id = rig.registry.spawn(spec).await.unwrap();
    wait_for("the read to begin", || probe.steps() == 1).await;
    rig.clock.advance(5000);
    assert_eq!(failed(&rig.registry, id).await.limit, Some(LimitKind::Wall));
    shelf.gate.open();
}

#[tokio::test]
async fn the_cpu_limit_ends_a_running_loop() {
    let rig = Rig::new();
    let spec = |acts: Vec<Act>| {
        let (mut spec, _) = rig.write(acts);
        spec.limits.cpu_ms = Some(1);
        spec
    };
    let hungry = rig.registry.spawn(spec(vec![Act::Spin])).await.unwrap();
    let failure = failed(&rig.registry, hungry).await;
    assert_eq!((failure.kind, failure.limit), (FailureKind::Limit, Some(LimitKind::Cpu)));
    assert!(failure.message.ends_with("the limit is 1 ms"), "{}", failure.message);
}

#[tokio::test]
async fn log_lines_above_the_rate_are_counted_and_not_kept() {
    let rig = Rig::new();
    let (mut spec, _) = rig.write([Act::Log(250), say("why?"), Act::Log(15)]);
    spec.limits.log_lines_per_s = 10;
    let id = rig.registry.spawn(spec).await.unwrap();
    paused(&rig.registry, id).await;
    rig.clock.advance(1000);
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    let events = history(&rig.registry, id).await;
    let kept = |kind: &str| kinds(&events).iter().filter(|name| **name == kind).count();
    assert_eq!(kept("log"), 100 + 10, "a burst of ten seconds' worth, and what a second brings");
    let dropped: u64 = events
        .iter()
        .map(|event| match event.kind {
            EventKind::LogDropped { n } => n,
            _ => 0,
        })
        .sum();
    assert_eq!(dropped, 150 + 5);
}

#[tokio::test]
async fn a_program_may_log_without_any_limit_of_rate() {
    let rig = Rig::new();
    let (mut spec, _) = rig.write([Act::Log(5000)]);
    spec.limits.log_lines_per_s = u64::MAX;
    let id = rig.registry.spawn(spec).await.unwrap();
    let events = history(&rig.registry, id).await;
    assert_eq!(kinds(&events).iter().filter(|name| **name == "log").count(), 5000);
}

#[tokio::test]
async fn a_rate_of_no_lines_keeps_none() {
    let rig = Rig::new();
    let (mut spec, _) = rig.write([Act::Log(20)]);
    spec.limits.log_lines_per_s = 0;
    let id = rig.registry.spawn(spec).await.unwrap();
    assert_eq!(kinds(&history(&rig.registry, id).await), ["tick", "log_dropped", "state_transition"]);
}

#[tokio::test]
async fn a_log_line_above_the_length_is_cut_at_a_character_and_says_so() {
    let rig = Rig::new();
    let (mut spec, _) = rig.write([Act::Log(1)]);
    spec.limits.log_line_bytes = 3;
    let id = rig.registry.spawn(spec).await.unwrap();
    let events = history(&rig.registry, id).await;
    let EventKind::Log { message, .. } = &events[1].kind else { panic!("{events:?}") };
    assert_eq!(message, "lin… (3 more bytes)");
}

#[tokio::test]
async fn one_session_at_its_limit_leaves_every_other_alone() {
    let rig = Rig::new();
    let (spec, probe) = rig.write([Act::Spin]);
    let other = rig.registry.spawn(spec).await.unwrap();
    let (mut spec, _) = rig.write([Act::AskForEver]);
    spec.limits.pauses = Some(0);
    let id = rig.registry.spawn(spec).await.unwrap();
    assert_eq!(failed(&rig.registry, id).await.limit, Some(LimitKind::Pauses));
    let steps = probe.steps();
    wait_for("the other to go on", || probe.steps() > steps).await;
    assert!(!rig.registry.state(other).unwrap().is_ended());
}
