//! The files that settings come from: what each layer wins over, and one clear line for whatever is wrong.

use super::home::Home;

fn told(home: &Home, file: &str, text: &str) -> String {
    home.file(file, text);
    let config = home.path().join("config.toml");
    let ended = home.run(&["keys", "--config", config.to_str().unwrap()]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    // Who mends a keymap needs the names of the actions; who mends a config first needs to know where it is wrong.
    let expected = if file == "keymap.toml" { home.run(&["keys"]).exits(0).stdout } else { String::new() };
    assert_eq!(ended.stdout, expected);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    ended.stderr.replace(&format!("{}/", home.path().display()), "")
}

#[test]
fn what_is_wrong_in_a_config_file_is_one_line_with_file_line_and_what_to_do() {
    for (text, expected) in [
        ("color = \"pink\"\n", "config.toml:1: color is \"pink\"; set it to one of auto, always, never"),
        (
            "\n\ncolour = \"auto\"\n",
            "config.toml:3: unknown key \"colour\"; the keys there are color, log_level, paths, limits, sleep, desk",
        ),
        ("[desk]\nthem = \"dark\"\n", "config.toml:2: unknown key \"them\" in [desk]; the keys there are theme, depth"),
        ("[desk]\ncolor = \"auto\"\n", "config.toml:2: color stands above all tables; move it there"),
        ("theme = \"dark\"\n", "config.toml:1: theme stands under [desk]; move it there"),
        ("desk = 3\n", "config.toml:1: desk is a table; write [desk], not a number"),
        ("[desk]\nmouse = \"yes\"\n", "config.toml:2: mouse is true or false, not a text"),
        ("[desk]\nsort = true\n", "config.toml:2: sort is a text; write it in quotes, not true or false"),
        ("[desk]\nsort = \"name\"\nsort = \"state\"\n", "config.toml:3: duplicate key"),
        ("[desk]\nfilter = \"state:\"\n", "config.toml:2: filter is \"state:\": a state is paused"),
        ("[desk]\nnotify_every = \"5\"\n", "config.toml:2: notify_every is \"5\": it needs one of the units"),
        (
            "[limits]\nlog_rate = -1\n",
            "config.toml:2: log_rate is a whole number from 0 to 18446744073709551615, not -1",
        ),
        ("[limits]\nlog_rate = 1.5\n", "config.toml:2: log_rate is a whole number, not 1.5"),
        ("[desk\n", "config.toml:1: "),
    ] {
        let told = told(&Home::new(), "config.toml", text);
        assert!(told.starts_with(&format!("error: {expected}")), "{told}\n{expected}");
    }
}

#[test]
fn every_mistake_of_a_config_file_and_of_variables_is_named_at_the_start_and_by_doctor() {
    let home = Home::new();
    let text = "colour = 3\nlog_level = \"all\"\ndesk = 1\n[limits]\nmemory = 64\ncpu = \"2s\"\nfast = true\n";
    let config = home.file("config.toml", text);
    let mut expected = ["unknown key \"colour\"", "log_level is \"all\"", "desk is a table", "memory is a text"]
        .into_iter()
        .zip([1, 2, 3, 5])
        .chain([("unknown key \"fast\" in [limits]", 7)])
        .map(|(what, line)| format!("{}:{line}: {what}", config.display()))
        .collect::<Vec<_>>();
    expected.push("the variable SWITCHBOARD_SORT is \"size\"".to_owned());
    expected.push("the variable SWITCHBOARD_BELL is \"ding\"".to_owned());
    for (arguments, code, begins) in
        [(&["keys"][..], 2, "error: "), (&["info"], 2, "error: "), (&["doctor"], 1, "BAD  ")]
    {
        let mut command = home.switchboard(arguments);
        command.args(["--config", config.to_str().unwrap()]);
        let output = command.env("SWITCHBOARD_SORT", "size").env("SWITCHBOARD_BELL", "ding").output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        let told: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix(begins)).collect();
        assert_eq!(told.len(), expected.len(), "{told:?}");
        for (told, expected) in told.iter().zip(&expected) {
            assert!(told.starts_with(expected.as_str()), "{told}\n{expected}");
        }
    }
    // What is no TOML hides where the rest is meant to stand.
    let config = home.file("config.toml", "color = pink\n[desk]\nmouse = \nsort = 3\n");
    let ended = home.run(&["keys", "--config", config.to_str().unwrap()]).exits(2);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains("toml:1: ") && lines[1].contains("toml:3: "), "{lines:?}");
}

#[test]
fn what_is_wrong_in_a_keymap_file_is_told_the_same_way() {
    for (text, expected) in [
        ("anser = \"a\"\n", "keymap.toml:1: unknown action \"anser\"; switchboard keys lists them"),
        ("\nanswer = [\"Hyper-A\"]\n", "keymap.toml:2: \"Hyper-A\" is not a key"),
        ("answer = \"w\"\n", "keymap.toml:1: w is next_waiting already; give one of the two another key"),
        ("answer = \"x\"\ncancel = \"x\"\n", "keymap.toml:2: x is answer already"),
        ("answer = [\"x\",\n  \"x\"]\n", "keymap.toml:1: answer has x twice"),
        ("answer = \"x\"\ncancel = \"x y\"\n", "keymap.toml:2: x y begins the same as x, which is answer already"),
        ("answer = [\"x\", \"x y\"]\n", "keymap.toml:1: answer has x twice"),
        ("cancel = \"x Enter\"\n", "keymap.toml:1: x Enter cannot be cancel: a key that is pressed without thinking"),
        ("editor = \"x y\"\n", "keymap.toml:1: x y cannot be editor: it is typed in texts"),
        ("answer = \"x y z\"\n", "keymap.toml:1: \"y z\" is not a key"),
        ("answer = []\n", "keymap.toml:1: answer needs at least one key"),
        ("answer = 3\n", "keymap.toml:1: answer is a text; write it in quotes, not a number"),
        ("send = \"x\"\n", "keymap.toml:1: x cannot be send: it is typed in texts"),
        ("draft = \"s\"\n", "keymap.toml:1: s cannot be draft: it is typed in texts; choose another key"),
        ("send = \"Ctrl-W\"\n", "keymap.toml:1: Ctrl-W cannot be send: it edits texts"),
        ("cancel = \"Esc\"\n", "keymap.toml:1: Esc cannot be cancel: a key that is pressed without thinking"),
        ("quit = [\"q\",\n \"Ctrl-C\"]\n", "keymap.toml:2: Ctrl-C cannot be quit"),
    ] {
        let home = Home::new();
        home.file("config.toml", "");
        let told = told(&home, "keymap.toml", text);
        assert!(told.starts_with(&format!("error: {expected}")), "{told}\n{expected}");
    }
}

#[test]
fn every_mistake_of_a_keymap_file_is_named_with_its_line() {
    let home = Home::new();
    home.file("config.toml", "");
    let text = "anser = \"a\"\nanswer = [\"Ctrl-M\", \"Hyper-A\"]\ncancel = 3\nsort = \"x\"\ngroup = \"x\"\n";
    home.file("keymap.toml", text);
    let config = home.path().join("config.toml");
    let ended = home.run(&["keys", "--config", config.to_str().unwrap()]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let told = ended.stderr.replace(&format!("{}/", home.path().display()), "");
    let expected = [
        "error: keymap.toml:1: unknown action \"anser\"; switchboard keys lists them",
        "error: keymap.toml:2: Ctrl-M cannot be answer: a terminal sends Enter for it; choose another key",
        "error: keymap.toml:2: \"Hyper-A\" is not a key (such as a, Ctrl-S, Alt-Enter, Shift-Tab, ↓)",
        "error: keymap.toml:3: cancel is a text; write it in quotes, not a number",
        "error: keymap.toml:5: x is sort already; give one of the two another key",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
    for (key, other) in [("Ctrl-I", "Tab"), ("Ctrl-[", "Esc"), ("x Ctrl-m", "Enter")] {
        let told = self::told(&home, "keymap.toml", &format!("sort = \"{key}\"\n"));
        assert!(told.contains(&format!("a terminal sends {other} for it")), "{told}");
    }
}

#[test]
fn a_key_that_is_given_away_is_free_for_another_action() {
    let home = Home::new();
    home.file("home/.config/switchboard/keymap.toml", "answer = \"w\"\nnext_waiting = [\"x\", \"Ctrl-N\"]\n");
    let text = home.run(&["keys"]).exits(0).stdout;
    let line = |action: &str| {
        let found = text.lines().find(|line| line.contains(&format!(" {action} ")));
        found.unwrap_or_else(|| panic!("{action} in {text}")).trim_start().to_owned()
    };
    assert!(line("answer").starts_with("w "), "{}", line("answer"));
    assert!(line("next_waiting").starts_with("x Ctrl-N "), "{}", line("next_waiting"));
    assert!(line("cancel").starts_with("c "), "what is not named stays");
    let rows = home.run(&["keys", "-o", "jsonl"]).exits(0).lines();
    assert!(rows.iter().any(|row| row["action"] == "answer" && row["keys"] == serde_json::json!(["w"])));
}

#[test]
fn flags_win_over_variables_and_those_over_the_file() {
    let home = Home::new();
    home.file("home/.config/switchboard/config.toml", "[paths]\nhome = \"here\"\nlog_file = \"/f.log\"\n");
    let paths = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = home.switchboard(&["info", "--paths", "-o", "json"]);
        command.args(arguments).envs(variables.iter().copied());
        let document: serde_json::Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        let entry = |name: &str| {
            let paths = document["paths"].as_array().unwrap().clone();
            let entry = paths.into_iter().find(|path| path["name"] == name).unwrap();
            format!("{} {}", entry["path"].as_str().unwrap(), entry["from"].as_str().unwrap())
        };
        [entry("home"), entry("log")]
    };
    let beside = home.path().join("home/.config/switchboard/here");
    let in_file = [format!("{} config file", beside.display()), "/f.log config file".to_owned()];
    assert_eq!(paths(&[], &[]), in_file, "a relative path begins where the file lies");
    let variable = [("SWITCHBOARD_HOME", "/v"), ("SWITCHBOARD_LOG_FILE", "/v.log")];
    assert_eq!(paths(&variable, &["--home", "/flag"]), ["/flag --home", "/v.log $SWITCHBOARD_LOG_FILE"]);
}

#[test]
fn a_config_file_that_somebody_named_must_be_there() {
    let home = Home::new();
    home.run(&["keys"]).exits(0);
    let ended = home.run(&["keys", "--config", "none.toml"]).exits(3);
    assert_eq!(ended.stderr, "error: none.toml: no such file or directory; check the name\n");
    let ended = home.switchboard(&["keys"]).env("SWITCHBOARD_KEYMAP", "none.toml").output().unwrap();
    assert_eq!(ended.status.code(), Some(3));
    let ended = home.switchboard(&["keys"]).env("SWITCHBOARD_SORT", "size").output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.contains("the variable SWITCHBOARD_SORT is \"size\"; set it to one of attention, stable"), "{told}");
}

#[test]
fn a_limit_of_the_config_file_holds_and_a_flag_wins_over_it() {
    let home = Home::new();
    let config = home.file("config.toml", "[limits]\nmax_pauses = 1\nresult_size = \"10B\"\n");
    home.file("answers.jsonl", r#"{"response": "A"}"#);
    let run = |code: &str, more: &[&str]| {
        let config = config.to_str().unwrap();
        let arguments = ["run", "--config", config, "--answers", "answers.jsonl", "-o", "jsonl", "--code", code];
        home.run(&[&arguments, more].concat())
    };
    let asks = "for i = 1, 3 do alc.llm('q') end return 1";
    assert_eq!(run(asks, &[]).exits(4).terminal()["limit"], "pauses");
    assert_eq!(run(asks, &["--max-pauses", "5"]).exits(0).terminal()["value"], 1);
    assert_eq!(run("return ('x'):rep(9)", &[]).exits(4).terminal()["limit"], "size");
    assert_eq!(run("return 'x'", &[]).exits(0).terminal()["value"], "x");
}

#[test]
fn every_limit_can_be_given_to_a_run_and_is_the_reason_of_its_end() {
    let home = Home::new();
    home.file("answers.jsonl", r#"{"response": "A"}"#);
    for (flag, value, code, limit, text) in [
        ("--memory", "1MB", "return ('x'):rep(1 << 22)", "memory", "out of memory: the limit is 1048576 bytes"),
        ("--cpu", "20ms", "while true do end", "cpu", "ms of CPU time; the limit is 20 ms"),
        ("--timeout", "20ms", "while true do end", "wall", "the session did not end within 20 ms of its start"),
        (
            "--section",
            "20ms",
            "xpcall(error, function() while true do end end)",
            "section",
            "script:1: in a section that cannot be interrupted for more than 20 ms",
        ),
        ("--max-pauses", "1", "while true do alc.llm('q') end", "pauses", "the limit is 1 pause"),
        ("--max-queries", "2", "while true do alc.llm('q') end", "queries", "the limit is 2 queries"),
    ] {
        let arguments = ["run", flag, value, "--answers", "answers.jsonl", "-o", "jsonl", "--code", code];
        let ended = home.run(&arguments).exits(4);
        let terminal = ended.terminal();
        assert_eq!((&terminal["state"], &terminal["limit"]), (&"failed".into(), &limit.into()), "{flag}");
        assert!(terminal["error"].as_str().unwrap().contains(text), "{flag}: {terminal}");
        // What the limit did is an event too: the last one of the session.
        let last = ended.lines().into_iter().rev().find(|line| line["kind"] == "state_transition").unwrap();
        assert_eq!(last["end"]["limit"], limit, "{flag}");
    }
}
