//! Finds a session by the first digits of its id: in the journal, and in the records of runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::exit::{CliError, Exit};
use super::journal::runs;
use super::near::{NAMED, near};
use crate::config::Settings;
use crate::domain::SessionId;
use crate::store::journal::{OpenError, Refused, SqliteJournal};

/// A session, and the journal that has it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) id: SessionId,
}

/// Where it is looked.
struct Places {
    journal: Option<PathBuf>,
    runs: Vec<PathBuf>,
}

/// The session whose id is or begins with `given`: of the journal that was named, else of the journal of the desk or the
/// records of runs.
///
/// # Errors
/// When there is none, or several, or the journal cannot be read.
pub(super) fn anywhere(settings: &Settings, given: &str) -> Result<Found, CliError> {
    let journal = Some(settings.paths.journal().ok_or_else(no_place)?.to_owned());
    if settings.paths.named_journal().is_some() {
        return one_of(settings, Places { journal, runs: Vec::new() }, given);
    }
    let (runs, unreadable) = match runs(settings) {
        Ok(runs) => (runs, None),
        Err(error) => (Vec::new(), Some(error)),
    };
    match (one_of(settings, Places { journal, runs }, given), unreadable) {
        // It may be there.
        (Err(error), Some(unreadable)) if error.exit() == Exit::NotFound => Err(unreadable),
        (found, _) => found,
    }
}

/// The session of an earlier run, or of the journal that was named, whose id is or begins with `given`.
///
/// # Errors
/// As [`anywhere`] says.
pub(super) fn to_resume(settings: &Settings, given: &str) -> Result<Found, CliError> {
    if let Some(path) = settings.paths.named_journal() {
        return one_of(settings, Places { journal: Some(path.to_owned()), runs: Vec::new() }, given);
    }
    let found = one_of(settings, Places { journal: None, runs: runs(settings)? }, given);
    let Err(CliError::NoSession(_)) = &found else { return found };
    // It is no guess that a person means the one of the desk, but theirs to say.
    match settings.paths.journal().filter(|path| beginning(path, given).is_ok_and(|ids| ids.len() == 1)) {
        Some(path) => {
            let path = path.display();
            let message = format!("{given} is of the desk, not of a run; open the desk, or give --journal {path}");
            Err(CliError::usage(message))
        }
        None => found,
    }
}

/// That there is nowhere to look.
pub(super) fn no_place() -> CliError {
    CliError::usage("there is no place for a journal; set HOME or give --journal FILE")
}

fn one_of(settings: &Settings, places: Places, given: &str) -> Result<Found, CliError> {
    let (mut found, mut others) = (Vec::new(), Vec::new());
    let mut look = |path: &Path| -> Result<(), OpenError> {
        let (same, rest): (Vec<_>, Vec<_>) =
            SqliteJournal::ids_in(path)?.into_iter().partition(|id| begins(*id, given));
        found.extend(same.into_iter().map(|id| Found { path: path.to_owned(), id }));
        others.extend(rest);
        Ok(())
    };
    let mut journal = places.journal;
    if let Some(Err(error)) = journal.as_deref().map(&mut look) {
        if places.runs.is_empty() || !matches!(error.refused, Refused::Missing) {
            return Err(error.into());
        }
        journal = None;
    }
    let mut unreadable = 0;
    for run in &places.runs {
        match look(run) {
            Err(error) if matches!(error.refused, Refused::Missing | Refused::Foreign) => {}
            looked => unreadable += usize::from(looked.is_err()),
        }
    }
    let ids: BTreeSet<SessionId> = found.iter().map(|found| found.id).collect();
    match found.len() {
        1 => Ok(found.remove(0)),
        // Somebody has copied a journal.
        n if n > 1 && ids.len() == 1 => {
            let mut files: Vec<String> =
                found.iter().take(NAMED).map(|found| found.path.display().to_string()).collect();
            if n > NAMED {
                files.push("…".to_owned());
            }
            let message =
                format!("{} is in {n} journals ({}); give one with --journal FILE", found[0].id, files.join(", "));
            Err(CliError::usage(message))
        }
        0 => {
            let nothing = nothing(settings, journal.as_deref(), given, &others);
            Err(CliError::NoSession(match unreadable {
                0 => nothing,
                n => format!("{nothing}, and {n} that cannot be read"),
            }))
        }
        _ => {
            let n = ids.len();
            // Short as a screen shows them, unless they are alike as far as that.
            let shown = |id: SessionId| if given.len() < 8 { id.short() } else { id.to_string() };
            let mut ids: Vec<String> = ids.into_iter().take(NAMED).map(shown).collect();
            if n > NAMED {
                ids.push("…".to_owned());
            }
            Err(CliError::usage(format!("{given} is the beginning of {n} ids ({}); give more digits", ids.join(", "))))
        }
    }
}

/// The sessions of a journal whose id is or begins with `given`.
fn beginning(path: &Path, given: &str) -> Result<Vec<SessionId>, OpenError> {
    Ok(SqliteJournal::ids_in(path)?.into_iter().filter(|id| begins(*id, given)).collect())
}

fn begins(id: SessionId, given: &str) -> bool {
    !given.is_empty() && id.to_string().starts_with(&given.to_ascii_lowercase())
}

/// Says that there is no such session in `journal`, or else in the records of runs, what may have been meant, and where to
/// look.
fn nothing(settings: &Settings, journal: Option<&Path>, given: &str, others: &[SessionId]) -> String {
    let named = settings.paths.named_journal().is_some();
    let (mut places, mut lists) = (Vec::new(), Vec::new());
    if let Some(path) = journal {
        places.push(path.display().to_string());
        lists.push(if named {
            format!("`switchboard session list --journal {}`", path.display())
        } else {
            "`switchboard session list`".to_owned()
        });
    }
    if let Some(path) = settings.paths.runs().filter(|_| !named) {
        places.push(path.display().to_string());
        lists.push("`switchboard session list --runs`".to_owned());
    }
    let name = if lists.len() > 1 { "name" } else { "names" };
    let meant = near(&given.to_ascii_lowercase(), others.iter().map(ToString::to_string), true);
    let is_id = (1..=16).contains(&given.len()) && given.bytes().all(|byte| byte.is_ascii_hexdigit());
    let hint = if !meant.is_empty() {
        let meant: Vec<&str> = meant.iter().map(|id| &id[..given.len().clamp(8, 16)]).collect();
        format!("; near it: {}", meant.join(", "))
    } else if is_id {
        String::new()
    } else {
        "; an id is up to 16 digits and letters from a to f".to_owned()
    };
    let given = if given.is_empty() { "\"\"" } else { given };
    let (places, lists) = (places.join(" and "), lists.join(" and "));
    format!("no session {given} in {places}{hint}; {lists} {name} them")
}
