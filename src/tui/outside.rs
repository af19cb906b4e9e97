//! The ports of whoever drafts answers, and of whoever keeps them: the desk knows no processes and no files.

use std::pin::Pin;
use std::sync::Arc;

use super::msg::DraftWanted;
use crate::domain::{QueryId, SessionId};

/// Keeps what outlives the desk.
pub trait Keeper: Send + Sync + 'static {
    /// Why answers cannot be recorded at the moment, if so, in a line. Asked once a second.
    fn trouble(&self) -> Option<String>;

    /// Who has what is kept, if another process does: here it is only read then. Asked once a second.
    fn follows(&self) -> Option<String> {
        None
    }

    /// Whether this desk could not have what is kept, and one that is opened now has it: another process had it, or it could
    /// not be written. Asked once a second.
    fn is_free(&self) -> bool {
        false
    }

    /// Keeps what is typed for a query and not sent, in place of what was kept; `None`: nothing any more. Never waits.
    fn keep_draft(&self, session: SessionId, query: QueryId, text: Option<Arc<str>>);
}

/// Somebody who writes drafts of answers.
pub trait Drafts: Send + Sync {
    /// Starts a draft. What comes back is the text, or one line that says why there is none.
    fn draft(&self, wanted: DraftWanted) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;
}
