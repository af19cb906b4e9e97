//! The probes of `tests/data/probes.jsonl` that fork packages: with those that `$SWITCHBOARD_PACKAGES` is a checkout
//! of. Here `asks` is the number of queries of all children, or
//! their prompts in order of their bytes.

use std::path::PathBuf;

use serde_json::{Value, json};
use switchboard::domain::{Answer, AnsweredBy, ExecutionState, Prompt, ResumePayload, SessionSpec, TerminalOutcome};
use switchboard::engine::ChangeCursor;

use super::rig::Rig;
use crate::support::{bounded, rules};

const PROBES: &str = include_str!("../../data/probes.jsonl");

/// Runs a program to its end and answers every query of everybody. Gives how it ended and the prompts, sorted.
async fn run(rig: &Rig, spec: SessionSpec) -> (TerminalOutcome, Vec<String>) {
    let id = rig.start(spec).await;
    let (mut cursor, mut prompts) = (ChangeCursor::default(), Vec::new());
    loop {
        let state = rig.registry.state(id).unwrap();
        if let Some(outcome) = state.outcome() {
            prompts.sort();
            return (outcome, prompts);
        }
        cursor = rig.registry.changes(cursor).cursor;
        for summary in rig.registry.list() {
            let ExecutionState::Paused(pause) = &summary.state else { continue };
            let mut answers = Vec::new();
            for Prompt { query, .. } in pause.pending() {
                let response = rules::answer("hash8", &query.prompt);
                answers.push(Answer::new(query.query_id, response, AnsweredBy::File));
                prompts.push(query.prompt.to_string());
            }
            rig.registry.resume(summary.id, ResumePayload::Batch(answers)).await.unwrap();
        }
        rig.registry.changed(cursor).await;
    }
}

#[tokio::test]
async fn every_probe_that_forks_packages_ends_as_its_row_says() {
    let packages = std::env::var_os("SWITCHBOARD_PACKAGES").map(PathBuf::from);
    let (mut skipped, mut wrong) = (Vec::new(), Vec::new());
    for line in PROBES.lines() {
        let probe: Value = serde_json::from_str(line).unwrap();
        if probe["needs"] != "children" {
            continue;
        }
        let Some(packages) = packages.clone() else {
            skipped.push(probe["name"].as_str().unwrap().to_owned());
            continue;
        };
        let rig = Rig::with_library(packages);
        let spec = SessionSpec { ctx: probe.get("ctx").cloned(), ..SessionSpec::run(probe["code"].as_str().unwrap()) };
        let (outcome, prompts) = bounded(run(&rig, spec)).await;
        let value = match outcome {
            TerminalOutcome::Done(done) => done.value.clone(),
            other => panic!("{other:?}"),
        };
        let asked = match &probe["asks"] {
            Value::Array(_) => json!(prompts),
            Value::Null if prompts.is_empty() => Value::Null,
            _ => json!(prompts.len()),
        };
        if value != probe["done"] || asked != probe["asks"] {
            wrong.push(format!("{}: asked {asked}\nexpected {}\n     got {value}", probe["name"], probe["done"]));
        }
    }
    println!("skipped: {}", skipped.join(" "));
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
