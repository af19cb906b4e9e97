//! The desk without a terminal: keys go in as people write them, pictures and commands come out.

mod answering;
mod arranging;
mod batches;
mod behind_an_answer;
mod branches;
mod bulk;
mod ended;
mod facts;
mod families;
mod feeds;
mod freezing;
mod journal;
mod keymap_file;
mod keys;
mod listing;
mod outside;
mod palette;
mod pictures;
mod readme_picture;
mod rules;
mod sizes;
mod starting;
mod timeline;
mod typing;

use std::sync::Arc;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use switchboard::domain::{
    AnsweredBy, CancelCode, CancelReason, Cancelled, Done, Event, EventKind, ExecutionState, Failure, FailureKind,
    Pause, PauseKind, Prompt, Query, QueryId, ResumeError, ResumeOutcome, SeenAt, SessionId, SessionKind, SessionSpec,
    Usage,
};
use switchboard::engine::{EventRef, Presence, Summary};
use switchboard::tui::{App, Cmd, FeedItem, Held, Input, Key, KeyName, Look, Msg, update, view};

/// 2023-11-14 22:13:20 UTC: pictures show it.
pub(crate) const NOW: i64 = 1_700_000_000_000;

/// A desk with nobody at it but the test.
pub(crate) struct Desk {
    pub(crate) app: App,
    /// What the desk asked for and nobody took yet.
    pub(crate) cmds: Vec<Cmd>,
    now: i64,
}

impl Desk {
    pub(crate) fn new(width: u16, height: u16) -> Self {
        Self::looking(Look::default(), width, height)
    }

    pub(crate) fn looking(look: Look, width: u16, height: u16) -> Self {
        let mut desk = Self { app: App::new(look, 7, NOW), cmds: Vec::new(), now: NOW };
        desk.tell(Msg::Resize(width, height));
        assert_eq!(std::mem::take(&mut desk.cmds), [Cmd::Redraw]);
        desk
    }

    pub(crate) fn with(sessions: Vec<Summary>) -> Self {
        let mut desk = Self::new(120, 36);
        desk.tell(Msg::Changed(sessions));
        desk
    }

    pub(crate) fn tell(&mut self, msg: Msg) {
        self.cmds.extend(update(&mut self.app, msg));
    }

    pub(crate) fn change(&mut self, summary: Summary) {
        self.tell(Msg::Changed(vec![summary]));
    }

    /// Types keys one by one: `w a hello <C-s>`. Blanks part them; `<Space>` is one.
    pub(crate) fn keys(&mut self, keys: &str) {
        for word in keys.split(' ').filter(|word| !word.is_empty()) {
            if let Some(name) = word.strip_prefix('<').and_then(|word| word.strip_suffix('>')) {
                self.tell(Msg::Input(vec![Input::Key(special(name))]));
            } else {
                for c in word.chars() {
                    self.tell(Msg::Input(vec![Input::Key(Key::char(c))]));
                }
            }
        }
    }

    /// What a terminal without bracketed paste gives: all keys of a text in one read.
    pub(crate) fn at_once(&mut self, text: &str) {
        let inputs = text.chars().map(|c| match c {
            '\n' => Input::Key(special("CR")),
            '\x13' => Input::Key(special("C-s")),
            '\x1b' => Input::Key(special("Esc")),
            c => Input::Key(Key::char(c)),
        });
        self.tell(Msg::Input(inputs.collect()));
    }

    /// Lets time pass.
    pub(crate) fn later(&mut self, ms: i64) {
        self.now += ms;
        self.tell(Msg::Time(self.now));
    }

    pub(crate) fn paste(&mut self, text: &str) {
        self.tell(Msg::Input(vec![Input::Paste(text.into())]));
    }

    /// Lets the last answers be taken, or refused.
    pub(crate) fn outcome(&mut self, result: Result<ResumeOutcome, ResumeError>) {
        let token = self.cmds.iter().rev().find_map(|cmd| match cmd {
            Cmd::Answer { token, .. } => Some(*token),
            _ => None,
        });
        self.tell(Msg::Answered { token: token.expect("an answer was given"), result });
    }

    /// The answers given so far: query, text, epoch.
    pub(crate) fn answers(&self) -> Vec<(u32, String, Option<u32>)> {
        let mut answers = Vec::new();
        for cmd in &self.cmds {
            if let Cmd::Answer { payload, .. } = cmd {
                for answer in payload.answers() {
                    assert_eq!(answer.by, AnsweredBy::Person);
                    answers.push((answer.query_id.number(), answer.response.to_string(), answer.epoch));
                }
            }
        }
        answers
    }

    /// What changes something outside the desk, or ends it.
    pub(crate) fn deeds(&self) -> Vec<&Cmd> {
        let harmless = |cmd: &Cmd| {
            matches!(
                cmd,
                Cmd::Observe { .. }
                    | Cmd::Life { .. }
                    | Cmd::PreviewBranch { .. }
                    | Cmd::Peek(_)
                    | Cmd::PeekBack(_)
                    | Cmd::PastAnswers(_)
                    | Cmd::Module { .. }
                    | Cmd::Copy(_)
                    | Cmd::Redraw
                    | Cmd::Suspend
            )
        };
        self.cmds.iter().filter(|cmd| !harmless(cmd)).collect()
    }

    pub(crate) fn status(&self) -> &str {
        self.app.status().unwrap_or("")
    }

    pub(crate) fn text(&self) -> String {
        self.app.editing().map(|(_, text)| text).unwrap_or_default()
    }

    pub(crate) fn picture(&self, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view(&self.app, frame)).unwrap();
        // The backend of the tests cannot print a picture without columns.
        if width == 0 { String::new() } else { terminal.backend().to_string() }
    }

    pub(crate) fn resized(mut self, width: u16, height: u16) -> Self {
        self.tell(Msg::Resize(width, height));
        self
    }
}

fn special(name: &str) -> Key {
    let mut held = Held::default();
    let mut rest = name;
    loop {
        match rest.split_at_checked(2) {
            Some(("C-", behind)) => (held.ctrl, rest) = (true, behind),
            Some(("M-", behind)) => (held.alt, rest) = (true, behind),
            Some(("S-", behind)) => (held.shift, rest) = (true, behind),
            _ => break,
        }
    }
    let name = match rest {
        "CR" => KeyName::Enter,
        "Esc" => KeyName::Esc,
        "Tab" if held.shift => {
            held.shift = false;
            KeyName::BackTab
        }
        "Tab" => KeyName::Tab,
        "BS" => KeyName::Backspace,
        "Del" => KeyName::Delete,
        "Up" => KeyName::Up,
        "Down" => KeyName::Down,
        "Left" => KeyName::Left,
        "Right" => KeyName::Right,
        "Space" => KeyName::Char(' '),
        one => KeyName::Char(one.chars().next().expect("a key is named")),
    };
    Key { name, held }
}

pub(crate) fn id(n: u64) -> SessionId {
    SessionId::from_bits(n << 32 | 0x5eed)
}

pub(crate) fn session(n: u64, title: &str, state: ExecutionState) -> Summary {
    let mut spec = SessionSpec::run("return 1");
    spec.title = Some(title.into());
    if let SessionKind::Run { name, .. } = &mut spec.kind {
        *name = Some(format!("{title}.lua"));
    }
    let asked = match &state {
        ExecutionState::Paused(pause) => pause.prompts.last().map_or(0, |prompt| prompt.query.query_id.number()),
        _ => 0,
    };
    Summary {
        id: id(n),
        spec: Arc::new(spec),
        created_at: NOW - 600_000,
        state,
        last_seq: 3,
        last_at: NOW - 300_000,
        usage: Usage::default(),
        asked,
        progress: None,
        presence: Presence::default(),
    }
}

pub(crate) fn running() -> ExecutionState {
    ExecutionState::BORN
}

/// A pause that began so many seconds ago and asks these prompts, from query number `first` on.
pub(crate) fn paused(epoch: u32, seconds: i64, first: u32, prompts: &[&str]) -> ExecutionState {
    let prompts: Vec<Prompt> = prompts
        .iter()
        .zip(first..)
        .map(|(prompt, n)| Prompt {
            query: Arc::new(Query {
                query_id: QueryId::new(n),
                prompt: (*prompt).into(),
                system: Some("You are a reviewer.".into()),
                max_tokens: 200,
                grounded: n.is_multiple_of(2),
                underspecified: false,
                role: None,
                cache_breakpoint: None,
                line: None,
            }),
            answered_by: None,
        })
        .collect();
    let kind = if prompts.len() == 1 { PauseKind::Single } else { PauseKind::Batch };
    ExecutionState::Paused(Arc::new(Pause { epoch, kind, prompts, paused_at: NOW - seconds * 1000 }))
}

/// The same pause with one more query answered.
pub(crate) fn answered(state: &ExecutionState, n: u32, by: &str) -> ExecutionState {
    let ExecutionState::Paused(pause) = state else { panic!("not paused") };
    let mut pause = Pause::clone(pause);
    for prompt in &mut pause.prompts {
        if prompt.query.query_id == QueryId::new(n) {
            prompt.answered_by = Some(by.parse().expect("a name of an answerer"));
        }
    }
    ExecutionState::Paused(Arc::new(pause))
}

pub(crate) fn done(value: serde_json::Value) -> ExecutionState {
    ExecutionState::Done(Arc::new(Done { value, usage: Some(Usage::default()), finished_at: NOW - 300_000 }))
}

pub(crate) fn failed(message: &str, traceback: Option<&str>) -> ExecutionState {
    ExecutionState::Failed(Arc::new(Failure {
        message: message.into(),
        kind: FailureKind::LuaError,
        limit: None,
        traceback: traceback.map(Into::into),
        occurred_at: NOW - 300_000,
    }))
}

pub(crate) fn cancelled(detail: &str, before: ExecutionState) -> ExecutionState {
    ExecutionState::Cancelled(Arc::new(Cancelled {
        reason: CancelReason { code: CancelCode::User, detail: Some(detail.into()), requested_at: NOW - 301_000 },
        observed_at: NOW - 300_988,
        seen_at: SeenAt::Paused,
        state_before: before,
    }))
}

pub(crate) fn event(seq: u64, kind: EventKind) -> FeedItem {
    FeedItem::Event(EventRef::from(Event { seq, at: NOW - 100_000 + seq.cast_signed() * 1000, kind }))
}

pub(crate) fn log(seq: u64, message: &str) -> FeedItem {
    event(seq, EventKind::Log { level: "info".into(), source: "main".into(), message: message.into() })
}
