//! A batch of hundreds of questions: its ends, its pages, and those that a search finds.

use super::{Desk, id, paused, session};

/// A session with three hundred questions, from q-1 on, and one behind it.
fn desk() -> Desk {
    let prompts: Vec<String> = (1..=300).map(|n| format!("Is part {n} right?")).collect();
    let prompts: Vec<&str> = prompts.iter().map(String::as_str).collect();
    let state = paused(1, 5, 1, &prompts);
    Desk::with(vec![session(1, "parts", state), session(2, "other", paused(1, 1, 1, &["One?", "Two?"]))])
}

/// The row of the question that is shown.
fn shown(desk: &Desk, width: u16, height: u16) -> String {
    let picture = desk.picture(width, height);
    let row = picture.lines().find(|line| line.contains("▸ q-")).map(|line| line[line.find('▸').unwrap()..].to_owned());
    row.unwrap_or_else(|| panic!("{picture}"))
}

#[test]
fn a_long_batch_says_where_one_is_and_that_there_is_more() {
    for (width, height) in [(120, 36), (80, 24), (40, 10)] {
        let mut desk = desk().resized(width, height);
        desk.keys("<CR>");
        assert!(shown(&desk, width, height).contains("1 of 300"), "{}", desk.picture(width, height));
        assert!(desk.picture(width, height).contains(" more"), "{}", desk.picture(width, height));
        desk.keys("G");
        assert!(shown(&desk, width, height).contains("300 of 300"), "{}", desk.picture(width, height));
        desk.keys("g");
        assert!(shown(&desk, width, height).starts_with("▸ q-1 "), "{}", desk.picture(width, height));
    }
}

#[test]
fn pages_go_through_the_questions_and_an_answer_goes_to_the_one_that_is_shown() {
    let mut desk = desk();
    desk.keys("<CR> <C-d>");
    let first = shown(&desk, 120, 36);
    desk.keys("<C-d>");
    assert_ne!(shown(&desk, 120, 36), first);
    desk.keys("<C-u>");
    assert_eq!(shown(&desk, 120, 36), first, "and back");
    desk.keys("G a yes <C-s>");
    assert_eq!(desk.answers(), [(300, "yes".into(), Some(1))]);
}

#[test]
fn a_search_finds_questions_of_the_batch_and_says_which_of_how_many() {
    let mut desk = desk();
    desk.keys("<CR> / p a r t <Space> 2 9");
    assert_eq!(desk.app.mode(), "SEARCH");
    assert!(shown(&desk, 120, 36).contains("q-29 "), "live: {}", desk.picture(120, 36));
    assert!(desk.picture(120, 36).contains("1 of 11 · Enter keeps"), "{}", desk.picture(120, 36));
    desk.keys("<CR>");
    assert_eq!(desk.status(), "11 questions with “part 29”; n and p go through them");
    desk.keys("n");
    assert!(shown(&desk, 120, 36).contains("q-290"), "{}", desk.picture(120, 36));
    assert!(desk.picture(120, 36).contains("/“part 29” 2 of 11"), "{}", desk.picture(120, 36));
    desk.keys("p p");
    assert!(shown(&desk, 120, 36).contains("q-299"), "{}", desk.picture(120, 36));
    assert_eq!(desk.status(), "that was the first one: from the last on again");
    desk.keys("/ nowhere");
    assert!(desk.picture(120, 36).contains("none"), "{}", desk.picture(120, 36));
    desk.keys("<Esc>");
    assert!(shown(&desk, 120, 36).contains("q-299"), "Esc goes back: {}", desk.picture(120, 36));
    assert!(desk.deeds().is_empty(), "{:?}", desk.deeds());
    let mut small = self::desk().resized(40, 10);
    small.keys("<CR> / part <Space> 29");
    assert!(small.picture(40, 10).contains("1 of 11"), "{}", small.picture(40, 10));
    small.keys("<CR> n");
    assert_eq!(small.status(), "2 of 11", "where no frame has room for it");
}

#[test]
fn in_a_batch_that_is_seen_whole_these_keys_scroll_the_text_as_ever() {
    let mut desk = desk();
    desk.keys("j <CR> G");
    assert_eq!(desk.app.selected(), Some(id(2)));
    assert!(shown(&desk, 120, 36).contains("q-1 "), "{}", desk.picture(120, 36));
}

#[test]
fn where_nothing_can_be_searched_letters_behind_the_key_do_nothing() {
    let mut desk = Desk::with(vec![session(1, "one", paused(1, 5, 1, &["One?"]))]);
    desk.keys("<CR> / r q c");
    assert_eq!(
        (desk.status(), desk.app.mode()),
        ("nothing takes text here, so c did nothing; a second later it does", "SESSION")
    );
    assert!(desk.deeds().is_empty(), "{:?}", desk.deeds());
}
