//! What reaches a program through its door, and what it says there.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use switchboard::domain::{EventKind, TerminalOutcome};
use switchboard::engine::{Entropy, MemoryJournal, Read};

use crate::support::{Act, HandClock, Parts, Rig, Seeded, Shelf, TestJournal, ended, history, kinds, paused, say};

#[tokio::test]
async fn reads_of_clock_and_seed_are_recorded_and_take_no_number() {
    let entropy = Arc::new(Seeded::new(42));
    let rig = Rig::of(Parts { entropy: Arc::clone(&entropy) as _, ..Parts::default() });
    let (id, probe) = rig.start_probed([Act::ReadClock, Act::ReadSeed, Act::Log(1), Act::ReadClock]).await;
    assert_eq!(kinds(&history(&rig.registry, id).await), ["tick", "log", "state_transition"]);
    let twin = Seeded::new(42);
    let (_id, seed) = (twin.bits(), twin.bits());
    let now = HandClock::START;
    assert_eq!(
        rig.journal.memory.reads(id),
        [Read::Time(now), Read::Time(now), Read::Seed(seed)],
        "each kind in order"
    );
    assert_eq!(*probe.seen.lock().unwrap(), [now as u64, seed, now as u64]);
}

#[tokio::test]
async fn what_a_program_says_is_published_in_its_order_before_it_asks() {
    let rig = Rig::new();
    let acts = [Act::Log(1), Act::Progress(1, 2), Act::Stats("k", json!(3)), Act::Log(1), say("why?")];
    let id = rig.start(acts).await;
    paused(&rig.registry, id).await;
    let mut observer = rig.registry.observe(id, None).unwrap();
    let mut events = Vec::new();
    while let Some(event) = observer.try_recv().unwrap() {
        events.push(event);
    }
    assert_eq!(kinds(&events)[..6], ["tick", "log", "progress", "stats", "log", "state_transition"]);
    assert_eq!(rig.registry.summary(id).unwrap().progress.unwrap().step, 1);
}

#[tokio::test]
async fn a_program_that_says_more_than_the_door_holds_is_interrupted_and_loses_nothing() {
    let rig = Rig::new();
    let (id, probe) = rig.start_probed([Act::Log(5000)]).await;
    let events = history(&rig.registry, id).await;
    let lines: Vec<&str> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Log { message, .. } => Some(message.as_str()),
            _ => None,
        })
        .collect();
    let wanted: Vec<String> = (1..=5000).map(|n| format!("line {n}")).collect();
    assert_eq!(lines, wanted);
    assert!(probe.steps() > 5, "other sessions had their turn in between");
}

#[tokio::test]
async fn a_module_is_read_from_the_session_s_own_root_first() {
    let shelf = Arc::new(Shelf { modules: [("found", "return 1")].into(), ..Shelf::default() });
    shelf.gate.open();
    let library_dirs = vec![PathBuf::from("lib"), PathBuf::from("more")];
    let rig = Rig::of(Parts { files: Arc::clone(&shelf) as _, library_dirs, ..Parts::default() });
    let acts = ["found", "missing", "forbidden"].map(Act::Require);
    let (mut spec, _) = rig.write([&acts[..], &[Act::FinishWithModules]].concat());
    spec.project_root = Some("mine".into());
    let id = rig.registry.spawn(spec).await.unwrap();
    let TerminalOutcome::Done(done) = ended(&rig.registry, id).await else { panic!("it should be done") };
    assert_eq!(done.value, json!(["return 1", "not found", "it lies outside its root"]));
    assert_eq!(*shelf.roots.lock().unwrap(), ["mine", "lib", "more"].map(PathBuf::from));
}

#[tokio::test]
async fn the_text_of_a_module_is_what_the_program_got_or_else_what_it_would_get_now() {
    let modules = [("found", "return 1"), ("other", "return 2")].into();
    let shelf = Arc::new(Shelf { modules, ..Shelf::default() });
    shelf.gate.open();
    let journal = Arc::new(TestJournal::new(MemoryJournal::keeping_everything()));
    let rig = Rig::of(Parts { files: Arc::clone(&shelf) as _, journal, ..Parts::default() });
    let id = rig.start([Act::Require("found"), Act::FinishWithModules]).await;
    ended(&rig.registry, id).await;
    for (name, text, recorded) in [("found", "return 1", true), ("other", "return 2", false)] {
        let module = rig.registry.module_text(id, name).await.unwrap();
        assert_eq!((module.source.text.as_str(), module.recorded), (text, recorded), "{name}");
    }
    let gone = rig.registry.module_text(id, "missing").await.unwrap_err();
    assert!(gone.contains("no module missing"), "{gone}");
}

#[tokio::test]
async fn files_that_panic_are_an_error_of_that_read_only() {
    let shelf = Shelf::default();
    shelf.gate.open();
    let rig = Rig::of(Parts { files: Arc::new(shelf), ..Parts::default() });
    let id = rig.start([Act::Require("broken"), Act::FinishWithModules]).await;
    let TerminalOutcome::Done(done) = ended(&rig.registry, id).await else { panic!("it should be done") };
    assert!(done.value[0].as_str().unwrap().contains("panic"), "{}", done.value);
}
