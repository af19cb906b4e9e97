//! Durations and sizes as people write them: `250ms 20s 5m 1h`, `512KB 64MB 1GB`.

use std::time::Duration;

/// A text that is no duration or size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseUnitError {
    /// No whole number before the unit.
    #[error("it must begin with a whole number, such as {example}")]
    NoNumber {
        /// A text that would do.
        example: &'static str,
    },
    /// No unit, or an unknown one.
    #[error("it needs one of the units {units}, such as {example}")]
    NoUnit {
        /// The units there are.
        units: &'static str,
        /// A text that would do.
        example: &'static str,
    },
    /// Zero.
    #[error("it must be more than zero")]
    Zero,
    /// More than can be counted.
    #[error("it is too large")]
    TooLarge,
}

/// Reads a duration: a whole number and `ms`, `s`, `m` or `h`.
///
/// # Errors
/// [`ParseUnitError`] says what is missing. Zero is refused.
pub fn parse_duration(text: &str) -> Result<Duration, ParseUnitError> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
    parse(text, &units, "ms, s, m, h", "20s").map(Duration::from_millis)
}

/// Reads a size in bytes: a whole number and `B`, `KB`, `MB` or `GB`; 1 KB is 1024 bytes.
///
/// # Errors
/// [`ParseUnitError`] says what is missing. Zero is refused.
pub fn parse_size(text: &str) -> Result<u64, ParseUnitError> {
    let units = [("B", 1), ("KB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30)];
    parse(text, &units, "B, KB, MB, GB", "64MB")
}

/// A size in whole units, the largest of which there is at least one.
pub fn size_in_words(bytes: u64) -> String {
    let units = [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)];
    match units.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{} {name}", bytes / unit),
        None => format!("{bytes} B"),
    }
}

fn parse(text: &str, units: &[(&str, u64)], names: &'static str, example: &'static str) -> Result<u64, ParseUnitError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(ParseUnitError::NoNumber { example });
    }
    let unit = unit.trim_start();
    let Some((_, factor)) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) else {
        return Err(ParseUnitError::NoUnit { units: names, example });
    };
    let number: u64 = number.parse().map_err(|_| ParseUnitError::TooLarge)?;
    match number.checked_mul(*factor).ok_or(ParseUnitError::TooLarge)? {
        0 => Err(ParseUnitError::Zero),
        // Beyond this, sums with today's time or with other sizes could overflow.
        product if product > u64::MAX >> 12 => Err(ParseUnitError::TooLarge),
        product => Ok(product),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_take_units() {
        for (text, ms) in [("250ms", 250), ("20s", 20_000), ("5m", 300_000), ("1h", 3_600_000), ("1 H", 3_600_000)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for (text, bytes) in [("7B", 7), ("512KB", 512 << 10), ("64MB", 64 << 20), ("1gb", 1 << 30)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
            assert_eq!(size_in_words(bytes).replace(' ', ""), text.to_uppercase());
        }
    }

    #[test]
    fn what_is_no_duration_says_what_is_missing() {
        let zero = Err(ParseUnitError::Zero);
        for (text, error) in [
            ("", "it must begin with a whole number, such as 20s"),
            ("-5s", "it must begin with a whole number, such as 20s"),
            ("20", "it needs one of the units ms, s, m, h, such as 20s"),
            ("1.5s", "it needs one of the units ms, s, m, h, such as 20s"),
            ("20parsecs", "it needs one of the units ms, s, m, h, such as 20s"),
            ("99999999999999999999s", "it is too large"),
            ("9999999999999999h", "it is too large"),
        ] {
            assert_eq!(parse_duration(text).unwrap_err().to_string(), error, "{text:?}");
        }
        assert_eq!(parse_duration("0s"), zero);
        assert_eq!(parse_size("0MB"), Err(ParseUnitError::Zero));
        assert_eq!(parse_size("64").unwrap_err().to_string(), "it needs one of the units B, KB, MB, GB, such as 64MB");
    }
}
