//! Going on from an earlier question, and running a program again from its record.

use serde_json::{Value, json};

use super::home::Home;

const ASKS_TWICE: &str = "local a = alc.llm('first?') alc.state.set('k', a) local b = alc.llm('second?') return a .. b";

/// A session that was answered to its end in the journal of the home, and its id.
fn done(home: &Home) -> String {
    let answers =
        home.file("answers.jsonl", "{\"match\": \"first\", \"response\": \"one\"}\n{\"response\": \"two\"}\n");
    let answers = answers.to_str().unwrap();
    let ended =
        home.run(&["run", "--code", ASKS_TWICE, "--answers", answers, "-o", "jsonl", "--journal", &journal(home)]);
    let terminal = ended.exits(0).terminal();
    assert_eq!(terminal["value"], "onetwo");
    terminal["session"].as_str().unwrap().to_owned()
}

fn journal(home: &Home) -> String {
    home.path().join("journal.db").to_str().unwrap().to_owned()
}

fn one(home: &Home, args: &[&str]) -> Value {
    home.run(&[args, &["-o", "jsonl", "--journal", &journal(home)]].concat()).exits(0).lines().remove(0)
}

#[test]
fn a_rewound_session_asks_again_from_one_question_on() {
    let home = Home::new();
    let id = done(&home);
    let preview = one(&home, &["session", "rewind", &id, "--at", "q-1", "--dry-run"]);
    assert_eq!(
        (&preview["prompt"], &preview["kept"], &preview["session"]),
        (&json!("first?"), &json!(0), &Value::Null)
    );
    assert_eq!(preview["left"].as_array().map(Vec::len), Some(2));
    assert_eq!(preview["written"][0]["file"], "state/default.json");

    let made = one(&home, &["session", "rewind", &id[..8], "--at", "q-2", "--answer", "zwei"]);
    assert_eq!((&made["execution"]["state"], &made["execution"]["value"]), (&json!("done"), &json!("onezwei")));
    let branch = made["session"].as_str().unwrap().to_owned();
    let waits = one(&home, &["session", "fork", &branch, "--at", "q-1"]);
    assert_eq!((&waits["execution"]["state"], &waits["kept"]), (&json!("paused"), &json!(0)));
    let waits = waits["session"].as_str().unwrap();

    for (id, state) in [(&*id, "done"), (&branch, "done"), (waits, "paused")] {
        assert_eq!(one(&home, &["session", "show", id])["state"], state);
        assert_eq!(one(&home, &["session", "verify", id])["verified"], true);
    }
    let dry = ["session", "rewind", &id, "--at", "q-2", "--answer", "drei", "--dry-run", "--journal", &journal(&home)];
    let text = home.run(&dry).exits(0);
    assert_eq!(text.stdout, "asks again: second?\nkeeps 1 answers, leaves 1\n  q-2 file: two\n");
    let never = home.run(&["session", "fork", &id, "--at", "q-9", "--journal", &journal(&home)]).exits(2);
    assert!(never.stderr.contains("has not asked q-9; it has asked q-1 to q-2"), "{}", never.stderr);
}

#[test]
fn to_rewind_a_session_that_waits_for_its_children_ends_them_and_the_answer_may_fork_again() {
    let home = Home::new();
    home.file("lib/asks/init.lua", "return { run = function() return alc.llm('child?') end }");
    let first = home.file("first.jsonl", r#"{"match": "first", "response": "x"}"#);
    let code = "alc.llm('first?') return alc.fork({'asks'}, {})";
    let start = ["run", "--code", code, "--lib", "lib", "--answers", first.to_str().unwrap(), "-o", "jsonl"];
    let left = home.run(&[&start[..], &["--journal", &journal(&home)]].concat()).exits(6);
    let id = left.terminal()["session"].as_str().unwrap().to_owned();

    let made = one(&home, &["session", "rewind", &id, "--at", "q-1", "--answer", "y"]);
    assert_eq!(made["execution"], json!({ "state": "running", "waiting_on": 1 }));
    let all = home.run(&["session", "list", "-o", "jsonl", "--journal", &journal(&home)]).exits(0).lines();
    let states: Vec<_> = all.iter().map(|it| (it["parent"] == json!(id), it["state"].as_str().unwrap())).collect();
    assert_eq!(states.iter().filter(|it| **it == (true, "cancelled")).count(), 1, "{states:?}");
    assert_eq!(states.iter().filter(|(_, state)| *state == "paused").count(), 1, "{states:?}");
}

#[test]
fn a_branch_whose_answer_is_refused_is_named() {
    let home = Home::new();
    let config = home.file("small.toml", "[limits]\nanswer_size = \"1KB\"\n");
    let start = ["run", "--code", "return alc.llm('first?')", "-o", "jsonl", "--config", config.to_str().unwrap()];
    let left = home.run(&[&start[..], &["--journal", &journal(&home)]].concat()).exits(6);
    let id = left.terminal()["session"].as_str().unwrap().to_owned();
    let long = "x".repeat(2000);
    let args = ["session", "fork", &id, "--at", "q-1", "--answer", &long, "--journal", &journal(&home)];
    let told = home.run(&args).exits(2);
    let made = told.stdout.lines().find_map(|line| line.strip_prefix("session ")?.strip_suffix(" is paused")).unwrap();
    let expected = format!("error: session {made} is there and was not answered: ");
    assert!(told.stderr.starts_with(&expected), "{told:#?}");
}

#[test]
fn the_record_of_a_run_is_verified_too() {
    let home = Home::new();
    let ended = home.run(&["run", "--code", "return math.random(1000)", "-o", "jsonl"]).exits(0);
    let id = ended.terminal()["session"].as_str().unwrap().to_owned();
    let text = home.run(&["session", "verify", &id]).exits(0).stdout;
    assert_eq!(text, format!("ok   {id}  2 events came again\n"));
    home.run(&["session", "verify", "ffffffffffffffff"]).exits(3);
}

#[test]
fn a_branch_is_as_old_as_it_is_there() {
    let home = Home::new();
    let id = done(&home);
    let branch = one(&home, &["session", "fork", &id, "--at", "q-2"])["session"].as_str().unwrap().to_owned();
    for verb in [&["session", "show", &branch][..], &["session", "list", "--where", "state:paused"]] {
        let shown = one(&home, verb);
        assert_eq!(shown["session"], branch);
        assert_eq!(shown["created_at"], shown["branch"]["made_at"], "{shown}");
    }
}

#[test]
fn of_a_child_that_cannot_be_branched_it_is_said_what_can() {
    let home = Home::new();
    home.file("lib/asks/init.lua", "return { run = function() return alc.llm('child?') end }");
    home.file("lib/nests/init.lua", "return { run = function() return alc.fork({'asks'}, {})[1].result end }");
    let first = home.file("first.jsonl", r#"{"match": "first", "response": "x"}"#);
    for (code, can) in [
        ("return alc.fork({'nests'}, {})", "has asked nothing itself: run its program again"),
        ("alc.llm('first?') return alc.fork({'nests'}, {})", "can be branched at what it has asked itself: q-1"),
    ] {
        let start = ["run", "--code", code, "--lib", "lib", "--answers", first.to_str().unwrap(), "-o", "jsonl"];
        let lines = home.run(&[&start[..], &["--journal", &journal(&home)]].concat()).exits(6).lines();
        let (top, asks) =
            (lines[0]["session"].as_str().unwrap(), |line: &&Value| line["info"]["prompts"][0]["prompt"] == "child?");
        let child = lines.iter().find(asks).unwrap()["child"].as_str().unwrap();
        let told =
            home.run(&["session", "rewind", child, "--at", "f-0-1", "--journal", &journal(&home)]).exits(2).stderr;
        assert_eq!(told, format!("error: {child} is a child of a fork; {top}, from which it comes, {can}\n"));
    }
}
