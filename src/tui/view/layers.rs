//! Draws what lies over the panes: the help, the cancel form, the yes/no questions.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::Widget;

use super::session::{frame, pager_rows};
use super::{feed, put};
use crate::config::Keeping;
use crate::domain::{CancelCode, QueryId};
use crate::tui::app::{App, Layer};
use crate::tui::beside::{Beside, BesideRow};
use crate::tui::feed::{Line, wrapped};
use crate::tui::forms::{CancelForm, Field, SameAnswer};
use crate::tui::keymap::{Action, Motion, Way};
use crate::tui::layout::Pane;
use crate::tui::layout::STATUS_ROW;
use crate::tui::listing::ListVerb;
use crate::tui::pager::Pager;
use crate::tui::text::row_at;
use crate::tui::theme::Tone;
use crate::tui::words::{self, count};

/// Where the text of the help stands on a screen of this size.
pub(in crate::tui) fn help_area((width, height): (u16, u16)) -> Rect {
    window(Rect::new(0, 0, width, height), 160, u16::MAX).inside
}

/// A window in the middle of the panes, at most this large. Header, footer and status stay visible where there is room:
/// in a window, too, keys are refused.
pub(super) fn window(area: Rect, width: u16, height: u16) -> Pane {
    let below = if area.height >= STATUS_ROW { 2 } else { 1 };
    let rest = if area.height >= 8 { Rect { y: area.y + 1, height: area.height - 1 - below, ..area } } else { area };
    let width = width.min(rest.width);
    let height = height.min(rest.height);
    let frame = Rect::new(rest.x + (rest.width - width) / 2, rest.y + (rest.height - height) / 2, width, height);
    let border = u16::from(width >= 6 && height >= 5);
    let inside = Rect::new(frame.x + border, frame.y + border, frame.width - 2 * border, frame.height - 2 * border);
    Pane { frame, inside }
}

pub(super) fn draw(app: &App, area: Rect, picture: &mut Buffer) {
    if let Some(all) = app.all_feeds() {
        let pane = window(area, 160, u16::MAX);
        open(pane, "Feed of all sessions", &feed::heading(app, all), picture);
        let named = |line: &Line| app.name_of(line.session);
        let born = |line: &Line| app.sessions.get(line.session).map(|summary| summary.created_at);
        feed::draw(all, pane.inside, Some(&named), &born, true, picture);
    }
    match &app.layer {
        Some(Layer::Help(help)) => {
            let pager = &help.pager;
            let closes = format!("{} closes", app.key(Action::Quit));
            let [down, up] = [Motion::Down, Motion::Up].map(|motion| app.key(Action::Move(motion)));
            let search = format!("{} searches · {closes}", app.key(Action::List(ListVerb::Filter)));
            let more = if pager.hidden().1 { format!("{down}/{up} scroll · {search}") } else { search };
            long_text(pager, "Help", &more, area, picture);
        }
        Some(Layer::Calls(pager)) => {
            let how = format!("newest first · {} closes", app.key(Action::Quit));
            long_text(pager, "Calls", &how, area, picture);
        }
        Some(Layer::Diagnostics(layer)) => {
            let how = format!("once a second · {} closes", app.key(Action::Quit));
            long_text(&layer.pager, "Diagnostics", &how, area, picture);
        }
        Some(Layer::Details(details)) => {
            let how = format!("{} folds · {} closes", app.key(Action::Open), app.key(Action::Quit));
            long_text(&details.pager, &details.title, &how, area, picture);
        }
        Some(Layer::Beside(beside)) => {
            let how = format!("{} closes", app.key(Action::Quit));
            let pane = window(area, 160, u16::MAX);
            open(pane, &beside.names.join(" │ "), &how, picture);
            beside_rows(beside, pane.inside, picture);
        }
        Some(Layer::Find(_) | Layer::Palette(_) | Layer::History(_)) | None => {}
        Some(Layer::Cancel(form)) => cancel(app, form, area, picture),
        Some(Layer::Same(same)) => ask(app, area, "The same answer", &same_text(app, same), picture),
        Some(Layer::AnswerMarked(form)) => super::forms::answer_marked(app, form, area, picture),
        Some(Layer::Start(form)) => super::forms::start(app, form, area, picture),
        Some(Layer::Branch(form)) => super::branching::draw(app, form, area, picture),
        Some(Layer::Quit) => ask(app, area, "Quit", &quit_text(app), picture),
    }
}

pub(super) fn open(pane: Pane, title: &str, right: &str, picture: &mut Buffer) {
    for y in pane.frame.top()..pane.frame.bottom() {
        for x in pane.frame.left()..pane.frame.right() {
            if let Some(cell) = picture.cell_mut((x, y)) {
                cell.reset();
            }
        }
    }
    if pane.inside.x > pane.frame.x {
        frame(pane, title, right, true, picture);
    }
}

fn long_text(pager: &Pager, title: &str, right: &str, area: Rect, picture: &mut Buffer) {
    let pane = window(area, 160, u16::MAX);
    open(pane, title, right, picture);
    pager_rows(pager, pane.inside, true, picture);
}

fn beside_rows(beside: &Beside, area: Rect, picture: &mut Buffer) {
    let half = Beside::half(area.width.into()) as u16;
    let (middle, right) = (area.x + half + 1, area.x + half + 3);
    for (row, y) in beside.visible().zip(area.y..area.bottom()) {
        match row {
            BesideRow::Both(tone, text) => drop(put(picture, area.x, y, area.right(), text, tone.style())),
            BesideRow::Pair(tone, left, other) => {
                put(picture, area.x, y, area.x + half, left, tone.style());
                put(picture, middle, y, area.right(), "│", Tone::Dim.style());
                put(picture, right, y, area.right(), other, tone.style());
            }
        }
    }
}

fn ask(app: &App, area: Rect, title: &str, question: &str, picture: &mut Buffer) {
    let keys = format!("{}/{}", app.key(Action::Yes), app.key(Action::No));
    let text = &*format!("{question} ({keys})");
    let width = 64.min(area.width);
    let text_width = usize::from(width.saturating_sub(2)).max(1);
    let mut rows = Vec::new();
    let mut at = 0;
    while at < text.len() && rows.len() < 20 {
        let (end, next) = row_at(text, at, text_width);
        rows.push(&text[at..end]);
        at = next;
    }
    // At least as high as a frame needs: without one the question would look like a part of the panes.
    let pane = window(area, width, (rows.len() as u16 + 2).max(5));
    open(pane, title, &keys, picture);
    // The question itself stands last, and is what must be seen.
    let skipped = rows.len().saturating_sub(pane.inside.height.into());
    for (row, y) in rows.into_iter().skip(skipped).zip(pane.inside.y..pane.inside.bottom()) {
        put(picture, pane.inside.x, y, pane.inside.right(), row, Style::new());
    }
}

fn quit_text(app: &App) -> String {
    let counts = app.sessions.counts();
    if app.keeping == Keeping::Journal {
        let waits = app.farewell().map(|text| format!("{text}.")).unwrap_or_default();
        let trouble = app.trouble.as_ref().map(|why| format!(" But {}.", words::trouble(why))).unwrap_or_default();
        let sent = app.sent.iter().filter(|sent| !sent.taken).count();
        let sent = if sent > 0 { format!(" {} not recorded yet.", count(sent, "answer")) } else { String::new() };
        return format!("{waits}{trouble}{sent}{}\nQuit?", not_started(app));
    }
    let mut text = match counts.live() {
        0 => "No session is live any more.".to_owned(),
        n => format!(
            "{} not ended ({}). {}",
            if n == 1 { "1 session has".to_owned() } else { format!("{n} sessions have") },
            words::live_parts(counts),
            if n == 1 { "Nothing is kept: quitting ends it." } else { "Nothing is kept: quitting ends them." },
        ),
    };
    let unsent = app.drafts.count();
    if unsent > 0 {
        text.push(' ');
        text.push_str(&count(unsent, "unsent draft"));
        text.push_str(if unsent == 1 { " is lost, too." } else { " are lost, too." });
    }
    text.push_str(&not_started(app));
    text.push_str("\nQuit?");
    text
}

fn not_started(app: &App) -> String {
    match app.opens.far.to_start() {
        0 => String::new(),
        1 => " 1 session is not started yet, and will not be.".to_owned(),
        n => format!(" {n} sessions are not started yet, and will not be."),
    }
}

fn same_text(app: &App, same: &SameAnswer) -> String {
    let draft = |query: &QueryId| {
        let text = app.drafts.text(same.session, *query).filter(|text| *text != *same.text)?;
        Some(format!("{query} has another draft, which is kept: “{}”\n", words::on_one_line(&text)))
    };
    let mut drafts: Vec<String> = same.queries.iter().filter_map(draft).collect();
    if drafts.len() > 2 {
        drafts = vec![format!("{} have other drafts, which are kept.\n", count(drafts.len(), "question"))];
    }
    format!(
        "{}: “{}”\n{}Give this answer to {}?",
        ids(same),
        words::on_one_line(&same.text),
        drafts.concat(),
        count(same.queries.len(), "question")
    )
}

fn ids(same: &SameAnswer) -> String {
    const SHOWN: usize = 5;
    let mut ids = same.queries.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if same.queries.len() > SHOWN {
        ids.push_str(" …");
    }
    ids
}

fn cancel(app: &App, form: &CancelForm, area: Rect, picture: &mut Buffer) {
    let pane = window(area, 72, if form.bulk.is_some() { 14 } else { 12 });
    let title = match &form.bulk {
        Some(bulk) if bulk.sessions.len() > 1 => format!("Cancel {}", count(bulk.sessions.len(), "session")),
        Some(bulk) => format!("Cancel {}", app.name_of(*bulk.sessions.first().unwrap_or(&form.session))),
        None => format!("Cancel {}", app.name_of(form.session)),
    };
    let how = format!("{} confirms · {} leaves", app.key(Action::Send), app.key(Action::Back));
    open(pane, &title, &how, picture);
    let mut rest = pane.inside;
    if rest.is_empty() {
        return;
    }
    if let Some(bulk) = &form.bulk
        && rest.height >= 4
    {
        // As many rows as leave the code and a line of the detail.
        for (tone, text) in
            [(Tone::Warning, super::forms::bulk_note(bulk)), (Tone::Plain, super::forms::bulk_names(bulk))]
        {
            for row in wrapped(&text, rest.width.into()).take(usize::from(rest.height).saturating_sub(3)) {
                put(picture, rest.x, rest.y, rest.right(), row, tone.style());
                next_row(&mut rest);
            }
        }
    }
    let one = form.bulk.is_none().then_some(form.session).and_then(|id| app.sessions.get(id));
    let ended = one.filter(|summary| summary.state.is_ended());
    if let Some(summary) = ended.filter(|_| rest.height >= 5) {
        let note = format!("It is already {}: a cancel will change nothing.", summary.state.name());
        put(picture, rest.x, rest.y, rest.right(), &note, Tone::Warning.style());
        next_row(&mut rest);
    }
    if form.bulk.is_none() && form.below > 0 && rest.height >= 5 {
        let note = match form.below {
            1 => "1 session that it has forked ends with it.".to_owned(),
            n => format!("{n} sessions below it, which it has forked, end with it."),
        };
        put(picture, rest.x, rest.y, rest.right(), &note, Tone::Warning.style());
        next_row(&mut rest);
    }
    if rest.height >= 2 {
        code_row(app, form, rest, picture);
        next_row(&mut rest);
        // What the code means is told where it is chosen, if there is hardly room.
        if rest.height >= 5 || rest.height >= 3 && form.field == Field::Code {
            let x = rest.x + 8;
            put(picture, x, rest.y, rest.right(), meaning(form.code), Tone::Dim.style());
            next_row(&mut rest);
        }
    }
    if rest.height >= 2 {
        label(picture, rest, "detail", form.field == Field::Detail);
        next_row(&mut rest);
    }
    (&form.detail).render(rest, picture);
}

pub(super) fn next_row(rest: &mut Rect) {
    rest.y += 1;
    rest.height -= 1;
}

pub(super) fn label(picture: &mut Buffer, area: Rect, text: &str, here: bool) -> u16 {
    let (marker, tone) = if here { ("▸ ", Tone::Strong) } else { ("  ", Tone::Dim) };
    let x = put(picture, area.x, area.y, area.right(), marker, tone.style());
    put(picture, x, area.y, area.right(), text, tone.style())
}

fn code_row(app: &App, form: &CancelForm, area: Rect, picture: &mut Buffer) {
    let here = form.field == Field::Code;
    let mut x = label(picture, area, "code  ", here);
    for code in CancelCode::ALL {
        let chosen = code == form.code;
        // The chosen one must be seen on the narrowest screen.
        if !chosen && area.width < 60 {
            continue;
        }
        let style = if chosen { Tone::Strong.style().add_modifier(Modifier::REVERSED) } else { Tone::Dim.style() };
        let text = if chosen { format!("[{}]", code.as_str()) } else { format!(" {} ", code.as_str()) };
        x = put(picture, x, area.y, area.right(), &text, style);
    }
    if here {
        let keys = [Way::Previous, Way::Next].map(|way| app.key(Action::Choose(way))).join(" ");
        put(picture, x + 1, area.y, area.right(), &keys, Tone::Key.style());
    }
}

/// What a code says to the program and to whoever reads the record.
fn meaning(code: CancelCode) -> &'static str {
    match code {
        CancelCode::User => "somebody wanted it; what you want, as a rule",
        CancelCode::Timeout => "it took longer than its caller would wait",
        CancelCode::ParentDropped => "what it was started for is gone",
        CancelCode::SystemShutdown => "everything is being shut down",
        CancelCode::Internal => "the engine's own policy ended it",
    }
}
