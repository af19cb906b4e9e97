//! Durations and numbers as a query writes them.

use std::fmt;

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const FACTORS: [(&str, u64); 3] = [("", 1), ("k", 1000), ("M", 1_000_000)];

/// More than any session lives, and far from overflowing with a point in time.
const MOST: u64 = u64::MAX >> 12;

/// Reads whole numbers with a unit each, the largest unit first: `90s`, `1h30m`; milliseconds.
pub(super) fn duration(text: &str) -> Option<u64> {
    let (mut rest, mut sum, mut smaller_than) = (text, 0_u64, u64::MAX);
    loop {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_alphabetic).count();
        let (part, behind) = rest.split_at(digits + letters);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == &part[digits..])?;
        if *factor >= smaller_than {
            return None;
        }
        sum = sum.checked_add(with_unit(part, &UNITS)?).filter(|sum| *sum <= MOST)?;
        if behind.is_empty() {
            return Some(sum);
        }
        (rest, smaller_than) = (behind, *factor);
    }
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
