//! The line of a feed in full: its JSON exactly as the stream of events has it, and the same with parts that fold.

use super::feed::Line;
use super::folding::Folding;
use super::keymap::Motion;
use super::pager::{Block, Pager};
use super::theme::Tone;
use crate::domain::SessionId;

/// Bytes of the line that are shown as they are.
const LINE_BYTES: usize = 64 << 10;

/// A line of a feed, opened.
#[derive(Debug)]
pub(super) struct Details {
    pub(super) title: String,
    /// The line as it is.
    pub(super) json: String,
    folds: Folding,
    pub(super) pager: Pager,
}

impl Details {
    pub(super) fn of(line: &Line, top: SessionId, title: String) -> Self {
        let json = line.tells.json(line.session, top);
        let shown = super::text::head(&json, LINE_BYTES);
        let head = vec![
            Block::new(Tone::Plain, shown),
            Block::new(Tone::Dim, if shown.len() < json.len() { "… the line is longer" } else { "" }),
        ];
        let value: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
        let mut folds = Folding::of(head, &value);
        let pager = Pager::with_cursor(folds.blocks());
        Self { title, json, folds, pager }
    }

    pub(super) fn scroll(&mut self, motion: Motion) {
        self.pager.scroll(motion);
    }

    /// Folds or unfolds at the cursor. `None`: there is nothing to fold.
    pub(super) fn fold(&mut self) -> Option<()> {
        let cursor = self.folds.toggle(self.pager.cursor()?)?;
        let blocks = self.folds.blocks();
        self.pager.replace(blocks);
        self.pager.move_to(cursor);
        Some(())
    }
}
