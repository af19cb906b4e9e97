//! JSON with parts that fold: lines with their brackets, and which of them are closed up.
//!
//! It knows no screen: it makes the blocks that a pager lays out.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::documents::pretty;
use super::pager::Block;
use super::theme::Tone;

/// A text of more lines opens with its inner parts closed up: the outline of it fits a screen or two.
const OPEN_LINES: usize = 200;

#[derive(Debug)]
struct Line {
    text: Arc<str>,
    /// Columns of its indentation.
    indent: usize,
    /// The line of the bracket that closes what this one opens.
    close: Option<usize>,
}

/// A value on lines, behind some lines that say what it is.
#[derive(Debug)]
pub(super) struct Folding {
    head: Vec<Block>,
    lines: Vec<Line>,
    folded: BTreeSet<usize>,
    /// The line of each block behind the head.
    shown: Vec<usize>,
    complete: bool,
}

impl Folding {
    pub(super) fn of(head: Vec<Block>, value: &Value) -> Self {
        let (text, complete) = pretty(value);
        let mut lines: Vec<Line> = Vec::new();
        let mut open = Vec::new();
        for (n, text) in text.lines().enumerate() {
            let bare = text.trim_start();
            // Inside a text there is no line feed, so a line that ends in a bracket opens one.
            if bare.starts_with(['}', ']'])
                && let Some(opened) = open.pop()
            {
                let opened: &mut Line = &mut lines[opened];
                opened.close = Some(n);
            }
            if bare.ends_with(['{', '[']) {
                open.push(n);
            }
            lines.push(Line { text: text.into(), indent: text.len() - bare.len(), close: None });
        }
        let mut folded = BTreeSet::new();
        if lines.len() > OPEN_LINES {
            let inner = |(n, line): (usize, &Line)| (line.close.is_some() && line.indent >= 2).then_some(n);
            folded.extend(lines.iter().enumerate().filter_map(inner));
        }
        Self { head, lines, folded, shown: Vec::new(), complete }
    }

    /// The blocks as they are folded now.
    pub(super) fn blocks(&mut self) -> Vec<Block> {
        let mut blocks = self.head.clone();
        self.shown.clear();
        let mut at = 0;
        while let Some(line) = self.lines.get(at) {
            self.shown.push(at);
            if let Some(close) = line.close.filter(|_| self.folded.contains(&at)) {
                let inside = self.lines[at + 1..close].iter().filter(|inner| inner.indent == line.indent + 2);
                let inside = inside.filter(|inner| !inner.text.trim_start().starts_with(['}', ']'])).count();
                let text = format!("{} … {inside} … {}", line.text, self.lines[close].text.trim_start());
                blocks.push(Block::hanging(Tone::Key, text, line.indent + 2));
                at = close + 1;
            } else {
                blocks.push(Block::hanging(Tone::Plain, Arc::clone(&line.text), line.indent + 2));
                at += 1;
            }
        }
        if !self.complete {
            blocks.push(Block::new(Tone::Warning, "… the value is longer; only its first megabyte is shown"));
        }
        blocks
    }

    /// Folds or unfolds what the line of a block belongs to. Gives the block that the line is in then.
    pub(super) fn toggle(&mut self, block: usize) -> Option<usize> {
        let line = *self.shown.get(block.checked_sub(self.head.len())?)?;
        // The bracket that this line opens, else the innermost that it stands in.
        let opens = |n: &usize| self.lines[*n].close.is_some_and(|close| close >= line);
        let target = (0..=line).rev().find(opens)?;
        if !self.folded.remove(&target) {
            self.folded.insert(target);
        }
        // The blocks are made anew by the caller; where the line will be does not depend on what stands behind it.
        let before = self.shown.iter().position(|shown| *shown == target)?;
        Some(self.head.len() + before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(folds: &mut Folding) -> Vec<String> {
        folds.blocks().iter().map(|block| block.text.to_string()).collect()
    }

    #[test]
    fn a_part_folds_from_any_of_its_lines_and_opens_again() {
        let value = serde_json::json!({"a": [1, {"b": "}"}], "c": "{", "d": {}});
        let mut folds = Folding::of(vec![Block::new(Tone::Dim, "done")], &value);
        let open = texts(&mut folds);
        assert_eq!(open.len(), 11, "{open:?}");
        assert_eq!(folds.toggle(0), None, "the heading");
        assert_eq!(folds.toggle(3), Some(2), "a line inside folds the part");
        let folded = texts(&mut folds);
        assert_eq!(folded[1..], ["{", "  \"a\": [ … 2 … ],", "  \"c\": \"{\",", "  \"d\": {}", "}"]);
        assert_eq!(folds.toggle(2), Some(2));
        assert_eq!(texts(&mut folds), open);
    }

    #[test]
    fn a_long_value_opens_as_its_outline() {
        let items: Vec<Value> = (0..300).map(|n| serde_json::json!({ "n": n })).collect();
        let mut folds = Folding::of(Vec::new(), &Value::Array(items));
        let outline = texts(&mut folds);
        assert_eq!((outline.len(), outline[1].as_str()), (302, "  { … 1 … },"));
    }
}
