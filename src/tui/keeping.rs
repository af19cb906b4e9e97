//! The drafts that the journal keeps: which changed and are to be kept, and where those of an earlier desk belong.
//!
//! What changed is written at most twice a second; a crash costs no more typing than that. Without a journal that
//! outlives the process nothing is written.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::app::App;
use super::editor::why_gone;
use super::keymap::Context;
use super::msg::Cmd;
use crate::config::Keeping;
use crate::domain::{ExecutionState, QueryId, SessionId, Timestamp};
use crate::engine::{Draft, Summary};

/// Stands in what is kept before each text that is beside the draft: nobody can type it.
const BESIDE: char = '\u{1e}';

/// How long a change may wait for others before it is written.
const LATER_MS: i64 = 500;

/// So many sessions take a while to end: ten thousand about a second.
const MANY: usize = 1_000;

/// What is to be written, and what was read.
#[derive(Debug, Default)]
pub(super) struct Kept {
    changed: BTreeSet<(SessionId, QueryId)>,
    /// When they are written.
    due: Option<Timestamp>,
    /// Drafts of sessions that are not known yet.
    read: HashMap<SessionId, Vec<(QueryId, Arc<str>)>>,
}

impl Kept {
    /// When something is to be written.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due
    }
}

impl App {
    /// Whether sessions and drafts are there again after the desk has ended.
    pub(super) fn outlives(&self) -> bool {
        self.keeping == Keeping::Journal
    }

    /// Whether the person has begun nothing that another desk would not have: no form, no marks. Drafts are kept elsewhere.
    pub(super) fn is_at_rest(&self) -> bool {
        let begun = !self.listing.marks.is_empty() || self.listing.start.is_some() || self.frozen.is_some();
        self.context() == Context::List && !begun
    }

    /// What is to be said where the desk was: what becomes of the sessions, if they go on, or if their end takes a while.
    pub fn farewell(&self) -> Option<String> {
        let counts = self.sessions.counts();
        // Where another process has them nothing becomes of them.
        if self.follows.is_some() {
            return None;
        }
        if self.outlives() {
            return (counts.live() > 0).then(|| super::words::farewell(counts));
        }
        (counts.live() >= MANY).then(|| format!("ending {} sessions …", counts.live()))
    }

    /// Has what changed written, if it is time. Comes behind every message.
    pub(super) fn keep_drafts(&mut self, cmds: &mut Vec<Cmd>) {
        let mut changed = std::mem::take(&mut self.drafts.changed);
        if let Some(editor) = self.editor.as_mut().filter(|editor| editor.changed) {
            editor.changed = false;
            changed.insert((editor.session, editor.query));
        }
        if !self.outlives() || changed.is_empty() && self.kept.due.is_none() {
            return;
        }
        self.kept.changed.append(&mut changed);
        let due = *self.kept.due.get_or_insert(self.now.saturating_add(LATER_MS));
        if self.now >= due || cmds.contains(&Cmd::Quit) {
            // Before the desk ends.
            cmds.splice(0..0, self.drafts_to_keep());
        }
    }

    /// What is to be written at once, since the desk ends.
    pub fn drafts_to_keep(&mut self) -> Vec<Cmd> {
        self.kept.due = None;
        let changed = std::mem::take(&mut self.kept.changed);
        let keep = |(session, query)| Cmd::KeepDraft { session, query, text: self.text_for(session, query) };
        changed.into_iter().map(keep).collect()
    }

    /// Everything that was written for a query and is not known to be taken: the draft, and what is beside it.
    fn text_for(&self, session: SessionId, query: QueryId) -> Option<Arc<str>> {
        let editor = self.editor.as_ref().filter(|editor| editor.session == session && editor.query == query);
        let open = editor.map(super::editor::Editor::text).or_else(|| self.drafts.text(session, query));
        let sent = self.sent.iter().filter(|sent| !sent.taken && sent.session == session);
        let sent = sent.flat_map(|sent| sent.payload.answers()).filter(|answer| answer.query_id == query);
        let sent = sent.map(|answer| answer.response.to_string());
        let orphans = self.drafts.orphans(session).filter(|orphan| orphan.query == query);
        let drafts: Vec<String> = open.into_iter().chain(sent).filter(|text| !text.is_empty()).collect();
        let mut text = drafts.join("\n\n");
        for orphan in orphans.filter(|orphan| !orphan.text.is_empty()) {
            text.push(BESIDE);
            text.push_str(&orphan.text);
        }
        (!text.is_empty()).then(|| text.into())
    }

    /// Takes in what an earlier desk has kept.
    pub(super) fn take_kept(&mut self, drafts: &[Draft]) {
        for Draft { session, query, text } in drafts {
            self.kept.read.entry(*session).or_default().push((*query, Arc::clone(text)));
        }
        let known: Vec<Summary> = self.kept.read.keys().filter_map(|id| self.sessions.get(*id)).cloned().collect();
        for summary in known {
            self.find_places(summary.id, &summary.state);
        }
    }

    /// Gives a session the drafts that were kept for it: to their questions, or as orphans where those are gone.
    pub(super) fn find_places(&mut self, session: SessionId, state: &ExecutionState) {
        if self.kept.read.is_empty() {
            return;
        }
        let epoch = if let ExecutionState::Paused(pause) = state { pause.epoch } else { 0 };
        for (query, text) in self.kept.read.remove(&session).into_iter().flatten() {
            let written = self.drafts.has(session, query)
                || self.editor.as_ref().is_some_and(|editor| editor.session == session && editor.query == query);
            let mut texts = text.split(BESIDE);
            let draft = texts.next().filter(|draft| !draft.is_empty());
            match draft {
                Some(draft) if why_gone(state, query, epoch).is_none() && !written => {
                    self.drafts.keep_text(session, query, epoch, draft);
                }
                Some(draft) => self.drafts.keep_orphan(session, query, draft.to_owned()),
                None => {}
            }
            for beside in texts {
                self.drafts.keep_orphan(session, query, beside.to_owned());
            }
            // It is kept as it is.
            self.drafts.changed.remove(&(session, query));
        }
    }
}
