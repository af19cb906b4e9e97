//! The port of whoever drafts answers: the desk knows no processes.

use std::pin::Pin;

use super::msg::DraftWanted;

/// Somebody who writes drafts of answers.
pub trait Drafts: Send + Sync {
    /// Starts a draft. What comes back is the text, or one line that says why there is none.
    fn draft(&self, wanted: DraftWanted) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;
}
