//! Which journal sessions are kept in: of a desk the one of its settings, of a run the one that was named, else one of
//! its own.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::exit::CliError;
use super::find::{self, Found};
use super::output;
use crate::config::{Keeping, Settings};
use crate::domain::SessionId;
use crate::engine::Journal;
use crate::store::journal::{Opened, SqliteJournal};

/// The journal of a desk, and what its person should be told of it. `None`: nothing is kept.
///
/// # Errors
/// When there is one that cannot be opened.
pub(super) fn of_the_desk(settings: &Settings) -> Result<Option<(SqliteJournal, Option<String>)>, CliError> {
    let Some(path) = settings.paths.journal().filter(|_| settings.keeping == Keeping::Journal) else { return Ok(None) };
    Ok(Some(match SqliteJournal::open(path)? {
        Opened::Writer(journal) => {
            let notice = journal.notice().map(str::to_owned);
            (journal, notice)
        }
        Opened::Reader(journal, holder) => {
            // The desk says so itself, for as long as it is so.
            output::message(&held(path, &holder));
            (journal, None)
        }
        Opened::ReadOnly(journal, why) => {
            output::message(&format!("{why:#}"));
            (journal, None)
        }
    }))
}

/// The journal of a new run. `None`: nothing is kept.
///
/// # Errors
/// When the one that was named cannot be written.
pub(super) fn of_a_run(settings: &Settings) -> Result<Option<SqliteJournal>, CliError> {
    if settings.keeping == Keeping::Nothing {
        return Ok(None);
    }
    if let Some(path) = settings.paths.named_journal() {
        return for_writing(path).map(Some);
    }
    let Some(directory) = settings.paths.runs() else { return Ok(None) };
    match new_record(&directory) {
        Ok(journal) => Ok(Some(journal)),
        Err(error) => {
            // Nobody asked for this record; the run matters more.
            output::message(&format!("no record of this run is kept: {error}"));
            Ok(None)
        }
    }
}

/// A journal that was not there before: in containers every process may have the same number.
fn new_record(directory: &Path) -> Result<SqliteJournal, CliError> {
    let began = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S");
    let name = format!("{began}-{}", std::process::id());
    // Where it cannot be made, opening a file in it says so.
    let _ = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    let mut n = 1;
    loop {
        let path = directory.join(if n == 1 { format!("{name}.db") } else { format!("{name}.{n}.db") });
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        if !made.is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
            let opened = for_writing(&path);
            // Whoever removes runs may just look at an empty one.
            if opened.is_ok() || SqliteJournal::writer_of(&path).is_none() {
                return opened;
            }
        }
        n += 1;
    }
}

/// The journal of a run that goes on, and the session whose id is or begins with `given`.
///
/// # Errors
/// When there is none, or several, or it cannot be written.
pub(super) async fn of_a_session(settings: &Settings, given: &str) -> Result<(SqliteJournal, SessionId), CliError> {
    if settings.keeping == Keeping::Nothing {
        return Err(CliError::usage("--resume goes on with a record; leave out --ephemeral"));
    }
    let Found { path, id } = find::to_resume(settings, given)?;
    let stored = SqliteJournal::read(&path)?.stored_one(id).get().await?;
    // What a session has forked goes on with it.
    if let Some(parent) = stored.and_then(|stored| stored.session.spec().parent.as_ref().map(|parent| parent.session)) {
        let named = named(settings);
        let message = format!("{id} is a child; it goes on with its parent: switchboard run --resume {parent}{named}");
        return Err(CliError::usage(message));
    }
    match to_change(&path) {
        Err(CliError::Conflict(_)) => {
            let holder = SqliteJournal::writer_of(&path).unwrap_or_else(|| "another process".to_owned());
            Err(CliError::Conflict(format!("{} is held by {holder}; {id} can go on there", path.display())))
        }
        journal => Ok((journal?, id)),
    }
}

/// What a command has to be given to mean the journal that this one was given, if it was.
pub(super) fn named(settings: &Settings) -> String {
    settings.paths.named_journal().map(|path| format!(" --journal {}", path.display())).unwrap_or_default()
}

/// The records of runs.
///
/// # Errors
/// When there is no place for them, or it cannot be read.
pub(super) fn runs(settings: &Settings) -> Result<Vec<PathBuf>, CliError> {
    let no_place = || CliError::usage("there is no place for records of runs; set HOME or give --state-dir DIR");
    let directory = settings.paths.runs().ok_or_else(no_place)?;
    let entries = match fs::read_dir(&directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => return Err(CliError::io(directory, error)),
        Err(error) => return Err(CliError::failure(format!("{}: {error}", directory.display()))),
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let is_record = |path: &PathBuf| {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        // What was salvaged is found through the file that it was salvaged from.
        path.extension().is_some_and(|extension| extension == "db") && !stem.contains(".salvaged-")
    };
    Ok(paths.filter(is_record).collect())
}

/// Whether a journal is the record of a run.
pub(super) fn is_record_of_a_run(settings: &Settings, path: &Path) -> bool {
    settings.paths.runs().is_some_and(|runs| path.parent() == Some(&runs))
}

/// A journal that is there and that nobody else has.
///
/// # Errors
/// When it cannot be opened, or somebody has it.
pub(super) fn to_change(path: &Path) -> Result<SqliteJournal, CliError> {
    writer(path, SqliteJournal::open_again(path)?)
}

/// Deletes a journal that this process writes.
///
/// # Errors
/// When somebody has what was salvaged from it, or the system says no.
pub(super) fn delete(journal: SqliteJournal, path: &Path) -> Result<(), CliError> {
    journal.delete().map_err(|error| match error.kind() {
        ErrorKind::ResourceBusy => CliError::Conflict(error.to_string()),
        _ => CliError::io(path, error),
    })
}

/// A journal that nobody else has; a new one where there is none.
fn for_writing(path: &Path) -> Result<SqliteJournal, CliError> {
    writer(path, SqliteJournal::open(path)?)
}

fn writer(path: &Path, opened: Opened) -> Result<SqliteJournal, CliError> {
    match opened {
        Opened::Writer(journal) => {
            tell(&journal);
            Ok(journal)
        }
        Opened::Reader(_, holder) => {
            let message = format!("{}; leave it there, or name another with --journal", held(path, &holder));
            Err(CliError::Conflict(message))
        }
        Opened::ReadOnly(_, why) => Err(CliError::failure(why.of_it())),
    }
}

fn held(path: &Path, holder: &str) -> String {
    format!("{} is held by {holder}", path.display())
}

fn tell(journal: &SqliteJournal) {
    if let Some(notice) = journal.notice() {
        output::message(notice);
    }
}
