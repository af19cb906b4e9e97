//! How writes are recorded and what a crash in between means.

use std::sync::Arc;

use serde_json::{Value, json};
use switchboard::domain::{
    CancelCode, ContentHash, EffectStep, Event, EventKind, Intent, SessionSpec, TerminalOutcome,
};
use switchboard::engine::{Durability, Files, Finished, Prepared, Record, StoreWrite};
use switchboard::store::FsFiles;

use super::rig::Rig;
use crate::support::{ended, reason, wait_for};

fn steps(events: &[Event]) -> Vec<EffectStep> {
    let step = |event: &Event| match &event.kind {
        EventKind::Effect(step) => Some(step.clone()),
        _ => None,
    };
    events.iter().filter_map(step).collect()
}

#[tokio::test]
async fn a_write_is_announced_with_what_was_there_and_what_will_be_and_then_told_as_done() {
    let rig = Rig::new();
    rig.put("state/default.json", r#"{"k": [1]}"#);
    let id = rig.start(SessionSpec::run("alc.state.get('k') alc.state.set('k', { 2 }) alc.state.set_nx('k', 3)")).await;
    ended(&rig.registry, id).await;
    let events = rig.events(id).await;
    let intent = Intent {
        op: "state.set".into(),
        file: "state/default.json".into(),
        key: Some("k".into()),
        before: Some(ContentHash::of("[1]")),
        after: Some("[2]".into()),
        result: Value::Null,
        backup: false,
    };
    let expected = [EffectStep::Intent(Arc::new(intent)), EffectStep::Done { intent: 2, error: None }];
    assert_eq!(steps(&events), expected, "reads and what changes nothing are not told");
    let json = serde_json::to_value(&events[1]).unwrap();
    assert_eq!((&json["kind"], &json["phase"], &json["after"]), (&json!("effect"), &json!("intent"), &json!("[2]")));
}

#[tokio::test]
async fn nothing_is_written_before_its_intent_is_durable() {
    let rig = Rig::new();
    let is_intent = |records: &[Record]| {
        records.iter().any(|record| matches!(record, Record::Turn(turn) if !steps(turn).is_empty()))
    };
    rig.journal.hold(move |_, records, durability| durability == Durability::Acknowledged && is_intent(records));
    let id = rig.start(SessionSpec::run("alc.state.set('k', 1) return alc.state.get('k')")).await;
    wait_for("the intent", || rig.journal.waiting() == 1).await;
    assert!(!rig.home("state/default.json").exists());
    rig.journal.release(&Ok(()));
    let TerminalOutcome::Done(done) = ended(&rig.registry, id).await else { panic!("it is done") };
    assert_eq!(done.value, 1);
}

#[tokio::test]
async fn a_write_whose_intent_cannot_be_recorded_is_an_error_of_the_program_and_writes_nothing() {
    let rig = Rig::new();
    rig.journal.refuse(|_, records, durability| {
        let is_effect = |record: &Record| matches!(record, Record::Turn(turn) if !steps(turn).is_empty());
        durability == Durability::Acknowledged && records.iter().any(is_effect)
    });
    let value = rig.value("return select(2, pcall(alc.state.set, 'k', 1))").await;
    assert_eq!(value, "nothing is written: not recorded: the disk is full");
    assert!(!rig.home("state/default.json").exists());
}

#[tokio::test]
async fn a_cancel_does_not_wait_for_the_lock_of_a_file() {
    let rig = Rig::new();
    let files = FsFiles::new(Some(rig.home("")));
    let other = set("k", 1);
    let Ok(Prepared::Write(held)) = files.prepare(&other) else { panic!("it can be written") };
    let id = rig.start(SessionSpec::run("alc.state.set('k', 2)")).await;
    crate::support::until(&rig.registry, id, |_| true).await;
    let why = reason(CancelCode::User, "enough", 1);
    rig.registry.cancel(id, why).await.unwrap();
    drop(held);
    assert!(!rig.home("state/default.json").exists(), "nothing was written");
    assert_eq!(steps(&rig.events(id).await), []);
}

#[tokio::test]
async fn many_sessions_count_in_one_file_and_lose_nothing() {
    let rig = Rig::new();
    let mut sessions = Vec::new();
    for _ in 0..20 {
        sessions.push(rig.start(SessionSpec::run("for _ = 1, 5 do alc.state.incr('n') end")).await);
    }
    for id in sessions {
        let outcome = ended(&rig.registry, id).await;
        assert!(matches!(outcome, TerminalOutcome::Done(_)), "{outcome:?}");
    }
    assert_eq!(rig.value("return alc.state.get('n')").await, 100.0);
}

fn set(key: &str, value: impl Into<Value>) -> StoreWrite {
    StoreWrite::StateSet { namespace: "default".into(), key: key.into(), value: value.into() }
}

/// The intents of writes of each kind, on a home where they can be made.
fn intents(files: &FsFiles) -> Vec<(StoreWrite, Intent)> {
    let make = |write: StoreWrite| {
        let Ok(Prepared::Write(pending)) = files.prepare(&write) else { panic!("{write:?}") };
        (write, pending.intent().clone())
    };
    let do_it = |write: StoreWrite| {
        let Ok(Prepared::Write(mut pending)) = files.prepare(&write) else { panic!("{write:?}") };
        pending.commit().unwrap();
    };
    do_it(set("there", 1));
    do_it(set("p:there", json!({ "data": { "completed_steps": ["a"] } })));
    let card = |id: &str| StoreWrite::CardCreate { card: json!({ "card_id": id, "pkg": { "name": "p" } }), at: 0 };
    do_it(card("there"));
    let (namespace, prefix, id) = (String::from("default"), String::from("p"), String::from("there"));
    let alias = |name: &str, at| StoreWrite::CardAliasSet {
        name: name.into(),
        card_id: "there".into(),
        pkg: None,
        note: None,
        at,
    };
    do_it(alias("old", 0));
    [
        set("new", 2),
        set("there", 2),
        set("p:new", 2),
        StoreWrite::StateDelete { namespace: namespace.clone(), key: "there".into() },
        StoreWrite::StateDelete { namespace: namespace.clone(), key: "p:there".into() },
        StoreWrite::StateIncr { namespace, key: "there".into(), delta: 1.0, default: 0.0 },
        StoreWrite::StateReset { prefix: prefix.clone(), id: id.clone(), steps: vec!["a".into()], fields: vec![] },
        StoreWrite::StateSetDispatched { prefix: prefix.clone(), id: id.clone(), value: json!(3) },
        StoreWrite::StateDeleteDispatched { prefix, id },
        card("new"),
        StoreWrite::CardAppend { card_id: "there".into(), fields: json!({ "x": 1 }) },
        StoreWrite::CardWriteSamples { card_id: "there".into(), samples: vec![json!({ "n": 1 })] },
        alias("new", 1000),
        alias("old", 1000),
    ]
    .map(make)
    .into()
}

/// The path and text of every file below a directory, locks apart.
fn everything(below: &std::path::Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut todo = vec![below.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_none_or(|it| it != "lock") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn after_a_crash_a_write_that_was_only_announced_is_finished_and_one_that_was_done_is_not_repeated() {
    let count = {
        let dir = tempfile::tempdir().unwrap();
        intents(&FsFiles::new(Some(dir.path().to_owned()))).len()
    };
    for n in 0..count {
        let dir = tempfile::tempdir().unwrap();
        let files = FsFiles::new(Some(dir.path().to_owned()));
        let (write, intent) = intents(&files).swap_remove(n);
        // Before the write: it is made, as the program would have made it.
        assert_eq!(files.finish(&intent), Ok(Finished::Written), "{write:?}");
        let finished = everything(dir.path());
        assert_eq!(files.finish(&intent), Ok(Finished::AlreadyWritten), "{write:?}");
        assert_eq!(everything(dir.path()), finished, "{write:?}");

        let other = tempfile::tempdir().unwrap();
        let files = FsFiles::new(Some(other.path().to_owned()));
        let (write, intent) = intents(&files).swap_remove(n);
        let Ok(Prepared::Write(mut pending)) = files.prepare(&write) else { panic!("{write:?}") };
        pending.commit().unwrap();
        drop(pending);
        // Behind the write: there is nothing to do.
        assert_eq!(files.finish(&intent), Ok(Finished::AlreadyWritten), "{write:?}");
        let texts = |all: Vec<(String, String)>| all.into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(texts(everything(other.path())), texts(finished), "{write:?}");
    }
}

#[test]
fn after_a_crash_what_somebody_else_wrote_meanwhile_is_a_conflict_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let files = FsFiles::new(Some(dir.path().to_owned()));
    let (_, intent) = intents(&files).swap_remove(1);
    let file = dir.path().join("state/default.json");
    std::fs::write(&file, r#"{"there": 7}"#).unwrap();
    assert_eq!(files.finish(&intent), Ok(Finished::Conflict));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), r#"{"there": 7}"#);
    // Another key of the same file is nobody's business.
    std::fs::write(&file, r#"{"there": 1, "other": true}"#).unwrap();
    assert_eq!(files.finish(&intent), Ok(Finished::Written));
    let now: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(now, json!({ "there": 2, "other": true }));
}

#[test]
fn an_intent_that_leads_out_of_the_home_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let files = FsFiles::new(Some(dir.path().join("home")));
    for file in ["../x", "state/../../x", "/etc/x", "logs/x", "state//x"] {
        let intent = Intent {
            op: "state.set".into(),
            file: file.into(),
            key: None,
            before: None,
            after: Some("x".into()),
            result: Value::Null,
            backup: false,
        };
        assert!(files.finish(&intent).unwrap_err().contains("is no file of state or cards"), "{file}");
    }
    assert_eq!(everything(dir.path()), []);
}
