//! Themes: for each tone of the desk its colour in three depths, and how it is set off without colours.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use super::desk::Depth;
use super::file::{FileError, FileErrors, Reading};

/// What a piece of text on the desk is, as far as its look goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// What matters less.
    Dim,
    /// What matters more.
    Strong,
    /// A key.
    Key,
    /// What the person should know.
    Warning,
    /// An error.
    Error,
    /// A session that runs.
    Running,
    /// A session that waits.
    Paused,
    /// A session that is done.
    Done,
    /// A session that was cancelled.
    Cancelled,
    /// A session that failed.
    Failed,
}

impl Slot {
    /// Each tone and its word.
    pub const WORDS: [(&'static str, Self); 10] = [
        ("dim", Self::Dim),
        ("strong", Self::Strong),
        ("key", Self::Key),
        ("warning", Self::Warning),
        ("error", Self::Error),
        ("running", Self::Running),
        ("paused", Self::Paused),
        ("done", Self::Done),
        ("cancelled", Self::Cancelled),
        ("failed", Self::Failed),
    ];
}

/// One of the sixteen colours of a terminal's own palette, as numbered there; or one of the fixed 256; or any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shade {
    /// A colour by its number.
    Indexed(u8),
    /// Red, green and blue.
    Rgb(u8, u8, u8),
}

/// How one tone is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Paint {
    sixteen: Option<Shade>,
    indexed: Option<Shade>,
    rgb: Option<Shade>,
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Underlined.
    pub underlined: bool,
}

impl Paint {
    /// The colour at a depth: the best that the theme has and the terminal can show; none is the terminal's own.
    pub fn shade(&self, depth: Depth) -> Option<Shade> {
        match depth {
            Depth::Sixteen => self.sixteen,
            Depth::Indexed => self.indexed.or(self.sixteen),
            Depth::True => self.rgb.or(self.indexed).or(self.sixteen),
        }
    }

    /// Takes one key of a theme file.
    fn take(
        &mut self,
        reading: &Reading<'_>,
        part: &str,
        span: Range<usize>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), FileError> {
        match part {
            "bold" => self.bold = reading.switch("bold", value)?,
            "dim" => self.dim = reading.switch("dim", value)?,
            "underlined" => self.underlined = reading.switch("underlined", value)?,
            "16" => self.sixteen = Some(named(reading, value)?),
            "256" => self.indexed = Some(Shade::Indexed(reading.byte("256", value)?)),
            "true" => self.rgb = Some(rgb(reading, value)?),
            _ => {
                let what = format!("unknown key {part:?}; write 16, 256, true, bold, dim or underlined");
                return Err(reading.fault(span, what));
            }
        }
        Ok(())
    }
}

/// A theme: a paint for each tone. A tone that a file leaves out is as plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    paints: [Paint; Slot::WORDS.len()],
}

/// The themes that come with the program.
const BUNDLED: [(&str, &str); 2] = [
    ("dark", include_str!("../../assets/themes/dark.toml")),
    ("light", include_str!("../../assets/themes/light.toml")),
];

/// The sixteen colours in the order of their numbers.
const NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

impl Theme {
    /// The theme of this name that comes with the program.
    pub fn bundled(name: &str) -> Option<Self> {
        let (name, text) = BUNDLED.iter().find(|(bundled, _)| *bundled == name)?;
        Some(Self::parse(Path::new(name), text).expect("the themes that come with the program are well made"))
    }

    /// The names of the themes that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUNDLED.iter().map(|(name, _)| *name)
    }

    /// How a tone is drawn.
    pub fn paint(&self, slot: Slot) -> &Paint {
        &self.paints[slot as usize]
    }

    /// Reads the text of a theme file.
    ///
    /// # Errors
    /// Names the line of each thing that is wrong.
    pub fn parse(path: &Path, text: &str) -> Result<Self, FileErrors> {
        let reading = Reading::new(path, text);
        let mut theme = Self { paints: [Paint::default(); Slot::WORDS.len()] };
        let mut faults = Vec::new();
        for (name, span, value) in reading.top()? {
            let Some((_, slot)) = Slot::WORDS.iter().find(|(word, _)| *word == name) else {
                let words: Vec<&str> = Slot::WORDS.iter().map(|(word, _)| *word).collect();
                faults.push(reading.fault(span, format!("unknown tone {name:?}; the tones are {}", words.join(", "))));
                continue;
            };
            let paint = &mut theme.paints[*slot as usize];
            match reading.table(&name, value) {
                Ok(entries) => {
                    let each = entries.into_iter().map(|(part, span, value)| paint.take(&reading, &part, span, &value));
                    faults.extend(each.filter_map(Result::err));
                }
                Err(fault) => faults.push(fault),
            }
        }
        FileErrors::of(faults)?;
        Ok(theme)
    }
}

fn named(reading: &Reading<'_>, value: &Spanned<DeValue<'_>>) -> Result<Shade, FileError> {
    let name = reading.string("16", value)?;
    match NAMES.iter().position(|other| *other == name) {
        Some(n) => Ok(Shade::Indexed(n as u8)),
        None => Err(reading.fault(value.span(), format!("{name:?} is no colour; write one of {}", NAMES.join(", ")))),
    }
}

fn rgb(reading: &Reading<'_>, value: &Spanned<DeValue<'_>>) -> Result<Shade, FileError> {
    let text = reading.string("true", value)?;
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii());
    let part = |at: usize| u8::from_str_radix(digits?.get(at..at + 2)?, 16).ok();
    match (part(0), part(2), part(4)) {
        (Some(red), Some(green), Some(blue)) => Ok(Shade::Rgb(red, green, blue)),
        _ => Err(reading.fault(value.span(), format!("{text:?} is no colour; write one such as \"#ffaf00\""))),
    }
}
