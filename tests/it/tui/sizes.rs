//! Every size of terminal.

use switchboard::tui::{Look, Msg, Signs};

use super::{Desk, answered, cancelled, done, failed, id, log, paused, running, session};

fn desks() -> Vec<Desk> {
    let ways = [
        "",
        "<CR>",
        "<CR> 2",
        "<CR> 2 <CR>",
        "<CR> 2 / a",
        "<CR> 3",
        "<CR> 4",
        "<CR> 5",
        "<CR> 6",
        "R text",
        "B <S-Tab>",
        "<Space> j <Space> |",
        "L",
        "C",
        ":",
        "F",
        "a text",
        "a 漢字🙂 <CR> more",
        "c",
        "c <Tab>",
        "* A text",
        "* A <Tab>",
        "?",
        "q",
        "a x <Esc> <CR> =",
    ];
    let mut desks = Vec::new();
    for way in ways {
        let mut desk = Desk::with(vec![
            session(1, "漢字", answered(&paused(3, 5, 7, &["One 🙂", "Two", "Three"]), 8, "person")),
            session(2, "fails", failed("boom", Some("stack\ntraceback"))),
            session(3, "ends", done(serde_json::json!({"a": [1, 2, 3]}))),
            session(4, "off", cancelled("no", paused(1, 5, 1, &["?"]))),
            session(5, "runs", running()),
        ]);
        desk.tell(Msg::Feed(id(1), (1..60).map(|seq| log(seq, "a line")).collect()));
        desk.keys(way);
        desks.push(desk);
    }
    desks
}

#[test]
fn no_size_panics() {
    for mut desk in desks() {
        for width in (0..=30).chain([59, 60, 79, 80, 99, 100, 120]) {
            for height in (0..=14).chain([19, 20, 29, 30, 36]) {
                // Drawn before the desk has heard of the new size, too.
                desk.picture(width, height);
                desk.tell(Msg::Resize(width, height));
                desk.picture(width, height);
                desk.keys("<Down> <Up>");
            }
        }
    }
}

#[test]
fn resizing_changes_nothing_but_the_picture() {
    let mut desk = Desk::with(vec![session(1, "s", paused(1, 5, 1, &["Well?"]))]);
    desk.keys("a some <CR> text");
    let before = desk.picture(120, 36);
    for (width, height) in [(1, 1), (0, 0), (30, 10), (80, 24), (120, 36)] {
        desk.tell(Msg::Resize(width, height));
    }
    assert_eq!(desk.text(), "some\ntext");
    assert_eq!(desk.picture(120, 36), before);
}

#[test]
fn without_utf_8_every_sign_is_ascii() {
    let mut desk = Desk::looking(Look { signs: Signs::OnlyAscii, ..Look::default() }, 120, 36);
    desk.tell(Msg::Changed(vec![
        session(1, "漢字", paused(3, 5, 7, &["One 🙂 \x1b[31m"])),
        session(2, "fails", failed("boom", None)),
    ]));
    for keys in ["a é", "<Esc> ?", "q q", "y"] {
        desk.keys(keys);
        let picture = desk.picture(120, 36);
        assert!(picture.is_ascii(), "{picture}");
    }
}

#[test]
fn the_feed_stays_visible_while_somebody_answers() {
    let mut desk = Desk::with(vec![session(1, "s", paused(1, 5, 1, &["Well?"]))]).resized(100, 30);
    desk.tell(Msg::Feed(id(1), vec![log(1, "still here")]));
    desk.keys("a text");
    let picture = desk.picture(100, 30);
    assert!(picture.contains("still here") && picture.contains("Well?") && picture.contains("text"), "{picture}");
}

#[test]
fn on_a_terminal_with_utf_8_ascii_signs_leave_the_texts_as_they_are() {
    let mut desk = Desk::looking(Look { signs: Signs::Ascii, ..Look::default() }, 120, 36);
    desk.tell(Msg::Changed(vec![session(1, "grün", paused(3, 5, 7, &["Which of C₁ and C₆?"]))]));
    desk.keys("a größer");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("grün") && picture.contains("C₁") && picture.contains("größer"), "{picture}");
    assert!(!picture.contains(['┌', '─', '▶', '“']), "{picture}");
}

#[test]
fn a_draft_is_seen_whole_again_once_there_is_room_for_it() {
    let mut desk = Desk::with(vec![session(1, "s", paused(1, 5, 1, &["Well?"]))]);
    desk.keys("a first <CR> second <CR> third");
    for (width, height) in [(40, 10), (120, 36)] {
        desk.tell(Msg::Resize(width, height));
        desk.picture(width, height);
    }
    let picture = desk.picture(120, 36);
    assert!(picture.contains("first") && picture.contains("third"), "{picture}");
    desk.keys("x");
    assert_eq!(desk.text(), "first\nsecond\nthirdx", "the cursor is where it was");
}

#[test]
fn a_list_that_a_small_screen_has_scrolled_begins_with_its_first_row_again() {
    let sessions = (1..=60).map(|n| session(n, &format!("s{n:02}"), paused(1, 100 - n.cast_signed(), 1, &["?"])));
    let mut desk = Desk::with(sessions.collect());
    desk.keys("j j j j j j j j");
    desk.tell(Msg::Resize(40, 10));
    assert!(!desk.picture(40, 10).contains("s01"), "{}", desk.picture(40, 10));
    desk.tell(Msg::Resize(120, 36));
    let picture = desk.picture(120, 36);
    assert!(picture.contains("? s01") && picture.contains("▶ ? s09"), "{picture}");
}

#[test]
fn what_is_typed_is_seen_on_the_smallest_screens() {
    let answer = |height: u16| if height < 3 { "a text" } else { "a one <CR> text" };
    for (width, height) in [(10, 3), (10, 4), (10, 5), (10, 6), (12, 2), (12, 1), (5, 3), (59, 4), (120, 3)] {
        for keys in [answer(height), "c text", "<Space> A text", "R text", ": text", "/ text", "? / text"] {
            let mut desk = Desk::with(vec![session(1, "s", paused(1, 5, 2, &["Well?"]))]).resized(width, height);
            desk.keys(keys);
            // A message has the row for as long as it is read.
            desk.later(10_000);
            desk.keys("X <BS> Q");
            let picture = desk.picture(width, height);
            assert!(picture.contains('Q'), "{keys} at {width}x{height}:\n{picture}");
        }
    }
}

#[test]
fn an_editor_whose_session_has_ended_stays_with_its_text_and_says_what_to_do() {
    for (width, height) in [(120, 36), (80, 24), (40, 10)] {
        let mut desk = Desk::with(vec![session(1, "s", paused(1, 5, 1, &["Well?"]))]).resized(width, height);
        desk.keys("a some <Space> words");
        desk.change(session(1, "s", failed("out of time", None)));
        desk.later(10_000);
        desk.keys("!");
        let picture = desk.picture(width, height);
        assert!(picture.contains("some words!") && picture.contains("Esc keeps the text"), "{picture}");
        assert!(width == 40 || picture.contains("Answer q-1 cannot be sent: not paused: failed"), "{picture}");
        assert_eq!(desk.app.mode(), "ANSWER");
    }
}

#[test]
fn a_message_that_is_longer_than_its_row_begins_over_the_frame_above_it() {
    for keys in ["/ text", "L / text <CR> <CR> :"] {
        let mut desk = Desk::with(vec![session(1, "s", paused(1, 5, 1, &["Well?"]))]).resized(80, 24);
        desk.keys(keys);
        let frame = desk.picture(80, 24);
        desk.tell(Msg::Notices(vec![format!("it begins {} and this is its end", "and goes on ".repeat(7))]));
        let picture = desk.picture(80, 24);
        let rows = |picture: &str| picture.lines().map(str::to_owned).collect::<Vec<_>>();
        let (frame, picture) = (rows(&frame), rows(&picture));
        assert!(frame[21].contains("└──"), "{frame:#?}");
        assert!(picture[21].contains("it begins") && picture[22].contains("this is its end"), "{picture:#?}");
        assert_eq!(frame[..21], picture[..21], "nothing else is covered");
    }
}

#[test]
fn a_flag_is_drawn_as_its_letters_so_that_no_bit_of_it_can_stay() {
    let mut desk = Desk::with(vec![session(1, "🇩🇪 and 🇫", paused(1, 5, 1, &["Where is 🇫🇷?"]))]);
    desk.keys("a 🇮🇹!");
    let picture = desk.picture(120, 36);
    for text in ["DE and F", "Where is FR?", "IT!"] {
        assert!(picture.contains(text), "{text}: {picture}");
    }
    assert!(!picture.contains(|c| ('\u{1f1e6}'..='\u{1f1ff}').contains(&c)), "{picture}");
    assert_eq!(desk.text(), "🇮🇹!", "the text itself stays what it is");
}
