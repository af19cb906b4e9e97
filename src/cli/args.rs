//! The arguments as clap reads them. What they mean is said where they are used.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{Args as Group, Parser, Subcommand, ValueEnum, ValueHint};

use crate::config::{Color, Flags, LogLevel, parse_duration, parse_size};
use crate::domain::{CancelCode, QueryId};

/// A terminal desk for people who watch over many running Lua programs that stop to ask questions.
///
/// Without a subcommand it opens the desk and starts a session for each file.
#[derive(Debug, Parser)]
#[command(name = "switchboard", version, after_help = EXIT_CODES)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    pub(super) open: OpenArgs,
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
}

const EXIT_CODES: &str = "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 a limit ended a session, 5 a conflict, 6 left waiting, or partly done, \
7 a session failed, 8 a session was cancelled, 129, 130 and 143 signals. Of several ends, 7 comes before 8 before 4 before 6.";

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// The desk with example sessions that wait, run, fail and loop
    Demo,
    /// Runs programs without a screen: events on standard output, answers from files and commands
    #[command(after_help = EXIT_CODES)]
    Run(Box<RunArgs>),
    /// Sessions of a journal and of runs: lists them, shows and follows them, writes them out, removes them
    #[command(subcommand)]
    Session(SessionVerb),
    /// Looks whether this machine keeps what the program promises
    Doctor(DoctorArgs),
    /// Facts about this installation: its version, and every path
    Info(InfoArgs),
    /// Every key of the desk and what it does, with what the keymap file says
    Keys(KeysArgs),
    /// Prints the completions of a shell
    Completion(CompletionArgs),
    /// Prints the manual page
    Man,
}

/// What every verb takes.
#[derive(Debug, Group)]
#[command(next_help_heading = "Common options")]
pub(super) struct Common {
    /// The config file (`$SWITCHBOARD_CONFIG`)
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// When to colour (`$SWITCHBOARD_COLOR`)
    #[arg(long, global = true, value_name = "WHEN")]
    color: Option<Color>,
    /// What to write to the log file (`$SWITCHBOARD_LOG_LEVEL`)
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<LogLevel>,
    /// The home of packages (`$SWITCHBOARD_HOME`)
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    home: Option<PathBuf>,
    /// Modules for require, behind every --lib (`$SWITCHBOARD_PACKAGES`, else packages in the home)
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    packages: Option<PathBuf>,
    /// What the program keeps for itself (`$SWITCHBOARD_STATE_DIR`)
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    state_dir: Option<PathBuf>,
    /// The log file (`$SWITCHBOARD_LOG_FILE`, else switchboard.log in the state directory)
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    log_file: Option<PathBuf>,
    /// The journal that sessions are kept in (`$SWITCHBOARD_JOURNAL`, else journal.db in the state directory)
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    journal: Option<PathBuf>,
    /// Keeps nothing: sessions end with the program
    #[arg(long, global = true, conflicts_with = "journal")]
    ephemeral: bool,
}

impl Common {
    /// The same as data.
    pub(super) fn flags(&self) -> Flags {
        Flags {
            config: self.config.clone(),
            home: self.home.clone(),
            state_dir: self.state_dir.clone(),
            log_file: self.log_file.clone(),
            packages: self.packages.clone(),
            journal: self.journal.clone(),
            ephemeral: self.ephemeral,
            color: self.color,
            log_level: self.log_level,
        }
    }
}

/// Opens the desk.
#[derive(Debug, Default, PartialEq, Group)]
pub(super) struct OpenArgs {
    /// Lua programs to start; a session each
    #[arg(value_name = "FILE.lua", value_hint = ValueHint::FilePath)]
    pub(super) files: Vec<PathBuf>,
    /// How many copies of each program to start
    #[arg(short = 'n', value_name = "COPIES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) copies: Option<u32>,
    /// A command that drafts answers when asked to (Ctrl-O): one query a line in, one answer a line out, both JSON
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString)]
    pub(super) answerer: Option<String>,
    #[command(flatten)]
    pub(super) session: SessionArgs,
}

/// Runs programs without a screen.
#[derive(Debug, Group)]
pub(super) struct RunArgs {
    /// The Lua program to run; - reads it from standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present_any = ["code", "advice", "eval", "resume"])]
    pub(super) file: Option<PathBuf>,
    /// Program text to run instead of a file
    #[arg(long, value_name = "LUA", conflicts_with = "file", allow_hyphen_values = true)]
    pub(super) code: Option<String>,
    #[command(flatten)]
    pub(super) kind: KindArgs,
    /// Goes on with the session of an earlier run that begins so (session list --runs has them), or with one of --journal
    #[arg(long, value_name = "ID", conflicts_with_all = ["file", "code", "advice", "eval", "ctx", "copies", "title", "tag", "env", "max_pauses", "max_queries", "timeout", "cpu", "section", "memory", "task", "opts", "strategy", "card"])]
    pub(super) resume: Option<String>,
    /// What to print: readable lines, one document at the end, or every event as a line of JSON
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: Format,

    /// Answers by pattern: lines of `{"match": REGEX?, "response": TEXT}`; the first match on the prompt wins
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Answers (asked in this order)")]
    pub(super) answers: Option<PathBuf>,
    /// A command that answers: one query a line in, one answer a line out, both JSON; started by sh -c
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString, help_heading = "Answers (asked in this order)")]
    pub(super) answerer: Option<String>,
    /// Answers on standard input: lines of `{"session"?, "query_id", "epoch"?, "response", "usage"?, "answer_id"?}`
    #[arg(long, help_heading = "Answers (asked in this order)")]
    pub(super) stdin: bool,

    #[command(flatten)]
    pub(super) session: SessionArgs,
    /// How many copies of the program to run
    #[arg(short = 'n', value_name = "COPIES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) copies: u32,
}

/// What is done with the sessions of a journal.
#[derive(Debug, Subcommand)]
pub(super) enum SessionVerb {
    /// Every session, or those that a query means, oldest first; or the runs
    List(ListArgs),
    /// What a session is, where it stands and what it waits for
    Show(WhichArgs),
    /// The events of a session, and those to come, until it has ended
    Tail(TailArgs),
    /// A session as a transcript in Markdown, or its events as lines of JSON
    Export(WhichArgs),
    /// Runs the program of a session again from its record, and says whether it does the same
    Verify(WhichArgs),
    /// Makes a session that goes on from an earlier question of another, which is cancelled if it has not ended
    Rewind(BranchArgs),
    /// The same, and the other goes on
    Fork(BranchArgs),
    /// Ends sessions that have not ended; while nobody else has the journal
    Cancel(CancelArgs),
    /// Removes sessions that have ended, with everything that is kept of them
    Rm(RemoveArgs),
}

/// Lists sessions.
#[derive(Debug, Group)]
pub(super) struct ListArgs {
    /// Only these: what / takes in the desk, such as "state:paused and age>1h"
    #[arg(long = "where", value_name = "QUERY", allow_hyphen_values = true)]
    pub(super) query: Option<String>,
    /// The runs that keep a record of their own, newest first; of --where those with a session that it means
    #[arg(long, conflicts_with = "journal")]
    pub(super) runs: bool,
    /// What to print: a table, one document, or a line of JSON for each
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: Format,
}

/// Which sessions are meant.
#[derive(Debug, Group)]
pub(super) struct WhichArgs {
    /// The session: its id, or the first digits of it
    #[arg(required_unless_present = "query", conflicts_with = "query")]
    pub(super) id: Option<String>,
    /// Every session that this query means
    #[arg(long = "where", value_name = "QUERY", allow_hyphen_values = true)]
    pub(super) query: Option<String>,
    /// What to print: text for people, one document, or a line of JSON for each
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: Format,
}

/// Follows a session.
#[derive(Debug, Group)]
pub(super) struct TailArgs {
    /// The session: its id, or the first digits of it
    pub(super) id: String,
    /// What to print: readable lines, one document at the end, or every event as a line of JSON
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: Format,
}

/// Goes on from an earlier question.
#[derive(Debug, Group)]
pub(super) struct BranchArgs {
    /// The session: its id, or the first digits of it
    pub(super) id: String,
    /// The question that is open again, such as q-3
    #[arg(long, value_name = "QUERY")]
    pub(super) at: QueryId,
    /// The answer to it; without one the new session waits
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) answer: Option<String>,
    /// Says what would be kept and left, and changes nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// What to print: text for people, one document, or a line of JSON
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: Format,
}

/// Ends sessions.
#[derive(Debug, Group)]
pub(super) struct CancelArgs {
    #[command(flatten)]
    pub(super) which: WhichArgs,
    /// Why, as a code
    #[arg(long, value_name = "CODE", default_value = "user")]
    pub(super) code: CancelCode,
    /// Why, in words
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) detail: Option<String>,
}

/// Removes sessions.
#[derive(Debug, Group)]
pub(super) struct RemoveArgs {
    /// The session: its id, or the first digits of it
    #[arg(required_unless_present_any = ["query", "all"], conflicts_with_all = ["query", "all"])]
    pub(super) id: Option<String>,
    /// Every session that has ended and that this query means, such as "age>30d"
    #[arg(long = "where", value_name = "QUERY", allow_hyphen_values = true, conflicts_with = "all")]
    pub(super) query: Option<String>,
    /// Every session that has ended
    #[arg(long)]
    pub(super) all: bool,
    /// Of runs, instead of the journal: a run goes with its file once all its sessions have ended, and are meant
    #[arg(long, conflicts_with_all = ["id", "journal"])]
    pub(super) runs: bool,
    /// Says what would be removed, and removes nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// What to print: text for people, one document, or a line of JSON for each
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: Format,
}

/// Installed packages to run instead of a program.
#[derive(Debug, Default, PartialEq, Group)]
#[command(next_help_heading = "Packages (instead of a program)")]
pub(super) struct KindArgs {
    /// Runs an installed package: require(STRATEGY).run(ctx), ctx made of --opts and --task
    #[arg(long, value_name = "STRATEGY", conflicts_with_all = ["file", "code", "eval", "ctx"])]
    pub(super) advice: Option<String>,
    /// The task of the package
    #[arg(long, value_name = "TEXT", requires = "advice", conflicts_with_all = ["file", "code"], allow_hyphen_values = true)]
    pub(super) task: Option<String>,
    /// Evaluates a package; its report is the result. SCENARIO is a name, a file, or cases as JSON or Lua
    #[arg(long, value_name = "SCENARIO", conflicts_with_all = ["file", "code", "ctx"], requires = "strategy")]
    pub(super) eval: Option<String>,
    /// The package that is evaluated
    #[arg(long, value_name = "PACKAGE", requires = "eval", conflicts_with_all = ["file", "code"])]
    pub(super) strategy: Option<String>,
    /// Writes a card of the report
    #[arg(long, requires = "eval", conflicts_with_all = ["file", "code"])]
    pub(super) card: bool,
    /// Options of the package: a JSON object, or @FILE to read it from a file
    #[arg(long, value_name = "JSON|@FILE", allow_hyphen_values = true, conflicts_with_all = ["file", "code"])]
    pub(super) opts: Option<String>,
}

/// What a session is started with.
#[derive(Debug, Clone, Default, PartialEq, Group)]
#[command(next_help_heading = "Sessions")]
pub(super) struct SessionArgs {
    /// The value of the global ctx: JSON, or @FILE to read it from a file
    #[arg(long, value_name = "JSON|@FILE", allow_hyphen_values = true)]
    pub(super) ctx: Option<String>,
    /// A directory of modules for require; may be repeated, the first that has a module wins
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) lib: Vec<PathBuf>,
    /// A name for people
    #[arg(long, value_name = "TEXT")]
    pub(super) title: Option<String>,
    /// A label for people and filters; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    pub(super) tag: Vec<(String, String)>,
    /// A variable of the environment that programs see, which else has only HOME, the home; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    pub(super) env: Vec<(String, String)>,
    /// Pauses that are answered; the next one is announced and ends the session
    #[arg(long, value_name = "N")]
    pub(super) max_pauses: Option<u64>,
    /// Queries that are asked; the pause that goes beyond is announced and ends the session
    #[arg(long, value_name = "N")]
    pub(super) max_queries: Option<u64>,
    /// How long a session may take, waiting included: 250ms, 20s, 5m, 1h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(super) timeout: Option<Duration>,
    /// How much CPU time a program may use in all: 250ms, 20s, 5m, 1h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(super) cpu: Option<Duration>,
    /// How long a program may stay where it cannot be interrupted: 50ms, 1s
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(super) section: Option<Duration>,
    /// How much memory a program may use: 512KB, 64MB, 1GB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(super) memory: Option<u64>,
}

/// Shows facts about the installation.
#[derive(Debug, Clone, Copy, Group)]
pub(super) struct InfoArgs {
    /// Only the paths, and where each comes from
    #[arg(long)]
    pub(super) paths: bool,
    /// What to print: a table, one document, or a line of JSON for each
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: Format,
}

/// Prints the keys.
#[derive(Debug, Clone, Copy, Group)]
pub(super) struct KeysArgs {
    /// What to print: a table, one document, or a line of JSON for each
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: Format,
}

/// Prints completions.
#[derive(Debug, Clone, Copy, Group)]
pub(super) struct CompletionArgs {
    /// The shell
    pub(super) shell: clap_complete::Shell,
}

/// The forms of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Lines for people
    Text,
    /// One JSON document
    Json,
    /// One JSON object a line
    Jsonl,
}

impl ValueEnum for CancelCode {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

impl ValueEnum for Color {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Always, Self::Never]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        word_of(Self::WORDS, self)
    }
}

impl ValueEnum for LogLevel {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Off, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        word_of(Self::WORDS, self)
    }
}

fn word_of<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> Option<PossibleValue> {
    words.iter().find(|(_, one)| one == value).map(|(word, _)| PossibleValue::new(*word))
}

fn tag(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("it must be KEY=VALUE, such as team=ci"),
    }
}

/// Looks at this machine.
#[derive(Debug, Group)]
pub(super) struct DoctorArgs {
    /// Kills a process of this program again and again as it works, and proves that nothing acknowledged was lost
    #[arg(long)]
    pub(super) crash_test: bool,
    /// How often the crash test kills
    #[arg(long, value_name = "N", default_value_t = 100, requires = "crash_test")]
    pub(super) kills: u32,
    /// Chooses the points at which it kills
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// Is the process that the crash test kills, in this directory
    #[arg(long, value_name = "DIR", hide = true)]
    pub(super) life: Option<PathBuf>,
    /// Is the last of them, which is not killed
    #[arg(long, hide = true, requires = "life")]
    pub(super) last: bool,
}
