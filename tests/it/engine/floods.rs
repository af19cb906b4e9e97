//! Programs that say or look without end: what is recorded of it stays small, and a replay does the same.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use switchboard::domain::{EventKind, Limits, SessionId, Usage};
use switchboard::engine::{Door, Emission, EventRef, Read, Record, Seen, StopFlag};

use crate::support::{Act, HandClock, Rig, Seeded, answer, ended, history, paused, paused_at, say};

fn everything(records: &[Record]) -> usize {
    records.len()
}

/// The steps of the progress reports among events.
fn steps(events: &[EventRef]) -> Vec<u64> {
    let step = |event: &EventRef| if let EventKind::Progress { step, .. } = event.kind { Some(step) } else { None };
    events.iter().filter_map(step).collect()
}

/// A session that reports much before each of two questions, with a limit of ten, at the second question.
async fn chatty(rig: &Rig) -> SessionId {
    let reports = |n: u64| (1..=n).map(move |step| Act::Progress(step, n));
    let figures = (0..300).map(|n| Act::Stats(["a", "b"][n % 2], json!(n)));
    let first = reports(1000).chain([Act::Log(3)]).chain(figures).chain([say("one?")]);
    let acts: Vec<Act> = first.chain(reports(12)).chain([say("two?")]).collect();
    let (mut spec, _) = rig.write(acts);
    spec.limits.reports = 10;
    let id = rig.registry.spawn(spec).await.unwrap();
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    paused_at(&rig.registry, id, 2).await;
    id
}

#[tokio::test]
async fn of_very_many_reports_ever_fewer_are_kept_and_always_the_last() {
    let rig = Rig::new();
    let id = chatty(&rig).await;
    rig.registry.resume(id, answer(2, "b")).await.unwrap();
    let events = history(&rig.registry, id).await;
    let steps = steps(&events);
    let first = steps.iter().position(|step| *step == 1000).unwrap();
    assert_eq!(steps[..14], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18]);
    assert!((11..60).contains(&first), "{first} of 1000");
    assert_eq!(steps[first + 1..], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12], "each pause begins anew");
    let figure = |name: &str| {
        let values = events.iter().filter_map(|event| match &event.kind {
            EventKind::Stats { key, value } if key == name => value.as_u64(),
            _ => None,
        });
        values.max()
    };
    assert_eq!((figure("a"), figure("b")), (Some(298), Some(299)), "the newest of each name");
    let notes: Vec<&str> = events
        .iter()
        .filter_map(|event| if let EventKind::Note { content, .. } = &event.kind { Some(&**content) } else { None })
        .collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[1].starts_with("1 of its progress reports and figures are not kept"), "{notes:?}");
}

#[tokio::test]
async fn a_replay_leaves_the_same_reports_out() {
    let rig = Rig::recorded();
    let id = chatty(&rig).await;
    rig.registry.verify(id).await.unwrap();
    let after = rig.after_a_crash(everything);
    after.registry.recover().await.unwrap();
    after.registry.resume(id, answer(2, "b")).await.unwrap();
    ended(&after.registry, id).await;
    after.registry.verify(id).await.unwrap();
}

#[tokio::test]
async fn reports_that_a_crash_has_lost_come_again_with_their_numbers() {
    let rig = Rig::recorded();
    let id = chatty(&rig).await;
    rig.registry.resume(id, answer(2, "b")).await.unwrap();
    let before = history(&rig.registry, id).await;
    // Only the answer to the first question has survived, and nothing of what followed.
    let answered = |record: &Record| matches!(record, Record::Turn(turn) if matches!(turn[0].kind, EventKind::AnswerAccepted { .. }));
    let after = rig.after_a_crash(|records| records.iter().position(answered).unwrap() + 1);
    after.registry.recover().await.unwrap();
    paused_at(&after.registry, id, 2).await;
    after.registry.resume(id, answer(2, "b")).await.unwrap();
    let told = |events: &[EventRef]| -> Vec<_> { events.iter().map(|event| (event.seq, event.kind.name())).collect() };
    assert_eq!(told(&history(&after.registry, id).await), told(&before));
}

#[tokio::test]
async fn a_replay_knows_of_lines_that_were_dropped_just_before_a_report_and_a_question() {
    let rig = Rig::recorded();
    let (mut spec, _) = rig.write([Act::Log(30), Act::Progress(1, 2), say("one?"), say("two?")]);
    spec.limits.log_lines_per_s = 2;
    let id = rig.registry.spawn(spec).await.unwrap();
    paused(&rig.registry, id).await;
    rig.registry.verify(id).await.unwrap();
}

#[tokio::test]
async fn a_long_report_and_a_long_line_count_as_several() {
    let rig = Rig::new();
    let long = json!("x".repeat(256 * 9));
    let (mut spec, _) = rig.write((0..20).map(|_| Act::Stats("k", long.clone())).collect::<Vec<_>>());
    spec.limits.reports = 20;
    let id = rig.registry.spawn(spec).await.unwrap();
    let kept = history(&rig.registry, id).await.iter().filter(|event| event.kind.name() == "stats").count();
    assert!((2..10).contains(&kept), "{kept} of 20, where every short one would be kept");

    let mut door = door(&Limits { log_lines_per_s: 10, ..Limits::default() });
    door.begin_slice(Usage::default());
    for _ in 0..100 {
        door.log(&"info".into(), &"print".into(), &"x".repeat(256 * 9));
    }
    assert_eq!(door.end_slice().len(), 10 + 1, "a burst of a hundred lines is ten of these, and a word on the others");
    let mut door = self::door(&Limits { log_lines_per_s: 1, ..Limits::default() });
    door.begin_slice(Usage::default());
    door.log(&"info".into(), &"print".into(), &"x".repeat(16 << 10));
    assert!(matches!(door.end_slice()[..], [Emission::Said(_)]), "no line is too long to be said at all");
}

fn door(limits: &Limits) -> Door {
    Door::new(Arc::new(HandClock::new()), Arc::new(Seeded::new(1)), StopFlag::default(), HandClock::START, limits)
}

/// The reads among what came out of a slice.
fn reads(door: &mut Door) -> Vec<Seen> {
    let read = |emission| if let Emission::Read(seen) = emission { Some(seen) } else { None };
    door.end_slice().into_iter().filter_map(read).collect()
}

#[test]
fn what_is_seen_many_times_in_a_row_is_one_record_and_does_not_fill_the_door() {
    let mut door = door(&Limits::default());
    door.begin_slice(Usage::default());
    for _ in 0..100_000 {
        door.now();
        door.elapsed_ms();
    }
    assert!(!door.is_full());
    let expected = [Read::Time(HandClock::START), Read::Elapsed(0)].map(|read| Seen { read, times: 100_000 });
    assert_eq!(reads(&mut door), expected);
}

#[test]
fn a_program_that_looks_at_its_cpu_time_again_and_again_sees_it_in_steps() {
    let mut door = door(&Limits::default());
    door.begin_slice(Usage::default());
    let looks: Vec<Duration> = (0..50_000).map(|_| door.cpu_time()).collect();
    assert!(looks.is_sorted());
    let mut seen = looks;
    seen.dedup();
    let close = seen.windows(2).filter(|pair| pair[1].abs_diff(pair[0]) < Duration::from_micros(100)).count();
    assert!(close <= 16, "{close} steps of less than a tenth of a millisecond");
    assert!(seen.len() >= 16, "it goes on");
    assert_eq!(reads(&mut door).len(), seen.len());
}

#[test]
fn cpu_time_is_what_the_vm_says_it_was_and_no_look_at_it_goes_back() {
    let mut door = door(&Limits::default());
    door.begin_slice(Usage::default());
    let mut last = Duration::ZERO;
    while last < Duration::from_millis(1) {
        last = door.cpu_time();
    }
    door.used(Duration::from_micros(3));
    door.end_slice();
    assert_eq!(door.cpu(), Duration::from_micros(3), "its thread stood still the rest of the time");
    door.begin_slice(Usage::default());
    assert!(door.cpu_time() >= last);
    let spent = door.cpu();
    door.end_slice();
    assert!(door.cpu() > spent, "without a word it is all of the slice");
}

#[test]
fn seeds_without_end_are_recorded_once_and_differ() {
    let mut door = door(&Limits::default());
    door.begin_slice(Usage::default());
    let seeds: HashSet<u64> = (0..100_000).map(|_| door.seed()).collect();
    assert_eq!((seeds.len(), reads(&mut door).len()), (100_000, 1));
}
