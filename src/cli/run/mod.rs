//! `switchboard run`: programs without a screen.
//!
//! A supervisor starts the sessions; each has a follower that prints its events and takes its questions to the
//! sources, which ask one another in a fixed order: answers file, answerer, standard input, nobody. All of it lives on
//! the runtime of the programs, since a wake-up from another thread costs more than an answer. Only standard input and
//! standard output have threads of their own, because they may block for ever.

pub(super) mod answerer;
mod answers_file;
mod coprocess;
pub(super) mod follow;
mod left;
mod lines;
mod matching;
mod printed;
mod sources;
mod stdin;
mod stream;
mod supervise;
mod terminal;
pub(super) mod text;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Builder;

use super::args::{Format, RunArgs};
use super::exit::{CliError, Exit};
use super::program::{self, Program};
use super::{journal, log};
use crate::config::{Settings, Target};
use crate::desk::{Desk, DeskError, DeskOptions};
use crate::domain::{SessionId, SessionSpec};
use answers_file::AnswersFile;

/// Everything about a run that is known before it starts.
struct Plan {
    sessions: Sessions,
    answers: Option<Arc<AnswersFile>>,
    answerer: Option<String>,
    stdin: bool,
    form: Form,
}

/// Where sessions of a run are kept, for what is said to go on with them.
struct KeptIn {
    path: PathBuf,
    /// Whether it is found without being named.
    is_found: bool,
}

impl KeptIn {
    /// What a command has to be given to find it there. Of what is not there any more only the person can say where.
    fn argument(&self) -> String {
        match (self.is_gone(), self.is_found) {
            (true, _) => " --journal FILE".to_owned(),
            (false, true) => String::new(),
            (false, false) => format!(" --journal {}", self.path.display()),
        }
    }

    fn is_gone(&self) -> bool {
        !self.path.exists()
    }

    /// What belongs to it and still lies where it was, where it is gone: its log, without which it cannot be read.
    fn log_left(&self) -> Option<PathBuf> {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        Some(log.into()).filter(|log: &PathBuf| self.is_gone() && log.exists())
    }
}

/// The sessions of a run.
enum Sessions {
    /// New ones.
    New { spec: Box<SessionSpec>, copies: u32 },
    /// One that stands in the journal.
    Kept(SessionId),
}

impl Sessions {
    /// How many a person has started.
    fn count(&self) -> u32 {
        match self {
            Self::New { copies, .. } => *copies,
            Self::Kept(_) => 1,
        }
    }
}

/// How events are printed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) format: Format,
    pub(super) colors: bool,
    /// Whether lines for people must say whose they are.
    pub(super) several: bool,
}

impl Form {
    /// How they are printed to standard output, whatever it is.
    pub(super) fn of(settings: &Settings, format: Format, several: bool) -> Self {
        let target = if std::io::stdout().is_terminal() { Target::Terminal } else { Target::Other };
        Self { format, colors: settings.colors(target), several }
    }
}

/// Runs the programs and says how they ended.
pub(super) fn run(settings: &Settings, args: RunArgs) -> Result<Exit, CliError> {
    let dirs = program::library_dirs(&args.session.lib, settings)?;
    let (journal, plan) = match &args.resume {
        None => {
            let sessions = new_sessions(settings, &args)?;
            let plan = plan(settings, args, sessions)?;
            (journal::of_a_run(settings)?, plan)
        }
        Some(given) => {
            let runtime = Builder::new_current_thread().enable_all().build().map_err(DeskError::Runtime)?;
            let (journal, session) = runtime.block_on(journal::of_a_session(settings, given))?;
            (Some(journal), plan(settings, args, Sessions::Kept(session))?)
        }
    };
    let kept_in = match settings.paths.named_journal() {
        Some(path) => Some(KeptIn { path: path.to_owned(), is_found: false }),
        None => journal
            .as_ref()
            .map(|journal| KeptIn { path: journal.path().to_owned(), is_found: !settings.paths.are_runs_elsewhere() }),
    };
    let _log = log::start(settings);
    let desk =
        Desk::open(DeskOptions { library_dirs: dirs, home: program::home(settings), journal, sleep: settings.sleep })?;
    let result = desk.run(supervise::supervise(desk.registry().clone(), plan, kept_in));
    desk.close();
    result
}

/// Reads and checks everything about the answers before anything starts.
fn plan(settings: &Settings, args: RunArgs, sessions: Sessions) -> Result<Plan, CliError> {
    let form = Form::of(settings, args.output, args.copies > 1);
    let read = |path| AnswersFile::read(path, settings.limits.answer_bytes);
    let answers = args.answers.as_deref().map(read).transpose()?.map(Arc::new);
    if args.answerer.as_deref().is_some_and(|command| command.trim().is_empty()) {
        return Err(CliError::usage("--answerer: the command is blank; give one that answers a line with a line"));
    }
    Ok(Plan { sessions, answers, answerer: args.answerer, stdin: args.stdin, form })
}

/// Reads and checks the program.
fn new_sessions(settings: &Settings, args: &RunArgs) -> Result<Sessions, CliError> {
    let program = match (&args.code, &args.file) {
        (Some(code), _) => Program::Code(code),
        (None, Some(file)) if file.as_os_str() == "-" => {
            if args.stdin {
                let message = "-: the program and --stdin both want standard input; give the program as a file";
                return Err(CliError::usage(message));
            }
            Program::Stdin
        }
        (None, Some(file)) => Program::File(file),
        (None, None) => Program::Kind(&args.kind),
    };
    let mut spec = program::spec(&program, &args.session, &settings.limits)?;
    spec.env = program::environment(&args.session, settings);
    Ok(Sessions::New { spec: Box::new(spec), copies: args.copies })
}
