//! Draws the selected session: its questions, the answer editor, its feed and its result.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

use super::put;
use crate::domain::{Pause, StateError, StateName};
use crate::tui::app::{App, Focus, Tab};
use crate::tui::editor::{Editor, Readiness};
use crate::tui::layout::{Layout, Pane};
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
        if at > start + width_of(left).min(20) as u16 {
            put(picture, at, area.y, end, &right, style);
            limit = at;
        }
    }
    let title = format!(" {} ", cut(left, usize::from(limit.saturating_sub(start)).saturating_sub(3)));
    put(picture, start, area.y, limit, &title, style.add_modifier(Modifier::BOLD));
}

pub(super) fn draw(app: &App, layout: &Layout, picture: &mut Buffer) {
    let pane = layout.session;
    if pane.frame.is_empty() {
        return;
    }
    let focused = app.focus != Focus::List;
    let Some(summary) = app.selected_summary() else {
        frame(pane, "no session", "", focused, picture);
        let text = match app.selected {
            Some(id) => StateError::NotFound(id).to_string(),
            None => "Nothing is selected.".to_owned(),
        };
        put(picture, pane.inside.x, pane.inside.y, pane.inside.right(), &text, Tone::Dim.style());
        if let Some(editor) = &app.editor {
            draw_editor(editor, layout.editor, picture);
        }
        return;
    };
    let title = format!("{} · {}", summary.spec.display_title(), words::session_heading(summary, app.now));
    frame(pane, &title, &summary.id.short(), focused, picture);
    tabs(app, layout.tabs, picture);
    match app.tab {
        Tab::Questions => {
            if let Some(pause) = app.pause() {
                questions(app, pause, layout.questions, picture);
            }
            text(app, layout.text, picture);
            orphans(app, layout.orphans, picture);
            if let Some(editor) = &app.editor {
                draw_editor(editor, layout.editor, picture);
            }
            if !layout.feed.frame.is_empty() {
                frame(layout.feed, "Feed", feed_state(app), false, picture);
                feed(app, layout.feed.inside, picture);
            }
        }
        Tab::Feed => feed(app, layout.feed.inside, picture),
        Tab::Result => text(app, layout.text, picture),
    }
}

/// The tabs and their labels, left to right.
const TABS: [(Tab, &str); 3] = [(Tab::Questions, "1 Questions"), (Tab::Feed, "2 Feed"), (Tab::Result, "3 Result")];

/// The columns of each tab's label, as they are drawn in the row of tabs.
pub(in crate::tui) fn tab_places(area: Rect) -> Vec<(Tab, std::ops::Range<u16>)> {
    let mut x = area.x;
    let place = |(tab, label): (Tab, &str)| {
        let start = x + 1;
        x = start + width_of(label) as u16 + 1;
        (tab, start..x - 1)
    };
    TABS.into_iter().map(place).collect()
}

fn tabs(app: &App, area: Rect, picture: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let mut x = area.x;
    for (tab, label) in TABS {
        let here = tab == app.tab;
        let style = if here { Tone::Strong.style().add_modifier(Modifier::UNDERLINED) } else { Tone::Dim.style() };
        x = put(picture, x + 1, area.y, area.right(), label, style) + 1;
    }
    let note = match app.tab {
        Tab::Questions => app.shown_question().map(|prompt| words::asked_with(&prompt.query)),
        Tab::Feed => Some(feed_state(app).to_owned()),
        Tab::Result => None,
    };
    if let Some(note) = note {
        let note = cut(&note, area.width.into());
        let at = area.right().saturating_sub(width_of(&note) as u16 + 1);
        if at > x {
            put(picture, at, area.y, area.right(), &note, Tone::Dim.style());
        }
    }
}

fn questions(app: &App, pause: &Pause, area: Rect, picture: &mut Buffer) {
    let shown = app.shown_question().map(|prompt| prompt.query.query_id);
    let at = pause.prompts.iter().position(|prompt| Some(prompt.query.query_id) == shown).unwrap_or(0);
    let height = usize::from(area.height);
    let top = (at + 1).saturating_sub(height.max(1)).max(at.saturating_sub(height / 2));
    let top = top.min(pause.prompts.len().saturating_sub(height));
    for (prompt, y) in pause.prompts.iter().skip(top).zip(area.y..area.bottom()) {
        let query = prompt.query.query_id;
        let place = if app.is_under_way(query) {
            QuestionPlace::Sending
        } else if app.selected.is_some_and(|id| app.drafts.has(id, query)) {
            QuestionPlace::Drafted
        } else {
            QuestionPlace::Open
        };
        let (tone, state) = words::question_state(prompt, place);
        let marker = if Some(query) == shown { "▸ " } else { "  " };
        let state_at = area.right().saturating_sub(width_of(&state) as u16 + 1);
        let x = put(picture, area.x, y, area.right(), marker, Tone::Strong.style());
        let x = put(picture, x, y, area.right(), &cut_and_pad(&query.to_string(), 5), tone.style());
        let line = format!("“{}”", words::first_line(&prompt.query.prompt));
        put(picture, x, y, state_at.saturating_sub(1), &line, Style::new());
        put(picture, state_at.max(x), y, area.right(), &state, tone.style());
    }
}

fn text(app: &App, area: Rect, picture: &mut Buffer) {
    for ((tone, row), y) in app.text.visible().zip(area.y..area.bottom()) {
        put(picture, area.x, y, area.right(), row, tone.style());
    }
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

/// Says at the right edge that there is more.
fn mark(picture: &mut Buffer, area: Rect, y: u16, sign: &str) {
    let sign = format!(" {sign}");
    let at = area.right().saturating_sub(width_of(&sign) as u16);
    put(picture, at, y, area.right(), &sign, Tone::Key.style());
}

fn orphans(app: &App, area: Rect, picture: &mut Buffer) {
    let Some(session) = app.selected else { return };
    for (orphan, y) in app.drafts.orphans(session).rev().zip(area.y..area.bottom()) {
        let line = format!("draft of {}, not sent: “{}”", orphan.query, words::first_line(&orphan.text));
        put(picture, area.x, y, area.right(), &line, Tone::Warning.style());
    }
}

fn draw_editor(editor: &Editor, pane: Pane, picture: &mut Buffer) {
    if pane.frame.is_empty() {
        return;
    }
    let title = match &editor.gone {
        None => format!("Answer {}", editor.query),
        Some(why) => format!("Answer {} cannot be sent: {why}", editor.query),
    };
    let state = match (&editor.gone, editor.readiness) {
        (Some(_), _) => "kept",
        (None, Readiness::Untouched) => "nothing typed yet",
        (None, Readiness::Ready) if editor.is_blank() => "",
        (None, Readiness::Ready) => "draft",
        (None, Readiness::EmptyAsked) => "empty: send again?",
    };
    frame(pane, &title, state, true, picture);
    if !pane.inside.is_empty() {
        (&editor.area).render(pane.inside, picture);
    }
}

fn feed_state(app: &App) -> &'static str {
    if app.feed.is_following() { "following · UTC" } else { "f follows · UTC" }
}

fn feed(app: &App, area: Rect, picture: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    if app.feed.len() == 0 {
        put(picture, area.x, area.y, area.right(), "No event yet.", Tone::Dim.style());
    }
    for (line, y) in app.feed.window(area.height.into()).zip(area.y..area.bottom()) {
        let (seq, time, kind, payload) = words::feed_line(line);
        let right = area.right();
        let mut x = put(picture, area.x, y, right, &format!("{seq:>5} "), Tone::Dim.style());
        if area.width >= 50 {
            x = put(picture, x, y, right, &format!("{time:>8} "), Tone::Dim.style());
        }
        let tone = if time.is_empty() { Tone::Warning } else { tone_of(kind) };
        let kind_width = if area.width >= 60 { 17 } else { 11 };
        x = put(picture, x, y, right, &cut_and_pad(kind, kind_width), tone.style());
        put(picture, x + 1, y, right, &payload, Style::new());
    }
}

fn tone_of(kind: &str) -> Tone {
    match kind {
        "pause_requested" => Tone::State(StateName::Paused),
        "answer_accepted" => Tone::State(StateName::Done),
        "cancel_requested" => Tone::State(StateName::Cancelled),
        "note" | "log_dropped" => Tone::Warning,
        _ => Tone::Dim,
    }
}
