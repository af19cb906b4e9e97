//! Answers to queries: who gives them, and what comes of giving one.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use super::{Limits, QueryId, ResumeError};

/// An answer to one query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The query it answers.
    pub query_id: QueryId,
    /// The pause the answerer saw; a wrong one is refused as stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// The prompt the answerer saw; a wrong one is refused as stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_hash: Option<PromptHash>,
    /// The text that the program gets.
    pub response: Arc<str>,
    /// What the answer cost, if the answerer knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<TokenUsage>,
    /// Who answers.
    pub by: AnsweredBy,
    /// A name for this delivery to this query: sent again, it gets the first outcome and changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_id: Option<Arc<str>>,
}

impl Answer {
    /// An answer with nothing but its text.
    pub fn new(query_id: QueryId, response: impl Into<Arc<str>>, by: AnsweredBy) -> Self {
        Self { query_id, epoch: None, prompt_hash: None, response: response.into(), usage: None, by, answer_id: None }
    }
}

/// Tokens of one query as its answerer counted them. A side that is absent is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens of prompt and system text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
}

/// Who gave an answer; written `person`, `rule:NAME`, `answerer:NAME`, `file` or `stdin`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AnsweredBy {
    /// Somebody at the desk.
    Person,
    /// A rule, by its name.
    Rule(Arc<str>),
    /// A command that answers, by its name.
    Answerer(Arc<str>),
    /// A file of answers.
    File,
    /// Standard input.
    Stdin,
}

impl fmt::Display for AnsweredBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person => f.write_str("person"),
            Self::Rule(name) => write!(f, "rule:{name}"),
            Self::Answerer(name) => write!(f, "answerer:{name}"),
            Self::File => f.write_str("file"),
            Self::Stdin => f.write_str("stdin"),
        }
    }
}

/// A text that names nobody who can answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not person, rule:NAME, answerer:NAME, file or stdin")]
pub struct ParseAnsweredByError(String);

impl FromStr for AnsweredBy {
    type Err = ParseAnsweredByError;

    fn from_str(text: &str) -> Result<Self, ParseAnsweredByError> {
        match text.split_once(':') {
            None if text == "person" => Ok(Self::Person),
            None if text == "file" => Ok(Self::File),
            None if text == "stdin" => Ok(Self::Stdin),
            Some(("rule", name)) if !name.is_empty() => Ok(Self::Rule(name.into())),
            Some(("answerer", name)) if !name.is_empty() => Ok(Self::Answerer(name.into())),
            None | Some(_) => Err(ParseAnsweredByError(text.to_owned())),
        }
    }
}

impl Serialize for AnsweredBy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AnsweredBy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The hash of a prompt: the first eight bytes of its SHA-256, as sixteen hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PromptHash(u64);

impl PromptHash {
    /// Hashes the UTF-8 bytes of `prompt`.
    pub fn of(prompt: &str) -> Self {
        let digest = Sha256::digest(prompt.as_bytes());
        let (first, _) = digest.split_first_chunk::<8>().expect("a SHA-256 digest has 32 bytes");
        Self(u64::from_be_bytes(*first))
    }
}

impl fmt::Display for PromptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl From<PromptHash> for String {
    fn from(hash: PromptHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for PromptHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match u64::from_str_radix(&text, 16) {
            Ok(hash) if text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(Self(hash)),
            _ => Err(format!("{text:?} is not a prompt hash (sixteen hexadecimal digits)")),
        }
    }
}

/// What `resume` takes.
#[derive(Debug, Clone, PartialEq)]
pub enum ResumePayload {
    /// Answers any one query of the pause.
    Single(Answer),
    /// Answers one or more queries of the pause, all or nothing.
    Batch(Vec<Answer>),
}

impl ResumePayload {
    /// The answers of the payload, in its order.
    pub fn answers(&self) -> &[Answer] {
        match self {
            Self::Single(answer) => std::slice::from_ref(answer),
            Self::Batch(answers) => answers,
        }
    }

    /// Says whether the payload makes sense by itself.
    ///
    /// # Errors
    /// [`ResumeError::InvalidPayload`]: an empty batch, an id twice, an answer over the limit.
    pub fn check(&self, limits: &Limits) -> Result<(), ResumeError> {
        let invalid = |why: String| Err(ResumeError::InvalidPayload { why });
        let answers = self.answers();
        if answers.is_empty() {
            return invalid("the batch is empty".into());
        }
        let mut seen = HashSet::new();
        let limit = limits.answer_bytes;
        for Answer { query_id, response, .. } in answers {
            // A set only for a real batch: the single answer is the hot path.
            if answers.len() > 1 && !seen.insert(*query_id) {
                return invalid(format!("{query_id} is answered twice"));
            }
            if response.len() as u64 > limit {
                return invalid(format!(
                    "the answer to {query_id} is {} bytes long; the limit is {limit}",
                    response.len()
                ));
            }
        }
        Ok(())
    }
}

/// What became of an accepted payload.
///
/// There is no outcome for "and so it ended": an answer is acknowledged once it is durable and before the program
/// goes on, so no end can follow from it yet. Whoever wants the end awaits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeOutcome {
    /// It answered the last open query of the pause: the program goes on.
    Continued,
    /// So many queries of the pause are still open.
    Remaining(u32),
}
