//! The help, made from the one table of actions, and searching it: only lines with what is typed are shown.

use super::input::Key;
use super::keymap::Keymap;
use super::pager::{Block, Pager};
use super::picker::{Picker, fits};
use super::table::{GROUPS, TABLE, TEXT_GROUP, TEXT_KEYS};
use super::theme::Tone;

/// The open help.
#[derive(Debug)]
pub(super) struct Help {
    pub(super) pager: Pager,
    /// The line in which a search is typed.
    pub(super) find: Option<Picker>,
}

impl Help {
    pub(super) fn new(keymap: &Keymap) -> Self {
        Self { pager: Pager::new(blocks(keymap, "")), find: None }
    }

    /// Lets the person type what the lines are to have.
    pub(super) fn search(&mut self, keymap: &Keymap) {
        *self = Self { find: Some(Picker::new()), ..Self::new(keymap) };
    }

    pub(super) fn type_key(&mut self, key: Key, keymap: &Keymap) {
        if let Some(find) = &mut self.find {
            find.type_key(key);
            self.pager = Pager::new(blocks(keymap, &find.text()));
        }
    }

    /// Gives how many control characters were left out.
    pub(super) fn paste(&mut self, text: &str, keymap: &Keymap) -> usize {
        let Some(find) = &mut self.find else { return 0 };
        let left_out = find.paste(text);
        self.pager = Pager::new(blocks(keymap, &find.text()));
        left_out
    }

    /// Ends typing and shows everything.
    pub(super) fn drop_search(&mut self, keymap: &Keymap) {
        *self = Self::new(keymap);
    }
}

/// The text of the help: the lines with every word of `wanted`, under their headings.
fn blocks(keymap: &Keymap, wanted: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    for group in GROUPS {
        let rows = TABLE.iter().filter(|row| row.group == group);
        let rows = rows.filter(|row| {
            let keys = keymap.written(row.action);
            fits(&format!("{group} {} {keys} {}", row.name, row.description), wanted)
        });
        let mut lines: Vec<Block> =
            rows.map(|row| line(Tone::Plain, &keymap.written(row.action), row.description)).collect();
        if group == TEXT_GROUP {
            let keys = TEXT_KEYS.iter().filter(|(key, does)| fits(&format!("{group} {key} {does}"), wanted));
            lines.extend(keys.map(|(key, does)| line(Tone::Dim, key, does)));
        }
        if lines.is_empty() {
            continue;
        }
        if !blocks.is_empty() {
            blocks.push(Block::new(Tone::Plain, ""));
        }
        blocks.push(Block::new(Tone::Strong, group));
        blocks.append(&mut lines);
    }
    if blocks.is_empty() {
        blocks.push(Block::new(Tone::Dim, "No line of the help has these words."));
    }
    blocks
}

fn line(tone: Tone, keys: &str, does: &str) -> Block {
    const KEYS: usize = 16;
    Block::hanging(tone, format!("  {keys:<KEYS$} {does}"), KEYS + 3)
}
