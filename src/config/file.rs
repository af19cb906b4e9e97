//! Reads files that people write by hand: what is wrong with one is a line of it and what to do.
//!
//! Nothing here opens a file; whoever starts the program hands in its text.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong with a file. One line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {what}", crate::domain::printable_line(&path.to_string_lossy()))]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

/// What is wrong with a file: every mistake that was found, one at least, in the order of their lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct FileErrors(pub Vec<FileError>);

impl FileErrors {
    /// What was found, in the order of the lines, if it was anything.
    pub(super) fn of(mut faults: Vec<FileError>) -> Result<(), Self> {
        faults.sort_by_key(|fault| fault.line);
        if faults.is_empty() { Ok(()) } else { Err(Self(faults)) }
    }
}

/// A file while it is read.
pub(super) struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
}

/// A table of a file: its entries, each with where its key and its value stand.
pub(super) type Entries<'a> = Vec<(String, Range<usize>, Spanned<DeValue<'a>>)>;

impl<'a> Reading<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text }
    }

    /// The table at the top. Where something is no TOML, only that is told, once a line: what else is read there may be
    /// meant to stand elsewhere.
    pub(super) fn top(&self) -> Result<Entries<'a>, FileErrors> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let fault = |error: toml::de::Error| {
            let what = error.message().lines().collect::<Vec<_>>().join("; ");
            self.fault(error.span().unwrap_or_default(), format!("{what}; write TOML"))
        };
        let mut faults: Vec<FileError> = errors.into_iter().map(fault).collect();
        faults.sort_by_key(|fault| fault.line);
        faults.dedup_by_key(|fault| fault.line);
        FileErrors::of(faults)?;
        Ok(entries(table.into_inner()))
    }

    /// The entries of a value that must be a table.
    pub(super) fn table(&self, name: &str, value: Spanned<DeValue<'a>>) -> Result<Entries<'a>, FileError> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => Ok(entries(table)),
            other => Err(self.fault(span, format!("{name} is a table; write [{name}], not {}", kind(&other)))),
        }
    }

    /// A value that must be a text.
    pub(super) fn string(&self, name: &str, value: &Spanned<DeValue<'a>>) -> Result<String, FileError> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            other => {
                Err(self.fault(value.span(), format!("{name} is a text; write it in quotes, not {}", kind(other))))
            }
        }
    }

    /// A value that must be `true` or `false`.
    pub(super) fn switch(&self, name: &str, value: &Spanned<DeValue<'a>>) -> Result<bool, FileError> {
        match value.get_ref() {
            DeValue::Boolean(on) => Ok(*on),
            other => Err(self.fault(value.span(), format!("{name} is true or false, not {}", kind(other)))),
        }
    }

    /// A value that must be a whole number from 0 to 255.
    pub(super) fn byte(&self, name: &str, value: &Spanned<DeValue<'a>>) -> Result<u8, FileError> {
        let read = value.get_ref().as_integer().and_then(|n| u8::from_str_radix(n.as_str(), n.radix()).ok());
        read.ok_or_else(|| self.fault(value.span(), format!("{name} is a whole number from 0 to 255")))
    }

    /// A value that must be a whole number.
    pub(super) fn count(&self, name: &str, value: &Spanned<DeValue<'a>>) -> Result<u64, FileError> {
        let read = value.get_ref().as_integer().and_then(|n| u64::from_str_radix(n.as_str(), n.radix()).ok());
        read.ok_or_else(|| {
            let what = match value.get_ref() {
                DeValue::Integer(n) => format!("{name} is a whole number from 0 to {}, not {n}", u64::MAX),
                DeValue::Float(n) => format!("{name} is a whole number, not {n}"),
                other => format!("{name} is a whole number, not {}", kind(other)),
            };
            self.fault(value.span(), what)
        })
    }

    /// A value that is a text or several in an array, with where each stands.
    pub(super) fn strings(
        &self,
        name: &str,
        value: &Spanned<DeValue<'a>>,
    ) -> Result<Vec<(String, Range<usize>)>, FileError> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().map(|item| Ok((self.string(name, item)?, item.span()))).collect(),
            _ => Ok(vec![(self.string(name, value)?, value.span())]),
        }
    }

    /// What is wrong at a place.
    pub(super) fn fault(&self, span: Range<usize>, what: impl Into<String>) -> FileError {
        FileError { path: self.path.to_owned(), line: self.line(span.start), what: what.into() }
    }

    /// The line of a place.
    pub(super) fn line(&self, at: usize) -> usize {
        self.text.get(..at).unwrap_or(self.text).matches('\n').count() + 1
    }
}

fn entries(table: DeTable<'_>) -> Entries<'_> {
    table.into_iter().map(|(key, value)| (key.get_ref().to_string(), key.span(), value)).collect()
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
