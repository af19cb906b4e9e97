//! The frozen picture.

use switchboard::domain::{QueryId, ResumeOutcome};
use switchboard::tui::Msg;

use super::{Desk, NOW, done, id, log, paused, running, session};

#[test]
fn rule_7_data_keeps_flowing_behind_a_frozen_picture_and_the_title_says_how_much() {
    let mut desk = Desk::with(vec![session(1, "a", running()), session(2, "b", running())]);
    desk.keys("<CR> 2 F");
    desk.later(5_000);
    let status = desk.picture(120, 36);
    for seq in 4..=9 {
        desk.tell(Msg::Feed(id(1), vec![log(seq, &format!("line {seq}."))]));
    }
    let mut changed = session(1, "a", running());
    changed.last_seq = 9;
    desk.change(changed.clone());
    changed.last_seq = 10;
    desk.change(changed);
    let mut asks = session(2, "b", paused(1, 0, 1, &["Now?"]));
    asks.last_seq = 6;
    desk.change(asks);
    let picture = desk.picture(120, 36);
    assert!(picture.contains("FROZEN at 22:13:20 · behind it 2 sessions changed, 10 events"), "{picture}");
    let below = |picture: &str| picture.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(below(&picture), below(&status), "nothing but the title moves");
    assert_eq!(desk.app.next_tick(), None);

    desk.keys("F");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("line 9.") && picture.contains("1 waiting") && !picture.contains("FROZEN"), "{picture}");
    assert_eq!(desk.app.next_tick(), Some(NOW + 6_000));
}

#[test]
fn rule_7_what_the_person_does_is_seen_although_the_picture_is_frozen() {
    let mut desk = Desk::with(vec![session(1, "a", paused(1, 5, 1, &["One?"]))]);
    desk.keys("F a yes <C-s>");
    desk.change(session(1, "a", paused(2, 0, 2, &["Two?"])));
    assert!(desk.picture(120, 36).contains("One?"));
    desk.outcome(Ok(ResumeOutcome::Continued));
    assert!(desk.picture(120, 36).contains("Two?"));
    desk.keys("<M-n>");
    assert_eq!(desk.app.editing(), Some((QueryId::new(2), String::new())));
}

#[test]
fn rule_7_what_the_person_does_moves_no_row_of_a_frozen_picture_and_its_feed_goes_on() {
    let mut desk =
        Desk::with(vec![session(1, "a", paused(1, 50, 1, &["One?"])), session(2, "b", paused(1, 5, 1, &["Other?"]))]);
    desk.keys("/ state:paused <CR> F a yes <C-s>");
    desk.tell(Msg::Feed(id(1), vec![log(4, "before the outcome.")]));
    let mut more = session(1, "a", paused(2, 0, 2, &["Two?"]));
    more.last_seq = 9;
    desk.change(more);
    let mut other = session(2, "b", paused(1, 5, 1, &["Other?"]));
    other.last_seq = 5;
    desk.change(other.clone());
    desk.outcome(Ok(ResumeOutcome::Continued));
    desk.tell(Msg::Feed(id(1), vec![log(5, "behind the outcome.")]));
    desk.change(session(1, "a", done(1.into())));
    desk.keys("<Esc> 2");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("before the outcome.") && picture.contains("behind the outcome."), "{picture}");
    assert!(picture.contains("behind it 1 session changed, 2 events"), "{picture}");
    let row = |picture: &str, title: &str| picture.lines().position(|line| line.contains(title)).expect("it is shown");
    assert!(row(&picture, "✓ a") < row(&picture, "? b"), "the filter and the order wait, too: {picture}");
    desk.keys("F");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("1 of 2") && row(&picture, "? b") < row(&picture, "✓ a"), "{picture}");
}

#[test]
fn rule_7_a_flood_behind_a_frozen_picture_is_bounded_and_the_gap_is_told() {
    let mut desk = Desk::with(vec![session(1, "a", running())]);
    desk.keys("<CR> 2 F");
    for start in 0..12 {
        let items = (1..=1_000).map(|n| log(start * 1_000 + n, "x")).collect();
        desk.tell(Msg::Feed(id(1), items));
    }
    desk.keys("F g");
    assert!(desk.picture(120, 36).contains("7002"), "{}", desk.picture(120, 36));
}
