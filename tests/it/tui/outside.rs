//! What goes out of the desk, and what comes in by the mouse: announcements, transcripts.

use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::{Color, Modifier};
use switchboard::config::{ConfigFile, Depth, Environment, Flags, Settings, Theme};
use switchboard::engine::Summary;
use switchboard::tui::{Cmd, Colors, Input, Keymap, Look, Msg, Pointer, PointerDeed, view};

use super::{Desk, NOW, done, failed, id, paused, running, session};

/// A desk with these lines in the table `desk` of its config file.
fn furnished(config: &str) -> Desk {
    let mut environment = Environment::default();
    environment.above(ConfigFile::parse(Path::new("c.toml"), &format!("[desk]\n{config}")).unwrap());
    let settings = Settings::merge(&environment, &Flags::default()).unwrap();
    let mut desk = Desk::new(120, 36);
    desk.app.furnish(&settings.desk, Keymap::default());
    desk
}

fn announced(desk: &Desk) -> Vec<(bool, Option<&str>)> {
    let mut all = Vec::new();
    for cmd in &desk.cmds {
        if let Cmd::Announce { bell, text } = cmd {
            all.push((*bell, text.as_deref()));
        }
    }
    all
}

#[test]
fn who_begins_to_wait_is_announced_once_and_not_more_often_than_wanted() {
    let mut desk = furnished("bell = true\nnotify = true\nnotify_every = \"10s\"");
    desk.change(session(1, "first", paused(1, 0, 1, &["Overwrite\x1b]0;x\x07 it?\nreally"])));
    assert_eq!(announced(&desk), [(true, Some("switchboard: first asks: Overwrite␛]0;x␇ it?"))]);
    desk.change(session(1, "first", paused(1, 0, 1, &["Overwrite"])));
    desk.change(session(2, "second", paused(1, 0, 1, &["a"])));
    desk.change(session(3, "third", paused(1, 0, 1, &["b"])));
    assert_eq!(announced(&desk).len(), 1, "within ten seconds nothing more");
    assert_eq!(desk.app.next_tick().map(|at| at <= NOW + 10_000), Some(true), "the desk wakes for it");
    desk.tell(Msg::Time(NOW + 10_000));
    assert_eq!(announced(&desk)[1..], [(true, Some("switchboard: (1 more) second asks: a"))]);
}

#[test]
fn nothing_is_announced_unless_somebody_wants_it() {
    let mut desk = furnished("");
    desk.change(session(1, "first", paused(1, 0, 1, &["?"])));
    assert_eq!(announced(&desk), []);
    let mut desk = furnished("bell = true");
    desk.change(session(1, "first", paused(1, 0, 1, &["?"])));
    assert_eq!(announced(&desk), [(true, None)]);
}

#[test]
fn the_list_begins_as_the_config_says() {
    let mut desk = furnished("sort = \"name\"\ngroup = \"state\"\nfilter = \"-state:done\"");
    desk.tell(Msg::Changed(vec![
        session(1, "b", running()),
        session(2, "a", running()),
        session(3, "c", done(1.into())),
    ]));
    let picture = desk.picture(120, 36);
    assert!(picture.contains("Sessions  /-state:done") && picture.contains("2 of 3 · by state · name"), "{picture}");
}

#[test]
fn the_title_of_the_window_counts() {
    let mut desk = Desk::new(80, 24);
    assert_eq!(desk.app.title(), "switchboard");
    desk.change(session(1, "a", running()));
    assert_eq!(desk.app.title(), "switchboard: 1 running");
    desk.change(session(2, "b", paused(1, 0, 1, &["?"])));
    assert_eq!(desk.app.title(), "(1) switchboard: 1 waiting, 1 running");
}

#[test]
fn m_gives_the_mouse_to_the_terminal_and_takes_it_back() {
    let mut desk = Desk::with(vec![session(1, "a", running())]);
    desk.cmds.clear();
    desk.keys("m m");
    assert_eq!(desk.cmds, [Cmd::Mouse(false), Cmd::Mouse(true)]);
}

fn five() -> Vec<Summary> {
    (1..=5).map(|n| session(n, &format!("s{n}"), paused(1, 100 - n.cast_signed(), 1, &["Well?"]))).collect()
}

fn point(desk: &mut Desk, deed: PointerDeed, x: u16, y: u16) {
    desk.tell(Msg::Input(vec![Input::Pointer(Pointer { deed, x, y })]));
}

#[test]
fn a_click_selects_and_a_wheel_scrolls_and_neither_does_anything_else() {
    let mut desk = Desk::with(five());
    point(&mut desk, PointerDeed::Click, 10, 4);
    assert_eq!(desk.app.selected(), Some(id(3)));
    point(&mut desk, PointerDeed::WheelDown, 10, 4);
    assert_eq!(desk.app.selected(), Some(id(5)));
    point(&mut desk, PointerDeed::Click, 10, 20);
    assert_eq!(desk.app.selected(), Some(id(5)), "below the rows there is nothing");
    let tab = desk.picture(120, 36).lines().nth(2).unwrap().chars().position(|c| c == '2').unwrap();
    point(&mut desk, PointerDeed::Click, tab as u16 - 1, 2);
    assert!(desk.picture(120, 36).contains("No event yet"), "the feed is shown");
    assert!(desk.deeds().is_empty());
}

#[test]
fn a_click_elsewhere_keeps_the_draft_and_under_a_form_it_does_nothing() {
    let mut desk = Desk::with(five());
    desk.keys("a half");
    point(&mut desk, PointerDeed::Click, 10, 3);
    assert_eq!((desk.app.selected(), desk.app.mode()), (Some(id(2)), "LIST"));
    assert_eq!(desk.app.draft(id(1), switchboard::domain::QueryId::new(1)).as_deref(), Some("half"));
    desk.keys("c");
    point(&mut desk, PointerDeed::Click, 10, 5);
    assert_eq!((desk.app.selected(), desk.app.mode()), (Some(id(2)), "CANCEL"));
    desk.keys("<Esc> q");
    point(&mut desk, PointerDeed::Click, 60, 18);
    assert_eq!(desk.app.mode(), "QUIT?");
    assert!(desk.deeds().is_empty());
}

#[test]
fn the_wheel_scrolls_what_lies_over_the_panes_and_chooses_nothing_there() {
    let mut desk = Desk::with(five()).resized(40, 10);
    desk.keys("?");
    let top = desk.picture(40, 10);
    point(&mut desk, PointerDeed::WheelDown, 10, 5);
    assert_ne!(desk.picture(40, 10), top);
    point(&mut desk, PointerDeed::WheelUp, 10, 5);
    assert_eq!(desk.picture(40, 10), top);
    for way in ["<Esc> c <Tab>", "<Esc> :", "<Esc> q"] {
        desk.keys(way);
        let before = desk.picture(40, 10);
        point(&mut desk, PointerDeed::WheelDown, 10, 5);
        assert_eq!(desk.picture(40, 10), before, "{way}");
    }
    assert!(desk.deeds().is_empty());
}

#[test]
fn e_shows_the_transcript_in_the_pager() {
    let mut desk = Desk::with(five());
    desk.keys("e");
    assert!(desk.cmds.contains(&Cmd::Page(id(1))));
    desk.tell(Msg::Paged(Err("less ended with 1".into())));
    assert_eq!(desk.status(), "less ended with 1");
}

#[test]
fn what_an_editor_made_becomes_the_draft_and_a_failing_one_changes_nothing() {
    let mut desk = Desk::with(five());
    desk.keys("a first <C-x> <C-e>");
    assert!(desk.cmds.contains(&Cmd::Edit("first".into())));
    desk.tell(Msg::Edited(Ok("from outside".into())));
    assert_eq!(desk.text(), "from outside");
    desk.tell(Msg::Edited(Err("vi ended with 1".into())));
    assert_eq!(desk.text(), "from outside");
    assert_eq!(desk.status(), "vi ended with 1; the draft is as it was");
    assert!(desk.answers().is_empty(), "nothing was sent");
}

/// The colours and modifiers of the sign of the only row.
fn sign(look: Look) -> (Color, Modifier) {
    let mut desk = Desk::looking(look, 120, 36);
    desk.change(session(1, "fails", failed("boom", None)));
    desk.keys("<CR>");
    let mut terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
    terminal.draw(|frame| view(&desk.app, frame)).unwrap();
    let cell = &terminal.backend().buffer()[(3, 2)];
    assert_eq!(cell.symbol(), "✗");
    (cell.fg, cell.modifier)
}

#[test]
fn a_theme_gives_each_tone_the_best_colour_the_terminal_can_show() {
    let look = |depth| Look { depth, ..Look::default() };
    assert_eq!(sign(look(Depth::Sixteen)).0, Color::Indexed(1));
    assert_eq!(sign(look(Depth::Indexed)).0, Color::Indexed(203));
    assert_eq!(sign(look(Depth::True)).0, Color::Rgb(0xff, 0x5f, 0x5f));
    let theme = Theme::parse(Path::new("t"), "failed = { underlined = true, 16 = \"bright-red\" }").unwrap();
    assert_eq!(sign(Look { theme, depth: Depth::True, ..Look::default() }), (Color::Indexed(9), Modifier::UNDERLINED));
    let off = sign(Look { theme, colors: Colors::Off, ..Look::default() });
    assert_eq!(off, (Color::Reset, Modifier::UNDERLINED), "without colours the rest is left");
}
