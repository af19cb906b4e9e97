//! The command line: arguments become options, options become a run of the program, its end becomes an exit code.
//!
//! Data goes to standard output and messages to standard error; this is the one module that prints. One file per
//! subcommand. What is deliberately absent: leaving the process, which only `main` does.

mod args;
mod completion;
mod demo;
mod doctor;
mod drafts;
mod exit;
mod files;
mod find;
mod info;
mod journal;
mod keys;
mod log;
mod man;
mod near;
mod open;
mod output;
mod program;
mod programs;
mod run;
mod session;
mod usage;

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{CommandFactory, Parser};

pub use demo::examples;
pub use exit::Exit;

use crate::config::Environment;
use args::{Args, OpenArgs, Verb};
use exit::CliError;

/// Runs the program with its arguments, the first of which is its own name, and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<_> = arguments.into_iter().collect();
    outlive_limits_of_files();
    match Args::try_parse_from(&arguments) {
        Ok(args) => start(args).unwrap_or_else(|error| {
            for line in error.lines() {
                output::message(&format!("error: {line}"));
            }
            error.exit()
        }),
        Err(said) => usage::show(&said, &arguments),
    }
}

/// Lets a file that may not grow any more be a write that fails, as on a full disk, and not the end of the process. Not by
/// ignoring the signal: what is started by this one would ignore it, too.
fn outlive_limits_of_files() {
    // Where it cannot be had, such a limit ends the process as it would any other.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

fn start(args: Args) -> Result<Exit, CliError> {
    if args.verb.is_some() && args.open != OpenArgs::default() {
        let message = "options of sessions stand before the subcommand; put them behind its name";
        return Err(CliError::usage(message));
    }
    let flags = args.common.flags();
    let (settings, faults) = files::settings(Environment::of(std::env::vars_os()), &flags);
    match args.verb {
        // Whoever has to find a mistake of the settings needs these most.
        Some(Verb::Doctor(args)) => doctor::doctor(&settings, &faults, &args),
        Some(Verb::Info(args)) => info::info(&settings, faults, args),
        Some(Verb::Completion(args)) => completion::completion(&mut Args::command(), args),
        Some(Verb::Man) => man::man(Args::command()),
        _ if !faults.is_empty() => Err(CliError::Settings(faults)),
        None => open::open(&settings, &args.open),
        Some(Verb::Demo) => demo::demo(&settings),
        Some(Verb::Run(args)) => run::run(&settings, *args),
        Some(Verb::Session(verb)) => session::session(&settings, verb),
        Some(Verb::Keys(args)) => keys::keys(&settings, args),
    }
}
