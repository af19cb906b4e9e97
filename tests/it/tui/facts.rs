//! What the tabs tell of a session, and what tells sessions apart.

use std::sync::Arc;

use switchboard::domain::{CancelCode, CancelReason, EventKind, ExecutionState, Pause, Query, SessionKind};
use switchboard::engine::{Inspection, ModuleSource, ModuleText, Progress, Retention};
use switchboard::tui::{Cmd, Msg};

use super::{Desk, NOW, answered, cancelled, done, event, failed, id, paused, running, session};

fn inspection(retention: Retention) -> Inspection {
    Inspection { log: Arc::default(), observers: 2, ignored_cancels: Vec::new(), ignored: 0, retention }
}

#[test]
fn the_state_tab_tells_every_fact_of_a_pause() {
    let state = answered(&paused(3, 42, 7, &["Rate it", "Name it"]), 7, "rule:files");
    let mut desk = Desk::with(vec![session(1, "judge", state)]).resized(200, 60);
    let by = "rule:files".parse().unwrap();
    let accepted = EventKind::AnswerAccepted {
        query_id: switchboard::domain::QueryId::new(7),
        by,
        answer_id: None,
        remaining: 1,
        response: "8".into(),
        usage: None,
    };
    desk.tell(Msg::Feed(id(1), vec![event(70, accepted)]));
    assert_eq!(desk.app.wants_facts(), None);
    desk.keys("3");
    assert_eq!(desk.app.wants_facts(), Some(id(1)));
    desk.tell(Msg::Inspected(id(1), Ok(inspection(Retention::Live))));
    let picture = desk.picture(200, 60);
    for fact in [
        &format!("id             {}", id(1)),
        "epoch          3",
        "kind           batch",
        "paused         22:12:38 (42s ago)",
        "pending        q-8",
        "answered by rule:files at 22:12:50, 12.0s after the pause began: “Rate it”",
        "last seq       3 at 22:08:20 (5m ago)",
        "observers      2",
        "collection     never, since it has not ended",
        "total          0 tokens, definite",
        "\"state\": \"paused\"",
    ] {
        assert!(picture.contains(fact), "{fact}: {picture}");
    }
}

#[test]
fn the_state_tab_tells_every_fact_of_a_cancel_and_what_came_too_late() {
    let state = cancelled("takes too long", paused(2, 400, 3, &["Rate it"]));
    let mut desk = Desk::with(vec![session(1, "off", state)]).resized(140, 70);
    desk.keys("3");
    let late = CancelReason { code: CancelCode::Timeout, detail: Some("me too".into()), requested_at: NOW };
    let retention = Retention::Young { idle_ms: 300_000, ttl_ms: 600_000 };
    let facts = Inspection { ignored_cancels: vec![late], ignored: 3, ..inspection(retention) };
    desk.tell(Msg::Inspected(id(1), Ok(facts)));
    let picture = desk.picture(140, 70);
    for fact in [
        "code           user",
        "detail         takes too long",
        "observed       22:08:19 (5m ago), 12ms after it was requested",
        "seen at        paused",
        "State before the cancel",
        "epoch          2",
        "ignored        3 cancels after its end",
        "22:13:20 timeout: me too",
        "collection     not yet: idle for 5m of 10m",
    ] {
        assert!(picture.contains(fact), "{fact}: {picture}");
    }
}

#[test]
fn the_state_tab_tells_a_failure_and_goes_with_the_time() {
    let mut desk =
        Desk::with(vec![session(1, "bad", failed("bad.lua:3: boom", Some("stack\n\ttop")))]).resized(140, 50);
    desk.keys("3");
    for (retention, said) in [
        (Retention::Observed(1), "not now: 1 observer"),
        (Retention::NoSweeps, "never: nothing collects"),
        (Retention::Due { interval_ms: 60_000 }, "yes, at the next sweep; one comes every 1m"),
        (Retention::Evicted, "done: it was evicted, the journal answers for it"),
    ] {
        desk.tell(Msg::Inspected(id(1), Ok(inspection(retention))));
        assert!(desk.picture(140, 50).contains(said), "{said}: {}", desk.picture(120, 50));
    }
    let picture = desk.picture(140, 50);
    for fact in ["kind           lua_error", "message        bad.lua:3: boom", "stack", "idle           5m"] {
        assert!(picture.contains(fact), "{fact}: {picture}");
    }
    desk.later(60_000);
    assert!(desk.picture(140, 50).contains("idle           6m"));
}

fn with_code(mut summary: switchboard::engine::Summary, code: &str) -> switchboard::engine::Summary {
    let mut spec = (*summary.spec).clone();
    spec.kind = SessionKind::Run { code: code.into(), name: Some("bad.lua".into()) };
    summary.spec = Arc::new(spec);
    summary
}

#[test]
fn the_source_tab_marks_the_line_that_failed_and_the_line_that_asked() {
    let code = "local a = 1\nlocal b = 2\nalc.llm('?')\n";
    let mut desk = Desk::with(vec![with_code(session(1, "bad", failed("bad.lua:2: boom", None)), code)]);
    desk.keys("5");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("▸  2 local b = 2") && picture.contains("failed at line 2"), "{picture}");

    let ExecutionState::Paused(pause) = paused(1, 5, 1, &["?"]) else { unreachable!() };
    let mut pause = Pause::clone(&pause);
    let query = Query { line: Some(3), ..(*pause.prompts[0].query).clone() };
    pause.prompts[0].query = Arc::new(query);
    desk.change(with_code(session(1, "bad", ExecutionState::Paused(Arc::new(pause))), code));
    let picture = desk.picture(120, 36);
    assert!(picture.contains("▸  3 alc.llm('?')") && picture.contains("line 3 asked"), "{picture}");
}

#[test]
fn a_marked_line_far_down_is_seen_at_once() {
    let code = "x = 1\n".repeat(900);
    let mut desk = Desk::with(vec![with_code(session(1, "bad", failed("bad.lua:777: boom", None)), &code)]);
    desk.keys("5");
    assert!(desk.picture(120, 36).contains("▸777 x = 1"), "{}", desk.picture(120, 36));
}

#[test]
fn the_parts_of_a_result_fold() {
    let value = serde_json::json!({"list": [1, 2, 3], "text": "x"});
    let mut desk = Desk::with(vec![session(1, "s", done(value))]);
    desk.keys("<CR> 4 j j j j <CR>");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("\"list\": [ … 3 … ]") && picture.contains("\"text\""), "{picture}");
    desk.keys("<CR> y");
    assert!(desk.picture(120, 36).contains("    2,"));
    assert!(matches!(desk.cmds.last(), Some(Cmd::Copy(text)) if text.contains("\"list\"")));
}

#[test]
fn a_session_that_has_ended_shows_how_where_its_questions_stood() {
    let mut desk = Desk::with(vec![session(1, "bad", failed("bad.lua:3: boom", None))]).resized(40, 10);
    desk.keys("<CR>");
    assert!(desk.picture(40, 10).contains("bad.lua:3: boom"), "{}", desk.picture(40, 10));
}

#[test]
fn sessions_of_one_title_are_told_apart_by_a_number() {
    const TITLE: &str = "a long title that only a wide list has room for";
    let mut desk = Desk::with(vec![session(1, TITLE, paused(1, 50, 1, &["?"]))]);
    assert!(!desk.picture(120, 36).contains('#'));
    desk.change(session(2, TITLE, paused(1, 5, 1, &["?"])));
    desk.change(session(2, TITLE, paused(1, 5, 1, &["?"])));
    for (width, height) in [(120, 36), (80, 24), (40, 10)] {
        let picture = desk.picture(width, height);
        assert!(picture.contains("… #1") && picture.contains("… #2"), "{picture}");
    }
    desk.keys("c <Esc> j c");
    assert!(desk.picture(120, 36).contains("Cancel a long title that only a wide list h… #2"));
}

#[test]
fn a_batch_tells_how_many_are_answered_in_the_same_way_everywhere() {
    let state = answered(&paused(1, 5, 1, &["One", "Two", "Three"]), 1, "person");
    let desk = Desk::with(vec![session(1, "judge", state)]);
    let picture = desk.picture(120, 36);
    assert!(picture.contains("1/3 “Two”") && picture.contains("1 of 3 answered"), "{picture}");
}

#[test]
fn a_kept_draft_is_marked_in_the_list_and_over_the_session_however_small_the_screen() {
    let mut desk = Desk::with(vec![session(1, "a", paused(1, 5, 1, &["One?"]))]).resized(40, 10);
    desk.keys("a half <Esc>");
    assert!(desk.picture(40, 10).contains("?✎a"), "{}", desk.picture(40, 10));
    let mut desk = desk.resized(30, 8);
    desk.keys("<CR>");
    assert!(desk.picture(30, 8).contains("✎ a"), "{}", desk.picture(30, 8));
}

#[test]
fn the_footer_offers_only_what_works_now() {
    let footer = |desk: &Desk| desk.picture(120, 36).lines().last().unwrap().to_owned();
    let mut desk = Desk::with(vec![session(1, "a", done(serde_json::json!(1)))]);
    desk.keys("<CR>");
    for absent in ["answer", "cancel", "next waiting", "next question", "same for the rest", "follow"] {
        assert!(!footer(&desk).contains(absent), "{absent}: {}", footer(&desk));
    }
    desk.change(session(2, "b", paused(1, 5, 1, &["One?"])));
    desk.keys("w a");
    assert!(!footer(&desk).contains("re-use") && !footer(&desk).contains("next question"), "{}", footer(&desk));
    desk.change(session(2, "b", paused(2, 5, 2, &["One?", "Two?"])));
    desk.keys("x <Esc> a");
    assert!(footer(&desk).contains("Alt-N next question"), "{}", footer(&desk));
}

#[test]
fn a_message_leaves_the_keys_and_gives_the_row_of_the_counts_back() {
    let mut desk = Desk::with(vec![session(1, "a", done(serde_json::json!(1)))]).resized(40, 10);
    desk.keys("x");
    let picture = desk.picture(40, 10);
    assert!(picture.contains("x does nothing here") && picture.contains("? help"), "{picture}");
    assert!(picture.contains("? shows the LIST\"\n\" keys "), "to its end: {picture}");
    assert!(picture.contains("LIST") && !picture.contains("1 session"), "{picture}");
    assert_eq!(desk.app.next_tick(), Some(NOW + 3_000));
    desk.later(3_000);
    assert!(desk.picture(40, 10).contains("1 session"), "{}", desk.picture(40, 10));
    assert_eq!(desk.app.next_tick(), None);
}

#[test]
fn progress_is_a_bar_in_the_list_and_over_the_session() {
    let mut computing = session(1, "ucb", running());
    computing.progress = Some(Arc::new(Progress { step: 4, total: 6, message: None }));
    let desk = Desk::with(vec![computing]);
    let bars = desk.picture(120, 36).matches("▇▇▇▇▁▁ 4/6").count();
    assert_eq!(bars, 2, "{}", desk.picture(120, 36));
}

#[test]
fn the_codes_of_a_cancel_are_explained_and_chosen_with_every_arrow() {
    let mut desk = Desk::with(vec![session(1, "a", running())]);
    desk.keys("c");
    assert!(desk.picture(80, 24).contains("somebody wanted it"), "{}", desk.picture(80, 24));
    desk.keys("<Tab> <Right> <Right> <Left>");
    assert!(desk.picture(80, 24).contains("it took longer than its caller would wait"));
    desk.keys("<C-s>");
    assert!(matches!(desk.deeds()[..], [Cmd::Cancel { reason, .. }] if reason.code == CancelCode::Timeout));
}

#[test]
fn a_held_session_says_so() {
    let mut summary = session(1, "a", running());
    let mut spec = (*summary.spec).clone();
    spec.held = true;
    (summary.spec, summary.last_seq) = (Arc::new(spec), 0);
    let mut desk = Desk::with(vec![summary]);
    let picture = desk.picture(120, 36);
    assert!(
        picture.contains("10m  held before its f…") && picture.contains("It is held before its first instruction"),
        "{picture}"
    );
    assert!(picture.contains("a · HELD 10m") && !picture.contains("RUNNING"), "{picture}");
    desk.keys("3");
    let desk = desk.resized(160, 36);
    assert!(desk.picture(160, 36).contains("before its first instruction; :release . lets it begin"));
}

#[test]
fn a_desk_without_sessions_says_how_to_get_some() {
    let picture = Desk::new(80, 24).picture(80, 24);
    for way in ["switchboard FILE.lua", "switchboard demo", "N                       one more, here"] {
        assert!(picture.contains(way), "{picture}");
    }
}

#[test]
fn where_there_is_room_for_one_pane_a_tab_is_gone_to() {
    let mut desk = Desk::with(vec![session(1, "a", done(serde_json::json!(1)))]).resized(40, 10);
    desk.keys("4");
    assert_eq!(desk.app.mode(), "SESSION");
    assert!(desk.picture(40, 10).contains("4 Result"));
    let mut desk = desk.resized(80, 24);
    desk.keys("<Esc> 4");
    assert_eq!(desk.app.mode(), "LIST", "where it is seen anyway nothing moves");
}

/// A session that runs a package and has failed there.
fn package() -> switchboard::engine::Summary {
    let mut summary = session(1, "scen", failed("[string \"scen/init.lua\"]:2: no cases", None));
    let mut spec = switchboard::domain::SessionSpec::clone(&summary.spec);
    spec.kind = SessionKind::Advice { strategy: "scen".into(), task: None, opts: None };
    summary.spec = Arc::new(spec);
    summary
}

#[test]
fn the_source_of_a_package_is_the_text_that_it_ran_with_the_line_that_failed() {
    let mut desk = Desk::with(vec![package()]);
    desk.keys("<CR> 5");
    let asked = desk.cmds.iter().filter(|cmd| matches!(cmd, Cmd::Module { .. })).count();
    let wanted = Cmd::Module { session: id(1), name: "scen".into() };
    assert_eq!((asked, desk.cmds.contains(&wanted)), (1, true), "{:?}", desk.cmds);
    assert!(desk.picture(120, 36).contains("Reading the text"), "{}", desk.picture(120, 36));
    let source = ModuleSource { path: "scen/init.lua".into(), text: "local M = {}\nerror 'no cases'\nreturn M".into() };
    desk.tell(Msg::Module { session: id(1), text: Ok(ModuleText { source, recorded: true }) });
    let picture = desk.picture(120, 36);
    for part in ["module scen/init.lua · failed at line 2", "▸  2 error 'no cases'", "   3 return M"] {
        assert!(picture.contains(part), "{part}: {picture}");
    }
    desk.keys("y");
    assert!(matches!(desk.cmds.last(), Some(Cmd::Copy(text)) if text.starts_with("local M")), "{:?}", desk.cmds.last());
    desk.keys("1 5");
    desk.tell(Msg::Module { session: id(1), text: Err("no module scen".into()) });
    assert!(desk.picture(120, 36).contains("There is no text to show: no module scen."), "{}", desk.picture(120, 36));
}
