//! The limits that sessions have unless they are given others: defaults < file < environment. Flags come later, for
//! each program.

use super::settings::{Environment, VariableError};
use super::units::{parse_duration, parse_size};
use crate::domain::Limits;

/// Reads what the environment, and the config file below it, say.
pub(super) fn merge(environment: &Environment) -> Result<Limits, VariableError> {
    let said = |name| environment.checked(name);
    let size = |name, default| {
        Ok::<u64, VariableError>(said(name)?.and_then(|text| parse_size(&text).ok()).unwrap_or(default))
    };
    let count = |name| Ok::<Option<u64>, VariableError>(said(name)?.and_then(|text| text.parse().ok()));
    let ms = |name| {
        let duration = said(name)?.and_then(|text| parse_duration(&text).ok());
        Ok::<_, VariableError>(duration.map(|duration| duration.as_millis() as u64))
    };
    let default = Limits::default();
    Ok(Limits {
        memory_bytes: size("SWITCHBOARD_MEMORY", default.memory_bytes)?,
        cpu_ms: ms("SWITCHBOARD_CPU")?,
        wall_ms: ms("SWITCHBOARD_TIMEOUT")?,
        section_ms: ms("SWITCHBOARD_SECTION")?.unwrap_or(default.section_ms),
        pauses: count("SWITCHBOARD_MAX_PAUSES")?,
        queries: count("SWITCHBOARD_MAX_QUERIES")?,
        family: count("SWITCHBOARD_MAX_FAMILY")?.unwrap_or(default.family),
        family_memory_bytes: size("SWITCHBOARD_FAMILY_MEMORY", default.family_memory_bytes)?,
        source_bytes: size("SWITCHBOARD_SOURCE_SIZE", default.source_bytes)?,
        ctx_bytes: size("SWITCHBOARD_CTX_SIZE", default.ctx_bytes)?,
        prompt_bytes: size("SWITCHBOARD_PROMPT_SIZE", default.prompt_bytes)?,
        answer_bytes: size("SWITCHBOARD_ANSWER_SIZE", default.answer_bytes)?,
        result_bytes: size("SWITCHBOARD_RESULT_SIZE", default.result_bytes)?,
        log_line_bytes: size("SWITCHBOARD_LOG_LINE_SIZE", default.log_line_bytes)?,
        log_lines_per_s: count("SWITCHBOARD_LOG_RATE")?.unwrap_or(default.log_lines_per_s),
        reports: count("SWITCHBOARD_REPORTS")?.unwrap_or(default.reports),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_can_be_set_and_a_bad_one_is_named() {
        let merged = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            merge(&Environment::of(variables))
        };
        assert_eq!(merged(&[]), Ok(Limits::default()));
        let all = [
            ("SWITCHBOARD_MEMORY", "1MB"),
            ("SWITCHBOARD_CPU", "2s"),
            ("SWITCHBOARD_TIMEOUT", "3s"),
            ("SWITCHBOARD_SECTION", "4ms"),
            ("SWITCHBOARD_MAX_PAUSES", "5"),
            ("SWITCHBOARD_MAX_QUERIES", "0"),
            ("SWITCHBOARD_MAX_FAMILY", "6"),
            ("SWITCHBOARD_FAMILY_MEMORY", "15B"),
            ("SWITCHBOARD_SOURCE_SIZE", "7B"),
            ("SWITCHBOARD_CTX_SIZE", "8B"),
            ("SWITCHBOARD_PROMPT_SIZE", "9B"),
            ("SWITCHBOARD_ANSWER_SIZE", "10B"),
            ("SWITCHBOARD_RESULT_SIZE", "11B"),
            ("SWITCHBOARD_LOG_LINE_SIZE", "12B"),
            ("SWITCHBOARD_LOG_RATE", "13"),
            ("SWITCHBOARD_REPORTS", "14"),
        ];
        let expected = Limits {
            memory_bytes: 1 << 20,
            cpu_ms: Some(2000),
            wall_ms: Some(3000),
            section_ms: 4,
            pauses: Some(5),
            queries: Some(0),
            family: 6,
            family_memory_bytes: 15,
            source_bytes: 7,
            ctx_bytes: 8,
            prompt_bytes: 9,
            answer_bytes: 10,
            result_bytes: 11,
            log_line_bytes: 12,
            log_lines_per_s: 13,
            reports: 14,
        };
        assert_eq!(merged(&all), Ok(expected));
        let told = |name, value| merged(&[(name, value)]).unwrap_err().to_string();
        assert_eq!(
            told("SWITCHBOARD_MEMORY", "64"),
            "the variable SWITCHBOARD_MEMORY is \"64\": it needs one of the units B, KB, MB, GB, such as 64MB"
        );
        assert_eq!(
            told("SWITCHBOARD_MAX_PAUSES", "-1"),
            "the variable SWITCHBOARD_MAX_PAUSES is \"-1\"; set it to a whole number, such as 20"
        );
    }
}
