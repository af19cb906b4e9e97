//! Kills a process of this program again and again in the middle of its work, and looks that nothing was lost.
//!
//! Each life finds the journal and the files as the one before left them. In the end one lives to its end; then every
//! answer that was ever acknowledged must stand in the journal and in the result of its session, each write must have
//! been done once, and every session must do again what is recorded.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag::register_usize;
use signal_hook::low_level::emulate_default_handler;

use super::life::ROUNDS;
use super::tell;
use crate::cli::exit::CliError;
use crate::domain::{Event, EventKind, ExecutionState, SessionId};
use crate::engine::{Journal, Record, Registry, RegistryConfig, SystemClock, SystemEntropy};
use crate::lua::LuaVms;
use crate::store::FsFiles;
use crate::store::journal::SqliteJournal;

/// What was acknowledged.
#[derive(Default)]
struct Acknowledged {
    spawned: Vec<SessionId>,
    /// Session and query, and the text.
    answers: HashMap<(String, String), String>,
}

/// Kills `kills` times, at points that `seed` chooses. Gives whether nothing was lost.
pub(super) fn run(kills: u32, seed: u64) -> Result<bool, CliError> {
    let failure = |error: std::io::Error| CliError::failure(format!("the crash test: {error}"));
    let directory = tempfile::tempdir().map_err(failure)?;
    let signals = Signals::listen().map_err(failure)?;
    let mut random = seed;
    let mut acknowledged = Acknowledged::default();
    let mut rounds = 0;
    for _ in 0..kills {
        let mut life = start(directory.path(), random, Life::Killed).map_err(failure)?;
        let heard = hear(&mut life);
        random = next(random);
        // From before the first word to well within the work.
        std::thread::sleep(Duration::from_micros(random % 150_000));
        life.kill().map_err(failure)?;
        life.wait().map_err(failure)?;
        if let Some(signal) = signals.received() {
            drop(directory);
            // Ends the process as the signal would have.
            emulate_default_handler(signal).map_err(failure)?;
            return Ok(false);
        }
        let before = acknowledged.answers.len();
        if let Err(twice) = acknowledged.take_in(&heard.join().unwrap_or_default()) {
            tell(false, &twice)?;
            return Ok(false);
        }
        rounds += usize::from(acknowledged.answers.len() > before);
    }
    let life = start(directory.path(), random, Life::Last).map_err(failure)?;
    let last = life.wait_with_output().map_err(failure)?;
    let lines: Vec<String> = String::from_utf8_lossy(&last.stdout).lines().map(str::to_owned).collect();
    if let Err(twice) = acknowledged.take_in(&lines) {
        tell(false, &twice)?;
        return Ok(false);
    }
    if !last.status.success() {
        tell(
            false,
            &format!("crash test: the last life ended badly: {}", String::from_utf8_lossy(&last.stderr).trim()),
        )?;
        return Ok(false);
    }
    let is_well = check(directory.path(), &acknowledged)?;
    if is_well {
        let (answers, sessions) = (acknowledged.answers.len(), acknowledged.spawned.len());
        tell(
            true,
            &format!(
                "crash test: killed {kills} times, {rounds} of them in the middle of answers; {answers} acknowledged \
                 answers of {sessions} sessions are all there, every write was done once, every session came to its end"
            ),
        )?;
    }
    Ok(is_well)
}

/// Signals that end the test. Until then they end nothing, so that no life and no file is left behind.
struct Signals(Arc<AtomicUsize>);

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let received = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            register_usize(signal, Arc::clone(&received), signal as usize)?;
        }
        Ok(Self(received))
    }

    fn received(&self) -> Option<i32> {
        i32::try_from(self.0.load(Ordering::Relaxed)).ok().filter(|signal| *signal != 0)
    }
}

/// What becomes of a life.
#[derive(Clone, Copy)]
enum Life {
    /// It gets new sessions as others end, and is killed.
    Killed,
    /// It brings the sessions that are there to their ends.
    Last,
}

/// Starts a life.
fn start(directory: &Path, seed: u64, life: Life) -> std::io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["doctor", "--life"]).arg(directory).arg("--seed").arg(seed.to_string());
    if let Life::Last = life {
        command.arg("--last");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn()
}

/// Hears what a life says, up to its last whole line.
fn hear(life: &mut Child) -> std::thread::JoinHandle<Vec<String>> {
    let out = life.stdout.take().expect("its standard output is a pipe");
    std::thread::spawn(move || {
        let mut out = BufReader::new(out);
        let (mut heard, mut said) = (Vec::new(), String::new());
        while out.read_line(&mut said).is_ok_and(|read| read > 0) && said.ends_with('\n') {
            heard.push(said.trim_end().to_owned());
            said.clear();
        }
        heard
    })
}

impl Acknowledged {
    /// Takes in what a life said. `Err`: it was told of one answer twice.
    fn take_in(&mut self, lines: &[String]) -> Result<(), String> {
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["spawned", id] => self.spawned.extend(id.parse::<SessionId>()),
                ["answered", id, query, text] => {
                    let key = (id.to_owned(), query.to_owned());
                    if let Some(before) = self.answers.insert(key, text.to_owned()) {
                        return Err(format!("crash test: {query} of {id} took {before}, and after a crash {text}"));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Looks whether everything that was acknowledged is there.
fn check(directory: &Path, acknowledged: &Acknowledged) -> Result<bool, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| CliError::failure(format!("cannot start threads: {error}")))?;
    let journal = SqliteJournal::read(&directory.join("journal.db"));
    let journal: Arc<dyn Journal> = Arc::new(journal.map_err(|error| CliError::failure(error.to_string()))?);
    let registry = Registry::new(RegistryConfig {
        vms: Arc::new(LuaVms::new()),
        journal: Arc::clone(&journal),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        files: Arc::new(FsFiles::new(None)),
        library_dirs: Vec::new(),
        runtime: runtime.handle().clone(),
    });
    let faults = runtime.block_on(async {
        let mut faults = Vec::new();
        for id in &acknowledged.spawned {
            let records = journal.records(*id).get().await.map_err(|error| CliError::failure(error.to_string()))?;
            match records {
                Some(records) => faults.extend(faults_of(*id, &records, acknowledged)),
                None => faults.push(format!("{id} is not there")),
            }
            if let Err(error) = registry.verify(*id).await {
                faults.push(format!("{id}: {error}"));
            }
        }
        Ok::<_, CliError>(faults)
    })?;
    for fault in &faults {
        tell(false, &format!("crash test: {fault}"))?;
    }
    Ok(faults.is_empty())
}

/// What is wrong with the record of one session.
fn faults_of(id: SessionId, records: &[Record], acknowledged: &Acknowledged) -> Vec<String> {
    let turns = records.iter().filter_map(|record| match record {
        Record::Turn(turn) => Some(turn),
        _ => None,
    });
    let events: Vec<&Event> = turns.flat_map(|turn| turn.iter()).collect();
    let mut faults = Vec::new();
    if let Some(wrong) = events.iter().zip(1..).find(|(event, seq)| event.seq != *seq) {
        faults.push(format!("{id}: event {} has the number {}", wrong.1, wrong.0.seq));
    }
    let recorded: HashMap<String, &str> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::AnswerAccepted { query_id, response, .. } => Some((query_id.to_string(), &**response)),
            _ => None,
        })
        .collect();
    for ((session, query), text) in &acknowledged.answers {
        if *session == id.to_string() && recorded.get(query) != Some(&text.as_str()) {
            faults.push(format!("{id}: the answer {text} to {query} is lost"));
        }
    }
    let value = events.last().and_then(|event| match &event.kind {
        EventKind::StateTransition { end: Some(end), .. } => match ExecutionState::from(end.clone()) {
            ExecutionState::Done(done) => Some(done.value.clone()),
            _ => None,
        },
        _ => None,
    });
    let Some(value) = value else {
        faults.push(format!("{id} has not come to its end"));
        return faults;
    };
    let told = value["told"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if !told.eq((1..).map_while(|n| recorded.get(&format!("q-{n}")).copied())) {
        faults.push(format!("{id}: its result does not have the answers that were recorded"));
    }
    if value["wrote"].as_f64() != Some(ROUNDS as f64) {
        faults.push(format!("{id}: it wrote {} times; it should be {ROUNDS}", value["wrote"]));
    }
    faults
}

/// The next of a row of numbers that look random.
fn next(seed: u64) -> u64 {
    // Knuth's linear congruential generator; its upper bits are the better ones.
    let next = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    next.rotate_left(31)
}
