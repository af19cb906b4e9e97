//! Makes ready what the next picture shows: the place of the selected row, and the rows of the long text.
//!
//! Comes behind every message, so that `view` only reads. A text is made when another is wanted, not for every picture.

use super::app::{App, Edition, Layer, Tab, TextKey};
use super::documents::Whereabouts;
use super::folding::Folding;
use super::keymap::Action;
use super::list::Line;
use super::listing::ListVerb;
use super::names::born_at;
use super::pager::{Block, Pager};
use super::view::{branch_room, payload_width};
use super::{documents, facts, source};
use crate::domain::{ExecutionState, Seq, SessionId};
use crate::engine::Summary;

impl App {
    pub(super) fn prepare(&mut self) {
        if self.at_top {
            self.anchor = usize::MAX;
        }
        let window = self.list_window();
        self.anchor = window.iter().position(|line| line.session() == self.selected).unwrap_or(0);
        self.at_top = window.iter().find_map(Line::session) == self.sessions.list().first();
        self.prepare_text();
        let (feed, size) = (self.layout().feed.inside, self.size);
        self.feed.prepare(payload_width(feed.width, false), feed.height.into());
        let area = super::view::help_area(size);
        let (width, height) = (usize::from(area.width), usize::from(area.height));
        if let Some(all) = &mut self.all_feeds {
            all.prepare(payload_width(area.width, true), height);
        }
        match &mut self.layer {
            Some(Layer::Help(help)) => help.pager.prepare(width, height),
            Some(Layer::Calls(pager)) => pager.prepare(width, height),
            Some(Layer::Diagnostics(layer)) => layer.pager.prepare(width, height),
            Some(Layer::Details(details)) => details.pager.prepare(width, height),
            Some(Layer::Beside(beside)) => beside.prepare(width, height),
            Some(Layer::Branch(form)) => {
                let (width, height) = branch_room(size);
                // Where not everything fits, a row says so.
                form.said.prepare(width, height.saturating_sub(1));
                if form.said.is_within(height) {
                    form.said.prepare(width, height);
                }
            }
            Some(
                Layer::Cancel(_)
                | Layer::Find(_)
                | Layer::Palette(_)
                | Layer::History(_)
                | Layer::Same(_)
                | Layer::AnswerMarked(_)
                | Layer::Start(_)
                | Layer::Quit,
            )
            | None => {}
        }
    }

    fn prepare_text(&mut self) {
        let key = self.wanted_text();
        if key != self.text_key {
            let same = match (self.text_key, key) {
                (TextKey::State(before, _), TextKey::State(now, _))
                | (TextKey::Source(before, _), TextKey::Source(now, _))
                | (TextKey::Timeline(before, _), TextKey::Timeline(now, _))
                | (TextKey::Forked(before, ..), TextKey::Forked(now, ..))
                | (TextKey::Ended(before, ..), TextKey::Ended(now, ..)) => before == now,
                _ => false,
            };
            self.text_key = key;
            self.folds = None;
            let blocks = self.text_blocks();
            if same {
                let last = blocks.len().saturating_sub(1);
                // Whoever is at the last moment wants to see the next one.
                let follows = matches!(key, TextKey::Timeline(..)) && self.text.is_at_last();
                self.text.replace(blocks);
                if follows {
                    self.text.move_to(last);
                }
            } else if self.folds.is_some() || matches!(key, TextKey::Source(..) | TextKey::Timeline(..)) {
                self.text = Pager::with_cursor(blocks);
            } else {
                self.text = Pager::new(blocks);
            }
        }
        let mut area = self.layout().text;
        if self.tab == Tab::Timeline {
            area = super::view::timeline_areas(area).0;
        }
        self.text.prepare(area.width.into(), area.height.into());
        if let TextKey::Source(..) = key
            && self.marked_line != self.shown_mark
        {
            self.shown_mark = self.marked_line;
            if let Some(line) = self.marked_line {
                // The heading of the mark stands before the first line.
                self.text.move_to(line);
            }
        }
    }

    fn wanted_text(&mut self) -> TextKey {
        let Some(summary) = self.selected_summary() else { return TextKey::Nothing };
        let (id, state) = (summary.id, summary.state.name());
        let presence = std::mem::discriminant(&summary.presence);
        match self.tab {
            Tab::Result => TextKey::Result(id, state),
            Tab::State => TextKey::State(id, self.edition(summary.last_seq)),
            Tab::Source => {
                let program = self.program_of(summary);
                let line = source::marked_line(summary, program);
                let edition = (line.unwrap_or(0) as u64, program.edition());
                if self.text_key != TextKey::Source(id, edition) {
                    (self.marked_line, self.shown_mark) = (line, None);
                }
                TextKey::Source(id, edition)
            }
            Tab::Timeline => TextKey::Timeline(id, (self.life_read(id), 0)),
            // How it ended is what there is to see first of a session that asks nothing any more.
            Tab::Questions | Tab::Feed if state.is_ended() => TextKey::Ended(id, state, (self.life_read(id), 0)),
            Tab::Questions | Tab::Feed => {
                let none = if matches!(summary.state, ExecutionState::Running { waiting_on: Some(_) }) {
                    let children = self.forked_by(id);
                    let last = children.iter().map(|child| child.last_at).max().unwrap_or(0);
                    let events = children.iter().map(|child| child.last_seq).sum();
                    TextKey::Forked(id, presence, (events, last), self.whereabouts(id, &children))
                } else {
                    TextKey::NoQuestion(id, std::mem::discriminant(&summary.state), presence)
                };
                self.shown_question().map_or(none, |it| TextKey::Question(id, it.query.query_id, presence))
            }
        }
    }

    /// The sessions that one has forked, in the order of their birth.
    fn forked_by(&self, id: SessionId) -> Vec<&Summary> {
        let known = self.sessions.list().tree().coming_from(id).filter_map(|child| self.sessions.get(child));
        let mut children: Vec<&Summary> = known.filter(|child| child.parent() == Some(id)).collect();
        children.sort_by_key(|child| (born_at(child), child.id));
        children
    }

    /// Where the children stand that a session waits for. Those that have ended are waited for no more.
    fn whereabouts(&self, id: SessionId, children: &[&Summary]) -> Whereabouts {
        let list = self.sessions.list();
        let live: Vec<SessionId> =
            children.iter().filter(|child| !child.state.is_ended()).map(|child| child.id).collect();
        let hidden = live.iter().filter(|child| !list.is_shown(**child)).count();
        match list.tree().below(id) {
            _ if hidden > 0 => Whereabouts::Hidden(hidden, hidden < live.len()),
            (1.., true) => Whereabouts::Folded,
            _ if live.iter().any(|child| list.tree().parent(*child) != Some(id)) => Whereabouts::Apart,
            _ => Whereabouts::Under,
        }
    }

    /// The last event that is read of the life of a session.
    fn life_read(&self, id: SessionId) -> Seq {
        self.life.as_ref().filter(|life| life.session() == id).map_or(0, |life| life.edition())
    }

    /// Facts change with every event, and the distances of times with every second.
    fn edition(&self, seq: u64) -> Edition {
        (seq.wrapping_add(self.facts_edition << 32), self.now / 1000)
    }

    fn text_blocks(&mut self) -> Vec<Block> {
        let Some(summary) = self.selected_summary() else { return Vec::new() };
        match self.text_key {
            TextKey::Nothing => Vec::new(),
            TextKey::Question(..) => {
                let mut blocks = super::presences::warning(&summary.presence);
                blocks.extend(self.shown_question().into_iter().flat_map(|it| documents::question_text(&it.query)));
                blocks
            }
            TextKey::NoQuestion(..) => documents::no_question_text(summary),
            TextKey::Forked(.., place) => {
                let mut blocks = documents::no_question_text(summary);
                let [fold, back] = [Action::List(ListVerb::Fold), Action::Back].map(|action| self.key(action));
                blocks.push(documents::whereabouts(place, &fold, &back));
                let children = self.forked_by(summary.id);
                let named: Vec<_> = children.iter().map(|child| (self.name_of(child.id), *child)).collect();
                blocks.extend(documents::forked_text(&named));
                blocks
            }
            TextKey::State(..) => {
                let inspection = self.facts.as_ref().filter(|(id, _)| *id == summary.id).map(|(_, facts)| facts);
                facts::text(summary, inspection, &self.feed, self.now)
            }
            TextKey::Source(..) => source::text(summary, self.program_of(summary)),
            TextKey::Timeline(id, _) => {
                self.life.as_ref().filter(|life| life.session() == id).map(|life| life.blocks()).unwrap_or_default()
            }
            TextKey::Result(..) | TextKey::Ended(..) => {
                let mut blocks = match &summary.state {
                    ExecutionState::Done(done) if done.value.is_object() || done.value.is_array() => {
                        let mut folds = Folding::of(documents::done_heading(done), &done.value);
                        let blocks = folds.blocks();
                        self.folds = Some(folds);
                        blocks
                    }
                    state => documents::result_text(state),
                };
                blocks.extend(self.asked_before());
                blocks
            }
        }
    }

    /// What stands under the result where the questions are shown.
    fn asked_before(&self) -> Vec<Block> {
        let TextKey::Ended(id, ..) = self.text_key else { return Vec::new() };
        let life = self.life.as_ref().filter(|life| life.session() == id);
        life.map(|life| documents::exchanges_text(life)).unwrap_or_default()
    }

    /// Enter in the session: what it does depends on what is shown.
    pub(super) fn open_in_session(&mut self) {
        match self.tab {
            Tab::Feed => self.open_details(),
            Tab::Result => self.fold(),
            Tab::Questions if self.folds.is_some() => self.fold(),
            Tab::Questions => self.say(format!("{} answers the question", self.key(Action::Answer))),
            Tab::State | Tab::Source | Tab::Timeline => self.say("there is nothing to open here"),
        }
    }

    fn fold(&mut self) {
        let Some((folds, cursor)) = self.folds.as_mut().zip(self.text.cursor()) else {
            self.say("there is nothing to fold");
            return;
        };
        match folds.toggle(cursor) {
            Some(cursor) => {
                let mut blocks = folds.blocks();
                blocks.extend(self.asked_before());
                self.text.replace(blocks);
                self.text.move_to(cursor);
            }
            None => self.say("there is nothing to fold on this line"),
        }
    }
}
