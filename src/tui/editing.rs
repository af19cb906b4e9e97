//! The person's own editor for a draft, behind two keys as in a shell: Ctrl-X, then Ctrl-E.
//!
//! What comes back is the draft; nothing is sent. An editor that fails changes nothing.

use super::app::App;
use super::editor::text_field;
use super::input::{Held, Key, KeyName};
use super::keymap::Context;
use super::msg::Cmd;

/// The second of the two keys.
const SECOND: Key = Key { name: KeyName::Char('e'), held: Held { ctrl: true, alt: false, shift: false } };

impl App {
    pub(super) fn first_of_two(&mut self) {
        self.listing.first_of_two = true;
        self.say("Ctrl-E opens the draft in your editor; any other key is as always");
    }

    /// Whether a key is the second of the two; then the open draft goes to the editor.
    pub(super) fn second_of_two(&mut self, key: Key, cmds: &mut Vec<Cmd>) -> bool {
        let first = std::mem::take(&mut self.listing.first_of_two);
        let Some(editor) = self.editor.as_ref().filter(|_| first && key == SECOND) else { return false };
        let text = editor.text();
        if self.context() != Context::Editor {
            return false;
        }
        cmds.push(Cmd::Edit(text));
        true
    }

    /// Takes in what an editor made of the open draft.
    pub(super) fn edited(&mut self, result: Result<String, String>) {
        match (result, &mut self.editor) {
            (Ok(text), Some(editor)) => {
                let changed = editor.text() != text;
                editor.area = text_field(&text);
                editor.touched(changed);
                self.say("the text is the draft now; nothing was sent");
            }
            (Ok(text), None) => {
                // The draft was open for as long as the editor had the terminal; this is for safety alone.
                self.listing.unsent = Some(text);
                self.refuse("no answer is open any more; the text is kept for A");
            }
            (Err(why), _) => self.refuse(format!("{why}; the draft is as it was")),
        }
    }

    pub(super) fn paged(&mut self, result: Result<(), String>) {
        if let Err(why) = result {
            self.refuse(why);
        }
    }
}
