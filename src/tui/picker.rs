//! A line to type in over a list to choose from: what the palette and the history of answers have in common.
//!
//! Letters are text; the arrows choose. What is chosen means is not known here.

use tui_textarea::TextArea;

use super::editor::{paste, text_field, text_of};
use super::input::Key;
use super::keymap::Motion;
use super::typing::type_key;

/// A line of text and a choice.
#[derive(Debug)]
pub(super) struct Picker {
    pub(super) input: TextArea<'static>,
    /// Which of the things that fit is chosen, counted from the top; `None`: none yet.
    pub(super) chosen: Option<usize>,
}

impl Picker {
    pub(super) fn new() -> Self {
        Self { input: text_field(""), chosen: Some(0) }
    }

    pub(super) fn text(&self) -> String {
        text_of(&self.input)
    }

    /// Says whether the text is another now.
    pub(super) fn type_key(&mut self, key: Key) -> bool {
        // One line only: a new line would be seen by nobody.
        let changed = key.typed() != Some('\n') && type_key(&mut self.input, key);
        if changed {
            self.chosen = Some(0);
        }
        changed
    }

    /// Gives how many control characters were left out.
    pub(super) fn paste(&mut self, text: &str) -> usize {
        self.chosen = Some(0);
        paste(&mut self.input, &text.replace(['\n', '\r'], " "))
    }

    /// Chooses another of `count` things.
    pub(super) fn choose(&mut self, motion: Motion, count: usize) {
        let last = count.saturating_sub(1);
        let here = self.chosen.map(|here| here.min(last));
        let to = match (motion, here) {
            (Motion::Top, _) | (_, None) => 0,
            (Motion::Bottom, _) => last,
            (Motion::Down, Some(here)) => here + 1,
            (Motion::Up, Some(here)) => here.saturating_sub(1),
            (Motion::HalfDown, Some(here)) => here + 5,
            (Motion::HalfUp, Some(here)) => here.saturating_sub(5),
        };
        self.chosen = Some(to.min(last));
    }
}

/// Whether every word of `wanted` stands in `text`, in any case.
pub(super) fn fits(text: &str, wanted: &str) -> bool {
    let text = text.to_lowercase();
    wanted.to_lowercase().split_whitespace().all(|word| text.contains(word))
}
