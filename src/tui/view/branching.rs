//! Draws the form of a rewind and of a fork: what becomes of the session, what is kept and left, what was written since.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::widgets::Widget;

use super::layers::{label, next_row, open, window};
use super::put;
use crate::domain::{QueryId, StateName};
use crate::engine::BranchPreview;
use crate::tui::app::App;
use crate::tui::branching::{BranchField, BranchForm, BranchKind};
use crate::tui::feed::wrapped;
use crate::tui::keymap::{Action, Way};
use crate::tui::theme::Tone;
use crate::tui::words::{count, first_line};

/// Rows that the answer has at least, with its name.
const FOR_ANSWER: u16 = 2;

pub(super) fn draw(app: &App, form: &BranchForm, area: Rect, picture: &mut Buffer) {
    let pane = window(area, 90, 20);
    let title = format!("{} {}", form.kind.verb(), app.name_of(form.session));
    let how = format!("{} confirms · {} leaves", app.key(Action::Send), app.key(Action::Back));
    open(pane, &title, &how, picture);
    let mut rest = pane.inside;
    if rest.is_empty() {
        return;
    }
    at_row(app, form, rest, picture);
    next_row(&mut rest);
    for (tone, text) in said(form) {
        for row in wrapped(&text, rest.width.into()) {
            if rest.height > FOR_ANSWER {
                put(picture, rest.x, rest.y, rest.right(), row, tone.style());
                next_row(&mut rest);
            }
        }
    }
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

/// What the person should know before confirming, what matters most first.
fn said(form: &BranchForm) -> Vec<(Tone, String)> {
    let preview = match &form.preview {
        None => return vec![(Tone::Dim, "Looking what would be kept …".into())],
        Some(Err(why)) => return vec![(Tone::Warning, format!("It cannot be done: {why}."))],
        Some(Ok(preview)) => preview,
    };
    let mut said = vec![becomes(form.kind, form.at, preview.state), numbers(preview)];
    for left in &preview.left {
        let text = format!("  {} by {}: “{}”", left.query, left.by, first_line(&left.response));
        said.push((Tone::Dim, text));
    }
    for intent in &preview.written {
        let key = intent.key.as_deref().map(|key| format!(" “{key}”")).unwrap_or_default();
        said.push((Tone::Dim, format!("  {} {}{key}", intent.op, intent.file)));
    }
    said
}

fn becomes(kind: BranchKind, at: QueryId, state: StateName) -> (Tone, String) {
    match (kind, state) {
        (BranchKind::Rewind, StateName::Running | StateName::Paused) => {
            (Tone::Warning, format!("A new session from {at} on; this one is cancelled."))
        }
        (BranchKind::Rewind | BranchKind::Fork, _) => {
            (Tone::Plain, format!("A new session from {at} on; this one stays {state}."))
        }
    }
}

fn numbers(preview: &BranchPreview) -> (Tone, String) {
    let answers = format!("{} kept, {} left behind", count(preview.kept, "answer"), preview.left.len());
    match preview.written.len() {
        0 => (Tone::Plain, format!("{answers}.")),
        n => (Tone::Warning, format!("{answers}; {} to files since, not undone.", count(n, "write"))),
    }
}
