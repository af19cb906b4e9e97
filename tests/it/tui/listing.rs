//! The list: its order, moving in it, and what it costs.

use std::sync::Arc;

use switchboard::domain::{EventKind, SessionSpec};
use switchboard::engine::{Presence, Progress, Summary};
use switchboard::tui::{Cmd, Msg};

use super::{Desk, NOW, cancelled, done, event, failed, id, log, paused, running, session};

fn order(desk: &Desk, names: &[&str]) -> Vec<String> {
    let picture = desk.picture(120, 36);
    let list = picture.lines().map(|line| line.chars().take(48).collect::<String>());
    list.filter_map(|line| names.iter().find(|name| line.contains(&format!(" {name} "))).map(ToString::to_string))
        .collect()
}

#[test]
fn what_needs_attention_stands_first() {
    let desk = Desk::with(vec![
        session(1, "ended", done(serde_json::json!(1))),
        session(2, "runs", running()),
        session(3, "fell", failed("boom", None)),
        session(4, "young", paused(1, 5, 1, &["?"])),
        session(5, "old", paused(1, 500, 1, &["?"])),
    ]);
    let names = ["ended", "runs", "fell", "young", "old"];
    assert_eq!(order(&desk, &names), ["old", "young", "fell", "runs", "ended"]);
}

#[test]
fn those_that_wait_to_be_released_are_counted_as_what_they_are() {
    let twice = Summary { presence: Presence::Suspended, ..session(2, "twice", running()) };
    let held = session(3, "held", running());
    let spec = Arc::new(SessionSpec { held: true, ..SessionSpec::clone(&held.spec) });
    let held = Summary { spec, last_seq: 0, ..held };
    let mut desk = Desk::with(vec![session(1, "runs", running()), twice, held.clone()]);
    let header = |desk: &Desk| desk.picture(120, 36).lines().next().unwrap_or_default().to_owned();
    assert!(header(&desk).contains("3 sessions · 1 suspended · 1 held · 1 running  "), "{}", header(&desk));
    assert_eq!(desk.app.title(), "switchboard: 0 waiting, 1 running, 1 suspended, 1 held");
    desk.keys("q");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("3 sessions have not ended (0 waiting, 1 running, 1"), "{picture}");
    desk.keys("n");
    assert!(picture.contains("● held                 held        10m"), "the word of its row: {picture}");
    for (filter, shown) in
        [("is:held", "held"), ("is:suspended", "twice"), ("state:running -is:held -is:suspended", "runs")]
    {
        desk.keys("/ <C-u>");
        desk.paste(filter);
        desk.keys("<CR> g");
        let picture = desk.picture(120, 36);
        let here = picture.lines().find(|line| line.contains('▶')).unwrap_or_default();
        assert!(picture.contains("1 of 3") && here.contains(&format!(" {shown} ")), "{filter}: {picture}");
    }
    desk.keys("<Esc>");
    // Released, it is like any other.
    desk.change(Summary { last_seq: 1, ..held });
    desk.change(session(2, "twice", done(1.into())));
    assert!(header(&desk).contains("3 sessions · 2 running · 1 done  "), "{}", header(&desk));
    assert_eq!(desk.app.title(), "switchboard: 2 running");
}

#[test]
fn w_goes_round_the_waiting_sessions_oldest_first() {
    let mut desk = Desk::with(vec![
        session(1, "runs", running()),
        session(2, "young", paused(1, 5, 1, &["?"])),
        session(3, "old", paused(1, 500, 1, &["?"])),
        session(4, "middle", paused(1, 50, 1, &["?"])),
    ]);
    desk.keys("G");
    let mut seen = Vec::new();
    for key in ["w", "w", "w", "w", "W", "W"] {
        desk.keys(key);
        seen.push(desk.app.selected().unwrap());
    }
    assert_eq!(seen, [id(3), id(4), id(2), id(3), id(2), id(4)]);
}

#[test]
fn moving_observes_the_selected_session_from_the_end_that_is_shown() {
    let mut long = session(2, "b", running());
    long.last_seq = 12_345;
    let mut desk = Desk::with(vec![session(1, "a", paused(1, 5, 1, &["?"])), long]);
    desk.keys("j");
    assert_eq!(
        desk.cmds,
        [Cmd::Observe { session: id(1), from: 1 }, Cmd::Observe { session: id(2), from: 12_345 - 5_000 + 1 }]
    );
}

#[test]
fn a_feed_of_another_session_is_not_shown() {
    let mut desk = Desk::with(vec![session(1, "a", running())]);
    desk.tell(Msg::Feed(id(9), vec![log(1, "not mine")]));
    desk.tell(Msg::Feed(id(1), vec![event(1, EventKind::LogDropped { n: 3 })]));
    let picture = desk.picture(120, 36);
    assert!(!picture.contains("not mine"));
    assert!(picture.contains("3 lines came too fast"));
}

#[test]
fn a_feed_scrolls_and_follows() {
    let mut desk = Desk::with(vec![session(1, "a", running())]).resized(80, 24);
    desk.keys("<CR> 2");
    for seq in 1..=6_000 {
        desk.tell(Msg::Feed(id(1), vec![log(seq, &format!("line-{seq}-"))]));
    }
    assert!(desk.picture(80, 24).contains("line-6000-"));
    desk.keys("g");
    assert!(desk.picture(80, 24).contains("line-1001-"), "the oldest kept line");
    desk.keys("G k f");
    desk.tell(Msg::Feed(id(1), vec![log(6_001, "line-6001-")]));
    assert!(desk.picture(80, 24).contains("line-6001-"), "f follows again");
}

#[test]
fn nothing_moves_when_nobody_waits_or_runs() {
    let ended = [done(serde_json::json!(1)), failed("boom", None), cancelled("no", running())];
    let desk = Desk::with(ended.into_iter().zip(1..).map(|(state, n)| session(n, "s", state)).collect());
    assert_eq!(desk.app.next_tick(), None);
    let desk = Desk::with(vec![session(1, "s", paused(1, 5, 1, &["?"]))]);
    assert_eq!(desk.app.next_tick(), Some(NOW + 1_000), "seconds below a minute");
    let mut desk = Desk::with(vec![session(1, "s", paused(1, 90, 1, &["?"]))]);
    assert_eq!(desk.app.next_tick(), Some(NOW + 30_000), "minutes above");
    desk.tell(Msg::Time(NOW + 30_000));
    assert_eq!(desk.app.next_tick(), Some(NOW + 90_000));
}

#[test]
fn a_hundred_thousand_sessions_are_a_list_like_any_other() {
    let sessions = (1..=100_000).map(|n| session(n, &format!("s{n}"), running())).collect();
    let mut desk = Desk::with(sessions);
    desk.keys("G k g j");
    for n in 0..10_000_u32 {
        let n = u64::from(n);
        desk.change(session(n + 1, "changed", paused(1, n.cast_signed(), 1, &["?"])));
        desk.keys("j");
    }
    desk.keys("w W <C-d> <C-u>");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("100000 sessions · 10000 waiting"), "{picture}");
}

#[test]
fn the_selected_row_keeps_its_place_on_the_screen_in_a_long_list() {
    let mut desk = Desk::with((1..=500).map(|n| session(n, &format!("s{n}"), running())).collect());
    for _ in 0..100 {
        desk.keys("j");
    }
    desk.keys("k k k k k");
    let row = |desk: &Desk| desk.picture(120, 36).lines().position(|line| line.contains('▶'));
    let before = row(&desk);
    for n in 300..350 {
        desk.change(session(n, "waits", paused(1, 5, 1, &["?"])));
    }
    assert_eq!(row(&desk), before);
}

#[test]
fn the_bar_of_a_progress_gives_way_before_its_figure() {
    let mut summary = session(1, "steps", running());
    summary.progress = Some(Arc::new(Progress { step: 37, total: 400, message: None }));
    let desk = Desk::with(vec![summary]);
    assert!(desk.picture(160, 36).contains("▁▁▁▁▁▁ 37/400"), "{}", desk.picture(160, 36));
    let narrow = desk.resized(100, 30).picture(100, 30);
    let row = narrow.lines().nth(2).unwrap();
    assert!(row.contains(" 37/400") && !row.contains('▁'), "{narrow}");
}

#[test]
fn q_drops_a_range_before_it_quits() {
    let mut desk = Desk::with(vec![session(1, "a", done(1.into()))]);
    desk.keys("v q");
    assert!(desk.deeds().is_empty());
    assert!(desk.status().starts_with("no range any more"), "{}", desk.status());
}

#[test]
fn what_a_filter_lacks_is_said_only_as_long_as_it_lacks_it() {
    let mut desk = Desk::with(vec![session(1, "a", paused(1, 5, 1, &["?"]))]);
    desk.keys("/ w a i t <");
    assert!(desk.status().contains("needs a duration"), "{}", desk.status());
    desk.keys("5 m");
    assert_eq!(desk.status(), "");
}

#[test]
fn a_verb_that_names_no_marked_ones_leaves_a_range_as_it_is() {
    let mut desk = Desk::with(vec![session(1, "a", paused(1, 5, 1, &["?"])), session(2, "b", paused(1, 4, 1, &["?"]))]);
    desk.keys("v j : r e l e a s e <Space> z z z <C-s> <Esc>");
    desk.keys("<Esc>");
    assert!(desk.status().starts_with("no range any more"), "{}", desk.status());
}

#[test]
fn a_key_that_does_nothing_in_a_window_says_so() {
    let mut desk = Desk::with(vec![session(1, "a", paused(1, 5, 1, &["?"]))]);
    for (open, way_on) in [("C", "? shows the keys"), ("D", "? shows the keys"), ("?", "Esc goes back")] {
        desk.keys(open);
        desk.keys("N");
        let said = format!("N does nothing here; {way_on}");
        for (width, height) in [(120, 36), (80, 24)] {
            assert!(desk.picture(width, height).contains(&said), "{}", desk.picture(width, height));
        }
        desk.keys("<Esc>");
    }
}
