//! What a session does for its program outside the slice: modules, state, cards, children.
//!
//! Every effect is performed by the session's task, and what the program gets of it is recorded as [`Performed`]: a
//! replay takes it from there by kind and argument hash and touches no file.
//!
//! What is deliberately absent: the files themselves, which are behind [`Files`](super::Files).

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{ContentHash, Timestamp};

/// Something the session does for its program, outside the slice and recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Reads the source of a module from the library directories.
    ReadModule {
        /// The name given to `require`.
        name: String,
    },
    /// Reads state, cards or scenarios. No event tells of it.
    Read(StoreRead),
    /// Writes state or cards. Two events tell of it, see [`Intent`](crate::domain::Intent).
    Write(StoreWrite),
    /// Runs children and waits for all of them: a list of `{"strategy", "ok", "result" or "error"}`, in their order.
    Fork(Fork),
}

/// Children to run at the same time, each a session of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fork {
    /// The package that each runs.
    pub strategies: Vec<Arc<str>>,
    /// The `ctx` of all of them.
    pub ctx: Value,
    /// What becomes of the others when one fails.
    pub on_error: OnError,
}

/// What becomes of a fork when a child fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// Its error is its result.
    Skip,
    /// The others are cancelled, and the error is raised in the program.
    Abort,
}

/// Reads of what outlives a session. Each says what the program gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum StoreRead {
    /// `{"value": …}`, or null where there is none.
    StateGet {
        /// The namespace of plain keys.
        namespace: String,
        /// The key.
        key: String,
    },
    /// Whether there is a value.
    StateHas {
        /// The namespace of plain keys.
        namespace: String,
        /// The key.
        key: String,
    },
    /// The plain keys of a namespace.
    StateKeys {
        /// The namespace.
        namespace: String,
    },
    /// The ids below a prefix, sorted.
    StateList {
        /// The prefix.
        prefix: String,
    },
    /// The value of an id below a prefix.
    StateShow {
        /// The prefix.
        prefix: String,
        /// The id.
        id: String,
    },
    /// A card, or null.
    CardGet {
        /// Its id.
        card_id: String,
    },
    /// Summaries of cards, newest first.
    CardList {
        /// Of this package only.
        pkg: Option<String>,
    },
    /// Summaries of the cards that fit a query.
    CardFind {
        /// The query: `pkg`, `where`, `order_by`, `limit`, `offset`.
        query: Value,
    },
    /// Rows of the samples of a card.
    CardSamples {
        /// Its id.
        card_id: String,
        /// Which: `offset`, `limit`, `where`.
        query: Value,
    },
    /// The card of an alias, or null.
    CardByAlias {
        /// The alias.
        name: String,
    },
    /// Aliases.
    CardAliases {
        /// Of this package only.
        pkg: Option<String>,
    },
    /// The ancestors and descendants of a card, or null.
    CardLineage {
        /// The query: `card_id`, `direction`, `depth`, `include_stats`, `relation_filter`.
        query: Value,
    },
    /// The texts of the cards that `card_context` names, for a prompt; null where there is none.
    CardContext {
        /// A card's id, or `pkg` and `limit`.
        context: Value,
    },
    /// `{"path": …, "text": …}` of an installed scenario, or null.
    Scenario {
        /// Its name, or its file.
        name: String,
    },
}

/// Writes of what outlives a session. Each says what the program gets once it is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum StoreWrite {
    /// Nothing.
    StateSet {
        /// The namespace of plain keys.
        namespace: String,
        /// The key.
        key: String,
        /// The value.
        value: Value,
    },
    /// Whether there was a value.
    StateDelete {
        /// The namespace of plain keys.
        namespace: String,
        /// The key.
        key: String,
    },
    /// Sets a key that has no value; whether it had none.
    StateSetNx {
        /// The namespace of plain keys.
        namespace: String,
        /// The key.
        key: String,
        /// The value.
        value: Value,
    },
    /// Adds to a number; the sum, always a float.
    StateIncr {
        /// The namespace of plain keys.
        namespace: String,
        /// The key.
        key: String,
        /// What is added.
        delta: f64,
        /// What it is added to where there is no value.
        default: f64,
    },
    /// Takes steps and fields out of a flow: `{"ok", "backup_path", "steps_removed", "fields_removed"}`.
    StateReset {
        /// The prefix.
        prefix: String,
        /// The id.
        id: String,
        /// What is taken out of `data.completed_steps`.
        steps: Vec<String>,
        /// What is taken out of `data`.
        fields: Vec<String>,
    },
    /// Sets the value of an id below a prefix, and keeps what it replaces as a backup. Nothing.
    StateSetDispatched {
        /// The prefix.
        prefix: String,
        /// The id.
        id: String,
        /// The value.
        value: Value,
    },
    /// Deletes the value of an id below a prefix, and keeps a backup; whether there was one.
    StateDeleteDispatched {
        /// The prefix.
        prefix: String,
        /// The id.
        id: String,
    },
    /// Makes a card: `{"card_id", "path"}`.
    CardCreate {
        /// What is on it.
        card: Value,
        /// The time that stands on it unless it has one.
        at: Timestamp,
    },
    /// Adds fields to a card; the whole card.
    CardAppend {
        /// Its id.
        card_id: String,
        /// What is added.
        fields: Value,
    },
    /// Names a card; the alias.
    CardAliasSet {
        /// The alias.
        name: String,
        /// The card.
        card_id: String,
        /// Its package, if it is told.
        pkg: Option<String>,
        /// A remark.
        note: Option<String>,
        /// The time that stands on it.
        at: Timestamp,
    },
    /// Writes the samples of a card, once: `{"path", "count"}`.
    CardWriteSamples {
        /// The card.
        card_id: String,
        /// The rows.
        samples: Vec<Value>,
    },
}

impl StoreWrite {
    /// What the program called.
    pub fn op(&self) -> &'static str {
        match self {
            Self::StateSet { .. } => "state.set",
            Self::StateDelete { .. } => "state.delete",
            Self::StateSetNx { .. } => "state.set_nx",
            Self::StateIncr { .. } => "state.incr",
            Self::StateReset { .. } => "state.reset",
            Self::StateSetDispatched { .. } => "state.set_dispatched",
            Self::StateDeleteDispatched { .. } => "state.delete_dispatched",
            Self::CardCreate { .. } => "card.create",
            Self::CardAppend { .. } => "card.append",
            Self::CardAliasSet { .. } => "card.alias_set",
            Self::CardWriteSamples { .. } => "card.write_samples",
        }
    }
}

/// What became of an [`Effect`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectResult {
    /// Of [`Effect::ReadModule`]: the module, or `None` where no directory has it, or why it was refused.
    Module(Result<Option<ModuleSource>, String>),
    /// Of every other: what the program gets, or the text of the error that is raised in it.
    Value(Result<Value, String>),
}

/// The text of a module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleSource {
    /// Its path relative to the library directory, for messages.
    pub path: PathBuf,
    /// Its source. Lua text; bytecode is never run.
    pub text: String,
}

/// An effect that was performed, as it is recorded: what was wanted, by its hash, and what the program got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Performed {
    /// The hash of the effect with all its arguments: a replay that wants something else has diverged.
    pub wanted: ContentHash,
    /// What the program got. Shared: the journal may be behind.
    pub result: Arc<EffectResult>,
}

impl Effect {
    /// What it is, in words.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ReadModule { .. } => "require",
            Self::Read(_) => "a read of state, cards or scenarios",
            Self::Write(write) => write.op(),
            Self::Fork(_) => "fork",
        }
    }

    /// The hash of the effect with all its arguments.
    pub fn hash(&self) -> ContentHash {
        ContentHash::of(serde_json::to_vec(self).expect("an effect with string keys always has a JSON form"))
    }
}
