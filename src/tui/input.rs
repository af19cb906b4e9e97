//! Keys and pastes as they come in, the notation that people write keys in, and the rule that tells typing from a
//! paste.
//!
//! What a key means is not known here; see `keymap`.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};

use crate::domain::Timestamp;

/// More printable characters than this in one read are a paste: nobody types that fast, and a terminal without
/// bracketed paste has no other way to say so.
const TYPED_AT_ONCE: usize = 8;

/// The keys the desk knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyName {
    /// A character, in the case it was typed in.
    Char(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Up.
    Up,
    /// Down.
    Down,
    /// Left.
    Left,
    /// Right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
}

/// What was held while a key was pressed. Shift is part of a character and remembered for other keys only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Held {
    /// Control.
    pub ctrl: bool,
    /// Alt, also called Meta.
    pub alt: bool,
    /// Shift.
    pub shift: bool,
}

/// One key press. Written as people write it: `a`, `Ctrl-S`, `Alt-Enter`, `Shift-Tab`, `↓`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The key.
    pub name: KeyName,
    /// What was held.
    pub held: Held,
}

/// What came in at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// The terminal says that this was pasted.
    Paste(String),
    /// The mouse did something.
    Pointer(Pointer),
}

/// What the mouse did, and where: column and row, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// What it did.
    pub deed: PointerDeed,
    /// The column.
    pub x: u16,
    /// The row.
    pub y: u16,
}

/// What a mouse can do that means something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointerDeed {
    /// The left button was pressed.
    Click,
    /// The wheel was turned away from the person.
    WheelUp,
    /// The wheel was turned towards the person.
    WheelDown,
}

impl Key {
    /// The key that types `c`.
    pub const fn char(c: char) -> Self {
        Self { name: KeyName::Char(c), held: Held { ctrl: false, alt: false, shift: false } }
    }

    fn from_event(event: KeyEvent) -> Option<Self> {
        let held = Held {
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
            shift: event.modifiers.contains(KeyModifiers::SHIFT),
        };
        let name = match event.code {
            KeyCode::Char(c) => KeyName::Char(c),
            KeyCode::Enter => KeyName::Enter,
            KeyCode::Esc => KeyName::Esc,
            KeyCode::Tab if held.shift => KeyName::BackTab,
            KeyCode::Tab => KeyName::Tab,
            KeyCode::BackTab => KeyName::BackTab,
            KeyCode::Backspace => KeyName::Backspace,
            KeyCode::Delete => KeyName::Delete,
            KeyCode::Up => KeyName::Up,
            KeyCode::Down => KeyName::Down,
            KeyCode::Left => KeyName::Left,
            KeyCode::Right => KeyName::Right,
            KeyCode::Home => KeyName::Home,
            KeyCode::End => KeyName::End,
            KeyCode::PageUp => KeyName::PageUp,
            KeyCode::PageDown => KeyName::PageDown,
            // Keys of the terminal's own that the desk gives no meaning to.
            _ => return None,
        };
        Some(Self { name, held }.normal())
    }

    /// One way to write each key: shift is told by the character itself, and control knows no case.
    fn normal(mut self) -> Self {
        match &mut self.name {
            KeyName::Char(c) => {
                self.held.shift = false;
                if self.held.ctrl {
                    *c = c.to_ascii_lowercase();
                }
            }
            KeyName::BackTab => self.held.shift = false,
            KeyName::Enter
            | KeyName::Esc
            | KeyName::Tab
            | KeyName::Backspace
            | KeyName::Delete
            | KeyName::Up
            | KeyName::Down
            | KeyName::Left
            | KeyName::Right
            | KeyName::Home
            | KeyName::End
            | KeyName::PageUp
            | KeyName::PageDown => {}
        }
        self
    }

    /// The text that this key types, if it types any. A line feed comes as Ctrl-J where a paste is not bracketed.
    pub(super) fn typed(self) -> Option<char> {
        match (self.name, self.held) {
            (KeyName::Char(c), Held { ctrl: false, alt: false, .. }) => Some(c),
            (KeyName::Char('j'), Held { ctrl: true, alt: false, .. })
            | (KeyName::Enter, Held { ctrl: false, alt: false, .. }) => Some('\n'),
            (KeyName::Tab, Held { ctrl: false, alt: false, .. }) => Some('\t'),
            (
                KeyName::Char(_)
                | KeyName::Enter
                | KeyName::Tab
                | KeyName::Esc
                | KeyName::BackTab
                | KeyName::Backspace
                | KeyName::Delete
                | KeyName::Up
                | KeyName::Down
                | KeyName::Left
                | KeyName::Right
                | KeyName::Home
                | KeyName::End
                | KeyName::PageUp
                | KeyName::PageDown,
                _,
            ) => None,
        }
    }
}

/// What a terminal event is to the desk; `None` for what it gives no meaning to.
pub(super) fn from_terminal(event: Event) -> Option<Input> {
    match event {
        // Key protocols that report releases would otherwise double every key.
        Event::Key(key) if key.kind == KeyEventKind::Release => None,
        Event::Key(key) => Key::from_event(key).map(Input::Key),
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Mouse(mouse) => {
            let deed = match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => PointerDeed::Click,
                MouseEventKind::ScrollUp => PointerDeed::WheelUp,
                MouseEventKind::ScrollDown => PointerDeed::WheelDown,
                _ => return None,
            };
            Some(Input::Pointer(Pointer { deed, x: mouse.column, y: mouse.row }))
        }
        Event::FocusGained | Event::FocusLost | Event::Resize(..) => None,
    }
}

/// Where the burst of a paste that is not bracketed may go on.
///
/// A terminal gives a long paste in several reads, and the last may be as short as a key. They follow each other within
/// milliseconds, also over a slow line; the fastest typists leave as much between two keys as is waited here.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Burst {
    until: Timestamp,
}

impl Burst {
    const MS: i64 = 80;

    /// Applies the rule of pastes to what was read at once, at `now`.
    ///
    /// With more than eight printable characters together, or within the burst of a paste, every text in the read is a
    /// paste. Of its other keys only the last is obeyed, and only where nothing comes behind it: whoever types ahead on
    /// a slow line still sends, and control characters inside a paste do nothing.
    pub(super) fn told_apart(&mut self, inputs: Vec<Input>, now: Timestamp) -> Vec<Input> {
        let typed = inputs.iter().any(|input| matches!(input, Input::Key(key) if key.typed().is_some()));
        let goes_on = now < self.until && typed;
        // Whoever presses a key that is no text has come to the end of what was pasted.
        let ends = matches!(inputs.last(), Some(Input::Key(key)) if key.typed().is_none());
        let is_paste = goes_on || longest_run(&inputs) > TYPED_AT_ONCE && !is_held_down(&inputs);
        self.until = if is_paste && !ends {
            now.saturating_add(Self::MS)
        } else if ends {
            now
        } else {
            self.until
        };
        if is_paste { gathered(inputs) } else { inputs }
    }
}

/// Whether this is one key again and again: on a slow line a key that is held down comes so, and no paste does.
fn is_held_down(inputs: &[Input]) -> bool {
    inputs.windows(2).all(|two| two[0] == two[1])
}

/// The most printable characters that stand together.
fn longest_run(inputs: &[Input]) -> usize {
    let mut run = 0;
    let mut longest = 0;
    for input in inputs {
        match input {
            Input::Key(key) => match key.typed() {
                Some(c) if c.is_control() => {}
                Some(_) => run += 1,
                None => run = 0,
            },
            Input::Paste(_) | Input::Pointer(_) => run = 0,
        }
        longest = longest.max(run);
    }
    longest
}

/// Makes one paste of every text in a read.
fn gathered(inputs: Vec<Input>) -> Vec<Input> {
    let mut apart = Vec::new();
    let mut text = String::new();
    let last = inputs.len() - 1;
    for (at, input) in inputs.into_iter().enumerate() {
        match input {
            Input::Key(key) => match key.typed() {
                Some(c) => text.push(c),
                None if at == last => {
                    if !text.is_empty() {
                        apart.push(Input::Paste(std::mem::take(&mut text)));
                    }
                    apart.push(Input::Key(key));
                }
                // Typed ahead and taken back.
                None if key.name == KeyName::Backspace && key.held == Held::default() => drop(text.pop()),
                None => {}
            },
            Input::Paste(pasted) => text.push_str(&pasted),
            Input::Pointer(_) => {}
        }
    }
    if !text.is_empty() {
        apart.push(Input::Paste(text));
    }
    apart
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.held.ctrl {
            f.write_str("Ctrl-")?;
        }
        if self.held.alt {
            f.write_str("Alt-")?;
        }
        if self.held.shift {
            f.write_str("Shift-")?;
        }
        match self.name {
            KeyName::Char(' ') => f.write_str("Space"),
            // Letters behind Ctrl- and Alt- are written large, as they stand on the keys.
            KeyName::Char(c) if self.held.ctrl || self.held.alt => write!(f, "{}", c.to_ascii_uppercase()),
            KeyName::Char(c) => write!(f, "{c}"),
            KeyName::Enter => f.write_str("Enter"),
            KeyName::Esc => f.write_str("Esc"),
            KeyName::Tab => f.write_str("Tab"),
            KeyName::BackTab => f.write_str("Shift-Tab"),
            KeyName::Backspace => f.write_str("Backspace"),
            KeyName::Delete => f.write_str("Delete"),
            KeyName::Up => f.write_str("↑"),
            KeyName::Down => f.write_str("↓"),
            KeyName::Left => f.write_str("←"),
            KeyName::Right => f.write_str("→"),
            KeyName::Home => f.write_str("Home"),
            KeyName::End => f.write_str("End"),
            KeyName::PageUp => f.write_str("PgUp"),
            KeyName::PageDown => f.write_str("PgDn"),
        }
    }
}

/// A text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a key (such as a, Ctrl-S, Alt-Enter, Shift-Tab, ↓)")]
pub struct ParseKeyError(String);

impl FromStr for Key {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let mut held = Held::default();
        let mut rest = text;
        loop {
            if let Some(behind) = rest.strip_prefix("Ctrl-") {
                (held.ctrl, rest) = (true, behind);
            } else if let Some(behind) = rest.strip_prefix("Alt-") {
                (held.alt, rest) = (true, behind);
            } else if let Some(behind) = rest.strip_prefix("Shift-") {
                (held.shift, rest) = (true, behind);
            } else {
                break;
            }
        }
        let name = match rest {
            "Space" => KeyName::Char(' '),
            "Enter" => KeyName::Enter,
            "Esc" => KeyName::Esc,
            "Tab" if held.shift => KeyName::BackTab,
            "Tab" => KeyName::Tab,
            "Backspace" => KeyName::Backspace,
            "Delete" => KeyName::Delete,
            "↑" => KeyName::Up,
            "↓" => KeyName::Down,
            "←" => KeyName::Left,
            "→" => KeyName::Right,
            "Home" => KeyName::Home,
            "End" => KeyName::End,
            "PgUp" => KeyName::PageUp,
            "PgDn" => KeyName::PageDown,
            _ => {
                let mut chars = rest.chars();
                match (chars.next(), chars.next()) {
                    // Written large, meant without Shift.
                    (Some(c), None) if held.ctrl || held.alt => KeyName::Char(c.to_ascii_lowercase()),
                    (Some(c), None) => KeyName::Char(c),
                    (None | Some(_), _) => return Err(ParseKeyError(text.to_owned())),
                }
            }
        };
        Ok(Self { name, held }.normal())
    }
}

impl From<Key> for tui_textarea::Input {
    fn from(key: Key) -> Self {
        use tui_textarea::Key as K;
        let name = match key.name {
            KeyName::Char(c) => K::Char(c),
            KeyName::Enter => K::Enter,
            KeyName::Esc => K::Esc,
            KeyName::Tab | KeyName::BackTab => K::Tab,
            KeyName::Backspace => K::Backspace,
            KeyName::Delete => K::Delete,
            KeyName::Up => K::Up,
            KeyName::Down => K::Down,
            KeyName::Left => K::Left,
            KeyName::Right => K::Right,
            KeyName::Home => K::Home,
            KeyName::End => K::End,
            KeyName::PageUp => K::PageUp,
            KeyName::PageDown => K::PageDown,
        };
        Self { key: name, ctrl: key.held.ctrl, alt: key.held.alt, shift: key.held.shift }
    }
}
