//! The files that come with the program say what is true without them.

use std::fmt::Write as _;
use std::path::Path;

use switchboard::config::{ConfigFile, Environment, Flags, KeymapFile, Settings, Theme};
use switchboard::tui::{GROUPS, Keymap, TABLE};

const DEFAULT: &str = include_str!("../../../assets/default.toml");

/// The keymap file that says what the table says.
fn of_the_table() -> String {
    let mut text = "# Every action of the desk with its keys, as they are without a keymap file. A file named in the config \
                    file, else\n# keymap.toml beside it, gives actions other keys: a text, or several in an array. What it \
                    does not name stays.\n"
        .to_owned();
    for group in GROUPS {
        writeln!(text, "\n# {group}").unwrap();
        for row in TABLE.iter().filter(|row| row.group == group) {
            writeln!(text, "{} = {:?} # {}", row.name, row.keys, row.description).unwrap();
        }
    }
    text
}

#[test]
fn the_keymap_that_comes_with_the_program_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/keymap.toml");
    let expected = of_the_table();
    if std::env::var_os("UPDATE_ASSETS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, expected, "assets/keymap.toml is stale; UPDATE_ASSETS=1 writes it anew");
    let keymap = Keymap::with(&KeymapFile::parse(&path, &text).unwrap()).unwrap();
    for row in TABLE {
        assert_eq!(keymap.written(row.action), row.keys.join(" "), "{}", row.name);
    }
}

#[test]
fn the_config_that_comes_with_the_program_says_what_is_without_it() {
    let merged = |file: &str| {
        let mut environment = Environment::default();
        environment.above(ConfigFile::parse(Path::new("default.toml"), file).unwrap());
        Settings::merge(&environment, &Flags::default()).unwrap()
    };
    assert_eq!(format!("{:?}", merged(DEFAULT)), format!("{:?}", merged("")));
    // Each line that is a key, or would be one, is known: the others are prose.
    let mut with_all = String::new();
    for line in DEFAULT.lines() {
        let key = line.trim_start_matches("# ").split_once(" = ").map(|(key, _)| key);
        let is_key = key.is_some_and(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        with_all += if is_key { line.trim_start_matches("# ") } else { line };
        with_all.push('\n');
    }
    ConfigFile::parse(Path::new("default.toml"), &with_all).unwrap();
}

#[test]
fn every_key_of_the_config_is_in_the_file_that_comes_with_the_program() {
    let keys_of = |table: &str| {
        let fault = ConfigFile::parse(Path::new("x"), &format!("[{table}]\nnothing = 1")).unwrap_err().0.remove(0).what;
        fault.split_once("the keys there are ").unwrap().1.to_owned()
    };
    let keys = [keys_of("limits"), keys_of("desk")].join(", ");
    for key in keys.split(", ").chain(["color", "log_level", "home", "packages", "state_dir", "log_file"]) {
        let written = DEFAULT.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} = ")));
        assert!(written, "{key} is not in assets/default.toml");
    }
}

#[test]
fn the_themes_that_come_with_the_program_are_whole_and_faults_of_others_have_a_line() {
    for name in Theme::names() {
        assert!(Theme::bundled(name).is_some(), "{name}");
    }
    for (text, expected) in [
        ("kee = { bold = true }", "t.toml:1: unknown tone \"kee\"; the tones are dim, strong, key"),
        ("\nkey = { 16 = \"pink\" }", "t.toml:2: \"pink\" is no colour; write one of black, red"),
        ("key = { true = \"#12345\" }", "t.toml:1: \"#12345\" is no colour; write one such as \"#ffaf00\""),
        ("key = { 256 = 256 }", "t.toml:1: 256 is a whole number from 0 to 255"),
        ("key = { bold = 1 }", "t.toml:1: bold is true or false, not a number"),
        ("key = { blink = true }", "t.toml:1: unknown key \"blink\"; write 16, 256, true, bold"),
    ] {
        let fault = Theme::parse(Path::new("t.toml"), text).unwrap_err().to_string();
        assert!(fault.starts_with(expected), "{fault}");
    }
    let text = "kee = {}\nkey = { bold = 1, 16 = \"pink\" }\ndim = 3\n";
    let faults = Theme::parse(Path::new("t.toml"), text).unwrap_err().0;
    assert_eq!(faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [1, 2, 2, 3], "each is named");
}
