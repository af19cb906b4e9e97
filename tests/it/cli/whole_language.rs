//! Packages written for this purpose, run through the command line: between them they use every function of `alc`.
//!
//! Each has an `example.json` with a `ctx`, the lines of an answers file, and the `result` that comes of them.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::home::Home;

const TYPES: &str = include_str!("../../../assets/alc.d.lua");

fn packages() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", "packages"].iter().collect()
}

/// Runs a package in an empty home, and gives the result.
fn run(name: &str, example: &Value) -> Value {
    let home = Home::new();
    let answers: Vec<String> = example["answers"].as_array().unwrap().iter().map(Value::to_string).collect();
    let answers = home.file("answers.jsonl", answers.join("\n"));
    let ctx = home.file("ctx.json", example["ctx"].to_string());
    let code = format!("return require('{name}').run(ctx).result");
    let library = packages();
    let mut arguments = vec!["run", "--code", &code, "-o", "json", "--lib", library.to_str().unwrap()];
    let ctx = format!("@{}", ctx.display());
    arguments.extend(["--ctx", &ctx, "--answers", answers.to_str().unwrap()]);
    if let Some(variable) = example["env"].as_str() {
        arguments.extend(["--env", variable]);
    }
    let ended = home.run(&arguments).exits(0);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    document["sessions"][0]["value"].clone()
}

fn example(name: &str) -> Value {
    let text = std::fs::read_to_string(packages().join(name).join("example.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_package_comes_to_its_result() {
    for name in ["jury", "scribe", "planner", "clerk"] {
        let example = example(name);
        assert_eq!(run(name, &example), example["result"], "{name}");
    }
}

#[test]
fn a_seed_gives_the_same_figures_in_every_run() {
    let example = json!({"ctx": {"seed": 42}, "answers": []});
    let figures = run("figures", &example);
    assert!(figures.as_object().unwrap().len() > 60);
    assert_eq!(figures, run("figures", &example));
    assert_eq!(figures["rng_float"], json!(0.526_557_409_002_773_8));
}

#[test]
fn between_them_they_use_every_function() {
    let mut sources = String::new();
    for name in ["jury", "scribe", "planner", "figures", "clerk"] {
        for file in std::fs::read_dir(packages().join(name)).unwrap() {
            sources.push_str(&std::fs::read_to_string(file.unwrap().path()).unwrap());
        }
    }
    let functions = TYPES.lines().filter_map(|line| line.strip_prefix("function alc.")?.split('(').next());
    let unused: Vec<&str> =
        functions.filter(|name| !sources.contains(&format!("{}(", name.replace("math.", "m.")))).collect();
    assert!(unused.is_empty(), "no package uses {unused:?}");
}
