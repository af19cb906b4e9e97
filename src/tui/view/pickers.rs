//! Draws what one types in and chooses from: the line of a search, the palette, the history of answers.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

use super::layers::{open, window};
use super::put;
use crate::tui::app::{App, Layer};
use crate::tui::keymap::{Action, Motion};
use crate::tui::layout::Pane;
use crate::tui::palette::Offer;
use crate::tui::picker::Picker;
use crate::tui::raw;
use crate::tui::text::cut_and_pad;
use crate::tui::theme::Tone;
use crate::tui::words::{self, on_one_line};

/// The palette on a screen.
fn palette_pane(area: Rect) -> Pane {
    window(area, 100, 22)
}

/// Rows in which the palette shows what fits, on a screen of this size.
pub(in crate::tui) fn palette_rows((width, height): (u16, u16)) -> u16 {
    let inside = palette_pane(Rect::new(0, 0, width, height)).inside;
    if inside.width == 0 { 0 } else { inside.height.saturating_sub(1) }
}

pub(super) fn draw(app: &App, area: Rect, picture: &mut Buffer) {
    let (open_key, back) = (app.key(Action::Open), app.key(Action::Back));
    match &app.layer {
        Some(Layer::Find(find)) => {
            let found = words::place(app.found_here());
            let line = Rect { y: area.bottom().saturating_sub(1), height: 1.min(area.height), ..area };
            // Where there is hardly room, how many there are matters more than the keys.
            let keys = if line.width < 60 { String::new() } else { format!(" · {open_key} keeps · {back} drops") };
            input(&find.picker, "/", &format!("{found}{keys} "), line, picture);
        }
        Some(Layer::Help(help)) => {
            if let Some(find) = &help.find {
                let line = Rect { y: area.bottom().saturating_sub(1), height: 1.min(area.height), ..area };
                input(find, "/", &format!("{open_key} keeps · {back} drops "), line, picture);
            }
        }
        Some(Layer::Palette(palette)) => {
            let text = palette.picker.text();
            let offers = palette.offers();
            let pane = palette_pane(area);
            let is_raw = palette.is_raw();
            let send = app.key(Action::Send);
            let what = match (is_raw, palette.chosen()) {
                (true, _) => format!("{send} does it"),
                (false, Some(_)) => format!("{open_key} does it"),
                (false, None) => format!("{} chooses", app.key_in_text(Action::Move(Motion::Down))),
            };
            open(pane, "Palette", &format!("{what} · {back} leaves"), picture);
            let below = line_on_top(&palette.picker, ":", pane.inside, picture);
            if is_raw {
                let shape = raw::shape(&text).unwrap_or_default();
                let marked = if shape.contains("marked") { ", marked all marked ones" } else { "" };
                put(picture, below.x, below.y, below.right(), &shape, Tone::Plain.style());
                let how = &*format!("{send} calls it, past the desk's guards; . is the selected session{marked}");
                put(picture, below.x, below.y + 1, below.right().min(below.x + below.width), how, Tone::Dim.style());
                return;
            }
            let line = |n: usize| {
                let offer = offers.get(n)?;
                let keys = match offer {
                    Offer::Act(row) => app.keymap.written(row.action),
                    Offer::Verb(..) => "raw verb".to_owned(),
                };
                Some(format!("{} {} {}", cut_and_pad(offer.name(), 18), cut_and_pad(&keys, 10), offer.says()))
            };
            list(&palette.picker, offers.len(), line, below, picture);
        }
        Some(Layer::History(picker)) => {
            let text = picker.text();
            let pane = window(area, 100, 16);
            open(pane, "Answers that were sent", &format!("{open_key} puts it in · {back} leaves"), picture);
            let below = line_on_top(picker, "/", pane.inside, picture);
            let count = app.history.matching(&text).count();
            list(
                picker,
                count,
                |n| app.history.matching(&text).nth(n).map(|answer| on_one_line(answer)),
                below,
                picture,
            );
            let none = match (app.history.reads_on(), count) {
                (true, _) => "older answers are read …",
                (false, 0) => "no answer that was sent has these words",
                (false, _) => return,
            };
            let y = below.y.saturating_add(count.min(usize::from(below.height.saturating_sub(1))) as u16);
            put(picture, below.x, y, below.right(), none, Tone::Dim.style());
        }
        _ => {}
    }
}

/// Draws the line and gives what is below it.
fn line_on_top(picker: &Picker, sign: &str, area: Rect, picture: &mut Buffer) -> Rect {
    let line = Rect { height: 1.min(area.height), ..area };
    input(picker, sign, "", line, picture);
    Rect { y: area.y + line.height, height: area.height - line.height, ..area }
}

fn input(picker: &Picker, sign: &str, right: &str, line: Rect, picture: &mut Buffer) {
    if line.is_empty() {
        return;
    }
    for x in line.left()..line.right() {
        picture[(x, line.y)].reset();
    }
    let room = (line.width / 2).max(12).min(line.width);
    let right_at = line.right().saturating_sub(right.chars().count() as u16);
    let x = put(picture, line.x, line.y, line.right(), sign, Tone::Key.style());
    let end = if right.is_empty() || right_at < line.x + room { line.right() } else { right_at };
    if end < line.right() {
        put(picture, right_at, line.y, line.right(), right, Tone::Dim.style());
    }
    (&picker.input).render(Rect { x, width: end.saturating_sub(x), ..line }, picture);
}

fn list(picker: &Picker, count: usize, line: impl Fn(usize) -> Option<String>, area: Rect, picture: &mut Buffer) {
    let height = usize::from(area.height);
    let top = picker.chosen.map_or(0, |chosen| (chosen + 1).saturating_sub(height));
    for (n, y) in (top..count).zip(area.y..area.bottom()) {
        let Some(text) = line(n) else { break };
        put(picture, area.x, y, area.right(), &text, Style::new());
        if Some(n) == picker.chosen {
            picture.set_style(Rect { y, height: 1, ..area }, Style::new().add_modifier(Modifier::REVERSED));
        }
    }
}
