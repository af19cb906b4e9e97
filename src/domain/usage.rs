//! What a session has used: calls, characters, tokens, and people's time.

use serde::{Deserialize, Serialize, Serializer};

use super::TokenUsage;

/// The figures of one session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Queries asked, those of children that have ended among them; one counts when its pause is published.
    pub llm_calls: u64,
    /// Pauses published.
    pub pauses: u64,
    /// Pauses answered to the last query.
    pub rounds: u64,
    /// Bytes of prompts and system texts asked.
    pub total_prompt_chars: u64,
    /// Bytes of answers taken.
    pub total_response_chars: u64,
    /// Tokens asked with.
    pub prompt_tokens: TokenCount,
    /// Tokens answered with.
    pub response_tokens: TokenCount,
    /// The sum of both.
    pub total_tokens: TokenCount,
    /// Milliseconds from the first moment of the session to its end, or to the last event so far.
    pub elapsed_ms: u64,
    /// Milliseconds of that spent waiting for answers.
    pub waiting_ms: u64,
}

/// A number of tokens and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(from = "TokenCountForm")]
pub struct TokenCount {
    /// How many.
    pub tokens: u64,
    /// How many parts of the sum are estimates.
    estimates: u32,
    /// How many parts of the sum were provided by an answerer.
    provided: u32,
}

/// How well a number of tokens is known. A sum is as weak as its weakest part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenSource {
    /// Guessed from the length of the text, see [`estimate_tokens`].
    Estimated,
    /// Reported by whoever answered.
    Provided,
    /// Counted exactly; so is a sum of nothing.
    Definite,
}

/// What is written of a [`TokenCount`]. People and programs read how well it is known; a journal must give back the
/// very counts, since an estimate may still be taken out of them.
#[derive(Serialize, Deserialize)]
struct TokenCountForm {
    tokens: u64,
    source: TokenSource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parts: Option<(u32, u32)>,
}

impl TokenCount {
    const NOTHING: Self = Self { tokens: 0, estimates: 0, provided: 0 };

    /// How well the number is known.
    pub fn source(self) -> TokenSource {
        match self {
            Self { estimates: 1.., .. } => TokenSource::Estimated,
            Self { provided: 1.., .. } => TokenSource::Provided,
            Self { .. } => TokenSource::Definite,
        }
    }

    fn add_estimate(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens);
        self.estimates += 1;
    }

    fn add_provided(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens);
        self.provided += 1;
    }

    fn take_estimate(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_sub(tokens);
        self.estimates = self.estimates.saturating_sub(1);
    }

    fn sum(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            estimates: self.estimates + other.estimates,
            provided: self.provided + other.provided,
        }
    }
}

impl Default for TokenCount {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl Serialize for TokenCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let parts = (!serializer.is_human_readable()).then_some((self.estimates, self.provided));
        TokenCountForm { tokens: self.tokens, source: self.source(), parts }.serialize(serializer)
    }
}

impl From<TokenCountForm> for TokenCount {
    fn from(form: TokenCountForm) -> Self {
        let (estimates, provided) = form.parts.unwrap_or(match form.source {
            TokenSource::Estimated => (1, 0),
            TokenSource::Provided => (0, 1),
            TokenSource::Definite => (0, 0),
        });
        Self { tokens: form.tokens, estimates, provided }
    }
}

impl Usage {
    /// Books a query as its pause is published.
    pub(super) fn book_query(&mut self, prompt: &str, system: Option<&str>) {
        self.llm_calls += 1;
        self.total_prompt_chars += (prompt.len() + system.map_or(0, str::len)) as u64;
        self.prompt_tokens.add_estimate(prompt_estimate(prompt, system));
        self.total_tokens = self.prompt_tokens.sum(self.response_tokens);
    }

    /// Adds what a child has used: what it asked and was answered. Its pauses and its time are its own.
    pub(super) fn add_child(&mut self, child: &Self) {
        self.llm_calls += child.llm_calls;
        self.total_prompt_chars += child.total_prompt_chars;
        self.total_response_chars += child.total_response_chars;
        self.prompt_tokens = self.prompt_tokens.sum(child.prompt_tokens);
        self.response_tokens = self.response_tokens.sum(child.response_tokens);
        self.total_tokens = self.prompt_tokens.sum(self.response_tokens);
    }

    /// Books the answer to a query that was booked with the same prompt and system text.
    pub(super) fn book_answer(
        &mut self,
        prompt: &str,
        system: Option<&str>,
        response: &str,
        usage: Option<&TokenUsage>,
    ) {
        self.total_response_chars += response.len() as u64;
        if let Some(tokens) = usage.and_then(|usage| usage.prompt_tokens) {
            self.prompt_tokens.take_estimate(prompt_estimate(prompt, system));
            self.prompt_tokens.add_provided(tokens);
        }
        match usage.and_then(|usage| usage.completion_tokens) {
            Some(tokens) => self.response_tokens.add_provided(tokens),
            None => self.response_tokens.add_estimate(estimate_tokens(response)),
        }
        self.total_tokens = self.prompt_tokens.sum(self.response_tokens);
    }
}

fn prompt_estimate(prompt: &str, system: Option<&str>) -> u64 {
    estimate_tokens(prompt) + system.map_or(0, estimate_tokens)
}

/// Estimates the tokens of a text: `ceil(ascii / 4) + ceil(2 · non_ascii / 3)`, counted in characters.
pub fn estimate_tokens(text: &str) -> u64 {
    let chars = text.chars().count() as u64;
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    ascii.div_ceil(4) + (2 * (chars - ascii)).div_ceil(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_rounds_each_half_up() {
        for (text, tokens) in
            [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("é", 1), ("éé", 2), ("ééé", 2), ("abcdé", 2)]
        {
            assert_eq!(estimate_tokens(text), tokens, "{text:?}");
        }
    }

    #[test]
    fn a_provided_count_replaces_the_estimate_of_that_query_only() {
        let mut usage = Usage::default();
        usage.book_query("abcd", None);
        usage.book_query("abcdefgh", Some("abcd"));
        assert_eq!((usage.prompt_tokens.tokens, usage.prompt_tokens.source()), (4, TokenSource::Estimated));
        let counted = TokenUsage { prompt_tokens: Some(100), completion_tokens: Some(7) };
        usage.book_answer("abcd", None, "x", Some(&counted));
        assert_eq!((usage.prompt_tokens.tokens, usage.prompt_tokens.source()), (103, TokenSource::Estimated));
        assert_eq!((usage.response_tokens.tokens, usage.response_tokens.source()), (7, TokenSource::Provided));
        usage.book_answer(
            "abcdefgh",
            Some("abcd"),
            "xyz",
            Some(&TokenUsage { prompt_tokens: Some(1), completion_tokens: None }),
        );
        assert_eq!((usage.prompt_tokens.tokens, usage.prompt_tokens.source()), (101, TokenSource::Provided));
        assert_eq!((usage.response_tokens.tokens, usage.response_tokens.source()), (8, TokenSource::Estimated));
        assert_eq!((usage.total_tokens.tokens, usage.total_tokens.source()), (109, TokenSource::Estimated));
    }
}
