//! Draws the form about marked sessions (what is meant, exactly how many, and what of it cannot be seen) and the one
//! that starts a session.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

use super::layers::{label, next_row, open, window};
use super::put;
use crate::tui::app::App;
use crate::tui::bulk::{AnswerMarked, Bulk};
use crate::tui::editor::text_field;
use crate::tui::feed::wrapped;
use crate::tui::keymap::{Action, Context, Motion, Way};
use crate::tui::layout::Pane;
use crate::tui::start_form::{StartField, StartForm, StartKind};
use crate::tui::text::{cut_and_pad, width_of};
use crate::tui::theme::Tone;
use crate::tui::words::{count, ending, first_line};

/// What the person should know of the set before confirming.
pub(super) fn bulk_note(bulk: &Bulk) -> String {
    let mut parts = vec![match bulk.sessions.len() {
        1 => "Exactly this one.".to_owned(),
        n => format!("Exactly these {n}."),
    }];
    if bulk.hidden > 0 {
        parts.push(format!("The list hides {} of them.", bulk.hidden));
    }
    if bulk.ended > 0 {
        parts.push(format!("{} ended already: nothing changes there.", bulk.ended));
    }
    match bulk.below {
        0 => {}
        1 => parts.push("1 session more, which they have forked, ends with them.".to_owned()),
        n => parts.push(format!("{n} sessions more, which they have forked, end with them.")),
    }
    parts.join(" ")
}

/// What the sessions of the set are called, at most a few of them.
pub(super) fn bulk_names(bulk: &Bulk) -> String {
    let names = bulk.names.join(", ");
    match bulk.sessions.len().saturating_sub(bulk.names.len()) {
        0 => names,
        n => format!("{names} and {n} more"),
    }
}

/// Where the parts of the form that answers every marked session stand. The text is what must be seen, then what it is an
/// answer to; the warnings get what is left.
struct AnswerRows {
    pane: Pane,
    /// Whether the name of the form needs a row of its own.
    title: bool,
    notes: usize,
    questions: usize,
    /// Whether the text has a row with its name.
    label: bool,
}

impl AnswerRows {
    /// Rows of the text, where there is room.
    const TEXT: usize = 3;

    fn of(form: &AnswerMarked, area: Rect) -> Self {
        let notes = |width: u16| wrapped(&answer_notes(form), width.into()).count();
        let wanted = form.prompts.len() + notes(area.width.min(90)) + Self::TEXT + 5;
        let pane = window(area, 90, u16::try_from(wanted).unwrap_or(u16::MAX));
        let height = usize::from(pane.inside.height);
        let title = pane.inside.x == pane.frame.x && height >= 3;
        let label = height >= 5;
        let text = Self::TEXT.min(height / 3).max(1);
        let left = height.saturating_sub(text + usize::from(title) + usize::from(label));
        let notes = notes(pane.inside.width).min(left.saturating_sub(1));
        let questions = form.prompts.len().min(left - notes);
        Self { pane, title, notes, questions, label }
    }
}

/// How many of its questions the form shows at once on a screen of this size.
pub(in crate::tui) fn questions_seen(form: &AnswerMarked, (width, height): (u16, u16)) -> usize {
    AnswerRows::of(form, Rect::new(0, 0, width, height)).questions
}

/// What the person should know of the set, besides its number.
fn answer_notes(form: &AnswerMarked) -> String {
    let mut notes = Vec::new();
    if form.hidden > 0 {
        notes.push(format!("The list hides {} of the sessions.", form.hidden));
    }
    if form.silent > 0 {
        notes.push(format!("{} marked ask nothing and get no answer.", form.silent));
    }
    match form.drafts {
        0 => {}
        1 => notes.push("1 question has a draft, which is kept beside this answer.".to_owned()),
        n => notes.push(format!("{n} questions have drafts, which are kept beside this answer.")),
    }
    notes.join(" ")
}

/// Draws the form that answers every marked session: the questions, how often each is asked, and the text.
pub(super) fn answer_marked(app: &App, form: &AnswerMarked, area: Rect, picture: &mut Buffer) {
    let rows = AnswerRows::of(form, area);
    let what = format!("Answer {} of {}", count(form.questions, "question"), count(form.sessions(), "session"));
    let how = format!("{} sends · {} leaves", app.key(Action::Send), app.key(Action::Back));
    open(rows.pane, &what, &how, picture);
    let mut rest = rows.pane.inside;
    if rows.title {
        put(picture, rest.x, rest.y, rest.right(), &what, Tone::Strong.style());
        next_row(&mut rest);
    }
    let notes = answer_notes(form);
    for row in wrapped(&notes, rest.width.into()).take(rows.notes) {
        put(picture, rest.x, rest.y, rest.right(), row, Tone::Warning.style());
        next_row(&mut rest);
    }
    let all = form.prompts.len();
    let above = form.above.min(all - rows.questions);
    for (at, (prompt, n)) in form.prompts.iter().enumerate().skip(above).take(rows.questions) {
        // The last row says which of them are seen.
        let (first, last) = (above + 1, above + rows.questions);
        let place = match rows.questions {
            seen if seen == all || at + 1 < last => String::new(),
            1 => format!(" {first} of {all}"),
            _ => format!(" {first}-{last} of {all}"),
        };
        let place_at = rest.right().saturating_sub(width_of(&place) as u16);
        let here = form.in_questions && at == above;
        let marker = if here { "▸" } else { " " };
        let x = put(picture, rest.x, rest.y, rest.right(), marker, Tone::Strong.style());
        put(picture, x, rest.y, place_at, &format!("{n:>4} × “{}”", first_line(prompt)), Tone::Dim.style());
        put(picture, place_at, rest.y, rest.right(), &place, Tone::Key.style());
        next_row(&mut rest);
    }
    if rows.label {
        let ending = ending(form.area.lines().iter().map(String::as_str));
        let ending = ending.map(|ending| format!(" · {ending}")).unwrap_or_default();
        let x = label(picture, rest, &format!("the one answer for all of them{ending}"), !form.in_questions);
        if rows.questions < all {
            let other = app.key(Action::Pane(Way::Next));
            let [down, up] = [Motion::Down, Motion::Up].map(|motion| app.key(Action::Move(motion)));
            let how = if form.in_questions {
                format!("{down} {up} scroll · {other} to the text")
            } else {
                format!("{other} to the questions")
            };
            let at = rest.right().saturating_sub(width_of(&how) as u16);
            if at > x {
                put(picture, at, rest.y, rest.right(), &how, Tone::Key.style());
            }
        }
        next_row(&mut rest);
    }
    (&form.area).render(rest, picture);
}

/// Columns of the names of fields.
const NAME: usize = 10;

/// Rows that the field with the keyboard has at least, beside its name, where others are seen too.
const LEAST: usize = 4;

/// Draws the form that starts a session: the field with the keyboard with all it has to offer, the others on a row each.
pub(super) fn start(app: &App, form: &StartForm, area: Rect, picture: &mut Buffer) {
    let pane = window(area, 90, 20);
    let (send, leave) = (app.key(Action::Send), app.key(Action::Back));
    open(pane, "New session", &format!("{send} starts · {leave} leaves"), picture);
    let mut rest = pane.inside;
    let fields = form.fields();
    // Where there is no room for all, the field with the keyboard is the one that matters.
    let others = usize::from(rest.height) >= fields.len() + LEAST;
    let below = fields.iter().rev().take_while(|field| **field != form.field).count();
    for field in fields.iter().filter(|field| others || **field == form.field) {
        if *field == form.field {
            let height = rest.height.saturating_sub(if others { below as u16 } else { 0 });
            open_field(app, form, Rect { height, ..rest }, picture);
            rest = Rect { y: rest.y + height, height: rest.height - height, ..rest };
        } else if rest.height > 0 {
            let text = if *field == StartField::Kind { form.kind.name().to_owned() } else { form.text(field) };
            let x = label(picture, rest, &cut_and_pad(field.name(), NAME), false);
            put(picture, x + 1, rest.y, rest.right(), first_line(&text), Style::new());
            next_row(&mut rest);
        }
    }
}

/// Draws the field that the keyboard is in.
fn open_field(app: &App, form: &StartForm, area: Rect, picture: &mut Buffer) {
    let mut rest = area;
    if rest.is_empty() {
        return;
    }
    let x = label(picture, rest, &cut_and_pad(form.field.name(), NAME), true) + 1;
    if form.field == StartField::Kind {
        kinds(app, form, Rect { x, width: rest.right().saturating_sub(x), ..rest }, picture);
        return;
    }
    let next = app.key(Action::Pane(Way::Next));
    let hint = match &form.field {
        StartField::File => {
            format!("{next} completes; {} to choose another kind", app.key(Action::Pane(Way::Previous)))
        }
        StartField::Package => format!("{} takes the chosen one", app.key(Action::Open)),
        StartField::Scenario => format!("a file ({next} completes), a name, or cases"),
        StartField::Needed(_) => "JSON is taken as what it is, anything else as text".to_owned(),
        StartField::Options => "a JSON object, if there is more to say".to_owned(),
        StartField::Kind | StartField::Code | StartField::Task => String::new(),
    };
    if rest.height > 1 {
        put(picture, x, rest.y, rest.right(), &hint, Tone::Dim.style());
        next_row(&mut rest);
    }
    let inside = |rest: Rect| Rect { x: rest.x + 2, width: rest.width.saturating_sub(2), ..rest };
    let one_line = form.context() == Context::Offers;
    let field = Rect { height: if one_line { 1 } else { rest.height }, ..inside(rest) };
    match form.area() {
        Some(text) => text.render(field, picture),
        None => (&text_field("")).render(field, picture),
    }
    if one_line {
        next_row(&mut rest);
        offers(form, inside(rest), picture);
    }
}

/// Draws the kinds beside each other, and below what the chosen one does.
fn kinds(app: &App, form: &StartForm, area: Rect, picture: &mut Buffer) {
    let mut x = area.x;
    for kind in StartKind::ALL {
        let chosen = kind == form.kind;
        let style = if chosen { Tone::Strong.style().add_modifier(Modifier::REVERSED) } else { Tone::Dim.style() };
        let text = if chosen { format!("[{}]", kind.name()) } else { format!(" {} ", kind.name()) };
        x = put(picture, x, area.y, area.right(), &text, style);
    }
    let keys = [Way::Previous, Way::Next].map(|way| app.key(Action::Choose(way))).join(" ");
    put(picture, x + 1, area.y, area.right(), &keys, Tone::Key.style());
    if area.height > 1 {
        put(picture, area.x, area.y + 1, area.right(), form.kind.says(), Tone::Dim.style());
    }
}

/// Draws what may be chosen, around what is.
fn offers(form: &StartForm, area: Rect, picture: &mut Buffer) {
    let offers = form.offers();
    if offers.is_empty() && form.field == StartField::Package {
        let none =
            if form.knows_packages() { "no package has these words" } else { "no package is on the library path" };
        put(picture, area.x, area.y, area.right().min(area.x + area.width), none, Tone::Dim.style());
        return;
    }
    let height = usize::from(area.height);
    let names = offers.iter().map(|offer| width_of(&offer.text)).max().unwrap_or(0).clamp(NAME, 28);
    let room = if offers.len() > height { height.saturating_sub(1) } else { height };
    let top = (form.chosen + 1).saturating_sub(room);
    let below = offers.len().saturating_sub(top + room);
    if below > 0 && height > 0 {
        put(picture, area.x, area.bottom() - 1, area.right(), &format!("  and {below} more"), Tone::Dim.style());
    }
    for (n, y) in (top..offers.len()).take(room).zip(area.y..area.bottom()) {
        let offer = &offers[n];
        let (sign, tone) = if n == form.chosen { ("▸ ", Tone::Strong) } else { ("  ", Tone::Plain) };
        let x = put(picture, area.x, y, area.right(), sign, tone.style());
        if offer.says.is_empty() {
            put(picture, x, y, area.right(), &offer.text, tone.style());
        } else {
            let x = put(picture, x, y, area.right(), &cut_and_pad(&offer.text, names), tone.style());
            put(picture, x + 1, y, area.right(), &offer.says, Tone::Dim.style());
        }
    }
}
