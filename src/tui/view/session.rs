//! Draws the selected session: its questions, the answer editor, its feed and its result.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

use super::{feed, put};
use crate::domain::{Pause, StateError};
use crate::tui::app::{App, Focus, Tab};
use crate::tui::editor::{Editor, Readiness};
use crate::tui::keymap::Action;
use crate::tui::layout::{Layout, Pane};
use crate::tui::listing::ListVerb;
use crate::tui::pager::Pager;
use crate::tui::text::{cut, cut_and_pad, width_of};
use crate::tui::theme::Tone;
use crate::tui::words::{self, QuestionPlace};

/// Draws the frame of a pane with a title left and right; without room for a border, as a title row.
pub(super) fn frame(pane: Pane, left: &str, right: &str, focused: bool, picture: &mut Buffer) {
    let area = pane.frame;
    let style = if focused { Tone::Strong.style() } else { Tone::Dim.style() };
    if area.is_empty() {
        return;
    }
    let bordered = pane.inside.x > area.x;
    if bordered && area.height >= 2 {
        let line = "─".repeat(usize::from(area.width).saturating_sub(2));
        let last = area.bottom() - 1;
        for (y, start, end) in [(area.y, "┌", "┐"), (last, "└", "┘")] {
            picture.set_string(area.x, y, start, style);
            picture.set_string(area.x + 1, y, &line, style);
            picture.set_string(area.right() - 1, y, end, style);
        }
        for y in area.y + 1..last {
            picture.set_string(area.x, y, "│", style);
            picture.set_string(area.right() - 1, y, "│", style);
        }
    } else {
        picture.set_string(area.x, area.y, "─".repeat(area.width.into()), style);
    }
    let (start, end) = (area.x + 1, area.right().saturating_sub(1));
    let mut limit = end;
    if !right.is_empty() {
        let right = format!(" {right} ");
        let at = end.saturating_sub(width_of(&right) as u16 + 1);
        // What stands left matters more: it is not cut for what stands right, as long as it fits without.
        let (needed, room) = (width_of(left) + 2, usize::from(end.saturating_sub(start)));
        let wanted = if needed <= room { needed } else { 22 };
        if usize::from(at.saturating_sub(start)) >= wanted {
            put(picture, at, area.y, end, &right, style);
            limit = at;
        }
    }
    let title = format!(" {} ", cut(left, usize::from(limit.saturating_sub(start)).saturating_sub(2)));
    put(picture, start, area.y, limit, &title, style.add_modifier(Modifier::BOLD));
}

/// What a desk without any session says.
fn beginning(app: &App) -> [String; 5] {
    let new = app.key(Action::List(ListVerb::Start));
    [
        "There is no session yet.".to_owned(),
        String::new(),
        format!("{new:<23} one more, here"),
        "switchboard FILE.lua …  a session for each file".to_owned(),
        "switchboard demo        a dozen examples".to_owned(),
    ]
}

pub(super) fn draw(app: &App, layout: &Layout, picture: &mut Buffer) {
    let pane = layout.session;
    if pane.frame.is_empty() {
        return;
    }
    let focused = app.focus != Focus::List;
    let Some(summary) = app.selected_summary() else {
        frame(pane, "no session", "", focused, picture);
        match app.selected {
            Some(id) => {
                let text = StateError::NotFound(id).to_string();
                put(picture, pane.inside.x, pane.inside.y, pane.inside.right(), &text, Tone::Dim.style());
            }
            None => {
                for (text, y) in beginning(app).iter().zip(pane.inside.y..pane.inside.bottom()) {
                    put(picture, pane.inside.x, y, pane.inside.right(), text, Tone::Dim.style());
                }
            }
        }
        if let Some(editor) = &app.editor {
            draw_editor(app, editor, layout.editor, picture);
        }
        return;
    };
    let heading = words::session_heading(summary, app.shown_now());
    let room = usize::from(pane.frame.width).saturating_sub(width_of(&heading) + 7).max(12);
    let title = format!("{} · {heading}", app.sessions.names().name(summary, room));
    // Where no list of questions says so, the frame does.
    let drafted = layout.questions.is_empty() && app.editor.is_none() && app.drafts.any_of(summary.id);
    let title = if drafted { format!("✎ {title}") } else { title };
    let has_room = width_of(&title) + 14 <= usize::from(pane.frame.width);
    let right = if has_room { summary.id.short() } else { String::new() };
    frame(pane, &title, &right, focused, picture);
    tabs(app, layout.tabs, picture);
    match app.tab {
        Tab::Questions => {
            if let Some(pause) = app.pause() {
                questions(app, pause, layout.questions, picture);
            }
            if let Some(search) = app.batch_search() {
                let note = format!("/“{}” {}", search.text(), words::place(app.question_found_here()));
                note_below(pane, &note, picture);
            }
            text(app, layout.text, picture);
            orphans(app, layout.orphans, picture);
            if let Some(editor) = &app.editor {
                draw_editor(app, editor, layout.editor, picture);
            }
            if !layout.feed.frame.is_empty() {
                frame(layout.feed, "Feed", &feed::heading(app, &app.feed), false, picture);
                draw_feed(app, layout.feed.inside, picture);
            }
        }
        Tab::Feed => {
            draw_feed(app, layout.feed.inside, picture);
            note_below(pane, &feed::heading(app, &app.feed), picture);
        }
        Tab::State | Tab::Result | Tab::Source => text(app, layout.text, picture),
        Tab::Timeline => {
            let (rows, then) = timeline_areas(layout.text);
            text(app, rows, picture);
            state_then(app, then, picture);
        }
    }
}

/// Where the moments of a timeline stand, and the state at the chosen one.
pub(in crate::tui) fn timeline_areas(area: Rect) -> (Rect, Rect) {
    let height = if area.height < 4 { 0 } else { (area.height / 3).clamp(2, 10) };
    let rows = Rect { height: area.height - height, ..area };
    (rows, Rect { y: area.y + rows.height, height, ..area })
}

fn state_then(app: &App, area: Rect, picture: &mut Buffer) {
    let then = app.life.as_ref().zip(app.text.cursor()).and_then(|(life, cursor)| life.then_at(cursor));
    let (Some((seq, lines)), false) = (then, area.is_empty()) else { return };
    let line = "─".repeat(area.width.into());
    put(picture, area.x, area.y, area.right(), &line, Tone::Dim.style());
    put(picture, area.x + 1, area.y, area.right(), &format!(" the state behind event {seq} "), Tone::Strong.style());
    for ((tone, text), y) in lines.iter().zip(area.y + 1..area.bottom()) {
        put(picture, area.x, y, area.right(), text, tone.style());
    }
}

/// The tabs as they are called on so many columns, and the blanks behind each. Where there is no room for all names,
/// that of the open tab is the one that matters.
fn tab_labels(here: Tab, width: u16) -> (impl Iterator<Item = (Tab, String)>, u16) {
    let whole = |gap: usize| Tab::ALL.iter().map(|tab| tab.name().len() + 2 + gap).sum::<usize>();
    let fits = |gap: usize| whole(gap) <= usize::from(width);
    let labels = (1..).zip(Tab::ALL).map(move |(n, tab)| {
        let name = if tab == here || whole(1) <= usize::from(width) { tab.name() } else { "" };
        (tab, format!("{n} {name}").trim_end().to_owned())
    });
    (labels, if fits(1) && !fits(2) { 1 } else { 2 })
}

/// The columns of each tab's label, as they are drawn in the row of tabs.
pub(in crate::tui) fn tab_places(here: Tab, area: Rect) -> Vec<(Tab, std::ops::Range<u16>)> {
    let (labels, gap) = tab_labels(here, area.width);
    let mut start = area.x + 1;
    let place = |(tab, label): (Tab, String)| {
        let place = start..start + width_of(&label) as u16;
        start = place.end + gap;
        (tab, place)
    };
    labels.map(place).collect()
}

/// Puts a note on the lower border of a pane, if it has one.
fn note_below(pane: Pane, note: &str, picture: &mut Buffer) {
    let (area, y) = (pane.frame, pane.inside.bottom());
    if y < area.bottom() && !pane.inside.is_empty() {
        let note = format!(" {} ", cut(note, usize::from(area.width).saturating_sub(6)));
        let at = area.right().saturating_sub(width_of(&note) as u16 + 2);
        put(picture, at, y, area.right(), &note, Tone::Dim.style());
    }
}

fn draw_feed(app: &App, area: Rect, picture: &mut Buffer) {
    let born = app.selected_summary().map(|summary| summary.created_at);
    let keys = app.focus == Focus::Session && app.tab == Tab::Feed;
    feed::draw(&app.feed, area, None, &|_| born, keys, picture);
}

fn tabs(app: &App, area: Rect, picture: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let (labels, gap) = tab_labels(app.tab, area.width);
    let mut x = area.x + 1;
    for (tab, label) in labels {
        let here = tab == app.tab;
        let style = if here { Tone::Strong.style().add_modifier(Modifier::UNDERLINED) } else { Tone::Dim.style() };
        x = put(picture, x, area.y, area.right(), &label, style) + gap;
    }
}

fn questions(app: &App, pause: &Pause, area: Rect, picture: &mut Buffer) {
    let shown = app.shown_question().map(|prompt| prompt.query.query_id);
    let at = pause.prompts.iter().position(|prompt| Some(prompt.query.query_id) == shown).unwrap_or(0);
    let height = usize::from(area.height);
    let top = (at + 1).saturating_sub(height.max(1)).max(at.saturating_sub(height / 2));
    let top = top.min(pause.prompts.len().saturating_sub(height));
    let seen = || pause.prompts.iter().skip(top).zip(area.y..area.bottom());
    let ids = seen().map(|(prompt, _)| width_of(&prompt.query.query_id.to_string())).max().unwrap_or(0).max(4) + 1;
    let hidden_below = pause.prompts.len().saturating_sub(top + height);
    let search = app.batch_search();
    for (prompt, y) in seen() {
        let query = prompt.query.query_id;
        let place = if app.is_under_way(query) {
            QuestionPlace::Sending
        } else if app.selected.is_some_and(|id| app.drafts.has(id, query)) {
            QuestionPlace::Drafted
        } else {
            QuestionPlace::Open
        };
        let (tone, mut state) = words::question_state(prompt, place);
        let is_last = y + 1 == area.bottom() && hidden_below > 0;
        if pause.prompts.len() > height {
            if Some(query) == shown {
                state = format!("{} of {} · {state}", at + 1, pause.prompts.len());
            } else if is_last {
                state = format!("↓ {hidden_below} more");
            }
        }
        let marker = if Some(query) == shown {
            "▸ "
        } else if is_last {
            "↓ "
        } else if y == area.y && top > 0 {
            "↑ "
        } else {
            "  "
        };
        let state_at = area.right().saturating_sub(width_of(&state) as u16 + 1);
        let x = put(picture, area.x, y, area.right(), marker, Tone::Strong.style());
        let x = put(picture, x, y, area.right(), &cut_and_pad(&query.to_string(), ids), tone.style());
        let line = format!("“{}”", words::first_line(&prompt.query.prompt));
        let found = search.is_some_and(|search| search.finds(query));
        let style = if found { Tone::Key.style() } else { Style::new() };
        put(picture, x, y, state_at.saturating_sub(1), &line, style);
        put(picture, state_at.max(x), y, area.right(), &state, tone.style());
    }
}

fn text(app: &App, area: Rect, picture: &mut Buffer) {
    pager_rows(&app.text, area, app.focus == Focus::Session, picture);
    let (above, below) = app.text.hidden();
    if area.width >= 20 && area.height >= 2 {
        if above > 0 {
            mark(picture, area, area.y, "↑");
        }
        if below {
            mark(picture, area, area.bottom() - 1, "↓ more");
        }
    }
}

/// Draws the rows of a text; the one with the cursor stands out while the keyboard is here.
pub(super) fn pager_rows(pager: &Pager, area: Rect, keys: bool, picture: &mut Buffer) {
    for (row, y) in pager.visible().zip(area.y..area.bottom()) {
        let x = area.x.saturating_add(row.indent as u16).min(area.right());
        put(picture, x, y, area.right(), row.text, row.tone.style());
        if row.here && keys {
            picture.set_style(Rect { y, height: 1, ..area }, Style::new().add_modifier(Modifier::REVERSED));
        }
    }
}

/// Says at the right edge that there is more.
fn mark(picture: &mut Buffer, area: Rect, y: u16, sign: &str) {
    let sign = format!(" {sign}");
    let at = area.right().saturating_sub(width_of(&sign) as u16);
    put(picture, at, y, area.right(), &sign, Tone::Key.style());
}

fn orphans(app: &App, area: Rect, picture: &mut Buffer) {
    let Some(session) = app.selected else { return };
    for (orphan, y) in app.drafts.orphans(session).rev().zip(area.y..area.bottom()) {
        let line = format!("draft of {}, not sent: “{}”", orphan.query, words::on_one_line(&orphan.text));
        put(picture, area.x, y, area.right(), &line, Tone::Warning.style());
    }
}

/// What the frame says of a draft: also what of its end is not seen, since that is sent, too.
fn draft_state(editor: &Editor, narrow: bool) -> String {
    match words::ending(editor.area.lines().iter().map(String::as_str)) {
        _ if editor.area.is_empty() => String::new(),
        None => "draft".to_owned(),
        Some(ending) if narrow => ending,
        Some(ending) => format!("draft · {ending}"),
    }
}

fn draw_editor(app: &App, editor: &Editor, pane: Pane, picture: &mut Buffer) {
    if pane.frame.is_empty() {
        return;
    }
    let mut inside = pane.inside;
    if pane.frame == pane.inside {
        // Over everything else, without a title.
        for position in inside.positions() {
            picture[position].reset();
        }
    } else {
        let title = match &editor.gone {
            None => format!("Answer {}", editor.query),
            Some(why) => format!("Answer {} cannot be sent: {why}", editor.query),
        };
        let state = match (&editor.gone, editor.readiness) {
            (Some(_), _) => "kept".to_owned(),
            (None, Readiness::Untouched) => "nothing typed yet".to_owned(),
            (None, Readiness::Ready) => draft_state(editor, pane.frame.width < 60),
            (None, Readiness::EmptyAsked) => "empty: send again?".to_owned(),
        };
        frame(pane, &title, &state, true, picture);
    }
    if editor.gone.is_some() && inside.height >= 2 {
        let [back, reuse] = [Action::Back, Action::Reuse].map(|action| app.key(action));
        let what = format!("{back} keeps the text; {reuse} in another answer puts it in there");
        put(picture, inside.x, inside.y, inside.right(), &what, Tone::Warning.style());
        inside = Rect { y: inside.y + 1, height: inside.height - 1, ..inside };
    }
    (&editor.area).render(inside, picture);
}
