//! What installed packages, children and state look like from the command line.

use serde_json::{Value, json};

use super::home::{Ended, Home};

/// A home with two packages: one asks twice, one forks the other.
fn home() -> Home {
    let home = Home::new();
    let asks = "--- asks — asks twice\nreturn { run = function(ctx) return alc.llm(ctx.task .. ' 1') .. alc.llm(ctx.task .. ' 2') end }";
    home.file("lib/asks.lua", asks);
    home.file("lib/forks.lua", "return { run = function(ctx) return alc.fork({ 'asks', 'asks' }, ctx) end }");
    home
}

fn run(home: &Home, arguments: &[&str]) -> Ended {
    home.run(&[["run", "--lib", "lib", "-o", "jsonl"].as_slice(), arguments].concat())
}

#[test]
fn advice_runs_an_installed_package_with_its_task_and_options() {
    let home = home();
    home.file("lib/echo.lua", "return { run = function(ctx) return ctx end }");
    home.file("opts.json", r#"{"depth": 2}"#);
    let ended = run(&home, &["--advice", "echo", "--task", "--think", "--opts", "@opts.json"]).exits(0);
    assert_eq!(ended.terminal()["value"], json!({ "task": "--think", "depth": 2 }));
}

#[test]
fn what_is_not_installed_is_a_usage_error_that_says_what_to_do() {
    let home = home();
    let told = |arguments: &[&str]| home.run(&[&["run"], arguments].concat()).exits(2).stderr;
    assert_eq!(
        told(&["--advice", "nope"]),
        "error: starting a session: invalid spec: no package nope in the library directories; install it there or \
         give its directory with --lib\n"
    );
    let eval = |scenario: &str| told(&["--eval", scenario, "--strategy", "asks", "--lib", "lib"]);
    assert!(eval("nope").contains("no scenario nope: no module and no file of the scenarios directory has this name"));
    assert!(eval("nope.lua").contains("no scenario nope.lua: no such file; check the name"));
    assert!(told(&["--advice", "asks", "--opts", "[1]"]).contains("opts must be a JSON object"));
    assert!(told(&["--advice", "asks", "--opts", "{"]).contains("--opts: it is not JSON"));
    assert!(told(&["--eval", "x"]).contains("--strategy"));
    assert!(told(&["--advice", "asks", "--ctx", "{}"]).contains("cannot be used with"));
}

#[test]
fn children_print_their_events_under_the_session_of_the_run_and_every_source_answers_them() {
    let home = home();
    home.file("answers.jsonl", r#"{"response": "A"}"#);
    let answerer = "while read -r line; do echo '{\"response\": \"A\"}'; done";
    let lines = |child: usize, query: usize| format!("{{\"query_id\": \"f-{child}-{query}\", \"response\": \"A\"}}\n");
    let input: String = [(0, 1), (0, 2), (1, 2), (1, 1)].map(|(child, query)| lines(child, query)).concat();
    for (source, input) in
        [(&["--answers", "answers.jsonl"][..], ""), (&["--answerer", answerer], ""), (&["--stdin"], &input)]
    {
        let arguments = ["run", "--lib", "lib", "-o", "jsonl", "--advice", "forks", "--task", "t"];
        let ended = home.run_with_input(&[&arguments, source].concat(), input).exits(0);
        let of_child = json!({ "strategy": "asks", "ok": true, "result": "AA" });
        assert_eq!(ended.terminal()["value"], json!([of_child, of_child]), "{source:?}");
        assert_eq!(ended.terminal()["queries"], 4);
        let lines = ended.lines();
        let session = &lines[0]["session"];
        assert!(lines.iter().all(|line| line["session"] == *session), "all of it is one session of the run");
        let asked = |line: &&Value| line["kind"] == "llm_call_begin";
        assert!(lines.iter().filter(asked).all(|line| line["child"].is_string()));
        let started: Vec<_> = lines.iter().filter(|line| line["kind"] == "child_started").collect();
        assert_eq!(started.len(), 2);
        for child in started {
            let own: Vec<_> = lines.iter().filter(|line| line["child"] == child["id"]).collect();
            let numbers: Vec<_> = own.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
            assert_eq!(numbers, (1..=own.len() as u64).collect::<Vec<_>>());
            assert_eq!(own.last().unwrap()["end"]["value"], "AA");
        }
        assert_eq!(ended.stderr, "");
    }
}

#[test]
fn a_line_may_name_the_session_of_the_run_for_the_query_of_a_child() {
    let home = home();
    let mut child = home
        .switchboard(&["run", "--lib", "lib", "-o", "jsonl", "--advice", "forks", "--task", "t", "--stdin"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let session = first["session"].as_str().unwrap().to_owned();
    let mut stdin = child.stdin.take().unwrap();
    let mut answered = 0;
    for line in lines {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if line["kind"] == "llm_call_begin" {
            answered += 1;
            let named = if answered % 2 == 0 { &session[..5] } else { &session };
            let reply = json!({ "session": named, "query_id": line["query_id"], "response": "A" });
            std::io::Write::write_all(&mut stdin, format!("{reply}\n").as_bytes()).unwrap();
        }
        if line["kind"] == "terminal" {
            assert_eq!(line["state"], "done");
        }
    }
    assert_eq!(answered, 4);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_run_whose_children_wait_for_nobody_ends_and_says_so() {
    let home = home();
    home.file("answers.jsonl", r#"{"match": "1$", "response": "A"}"#);
    let arguments = ["run", "--lib", "lib", "--advice", "forks", "--task", "t", "--answers", "answers.jsonl"];
    let ended = home.run(&[&arguments[..], &["-o", "jsonl"]].concat()).exits(6);
    let asked = ended.lines().into_iter().filter(|line| line["kind"] == "llm_call_begin").count();
    assert_eq!(asked, 4, "each child came as far as it could");
    let terminal = ended.terminal();
    assert_eq!(terminal["state"], "waiting");
    let ids: Vec<_> = terminal["pending"].as_array().unwrap().iter().map(|prompt| &prompt["query_id"]).collect();
    assert_eq!(ids, ["f-0-2", "f-1-2"]);
    let text = home.run(&arguments).exits(6).stdout;
    assert!(text.ends_with("waiting: f-0-2 t 2\nwaiting: f-1-2 t 2\n"), "{text}");
}

#[test]
fn what_a_child_did_is_printed_before_its_parent_says_that_it_has_ended() {
    let home = home();
    home.file("lib/twice.lua", "return { run = function(ctx) return alc.fork({ 'forks', 'forks' }, ctx) end }");
    home.file("answers.jsonl", r#"{"response": "A"}"#);
    let arguments = ["run", "--lib", "lib", "--advice", "twice", "--task", "t", "--answers", "answers.jsonl"];
    // Each session is printed by itself: now and then, one would be late.
    for _ in 0..10 {
        let text = home.run(&arguments).exits(0).stdout;
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.last().unwrap().starts_with("done: "), "{text}");
        let mut ends = 0;
        for (at, line) in lines.iter().enumerate() {
            let Some((child, "done")) = line.split_once("  child ").and_then(|(_, end)| end.split_once(": ")) else {
                continue;
            };
            ends += 1;
            let is_of_it = |line: &&&str| line.starts_with(child);
            assert_eq!(lines[at..].iter().find(is_of_it), None, "{text}");
        }
        assert_eq!(ends, 2 + 4);
    }
    for _ in 0..10 {
        let lines = home.run(&[&arguments[..], &["-o", "jsonl"]].concat()).exits(0).lines();
        let last = |child: &Value| lines.iter().rposition(|line| line["child"] == *child).unwrap();
        let ends = lines.iter().enumerate().filter(|(_, line)| line["kind"] == "child_ended");
        assert!(ends.map(|(at, line)| at > last(&line["id"])).eq([true; 6]));
    }
}

#[test]
fn two_processes_that_write_one_state_file_lose_nothing() {
    const TIMES: usize = 60;
    let home = Home::new();
    let code = |name: &str| {
        format!(
            "for i = 1, {TIMES} do alc.state.incr('both') alc.state.set('{name}' .. i, i) alc.state.incr('p:both') end"
        )
    };
    let start =
        |name: &str| home.switchboard(&["run", "--code", &code(name), "-n", "2", "-o", "json"]).spawn().unwrap();
    let both = [start("a"), start("b")];
    for ended in both.map(Ended::of) {
        ended.exits(0);
    }
    let read = "local n = 0 for _ in ipairs(alc.state.keys()) do n = n + 1 end \
                return { alc.state.get('both'), alc.state.get('p:both'), n }";
    let value = home.run(&["run", "--code", read, "-o", "jsonl"]).exits(0).terminal()["value"].clone();
    assert_eq!(value, json!([4.0 * TIMES as f64, 4.0 * TIMES as f64, 2 * TIMES + 1]));
}
