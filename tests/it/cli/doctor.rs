//! What the program finds out about the machine, and that it survives being killed.

use super::home::{Home, signal};

#[test]
fn what_holds_here_is_a_line_each() {
    let lines = Home::new().run(&["doctor"]).exits(0).stdout;
    assert!(lines.contains("ok   pairs visits keys in one order"), "{lines}");
}

#[test]
fn where_no_journal_can_be_made_it_says_so() {
    let home = Home::new();
    let file = home.file("a file", "");
    let inside = file.join("journal.db");
    let inside = inside.to_str().unwrap();
    let lines = home.run(&["doctor", "--journal", inside]).exits(1).stdout;
    assert!(
        lines.contains("BAD  ") && lines.contains("none can be made") && lines.contains("--journal FILE"),
        "{lines}"
    );
    let told = home.run(&["run", "--code", "return 1", "--journal", inside]).exits(1).stderr;
    assert!(told.contains("--journal FILE names another") && told.lines().count() == 1, "{told}");
}

#[test]
fn every_mistake_of_the_settings_is_named_and_who_does_not_need_them_goes_on() {
    let home = Home::new();
    let config = |name: &str| home.path().join("home/.config/switchboard").join(name).display().to_string();
    let bad = |told: &str| -> Vec<String> {
        told.lines().filter_map(|line| line.strip_prefix("BAD  ")).map(str::to_owned).collect()
    };
    assert!(
        home.run(&["doctor"]).exits(0).stdout.contains("ok   the settings, the keymap and the theme: no mistake\n")
    );
    home.file("home/.config/switchboard/config.toml", "[desk]\nmouse = false\ntheme = \"dusk\"\n");
    home.file("home/.config/switchboard/keymap.toml", "anser = \"a\"\n\nanswer = 3\n");
    let found = bad(&home.run(&["doctor"]).exits(1).stdout);
    let expected = [
        format!("{}:1: unknown action \"anser\"; switchboard keys lists them", config("keymap.toml")),
        format!("{}:3: answer is a text; write it in quotes, not a number", config("keymap.toml")),
        format!(
            "{}:3: there is no theme \"dusk\" and no file {}; write dark, light, auto or the path of one",
            config("config.toml"),
            config("dusk")
        ),
    ];
    assert_eq!(found, expected);
    home.run(&["run", "--code", "return 1", "--ephemeral"]).exits(0);
    home.run(&["session", "list", "--runs"]).exits(0);

    let told = home.switchboard(&["doctor"]).env("SWITCHBOARD_THEME", "dawn").output().unwrap().stdout;
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("BAD  the variable SWITCHBOARD_THEME: there is no theme \"dawn\""), "{told}");

    home.file("home/.config/switchboard/dusk", "dim = 3\n");
    home.file("home/.config/switchboard/keymap.toml", "");
    let found = bad(&home.run(&["doctor"]).exits(1).stdout);
    assert_eq!(found, [format!("{}:1: dim is a table; write [dim], not a number", config("dusk"))]);

    home.file("home/.config/switchboard/config.toml", "\ncolour = \"auto\"\n");
    let mut command = home.switchboard(&["doctor"]);
    let ended = command.env("SWITCHBOARD_SORT", "size").env("SWITCHBOARD_MEMORY", "64").output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let told = String::from_utf8(ended.stdout).unwrap();
    assert!(told.contains("no journal yet"), "what else there is to find is found: {told}");
    let found = bad(&told);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with(&format!("{}:2: unknown key \"colour\"", config("config.toml"))), "{found:?}");
    assert!(found[1].starts_with("the variable SWITCHBOARD_MEMORY is \"64\""), "{found:?}");
    assert!(found[2].starts_with("the variable SWITCHBOARD_SORT is \"size\""), "{found:?}");
    let told = home.run(&["info"]).exits(2);
    assert!(told.stdout.contains("config.toml") && told.stderr.contains("unknown key"), "{told:?}");
    home.run(&["man"]).exits(0);
    home.run(&["completion", "bash"]).exits(0);
    home.run(&["run", "--code", "return 1"]).exits(2);
}

/// The process is killed at points that depend on the machine; whatever they are, nothing may be lost.
#[test]
fn a_process_that_is_killed_again_and_again_loses_no_answer() {
    let home = Home::new();
    let lines = home.run(&["doctor", "--crash-test", "--kills", "12", "--seed", "7"]).exits(0).stdout;
    assert!(lines.contains("ok   crash test: killed 12 times"), "{lines}");
    home.run(&["doctor", "--kills", "3"]).exits(2);
}

#[test]
fn a_signal_ends_the_crash_test_with_all_that_it_has_made() {
    let home = Home::new();
    let made = home.path().join("made");
    std::fs::create_dir(&made).unwrap();
    let mut command = home.switchboard(&["doctor", "--crash-test", "--kills", "1000000"]);
    let mut test = command.env("TMPDIR", &made).stdout(std::process::Stdio::null()).spawn().unwrap();
    // It listens for signals once the place of its first life is there.
    while !std::fs::read_dir(&made).unwrap().any(|entry| entry.unwrap().path().join("journal.db").exists()) {
        std::thread::yield_now();
    }
    signal(test.id(), "TERM");
    let ended = test.wait().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(15), "{ended:?}");
    assert_eq!(std::fs::read_dir(&made).unwrap().count(), 0);
}
