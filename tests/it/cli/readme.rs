//! What the README says is true: its examples run and print what it shows, and its flags and words exist.

use std::collections::BTreeSet;
use std::path::Path;

use super::home::{Ended, Home};

const README: &str = include_str!("../../../README.md");
const SESSIONS: &str = include_str!("../../../assets/docs/sessions.md");

/// A fenced block: what stands behind its fence, and its lines.
struct Block {
    info: &'static str,
    text: String,
}

fn blocks(page: &'static str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(info) if !inside => {
                blocks.push(Block { info, text: String::new() });
                inside = true;
            }
            Some(_) => inside = false,
            None if inside => {
                let text = &mut blocks.last_mut().unwrap().text;
                text.push_str(line);
                text.push('\n');
            }
            None => {}
        }
    }
    blocks
}

#[test]
fn its_examples_run_and_print_what_it_shows() {
    run_examples(README);
}

#[test]
fn the_examples_of_the_chapter_on_sessions_run_and_print_what_it_shows() {
    run_examples(SESSIONS);
}

fn run_examples(page: &'static str) {
    let home = Home::new();
    let directory = Path::new(env!("CARGO_BIN_EXE_switchboard")).parent().unwrap();
    let mut path = vec![directory.to_owned()];
    path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap()));
    let path = std::env::join_paths(path).unwrap();
    let mut printed = String::new();
    let (mut ran, mut compared) = (0, 0);
    for Block { info, text } in blocks(page) {
        if let Some(expected) = info.strip_prefix("sh run") {
            let code = expected.strip_prefix(" exits ").map_or(0, |code| code.parse().unwrap());
            let child = home.command("sh").arg("-ec").arg(&text).env("PATH", &path).spawn().unwrap();
            let ended = Ended::of(child).exits(code);
            // Of what is left waiting it says how it goes on, with an id that differs each time.
            let told = if code == 6 { "it goes on with: switchboard run --resume " } else { "" };
            assert!(ended.stderr.starts_with(told) && ended.stderr.lines().count() == usize::from(code == 6), "{text}");
            printed = ended.stdout;
            ran += 1;
        } else if info == "text output" {
            assert_eq!(printed, text);
            compared += 1;
        }
    }
    assert!(ran >= 4 && compared >= 2, "the marks of the examples are gone");
}

#[test]
fn its_flags_and_subcommands_exist() {
    let home = Home::new();
    let help = ["--help", "run --help", "session list --help", "doctor --help", "info --help", "keys --help"]
        .map(|arguments| home.run(&arguments.split(' ').collect::<Vec<_>>()).exits(0).stdout)
        .concat();
    // What belongs to cargo is not ours.
    let words = README.lines().filter(|line| !line.starts_with("cargo ")).flat_map(str::split_whitespace);
    let flags: BTreeSet<_> = words
        .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-'))
        .filter(|word| match word.strip_prefix('-') {
            Some(name) => name.trim_start_matches('-').starts_with(|c: char| c.is_ascii_lowercase()),
            None => false,
        })
        .collect();
    assert!(flags.contains("--answers") && flags.contains("-n"), "{flags:?}");
    for flag in &flags {
        // The flags of the shell's own commands in the examples.
        if !["-r", "-c"].contains(flag) {
            assert!(help.contains(flag), "{flag} is in the README and not in the help");
        }
    }
    for verb in ["demo", "run", "session", "doctor", "info", "keys", "completion", "man"] {
        assert!(README.contains(verb));
        home.run(&[verb, "--help"]).exits(0);
    }
}

#[test]
fn its_two_commands_are_the_ones_that_the_check_runs() {
    let ci: Vec<_> = blocks(README).into_iter().filter(|block| block.info == "sh ci").collect();
    assert_eq!(ci.len(), 1);
    assert!(ci[0].text.starts_with("cargo test") && ci[0].text.lines().count() == 1);
    assert!(README.contains("\ncargo run --release -- demo\n"));
}

#[test]
fn its_exit_codes_are_those_of_the_help() {
    let home = Home::new();
    let help = home.run(&["run", "--help"]).exits(0).stdout;
    let (_, help) = help.split_once("Exit codes:").unwrap();
    let told: BTreeSet<_> = help.split(|c: char| !c.is_ascii_digit()).collect();
    let rows = README.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let codes = rows.flat_map(|codes| codes.split(", ")).filter(|code| code.parse::<u32>().is_ok());
    let codes: Vec<_> = codes.collect();
    assert!(codes.len() >= 9, "{codes:?}");
    for code in codes {
        assert!(told.contains(code), "{code} is in the README and not in the help");
    }
}
