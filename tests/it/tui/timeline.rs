//! The Timeline tab: a session's life, moment by moment.

use switchboard::domain::{EventKind, ObserverRecvError, Phase, SessionId, StateName};
use switchboard::tui::{Cmd, FeedItem, Msg};

use super::branches::life;
use super::{Desk, event, id, log, paused, running, session};

fn pages(desk: &Desk) -> Vec<(SessionId, u64, u64)> {
    let page = |cmd: &Cmd| match cmd {
        Cmd::Life { session, from, to } => Some((*session, *from, *to)),
        _ => None,
    };
    desk.cmds.iter().filter_map(page).collect()
}

fn opened(last: u64) -> Desk {
    let mut summary = session(1, "plan", running());
    summary.last_seq = last;
    let mut desk = Desk::with(vec![summary, session(2, "other", running())]);
    desk.keys("<CR> 6");
    desk
}

#[test]
fn a_life_is_read_page_by_page_and_goes_on_as_it_happens() {
    let mut desk = opened(2_500);
    assert_eq!(pages(&desk), [(id(1), 1, 1_000)], "one page at a time");
    desk.later(1000);
    assert_eq!(pages(&desk).len(), 1, "and no more while one is under way");
    let page = |from: u64, to: u64| (from..=to).map(|seq| log(seq, "a line")).collect::<Vec<FeedItem>>();
    desk.tell(Msg::Life { session: id(1), from: 1, items: page(1, 1_000) });
    desk.tell(Msg::Life { session: id(1), from: 1, items: page(1, 1_000) });
    desk.tell(Msg::Life { session: id(1), from: 1_001, items: page(1_001, 2_000) });
    desk.tell(Msg::Life { session: id(1), from: 2_001, items: page(2_001, 2_500) });
    assert_eq!(pages(&desk)[1..], [(id(1), 1_001, 2_000), (id(1), 2_001, 2_500)]);
    let mut more = session(1, "plan", running());
    more.last_seq = 2_600;
    desk.change(more);
    assert_eq!(pages(&desk)[3..], [(id(1), 2_501, 2_600)]);
    desk.tell(Msg::Life { session: id(1), from: 2_501, items: Vec::new() });
    desk.later(1000);
    assert_eq!(pages(&desk).len(), 4, "what is not there is not asked for again");
    desk.keys("q j");
    assert_eq!(pages(&desk).last(), Some(&(id(2), 1, 3)), "another session, another life");
}

#[test]
fn moving_along_a_life_shows_the_state_then() {
    let mut desk = opened(4);
    desk.tell(Msg::Life { session: id(1), from: 1, items: life("because") });
    desk.keys("g");
    let picture = desk.picture(120, 36);
    for line in ["waits: q-1 “Which?”", "q-1 answered by person after", "waits: q-2 “Why?”", "“because”"] {
        assert!(picture.contains(line), "{line}:\n{picture}");
    }
    assert!(picture.contains("the state behind event 1") && picture.contains("q-1 waiting: “Which?”"), "{picture}");
    desk.keys("j");
    let picture = desk.picture(120, 36);
    assert!(
        picture.contains("the state behind event 2") && picture.contains("q-1 answered by person: “W"),
        "{picture}"
    );
    desk.keys("G");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("the state behind event 4") && picture.contains("2 questions in 2 pauses"), "{picture}");
    let mut more = session(1, "plan", paused(3, 0, 3, &["And?"]));
    more.last_seq = 5;
    desk.change(more);
    let end = EventKind::StateTransition { from: StateName::Paused, to: StateName::Running, end: None };
    desk.tell(Msg::Life {
        session: id(1),
        from: 5,
        items: vec![event(5, end), event(6, EventKind::Tick { phase: Phase::Running })],
    });
    assert!(desk.picture(120, 36).contains("the state behind event 6"), "whoever is at the end stays there");
}

#[test]
fn what_is_no_longer_kept_is_a_moment_of_its_own() {
    let mut desk = opened(12);
    let gap = FeedItem::Instead(ObserverRecvError::Gap { from: 1, to: 8 });
    let items = std::iter::once(gap).chain([log(9, "a line")]).collect();
    desk.tell(Msg::Life { session: id(1), from: 1, items });
    assert!(desk.picture(120, 36).contains("events 1 to 8 are no longer kept"), "{}", desk.picture(120, 36));
    assert_eq!(pages(&desk).last(), Some(&(id(1), 10, 12)));
}
