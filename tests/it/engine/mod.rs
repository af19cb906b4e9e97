//! The registry and its sessions, behind fake ports.

mod branches;
mod cancelling;
mod changes;
mod collection;
mod concurrent;
mod debugging;
mod diagnostics;
mod ending;
mod figures;
mod floods;
mod journal;
mod limits;
mod model;
mod observers;
mod programs;
mod promises;
mod recovery;
mod shutdown;
mod verbs;
