//! Drafts of answers from a command, for the desk while it is open.

use std::pin::Pin;

use super::run::answerer;
use crate::tui::{DraftWanted, Drafts};

/// Asks a command for drafts: a process for each, since a person asks for few.
pub(super) struct CommandDrafts(pub(super) String);

impl Drafts for CommandDrafts {
    fn draft(&self, wanted: DraftWanted) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send>> {
        let command = self.0.clone();
        Box::pin(async move {
            let DraftWanted { top, session, epoch, query } = wanted;
            answerer::ask_once(&command, [top, session], epoch, &query).await
        })
    }
}
