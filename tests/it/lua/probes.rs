//! Short programs and what comes of them, as data: `tests/data/probes.jsonl`, one JSON object a line.
//!
//! A row has a `name`, its `code`, `ctx` if it is not empty, and either the value that comes of it (`done`) or its error
//! (`fails`); `asks` has the queries of every pause, or the number of
//! pauses. What `differs` from the reference engine on purpose says why.
//! `needs` names what a row needs: `packages` are those that `$SWITCHBOARD_PACKAGES` is a checkout of; `children` need
//! an engine besides, `home` a home: those run elsewhere. Rows whose needs are not met are skipped by name.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};
use switchboard::domain::{Question, SessionSpec};

use super::driver::Session;
use crate::support::rules;

const PROBES: &str = include_str!("../../data/probes.jsonl");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Probe {
    name: String,
    code: String,
    #[serde(default, deserialize_with = "present")]
    ctx: Option<Value>,
    #[serde(default)]
    needs: Option<String>,
    #[serde(default, deserialize_with = "present")]
    done: Option<Value>,
    #[serde(default)]
    fails: Option<String>,
    #[serde(default)]
    asks: Option<Value>,
    #[serde(default)]
    differs: Option<String>,
}

/// A null that is there is no absent value.
fn present<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(source).map(Some)
}

/// A query with what is not usual of it.
fn query(question: &Question) -> Value {
    let mut query = json!({ "prompt": &*question.prompt });
    if let Some(system) = &question.system {
        query["system"] = json!(&**system);
    }
    if question.max_tokens != 1024 {
        query["max_tokens"] = question.max_tokens.into();
    }
    for (name, is_set) in [("grounded", question.grounded), ("underspecified", question.underspecified)] {
        if is_set {
            query[name] = true.into();
        }
    }
    query
}

fn run(probe: &Probe, packages: Option<&PathBuf>) -> Result<(), String> {
    let ctx = probe.ctx.clone().unwrap_or_else(|| json!({}));
    let mut session = Session::of(SessionSpec { ctx: Some(ctx), ..SessionSpec::run(probe.code.as_str()) });
    session.library = packages.cloned();
    let ended = session.finish(|prompt| rules::answer("hash8", prompt).to_owned());
    let expected = match (&probe.done, &probe.fails) {
        (Some(value), None) => Ok(value.clone()),
        (None, Some(text)) => Err(text.clone()),
        _ => return Err("a row has either a value or an error".into()),
    };
    let ended = ended.map_err(|failure| failure.message);
    if ended != expected {
        return Err(format!("expected {expected:?}\n     got {ended:?}"));
    }
    let asked: Vec<Vec<Value>> = session.pauses.iter().map(|(_, it)| it.iter().map(query).collect()).collect();
    match &probe.asks {
        Some(Value::Number(pauses)) if pauses.as_u64() == Some(asked.len() as u64) => Ok(()),
        Some(asks) if *asks != json!(asked) => Err(format!("expected to ask {asks}\n     asked {}", json!(asked))),
        None if !asked.is_empty() => Err(format!("asked {}", json!(asked))),
        _ => Ok(()),
    }
}

#[test]
fn every_probe_ends_as_its_row_says() {
    let packages = std::env::var_os("SWITCHBOARD_PACKAGES").map(PathBuf::from);
    let (mut ran, mut differing, mut skipped, mut wrong) = (0, 0, Vec::new(), String::new());
    for line in PROBES.lines() {
        let probe: Probe = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let is_met = match probe.needs.as_deref() {
            None => true,
            Some("packages") => packages.is_some(),
            Some(_) => continue,
        };
        if !is_met {
            skipped.push(probe.name);
            continue;
        }
        ran += 1;
        differing += usize::from(probe.differs.is_some());
        if let Err(why) = run(&probe, packages.as_ref()) {
            let _ = writeln!(wrong, "{}: {}\n{why}\n", probe.name, probe.code);
        }
    }
    println!(
        "{ran} probes, {differing} of them different from the reference on purpose; skipped: {}",
        skipped.join(" ")
    );
    assert!(wrong.is_empty(), "{wrong}");
    assert!(ran > 150, "the probes are gone");
}
