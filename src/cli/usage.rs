//! Shows what clap has to say: help as it is, an error as one line.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Command, CommandFactory};

use super::args::Args;
use super::exit::Exit;
use super::output;

/// Shows what it says of `arguments` and says how the program ends.
pub(super) fn show(said: &clap::Error, arguments: &[OsString]) -> Exit {
    let text = said.render().to_string();
    match said.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match output::data(text) {
            Ok(()) => Exit::Ok,
            Err(error) => {
                output::message(&format!("error: {error}"));
                error.exit()
            }
        },
        _ => {
            output::message(&one_line(said.kind(), &text, arguments));
            Exit::Usage
        }
    }
}

/// The first paragraph, which says what is wrong, the tips, and where to read on.
fn one_line(kind: ErrorKind, text: &str, arguments: &[OsString]) -> String {
    let command = command(arguments);
    let read_on = format!("see {} --help", command.get_bin_name().unwrap_or_else(|| command.get_name()));
    if kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let verbs: Vec<_> = command.get_subcommands().map(Command::get_name).filter(|name| *name != "help").collect();
        return format!("error: {} is one of {}; {read_on}", command.get_name(), verbs.join(", "));
    }
    let mut paragraphs = text.split("\n\n");
    let mut line = words(paragraphs.next().unwrap_or_default());
    if kind == ErrorKind::MissingRequiredArgument {
        line += what_else(&command, &line);
    }
    for tip in paragraphs.map(words) {
        // How a value can begin with a dash is no help to one who mistyped a flag.
        if let Some(tip) = tip.strip_prefix("tip: ").filter(|tip| !tip.starts_with("to pass ")) {
            line = format!("{line}: {tip}");
        }
    }
    format!("{line}; {read_on}")
}

/// The command that was meant, as far as it was named.
fn command(arguments: &[OsString]) -> Command {
    let mut command = Args::command();
    command.build();
    for argument in arguments.iter().skip(1) {
        if let Some(verb) = command.find_subcommand(argument) {
            command = verb.clone();
        }
    }
    command
}

/// What can be given for an argument that is missing; empty where that says itself.
fn what_else(command: &Command, missing: &str) -> &'static str {
    let has = |option: &str| command.get_arguments().any(|argument| argument.get_long() == Some(option));
    if missing.ends_with("<ID>") && has("all") {
        ": give the id that switchboard session list shows, or --where QUERY, or --all"
    } else if missing.ends_with("<ID>") && has("where") {
        ": give the id that switchboard session list shows, or --where QUERY"
    } else if missing.ends_with("<ID>") {
        ": give the id that switchboard session list shows"
    } else if missing.ends_with("<FILE>") && has("advice") {
        ": give a Lua file, or --code, --advice, --eval or --resume"
    } else {
        ""
    }
}

fn words(paragraph: &str) -> String {
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::Args;
    use super::*;

    #[test]
    fn an_error_is_one_line_with_cause_and_what_to_do() {
        let line = |arguments: &[&str]| {
            let arguments: Vec<_> = ["switchboard"].iter().chain(arguments).map(OsString::from).collect();
            let said = Args::try_parse_from(&arguments).unwrap_err();
            one_line(said.kind(), &said.render().to_string(), &arguments)
        };
        assert_eq!(
            line(&["run", "x.lua", "--answerz", "f"]),
            "error: unexpected argument '--answerz' found: a similar argument exists: '--answers'; \
             see switchboard run --help"
        );
        assert_eq!(
            line(&["run"]),
            "error: the following required arguments were not provided: <FILE>: give a Lua file, or --code, --advice, \
             --eval or --resume; see switchboard run --help"
        );
        assert_eq!(
            line(&["session", "show"]),
            "error: the following required arguments were not provided: <ID>: give the id that switchboard session list \
             shows, or --where QUERY; see switchboard session show --help"
        );
        assert_eq!(
            line(&["session", "rm", "--runs"]),
            "error: the following required arguments were not provided: <ID>: give the id that switchboard session list \
             shows, or --where QUERY, or --all; see switchboard session rm --help"
        );
        assert_eq!(
            line(&["session"]),
            "error: session is one of list, show, tail, export, verify, rewind, fork, cancel, rm; see switchboard \
             session --help"
        );
        assert_eq!(
            line(&["run", "x", "--timeout", "20"]),
            "error: invalid value '20' for '--timeout <DURATION>': it needs one of the units ms, s, m, h, such as 20s; \
             see switchboard run --help"
        );
    }

    #[test]
    fn the_arguments_hold_together() {
        Args::command().debug_assert();
    }
}
