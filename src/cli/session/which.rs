//! Which sessions are meant: by the first digits of an id, or by a query.

use std::path::PathBuf;
use std::sync::Arc;

use super::{journal_path, open};
use crate::cli::exit::CliError;
use crate::cli::find::{self, Found};
use crate::cli::output;
use crate::config::Settings;
use crate::domain::query::{Expr, Scratch};
use crate::domain::{Session, Timestamp};
use crate::engine::{Clock, Journal, Stored, Summary, SystemClock};
use crate::store::journal::SqliteJournal;

/// Sessions that are read at once.
const PAGE: usize = 1000;

/// The query of a `--where`.
///
/// # Errors
/// What is wrong with it, and where.
pub(super) fn query(text: &str) -> Result<Expr, CliError> {
    text.parse::<Expr>().map_err(|fault| CliError::usage(format!("--where {text:?}: {}", fault.what)))
}

/// A query that is asked of one session after the other, of all at the same moment. Without one, every session is meant.
pub(super) struct Filter<'a> {
    query: Option<&'a Expr>,
    now: Timestamp,
    scratch: Scratch,
}

impl<'a> Filter<'a> {
    pub(super) fn new(query: Option<&'a Expr>) -> Self {
        Self { query, now: SystemClock.now(), scratch: Scratch::default() }
    }

    /// Whether a session is meant.
    pub(super) fn means(&mut self, stored: &Stored) -> bool {
        let Some(query) = self.query else { return true };
        query.holds(&Summary::from(stored).facts(self.now), &mut self.scratch)
    }
}

/// Every session that `query` means, or every one, in the order of their birth.
///
/// # Errors
/// When the journal cannot be read.
pub(super) async fn sessions(journal: &SqliteJournal, query: Option<&Expr>) -> Result<Vec<Arc<Session>>, CliError> {
    Ok(stored(journal, query).await?.into_iter().map(|stored| stored.session).collect())
}

/// The same, with what the journal says of each.
///
/// # Errors
/// As [`sessions`].
pub(super) async fn stored(journal: &SqliteJournal, query: Option<&Expr>) -> Result<Vec<Stored>, CliError> {
    let (mut filter, mut all, mut behind) = (Filter::new(query), Vec::new(), 0);
    loop {
        let page = journal.stored(behind, PAGE).get().await?;
        let Some(last) = page.last else { return Ok(all) };
        behind = last;
        for (id, why) in &page.damaged {
            output::message(&format!("{id} is left out: {why}"));
        }
        all.extend(page.sessions.iter().filter(|stored| filter.means(stored)).cloned());
    }
}

/// The sessions that are meant, and the journal that has them.
pub(super) struct Meant {
    /// The file that was asked for.
    pub(super) path: PathBuf,
    /// The same, to be read.
    pub(super) journal: SqliteJournal,
    pub(super) sessions: Vec<Arc<Session>>,
}

/// The session whose id is or begins with `given`, of the journal or of a run.
///
/// # Errors
/// When there is none, or several, or the journal cannot be read.
pub(super) async fn one(settings: &Settings, given: &str) -> Result<(Meant, Arc<Session>), CliError> {
    let Found { path, id } = find::anywhere(settings, given)?;
    let journal = SqliteJournal::read(&path)?;
    match journal.stored_one(id).get().await? {
        Some(stored) => {
            let session = stored.session;
            Ok((Meant { path, journal, sessions: vec![Arc::clone(&session)] }, session))
        }
        None => Err(CliError::failure(format!("{id} cannot be read from {}", path.display()))),
    }
}

/// The sessions that an id means, of the journal or of a run; or those of the journal that a query means.
///
/// # Errors
/// As [`one`] and [`query`] say.
pub(super) async fn meant(settings: &Settings, id: Option<&str>, text: Option<&str>) -> Result<Meant, CliError> {
    if let Some(id) = id {
        return Ok(one(settings, id).await?.0);
    }
    let query = text.map(query).transpose()?;
    let (path, journal) = (journal_path(settings)?.to_owned(), open(settings)?);
    let sessions = sessions(&journal, query.as_ref()).await?;
    Ok(Meant { path, journal, sessions })
}
