//! `switchboard [FILE.lua …]`: the desk, with a session for each file.

use std::io::{IsTerminal, stdout};

use super::args::OpenArgs;
use super::exit::{CliError, Exit};
use super::{log, program};
use crate::config::{Settings, Target};
use crate::desk::Desk;
use crate::domain::SessionSpec;
use crate::tui::{Colors, Look, Signs};

/// Opens the desk.
pub(super) fn open(settings: &Settings, args: &OpenArgs) -> Result<Exit, CliError> {
    check_terminal(settings)?;
    let dirs = program::library_dirs(&args.session.lib, settings)?;
    let specs = args.files.iter().map(|file| program::spec(&program::Program::File(file), &args.session));
    let mut specs = specs.collect::<Result<Vec<_>, _>>()?;
    for spec in &mut specs {
        spec.env = program::environment(&args.session, settings);
    }
    show(settings, dirs, specs)
}

/// Refuses where no screen can be drawn. Comes before everything else that takes time.
pub(super) fn check_terminal(settings: &Settings) -> Result<(), CliError> {
    let cause = if settings.dumb_terminal {
        "TERM=dumb: this terminal cannot show the desk"
    } else if stdout().is_terminal() {
        return Ok(());
    } else {
        "standard output is not a terminal: there is nowhere to show the desk"
    };
    Err(CliError::usage(format!("{cause}; use switchboard run FILE to run a program without a screen")))
}

/// Shows the desk with these sessions until its person leaves it.
pub(super) fn show(
    settings: &Settings,
    library_dirs: Vec<std::path::PathBuf>,
    specs: Vec<SessionSpec>,
) -> Result<Exit, CliError> {
    let _log = log::start(settings);
    let desk = Desk::open(library_dirs, program::home(settings))?;
    let look = Look {
        colors: if settings.colors(Target::Terminal) { Colors::On } else { Colors::Off },
        signs: if settings.ascii_terminal { Signs::Ascii } else { Signs::Unicode },
    };
    desk.show(specs, look).map(Exit::of_desk).map_err(CliError::from)
}
