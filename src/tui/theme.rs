//! How the desk looks: what each tone is, and what is left of it without colours or without UTF-8.
//!
//! Nothing is told by colour alone. While a picture is drawn a colour is only the number of a tone; the theme, `NO_COLOR`
//! and ASCII signs are applied to the finished picture, so that no widget can forget them.

use std::borrow::Cow;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier, Style};

use crate::config::{Depth, Shade, Slot, Theme};
use crate::domain::{StateName, printable_line};

/// Whether the desk uses colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colors {
    /// Those of the theme.
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
    /// The desk's own are ASCII; texts are as they are.
    Ascii,
    /// ASCII only, for locales without UTF-8; what has no ASCII sign becomes `?`.
    OnlyAscii,
}

/// How the desk looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether it uses colours.
    pub colors: Colors,
    /// Which signs it draws with.
    pub signs: Signs,
    /// How many colours there are.
    pub depth: Depth,
    /// What each tone is.
    pub theme: Theme,
}

impl Default for Look {
    fn default() -> Self {
        let theme = Theme::bundled("dark").expect("it comes with the program");
        Self { colors: Colors::default(), signs: Signs::default(), depth: Depth::default(), theme }
    }
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
        let slot = match self {
            Self::Plain => return Style::new(),
            Self::Dim => Slot::Dim,
            Self::Strong => Slot::Strong,
            Self::Key => Slot::Key,
            Self::Warning => Slot::Warning,
            Self::Error => Slot::Error,
            Self::State(StateName::Paused) => Slot::Paused,
            Self::State(StateName::Running) => Slot::Running,
            Self::State(StateName::Done) => Slot::Done,
            Self::State(StateName::Cancelled) => Slot::Cancelled,
            Self::State(StateName::Failed) => Slot::Failed,
        };
        Style::new().fg(Color::Indexed(slot as u8))
    }
}

/// What a theme makes of the colour of a cell: while a picture is drawn, indexed colours are numbers of tones.
fn painted(look: &Look, cell: &mut Cell) {
    let Color::Indexed(slot) = cell.fg else { return };
    let Some((_, slot)) = Slot::WORDS.get(usize::from(slot)) else { return };
    let paint = look.theme.paint(*slot);
    for (on, modifier) in
        [(paint.bold, Modifier::BOLD), (paint.dim, Modifier::DIM), (paint.underlined, Modifier::UNDERLINED)]
    {
        if on {
            cell.modifier |= modifier;
        }
    }
    cell.fg = match paint.shade(look.depth) {
        Some(Shade::Indexed(n)) => Color::Indexed(n),
        Some(Shade::Rgb(red, green, blue)) => Color::Rgb(red, green, blue),
        None => Color::Reset,
    };
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
pub(super) fn finish(look: &Look, picture: &mut Buffer) {
    for cell in &mut picture.content {
        painted(look, cell);
    }
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
    spell_flags(picture);
    if look.signs != Signs::Unicode {
        for cell in &mut picture.content {
            let sign = if cell.symbol().is_ascii() { None } else { ascii(cell.symbol()) };
            match sign {
                Some(sign) => {
                    cell.set_char(sign);
                }
                None if look.signs == Signs::OnlyAscii && !cell.symbol().is_ascii() => {
                    cell.set_char('?');
                }
                None => {}
            }
        }
    }
}

/// Writes a flag as the two letters that it is made of. Terminals and those that stand between do not agree on how wide
/// a flag is, and where they differ, bits of one stay on the screen when something else is drawn there.
fn spell_flags(picture: &mut Buffer) {
    for at in 0..picture.content.len() {
        let Some(letters) = letters_of(picture.content[at].symbol()) else { continue };
        let style = picture.content[at].style();
        for (cell, letter) in picture.content[at..].iter_mut().zip(letters) {
            cell.set_char(letter).set_style(style);
        }
    }
}

/// The letters of a flag, at most the two that it has columns for.
fn letters_of(symbol: &str) -> Option<Vec<char>> {
    let letter = |c: char| {
        let n = u32::from(c).checked_sub(0x1f1e6).filter(|n| *n < 26)?;
        char::from_u32(u32::from(b'A') + n)
    };
    if symbol.is_ascii() {
        return None;
    }
    symbol.chars().take(2).map(letter).collect()
}

/// The ASCII sign for a sign of the desk.
fn ascii(symbol: &str) -> Option<char> {
    Some(match symbol.chars().next()? {
        '─' | '━' | '—' | '–' | '⊘' => '-',
        '│' | '┃' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' | '✓' => '+',
        '“' | '”' => '"',
        '…' => '~',
        '≠' => '!',
        '·' | '▁' => '.',
        '▶' | '▸' | '↳' | '→' => '>',
        '●' => '*',
        '✗' => 'x',
        '▇' | '✎' => '#',
        '⏎' => '$',
        '↓' => 'v',
        // Among them the signs of control characters.
        '↑' | '\u{2400}'..='\u{2424}' => '^',
        _ => return None,
    })
}
