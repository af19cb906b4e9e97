//! A long text of several blocks, wrapped as far as it is looked at.
//!
//! Wrapping goes on from where it stopped: showing the top of a text of megabytes costs a screen, not the text.
//! What a text says is not known here.

use std::sync::Arc;

use super::keymap::Motion;
use super::text::row_at;
use super::theme::Tone;

/// A piece of text in one tone, starting on a row of its own.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) tone: Tone,
    pub(super) text: Arc<str>,
}

impl Block {
    pub(super) fn new(tone: Tone, text: impl Into<Arc<str>>) -> Self {
        Self { tone, text: text.into() }
    }
}

#[derive(Debug, Clone, Copy)]
struct Row {
    block: usize,
    start: usize,
    end: usize,
}

/// A text on a screen and how far it is scrolled.
#[derive(Debug, Default)]
pub(super) struct Pager {
    blocks: Vec<Block>,
    width: usize,
    height: usize,
    rows: Vec<Row>,
    /// The block and byte at which wrapping goes on.
    next: (usize, usize),
    top: usize,
}

impl Pager {
    pub(super) fn new(blocks: Vec<Block>) -> Self {
        Self { blocks, ..Self::default() }
    }

    /// Wraps what a window of this size shows. The row at the top keeps its text when the width changes.
    pub(super) fn prepare(&mut self, width: usize, height: usize) {
        if self.width != width {
            let at_top = self.rows.get(self.top).map(|row| (row.block, row.start));
            self.width = width;
            self.rows.clear();
            self.next = (0, 0);
            self.top = 0;
            if let Some(at_top) = at_top {
                while self.rows.last().is_none_or(|row| (row.block, row.start) < at_top) && self.wrap_row() {}
                self.top = self.rows.partition_point(|row| (row.block, row.start) <= at_top).saturating_sub(1);
            }
        }
        self.height = height;
        self.wrap_to(self.top + height + 1);
        self.top = self.top.min(self.rows.len().saturating_sub(height));
    }

    pub(super) fn scroll(&mut self, motion: Motion) {
        match motion {
            Motion::Down => self.down(1),
            Motion::HalfDown => self.down(self.height.div_ceil(2)),
            Motion::Up => self.up(1),
            Motion::HalfUp => self.up(self.height.div_ceil(2)),
            Motion::Top => self.top = 0,
            Motion::Bottom => {
                self.wrap_to(usize::MAX);
                self.top = self.rows.len().saturating_sub(self.height);
            }
        }
    }

    fn down(&mut self, rows: usize) {
        self.wrap_to(self.top + rows + self.height);
        self.top = (self.top + rows).min(self.rows.len().saturating_sub(self.height));
    }

    fn up(&mut self, rows: usize) {
        self.top = self.top.saturating_sub(rows);
    }

    /// The rows from the top of the window on.
    pub(super) fn visible(&self) -> impl Iterator<Item = (Tone, &str)> {
        self.rows.iter().skip(self.top).map(|row| {
            let block = &self.blocks[row.block];
            (block.tone, &block.text[row.start..row.end])
        })
    }

    /// How many rows stand above the window, and whether any stand below it.
    pub(super) fn hidden(&self) -> (usize, bool) {
        (self.top, self.rows.len() > self.top + self.height)
    }

    fn wrap_to(&mut self, rows: usize) {
        while self.rows.len() < rows && self.wrap_row() {}
    }

    /// Wraps one more row; `false` if there is none.
    fn wrap_row(&mut self) -> bool {
        let (index, start) = self.next;
        let Some(block) = self.blocks.get(index) else { return false };
        let (end, next) = row_at(&block.text, start, self.width.max(1));
        self.rows.push(Row { block: index, start, end });
        self.next = if next >= block.text.len() { (index + 1, 0) } else { (index, next) };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_looked_at_is_wrapped() {
        let mut pager = Pager::new(vec![Block::new(Tone::Plain, "word ".repeat(1_000_000))]);
        pager.prepare(40, 10);
        assert!(pager.rows.len() <= 11);
        pager.scroll(Motion::Bottom);
        assert_eq!(pager.visible().count(), 10);
        assert_eq!(pager.hidden(), (125_000 - 10, false));
    }

    #[test]
    fn the_top_row_keeps_its_text_when_the_width_changes() {
        let words: Vec<String> = (0..1000).map(|n| format!("{n:04}")).collect();
        let text = words.join(" ");
        let mut pager = Pager::new(vec![Block::new(Tone::Plain, text)]);
        pager.prepare(50, 5);
        pager.down(20);
        assert!(pager.visible().next().is_some_and(|(_, row)| row.starts_with("0200")));
        pager.prepare(25, 5);
        assert!(pager.visible().next().is_some_and(|(_, row)| row.starts_with("0200")));
    }
}
