//! What makes no sense is one clear line on standard error, the right exit code, and nothing on standard output.

use super::home::Home;

fn home() -> Home {
    let home = Home::new();
    home.file("ok.lua", "return 1");
    home.file("blank.lua", " \n\t\n");
    home.file("latin.lua", b"return '\xe9'");
    home.file("large.lua", "-- ".repeat(1 << 20));
    home.file("bad.json", "{\"a\": }");
    home.file("answers.jsonl", "{\"response\": \"x\"}\nnonsense\n");
    home.file("unclosed.jsonl", "{\"match\": \"(\", \"response\": \"x\"}");
    home.file("a-file", "");
    std::fs::create_dir(home.path().join("dir")).unwrap();
    home
}

#[test]
fn each_is_one_line_that_names_the_thing_and_what_to_do() {
    let home = home();
    for (arguments, code, told) in [
        (&["run", "missing.lua"][..], 3, "error: missing.lua: no such file or directory; check the name"),
        (&["run", "dir"], 2, "error: dir: it is a directory; give a file"),
        (&["run", "latin.lua"], 2, "error: latin.lua: it is not UTF-8 (byte 8); save it as UTF-8"),
        (&["run", "blank.lua"], 2, "error: blank.lua: the program is blank; give it at least one statement"),
        (&["run", "large.lua"], 2, "error: large.lua: it is longer than 1048576 bytes; make it shorter"),
        (&["run", "--code", " "], 2, "error: --code: the program is blank; give it at least one statement"),
        (
            &["run", "ok.lua", "--ctx", "{nope"],
            2,
            "error: --ctx: it is not JSON (key must be a string at line 1 column 2); give a value such as {\"n\": 1}",
        ),
        (&["run", "ok.lua", "--ctx", "@none.json"], 3, "error: none.json: no such file or directory; check the name"),
        (
            &["run", "ok.lua", "--ctx", "@bad.json"],
            2,
            "error: bad.json: as ctx it is not JSON (expected value at line 1 column 7); give a value such as {\"n\": 1}",
        ),
        (
            &["run", "ok.lua", "--answers", "none.jsonl"],
            3,
            "error: none.jsonl: no such file or directory; check the name",
        ),
        (
            &["run", "ok.lua", "--answers", "answers.jsonl"],
            2,
            "error: answers.jsonl: line 2: expected ident (column 2); each line is {\"match\": REGEX, \"response\": \
             TEXT}, match may be left out",
        ),
        (
            &["run", "ok.lua", "--answers", "unclosed.jsonl"],
            2,
            "error: unclosed.jsonl: line 1: match \"(\": unclosed group; write a regular expression",
        ),
        (&["run", "ok.lua", "--lib", "none"], 3, "error: none: no such file or directory; check the name"),
        (&["run", "ok.lua", "--lib", "a-file"], 2, "error: a-file: it is not a directory; give one"),
        (
            &["run", "-", "--stdin"],
            2,
            "error: -: the program and --stdin both want standard input; give the program as a file",
        ),
        (
            &["run", "ok.lua", "--answerer", " "],
            2,
            "error: --answerer: the command is blank; give one that answers a line with a line",
        ),
        (
            &["run", "ok.lua", "-n", "0"],
            2,
            "error: invalid value '0' for '-n <COPIES>': 0 is not in 1..=4294967295; see switchboard run --help",
        ),
        (
            &["run", "ok.lua", "--tag", "novalue"],
            2,
            "error: invalid value 'novalue' for '--tag <KEY=VALUE>': it must be KEY=VALUE, such as team=ci; \
             see switchboard run --help",
        ),
        (
            &["run", "ok.lua", "--timeout", "soon"],
            2,
            "error: invalid value 'soon' for '--timeout <DURATION>': it must begin with a whole number, such as 20s; \
             see switchboard run --help",
        ),
        (
            &["run", "ok.lua", "--memory", "64"],
            2,
            "error: invalid value '64' for '--memory <SIZE>': it needs one of the units B, KB, MB, GB, such as 64MB; \
             see switchboard run --help",
        ),
        (
            &["run", "ok.lua", "-o", "yaml"],
            2,
            "error: invalid value 'yaml' for '--output <FORMAT>' [possible values: text, json, jsonl]; \
             see switchboard run --help",
        ),
        (
            &["run", "ok.lua", "--code", "return 1"],
            2,
            "error: the argument '[FILE]' cannot be used with '--code <LUA>'; see switchboard run --help",
        ),
        (
            &["run", "ok.lua", "--frobnicate", "x"],
            2,
            "error: unexpected argument '--frobnicate' found; see switchboard run --help",
        ),
        (
            &["--lib", "dir", "demo"],
            2,
            "error: options of sessions stand before the subcommand; put them behind its name",
        ),
    ] {
        let ended = home.run(arguments);
        assert_eq!(ended.stderr, format!("{told}\n"), "{arguments:?}");
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{arguments:?}");
    }
}

#[test]
fn each_subcommand_says_what_it_needs_and_names_its_own_help() {
    let home = home();
    for (arguments, code, told) in [
        (
            &["run"][..],
            2,
            "error: the following required arguments were not provided: <FILE>: give a Lua file, or --code, --advice, \
             --eval or --resume; see switchboard run --help",
        ),
        (
            &["session", "show"],
            2,
            "error: the following required arguments were not provided: <ID>: give the id that switchboard session list \
             shows, or --where QUERY; see switchboard session show --help",
        ),
        (
            &["session", "tail", "--journal", "ok.lua"],
            2,
            "error: the following required arguments were not provided: <ID>: give the id that switchboard session list \
             shows; see switchboard session tail --help",
        ),
        (
            &["session", "fork", "ab", "--at", "3"],
            2,
            "error: invalid value '3' for '--at <QUERY>': \"3\" is not a query id (such as q-3); see switchboard session \
             fork --help",
        ),
        (&["run", "ok.lua", "--ctx", "@"], 2, "error: --ctx: @ needs the name of a file right behind it"),
        (&["session", "list", "ab"], 2, "error: unexpected argument 'ab' found; see switchboard session list --help"),
        (
            &["session", "sho"],
            2,
            "error: unrecognized subcommand 'sho': a similar subcommand exists: 'show'; see switchboard session --help",
        ),
        (
            &["session"],
            2,
            "error: session is one of list, show, tail, export, verify, rewind, fork, cancel, rm; see switchboard \
             session --help",
        ),
    ] {
        let ended = home.run(arguments);
        assert_eq!(ended.stderr, format!("{told}\n"), "{arguments:?}");
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{arguments:?}");
    }
}

#[test]
fn a_directory_is_no_journal_whatever_is_to_be_done_with_it() {
    let home = home();
    for directory in [".", "..", "/", "dir", "dir/", "dir/.."] {
        for arguments in [
            &["run", "ok.lua"][..],
            &["run", "--resume", "ab"],
            &["session", "list"],
            &["session", "show", "ab"],
            &["session", "tail", "ab"],
            &["session", "export", "ab"],
            &["session", "verify", "ab"],
            &["session", "verify", "--where", "state:done"],
            &["session", "cancel", "ab"],
            &["session", "rm", "ab"],
            &["session", "fork", "ab", "--at", "q-1"],
        ] {
            let ended = home.run(&[arguments, &["--journal", directory]].concat());
            let told = "this is a directory; a journal is a file of its own, so give another one with --journal";
            assert_eq!(ended.stderr, format!("error: {directory}: {told}\n"), "{arguments:?}");
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        }
    }
    assert!(home.run(&["doctor", "--journal", "/"]).exits(1).stdout.contains("BAD  /"));
}

#[test]
fn an_option_of_packages_is_refused_beside_a_program() {
    let home = home();
    for option in ["--task", "--strategy", "--opts"] {
        let ended = home.run(&["run", option, "x", "ok.lua"]).exits(2);
        assert!(ended.stderr.contains("cannot be used with '[FILE]'"), "{}", ended.stderr);
    }
}

#[test]
fn a_variable_that_makes_no_sense_is_named() {
    let home = home();
    let ended = home.switchboard(&["run", "ok.lua"]).env("SWITCHBOARD_LOG_LEVEL", "loud").output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let told = "error: the variable SWITCHBOARD_LOG_LEVEL is \"loud\"; set it to one of off, error, warn, info, debug, \
                trace\n";
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), told);
}

#[test]
fn nothing_is_started_before_everything_is_checked() {
    let home = home();
    let answerer = "touch started; cat";
    home.run(&["run", "ok.lua", "--answers", "answers.jsonl", "--answerer", answerer]).exits(2);
    assert!(!home.path().join("started").exists());
}

#[test]
fn a_program_that_does_not_compile_is_a_session_that_fails() {
    let home = Home::new();
    home.file("broken.lua", "local x = 1\nreturn x +");
    let ended = home.run(&["run", "broken.lua", "-o", "jsonl"]).exits(7);
    let error = ended.terminal()["error"].as_str().unwrap().to_owned();
    assert!(error.contains("broken.lua:2:"), "{error}");
}

#[test]
fn a_log_that_cannot_be_written_stops_nobody() {
    let home = home();
    for log in ["dir", "/proc/none/log", "a-file/log"] {
        home.run(&["run", "ok.lua", "--log-file", log]).exits(0);
    }
    home.switchboard(&["run", "ok.lua"])
        .env_remove("HOME")
        .output()
        .map(|ended| assert!(ended.status.success()))
        .unwrap();
}

#[test]
fn whoever_goes_on_with_a_session_cannot_change_what_it_was_started_with() {
    let home = home();
    for option in [
        "--ctx={}",
        "--title=t",
        "--tag=a=b",
        "--env=A=b",
        "--max-pauses=1",
        "--max-queries=1",
        "--timeout=1s",
        "--cpu=1h",
        "--section=1s",
        "--memory=1GB",
        "-n=2",
        "--advice=p",
        "--task=t",
        "--opts={}",
        "--eval=s",
        "--strategy=p",
        "--card",
    ] {
        let ended = home.run(&["run", "--resume", "1", option]).exits(2);
        let name = option.split('=').next().unwrap();
        let told = &ended.stderr;
        assert!(told.contains("--resume <ID>") && told.contains(name) && told.contains("cannot be used"), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[test]
fn a_library_may_be_named_anew_as_a_run_goes_on() {
    let home = home();
    let left = home.run(&["run", "--code", "alc.llm('q') return require('late')", "--journal", "j.db"]).exits(6);
    let id = left.stderr.split(' ').find(|word| word.len() == 8 && u32::from_str_radix(word, 16).is_ok()).unwrap();
    home.file("new/late.lua", "return 'came'");
    home.file("all.jsonl", "{\"response\": \"a\"}");
    let resume = ["run", "--resume", id, "--journal", "j.db", "--answers", "all.jsonl", "--lib", "new"];
    assert!(home.run(&resume).exits(0).stdout.ends_with("done: \"came\"\n"));
}
