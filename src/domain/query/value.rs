//! Durations and numbers as a query writes them.

use std::fmt;

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const FACTORS: [(&str, u64); 3] = [("", 1), ("k", 1000), ("M", 1_000_000)];

/// More than any session lives, and far from overflowing with a point in time.
const MOST: u64 = u64::MAX >> 12;

/// Reads a whole number and a unit; milliseconds.
pub(super) fn duration(text: &str) -> Option<u64> {
    with_unit(text, &UNITS)
}

/// Reads a whole number, perhaps with `k` or `M`.
pub(super) fn number(text: &str) -> Option<u64> {
    with_unit(text, &FACTORS)
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor).filter(|product| *product <= MOST)
}

/// Writes a duration in the largest unit that gives a whole number.
pub(super) fn write_duration(f: &mut fmt::Formatter<'_>, ms: u64) -> fmt::Result {
    let fits = |(_, factor): &&(&str, u64)| ms.is_multiple_of(*factor);
    let (unit, factor) = UNITS.iter().rev().find(fits).filter(|_| ms > 0).unwrap_or(&("s", 1000));
    write!(f, "{}{unit}", ms / factor)
}
