//! Numbers come back to the last bit, and equal texts are one in memory.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};
use switchboard::domain::{Command, SessionSpec};
use switchboard::engine::{EffectResult, Journal, Performed, Record};

use super::{Life, close, open, records_of, shown, told};

fn value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<f64>().prop_filter_map("finite", Number::from_f64),
        any::<u64>().prop_map(Number::from),
        any::<i64>().prop_map(Number::from),
        // Floats that are whole stay floats.
        any::<i32>().prop_filter_map("finite", |n| Number::from_f64(f64::from(n))),
        Just(Number::from_f64(-0.0).unwrap()),
        Just(Number::from_f64(f64::MIN_POSITIVE / 4.0).unwrap()),
    ];
    let leaf = prop_oneof![
        number.prop_map(Value::Number),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
        ".{0,20}".prop_map(Value::String),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((".{0,8}", inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

#[test]
fn every_value_comes_back_to_the_last_bit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let journal = open(&path);
    let ids = std::cell::Cell::new(1);
    let config = ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(values in prop::collection::vec(value(), 1..20))| {
        let id = ids.replace(ids.get() + 1);
        let mut life = Life::new(id, SessionSpec { ctx: values.first().cloned(), ..SessionSpec::run("return 1") });
        life.take(Command::Begin);
        for value in &values {
            life.take(Command::Stats { key: "k".into(), value: value.clone() });
            let wanted = switchboard::domain::ContentHash::of("w");
            let result = Arc::new(EffectResult::Value(Ok(value.clone())));
            life.records.push(Record::Performed(Performed { wanted, result }));
        }
        life.take(Command::Finish { value: Value::Array(values) });
        runtime.block_on(async {
            for record in &life.records {
                let _ = journal.append(life.id(), std::slice::from_ref(record), switchboard::engine::Durability::Derived);
            }
            assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)));
            let folded = journal.retired(life.id()).unwrap();
            assert_eq!(format!("{folded:?}"), format!("{:?}", life.session));
            journal.retire(Arc::new(life.session.clone()));
            let _ = journal.drafts().get().await;
            assert_eq!(format!("{:?}", journal.retired(life.id()).unwrap()), format!("{:?}", life.session));
        });
    });
}

#[tokio::test]
async fn a_value_nested_as_deep_as_programs_can_make_one_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory.path().join("journal.db"));
    let deep = (0..125).fold(json!(0.1), |inner, n| if n % 2 == 0 { json!([inner]) } else { json!({ "k": inner }) });
    let mut life = Life::begun(1);
    life.take(Command::Finish { value: deep });
    life.write(&journal).await;
    assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)));
    close(journal).await;
}

#[tokio::test]
async fn a_null_ctx_is_not_an_absent_one() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory.path().join("journal.db"));
    for (id, ctx) in [(1, None), (2, Some(Value::Null))] {
        let life = Life::new(id, SessionSpec { ctx: ctx.clone(), ..SessionSpec::run("return 1") });
        life.write(&journal).await;
        assert_eq!(journal.retired(life.id()).unwrap().spec().ctx, ctx);
    }
    close(journal).await;
}

#[tokio::test]
async fn sessions_of_one_program_share_its_text_and_their_prompts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    let (code, prompt) = ("-- long\n".repeat(400), "prompt ".repeat(400));
    for id in 1..=3 {
        let mut life = Life::new(id, SessionSpec::run(code.clone()));
        life.take(Command::Begin);
        life.ask(&prompt);
        life.write(&journal).await;
        if id == 2 {
            journal.retire(Arc::new(life.session));
        }
    }
    close(journal).await;
    let journal = open(&path);
    let stored = &told(journal.stored(0, 10)).await.sessions;
    let prompt_of = |n: usize| match stored[n].session.state() {
        switchboard::domain::ExecutionState::Paused(pause) => Arc::clone(&pause.prompts[0].query.prompt),
        other => panic!("{other:?}"),
    };
    for n in 1..3 {
        assert!(Arc::ptr_eq(stored[0].session.spec(), stored[n].session.spec()));
        assert!(Arc::ptr_eq(&prompt_of(0), &prompt_of(n)));
    }
    close(journal).await;
    let size = std::fs::metadata(&path).unwrap().len();
    assert!(size < 12 * 4096 + 2 * 8192, "the texts stand there once: {size}");
}
