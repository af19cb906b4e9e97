//! Hosts Lua: one sandboxed state per session, stepped through the port [`Vm`](crate::engine::Vm).
//!
//! [`LuaVms`] makes the states; a program runs as a Lua thread that yields where it waits and where its slice is over.
//! What a program can call stands in `alc/` (one file per table of the session's API) and `library/` (what replaces
//! parts of the standard library); what is better written in Lua stands in `assets/prelude`, is compiled once and
//! loaded where it is first used.
//!
//! What is deliberately absent: async, any Lua handle outside a VM, calls from Rust back into Lua code (they could not
//! be interrupted), and every clock or source of chance but the [`Door`](crate::engine::Door).

mod alc;
mod asker;
mod convert;
mod decode;
mod encode;
mod factory;
mod failure;
mod functions;
mod host;
mod interrupt;
mod library;
mod mark;
mod outermost;
mod parts;
mod pattern;
mod preempt;
mod probe;
mod program;
mod sandbox;
mod stopwatch;
mod vm;

pub use factory::LuaVms;
pub use probe::pairs_order_is_fixed;
