//! What each message changes: [`update`](update()), the only way in which the desk changes.
//!
//! Synchronous and total: it waits for nothing, asks no clock and refuses no message. Keys that have to do with
//! answers and cancels go on in `answering` and `cancelling`.

use super::app::{App, Focus, Layer, Tab, TextKey};
use super::editor::{paste, type_key, why_gone};
use super::feed::{FEED_LINES, Feed};
use super::input::{Input, Key, told_apart};
use super::keymap::{Action, Context, Motion, Way};
use super::list::Line;
use super::msg::{Cmd, Msg};
use super::pager::Pager;
use super::{documents, help, words};
use crate::domain::{ExecutionState, QueryId, SessionId, StateError};
use crate::engine::Summary;

/// A message that no key caused stays at least this long, whatever is typed: long enough to be read.
const STATUS_MS: i64 = 2_000;

/// Takes one message in and says what is to be done.
pub fn update(app: &mut App, msg: Msg) -> Vec<Cmd> {
    let mut cmds = Vec::new();
    let by_a_key = matches!(msg, Msg::Input(_));
    app.messages_stay = if by_a_key { app.now } else { app.now + STATUS_MS };
    match msg {
        Msg::Input(inputs) => app.input(inputs, &mut cmds),
        Msg::Resize(width, height) => {
            app.size = (width, height);
            // Also where the size is the last one again: what lay between may have cost the terminal its contents.
            cmds.push(Cmd::Redraw);
        }
        Msg::Time(now) => app.now = now,
        Msg::Changed(summaries) => app.changed(summaries, &mut cmds),
        Msg::Gone(ids) => app.gone(ids),
        Msg::Feed(session, items) => {
            if app.feed.session() == Some(session) {
                app.feed.take(items);
            }
        }
        Msg::NotObserved(session, why) => {
            if app.feed.session() == Some(session) {
                app.refuse(why);
            }
        }
        Msg::Answered { token, result } => app.answered(token, result),
        Msg::Cancelled { session, reason, result } => app.cancelled(session, &reason, result),
        Msg::CancelledAll { done, before, refused } => app.cancelled_all(&done, before, &refused),
        Msg::AnsweredAll { taken, refused } => app.answered_all(&taken, &refused),
        Msg::Started { start, result } => app.started(&start, result),
        Msg::Offers { begun, offers } => app.take_offers(&begun, offers),
        Msg::Edited(result) => app.edited(result),
        Msg::Paged(result) => app.paged(result),
        Msg::Work => app.sessions.work(app.now),
    }
    app.announce(&mut cmds);
    app.prepare();
    cmds
}

impl App {
    fn input(&mut self, inputs: Vec<Input>, cmds: &mut Vec<Cmd>) {
        if self.status.as_ref().is_some_and(|status| status.stays_until <= self.now) {
            self.status = None;
        }
        for input in told_apart(inputs) {
            match input {
                Input::Key(key) => self.key(key, cmds),
                Input::Paste(text) => self.pasted(&text),
                Input::Pointer(pointer) => self.point(pointer, cmds),
            }
        }
    }

    fn key(&mut self, key: Key, cmds: &mut Vec<Cmd>) {
        let context = self.context();
        match self.keymap.action(context, key) {
            Some(action) => self.act(action, context, cmds),
            None if context.takes_text() => self.type_text(key, cmds),
            None if context == Context::Question => self.refuse("y or n"),
            None => self.refuse(format!("{key} does nothing here; ? shows the keys")),
        }
    }

    fn type_text(&mut self, key: Key, cmds: &mut Vec<Cmd>) {
        if let Some(Layer::Cancel(form)) = &mut self.layer {
            type_key(&mut form.detail, key);
        } else if let Some(Layer::AnswerMarked(form)) = &mut self.layer {
            type_key(&mut form.area, key);
            form.touched();
        } else if let Some(Layer::Start(form)) = &mut self.layer {
            cmds.extend(form.type_key(key));
        } else if self.listing.line.is_some() {
            self.type_filter(key);
        } else if let Some(editor) = &mut self.editor {
            let changed = type_key(&mut editor.area, key);
            editor.touched(changed);
        }
    }

    fn pasted(&mut self, text: &str) {
        let context = self.context();
        if !context.takes_text() {
            self.refuse("paste ignored: nothing takes text here (a opens an answer)");
            return;
        }
        if text.len() > super::editor::PASTE_BYTES {
            self.refuse(format!(
                "paste ignored: {} bytes; at most {} are taken",
                text.len(),
                super::editor::PASTE_BYTES
            ));
            return;
        }
        let mut left_out = 0;
        if let Some(Layer::Cancel(form)) = &mut self.layer {
            left_out = paste(&mut form.detail, text);
        } else if let Some(Layer::AnswerMarked(form)) = &mut self.layer {
            left_out = paste(&mut form.area, text);
            form.touched();
        } else if let Some(Layer::Start(form)) = &mut self.layer {
            left_out = form.paste(text);
        } else if self.listing.line.is_some() {
            left_out = self.paste_filter(text);
        } else if let Some(editor) = &mut self.editor {
            left_out = paste(&mut editor.area, text);
            editor.touched(true);
        }
        if left_out > 0 {
            self.say(format!("pasted without {}", words::count(left_out, "control character")));
        }
    }

    fn act(&mut self, action: Action, context: Context, cmds: &mut Vec<Cmd>) {
        match action {
            Action::Help => self.layer = Some(Layer::Help(Pager::new(help::blocks(&self.keymap)))),
            Action::Quit => match context {
                Context::List => self.quit(cmds),
                Context::Session
                | Context::Help
                | Context::Editor
                | Context::Code
                | Context::Detail
                | Context::Filter
                | Context::Question => self.back(),
            },
            Action::Back | Action::No => self.back(),
            Action::Pane(way) => self.other_pane(way, cmds),
            Action::ShowQuestions => self.tab = Tab::Questions,
            Action::ShowFeed => self.tab = Tab::Feed,
            Action::ShowResult => self.tab = Tab::Result,
            Action::HowToQuit => self.how_to_quit(context),
            Action::Redraw => cmds.push(Cmd::Redraw),
            Action::Suspend => cmds.push(Cmd::Suspend),
            Action::Move(motion) => self.move_in(motion, context, cmds),
            Action::List(verb) => self.list_verb(verb, cmds),
            Action::Open if context == Context::Filter => self.accept_filter(cmds),
            Action::Open => match self.selected_summary() {
                Some(_) => self.focus = Focus::Session,
                None => self.refuse("no session is selected"),
            },
            Action::Answer => self.open_answer(),
            Action::Waiting(way) => self.go_to_waiting(way, cmds),
            Action::Cancel => self.open_cancel(),
            Action::Question(way) => self.other_question(way, context),
            Action::SameAnswer => self.ask_same(),
            Action::Follow => {
                let height = self.feed_height();
                self.feed.follow_or_stop(height);
            }
            Action::Send => match context {
                Context::Code | Context::Detail => self.send_form(cmds),
                Context::Editor
                | Context::List
                | Context::Filter
                | Context::Session
                | Context::Help
                | Context::Question => {
                    self.send_answer(cmds);
                }
            },
            Action::Reuse => self.reuse_orphan(),
            Action::Yes => match self.layer.take() {
                Some(Layer::Quit) => cmds.push(Cmd::Quit),
                Some(Layer::Same(same)) => self.send_same(same, cmds),
                layer @ (Some(Layer::Help(_) | Layer::Cancel(_) | Layer::AnswerMarked(_) | Layer::Start(_)) | None) => {
                    self.layer = layer;
                }
            },
        }
    }

    fn quit(&mut self, cmds: &mut Vec<Cmd>) {
        if self.sessions.counts().live() == 0 && self.sent.is_empty() {
            cmds.push(Cmd::Quit);
        } else {
            self.layer = Some(Layer::Quit);
        }
    }

    fn send_form(&mut self, cmds: &mut Vec<Cmd>) {
        match self.layer.take() {
            Some(Layer::AnswerMarked(form)) => self.send_answer_marked(form, cmds),
            Some(Layer::Start(form)) => self.send_start(form, cmds),
            layer => {
                self.layer = layer;
                self.send_cancel(cmds);
            }
        }
    }

    /// One step back. What was written is kept.
    fn back(&mut self) {
        match self.layer.take() {
            Some(Layer::Cancel(form)) => self.keep_cancel(*form),
            Some(Layer::AnswerMarked(form)) => self.keep_answer_marked(&form),
            Some(Layer::Start(form)) => self.keep_start(form),
            Some(Layer::Help(_) | Layer::Same(_) | Layer::Quit) => {}
            None => match self.focus {
                Focus::Editor => {
                    self.close_editor();
                    self.focus = self.before_editor;
                }
                Focus::Session => self.focus = Focus::List,
                Focus::List => self.back_in_list(),
            },
        }
    }

    fn how_to_quit(&mut self, context: Context) {
        self.say(match context {
            Context::List => "q quits; Ctrl-C does nothing here",
            Context::Session | Context::Help => "q goes back; Ctrl-C does nothing here",
            Context::Editor => "Esc leaves and keeps the draft; Ctrl-C does nothing here",
            Context::Code | Context::Detail => "Esc leaves and nothing is done; Ctrl-C does nothing here",
            Context::Filter => "Esc leaves the filter as it was; Ctrl-C does nothing here",
            Context::Question => "y or n; Ctrl-C does nothing here",
        });
    }

    fn other_pane(&mut self, way: Way, cmds: &mut Vec<Cmd>) {
        if let Some(Layer::Cancel(form)) = &mut self.layer {
            form.other_field();
            return;
        }
        if let Some(Layer::Start(form)) = &mut self.layer {
            cmds.extend(form.other_field());
            return;
        }
        let from = self.focus;
        self.close_editor();
        self.focus = match (from, way) {
            (Focus::List, Way::Next | Way::Previous) | (Focus::Editor, Way::Previous) => Focus::Session,
            (Focus::Session, Way::Next | Way::Previous) | (Focus::Editor, Way::Next) => Focus::List,
        };
    }

    fn move_in(&mut self, motion: Motion, context: Context, cmds: &mut Vec<Cmd>) {
        match context {
            Context::List | Context::Filter => self.move_selection(motion, cmds),
            Context::Help => {
                if let Some(Layer::Help(pager)) = &mut self.layer {
                    pager.scroll(motion);
                }
            }
            Context::Code => {
                if let Some(Layer::Cancel(form)) = &mut self.layer {
                    form.turn_code(motion);
                }
            }
            Context::Session if self.tab == Tab::Feed => {
                let height = self.feed_height();
                self.feed.scroll(motion, height);
            }
            Context::Session | Context::Editor | Context::Detail | Context::Question => self.text.scroll(motion),
        }
    }

    pub(super) fn select(&mut self, to: SessionId, cmds: &mut Vec<Cmd>) {
        if self.selected == Some(to) {
            return;
        }
        self.close_editor();
        self.selected = Some(to);
        self.question = None;
        self.feed = Feed::of(to);
        let last = self.selected_summary().map_or(0, |summary| summary.last_seq);
        let from = last.saturating_sub(FEED_LINES as u64) + 1;
        cmds.push(Cmd::Observe { session: to, from });
    }

    fn changed(&mut self, summaries: Vec<Summary>, cmds: &mut Vec<Cmd>) {
        for summary in summaries {
            self.check_drafts(summary.id, &summary.state);
            self.note_waiting(&summary);
            self.sessions.put(summary, self.now);
        }
        // Nothing was there to be selected before; from here on only keys select.
        if self.selected.is_none()
            && let Some(first) = self.sessions.list().first()
        {
            self.select(first, cmds);
        }
    }

    fn gone(&mut self, ids: Vec<SessionId>) {
        for id in ids {
            self.sessions.remove(id);
            if let Some(editor) = self.editor.as_mut().filter(|editor| editor.session == id) {
                editor.gone.get_or_insert_with(|| StateError::NotFound(id).to_string());
            }
            self.listing.marks.remove(&id);
            if self.selected == Some(id) {
                self.refuse(StateError::NotFound(id).to_string());
            }
        }
    }

    /// Makes orphans of what was written for queries that are gone. Neither the keyboard nor the text moves.
    pub(super) fn check_drafts(&mut self, session: SessionId, state: &ExecutionState) {
        let sent = &self.sent;
        let under_way = |query| {
            sent.iter().any(|sent| {
                sent.session == session && sent.payload.answers().iter().any(|answer| answer.query_id == query)
            })
        };
        if let Some((query, why)) = self.drafts.orphan_gone(session, state, under_way) {
            let why = naming(query, &why);
            self.refuse(format!("{why}; its draft is kept (Alt-O in an editor)"));
        }
        if let Some(editor) = &mut self.editor
            && editor.session == session
            && editor.gone.is_none()
            && let Some(why) = why_gone(state, editor.query, editor.epoch)
        {
            let refused = naming(editor.query, &why);
            editor.gone = Some(why);
            self.refuse(format!("{refused}; your text is kept"));
        }
    }

    fn feed_height(&self) -> usize {
        usize::from(self.layout().feed.inside.height)
    }

    /// Makes ready what the picture shows: the place of the selected row, and the rows of the long text.
    fn prepare(&mut self) {
        if self.at_top {
            self.anchor = usize::MAX;
        }
        let window = self.list_window();
        self.anchor = window.iter().position(|line| line.session() == self.selected).unwrap_or(0);
        self.at_top = window.iter().find_map(Line::session) == self.sessions.list().first();

        let key = self.wanted_text();
        if key != self.text_key {
            self.text_key = key;
            self.text = Pager::new(self.text_blocks());
        }
        let area = self.layout().text;
        self.text.prepare(area.width.into(), area.height.into());
        let help = super::view::help_area(self.size);
        if let Some(Layer::Help(pager)) = &mut self.layer {
            pager.prepare(help.width.into(), help.height.into());
        }
    }

    fn wanted_text(&self) -> TextKey {
        let Some(summary) = self.selected_summary() else { return TextKey::Nothing };
        let state = summary.state.name();
        match self.tab {
            Tab::Result => TextKey::Result(summary.id, state),
            Tab::Questions | Tab::Feed => match self.shown_question() {
                Some(prompt) => TextKey::Question(summary.id, prompt.query.query_id),
                None => TextKey::NoQuestion(summary.id, state),
            },
        }
    }

    fn text_blocks(&self) -> Vec<super::pager::Block> {
        let Some(summary) = self.selected_summary() else { return Vec::new() };
        match self.text_key {
            TextKey::Nothing => Vec::new(),
            TextKey::Question(..) => {
                self.shown_question().map(|prompt| documents::question_text(&prompt.query)).unwrap_or_default()
            }
            TextKey::NoQuestion(..) => documents::no_question_text(&summary.state),
            TextKey::Result(..) => documents::result_text(&summary.state),
        }
    }
}

/// The engine's words, with the query they are about, if they do not name it themselves.
fn naming(query: QueryId, why: &str) -> String {
    let query = query.to_string();
    if why.starts_with(&query) { why.to_owned() } else { format!("{query}: {why}") }
}
