//! The answers that were sent, to be written again: `Ctrl-R` in the editor.
//!
//! Newest first, each text once. Those of before this desk are read when somebody asks for the first time, beside the
//! loop and as far back as is of use. Choosing one puts it in at the cursor; nothing is replaced and nothing sent.

use std::sync::Arc;

use super::app::{App, Layer};
use super::msg::{Cmd, Peek};
use super::picker::{Picker, fits};
use crate::domain::{Seq, SessionId, Timestamp};

/// Answers that are kept, and their bytes in all: more than anybody scrolls through.
pub(super) const KEPT: usize = 200;
const KEPT_BYTES: usize = 1 << 20;

/// Sessions in which answers of before are looked for: those that something happened in last. And how far back in each.
const SESSIONS: usize = 100;
const EVENTS: Seq = 2_000;

/// The answers that were sent, the newest last.
#[derive(Debug, Default)]
pub(super) struct History {
    answers: Vec<Arc<str>>,
    bytes: usize,
    before: Before,
}

/// The answers of before this desk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Before {
    #[default]
    NotRead,
    UnderWay,
    Read,
}

impl History {
    /// Whether there is none, as far as is known, and none is to come.
    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.before == Before::Read
    }

    /// Whether any answer is known.
    pub(super) fn has_some(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Whether nobody has looked for answers of before yet.
    pub(super) fn may_have_more(&self) -> bool {
        self.before == Before::NotRead
    }

    /// Whether answers of before are being read.
    pub(super) fn reads_on(&self) -> bool {
        self.before == Before::UnderWay
    }

    pub(super) fn keep(&mut self, text: &Arc<str>) {
        if text.trim().is_empty() || text.len() > KEPT_BYTES {
            return;
        }
        if let Some(at) = self.answers.iter().position(|kept| kept == text) {
            self.bytes -= self.answers.remove(at).len();
        }
        self.bytes += text.len();
        self.answers.push(Arc::clone(text));
        while self.answers.len() > KEPT || self.bytes > KEPT_BYTES {
            self.bytes -= self.answers.remove(0).len();
        }
    }

    /// Takes in answers of before, the newest last: they stand behind those that are known.
    fn keep_before(&mut self, texts: &[Arc<str>]) {
        let known = std::mem::take(&mut self.answers);
        self.bytes = 0;
        for text in texts.iter().chain(&known) {
            self.keep(text);
        }
    }

    /// The answers with every word of `wanted` in them, the newest first.
    pub(super) fn matching<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = &'a Arc<str>> {
        self.answers.iter().rev().filter(move |answer| fits(answer, wanted))
    }
}

impl App {
    /// Opens the history; in it, goes to the next older answer.
    pub(super) fn open_history(&mut self, cmds: &mut Vec<Cmd>) {
        if self.history.before == Before::NotRead {
            let wanted = self.answered_last();
            // What has not come back from the journal yet is looked for when somebody asks again.
            self.history.before = if wanted.is_empty() && !self.opens.far.reading {
                Before::Read
            } else {
                cmds.push(Cmd::PastAnswers(wanted));
                Before::UnderWay
            };
        }
        if let Some(Layer::History(picker)) = &mut self.layer {
            let count = self.history.matching(&picker.text()).count();
            picker.choose(super::keymap::Motion::Down, count);
        } else if self.history.is_empty() {
            self.refuse("no answer was sent yet");
        } else {
            self.layer = Some(Layer::History(Picker::new()));
        }
    }

    /// Where answers of before would stand, what happened last first.
    fn answered_last(&self) -> Vec<Peek> {
        let asked = self.sessions.iter().filter(|summary| summary.asked > 0);
        let mut newest: Vec<(Timestamp, SessionId, Seq)> =
            asked.map(|summary| (summary.last_at, summary.id, summary.last_seq)).collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        newest.truncate(SESSIONS);
        let peek = |(_, session, to): (Timestamp, SessionId, Seq)| {
            let from = to.saturating_sub(EVENTS) + 1;
            Peek { session, from, to }
        };
        newest.into_iter().map(peek).collect()
    }

    /// Takes in what was answered before, the newest last.
    pub(super) fn take_past(&mut self, texts: &[Arc<str>]) {
        self.history.before = if self.opens.far.reading { Before::NotRead } else { Before::Read };
        self.history.keep_before(texts);
        if self.history.answers.is_empty() && matches!(self.layer, Some(Layer::History(_))) {
            self.layer = None;
            self.refuse(if self.opens.far.reading {
                "no answer is known yet: sessions still come back from the journal"
            } else {
                "no answer was sent yet"
            });
        }
    }

    /// Puts the chosen answer into the editor, at the cursor.
    pub(super) fn use_history(&mut self) {
        let Some(Layer::History(picker)) = &self.layer else { return };
        let text = picker.text();
        let Some(answer) = picker.chosen.and_then(|n| self.history.matching(&text).nth(n)).cloned() else {
            self.refuse("no answer has these words");
            return;
        };
        self.layer = None;
        if let Some(editor) = &mut self.editor {
            editor.put_in(&answer);
            editor.touched(true);
            self.say("the answer is here again; nothing was sent");
        }
    }
}
