//! The rows of the journal on disk. A disk is as fast as whoever shares it lets it be, so each row has a bare commit
//! loop of the same rows beside it, in the same minute.

use std::path::{Path, PathBuf};
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

/// How long each of the two is measured at a time, in turn.
const ROUND: Duration = Duration::from_secs(1);

/// How often.
const ROUNDS: usize = 6;

/// Bytes of a log that is as long as it gets: from then on it is written from its beginning again, and the file system has
/// no part in a commit any more but to write it.
const WHOLE_LOG: u64 = 4000 * (4096 + 24);

/// Rounds until the log is as long as that, at most.
const FIRST_ROUNDS: usize = 20;

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

/// Answers a second that are durable before they are acknowledged, with `in_flight` callers of a session each: in the
/// first second of a new journal, whose log grows, and once it is as long as it gets.
pub(crate) fn durable_answers(in_flight: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("journal.db");
    let runtime = two_cores();
    let journal = Arc::new(open(&path));
    let registry = registry(&runtime, Arc::clone(&journal));
    let mut callers: Callers = runtime.block_on(async {
        let mut callers = Vec::new();
        for _ in 0..in_flight {
            let id = spawn(&registry, ASK_FOREVER).await;
            callers.push((id, registry.observe(id, None).expect("it exists"), 0));
        }
        callers
    });
    let mut all = 0;
    let mut round = |ours: &mut Measured| {
        let (count, time, back) = runtime.block_on(answer_for(ROUND, &registry, std::mem::take(&mut callers)));
        callers = back;
        all += count;
        ours.add(count, time);
    };
    let mut bare = Bare::new(&directory.path().join("bare.db"), in_flight);
    let mut first = [Measured::default(), Measured::default()];
    round(&mut first[0]);
    first[1].add(bare.commit_for(ROUND), ROUND);
    for _ in 1..FIRST_ROUNDS {
        if log_bytes(&path) < WHOLE_LOG {
            round(&mut Measured::default());
        }
        if log_bytes(&bare.path) < WHOLE_LOG {
            bare.commit_for(ROUND);
        }
    }
    let mut steady = [Measured::default(), Measured::default()];
    for _ in 0..ROUNDS {
        round(&mut steady[0]);
        steady[1].add(bare.commit_for(ROUND), ROUND);
    }
    drop(registry);
    runtime.block_on(async { journal.close().get().await }).expect("it is written");
    let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
    let of = |[ours, bare]: &[Measured; 2]| (ours.per_second() / bare.per_second() * 100.0).round() / 100.0;
    let figures = json!({
        "n": steady[0].answers,
        "in_flight": in_flight,
        "per_second": steady[0].per_second().round(),
        "bare_per_second": steady[1].per_second().round(),
        "of_bare": of(&steady),
        "first_per_second": first[0].per_second().round(),
        "first_of_bare": of(&first),
        "bytes_per_answer": bytes / all.max(1),
    });
    row("durable_answers", in_flight, ROUNDS, &figures);
}

#[derive(Default)]
struct Measured {
    answers: u64,
    time: Duration,
}

impl Measured {
    fn add(&mut self, answers: u64, time: Duration) {
        self.answers += answers;
        self.time += time;
    }

    fn per_second(&self) -> f64 {
        self.answers as f64 / self.time.as_secs_f64()
    }
}

fn log_bytes(path: &Path) -> u64 {
    let log = format!("{}-wal", path.display());
    std::fs::metadata(log).map_or(0, |metadata| metadata.len())
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
struct Bare {
    db: Connection,
    path: PathBuf,
    at_once: usize,
    number: i64,
}

impl Bare {
    fn new(path: &Path, at_once: usize) -> Self {
        drop(open(path));
        let db = Connection::open(path).expect("it was made");
        for pragma in ["synchronous = full", "wal_autocheckpoint = 4000"] {
            db.execute_batch(&format!("PRAGMA {pragma}")).expect("a setting");
        }
        Self { db, path: path.to_owned(), at_once, number: 0 }
    }

    /// The answers that were committed in about this time.
    fn commit_for(&mut self, time: Duration) -> u64 {
        let sql = "INSERT INTO records (place, n, seq, sum, body) VALUES (?, ?, ?, ?, ?)";
        // As long as the two rows of an answer are.
        let (answer, pause) = (vec![1_u8; 300], vec![2_u8; 260]);
        let start = Instant::now();
        let mut answers = 0;
        while start.elapsed() < time {
            self.db.prepare_cached("BEGIN IMMEDIATE").and_then(|mut it| it.execute([])).expect("nobody else writes");
            self.number += 1;
            for place in 0..self.at_once as i64 {
                for body in [&answer, &pause] {
                    let mut statement = self.db.prepare_cached(sql).expect("the table is there");
                    statement.execute((place, self.number, self.number, self.number, body)).expect("a row");
                }
                answers += 1;
            }
            self.db.prepare_cached("COMMIT").and_then(|mut it| it.execute([])).expect("it is written");
        }
        answers
    }
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
