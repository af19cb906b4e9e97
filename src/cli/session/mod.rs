//! `switchboard session`: reads the sessions of a journal and of runs, also while somebody writes them; goes on
//! from earlier questions, ends sessions, and removes those that have ended.
//!
//! Only [`verify`] and an answer to a [`branch`] run programs.

mod branch;
mod cancel;
mod export;
mod list;
mod remove;
mod runs;
mod show;
mod tail;
mod transcript;
mod verify;
mod which;

use std::future::Future;
use std::path::Path;

use tokio::runtime::Builder;

use super::args::SessionVerb;
use super::exit::{CliError, Exit};
use super::{find, journal};
use crate::config::Settings;
use crate::desk::DeskError;
use crate::store::journal::{Refused, SqliteJournal};

/// Does what is asked with the sessions of the journal.
pub(super) fn session(settings: &Settings, verb: SessionVerb) -> Result<Exit, CliError> {
    match verb {
        SessionVerb::List(args) => list::list(settings, &args),
        SessionVerb::Show(args) => show::show(settings, &args),
        SessionVerb::Tail(args) => tail::tail(settings, &args),
        SessionVerb::Export(args) => export::export(settings, &args),
        SessionVerb::Verify(args) => verify::verify(settings, &args),
        SessionVerb::Rewind(args) => branch::branch(settings, &args, branch::Kind::Rewind),
        SessionVerb::Fork(args) => branch::branch(settings, &args, branch::Kind::Fork),
        SessionVerb::Cancel(args) => cancel::cancel(settings, &args),
        SessionVerb::Rm(args) => remove::remove(settings, &args),
    }
}

/// The file that is meant.
fn journal_path(settings: &Settings) -> Result<&Path, CliError> {
    settings.paths.journal().ok_or_else(find::no_place)
}

/// The journal, to be read.
fn open(settings: &Settings) -> Result<SqliteJournal, CliError> {
    let error = match SqliteJournal::read(journal_path(settings)?) {
        Ok(journal) => return Ok(journal),
        Err(error) => error,
    };
    let runs = if settings.paths.named_journal().is_some() { Ok(Vec::new()) } else { journal::runs(settings) };
    let runs = runs.map_or(0, |runs| runs.len());
    match error.refused {
        Refused::Missing if runs > 0 => {
            let message = format!("{error}; `switchboard session list --runs` lists the records of runs ({runs})");
            Err(CliError::NoSession(message))
        }
        _ => Err(error.into()),
    }
}

/// Waits here for what a journal says.
fn wait<T>(work: impl Future<Output = T>) -> Result<T, CliError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(DeskError::Runtime)?;
    Ok(runtime.block_on(work))
}
