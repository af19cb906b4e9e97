//! Random programs in a session and in plain Lua: as many as `SWITCHBOARD_PROGRAMS` says, from the seed `SWITCHBOARD_SEED`.
//! The same programs are what the fuzzer of `tests/fuzz` mutates.

use super::differential::check;
use super::grammar::Seeded;

#[test]
fn random_programs_come_to_the_same_as_in_plain_lua() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (count, seed): (u64, u64) = (number("SWITCHBOARD_PROGRAMS", 300), number("SWITCHBOARD_SEED", 1));
    let mut differing = Vec::new();
    for n in 0..count {
        // Each has a seed of its own, so that one can be run alone.
        let seed = seed.wrapping_add(n);
        if let Err(difference) = check(&mut Seeded(seed)) {
            let shown = if differing.is_empty() { &*difference } else { difference.lines().last().unwrap_or_default() };
            differing.push(format!("SWITCHBOARD_PROGRAMS=1 SWITCHBOARD_SEED={seed}\n{shown}"));
        }
    }
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing[..differing.len().min(40)].join("\n"));
    println!("{count} programs from seed {seed} on");
}
