//! Shows what clap has to say: help as it is, an error as one line.

use std::ffi::OsString;

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::args::Args;
use super::exit::Exit;
use super::output;

/// Shows what it says of `arguments` and says how the program ends.
pub(super) fn show(said: &clap::Error, arguments: &[OsString]) -> Exit {
    let text = said.render().to_string();
    match said.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match output::data(text) {
            Ok(()) => Exit::Ok,
            Err(error) => error.exit(),
        },
        _ => {
            output::message(&one_line(&text, arguments));
            Exit::Usage
        }
    }
}

/// The first paragraph, which says what is wrong, the tips, and where to read on.
fn one_line(text: &str, arguments: &[OsString]) -> String {
    let mut paragraphs = text.split("\n\n");
    let mut line = words(paragraphs.next().unwrap_or_default());
    for tip in paragraphs.map(words) {
        // How a value can begin with a dash is no help to one who mistyped a flag.
        if let Some(tip) = tip.strip_prefix("tip: ").filter(|tip| !tip.starts_with("to pass ")) {
            line = format!("{line}: {tip}");
        }
    }
    format!("{line}; see {} --help", command(arguments))
}

/// The command that was meant, as far as it was named.
fn command(arguments: &[OsString]) -> String {
    let command = Args::command();
    let verb = arguments.iter().skip(1).find_map(|argument| command.find_subcommand(argument));
    verb.map_or_else(|| "switchboard".to_owned(), |verb| format!("switchboard {}", verb.get_name()))
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
            one_line(&said.render().to_string(), &arguments)
        };
        assert_eq!(
            line(&["run", "x.lua", "--answerz", "f"]),
            "error: unexpected argument '--answerz' found: a similar argument exists: '--answers'; \
             see switchboard run --help"
        );
        assert_eq!(
            line(&["run"]),
            "error: the following required arguments were not provided: <FILE>; see switchboard run --help"
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
