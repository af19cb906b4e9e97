//! Where everything stands on a screen of a given size.
//!
//! Pure: the same size and the same [`Showing`] give the same places. `update` asks how much a pane shows, `view` draws
//! there; so the two never disagree.

use ratatui::layout::Rect;

/// Columns from which the list and the session stand side by side.
const WIDE: u16 = 100;

/// Columns and rows below which there is one pane at a time, without a frame.
pub(super) const SMALL: (u16, u16) = (60, 12);

/// Rows from which the feed stays visible under the questions.
const FEED_STAYS: u16 = 30;

/// Rows from which messages have a row of their own above the keys.
pub(super) const STATUS_ROW: u16 = 20;

/// Rows that the text of a question has where there are many beside it.
const QUESTION_TEXT: u16 = 6;

/// What is to be placed, as far as the places depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Showing {
    /// Whether the keyboard is in the list; decides what a small screen shows.
    pub(super) in_list: bool,
    /// Whether the questions are shown, and not the feed or the result.
    pub(super) questions: bool,
    /// How many questions the pause has.
    pub(super) question_rows: usize,
    /// How many rows the notes about orphan drafts need.
    pub(super) orphan_rows: usize,
    /// Whether the editor is open.
    pub(super) editor: bool,
}

/// The places. An area without a size is not drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Layout {
    pub(super) header: Rect,
    /// The frame of the list and the rows in it.
    pub(super) list: Pane,
    /// The frame of the session and what is in it.
    pub(super) session: Pane,
    /// The row of tabs.
    pub(super) tabs: Rect,
    /// The rows of questions.
    pub(super) questions: Rect,
    /// The notes about orphan drafts.
    pub(super) orphans: Rect,
    /// The text of the question, or the result.
    pub(super) text: Rect,
    /// The editor with its frame.
    pub(super) editor: Pane,
    /// The feed; its frame is a title row under the questions.
    pub(super) feed: Pane,
    pub(super) status: Rect,
    pub(super) footer: Rect,
}

/// A pane: the area of its frame, and the area inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Pane {
    pub(super) frame: Rect,
    pub(super) inside: Rect,
}

impl Pane {
    fn bordered(frame: Rect) -> Self {
        let inside = Rect::new(
            frame.x + 1.min(frame.width),
            frame.y + 1.min(frame.height),
            frame.width.saturating_sub(2),
            frame.height.saturating_sub(2),
        );
        Self { frame, inside }
    }

    fn titled(frame: Rect) -> Self {
        let mut inside = frame;
        take_top(&mut inside, 1);
        Self { frame, inside }
    }
}

fn take_top(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    let top = Rect { height: rows, ..*rest };
    rest.y += rows;
    rest.height -= rows;
    top
}

fn take_bottom(rest: &mut Rect, rows: u16) -> Rect {
    let rows = rows.min(rest.height);
    rest.height -= rows;
    Rect { y: rest.y + rest.height, height: rows, ..*rest }
}

/// Places everything on a screen of `width` columns and `height` rows.
pub(super) fn place(width: u16, height: u16, showing: Showing) -> Layout {
    let mut layout = Layout::default();
    let mut rest = Rect::new(0, 0, width, height);
    if height >= 3 {
        layout.header = take_top(&mut rest, 1);
        layout.footer = take_bottom(&mut rest, 1);
    }
    if height >= STATUS_ROW {
        layout.status = take_bottom(&mut rest, 1);
    }
    if width < SMALL.0 || height < SMALL.1 {
        // Borders would cost a quarter of such a screen; a title row tells as much.
        let pane = Pane::titled(rest);
        if showing.in_list {
            layout.list = pane;
        } else {
            layout.session = pane;
        }
    } else if width >= WIDE {
        // As much as leaves the session its tabs, and never more than names and questions need.
        let list = Rect { width: (u32::from(width) * 31 / 60).clamp(50, 110) as u16, ..rest };
        layout.list = Pane::bordered(list);
        layout.session = Pane::bordered(Rect { x: rest.x + list.width, width: rest.width - list.width, ..rest });
    } else {
        // While somebody reads or answers, the session gets the larger part.
        let rows = if showing.in_list { rest.height / 2 } else { (rest.height / 3).max(4) };
        layout.list = Pane::bordered(take_top(&mut rest, rows));
        layout.session = Pane::bordered(rest);
    }
    place_session(&mut layout, height, showing);
    if showing.editor && showing.questions && !showing.in_list && layout.editor.inside.is_empty() {
        // Where there is room for one thing only it is what takes the keys.
        let all = layout.session.frame;
        layout = Layout { header: layout.header, footer: layout.footer, status: layout.status, ..Layout::default() };
        layout.session = Pane { frame: all, inside: Rect::default() };
        layout.editor = Pane { frame: all, inside: all };
    }
    layout
}

fn place_session(layout: &mut Layout, height: u16, showing: Showing) {
    let mut rest = layout.session.inside;
    if rest.is_empty() {
        return;
    }
    if rest.height >= 4 {
        layout.tabs = take_top(&mut rest, 1);
    }
    if !showing.questions {
        // The feed and the result have the pane to themselves; both places are given, one is drawn.
        layout.text = rest;
        layout.feed = Pane { frame: rest, inside: rest };
        return;
    }
    let roomy = height >= FEED_STAYS && layout.session.frame.x > 0;
    if roomy {
        layout.feed = Pane::titled(take_bottom(&mut rest, (height / 4).max(6)));
    }
    if showing.editor {
        let rows = (rest.height / 2).clamp(4, 12);
        let frame = take_bottom(&mut rest, rows);
        // A question of which nothing is seen cannot be answered: the frame goes first.
        layout.editor = Pane::titled(frame);
    }
    // Many questions are seen at once where the text of one has room all the same.
    let most = (rest.height / 3).max((rest.height / 2).min(rest.height.saturating_sub(QUESTION_TEXT))).max(1);
    let rows = u16::try_from(showing.question_rows).unwrap_or(u16::MAX).min(most);
    // One question needs no list when there is hardly room for it.
    if rest.height >= 6 || showing.question_rows > 1 {
        layout.questions = take_top(&mut rest, rows);
    }
    if rest.height >= 4 {
        let rows = u16::try_from(showing.orphan_rows).unwrap_or(u16::MAX).min(2);
        layout.orphans = take_bottom(&mut rest, rows);
    }
    layout.text = rest;
}
