//! Texts of programs and of people on one row, and what of them nobody sees.

use crate::tui::text::head;

/// Bytes of a text that can be seen on one row at most.
pub(super) const ROW_BYTES: usize = 1024;

/// The first line of a text that is not blank, as far as a row could show it.
pub(in crate::tui) fn first_line(text: &str) -> &str {
    head(text, 4 * ROW_BYTES).trim_ascii_start().lines().next().unwrap_or("")
}

/// A text that was written, on one line: its first, and signs for line ends behind it, which would be seen nowhere else.
pub(in crate::tui) fn on_one_line(text: &str) -> String {
    let text = text.trim_ascii_start();
    let line = first_line(text);
    let behind = &text[line.len()..];
    if behind.is_empty() {
        line.to_owned()
    } else if behind.chars().all(|c| matches!(c, '\n' | '\r')) {
        format!("{line}{}", "⏎".repeat(behind.matches('\n').count().min(3)))
    } else {
        format!("{line}⏎…")
    }
}

/// What a text of these lines ends with that nobody sees; nothing if all of it is seen.
pub(in crate::tui) fn ending<'a>(lines: impl DoubleEndedIterator<Item = &'a str>) -> Option<String> {
    let mut empty = 0;
    let mut last = None;
    for line in lines.rev() {
        if !line.is_empty() {
            last = Some(line);
            break;
        }
        empty += 1;
    }
    // Of a text without anything, the first line is no end of another.
    let empty = if last.is_none() { empty - 1 } else { empty };
    let blanks = last.map_or(0, |line| line.len() - line.trim_end_matches([' ', '\t']).len());
    match (empty, blanks) {
        (..=0, 0) => None,
        (..=0, 1) => Some("blank at the end".to_owned()),
        (..=0, blanks) => Some(format!("{blanks} blanks at the end")),
        (1, _) => Some("last line empty".to_owned()),
        (lines, _) => Some(format!("last {lines} lines empty")),
    }
}

/// The same in parentheses, behind what is said of the text.
pub(in crate::tui) fn with_ending(text: &str) -> String {
    ending(text.split('\n')).map(|ending| format!(" ({ending})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_of_a_text_is_told() {
        for (text, line, ending_of) in [
            ("", "", None),
            ("7", "7", None),
            ("7\n", "7⏎", Some("last line empty")),
            ("7 \n\n", "7 ⏎⏎", Some("last 2 lines empty")),
            ("7\n\n\n\n\n", "7⏎⏎⏎", Some("last 5 lines empty")),
            ("7 ", "7 ", Some("blank at the end")),
            ("7\n  ", "7⏎…", Some("2 blanks at the end")),
            ("one\ntwo", "one⏎…", None),
            ("\n", "", Some("last line empty")),
        ] {
            assert_eq!(
                (on_one_line(text).as_str(), ending(text.split('\n')).as_deref()),
                (line, ending_of),
                "{text:?}"
            );
        }
        assert!(on_one_line(&"x".repeat(1 << 20)).len() < 10_000);
    }
}
