//! Prints what a session costs on this machine. Nothing is asserted: see the benchmark for figures that count.

use std::sync::Arc;
use std::time::Instant;

use switchboard::domain::SessionSpec;
use switchboard::engine::{Input, Step};

use super::driver::Session;

/// Resident memory of this process in kilobytes, where the system tells.
fn resident_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn what_a_session_costs_is_printed() {
    const SESSIONS: u64 = 1000;
    const ROUNDS: u32 = 100_000;
    let spec = SessionSpec::run("while true do alc.llm('what next?') end");
    Session::of(spec.clone()).step(Input::Start);

    let before = resident_kb();
    let start = Instant::now();
    let mut sessions: Vec<Session> = (0..SESSIONS).map(|_| Session::of(spec.clone())).collect();
    let made = start.elapsed();
    for session in &mut sessions {
        assert!(matches!(session.step(Input::Start), Step::Asked { .. }));
    }
    let asked = start.elapsed();
    let heap = sessions.iter().map(|session| session.vm.memory()).sum::<usize>() / sessions.len();
    if let (Some(before), Some(after)) = (before, resident_kb()) {
        println!(
            "paused session: {:.1} KB resident, {heap} bytes of Lua heap",
            (after - before) as f64 / SESSIONS as f64
        );
    }
    println!("made in {:?}, made and asked in {:?}", made / SESSIONS as u32, asked / SESSIONS as u32);

    let session = &mut sessions[0];
    let answer: Arc<str> = "the next thing".into();
    let start = Instant::now();
    for _ in 0..ROUNDS {
        session.step(Input::Answers(vec![Arc::clone(&answer)]));
    }
    println!("answer to next question: {:?}", start.elapsed() / ROUNDS);
}
