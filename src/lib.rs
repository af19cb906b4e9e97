//! Switchboard: a terminal desk for people who watch over many running Lua programs that stop to ask questions.

pub mod domain;
pub mod engine;
pub mod lua;
pub mod store;
pub mod tui;
