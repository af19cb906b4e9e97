//! Draws the list of sessions: for each a sign, a word, its time, and what it asks; above them, how it is arranged.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{put, session};
use crate::config::Grouping;
use crate::engine::Summary;
use crate::tui::app::{App, Focus};
use crate::tui::arrange::{Attention, Group};
use crate::tui::layout::Pane;
use crate::tui::list::Line;
use crate::tui::listing::FilterLine;
use crate::tui::text::{cut, cut_and_pad, cut_and_pad_left, width_of};
use crate::tui::theme::Tone;
use crate::tui::{presences, words};

/// Columns for the word of a state; `cancelled` is the longest.
const WORD: usize = 9;

/// Levels of families that are told apart: further in, names would have no room.
const DEEPEST: usize = 3;

/// Columns for a time; `23h59m` is the longest.
const TIME: usize = 6;

/// Columns of a row that are neither name nor question: signs, word, time and what parts them.
const BESIDE: usize = 4 + 1 + WORD + TIME + 2;

pub(super) fn draw(app: &App, pane: Pane, picture: &mut Buffer) {
    let area = pane.inside;
    if pane.frame.is_empty() {
        return;
    }
    let filter = app.listing.filter.trim();
    let how = arrangement(app);
    let title = match &app.listing.line {
        // It is typed over the title.
        Some(_) => String::new(),
        None if filter.is_empty() => "Sessions".to_owned(),
        // How many are shown, and in which order, must be seen beside it.
        None => cut(
            &format!("Sessions  /{filter}"),
            usize::from(pane.frame.width).saturating_sub(width_of(&how) + 8).max(12),
        ),
    };
    session::frame(pane, &title, &how, app.focus == Focus::List, picture);
    if let Some(line) = &app.listing.line {
        filter_line(line, pane.frame, picture);
    }
    let window = app.list_window();
    let below = area.y.saturating_add(window.len() as u16);
    if app.sessions.list().len() == 0 && below < area.bottom() {
        let none = match app.sessions.counts().total {
            0 if app.opens.far.reading => "Reading the journal …",
            0 => "No session yet.",
            _ => "No session matches the filter.",
        };
        put(picture, area.x, below, area.right(), none, Tone::Dim.style());
    }
    for (line, y) in window.into_iter().zip(area.y..area.bottom()) {
        let area = Rect { y, height: 1, ..area };
        match line {
            Line::Heading(group, rows) => heading(&group, rows, area, picture),
            Line::Row(id) => {
                if let Some(summary) = app.sessions.get(id) {
                    row(app, summary, area, picture);
                }
            }
        }
    }
}

/// How the list is arranged, at the right of its title: marks, how many of how many are shown, grouping and order.
fn arrangement(app: &App) -> String {
    let mut parts = Vec::new();
    if !app.listing.marks.is_empty() {
        parts.push(format!("{} marked", app.listing.marks.len()));
    }
    let (shown, total) = (app.sessions.list().len(), app.sessions.counts().total);
    if shown < total {
        parts.push(format!("{shown} of {total}"));
    }
    let how = app.sessions.how();
    if how.grouping != Grouping::None {
        parts.push(format!("by {}", how.grouping.word()));
    }
    parts.push(how.sort.word().to_owned());
    parts.join(" · ")
}

/// Draws the filter as it is typed over the title: its fault underlined, the cursor reversed.
fn filter_line(line: &FilterLine, frame: Rect, picture: &mut Buffer) {
    let text = line.text();
    let cursor = text.char_indices().nth(line.area.cursor().1).map_or(text.len(), |(at, _)| at);
    // Where there is hardly room, all of it is for what is typed.
    let (margin, sign) = if frame.width < 12 { (0, "/") } else { (1, " /") };
    let (start, end) = (frame.x + margin, frame.right().saturating_sub(margin));
    let room = usize::from(end.saturating_sub(start));
    // What is before the cursor must be seen, at least its end.
    let (mut from, mut used) = (cursor, sign.len() + 1);
    for (at, c) in text[..cursor].char_indices().rev() {
        used += width_of(c.encode_utf8(&mut [0; 4]));
        if used > room {
            break;
        }
        from = at;
    }
    let plain = Tone::Strong.style();
    let mut x = put(picture, start, frame.y, end, sign, Tone::Key.style());
    for (at, c) in text[from..].char_indices().map(|(at, c)| (from + at, c)).chain([(text.len(), ' ')]) {
        let mut style = plain;
        if line.fault.as_ref().is_some_and(|fault| fault.span.contains(&at)) {
            style = Tone::Warning.style().add_modifier(Modifier::UNDERLINED);
        }
        if at == cursor {
            style = style.add_modifier(Modifier::REVERSED);
        }
        x = put(picture, x, frame.y, end, c.encode_utf8(&mut [0; 4]), style);
    }
    // Of what the title said, nothing may be taken for a part of the filter.
    put(picture, x, frame.y, end, " ", Style::new());
}

fn heading(group: &Group, rows: usize, area: Rect, picture: &mut Buffer) {
    let name = match group {
        Group::State(Attention::Waiting) => "paused",
        Group::State(Attention::Failed) => "failed",
        Group::State(Attention::Running) => "running",
        Group::State(Attention::Done) => "done",
        Group::State(Attention::Cancelled) => "cancelled",
        Group::Named(name) => name,
        Group::Rest => "others",
    };
    put(picture, area.x, area.y, area.right(), &format!("─ {name} · {rows}"), Tone::Strong.style());
}

fn row(app: &App, summary: &Summary, area: Rect, picture: &mut Buffer) {
    let state = summary.state.name();
    let selected = app.selected == Some(summary.id);
    let hidden = !app.sessions.list().is_shown(summary.id);
    let left_behind = words::was_rewound(&summary.state);
    let tone = if hidden || left_behind { Tone::Dim.style() } else { Tone::State(state).style() };
    let right = area.right();
    let width = usize::from(area.width);
    // Names and questions share what the rest leaves; where that is little, names are what one knows a session by.
    let title = (width / 3).max(width.saturating_sub(BESIDE) / 2).clamp(6, 40);

    let marker = if selected { "▶" } else { " " };
    let mut x = put(picture, area.x, area.y, right, marker, Tone::Strong.style());
    x = put(picture, x, area.y, right, mark_of(app, summary), Tone::Key.style());
    x = put(picture, x, area.y, right, presences::sign(summary), tone);
    // A text that was written and not sent is a thing to come back to.
    let draft = if app.drafts.any_of(summary.id) { "✎" } else { " " };
    x = put(picture, x, area.y, right, draft, Tone::Key.style());
    let name = if hidden || left_behind { Tone::Dim.style() } else { Style::new() };
    x = put(picture, x, area.y, right, &cut_and_pad(&called(app, summary, title), title), name);
    x = put(picture, x + 1, area.y, right, &cut_and_pad(presences::word(summary), WORD), tone);
    x = put(picture, x, area.y, right, &cut_and_pad_left(&words::row_time(summary, app.shown_now()), TIME), name);
    if x + 4 < right {
        let text = if hidden { "hidden".to_owned() } else { words::row_text(summary, usize::from(right - x - 2)) };
        put(picture, x + 2, area.y, right, &text, Tone::Dim.style());
    }
    if selected && app.focus == Focus::List {
        picture.set_style(area, Style::new().add_modifier(Modifier::REVERSED));
    }
}

/// What a row calls its session: under its parent moved in, with the number of those that are folded away below it.
fn called(app: &App, summary: &Summary, width: usize) -> String {
    let tree = app.sessions.list().tree();
    let (below, folded) = tree.below(summary.id);
    let folded = if folded && below > 0 { format!(" ▸{below}") } else { String::new() };
    let branch = match tree.depth(summary.id).min(DEEPEST) {
        0 => String::new(),
        depth => {
            let sign = if summary.spec.branch.is_some() { "↳" } else { "└" };
            format!("{}{sign} ", "  ".repeat(depth - 1))
        }
    };
    let room = width.saturating_sub(width_of(&branch) + width_of(&folded)).max(1);
    format!("{branch}{}{folded}", app.sessions.names().name(summary, room))
}

/// `*` for a mark, `+` for what the open range would mark.
fn mark_of(app: &App, summary: &Summary) -> &'static str {
    if app.listing.marks.contains(&summary.id) {
        return "*";
    }
    match app.listing.range_from.zip(app.selected) {
        Some((from, here)) if app.sessions.list().is_between(summary.id, from, here) => "+",
        _ => " ",
    }
}
