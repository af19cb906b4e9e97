//! The rules of the desk that hold already, each in tests named after it.

use std::sync::Arc;

use switchboard::domain::{
    AnsweredBy, CancelCode, CancelReason, Cancelled, ExecutionState, QueryId, ResumeError, ResumeOutcome, SeenAt,
    StateName,
};
use switchboard::tui::{Cmd, Msg};

use super::{Desk, NOW, answered, cancelled, done, failed, id, log, paused, running, session};

fn one_waiting() -> Desk {
    Desk::with(vec![session(1, "review", paused(1, 5, 1, &["Is this a critical issue?"]))])
}

fn batch() -> Desk {
    Desk::with(vec![session(1, "judge", paused(2, 5, 7, &["Rate it", "Name it", "Why?"]))])
}

#[test]
fn rule_1_a_new_prompt_never_takes_the_keyboard() {
    let mut desk = Desk::with(vec![session(1, "runs", running()), session(2, "other", running())]);
    desk.keys("G");
    let before = desk.app.selected();
    desk.change(session(1, "runs", paused(1, 0, 1, &["Now?"])));
    assert_eq!((desk.app.selected(), desk.app.mode()), (before, "LIST"));

    let mut desk = one_waiting();
    desk.keys("a half");
    desk.change(session(2, "other", paused(1, 900, 1, &["I am older"])));
    desk.keys("-way");
    assert_eq!(desk.app.selected(), Some(id(1)));
    assert_eq!(desk.text(), "half-way");
    assert_eq!(desk.app.mode(), "ANSWER");
}

#[test]
fn rule_1_the_selection_stays_with_its_session_when_rows_move() {
    let mut desk = Desk::with((1..=50).map(|n| session(n, &format!("s{n}"), running())).collect());
    desk.keys("j j j j j");
    let here = desk.app.selected();
    for n in 10..30 {
        desk.change(session(n, &format!("s{n}"), paused(1, 100 - n.cast_signed(), 1, &["?"])));
        assert_eq!(desk.app.selected(), here);
    }
    desk.keys("c");
    desk.keys("<C-s>");
    assert!(matches!(desk.deeds()[..], [Cmd::Cancel { session, .. }] if Some(*session) == here));
}

#[test]
fn rule_1_a_text_whose_query_is_gone_stays_and_is_sent_to_nobody() {
    let mut desk = batch();
    desk.keys("a seven");
    let state = answered(&paused(2, 5, 7, &["Rate it", "Name it", "Why?"]), 7, "rule:always");
    desk.change(session(1, "judge", state));
    assert_eq!(desk.text(), "seven", "the text stays where it was");
    assert!(desk.status().contains("q-7 is already answered by rule:always"), "{}", desk.status());
    desk.keys("<C-s> <M-CR>");
    assert!(desk.deeds().is_empty());
    assert!(desk.status().contains("not sent: q-7 is already answered by rule:always"), "{}", desk.status());

    desk.keys("! <M-n>");
    assert_eq!(desk.app.editing(), Some((QueryId::new(8), String::new())), "another query begins empty");
    assert_eq!(desk.app.orphans(id(1)), [(QueryId::new(7), "seven!".to_owned())]);
    desk.keys("<M-o>");
    assert_eq!(desk.text(), "seven!", "re-used because somebody asked for it");
    assert!(desk.deeds().is_empty());
}

#[test]
fn rule_1_a_draft_of_the_last_pause_never_reaches_the_next() {
    let mut desk = one_waiting();
    desk.keys("a old <Esc>");
    desk.change(session(1, "review", running()));
    desk.change(session(1, "review", paused(2, 0, 2, &["Something else?"])));
    desk.keys("a");
    assert_eq!(desk.app.editing(), Some((QueryId::new(2), String::new())));
    assert_eq!(desk.app.orphans(id(1)).len(), 1);

    let mut desk = one_waiting();
    desk.keys("a old");
    desk.change(session(1, "review", paused(2, 0, 2, &["Something else?"])));
    desk.keys("<C-s>");
    assert!(desk.deeds().is_empty());
    assert!(desk.status().contains("stale answer: meant for epoch 1, the session is at epoch 2"), "{}", desk.status());
}

#[test]
fn rule_1_a_session_that_is_pruned_takes_no_text_along() {
    let mut desk = one_waiting();
    desk.keys("a text");
    desk.tell(Msg::Gone(vec![id(1)]));
    desk.keys("q c");
    assert_eq!(desk.text(), "textqc");
    desk.keys("<C-s>");
    assert!(desk.deeds().is_empty());
}

#[test]
fn rule_2_drafts_survive_leaving_switching_and_cancelling() {
    let mut desk =
        Desk::with(vec![session(1, "a", paused(1, 9, 1, &["One?"])), session(2, "b", paused(1, 5, 1, &["Two?"]))]);
    desk.keys("a first <Esc> a");
    assert_eq!(desk.text(), "first", "Esc");
    desk.keys("<Tab> w a second <S-Tab> w a");
    assert_eq!((desk.app.selected(), desk.text()), (Some(id(1)), "first".into()), "switching");
    desk.keys("<Esc> W a");
    assert_eq!(desk.text(), "second");
    desk.keys("<Esc>");
    desk.change(session(2, "b", cancelled("no", running())));
    assert_eq!(desk.app.orphans(id(2)), [(QueryId::new(1), "second".to_owned())], "cancelled elsewhere");
    desk.keys("c why <Esc> c");
    assert!(desk.picture(120, 36).contains("why"), "the reason of a cancel, too");
}

#[test]
fn rule_3_only_ctrl_s_and_alt_enter_send() {
    for send in ["<C-s>", "<M-CR>"] {
        let mut desk = one_waiting();
        desk.keys("a yes <CR> indeed");
        assert!(desk.deeds().is_empty());
        desk.keys(send);
        assert_eq!(desk.answers(), [(1, "yes\nindeed".into(), Some(1))], "{send}");
    }
}

#[test]
fn rule_3_after_a_send_the_next_question_opens_and_a_second_send_does_nothing() {
    let mut desk = batch();
    desk.keys("a seven <C-s>");
    assert_eq!(desk.app.editing(), Some((QueryId::new(8), String::new())));
    desk.keys("<C-s> <M-CR> <Down> <C-s>");
    assert_eq!(desk.answers().len(), 1);
    assert!(desk.status().contains("nothing was typed for q-8 yet"), "{}", desk.status());
    desk.keys("it <C-s>");
    assert_eq!(desk.answers()[1], (8, "it".into(), Some(2)));
}

#[test]
fn rule_3_a_kept_draft_is_not_sent_by_a_second_send_either() {
    let mut desk = batch();
    desk.keys("a <M-n> draft <M-p> seven <C-s> <C-s>");
    assert_eq!(desk.text(), "draft");
    assert_eq!(desk.answers().len(), 1);
    desk.keys("! <C-s>");
    assert_eq!(desk.answers()[1], (8, "draft!".into(), Some(2)));
}

#[test]
fn rule_3_an_empty_answer_asks_once() {
    let mut desk = one_waiting();
    desk.keys("a <C-s>");
    assert!(desk.deeds().is_empty());
    assert!(desk.status().contains("empty"), "{}", desk.status());
    desk.keys("<Down> <C-s>");
    assert!(desk.deeds().is_empty(), "another key in between asks again");
    desk.keys("<C-s>");
    assert_eq!(desk.answers(), [(1, String::new(), Some(1))]);
}

#[test]
fn rule_3_a_paste_in_an_editor_inserts_and_elsewhere_does_nothing() {
    let mut desk = one_waiting();
    desk.paste("q\ny\nc\x1b[31m");
    assert!(desk.deeds().is_empty());
    assert_eq!(desk.app.mode(), "LIST");
    assert!(desk.status().contains("paste ignored"), "{}", desk.status());
    desk.keys("a");
    desk.paste("one\r\ntwo\rthree\n\x1b[31m\x13");
    assert_eq!(desk.text(), "one\ntwo\nthree\n[31m");
    assert!(desk.status().contains("without 2 control characters"), "{}", desk.status());
    assert!(desk.deeds().is_empty());
    desk.keys("<Esc> c");
    desk.paste("because");
    desk.keys("<C-s>");
    assert!(matches!(desk.deeds()[..], [Cmd::Cancel { reason, .. }] if reason.detail.as_deref() == Some("because")));
}

#[test]
fn a_huge_paste_into_a_line_is_refused_and_into_a_text_taken() {
    let huge = "a ".repeat(500_000);
    for way in ["/", "/ state:paused <Space>", ":", "a x <C-s> <Esc> a <C-r>", "L /", "? /", "N"] {
        let mut desk = Desk::with(vec![session(1, "s", paused(1, 5, 1, &["One?", "Two?"]))]);
        desk.keys(way);
        desk.paste(&huge);
        assert!(desk.status().starts_with("paste ignored: 10000"), "{way}: {}", desk.status());
        // In parts, as a terminal without bracketed paste gives it.
        for _ in 0..100 {
            desk.paste(&huge[..1_000]);
        }
        assert!(desk.status().starts_with("paste ignored: "), "{way}: {}", desk.status());
        for (width, height) in [(120, 36), (40, 10)] {
            desk.tell(Msg::Resize(width, height));
            desk.picture(width, height);
        }
    }
    let mut desk = Desk::with(vec![session(1, "s", paused(1, 5, 1, &["One?"]))]);
    desk.keys("a");
    desk.paste(&huge);
    assert_eq!(desk.text(), huge);
}

#[test]
fn rule_3_more_than_eight_printable_characters_in_one_read_are_a_paste() {
    let mut desk = one_waiting();
    desk.at_once("cancel qy\nq\ny");
    assert_eq!(desk.app.mode(), "LIST");
    assert!(desk.status().contains("paste ignored"), "{}", desk.status());
    desk.later(100);
    desk.keys("a");
    desk.at_once("two lines\nof text\x13here\x1bqy");
    assert_eq!(desk.text(), "two lines\nof texthereqy", "control keys inside a paste do nothing");
    assert!(desk.deeds().is_empty());
    assert_eq!(desk.app.mode(), "ANSWER");
    desk.at_once(" typed ahead\x13");
    assert_eq!(desk.answers().len(), 1, "whoever types ahead on a slow line still sends");

    let mut desk = one_waiting();
    desk.at_once("ahi");
    assert_eq!(desk.text(), "hi", "few keys at once are keys");
}

#[test]
fn rule_4_nothing_destructive_on_enter_esc_space_tab_or_ctrl_c() {
    let harmless = ["<CR>", "<Esc>", "<Space>", "<Tab>", "<S-Tab>", "<C-c>"];
    let ways: [&str; 6] = ["", "<CR>", "a text", "c", "q", "a x <Esc> <CR> ="];
    for way in ways {
        for key in harmless {
            for second in harmless {
                let mut desk = batch();
                desk.keys(way);
                desk.keys(key);
                desk.keys(second);
                assert!(desk.deeds().is_empty(), "{way} {key} {second}");
            }
        }
    }
    let mut desk = batch();
    desk.keys("<C-c>");
    assert!(desk.status().contains("q quits"), "{}", desk.status());
}

#[test]
fn rule_4_a_cancel_is_a_form_confirmed_like_an_answer() {
    let mut desk = one_waiting();
    desk.keys("c too <Space> late <Tab> <Down> <M-CR>");
    let [Cmd::Cancel { session, reason }] = desk.deeds()[..] else { panic!("{:?}", desk.cmds) };
    assert_eq!(*session, id(1));
    let expected = CancelReason { code: CancelCode::Timeout, detail: Some("too late".into()), requested_at: NOW };
    assert_eq!(*reason, expected);
}

#[test]
fn rule_4_a_cancel_of_an_ended_session_is_sent_and_says_that_nothing_changed() {
    let state = done(serde_json::json!(1));
    let mut desk = Desk::with(vec![session(1, "review", state.clone())]);
    desk.keys("c <C-s>");
    let [Cmd::Cancel { session, reason }] = desk.deeds()[..] else { panic!("{:?}", desk.cmds) };
    let msg = Msg::Cancelled { session: *session, reason: reason.clone(), result: Ok(state) };
    desk.tell(msg);
    assert_eq!(desk.status(), "nothing changed: review was already done");
}

#[test]
fn rule_4_a_cancel_that_came_second_says_so_too() {
    let mut desk = one_waiting();
    desk.keys("c mine <C-s>");
    let [Cmd::Cancel { session, reason }] = desk.deeds()[..] else { panic!("{:?}", desk.cmds) };
    let (session, reason) = (*session, reason.clone());
    desk.tell(Msg::Cancelled { session, reason: reason.clone(), result: Ok(cancelled("theirs", running())) });
    assert_eq!(desk.status(), "nothing changed: review was already cancelled");
    let mine = Cancelled { reason: reason.clone(), observed_at: NOW, seen_at: SeenAt::Paused, state_before: running() };
    desk.tell(Msg::Cancelled { session, reason, result: Ok(ExecutionState::Cancelled(Arc::new(mine))) });
    assert_eq!(desk.status(), "review is cancelled");
}

#[test]
fn rule_4_the_same_answer_for_the_rest_names_the_number_and_freezes_the_set() {
    let mut desk = batch();
    desk.keys("<CR> =");
    assert!(desk.status().contains("no answer to give yet"), "{}", desk.status());
    desk.keys("a yes <C-s> <Esc> =");
    assert_eq!(desk.app.mode(), "SAME?");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("Give this answer to 2 questions?") && picture.contains("q-8, q-9"), "{picture}");
    desk.keys("n");
    assert_eq!(desk.answers().len(), 1);
    desk.keys("= <CR> y");
    assert_eq!(desk.answers()[1..], [(8, "yes".into(), Some(2)), (9, "yes".into(), Some(2))]);
}

#[test]
fn rule_6_every_refused_action_says_why_in_the_engines_own_words() {
    for (state, words) in [
        (running(), "not paused: running"),
        (done(serde_json::json!(1)), "not paused: done"),
        (failed("boom", None), "not paused: failed"),
        (cancelled("no", running()), "the session is already cancelled"),
    ] {
        let mut desk = Desk::with(vec![session(1, "s", state)]);
        desk.keys("a");
        assert_eq!(desk.status(), words);
        assert_eq!(desk.app.mode(), "LIST");
    }
    let mut desk = Desk::new(120, 36);
    for (key, words) in [
        ("a", "no session is selected"),
        ("c", "no session is selected"),
        ("w", "no session waits"),
        ("j", "there is no session"),
        ("<CR>", "no session is selected"),
        ("x", "x does nothing here; ? shows the keys"),
    ] {
        desk.keys(key);
        assert_eq!(desk.status(), words, "{key}");
        desk.later(2_000);
    }
}

#[test]
fn rule_6_an_answer_that_was_refused_says_why_and_keeps_its_text() {
    for refused in [
        ResumeError::AlreadyAnswered { id: QueryId::new(1), by: AnsweredBy::File },
        ResumeError::AlreadyCancelled,
        ResumeError::NotPaused { actual: StateName::Running },
        ResumeError::NotRecorded { cause: "disk full".into() },
    ] {
        let mut desk = one_waiting();
        desk.keys("a precious <C-s>");
        desk.outcome(Err(refused.clone()));
        assert_eq!(desk.status(), format!("q-1 not answered: {refused}"));
        // As far as the desk knows, the query is still open, so it is a draft of it.
        assert_eq!(desk.app.draft(id(1), QueryId::new(1)).as_deref(), Some("precious"));
        desk.change(session(1, "review", running()));
        assert_eq!(desk.app.draft(id(1), QueryId::new(1)), None);
        assert_eq!(desk.app.orphans(id(1)), [(QueryId::new(1), "precious".to_owned())]);
    }
}

#[test]
fn rule_6_an_answer_under_way_is_not_given_twice() {
    let mut desk = one_waiting();
    desk.keys("a yes <C-s> <Esc> a");
    assert_eq!(desk.status(), "the answer is on its way");
    assert_eq!(desk.answers().len(), 1);
    desk.outcome(Ok(ResumeOutcome::Continued));
    assert_eq!(desk.status(), "q-1 answered: the program has it");
    assert!(desk.app.orphans(id(1)).is_empty());
}

#[test]
fn rule_8_quitting_names_how_many_sessions_end_and_asks() {
    let mut desk = Desk::with(vec![
        session(1, "a", paused(1, 1, 1, &["?"])),
        session(2, "b", running()),
        session(3, "c", done(serde_json::json!(1))),
    ]);
    desk.keys("q");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("2 sessions have not ended (1 waiting, 1 running)"), "{picture}");
    assert!(picture.contains("quitting ends them"), "{picture}");
    desk.keys("n q <Esc> q y");
    assert_eq!(desk.deeds(), [&Cmd::Quit]);

    let mut desk = Desk::with(vec![session(3, "c", done(serde_json::json!(1)))]);
    desk.keys("q");
    assert_eq!(desk.deeds(), [&Cmd::Quit], "nothing is live: at once");
}

#[test]
fn while_answers_cannot_be_recorded_the_status_line_says_why() {
    let mut desk = Desk::with(vec![session(1, "a", paused(1, 1, 1, &["?"]))]);
    let why = "the disk of journal.db is full";
    for (width, height) in [(120, 36), (40, 10)] {
        desk.tell(Msg::Resize(width, height));
        desk.tell(Msg::Trouble(Some(why.into())));
        assert_eq!(desk.app.trouble(), Some(why));
        assert!(desk.picture(width, height).contains(why), "{}", desk.picture(width, height));
        desk.tell(Msg::Trouble(None));
        assert!(!desk.picture(width, height).contains(why));
    }
}

#[test]
fn rule_9_texts_of_programs_are_data() {
    let hostile = "\x1b[2J\x1b]0;owned\x07\u{9b}31m\u{202e}evil\r\n\u{200b}";
    let mut desk = Desk::with(vec![
        session(1, hostile, paused(1, 1, 1, &[hostile])),
        session(2, hostile, failed(hostile, Some(hostile))),
        session(3, hostile, done(serde_json::json!(hostile))),
        session(4, hostile, cancelled(hostile, paused(1, 1, 1, &[hostile]))),
    ]);
    for n in 1..=4 {
        desk.tell(Msg::Feed(id(n), vec![log(1, hostile)]));
        desk.keys("c");
        desk.paste("\u{202e}evil\u{200f}x");
        desk.keys("<Esc>");
        for tab in ["1", "2", "3", "4", "5", "c", "<Esc>", "L", "<CR>", "<Esc>", "<Esc>", "j"] {
            desk.keys(tab);
            for (width, height) in [(120, 36), (80, 24), (40, 10)] {
                let picture = desk.picture(width, height);
                let raw = picture.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
                assert_eq!(raw, None, "{n} {tab}");
            }
        }
    }
}
