//! A line to type in over a list to choose from: what the palette and the history of answers have in common.
//!
//! Letters are text; the arrows choose. What is chosen means is not known here.

use tui_textarea::TextArea;

use super::editor::{paste, text_field, text_of, type_key};
use super::input::Key;
use super::keymap::Motion;

/// A line of text and a choice.
#[derive(Debug)]
pub(super) struct Picker {
    pub(super) input: TextArea<'static>,
    /// Which of the things that fit is chosen, counted from the top.
    pub(super) chosen: usize,
}

impl Picker {
    pub(super) fn new() -> Self {
        Self { input: text_field(""), chosen: 0 }
    }

    pub(super) fn text(&self) -> String {
        text_of(&self.input)
    }

    pub(super) fn type_key(&mut self, key: Key) {
        // One line only: a new line would be seen by nobody.
        if key.typed() != Some('\n') && type_key(&mut self.input, key) {
            self.chosen = 0;
        }
    }

    /// Gives how many control characters were left out.
    pub(super) fn paste(&mut self, text: &str) -> usize {
        self.chosen = 0;
        paste(&mut self.input, &text.replace(['\n', '\r'], " "))
    }

    /// Chooses another of `count` things.
    pub(super) fn choose(&mut self, motion: Motion, count: usize) {
        let last = count.saturating_sub(1);
        self.chosen = match motion {
            Motion::Down => (self.chosen + 1).min(last),
            Motion::Up => self.chosen.min(last).saturating_sub(1),
            Motion::HalfDown => (self.chosen + 5).min(last),
            Motion::HalfUp => self.chosen.min(last).saturating_sub(5),
            Motion::Top => 0,
            Motion::Bottom => last,
        };
    }
}

/// Whether every word of `wanted` stands in `text`, in any case.
pub(super) fn fits(text: &str, wanted: &str) -> bool {
    let text = text.to_lowercase();
    wanted.to_lowercase().split_whitespace().all(|word| text.contains(word))
}
