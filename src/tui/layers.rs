//! What keys and pastes do to what lies over the panes, and to the panes where nothing does: typing, moving, opening,
//! going back, confirming.

use super::app::{App, Focus, Layer, Tab};
use super::editor::{PASTE_BYTES, paste};
use super::input::Key;
use super::keymap::{Action, Context, Motion, Way};
use super::msg::Cmd;
use super::picker::Picker;
use super::typing::type_key;
use super::words;

/// Bytes that a paste may make of a field of one line: a search of many thousand words would be looked for in every
/// session, and no path is longer.
const LINE_BYTES: usize = 4 << 10;

/// The same of the palette, where an answer may stand behind a raw verb.
const COMMAND_BYTES: usize = 64 << 10;

impl App {
    pub(super) fn type_text(&mut self, key: Key, cmds: &mut Vec<Cmd>) {
        match &mut self.layer {
            Some(Layer::Cancel(form)) => {
                type_key(&mut form.detail, key);
            }
            Some(Layer::Find(find)) => {
                find.picker.type_key(key);
                self.search_typed();
            }
            Some(Layer::Palette(palette)) => palette.type_key(key),
            Some(Layer::History(picker)) => {
                picker.type_key(key);
            }
            Some(Layer::AnswerMarked(form)) => {
                type_key(&mut form.area, key);
                form.touched();
            }
            Some(Layer::Start(form)) => cmds.extend(form.type_key(key)),
            Some(Layer::Branch(form)) => {
                type_key(&mut form.answer, key);
            }
            Some(Layer::Help(help)) => help.type_key(key, &self.keymap),
            Some(
                Layer::Details(_)
                | Layer::Calls(_)
                | Layer::Diagnostics(_)
                | Layer::Beside(_)
                | Layer::Same(_)
                | Layer::Quit,
            ) => {}
            None if self.listing.line.is_some() => self.type_filter(key),
            None => {
                if let Some(editor) = &mut self.editor {
                    let changed = type_key(&mut editor.area, key);
                    editor.touched(changed);
                }
            }
        }
    }

    pub(super) fn pasted(&mut self, text: &str, cmds: &mut Vec<Cmd>) {
        let context = self.context();
        if !context.takes_text() {
            let key = self.key(Action::Answer);
            self.refuse(format!("paste ignored: nothing takes text here ({key} opens an answer)"));
            return;
        }
        let (there, most) = match context {
            Context::Palette => (self.line_here(), COMMAND_BYTES),
            Context::Filter | Context::Find | Context::History | Context::Offers => (self.line_here(), LINE_BYTES),
            _ => (0, PASTE_BYTES),
        };
        if there + text.len() > most {
            self.refuse(format!("paste ignored: {} bytes; at most {most} are taken here", there + text.len()));
            return;
        }
        let left_out = match &mut self.layer {
            Some(Layer::Cancel(form)) => paste(&mut form.detail, text),
            Some(Layer::Find(find)) => {
                let left_out = find.picker.paste(text);
                self.search_typed();
                left_out
            }
            Some(Layer::Palette(palette)) => palette.paste(text),
            Some(Layer::History(picker)) => picker.paste(text),
            Some(Layer::AnswerMarked(form)) => {
                form.touched();
                paste(&mut form.area, text)
            }
            Some(Layer::Start(form)) => {
                let (left_out, look) = form.paste(text);
                cmds.extend(look);
                left_out
            }
            Some(Layer::Branch(form)) => paste(&mut form.answer, text),
            Some(Layer::Help(help)) => help.paste(text, &self.keymap),
            Some(
                Layer::Details(_)
                | Layer::Calls(_)
                | Layer::Diagnostics(_)
                | Layer::Beside(_)
                | Layer::Same(_)
                | Layer::Quit,
            ) => 0,
            None if self.listing.line.is_some() => self.paste_filter(text),
            None => match &mut self.editor {
                Some(editor) => {
                    let left_out = paste(&mut editor.area, text);
                    editor.touched(true);
                    left_out
                }
                None => 0,
            },
        };
        if left_out > 0 {
            self.say(format!("pasted without {}", words::count(left_out, "control character")));
        }
    }

    /// How many bytes stand in the field of one line that the keyboard is in.
    fn line_here(&self) -> usize {
        let bytes = |picker: &Picker| picker.text().len();
        match &self.layer {
            Some(Layer::Find(find)) => bytes(&find.picker),
            Some(Layer::Palette(palette)) => bytes(&palette.picker),
            Some(Layer::History(picker)) => bytes(picker),
            Some(Layer::Help(help)) => help.find.as_ref().map_or(0, bytes),
            Some(Layer::Start(form)) => form.text(&form.field).len(),
            _ => self.listing.line.as_ref().map_or(0, |line| line.text().len()),
        }
    }

    pub(super) fn move_in(&mut self, motion: Motion, context: Context, cmds: &mut Vec<Cmd>) {
        match &mut self.layer {
            Some(Layer::Help(help)) => help.pager.scroll(motion),
            Some(Layer::Calls(pager)) => pager.scroll(motion),
            Some(Layer::Diagnostics(layer)) => layer.pager.scroll(motion),
            Some(Layer::Details(details)) => details.scroll(motion),
            Some(Layer::Beside(beside)) => beside.scroll(motion),
            Some(Layer::Cancel(form)) => form.turn_code(motion),
            Some(Layer::Palette(palette)) => palette.choose(motion),
            Some(Layer::History(picker)) => {
                let count = self.history.matching(&picker.text()).count();
                picker.choose(motion, count);
            }
            Some(Layer::Start(form)) => form.choose(motion),
            Some(Layer::Branch(form)) => cmds.extend(form.turn(motion)),
            Some(Layer::AnswerMarked(form)) => form.scroll(motion, self.size),
            Some(Layer::Find(_) | Layer::Same(_) | Layer::Quit) => {}
            None => match context {
                Context::List | Context::Filter => self.move_selection(motion, cmds),
                Context::Feeds => self.in_feed(|feed| feed.scroll(motion)),
                Context::Session if self.tab == Tab::Feed => self.feed.scroll(motion),
                Context::Session if self.move_in_batch(motion) => {}
                _ => self.text.scroll(motion),
            },
        }
    }

    /// Chooses among things that stand beside each other.
    pub(super) fn choose(&mut self, way: Way, cmds: &mut Vec<Cmd>) {
        let motion = match way {
            Way::Next => Motion::Down,
            Way::Previous => Motion::Up,
        };
        match &mut self.layer {
            Some(Layer::Cancel(form)) => form.turn_code(motion),
            Some(Layer::Start(form)) => form.choose(motion),
            Some(Layer::Branch(form)) => cmds.extend(form.turn(motion)),
            Some(Layer::AnswerMarked(form)) => form.scroll(motion, self.size),
            _ => {}
        }
    }

    /// Enter: nothing that it does sends, cancels or ends anything.
    pub(super) fn open(&mut self, context: Context, cmds: &mut Vec<Cmd>) {
        match context {
            Context::Filter => self.accept_filter(cmds),
            Context::Find => match &mut self.layer {
                Some(Layer::Help(help)) => help.find = None,
                _ => self.keep_search(),
            },
            Context::Palette => self.choose_in_palette(cmds),
            Context::History => self.use_history(),
            Context::Offers => {
                if let Some(Layer::Start(form)) = &mut self.layer {
                    cmds.extend(form.take_chosen());
                }
            }
            Context::Feeds => self.open_details(),
            Context::Text => {
                let folded = match &mut self.layer {
                    Some(Layer::Details(details)) => details.fold(),
                    _ => None,
                };
                if folded.is_none() {
                    self.say(format!("there is nothing to fold on this line; {} goes back", self.key(Action::Quit)));
                }
            }
            Context::List => match self.selected_summary() {
                Some(_) => self.focus = Focus::Session,
                None => self.refuse("no session is selected"),
            },
            _ => self.open_in_session(),
        }
    }

    /// Sends the answer, or confirms the form.
    pub(super) fn send(&mut self, cmds: &mut Vec<Cmd>) {
        match self.layer.take() {
            Some(Layer::AnswerMarked(form)) => self.send_answer_marked(form, cmds),
            Some(Layer::Start(form)) => self.send_start(form, cmds),
            Some(Layer::Branch(form)) => self.send_branch(form, cmds),
            layer => {
                self.layer = layer;
                match &self.layer {
                    Some(Layer::Cancel(_)) => self.send_cancel(cmds),
                    Some(Layer::Palette(_)) => self.confirm_palette(cmds),
                    Some(_) => {}
                    None => self.send_answer(cmds),
                }
            }
        }
    }

    /// One step back. What was written is kept.
    pub(super) fn back(&mut self) {
        match self.layer.take() {
            Some(Layer::Cancel(form)) => self.keep_cancel(*form),
            Some(Layer::AnswerMarked(form)) => self.keep_answer_marked(&form),
            Some(Layer::Start(form)) => self.keep_start(form),
            Some(Layer::Branch(form)) => self.keep_branch(&form),
            Some(Layer::Find(find)) => self.drop_search(&find),
            Some(Layer::Help(mut help)) if help.find.is_some() => {
                help.drop_search(&self.keymap);
                self.layer = Some(Layer::Help(help));
            }
            Some(Layer::Help(_) | Layer::Palette(_)) => self.layer = self.behind.take(),
            Some(_) => {}
            None if self.all_feeds.take().is_some() => {}
            None => match self.focus {
                Focus::Editor => {
                    self.close_editor();
                    self.focus = self.before_editor;
                }
                Focus::Session | Focus::Sent { .. } => self.focus = Focus::List,
                Focus::List => self.back_in_list(),
            },
        }
    }
}
