//! Everything the desk knows and shows. `update` changes it, `view` reads it.
//!
//! What is deliberately absent: the registry, the terminal, the clock. What they have to say comes in as a
//! [`Msg`](super::Msg); what the desk wants of them goes out as a [`Cmd`](super::Cmd).

use std::collections::HashMap;
use std::mem::Discriminant;
use std::sync::Arc;

use super::announcing::Announcing;
use super::arrange::Arrangement;
use super::batch::BatchSearch;
use super::documents::Whereabouts;
use super::editor::{Drafts, Editor};
use super::feed::{Feed, Sought};
use super::folding::Folding;
use super::forms::CancelForm;
use super::freeze::Frozen;
use super::history::History;
use super::input::{Burst, Key};
use super::keeping::Kept;
use super::keymap::{Action, Keymap};
use super::layout::{self, Layout, Showing};
use super::life::Life;
use super::list::Line;
use super::listing::Listing;
use super::opening::Opens;
use super::pager::Pager;
use super::raw_calls::RawCalls;
use super::sessions::Sessions;
use super::source::Module;
use super::theme::Look;
use super::words;
use crate::config::{DeskSettings, Keeping};
use crate::domain::{ExecutionState, Pause, Prompt, QueryId, ResumePayload, Seq, SessionId, StateName, Timestamp};
use crate::engine::{Inspection, Presence, Recovery, Summary};

pub(super) use super::keyboard::{Focus, Layer};
pub(super) use super::status::{Status, Weight};

/// What the right side shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Questions,
    Feed,
    State,
    Result,
    Source,
    Timeline,
}

impl Tab {
    /// Every tab, in the order of their keys.
    pub(super) const ALL: [Self; 6] =
        [Self::Questions, Self::Feed, Self::State, Self::Result, Self::Source, Self::Timeline];

    /// Its name on the screen.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Questions => "Questions",
            Self::Feed => "Feed",
            Self::State => "State",
            Self::Result => "Result",
            Self::Source => "Source",
            Self::Timeline => "Timeline",
        }
    }
}

/// Answers that were given and that the session is not seen to have yet.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) token: u64,
    pub(super) session: SessionId,
    pub(super) epoch: u32,
    pub(super) payload: ResumePayload,
    /// Whether the engine has taken them.
    pub(super) taken: bool,
}

/// What was typed behind a key that asked for an editor or a search and got none.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoEditor {
    /// When the text so far was typed.
    pub(super) at: Timestamp,
    /// Its last letter.
    pub(super) letter: Option<Key>,
}

/// What the text of the right side was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextKey {
    Nothing,
    Question(SessionId, QueryId, Discriminant<Presence>),
    NoQuestion(SessionId, Discriminant<ExecutionState>, Discriminant<Presence>),
    /// What the sessions do that this one has forked; the edition is the time of the last change among them.
    Forked(SessionId, Discriminant<Presence>, Edition, Whereabouts),
    State(SessionId, Edition),
    Result(SessionId, StateName),
    /// The result, and under it what was asked before.
    Ended(SessionId, StateName, Edition),
    Source(SessionId, Edition),
    Timeline(SessionId, Edition),
}

/// Which edition of a text that changes is shown.
pub(super) type Edition = (Seq, Timestamp);

/// The desk.
#[derive(Debug)]
pub struct App {
    pub(super) look: Look,
    pub(super) keymap: Keymap,
    pub(super) now: Timestamp,
    pub(super) size: (u16, u16),
    pub(super) sessions: Sessions,
    /// The filter, the marks, and what else the person did to the list.
    pub(super) listing: Listing,
    pub(super) announcing: Announcing,
    /// Whether the mouse works here, and not in the terminal.
    pub(super) mouse: bool,
    pub(super) burst: Burst,
    /// When the input was read that comes next, if that is another time than now.
    pub(super) read_at: Option<Timestamp>,
    /// The first of two keys, pressed just now.
    pub(super) first_of_two: Option<Key>,
    /// Moves only by keys: new and changed sessions never take it along.
    pub(super) selected: Option<SessionId>,
    /// How many rows of the list stand above the selected one, where there are so many.
    pub(super) anchor: usize,
    /// Whether the first session of all is seen; then it stays so for as long as the selected one allows.
    pub(super) at_top: bool,
    pub(super) focus: Focus,
    /// Where `a` was pressed, and where the keyboard goes when the editor closes.
    pub(super) before_editor: Focus,
    pub(super) tab: Tab,
    pub(super) layer: Option<Layer>,
    /// What the help or the palette lies over, to be there again behind it.
    pub(super) behind: Option<Layer>,
    /// The question the person went to in the selected session.
    pub(super) question: Option<QueryId>,
    /// What was searched among the questions of a batch.
    pub(super) batch_search: Option<BatchSearch>,
    pub(super) editor: Option<Editor>,
    /// Set behind a key that asked for an editor or a search and got none.
    pub(super) no_editor: Option<NoEditor>,
    pub(super) drafts: Drafts,
    /// What the journal is to keep of them.
    pub(super) kept: Kept,
    pub(super) cancel_drafts: Vec<CancelForm>,
    pub(super) raw: RawCalls,
    pub(super) sent: Vec<Sent>,
    /// The answer sent last, for "the same for the rest".
    pub(super) last_answer: Option<(SessionId, u32, Arc<str>)>,
    pub(super) feed: Feed,
    /// What is sought in the feeds of other sessions.
    pub(super) sought: HashMap<SessionId, Sought>,
    /// The feed over all sessions, while it is open. It lies under the layer.
    pub(super) all_feeds: Option<Box<Feed>>,
    pub(super) text: Pager,
    /// The life of the selected session, while its tab is open, or its questions are shown behind its end.
    pub(super) life: Option<Box<Life>>,
    /// The text of the package that the selected session runs, while its source is shown.
    pub(super) module: Option<Module>,
    /// What folds in the text.
    pub(super) folds: Option<Folding>,
    /// The line that the source marks, and the one it was last scrolled to.
    pub(super) marked_line: Option<usize>,
    pub(super) shown_mark: Option<usize>,
    /// What the engine said last of a session.
    pub(super) facts: Option<(SessionId, Inspection)>,
    pub(super) facts_edition: u64,
    /// The number of the newest call that is shown; `None` before it is known which there are.
    pub(super) calls_shown: Option<u64>,
    pub(super) frozen: Option<Frozen>,
    pub(super) history: History,
    /// Whether there is an answerer to ask for drafts.
    pub(super) can_draft: bool,
    /// What it is asked for now.
    pub(super) drafting: Vec<(SessionId, QueryId)>,
    pub(super) text_key: TextKey,
    pub(super) status: Option<Status>,
    /// Why answers cannot be recorded, if so.
    pub(super) trouble: Option<String>,
    /// Who records what this desk shows, if another process does.
    pub(super) follows: Option<String>,
    /// How far the sessions of the journal have come back.
    pub(super) recovery: Recovery,
    /// What should be known of how the desk was started.
    pub(super) notices: Vec<String>,
    pub(super) opens: Opens,
    /// What becomes of sessions when the desk is left.
    pub(super) keeping: Keeping,
    /// Until when a message stays whose cause is being taken in now.
    pub(super) messages_stay: Timestamp,
    /// Makes answer ids of this desk differ from those of any other.
    pub(super) nonce: u64,
    pub(super) next_token: u64,
}

impl App {
    /// A desk that knows no session yet. `nonce` is random, so that answer ids never repeat.
    pub fn new(look: Look, nonce: u64, now: Timestamp) -> Self {
        Self {
            look,
            keymap: Keymap::default(),
            now,
            size: (0, 0),
            sessions: Sessions::default(),
            listing: Listing::default(),
            announcing: Announcing::default(),
            mouse: true,
            burst: Burst::default(),
            read_at: None,
            first_of_two: None,
            selected: None,
            anchor: 0,
            at_top: true,
            focus: Focus::List,
            before_editor: Focus::List,
            tab: Tab::Questions,
            layer: None,
            behind: None,
            question: None,
            batch_search: None,
            editor: None,
            no_editor: None,
            drafts: Drafts::default(),
            kept: Kept::default(),
            cancel_drafts: Vec::new(),
            raw: RawCalls::default(),
            sent: Vec::new(),
            last_answer: None,
            feed: Feed::default(),
            sought: HashMap::new(),
            all_feeds: None,
            text: Pager::default(),
            life: None,
            module: None,
            folds: None,
            marked_line: None,
            shown_mark: None,
            facts: None,
            facts_edition: 0,
            calls_shown: None,
            frozen: None,
            history: History::default(),
            can_draft: false,
            drafting: Vec::new(),
            text_key: TextKey::Nothing,
            status: None,
            trouble: None,
            follows: None,
            recovery: Recovery::default(),
            notices: Vec::new(),
            opens: Opens::default(),
            keeping: Keeping::Nothing,
            messages_stay: now,
            nonce,
            next_token: 1,
        }
    }

    /// Makes it the desk that somebody wants.
    pub fn furnish(&mut self, settings: &DeskSettings, keymap: Keymap) {
        self.keymap = keymap;
        self.mouse = settings.mouse;
        self.announcing = Announcing::wanted(settings);
        self.listing.filter = settings.filter.to_string();
        let filter = Arc::clone(&settings.filter);
        let how = Arrangement { sort: settings.sort, grouping: settings.grouping, filter };
        self.sessions.arrange(how, self.now);
    }

    /// Says what becomes of sessions when the desk is left; else they end with it.
    #[must_use]
    pub fn keeping(mut self, keeping: Keeping) -> Self {
        self.keeping = keeping;
        self
    }

    /// What the title of the terminal's window says.
    pub fn title(&self) -> String {
        super::announcing::title(self.sessions.counts())
    }

    /// The same desk with an answerer that can be asked for drafts.
    #[must_use]
    pub fn with_answerer(mut self) -> Self {
        self.can_draft = true;
        self
    }

    /// The session whose facts are shown, and should be asked for.
    pub fn wants_facts(&self) -> Option<SessionId> {
        self.selected.filter(|_| self.tab == Tab::State)
    }

    /// What the screen calls a session: its title, and behind it the number that tells it from others of that title.
    pub fn name(&self, session: SessionId) -> String {
        self.name_of(session)
    }

    /// The session that keys act on.
    pub fn selected(&self) -> Option<SessionId> {
        self.selected
    }

    /// The key of an action, as hints name it.
    pub(super) fn key(&self, action: Action) -> String {
        self.keymap.key(action)
    }

    /// The key of an action where letters are text: the first that is none.
    pub(super) fn key_in_text(&self, action: Action) -> String {
        let key = self.keymap.keys(action).iter().find(|key| key.first.typed().is_none());
        key.map_or_else(|| self.key(action), ToString::to_string)
    }

    /// Why answers cannot be recorded, if so. It stands in the status line while there is no other message.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Who records what this desk shows, if another process does.
    pub fn follows(&self) -> Option<&str> {
        self.follows.as_deref()
    }

    /// How far the sessions of the journal have come back, as the desk was told last.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The query of the open editor and its text.
    pub fn editing(&self) -> Option<(QueryId, String)> {
        self.editor.as_ref().map(|editor| (editor.query, editor.text()))
    }

    /// The draft kept for a query.
    pub fn draft(&self, session: SessionId, query: QueryId) -> Option<String> {
        self.drafts.text(session, query)
    }

    /// The texts kept whose queries are gone, the newest last.
    pub fn orphans(&self, session: SessionId) -> Vec<(QueryId, String)> {
        self.drafts.orphans(session).map(|orphan| (orphan.query, orphan.text.clone())).collect()
    }

    /// When the picture changes by itself; `None` if nothing on it moves.
    pub fn next_tick(&self) -> Option<Timestamp> {
        let message = self.status.as_ref().filter(|_| self.layout().status.is_empty());
        let message = message.map(Status::leaves_the_counts).filter(|at| *at > self.now);
        let message =
            message.into_iter().chain(self.kept.due()).chain(self.next_diagnosis()).chain(self.next_opening()).min();
        if self.frozen.is_some() {
            return message;
        }
        let next = |since| words::next_age(since, self.now);
        let facts = self.wants_facts().map(|_| (self.now / 1000 + 1) * 1000);
        let header = self.sessions.waiting_since().map(next);
        let rows = self.list_window().into_iter().filter_map(|line| {
            let summary = self.sessions.get(line.session()?)?;
            words::live_since(summary).map(next)
        });
        let selected = self.selected_summary().and_then(words::live_since);
        let shown = self.sessions.list().next_turn();
        let told = self.next_announcement();
        rows.chain(header).chain(selected.map(next)).chain(message).chain(facts).chain(shown).chain(told).min()
    }

    pub(super) fn selected_summary(&self) -> Option<&Summary> {
        self.sessions.get(self.selected?)
    }

    /// The pause of the selected session.
    pub(super) fn pause(&self) -> Option<&Arc<Pause>> {
        match &self.selected_summary()?.state {
            ExecutionState::Paused(pause) => Some(pause),
            ExecutionState::Running { .. }
            | ExecutionState::Done(_)
            | ExecutionState::Cancelled(_)
            | ExecutionState::Failed(_) => None,
        }
    }

    /// The question that the right side shows.
    pub(super) fn shown_question(&self) -> Option<&Prompt> {
        let pause = self.pause()?;
        let find = |query| pause.prompts.iter().find(|prompt| prompt.query.query_id == query);
        let editing = self.editor.as_ref().and_then(|editor| find(editor.query));
        let chosen = self.question.and_then(find);
        editing.or(chosen).or_else(|| self.first_open(pause)).or_else(|| pause.prompts.first())
    }

    /// The first question of a pause that is neither answered nor being answered.
    pub(super) fn first_open<'a>(&self, pause: &'a Pause) -> Option<&'a Prompt> {
        pause.pending().find(|prompt| !self.is_under_way(prompt.query.query_id))
    }

    /// Whether an answer to a query of the selected session is on its way.
    pub(super) fn is_under_way(&self, query: QueryId) -> bool {
        self.sent.iter().any(|sent| {
            Some(sent.session) == self.selected && sent.payload.answers().iter().any(|answer| answer.query_id == query)
        })
    }

    /// The rows of the list that are seen.
    pub(super) fn list_window(&self) -> Vec<Line> {
        let height = usize::from(self.layout().list.inside.height);
        self.sessions.list().window(self.selected, self.anchor, height)
    }

    /// Whether there is work that waits for nothing but time to do it; see [`Msg::Work`](super::Msg::Work).
    pub fn has_work(&self) -> bool {
        self.sessions.has_work(self.now)
    }

    pub(super) fn layout(&self) -> Layout {
        self.layout_of(self.size)
    }

    pub(super) fn layout_of(&self, (width, height): (u16, u16)) -> Layout {
        layout::place(
            width,
            height,
            Showing {
                in_list: self.focus == Focus::List,
                questions: self.tab == Tab::Questions,
                question_rows: self.pause().map_or(0, |pause| pause.prompts.len()),
                orphan_rows: self.selected.map_or(0, |id| self.drafts.orphans(id).count()),
                editor: self.editor.is_some(),
            },
        )
    }
}
