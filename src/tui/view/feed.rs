//! Draws a feed: for each line its number, its time, its kind and what it tells, on one row or wrapped.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::put;
use crate::domain::{StateName, Timestamp};
use crate::tui::app::App;
use crate::tui::feed::{Feed, FeedLine, Line, Times, wrapped};
use crate::tui::keymap::Action;
use crate::tui::text::{cut_and_pad, cut_and_pad_left};
use crate::tui::theme::Tone;
use crate::tui::words;

/// Columns of the number of a line.
const SEQ: usize = 5;

/// Columns of a time; `-12h34m` is among the longest.
const TIME: usize = 8;

/// Columns of a name, in a feed of several sessions.
const NAME: usize = 16;

/// What stands before the payload of each line, in columns.
#[derive(Debug, Clone, Copy)]
struct Columns {
    time: usize,
    name: usize,
    kind: usize,
}

impl Columns {
    fn of(width: u16, several: bool) -> Self {
        Self {
            time: if width >= 50 { TIME + 1 } else { 0 },
            name: if several { NAME.min(usize::from(width) / 4) + 1 } else { 0 },
            kind: match width {
                60.. => 17,
                54.. => 15,
                _ => 11,
            },
        }
    }

    fn before_payload(self) -> usize {
        SEQ + 1 + self.time + self.name + self.kind + 1
    }
}

/// The columns that are left for the payload of a line on so many in all.
pub(in crate::tui) fn payload_width(width: u16, several: bool) -> usize {
    usize::from(width).saturating_sub(Columns::of(width, several).before_payload())
}

/// What the feed shows and how, for its heading.
pub(super) fn heading(app: &App, feed: &Feed) -> String {
    let mut said = Vec::new();
    if let Some(text) = feed.searched() {
        let of = words::place(feed.hit_here());
        said.push(format!("{}“{text}” {of}", if feed.shows_only_matching() { "only " } else { "/" }));
    }
    said.push(if feed.is_following() { "following".into() } else { format!("{} follows", app.key(Action::Follow)) });
    said.push(
        match feed.times() {
            Times::Clock => "UTC",
            Times::SinceStart => "since start",
            Times::Distance => "since the line before",
        }
        .into(),
    );
    said.join(" · ")
}

/// Draws the lines of the window. `named` gives the names of sessions where there are several, `born` when each was
/// made; `keys` says whether the keyboard is here.
pub(super) fn draw(
    feed: &Feed,
    area: Rect,
    named: Option<&dyn Fn(&Line) -> String>,
    born: &dyn Fn(&Line) -> Option<Timestamp>,
    keys: bool,
    picture: &mut Buffer,
) {
    if area.is_empty() {
        return;
    }
    if feed.len() == 0 {
        put(picture, area.x, area.y, area.right(), "No event yet.", Tone::Dim.style());
    }
    let columns = Columns::of(area.width, named.is_some());
    let mut y = area.y;
    for (line, here, hit) in feed.window() {
        if y >= area.bottom() {
            break;
        }
        let (kind, mut payload) = words::feed_line(&line.tells);
        // Here a gap is what was not read; the session's own feed may have it.
        if named.is_some()
            && let FeedLine::Gap { from, to } = &line.tells
        {
            payload = format!("events {from} to {to} are left out here");
        }
        let right = area.right();
        let mut x =
            put(picture, area.x, y, right, &format!("{:>SEQ$} ", words::feed_seq(&line.tells)), Tone::Dim.style());
        if columns.time > 0 {
            let time = time(line, feed.times(), born(line));
            x = put(picture, x, y, right, &format!("{} ", cut_and_pad_left(&time, TIME)), Tone::Dim.style());
        }
        if let Some(named) = named {
            x = put(picture, x, y, right, &format!("{} ", cut_and_pad(&named(line), columns.name - 1)), Style::new());
        }
        x = put(picture, x, y, right, &cut_and_pad(kind, columns.kind), tone_of(kind).style()) + 1;
        let style = if hit { Tone::Key.style() } else { Style::new() };
        let top = y;
        if feed.wraps() {
            for row in wrapped(&payload, usize::from(right.saturating_sub(x))) {
                if y < area.bottom() {
                    put(picture, x, y, right, row, style);
                    y += 1;
                }
            }
            y = y.max(top + 1);
        } else {
            put(picture, x, y, right, &payload, style);
            y += 1;
        }
        if here && keys {
            let rows = Rect { y: top, height: y - top, ..area };
            picture.set_style(rows, Style::new().add_modifier(Modifier::REVERSED));
        }
    }
}

fn time(line: &Line, times: Times, born: Option<Timestamp>) -> String {
    let Some(at) = line.tells.at() else { return String::new() };
    match times {
        Times::Clock => words::clock(at),
        Times::SinceStart => born.map(|born| format!("+{}", words::duration(at - born))).unwrap_or_default(),
        Times::Distance => line.before.map(|before| format!("+{}", words::duration(at - before))).unwrap_or_default(),
    }
}

fn tone_of(kind: &str) -> Tone {
    match kind {
        "pause_requested" => Tone::State(StateName::Paused),
        "answer_accepted" => Tone::State(StateName::Done),
        "cancel_requested" => Tone::State(StateName::Cancelled),
        "note" | "log_dropped" | "gap" => Tone::Warning,
        _ => Tone::Dim,
    }
}
