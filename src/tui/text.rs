//! Text on cells: how wide it is, where it is cut, where a row of it ends.
//!
//! Widths are measured exactly as ratatui draws them. Everything here costs what is visible, never what there is: a
//! text is cut before it is measured. Nothing here knows colours or places.

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

use crate::domain::printable_line;

/// Bytes of one grapheme cluster that are drawn. The longest emoji families stay below; a thousand combining marks on
/// one letter do not reach the terminal.
const CLUSTER_BYTES: usize = 48;

/// Bytes that are looked at for each column to fill, with some to spare for combining marks.
const BYTES_PER_COLUMN: usize = 16;

/// The width of a short text in columns.
pub(super) fn width_of(text: &str) -> usize {
    text.graphemes(true).map(cluster_width).sum()
}

/// The first line that fits `width` columns, with control characters as signs; ends in `…` if there is more.
pub(super) fn cut(text: &str, width: usize) -> String {
    let (whole, complete) = fill(text, width);
    if complete || width == 0 {
        return whole;
    }
    let (mut short, _) = fill(text, width - 1);
    short.push('…');
    short
}

/// Like [`cut`], filled with spaces to exactly `width` columns.
pub(super) fn cut_and_pad(text: &str, width: usize) -> String {
    let mut line = cut(text, width);
    let used = width_of(&line);
    line.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    line
}

/// Like [`cut`], with spaces before it to exactly `width` columns.
pub(super) fn cut_and_pad_left(text: &str, width: usize) -> String {
    let line = cut(text, width);
    let used = width_of(&line);
    let mut padded = " ".repeat(width.saturating_sub(used));
    padded.push_str(&line);
    padded
}

/// As much of one line as fits `width` columns, and whether that is all of it.
fn fill(text: &str, width: usize) -> (String, bool) {
    let looked_at = head(text, width.saturating_mul(BYTES_PER_COLUMN) + 64);
    let shown = printable_line(looked_at);
    let mut line = String::with_capacity(width);
    let mut used = 0;
    for cluster in shown.graphemes(true) {
        let columns = cluster_width(cluster);
        if used + columns > width {
            return (line, false);
        }
        used += columns;
        line.push_str(head(cluster, CLUSTER_BYTES));
    }
    (line, looked_at.len() == text.len())
}

/// The longest beginning of `text` of at most `bytes` bytes.
pub(super) fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// The row of wrapped text that starts at byte `start`: where it ends, and where the next one starts.
///
/// Rows end at a line feed, else behind the last white space that fits, else inside a word, never inside a cluster.
pub(super) fn row_at(text: &str, start: usize, width: usize) -> (usize, usize) {
    let mut used = 0;
    let mut break_at = None;
    for (offset, cluster) in text[start..].grapheme_indices(true) {
        let here = start + offset;
        let next = here + cluster.len();
        if cluster.ends_with('\n') {
            return (here, next);
        }
        let blank = cluster == " " || cluster == "\t";
        let columns = if has_control(cluster) { width_of(&printable_line(cluster)) } else { cluster_width(cluster) };
        if used + columns > width && here > start {
            // A blank that does not fit any more hangs over the edge.
            return match break_at {
                _ if blank => (here, next),
                Some(at) => (at, at),
                None => (here, here),
            };
        }
        used += columns;
        if blank {
            break_at = Some(next);
        }
    }
    (text.len(), text.len())
}

fn has_control(cluster: &str) -> bool {
    cluster.chars().any(char::is_control)
}

fn cluster_width(cluster: &str) -> usize {
    if has_control(cluster) { 0 } else { usize::from(cluster.cell_width()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, width: usize) -> Vec<&str> {
        let mut rows = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let (end, next) = row_at(text, at, width);
            rows.push(&text[at..end]);
            assert!(next > at, "{text:?} makes no progress at {at}");
            at = next;
        }
        rows
    }

    #[test]
    fn a_cut_line_never_exceeds_its_columns() {
        for (text, width, expected) in [
            ("short", 10, "short"),
            ("exactly", 7, "exactly"),
            ("too long", 5, "too …"),
            ("漢字漢字", 5, "漢字…"),
            ("漢字漢字", 4, "漢…"),
            ("a\nb", 9, "a⏎b"),
            ("\x1b[31mred", 9, "␛[31mred"),
            ("x", 0, ""),
            ("👩‍👩‍👧‍👦!", 3, "👩‍👩‍👧‍👦!"),
        ] {
            assert_eq!(cut(text, width), expected, "{text:?} in {width}");
        }
    }

    #[test]
    fn a_thousand_combining_marks_stay_small() {
        let zalgo = format!("a{}b", "\u{301}".repeat(100_000));
        assert!(cut(&zalgo, 10).len() < 100);
    }

    #[test]
    fn text_wraps_at_blanks_and_inside_words_only_when_it_must() {
        assert_eq!(rows("one two three", 8), ["one two ", "three"]);
        assert_eq!(rows("one two  three", 7), ["one two", " three"]);
        assert_eq!(rows("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(rows("a\n\nb\r\nc", 4), ["a", "", "b", "c"]);
        assert_eq!(rows("漢字漢", 4), ["漢字", "漢"]);
        assert_eq!(rows("漢字", 1), ["漢", "字"]);
    }
}
