//! The help, made from the one table of actions.

use super::keymap::Keymap;
use super::pager::Block;
use super::table::{GROUPS, TABLE, TEXT_KEYS};
use super::theme::Tone;

/// The text of the help.
pub(super) fn blocks(keymap: &Keymap) -> Vec<Block> {
    let mut blocks = Vec::new();
    for group in GROUPS {
        if !blocks.is_empty() {
            blocks.push(Block::new(Tone::Plain, ""));
        }
        blocks.push(Block::new(Tone::Strong, group));
        for row in TABLE.iter().filter(|row| row.group == group) {
            blocks.push(line(Tone::Plain, &keymap.written(row.action), row.description));
        }
        if group == GROUPS[5] {
            for (key, does) in TEXT_KEYS {
                blocks.push(line(Tone::Dim, key, does));
            }
        }
    }
    blocks
}

fn line(tone: Tone, keys: &str, does: &str) -> Block {
    const KEYS: usize = 16;
    Block::hanging(tone, format!("  {keys:<KEYS$} {does}"), KEYS + 3)
}
