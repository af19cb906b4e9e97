//! A session that has ended: what it asked and was answered stays in sight, whole, under how it ended.

use switchboard::engine::Summary;
use switchboard::tui::{Cmd, Msg};

use super::branches::life;
use super::{Desk, done, failed, id, log, session};

fn ended() -> Summary {
    Summary { asked: 2, last_seq: 4, ..session(1, "plan", failed("nobody agreed", None)) }
}

#[test]
fn its_questions_and_whole_answers_stand_under_the_result() {
    let long = format!("because of {} and that is the end of it", "many things, ".repeat(20));
    let mut desk = Desk::with(vec![ended()]);
    assert!(desk.picture(120, 36).contains("Reading …"), "{}", desk.picture(120, 36));
    desk.tell(Msg::Life { session: id(1), from: 1, items: life(&long) });
    let picture = desk.picture(120, 36);
    for line in ["nobody agreed", "q-1 asked", "Which?", "answered by person", "the first", "the end of it"] {
        assert!(picture.contains(line), "{line}:\n{picture}");
    }
    desk.keys("4");
    assert!(!desk.picture(120, 36).contains("the end of it"), "the Result tab is the result alone");
}

#[test]
fn they_are_reached_on_the_smallest_screen_and_folds_of_the_result_stay_what_they_are() {
    let summary = Summary { asked: 2, last_seq: 4, ..session(1, "plan", done(serde_json::json!({"n": [1, 2]}))) };
    let mut desk = Desk::with(vec![summary]).resized(40, 10);
    desk.tell(Msg::Life { session: id(1), from: 1, items: life("because") });
    desk.keys("<CR> G");
    assert!(desk.picture(40, 10).contains("because"), "{}", desk.picture(40, 10));
    let mut desk = desk.resized(120, 36);
    desk.keys("g j j j j <CR>");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("\"n\": [ … 2 … ]") && picture.contains("because"), "{picture}");
}

#[test]
fn what_is_no_longer_kept_is_said_to_be_missing_and_who_asked_nothing_is_not_read() {
    let mut desk = Desk::with(vec![ended()]);
    let gap = switchboard::domain::ObserverRecvError::Gap { from: 1, to: 3 };
    let items = vec![switchboard::tui::FeedItem::Instead(gap), log(4, "the last")];
    desk.tell(Msg::Life { session: id(1), from: 1, items });
    assert!(desk.picture(120, 36).contains("Not everything that it asked"), "{}", desk.picture(120, 36));
    let silent = Desk::with(vec![Summary { asked: 0, ..ended() }]);
    assert!(!silent.cmds.iter().any(|cmd| matches!(cmd, Cmd::Life { .. })), "{:?}", silent.cmds);
}
