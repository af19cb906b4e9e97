//! The sources of answers: file, answerer, standard input, and their order.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use super::home::{Ended, Home};

/// An answerer that takes the words of the command line as its answers, each for the prompt of the same name.
const ECHO: &str = r#"while read -r line; do
  id=$(printf '%s' "$line" | sed 's/.*"query_id":"\([^"]*\)".*/\1/')
  printf '{"query_id":"%s","response":"A"}\n' "$id"
done"#;

fn run(home: &Home, code: &str, more: &[&str], input: &str) -> Ended {
    home.run_with_input(&[["run", "--code", code, "-o", "jsonl"].as_slice(), more].concat(), input)
}

fn accepted(ended: &Ended) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let lines = ended.lines().into_iter().filter(|line| line["kind"] == "answer_accepted");
    lines.map(|line| (text(&line["query_id"]), text(&line["by"]))).collect()
}

#[test]
fn sources_are_asked_in_the_order_file_answerer_standard_input() {
    let home = Home::new();
    home.file("answers.jsonl", r#"{"match": "^f", "response": "F"}"#);
    // It answers one question and is then gone for good: after three failures it is given up.
    let once = "test -e gone && exit; touch gone; read -r line; echo '{\"response\":\"A\"}'";
    let code = "return { alc.llm('f'), alc.llm('x'), alc.llm('y'), alc.llm('f') }";
    let input = "{\"query_id\": \"q-3\", \"response\": \"S\"}\n";
    let ended = run(&home, code, &["--answers", "answers.jsonl", "--answerer", once, "--stdin"], input).exits(0);
    assert_eq!(ended.terminal()["value"], json!(["F", "A", "S", "F"]));
    let by: Vec<_> = accepted(&ended).into_iter().map(|(_, by)| by.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(by, ["file", "answerer", "stdin", "file"]);
    assert!(ended.stderr.contains("given up after 3 failures in a row"), "{}", ended.stderr);
}

#[test]
fn a_batch_is_answered_part_by_part_from_several_sources() {
    let home = Home::new();
    home.file("answers.jsonl", r#"{"match": "b", "response": "F"}"#);
    let code = "return alc.llm_batch({ {prompt='a'}, {prompt='b'}, {prompt='c'} })";
    let input = "{\"query_id\": \"q-3\", \"response\": \"C\"}\n\n{\"query_id\": \"q-1\", \"response\": \"A\"}\n";
    let ended = run(&home, code, &["--answers", "answers.jsonl", "--stdin"], input).exits(0);
    assert_eq!(ended.terminal()["value"], json!(["A", "F", "C"]));
    let remaining: Vec<_> = ended.lines().iter().filter_map(|line| line.get("remaining").cloned()).collect();
    assert_eq!(remaining, [2, 1, 0]);
}

#[test]
fn a_question_that_nobody_can_answer_is_printed_and_left_waiting() {
    let home = Home::new();
    home.file("answers.jsonl", r#"{"match": "^known", "response": "F"}"#);
    let code = "alc.llm('known') return alc.llm('unknown')";
    for more in [&["--answers", "answers.jsonl"][..], &["--answers", "answers.jsonl", "--stdin"]] {
        let ended = run(&home, code, more, "").exits(6);
        let terminal = ended.terminal();
        assert_eq!(terminal["state"], "waiting");
        assert_eq!((&terminal["pauses"], &terminal["queries"]), (&json!(2), &json!(2)));
        assert_eq!(terminal["pending"][0]["prompt"], "unknown");
        assert!(ended.lines().iter().all(|line| line["to"] != "cancelled"), "it is left where it stands");
        let ended = run(&home, code, &[more, &["--ephemeral"]].concat(), "").exits(6);
        assert_eq!(ended.terminal()["pending"], terminal["pending"]);
        let last = ended.lines().into_iter().rev().nth(1).unwrap();
        assert_eq!(last["end"]["reason"]["code"], "system_shutdown", "without a journal nothing is left of it");
    }
}

#[test]
fn sessions_that_go_on_are_not_held_up_by_one_that_waits() {
    let home = Home::new();
    // Two copies, one answer: the other is left waiting.
    let ended =
        run(&home, "return alc.llm('x')", &["--stdin", "-n", "2"], "{\"query_id\": \"q-1\", \"response\": \"one\"}\n");
    let mut states: Vec<_> = ended.exits(6).terminals().iter().map(|line| line["state"].to_string()).collect();
    states.sort();
    assert_eq!(states, ["\"done\"", "\"waiting\""]);
}

#[test]
fn the_answerer_gets_everything_the_program_asked_with() {
    let home = Home::new();
    let code = "alc.llm('p', {system = 's', max_tokens = 5, grounded = true, role = 'judge'})";
    let answerer = "tee seen | sed 's/.*/{\"response\": \"x\"}/'";
    // sed holds its output back until its input ends, so that one of them is all there is time for.
    run(&home, code, &["--answerer", &format!("head -n 1 | {answerer}")], "").exits(0);
    let seen: Value = serde_json::from_slice(&std::fs::read(home.path().join("seen")).unwrap()).unwrap();
    assert_eq!(seen["session"].as_str().unwrap().len(), 16);
    let mut seen = seen;
    seen.as_object_mut().unwrap().remove("session");
    assert_eq!(
        seen,
        json!({
            "query_id": "q-1", "epoch": 1, "prompt": "p", "system": "s", "max_tokens": 5, "grounded": true,
            "underspecified": false, "role": "judge", "line": 1,
        })
    );
}

#[test]
fn an_answerer_that_dies_is_started_again_and_asked_again() {
    let home = Home::new();
    let code = "return { alc.llm('x'), alc.llm('y'), alc.llm('z') }";
    let once = "read -r line; echo '{\"response\":\"A\"}'";
    let ended = run(&home, code, &["--answerer", once], "").exits(0);
    assert_eq!(ended.terminal()["value"], json!(["A", "A", "A"]));
    assert_eq!(ended.stderr, "");
    // At the first start it dies before it answers, which is told; the answer is given all the same.
    let late = "test -e started || { touch started; exit 3; }; ".to_owned() + ECHO;
    let ended = run(&home, code, &["--answerer", &late], "").exits(0);
    assert_eq!(accepted(&ended).len(), 3);
    assert!(ended.stderr.contains("q-1: it ended (exit status: 3) before it answered"), "{}", ended.stderr);
}

#[test]
fn an_answerer_that_talks_nonsense_is_asked_again_and_then_given_up() {
    let home = Home::new();
    for (answerer, fault) in [
        ("while read -r line; do echo hello; done", "its answer is no answer: expected value (column 1)"),
        ("while read -r line; do echo '{\"query_id\": \"q-9\", \"response\": \"\"}'; done", "its answer names q-9"),
        ("while read -r line; do echo '{\"response\": 7}'; done", "invalid type: integer `7`, expected a string"),
        ("while read -r line; do printf '\\377\\n'; done", "its answer is no answer"),
        ("exit 1", "it ended (exit status: 1) before it answered"),
        ("no-such-command-anywhere", "it ended (exit status: 127) before it answered"),
    ] {
        let ended = run(&home, "return alc.llm('x')", &["--answerer", answerer], "").exits(6);
        let last = ended.stderr.lines().rfind(|line| line.contains("given up")).unwrap();
        assert!(last.contains("given up after 3 failures in a row, the last at q-1: "), "{answerer}: {last}");
        assert!(last.contains(fault), "{answerer}: {last}");
        assert_eq!(ended.terminal()["state"], "waiting");
    }
}

#[test]
fn an_answerer_that_writes_without_being_asked_is_given_up() {
    let home = Home::new();
    for (answerer, fault) in [
        ("yes '{\"response\":\"x\"}'", "it answered without reading its question"),
        ("head -c 30000000 /dev/zero; cat", "its answer is a line of more than"),
    ] {
        let ended = run(&home, "return alc.llm(('x'):rep(200000))", &["--answerer", answerer], "").exits(6);
        let last = ended.stderr.lines().rfind(|line| line.contains("given up")).unwrap();
        assert!(last.contains("given up after 3 failures in a row, the last at q-1: "), "{last}");
        // It may be quicker than the question.
        assert!(last.contains(fault) || last.ends_with("it wrote more than one line for each question"), "{last}");
        assert_eq!(ended.terminal()["state"], "waiting");
    }
}

#[test]
fn a_line_too_many_is_no_answer_to_the_next_question() {
    let home = Home::new();
    let code = "alc.llm('x') while not alc.state.get('flag:written') do end return alc.llm('y')";
    // The second line is there before the second question is asked.
    let twice = "mkdir -p h/state/flag; read -r line; echo '{\"response\":\"A\"}'; \
                 test -e h/state/flag/written.json || { echo '{\"response\":\"B\"}'; echo true > h/state/flag/written.json; }; \
                 read -r line";
    let ended = run(&home, code, &["--answerer", twice, "--home", "h"], "").exits(0);
    assert_eq!(ended.terminal()["value"], "A");
    assert!(
        ended.stderr.contains("q-2: it wrote more than one line for each question; it is started again"),
        "{ended:#?}"
    );
}

#[test]
fn an_answerer_that_dies_is_noticed_whatever_it_has_started() {
    let home = Home::new();
    // What it starts holds its output open, and ends with the run at the latest: nobody could wait for it.
    let once = "sleep 10000 & read -r line; echo '{\"response\":\"A\"}'";
    let ended = run(&home, "return { alc.llm('x'), alc.llm('y') }", &["--answerer", once], "").exits(0);
    assert_eq!(ended.terminal()["value"], json!(["A", "A"]));
    let never = "sleep 10000 & exit 3";
    let ended = run(&home, "return alc.llm('x')", &["--answerer", never], "").exits(6);
    assert!(ended.stderr.contains("the last at q-1: it ended (exit status: 3) before it answered"), "{ended:#?}");
    let all = "sleep 10000 & while read -r line; do echo '{\"response\":\"A\"}'; done";
    run(&home, "return { alc.llm('x'), alc.llm('y') }", &["--answerer", all], "").exits(0);
}

#[test]
fn an_answerer_that_hangs_ends_with_the_run_and_so_does_what_it_started() {
    let home = Home::new();
    // The run ends once nobody holds its standard error any more.
    let hangs = "sleep 10000; echo never";
    let ended = run(&home, "return alc.llm('x')", &["--answerer", hangs, "--timeout", "200ms"], "").exits(4);
    assert_eq!(ended.terminal()["limit"], "wall");
}

#[test]
fn a_line_on_standard_input_waits_until_its_query_is_asked() {
    let home = Home::new();
    let code = "return { alc.llm('x'), alc.llm('y'), alc.llm('z') }";
    let input = r#"{"query_id": "q-3", "response": "3"}
{"query_id": "q-2", "response": "2", "epoch": 2, "usage": {"prompt_tokens": 10, "completion_tokens": 5}}
{"query_id": "q-1", "response": "1", "answer_id": "first"}"#;
    let ended = run(&home, code, &["--stdin"], input).exits(0);
    let terminal = ended.terminal();
    assert_eq!(terminal["value"], json!(["1", "2", "3"]));
    assert_eq!(terminal["usage"]["response_tokens"]["tokens"], 1 + 5 + 1);
}

#[test]
fn a_bad_line_on_standard_input_is_named_with_its_number_and_skipped() {
    let home = Home::new();
    let input = r#"{"query_id": "q-1", "response": "stale", "epoch": 7}
nonsense
{"query_id": "one", "response": "x"}
{"query_id": "q-1"}
{"query_id": "q-1", "response": "x", "sesion": "a"}
{"query_id": "q-1", "response": "x", "session": "here"}
{"query_id": "q-1", "response": "good"}
{"query_id": "q-7", "response": "never asked"}"#;
    let ended = run(&home, "return alc.llm('x')", &["--stdin"], input).exits(0);
    assert_eq!(ended.terminal()["value"], "good");
    for (line, fault) in [
        (1, "stale answer"),
        (2, "expected ident (column 2); it is skipped"),
        (3, "\"one\" is not a query id (such as q-3)"),
        (4, "missing field `response`"),
        (5, "unknown field `sesion`"),
        (6, "\"here\" is no session id"),
    ] {
        let told = ended.stderr.lines().find(|told| told.starts_with(&format!("standard input, line {line}: ")));
        assert!(told.is_some_and(|told| told.contains(fault)), "line {line}: {}", ended.stderr);
    }
}

#[test]
fn answers_that_nobody_asked_for_are_named_at_the_end() {
    let home = Home::new();
    let input = "{\"query_id\": \"q-9\", \"response\": \"unused\"}\n{\"query_id\": \"q-1\", \"response\": \"x\"}\n";
    let ended = run(&home, "return alc.llm('x')", &["--stdin"], input).exits(0);
    assert_eq!(ended.stderr, "standard input, line 1: nobody waited for an answer to q-9\n");
}

#[test]
fn a_conversation_over_pipes_answers_each_session_by_its_id() {
    let home = Home::new();
    let code = "return { alc.llm('a'), alc.llm('b') }";
    let mut child = home
        .switchboard(&["run", "--code", code, "-n", "3", "--stdin", "-o", "jsonl"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut ended = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let session = line["session"].as_str().unwrap();
        match line["kind"].as_str().unwrap() {
            "pause_requested" => {
                let prompt = &line["info"]["prompts"][0];
                // The first answer names a prefix, the second the whole id.
                let epoch = line["info"]["epoch"].as_u64().unwrap();
                let named = if epoch == 1 { &session[..12] } else { session };
                let response = format!("{session} {}", prompt["prompt"].as_str().unwrap());
                let answer = json!({
                    "session": named, "query_id": prompt["query_id"], "epoch": epoch, "response": response,
                });
                writeln!(input, "{answer}").unwrap();
            }
            "terminal" => {
                let expected = json!([format!("{session} a"), format!("{session} b")]);
                assert_eq!(line["value"], expected);
                ended.push(session.to_owned());
            }
            _ => {}
        }
    }
    assert_eq!(ended.len(), 3);
    Ended::of(child).exits(0);
}

#[test]
fn a_beginning_of_several_ids_is_refused_at_once() {
    let home = Home::new();
    let code = "return { alc.llm('a'), alc.llm('b') }";
    // More than there are digits: two ids begin alike.
    let arguments = ["run", "--code", code, "-n", "17", "--ephemeral", "--stdin", "-o", "jsonl"];
    let mut child = home.switchboard(&arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ids: Vec<String> = Vec::new();
    while ids.len() < 17 {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        if line["kind"] == "pause_requested" {
            ids.push(line["session"].as_str().unwrap().to_owned());
        }
    }
    let alike = |id: &str| ids.iter().filter(|other| other.starts_with(&id[..1])).count();
    let id = ids.iter().find(|id| alike(id) > 1).unwrap();
    let mut say = |session: &str, query: &str| {
        writeln!(input, "{}", json!({"session": session, "query_id": query, "response": "x"})).unwrap();
    };
    // The second one is not asked yet.
    for query in ["q-1", "q-2"] {
        say(&id[..1], query);
    }
    for id in &ids {
        say(id, "q-1");
        say(id, "q-2");
    }
    drop(input);
    assert_eq!(lines.filter(|line| line.as_ref().unwrap().contains("\"terminal\"")).count(), 17);
    let fault = format!("{} is the beginning of {} ids; give more digits; it is skipped", &id[..1], alike(id));
    let told = format!("standard input, line 1: {fault}\nstandard input, line 2: {fault}\n");
    assert_eq!(Ended::of(child).exits(0).stderr, told);
}

#[test]
fn a_byte_order_mark_before_the_first_line_is_no_part_of_it() {
    let home = Home::new();
    let input = "\u{feff}{\"query_id\": \"q-1\", \"response\": \"x\"}\n";
    let ended = run(&home, "return alc.llm('x')", &["--stdin"], input).exits(0);
    assert_eq!((&ended.terminal()["value"], &*ended.stderr), (&json!("x"), ""));
}

#[test]
fn an_answer_given_twice_is_refused_and_told() {
    let home = Home::new();
    let mut child = home
        .switchboard(&["run", "--code", "alc.llm('a') return alc.llm('b')", "--stdin", "-o", "jsonl"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut until = |epoch: u64| {
        lines.find(|line| {
            let line: Value = serde_json::from_str(line.as_ref().unwrap()).unwrap();
            line["kind"] == "pause_requested" && line["info"]["epoch"] == epoch
        })
    };
    until(1).unwrap().unwrap();
    writeln!(input, r#"{{"query_id": "q-1", "response": "x"}}"#).unwrap();
    until(2).unwrap().unwrap();
    writeln!(input, r#"{{"query_id": "q-1", "response": "y"}}"#).unwrap();
    writeln!(input, r#"{{"query_id": "q-2", "response": "z"}}"#).unwrap();
    drop(input);
    let last = lines.last().unwrap().unwrap();
    assert_eq!(serde_json::from_str::<Value>(&last).unwrap()["value"], "z");
    let ended = Ended::of(child).exits(0);
    assert!(ended.stderr.contains("line 2: q-1 of session "), "{}", ended.stderr);
    assert!(ended.stderr.contains("q-1 is already answered by stdin"), "{}", ended.stderr);
}

#[test]
fn a_refused_line_that_names_no_session_leaves_the_question_to_the_next_line() {
    let home = Home::new();
    let code = "return alc.llm_batch({ {prompt='a'}, {prompt='b'} })";
    let mut child = home
        .switchboard(&["run", "--code", code, "--stdin", "-n", "2", "-o", "jsonl"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    for _ in 0..2 {
        writeln!(input, r#"{{"query_id": "q-1", "response": "A"}}"#).unwrap();
    }
    // Once both have an answer both are known to wait for the other.
    let accepted = lines.by_ref().filter(|line| line["kind"] == "answer_accepted");
    assert_eq!(accepted.take(2).count(), 2);
    writeln!(input, r#"{{"query_id": "q-2", "epoch": 9, "response": "stale"}}"#).unwrap();
    for response in ["one", "two"] {
        writeln!(input, r#"{{"query_id": "q-2", "response": "{response}"}}"#).unwrap();
    }
    drop(input);
    let terminals = lines.filter(|line| line["kind"] == "terminal");
    let mut values: Vec<_> = terminals.map(|terminal| terminal["value"][1].to_string()).collect();
    values.sort();
    assert_eq!(values, ["\"one\"", "\"two\""]);
    let ended = Ended::of(child).exits(0);
    assert!(ended.stderr.starts_with("standard input, line 3: q-2 of session "), "{}", ended.stderr);
}

#[test]
fn an_answerer_may_give_every_answer_the_same_id() {
    let home = Home::new();
    let code = "return { alc.llm('a'), alc.llm('b') }";
    let same = r#"while read -r line; do echo '{"response":"A","answer_id":"same"}'; done"#;
    let ended = run(&home, code, &["--answerer", same], "").exits(0);
    assert_eq!(ended.terminal()["value"], json!(["A", "A"]));
    let input = "{\"query_id\":\"q-1\",\"response\":\"S\",\"answer_id\":\"same\"}\n\
                 {\"query_id\":\"q-2\",\"response\":\"T\",\"answer_id\":\"same\"}\n";
    let ended = run(&home, code, &["--stdin"], input).exits(0);
    assert_eq!(ended.terminal()["value"], json!(["S", "T"]));
}

#[test]
fn an_answer_before_the_end_of_the_output_needs_no_line_end() {
    let home = Home::new();
    let last = "read -r line; printf '{\"response\":\"A\"}'";
    let ended = run(&home, "return { alc.llm('x'), alc.llm('y') }", &["--answerer", last], "").exits(0);
    assert_eq!((&ended.terminal()["value"], &*ended.stderr), (&json!(["A", "A"]), ""));
    let closes = "read -r line; printf '{\"response\":\"B\"}'; exec >&-; sleep 10000";
    let ended = run(&home, "return alc.llm('x')", &["--answerer", closes], "").exits(0);
    assert_eq!(ended.terminal()["value"], "B");
    let half = "read -r line; printf '{\"response\":'";
    let ended = run(&home, "return alc.llm('x')", &["--answerer", half], "").exits(6);
    assert!(ended.stderr.contains("its answer is no answer: EOF while parsing"), "{ended:#?}");
}
