//! What programs do outside: state, cards, children. Real Lua programs on a registry with a home on the disk.

mod cards;
mod fork;
mod kinds;
mod probes;
mod recovery;
mod rig;
mod state;
mod writes;
