//! Who answers: pure functions of a prompt, by the names that rows of probes and of a corpus give them.

use sha2::{Digest as _, Sha256};

/// The answers of the rule that depends on nothing but the hash of the prompt.
const HASHED: [&str; 8] = [
    "yes",
    "1",
    r#"{"answer": "42", "score": 7, "confidence": 0.8, "verdict": "yes", "reason": "because"}"#,
    "Answer: 42\nScore: 7\nConfidence: 0.8",
    "no",
    "A",
    "1. First point\n2. Second point\n3. Third point",
    "The answer is 42 because 6 × 7 = 42. Geprüft ✓",
];

const RICH: &str = "Answer: 42\nScore: 8\nConfidence: 0.9\nVERDICT: PASS\n1. First point: check the units\n\
    2. Second point: check the sign\n3. Third point: check the bounds\n- yes\n\
    ```json\n{\"answer\": \"42\", \"score\": 8, \"confidence\": 0.9, \"verdict\": \"pass\", \"items\": [\"a\", \"b\", \"c\"], \
    \"steps\": [\"s1\", \"s2\"], \"reason\": \"because\"}\n```";

const JSON: &str =
    r#"{"answer": "42", "score": 8, "confidence": 0.9, "verdict": "pass", "items": ["a", "b"], "note": null}"#;

/// The answer of a rule.
pub(crate) fn answer(rule: &str, prompt: &str) -> &'static str {
    match rule {
        "hash8" => HASHED[usize::from(Sha256::digest(prompt)[0] & 7)],
        "rich" => RICH,
        "one" => "1",
        "letter" => "Verdict: A",
        "json" => JSON,
        "empty" => "",
        unknown => panic!("no rule {unknown}"),
    }
}
