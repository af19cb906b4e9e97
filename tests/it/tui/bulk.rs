//! What is done to all marked sessions: the exact number, the frozen set, and what of it cannot be seen.

use switchboard::domain::{CancelError, QueryId, ResumeError, StateName};
use switchboard::engine::Summary;
use switchboard::tui::{Cmd, Msg};

use super::families::child;
use super::{Desk, answered, done, id, paused, running, session};

fn sessions() -> Vec<Summary> {
    vec![
        session(1, "one", paused(1, 50, 1, &["Overwrite?"])),
        session(2, "two", paused(3, 40, 7, &["Overwrite?", "Name it"])),
        session(3, "three", paused(1, 30, 1, &["Overwrite?"])),
        session(4, "runs", running()),
        session(5, "ended", done(1.into())),
    ]
}

fn desk() -> Desk {
    Desk::with(sessions())
}

/// The sessions that the last bulk cancel was sent for.
fn cancelled_set(desk: &Desk) -> Vec<u64> {
    let set = desk.cmds.iter().rev().find_map(|cmd| match cmd {
        Cmd::CancelAll { sessions, .. } => Some(sessions.iter().map(|id| id.bits() >> 32).collect()),
        _ => None,
    });
    set.unwrap_or_default()
}

#[test]
fn marks_are_set_one_by_one_as_a_range_and_all_at_once() {
    let mut desk = desk();
    desk.keys("<Space>");
    assert_eq!(desk.status(), "1 session marked: c cancels them, A answers them, u unmarks");
    desk.keys("<Space>");
    assert_eq!(desk.status(), "nothing is marked");
    desk.keys("j v j j");
    assert!(desk.picture(120, 36).contains("▶+"), "what would be marked is seen before it is");
    desk.keys("v");
    assert!(desk.status().starts_with("3 sessions marked"), "{}", desk.status());
    desk.keys("u");
    assert_eq!(desk.status(), "3 marks removed");
    desk.keys("*");
    assert!(desk.status().starts_with("5 sessions marked"));
    desk.keys("u G v k <Esc>");
    assert!(desk.status().contains("no range any more"));
    assert!(desk.deeds().is_empty());
}

#[test]
fn drafts_of_marked_sessions_are_named_before_and_no_failure_behind() {
    let mut desk = desk();
    desk.keys("a mine <Esc> j a yes <Esc> k / state:paused <CR> * A");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("2 questions have drafts, which are kept beside this answer."), "{picture}");
    desk.keys("yes <C-s>");
    for n in 1..=3 {
        desk.change(session(n, "on", paused(9, 0, 20, &["More?"])));
    }
    desk.tell(Msg::AnsweredAll { taken: vec![id(1), id(2), id(3)], refused: Vec::new() });
    assert_eq!(desk.status(), "3 sessions answered; what else was written is kept (Alt-O in an editor)");
    assert_eq!(desk.app.orphans(id(1)), [(QueryId::new(1), "mine".to_owned())]);
    assert!(desk.app.orphans(id(2)).is_empty(), "that was the text that was sent");
}

#[test]
fn star_marks_what_is_shown_and_nothing_else() {
    let mut desk = desk();
    desk.keys("/ state:paused <CR> *");
    assert!(desk.status().starts_with("3 sessions marked"));
}

#[test]
fn rule_4_a_bulk_cancel_names_the_exact_number_freezes_the_set_and_says_what_the_filter_hides() {
    let mut desk = desk();
    desk.keys("* / state:running <CR> c");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("Cancel 5 sessions"), "{picture}");
    assert!(picture.contains("Exactly these 5. The list hides 4 of them. 1 ended already"), "{picture}");
    // A session that comes now, and one that would match, are not in it.
    desk.change(session(6, "late", running()));
    desk.keys("over <Space> budget");
    for key in ["<CR>", "<Tab>", "<C-c>"] {
        desk.keys(key);
        assert!(desk.deeds().is_empty(), "{key} confirms nothing");
    }
    desk.keys("<C-s>");
    let mut set = cancelled_set(&desk);
    set.sort_unstable();
    assert_eq!(set, [1, 2, 3, 4, 5]);
    assert!(
        matches!(desk.deeds()[..], [Cmd::CancelAll { reason, .. }] if reason.detail.as_deref() == Some("over budget\n"))
    );
}

#[test]
fn rule_4_a_bulk_cancel_names_the_first_and_counts_those_that_end_with_them() {
    let mut sessions: Vec<_> = (1..=6).map(|n| session(n, &format!("job {n}"), running())).collect();
    sessions.extend((7..=9).map(|n| child(n, "part", 1, running())));
    sessions.push(child(10, "deeper", 9, running()));
    sessions.push(child(11, "over", 9, done(1.into())));
    let mut desk = Desk::with(sessions);
    desk.keys("/ job <CR> * / <C-u> deeper <CR> * <Esc> c");
    for (width, height) in [(120, 36), (80, 24), (40, 10)] {
        desk = desk.resized(width, height);
        let picture = desk.picture(width, height);
        assert!(picture.contains("Cancel 7 sessions"), "{picture}");
        if width > 40 {
            assert!(picture.contains("3 sessions more, which they have forked, end with"), "{picture}");
            assert!(picture.contains("job 1, deeper, job 2, job 3 and 3 more"), "{picture}");
        }
        desk.keys("y");
        let picture = desk.picture(width, height);
        assert!(picture.contains("yy") || width == 120, "the reason is seen: {picture}");
    }
}

#[test]
fn rule_4_esc_leaves_a_bulk_form_and_keeps_what_was_written() {
    let mut desk = desk();
    desk.keys("<Space> j <Space> c because <Esc>");
    assert!(desk.deeds().is_empty());
    desk.keys("j <Space> c");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("Cancel 3 sessions") && picture.contains("because"), "{picture}");
}

#[test]
fn rule_6_what_became_of_a_bulk_cancel_is_said_and_what_was_refused_stays_marked() {
    let mut desk = desk();
    desk.keys("* c <C-s>");
    let refused = vec![(id(3), CancelError::NotFound { session: id(3) })];
    desk.tell(Msg::CancelledAll { done: vec![id(1), id(2), id(4), id(5)], before: 1, refused });
    let status = desk.status();
    assert!(status.contains("3 sessions cancelled; 1 had ended before, which changed nothing"), "{status}");
    assert!(status.contains("1 not, such as three: "), "{status}");
    desk.keys("c");
    assert!(desk.picture(120, 36).contains("Cancel three "), "{}", desk.picture(120, 36));
}

#[test]
fn c_elsewhere_and_without_marks_means_the_selected_session_only() {
    let mut desk = desk();
    desk.keys("c <C-s>");
    assert!(matches!(desk.deeds()[..], [Cmd::Cancel { session, .. }] if *session == id(1)));
    desk.cmds.clear();
    desk.keys("j <Space> k <CR> c <C-s>");
    assert!(matches!(desk.deeds()[..], [Cmd::Cancel { session, .. }] if *session == id(1)));
}

#[test]
fn one_answer_goes_to_every_open_question_of_the_marked_after_a_preview() {
    let mut desk = desk();
    desk.change(session(2, "two", answered(&paused(3, 40, 7, &["Overwrite?", "Name it", "Why?"]), 9, "file")));
    desk.keys("* / state:running <CR> A");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("Answer 4 questions of 3 sessions"), "{picture}");
    assert!(picture.contains("The list hides 3 of the sessions. 2 marked ask nothing"), "{picture}");
    assert!(picture.contains("3 × “Overwrite?”") && picture.contains("1 × “Name it”"), "{picture}");
    assert!(!picture.contains("Why?"), "it is answered");
    desk.keys("yes <CR> all");
    assert!(desk.deeds().is_empty(), "Enter is a new line");
    desk.keys("<C-s>");
    let Some(Cmd::AnswerAll { answers }) = desk.deeds().pop() else { panic!("{:?}", desk.cmds) };
    let given: Vec<_> = answers
        .iter()
        .flat_map(|(session, payload)| payload.answers().iter().map(move |answer| (session, answer)))
        .map(|(session, answer)| (session.bits() >> 32, answer.query_id.number(), answer.epoch, &*answer.response))
        .collect();
    let text = "yes\nall";
    assert_eq!(given, [(1, 1, Some(1), text), (2, 7, Some(3), text), (2, 8, Some(3), text), (3, 1, Some(1), text)]);
}

/// Twenty-five questions, of which the last is asked three times, on a screen of this size.
fn many_questions(width: u16, height: u16) -> Desk {
    let ask = |n: u64, which: u64| session(n, "many", paused(1, 50, 1, &[&format!("Question {which}?")]));
    let mut desk = Desk::with((1..=25).map(|n| ask(n, n)).chain((26..=27).map(|n| ask(n, 25))).collect());
    desk = desk.resized(width, height);
    desk.keys("* A");
    desk
}

#[test]
fn the_form_for_all_lists_every_question_once_in_the_order_people_expect_and_scrolls() {
    let mut desk = many_questions(120, 36);
    let picture = desk.picture(120, 36);
    assert!(picture.contains("Answer 27 questions of 27 sessions"), "{picture}");
    assert!(!picture.contains(" of 25"), "all are seen: {picture}");
    let at = |text: &str| picture.find(text).unwrap_or_else(|| panic!("{text}: {picture}"));
    let order = ["3 × “Question 25?”", "1 × “Question 1?”", "1 × “Question 2?”", "1 × “Question 10?”"].map(at);
    assert!(order.is_sorted(), "{picture}");
    for (width, height) in [(80, 24), (40, 10)] {
        let mut desk = many_questions(width, height);
        let picture = desk.picture(width, height);
        assert!(picture.contains("3 × “Question 25?”") && picture.contains(" of 25"), "{picture}");
        assert!(!picture.contains("Question 24?"), "{picture}");
        desk.keys("jG");
        assert!(desk.picture(width, height).contains("jG"), "letters are the answer");
        desk.keys("<Tab> G");
        let picture = desk.picture(width, height);
        assert!(picture.contains("Question 24?") && picture.contains("25 of 25"), "{picture}");
        assert!(!picture.contains("Question 1?"), "{picture}");
        desk.keys("k");
        assert!(desk.picture(width, height).contains("24 of 25"));
        desk.keys("g <Down>");
        let picture = desk.picture(width, height);
        assert!(picture.contains("Question 1?") && !picture.contains("Question 25?"), "{picture}");
        desk.keys("<C-d> <C-u> <C-u>");
        assert!(desk.picture(width, height).contains("Question 25?"));
        desk.keys("<Tab> on");
        assert!(desk.picture(width, height).contains("jGon"));
        assert!(desk.deeds().is_empty());
    }
    // What was scrolled to on a small screen leaves no hole on a large one.
    desk.tell(Msg::Resize(40, 10));
    desk.keys("<Tab> G");
    desk.tell(Msg::Resize(120, 36));
    assert!(desk.picture(120, 36).contains("Question 1?"), "{}", desk.picture(120, 36));
}

#[test]
fn on_the_smallest_screen_the_form_for_all_shows_what_it_asks_beside_its_warnings() {
    let mut desk = desk();
    desk.keys("a mine <Esc> * / state:running <CR> A");
    let desk = desk.resized(40, 10);
    let picture = desk.picture(40, 10);
    assert!(picture.contains("2 × “Overwrite?”") || picture.contains("3 × “Overwrite?”"), "{picture}");
    assert!(picture.contains("1 of 2") && picture.contains("The list hides"), "{picture}");
}

#[test]
fn an_empty_answer_for_all_is_asked_about_once() {
    let mut desk = desk();
    desk.keys("* A <C-s>");
    assert!(desk.deeds().is_empty());
    assert!(desk.status().contains("empty: send again"), "{}", desk.status());
    desk.keys("<C-s>");
    assert!(matches!(desk.deeds()[..], [Cmd::AnswerAll { .. }]));
}

#[test]
fn rule_2_the_text_for_all_is_kept_until_all_have_taken_it() {
    let mut desk = desk();
    desk.keys("* A draft <Esc> A");
    assert!(desk.picture(120, 36).contains("draft"));
    desk.keys("<C-s>");
    let refused = vec![(id(3), ResumeError::NotPaused { actual: StateName::Running })];
    desk.tell(Msg::AnsweredAll { taken: vec![id(1), id(2)], refused });
    assert!(desk.status().contains("2 sessions answered; 1 refused it, such as three: not paused: running"));
    desk.keys("A");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("draft"), "{picture}");
}

#[test]
fn a_form_for_all_says_why_there_is_none() {
    let mut desk = desk();
    desk.keys("A");
    assert!(desk.status().contains("nothing is marked"));
    desk.keys("G <Space> A");
    assert_eq!(desk.status(), "none of the 1 session marked waits for an answer");
}

#[test]
fn a_paste_in_a_form_for_all_is_text() {
    let mut desk = desk();
    desk.keys("* A");
    desk.paste("line\nq\ny\n");
    assert!(desk.deeds().is_empty());
    desk.keys("<C-s>");
    let Some(Cmd::AnswerAll { answers }) = desk.deeds().pop() else { panic!() };
    assert_eq!(&*answers[0].1.answers()[0].response, "line\nq\ny\n");
}
