//! The fast tests: everything but the real terminal.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic, also in a function it calls")]

mod cli;
mod domain;
mod effects;
mod engine;
mod hostile;
mod lua;
mod store;
mod structure;
#[path = "../support/mod.rs"]
mod support;
mod tui;
