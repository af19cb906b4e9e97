//! `run`: what it prints, in each form, and what its options mean.

use serde_json::{Value, json};

use super::home::Home;

const ASK: &str = "return alc.llm('How many?')";

#[test]
fn programs_see_the_environment_they_are_given_and_their_home() {
    let home = Home::new();
    let code = "return {alc.env.TOKEN, os.getenv('TOKEN'), tostring(os.getenv('PATH')), alc._dirs.state == os.getenv('HOME') .. '/state'}";
    let ended = home.run(&["run", "--code", code, "--env", "TOKEN=a=b", "-o", "json"]).exits(0);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["sessions"][0]["value"], json!(["a=b", "a=b", "nil", true]));
}

#[test]
fn events_are_printed_as_they_happen_each_with_its_session_and_number() {
    let home = Home::new();
    let answers = home.file("answers.jsonl", r#"{"response": "seven"}"#);
    let ended = home.run(&["run", "--code", ASK, "--answers", answers.to_str().unwrap(), "-o", "jsonl"]).exits(0);
    let lines = ended.lines();
    let (terminal, events) = lines.split_last().unwrap();
    let session = &events[0]["session"];
    assert_eq!(session.as_str().unwrap().len(), 16);
    for (at, event) in events.iter().enumerate() {
        assert_eq!(&event["session"], session);
        assert_eq!(event["seq"], at as u64 + 1);
        assert!(event["at"].is_i64());
    }
    let kinds: Vec<_> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "tick",
            "state_transition",
            "pause_requested",
            "llm_call_begin",
            "answer_accepted",
            "llm_call_end",
            "state_transition",
            "resume_accepted",
            "state_transition"
        ]
    );
    let prompt = &events[2]["info"]["prompts"][0];
    let expected = json!({
        "query_id": "q-1", "prompt": "How many?", "system": null, "line": 1, "max_tokens": 1024,
        "grounded": false, "underspecified": false,
    });
    assert_eq!(prompt, &expected);
    assert_eq!(events[4]["by"], "file");

    assert_eq!(terminal["session"], *session);
    assert_eq!(terminal["usage"]["llm_calls"], 1);
    assert_eq!(
        without(terminal, &["session", "usage"]),
        json!({
            "kind": "terminal", "state": "done", "value": "seven", "pauses": 1, "queries": 1,
        })
    );
    assert_eq!(ended.stderr, "");
}

#[test]
fn one_document_at_the_end_holds_every_session_in_its_order() {
    let home = Home::new();
    let ended = home.run(&["run", "--code", "return ctx", "--ctx", r#"{"a": [1, null]}"#, "-n", "3", "-o", "json"]);
    let document: Value = serde_json::from_str(&ended.exits(0).stdout).unwrap();
    let sessions = document["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 3);
    assert!(sessions.iter().all(|session| session["state"] == "done" && session["kind"] == "terminal"));
}

#[test]
fn text_for_people_shows_control_characters_as_signs() {
    let home = Home::new();
    let code = r#"alc.log("info", "a\27[31mb\r\nc") return alc.llm("x\27]0;t\7y\u{202e}z")"#;
    let ended = home.run(&["run", "--code", code]).exits(6);
    assert_eq!(ended.stdout, "running\n  info: a␛[31mb␍⏎c\n? q-1 x␛]0;t␇y<U+202E>z\nwaiting: q-1 x␛]0;t␇y<U+202E>z\n");
}

#[test]
fn colour_is_used_only_where_it_is_asked_for() {
    let home = Home::new();
    let colored = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = home.switchboard(&["run", "--code", "return 1"]);
        let ended = command.args(arguments).envs(variables.iter().copied()).output().unwrap();
        String::from_utf8(ended.stdout).unwrap().contains('\x1b')
    };
    assert!(!colored(&[], &[]));
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(colored(&[], &[("SWITCHBOARD_COLOR", "always")]));
    assert!(!colored(&["--color", "never"], &[("SWITCHBOARD_COLOR", "always")]));
}

#[test]
fn the_program_comes_from_a_file_from_standard_input_or_from_the_arguments() {
    let home = Home::new();
    let file = home.file("seven.lua", "#!/usr/bin/env lua\nreturn 7");
    let value = |arguments: &[&str], input| {
        let arguments = [arguments, &["-o", "jsonl"]].concat();
        home.run_with_input(&arguments, input).exits(0).terminal()["value"].clone()
    };
    assert_eq!(value(&["run", file.to_str().unwrap()], ""), 7);
    assert_eq!(value(&["run", "-"], "return 8"), 8);
    assert_eq!(value(&["run", "--code", "return 9"], ""), 9);
    assert_eq!(value(&["run", "-"], "\u{feff}return 'é'"), "é");
}

#[test]
fn an_error_names_the_script_and_its_own_line() {
    let home = Home::new();
    let file = home.file("sub/broken.lua", "local x = 1\nerror('no')");
    let terminal = home.run(&["run", file.to_str().unwrap(), "-o", "jsonl"]).exits(7).terminal();
    assert_eq!(terminal["state"], "failed");
    let error = terminal["error"].as_str().unwrap();
    assert!(error.contains("broken.lua:2: no"), "{error}");
}

#[test]
fn ctx_is_a_value_or_a_file() {
    let home = Home::new();
    home.file("ctx.json", "{\"n\": 41}");
    for ctx in ["{\"n\": 41}", "@ctx.json"] {
        let ended = home.run(&["run", "--code", "return ctx.n + 1", "--ctx", ctx, "-o", "jsonl"]);
        assert_eq!(ended.exits(0).terminal()["value"], 42, "{ctx}");
    }
    let ended = home.run(&["run", "--code", "return next(ctx) == nil", "-o", "jsonl"]);
    assert_eq!(ended.exits(0).terminal()["value"], true);
}

#[test]
fn modules_are_found_in_the_libraries_in_order_and_then_among_the_packages() {
    let home = Home::new();
    home.file("one/a.lua", "return 'one'");
    home.file("two/a.lua", "return 'two'");
    home.file("two/b/init.lua", "return 'b'");
    home.file("home/.local/share/switchboard/packages/c.lua", "return 'c'");
    home.file("home/.local/share/switchboard/packages/a.lua", "return 'package'");
    let code = "return { require('a'), require('b'), require('c') }";
    let ended = home.run(&["run", "--code", code, "--lib", "one", "--lib", "two", "-o", "jsonl"]).exits(0);
    assert_eq!(ended.terminal()["value"], json!(["one", "b", "c"]));
    home.file("elsewhere/packages/a.lua", "return 'elsewhere'");
    let ended = home.run(&["run", "--code", "return require('a')", "--home", "elsewhere", "-o", "jsonl"]).exits(0);
    assert_eq!(ended.terminal()["value"], "elsewhere");
}

#[test]
fn as_many_pauses_as_allowed_are_answered_and_the_next_is_announced() {
    let home = Home::new();
    let answers = home.file("answers.jsonl", r#"{"response": "y"}"#);
    let code = "while true do alc.llm('again?') end";
    let arguments = ["run", "--code", code, "--answers", answers.to_str().unwrap(), "--max-pauses", "3", "-o", "jsonl"];
    let ended = home.run(&arguments).exits(4);
    let count = |kind| ended.lines().iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((count("pause_requested"), count("answer_accepted")), (4, 3));
    let terminal = ended.terminal();
    assert_eq!((&terminal["state"], &terminal["limit"]), (&json!("failed"), &json!("pauses")));
    assert_eq!(terminal["pauses"], 4);
}

#[test]
fn time_and_memory_are_limits() {
    let home = Home::new();
    for (arguments, limit) in [
        (["--code", "while true do end", "--timeout", "50ms"], "wall"),
        (["--code", "local s = 'x' while true do s = s .. s end", "--memory", "4MB"], "memory"),
    ] {
        let ended = home.run(&[["run", "-o", "jsonl"].as_slice(), &arguments].concat()).exits(4);
        assert_eq!(ended.terminal()["limit"], limit);
    }
    // A question that is never answered counts as well, and so does one that an answerer sits on.
    let ended = home.run(&["run", "--code", ASK, "--answerer", "cat > seen", "--timeout", "300ms", "-o", "jsonl"]);
    assert_eq!(ended.exits(4).terminal()["limit"], "wall");
}

#[test]
fn a_thousand_copies_run_at_once_with_answers_from_any_source() {
    let home = Home::new();
    let answers = home.file("answers.jsonl", r#"{"match": "many", "response": "7"}"#);
    let answerer = "while read -r line; do echo '{\"response\": \"7\"}'; done";
    let lines = "{\"query_id\": \"q-1\", \"response\": \"7\"}\n".repeat(1000);
    for (source, input) in [
        (["--answers", answers.to_str().unwrap()].as_slice(), ""),
        (&["--answerer", answerer], ""),
        (&["--stdin"], lines.as_str()),
    ] {
        let arguments = [["run", "--code", ASK, "-n", "1000", "-o", "jsonl"].as_slice(), source].concat();
        let terminals = home.run_with_input(&arguments, input).exits(0).terminals();
        assert_eq!(terminals.len(), 1000, "{source:?}");
        assert!(terminals.iter().all(|terminal| terminal["value"] == "7"), "{source:?}");
    }
}

fn without(value: &Value, fields: &[&str]) -> Value {
    let mut value = value.clone();
    for field in fields {
        value.as_object_mut().unwrap().remove(*field).unwrap();
    }
    value
}
