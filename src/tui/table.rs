//! The one table of actions: what can be done, with which keys, where, and what it does.
//!
//! Dispatch, the footer and the help are made from it. An action that is not built is not in it. One key has one
//! action name wherever it has one at all; its object is the pane's.

use super::branching::BranchKind;
use super::keymap::{Action, Context, Motion, Row, Way};
use super::listing::ListVerb;

const LIST: &[Context] = &[Context::List];
const PANES: &[Context] = &[Context::List, Context::Session];
/// Where the help and the palette can be opened: also over what fills the screen.
const OVER: &[Context] = &[Context::List, Context::Session, Context::Feeds, Context::Text];
/// Where there may be more than is seen: a form scrolls what it shows while its choice has the keyboard.
const MOVING: &[Context] =
    &[Context::List, Context::Session, Context::Help, Context::Choice, Context::Sent, Context::Feeds, Context::Text];
const CHOOSING: &[Context] = &[
    Context::List,
    Context::Session,
    Context::Help,
    Context::Choice,
    Context::Offers,
    Context::Sent,
    Context::Feeds,
    Context::Text,
    Context::Palette,
    Context::History,
];
const LEAVING: &[Context] = &[Context::List, Context::Session, Context::Help, Context::Feeds, Context::Text];
const IN_FEED: &[Context] = &[Context::Session, Context::Feeds];
const COPYING: &[Context] = &[Context::List, Context::Session, Context::Feeds, Context::Text];
const SCREENS: &[Context] = &[Context::List, Context::Session, Context::Feeds];
const SEARCHING: &[Context] = &[Context::List, Context::Session, Context::Feeds, Context::Help];
const FIELDS: &[Context] = &[
    Context::List,
    Context::Session,
    Context::Editor,
    Context::Choice,
    Context::Detail,
    Context::Offers,
    Context::Sent,
];
const OPENING: &[Context] = &[
    Context::List,
    Context::Filter,
    Context::Session,
    Context::Offers,
    Context::Sent,
    Context::Feeds,
    Context::Text,
    Context::Find,
    Context::Palette,
    Context::History,
];
const FORM: &[Context] = &[Context::Editor, Context::Choice, Context::Detail, Context::Offers, Context::Palette];
const ALL: &[Context] = &Context::ALL;

const EVERYWHERE: &str = "Everywhere";
const MOVE: &str = "Moving";
const SESSIONS: &str = "Sessions";
const QUESTIONS: &str = "One session";
const FEED: &str = "Feeds";
const EDITOR: &str = "Answer editor and forms";
const YES_NO: &str = "Yes/no questions";

/// A row that stands nowhere yet.
const fn row(action: Action, name: &'static str, keys: &'static [&'static str]) -> Row {
    Row { action, name, keys, contexts: &[], group: "", description: "", footer: None }
}

impl Row {
    /// Under which heading of the help, and where it can be done.
    const fn of(self, group: &'static str, contexts: &'static [Context]) -> Self {
        Self { contexts, group, ..self }
    }

    /// What the help says.
    const fn says(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    /// What the footer says.
    const fn hint(self, footer: &'static str) -> Self {
        Self { footer: Some(footer), ..self }
    }
}

/// The table, in the order of the help and of the footer.
pub const TABLE: &[Row] = &[
    row(Action::Send, "send", &["Ctrl-S", "Alt-Enter"])
        .of(EDITOR, FORM)
        .says("send the answer, or confirm the form; nothing else ever sends (Enter is a new line)")
        .hint("send"),
    row(Action::Yes, "yes", &["y"]).of(YES_NO, &[Context::Question]).says("yes").hint("yes"),
    row(Action::No, "no", &["n"]).of(YES_NO, &[Context::Question]).says("no; going back too").hint("no"),
    row(Action::Answer, "answer", &["a"])
        .of(SESSIONS, PANES)
        .says("write an answer to the first open question of the selected session")
        .hint("answer"),
    row(Action::Waiting(Way::Next), "next_waiting", &["w"])
        .of(SESSIONS, PANES)
        .says("select the next waiting session, oldest first")
        .hint("next waiting"),
    row(Action::Waiting(Way::Previous), "previous_waiting", &["W"])
        .of(SESSIONS, PANES)
        .says("select the waiting session before"),
    row(Action::Cancel, "cancel", &["c"])
        .of(SESSIONS, PANES)
        .says("cancel the selected session, in the list all marked ones, with a reason (a form asks first)")
        .hint("cancel"),
    row(Action::Help, "help", &["?"]).of(EVERYWHERE, OVER).says("this help").hint("help"),
    row(Action::Quit, "quit", &["q"]).of(EVERYWHERE, LEAVING).says("back; from the list: quit").hint("quit"),
    row(Action::Back, "back", &["Esc"]).of(EVERYWHERE, ALL).says("back; what was written is kept").hint("back"),
    row(Action::Open, "open", &["Enter"])
        .of(EVERYWHERE, OPENING)
        .says(
            "open or take what is chosen: a session, a line of a feed, a fold, an offer; never sends, cancels or \
             ends anything",
        )
        .hint("open"),
    row(Action::List(ListVerb::Filter), "filter", &["/"])
        .of(SESSIONS, SEARCHING)
        .says(
            "in a feed, in this help, among the questions of a batch: search; in the list: show only sessions that \
             match: words, state: is: tag: id: title~ prompt~ age> wait> tokens>, -, or, ( )",
        )
        .hint("filter"),
    row(Action::List(ListVerb::Sort), "sort", &["s"])
        .of(SESSIONS, LIST)
        .says("the next order: attention, stable, started, name, state, waiting, tokens"),
    row(Action::List(ListVerb::SortNow), "sort_now", &["S"])
        .of(SESSIONS, LIST)
        .says("sort anew: put the rows of the stable order where attention wants them now"),
    row(Action::List(ListVerb::Group), "group", &["o"])
        .of(SESSIONS, LIST)
        .says("group by state, by tag, by file, or not at all"),
    row(Action::List(ListVerb::Mark), "mark", &["Space"])
        .of(SESSIONS, LIST)
        .says("mark the session, or take its mark away")
        .hint("mark"),
    row(Action::List(ListVerb::Range), "range", &["v"])
        .of(SESSIONS, LIST)
        .says("begin a range of marks here, or end it; marking ends it too"),
    row(Action::List(ListVerb::MarkShown), "mark_shown", &["*"])
        .of(SESSIONS, LIST)
        .says("mark every session that is shown"),
    row(Action::List(ListVerb::Unmark), "unmark", &["u"]).of(SESSIONS, LIST).says("take all marks away"),
    row(Action::List(ListVerb::Fold), "fold", &["h"])
        .of(SESSIONS, LIST)
        .says("fold the sessions away that stand under this one, or show them; on one of them, fold all")
        .hint("fold"),
    row(Action::List(ListVerb::AnswerMarked), "answer_marked", &["A"])
        .of(SESSIONS, LIST)
        .says("give one answer to every open question of all marked sessions (a form asks first)"),
    row(Action::List(ListVerb::Start), "new", &["N"])
        .of(SESSIONS, LIST)
        .says("start a session: a file, typed code, a package, or a package on a scenario (a form asks first)")
        .hint("new"),
    row(Action::List(ListVerb::Again), "run_again", &["r"])
        .of(SESSIONS, PANES)
        .says("run the program again: a new session of the same program")
        .hint("run again"),
    row(Action::List(ListVerb::Branch(BranchKind::Rewind)), "rewind", &["R"])
        .of(SESSIONS, PANES)
        .says(
            "go back to an earlier question: a new session goes on from there, this one is cancelled (a form asks \
             first)",
        )
        .hint("rewind"),
    row(Action::List(ListVerb::Branch(BranchKind::Fork)), "fork", &["B"])
        .of(SESSIONS, PANES)
        .says("try another answer: a new session goes on from an earlier question, this one stays (a form asks first)")
        .hint("fork"),
    row(Action::List(ListVerb::Transcript), "transcript", &["e"])
        .of(SESSIONS, PANES)
        .says("read the whole session in $PAGER")
        .hint("read"),
    row(Action::List(ListVerb::Mouse), "mouse", &["m"])
        .of(EVERYWHERE, PANES)
        .says("give the mouse back to the terminal, to select text, or take it"),
    row(Action::List(ListVerb::Editor), "editor", &["Ctrl-X Ctrl-E"])
        .of(EDITOR, &[Context::Editor])
        .says("write the draft in $EDITOR; what comes back is the draft, nothing is sent"),
    row(Action::ShowQuestions, "questions", &["1"]).of(QUESTIONS, PANES).says("show the questions of the session"),
    row(Action::ShowFeed, "feed", &["2"]).of(QUESTIONS, PANES).says("show the live feed of the session"),
    row(Action::ShowState, "state", &["3"])
        .of(QUESTIONS, PANES)
        .says("show every fact of the session: state, queries, usage, observers, and whether it is to be collected"),
    row(Action::ShowResult, "result", &["4"])
        .of(QUESTIONS, PANES)
        .says("show how the session ended: its value, its error or who cancelled it"),
    row(Action::ShowSource, "source", &["5"])
        .of(QUESTIONS, PANES)
        .says("show the program text of the session; the line that asked or failed is marked"),
    row(Action::ShowTimeline, "timeline", &["6"]).of(QUESTIONS, PANES).says(
        "show the life of the session: when it ran and waited, each question and answer, and the state it was \
             in then",
    ),
    row(Action::Beside, "beside", &["|"])
        .of(QUESTIONS, PANES)
        .says("lay a branch and the session it goes on from, or two marked sessions, beside each other"),
    row(Action::Question(Way::Next), "next_question", &["Alt-N"])
        .of(QUESTIONS, &[Context::List, Context::Session, Context::Editor, Context::Sent])
        .says(
            "go to the next question of the batch, from an answer to the next open one (drafts stay); behind a \
             sent answer, to the next that waits",
        )
        .hint("next question"),
    row(Action::Question(Way::Previous), "previous_question", &["Alt-P"])
        .of(QUESTIONS, &[Context::List, Context::Session, Context::Editor])
        .says("go to the question before, from an answer to the open one before"),
    row(Action::SameAnswer, "same_answer", &["="])
        .of(QUESTIONS, PANES)
        .says(
            "give the draft of this question, or the answer sent last, to all open questions of the batch (asks \
             first)",
        )
        .hint("same for the rest"),
    row(Action::Follow, "follow", &["f"])
        .of(FEED, IN_FEED)
        .says("follow the end of the feed, or stop following")
        .hint("follow"),
    row(Action::NextMatch(Way::Next), "next_match", &["n"])
        .of(FEED, IN_FEED)
        .says("to the next line or question that the search finds")
        .hint("next match"),
    row(Action::NextMatch(Way::Previous), "previous_match", &["p"])
        .of(FEED, IN_FEED)
        .says("to the line or question before that the search finds"),
    row(Action::OnlyMatching, "only_matching", &["&"])
        .of(FEED, IN_FEED)
        .says("show only what the search finds, or everything again"),
    row(Action::Times, "times", &["t"])
        .of(FEED, IN_FEED)
        .says("show the time of day, the time since the start, or since the line before")
        .hint("times"),
    row(Action::Wrap, "wrap", &["z"]).of(FEED, IN_FEED).says("wrap long lines, or cut them").hint("wrap"),
    row(Action::Copy, "copy", &["y"]).of(MOVE, COPYING).says(
        "copy what is here, through the terminal: the id, the question, the line, the state, the result, the \
             source",
    ),
    row(Action::AllFeeds, "all_feeds", &["L"]).of(FEED, SCREENS).says("the live feed over all sessions, and back"),
    row(Action::Freeze, "freeze", &["F"])
        .of(EVERYWHERE, SCREENS)
        .says("freeze the picture, or let it go on; everything else goes on meanwhile"),
    row(Action::Calls, "calls", &["C"])
        .of(EVERYWHERE, SCREENS)
        .says("the last verbs from any source, with their arguments, outcomes and latencies"),
    row(Action::Diagnostics, "diagnostics", &["D"])
        .of(EVERYWHERE, SCREENS)
        .says("why it is slow: workers and what they run, stragglers, queues, the journal, the desk's own pictures"),
    row(Action::Palette, "palette", &[":"])
        .of(EVERYWHERE, OVER)
        .says("every action by name, and the raw verbs: resume, cancel, spawn, hold, release, collect"),
    row(Action::History, "history", &["Ctrl-R"])
        .of(EDITOR, &[Context::Editor, Context::History])
        .says("the answers that were sent, to write one again")
        .hint("history"),
    row(Action::Draft, "draft", &["Ctrl-O"])
        .of(EDITOR, &[Context::Editor])
        .says("ask the configured answerer; what it replies becomes a draft, never an answer")
        .hint("draft"),
    row(Action::Reuse, "reuse", &["Alt-O"])
        .of(EDITOR, &[Context::Editor])
        .says("put the newest orphan draft here: a text whose question was answered by somebody else or is gone")
        .hint("re-use draft"),
    row(Action::Move(Motion::Down), "down", &["j", "↓"]).of(MOVE, CHOOSING).says("one down"),
    row(Action::Move(Motion::Up), "up", &["k", "↑"]).of(MOVE, CHOOSING).says("one up"),
    row(Action::Choose(Way::Next), "choose_next", &["→"])
        .of(EDITOR, &[Context::Choice])
        .says("choose the next in a form: the code of a cancel, the kind of a new session")
        .hint("choose"),
    row(Action::Choose(Way::Previous), "choose_previous", &["←"])
        .of(EDITOR, &[Context::Choice])
        .says("choose the one before"),
    row(Action::Move(Motion::Top), "top", &["g", "Home"])
        .of(MOVE, MOVING)
        .says("to the top; in a batch of more questions than are seen, to its first"),
    row(Action::Move(Motion::Bottom), "bottom", &["G", "End"])
        .of(MOVE, MOVING)
        .says("to the bottom; in such a batch, to its last question"),
    row(Action::Move(Motion::HalfDown), "half_page_down", &["Ctrl-D", "PgDn"])
        .of(MOVE, MOVING)
        .says("half a page down; in such a batch, as many questions as are seen"),
    row(Action::Move(Motion::HalfUp), "half_page_up", &["Ctrl-U", "PgUp"])
        .of(MOVE, MOVING)
        .says("half a page up; in such a batch, as many questions as are seen"),
    row(Action::Pane(Way::Next), "next_pane", &["Tab"])
        .of(EVERYWHERE, FIELDS)
        .says("next pane, or next field of a form; a draft is kept")
        .hint("pane"),
    row(Action::Pane(Way::Previous), "previous_pane", &["Shift-Tab"])
        .of(EVERYWHERE, FIELDS)
        .says("the pane or field before"),
    row(Action::HowToQuit, "how_to_quit", &["Ctrl-C"]).of(EVERYWHERE, ALL).says("does nothing but say how to leave"),
    row(Action::Redraw, "redraw", &["Ctrl-L"]).of(EVERYWHERE, ALL).says("draw everything anew"),
    row(Action::Suspend, "suspend", &["Ctrl-Z"]).of(EVERYWHERE, ALL).says("suspend the desk; fg brings it back"),
];

/// The headings of the help, in order.
pub const GROUPS: [&str; 7] = [EVERYWHERE, MOVE, SESSIONS, QUESTIONS, FEED, EDITOR, YES_NO];

/// The heading that [`TEXT_KEYS`] stand under.
pub const TEXT_GROUP: &str = EDITOR;

/// Keys of the text fields themselves, for the help. They are not actions: no keymap file changes them.
pub const TEXT_KEYS: &[(&str, &str)] = &[
    ("Enter", "new line"),
    ("Ctrl-A", "to the start of the line"),
    ("Ctrl-E", "to the end of the line"),
    ("Alt-B", "a word back"),
    ("Alt-F", "a word on"),
    ("Alt-D", "delete the rest of the word"),
    ("Alt-Backspace", "delete back to the start of the word"),
    ("Ctrl-W", "delete back to a blank"),
    ("Ctrl-U", "delete to the start of the line"),
    ("Ctrl-K", "delete to the end of the line"),
    ("Ctrl-Y", "put back what was deleted"),
    ("Alt-U", "undo"),
    ("Ctrl-_", "undo"),
    ("Alt-R", "redo"),
];
