//! The form that starts sessions, by keystroke.

use std::sync::Arc;

use switchboard::engine::Package;
use switchboard::tui::{Cmd, Msg, Start, Wanted};

use super::families::{branch, child};
use super::{Desk, failed, id, running, session};

fn started(desk: &Desk) -> Vec<&Start> {
    desk.cmds.iter().filter_map(|cmd| if let Cmd::Start(start) = cmd { Some(start) } else { None }).collect()
}

fn package(name: &str, summary: &str, required: &[&str]) -> Package {
    Package {
        name: name.into(),
        summary: Some(summary.into()),
        required: required.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// A desk with an open form that has heard of three packages.
fn with_packages() -> Desk {
    let mut desk = Desk::new(120, 36);
    desk.keys("N");
    assert!(desk.cmds.contains(&Cmd::Packages), "the loop looks which packages there are");
    desk.tell(Msg::Packages(vec![
        package("cot", "think in steps", &["task"]),
        package("council", "several voices and a verdict", &["task", "voices", "rounds"]),
        package("panel", "asks a council of experts", &[]),
    ]));
    desk
}

#[test]
fn a_session_is_started_from_a_file_whose_path_is_completed() {
    let mut desk = Desk::new(120, 36);
    desk.keys("N re");
    assert_eq!(desk.app.mode(), "NEW");
    assert!(desk.cmds.contains(&Cmd::Complete { begun: "re".into(), wanted: Wanted::Program }));
    let offers = vec!["review/a.lua".to_owned(), "review/b.lua".to_owned()];
    desk.tell(Msg::Offers { begun: "re".into(), wanted: Wanted::Program, offers });
    assert!(desk.picture(120, 36).contains("review/b.lua"));
    desk.keys("<Tab> a.lua <CR>");
    assert!(started(&desk).is_empty(), "Enter starts nothing");
    desk.keys("<S-Tab> <C-s>");
    assert_eq!(started(&desk), [&Start::File("review/a.lua".into())]);
    let start = started(&desk)[0].clone();
    desk.tell(Msg::Started { start: start.clone(), result: Err("review/a.lua: no such file".into()) });
    assert_eq!(desk.status(), "not started: review/a.lua: no such file");
    assert_eq!(desk.app.mode(), "NEW", "the form is there again");
    assert!(desk.picture(120, 36).contains("review/a.lua"), "with what was written");
    desk.keys("<C-s>");
    desk.tell(Msg::Started { start, result: Ok((id(7), "a.lua".into())) });
    assert!(desk.status().contains("a.lua is started: session"), "{}", desk.status());
}

#[test]
fn an_offered_path_is_chosen_with_arrows_and_taken_with_enter() {
    let mut desk = Desk::new(120, 36);
    desk.keys("N");
    let offers = ["a.lua", "b.lua", "c/"].map(str::to_owned).to_vec();
    desk.tell(Msg::Offers { begun: String::new(), wanted: Wanted::Program, offers });
    desk.keys("<Down> <Down> <CR>");
    assert_eq!(
        desk.cmds.last(),
        Some(&Cmd::Complete { begun: "c/".into(), wanted: Wanted::Program }),
        "a directory is gone into"
    );
    desk.keys("d.lua <C-s>");
    assert_eq!(started(&desk), [&Start::File("c/d.lua".into())]);
}

#[test]
fn a_session_is_started_from_typed_code() {
    let mut desk = Desk::with(vec![session(1, "a", running())]);
    desk.keys("N <Tab> return <CR> 1 <Esc>");
    assert!(desk.status().contains("kept for the next N"));
    desk.keys("N <C-s>");
    assert_eq!(started(&desk), [&Start::Code("return\n1".into())]);
    let before = desk.app.selected();
    desk.change(session(2, "return", running()));
    assert_eq!(desk.app.selected(), before, "rule 1: a new session takes nothing along");
}

#[test]
fn the_kind_is_chosen_before_the_first_field() {
    let mut desk = with_packages();
    desk.keys("<S-Tab>");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("[run]") && picture.contains("a program: a file, or typed code"), "{picture}");
    desk.keys("<Right>");
    assert!(desk.picture(120, 36).contains("[advice]"));
    desk.keys("<Right> <Right> <Left>");
    assert!(desk.picture(120, 36).contains("[eval]"), "it starts over at either end");
    desk.keys("x <CR>");
    assert!(started(&desk).is_empty());
}

#[test]
fn a_package_is_found_by_its_name_or_by_what_it_says_and_asked_for_what_it_needs() {
    let mut desk = with_packages();
    desk.keys("<S-Tab> <Right> <Tab>");
    let picture = desk.picture(120, 36);
    for line in ["cot", "think in steps", "council", "several voices and a verdict"] {
        assert!(picture.contains(line), "{line}: {picture}");
    }
    desk.keys("council");
    assert!(desk.picture(120, 36).contains("rounds"), "what it needs is asked for");
    desk.keys("<C-s>");
    assert_eq!(desk.status(), "task is blank, and council needs it");
    desk.keys("Buy <Space> or <Space> make? <C-s>");
    assert_eq!(desk.status(), "voices is blank, and council needs it (\"\" is an empty text)");
    desk.keys("[\"a\"] <Tab> three <Tab> {\"depth\": <Space> 2} <C-s>");
    let opts = serde_json::json!({ "voices": ["a"], "rounds": "three", "depth": 2 });
    let task = Some("Buy or make?".to_owned());
    assert_eq!(started(&desk), [&Start::Advice { strategy: "council".into(), task, opts: Some(opts) }]);
}

#[test]
fn a_package_that_is_spelt_out_is_the_chosen_one() {
    let mut desk = with_packages();
    desk.keys("<S-Tab> <Right> <Tab> panel");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("▸ panel") && picture.contains("  cot"), "the others may be wanted instead: {picture}");
    desk.keys("<CR> <C-s>");
    let strategy = "panel".to_owned();
    assert_eq!(started(&desk), [&Start::Advice { strategy, task: None, opts: None }]);
}

#[test]
fn a_file_and_code_at_once_start_neither() {
    for last in ["", "<S-Tab>"] {
        let mut desk = Desk::new(120, 36);
        desk.keys("N a.lua <CR> return <Space> 1");
        desk.keys(last);
        desk.keys("<C-s>");
        assert!(started(&desk).is_empty());
        assert_eq!(desk.status(), "a file and code are both written: empty one of them");
        assert_eq!(desk.app.mode(), "NEW");
        desk.keys("<C-a> <C-k> <C-s>");
        assert_eq!(started(&desk).len(), 1);
    }
}

#[test]
fn a_package_is_taken_from_the_list_and_its_options_must_be_an_object() {
    let mut desk = with_packages();
    desk.keys("<S-Tab> <Right> <Tab> experts <CR>");
    assert!(desk.picture(120, 36).contains("▸ task"), "Enter takes the package and goes on");
    desk.keys("<Tab> 5 <C-s>");
    assert_eq!(desk.status(), "options: not a JSON object; write such as {\"depth\": 2}");
    desk.keys("<BS> <C-s>");
    let strategy = "panel".to_owned();
    assert_eq!(started(&desk), [&Start::Advice { strategy, task: None, opts: None }]);
}

#[test]
fn a_package_is_tried_on_a_scenario() {
    let mut desk = with_packages();
    desk.keys("<S-Tab> <Left> <Tab> <C-s>");
    assert_eq!(desk.status(), "no package is chosen yet");
    desk.keys("cot <Tab> <C-s>");
    assert_eq!(desk.status(), "no scenario is named yet: a file, or a name");
    desk.keys("sums <C-s>");
    let (strategy, scenario) = ("cot".to_owned(), "sums".to_owned());
    assert_eq!(started(&desk), [&Start::Eval { strategy, scenario, opts: None }]);
}

#[test]
fn without_packages_the_form_says_so() {
    let mut desk = Desk::new(80, 24);
    desk.keys("N <S-Tab> <Right> <Tab>");
    assert!(desk.picture(80, 24).contains("no package is on the library path"));
}

#[test]
fn r_runs_the_same_program_again_and_moves_nothing() {
    let summary = session(1, "a", failed("boom", None));
    let spec = Arc::clone(&summary.spec);
    let mut desk = Desk::with(vec![summary]);
    desk.keys("r");
    assert_eq!(started(&desk), [&Start::Again(spec)]);
    assert_eq!(desk.app.selected(), Some(id(1)));
}

#[test]
fn r_runs_a_branch_or_a_child_by_itself() {
    let plain = Arc::clone(&session(1, "a", running()).spec);
    for other in [branch(2, "a", 1, running()), child(2, "a", 1, running())] {
        let mut desk = Desk::with(vec![other]);
        desk.keys("r");
        assert_eq!(started(&desk), [&Start::Again(Arc::clone(&plain))]);
    }
}

#[test]
fn the_session_that_was_started_is_selected_unless_one_has_gone_on_meanwhile() {
    let start = |meanwhile: &str, is_told_first: bool| {
        let mut desk = Desk::with(vec![session(1, "a", running()), session(2, "b", running())]);
        desk.keys("r");
        let Some(Cmd::Start(start)) = desk.cmds.last().cloned() else { panic!("{:?}", desk.cmds) };
        let told = Msg::Started { start, result: Ok((id(3), "new".into())) };
        let there = Msg::Changed(vec![session(3, "new", running())]);
        let (first, second) = if is_told_first { (told, there) } else { (there, told) };
        desk.tell(first);
        desk.keys(meanwhile);
        desk.tell(second);
        let observed = desk.cmds.iter().rev().find(|cmd| matches!(cmd, Cmd::Observe { .. })).cloned();
        assert!(matches!(observed, Some(Cmd::Observe { session, .. }) if Some(session) == desk.app.selected()));
        desk.app.selected()
    };
    for is_told_first in [true, false] {
        assert_eq!(start("", is_told_first), Some(id(3)));
        assert_eq!(start("<CR>", is_told_first), Some(id(1)), "the keyboard is in the session");
        assert_eq!(start("c", is_told_first), Some(id(1)), "a form is open");
        assert_eq!(start("j", is_told_first), Some(id(2)), "another is selected");
    }
}

#[test]
fn tab_stays_in_the_path_while_it_is_not_known_which_is_meant() {
    let mut desk = Desk::new(120, 36);
    desk.keys("N p/2");
    desk.tell(Msg::Offers {
        begun: "p/2".into(),
        wanted: Wanted::Program,
        offers: vec!["p/20.lua".into(), "p/21.lua".into()],
    });
    desk.tell(Msg::Offers {
        begun: "p/2".into(),
        wanted: Wanted::Program,
        offers: vec!["p/20.lua".into(), "p/21.lua".into()],
    });
    desk.keys("<Tab>");
    assert!(desk.picture(120, 36).contains("▸ p/21.lua"), "it goes round what fits: {}", desk.picture(120, 36));
    desk.keys("<CR> <C-s>");
    assert_eq!(started(&desk), [&Start::File("p/21.lua".into())]);
}

#[test]
fn ctrl_u_begins_a_line_anew() {
    let mut desk = Desk::with(vec![session(1, "a", running())]);
    desk.keys("/ state:done <C-u> state:running <CR>");
    assert!(desk.picture(120, 36).contains("/state:running"), "{}", desk.picture(120, 36));
    desk.keys("N wrong <C-u> a.lua <C-s>");
    assert_eq!(started(&desk), [&Start::File("a.lua".into())]);
}
