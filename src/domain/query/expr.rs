//! A query as a typed expression, and how it is written down: what is printed reads back as the same expression.

use std::fmt;

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use regex::{Regex, RegexBuilder};

use super::value::write_duration;
use crate::domain::StateName;

/// Bytes that a compiled pattern may have: a long alternation fits, a pattern that counts to a million does not.
const PATTERN_BYTES: usize = 1 << 20;

/// What a query says.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// One test.
    Test(Test),
    /// The opposite.
    Not(Box<Expr>),
    /// Every one of these. Of none: everything, the empty query.
    All(Vec<Expr>),
    /// At least one of these.
    Any(Vec<Expr>),
}

impl Expr {
    /// The query that holds of every session. Written as nothing.
    pub const EVERYTHING: Self = Self::All(Vec::new());

    /// Whether this is the empty query.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }

    /// Whether the answer may depend on the number behind a session's title.
    pub fn asks_for_numbers(&self) -> bool {
        match self {
            Self::Test(Test::Word(word)) => word.number().is_some(),
            Self::Test(_) => false,
            Self::Not(part) => part.asks_for_numbers(),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::asks_for_numbers),
        }
    }
}

/// One thing to ask of a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// A word that the title or an open prompt matches fuzzily, that the id begins with, or `#` and the number behind
    /// the title.
    Word(Word),
    /// The id begins so: lower-case hexadecimal digits.
    Id(String),
    /// The state.
    State(StateName),
    /// What somebody is to do about it before it runs.
    Is(Standing),
    /// A tag of this key, of this value, or `key=value`.
    Tag(String),
    /// A pattern in the title.
    Title(Pattern),
    /// A pattern in an open prompt.
    Prompt(Pattern),
    /// Milliseconds since the start.
    Age(Compare, u64),
    /// Milliseconds of waiting; never holds of a session that does not wait.
    Wait(Compare, u64),
    /// Tokens used.
    Tokens(Compare, u64),
}

/// What a session waits for that is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// To be released, before its first instruction.
    Held,
    /// To be released, since it ran as the process went down, twice.
    Suspended,
}

impl Standing {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Held, Self::Suspended];

    /// The word that a query has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Suspended => "suspended",
        }
    }
}

/// Which way a number is compared. Equal is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// More than.
    More,
    /// Less than.
    Less,
}

/// A word that is searched fuzzily. Two are equal if they are written the same.
#[derive(Debug, Clone)]
pub struct Word {
    text: String,
    pub(super) atom: Atom,
}

impl Word {
    /// A word; its case counts only if it has capitals.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let atom = Atom::new(&text, CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy, false);
        Self { text, atom }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The number behind a title that it names: that of `#2`.
    pub(super) fn number(&self) -> Option<u32> {
        self.text.strip_prefix('#')?.parse().ok()
    }
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A regular expression. Two are equal if they are written the same.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    pub(super) regex: Regex,
}

impl Pattern {
    /// Compiles a pattern; its case counts only if it has capitals outside escapes.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = with_plain_quotes(text);
        let regex = RegexBuilder::new(&text)
            .case_insensitive(!has_capitals(&text))
            .size_limit(PATTERN_BYTES)
            .build()
            .map_err(|error| one_line(&error))?;
        Ok(Self { text, regex })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A pattern with `"` for `\"`: the two are the same expression, and only one of them can be written inside quotes.
fn with_plain_quotes(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('"') => plain.push('"'),
                Some(other) => plain.extend(['\\', other]),
                None => plain.push('\\'),
            },
            (c, false) => plain.push(c),
        }
    }
    plain
}

fn has_capitals(pattern: &str) -> bool {
    let mut escaped = false;
    pattern.chars().any(|c| {
        let counts = c.is_uppercase() && !escaped;
        escaped = c == '\\' && !escaped;
        counts
    })
}

/// The last line of what the regex parser says, without the picture above it.
fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().next_back().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separated = |f: &mut fmt::Formatter<'_>, parts: &[Self], by: &str| {
            for (n, part) in parts.iter().enumerate() {
                f.write_str(if n > 0 { by } else { "" })?;
                part.write_as_part(f)?;
            }
            Ok(())
        };
        match self {
            Self::Test(test) => write!(f, "{test}"),
            Self::Not(part) => {
                f.write_str("-")?;
                part.write_as_part(f)
            }
            Self::All(parts) => separated(f, parts, " "),
            Self::Any(parts) => separated(f, parts, " or "),
        }
    }
}

impl Expr {
    /// Writes it where one part is expected: with parentheses unless it is one.
    fn write_as_part(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test(test) => write!(f, "{test}"),
            Self::Not(inner) if matches!(**inner, Self::Test(_)) => write!(f, "{self}"),
            Self::Not(_) | Self::All(_) | Self::Any(_) => write!(f, "({self})"),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => write!(f, "{}", Text(&word.text, Place::Word)),
            Self::Id(digits) => write!(f, "id:{}", Text(digits, Place::Value)),
            Self::State(state) => write!(f, "state:{state}"),
            Self::Is(standing) => write!(f, "is:{}", standing.as_str()),
            Self::Tag(tag) => write!(f, "tag:{}", Text(tag, Place::Value)),
            Self::Title(pattern) => write!(f, "title~{}", Text(&pattern.text, Place::Pattern)),
            Self::Prompt(pattern) => write!(f, "prompt~{}", Text(&pattern.text, Place::Pattern)),
            Self::Age(compare, ms) => {
                write!(f, "age{compare}")?;
                write_duration(f, *ms)
            }
            Self::Wait(compare, ms) => {
                write!(f, "wait{compare}")?;
                write_duration(f, *ms)
            }
            Self::Tokens(compare, n) => write!(f, "tokens{compare}{n}"),
        }
    }
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::More => ">",
            Self::Less => "<",
        })
    }
}

/// Where a text is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Word,
    Value,
    Pattern,
}

/// A text, in quotes where it would not read back otherwise.
struct Text<'a>(&'a str, Place);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text, place) = *self;
        let breaks = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '\\');
        let like_a_field = |text: &str| text.contains([':', '~', '<', '>']);
        let as_word =
            place == Place::Word && (text.starts_with('-') || ["or", "and"].contains(&text) || like_a_field(text));
        let plain = match place {
            // Backslashes of a pattern are its own.
            Place::Pattern => !text.contains(|c| breaks(c) && c != '\\'),
            Place::Word | Place::Value => !text.contains(breaks),
        };
        if plain && !as_word && !text.is_empty() {
            return f.write_str(text);
        }
        let mut quoted = text.replace('"', "\\\"");
        if place != Place::Pattern {
            quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        }
        write!(f, "\"{quoted}\"")
    }
}
