//! Answers from a file: JSON lines, the first whose pattern matches the prompt wins.

use std::path::Path;
use std::sync::Arc;

use regex::Regex;
use serde::Deserialize;

use super::super::exit::{CliError, FileFault};
use super::super::program;
use crate::domain::TokenUsage;

/// The longest answers file. 256 MB: all of it is held for the whole run.
const FILE_BYTES: u64 = 256 << 20;

/// The answers of a file, checked.
#[derive(Debug)]
pub(super) struct AnswersFile(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: Option<Regex>,
    reply: FileReply,
}

/// What a file has to say to a prompt.
#[derive(Debug, Clone)]
pub(super) struct FileReply {
    pub(super) response: Arc<str>,
    pub(super) usage: Option<TokenUsage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    r#match: Option<String>,
    response: String,
    usage: Option<TokenUsage>,
}

impl AnswersFile {
    /// Reads a file whose answers have at most `limit` bytes.
    pub(super) fn read(path: &Path, limit: u64) -> Result<Self, CliError> {
        let text = program::read_file(path, FILE_BYTES)?;
        Self::parse(&text, limit).map_err(|fault| CliError::file(path, FileFault::Content(fault)))
    }

    fn parse(text: &str, limit: u64) -> Result<Self, String> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        lines.map(|(at, line)| rule(line, limit).map_err(|fault| format!("line {}: {fault}", at + 1))).collect()
    }

    /// The answer to a prompt, if the file has one.
    pub(super) fn reply(&self, prompt: &str) -> Option<FileReply> {
        let fits = |rule: &&Rule| rule.pattern.as_ref().is_none_or(|pattern| pattern.is_match(prompt));
        self.0.iter().find(fits).map(|rule| rule.reply.clone())
    }
}

impl FromIterator<Rule> for AnswersFile {
    fn from_iter<T: IntoIterator<Item = Rule>>(rules: T) -> Self {
        Self(rules.into_iter().collect())
    }
}

fn rule(line: &str, limit: u64) -> Result<Rule, String> {
    let Line { r#match, response, usage } = serde_json::from_str(line).map_err(|error| {
        format!("{}; each line is {{\"match\": REGEX, \"response\": TEXT}}, match may be left out", json_fault(&error))
    })?;
    if response.len() as u64 > limit {
        return Err(format!("the response is {} bytes long; the limit is {limit}", response.len()));
    }
    let pattern = r#match.map(|pattern| Regex::new(&pattern).map_err(|error| regex_fault(&pattern, &error)));
    Ok(Rule { pattern: pattern.transpose()?, reply: FileReply { response: response.into(), usage } })
}

/// What is wrong with a line of JSON, and where in it. The number of the line is known better by the caller.
pub(super) fn json_fault(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(fault) => format!("{fault} (column {})", error.column()),
        None => text,
    }
}

fn regex_fault(pattern: &str, error: &regex::Error) -> String {
    // The last line of the report says what is wrong; those before it draw a picture.
    let report = error.to_string();
    let fault = report.lines().last().unwrap_or_default();
    format!("match {pattern:?}: {}; write a regular expression", fault.trim_start_matches("error: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 4 << 20;

    #[test]
    fn the_first_match_on_the_prompt_wins() {
        let file = AnswersFile::parse(
            "{\"match\": \"^Rate\", \"response\": \"7\"}\n\n{\"match\": \"(?i)name\", \"response\": \"x\"}\n\
             {\"response\": \"rest\"}\n{\"match\": \"never\", \"response\": \"y\"}",
            LIMIT,
        );
        let file = file.unwrap();
        for (prompt, reply) in [("Rate the name", "7"), ("the NAME", "x"), ("never", "rest"), ("", "rest")] {
            assert_eq!(&*file.reply(prompt).unwrap().response, reply, "{prompt}");
        }
        assert!(AnswersFile::parse("{\"match\": \"a\", \"response\": \"\"}", LIMIT).unwrap().reply("b").is_none());
    }

    #[test]
    fn a_bad_line_is_named_with_what_is_wrong() {
        let form = "; each line is {\"match\": REGEX, \"response\": TEXT}, match may be left out";
        for (text, fault) in [
            ("{\"response\": \"a\"}\nnot json", format!("line 2: expected ident (column 2){form}")),
            ("{}", format!("line 1: missing field `response` (column 2){form}")),
            (
                "{\"macth\": \"a\", \"response\": \"a\"}",
                format!("line 1: unknown field `macth`, expected one of `match`, `response`, `usage` (column 8){form}"),
            ),
            (
                "\n\n{\"match\": \"(\", \"response\": \"a\"}",
                "line 3: match \"(\": unclosed group; write a regular expression".to_owned(),
            ),
        ] {
            assert_eq!(AnswersFile::parse(text, LIMIT).unwrap_err(), fault);
        }
    }
}
