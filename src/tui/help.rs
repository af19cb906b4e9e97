//! The help, made from the one table of actions.

use super::keymap::Row;
use super::pager::Block;
use super::table::{GROUPS, TABLE, TEXT_KEYS};
use super::theme::Tone;

/// The text of the help.
pub(super) fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    for group in GROUPS {
        if !blocks.is_empty() {
            blocks.push(Block::new(Tone::Plain, ""));
        }
        blocks.push(Block::new(Tone::Strong, group));
        for row in TABLE.iter().filter(|row| row.group == group) {
            blocks.push(Block::new(Tone::Plain, line(&keys_of(row), row.description)));
        }
        if group == GROUPS[4] {
            for (key, does) in TEXT_KEYS {
                blocks.push(Block::new(Tone::Dim, line(key, does)));
            }
        }
    }
    blocks
}

fn keys_of(row: &Row) -> String {
    row.keys.join(" ")
}

fn line(keys: &str, does: &str) -> String {
    format!("  {keys:<17} {does}")
}
