//! What keys do in every field where text is typed: those of a shell's line.
//!
//! The field itself knows code points; people know what they see as one character, and words. So moving and deleting by
//! those is done here: a character is a grapheme cluster, a word is letters and digits (`Alt-B`, `Alt-F`, `Alt-D`,
//! `Alt-Backspace`) or whatever is no white space (`Ctrl-W`). The end of a line is white space between two.

use tui_textarea::{CursorMove, TextArea};
use unicode_segmentation::UnicodeSegmentation;

use super::input::{Held, Key, KeyName};

/// A line and a place in it, in code points.
type Place = (usize, usize);

const CTRL: Held = Held { ctrl: true, alt: false, shift: false };
const ALT: Held = Held { ctrl: false, alt: true, shift: false };

/// Deletes what stands before the cursor on its line, as shells do.
const TO_START: Key = Key { name: KeyName::Char('u'), held: CTRL };

/// Undo. Of the text field's own keys for undo and redo, one deletes here and the other is that of the history.
///
/// Ctrl-_ is one key with Ctrl-/ to a terminal, which says Ctrl-7 for it where it has no better way.
const UNDO: [Key; 4] = [
    Key { name: KeyName::Char('u'), held: ALT },
    Key { name: KeyName::Char('_'), held: CTRL },
    Key { name: KeyName::Char('/'), held: CTRL },
    Key { name: KeyName::Char('7'), held: CTRL },
];

const REDO: Key = Key { name: KeyName::Char('r'), held: ALT };

/// How far a key goes from the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stretch {
    Character,
    /// Letters and digits, and what lies before them.
    Word,
    /// What is no white space, and the white space before it.
    Blanks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Back(Stretch),
    On(Stretch),
    DeleteBack(Stretch),
    DeleteOn(Stretch),
}

/// What a key does that the field does not do as people know it.
fn deed(key: Key) -> Option<Deed> {
    use Stretch::{Blanks, Character, Word};
    let Held { ctrl, alt, .. } = key.held;
    Some(match (key.name, ctrl, alt) {
        (KeyName::Left, false, false) | (KeyName::Char('b'), true, false) => Deed::Back(Character),
        (KeyName::Right, false, false) | (KeyName::Char('f'), true, false) => Deed::On(Character),
        (KeyName::Left, true, false) | (KeyName::Left | KeyName::Char('b'), false, true) => Deed::Back(Word),
        (KeyName::Right, true, false) | (KeyName::Right | KeyName::Char('f'), false, true) => Deed::On(Word),
        (KeyName::Backspace, false, false) | (KeyName::Char('h'), true, false) => Deed::DeleteBack(Character),
        (KeyName::Delete, false, false) | (KeyName::Char('d'), true, false) => Deed::DeleteOn(Character),
        (KeyName::Backspace, true, false) | (KeyName::Backspace | KeyName::Char('h'), false, true) => {
            Deed::DeleteBack(Word)
        }
        (KeyName::Delete, true, false) | (KeyName::Delete | KeyName::Char('d'), false, true) => Deed::DeleteOn(Word),
        (KeyName::Char('w'), true, false) => Deed::DeleteBack(Blanks),
        _ => return None,
    })
}

/// Gives a key to a text field. Says whether it changed the text.
pub(super) fn type_key(area: &mut TextArea<'_>, key: Key) -> bool {
    if key.typed() == Some('\n') {
        area.insert_newline();
        return true;
    }
    match key {
        TO_START => area.delete_line_by_head(),
        REDO => area.redo(),
        key if UNDO.contains(&key) => area.undo(),
        key => {
            if let Some(deed) = deed(key) {
                return act(area, key, deed);
            }
            let changed = area.input(key);
            // Where something was typed the cursor stands behind it, whatever it makes with what follows.
            if !changed {
                stand_on_a_character(area);
            }
            changed
        }
    }
}

fn act(area: &mut TextArea<'_>, key: Key, deed: Deed) -> bool {
    let deletes = matches!(deed, Deed::DeleteBack(_) | Deed::DeleteOn(_));
    if deletes && area.is_selecting() {
        // What is selected goes, however far the key would.
        return area.delete_char();
    }
    let here = here(area);
    let there = match deed {
        Deed::Back(stretch) | Deed::DeleteBack(stretch) => back(area.lines(), here, stretch),
        Deed::On(stretch) | Deed::DeleteOn(stretch) => on(area.lines(), here, stretch),
    };
    let to = if deletes { here.min(there) } else { there };
    let Some(jump) = jump(to) else { return area.input(key) };
    if !deletes {
        match (key.held.shift, area.is_selecting()) {
            (true, false) => area.start_selection(),
            (false, true) => area.cancel_selection(),
            (true, true) | (false, false) => {}
        }
        area.move_cursor(jump);
        return false;
    }
    let chars = between(area.lines(), to, here.max(there));
    area.move_cursor(jump);
    if !matches!(deed, Deed::DeleteBack(Stretch::Character) | Deed::DeleteOn(Stretch::Character)) {
        return area.delete_str(chars);
    }
    // What is put back is what was deleted on purpose, a word or a line.
    let put_back = area.yank_text();
    let changed = area.delete_str(chars);
    area.set_yank_text(put_back);
    changed
}

fn here(area: &TextArea<'_>) -> Place {
    let cursor = area.cursor();
    (cursor.0, cursor.1)
}

/// The way to a place; `None` where the field cannot be told to go there: it counts with 16 bits.
fn jump((row, column): Place) -> Option<CursorMove> {
    Some(CursorMove::Jump(u16::try_from(row).ok()?, u16::try_from(column).ok()?))
}

/// Moves the cursor out of the middle of a character, to where that begins: the field counts code points.
fn stand_on_a_character(area: &mut TextArea<'_>) {
    let (row, column) = here(area);
    let Some(line) = area.lines().get(row).filter(|line| !line.is_ascii()) else { return };
    let mut begins = 0;
    for character in line.graphemes(true) {
        let ends = begins + character.chars().count();
        if column < ends {
            break;
        }
        begins = ends;
    }
    if let Some(jump) = jump((row, begins)).filter(|_| begins < column) {
        area.move_cursor(jump);
    }
}

fn is_word(character: &str) -> bool {
    character.chars().next().is_some_and(char::is_alphanumeric)
}

fn is_blank(character: &str) -> bool {
    character.chars().all(char::is_whitespace)
}

/// Where a stretch ends that is gone from `at` backwards.
fn back(lines: &[String], at: Place, stretch: Stretch) -> Place {
    over(before(lines, at), at, stretch)
}

/// Where a stretch ends that is gone from `at` on.
fn on(lines: &[String], at: Place, stretch: Stretch) -> Place {
    over(behind(lines, at), at, stretch)
}

fn over<'a>(characters: impl Iterator<Item = (Place, &'a str)>, at: Place, stretch: Stretch) -> Place {
    let mut characters = characters.peekable();
    if stretch == Stretch::Character {
        return characters.next().map_or(at, |(to, _)| to);
    }
    let is_wanted = |it: &str| if stretch == Stretch::Word { is_word(it) } else { !is_blank(it) };
    let mut to = at;
    for wanted in [false, true] {
        while let Some((next, _)) = characters.next_if(|(_, it)| is_wanted(it) == wanted) {
            to = next;
        }
    }
    to
}

/// The characters before a place, the nearest first, each with where it begins.
fn before(lines: &[String], (row, column): Place) -> impl Iterator<Item = (Place, &str)> {
    (0..=row.min(lines.len() - 1)).rev().flat_map(move |n| {
        let line = lines[n].as_str();
        let text = if n == row { split(line, column).0 } else { line };
        let mut begins = text.chars().count();
        let end_of_line = (n < row).then_some(((n, begins), "\n"));
        end_of_line.into_iter().chain(text.graphemes(true).rev().map(move |character| {
            begins -= character.chars().count();
            ((n, begins), character)
        }))
    })
}

/// The characters behind a place, the nearest first, each with where it ends.
fn behind(lines: &[String], (row, column): Place) -> impl Iterator<Item = (Place, &str)> {
    (row..lines.len()).flat_map(move |n| {
        let line = lines[n].as_str();
        let (mut ends, text) = if n == row { (column, split(line, column).1) } else { (0, line) };
        let end_of_line = (n + 1 < lines.len()).then_some(((n + 1, 0), "\n"));
        let characters = text.graphemes(true).map(move |character| {
            ends += character.chars().count();
            ((n, ends), character)
        });
        characters.chain(end_of_line)
    })
}

/// How many code points there are from one place to another, an end of a line counted as one.
fn between(lines: &[String], from: Place, to: Place) -> usize {
    let length = |n: usize| lines[n].chars().count() + 1;
    (from.0..to.0).map(length).sum::<usize>() + to.1 - from.1
}

fn split(line: &str, column: usize) -> (&str, &str) {
    let at = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    line.split_at(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.split('\n').map(str::to_owned).collect()
    }

    #[test]
    fn there_and_back_is_the_same_way_in_any_text() {
        for text in ["", "a", "e\u{301}x", "👩‍👩‍👧 family", "🇩🇪🇫🇷", "one\n\ntwo", "日本語 テスト"]
        {
            let lines = lines(text);
            let end = (lines.len() - 1, lines[lines.len() - 1].chars().count());
            let mut ways: Vec<Place> = behind(&lines, (0, 0)).map(|(place, _)| place).collect();
            let mut ways_back: Vec<Place> = before(&lines, end).map(|(place, _)| place).collect();
            assert_eq!(between(&lines, (0, 0), end), text.chars().count(), "{text:?}");
            if !text.is_empty() {
                ways.insert(0, (0, 0));
                ways_back.insert(0, end);
            }
            ways_back.reverse();
            assert_eq!(ways, ways_back, "{text:?}");
        }
    }

    #[test]
    fn words_are_those_of_a_shell() {
        let lines = lines("git commit --amend, don't\n  foo_bar.rs ");
        let end = (1, 13);
        let stops = |stretch| {
            let mut at = end;
            std::iter::from_fn(|| {
                let to = back(&lines, at, stretch);
                (to != at).then(|| {
                    at = to;
                    to
                })
            })
            .collect::<Vec<_>>()
        };
        assert_eq!(stops(Stretch::Blanks), [(1, 2), (0, 20), (0, 11), (0, 4), (0, 0)]);
        assert_eq!(stops(Stretch::Word), [(1, 10), (1, 6), (1, 2), (0, 24), (0, 20), (0, 13), (0, 4), (0, 0)]);
        let mut at = (0, 0);
        let mut on_stops = Vec::new();
        while on(&lines, at, Stretch::Word) != at {
            at = on(&lines, at, Stretch::Word);
            on_stops.push(at);
        }
        assert_eq!(on_stops, [(0, 3), (0, 10), (0, 18), (0, 23), (0, 25), (1, 5), (1, 9), (1, 12), (1, 13)]);
    }
}
