//! The corpus: real programs with recorded ends, all of them in this process, one after the other, each in a home of
//! its own. `$SWITCHBOARD_PACKAGES` is the checkout they are in, `$SWITCHBOARD_CORPUS` the file of its rows, as
//! `tests/corpus.py` takes it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use switchboard::domain::{
    Answer, AnsweredBy, ExecutionState, FailureKind, Prompt, ResumePayload, SessionSpec, TerminalOutcome,
};
use switchboard::engine::{
    ChangeCursor, MemoryJournal, Registry, RegistryConfig, SystemClock, SystemEntropy, VmFactory,
};
use switchboard::lua::LuaVms;
use switchboard::store::FsFiles;
use tokio::runtime::{Builder, Handle};

use crate::measure::{Samples, cpu, row};
use crate::rules;

/// Pauses that are answered before a program is left.
const MOST_PAUSES: u64 = 300;

/// The first `n` rows; 0 is all of them.
pub(crate) fn corpus(n: usize) {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(packages), Some(file)) = (variable("SWITCHBOARD_PACKAGES"), variable("SWITCHBOARD_CORPUS")) else {
        let why = "set SWITCHBOARD_PACKAGES and SWITCHBOARD_CORPUS";
        return row("corpus", n, 0, &json!({ "skipped": why }));
    };
    let text = std::fs::read_to_string(file).expect("the corpus can be read");
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a row is JSON")).collect();
    let n = if n == 0 { rows.len() } else { n.min(rows.len()) };
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let vms: Arc<dyn VmFactory> = Arc::new(LuaVms::new());
    let (mut samples, mut prompts, mut same) = (Samples::default(), 0, 0);
    let (begun, cpu_before) = (Instant::now(), cpu());
    for expected in &rows[..n] {
        let home = tempfile::tempdir().expect("a directory");
        let start = Instant::now();
        let files = FsFiles::new(Some(home.path().to_owned()));
        let (state, asked) = runtime.block_on(run(&vms, files, packages.clone(), expected, runtime.handle()));
        samples.push(start.elapsed());
        prompts += asked;
        let is_fixed = expected["deterministic"] == true || expected["det"]["prompts"] == true;
        same += usize::from(expected["state"] == state && (expected["prompts"] == asked || !is_fixed));
    }
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu().saturating_sub(cpu_before).as_secs_f64());
    let rounded = |x: f64| (x * 1000.0).round() / 1000.0;
    let figures = json!({
        "rows": n, "seconds": rounded(seconds), "cpu_s": rounded(cpu), "prompts": prompts,
        "state_and_prompts_as_recorded": same, "of_one": samples.figures(),
    });
    row("corpus", n, 1, &figures);
}

/// Runs one program to its end. Gives the state as the rows name it, and how many prompts were answered or left.
async fn run(
    vms: &Arc<dyn VmFactory>,
    files: FsFiles,
    packages: PathBuf,
    expected: &Value,
    runtime: &Handle,
) -> (&'static str, usize) {
    let registry = Registry::new(RegistryConfig {
        vms: Arc::clone(vms),
        journal: Arc::new(MemoryJournal::default()),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        files: Arc::new(files),
        library_dirs: vec![packages],
        runtime: runtime.clone(),
    });
    let of_package = || {
        let package = expected["pkg"].as_str().unwrap_or_default();
        let package = package.split('#').next().unwrap_or_default();
        format!("local p = require(\"{package}\"); return p.run(ctx)")
    };
    let code = expected["code"].as_str().map_or_else(of_package, str::to_owned);
    let mut spec = SessionSpec { ctx: expected.get("ctx").cloned(), ..SessionSpec::run(code) };
    spec.limits.pauses = Some(MOST_PAUSES);
    let rule = expected["answers_rule"].as_str().expect("a row says who answers");
    let id = registry.spawn(spec).await.expect("the spec is valid");
    let (mut cursor, mut prompts) = (ChangeCursor::default(), 0);
    loop {
        if let Some(outcome) = registry.state(id).expect("it exists").outcome() {
            let state = match outcome {
                TerminalOutcome::Done(_) => "done",
                TerminalOutcome::Failed(failure) if failure.kind == FailureKind::Limit => "limit",
                TerminalOutcome::Failed(_) => "failed",
                TerminalOutcome::Cancelled(_) => "cancelled",
            };
            return (state, prompts);
        }
        cursor = registry.changes(cursor).cursor;
        for summary in registry.list() {
            let ExecutionState::Paused(pause) = &summary.state else { continue };
            let answer = |Prompt { query, .. }: &Prompt| {
                Answer::new(query.query_id, rules::answer(rule, &query.prompt), AnsweredBy::File)
            };
            let answers: Vec<Answer> = pause.pending().map(answer).collect();
            prompts += answers.len();
            registry.resume(summary.id, ResumePayload::Batch(answers)).await.expect("it is paused");
        }
        registry.changed(cursor).await;
    }
}
