//! Writes of a program to files that outlive it, as the journal knows them.
//!
//! Nothing here touches a file: an [`Intent`] says what is to be written, and an event says that it was.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Seq;

/// What is about to be written: enough to finish the write after a crash, or to see that somebody else came between.
///
/// It is durable before anything is written. After a crash an intent without its [`EffectStep::Done`] is finished if
/// the file still holds the value `before`, taken as done if it holds the value `after`, and else a conflict that a
/// person has to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// What the program called, such as `state.set`.
    pub op: String,
    /// The file below the home, with slashes, such as `state/default.json`.
    pub file: String,
    /// The entry of the file that is written; absent where the whole file is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The hash of what it held; absent where there was nothing.
    #[serde(default)]
    pub before: Option<ContentHash>,
    /// What it will hold: of an entry its compact JSON, of a whole file its text. Absent where it is deleted.
    #[serde(default)]
    pub after: Option<Arc<str>>,
    /// What the program gets of it: it is what a replay gives it once the write is finished.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub result: Value,
    /// Whether what the file held is kept beside it as `.bak`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub backup: bool,
}

/// The two steps of a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum EffectStep {
    /// It is about to be done.
    Intent(Arc<Intent>),
    /// It is over.
    Done {
        /// The number of the event that announced it.
        intent: Seq,
        /// Why nothing was written, if so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
}

/// The hash of a text in a file: the first sixteen bytes of its SHA-256, as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash(u128);

impl ContentHash {
    /// Hashes bytes.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        let digest = Sha256::digest(bytes.as_ref());
        let (first, _) = digest.split_first_chunk::<16>().expect("a SHA-256 digest has 32 bytes");
        Self(u128::from_be_bytes(*first))
    }

    /// The hash of these sixteen bytes, as [`to_bytes`](Self::to_bytes) gave them.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    /// Its sixteen bytes, for where it is stored.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for ContentHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match u128::from_str_radix(&text, 16) {
            Ok(hash) if text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()) => Ok(Self(hash)),
            _ => Err(format!("{text:?} is not the hash of a text (32 hexadecimal digits)")),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(truth: &bool) -> bool {
    !truth
}
