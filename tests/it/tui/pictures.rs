//! The desk as it looks, in three sizes each.

use std::sync::Arc;

use switchboard::domain::{EventKind, ObserverRecvError, ResumeOutcome, StateName};
use switchboard::engine::{Progress, Summary};
use switchboard::tui::{FeedItem, Msg};

use super::{Desk, answered, cancelled, done, event, failed, id, log, paused, running, session};

/// Looks at a desk in the three sizes.
fn look(name: &str, make: impl Fn() -> Desk) {
    for (width, height) in [(120, 36), (80, 24), (40, 10)] {
        let desk = make().resized(width, height);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), desk.picture(width, height));
    }
}

fn busy() -> Vec<Summary> {
    let mut computing = session(6, "ucb", running());
    computing.progress = Some(Arc::new(Progress { step: 4, total: 6, message: Some("bandit round".into()) }));
    vec![
        session(
            1,
            "review-auth",
            paused(4, 242, 7, &["Is this a critical issue? Answer yes or no.\nIt is about auth."]),
        ),
        session(2, "cot", paused(1, 42, 1, &["Step 3: derive the bound"])),
        session(
            3,
            "judge",
            answered(&paused(2, 7, 3, &["Rate the severity 1–10", "Name the file", "Why?"]), 4, "rule:files"),
        ),
        session(4, "reflect", done(serde_json::json!({"verdict": "fine"}))),
        session(5, "deliberate", failed("deliberate.lua:12: attempt to index a nil value (local 'x')", None)),
        computing,
        session(7, "loop", running()),
        session(8, "stopped", cancelled("takes too long", paused(1, 400, 1, &["Go on?"]))),
        session(9, "text", done(serde_json::json!("all good"))),
        session(10, "nothing", done(serde_json::json!(null))),
        session(11, "many", done(serde_json::json!([1, 2, 3]))),
        session(12, "asks", paused(9, 3_700, 20, &["What now?"])),
    ]
}

fn feed() -> Vec<FeedItem> {
    vec![
        event(1, EventKind::StateTransition { from: StateName::Running, to: StateName::Paused, end: None }),
        FeedItem::Instead(ObserverRecvError::Gap { from: 2, to: 90 }),
        log(91, "reading auth.rs"),
        event(92, EventKind::LogDropped { n: 12 }),
        event(93, EventKind::Progress { step: 4, total: 6, message: Some("round".into()) }),
    ]
}

fn busy_desk() -> Desk {
    let mut desk = Desk::with(busy());
    desk.keys("w");
    let selected = desk.app.selected().expect("w selects");
    desk.tell(Msg::Feed(selected, feed()));
    desk
}

#[test]
fn empty() {
    look("empty", || Desk::new(120, 36));
}

#[test]
fn a_dozen_sessions() {
    look("busy", busy_desk);
}

#[test]
fn an_open_session() {
    look("open", || {
        let mut desk = busy_desk();
        desk.keys("w <CR>");
        desk
    });
}

#[test]
fn the_feed() {
    look("feed", || {
        let mut desk = busy_desk();
        desk.keys("<CR> 2");
        desk
    });
}

#[test]
fn answering_a_batch() {
    look("answering", || {
        let mut desk = Desk::with(busy());
        desk.keys("W");
        assert_eq!(desk.app.selected(), Some(id(3)));
        desk.tell(Msg::Feed(id(3), feed()));
        desk.keys("a 7 <C-s> because <CR> of <Space> this");
        desk.outcome(Ok(ResumeOutcome::Remaining(1)));
        desk
    });
}

#[test]
fn an_orphan() {
    look("orphan", || {
        let mut desk = Desk::with(vec![session(1, "judge", paused(2, 7, 3, &["Rate it", "Why?"]))]);
        desk.keys("a seven");
        desk.change(session(1, "judge", answered(&paused(2, 7, 3, &["Rate it", "Why?"]), 3, "rule:files")));
        desk
    });
}

#[test]
fn the_cancel_form() {
    look("cancel", || {
        let mut desk = busy_desk();
        desk.keys("c takes <Space> too <Space> long");
        desk
    });
}

#[test]
fn the_help() {
    look("help", || {
        let mut desk = busy_desk();
        desk.keys("?");
        desk
    });
}

#[test]
fn the_quit_question() {
    look("quit", || {
        let mut desk = busy_desk();
        desk.keys("a draft <Esc> q");
        desk
    });
}

#[test]
fn a_failed_session() {
    look("failed", || {
        let traceback = "stack traceback:\n\t[C]: in function 'error'\n\tscript.lua:12: in function 'judge'";
        let mut desk =
            Desk::with(vec![session(1, "deliberate", failed("deliberate.lua:12: nobody agreed", Some(traceback)))]);
        desk.keys("<CR> 4");
        desk
    });
}

#[test]
fn a_cancelled_session() {
    look("cancelled", || {
        let before = answered(&paused(2, 400, 3, &["Rate it", "Why?"]), 3, "person");
        let mut desk = Desk::with(vec![session(1, "stopped", cancelled("takes too long", before))]);
        desk.keys("<CR> 4");
        desk
    });
}

#[test]
fn hostile_and_wide_texts() {
    look("hostile", || {
        let long = "x".repeat(100_000);
        let zalgo = format!("z{}", "\u{301}".repeat(1_000));
        let mut desk = Desk::with(vec![
            session(
                1,
                "漢字のプログラム",
                paused(1, 9, 1, &["日本語で答えて🙂ください。\x1b[31mred\x1b[0m \t tab é e\u{301} 👩‍👩‍👧‍👦!"]),
            ),
            session(2, "\x1b]0;title\x07", paused(1, 8, 1, &[&long])),
            session(3, &zalgo, paused(1, 7, 1, &[&zalgo])),
            session(4, "ﾊﾞｶﾟ", failed("\u{202e}gnp.exe", None)),
        ]);
        desk.tell(Msg::Feed(id(1), vec![log(1, &long), log(2, "漢\r\n字\x1b[2J")]));
        desk.keys("a 漢字🙂 <CR>");
        desk.paste("ＷＩＤＥ text");
        desk
    });
}
