//! The answer editor, and the drafts of answers that are not sent.
//!
//! An editor belongs to one query of one pause for as long as it exists. Nothing here sends anything, and no text ever
//! goes from one query to another but by [`Drafts::newest_orphan`], which a key of its own asks for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tui_textarea::{CursorMove, TextArea, WrapMode};

use crate::domain::{Answer, ExecutionState, QueryId, ResumeError, SessionId, Timestamp};

/// Bytes a paste may have: more than any answer limit lets through by default.
pub(super) const PASTE_BYTES: usize = 4 << 20;

/// Whether what is in the editor may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    /// Opened by the send of another answer; nothing was typed here yet.
    Untouched,
    /// Somebody chose to write here.
    Ready,
    /// It is empty, and the person was told so.
    EmptyAsked,
}

/// A text field that wraps and draws itself like the rest of the desk.
pub(super) fn text_field(text: &str) -> TextArea<'static> {
    let mut area = TextArea::from(text.split('\n'));
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    area.set_cursor_line_style(ratatui::style::Style::new());
    area.move_cursor(CursorMove::Bottom);
    area.move_cursor(CursorMove::End);
    area
}

/// The text of a text field.
pub(super) fn text_of(area: &TextArea<'_>) -> String {
    area.lines().join("\n")
}

/// Puts a paste into a text field. Says how many control characters were left out.
pub(super) fn paste(area: &mut TextArea<'_>, text: &str) -> usize {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let kept: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    area.insert_str(&kept);
    text.chars().count() - kept.chars().count()
}

/// An open editor.
#[derive(Debug)]
pub(super) struct Editor {
    pub(super) session: SessionId,
    pub(super) query: QueryId,
    pub(super) epoch: u32,
    pub(super) area: TextArea<'static>,
    pub(super) readiness: Readiness,
    /// Why the query can no longer be answered, in the engine's words.
    pub(super) gone: Option<String>,
    /// When a draft of the answerer came into it, until somebody does something here.
    pub(super) came_at: Option<Timestamp>,
    /// Whether its text is another than the one that is kept.
    pub(super) changed: bool,
}

impl Editor {
    pub(super) fn text(&self) -> String {
        text_of(&self.area)
    }

    /// Somebody did something here; `changed` says whether the text is another now.
    pub(super) fn touched(&mut self, changed: bool) {
        self.came_at = None;
        self.changed |= changed;
        match self.readiness {
            Readiness::Untouched if !changed => {}
            Readiness::Untouched | Readiness::Ready | Readiness::EmptyAsked => self.readiness = Readiness::Ready,
        }
    }

    /// Shows it from its first line on, as far as the cursor allows: what a small screen had no room for is seen again.
    pub(super) fn show_from_the_top(&mut self) {
        let cursor = self.area.cursor();
        self.area.scroll((-i16::MAX, 0));
        let place = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        self.area.move_cursor(CursorMove::Jump(place(cursor.0), place(cursor.1)));
    }

    /// Puts a text in at the cursor, parted by a blank from what stands before it.
    pub(super) fn put_in(&mut self, text: &str) {
        let cursor = self.area.cursor();
        let (row, column) = (cursor.0, cursor.1);
        let before = column.checked_sub(1).and_then(|at| self.area.lines().get(row)?.chars().nth(at));
        if before.is_some_and(|c| !c.is_whitespace()) {
            self.area.insert_char(' ');
        }
        self.area.insert_str(text);
    }

    pub(super) fn is_blank(&self) -> bool {
        self.area.lines().iter().all(String::is_empty)
    }
}

/// Why `query` of pause `epoch` can no longer be answered in `state`; `None` if it can.
pub(super) fn why_gone(state: &ExecutionState, query: QueryId, epoch: u32) -> Option<String> {
    let refused = match state {
        ExecutionState::Paused(pause) => match pause.prompts.iter().find(|prompt| prompt.query.query_id == query) {
            Some(prompt) => match &prompt.answered_by {
                None => return None,
                Some(by) => ResumeError::AlreadyAnswered { id: query, by: by.clone() },
            },
            None => ResumeError::Stale { expected: format!("epoch {}", pause.epoch), given: format!("epoch {epoch}") },
        },
        ExecutionState::Cancelled(_) => ResumeError::AlreadyCancelled,
        ExecutionState::Running { .. } | ExecutionState::Done(_) | ExecutionState::Failed(_) => {
            ResumeError::NotPaused { actual: state.name() }
        }
    };
    Some(refused.to_string())
}

/// A draft whose query can still be answered.
#[derive(Debug)]
struct Draft {
    epoch: u32,
    area: TextArea<'static>,
}

/// A text whose query is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Orphan {
    pub(super) session: SessionId,
    pub(super) query: QueryId,
    pub(super) text: String,
}

/// Every text that was written and not sent.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    open: HashMap<SessionId, BTreeMap<QueryId, Draft>>,
    /// The newest last.
    orphans: Vec<Orphan>,
    /// Queries whose texts are others than those that are kept.
    pub(super) changed: BTreeSet<(SessionId, QueryId)>,
}

impl Drafts {
    /// Keeps what a closed editor holds: as a draft, or as an orphan if its query is gone.
    pub(super) fn keep(&mut self, editor: Editor) {
        if editor.changed {
            self.changed.insert((editor.session, editor.query));
        }
        if editor.is_blank() {
            return;
        }
        if editor.gone.is_some() {
            self.keep_orphan(editor.session, editor.query, editor.text());
        } else {
            let draft = Draft { epoch: editor.epoch, area: editor.area };
            self.open.entry(editor.session).or_default().insert(editor.query, draft);
        }
    }

    pub(super) fn keep_text(&mut self, session: SessionId, query: QueryId, epoch: u32, text: &str) {
        self.changed.insert((session, query));
        let draft = Draft { epoch, area: text_field(text) };
        self.open.entry(session).or_default().insert(query, draft);
    }

    pub(super) fn keep_orphan(&mut self, session: SessionId, query: QueryId, text: String) {
        self.changed.insert((session, query));
        self.orphans.push(Orphan { session, query, text });
    }

    /// Takes the draft of a query out, to go on writing it.
    pub(super) fn take(&mut self, session: SessionId, query: QueryId) -> Option<TextArea<'static>> {
        let drafts = self.open.get_mut(&session)?;
        let draft = drafts.remove(&query);
        if drafts.is_empty() {
            self.open.remove(&session);
        }
        draft.map(|draft| draft.area)
    }

    pub(super) fn text(&self, session: SessionId, query: QueryId) -> Option<String> {
        self.open.get(&session)?.get(&query).map(|draft| text_of(&draft.area))
    }

    pub(super) fn has(&self, session: SessionId, query: QueryId) -> bool {
        self.open.get(&session).is_some_and(|drafts| drafts.contains_key(&query))
    }

    /// Makes orphans of the drafts whose queries can no longer be answered. Returns them with the reason.
    pub(super) fn orphan_gone(
        &mut self,
        session: SessionId,
        state: &ExecutionState,
        under_way: impl Fn(QueryId) -> bool,
    ) -> Option<(QueryId, String)> {
        let drafts = self.open.get_mut(&session)?;
        let gone: Vec<(QueryId, String)> = drafts
            .iter()
            .filter(|(query, _)| !under_way(**query))
            .filter_map(|(query, draft)| Some((*query, why_gone(state, *query, draft.epoch)?)))
            .collect();
        for (query, _) in &gone {
            if let Some(area) = self.take(session, *query) {
                self.keep_orphan(session, *query, text_of(&area));
            }
        }
        gone.into_iter().next_back()
    }

    /// These queries were answered with a text of this desk: its draft is spent, and what else was written for them is
    /// an orphan now. Gives how many were.
    pub(super) fn spent(&mut self, session: SessionId, answers: &[Answer]) -> usize {
        let mut others = 0;
        for answer in answers {
            // Now, and no earlier, its draft need not be kept any more.
            self.changed.insert((session, answer.query_id));
            if let Some(area) = self.take(session, answer.query_id) {
                let text = text_of(&area);
                if text != *answer.response {
                    others += 1;
                    self.keep_orphan(session, answer.query_id, text);
                }
            }
        }
        others
    }

    /// The orphans of a session, the newest last.
    pub(super) fn orphans(&self, session: SessionId) -> impl DoubleEndedIterator<Item = &Orphan> {
        self.orphans.iter().filter(move |orphan| orphan.session == session)
    }

    /// Takes out the newest orphan of a session, else the newest of all, to be used again where the person says.
    pub(super) fn newest_orphan(&mut self, session: SessionId) -> Option<Orphan> {
        let own = self.orphans.iter().rposition(|orphan| orphan.session == session);
        let newest = own.or_else(|| self.orphans.len().checked_sub(1))?;
        let orphan = self.orphans.remove(newest);
        self.changed.insert((orphan.session, orphan.query));
        Some(orphan)
    }

    /// Whether any text is kept whose query is gone.
    pub(super) fn has_orphan(&self) -> bool {
        !self.orphans.is_empty()
    }

    /// Whether a draft is kept for any query of a session.
    pub(super) fn any_of(&self, session: SessionId) -> bool {
        self.open.contains_key(&session)
    }

    /// How many texts are kept that were not sent.
    pub(super) fn count(&self) -> usize {
        self.open.values().map(BTreeMap::len).sum::<usize>() + self.orphans.len()
    }
}
