//! Which sessions of a journal are meant: by the first digits of an id, or by a query.

use std::sync::Arc;

use crate::cli::exit::CliError;
use crate::cli::journal::beginning;
use crate::cli::output;
use crate::domain::query::{Expr, Facts, Scratch};
use crate::domain::{Session, Timestamp};
use crate::engine::{Clock, Journal, Stored, SystemClock};
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

/// Whether a query means a session.
pub(super) fn means(query: &Expr, session: &Session, now: Timestamp, scratch: &mut Scratch) -> bool {
    let facts = Facts {
        id: session.id(),
        spec: session.spec(),
        number: None,
        state: session.state(),
        created_at: session.created_at(),
        tokens: session.usage().total_tokens.tokens,
        query: None,
        now,
    };
    query.holds(&facts, scratch)
}

/// Every session that `query` means, or every one, in the order of their birth.
///
/// # Errors
/// When the journal cannot be read.
pub(super) async fn sessions(journal: &SqliteJournal, query: Option<&Expr>) -> Result<Vec<Arc<Session>>, CliError> {
    let (now, mut scratch) = (SystemClock.now(), Scratch::default());
    let mut sessions = Vec::new();
    let mut behind = 0;
    loop {
        let page = journal.stored(behind, PAGE).get().await?;
        let Some(last) = page.last else { return Ok(sessions) };
        behind = last;
        for (id, why) in &page.damaged {
            output::message(&format!("{id} is left out: {why}"));
        }
        let meant = page.sessions.iter().map(|stored| &stored.session);
        let meant = meant.filter(|session| query.is_none_or(|query| means(query, session, now, &mut scratch)));
        sessions.extend(meant.cloned());
    }
}

/// The session whose id is or begins with `given`.
///
/// # Errors
/// When there is none, or several, or the journal cannot be read.
pub(super) async fn one(journal: &SqliteJournal, given: &str) -> Result<Arc<Session>, CliError> {
    match <[Stored; 1]>::try_from(beginning(journal, given).await?) {
        Ok([stored]) => Ok(stored.session),
        Err(none) if none.is_empty() => Err(CliError::no_session(given, journal.path())),
        Err(several) => {
            let message = format!("{given} is the beginning of {} ids; give more digits", several.len());
            Err(CliError::usage(message))
        }
    }
}

/// The sessions that an id or a query means.
///
/// # Errors
/// As [`one`] and [`query`] say.
pub(super) async fn meant(
    journal: &SqliteJournal,
    id: Option<&str>,
    text: Option<&str>,
) -> Result<Vec<Arc<Session>>, CliError> {
    match (id, text) {
        (Some(id), _) => Ok(vec![one(journal, id).await?]),
        (None, text) => sessions(journal, text.map(query).transpose()?.as_ref()).await,
    }
}
