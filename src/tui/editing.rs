//! The person's own editor for a draft.
//!
//! What comes back is the draft; nothing is sent. An editor that fails changes nothing.

use super::app::App;
use super::editor::text_field;
use super::keymap::Action;
use super::listing::ListVerb;
use super::msg::Cmd;

impl App {
    /// Gives the open draft to the editor.
    pub(super) fn edit_outside(&mut self, cmds: &mut Vec<Cmd>) {
        cmds.extend(self.editor.as_ref().map(|editor| Cmd::Edit(editor.text())));
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
                let key = self.key(Action::List(ListVerb::AnswerMarked));
                self.refuse(format!("no answer is open any more; the text is kept for {key}"));
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
