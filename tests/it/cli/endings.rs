//! How a run ends: exit codes of mixed ends, signals, readers that leave.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use super::home::{Ended, Home, signal};

/// Ends as its answer says.
const ENDS: &str = "local end_ = alc.llm('how?') if end_ == 'fail' then error('so') elseif end_ == 'limit' then \
                    local s = 'x' while true do s = s .. s end end return end_";

#[test]
fn of_mixed_ends_failed_comes_before_a_limit_before_waiting() {
    let home = Home::new();
    let code = |answers: &[&str], copies: &str| {
        let line = |answer| format!("{{\"query_id\": \"q-1\", \"response\": \"{answer}\"}}\n");
        let input: String = answers.iter().map(line).collect();
        let arguments = ["run", "--code", ENDS, "--stdin", "-n", copies, "--memory", "4MB", "-o", "jsonl"];
        home.run_with_input(&arguments, &input).code
    };
    assert_eq!(code(&["ok", "ok", "ok"], "3"), Some(0));
    assert_eq!(code(&["ok", "ok"], "3"), Some(6));
    assert_eq!(code(&["ok", "limit"], "3"), Some(4));
    assert_eq!(code(&["fail", "limit"], "3"), Some(7));
}

/// A program that has begun to wait, and the rest of its output.
fn waiting(home: &Home, arguments: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut child = home.switchboard(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    read_until(&mut output, "pause_requested");
    (child, output)
}

fn read_until(output: &mut impl BufRead, word: &str) {
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "it ended without {word}");
    }
}

#[test]
fn a_signal_ends_the_sessions_first() {
    let home = Home::new();
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let arguments = ["run", "--code", "return alc.llm('x')", "--stdin", "-n", "3", "-o", "jsonl", "--ephemeral"];
        let (mut child, mut output) = waiting(&home, &arguments);
        // Its input stays open: nothing but the signal can end it.
        let input = child.stdin.take();
        signal(child.id(), name);
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        Ended::of(child).exits(code);
        drop(input);
        let lines: Vec<Value> = rest.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let terminals: Vec<_> = lines.iter().filter(|line| line["kind"] == "terminal").collect();
        assert!(!terminals.is_empty());
        for terminal in terminals {
            assert_eq!(terminal["state"], "cancelled");
            assert_eq!(terminal["reason"]["code"], "system_shutdown");
        }
    }
}

#[test]
fn a_signal_ends_a_program_that_never_rests() {
    let home = Home::new();
    let arguments = ["run", "--code", "alc.llm('x') while true do end", "--stdin", "-o", "jsonl", "--ephemeral"];
    let (mut child, mut output) = waiting(&home, &arguments);
    let mut input = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, b"{\"query_id\": \"q-1\", \"response\": \"go\"}\n").unwrap();
    read_until(&mut output, "resume_accepted");
    signal(child.id(), "TERM");
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("\"seen_at\":\"running\""), "{rest}");
    Ended::of(child).exits(143);
}

#[test]
fn a_signal_ends_a_run_whose_output_nobody_takes() {
    let home = Home::new();
    let arguments = ["run", "--code", "alc.llm('x') while true do alc.log('info', ('x'):rep(1000)) end", "-o", "jsonl"];
    home.file("answers.jsonl", "{\"response\": \"go\"}");
    let arguments = [arguments.as_slice(), &["--answers", "answers.jsonl"]].concat();
    let (child, output) = waiting(&home, &arguments);
    signal(child.id(), "TERM");
    Ended::of(child).exits(143);
    drop(output);
}

/// Reads no further than into the middle of the line that holds `field`.
fn read_into(output: &mut impl BufRead, field: &str) -> String {
    let mut text = Vec::new();
    loop {
        let start = text.len();
        assert_ne!(output.read_until(b',', &mut text).unwrap(), 0, "it ended without {field}");
        if String::from_utf8_lossy(&text[start..]).contains(field) {
            return String::from_utf8(text).unwrap();
        }
    }
}

const TERMINAL: &str = "\"kind\":\"terminal\"";

#[test]
fn a_signal_ends_a_run_that_has_only_to_print_its_last_lines() {
    let home = Home::new();
    // Twice as much as a pipe holds, and more. In the second run the sessions wait for somebody to read, too.
    for (code, copies) in [("return ('x'):rep(200000)", "1"), ("alc.llm(('x'):rep(100000))", "120")] {
        for (name, status) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
            let mut child = home.switchboard(&["run", "--code", code, "-n", copies, "-o", "jsonl"]).spawn().unwrap();
            let mut output = BufReader::new(child.stdout.take().unwrap());
            read_into(&mut output, TERMINAL);
            signal(child.id(), name);
            Ended::of(child).exits(status);
            drop(output);
        }
    }
}

#[test]
fn a_signal_ends_a_run_that_has_only_to_print_its_document() {
    let home = Home::new();
    let arguments = ["run", "--code", "return ('x'):rep(200000)", "-o", "json"];
    let mut child = home.switchboard(&arguments).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    read_into(&mut output, TERMINAL);
    signal(child.id(), "TERM");
    Ended::of(child).exits(143);
    drop(output);
}

#[test]
fn sessions_left_waiting_are_told_by_the_exit_code_also_to_a_reader_that_leaves_meanwhile() {
    let home = Home::new();
    let arguments = ["run", "--code", "alc.llm(('x'):rep(100000))", "-n", "120", "-o", "jsonl"];
    let mut child = home.switchboard(&arguments).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    read_into(&mut output, TERMINAL);
    drop(output);
    let ended = Ended::of(child).exits(6);
    assert!(ended.stderr.starts_with("120 sessions are left (") && ended.stderr.lines().count() == 1);
}

#[test]
fn a_reader_that_leaves_ends_the_run_which_says_what_it_has_left() {
    let home = Home::new();
    home.file("answers.jsonl", "{\"response\": \"go\"}");
    let code = "while true do alc.llm('again?') end";
    let stopped = |copies: &str, more: &[&str]| {
        let arguments = ["run", "--code", code, "--answers", "answers.jsonl", "-o", "jsonl", "-n", copies];
        let (child, output) = waiting(&home, &[&arguments[..], more].concat());
        drop(output);
        let ended = Ended::of(child).exits(6);
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:#?}");
        let told = ended.stderr.strip_prefix("nobody reads standard output any more; ");
        told.unwrap_or_else(|| panic!("{ended:#?}")).trim_end().to_owned()
    };
    let told = stopped("1", &["--journal", "one.db"]);
    let resume = told.strip_prefix("it goes on with: switchboard ").unwrap_or_else(|| panic!("{told}"));
    let again = home.run(&resume.split(' ').collect::<Vec<_>>()).exits(6);
    assert_eq!(again.stderr, format!("{told}\n"), "it is there, and waits");
    let told = stopped("3", &[]);
    assert!(told.contains("each goes on with: switchboard run --resume ID") || told.contains("not started"), "{told}");
    let told = stopped("1", &["--ephemeral"]);
    assert_eq!(told, "1 of 1 sessions had not ended, and nothing of them is kept");
}

#[test]
fn what_has_ended_as_its_reader_leaves_ends_well() {
    let home = Home::new();
    // The reader gets the first byte of more than a pipe holds, all of which comes at once.
    let arguments = ["run", "--code", "return ('x'):rep(200000)", "-o", "jsonl"];
    let mut child = home.switchboard(&arguments).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    read_into(&mut output, TERMINAL);
    drop(output);
    let ended = Ended::of(child).exits(0);
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_reader_that_has_left_before_is_no_error_for_what_prints_once() {
    let home = Home::new();
    for arguments in [&["info", "--paths"][..], &["man"], &["completion", "bash"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = home.switchboard(arguments).stdout(writer).spawn().unwrap();
        let ended = Ended::of(child).exits(0);
        assert_eq!(ended.stderr, "", "{arguments:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let home = Home::new();
    // Linux has a device that is always full.
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    for arguments in [&["run", "--code", "return 1"][..], &["info"], &["--help"], &["session", "show", "--help"]] {
        let child = home.switchboard(arguments).stdout(full.try_clone().unwrap()).spawn().unwrap();
        let ended = Ended::of(child).exits(1);
        assert!(ended.stderr.starts_with("error: standard output: No space left on device"), "{arguments:?}");
    }
}

#[test]
fn whatever_a_family_waits_for_is_printed_also_where_nothing_is_kept_of_it() {
    let home = Home::new();
    home.file("lib/asks/init.lua", "return { run = function() return alc.llm('child?') end }");
    home.file("lib/nests/init.lua", "return { run = function() return alc.fork({'asks', 'asks'}, {})[1].result end }");
    let code = "return alc.fork({'nests', 'asks', 'nests'}, {})[1].result";
    for _ in 0..8 {
        let left = home.run(&["run", "--code", code, "--lib", "lib", "-o", "jsonl", "--ephemeral"]).exits(6);
        let terminal = left.terminal();
        let pending = terminal["pending"].as_array().unwrap().iter();
        let mut asked: Vec<_> = pending.map(|prompt| prompt["query_id"].as_str().unwrap()).collect();
        asked.sort_unstable();
        assert_eq!(asked, ["f-0-1", "f-0-1", "f-1-1", "f-1-1", "f-1-1"], "{left:#?}");
        assert!(left.lines().iter().all(|line| line["kind"] != "child_ended"), "no program is told: {left:#?}");
    }
}
