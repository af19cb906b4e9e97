//! The command line from outside: the real program in a home of its own, its exit codes and what it prints.

#![expect(clippy::unwrap_used, reason = "a failed test is what a panic is for, also in what several tests share")]

mod answers;
mod bad_input;
mod branches;
mod config;
mod demo;
mod doctor;
mod endings;
pub(crate) mod home;
mod info;
mod packages;
mod probes;
mod readme;
mod records;
mod run;
mod runs;
mod sessions;
mod whole_language;
