//! The records of runs, a journal each: their list, and the removal of those that have ended.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::list::{born, short, time};
use super::which::Filter;
use super::{wait, which};
use crate::cli::args::{Format, ListArgs, RemoveArgs};
use crate::cli::exit::{CliError, Exit};
use crate::cli::journal::{self, runs, to_change};
use crate::cli::output;
use crate::config::{Settings, size_in_words};
use crate::domain::query::Expr;
use crate::domain::{ExecutionState, Prompt, Session, SessionId, StateName, Timestamp};
use crate::engine::{Journal, Stored};
use crate::store::journal::{Refused, SqliteJournal};

/// In this order they say what a run of several sessions is: what a person has to do comes first.
const STATES: [StateName; 5] =
    [StateName::Paused, StateName::Running, StateName::Failed, StateName::Cancelled, StateName::Done];

/// The record of a run.
struct Run {
    path: PathBuf,
    /// All of its sessions that can be read, in the order of their birth; none where it was ended before it began.
    stored: Vec<Stored>,
    /// How many cannot be read. Nobody knows what they wait for.
    damaged: usize,
    began: Timestamp,
    bytes: u64,
    /// The process that has it, if one has.
    holder: Option<String>,
}

impl Run {
    async fn read(path: PathBuf) -> Result<Self, CliError> {
        let (stored, damaged) = match SqliteJournal::read(&path) {
            Ok(journal) => read(&journal).await?,
            Err(error) if matches!(error.refused, Refused::Missing) => (Vec::new(), 0),
            Err(error) => return Err(error.into()),
        };
        let changed = || fs::metadata(&path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok();
        let began = match stored.first() {
            Some(stored) => born(&stored.session),
            None => changed().map_or(0, |since| since.as_millis() as i64),
        };
        let (bytes, holder) = (SqliteJournal::bytes_of(&path), SqliteJournal::writer_of(&path));
        Ok(Self { path, stored, damaged, began, bytes, holder })
    }

    fn sessions(&self) -> impl Iterator<Item = &Arc<Session>> {
        self.stored.iter().map(|stored| &stored.session)
    }

    /// Those that a person has started.
    fn tops(&self) -> impl Iterator<Item = &Arc<Session>> {
        self.sessions().filter(|session| session.spec().parent.is_none())
    }

    /// The one that it is called by: the first to go on with, else the first.
    fn first(&self) -> Option<&Arc<Session>> {
        self.tops().find(|session| !session.state().is_ended()).or_else(|| self.tops().next())
    }

    fn standing(&self) -> Standing {
        Standing::of(&self.stored, self.damaged)
    }

    /// How many of those that a person has started are in each state.
    fn states(&self) -> Vec<(StateName, usize)> {
        let count = |state| (state, self.tops().filter(|session| session.state().name() == state).count());
        STATES.map(count).into_iter().filter(|(_, count)| *count > 0).collect()
    }

    fn title(&self) -> &str {
        match self.first() {
            Some(session) => session.spec().display_title(),
            None if self.damaged > 0 => "what was started cannot be read",
            None => "nothing was started",
        }
    }

    /// What its sessions wait for.
    fn open(&self) -> impl Iterator<Item = &Prompt> {
        let ended = ended(&self.stored);
        self.sessions().filter(move |session| !ended.contains(&session.id())).flat_map(|session| {
            match session.state() {
                ExecutionState::Paused(pause) => pause.pending().collect(),
                _ => Vec::new(),
            }
        })
    }

    /// One line: what one looks for, and which it is.
    fn line(&self) -> String {
        let id = self.first().map_or_else(|| "-".to_owned(), |session| session.id().short());
        let states = self.states();
        let state = match states.first() {
            _ if self.damaged > 0 => "damaged",
            Some((state, _)) => state.as_str(),
            None => "empty",
        };
        let size = size_in_words(self.bytes);
        let mut parts = vec![format!("{id:<8}  {state:<9}  {}  {size:>6}  {}", time(self.began), short(self.title()))];
        if self.tops().count() + self.damaged > 1 {
            let damaged = (self.damaged > 0).then(|| format!("{} damaged", self.damaged));
            let states = states.iter().map(|(state, count)| format!("{count} {state}"));
            let states: Vec<String> = damaged.into_iter().chain(states).collect();
            parts.push(format!("({})", states.join(", ")));
        }
        let count = self.open().count();
        if let Some(Prompt { query, .. }) = self.open().next() {
            let word = if count == 1 { "question" } else { "questions" };
            parts.push(format!("{count} {word} open: {} {}", query.query_id, short(&query.prompt)));
        }
        if let Some(holder) = &self.holder {
            parts.push(format!("goes on in {}", short(holder)));
        }
        parts.join("  ") + "\n"
    }

    fn object(&self) -> Value {
        json!({
            "run": self.path.to_string_lossy(),
            "began_at": self.began,
            "title": self.title(),
            "sessions": self.tops().map(|session| session.id()).collect::<Vec<_>>(),
            "states": self.states().iter().map(|(state, count)| (state.to_string(), json!(count))).collect::<Value>(),
            "damaged": self.damaged,
            "waits_for": self.open().map(|prompt| &prompt.query).collect::<Vec<_>>(),
            "bytes": self.bytes,
            "held_by": self.holder,
        })
    }
}

/// Every session of a record that can be read, and how many cannot.
async fn read(journal: &SqliteJournal) -> Result<(Vec<Stored>, usize), CliError> {
    let all = journal.ids()?.len();
    let stored = which::stored(journal, None).await?;
    let damaged = all.saturating_sub(stored.len());
    Ok((stored, damaged))
}

/// The sessions that have ended, and those below one that has: whoever goes on with the record ends these first.
fn ended(stored: &[Stored]) -> HashSet<SessionId> {
    let mut ended = HashSet::new();
    // A child is born after its parent.
    for session in stored.iter().map(|stored| &stored.session) {
        let is_dropped = session.spec().parent.as_ref().is_some_and(|parent| ended.contains(&parent.session));
        if is_dropped || session.state().is_ended() {
            ended.insert(session.id());
        }
    }
    ended
}

/// Whether a record may go.
#[derive(Clone, Copy)]
enum Standing {
    Ended,
    NotEnded,
    /// What cannot be read may wait.
    Damaged,
}

impl Standing {
    fn of(stored: &[Stored], damaged: usize) -> Self {
        if damaged > 0 {
            Self::Damaged
        } else if ended(stored).len() == stored.len() {
            Self::Ended
        } else {
            Self::NotEnded
        }
    }
}

/// Every record that can be read, newest first; of the others it is said why not.
async fn all(settings: &Settings) -> Result<Vec<Run>, CliError> {
    let mut all = Vec::new();
    for path in runs(settings)? {
        let run = Run::read(path.clone()).await;
        if !path.exists() {
            // Somebody has removed it meanwhile.
            continue;
        }
        match run {
            Ok(run) => all.push(run),
            Err(CliError::Journal(error)) if matches!(error.refused, Refused::Damaged) => {
                let how = format!("switchboard --journal {} is one", path.display());
                output::message(&format!("left out: {error}: {how}"));
            }
            Err(error) => output::message(&format!("left out: {error}")),
        }
    }
    all.sort_by(|one, other| (other.began, &other.path).cmp(&(one.began, &one.path)));
    Ok(all)
}

/// Prints the list.
pub(super) fn list(settings: &Settings, args: &ListArgs, query: Option<&Expr>) -> Result<Exit, CliError> {
    let mut runs = wait(all(settings))??;
    if let Some(query) = query {
        let mut filter = Filter::new(Some(query));
        runs.retain(|run| run.stored.iter().any(|stored| filter.means(stored)));
    }
    output::data(match args.output {
        Format::Text => runs.iter().map(Run::line).collect(),
        Format::Json => format!("{:#}\n", json!({ "runs": runs.iter().map(Run::object).collect::<Vec<_>>() })),
        Format::Jsonl => runs.iter().map(|run| run.object().to_string() + "\n").collect(),
    })?;
    Ok(Exit::Ok)
}

/// Removes those that are meant and have ended, or says which it would. `query`: which sessions are meant.
pub(super) fn remove(settings: &Settings, args: &RemoveArgs, query: Option<&Expr>) -> Result<Exit, CliError> {
    let mut runs = wait(all(settings))??;
    if let Some(query) = query {
        let mut filter = Filter::new(Some(query));
        // A child goes with the session that forked it. Nothing of what is not meant goes.
        let mut is_meant = |stored: &Stored| stored.session.spec().parent.is_some() || filter.means(stored);
        runs.retain(|run| run.tops().count() > 0 && run.stored.iter().all(&mut is_meant));
    }
    let (mut not_ended, mut held, mut bytes, mut lines) = (0, 0, 0, Vec::new());
    let (mut removed, mut damaged) = (Vec::new(), Vec::new());
    for run in runs {
        let outcome = match run.standing() {
            _ if run.holder.is_some() => Outcome::Held,
            Standing::NotEnded => Outcome::NotEnded,
            Standing::Damaged => Outcome::Damaged,
            Standing::Ended if args.dry_run => Outcome::Removed,
            Standing::Ended => wait(delete(&run))??,
        };
        match outcome {
            Outcome::Removed => {
                bytes += run.bytes;
                removed.push(run);
            }
            Outcome::Gone => {}
            Outcome::NotEnded => not_ended += 1,
            Outcome::Damaged => damaged.push(run.path.display().to_string()),
            Outcome::Held => held += 1,
        }
    }
    let word = if args.dry_run { "would remove" } else { "removed" };
    let object = |run: &Run| {
        let mut object = run.object();
        object["removed"] = json!(!args.dry_run);
        object
    };
    let text = match args.output {
        Format::Text => {
            lines.extend(removed.iter().map(|run| format!("{word} {}", run.line())));
            if !removed.is_empty() {
                lines.push(format!("{word} {} of {} in all\n", counted(removed.len()), size_in_words(bytes)));
            }
            lines.concat()
        }
        Format::Json => {
            let runs: Vec<Value> = removed.iter().map(object).collect();
            format!("{:#}\n", json!({ "runs": runs, "not_ended": not_ended, "damaged": damaged.len(), "held": held }))
        }
        Format::Jsonl => removed.iter().map(|run| object(run).to_string() + "\n").collect(),
    };
    output::data(text)?;
    for (count, why) in [(not_ended, "not ended"), (held, "held by another process")] {
        if count > 0 {
            output::message(&format!("{} kept: {why}", counted(count)));
        }
    }
    if !damaged.is_empty() {
        let (count, files) = (counted(damaged.len()), damaged.join(", "));
        let how = "switchboard --journal FILE saves what is intact; delete yourself what you do not want";
        output::message(&format!("{count} kept: damaged; {how}: {files}"));
    }
    Ok(Exit::Ok)
}

fn counted(runs: usize) -> String {
    if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") }
}

/// What becomes of a run that is meant to go.
enum Outcome {
    Removed,
    /// Somebody else has removed it meanwhile.
    Gone,
    NotEnded,
    Damaged,
    Held,
}

/// Deletes a record, unless somebody has come to write it, or has written it meanwhile.
async fn delete(run: &Run) -> Result<Outcome, CliError> {
    let journal = match to_change(&run.path) {
        Ok(journal) => journal,
        Err(CliError::Conflict(_)) => return Ok(Outcome::Held),
        Err(CliError::Journal(error)) if matches!(error.refused, Refused::Held(_)) => return Ok(Outcome::Held),
        Err(CliError::Journal(error)) if matches!(error.refused, Refused::Missing) => return Ok(Outcome::Gone),
        Err(error) => return Err(error),
    };
    let (stored, damaged) = read(&journal).await?;
    let outcome = match Standing::of(&stored, damaged) {
        // It may have had more than was saved of it.
        _ if journal.notice().is_some() => Outcome::Damaged,
        Standing::Damaged => Outcome::Damaged,
        Standing::NotEnded => Outcome::NotEnded,
        Standing::Ended => {
            return match journal::delete(journal, &run.path) {
                Ok(()) => Ok(Outcome::Removed),
                Err(CliError::Conflict(_)) => Ok(Outcome::Held),
                Err(error) => Err(error),
            };
        }
    };
    if journal.was_closed() {
        // It is left as it was found: whoever goes on with it is told whether the one before ended in order.
        journal.close().get().await?;
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SessionSpec;
    use crate::engine::{Durability, Record};

    #[tokio::test]
    async fn a_run_that_has_gone_on_meanwhile_is_kept_as_it_was_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run.db");
        SqliteJournal::open(&path).unwrap();
        for is_closed in [true, false] {
            let run = Run::read(path.clone()).await.unwrap();
            let journal = to_change(&path).unwrap();
            let spec = SessionSpec::run("return 1").into();
            let born = Record::Spawned { spec, at: 1, engine: "test".into() };
            let id = SessionId::from_bits(1 + u64::from(is_closed));
            journal.append(id, &[born], Durability::Acknowledged).get().await.unwrap();
            if is_closed {
                journal.close().get().await.unwrap();
            }
            drop(journal);
            assert!(matches!(delete(&run).await.unwrap(), Outcome::NotEnded));
            assert_eq!(to_change(&path).unwrap().was_closed(), is_closed);
        }
    }
}
