//! Draws the list of sessions: for each a sign, a word, its time, and what it asks.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{put, session};
use crate::engine::Summary;
use crate::tui::app::{App, Focus};
use crate::tui::layout::Pane;
use crate::tui::text::{cut_and_pad, cut_and_pad_left};
use crate::tui::theme::{Tone, sign_of};
use crate::tui::words;

/// Columns for the word of a state; `cancelled` is the longest.
const WORD: usize = 9;

/// Columns for a time; `23h59m` is the longest.
const TIME: usize = 6;

pub(super) fn draw(app: &App, pane: Pane, picture: &mut Buffer) {
    let area = pane.inside;
    if pane.frame.is_empty() {
        return;
    }
    session::frame(pane, "Sessions", "attention", app.focus == Focus::List, picture);
    let window = app.list_window();
    if window.is_empty() && !area.is_empty() {
        put(picture, area.x, area.y, area.right(), "No session yet.", Tone::Dim.style());
    }
    for (place, y) in window.into_iter().zip(area.y..area.bottom()) {
        if let Some(summary) = app.sessions.get(place.id()) {
            row(app, summary, Rect { y, height: 1, ..area }, picture);
        }
    }
}

fn row(app: &App, summary: &Summary, area: Rect, picture: &mut Buffer) {
    let state = summary.state.name();
    let tone = Tone::State(state).style();
    let selected = app.selected == Some(summary.id);
    let right = area.right();
    let width = usize::from(area.width);
    let title = (width / 3).clamp(6, 24);
    let marker = if selected { "▶ " } else { "  " };

    let mut x = put(picture, area.x, area.y, right, marker, Tone::Strong.style());
    x = put(picture, x, area.y, right, sign_of(state), tone);
    x = put(picture, x + 1, area.y, right, &cut_and_pad(summary.spec.display_title(), title), Style::new());
    x = put(picture, x + 1, area.y, right, &cut_and_pad(state.as_str(), WORD), tone);
    x = put(picture, x, area.y, right, &cut_and_pad_left(&words::row_time(summary, app.now), TIME), Style::new());
    if x + 4 < right {
        put(picture, x + 2, area.y, right, &words::row_text(summary), Tone::Dim.style());
    }
    if selected && app.focus == Focus::List {
        picture.set_style(area, Style::new().add_modifier(Modifier::REVERSED));
    }
}
