//! Texts from programs as data: control characters and escape sequences become visible signs.
//!
//! Every place that shows a program's text to a person goes through here; JSON output does not need to.

use std::borrow::Cow;

/// Shows control characters as visible signs; keeps line feeds. Tabs become four spaces.
pub fn printable(text: &str) -> Cow<'_, str> {
    show(text, Some('\n'))
}

/// Shows control characters as visible signs, line feeds too, so that the result is one line.
pub fn printable_line(text: &str) -> Cow<'_, str> {
    show(text, None)
}

fn show(text: &str, kept: Option<char>) -> Cow<'_, str> {
    if !text.chars().any(|c| Some(c) != kept && sign(c).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match sign(c) {
            Some(_) if Some(c) == kept => shown.push(c),
            Some(sign) => shown.push_str(&sign),
            None => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// The visible sign of a character that a terminal would act on, or that would change the order of what follows.
fn sign(c: char) -> Option<Cow<'static, str>> {
    match c {
        '\t' => Some(Cow::Borrowed("    ")),
        '\n' => Some(Cow::Borrowed("⏎")),
        // The Unicode block "Control Pictures" has a sign for each of the first 32 control characters.
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32).map(|c| Cow::Owned(c.to_string())),
        '\x7f' => Some(Cow::Borrowed("␡")),
        // C1 controls, line and paragraph separators, directional marks and overrides, invisible joiners of the
        // byte-order kind, tags: shown by number.
        '\u{80}'..='\u{9f}'
        | '\u{61c}'
        | '\u{200e}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => Some(Cow::Owned(format!("<U+{:04X}>", c as u32))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_survives() {
        let every = (0..=0x10_ffff).filter_map(char::from_u32).filter(|c| c.is_control());
        for c in every {
            let text = format!("a{c}b");
            assert!(!printable_line(&text).chars().any(char::is_control), "{c:?}");
        }
        assert_eq!(printable_line("\x1b[2J\r\n\u{202e}x"), "␛[2J␍⏎<U+202E>x");
        assert_eq!(printable("a\nb\tc"), "a\nb    c");
        assert!(matches!(printable_line("plain é 漢 🙂"), Cow::Borrowed(_)));
    }
}
