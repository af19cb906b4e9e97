//! A life of the process that the crash test kills: sessions on a journal of their own, answered as fast as they ask.
//!
//! It says each answer on standard output once it was acknowledged. Where it gets to live to the end, it has brought
//! every session to its end.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::cli::exit::{CliError, Exit};
use crate::domain::{Answer, AnsweredBy, ExecutionState, ResumePayload, SessionId, SessionSpec};
use crate::engine::{
    ChangeCursor, Entropy, Hibernation, Presence, Registry, RegistryConfig, Summary, SystemClock, SystemEntropy,
};
use crate::lua::LuaVms;
use crate::store::FsFiles;
use crate::store::journal::{Opened, SqliteJournal};

/// Sessions that have not ended, at a time.
const SESSIONS: usize = 6;

/// Rounds of each: a question or two, and one write each.
pub(super) const ROUNDS: usize = 12;

/// Asks, waits for all of a batch, writes once a round, and returns what it was told and how often it wrote.
const PROGRAM: &str = r#"
local told = {}
for round = 1, ctx.rounds do
  if round % 5 == 0 then
    for _, text in ipairs(alc.llm_batch({ { prompt = "a " .. round }, { prompt = "b " .. round } })) do
      told[#told + 1] = text
    end
  else
    told[#told + 1] = alc.llm("round " .. round .. " " .. math.random(1000000))
  end
  alc.log("info", "round " .. round)
  alc.state.incr(ctx.key, 1)
end
return { told = told, wrote = alc.state.get(ctx.key) }
"#;

/// Lives until it is killed; a last life until every session has ended.
pub(super) fn live(directory: &Path, seed: u64, is_last: bool) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| CliError::failure(format!("cannot start threads: {error}")))?;
    let journal = match SqliteJournal::open(&directory.join("journal.db")) {
        Ok(Opened::Writer(journal)) => journal,
        Ok(Opened::Reader(_, holder)) => return Err(CliError::failure(format!("the journal is held by {holder}"))),
        Ok(Opened::ReadOnly(_, why)) => return Err(CliError::failure(why.to_string())),
        Err(error) => return Err(CliError::failure(error.to_string())),
    };
    let registry = Registry::new(RegistryConfig {
        vms: Arc::new(LuaVms::new()),
        journal: Arc::new(journal),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        files: Arc::new(FsFiles::new(Some(directory.join("home")))),
        library_dirs: Vec::new(),
        runtime: runtime.handle().clone(),
    });
    // So that some of what is killed was asleep.
    let interval = Duration::from_millis(5);
    registry.hibernate(Hibernation { after: Duration::from_millis(seed % 20), residents: 3, interval });
    let task = runtime.spawn(bring_to_their_ends(registry.clone(), is_last));
    runtime.block_on(task).map_err(|error| CliError::failure(error.to_string()))??;
    runtime.block_on(registry.shutdown(Duration::from_secs(5)));
    Ok(Exit::Ok)
}

async fn bring_to_their_ends(registry: Registry, is_last: bool) -> Result<(), CliError> {
    registry.recover().await.map_err(|error| CliError::failure(error.to_string()))?;
    let mut cursor = ChangeCursor::default();
    loop {
        cursor = registry.changes(cursor).cursor;
        let list = registry.list();
        let going_on: Vec<&Summary> = list.iter().filter(|summary| !summary.state.is_ended()).collect();
        for summary in &going_on {
            match &summary.presence {
                // A person would see that it ran as the process was killed twice, and let it go on.
                Presence::Suspended => drop(registry.release(summary.id).await),
                Presence::Elsewhere | Presence::ReadOnly | Presence::SuspendedElsewhere => {
                    return Err(CliError::failure("the journal can only be read"));
                }
                Presence::CannotReplay(why) => return Err(CliError::failure(format!("{}: {why}", summary.id))),
                Presence::Resident | Presence::CannotSleep(_) | Presence::Sleeping | Presence::Replaying { .. } => {
                    answer(&registry, summary.id).await?;
                }
            }
        }
        if is_last && going_on.is_empty() {
            return Ok(());
        }
        if !is_last && going_on.len() < SESSIONS {
            let mut spec = SessionSpec::run(PROGRAM);
            spec.ctx = Some(json!({ "rounds": ROUNDS, "key": format!("key-{}", list.len()) }));
            let id = registry.spawn(spec).await.map_err(|error| CliError::failure(error.to_string()))?;
            say(&format!("spawned {id}"))?;
            continue;
        }
        // What goes on without a change to be seen is looked at again.
        let _ = tokio::time::timeout(Duration::from_millis(20), registry.changed(cursor)).await;
    }
}

/// Answers the first open query of a session, and says so once it is acknowledged.
async fn answer(registry: &Registry, id: SessionId) -> Result<(), CliError> {
    let Ok(ExecutionState::Paused(pause)) = registry.state(id) else { return Ok(()) };
    let Some(prompt) = pause.pending().next() else { return Ok(()) };
    let query = prompt.query.query_id;
    let text = format!("{query}-{:x}", SystemEntropy.bits());
    let mut answer = Answer::new(query, text.as_str(), AnsweredBy::Rule("crash-test".into()));
    answer.epoch = Some(pause.epoch);
    match registry.resume(id, ResumePayload::Single(answer)).await {
        Ok(_) => say(&format!("answered {id} {query} {text}"))?,
        Err(error) => return Err(CliError::failure(format!("{id}: {error}"))),
    }
    Ok(())
}

/// Says a line to whoever kills this. `Err`: it is gone, and nobody would ever kill this.
fn say(line: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    let said = writeln!(out, "{line}").and_then(|()| out.flush());
    said.map_err(|error| CliError::failure(format!("nobody listens any more: {error}")))
}
