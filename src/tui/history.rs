//! The answers that were sent, to be written again: `Ctrl-R` in the editor.
//!
//! Kept while the desk runs, newest first, each text once. Choosing one puts it in at the cursor; nothing is replaced
//! and nothing sent.

use std::sync::Arc;

use super::app::{App, Layer};
use super::picker::{Picker, fits};

/// Answers that are kept, and their bytes in all: more than anybody scrolls through.
const KEPT: usize = 200;
const KEPT_BYTES: usize = 1 << 20;

/// The answers that were sent, the newest last.
#[derive(Debug, Default)]
pub(super) struct History {
    answers: Vec<Arc<str>>,
    bytes: usize,
}

impl History {
    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty()
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

    /// The answers with every word of `wanted` in them, the newest first.
    pub(super) fn matching<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = &'a Arc<str>> {
        self.answers.iter().rev().filter(move |answer| fits(answer, wanted))
    }
}

impl App {
    /// Opens the history; in it, goes to the next older answer.
    pub(super) fn open_history(&mut self) {
        if let Some(Layer::History(picker)) = &mut self.layer {
            let count = self.history.matching(&picker.text()).count();
            picker.choose(super::keymap::Motion::Down, count);
        } else if self.history.is_empty() {
            self.refuse("no answer was sent since the desk was opened");
        } else {
            self.layer = Some(Layer::History(Picker::new()));
        }
    }

    /// Puts the chosen answer into the editor, at the cursor.
    pub(super) fn use_history(&mut self) {
        let Some(Layer::History(picker)) = &self.layer else { return };
        let Some(answer) = self.history.matching(&picker.text()).nth(picker.chosen).cloned() else {
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
