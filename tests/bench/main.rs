//! Measures the figures that the project promises. Prints one JSON line a row; asserts nothing about time.
//!
//! `cargo bench --bench figures` runs every row, each in a process of its own; `-- ROW [N]` runs one row here, with `N`
//! as its size. A row gives `n` (measurements), `runs`, and median and p99 of them.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints its rows")]

mod corpus;
mod durable;
mod fairness;
mod measure;
mod pieces;
mod recovery;
mod rows;
#[path = "../support/rules.rs"]
mod rules;
mod screen;
mod soak;

use std::process::{Command, ExitCode};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A row: its name, the function that measures it, and the sizes it is measured at.
type Row = (&'static str, fn(usize), &'static [usize]);

const ROWS: &[Row] = &[
    ("spawn_to_paused", rows::spawn_to_paused, &[4000]),
    ("sessions_per_second", rows::sessions_per_second, &[40_000]),
    ("memory_per_paused_session", rows::memory_per_paused_session, &[1000, 10_000]),
    ("memory_given_back", rows::memory_given_back, &[10_000]),
    ("answer_to_next_pause_one_core", rows::answer_to_next_pause_one_core, &[50_000]),
    ("answer_to_next_pause_two_cores", rows::answer_to_next_pause_two_cores, &[50_000]),
    ("answer_to_next_pause_other_thread", rows::answer_to_next_pause_other_thread, &[50_000]),
    ("answer_to_next_pause_long_transcript", rows::answer_to_next_pause_long_transcript, &[200_000]),
    ("answers_per_second", rows::answers_per_second, &[1000, 10_000]),
    ("events_per_second", rows::events_per_second, &[300_000]),
    ("late_observer", rows::late_observer, &[20_000]),
    ("asks_again_at_once", rows::asks_again_at_once, &[1_000_000]),
    ("cancel_hot_loop", rows::cancel_hot_loop, &[300]),
    ("hot_lua", rows::hot_lua, &[5]),
    ("corpus", corpus::corpus, &[0]),
    ("durable_answers", durable::durable_answers, &[1, 16, 64, 256]),
    ("journal_load", durable::journal_load, &[100_000]),
    ("recovery", recovery::recovery, &[10_000]),
    ("wake", recovery::wake, &[10, 100, 1000]),
    ("asleep", recovery::asleep, &[100_000]),
    ("soak", soak::soak, &[10]),
    ("screen_key_idle", screen::screen_key_idle, &[10, 1000, 100_000]),
    ("screen_key_busy", screen::screen_key_busy, &[10, 1000, 100_000]),
    ("screen_filter", screen::screen_filter, &[1000, 100_000]),
    ("screen_memory", screen::screen_memory, &[100_000]),
    ("desk_start", screen::desk_start, &[10, 1000, 10_000, 100_000]),
    ("journal_start", screen::journal_start, &[1000, 100_000]),
    ("bulk_cancel", screen::bulk_cancel, &[1000, 100_000]),
    ("quit", screen::quit, &[1000, 100_000]),
    ("desk_key", screen::desk_key, &[10, 1000]),
    ("desk_idle", screen::desk_idle, &[1000]),
    ("large_pieces", pieces::large_pieces, &[1, 15]),
    ("floods", pieces::floods, &[10_000_000]),
    ("fairness", fairness::fairness, &[15_000]),
];

fn main() -> ExitCode {
    // `cargo bench` passes a flag of its own.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let Some(name) = args.first() else { return run_all() };
    if name == fairness::DESK {
        fairness::desk(&args[1..]);
        return ExitCode::SUCCESS;
    }
    let Some((_, row, sizes)) = ROWS.iter().find(|(row, ..)| row == name) else {
        let names: Vec<&str> = ROWS.iter().map(|(row, ..)| *row).collect();
        eprintln!("no row {name:?}; the rows are {}", names.join(", "));
        return ExitCode::from(2);
    };
    match args.get(1).map(|size| size.parse()) {
        None => sizes.iter().take(1).for_each(|size| row(*size)),
        Some(Ok(size)) => row(size),
        Some(Err(_)) => {
            eprintln!("{:?} is not a size; give a whole number", args[1]);
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn run_all() -> ExitCode {
    let this = std::env::current_exe().expect("a running program has a path");
    let mut failed = false;
    for (name, _, sizes) in ROWS {
        for size in *sizes {
            let status = Command::new(&this).arg(name).arg(size.to_string()).status();
            failed |= !status.is_ok_and(|status| status.success());
        }
    }
    ExitCode::from(u8::from(failed))
}
