//! The feed of a session and that of all: searching, times, wrapping, opening a line, freezing.

use switchboard::domain::{Event, EventKind, ObserverRecvError, gap_line};
use switchboard::engine::EventRef;
use switchboard::tui::{Cmd, FeedItem, Msg, Peek};

use super::{Desk, NOW, event, id, log, paused, running, session};

fn feed() -> Desk {
    let mut desk = Desk::with(vec![session(1, "a", running())]);
    let mut items: Vec<FeedItem> = (1..=30).map(|seq| log(seq, &format!("line {seq}."))).collect();
    items.push(event(31, EventKind::Stats { key: "Apple".into(), value: serde_json::json!({"n": [1, 2]}) }));
    desk.tell(Msg::Feed(id(1), items));
    desk.keys("<CR> 2");
    desk
}

/// The lines of the picture that have the text.
fn lines_with(desk: &Desk, text: &str) -> usize {
    desk.picture(120, 20).lines().filter(|line| line.contains(text)).count()
}

#[test]
fn a_search_goes_from_match_to_match_and_starts_over() {
    let mut desk = feed().resized(120, 20);
    desk.keys("/ l i n e <Space> 3 <CR>");
    assert_eq!(desk.status(), "2 lines with “line 3”; n and p go through them");
    let json = |desk: &mut Desk| {
        desk.keys("y");
        match desk.cmds.pop() {
            Some(Cmd::Copy(json)) => json,
            other => panic!("{other:?}"),
        }
    };
    assert!(json(&mut desk).contains("line 30."), "the newest first");
    desk.keys("n");
    assert!(json(&mut desk).contains("line 3."));
    desk.keys("p");
    assert!(json(&mut desk).contains("line 30."));
}

#[test]
fn a_search_says_which_of_how_many_it_is_at_while_one_types_and_when_it_goes_round() {
    let mut desk = feed().resized(120, 20);
    desk.keys("/ l i n e <Space> 1");
    let picture = desk.picture(120, 20);
    assert!(picture.contains("/“line 1” 11 of 11") && picture.contains("11 of 11 · Enter keeps"), "{picture}");
    assert!(picture.contains("line 19."), "what is found is shown at once: {picture}");
    desk.keys("9");
    assert!(desk.picture(120, 20).contains("/“line 19” 1 of 1"), "{}", desk.picture(120, 20));
    desk.keys("<Esc>");
    assert!(desk.picture(120, 20).contains("following"), "back where one was");
    desk.keys("/ line <Space> 1 <CR> n");
    assert_eq!(desk.status(), "that was the last one: from the first on again");
    assert!(desk.picture(120, 20).contains("1 of 11"), "{}", desk.picture(120, 20));
    desk.keys("n");
    assert_eq!(desk.status(), "", "a word only where it goes round");
    desk.keys("p p");
    assert_eq!(desk.status(), "that was the first one: from the last on again");
    desk.keys("/ zzz");
    assert!(desk.picture(120, 20).contains("/“zzz” none"), "{}", desk.picture(120, 20));
    desk.keys("<Esc> / 19. <CR> n");
    assert_eq!(desk.status(), "this is the only one that has it");
}

#[test]
fn small_letters_find_large_ones_and_large_ones_only_themselves() {
    let mut desk = feed();
    for (typed, said) in [("apple", "1 line"), ("Apple", "1 line"), ("APPLE", "0 lines"), ("Line", "0 lines")] {
        desk.keys("/");
        desk.keys(typed);
        desk.keys("<CR>");
        assert!(desk.status().starts_with(said), "{typed}: {}", desk.status());
    }
}

#[test]
fn only_what_matches_is_shown_and_everything_again() {
    let mut desk = feed().resized(120, 20);
    desk.keys("&");
    assert!(desk.status().contains("nothing is searched"), "{}", desk.status());
    desk.keys("/ 1. <CR> &");
    assert_eq!(lines_with(&desk, "info: line"), 3, "1, 11 and 21");
    desk.tell(Msg::Feed(id(1), vec![log(32, "line 41."), log(33, "other")]));
    assert_eq!(lines_with(&desk, "info: "), 4, "new lines are told apart too");
    desk.keys("&");
    assert!(lines_with(&desk, "info: ") > 4);
}

#[test]
fn what_is_sought_in_a_feed_belongs_to_it_and_is_there_when_one_comes_back() {
    let mut desk = feed().resized(120, 20);
    desk.change(session(2, "b", running()));
    desk.keys("/ 1. <CR> & <Esc>");
    let before = lines_with(&desk, "info: line");
    assert_eq!(before, 3);
    desk.keys("j");
    assert_eq!(desk.app.selected(), Some(id(2)));
    desk.tell(Msg::Feed(id(2), vec![log(1, "one"), log(2, "two")]));
    assert_eq!(lines_with(&desk, "info: "), 2, "{}", desk.picture(120, 20));
    assert!(!desk.picture(120, 20).contains("/“1.”"));
    desk.keys("<CR> n");
    assert!(desk.status().contains("nothing is searched"), "{}", desk.status());
    desk.keys("<Esc> k");
    desk.tell(Msg::Feed(id(1), (1..=30).map(|seq| log(seq, &format!("line {seq}."))).collect()));
    assert_eq!(lines_with(&desk, "info: line"), before, "{}", desk.picture(120, 20));
    desk.keys("<CR> / <CR> <Esc> j k");
    desk.tell(Msg::Feed(id(1), (1..=30).map(|seq| log(seq, &format!("line {seq}."))).collect()));
    assert!(lines_with(&desk, "info: line") > before, "what was dropped is");
    // The feed of all sessions has its own.
    desk.keys("<CR> / 1. <CR> <Esc> L n");
    assert!(desk.status().contains("nothing is searched"), "{}", desk.status());
}

#[test]
fn esc_drops_a_search_and_keeps_the_one_before() {
    let mut desk = feed();
    desk.keys("/ one <CR> / two <Esc> n");
    assert_eq!(desk.status(), "nothing here has it");
    assert!(desk.picture(120, 36).contains("/“one”"), "{}", desk.picture(120, 36));
}

#[test]
fn times_turn_from_the_clock_to_the_start_to_the_line_before() {
    let mut desk = feed().resized(120, 20);
    assert!(lines_with(&desk, "22:12:11") > 0);
    desk.keys("t");
    assert!(lines_with(&desk, "+8m") > 0, "{}", desk.picture(120, 20));
    desk.keys("t");
    assert!(lines_with(&desk, "+1.0s") > 5, "{}", desk.picture(120, 20));
    desk.keys("t");
    assert!(lines_with(&desk, "22:12:11") > 0);
}

#[test]
fn long_lines_wrap_when_asked_and_the_last_stays_seen() {
    let mut desk = feed().resized(120, 20);
    desk.tell(Msg::Feed(id(1), vec![log(32, &"word ".repeat(60)), log(33, "the end")]));
    assert_eq!(lines_with(&desk, "word"), 1);
    desk.keys("z");
    assert!(lines_with(&desk, "word") > 5, "{}", desk.picture(120, 20));
    assert_eq!(lines_with(&desk, "the end"), 1);
}

#[test]
fn enter_shows_a_line_exactly_as_the_stream_of_events_has_it_and_its_parts_fold() {
    let mut desk = feed();
    desk.keys("<CR>");
    assert_eq!(desk.app.mode(), "EVENT");
    let expected = Event {
        seq: 31,
        at: NOW - 100_000 + 31_000,
        kind: EventKind::Stats { key: "Apple".into(), value: serde_json::json!({"n": [1, 2]}) },
    };
    desk.keys("y");
    assert_eq!(desk.cmds.last(), Some(&Cmd::Copy(expected.line(id(1), None))));
    assert!(desk.picture(160, 36).contains(&expected.line(id(1), None)), "{}", desk.picture(160, 36));
    desk.keys("G k <CR>");
    let picture = desk.picture(160, 36);
    assert!(picture.contains("\"value\": { … 1 … }"), "{picture}");
    desk.keys("q");
    assert_eq!(desk.app.mode(), "SESSION");
}

#[test]
fn a_gap_is_a_line_of_its_own_and_opens_like_any_other() {
    let mut desk = feed();
    desk.tell(Msg::Feed(id(1), vec![FeedItem::Instead(ObserverRecvError::Gap { from: 32, to: 90 }), log(91, "on")]));
    desk.keys("k <CR> y");
    assert_eq!(desk.cmds.last(), Some(&Cmd::Copy(gap_line(id(1), None, 32, 90))));
}

fn at(ms: i64, seq: u64, message: &str) -> FeedItem {
    let kind = EventKind::Log { level: "info".into(), source: "main".into(), message: message.into() };
    FeedItem::Event(EventRef::from(Event { seq, at: NOW + ms, kind }))
}

#[test]
fn the_feed_of_all_sessions_tells_in_order_what_happens_anywhere() {
    let mut desk = Desk::with(vec![session(1, "one", running()), session(2, "two", running())]);
    desk.cmds.clear();
    desk.keys("L");
    assert_eq!(desk.app.mode(), "FEEDS");
    let Some(Cmd::PeekBack(peeks)) = desk.cmds.pop() else { panic!("{:?}", desk.cmds) };
    assert_eq!(peeks.len(), 2, "the last events of each");
    desk.tell(Msg::Peeked(vec![
        (id(1), vec![at(10, 1, "first"), at(30, 2, "third")]),
        (id(2), vec![at(20, 1, "second")]),
    ]));
    let picture = desk.picture(120, 36);
    let place = |word: &str| picture.find(word).unwrap_or_else(|| panic!("{word}: {picture}"));
    assert!(place("first") < place("second") && place("second") < place("third"));

    let mut changed = session(2, "two", running());
    changed.last_seq = 500;
    desk.change(changed);
    assert_eq!(desk.cmds.last(), Some(&Cmd::Peek(vec![Peek { session: id(2), from: 437, to: 500 }])));
    assert!(desk.picture(120, 36).contains("events 4 to 436 are left out here"), "{}", desk.picture(120, 36));
    desk.keys("q");
    assert_eq!(desk.app.mode(), "LIST");
    desk.cmds.clear();
    desk.change(session(1, "one", paused(1, 0, 1, &["?"])));
    assert!(desk.cmds.is_empty(), "closed, it reads nothing");
}

#[test]
fn a_hundred_thousand_lines_in_the_feed_of_all_sessions_stay_bounded() {
    let mut desk = Desk::with(vec![session(1, "one", running())]);
    desk.keys("L");
    for start in 0..100 {
        let items = (1..=1000).map(|n| log(start * 1000 + n, "x")).collect();
        desk.tell(Msg::Peeked(vec![(id(1), items)]));
    }
    desk.keys("g y");
    let Some(Cmd::Copy(json)) = desk.cmds.pop() else { panic!("{:?}", desk.cmds) };
    assert!(json.contains("\"seq\":95001,"), "{json}");
}
