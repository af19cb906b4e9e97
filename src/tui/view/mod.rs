//! Draws the desk. Only reads; only what is seen is put into words.

mod branching;
mod feed;
mod forms;
mod layers;
mod list;
mod pickers;
mod session;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::app::{App, Weight};
use super::keymap::{Action, Context, Row};
use super::layout::SMALL;
use super::listing::ListVerb;
use super::table::TABLE;
use super::text::{cut, row_at, width_of};
use super::theme::{Tone, finish};
use super::words;

pub(super) use branching::branch_room;
pub(super) use feed::payload_width;
pub(super) use forms::questions_seen;
pub(super) use layers::help_area;
pub(super) use pickers::palette_rows;
pub(super) use session::{tab_places, timeline_areas};

/// Draws everything. A terminal of no size gets nothing.
pub fn view(app: &App, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.is_empty() {
        return;
    }
    let layout = app.layout_of((area.width, area.height));
    let picture = frame.buffer_mut();
    header(app, layout.header, picture);
    list::draw(app, layout.list, picture);
    session::draw(app, &layout, picture);
    footer(app, layout.footer, picture);
    // Without a row of its own a message takes that of the counts for a while: keys must be seen, and so must the mode.
    let counts = Rect { width: area.width.saturating_sub(width_of(app.mode()) as u16 + 1), ..layout.header };
    let status = if layout.status.is_empty() { counts } else { layout.status };
    let status = if layout.header.is_empty() { last_row(area) } else { status };
    if layout.status.is_empty() {
        message(app, status, picture);
    }
    layers::draw(app, area, picture);
    pickers::draw(app, area, picture);
    if !layout.status.is_empty() {
        // No layer takes its row, but for the frame above it.
        message(app, status, picture);
    }
    finish(&app.look, picture);
}

fn last_row(area: Rect) -> Rect {
    Rect { y: area.bottom().saturating_sub(1), height: 1.min(area.height), ..area }
}

/// Puts text of the desk at a place; what does not fit is cut. Returns the column behind it.
fn put(picture: &mut Buffer, x: u16, y: u16, right: u16, text: &str, style: Style) -> u16 {
    let room = usize::from(right.saturating_sub(x));
    if room == 0 || !picture.area.contains((x, y).into()) {
        return x;
    }
    picture.set_stringn(x, y, cut(text, room), room, style).0
}

fn header(app: &App, area: Rect, picture: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    let mode = app.mode();
    let mode_at = area.right().saturating_sub(width_of(mode) as u16);
    put(picture, mode_at, area.y, area.right(), mode, Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED));
    if let Some(frozen) = &app.frozen {
        let meanwhile = words::frozen(frozen);
        put(picture, area.x, area.y, mode_at.saturating_sub(1), &meanwhile, Tone::Warning.style());
        return;
    }
    let counts = app.sessions.counts();
    let mut right = mode_at.saturating_sub(1);
    if area.width >= 100 {
        let tokens = words::tokens(counts.tokens);
        let at = right.saturating_sub(width_of(&tokens) as u16 + 1);
        put(picture, at, area.y, right, &tokens, Tone::Dim.style());
        right = at.saturating_sub(1);
    }
    let mut x = area.x;
    if area.width >= 100 {
        x = put(picture, x, area.y, right, " switchboard   ", Tone::Strong.style());
    }
    if let Some(whom) = &app.follows {
        x = put(picture, x, area.y, right, &words::follows(whom, area.width), Tone::Key.style());
    }
    if app.trouble.is_some() {
        x = put(picture, x, area.y, right, "! not recorded · ", Tone::Warning.style());
    }
    if app.recovery.trouble.is_some() {
        x = put(picture, x, area.y, right, "! damaged · ", Tone::Warning.style());
    }
    if let Some(far) = app.opens.far.words() {
        x = put(picture, x, area.y, right, &format!("{far} · "), Tone::Key.style());
    }
    let parts = words::header_parts(counts, app.sessions.waiting_since(), app.now);
    // Where there is no room for all, those that wait matter more than how many there are.
    let skipped = usize::from(area.width < 60 && counts.waiting > 0);
    let recovery = words::recovery(&app.recovery).map(|far| (Tone::Strong, far));
    for (n, (tone, part)) in recovery.iter().chain(parts.iter().skip(skipped)).enumerate() {
        let separator = if n > 0 { " · " } else { "" };
        // A count that would be cut in the middle of its number would lie.
        if usize::from(right.saturating_sub(x)) < width_of(separator) + width_of(part) {
            break;
        }
        x = put(picture, x, area.y, right, separator, Tone::Dim.style());
        x = put(picture, x, area.y, right, part, tone.style());
    }
}

/// The keys that matter here, from the table; as many as fit.
fn footer(app: &App, area: Rect, picture: &mut Buffer) {
    let context = app.context();
    let mut x = area.x;
    let place = |row: &Row| match row.action {
        // Where one pane hides the other, the way back comes first.
        Action::Help | Action::Quit if area.width < SMALL.0 && context != Context::List => 0,
        // What can be done to a session beside answering it is named where there is room behind the rest.
        Action::List(ListVerb::Again | ListVerb::Branch(_) | ListVerb::Transcript) => 2,
        _ => 1,
    };
    let rows = (0..=2).flat_map(|here| TABLE.iter().filter(move |row| place(row) == here));
    for row in rows {
        let Some(label) = row.footer.filter(|_| row.contexts.contains(&context) && app.offers(row.action)) else {
            continue;
        };
        let in_text = context.takes_text() || matches!(context, Context::Choice | Context::Sent);
        // Where q goes back, Esc need not be told, and in the list there is nothing to go back to.
        if row.action == Action::Back && !in_text {
            continue;
        }
        let label = match (row.action, context) {
            (Action::Quit, _) if context != Context::List => "back",
            (Action::List(ListVerb::Filter), _) if context != Context::List => "search",
            (Action::Open, Context::Offers) => "take",
            (Action::Open, Context::History) => "put in",
            (Action::Open, Context::Palette) => "do it",
            (Action::Open, Context::Filter | Context::Find) => "keep",
            (Action::Open, Context::Text) => "fold",
            (Action::Pane(_), Context::Choice | Context::Detail | Context::Offers) => "field",
            _ => label,
        };
        let Some(key) = app.keymap.keys(row.action).first().map(ToString::to_string) else { continue };
        let needed = width_of(&key) + width_of(label) + 2;
        if usize::from(area.right().saturating_sub(x)) < needed {
            continue;
        }
        x = put(picture, x + 1, area.y, area.right(), &key, Tone::Key.style());
        x = put(picture, x + 1, area.y, area.right(), label, Style::new());
    }
}

fn message(app: &App, area: Rect, picture: &mut Buffer) {
    let has_the_counts = app.layout_of(app.size).status.is_empty();
    let status = app.status.as_ref().filter(|status| !has_the_counts || app.now < status.leaves_the_counts());
    let (weight, text) = match (status, &app.trouble) {
        (Some(status), _) => (status.weight, status.text.clone()),
        // Where there is room for the reason only, the reason.
        (None, Some(trouble)) if has_the_counts => (Weight::Refused, trouble.clone()),
        (None, Some(trouble)) => (Weight::Refused, words::trouble(trouble)),
        (None, None) => match (words::missing(&app.recovery), &app.follows) {
            (Some(missing), _) => (Weight::Refused, missing),
            // The header says as much.
            (None, Some(whom)) if !has_the_counts => (Weight::Said, words::follows_long(whom)),
            (None, _) => return,
        },
    };
    if area.is_empty() {
        return;
    }
    let (sign, tone) = match weight {
        Weight::Said => (" ", Tone::Strong),
        Weight::Refused => (" ! ", Tone::Warning),
    };
    let text = format!("{sign}{text}");
    // Of a message that has no row of its own, what does not fit goes on over the title below, and it does not stay long.
    // One that has a row begins over the frame above it, where panes have frames.
    let (end, next) = row_at(&text, 0, area.width.into());
    let has_room = if has_the_counts { status.is_some() && app.size.1 >= 6 } else { app.size.0 >= SMALL.0 };
    let goes_on = next < text.len() && has_room;
    let (end, next) = if goes_on { (end, next) } else { (text.len(), text.len()) };
    let first = if goes_on && !has_the_counts { area.y.saturating_sub(1) } else { area.y };
    for (row, y) in [&text[..end], &text[next..]].into_iter().zip(first..).take(1 + usize::from(goes_on)) {
        let right = if y == area.y { area.right() } else { app.size.0 };
        for x in area.left()..right {
            if let Some(cell) = picture.cell_mut((x, y)) {
                cell.reset();
            }
        }
        // The second row is moved in as far as the sign.
        put(picture, area.x + u16::from(y > first), y, right, row, tone.style());
    }
}
