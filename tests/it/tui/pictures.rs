//! The desk as it looks: every screen, over every kind of sessions, in three sizes.
//!
//! A screen is a row of [`SCREENS`]: its name and the keys that lead to it. A world is a row of [`WORLDS`]. Each screen
//! is kept as a picture over the busy desk, each world as pictures of the list and of an open session; all others are
//! drawn too, and looked at for what must hold of any picture.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use switchboard::config::{Environment, Flags, KeymapFile, Settings};
use switchboard::domain::{EventKind, ObserverRecvError, QueryId, StateName};
use switchboard::engine::{
    BranchError, Call, Diagnostics, JournalFigures, Package, Presence, Progress, Spread, Straggler, Summary, Verb,
    Work, Worker,
};
use switchboard::tui::{Cmd, Diagnosis, FeedItem, FrameFigures, Input, Keymap, Msg, TABLE, Wanted};

use super::branches::{life, preview};
use super::families::{branch, child};
use super::{Desk, NOW, answered, cancelled, done, event, failed, id, log, paused, running, session};

const SIZES: [(u16, u16); 3] = [(120, 36), (80, 24), (40, 10)];

/// Every screen and layer, and the keys that lead there from the list.
const SCREENS: &[(&str, &str)] = &[
    ("list", ""),
    ("filter", "/ state:paused <Space> or <Space> (ti"),
    ("marks", "<Space> j <Space> j v j"),
    ("groups", "o"),
    ("session", "<CR>"),
    ("feed", "<CR> 2"),
    ("search", "<CR> 2 / a"),
    ("event", "<CR> 2 k k <CR>"),
    ("state", "<CR> 3"),
    ("result", "G <CR> 4"),
    ("source", "<CR> 5"),
    ("timeline", "<CR> 6 k"),
    ("beside", "<Space> j <Space> |"),
    ("rewind", "R sooner"),
    ("fork", "B <S-Tab>"),
    ("feeds", "L"),
    ("calls", "C"),
    ("diagnostics", "D"),
    ("frozen", "F"),
    ("palette", ": que"),
    ("verb", ": resume <Space> ."),
    ("answer", "a so <Space> it <Space> is <CR> indeed"),
    ("sent", "a yes <C-s>"),
    ("history", "a yes <C-s> <Esc> j a <C-r>"),
    ("same", "W a yes <Esc> <CR> ="),
    ("answer_all", "* A yes"),
    ("cancel", "c too <Space> long"),
    ("cancel_code", "c <Tab>"),
    ("cancel_all", "* / state:done <CR> c"),
    ("new_run", "N ex"),
    ("new_kind", "N <S-Tab> <Right>"),
    ("new_package", "N <S-Tab> <Right> <Tab> c"),
    ("new_needs", "N <S-Tab> <Right> <Tab> council <Tab> <Tab> thr"),
    ("new_scenario", "N <S-Tab> <Left> <Tab> cot <Tab> su"),
    ("help", "?"),
    ("quit", "a draft <Esc> q"),
];

/// What there is to see.
type World = fn() -> Vec<Summary>;

/// Every kind of sessions.
const WORLDS: &[(&str, World)] = &[
    ("empty", Vec::new),
    ("busy", busy),
    ("ended", ended),
    ("family", family),
    ("kept", kept),
    ("wide", wide),
    ("right_to_left", right_to_left),
    ("hostile", hostile),
];

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

fn ended() -> Vec<Summary> {
    let traceback = "stack traceback:\n\t[C]: in function 'error'\n\tscript.lua:12: in function 'judge'";
    let before = answered(&paused(2, 400, 3, &["Rate it", "Why?"]), 3, "person");
    vec![
        session(1, "deliberate", failed("deliberate.lua:12: nobody agreed", Some(traceback))),
        session(2, "stopped", cancelled("takes too long", before)),
        session(3, "reflect", done(serde_json::json!({"verdict": "fine", "marks": [7, 8]}))),
    ]
}

fn family() -> Vec<Summary> {
    let asking = paused(1, 30, 1, &["Is the plan whole?"]);
    vec![
        session(1, "planner", running()),
        child(2, "cot", 1, running()),
        child(3, "judge with a long name", 1, asking),
        child(4, "figures", 3, done(1.into())),
        child(5, "deeper", 4, running()),
        session(6, "other", paused(1, 400, 1, &["Alone?"])),
    ]
}

/// Sessions of a journal: asleep, run again, those that cannot be, and branches.
fn kept() -> Vec<Summary> {
    let at = |n, title, state, presence| Summary { presence, ..session(n, title, state) };
    let asks = || paused(1, 30, 1, &["Is the plan whole?"]);
    vec![
        at(1, "asleep", asks(), Presence::Sleeping),
        at(2, "stays", asks(), Presence::CannotSleep("recorded is “a”, it asks “b”".into())),
        at(3, "lost", paused(1, 400, 1, &["Go on?"]), Presence::CannotReplay("recorded is “a”, it asks “b”".into())),
        at(4, "twice", running(), Presence::Suspended),
        at(5, "again", running(), Presence::Replaying { done: 3, of: 12 }),
        session(6, "plan", cancelled("rewound to q-2", asks())),
        branch(7, "plan", 6, asks()),
    ]
}

fn wide() -> Vec<Summary> {
    vec![
        session(1, "漢字のプログラム", paused(1, 9, 1, &["日本語で答えて🙂ください。é e\u{301} 👩‍👩‍👧‍👦!"])),
        session(2, "ﾊﾞｶﾟ", failed("失敗しました：値がありません", None)),
        session(3, "한국어 프로그램", done(serde_json::json!({"평가": "좋음 🎉"}))),
    ]
}

fn right_to_left() -> Vec<Summary> {
    vec![
        session(1, "סקירה", paused(1, 9, 1, &["האם זה נכון? ענה yes או no (1–10)."])),
        session(2, "مراجعة", failed("لا توجد قيمة في السطر 12", None)),
        session(3, "mixed עברית text", done(serde_json::json!("שלום world"))),
    ]
}

fn hostile() -> Vec<Summary> {
    let long = "x".repeat(100_000);
    let zalgo = format!("z{}", "\u{301}".repeat(1_000));
    vec![
        session(
            1,
            "\x1b]0;title\x07",
            paused(1, 9, 1, &["\x1b[31mred\x1b[0m \t tab \x07 \u{202e}drawkcab\u{202c}.\r\nx"]),
        ),
        session(2, &long, paused(1, 8, 1, &[&long])),
        session(3, &zalgo, paused(1, 7, 1, &[&zalgo])),
        session(4, "\u{202e}gnp.exe", failed("\x1b[2J\u{9b}31m", Some(&long))),
        session(5, "", done(serde_json::json!("\x1b]52;c;aGk=\x07"))),
    ]
}

fn feed() -> Vec<FeedItem> {
    vec![
        event(1, EventKind::StateTransition { from: StateName::Running, to: StateName::Paused, end: None }),
        FeedItem::Instead(ObserverRecvError::Gap { from: 2, to: 90 }),
        log(91, "reading auth.rs"),
        log(92, "a line \x1b[2J 漢字 שלום that is much longer than what fits on the row of a narrow screen"),
        event(93, EventKind::LogDropped { n: 12 }),
        event(94, EventKind::Progress { step: 4, total: 6, message: Some("round".into()) }),
    ]
}

fn calls() -> Vec<Arc<Call>> {
    let spawn = |title: &str| Verb::Spawn { title: title.into(), held: false, outcome: Ok(()) };
    let call = |(n, title): (u64, &str)| {
        let (at, latency) = (NOW - 5_000 + n.cast_signed() * 1_000, Duration::from_micros(300 * n));
        Arc::new(Call { n, at, session: Some(id(n)), verb: spawn(title), latency })
    };
    let branch = |(n, rewinds, outcome): (u64, bool, _)| {
        let (at, latency) = (NOW - 1_000, Duration::from_micros(1_500));
        let verb = Verb::Branch { rewinds, at: QueryId::new(2), outcome };
        Arc::new(Call { n, at, session: Some(id(1)), verb, latency })
    };
    let child = BranchError::Child { child: id(1), instead: "what it comes from is not there any more".to_owned() };
    (1..)
        .zip(["review-auth", "a title\x1b[2J that is much longer than the row of any narrow screen", "漢字"])
        .map(call)
        .chain([(4, true, Ok(id(2))), (5, false, Err(child))].map(branch))
        .collect()
}

/// What engine and desk do at the look number `n`.
fn diagnosis(n: u64) -> Msg {
    let spread = |total, micros: [u64; 3]| {
        let [median, p99, max] = micros.map(Duration::from_micros);
        Spread { total, median, p99, max }
    };
    let work = |n, title: &str, ms, place: Option<&str>, inbox| {
        let (title, lasts, place) = (title.to_owned(), Duration::from_millis(ms), place.map(str::to_owned));
        Some(Work { session: id(n), title, lasts, place, inbox })
    };
    let place = Some("a name\x1b[2J that is much longer than any narrow screen.lua:12".to_owned());
    let straggler =
        Straggler { session: id(7), title: "漢字".into(), at: NOW, lasted: Duration::from_millis(50), place };
    let engine = Diagnostics {
        workers: vec![
            Worker { n: 1, steps: 1000 * n, work: None },
            Worker { n: 2, steps: 70 * n, work: work(7, "loop", 1, None, 0) },
            Worker { n: 3, steps: 12, work: work(6, "ucb", 38, Some("ucb.lua:40"), 2) },
        ],
        straggled: vec![straggler.clone(), Straggler { place: None, title: "loop".into(), ..straggler }],
        preempted: 3,
        injected: 1,
        tasks: 12,
        requests: 4,
        journal: Some(JournalFigures {
            waiting: 5,
            waiting_bytes: 12_345,
            committing: Some(Duration::from_millis(180)),
            commits: spread(40 * n, [1_200, 8_000, 20_000]),
            waits: spread(30 * n, [1_900, 120_000, 240_000]),
            bytes: 12_345_678,
            last_trouble: Some(("the disk of journal.db is full".into(), Duration::from_mins(3))),
        }),
    };
    let desk = FrameFigures {
        took: spread(60 * n, [800, 2_100, 9_000]),
        keys: spread(4 * n, [900, 2_500, 17_000]),
        dropped: 1,
        shared: 30 * n,
        changes: 300 * n,
        events: 20_000 * n,
        gaps: 1,
    };
    Msg::Diagnosed(Box::new(Diagnosis { engine, desk }))
}

fn package(name: &str, summary: &str, required: &[&str]) -> Package {
    let required = required.iter().map(|name| (*name).to_owned()).collect();
    Package { name: name.into(), summary: Some(summary.into()), required }
}

/// Goes to a screen and gives it what it asks for.
fn at(screen: &str, world: World) -> Desk {
    let mut desk = Desk::with(world());
    for key in screen.split(' ') {
        desk.keys(key);
        if desk.cmds.contains(&Cmd::Packages) {
            desk.tell(Msg::Packages(vec![
                package("cot", "think in steps", &["task"]),
                package(
                    "council",
                    "several voices, then a verdict that all of them can live with",
                    &["task", "voices"],
                ),
                package("panel", "asks a council of experts", &[]),
            ]));
        }
        for (begun, wanted) in [("ex", Wanted::Program), ("su", Wanted::Scenario)] {
            let offers = ["examples/a.lua", "examples/b.lua", "sums.lua"].map(str::to_owned).to_vec();
            desk.tell(Msg::Offers { begun: begun.into(), wanted, offers });
        }
        let observed = desk.cmds.iter().rposition(|cmd| matches!(cmd, Cmd::Observe { .. }));
        if let Some(Cmd::Observe { session, .. }) = observed.map(|at| desk.cmds.remove(at)) {
            desk.tell(Msg::Feed(session, feed()));
        }
        for cmd in desk.cmds.clone() {
            match cmd {
                Cmd::Life { session, from: 1, .. } => {
                    let answer =
                        if session == id(1) { "because" } else { "because \x1b[2J 漢字 of what was said before" };
                    desk.tell(Msg::Life { session, from: 1, items: life(answer) });
                }
                Cmd::PreviewBranch { session, at } => {
                    desk.tell(Msg::BranchPreviewed { session, at, preview: Ok(preview()) });
                }
                Cmd::PastAnswers(_) => {
                    let texts =
                        ["no", "what \x1b[2J 漢字 was said before, at a length that no narrow screen has room for"];
                    desk.tell(Msg::PastAnswers(texts.map(Into::into).to_vec()));
                }
                _ => {}
            }
        }
        if desk.app.wants_calls() {
            desk.tell(Msg::Calls(calls()));
        }
        if desk.app.wants_diagnosis() {
            desk.tell(diagnosis(1));
            desk.later(1_000);
            assert!(desk.app.wants_diagnosis(), "once a second");
            desk.tell(diagnosis(2));
            assert!(!desk.app.wants_diagnosis());
        }
        let peeked: Vec<_> = desk
            .cmds
            .iter()
            .filter_map(|cmd| if let Cmd::PeekBack(peeks) = cmd { Some(peeks) } else { None })
            .flatten()
            .map(|peek| (peek.session, feed()))
            .collect();
        if !peeked.is_empty() && screen == "L" {
            desk.tell(Msg::Peeked(peeked));
        }
    }
    desk
}

/// Keeps desks as pictures in each size.
pub(super) fn pictures(name: &str, desks: impl Iterator<Item = Desk>) {
    let mut sizes = String::new();
    for desk in desks {
        let mut desk = desk;
        for (width, height) in SIZES {
            desk = desk.resized(width, height);
            sizes += &desk.picture(width, height);
            sizes.push('\n');
        }
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, sizes);
    });
}

#[test]
fn every_screen_looks_so() {
    for (name, keys) in SCREENS {
        pictures(&format!("screen_{name}"), std::iter::once(at(keys, busy)));
    }
}

#[test]
fn every_world_looks_so() {
    for (name, world) in WORLDS.iter().filter(|(name, _)| *name != "busy") {
        pictures(&format!("world_{name}"), ["", "<CR>"].map(|keys| at(keys, *world)).into_iter());
    }
}

#[test]
fn rule_5_the_mode_stands_at_the_top_right_of_every_picture_and_rule_9_nothing_that_a_terminal_obeys() {
    for (world, make) in WORLDS {
        for (screen, keys) in SCREENS {
            let mut desk = at(keys, *make);
            for (width, height) in SIZES {
                desk = desk.resized(width, height);
                let picture = desk.picture(width, height);
                let what = format!("{screen} of {world} at {width}x{height}:\n{picture}");
                let raw =
                    picture.chars().find(|c| c.is_control() && *c != '\n' || "\u{202e}\u{202c}\u{9b}".contains(*c));
                assert_eq!(raw, None, "{what}");
                let first = picture.lines().next().unwrap_or_default().trim_end_matches('"');
                assert!(first.ends_with(desk.app.mode()), "the mode stands at the top right: {what}");
                assert_eq!(picture.lines().count(), usize::from(height), "{what}");
            }
        }
    }
}

#[test]
fn rule_5_an_action_that_is_not_built_is_not_in_the_table() {
    let seen = |desk: &Desk| (desk.app.mode(), desk.picture(120, 36), desk.cmds.len());
    for row in TABLE {
        let does_something = SCREENS.iter().any(|(_, keys)| {
            let mut desk = at(keys, busy);
            let before = seen(&desk);
            for key in row.keys[0].split(' ') {
                desk.tell(Msg::Input(vec![Input::Key(key.parse().unwrap())]));
            }
            let refused = desk.status().contains("does nothing");
            // What it does not do is what this action is for.
            (!refused || row.name == "how_to_quit") && seen(&desk) != before
        });
        assert!(does_something, "{}", row.name);
    }
}

/// A keymap in which every action has another key than it has by itself.
fn other_keys() -> Keymap {
    let line = |(n, row): (u32, &switchboard::tui::Row)| {
        format!("{} = \"Alt-{}\"\n", row.name, char::from_u32(0x4e00 + n).expect("a letter"))
    };
    let text: String = (0..).zip(TABLE).map(line).collect();
    Keymap::with(&KeymapFile::parse(Path::new("k.toml"), &text).unwrap()).unwrap()
}

#[test]
fn every_hint_names_the_keys_that_the_person_has() {
    // The keys of text fields are not actions, and no hint of this desk.
    for (screen, keys) in SCREENS.iter().filter(|(screen, _)| *screen != "help") {
        let mut desk = at(keys, busy);
        let settings = Settings::merge(&Environment::default(), &Flags::default()).unwrap();
        desk.app.furnish(&settings.desk, other_keys());
        desk.later(10_000);
        // What was said before is gone with the next key; what is said of that names it.
        desk.keys("<C-q>");
        let picture = desk.picture(120, 36).replace("Ctrl-Q", "");
        for named in ["Ctrl-", "Esc", "Enter", "Tab", "Space", "Alt-N", "Alt-O", "← →", "y/n", "y or n"] {
            assert!(!picture.contains(named), "{named} on {screen}:\n{picture}");
        }
    }
}
