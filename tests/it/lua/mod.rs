//! The Lua host, driven through its port with a real door: no engine, no runtime.

mod coroutines;
mod driver;
mod hostile;
mod json;
mod language;
mod modules;
mod questions;
mod sandbox;
mod sizes;
mod strings;
