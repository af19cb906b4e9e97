//! The rows of the journal on disk. A disk is as fast as whoever shares it lets it be, so each row has a bare commit
//! loop of the same rows beside it, in the same minute.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;
use switchboard::domain::{Command, PauseKind, Question, Session, SessionId, SessionSpec, apply, decide};
use switchboard::engine::{
    Durability, Journal, Observer, Record, Registry, RegistryConfig, SystemClock, SystemEntropy, Turn,
};
use switchboard::lua::LuaVms;
use switchboard::store::FsFiles;
use switchboard::store::journal::{Opened, SqliteJournal};
use tokio::runtime::Runtime;

use crate::measure::{row, rss_kb};
use crate::rows::{ASK_FOREVER, paused_on, single, spawn, two_cores};

/// How long each of the two is measured, three times in turn.
const ROUND: Duration = Duration::from_secs(2);

pub(crate) fn open(path: &Path) -> SqliteJournal {
    match SqliteJournal::open(path).expect("a new journal") {
        Opened::Writer(journal) => journal,
        Opened::Reader(..) | Opened::ReadOnly(..) => panic!("nobody else has it"),
    }
}

pub(crate) fn registry(runtime: &Runtime, journal: Arc<SqliteJournal>) -> Registry {
    Registry::new(RegistryConfig {
        vms: Arc::new(LuaVms::new()),
        journal,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        files: Arc::new(FsFiles::default()),
        library_dirs: Vec::new(),
        runtime: runtime.handle().clone(),
    })
}

/// Answers a second that are durable before they are acknowledged, with `in_flight` callers of a session each.
pub(crate) fn durable_answers(in_flight: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("journal.db");
    let (mut answers, mut elapsed) = (0, Duration::ZERO);
    let (mut bare_answers, mut bare_elapsed) = (0, Duration::ZERO);
    let runtime = two_cores();
    let journal = Arc::new(open(&path));
    let registry = registry(&runtime, Arc::clone(&journal));
    let mut callers: Vec<(SessionId, Observer, u32)> = runtime.block_on(async {
        let mut callers = Vec::new();
        for _ in 0..in_flight {
            let id = spawn(&registry, ASK_FOREVER).await;
            callers.push((id, registry.observe(id, None).expect("it exists"), 0));
        }
        callers
    });
    for _ in 0..3 {
        let (count, time, back) = runtime.block_on(answer_for(ROUND, &registry, callers));
        callers = back;
        answers += count;
        elapsed += time;
        let (count, time) = bare_commits(directory.path(), in_flight);
        bare_answers += count;
        bare_elapsed += time;
    }
    drop(registry);
    runtime.block_on(async { journal.close().get().await }).expect("it is written");
    let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    let per_second = answers as f64 / elapsed.as_secs_f64();
    let bare = bare_answers as f64 / bare_elapsed.as_secs_f64();
    let figures = json!({
        "n": answers,
        "in_flight": in_flight,
        "per_second": per_second.round(),
        "bare_per_second": bare.round(),
        "of_bare": (per_second / bare * 100.0).round() / 100.0,
        "bytes_per_answer": bytes / answers.max(1),
    });
    row("durable_answers", in_flight, 3, &figures);
}

type Callers = Vec<(SessionId, Observer, u32)>;

async fn answer_for(time: Duration, registry: &Registry, callers: Callers) -> (u64, Duration, Callers) {
    let start = Instant::now();
    let tasks: Vec<_> = callers
        .into_iter()
        .map(|(id, mut observer, mut query)| {
            let registry = registry.clone();
            tokio::spawn(async move {
                let mut answers = 0_u64;
                while start.elapsed() < time {
                    query += 1;
                    paused_on(&mut observer, query).await;
                    registry.resume(id, single(query)).await.expect("it is paused");
                    answers += 1;
                }
                (answers, (id, observer, query))
            })
        })
        .collect();
    let mut answers = 0;
    let mut back = Vec::new();
    for task in tasks {
        let (count, caller) = task.await.expect("no panic");
        answers += count;
        back.push(caller);
    }
    (answers, start.elapsed(), back)
}

/// The rows of `at_once` answers in each commit, in a file with the same tables and settings, and nothing else.
fn bare_commits(directory: &Path, at_once: usize) -> (u64, Duration) {
    let path = directory.join("bare.db");
    if !path.exists() {
        drop(open(&path));
    }
    let db = Connection::open(&path).expect("it was made");
    for pragma in ["synchronous = full", "wal_autocheckpoint = 4000"] {
        db.execute_batch(&format!("PRAGMA {pragma}")).expect("a setting");
    }
    let sql = "INSERT INTO records (place, n, seq, sum, body) VALUES (?, ?, ?, ?, ?)";
    // About as long as the two rows of an answer are.
    let (answer, pause) = (vec![1_u8; 330], vec![2_u8; 370]);
    let start = Instant::now();
    let mut answers = 0;
    while start.elapsed() < ROUND {
        db.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        for place in 0..at_once as i64 {
            for body in [&answer, &pause] {
                let number = answers as i64;
                let mut statement = db.prepare_cached(sql).expect("the table is there");
                statement.execute((place, number, number, number, body)).expect("a row");
            }
            answers += 1;
        }
        db.execute_batch("COMMIT").expect("it is written");
    }
    (answers, start.elapsed())
}

/// Reading `n` sessions that wait, one pause each, as a start does.
pub(crate) fn journal_load(n: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("journal.db");
    let runtime = two_cores();
    let journal = open(&path);
    let code = "-- a program\n".repeat(200);
    for id in 1..=n as u64 {
        for record in waiting(id, &code) {
            let mut reply = journal.append(SessionId::from_bits(id), &[record], Durability::Derived);
            runtime.block_on(reply.get()).expect("it is taken");
        }
    }
    runtime.block_on(async { journal.close().get().await }).expect("it is written");
    drop(journal);
    let before = rss_kb();
    let start = Instant::now();
    let journal = open(&path);
    let mut sessions = Vec::with_capacity(n);
    let mut behind = 0;
    loop {
        let page = runtime.block_on(async { journal.stored(behind, 1000).get().await }).expect("it is read");
        let Some(last) = page.last else { break };
        behind = last;
        sessions.extend(page.sessions.iter().map(|stored| Arc::clone(&stored.session)));
    }
    let elapsed = start.elapsed();
    let figures = json!({
        "n": sessions.len(),
        "seconds": (elapsed.as_secs_f64() * 100.0).round() / 100.0,
        "per_second": (n as f64 / elapsed.as_secs_f64()).round(),
        "rss_kb_per_session": ((rss_kb() - before) / n as f64 * 100.0).round() / 100.0,
        "bytes_per_session": std::fs::metadata(&path).map_or(0, |metadata| metadata.len()) / n as u64,
    });
    row("journal_load", n, 1, &figures);
}

/// The records of a session that waits for its first answer.
fn waiting(id: u64, code: &str) -> Vec<Record> {
    let spec = Arc::new(SessionSpec { title: Some(format!("session {id}")), ..SessionSpec::run(code) });
    let mut session = Session::new(SessionId::from_bits(id), Arc::clone(&spec), 0);
    let mut records = vec![Record::Spawned { spec, at: 0, engine: "bench".into() }];
    let question = Question { prompt: format!("What now, {id}?").into(), max_tokens: 100, ..Question::default() };
    for command in [Command::Begin, Command::Ask { kind: PauseKind::Single, questions: vec![question] }] {
        let events = decide(&session, command, 1).expect("it can");
        for event in &events {
            apply(&mut session, event);
        }
        records.extend(Turn::new(events).map(Record::Turn));
    }
    records
}
