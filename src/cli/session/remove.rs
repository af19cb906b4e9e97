//! `switchboard session rm`: removes sessions that have ended, with everything that is kept of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::json;

use super::which::{Filter, Meant};
use super::{journal_path, open, runs, wait, which};
use crate::cli::args::{Format, RemoveArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::journal::{delete, is_record_of_a_run, named, to_change};
use crate::cli::output;
use crate::config::Settings;
use crate::domain::{Session, SessionId, printable_line};
use crate::engine::{Journal, Stored};

/// Removes the sessions, or says which it would.
pub(super) fn remove(settings: &Settings, args: &RemoveArgs) -> Result<Exit, CliError> {
    let (id, query) = (args.id.as_deref(), args.query.as_deref());
    let parsed = query.map(which::query).transpose()?;
    if args.runs {
        return runs::remove(settings, args, parsed.as_ref());
    }
    wait(async {
        // Nothing is made only to find that nothing is in it.
        let (path, journal, given) = match id {
            Some(id) => {
                let (Meant { path, journal, .. }, session) = which::one(settings, id).await?;
                (path, journal, Some(session.id()))
            }
            None => (journal_path(settings)?.to_owned(), open(settings)?, None),
        };
        let stored = which::stored(&journal, None).await?;
        let all: Vec<&Arc<Session>> = stored.iter().map(|stored| &stored.session).collect();
        let mut filter = Filter::new(parsed.as_ref());
        let is_meant = |stored: &&Stored| given.map_or_else(|| filter.means(stored), |id| stored.session.id() == id);
        let meant = stored.iter().filter(is_meant).map(|stored| Arc::clone(&stored.session)).collect();
        // What a run has forked goes with it, and its file with the last of its sessions. Elsewhere only that goes which
        // nobody would end any more.
        let is_of_a_run = is_record_of_a_run(settings, &path);
        let sessions = with_children(meant, &all, |child| is_of_a_run || !child.state().is_ended());
        let tops = tops(&all, journal.ids()?);
        let (mut ended, mut not_ended, mut needed) = (Vec::new(), 0, 0);
        for session in sessions {
            let (top, has_ended) = tops[&session.id()];
            if has_ended {
                ended.push(session);
            } else if id.is_some() {
                let (session, named) = (session.id(), named(settings));
                let of = if session == top { String::new() } else { format!("is of {top}, which ") };
                let message = format!("{session} {of}has not ended; first switchboard session cancel {top}{named}");
                return Err(CliError::Conflict(message));
            } else if session.state().is_ended() {
                needed += 1;
            } else {
                not_ended += 1;
            }
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
        say(args, &ended, not_ended, needed)?;
        Ok(Exit::Ok)
    })?
}

/// The sessions, and of `all` those that they have forked and that `goes` too; each once.
fn with_children(
    mut sessions: Vec<Arc<Session>>,
    all: &[&Arc<Session>],
    goes: impl Fn(&Session) -> bool,
) -> Vec<Arc<Session>> {
    let mut children: HashMap<SessionId, Vec<&Arc<Session>>> = HashMap::new();
    for session in all.iter().filter(|session| goes(session)) {
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

/// Of each session of a journal the one at the top of its family, as far as that is there, and whether that has ended. A
/// family has ended with its top: that needs those below it to go on, and what still waits below an end waits for nobody.
///
/// `all` are the sessions that can be read, in the order of their birth, `ids` those that are there. One that cannot be
/// read may go on once it is saved.
fn tops(all: &[&Arc<Session>], ids: Vec<SessionId>) -> HashMap<SessionId, (SessionId, bool)> {
    let readable: HashSet<SessionId> = all.iter().map(|session| session.id()).collect();
    let unreadable = ids.into_iter().filter(|id| !readable.contains(id));
    let mut tops: HashMap<_, _> = unreadable.map(|id| (id, (id, false))).collect();
    for session in all {
        let own = (session.id(), session.state().is_ended());
        // A parent is born before its children.
        let above = parent(session).and_then(|parent| tops.get(&parent).copied());
        tops.insert(session.id(), above.unwrap_or(own));
    }
    tops
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
