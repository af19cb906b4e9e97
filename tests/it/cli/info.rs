//! What the program says of itself, and where it refuses to draw.

use serde_json::Value;

use super::home::Home;

#[test]
fn every_path_is_shown_with_where_it_came_from() {
    let home = Home::new();
    let mut command = home.switchboard(&["info", "--paths", "-o", "json", "--home", "/flag"]);
    let ended = command.env("SWITCHBOARD_LOG_FILE", "/variable.log").env("XDG_STATE_HOME", "/state").output().unwrap();
    let document: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let paths: Vec<_> = document["paths"].as_array().unwrap().iter().collect();
    let shown: Vec<_> = paths
        .iter()
        .map(|path| format!("{} {} {}", path["name"], path["path"], path["from"]).replace('"', ""))
        .collect();
    assert_eq!(
        shown,
        [
            &format!("config {} $HOME", home.path().join("home/.config/switchboard/config.toml").display()),
            "home /flag --home",
            "packages /flag/packages in home",
            "state /state/switchboard $XDG_STATE_HOME",
            "journal /state/switchboard/journal.db in state",
            "log /variable.log $SWITCHBOARD_LOG_FILE",
        ]
    );
    let text = home.run(&["info", "--paths"]).exits(0).stdout;
    let help = home.run(&["run", "--help"]).exits(0).stdout;
    for path in paths {
        assert!(text.contains(path["name"].as_str().unwrap()));
        assert!(help.contains(path["flag"].as_str().unwrap()) && help.contains(path["variable"].as_str().unwrap()));
    }
    assert_eq!(home.run(&["info", "--paths", "-o", "jsonl"]).exits(0).lines().len(), shown.len());
    let all = home.run(&["info"]).exits(0).stdout;
    assert_eq!(all, format!("version   {}\n{text}", env!("CARGO_PKG_VERSION")));
    let document: Value = serde_json::from_str(&home.run(&["info", "-o", "json"]).exits(0).stdout).unwrap();
    assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(home.run(&["info", "-o", "jsonl"]).exits(0).lines().len(), 1 + shown.len());
}

#[test]
fn the_desk_is_refused_where_it_cannot_be_drawn() {
    let home = Home::new();
    home.file("ok.lua", "return 1");
    for arguments in [&["demo"][..], &["ok.lua"], &[]] {
        let ended = home.run(arguments).exits(2);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        assert!(
            ended.stderr.contains("not a terminal") && ended.stderr.contains("switchboard run"),
            "{}",
            ended.stderr
        );
        let ended = home.switchboard(arguments).env("TERM", "dumb").output().unwrap();
        assert_eq!(ended.status.code(), Some(2));
        let told = String::from_utf8(ended.stderr).unwrap();
        assert!(told.contains("TERM=dumb") && told.contains("switchboard run"), "{told}");
    }
}

#[test]
fn a_mistyped_subcommand_is_no_missing_terminal() {
    let home = Home::new();
    for (given, hint) in [("sesion", " (near it: session)"), ("rum", " (near it: run)"), ("list", "")] {
        let told = home.run(&[given]).exits(3).stderr;
        let expected =
            format!("error: {given}: there is no such file and no such subcommand{hint}; see switchboard --help\n");
        assert_eq!(told, expected);
    }
    home.file("sesion", "return 1");
    assert!(home.run(&["sesion"]).exits(2).stderr.contains("not a terminal"));
}

#[test]
fn completions_and_the_manual_page_know_every_subcommand() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.run(&["completion", shell]).exits(0).stdout;
        assert!(script.contains("answerer") && script.contains("demo"), "{shell}");
    }
    home.run(&["completion", "basic"]).exits(2);
    let page = home.run(&["man"]).exits(0).stdout;
    for word in
        ["SWITCHBOARD RUN", "SWITCHBOARD INFO", "SWITCHBOARD SESSION RM", "max\\-pauses", "dry\\-run", "Exit codes"]
    {
        assert!(page.contains(word), "{word}");
    }
    assert_eq!(page.matches("SWITCHBOARD_LOG_LEVEL").count(), 1, "what all subcommands take stands there once");
    assert_eq!(home.run(&["--version"]).exits(0).stdout, format!("switchboard {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_log_goes_to_its_file_and_nowhere_else() {
    let home = Home::new();
    let ended = home.run(&["run", "--code", "error('in the log')", "--log-level", "debug"]).exits(7);
    assert_eq!(ended.stderr, "");
    let log = home.path().join("home/.local/state/switchboard/switchboard.log");
    assert!(log.is_file());
    let quiet = Home::new();
    quiet.run(&["run", "--code", "return 1", "--log-level", "off", "--ephemeral"]).exits(0);
    assert!(!quiet.path().join("home").exists());
}
