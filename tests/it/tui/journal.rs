//! The desk over a journal: where programs are, drafts that outlive the process, leaving, and when nothing is recorded.

use std::sync::Arc;

use switchboard::config::Keeping;
use switchboard::domain::{ExecutionState, QueryId, ResumeError, ResumeOutcome, SessionId};
use switchboard::engine::{Draft, Presence, Recovery, Summary};
use switchboard::tui::{App, Cmd, Far, Look, Msg};

use super::pictures::pictures;
use super::{Desk, NOW, answered, done, id, paused, running, session};

/// A desk over a journal.
pub(super) fn kept(sessions: Vec<Summary>) -> Desk {
    let mut desk = Desk::new(120, 36);
    desk.app = App::new(Look::default(), 7, NOW).keeping(Keeping::Journal);
    desk.tell(Msg::Resize(120, 36));
    desk.cmds.clear();
    desk.tell(Msg::Changed(sessions));
    desk
}

fn present(n: u64, title: &str, state: ExecutionState, presence: Presence) -> Summary {
    Summary { presence, ..session(n, title, state) }
}

fn asks() -> ExecutionState {
    paused(1, 5, 1, &["Is it whole?"])
}

fn drafts(desk: &Desk) -> Vec<(SessionId, u32, Option<&str>)> {
    let draft = |cmd: &'_ Cmd| match cmd {
        Cmd::KeepDraft { session, query, text } => {
            Some((*session, query.number(), text.as_ref().map(|text| text.to_string().leak() as &str)))
        }
        _ => None,
    };
    desk.cmds.iter().filter_map(draft).collect()
}

fn draft(n: u64, query: u32, text: &str) -> Draft {
    Draft { session: id(n), query: QueryId::new(query), text: text.into() }
}

#[test]
fn a_session_that_sleeps_looks_like_any_other_that_waits() {
    let awake = kept(vec![session(1, "review", asks())]);
    let mut asleep = kept(vec![present(1, "review", asks(), Presence::Sleeping)]);
    assert_eq!(asleep.picture(120, 36), awake.picture(120, 36));
    asleep.keys("<CR> 3");
    assert!(asleep.picture(120, 36).contains("asleep in the journal"), "{}", asleep.picture(120, 36));
}

#[test]
fn a_session_that_is_not_recorded_here_looks_as_it_would_and_says_why_it_takes_no_answer() {
    for (presence, note, refused) in [
        (Presence::Elsewhere, "answers are given there", "another process has this session: it is answered there"),
        (Presence::ReadOnly, "it takes no answer", "the journal can only be read here: no answer would be recorded"),
    ] {
        for state in [asks(), running()] {
            let here = kept(vec![session(1, "review", state.clone())]);
            let mut watched = kept(vec![present(1, "review", state, presence.clone())]);
            let (here, picture) = (here.picture(120, 36), watched.picture(120, 36));
            // The last row has the keys, among which that of an answer is not.
            let list = |picture: &str| {
                picture.lines().take(35).map(|line| line.chars().take(46).collect()).collect::<Vec<String>>()
            };
            assert_eq!(list(&picture), list(&here));
            assert!(picture.contains(note), "{picture}");
            watched.keys("a");
            assert_eq!(watched.status(), refused);
        }
    }
}

#[test]
fn what_is_run_again_shows_how_far_it_is() {
    let mut desk = kept(vec![present(1, "review", running(), Presence::Replaying { done: 3, of: 12 })]);
    let picture = desk.picture(120, 36);
    assert!(picture.contains("● review               replays     10m  ▇▁▁▁▁▁ 3/12"), "in the list: {picture}");
    assert!(picture.contains("RUNNING 10m · replays ▇▁▁▁▁▁ 3/12"), "over the session: {picture}");
    desk.keys("<CR> 3");
    let desk = desk.resized(260, 36);
    assert!(desk.picture(260, 36).contains("it is run again from its record: 3 of 12 events"));
}

#[test]
fn how_far_the_journal_is_read_and_replayed_stands_in_the_header_until_all_is_there() {
    let at = |recovery| {
        let mut desk = kept(vec![present(1, "review", asks(), Presence::Sleeping), session(2, "loop", running())]);
        desk.tell(Msg::Recovery(recovery));
        desk
    };
    let read = Recovery { read: 20_500, of: 100_000, to_rerun: 12, ..Recovery::default() };
    let replayed = Recovery { read: 100_000, rerun: 3, ..read.clone() };
    pictures("recovery", [read, replayed.clone()].map(at).into_iter());
    let mut desk = at(replayed.clone());
    desk.keys("a half");
    assert_eq!(desk.text(), "half", "keys work meanwhile");
    desk.tell(Msg::Recovery(Recovery { rerun: 12, ..replayed }));
    let picture = desk.picture(120, 36);
    assert!(!picture.lines().next().unwrap().contains('▇'), "{picture}");
}

#[test]
fn that_sessions_are_damaged_stands_there_with_what_to_do_for_as_long_as_the_desk_is_open() {
    let mut desk = kept(vec![session(1, "a", asks())]);
    let why = "journal.db is damaged (row 5 of place 3)";
    let recovery = Recovery { read: 3, of: 3, damaged: 2, trouble: Some(why.into()), ..Recovery::default() };
    desk.tell(Msg::Recovery(recovery.clone()));
    for (n, (width, height)) in [(120, 36), (80, 24), (40, 10)].into_iter().enumerate() {
        desk.later(5000);
        desk.keys("j");
        desk.tell(Msg::Resize(width, height));
        let picture = desk.picture(width, height);
        assert!(picture.contains("! 2 sessions are damaged"), "{picture}");
        assert!(n == 2 || picture.contains("! damaged ·") && picture.contains("start again to save"), "{picture}");
        assert!(n > 0 || picture.contains(why), "{picture}");
    }
    desk.tell(Msg::Recovery(Recovery { damaged: 1, ..recovery.clone() }));
    assert!(desk.picture(40, 10).contains("! 1 session is damaged"));
    desk.tell(Msg::Recovery(Recovery { damaged: 0, ..recovery }));
    assert!(desk.picture(120, 36).contains(&format!("! not every session came back: {why}")));
    desk.tell(Msg::Trouble(Some("the disk is full".into())));
    assert!(desk.picture(120, 36).contains("the disk is full"), "what refuses answers comes first");
}

#[test]
fn whoever_cannot_come_back_or_waits_for_a_person_is_marked_and_says_why() {
    let why = |text: &str| Arc::from(text);
    for (state, presence, sign, mark, words) in [
        (asks(), Presence::CannotSleep(why("it asks “b”")), "?", "no sleep", "stays in memory"),
        (asks(), Presence::CannotReplay(why("it asks “b”")), "!", "no replay", "takes no answer"),
        (running(), Presence::SuspendedElsewhere, "!", "suspended", "it is released where its journal"),
        (running(), Presence::Suspended, "!", "suspended", ":release . lets it go on"),
    ] {
        let mut desk = kept(vec![present(1, "review", state, presence.clone())]).resized(260, 36);
        let picture = desk.picture(260, 36);
        let row = picture.lines().nth(2).unwrap();
        assert!(row.contains(&format!("▶ {sign} review")) && row.contains(mark), "{row}");
        assert!(picture.contains(words), "the questions say so: {picture}");
        assert!(!matches!(presence, Presence::Suspended) || !picture.contains("asks nothing"), "{picture}");
        desk.keys("<CR> 3");
        let picture = desk.picture(260, 36);
        assert!(picture.contains(words), "so does the state: {picture}");
        desk.change(session(1, "review", asks()));
        desk.keys("1");
        assert!(!desk.picture(260, 36).contains(words), "and no longer than it holds");
    }
}

#[test]
fn rule_6_an_answer_that_cannot_be_replayed_is_refused_in_the_words_of_the_engine() {
    let mut desk = kept(vec![present(1, "review", asks(), Presence::CannotReplay("it asks “b”".into()))]);
    desk.keys("a yes <C-s>");
    let refused = ResumeError::NotRecorded { cause: "it asks “b”, recorded is “a”".into() };
    desk.outcome(Err(refused.clone()));
    assert!(desk.status().contains(&refused.to_string()), "{}", desk.status());
    assert_eq!(desk.app.draft(id(1), QueryId::new(1)).as_deref(), Some("yes"));
}

#[test]
fn rule_8_with_a_journal_q_says_that_the_sessions_come_back_and_asks_while_one_runs() {
    let mut desk = kept(vec![session(1, "a", asks()), session(2, "b", running()), session(3, "c", done(1.into()))]);
    desk.keys("a half <Esc> q");
    assert!(desk.picture(120, 36).contains("(1 waiting, 1 running)"), "{}", desk.picture(120, 36));
    desk.keys("n");
    desk.change(session(2, "b", asks()));
    desk.keys("q");
    assert_eq!(desk.cmds.last(), Some(&Cmd::Quit), "nothing is lost, nothing is asked");
    assert_eq!(drafts(&desk), [(id(1), 1, Some("half"))], "what was typed is written before");
    let farewell = desk.app.farewell().unwrap();
    assert_eq!(farewell, "2 sessions wait in the journal and come back with the next start (2 waiting, 0 running)");
    assert_eq!(kept(vec![session(3, "c", done(1.into()))]).app.farewell(), None);
    assert_eq!(Desk::with(vec![session(1, "a", asks())]).app.farewell(), None, "without a journal they end");
}

#[test]
fn rule_8_with_a_journal_q_asks_where_something_could_be_lost() {
    let mut desk = kept(vec![session(1, "a", asks())]);
    desk.keys("a yes <C-s> <Esc> q");
    assert_eq!(desk.app.mode(), "QUIT?");
    assert!(desk.picture(120, 36).contains("1 answer not recorded yet"), "{}", desk.picture(120, 36));
    desk.keys("n");
    desk.outcome(Ok(ResumeOutcome::Continued));
    desk.tell(Msg::Trouble(Some("the disk is full".into())));
    desk.keys("q");
    assert_eq!(desk.app.mode(), "QUIT?");
    assert!(desk.picture(120, 36).contains("the disk is full"), "{}", desk.picture(120, 36));
    desk.keys("y");
    assert_eq!(desk.cmds.last(), Some(&Cmd::Quit));
}

#[test]
fn q_right_behind_an_answer_quits_when_the_answer_is_recorded() {
    for ends in [true, false] {
        let mut desk = kept(vec![session(1, "a", asks())]);
        desk.keys("a yes <C-s> <Esc> q");
        if ends {
            desk.change(session(1, "a", done(1.into())));
        }
        assert_eq!(desk.app.mode(), "QUIT?");
        assert!(!desk.cmds.contains(&Cmd::Quit));
        desk.outcome(Ok(ResumeOutcome::Continued));
        assert_eq!(desk.cmds.last(), Some(&Cmd::Quit), "nothing is lost any more, nothing is left to ask");
    }
    // Where something else would be lost, the question stays, and so it does where the answer was refused.
    let mut desk = kept(vec![session(1, "a", asks()), session(2, "b", running())]);
    desk.keys("a yes <C-s> <Esc> q");
    desk.outcome(Ok(ResumeOutcome::Continued));
    assert_eq!((desk.app.mode(), desk.cmds.contains(&Cmd::Quit)), ("QUIT?", false));
    let mut desk = kept(vec![session(1, "a", asks())]);
    desk.keys("a yes <C-s> <Esc> q");
    desk.outcome(Err(ResumeError::NotRecorded { cause: "the disk is full".into() }));
    assert_eq!((desk.app.mode(), desk.cmds.contains(&Cmd::Quit)), ("QUIT?", false));
}

#[test]
fn rule_2_what_is_typed_is_kept_within_a_second_and_not_at_every_key() {
    let mut desk = kept(vec![session(1, "a", asks())]);
    desk.keys("a half");
    assert_eq!(drafts(&desk), []);
    assert!(desk.app.next_tick().is_some_and(|at| at <= NOW + 1000), "the desk wakes for it");
    desk.later(600);
    assert_eq!(drafts(&desk), [(id(1), 1, Some("half"))]);
    desk.later(600);
    assert_eq!(drafts(&desk).len(), 1, "nothing changed");
    desk.keys("F -way");
    desk.later(600);
    assert_eq!(drafts(&desk).last(), Some(&(id(1), 1, Some("halfF-way"))));
    for _ in 0..9 {
        desk.keys("<BS>");
    }
    desk.later(600);
    assert_eq!(drafts(&desk).last(), Some(&(id(1), 1, None)), "what was deleted is not kept");

    let mut without = Desk::with(vec![session(1, "a", asks())]);
    without.keys("a half");
    without.later(2000);
    assert_eq!(drafts(&without), [], "nothing outlives the process");
}

#[test]
fn rule_2_a_frozen_picture_keeps_drafts_too() {
    let mut desk = kept(vec![session(1, "a", asks())]);
    desk.keys("F a half");
    assert!(desk.app.next_tick().is_some_and(|at| at <= NOW + 1000));
    desk.later(600);
    assert_eq!(drafts(&desk), [(id(1), 1, Some("half"))]);
}

#[test]
fn rule_2_a_draft_is_dropped_when_its_answer_is_taken_and_not_before() {
    let mut desk = kept(vec![session(1, "a", asks())]);
    desk.keys("a yes");
    desk.later(600);
    desk.keys("<C-s>");
    desk.later(600);
    assert_eq!(drafts(&desk), [(id(1), 1, Some("yes"))], "nobody knows yet whether it was recorded");
    desk.outcome(Ok(ResumeOutcome::Continued));
    desk.later(600);
    assert_eq!(drafts(&desk).last(), Some(&(id(1), 1, None)));
}

#[test]
fn rule_2_drafts_come_back_after_a_restart_to_their_questions_or_as_orphans() {
    let mut desk = kept(Vec::new());
    let batch = answered(&paused(1, 5, 1, &["One?", "Two?"]), 1, "person");
    desk.tell(Msg::Unsent(vec![draft(1, 1, "gone"), draft(1, 2, "open"), draft(2, 1, "later")]));
    desk.change(session(1, "a", batch));
    assert_eq!(desk.app.draft(id(1), QueryId::new(2)).as_deref(), Some("open"));
    assert_eq!(desk.app.orphans(id(1)), [(QueryId::new(1), "gone".to_owned())]);
    // Known before they are read.
    desk.change(session(3, "c", asks()));
    desk.tell(Msg::Unsent(vec![draft(3, 1, "there")]));
    assert_eq!(desk.app.draft(id(3), QueryId::new(1)).as_deref(), Some("there"));
    desk.change(session(2, "b", running()));
    assert_eq!(desk.app.orphans(id(2)).len(), 1);
    desk.later(1000);
    assert_eq!(drafts(&desk), [], "they are kept as they are");
    assert!(desk.picture(120, 36).contains('✎'));
}

#[test]
fn rule_2_a_draft_that_was_kept_takes_nobodys_place() {
    let mut desk = kept(vec![session(1, "a", asks())]);
    desk.keys("a new");
    desk.tell(Msg::Unsent(vec![draft(1, 1, "old")]));
    assert_eq!(desk.text(), "new");
    assert_eq!(desk.app.orphans(id(1)), [(QueryId::new(1), "old".to_owned())]);
    desk.later(600);
    assert_eq!(drafts(&desk).last(), Some(&(id(1), 1, Some("new\u{1e}old"))), "neither is lost");

    // After the next start they are two again.
    let mut desk = kept(vec![session(1, "a", asks())]);
    desk.tell(Msg::Unsent(vec![draft(1, 1, "mine\u{1e}a machine's")]));
    assert_eq!(desk.app.draft(id(1), QueryId::new(1)).as_deref(), Some("mine"));
    assert_eq!(desk.app.orphans(id(1)), [(QueryId::new(1), "a machine's".to_owned())]);
    desk.tell(Msg::Unsent(vec![draft(1, 1, "\u{1e}another")]));
    assert_eq!(desk.app.orphans(id(1)).len(), 2);
    assert_eq!(desk.app.draft(id(1), QueryId::new(1)).as_deref(), Some("mine"));
}

#[test]
fn that_nothing_can_be_recorded_stands_there_for_as_long_as_it_is_so() {
    let mut desk = kept(vec![session(1, "a", asks())]);
    desk.tell(Msg::Trouble(Some("the disk is full".into())));
    desk.later(5000);
    desk.keys("<C-c>");
    desk.later(5000);
    desk.keys("j");
    assert_eq!(desk.status(), "");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("! answers cannot be recorded: the disk is full"), "{picture}");
    for (width, height) in [(120, 36), (80, 24), (40, 10)] {
        desk.tell(Msg::Resize(width, height));
        assert!(desk.picture(width, height).contains("the disk is full"), "{width}x{height}");
    }
    desk.tell(Msg::Trouble(None));
    assert_eq!(desk.status(), "answers are recorded again");
    assert!(!desk.picture(40, 10).contains("the disk is full"));
}

#[test]
fn what_should_be_known_of_the_start_is_said_and_can_be_read_again() {
    let mut desk = kept(vec![session(1, "review", asks())]);
    let notices = ["journal.db is damaged; journal.salvaged-1.db has what is intact", "another line"];
    desk.tell(Msg::Notices(notices.map(str::to_owned).to_vec()));
    assert_eq!(desk.status(), format!("{} (and 1 more; D shows them)", notices[0]));
    desk.keys("j");
    assert!(desk.status().starts_with("journal.db is damaged"), "it stays long enough to be read");
    desk.later(10_000);
    desk.keys("D");
    desk.tell(Msg::Diagnosed(Box::default()));
    let picture = desk.picture(120, 36);
    assert!(notices.iter().all(|notice| picture.contains(notice)), "{picture}");
    let mut desk = kept(Vec::new());
    desk.tell(Msg::Notices(Vec::new()));
    assert_eq!(desk.status(), "");
}

#[test]
fn while_sessions_come_back_the_first_row_is_selected_until_a_key_is_pressed() {
    let mut desk = kept(Vec::new());
    let told = |reading| Msg::Opening(Far { reading, started: None });
    desk.tell(told(true));
    assert!(desk.picture(120, 36).contains("Reading the journal …"), "{}", desk.picture(120, 36));
    desk.change(session(1, "done", done(1.into())));
    assert_eq!(desk.app.selected(), Some(id(1)));
    desk.change(session(2, "waits", asks()));
    assert_eq!(desk.app.selected(), Some(id(2)), "it stands above the other");
    desk.keys("j");
    assert_eq!(desk.app.selected(), Some(id(1)));
    desk.change(session(3, "waits longer", paused(1, 50, 1, &["?"])));
    desk.tell(told(false));
    assert_eq!(desk.app.selected(), Some(id(1)), "now only keys select");

    let mut desk = kept(vec![session(1, "done", done(1.into()))]);
    desk.tell(told(false));
    desk.change(session(2, "waits", asks()));
    assert_eq!(desk.app.selected(), Some(id(1)), "the desk is open, and what comes then moves nothing");
}

#[test]
fn rule_8_quitting_says_how_many_sessions_are_not_started_yet() {
    let mut desk = kept(vec![session(1, "review", asks())]);
    desk.tell(Msg::Opening(Far { reading: false, started: Some((1181, 10_000)) }));
    assert!(desk.picture(120, 36).contains("starting ▁▁▁▁▁▁ 1181/10000"), "{}", desk.picture(120, 36));
    desk.keys("q");
    let picture = desk.picture(120, 36);
    assert!(picture.contains("8819 sessions"), "{picture}");
    desk.keys("n");
    desk.tell(Msg::Opening(Far::default()));
    desk.keys("q");
    assert!(desk.cmds.contains(&Cmd::Quit), "they wait in the journal");
}

#[test]
fn a_desk_that_follows_another_says_whom_and_asks_nothing_as_it_is_left() {
    let mut desk = kept(vec![present(1, "a", running(), Presence::Elsewhere)]);
    let whom = "pid 4711 on host since 2026-01-01 00:00:00Z";
    desk.tell(Msg::Follows(Some(whom.into())));
    for (width, height) in [(120, 36), (80, 24), (40, 10)] {
        desk = desk.resized(width, height);
        let picture = desk.picture(width, height);
        assert!(picture.contains("follows pid 4711 · ") && !picture.contains("not recorded"), "{picture}");
        assert!(width == 40 || picture.contains("read-only") && picture.contains("1 session"), "{picture}");
    }
    let mut desk = desk.resized(120, 36);
    for key in ["c", "r", "N", "R", "B", "=", "* A"] {
        desk.keys(key);
        assert_eq!(desk.status(), "pid 4711 has the journal: here it is only read", "{key}");
        assert_eq!(desk.app.mode(), "LIST", "{key}: no form that cannot be sent");
    }
    let last = desk.picture(120, 36).lines().last().unwrap().to_owned();
    assert!(!last.contains("answer") && !last.contains("new") && !last.contains("cancel"), "{last}");
    desk.keys("u a");
    assert_eq!(desk.status(), "another process has this session: it is answered there");
    for key in ["j", "k", "c", "j"] {
        desk.later(240);
        desk.keys(key);
        assert_eq!(desk.status(), format!("nothing takes text here, so {key} did nothing; a second later it does"));
    }
    desk.later(40);
    desk.keys("c");
    assert_eq!(desk.status(), "pid 4711 has the journal: here it is only read", "one second and no more");
    desk.keys("q");
    assert_eq!(desk.cmds.last(), Some(&Cmd::Quit), "what runs runs elsewhere");
    assert_eq!(desk.app.farewell(), None);
}

#[test]
fn a_desk_that_takes_anothers_place_begins_where_the_person_stood() {
    let sessions =
        || (1..=90).map(|n| session(n, &format!("job {n}"), paused(1, 100 - n.cast_signed(), 1, &["Well?"])));
    let of = |app: App| Desk { app, ..Desk::new(1, 1) };
    let mut before = kept(sessions().collect());
    before.keys("/ job <CR> s s s s G k k k k k k k k <C-u> <C-u> 2");
    let stand = before.app.stand();
    let mut app = App::new(Look::default(), 8, NOW).keeping(Keeping::Journal);
    app.stand_as(stand.clone());
    let mut after = of(app);
    after.tell(Msg::Resize(120, 36));
    after.tell(Msg::Opening(Far { reading: true, started: None }));
    let read = |n| Msg::Recovery(Recovery { read: n, of: 90, ..Recovery::default() });
    let mut all: Vec<Summary> = sessions().collect();
    all.reverse();
    for some in all.chunks(30) {
        after.tell(read(90));
        after.tell(Msg::Changed(some.to_vec()));
    }
    after.tell(Msg::Opening(Far::default()));
    assert_eq!(after.app.selected(), before.app.selected());
    assert_eq!(after.app.stand(), stand);
    let list = |desk: &Desk| {
        desk.picture(120, 36)
            .lines()
            .skip(1)
            .take(33)
            .map(|row| row.chars().take(60).collect())
            .collect::<Vec<String>>()
    };
    assert_eq!(list(&after), list(&before));
    // From here on only keys select.
    after.change(session(91, "job 91", paused(1, 500, 1, &["Well?"])));
    assert_eq!(after.app.selected(), before.app.selected());
    let mut other = of(App::new(Look::default(), 8, NOW));
    other.app.stand_as(stand);
    other.tell(Msg::Changed(sessions().take(3).collect()));
    other.keys("G");
    other.tell(Msg::Changed(sessions().collect()));
    assert_eq!(other.app.selected(), Some(id(3)), "a key of the person comes before where they stood");
}
