//! The Lua host, driven through its port with a real door: no engine, no runtime.

mod asking;
mod coroutines;
#[path = "../../fuzz/differential.rs"]
mod differential;
mod docs;
mod driver;
mod eval;
mod fuzz;
#[path = "../../fuzz/grammar.rs"]
mod grammar;
mod hostile;
mod json;
mod language;
mod modules;
mod numbers;
mod probes;
mod questions;
mod sandbox;
mod sizes;
mod strings;
mod types;
