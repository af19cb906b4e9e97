//! Rewinds, forks and two sessions beside each other, key by key.

use std::sync::Arc;

use serde_json::Value;
use switchboard::domain::{AnsweredBy, EventKind, ExecutionState, Intent, QueryId, ResumeError, Usage};
use switchboard::engine::{BranchError, BranchPreview, LeftAnswer, Summary};
use switchboard::tui::{BranchKind, Branched, Cmd, FeedItem, Msg};

use super::families::{branch, child};
use super::{Desk, answered, cancelled, done, event, id, paused, running, session};

/// One that has asked three questions so far and waits for the third.
fn asking() -> Summary {
    session(1, "plan", paused(3, 5, 3, &["Name it"]))
}

pub(super) fn preview() -> BranchPreview {
    let write = Intent {
        op: "state.set".into(),
        file: "state/default.json".into(),
        key: Some("draft".into()),
        before: None,
        after: None,
        result: Value::Null,
        backup: false,
    };
    let left = LeftAnswer { query: QueryId::new(2), by: AnsweredBy::Person, response: "because".into() };
    BranchPreview {
        prompt: "Why?".into(),
        kept: 1,
        left: vec![left],
        written: vec![Arc::new(write)],
        state: asking().state.name(),
    }
}

fn show(desk: &mut Desk, at: u32) {
    desk.tell(Msg::BranchPreviewed { session: id(1), at: QueryId::new(at), preview: Ok(preview()) });
}

fn wanted(desk: &Desk) -> Option<u32> {
    desk.cmds.iter().rev().find_map(|cmd| match cmd {
        Cmd::PreviewBranch { at, .. } => Some(at.number()),
        _ => None,
    })
}

fn made(desk: &Desk) -> Vec<(BranchKind, u32, Option<String>)> {
    let made = |cmd: &Cmd| match cmd {
        Cmd::Branch { kind, at, answer, .. } => {
            Some((*kind, at.number(), answer.as_ref().map(|answer| answer.response.to_string())))
        }
        _ => None,
    };
    desk.cmds.iter().filter_map(made).collect()
}

#[test]
fn the_form_shows_what_is_kept_and_left_and_written_and_nothing_is_done_but_by_the_key_that_sends() {
    let mut desk = Desk::with(vec![asking()]);
    desk.keys("R");
    assert_eq!((desk.app.mode(), wanted(&desk)), ("REWIND", Some(2)), "the one that was answered last");
    desk.keys("<C-s>");
    assert!(desk.status().contains("not known yet"), "{}", desk.status());
    show(&mut desk, 2);
    let picture = desk.picture(120, 36);
    for line in [
        "at [q-2] “Why?”",
        "A new session from q-2 on; this one is cancelled.",
        "1 answer kept, 1 left behind; 1 write to files since, not undone.",
        "q-2 by person: “because”",
        "state.set state/default.json “draft”",
    ] {
        assert!(picture.contains(line), "{line}:\n{picture}");
    }
    desk.keys("<CR> <Tab> <CR> <S-Tab> <C-c>");
    assert_eq!(made(&desk), []);
    desk.keys("<C-s>");
    assert_eq!(made(&desk), [(BranchKind::Rewind, 2, None)], "an empty answer is none");
}

#[test]
fn everything_that_is_left_and_written_can_be_read_on_the_smallest_screen() {
    let mut desk = Desk::with(vec![asking()]).resized(40, 10);
    desk.keys("R");
    show(&mut desk, 2);
    let told = desk.picture(40, 10);
    assert!(told.contains("… more: Tab, then Ctrl-D"), "{told}");
    desk.keys("<Tab>");
    let mut seen = String::new();
    for _ in 0..10 {
        seen += &desk.picture(40, 10);
        desk.keys("<C-d>");
    }
    for line in ["not undone.", "state.set state/default.json", "“draft”", "q-2 by person: “because”"] {
        assert!(seen.contains(line), "{line}:\n{seen}");
    }
    assert_eq!(wanted(&desk), Some(2), "the question stays the same");
    for _ in 0..10 {
        desk.keys("<C-u>");
    }
    assert!(desk.picture(40, 10).contains("A new session from q-2 on"), "and back");
    let wide = desk.resized(120, 36);
    assert!(!wide.picture(120, 36).contains("… more"), "where there is room for all there is nothing to scroll");
}

#[test]
fn a_fork_leaves_the_session_and_may_answer_at_once() {
    let mut desk = Desk::with(vec![asking()]);
    desk.keys("B");
    show(&mut desk, 2);
    assert!(desk.picture(120, 36).contains("this one stays paused"), "{}", desk.picture(120, 36));
    desk.keys("other <Esc>");
    assert_eq!((made(&desk), desk.app.mode()), (vec![], "LIST"));
    desk.keys("B");
    show(&mut desk, 2);
    desk.keys("wise <C-s>");
    assert_eq!(made(&desk), [(BranchKind::Fork, 2, Some("otherwise".into()))], "what was written was kept");
}

#[test]
fn another_question_is_chosen_by_the_arrows_and_looked_at_anew() {
    let mut desk = Desk::with(vec![asking()]);
    desk.keys("R <S-Tab> <Left>");
    assert_eq!(wanted(&desk), Some(1));
    desk.keys("<Left>");
    show(&mut desk, 2);
    assert!(desk.picture(120, 36).contains("Looking what would be kept"), "that was asked before is of no use");
    desk.keys("<Right> <Right> <Right> <Right>");
    assert_eq!(wanted(&desk), Some(3));
}

#[test]
fn the_question_one_stands_at_is_meant_or_the_one_answered_last() {
    let batch = answered(&paused(2, 5, 4, &["a", "b", "c"]), 5, "person");
    let mut desk = Desk::with(vec![session(1, "plan", batch)]);
    desk.keys("R");
    assert_eq!(wanted(&desk), Some(5));
    desk.keys("<Esc> <CR> <M-n> <M-n> B");
    assert_eq!(wanted(&desk), Some(6));
    let mut ended = session(1, "plan", done(1.into()));
    // What its children asked is among its calls, and not among its questions.
    ended.usage = Usage { llm_calls: 9, ..Usage::default() };
    ended.asked = 3;
    let mut desk = Desk::with(vec![ended]);
    desk.keys("R");
    assert_eq!(wanted(&desk), Some(3));
    let mut desk = Desk::with(vec![session(1, "plan", running())]);
    desk.keys("R");
    assert!(desk.status().contains("it has asked nothing yet"), "{}", desk.status());
    let mut desk = Desk::with(Vec::new());
    desk.keys("R");
    assert_eq!(desk.status(), "no session is selected");
}

#[test]
fn rule_6_what_cannot_be_branched_is_refused_in_the_words_of_the_engine() {
    let mut desk = Desk::with(vec![asking()]);
    desk.keys("R");
    let why = BranchError::Unreadable("it is not kept whole".into());
    desk.tell(Msg::BranchPreviewed { session: id(1), at: QueryId::new(2), preview: Err(why.clone()) });
    assert!(desk.picture(120, 36).contains(&why.to_string()), "{}", desk.picture(120, 36));
    desk.keys("<C-s>");
    assert_eq!(made(&desk), []);
    assert!(desk.status().contains(&why.to_string()), "{}", desk.status());
}

fn outcome(answered: Option<ResumeError>) -> Msg {
    Msg::Branched(Branched {
        kind: BranchKind::Rewind,
        of: id(1),
        at: QueryId::new(2),
        result: Ok(id(2)),
        answered: answered.map(Err),
    })
}

#[test]
fn the_branch_is_selected_unless_somebody_went_elsewhere_meanwhile() {
    let start = || {
        let mut desk = Desk::with(vec![asking(), session(9, "other", running())]);
        desk.keys("R");
        show(&mut desk, 2);
        desk.keys("<C-s>");
        desk
    };
    let come = |desk: &mut Desk, outcome: Msg| {
        desk.change(session(1, "plan", cancelled("rewound to q-2", asking().state)));
        desk.change(branch(2, "plan", 1, paused(2, 0, 2, &["Why?"])));
        desk.tell(outcome);
    };
    let mut desk = start();
    come(&mut desk, outcome(None));
    assert_eq!((desk.app.selected(), desk.status()), (Some(id(2)), "plan #1 rewound at q-2: plan #2"));
    let mut desk = start();
    desk.keys("G");
    come(&mut desk, outcome(None));
    assert_eq!(desk.app.selected(), Some(id(9)));
    let mut desk = start();
    let refused = ResumeError::AlreadyCancelled;
    come(&mut desk, outcome(Some(refused.clone())));
    assert!(desk.status().contains(&refused.to_string()), "{}", desk.status());
}

/// What a session that asks two questions did, the second answered so.
pub(super) fn life(answer: &str) -> Vec<FeedItem> {
    let asks = |n: u32, prompt: &str| {
        let ExecutionState::Paused(info) = paused(n, 5, n, &[prompt]) else { panic!("it waits") };
        EventKind::PauseRequested { info }
    };
    let says = |n: u32, text: &str| EventKind::AnswerAccepted {
        query_id: QueryId::new(n),
        by: AnsweredBy::Person,
        answer_id: None,
        remaining: 0,
        response: text.into(),
        usage: None,
    };
    let kinds = [asks(1, "Which?"), says(1, "the first"), asks(2, "Why?"), says(2, answer)];
    (1..).zip(kinds).map(|(seq, kind)| event(seq, kind)).collect()
}

#[test]
fn a_child_of_a_fork_is_refused_at_once_with_what_can_be_done_instead() {
    let grand = || child(3, "grand", 2, paused(1, 5, 1, &["Right?"]));
    let critic = || child(2, "critic", 1, running());
    let asked = Summary { asked: 1, ..session(1, "plan", running()) };
    for (family, instead) in [
        (vec![asked, critic(), grand()], " plan; go there and press {}"),
        (
            vec![session(1, "plan", running()), critic(), grand()],
            " plan, which asked nothing itself; r there runs all of it again, r here only this",
        ),
        (vec![critic(), grand()], " a session that is not here; r runs it again by itself"),
    ] {
        let mut desk = Desk::with(family);
        desk.keys("/ grand <CR>");
        for (key, verb) in [("R", "rewind"), ("B", "fork")] {
            desk.keys(key);
            let wanted = format!("{verb}: grand is part of{}", instead.replace("{}", key));
            assert_eq!(desk.status(), wanted);
            assert_eq!(desk.app.mode(), "LIST");
        }
        assert!(!desk.cmds.iter().any(|cmd| matches!(cmd, Cmd::PreviewBranch { .. })), "{:?}", desk.cmds);
        desk.keys("r");
        assert!(matches!(desk.cmds.last(), Some(Cmd::Start(_))), "what is said can be done");
    }
}

#[test]
fn without_a_question_to_go_back_to_it_says_how_to_begin_anew() {
    for (state, said) in [(running(), "it has asked nothing yet"), (done(serde_json::json!(1)), "it asked nothing")] {
        let mut desk = Desk::with(vec![session(1, "plan", state)]);
        desk.keys("R");
        assert_eq!(
            desk.status(),
            format!("{said}: there is no question to go back to; r runs it again from the start")
        );
    }
}

#[test]
fn a_branch_and_what_it_goes_on_from_stand_beside_each_other() {
    let mut desk = Desk::with(vec![session(1, "plan", running()), branch(2, "plan", 1, running())]);
    desk.keys("|");
    let wanted: Vec<_> = desk.cmds.iter().filter(|cmd| matches!(cmd, Cmd::Life { .. })).collect();
    assert_eq!(wanted.len(), 2, "{wanted:?}");
    desk.tell(Msg::Life { session: id(1), from: 1, items: life("because") });
    desk.tell(Msg::Life { session: id(2), from: 1, items: life("why not") });
    let picture = desk.picture(120, 36);
    for line in ["q-1  “Which?”", "│ person: the first", "≠ person: because", "│ ≠ person: why not", "result"]
    {
        assert!(picture.contains(line), "{line}:\n{picture}");
    }
    assert_eq!(desk.app.mode(), "BESIDE");
    desk.keys("q <Esc>");
    assert_eq!(desk.app.mode(), "LIST");
}

#[test]
fn two_marked_sessions_stand_beside_each_other_and_nothing_else_does() {
    let mut desk = Desk::with(vec![session(1, "a", running()), session(2, "b", running()), session(3, "c", running())]);
    desk.keys("|");
    assert!(desk.status().contains("nothing to lay beside it"), "{}", desk.status());
    desk.keys("<Space> j <Space> j |");
    assert!(desk.picture(120, 36).contains("a │ b"), "{}", desk.picture(120, 36));
    let mut desk = Desk::with(vec![branch(2, "plan", 1, running())]);
    desk.keys("|");
    assert!(desk.status().contains("no longer known"), "{}", desk.status());
}
