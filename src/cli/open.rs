//! `switchboard [FILE.lua …]`: the desk, with a session for each file.

use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::CommandFactory;

use super::args::{Args, OpenArgs};
use super::drafts::CommandDrafts;
use super::exit::{CliError, Exit, FileFault};
use super::near::near;
use super::{files, journal, log, output, program, programs};
use crate::config::{Settings, Target};
use crate::desk::{Desk, DeskOptions};
use crate::domain::SessionSpec;
use crate::engine::{SystemClock, SystemEntropy};
use crate::tui::{self, Colors, Drafts, Look, Programs, Signs, TuiOptions};

/// What sessions and drafts are started with while the desk is open.
pub(super) struct Starts {
    pub(super) programs: programs::OnDisk,
    /// The command that drafts answers.
    pub(super) answerer: Option<String>,
}

/// Opens the desk.
pub(super) fn open(settings: &Settings, args: &OpenArgs) -> Result<Exit, CliError> {
    check_verb(&args.files)?;
    check_terminal(settings)?;
    let dirs = program::library_dirs(&args.session.lib, settings)?;
    let specs =
        args.files.iter().map(|file| program::spec(&program::Program::File(file), &args.session, &settings.limits));
    let mut specs = specs.collect::<Result<Vec<_>, _>>()?;
    for spec in &mut specs {
        spec.env = program::environment(&args.session, settings);
    }
    let copies = args.copies.unwrap_or(1) as usize;
    let specs = specs.into_iter().flat_map(|spec| std::iter::repeat_n(spec, copies)).collect();
    let programs = programs::OnDisk::new(
        args.session.clone(),
        settings.limits.clone(),
        program::environment(&args.session, settings),
    )
    .with_home(program::home(settings));
    let starts = Starts { programs, answerer: args.answerer.clone() };
    show(settings, &dirs, specs, starts)
}

/// Refuses a first word that is neither a file nor looks like the name of one: a mistyped subcommand.
fn check_verb(files: &[PathBuf]) -> Result<(), CliError> {
    let Some(word) = files.first().and_then(|file| file.to_str()).filter(|word| !word.contains(['.', '/'])) else {
        return Ok(());
    };
    if Path::new(word).exists() {
        return Ok(());
    }
    let verbs = Args::command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect::<Vec<_>>();
    let meant = near(word, verbs, false);
    let hint = if meant.is_empty() { String::new() } else { format!(" (near it: {})", meant.join(", ")) };
    Err(CliError::file(word, FileFault::NoVerb(hint)))
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
    library_dirs: &[PathBuf],
    mut specs: Vec<SessionSpec>,
    starts: Starts,
) -> Result<Exit, CliError> {
    let look = Look {
        colors: if settings.colors(Target::Terminal) { Colors::On } else { Colors::Off },
        signs: match (settings.desk.ascii, settings.ascii_terminal) {
            (true, true) => Signs::OnlyAscii,
            (true, false) => Signs::Ascii,
            (false, _) => Signs::Unicode,
        },
        depth: settings.desk.depth,
        theme: files::theme(settings)?,
    };
    let programs: Arc<dyn Programs> = Arc::new(starts.programs);
    let drafts = starts.answerer.map(|command| Arc::new(CommandDrafts(command)) as Arc<dyn Drafts>);
    let _log = log::start(settings);
    let mut stand = None;
    loop {
        let keymap = files::keymap(settings)?;
        let (journal, notice) = journal::of_the_desk(settings)?.unzip();
        let notice = notice.flatten();
        if let Some(notice) = &notice {
            // It is there again once the desk has given the terminal back.
            output::message(notice);
        }
        let options = TuiOptions {
            look,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            settings: settings.desk.clone(),
            keymap,
            programs: Arc::clone(&programs),
            drafts: drafts.clone(),
            keeper: None,
            unsent: Vec::new(),
            notices: notice.into_iter().collect(),
            opening: Arc::default(),
            stand: stand.take(),
        };
        let (library_dirs, home) = (library_dirs.to_vec(), program::home(settings));
        let desk = Desk::open(DeskOptions { library_dirs, home, journal, sleep: settings.sleep })?;
        match desk.show(std::mem::take(&mut specs), options)? {
            // A journal that another desk had is free: this one takes it.
            tui::Exit::KeptIsFree(before) => stand = Some(*before),
            left => return Ok(Exit::of_desk(&left)),
        }
    }
}
