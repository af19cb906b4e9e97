//! The probes of `tests/data/probes.jsonl` that need a home: each runs in an empty one, through the command line.

use serde_json::Value;

use super::home::Home;

const PROBES: &str = include_str!("../../data/probes.jsonl");

#[test]
fn every_probe_that_needs_a_home_ends_as_its_row_says() {
    let (mut ran, mut wrong) = (0, Vec::new());
    for line in PROBES.lines() {
        let probe: Value = serde_json::from_str(line).unwrap();
        if probe["needs"] != "home" {
            continue;
        }
        let home = Home::new();
        let ctx = home.file("ctx.json", probe.get("ctx").map_or_else(|| "{}".to_owned(), Value::to_string));
        let (code, ctx) = (probe["code"].as_str().unwrap(), format!("@{}", ctx.display()));
        let ended = home.run(&["run", "--code", code, "--ctx", &ctx, "-o", "json"]).exits(0);
        let document: Value = serde_json::from_str(&ended.stdout).unwrap();
        let value = &document["sessions"][0]["value"];
        ran += 1;
        if *value != probe["done"] {
            wrong.push(format!("{}: {code}\nexpected {}\n     got {value}", probe["name"], probe["done"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(ran > 20, "the probes are gone");
}
