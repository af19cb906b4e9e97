//! The list as it is arranged: filter, orders, groups, and that a row moves only when it should.

use std::sync::Arc;

use switchboard::domain::ExecutionState;
use switchboard::engine::Summary;
use switchboard::tui::Msg;

use super::{Desk, NOW, cancelled, done, failed, id, paused, running, session};

/// The titles of the rows, top to bottom, headings between brackets.
fn rows(desk: &Desk) -> Vec<String> {
    let picture = desk.picture(120, 36);
    let list = picture.lines().skip(2).map(|line| line.chars().skip(2).take(60).collect::<String>());
    list.map_while(|line| {
        if let Some(heading) = line.strip_prefix("─ ") {
            return Some(format!("[{}]", heading.trim()));
        }
        let title: String = line.chars().skip(4).take(18).collect();
        let title = title.split_whitespace().next()?.to_owned();
        line.chars().nth(2).is_some_and(|sign| "?✗●✓⊘".contains(sign)).then_some(title)
    })
    .collect()
}

fn tagged(n: u64, title: &str, tag: &str, state: ExecutionState) -> Summary {
    let mut summary = session(n, title, state);
    Arc::make_mut(&mut summary.spec).tags.insert("team".into(), tag.into());
    summary
}

fn five() -> Desk {
    Desk::with(vec![
        tagged(1, "ended", "red", done(1.into())),
        tagged(2, "runs", "blue", running()),
        session(3, "fell", failed("boom", None)),
        tagged(4, "young", "red", paused(1, 5, 1, &["Overwrite it?"])),
        tagged(5, "old", "blue", paused(1, 500, 1, &["Name it"])),
    ])
}

#[test]
fn the_filter_shows_at_every_key_what_it_would_show() {
    let mut desk = five();
    assert_eq!(rows(&desk), ["old", "young", "fell", "runs", "ended"]);
    desk.keys("/ state:paused");
    assert_eq!(desk.app.mode(), "FILTER");
    assert_eq!(rows(&desk), ["old", "young"]);
    desk.keys("<Space> overwrite");
    assert_eq!(rows(&desk), ["old", "young"], "the selected row stays in sight");
    assert!(desk.picture(120, 36).contains("hidden"));
    assert!(desk.picture(120, 36).contains("1 of 5"));
    desk.keys("<CR>");
    assert_eq!(desk.app.mode(), "LIST");
    assert_eq!(rows(&desk), ["young"]);
    assert_eq!(desk.app.selected(), Some(id(4)), "Enter goes to what was found");
}

#[test]
fn an_incomplete_filter_keeps_the_last_valid_one_and_says_what_is_missing() {
    let mut desk = five();
    desk.keys("/ state:paused");
    for (key, told) in [("<Space>", ""), ("(", "there is no ) for this ("), ("a", "there is no )"), ("g", "")] {
        desk.keys(key);
        assert_eq!(rows(&desk), ["old", "young"], "{key}");
        assert!(desk.status().contains(told), "{}", desk.status());
    }
    desk.keys("<CR>");
    assert_eq!(desk.app.mode(), "FILTER", "what cannot be read is not accepted");
    assert!(desk.status().contains("there is no )"));
    desk.keys("<BS> <BS> <BS> young ) <BS> <CR>");
    assert_eq!(rows(&desk), ["young"]);
}

#[test]
fn esc_leaves_the_filter_as_it_was_and_a_second_esc_removes_it() {
    let mut desk = five();
    desk.keys("/ state:failed <CR>");
    assert_eq!(rows(&desk), ["fell"]);
    desk.keys("/ <Space> or <Space> state:done");
    assert_eq!(rows(&desk), ["fell", "ended"]);
    desk.keys("<Esc>");
    assert_eq!(rows(&desk), ["fell"]);
    desk.keys("<Esc>");
    assert_eq!(rows(&desk).len(), 5);
    assert_eq!(desk.status(), "filter removed: state:failed");
    desk.keys("<Esc>");
    assert_eq!(desk.status(), "this is the list; q quits");
}

#[test]
fn rows_come_and_go_with_what_they_are_and_the_selection_stays() {
    let mut desk = five();
    desk.keys("/ state:paused <CR> j");
    assert_eq!(desk.app.selected(), Some(id(4)));
    desk.change(tagged(4, "young", "red", running()));
    assert_eq!(desk.app.selected(), Some(id(4)), "rule 1: nothing moves it but a key");
    desk.change(tagged(2, "runs", "blue", paused(1, 50, 1, &["Now me"])));
    assert_eq!(rows(&desk), ["old", "runs", "young"]);
    desk.keys("g j");
    assert_eq!(rows(&desk), ["old", "runs"]);
}

#[test]
fn time_alone_shows_and_hides_rows() {
    let mut desk = five();
    desk.keys("/ wait>10s <CR>");
    assert_eq!(rows(&desk), ["old"]);
    assert!(desk.app.next_tick().is_some_and(|at| at <= NOW + 5_001), "the desk wakes for it");
    desk.tell(Msg::Time(NOW + 5_000));
    desk.tell(Msg::Work);
    assert_eq!(rows(&desk), ["old"]);
    desk.tell(Msg::Time(NOW + 5_001));
    assert!(desk.app.has_work());
    desk.tell(Msg::Work);
    assert_eq!(rows(&desk), ["old", "young"]);
    assert!(!desk.app.has_work());
}

#[test]
fn s_goes_through_the_orders() {
    let mut desk = Desk::new(120, 36);
    let mut sessions = vec![
        session(1, "bee", done(1.into())),
        session(2, "ant", running()),
        session(3, "Cat", failed("boom", None)),
        session(4, "dog", paused(1, 5, 1, &["?"])),
        session(5, "eel", cancelled("no", running())),
    ];
    for (n, summary) in (0..).zip(&mut sessions) {
        summary.created_at = NOW - 1_000_000 + n * 1_000;
        summary.usage.total_tokens = serde_json::from_str(&format!(
            "{{\"tokens\": {}, \"source\": \"definite\"}}",
            [30, 10, 50, 20, 40][n as usize]
        ))
        .unwrap();
        summary.usage.waiting_ms = [3, 4, 2, 0, 1][n as usize] * 1_000;
    }
    desk.tell(Msg::Changed(sessions));
    for (order, expected) in [
        ("attention", ["dog", "Cat", "ant", "bee", "eel"]),
        ("stable", ["dog", "Cat", "ant", "bee", "eel"]),
        ("started", ["eel", "dog", "Cat", "ant", "bee"]),
        ("name", ["ant", "bee", "Cat", "dog", "eel"]),
        ("state", ["dog", "Cat", "ant", "bee", "eel"]),
        ("waiting", ["dog", "ant", "bee", "Cat", "eel"]),
        ("tokens", ["Cat", "eel", "bee", "dog", "ant"]),
        ("attention", ["dog", "Cat", "ant", "bee", "eel"]),
    ] {
        assert!(desk.picture(120, 36).lines().nth(1).unwrap().contains(order));
        assert_eq!(rows(&desk), expected, "{order}");
        desk.keys("s");
    }
}

#[test]
fn in_stable_order_no_row_moves_until_somebody_asks() {
    let mut desk = five();
    desk.keys("s");
    let before = ["old", "young", "fell", "runs", "ended"];
    assert_eq!(rows(&desk), before);
    desk.change(tagged(2, "runs", "blue", paused(1, 9_000, 1, &["I am oldest"])));
    desk.change(tagged(5, "old", "blue", done(1.into())));
    assert_eq!(rows(&desk), before);
    desk.change(session(6, "newest", paused(1, 90_000, 1, &["?"])));
    assert_eq!(rows(&desk), ["old", "young", "fell", "runs", "ended", "newest"], "what is new comes last");
    desk.keys("/ -ended <CR>");
    assert_eq!(rows(&desk), ["old", "young", "fell", "runs", "newest"], "a filter moves no row either");
    desk.keys("<Esc> S");
    assert_eq!(rows(&desk), ["newest", "runs", "young", "fell", "ended", "old"]);
    desk.change(tagged(4, "young", "red", done(1.into())));
    assert_eq!(rows(&desk), ["newest", "runs", "young", "fell", "ended", "old"]);
}

#[test]
fn o_groups_by_state_by_tag_and_by_file() {
    let mut desk = five();
    desk.keys("o");
    let by_state =
        ["[paused · 2]", "old", "young", "[failed · 1]", "fell", "[running · 1]", "runs", "[done · 1]", "ended"];
    assert_eq!(rows(&desk), by_state);
    desk.keys("o");
    let by_tag = ["[team=blue · 2]", "old", "runs", "[team=red · 2]", "young", "ended", "[others · 1]", "fell"];
    assert_eq!(rows(&desk), by_tag);
    desk.keys("g j j");
    assert_eq!(desk.app.selected(), Some(id(4)), "headings are no rows");
    desk.keys("o");
    assert_eq!(rows(&desk)[0], "[ended.lua · 1]");
    desk.keys("o");
    assert_eq!(rows(&desk).len(), 5);
}

#[test]
fn w_goes_only_to_what_is_shown_and_says_when_the_filter_hides_who_waits() {
    let mut desk = five();
    desk.keys("/ tag:red <CR> w w w");
    assert_eq!(desk.app.selected(), Some(id(4)));
    desk.keys("<Esc> / state:failed <CR> w");
    assert!(desk.status().contains("the filter hides those that do"), "{}", desk.status());
}

#[test]
fn a_long_list_is_arranged_in_portions_between_which_the_old_one_is_shown() {
    let sessions = (1..=10_000)
        .map(|n| session(n, &format!("s{n}"), if n % 2 == 0 { running() } else { paused(1, 9, 1, &["?"]) }))
        .collect();
    let mut desk = Desk::with(sessions);
    desk.keys("/ state:running");
    assert!(desk.app.has_work());
    assert!(!desk.picture(120, 36).contains("of 10000 ·"), "the old list is shown meanwhile");
    desk.change(session(2, "s2", done(1.into())));
    while desk.app.has_work() {
        desk.tell(Msg::Work);
    }
    assert!(desk.picture(120, 36).contains("4999 of 10000"), "{}", desk.picture(120, 36));
    desk.keys("<Space> s1234 <CR>");
    assert!(!desk.app.has_work(), "Enter means the whole list");
    assert_eq!(rows(&desk)[0], "s1234");
}

#[test]
fn by_name_numbers_count_as_numbers_and_namesakes_stand_in_the_order_of_their_own() {
    let mut younger = session(1, "twin", running());
    younger.created_at += 1_000;
    let others = [(2, "twin"), (3, "job10"), (4, "job9")].map(|(n, title)| session(n, title, running()));
    let mut desk = Desk::with([vec![younger], others.to_vec()].concat());
    desk.keys("s s s");
    assert!(desk.status().contains("sorted by name"), "{}", desk.status());
    let picture = desk.picture(120, 36);
    let rows: Vec<&str> = picture.lines().filter_map(|line| line.split_once("● ")).map(|(_, row)| &row[..7]).collect();
    assert_eq!(rows, ["job9   ", "job10  ", "twin #1", "twin #2"], "{picture}");
}
