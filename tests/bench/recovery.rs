//! The rows of what comes back from the journal: recovery after a start, waking of one session, and what a hundred
//! thousand sleeping ones cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use switchboard::domain::{
    Answer, AnsweredBy, Command, PauseKind, QueryId, Question, ResumePayload, Session, SessionId, SessionSpec, apply,
    decide,
};
use switchboard::engine::{Durability, Journal, Presence, Record, Recovery, Turn};
use tokio::runtime::Runtime;

use crate::durable::{open, registry};
use crate::measure::{Samples, cpu, handles, row, rss_kb, threads};
use crate::rows::{single, two_cores};

/// Asks for ever; the prompt is long enough to be one.
const PROGRAM: &str =
    "local n = 0 while true do n = n + 1 alc.llm('Step ' .. n .. ': what is to be done now, and why?') end";

/// The records of a session that was answered `answers` times and waits.
fn waiting(id: SessionId, answers: u32) -> Vec<Record> {
    let spec = Arc::new(SessionSpec { title: Some(format!("session {id}")), ..SessionSpec::run(PROGRAM) });
    let mut session = Session::new(id, Arc::clone(&spec), 0);
    let mut records = vec![Record::Spawned { spec, at: 0, engine: "bench".into() }];
    let mut take = |command: Command| {
        let events = decide(&session, command, 1).expect("it can");
        for event in &events {
            apply(&mut session, event);
        }
        records.extend(Turn::new(events).map(Record::Turn));
    };
    take(Command::Begin);
    for n in 1..=answers + 1 {
        let prompt = format!("Step {n}: what is to be done now, and why?");
        let question = Question { prompt: prompt.into(), max_tokens: 1024, line: Some(1), ..Question::default() };
        take(Command::Ask { kind: PauseKind::Single, questions: vec![question] });
        if n <= answers {
            let answer = Answer::new(QueryId::new(n), "Go on with the next one.", AnsweredBy::Person);
            take(Command::Answer(ResumePayload::Single(answer)));
        }
    }
    records
}

/// Writes a journal of `n` sessions that were answered `answers` times each.
pub(crate) fn write(runtime: &Runtime, path: &std::path::Path, n: usize, answers: u32) {
    let journal = open(path);
    for id in 1..=n as u64 {
        let id = SessionId::from_bits(id.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut reply = journal.append(id, &waiting(id, answers), Durability::Derived);
        runtime.block_on(reply.get()).expect("it is taken");
    }
    runtime.block_on(async { journal.close().get().await }).expect("it is written");
}

/// A start on `n` sessions of 20 answers each.
pub(crate) fn recovery(n: usize) {
    start_on("recovery", n, 20);
}

/// A start on `n` sessions that wait for their first answer, and what they cost while they sleep.
pub(crate) fn asleep(n: usize) {
    start_on("asleep", n, 0);
}

fn start_on(name: &str, n: usize, answers: u32) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("journal.db");
    let runtime = two_cores();
    write(&runtime, &path, n, answers);
    let before = rss_kb();
    let start = Instant::now();
    let journal = Arc::new(open(&path));
    let registry = registry(&runtime, journal);
    let (recovered, first_page) = runtime.block_on(async {
        let watching = registry.clone();
        let first_page = tokio::spawn(async move {
            let mut recovery = Recovery::default();
            while recovery.read == 0 {
                watching.recovery_changed(&recovery).await;
                recovery = watching.recovery();
            }
            start.elapsed()
        });
        (registry.recover().await, first_page.await)
    });
    let elapsed = start.elapsed();
    let rss = rss_kb();
    let idle_before = cpu();
    std::thread::sleep(Duration::from_secs(2));
    let idle = cpu().saturating_sub(idle_before).as_secs_f64() / 2.0;
    let (threads, handles) = (threads(), handles());
    let list = Instant::now();
    let listed = registry.list().len();
    let list = list.elapsed();
    let quit = Instant::now();
    runtime.block_on(registry.shutdown(Duration::from_mins(1)));
    let figures = json!({
        "n": recovered.expect("it is read").waiting,
        "answers_each": answers,
        "first_page_ms": first_page.ok().map(|time| (time.as_secs_f64() * 1e5).round() / 100.0),
        "seconds": (elapsed.as_secs_f64() * 100.0).round() / 100.0,
        "kb_per_session": ((rss - before) / n as f64 * 100.0).round() / 100.0,
        "idle_cpu_percent": (idle * 1e4).round() / 100.0,
        "threads": threads,
        "handles": handles,
        "listed": listed,
        "list_ms": (list.as_secs_f64() * 1e5).round() / 100.0,
        "quit_ms": (quit.elapsed().as_secs_f64() * 1e5).round() / 100.0,
        "bytes_per_session": std::fs::metadata(&path).map_or(0, |metadata| metadata.len()) / n as u64,
    });
    row(name, n, 1, &figures);
}

/// From an answer to a sleeping session until it is acknowledged, and until the next pause, with `answers` before.
pub(crate) fn wake(answers: usize) {
    let sessions = 200;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("journal.db");
    let runtime = two_cores();
    write(&runtime, &path, sessions, answers as u32);
    let registry = registry(&runtime, Arc::new(open(&path)));
    runtime.block_on(registry.recover()).expect("it is read");
    let (mut taken, mut paused) = (Samples::default(), Samples::default());
    for summary in registry.list() {
        assert_eq!(summary.presence, Presence::Sleeping);
        let next = answers as u32 + 1;
        let registry = registry.clone();
        let (acknowledged, gone_on) = runtime.block_on(async {
            let mut observer = registry.observe(summary.id, Some(summary.last_seq + 1)).expect("it exists");
            let start = Instant::now();
            registry.resume(summary.id, single(next)).await.expect("it is paused");
            let acknowledged = start.elapsed();
            crate::rows::paused_on(&mut observer, next + 1).await;
            (acknowledged, start.elapsed())
        });
        taken.push(acknowledged);
        paused.push(gone_on);
    }
    let figures = json!({"answers": answers, "acknowledged": taken.figures(), "next_pause": paused.figures()});
    row("wake", answers, 1, &figures);
}
