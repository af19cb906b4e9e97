//! Draws the forms about marked sessions: what is meant, exactly how many, and what of it cannot be seen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::layers::{label, next_row, open, window};
use super::put;
use crate::tui::bulk::{AnswerMarked, Bulk};
use crate::tui::starting::{StartField, StartForm};
use crate::tui::text::cut;
use crate::tui::theme::Tone;
use crate::tui::words::count;

/// What the person should know of the set before confirming.
pub(super) fn bulk_note(bulk: &Bulk) -> String {
    let mut parts = vec![format!("Exactly these {}.", bulk.sessions.len())];
    if bulk.hidden > 0 {
        parts.push(format!("The filter hides {} of them.", bulk.hidden));
    }
    if bulk.ended > 0 {
        parts.push(format!("{} ended already: nothing changes there.", bulk.ended));
    }
    parts.join(" ")
}

/// Draws the form that answers every marked session: the questions, how often each is asked, and the text.
pub(super) fn answer_marked(form: &AnswerMarked, area: Rect, picture: &mut Buffer) {
    let rows = form.prompts.len() + usize::from(form.more_prompts > 0) + usize::from(form.silent + form.hidden > 0);
    let pane = window(area, 90, u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(8));
    let what = format!("Answer {} of {}", count(form.questions, "question"), count(form.sessions(), "session"));
    open(pane, &what, "Ctrl-S sends · Esc leaves", picture);
    let mut rest = pane.inside;
    // The text is what must be seen; the frame or the note name the numbers, and the preview takes what is left.
    let for_text = 3.min(rest.height);
    let mut line = |text: &str, tone: Tone| {
        if rest.height > for_text {
            put(picture, rest.x, rest.y, rest.right(), text, tone.style());
            next_row(&mut rest);
        }
    };
    if pane.inside.x == pane.frame.x {
        line(&what, Tone::Strong);
    }
    let mut notes = Vec::new();
    if form.hidden > 0 {
        notes.push(format!("The filter hides {} of the sessions.", form.hidden));
    }
    if form.silent > 0 {
        notes.push(format!("{} marked ask nothing and get no answer.", form.silent));
    }
    if !notes.is_empty() {
        line(&notes.join(" "), Tone::Warning);
    }
    for (prompt, n) in &form.prompts {
        line(&cut(&format!("{n:>5} × “{prompt}”"), pane.inside.width.into()), Tone::Dim);
    }
    if form.more_prompts > 0 {
        line(&format!("      and {} more", count(form.more_prompts, "different question")), Tone::Dim);
    }
    line("the one answer for all of them:", Tone::Strong);
    (&form.area).render(rest, picture);
}

/// Offers that are shown below the path.
const OFFERS: u16 = 6;

/// Draws the form that starts a session: the path and what it could be, and a field for code.
pub(super) fn start(form: &StartForm, area: Rect, picture: &mut Buffer) {
    let pane = window(area, 80, 18);
    open(pane, "New session", "Ctrl-S starts · Esc leaves", picture);
    let mut rest = pane.inside;
    if rest.height < 4 {
        // Room for one field only.
        match form.field {
            StartField::File => (&form.file).render(rest, picture),
            StartField::Code => (&form.code).render(rest, picture),
        }
        return;
    }
    let here = form.field == StartField::File;
    label(picture, rest, "file (Tab completes, then goes to the code)", here);
    next_row(&mut rest);
    (&form.file).render(Rect { x: rest.x + 2, width: rest.width.saturating_sub(2), height: 1, ..rest }, picture);
    next_row(&mut rest);
    let offers = if here { OFFERS.min(rest.height.saturating_sub(3)) } else { 0 };
    for offer in form.offers.iter().take(offers.into()) {
        put(picture, rest.x + 4, rest.y, rest.right(), offer, Tone::Dim.style());
        next_row(&mut rest);
    }
    if form.offers.len() > usize::from(offers) && offers > 0 && rest.height > 2 {
        let more = format!("and {} more", form.offers.len() - usize::from(offers));
        put(picture, rest.x + 4, rest.y, rest.right(), &more, Tone::Dim.style());
        next_row(&mut rest);
    }
    label(picture, rest, "or code", !here);
    next_row(&mut rest);
    (&form.code).render(Rect { x: rest.x + 2, width: rest.width.saturating_sub(2), ..rest }, picture);
}
