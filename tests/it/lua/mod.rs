//! The Lua host, driven through its port with a real door: no engine, no runtime.

mod asking;
mod coroutines;
mod docs;
mod driver;
mod eval;
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
