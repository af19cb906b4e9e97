//! How the desk looks: what each tone is, and what is left of it without colours or without UTF-8.
//!
//! Nothing is told by colour alone. `NO_COLOR` and ASCII signs are applied to the finished picture, so that no widget
//! can forget them.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

use crate::domain::{StateName, printable_line};

/// Whether the desk uses colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colors {
    /// Sixteen colours, which every terminal's own theme defines.
    #[default]
    On,
    /// Bold, dim, underlined and reversed only; for `NO_COLOR`.
    Off,
}

/// Which signs the desk draws with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signs {
    /// Lines, arrows and marks of Unicode.
    #[default]
    Unicode,
    /// ASCII only, for locales without UTF-8; what has no ASCII sign becomes `?`.
    Ascii,
}

/// How the desk looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Whether it uses colours.
    pub colors: Colors,
    /// Which signs it draws with.
    pub signs: Signs,
}

/// What a piece of text is, as far as its look goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Dim,
    Strong,
    Key,
    Warning,
    Error,
    State(StateName),
}

impl Tone {
    pub(super) fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Dim => Style::new().add_modifier(Modifier::DIM),
            Self::Strong => Style::new().add_modifier(Modifier::BOLD),
            Self::Key => Style::new().fg(Color::Cyan).add_modifier(Modifier::BOLD),
            Self::Warning | Self::State(StateName::Paused) => {
                Style::new().fg(Color::Yellow).add_modifier(Modifier::BOLD)
            }
            Self::Error => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
            Self::State(StateName::Running) => Style::new().fg(Color::Blue),
            Self::State(StateName::Done) => Style::new().fg(Color::Green),
            Self::State(StateName::Cancelled) => Style::new().fg(Color::Magenta),
            Self::State(StateName::Failed) => Style::new().fg(Color::Red),
        }
    }
}

/// The sign of a state. Its word always stands beside it.
pub(super) fn sign_of(state: StateName) -> &'static str {
    match state {
        StateName::Running => "●",
        StateName::Paused => "?",
        StateName::Done => "✓",
        StateName::Cancelled => "⊘",
        StateName::Failed => "✗",
    }
}

/// Takes out of a finished picture what the terminal must not get.
pub(super) fn finish(look: Look, picture: &mut Buffer) {
    if look.colors == Colors::Off {
        for cell in &mut picture.content {
            cell.fg = Color::Reset;
            cell.bg = Color::Reset;
        }
    }
    // What a person pasted is drawn by the text field as it is; here nothing passes that a terminal would act on.
    for cell in &mut picture.content {
        if !cell.symbol().is_ascii() && matches!(printable_line(cell.symbol()), Cow::Owned(_)) {
            cell.set_char('�');
        }
    }
    if look.signs == Signs::Ascii {
        for cell in &mut picture.content {
            if !cell.symbol().is_ascii() {
                let sign = ascii(cell.symbol());
                cell.set_char(sign);
            }
        }
    }
}

fn ascii(symbol: &str) -> char {
    match symbol.chars().next() {
        Some('─' | '━' | '—' | '–' | '⊘') => '-',
        Some('│' | '┃') => '|',
        Some('┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '✓') => '+',
        Some('“' | '”') => '"',
        Some('…') => '~',
        Some('·' | '▁') => '.',
        Some('▶' | '▸') => '>',
        Some('●') => '*',
        Some('✗') => 'x',
        Some('▇') => '#',
        Some('⏎') => '$',
        Some('↓') => 'v',
        // Among them the signs of control characters.
        Some('↑' | '\u{2400}'..='\u{2424}') => '^',
        Some(_) => '?',
        None => ' ',
    }
}
