//! Times and numbers: ages, durations, counts, sizes.

use std::time::Duration;

use crate::domain::Timestamp;

const SECOND: i64 = 1000;
pub(super) const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long ago `since` is: seconds below a minute, minutes above.
pub(in crate::tui) fn age(since: Timestamp, now: Timestamp) -> String {
    let age = now.saturating_sub(since).max(0);
    match age {
        0..MINUTE => format!("{}s", age / SECOND),
        MINUTE..HOUR => format!("{}m", age / MINUTE),
        HOUR..DAY => format!("{}h{:02}m", age / HOUR, age % HOUR / MINUTE),
        _ => format!("{}d{:02}h", age / DAY, age % DAY / HOUR),
    }
}

/// When the age of `since` is written differently for the first time.
pub(in crate::tui) fn next_age(since: Timestamp, now: Timestamp) -> Timestamp {
    let age = now.saturating_sub(since).max(0);
    let step = if age < MINUTE { SECOND } else { MINUTE };
    since + (age / step + 1) * step
}

/// How long something took.
pub(in crate::tui) fn duration(ms: i64) -> String {
    match ms.max(0) {
        ms @ 0..SECOND => format!("{ms}ms"),
        ms @ SECOND..MINUTE => format!("{}.{}s", ms / SECOND, ms % SECOND / 100),
        ms @ MINUTE..HOUR if ms % MINUTE >= SECOND => format!("{}m{:02}s", ms / MINUTE, ms % MINUTE / SECOND),
        ms => age(0, ms),
    }
}

/// How long something took that is measured exactly.
pub(in crate::tui) fn lasted(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1_000 => format!("{micros}µs"),
        micros @ 1_000..10_000 => format!("{}.{}ms", micros / 1_000, micros % 1_000 / 100),
        micros => duration((micros / 1_000) as i64),
    }
}

/// The time of day in UTC.
pub(in crate::tui) fn clock(at: Timestamp) -> String {
    let day = at.rem_euclid(DAY);
    format!("{:02}:{:02}:{:02}", day / HOUR, day % HOUR / MINUTE, day % MINUTE / SECOND)
}

/// A number of tokens.
pub(in crate::tui) fn tokens(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} tok"),
        1_000..1_000_000 => format!("{}.{}k tok", n / 1_000, n % 1_000 / 100),
        _ => format!("{}.{}M tok", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}

/// `1 question`, `2 questions`.
pub(in crate::tui) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// Which of how many a search is at: `2 of 21`; where it is at none, how many there are.
pub(in crate::tui) fn place((here, all): (Option<usize>, usize)) -> String {
    match here {
        Some(here) => format!("{here} of {all}"),
        None if all == 0 => "none".to_owned(),
        None => format!("{all} found"),
    }
}

pub(in crate::tui) fn bar(step: u64, total: u64) -> String {
    const CELLS: u64 = 6;
    let full = step.min(total).saturating_mul(CELLS).checked_div(total).unwrap_or(0).min(CELLS);
    "▇".repeat(full as usize) + &"▁".repeat((CELLS - full) as usize)
}

/// A number of bytes.
pub(in crate::tui) fn sized(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KB", bytes / 1_024),
        1_048_576..1_073_741_824 => format!("{} MB", bytes / 1_048_576),
        _ => format!("{}.{} GB", bytes >> 30, ((bytes % (1 << 30)) * 10) >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_count_seconds_below_a_minute_and_minutes_above() {
        for (ms, text, next) in [
            (0, "0s", 1_000),
            (59_999, "59s", 60_000),
            (60_000, "1m", 120_000),
            (3_599_999, "59m", 3_600_000),
            (3_660_000, "1h01m", 3_720_000),
            (90_000_000, "1d01h", 90_060_000),
        ] {
            assert_eq!(age(0, ms), text);
            assert_eq!(next_age(0, ms), next, "{text}");
        }
        assert_eq!(age(5_000, 0), "0s", "a clock that went back");
    }
}
