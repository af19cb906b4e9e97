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
    /// Columns by which every row but the first is moved in.
    indent: usize,
}

impl Block {
    pub(super) fn new(tone: Tone, text: impl Into<Arc<str>>) -> Self {
        Self { tone, text: text.into(), indent: 0 }
    }

    /// A block whose rows, but for the first, begin `indent` columns from the left.
    pub(super) fn hanging(tone: Tone, text: impl Into<Arc<str>>, indent: usize) -> Self {
        Self { indent, ..Self::new(tone, text) }
    }
}

/// A row of a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) tone: Tone,
    pub(super) text: &'a str,
    /// Columns before the text.
    pub(super) indent: usize,
    /// Whether the cursor is on its block.
    pub(super) here: bool,
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
    /// The block that keys act on, in texts that have such.
    cursor: Option<usize>,
}

impl Pager {
    pub(super) fn new(blocks: Vec<Block>) -> Self {
        Self { blocks, ..Self::default() }
    }

    /// A text in which keys move from block to block.
    pub(super) fn with_cursor(blocks: Vec<Block>) -> Self {
        Self { blocks, cursor: Some(0), ..Self::default() }
    }

    /// Puts another text in the place of this one, as far down as this one was.
    pub(super) fn replace(&mut self, blocks: Vec<Block>) {
        let (width, height) = (std::mem::take(&mut self.width), self.height);
        let (top, cursor) = (self.top, self.cursor);
        // Whoever was at the end wants to see the end.
        let at_end = top > 0 && cursor.is_none() && !self.hidden().1;
        *self = Self { blocks, ..Self::default() };
        self.cursor = cursor.map(|at| at.min(self.blocks.len().saturating_sub(1)));
        if width > 0 {
            self.prepare(width, height);
            self.wrap_to(top + height + 1);
            self.top = top.min(self.rows.len().saturating_sub(height));
        }
        if at_end {
            self.scroll(Motion::Bottom);
        }
    }

    /// The block that keys act on.
    pub(super) fn cursor(&self) -> Option<usize> {
        self.cursor
    }

    /// Whether the cursor is on the last block.
    pub(super) fn is_at_last(&self) -> bool {
        self.cursor.is_some_and(|cursor| cursor + 1 >= self.blocks.len())
    }

    /// The text of that block.
    pub(super) fn text_here(&self) -> Option<&str> {
        self.blocks.get(self.cursor?).map(|block| &*block.text)
    }

    /// The text of all blocks, one after the other.
    pub(super) fn whole_text(&self) -> String {
        self.blocks.iter().map(|block| &*block.text).collect::<Vec<_>>().join("\n")
    }

    /// Puts the cursor on a block and shows it.
    pub(super) fn move_to(&mut self, block: usize) {
        self.cursor = Some(block.min(self.blocks.len().saturating_sub(1)));
        self.show_cursor();
    }

    /// Scrolls as little as shows the cursor.
    fn show_cursor(&mut self) {
        let Some(cursor) = self.cursor else { return };
        while self.next.0 <= cursor && self.wrap_row() {}
        let first = self.rows.partition_point(|row| row.block < cursor);
        let end = self.rows.partition_point(|row| row.block <= cursor);
        if end > self.top + self.height {
            self.top = end - self.height;
        }
        self.top = self.top.min(first);
        self.wrap_to(self.top + self.height + 1);
    }

    fn move_cursor(&mut self, cursor: usize, motion: Motion) {
        let half = self.height.div_ceil(2).max(1);
        let last = self.blocks.len().saturating_sub(1);
        self.cursor = Some(match motion {
            Motion::Down => (cursor + 1).min(last),
            Motion::HalfDown => (cursor + half).min(last),
            Motion::Up => cursor.saturating_sub(1),
            Motion::HalfUp => cursor.saturating_sub(half),
            Motion::Top => 0,
            Motion::Bottom => last,
        });
        self.show_cursor();
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
        if let Some(cursor) = self.cursor {
            self.move_cursor(cursor, motion);
            return;
        }
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
    pub(super) fn visible(&self) -> impl Iterator<Item = Shown<'_>> {
        self.rows.iter().skip(self.top).map(|row| {
            let block = &self.blocks[row.block];
            Shown {
                tone: block.tone,
                text: &block.text[row.start..row.end],
                indent: if row.start == 0 { 0 } else { self.indent_of(row.block) },
                here: self.cursor == Some(row.block),
            }
        })
    }

    /// A narrow window has no columns to spare.
    fn indent_of(&self, block: usize) -> usize {
        self.blocks[block].indent.min(self.width / 2)
    }

    /// Whether the whole text has at most so many rows, of a window that is hardly lower.
    pub(super) fn is_within(&self, rows: usize) -> bool {
        self.next.0 >= self.blocks.len() && self.rows.len() <= rows
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
        let indent = if start == 0 { 0 } else { self.indent_of(index) };
        let (end, next) = row_at(&block.text, start, self.width.saturating_sub(indent).max(1));
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
        assert!(pager.visible().next().is_some_and(|row| row.text.starts_with("0200")));
        pager.prepare(25, 5);
        assert!(pager.visible().next().is_some_and(|row| row.text.starts_with("0200")));
    }

    #[test]
    fn rows_behind_the_first_are_moved_in() {
        let mut pager = Pager::new(vec![Block::hanging(Tone::Plain, "key  one two three four", 5)]);
        pager.prepare(15, 5);
        let rows: Vec<(usize, &str)> = pager.visible().map(|row| (row.indent, row.text)).collect();
        assert_eq!(rows, [(0, "key  one two "), (5, "three four")]);
    }

    #[test]
    fn the_end_stays_in_sight_when_the_text_grows() {
        let lines = |n: usize| (0..n).map(|n| Block::new(Tone::Plain, n.to_string())).collect::<Vec<_>>();
        let mut pager = Pager::new(lines(50));
        pager.prepare(20, 6);
        pager.scroll(Motion::Bottom);
        pager.replace(lines(53));
        assert_eq!(pager.visible().last().map(|row| row.text), Some("52"));
        pager.scroll(Motion::Up);
        pager.replace(lines(60));
        assert_eq!(pager.visible().next().map(|row| row.text), Some("46"), "elsewhere nothing moves");
    }

    #[test]
    fn the_cursor_is_always_seen() {
        let blocks: Vec<Block> = (0..50).map(|n| Block::new(Tone::Plain, format!("{n} {}", "x".repeat(30)))).collect();
        let mut pager = Pager::with_cursor(blocks);
        pager.prepare(20, 6);
        for motion in [Motion::Down, Motion::HalfDown, Motion::Bottom, Motion::Up, Motion::HalfUp, Motion::Top] {
            for _ in 0..3 {
                pager.scroll(motion);
                assert!(pager.visible().take(6).any(|row| row.here), "{motion:?}");
            }
        }
    }
}
