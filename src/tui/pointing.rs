//! The mouse: a click selects what is under it, the wheel scrolls what is under it.
//!
//! Nothing is sent, confirmed or cancelled by it: over a form or a yes/no question it does nothing but scroll what is
//! shown there.

use super::app::{App, Focus, Tab};
use super::input::{Pointer, PointerDeed};
use super::keymap::Motion;
use super::msg::Cmd;
use ratatui::layout::{Position, Rect};

/// Rows that one step of the wheel scrolls.
const WHEEL_ROWS: usize = 3;

impl App {
    pub(super) fn point(&mut self, pointer: Pointer, cmds: &mut Vec<Cmd>) {
        if let (None, Some(all)) = (&self.layer, &mut self.all_feeds) {
            match pointer.deed {
                PointerDeed::WheelUp => (0..WHEEL_ROWS).for_each(|_| all.scroll(Motion::Up)),
                PointerDeed::WheelDown => (0..WHEEL_ROWS).for_each(|_| all.scroll(Motion::Down)),
                PointerDeed::Click => {}
            }
            return;
        }
        if let Some(layer) = &self.layer {
            let motion = match pointer.deed {
                PointerDeed::WheelUp => Motion::Up,
                PointerDeed::WheelDown => Motion::Down,
                PointerDeed::Click => return,
            };
            if layer.scrolls() {
                let context = self.context();
                (0..WHEEL_ROWS).for_each(|_| self.move_in(motion, context, cmds));
            }
            return;
        }
        let layout = self.layout();
        let under = |area: Rect| area.contains(Position { x: pointer.x, y: pointer.y });
        match pointer.deed {
            PointerDeed::Click if under(layout.list.inside) => {
                let line = self.list_window().into_iter().nth(usize::from(pointer.y - layout.list.inside.y));
                if let Some(id) = line.and_then(|line| line.session()) {
                    self.listing.line = None;
                    self.close_editor();
                    self.focus = Focus::List;
                    self.select(id, cmds);
                }
            }
            PointerDeed::Click if under(layout.tabs) => {
                let labels = super::view::tab_places(self.tab, layout.tabs);
                if let Some((tab, _)) = labels.into_iter().find(|(_, columns)| columns.contains(&pointer.x)) {
                    self.show_tab(tab);
                }
            }
            PointerDeed::Click => {}
            PointerDeed::WheelUp | PointerDeed::WheelDown => {
                let motion = if pointer.deed == PointerDeed::WheelUp { Motion::Up } else { Motion::Down };
                for _ in 0..WHEEL_ROWS {
                    self.wheel(motion, under(layout.list.frame), under(layout.feed.frame), cmds);
                }
            }
        }
    }

    fn wheel(&mut self, motion: Motion, list: bool, feed: bool, cmds: &mut Vec<Cmd>) {
        if list {
            // A draft must not be left because the wheel was turned over the list.
            if self.focus != Focus::Editor {
                self.move_selection(motion, cmds);
            }
        } else if feed && matches!(self.tab, Tab::Questions | Tab::Feed) {
            self.feed.scroll(motion);
        } else {
            self.text.scroll(motion);
        }
    }

    fn show_tab(&mut self, tab: Tab) {
        self.tab = tab;
        if self.focus == Focus::Editor && tab != Tab::Questions {
            self.close_editor();
            self.focus = Focus::Session;
        }
    }
}
