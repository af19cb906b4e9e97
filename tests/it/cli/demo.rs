//! The example programs do what their first lines say, without a screen as well.

use serde_json::{Value, json};

use super::home::Home;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/");

/// Runs an example with lines of answers, and gives its exit code and its last line.
fn run(script: &str, more: &[&str], answers: &str) -> (Option<i32>, Value) {
    let home = Home::new();
    home.file("answers.jsonl", answers);
    let script = format!("{DEMO}{script}");
    let arguments = [["run", &script, "--answers", "answers.jsonl", "-o", "jsonl"].as_slice(), more].concat();
    let ended = home.run(&arguments);
    let terminal = ended.terminal();
    (ended.code, terminal)
}

#[test]
fn the_reviewer_asks_until_it_is_stopped() {
    let answers = "{\"match\": \"^Finding 3\", \"response\": \"Stop.\"}\n{\"response\": \"minor\"}";
    let (code, end) = run("reviewer.lua", &[], answers);
    assert_eq!((code, &end["pauses"]), (Some(0), &json!(3)));
    assert_eq!(end["value"]["rounds"], 3);
    assert_eq!(end["value"]["verdicts"][1]["verdict"], "minor");
}

#[test]
fn twenty_questions_follow_one_another() {
    let (code, end) = run("asks_again.lua", &[], r#"{"response": "no"}"#);
    assert_eq!((code, &end["queries"]), (Some(0), &json!(20)));
}

#[test]
fn four_judges_are_asked_in_one_pause() {
    let answers = "{\"match\": \"tone\", \"response\": \"terrible\"}\n{\"response\": \"6 of 10\"}";
    let (code, end) = run("judges.lua", &[], answers);
    assert_eq!((code, &end["pauses"], &end["queries"]), (Some(0), &json!(1), &json!(4)));
    assert_eq!(end["value"]["mean"], 6.0);
    // Half an answer leaves it waiting for the other half.
    let (code, end) = run("judges.lua", &[], r#"{"match": "tone|length", "response": "6"}"#);
    assert_eq!(code, Some(6));
    assert_eq!(end["pending"].as_array().unwrap().len(), 2);
}

#[test]
fn a_debate_has_two_sides_and_a_judge() {
    let (code, end) = run("debate.lua", &["--ctx", r#"{"topic": "T", "rounds": 3}"#], r#"{"response": "so!"}"#);
    assert_eq!((code, &end["pauses"]), (Some(0), &json!(7)));
    assert_eq!(end["value"]["record"][1]["side"], "contra");
}

#[test]
fn the_careful_caller_asks_again_after_a_caught_error() {
    let answers = "{\"match\": \"attempt 2\", \"response\": \"12\"}\n{\"response\": \"many\"}";
    let (code, end) = run("pcall.lua", &[], answers);
    assert_eq!((code, &end["value"]), (Some(0), &json!({ "people": 12, "attempts": 2 })));
}

#[test]
fn the_budget_refuses_the_fourth_call_before_it_is_asked() {
    let (code, end) =
        run("budget.lua", &["--ctx", r#"{"budget": {"max_llm_calls": 3}}"#], r#"{"response": "It rains."}"#);
    assert_eq!((code, &end["queries"]), (Some(0), &json!(3)));
    let by = end["value"]["ended_by"].as_str().unwrap();
    assert!(by.contains("budget_exceeded: max_llm_calls (3) reached (3 used)"), "{by}");
}

#[test]
fn hostile_text_comes_through_unchanged() {
    let (code, end) = run("hostile_text.lua", &[], r#"{"response": "שלום \u001b[31m"}"#);
    assert_eq!((code, &end["value"]["answer"]), (Some(0), &json!("שלום \u{1b}[31m")));
}

#[test]
fn the_others_end_as_they_say_without_asking() {
    for (script, more, code, limit) in [
        ("never_asks.lua", &[][..], 0, None),
        ("fails.lua", &[], 7, None),
        ("memory_bomb.lua", &[], 4, Some("memory")),
        ("endless_loop.lua", &["--timeout", "200ms"], 4, Some("wall")),
        ("long_computation.lua", &["--timeout", "200ms"], 4, Some("wall")),
    ] {
        let (ended, end) = run(script, more, "");
        assert_eq!((ended, end["limit"].as_str()), (Some(code), limit), "{script}: {end}");
        assert_eq!(end["queries"], 0, "{script}");
    }
    let (_, end) = run("fails.lua", &[], "");
    assert!(end["error"].as_str().unwrap().contains("fails.lua:4:"), "{end}");
}
