//! What keys mean: the actions, the contexts, and which key is which action where.
//!
//! Made from the one table in `table`; nothing is done here.

use std::collections::HashMap;

use super::chord::Chord;
use super::input::Key;
use super::listing::ListVerb;
use super::table::TABLE;

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Shows the keys.
    Help,
    /// Goes back; from the list, quits.
    Quit,
    /// Goes back.
    Back,
    /// Goes to another pane or field.
    Pane(Way),
    /// Shows the questions of the session.
    ShowQuestions,
    /// Shows the feed of the session.
    ShowFeed,
    /// Shows the state of the session, field by field.
    ShowState,
    /// Shows the result of the session.
    ShowResult,
    /// Shows the source of the session.
    ShowSource,
    /// Shows the life of the session.
    ShowTimeline,
    /// Lays two sessions beside each other.
    Beside,
    /// Says how to quit.
    HowToQuit,
    /// Draws everything anew.
    Redraw,
    /// Stops the desk until the shell continues it.
    Suspend,
    /// Moves, in whatever the pane holds.
    Move(Motion),
    /// Goes through a few things that stand beside each other.
    Choose(Way),
    /// Opens the session, the line or the fold.
    Open,
    /// Opens the answer editor.
    Answer,
    /// Selects another waiting session.
    Waiting(Way),
    /// Opens the cancel form.
    Cancel,
    /// Goes to another question of the batch.
    Question(Way),
    /// Gives one answer to the rest of the batch.
    SameAnswer,
    /// Follows the feed, or stops following it.
    Follow,
    /// Goes to another line that the search finds.
    NextMatch(Way),
    /// Shows only what the search finds, or everything.
    OnlyMatching,
    /// Shows times in another way.
    Times,
    /// Wraps long lines, or cuts them.
    Wrap,
    /// Copies what is shown here.
    Copy,
    /// Freezes the picture, or lets it go on.
    Freeze,
    /// Shows the feed over all sessions.
    AllFeeds,
    /// Shows the last verbs.
    Calls,
    /// Shows what engine and desk do.
    Diagnostics,
    /// Opens the palette.
    Palette,
    /// Shows the answers that were sent.
    History,
    /// Asks the answerer for a draft.
    Draft,
    /// Sends the answer, or confirms the form.
    Send,
    /// Puts an orphan draft into the editor.
    Reuse,
    /// Does something to the list.
    List(ListVerb),
    /// Says yes.
    Yes,
    /// Says no.
    No,
}

/// The ways to move in a list or a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Motion {
    /// One down.
    Down,
    /// One up.
    Up,
    /// To the top.
    Top,
    /// To the bottom.
    Bottom,
    /// Half a page down.
    HalfDown,
    /// Half a page up.
    HalfUp,
}

/// The two ways to go through a few things one by one; both start over at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// To the next one.
    Next,
    /// To the one before.
    Previous,
}

/// Where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// In the list of sessions.
    List,
    /// In the filter line of the list.
    Filter,
    /// In the session on the right.
    Session,
    /// In the answer editor.
    Editor,
    /// In a field of a form that is a choice: the code of a cancel, the kind of a new session.
    Choice,
    /// In a text field of a form.
    Detail,
    /// In a line of a form over things to choose from.
    Offers,
    /// In the help.
    Help,
    /// At a yes/no question.
    Question,
    /// Behind the last answer of a pause: whoever types on types into nothing.
    Sent,
    /// In the feed over all sessions.
    Feeds,
    /// In a line of a feed, in the calls or the diagnostics.
    Text,
    /// In the line of a search.
    Find,
    /// In the palette.
    Palette,
    /// In the history of answers.
    History,
}

impl Context {
    /// Every context.
    pub const ALL: [Self; 15] = [
        Self::List,
        Self::Filter,
        Self::Session,
        Self::Editor,
        Self::Choice,
        Self::Detail,
        Self::Offers,
        Self::Help,
        Self::Question,
        Self::Sent,
        Self::Feeds,
        Self::Text,
        Self::Find,
        Self::Palette,
        Self::History,
    ];

    /// Whether letters typed here are text.
    pub fn takes_text(self) -> bool {
        match self {
            Self::Editor | Self::Detail | Self::Offers | Self::Filter | Self::Find | Self::Palette | Self::History => {
                true
            }
            Self::List
            | Self::Session
            | Self::Choice
            | Self::Help
            | Self::Question
            | Self::Sent
            | Self::Feeds
            | Self::Text => false,
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// What is done.
    pub action: Action,
    /// Its name, as a keymap file writes it.
    pub name: &'static str,
    /// Its keys, the one that the footer shows first.
    pub keys: &'static [&'static str],
    /// Where it can be done.
    pub contexts: &'static [Context],
    /// The heading it stands under in the help.
    pub group: &'static str,
    /// What it does, as the help says it.
    pub description: &'static str,
    /// Its short form in the footer, if it stands there.
    pub footer: Option<&'static str>,
}

/// Which key means what, where.
#[derive(Debug)]
pub struct Keymap {
    actions: HashMap<(Context, Key), Action>,
    /// What each key begins that is the first of two, and the second keys.
    begun: HashMap<(Context, Key), Vec<(Key, Action)>>,
    /// The keys of each row of the table, the one that the footer shows first.
    keys: Vec<Vec<Chord>>,
}

impl Keymap {
    /// The keymap of these keys for each row of the table.
    pub(super) fn of(keys: Vec<Vec<Chord>>) -> Self {
        let mut actions = HashMap::new();
        let mut begun: HashMap<_, Vec<_>> = HashMap::new();
        for (row, keys) in TABLE.iter().zip(&keys) {
            for (Chord { first, second }, context) in
                keys.iter().flat_map(|key| row.contexts.iter().map(move |it| (key, it)))
            {
                match second {
                    None => drop(actions.insert((*context, *first), row.action)),
                    Some(second) => begun.entry((*context, *first)).or_default().push((*second, row.action)),
                }
            }
        }
        Self { actions, begun, keys }
    }

    /// What `key` means in `context`, if it means anything there.
    pub fn action(&self, context: Context, key: Key) -> Option<Action> {
        if is_text(context, key) { None } else { self.actions.get(&(context, key)).copied() }
    }

    /// What `key` begins in `context`, if it is the first of two there: the second keys and what they mean.
    pub fn begun(&self, context: Context, key: Key) -> &[(Key, Action)] {
        let begun = self.begun.get(&(context, key)).filter(|_| !is_text(context, key));
        begun.map_or(&[], Vec::as_slice)
    }

    /// The keys of an action, the one that the footer shows first.
    pub fn keys(&self, action: Action) -> &[Chord] {
        let row = TABLE.iter().position(|row| row.action == action);
        row.and_then(|row| self.keys.get(row)).map_or(&[], Vec::as_slice)
    }

    /// The key of an action that hints name: its first.
    pub fn key(&self, action: Action) -> String {
        self.keys(action).first().map(Chord::to_string).unwrap_or_default()
    }

    /// The keys of an action as the help writes them.
    pub fn written(&self, action: Action) -> String {
        self.keys(action).iter().map(Chord::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// Where a letter is text, or must do nothing, it is no action, whatever its row says of other keys.
fn is_text(context: Context, key: Key) -> bool {
    let letters = context.takes_text() || context == Context::Sent;
    letters && key.typed().is_some_and(|c| !c.is_control())
}

/// The keys of the table itself.
pub(super) fn default_keys() -> Vec<Vec<Chord>> {
    let parse = |key: &&str| key.parse().expect("the keys of the table are written as keys are");
    TABLE.iter().map(|row| row.keys.iter().map(parse).collect()).collect()
}

impl Default for Keymap {
    fn default() -> Self {
        Self::of(default_keys())
    }
}
