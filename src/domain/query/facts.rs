//! What a query may ask of a session, and what the answer is.

use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::expr::{Compare, Expr, Standing, Test, Word};
use crate::domain::{ExecutionState, Query, SessionId, SessionSpec, Timestamp};

/// Bytes of a title or prompt that words are searched in: what a list could show. Beyond it nearly every word can be
/// found somehow; patterns look at the whole text.
const FUZZY_BYTES: usize = 1024;

/// What one letter found counts in the matcher's score. A match is good enough if what it wins at the beginnings of
/// words and by letters that stand together outweighs its gaps: else a word is found in any long text.
const LETTER: usize = 16;

/// What is known of one session at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Its id.
    pub id: SessionId,
    /// What it was made of.
    pub spec: &'a SessionSpec,
    /// The number that tells it from others of its title, where a screen shows one.
    pub number: Option<u32>,
    /// Its state.
    pub state: &'a ExecutionState,
    /// What it waits for that is no answer, where that is known.
    pub standing: Option<Standing>,
    /// Since when it counts its time. The age of a branch begins with its own birth, which its spec tells.
    pub created_at: Timestamp,
    /// Tokens it has used.
    pub tokens: u64,
    /// The one prompt that is meant, for whoever asks about a question; else every open one of its pause counts.
    pub query: Option<&'a Query>,
    /// It is now.
    pub now: Timestamp,
}

/// Whether a query holds of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it holds now.
    pub holds: bool,
    /// When that may become different by time alone; `None` if nothing but a change of the session can.
    pub until: Option<Timestamp>,
}

impl Verdict {
    fn fixed(holds: bool) -> Self {
        Self { holds, until: None }
    }
}

/// Memory that evaluations work in. One is enough for any number of them.
pub struct Scratch {
    matcher: Matcher,
    letters: Vec<char>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { matcher: Matcher::new(Config::DEFAULT), letters: Vec::new() }
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

impl Expr {
    /// Says whether the query holds of a session, and how long that is sure.
    pub fn verdict(&self, facts: &Facts<'_>, scratch: &mut Scratch) -> Verdict {
        match self {
            Self::Test(test) => test.verdict(facts, scratch),
            Self::Not(part) => {
                let verdict = part.verdict(facts, scratch);
                Verdict { holds: !verdict.holds, ..verdict }
            }
            Self::All(parts) => decided(parts, false, facts, scratch),
            Self::Any(parts) => decided(parts, true, facts, scratch),
        }
    }

    /// Whether the query holds of a session now.
    pub fn holds(&self, facts: &Facts<'_>, scratch: &mut Scratch) -> bool {
        self.verdict(facts, scratch).holds
    }
}

/// The first part that is `by` decides; as long as it stands, no other matters.
fn decided(parts: &[Expr], by: bool, facts: &Facts<'_>, scratch: &mut Scratch) -> Verdict {
    let mut until = None;
    for part in parts {
        let verdict = part.verdict(facts, scratch);
        if verdict.holds == by {
            return verdict;
        }
        until = earlier(until, verdict.until);
    }
    Verdict { holds: !by, until }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl Test {
    fn verdict(&self, facts: &Facts<'_>, scratch: &mut Scratch) -> Verdict {
        match self {
            Self::Word(word) => Verdict::fixed(
                id_begins(facts.id, word.as_str())
                    || facts.number.is_some_and(|number| word.number() == Some(number))
                    || scratch.finds(word, facts.spec.display_title())
                    || facts.any_prompt(|prompt| scratch.finds(word, prompt)),
            ),
            Self::Id(digits) => Verdict::fixed(id_begins(facts.id, digits)),
            Self::State(state) => Verdict::fixed(facts.state.name() == *state),
            Self::Is(standing) => Verdict::fixed(facts.standing == Some(*standing)),
            Self::Tag(tag) => Verdict::fixed(facts.spec.tags.iter().any(|(key, value)| {
                tag == key
                    || tag == value
                    || tag
                        .strip_prefix(key.as_str())
                        .and_then(|rest| rest.strip_prefix('='))
                        .is_some_and(|rest| rest == value)
            })),
            Self::Title(pattern) => Verdict::fixed(pattern.regex.is_match(facts.spec.display_title())),
            Self::Prompt(pattern) => Verdict::fixed(facts.any_prompt(|prompt| pattern.regex.is_match(prompt))),
            Self::Age(compare, ms) => since(facts.spec.own_time(facts.created_at), *compare, *ms, facts.now),
            Self::Wait(compare, ms) => match facts.state {
                ExecutionState::Paused(pause) => since(facts.spec.own_time(pause.paused_at), *compare, *ms, facts.now),
                ExecutionState::Running { .. }
                | ExecutionState::Done(_)
                | ExecutionState::Cancelled(_)
                | ExecutionState::Failed(_) => Verdict::fixed(false),
            },
            Self::Tokens(Compare::More, n) => Verdict::fixed(facts.tokens > *n),
            Self::Tokens(Compare::Less, n) => Verdict::fixed(facts.tokens < *n),
        }
    }
}

fn since(start: Timestamp, compare: Compare, ms: u64, now: Timestamp) -> Verdict {
    let at = start.saturating_add_unsigned(ms);
    let (holds, turns) = match compare {
        Compare::More => (now > at, at.saturating_add(1)),
        Compare::Less => (now < at, at),
    };
    Verdict { holds, until: (turns > now).then_some(turns) }
}

/// Ids are shortened to their beginning everywhere; digits from the middle would be found by chance.
fn id_begins(id: SessionId, digits: &str) -> bool {
    digits.len() <= 16 && id.to_string().starts_with(digits)
}

impl Facts<'_> {
    fn any_prompt(&self, mut found: impl FnMut(&str) -> bool) -> bool {
        if let Some(query) = self.query {
            return found(&query.prompt);
        }
        match self.state {
            ExecutionState::Paused(pause) => pause.pending().any(|prompt| found(&prompt.query.prompt)),
            ExecutionState::Running { .. }
            | ExecutionState::Done(_)
            | ExecutionState::Cancelled(_)
            | ExecutionState::Failed(_) => false,
        }
    }
}

impl Scratch {
    /// Whether a word is found in a text, as words are in titles: letter by letter, where they stand well together.
    pub fn finds(&mut self, word: &Word, text: &str) -> bool {
        let text = &text[..text.floor_char_boundary(FUZZY_BYTES)];
        let least = word.atom.needle_text().len() * LETTER;
        let score = word.atom.score(Utf32Str::new(text, &mut self.letters), &mut self.matcher);
        score.is_some_and(|score| usize::from(score) >= least)
    }
}
