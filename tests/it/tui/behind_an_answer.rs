//! What the keyboard does behind the last answer of a pause, and in the burst of a paste.

use switchboard::domain::{QueryId, ResumeOutcome};
use switchboard::tui::Msg;

use super::{Desk, NOW, id, paused, running, session};

fn answered() -> Desk {
    let mut desk = Desk::with(vec![
        session(1, "first", paused(1, 50, 1, &["One?"])),
        session(2, "second", paused(1, 5, 1, &["Two?"])),
    ]);
    desk.keys("a yes <C-s>");
    assert_eq!(desk.app.mode(), "SENT");
    desk
}

#[test]
fn letters_typed_on_behind_the_last_answer_do_nothing() {
    let mut desk = answered();
    desk.keys("c q y <Space> j w ? : 1 a F");
    assert_eq!((desk.deeds().len(), desk.app.mode(), desk.app.selected()), (1, "SENT", Some(id(1))));
    assert!(desk.status().contains("the answer is sent, F does nothing; Esc goes on"), "{}", desk.status());
    desk.keys("<CR> q");
    assert_eq!(desk.app.mode(), "SENT", "an Enter behind letters is the end of a line");
    desk.keys("<Esc>");
    assert_eq!(desk.app.mode(), "LIST");
}

#[test]
fn a_deliberate_key_goes_on_and_means_what_it_means() {
    for (key, mode, selected) in
        [("<Esc>", "LIST", 1), ("<CR>", "LIST", 1), ("<Down>", "LIST", 2), ("<Tab>", "SESSION", 1)]
    {
        let mut desk = answered();
        desk.keys(key);
        assert_eq!((desk.app.mode(), desk.app.selected()), (mode, Some(id(selected))), "{key}");
        assert_eq!(desk.deeds().len(), 1);
    }
}

#[test]
fn alt_n_goes_to_the_next_question_that_waits_and_a_second_send_does_nothing() {
    let mut desk = answered();
    desk.outcome(Ok(ResumeOutcome::Continued));
    desk.change(session(1, "first", running()));
    desk.keys("<M-n>");
    assert_eq!((desk.app.selected(), desk.app.editing()), (Some(id(2)), Some((QueryId::new(1), String::new()))));
    desk.keys("<C-s>");
    assert_eq!(desk.answers().len(), 1, "nothing was typed there");
    desk.keys("two <C-s>");
    desk.outcome(Ok(ResumeOutcome::Continued));
    desk.change(session(2, "second", running()));
    desk.keys("<M-n>");
    assert_eq!(desk.status(), "no other question waits; Esc goes back");
}

#[test]
fn the_tail_of_an_unbracketed_paste_belongs_to_it() {
    let mut desk = Desk::with(vec![session(1, "s", paused(1, 5, 1, &["?"]))]);
    desk.at_once("a long line that was pasted\n");
    desk.later(20);
    desk.at_once("qy\nc");
    desk.later(79);
    desk.at_once("\ny");
    assert_eq!(desk.app.mode(), "LIST");
    assert!(desk.deeds().is_empty());
    assert!(desk.status().contains("paste ignored"), "{}", desk.status());
    desk.later(80);
    desk.keys("?");
    assert_eq!(desk.app.mode(), "HELP", "a key that a person presses behind it");
}

#[test]
fn a_key_that_is_held_down_over_a_slow_line_is_no_paste() {
    let mut desk = Desk::with((1..=30).map(|n| session(n, "s", paused(1, 50, 1, &["?"]))).collect());
    let first = desk.app.selected();
    desk.at_once(&"j".repeat(12));
    desk.at_once(&"k".repeat(11));
    assert_ne!(desk.app.selected(), first);
    desk.keys("k");
    assert_eq!(desk.app.selected(), first, "each of them was a key");
    desk.at_once("jjjjjjjjjjjk");
    assert!(desk.status().contains("paste ignored"), "{}", desk.status());
}

#[test]
fn a_paste_that_a_slow_machine_takes_its_time_over_is_one_all_the_same() {
    let mut desk = Desk::with(vec![session(1, "s", paused(1, 5, 1, &["?"]))]);
    desk.tell(Msg::ReadAt(NOW));
    desk.at_once("a long line that was pasted");
    for n in 1..10 {
        // Each read is there as soon as the one before is taken, and the desk comes to it late.
        desk.later(500);
        desk.tell(Msg::ReadAt(NOW + n));
        desk.at_once("qy\ncq");
    }
    assert_eq!(desk.app.mode(), "LIST");
    assert!(desk.deeds().is_empty() && desk.status().contains("paste ignored"), "{}", desk.status());
    desk.later(500);
    desk.tell(Msg::ReadAt(NOW + 100));
    desk.keys("?");
    assert_eq!(desk.app.mode(), "HELP", "a key that a person presses behind it");
}

#[test]
fn the_tail_of_a_paste_in_the_editor_is_text_and_a_key_of_its_own_is_a_key() {
    let mut desk = Desk::with(vec![session(1, "s", paused(1, 5, 1, &["?"]))]);
    desk.keys("a");
    desk.at_once("a long line that was pasted");
    desk.later(20);
    desk.at_once(" its end");
    assert_eq!(desk.text(), "a long line that was pasted its end");
    desk.later(20);
    desk.keys("<C-s>");
    assert_eq!(desk.answers().len(), 1, "whoever is that fast means it: no paste has it alone");
}

#[test]
fn a_bracketed_paste_says_itself_where_it_ends() {
    let mut desk = Desk::with(vec![session(1, "s", paused(1, 5, 1, &["?"]))]);
    desk.paste("a long line that was pasted");
    desk.keys("?");
    assert_eq!(desk.app.mode(), "HELP");
}
