//! `switchboard session rm`: removes sessions that have ended, with everything that is kept of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::json;

use super::which::Meant;
use super::{runs, wait, which};
use crate::cli::args::{Format, RemoveArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::journal::{delete, is_record_of_a_run, named, to_change};
use crate::cli::output;
use crate::config::Settings;
use crate::domain::{Session, SessionId, printable_line};
use crate::engine::Journal;
use crate::store::journal::SqliteJournal;

/// Removes the sessions, or says which it would.
pub(super) fn remove(settings: &Settings, args: &RemoveArgs) -> Result<Exit, CliError> {
    let (id, query) = (args.id.as_deref(), args.query.as_deref());
    let parsed = query.map(which::query).transpose()?;
    if args.runs {
        return runs::remove(settings, args, parsed.as_ref());
    }
    wait(async {
        // Nothing is made only to find that nothing is in it.
        let Meant { path, journal, mut sessions } = which::meant(settings, id, query).await?;
        // What a run has forked goes with it, and its file with the last of its sessions.
        let named = named(settings);
        let is_of_a_run = is_record_of_a_run(settings, &path);
        if is_of_a_run {
            sessions = with_children(sessions, &which::sessions(&journal, None).await?);
        }
        let (ended, live): (Vec<_>, Vec<_>) = sessions.into_iter().partition(|session| session.state().is_ended());
        if let (Some(session), Some(_)) = (live.first(), id) {
            let message = format!("{0} has not ended; first switchboard session cancel {0}{named}", session.id());
            return Err(CliError::Conflict(message));
        }
        let (ended, needed) = without_needed(&journal, ended).await;
        if let (Some((session, above)), Some(_)) = (needed.first(), id) {
            let session = session.id();
            let message = format!(
                "{session} is of {above}, which has not ended; first switchboard session cancel {above}{named}"
            );
            return Err(CliError::Conflict(message));
        }
        drop(journal);
        if !args.dry_run {
            let journal = to_change(&path)?;
            let ended: HashSet<SessionId> = ended.iter().map(|session| session.id()).collect();
            let is_all = is_of_a_run && journal.ids()?.iter().all(|id| ended.contains(id));
            let is_damaged = journal.notice().is_some();
            if is_all && !is_damaged {
                delete(journal, &path)?;
            } else {
                journal.remove(ended.into_iter().collect()).get().await?;
                journal.close().get().await?;
            }
            if is_all && is_damaged {
                // It may have had more than was saved of it.
                let (path, stays) = (path.display(), "is damaged and stays, with all that lies beside it");
                output::message(&format!("{path} {stays}; delete it yourself if you do not want it"));
            }
        }
        say(args, &ended, live.len(), needed.len())?;
        Ok(Exit::Ok)
    })?
}

/// The sessions, and of `all` those that they have forked; each once.
fn with_children(mut sessions: Vec<Arc<Session>>, all: &[Arc<Session>]) -> Vec<Arc<Session>> {
    let mut children: HashMap<SessionId, Vec<&Arc<Session>>> = HashMap::new();
    for session in all {
        if let Some(parent) = parent(session) {
            children.entry(parent).or_default().push(session);
        }
    }
    let mut known: HashSet<SessionId> = sessions.iter().map(|session| session.id()).collect();
    let mut at = 0;
    while let Some(parent) = sessions.get(at).map(|session| session.id()) {
        let children = children.remove(&parent).unwrap_or_default();
        sessions.extend(children.into_iter().filter(|child| known.insert(child.id())).cloned());
        at += 1;
    }
    sessions
}

fn parent(session: &Session) -> Option<SessionId> {
    session.spec().parent.as_ref().map(|parent| parent.session)
}

/// The sessions that can go, and those that one above them needs to go on, each with that one.
async fn without_needed(
    journal: &SqliteJournal,
    ended: Vec<Arc<Session>>,
) -> (Vec<Arc<Session>>, Vec<(Arc<Session>, SessionId)>) {
    let mut known = HashMap::new();
    let (mut free, mut needed) = (Vec::new(), Vec::new());
    for session in ended {
        let above = match parent(&session) {
            None => None,
            Some(parent) => match known.get(&parent) {
                Some(above) => *above,
                None => *known.entry(parent).or_insert(not_ended_from(journal, parent).await),
            },
        };
        match above {
            None => free.push(session),
            Some(above) => needed.push((session, above)),
        }
    }
    (free, needed)
}

/// The first session that has not ended, of this one and those above it.
async fn not_ended_from(journal: &SqliteJournal, id: SessionId) -> Option<SessionId> {
    let mut next = Some(id);
    while let Some(id) = next {
        next = match journal.stored_one(id).get().await {
            Ok(Some(stored)) if stored.session.state().is_ended() => parent(&stored.session),
            // One that cannot be read may go on once it is saved.
            Ok(Some(_)) | Err(_) => return Some(id),
            Ok(None) => None,
        };
    }
    None
}

/// Says what went, how many of those that are meant have not ended, and how many are needed by one that has not.
fn say(args: &RemoveArgs, ended: &[Arc<Session>], not_ended: usize, needed: usize) -> Result<(), CliError> {
    let word = if args.dry_run { "would remove" } else { "removed" };
    let objects = ended.iter().map(
        |session| json!({ "session": session.id(), "title": session.spec().display_title(), "removed": !args.dry_run }),
    );
    let text = match args.output {
        Format::Text => {
            let lines = ended.iter().map(|session| {
                let title = printable_line(session.spec().display_title()).into_owned();
                format!("{word} {}  {title}\n", session.id())
            });
            lines.collect()
        }
        Format::Json => format!(
            "{:#}\n",
            json!({ "sessions": objects.collect::<Vec<_>>(), "not_ended": not_ended, "needed": needed })
        ),
        Format::Jsonl => objects.map(|object| object.to_string() + "\n").collect(),
    };
    output::data(text)?;
    match not_ended {
        0 => {}
        1 => output::message("1 session that it means has not ended and is kept"),
        _ => output::message(&format!("{not_ended} sessions that it means have not ended and are kept")),
    }
    match needed {
        0 => {}
        1 => output::message("1 session that it means is of one that has not ended and is kept"),
        _ => output::message(&format!("{needed} sessions that it means are of some that have not ended and are kept")),
    }
    Ok(())
}
