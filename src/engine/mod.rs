//! Runs sessions: the registry, one task per live session, feeds, collection, and the ports to the world.
//!
//! What is deliberately absent: a wire, a terminal, a protocol, Lua, SQL. The engine sees VMs, the journal, files,
//! time and randomness only through the ports [`Vm`], [`Journal`], [`Files`], [`Clock`] and [`Entropy`].

mod branch;
mod calls;
mod changes;
mod clock;
mod collect;
mod diagnostics;
mod door;
mod effect;
mod feed;
mod files;
mod folding;
mod hibernation;
mod inspection;
mod journal;
mod lately;
mod memory_journal;
mod observer;
mod posts;
mod purse;
mod reads;
mod recovery;
mod recovery_log;
mod registry;
mod replay;
mod reports;
mod rerun;
mod session_task;
mod shared;
mod spawning;
mod stepping;
mod summary;
mod turn;
mod verify;
mod vm;
mod watching;
mod weight;
mod world;

pub use crate::domain::Progress;
pub use branch::{BranchError, BranchPreview, LeftAnswer};
pub use calls::{Call, CancelEffect, Verb};
pub use changes::{ChangeCursor, Changes};
pub use clock::{Clock, Entropy, SystemClock, SystemEntropy};
pub use diagnostics::{Diagnostics, JournalFigures, STRAGGLES, Straggler, Work, Worker, straggles_at};
pub use door::{Door, Emission, SLICE, StopFlag};
pub use effect::{Effect, EffectResult, Fork, ModuleSource, OnError, Performed, StoreRead, StoreWrite};
pub use files::{Files, Finished, Package, PendingWrite, Prepared};
pub use hibernation::Hibernation;
pub use inspection::{Inspection, Retention};
pub use journal::{Draft, Durability, Journal, JournalError, Page, Record, Reply, Stored, StoredPage};
pub use lately::{Lately, Spread};
pub use memory_journal::MemoryJournal;
pub use observer::Observer;
pub use purse::Spent;
pub use reads::{Read, Seen};
pub use recovery::Recovered;
pub use recovery_log::Recovery;
pub use registry::{Registry, RegistryConfig};
pub use replay::Difference;
pub use summary::{Presence, Summary};
pub use turn::{EventRef, Turn};
pub use verify::{Verified, VerifyError};
pub use vm::{Input, Step, Vm, VmFactory, VmFailure};
