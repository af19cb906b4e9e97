//! Draws the form of a rewind and of a fork: what becomes of the session, what is kept and left, what was written since.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::widgets::Widget;

use super::layers::{label, next_row, open, window};
use super::put;
use super::session::pager_rows;
use crate::tui::app::App;
use crate::tui::branching::{BranchField, BranchForm};
use crate::tui::keymap::{Action, Motion, Way};
use crate::tui::layout::Pane;
use crate::tui::theme::Tone;
use crate::tui::words::first_line;

/// Rows that the answer has at least, with its name.
const FOR_ANSWER: u16 = 2;

fn pane(area: Rect) -> Pane {
    window(area, 90, 20)
}

/// Columns and rows for what is said, on a screen of this size; a row of them says that there is more, where there is.
pub(in crate::tui) fn branch_room((width, height): (u16, u16)) -> (usize, usize) {
    let inside = pane(Rect::new(0, 0, width, height)).inside;
    (inside.width.into(), inside.height.saturating_sub(1 + FOR_ANSWER).into())
}

pub(super) fn draw(app: &App, form: &BranchForm, area: Rect, picture: &mut Buffer) {
    let pane = pane(area);
    let title = format!("{} {}", form.kind.verb(), app.name_of(form.session));
    let how = format!("{} confirms · {} leaves", app.key(Action::Send), app.key(Action::Back));
    open(pane, &title, &how, picture);
    let mut rest = pane.inside;
    if rest.is_empty() {
        return;
    }
    // The text is what must be seen.
    if rest.height > 1 {
        at_row(app, form, rest, picture);
        next_row(&mut rest);
    }
    said(app, form, &mut rest, picture);
    if rest.height >= FOR_ANSWER {
        let name = format!("the new answer to {}, if there is one yet", form.at);
        label(picture, rest, &name, form.field == BranchField::Answer);
        next_row(&mut rest);
    }
    (&form.answer).render(rest, picture);
}

fn at_row(app: &App, form: &BranchForm, area: Rect, picture: &mut Buffer) {
    let here = form.field == BranchField::At;
    let mut x = label(picture, area, "at ", here);
    let style = if here { Tone::Strong.style().add_modifier(Modifier::REVERSED) } else { Tone::Strong.style() };
    x = put(picture, x, area.y, area.right(), &format!("[{}]", form.at), style);
    if here {
        let keys = [Way::Previous, Way::Next].map(|way| app.key(Action::Choose(way))).join(" ");
        x = put(picture, x + 1, area.y, area.right(), &keys, Tone::Key.style());
    }
    if let Some(Ok(preview)) = &form.preview {
        let prompt = format!("“{}”", first_line(&preview.prompt));
        put(picture, x + 1, area.y, area.right(), &prompt, Tone::Plain.style());
    }
}

/// What the person should know before confirming; as much as there is room for, and how to see the rest.
fn said(app: &App, form: &BranchForm, rest: &mut Rect, picture: &mut Buffer) {
    let room = rest.height.saturating_sub(FOR_ANSWER);
    let (above, below) = form.said.hidden();
    let more = above > 0 || below;
    let rows = room.saturating_sub(u16::from(more)).min(form.said.visible().count() as u16);
    pager_rows(&form.said, Rect { height: rows, ..*rest }, false, picture);
    (0..rows).for_each(|_| next_row(rest));
    if more && room > 0 {
        let [down, up] = [Motion::HalfDown, Motion::HalfUp].map(|motion| app.key(Action::Move(motion)));
        let how = match form.field {
            BranchField::At => format!("… more: {down}, {up}"),
            BranchField::Answer => format!("… more: {}, then {down}", app.key(Action::Pane(Way::Next))),
        };
        put(picture, rest.x, rest.y, rest.right(), &how, Tone::Key.style());
        next_row(rest);
    }
}
