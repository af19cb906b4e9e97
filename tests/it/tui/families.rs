//! Children stand under the session that forked them, whatever the list is sorted, filtered and grouped by.

use std::sync::Arc;

use switchboard::domain::{Branch, ExecutionState, Parent, QueryId};
use switchboard::engine::Summary;
use switchboard::tui::{Cmd, Msg};

use super::{Desk, NOW, cancelled, done, failed, id, paused, running, session};

/// A session that `parent` has forked.
pub(super) fn child(n: u64, title: &str, parent: u64, state: ExecutionState) -> Summary {
    let mut summary = session(n, title, state);
    Arc::make_mut(&mut summary.spec).parent =
        Some(Parent { session: id(parent), fork: 1, index: 0, depth: 1, budget: None });
    summary
}

/// A session that goes on from `origin`, at its second query.
pub(super) fn branch(n: u64, title: &str, origin: u64, state: ExecutionState) -> Summary {
    let mut summary = session(n, title, state);
    Arc::make_mut(&mut summary.spec).branch = Some(Branch { of: id(origin), at: QueryId::new(2), made_at: 0 });
    summary
}

/// The names of the rows as they stand in the list, moved in as they are, and headings.
fn rows(desk: &Desk) -> Vec<String> {
    let picture = desk.picture(120, 36);
    let list = picture.lines().skip(2).map(|line| line.chars().skip(2).take(60).collect::<String>());
    list.map_while(|line| {
        if line.starts_with('─') {
            return Some(line.trim().to_owned());
        }
        let name: String = line.chars().skip(4).take(20).collect();
        line.chars().nth(2).is_some_and(|sign| "?✗●✓⊘".contains(sign)).then(|| name.trim_end().to_owned())
    })
    .collect()
}

/// A family of three generations among two others.
fn family() -> Desk {
    Desk::with(vec![
        session(1, "alone", paused(1, 100, 1, &["Alone?"])),
        session(2, "parent", running()),
        child(3, "runs", 2, running()),
        child(4, "waits", 2, running()),
        child(5, "grand", 4, running()),
        session(6, "other", failed("boom", None)),
    ])
}

#[test]
fn children_stand_under_their_parent_in_the_order_of_the_list() {
    let mut desk = family();
    assert_eq!(rows(&desk), ["alone", "other", "parent", "└ runs", "└ waits", "  └ grand"]);
    desk.keys("s s s");
    assert!(desk.status().contains("sorted by name"), "{}", desk.status());
    assert_eq!(rows(&desk), ["alone", "other", "parent", "└ runs", "└ waits", "  └ grand"]);
    desk.change(child(7, "answers", 2, running()));
    assert_eq!(rows(&desk)[2..], ["parent", "└ answers", "└ runs", "└ waits", "  └ grand"]);
}

#[test]
fn a_family_stands_where_the_member_stands_that_needs_attention_most() {
    let mut desk = family();
    desk.change(child(5, "grand", 4, paused(1, 500, 1, &["Since long?"])));
    assert_eq!(rows(&desk), ["parent", "└ waits", "  └ grand", "└ runs", "alone", "other"]);
    desk.change(child(5, "grand", 4, done(1.into())));
    assert_eq!(rows(&desk), ["alone", "other", "parent", "└ runs", "└ waits", "  └ grand"]);
    desk.keys("s");
    desk.change(child(5, "grand", 4, paused(1, 500, 1, &["Since long?"])));
    assert_eq!(rows(&desk), ["alone", "other", "parent", "└ runs", "└ waits", "  └ grand"], "stable moves nothing");
    desk.keys("S");
    assert_eq!(rows(&desk), ["parent", "└ waits", "  └ grand", "└ runs", "alone", "other"]);
    desk.change(child(5, "grand", 4, done(1.into())));
    desk.tell(Msg::Gone(vec![id(5)]));
    assert_eq!(rows(&desk), ["parent", "└ waits", "└ runs", "alone", "other"]);
}

#[test]
fn a_child_whose_parent_is_filtered_out_stands_by_itself() {
    let mut desk = family();
    desk.keys("/ waits <Space> or <Space> grand <CR>");
    assert_eq!(rows(&desk), ["waits", "└ grand"]);
    desk.keys("<Esc> / grand <Space> or <Space> parent <CR>");
    assert_eq!(rows(&desk), ["parent", "grand"], "with nobody shown between them they are no neighbours");
    desk.keys("<Esc> / state:running <CR>");
    assert_eq!(rows(&desk), ["parent", "└ runs", "└ waits", "  └ grand"]);
    desk.change(session(2, "parent", done(1.into())));
    // `parent` is selected or not: what it leaves stands by itself.
    let left: Vec<String> = rows(&desk).into_iter().filter(|row| row != "parent").collect();
    assert_eq!(left, ["runs", "waits", "└ grand"]);
    desk.change(session(2, "parent", running()));
    assert_eq!(rows(&desk), ["parent", "└ runs", "└ waits", "  └ grand"]);
}

#[test]
fn children_may_come_before_their_parent_and_stay_when_it_goes() {
    let mut desk = Desk::with(vec![child(5, "grand", 4, running()), child(4, "waits", 2, running())]);
    assert_eq!(rows(&desk), ["waits", "└ grand"]);
    desk.change(session(2, "parent", running()));
    assert_eq!(rows(&desk), ["parent", "└ waits", "  └ grand"]);
    desk.tell(Msg::Gone(vec![id(4)]));
    assert_eq!(rows(&desk), ["parent", "grand"]);
    desk.change(child(4, "waits", 2, running()));
    assert_eq!(rows(&desk), ["parent", "└ waits", "  └ grand"]);
}

#[test]
fn under_a_heading_a_child_stands_under_its_parent_only_if_that_is_there_too() {
    let mut desk = family();
    desk.keys("o");
    assert_eq!(
        rows(&desk),
        ["─ paused · 1", "alone", "─ failed · 1", "other", "─ running · 4", "parent", "└ runs", "└ waits", "  └ grand"]
    );
    desk.change(child(4, "waits", 2, paused(1, 500, 1, &["?"])));
    assert_eq!(
        rows(&desk),
        ["─ paused · 2", "waits", "alone", "─ failed · 1", "other", "─ running · 3", "parent", "└ runs", "grand"]
    );
}

#[test]
fn h_folds_a_family_and_moving_goes_past_it() {
    let mut desk = family();
    desk.keys("G");
    assert_eq!(desk.app.selected(), Some(id(5)));
    desk.keys("k k k k j j j j");
    assert_eq!(desk.app.selected(), Some(id(5)), "up and down are the same way");
    desk.keys("h");
    assert_eq!(desk.app.selected(), Some(id(4)), "the fold takes the selection along");
    assert_eq!(rows(&desk)[2..], ["parent", "└ runs", "└ waits ▸1"]);
    desk.keys("k k h");
    assert_eq!(rows(&desk), ["alone", "other", "parent ▸2"]);
    assert_eq!(desk.status(), "2 sessions folded away; h shows them");
    desk.keys("j G");
    assert_eq!(desk.app.selected(), Some(id(2)));
    desk.keys("g h");
    assert_eq!(desk.status(), "nothing stands under this session");
    desk.keys("s s s");
    assert_eq!(rows(&desk), ["alone", "other", "parent ▸2"], "folds outlive the order");
}

#[test]
fn whoever_goes_to_a_folded_session_sees_it() {
    let mut desk = family();
    desk.keys("j j h");
    desk.change(child(5, "grand", 4, paused(1, 50, 1, &["?"])));
    assert_eq!(rows(&desk), ["alone", "parent ▸2", "other"]);
    desk.keys("w w");
    assert_eq!(desk.app.selected(), Some(id(5)));
    assert_eq!(rows(&desk), ["alone", "parent", "└ waits", "  └ grand", "└ runs", "other"]);
}

#[test]
fn star_and_ranges_mark_what_is_seen_and_forms_say_what_is_not() {
    let mut desk = family();
    desk.keys("G k * k h");
    assert_eq!(rows(&desk)[2..], ["parent ▸2"]);
    desk.keys("c");
    assert!(desk.picture(120, 36).contains("Exactly these 6. The list hides 3 of them."), "{}", desk.picture(120, 36));
    desk.keys("<Esc> u *");
    assert!(desk.status().starts_with("3 sessions marked"), "{}", desk.status());
    desk.keys("u h G v g j j v");
    assert!(desk.status().starts_with("4 sessions marked"), "{}", desk.status());
    desk.keys("c <C-s>");
    let Some(Cmd::CancelAll { sessions, .. }) = desk.cmds.last() else { panic!("{:?}", desk.cmds) };
    assert_eq!(**sessions, [id(2), id(3), id(4), id(5)], "in the order of the list");
}

#[test]
fn the_number_behind_a_title_is_found() {
    let mut desk =
        Desk::with(vec![session(1, "judge", running()), session(2, "judge", running()), session(3, "poet", running())]);
    desk.keys("/ #2 <CR>");
    assert_eq!(rows(&desk), ["judge #2"]);
    desk.keys("<Esc> / #1 <CR>");
    assert_eq!(rows(&desk), ["judge #1"], "one that got its number only when another came, and no other");
}

#[test]
fn the_number_behind_a_title_follows_from_the_birth_and_not_from_when_the_desk_heard_of_it() {
    let born = |n: u64, at: i64| Summary { created_at: 1_000 + at, ..session(n, "judge", running()) };
    let sessions = [born(4, 10), born(2, 20), born(1, 30), born(3, 30), born(5, 40)];
    let numbers = |desk: &Desk| (1..=5).map(|n| desk.app.name(id(n))).collect::<Vec<_>>();
    let expected = ["judge #3", "judge #2", "judge #4", "judge #1", "judge #5"];
    let mut backwards = Desk::new(120, 36);
    for one in sessions.iter().rev() {
        backwards.change(one.clone());
    }
    assert_eq!(numbers(&backwards), expected);
    assert_eq!(numbers(&Desk::with(sessions.to_vec())), expected);
    backwards.keys("/ #2 <CR>");
    assert_eq!(rows(&backwards), ["judge #2"], "the filter knows the numbers, too");
    backwards.keys("<Esc>");
    // It is kept while the desk runs, whoever goes.
    backwards.tell(Msg::Gone(vec![id(4), id(2)]));
    backwards.change(born(6, 50));
    assert_eq!(backwards.app.name(id(3)), "judge #4");
    assert_eq!(backwards.app.name(id(6)), "judge #6");
    // A branch is as old as the session it goes on from, and was born when it was made.
    let made = |n, made_at| {
        let mut summary = Summary { created_at: 1_030, ..branch(n, "judge", 3, running()) };
        Arc::make_mut(&mut summary.spec).branch.as_mut().expect("a branch").made_at = made_at;
        summary
    };
    backwards.change(made(0, 1_055));
    assert_eq!(["judge #7", "judge #4"].map(str::to_owned), [0, 3].map(|n| backwards.app.name(id(n))));
    backwards.change(born(7, 60));
    assert_eq!(backwards.app.name(id(7)), "judge #8");
    // The next start sees the same, in whichever order it reads them; a record from before has no birth of its own.
    let again = [&[made(0, 1_055), made(8, 0)], &sessions[..]].concat();
    let again = Desk::with(again);
    assert_eq!([3, 8, 5, 0].map(|n| again.app.name(id(n))), ["judge #4", "judge #5", "judge #6", "judge #7"]);
}

#[test]
fn a_filter_by_number_finds_whoever_has_the_number_now() {
    let born = |n: u64, at: i64| Summary { created_at: at, ..session(n, "judge", running()) };
    let mut desk = Desk::with(vec![born(1, 10), born(2, 20), born(3, 30)]);
    desk.keys("/ #2 <CR>");
    // The row of a selection that the filter hides stays until the selection goes on.
    let found = |desk: &mut Desk| {
        desk.keys("g g");
        (desk.app.selected(), rows(desk))
    };
    assert_eq!(found(&mut desk), (Some(id(2)), vec!["judge #2".to_owned()]));
    desk.change(born(4, 5));
    desk.tell(Msg::Work);
    assert_eq!(found(&mut desk), (Some(id(1)), vec!["judge #2".to_owned()]));
    // While everything is frozen nothing moves; then it does.
    desk.keys("F");
    desk.change(born(5, 1));
    desk.tell(Msg::Work);
    assert_eq!(found(&mut desk), (Some(id(1)), vec!["judge #2".to_owned()]));
    desk.keys("F");
    desk.tell(Msg::Work);
    assert_eq!(found(&mut desk), (Some(id(4)), vec!["judge #2".to_owned()]));
}

#[test]
fn a_fork_that_waits_says_where_its_children_stand_and_how_to_see_them() {
    let waits = |n| ExecutionState::Running { waiting_on: Some(n) };
    let mut desk = Desk::with(vec![
        session(1, "forks", waits(2)),
        child(2, "poet", 1, paused(1, 5, 1, &["Which rhyme?"])),
        child(3, "critic", 1, running()),
        child(4, "judge", 1, done(1.into())),
    ]);
    let says = |desk: &Desk, text: &str| {
        for (width, height) in [(120, 36), (80, 24)] {
            let picture = desk.picture(width, height);
            assert!(picture.contains(text), "{text}: {picture}");
        }
    };
    says(&desk, "They stand under it in the list, and ask there.");
    desk.keys("/ forks <CR>");
    says(&desk, "The filter hides them; Esc in the list removes it.");
    desk.keys("/ <C-u> forks <Space> or <Space> critic <CR>");
    says(&desk, "The filter hides 1 of them; Esc in the list removes it.");
    desk.keys("<Esc> h");
    says(&desk, "They are folded away in the list; h there shows them.");
    desk.keys("h o");
    says(&desk, "They stand in the list under the headings of their");
}

#[test]
fn each_change_leaves_the_order_that_arranging_anew_would_make() {
    // A small generator: the same changes in every run.
    let mut state = 0x9e37_79b9_u64;
    let mut random = move |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut desk = Desk::new(120, 60);
    desk.keys("/ -state:cancelled <CR>");
    for step in 0..600 {
        let n = random(24) + 1;
        let title = format!("s{n}");
        let state = match random(5) {
            0 => running(),
            1 => paused(1, n.cast_signed() * 7, 1, &["?"]),
            2 => done(1.into()),
            3 => failed("boom", None),
            _ => cancelled("no", running()),
        };
        // The first six have no parent; of the others each has a fixed one before it.
        let summary = if n <= 6 { session(n, &title, state) } else { child(n, &title, n / 2, state) };
        if random(12) == 0 {
            desk.tell(Msg::Gone(vec![id(n)]));
        } else {
            desk.change(summary);
        }
        if step % 20 == 0 {
            desk.keys("g");
            let before = rows(&desk);
            // Through all orders and groupings back to where it was.
            desk.keys("s s s s s s s o o o o g");
            assert_eq!(before, rows(&desk), "step {step}");
        }
    }
}

#[test]
fn a_branch_stands_under_the_session_it_goes_on_from_with_a_sign_of_its_own() {
    let mut desk = Desk::with(vec![
        session(1, "origin", cancelled("rewound to q-2", running())),
        branch(2, "origin", 1, paused(1, 5, 2, &["Again?"])),
        branch(3, "origin", 2, running()),
        child(4, "child", 2, running()),
    ]);
    assert_eq!(rows(&desk), ["origin #1", "↳ origin #2", "  ↳ origin #3", "  └ child"]);
    desk.keys("h");
    assert_eq!(rows(&desk), ["origin #1 ▸1"]);
}

#[test]
fn a_parent_that_waits_says_who_asks_and_a_cancel_of_it_how_many_end_with_it() {
    let mut desk = family();
    desk.keys("g j j");
    assert_eq!(desk.app.selected(), Some(id(2)));
    assert!(desk.picture(120, 36).contains("asks nothing"));
    desk.change(session(2, "parent", ExecutionState::Running { waiting_on: Some(2) }));
    assert!(desk.picture(120, 36).contains("It waits for the children"), "{}", desk.picture(120, 36));
    desk.keys("c");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("3 sessions below it, which it has forked, end with it."), "{picture}");
    desk.change(child(5, "grand", 4, done(1.into())));
    desk.keys("<Esc> j j c");
    assert!(!desk.picture(120, 36).contains("end with it"), "one that has no children, or only ended ones");
}

#[test]
fn a_fork_that_waits_says_what_the_sessions_do_that_it_waits_for() {
    let waits = |n| ExecutionState::Running { waiting_on: Some(n) };
    let mut desk = Desk::with(vec![
        session(1, "plan", waits(3)),
        child(2, "poet", 1, running()),
        child(3, "critic", 1, paused(1, 5, 1, &["What is wrong with it?"])),
        child(4, "judge", 1, done(1.into())),
    ]);
    desk.keys("/ plan <CR>");
    let rows = |desk: &Desk| {
        let picture = desk.picture(120, 36);
        let at = |text: &str| picture.find(text).unwrap_or_else(|| panic!("{text}: {picture}"));
        [at("? critic asks “What is wrong with it?”"), at("● poet is running"), at("✓ judge is done")]
    };
    assert!(rows(&desk).is_sorted(), "those that ask first");
    let mut changed = child(2, "poet", 1, paused(1, 1, 1, &["Which rhyme?"]));
    changed.last_seq += 2;
    desk.change(changed);
    assert!(desk.picture(120, 36).contains("? poet asks “Which rhyme?”"), "{}", desk.picture(120, 36));
}

#[test]
fn a_branch_is_as_old_as_it_is_there_whatever_the_session_it_goes_on_from() {
    let minute = 60_000;
    // Made two minutes ago of a session that is ten minutes old and has waited nine of them.
    let mut made = branch(3, "branch", 1, paused(1, 9 * 60, 1, &["Well?"]));
    Arc::make_mut(&mut made.spec).branch.as_mut().unwrap().made_at = NOW - 2 * minute;
    let mut fresh = session(2, "fresh", paused(1, 4 * 60, 1, &["Fresh?"]));
    fresh.created_at = NOW - 5 * minute;
    let old = session(1, "old", paused(1, 9 * 60, 1, &["Well?"]));
    let mut desk = Desk::with(vec![old.clone(), fresh.clone(), made.clone()]);
    let row = |desk: &Desk, name: &str| {
        let picture = desk.picture(120, 36);
        picture.lines().find(|line| line.chars().take(40).collect::<String>().contains(name)).unwrap().to_owned()
    };
    assert!(row(&desk, "branch").contains(" 2m ") && row(&desk, "old").contains(" 9m "), "{}", desk.picture(120, 36));
    assert!(row(&desk, "fresh").contains(" 4m "));
    for (filter, shown) in [("age<3m", true), ("age>3m", false), ("wait<3m", true), ("wait>3m", false)] {
        desk.keys("/");
        desk.paste(filter);
        desk.keys("<CR>");
        assert_eq!(rows(&desk).iter().any(|row| row.contains("branch")), shown, "{filter}");
        desk.keys("<Esc>");
    }
    // By itself it stands where its own birth puts it.
    let mut alone = Desk::with(vec![fresh, made]);
    assert_eq!(rows(&alone), ["fresh", "branch"], "the longest wait first");
    alone.keys("s s");
    assert!(alone.status().contains("sorted by started"), "{}", alone.status());
    assert_eq!(rows(&alone), ["branch", "fresh"], "the newest first");
    alone.keys("s s s");
    assert!(alone.status().contains("sorted by waiting"), "{}", alone.status());
    assert_eq!(rows(&alone), ["fresh", "branch"]);
    // One that runs, and one that has ended.
    let mut desk = Desk::with(vec![Summary { state: running(), ..old }]);
    let mut ended = branch(4, "ended", 1, done(serde_json::json!("x")));
    Arc::make_mut(&mut ended.spec).branch.as_mut().unwrap().made_at = ended.last_at - 3_000;
    let mut runs = branch(5, "runs", 1, running());
    Arc::make_mut(&mut runs.spec).branch.as_mut().unwrap().made_at = NOW - 7_000;
    desk.tell(Msg::Changed(vec![ended, runs]));
    assert!(row(&desk, "runs").contains(" 7s ") && row(&desk, "ended").contains(" 3.0s "), "{}", desk.picture(120, 36));
}
