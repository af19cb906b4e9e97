//! What each message changes: [`update`](update()), the only way in which the desk changes.
//!
//! Synchronous and total: it waits for nothing, asks no clock and refuses no message. Keys that have to do with
//! answers and cancels go on in `answering` and `cancelling`.

use super::app::{App, Focus, Layer, Tab, Weight};
use super::editor::why_gone;
use super::feed::{FEED_LINES, Feed};
use super::help::Help;
use super::input::{Input, Key};
use super::keymap::{Action, Context, Way};
use super::listing::ListVerb;
use super::msg::{Cmd, Msg};
use super::table::TABLE;
use super::words;
use crate::domain::{ExecutionState, QueryId, SessionId, StateError};
use crate::engine::{Recovery, Summary};

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
            if let Some(editor) = &mut app.editor {
                editor.show_from_the_top();
            }
            app.show_list_from_the_top();
            // Also where the size is the last one again: what lay between may have cost the terminal its contents.
            cmds.push(Cmd::Redraw);
        }
        Msg::Time(now) => app.now = now,
        Msg::ReadAt(at) => app.read_at = Some(at),
        Msg::Changed(summaries) => app.changed(summaries, &mut cmds),
        Msg::Gone(ids) => app.gone(ids),
        Msg::Feed(session, items) => app.fed(session, items),
        Msg::Peeked(items) => app.peeked(items),
        Msg::PastAnswers(texts) => app.take_past(&texts),
        Msg::Inspected(session, Ok(facts)) => {
            let facts = Some((session, facts));
            if app.facts != facts {
                app.facts = facts;
                app.facts_edition += 1;
            }
        }
        // The list says so.
        Msg::Inspected(_, Err(_)) => {}
        Msg::Calls(calls) => app.called(&calls),
        Msg::Diagnosed(diagnosis) => app.diagnosed(*diagnosis),
        Msg::Drafted { wanted, result } => app.drafted(&wanted, result),
        Msg::Life { session, from, items } => app.lived(session, from, &items),
        Msg::Module { session, text } => app.take_module(session, text),
        Msg::BranchPreviewed { session, at, preview } => app.previewed(session, at, preview),
        Msg::Branched(branched) => app.branched(branched, &mut cmds),
        Msg::Unsent(drafts) => app.take_kept(&drafts),
        Msg::Notices(notices) => app.take_notices(notices),
        Msg::Opening(far) => app.opened(far, &mut cmds),
        Msg::Trouble(trouble) => app.troubled(trouble),
        Msg::Follows(follows) => app.follows = follows,
        Msg::Recovery(recovery) => app.recovered(recovery),
        Msg::RawDone { raw, result } => app.raw_done(&raw, result),
        Msg::Released(sessions) => app.released(&sessions),
        Msg::NotObserved(session, why) => {
            if app.feed.session() == Some(session) {
                app.refuse(why);
            }
        }
        Msg::Answered { token, result } => {
            let recorded = result.is_ok();
            app.answered(token, result);
            if recorded {
                app.quit_if_asked(&mut cmds);
            }
        }
        Msg::Cancelled { session, reason, result } => app.cancelled(session, &reason, result),
        Msg::CancelledAll { done, before, refused } => app.cancelled_all(&done, before, &refused),
        Msg::AnsweredAll { taken, refused } => app.answered_all(&taken, &refused),
        Msg::Started { start, result } => app.started(&start, result, &mut cmds),
        Msg::Offers { begun, wanted, offers } => app.take_offers(&begun, wanted, offers),
        Msg::Packages(packages) => app.take_packages(packages),
        Msg::Edited(result) => app.edited(result),
        Msg::Paged(result) => app.paged(result),
        Msg::Work => app.sessions.work(app.now),
    }
    app.announce(&mut cmds);
    app.keep_drafts(&mut cmds);
    app.read_lives(&mut cmds);
    app.read_module(&mut cmds);
    app.prepare();
    cmds
}

impl App {
    fn input(&mut self, inputs: Vec<Input>, cmds: &mut Vec<Cmd>) {
        self.opens.is_touched = true;
        if self.status.as_ref().is_some_and(|status| status.stays_until <= self.now) {
            self.status = None;
        }
        let read_at = self.read_at.take().unwrap_or(self.now);
        for input in self.burst.told_apart(inputs, read_at) {
            match input {
                Input::Key(key) => self.press(key, cmds),
                Input::Paste(text) => self.pasted(&text, cmds),
                Input::Pointer(pointer) => self.point(pointer, cmds),
            }
        }
    }

    fn press(&mut self, key: Key, cmds: &mut Vec<Cmd>) {
        let context = self.context();
        if self.is_meant_for_an_answer(key, context) {
            return;
        }
        if let Some(first) = self.first_of_two.take()
            && let Some((_, action)) = self.keymap.begun(context, first).iter().find(|(second, _)| *second == key)
        {
            self.act(*action, context, cmds);
            return;
        }
        if let begun @ [_, ..] = self.keymap.begun(context, key) {
            let seconds = begun.iter().map(|(second, action)| format!("{second} for {}", name_of(*action)));
            let told = format!("{key}, then {}; any other key is as always", seconds.collect::<Vec<_>>().join(", "));
            self.say(told);
            self.first_of_two = Some(key);
            return;
        }
        let action = self.keymap.action(context, key);
        if self.sent_key(key, action, cmds) {
            return;
        }
        match action {
            Some(action) => self.act(action, context, cmds),
            None if context.takes_text() => self.type_text(key, cmds),
            None if context == Context::Question => {
                self.refuse(format!("{} or {}", self.key(Action::Yes), self.key(Action::No)));
            }
            None if TABLE.iter().any(|row| row.action == Action::Help && row.contexts.contains(&context)) => {
                let help = self.key(Action::Help);
                self.refuse(format!("{key} does nothing here; {help} shows the keys"));
            }
            None => {
                let back = self.key(Action::Back);
                self.refuse(format!("{key} does nothing here; {back} goes back"));
            }
        }
    }

    pub(super) fn act(&mut self, action: Action, context: Context, cmds: &mut Vec<Cmd>) {
        if let Some(whom) = self.follows.as_deref().filter(|_| changes_sessions(action)) {
            let refused = words::only_read(whom);
            self.refuse(refused);
            return;
        }
        match action {
            Action::Help => {
                self.behind = self.layer.take();
                self.layer = Some(Layer::Help(Help::new(&self.keymap)));
            }
            Action::Quit if context == Context::List && self.listing.range_from.is_none() => self.quit(cmds),
            Action::Quit | Action::Back | Action::No => self.back(),
            Action::Pane(way) => self.other_pane(way, cmds),
            Action::ShowQuestions => self.show(Tab::Questions),
            Action::ShowFeed => self.show(Tab::Feed),
            Action::ShowState => self.show(Tab::State),
            Action::ShowResult => self.show(Tab::Result),
            Action::ShowSource => self.show(Tab::Source),
            Action::ShowTimeline => self.show(Tab::Timeline),
            Action::Beside => self.open_beside(),
            Action::HowToQuit => self.how_to_quit(context),
            Action::Redraw => cmds.push(Cmd::Redraw),
            Action::Suspend => cmds.push(Cmd::Suspend),
            Action::Move(motion) => self.move_in(motion, context, cmds),
            Action::List(ListVerb::Filter) if context != Context::List => self.open_find(),
            Action::List(verb) => self.list_verb(verb, cmds),
            Action::Choose(way) => self.choose(way, cmds),
            Action::Open => self.open(context, cmds),
            Action::Answer => self.open_answer_or_wait(),
            Action::Waiting(way) => self.go_to_waiting(way, cmds),
            Action::Cancel => self.open_cancel(),
            Action::Question(way) => self.other_question(way, context),
            Action::SameAnswer => self.ask_same(),
            Action::Follow => self.in_feed(Feed::follow_or_stop),
            Action::NextMatch(way) => self.go_to_match(way),
            Action::OnlyMatching => self.only_matching(),
            Action::Times => self.in_feed(Feed::other_times),
            Action::Wrap => self.in_feed(Feed::wrap_or_cut),
            Action::Copy => self.copy(cmds),
            Action::Freeze => self.freeze_or_go_on(cmds),
            Action::AllFeeds => self.open_all_feeds(cmds),
            Action::Calls => self.open_calls(),
            Action::Diagnostics => self.open_diagnostics(),
            Action::Palette => self.open_palette(),
            Action::History => self.open_history(cmds),
            Action::Draft => self.ask_for_draft(cmds),
            Action::Send => self.send(cmds),
            Action::Reuse => self.reuse_orphan(),
            Action::Yes => match self.layer.take() {
                Some(Layer::Quit) => cmds.push(Cmd::Quit),
                Some(Layer::Same(same)) => self.send_same(same, cmds),
                layer => self.layer = layer,
            },
        }
    }

    /// Shows a tab; where there is room for one pane only, goes to it.
    fn show(&mut self, tab: Tab) {
        self.tab = tab;
        if self.layout().session.frame.is_empty() && self.selected_summary().is_some() {
            self.focus = Focus::Session;
        }
    }

    fn quit(&mut self, cmds: &mut Vec<Cmd>) {
        if self.loses_by_quitting() {
            self.layer = Some(Layer::Quit);
        } else {
            cmds.push(Cmd::Quit);
        }
    }

    /// Quits when an answer is recorded and it is being asked whether to, if nothing else would be lost.
    fn quit_if_asked(&self, cmds: &mut Vec<Cmd>) {
        if matches!(self.layer, Some(Layer::Quit)) && !self.loses_by_quitting() {
            cmds.push(Cmd::Quit);
        }
    }

    /// Whether something would end or be lost, which is why it is asked first.
    fn loses_by_quitting(&self) -> bool {
        let counts = self.sessions.counts();
        // What runs is interrupted, even where it comes back.
        let something_ends = counts.live() > 0
            && self.follows.is_none()
            && !(self.outlives() && self.trouble.is_none() && counts.running == 0);
        something_ends || self.opens.far.to_start() > 0 || self.sent.iter().any(|sent| !sent.taken)
    }

    /// Takes in whether anything can be recorded.
    fn troubled(&mut self, trouble: Option<String>) {
        if self.trouble.is_some() && trouble.is_none() {
            self.say("answers are recorded again");
        }
        // What stands there for as long as it is so matters more than what was said, but for what was refused.
        if trouble.is_some() && self.status.as_ref().is_some_and(|status| status.weight == Weight::Said) {
            self.status = None;
        }
        self.trouble = trouble;
    }

    /// Takes in how far the sessions of the journal have come back, and whether some cannot.
    fn recovered(&mut self, recovery: Recovery) {
        let is_new = recovery.trouble.is_some() && self.recovery.trouble.is_none();
        // As above.
        if is_new && self.status.as_ref().is_some_and(|status| status.weight == Weight::Said) {
            self.status = None;
        }
        self.recovery = recovery;
    }

    fn how_to_quit(&mut self, context: Context) {
        let (quit, back) = (self.key(Action::Quit), self.key(Action::Back));
        let how = match context {
            Context::List => format!("{quit} quits"),
            Context::Session | Context::Help | Context::Feeds | Context::Text => format!("{quit} goes back"),
            Context::Editor => format!("{back} leaves and keeps the draft"),
            Context::Choice | Context::Detail | Context::Offers => format!("{back} leaves and nothing is done"),
            Context::Filter => format!("{back} leaves the filter as it was"),
            Context::Question => format!("{} or {}", self.key(Action::Yes), self.key(Action::No)),
            Context::Sent => format!("{back} goes on"),
            Context::Find | Context::Palette | Context::History => format!("{back} leaves"),
        };
        self.say(format!("{how}; {} does nothing here", self.key(Action::HowToQuit)));
    }

    fn other_pane(&mut self, way: Way, cmds: &mut Vec<Cmd>) {
        if let Some(Layer::Cancel(form)) = &mut self.layer {
            form.other_field();
            return;
        }
        if let Some(Layer::Branch(form)) = &mut self.layer {
            form.other_field();
            return;
        }
        if let Some(Layer::Start(form)) = &mut self.layer {
            cmds.extend(form.other_field(way));
            return;
        }
        if let Some(Layer::AnswerMarked(form)) = &mut self.layer {
            form.in_questions = !form.in_questions;
            return;
        }
        if self.layer.is_some() {
            self.say("this is the only field");
            return;
        }
        let from = self.focus;
        self.close_editor();
        self.focus = match (from, way) {
            (Focus::List, Way::Next | Way::Previous) | (Focus::Editor, Way::Previous) => Focus::Session,
            (Focus::Session | Focus::Sent { .. }, Way::Next | Way::Previous) | (Focus::Editor, Way::Next) => {
                Focus::List
            }
        };
    }

    pub(super) fn select(&mut self, to: SessionId, cmds: &mut Vec<Cmd>) {
        if self.selected == Some(to) {
            return;
        }
        self.close_editor();
        self.sessions.reveal(to);
        self.selected = Some(to);
        self.question = None;
        self.batch_search = None;
        match (self.feed.sought(), self.feed.session()) {
            (Some((left, sought)), _) => drop(self.sought.insert(left, sought)),
            (None, Some(left)) => drop(self.sought.remove(&left)),
            (None, None) => {}
        }
        self.feed = Feed::of(to, &self.feed, self.sought.get(&to).cloned());
        let last = self.selected_summary().map_or(0, |summary| summary.last_seq);
        let from = last.saturating_sub(FEED_LINES as u64) + 1;
        cmds.push(Cmd::Observe { session: to, from });
    }

    pub(super) fn take_in(&mut self, summaries: Vec<Summary>, cmds: &mut Vec<Cmd>) {
        self.peek_at(&summaries, cmds);
        for mut summary in summaries {
            self.raw.correct(&mut summary);
            self.forget_seen(summary.id, &summary.state);
            self.check_drafts(summary.id, &summary.state);
            self.find_places(summary.id, &summary.state);
            self.note_waiting(&summary);
            self.sessions.put(summary, self.now);
        }
        self.stand_first(cmds);
        self.select_started(cmds);
    }

    fn gone(&mut self, ids: Vec<SessionId>) {
        for id in ids {
            self.sessions.remove(id);
            if let Some(editor) = self.editor.as_mut().filter(|editor| editor.session == id) {
                editor.gone.get_or_insert_with(|| StateError::NotFound(id).to_string());
            }
            self.listing.marks.remove(&id);
            self.sought.remove(&id);
            self.sent.retain(|sent| !sent.taken || sent.session != id);
            if self.selected == Some(id) {
                self.refuse(StateError::NotFound(id).to_string());
            }
        }
    }

    /// Makes orphans of what was written for queries that are gone. Neither the keyboard nor the text moves.
    pub(super) fn check_drafts(&mut self, session: SessionId, state: &ExecutionState) {
        let (sent, others) = (&self.sent, self.listing.sent.iter().chain(&self.raw.resumes));
        let under_way = |query| {
            let one = sent.iter().filter(|sent| sent.session == session).map(|sent| &sent.payload);
            let others = others.clone().filter(|(id, _)| *id == session).map(|(_, payload)| payload);
            one.chain(others).any(|payload| payload.answers().iter().any(|answer| answer.query_id == query))
        };
        if let Some((query, why)) = self.drafts.orphan_gone(session, state, under_way) {
            let why = naming(query, &why);
            let of = if self.selected == Some(session) { String::new() } else { self.name_of(session) + ": " };
            let key = self.key(Action::Reuse);
            self.refuse(format!("{of}{why}; its draft is kept ({key} in an editor)"));
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
}

/// Whether an action begins what would change sessions, or make one. Answers say more exactly why they cannot be given.
pub(super) fn changes_sessions(action: Action) -> bool {
    matches!(
        action,
        Action::Cancel
            | Action::SameAnswer
            | Action::List(ListVerb::AnswerMarked | ListVerb::Start | ListVerb::Again | ListVerb::Branch(_))
    )
}

/// What hints call an action.
fn name_of(action: Action) -> &'static str {
    TABLE.iter().find(|row| row.action == action).map_or("", |row| row.footer.unwrap_or(row.name))
}

/// The engine's words, with the query they are about, if they do not name it themselves.
fn naming(query: QueryId, why: &str) -> String {
    let query = query.to_string();
    if why.starts_with(&query) { why.to_owned() } else { format!("{query}: {why}") }
}
