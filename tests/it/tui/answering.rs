//! Answering one question, a batch, and part of one.

use switchboard::domain::{AnsweredBy, EventKind, QueryId, ResumeOutcome, ResumePayload};
use switchboard::tui::{Cmd, Msg};

use super::{Desk, answered, done, event, failed, id, paused, running, session};

const PROMPTS: &[&str] = &["Rate it", "Name it", "Why?"];

fn batch() -> Desk {
    Desk::with(vec![session(1, "judge", paused(2, 5, 7, PROMPTS))])
}

#[test]
fn an_answer_names_its_pause_and_has_an_id_of_its_own() {
    let mut desk = batch();
    desk.keys("a one <C-s> two <C-s>");
    let ids: Vec<_> = desk
        .cmds
        .iter()
        .filter_map(|cmd| match cmd {
            Cmd::Answer { payload: ResumePayload::Single(answer), .. } => answer.answer_id.clone(),
            _ => None,
        })
        .collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
    assert!(ids.iter().all(|id| id.contains("0000000000000007")), "{ids:?}");
}

#[test]
fn part_of_a_batch_is_answered_and_the_rest_left() {
    let mut desk = batch();
    desk.keys("a one <C-s> <Esc>");
    desk.outcome(Ok(ResumeOutcome::Remaining(2)));
    assert_eq!(desk.status(), "q-7 answered: 2 questions left");
    desk.change(session(1, "judge", answered(&paused(2, 5, 7, PROMPTS), 7, "person")));
    desk.keys("a");
    assert_eq!(desk.app.editing(), Some((QueryId::new(8), String::new())));
}

#[test]
fn alt_n_and_alt_p_go_round_the_open_questions_and_keep_the_drafts() {
    let mut desk = batch();
    desk.keys("a one <M-n> two <M-n> three <M-n>");
    assert_eq!(desk.app.editing(), Some((QueryId::new(7), "one".into())));
    desk.keys("<M-p>");
    assert_eq!(desk.app.editing(), Some((QueryId::new(9), "three".into())));
    desk.keys("<Esc>");
    assert_eq!(desk.app.draft(id(1), QueryId::new(8)).as_deref(), Some("two"));
}

#[test]
fn outside_the_editor_alt_n_chooses_the_question_that_a_answers() {
    let mut desk = batch();
    desk.keys("<CR> <M-n> <M-n> a");
    assert_eq!(desk.app.editing(), Some((QueryId::new(9), String::new())));
}

#[test]
fn behind_the_last_answer_of_a_batch_esc_and_enter_go_back_to_where_the_keyboard_came_from() {
    for (way, mode) in [("", "LIST"), ("<CR>", "SESSION")] {
        let mut desk = batch();
        desk.keys(way);
        desk.keys("a one <C-s> two <C-s> three <C-s>");
        assert_eq!(desk.answers().len(), 3);
        assert_eq!(desk.app.mode(), "SENT");
        desk.keys(if way.is_empty() { "<CR>" } else { "<Esc>" });
        assert_eq!(desk.app.mode(), mode);
    }
}

#[test]
fn the_same_answer_goes_out_as_one_payload() {
    let mut desk = batch();
    desk.keys("a same <Esc> <CR> = y");
    let [Cmd::Answer { payload: ResumePayload::Batch(answers), .. }] = desk.deeds()[..] else {
        panic!("{:?}", desk.cmds)
    };
    assert_eq!(answers.len(), 3);
    desk.outcome(Ok(ResumeOutcome::Continued));
    assert_eq!(desk.app.draft(id(1), QueryId::new(7)), None, "the draft was sent");
    assert!(desk.app.orphans(id(1)).is_empty());
}

#[test]
fn a_draft_that_was_not_sent_is_kept_when_its_question_is_answered_by_the_same_for_the_rest() {
    let mut desk = batch();
    desk.keys("a other <M-n> same <Esc> <CR>");
    desk.keys("=");
    assert!(desk.picture(120, 36).contains("q-7 has another draft, which is kept: “other”"));
    desk.keys("y");
    desk.change(session(1, "judge", running()));
    desk.outcome(Ok(ResumeOutcome::Continued));
    assert_eq!(desk.app.orphans(id(1)), [(QueryId::new(7), "other".to_owned())]);
    let said = "3 questions answered: the program has them; what else was written is kept";
    assert!(desk.status().contains(said), "it succeeded: {}", desk.status());
    desk.change(session(1, "judge", paused(3, 1, 10, &["More?"])));
    assert!(desk.status().contains(said), "nothing was stale: {}", desk.status());
}

#[test]
fn a_draft_beside_an_answer_is_no_failure_whichever_is_seen_first() {
    let mut desk = batch();
    desk.keys("a other <M-n> same <Esc> <CR> = y");
    desk.outcome(Ok(ResumeOutcome::Continued));
    desk.change(session(1, "judge", paused(3, 1, 10, &["More?"])));
    assert!(desk.status().starts_with("3 questions answered"), "{}", desk.status());
    assert_eq!(desk.app.orphans(id(1)), [(QueryId::new(7), "other".to_owned())]);
}

#[test]
fn a_program_that_asks_again_at_once_is_answered_again() {
    let mut desk = Desk::with(vec![session(1, "again", paused(1, 5, 1, &["One?"]))]);
    desk.keys("a one <C-s>");
    desk.outcome(Ok(ResumeOutcome::Continued));
    desk.change(session(1, "again", paused(2, 0, 2, &["Two?"])));
    assert_eq!(desk.app.mode(), "SENT");
    desk.keys("<M-n> two <C-s>");
    assert_eq!(desk.answers(), [(1, "one".into(), Some(1)), (2, "two".into(), Some(2))]);
}

#[test]
fn readline_keys_and_undo_work_in_the_editor() {
    let mut desk = batch();
    desk.keys("a hello <Space> world <C-w>");
    assert_eq!(desk.text(), "hello ");
    for undo in ["<M-u>", "<C-_>", "<C-/>", "<C-7>"] {
        desk.keys(undo);
        assert_eq!(desk.text(), "hello world", "{undo}");
        desk.keys("<M-r>");
        assert_eq!(desk.text(), "hello ", "{undo}");
    }
    desk.keys("<M-u> <C-a> <C-k>");
    assert_eq!(desk.text(), "");
    desk.keys("<C-y> <C-j> x <CR> <Tab>");
    assert_eq!(desk.app.draft(id(1), QueryId::new(7)).as_deref(), Some("hello world\nx\n"));
}

#[test]
fn ctrl_u_deletes_to_the_start_of_the_line_wherever_text_is_typed() {
    let mut desk = batch();
    desk.keys("a first <CR> second <C-u>");
    assert_eq!(desk.text(), "first\n");
    desk.keys("<Esc> * A one <C-u> c other");
    assert!(desk.picture(120, 36).contains("cother") && !desk.picture(120, 36).contains("onec"));
    desk.keys("<Esc> c why <C-u> so <C-s>");
    let Some(Cmd::CancelAll { reason, .. }) = desk.cmds.last() else { panic!("{:?}", desk.cmds) };
    assert_eq!(reason.detail.as_deref(), Some("so"));
}

#[test]
fn a_line_end_or_a_blank_that_is_sent_is_seen_before_and_behind() {
    for (width, height) in [(120, 36), (80, 24), (40, 10)] {
        let mut desk = Desk::with(vec![session(1, "judge", paused(2, 5, 7, &["Rate it"]))]).resized(width, height);
        desk.keys("a 7");
        assert!(!desk.picture(width, height).contains("last line"), "{}", desk.picture(width, height));
        desk.keys("<CR>");
        assert!(desk.picture(width, height).contains("last line empty"), "{}", desk.picture(width, height));
        desk.keys("<BS> <Space>");
        assert!(desk.picture(width, height).contains("blank at the end"), "{}", desk.picture(width, height));
        desk.keys("<BS> <CR> <C-s>");
        assert_eq!(desk.answers(), [(7, "7\n".into(), Some(2))], "it is what was typed");
        assert_eq!(desk.status(), "q-7 sent (last line empty)");
        desk.outcome(Ok(ResumeOutcome::Continued));
        assert_eq!(desk.status(), "q-7 answered: the program has it (last line empty)");
    }
    let mut desk = batch();
    let answered = EventKind::AnswerAccepted {
        query_id: QueryId::new(7),
        by: AnsweredBy::Person,
        remaining: 0,
        response: "7\n".into(),
        usage: None,
        answer_id: None,
    };
    desk.tell(Msg::Feed(id(1), vec![event(1, answered)]));
    desk.keys("2");
    assert!(desk.picture(120, 36).contains("q-7 by person: “7⏎”"), "{}", desk.picture(120, 36));
}

#[test]
fn a_key_that_is_pressed_again_and_again_behind_an_answer_that_could_not_be_opened_moves_in_a_second() {
    let mut desk = Desk::with(vec![session(1, "ended", done(1.into())), session(2, "over", done(1.into()))]);
    let first = desk.app.selected();
    desk.keys("a");
    for _ in 0..3 {
        desk.later(300);
        desk.keys("j");
    }
    assert_eq!(desk.app.selected(), first);
    desk.later(400);
    desk.keys("j");
    assert_ne!(desk.app.selected(), first, "a second behind the first of them");
}

#[test]
fn what_is_typed_behind_an_answer_that_could_not_be_opened_does_nothing() {
    let mut desk = Desk::with(vec![session(1, "ended", done(1.into()))]);
    desk.keys("a yes");
    assert_eq!(desk.status(), "nothing takes text here, so s did nothing; a second later it does");
    assert!(desk.cmds.iter().all(|cmd| matches!(cmd, Cmd::Observe { .. })), "{:?}", desk.cmds);
    desk.later(999);
    desk.keys("r");
    assert!(desk.deeds().is_empty(), "each key of a text goes on with it");
    desk.later(1_000);
    desk.keys("r");
    assert_eq!(desk.deeds().len(), 1, "that was no text any more");
    desk.keys("a <Esc> r");
    assert_eq!(desk.deeds().len(), 2, "a key that is no letter ends it");
    // A desk that knows no session yet, and one whose answer opens at the second try.
    let mut desk = Desk::new(120, 36);
    desk.keys("a q");
    assert!(desk.deeds().is_empty());
    desk.change(session(1, "asks", paused(1, 0, 1, &["?"])));
    desk.keys("a yes");
    assert_eq!(desk.text(), "yes");
}

#[test]
fn the_questions_of_a_batch_are_gone_through_and_answered_alike_from_the_list() {
    let mut desk = batch();
    desk.keys("<M-n> a same <Esc> =");
    assert_eq!(desk.app.mode(), "SAME?");
    desk.keys("y");
    assert_eq!(desk.answers().len(), 3);
    assert!(desk.picture(120, 36).contains("SESSION") || desk.app.mode() == "LIST");
}

#[test]
fn a_batch_that_is_not_seen_whole_says_so() {
    let prompts: Vec<String> = (1..=40).map(|n| format!("Question {n}?")).collect();
    let prompts: Vec<&str> = prompts.iter().map(String::as_str).collect();
    let mut desk = Desk::with(vec![session(1, "judge", paused(1, 5, 1, &prompts))]);
    let picture = desk.picture(120, 36);
    assert!(picture.contains("↓ q-") && !picture.contains("↑ q-"), "{picture}");
    desk.keys("<M-p>");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("↑ q-") && !picture.contains("↓ q-") && picture.contains("▸ q-40"), "{picture}");
}

#[test]
fn an_ended_session_needs_no_answer() {
    let mut desk = batch();
    desk.keys("a half");
    desk.change(session(1, "judge", done(serde_json::json!(null))));
    desk.keys("<C-s>");
    assert!(desk.deeds().is_empty());
    assert_eq!(desk.status(), "not sent: not paused: done; the text is kept");
}

#[test]
fn an_answer_that_was_taken_is_not_asked_for_again_before_the_session_is_seen_to_have_it() {
    let mut desk = batch();
    desk.keys("a seven <C-s>");
    desk.outcome(Ok(ResumeOutcome::Remaining(2)));
    desk.keys("eight <C-s>");
    desk.outcome(Ok(ResumeOutcome::Remaining(1)));
    desk.keys("nine <C-s>");
    assert_eq!(desk.app.mode(), "SENT", "no editor is opened again for q-7");
    desk.outcome(Ok(ResumeOutcome::Continued));
    desk.keys("<Esc> a");
    assert_eq!(desk.status(), "the answer is on its way");
    desk.change(session(1, "judge", paused(3, 1, 10, &["More?"])));
    desk.keys("a");
    assert_eq!(desk.app.editing(), Some((QueryId::new(10), String::new())));
}

#[test]
fn the_editor_stays_where_its_session_ends_under_it() {
    let mut desk = Desk::with(vec![session(1, "judge", paused(2, 5, 7, &["Rate it"]))]);
    desk.keys("a half <Space> a <Space> text");
    desk.change(session(1, "judge", failed("too long", None)));
    for (width, height) in [(120, 36), (80, 24), (40, 10)] {
        desk.tell(Msg::Resize(width, height));
        let picture = desk.picture(width, height);
        assert!(picture.contains("half a text"), "{picture}");
    }
}

#[test]
fn a_draft_of_before_is_sent_once_it_was_seen_behind_the_answer_that_came_to_it() {
    let mut desk = Desk::with(vec![session(1, "batch", paused(1, 5, 1, &["One?", "Two?"]))]);
    desk.keys("a one <M-n> two <M-p> <C-s> <C-s>");
    assert_eq!(desk.answers().len(), 1, "the key that sent the one does not send the other");
    assert!(desk.status().contains("the draft of q-2 was not seen yet"), "{}", desk.status());
    assert!(desk.picture(120, 36).contains("─ draft ─"), "{}", desk.picture(120, 36));
    desk.later(700);
    desk.keys("<C-s>");
    assert_eq!(desk.answers()[1..], [(2, "two".into(), Some(1))]);
}
