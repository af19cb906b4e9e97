//! A small world for tests of the engine: programs that are written down instead of run, a clock that is set by hand,
//! randomness from a seed, and a journal that refuses or waits on demand.
//!
//! Nothing here sleeps. Whoever waits waits for a condition; [`bounded`] only turns a hang into a failure.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here and now")]
#![allow(dead_code, unused_imports, reason = "every test binary mounts this module and uses its own part of it")]

mod journal;
mod programs;
mod rig;
pub(crate) mod rules;
mod wait;
mod world;

pub(crate) use journal::{TestJournal, has_resumed};
pub(crate) use programs::{Act, Probe, Programs, Switch, batch, say};
pub(crate) use rig::{Parts, Rig, registry};
pub(crate) use wait::{
    answer, answers, bounded, ended, history, in_parallel, kinds, paused, paused_at, reason, stream, until, wait_for,
};
pub(crate) use world::{AtTheEnd, HandClock, NoFiles, Seeded, Shelf};
