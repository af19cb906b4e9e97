//! `switchboard completion SHELL`: completions for a shell to load.

use clap::Command;

use super::args::CompletionArgs;
use super::exit::{CliError, Exit};
use super::output;

/// Prints the completions.
pub(super) fn completion(command: &mut Command, args: CompletionArgs) -> Result<Exit, CliError> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, command, "switchboard", &mut text);
    output::data(text)?;
    Ok(Exit::Ok)
}
