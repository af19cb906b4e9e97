//! The row about large single pieces: how long the longest stretch is in which a worker does nothing else.
//!
//! One worker runs the session and a task that only gives way, again and again: the longest time until it has its turn
//! again is what anybody else would have waited.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use switchboard::domain::{Answer, AnsweredBy, QueryId, ResumePayload, SessionSpec, StateName};
use switchboard::engine::Journal as _;
use tokio::runtime::Builder;

use crate::durable::{open, registry};
use crate::measure::row;
use crate::rows::paused_on;

/// Pieces of about so many megabytes.
pub(crate) fn large_pieces(megabytes: usize) {
    let bytes = megabytes << 20;
    // Two bytes each with its comma.
    let numbers = || Value::from(vec![1; bytes / 2 - 1]);
    let words = || Value::from((0..bytes / 16).map(|n| format!("word{n:08}")).collect::<Vec<_>>());
    let text = || Value::from("x".repeat(bytes - 16));
    let ctx = |value: Value, code: &str| {
        let mut spec = SessionSpec::run(code);
        spec.ctx = Some(value);
        spec.limits.memory_bytes = 1 << 30;
        spec
    };
    let plain = |code: String| ctx(json!({}), &code);
    let nothing = "return alc.llm('q')";
    let mut figures = Map::new();
    let mut measure = |name: &str, spec: SessionSpec, answer: String| {
        figures.insert(name.into(), held(spec, answer).into());
    };
    let small = || "a".to_owned();
    measure("nothing", plain(nothing.into()), small());
    measure("ctx_of_numbers", ctx(numbers(), nothing), small());
    measure("ctx_of_words", ctx(words(), nothing), small());
    measure("ctx_of_one_text", ctx(text(), nothing), small());
    let answer = "x".repeat(bytes.min(4 << 20));
    measure("answer", plain("return #alc.llm('q')".into()), answer);
    let half = bytes / 2 - 1;
    measure(
        "result_of_numbers",
        plain(format!("alc.llm('q') local t = {{}} for i = 1, {half} do t[i] = 1 end return t")),
        small(),
    );
    let count = bytes / 16;
    let result =
        format!("alc.llm('q') local t = {{}} for i = 1, {count} do t[i] = 'word' .. (i + 10000000) end return t");
    measure("result_of_words", plain(result), small());
    measure("result_of_one_text", plain(format!("alc.llm('q') return ('x'):rep({bytes} - 16)")), small());
    let prompt = bytes.min(4 << 20) - 1;
    measure("prompt", plain(format!("return alc.llm(('q'):rep({prompt}))")), small());
    let json = |code: &str| {
        let mut spec = plain(format!(
            "alc.llm('q') local t = {{}} for i = 1, {half} do t[i] = 1 end local s = alc.json_encode(t) {code} return 1"
        ));
        spec.limits.section_ms = 60_000;
        spec
    };
    measure("json_encode", json(""), small());
    measure("json_decode", json("alc.json_decode(s)"), small());
    row("large_pieces", megabytes, 1, &json!({"unit": "ms", "longest": figures}));
}

/// The longest stretch in milliseconds while such a session runs from its spawn to its end.
fn held(spec: SessionSpec, answer: String) -> f64 {
    let home = tempfile::tempdir().expect("a directory");
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let registry = registry(&runtime, Arc::new(open(&home.path().join("journal.db"))));
    let (longest, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let (seen, stop) = (Arc::clone(&longest), Arc::clone(&over));
    let beat = runtime.spawn(async move {
        while !stop.load(Ordering::Relaxed) {
            let start = Instant::now();
            tokio::task::yield_now().await;
            seen.fetch_max(start.elapsed().as_micros() as u64, Ordering::Relaxed);
        }
    });
    let outside = Builder::new_current_thread().enable_all().build().expect("a runtime");
    outside.block_on(async {
        let id = registry.spawn(spec).await.expect("the spec is valid");
        let mut observer = registry.observe(id, None).expect("it exists");
        paused_on(&mut observer, 1).await;
        drop(observer);
        let answer = Answer::new(QueryId::new(1), answer, AnsweredBy::Person);
        registry.resume(id, ResumePayload::Single(answer)).await.expect("it is paused");
        let outcome = registry.await_terminal(id).await.expect("it exists");
        assert_eq!(outcome.name(), StateName::Done, "{outcome:.200?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
        over.store(true, Ordering::Relaxed);
        beat.await.expect("no panic");
    });
    longest.load(Ordering::Relaxed) as f64 / 1000.0
}

/// Bytes of the journal of a program that looks at clocks `n` times, and of one that reports its progress a tenth as
/// often; of the reports also without a limit.
pub(crate) fn floods(n: usize) {
    let looks = |what: &str| SessionSpec::run(format!("for i = 1, {n} do local t = {what} end return 1"));
    let reports = |limit| {
        let mut spec = SessionSpec::run(format!("for i = 1, {} do alc.progress(i, {}) end return 1", n / 10, n / 10));
        spec.limits.reports = limit;
        spec
    };
    let default = reports(1000);
    let figures = json!({
        "looks": n,
        "reports": n / 10,
        "os_time_bytes": recorded(looks("os.time()")),
        "os_clock_bytes": recorded(looks("os.clock()")),
        "both_in_turn_bytes": recorded(looks("os.clock() + os.time()")),
        "progress_bytes": recorded(default),
        "progress_without_limit_bytes": recorded(reports(u64::MAX)),
    });
    row("floods", n, 1, &figures);
}

/// Bytes of the journal once such a session has ended.
fn recorded(spec: SessionSpec) -> u64 {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("journal.db");
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let journal = Arc::new(open(&path));
    let registry = registry(&runtime, Arc::clone(&journal));
    runtime.block_on(async move {
        let id = registry.spawn(spec).await.expect("the spec is valid");
        let outcome = registry.await_terminal(id).await.expect("it exists");
        assert_eq!(outcome.name(), StateName::Done, "{outcome:.200?}");
        drop(registry);
        journal.close().get().await.expect("it is written");
    });
    std::fs::metadata(&path).expect("it is there").len()
}
