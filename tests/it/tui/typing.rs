//! Typing: in every field the keys are those of a shell's line, and a character is what people see as one.

use super::{Desk, paused, session};

fn desk() -> Desk {
    Desk::with(vec![session(1, "first", paused(1, 50, 1, &["One?"]))])
}

/// What a text becomes by keys, in the answer editor. The cursor is marked by a `|` that is typed last.
fn answer(text: &str, keys: &str) -> String {
    let mut desk = desk();
    desk.keys("a");
    desk.paste(text);
    desk.keys(keys);
    desk.keys("|");
    desk.text()
}

/// What people see as one character, and code points are several.
const FAMILY: &str = "👩\u{200d}👩\u{200d}👧";
const ACCENT: &str = "e\u{301}";
const FLAG: &str = "🇩🇪";

#[test]
fn one_key_deletes_or_passes_what_people_see_as_one_character() {
    for character in [FAMILY, ACCENT, FLAG, "👍🏽", "x", "語"] {
        let text = format!("a{character}b");
        for (keys, becomes) in [
            ("<BS> <BS>", "a|".to_owned()),
            ("<C-h> <C-h>", "a|".to_owned()),
            ("<Left> <Left>", format!("a|{character}b")),
            ("<C-b> <C-b>", format!("a|{character}b")),
            ("<C-a> <Right> <Right>", format!("a{character}|b")),
            ("<C-a> <C-f> <C-f>", format!("a{character}|b")),
            ("<C-a> <Right> <Del>", "a|b".to_owned()),
            ("<C-a> <Right> <C-d>", "a|b".to_owned()),
            ("<BS> <BS> <M-u> <M-u>", format!("a{character}b|")),
        ] {
            assert_eq!(answer(&text, keys), becomes, "{character}: {keys}");
        }
    }
}

#[test]
fn lines_are_joined_and_passed_at_their_ends() {
    for (keys, becomes) in [
        ("<C-a> <BS>", "one|two"),
        ("<C-a> <Left> <Del>", "one|two"),
        ("<C-a> <Left>", "one|\ntwo"),
        ("<Up> <Right>", "one\n|two"),
        ("<C-a> <C-w>", "|two"),
    ] {
        assert_eq!(answer("one\ntwo", keys), becomes, "{keys}");
    }
    assert_eq!(answer("", "<BS> <Del> <Left> <Right> <C-w> <M-b> <M-f> <M-d>"), "|");
}

#[test]
fn words_are_letters_and_digits_and_ctrl_w_goes_back_to_a_blank() {
    let text = "git diff --stat, src/main.rs ";
    for (keys, becomes) in [
        ("<C-w>", "git diff --stat, |"),
        ("<C-w> <C-w>", "git diff |"),
        ("<M-BS>", "git diff --stat, src/main.|"),
        ("<M-b> <M-b> <M-b>", "git diff --stat, |src/main.rs "),
        ("<M-b> <M-b> <M-b> <M-b>", "git diff --|stat, src/main.rs "),
        ("<C-a> <M-f> <M-f> <M-f>", "git diff --stat|, src/main.rs "),
        ("<C-a> <M-f> <M-d>", "git| --stat, src/main.rs "),
        ("<C-a> <M-d> <M-d> <M-d>", "|, src/main.rs "),
        // What was deleted is put back.
        ("<C-w> <C-w> <C-y>", "git diff --stat, |"),
        ("<C-w> <BS> <C-y>", "git diff --stat,src/main.rs |"),
        ("<C-w> <M-u>", "|git diff --stat, src/main.rs "),
    ] {
        // Where an undo leaves the cursor is the field's.
        let (is, wanted) = (answer(text, keys), becomes.to_owned());
        if keys.ends_with("<M-u>") {
            assert_eq!(is.replace('|', ""), text, "{keys}");
        } else {
            assert_eq!(is, wanted, "{keys}");
        }
    }
}

#[test]
fn up_and_down_never_end_inside_a_character() {
    let text = format!("{FAMILY}{FAMILY}\nabcdefgh");
    for n in 0..9 {
        let keys = format!("<C-a> {} <Up>", "<Right> ".repeat(n));
        let becomes = answer(&text, &keys);
        let line = becomes.lines().next().unwrap();
        let fits = [0, 1, 2].map(|before| format!("{}|{}", FAMILY.repeat(before), FAMILY.repeat(2 - before)));
        assert!(fits.iter().any(|fit| fit == line), "{n}: {line:?}");
    }
}

#[test]
fn every_field_has_the_same_keys() {
    let keys = "<C-w> <M-b> <BS> <M-d>";
    let wanted = "one";
    // The palette, the filter, the detail of a cancel.
    for (open, sign) in [(":", ":one "), ("/", "/one "), ("c", "one ")] {
        let mut desk = desk();
        desk.keys(open);
        desk.paste(&format!("{wanted} two {FAMILY}"));
        desk.keys(keys);
        let picture = desk.picture(120, 36);
        assert!(picture.contains(sign) && !picture.contains("two") && !picture.contains('👩'), "{open}: {picture}");
    }
    assert_eq!(answer(&format!("{wanted} two {FAMILY}"), keys), "one| ");
}
