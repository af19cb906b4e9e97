//! Reads the rows of a journal page by page, without its trees: whatever stands on a leaf is found.
//!
//! Knows as much of SQLite's file format as that takes: leaves of tables, overflow pages, and the write-ahead log, whose
//! committed pages are newer than those of the file. Nothing here trusts a byte: what is not what it should be is not
//! there.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::domain::{ContentHash, SessionId};
use crate::store::journal::lock::beside;
use crate::store::journal::schema::PAGE;
use crate::store::journal::{row, writer};

/// A cell of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    page: u32,
    cell: u16,
}

/// What a row is, if it is an intact one of a journal.
pub(super) enum Kind {
    Record { place: i64, n: i64 },
    Text(ContentHash),
    Draft,
}

/// A row that was found.
pub(super) struct Found {
    pub(super) place: Place,
    columns: Vec<Column>,
}

enum Column {
    Null,
    Number(i64),
    Blob(Vec<u8>),
    Text(Vec<u8>),
}

/// The pages of a file and its log.
pub(super) struct Pages {
    file: File,
    log: Option<File>,
    /// Where the newest committed form of a page stands in the log.
    newer: HashMap<u32, u64>,
    count: u32,
}

impl Pages {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let log = File::open(beside(path, "-wal")).ok();
        let newer = log.as_ref().map_or_else(HashMap::new, committed);
        let in_file = u32::try_from(file.metadata()?.len() / PAGE as u64).unwrap_or(u32::MAX);
        let count = newer.keys().copied().fold(in_file, u32::max);
        Ok(Self { file, log, newer, count })
    }

    /// Every row of every table that can be read.
    pub(super) fn rows(&self) -> impl Iterator<Item = Found> + '_ {
        (1..=self.count).filter_map(|number| Some((number, self.page(number)?))).flat_map(move |(number, page)| {
            (0..cells(number, &page)).filter_map(move |cell| self.cell(&page, Place { page: number, cell }))
        })
    }

    /// The number of the last event, the checksum and the body of an intact record.
    pub(super) fn record(&self, place: Place) -> Option<(i64, i64, Vec<u8>)> {
        match <[Column; 6]>::try_from(self.found(place)?.columns).ok()? {
            [
                Column::Null,
                Column::Number(_),
                Column::Number(_),
                Column::Number(seq),
                Column::Number(sum),
                Column::Blob(body),
            ] => Some((seq, sum, body)),
            _ => None,
        }
    }

    /// A text.
    pub(super) fn text(&self, place: Place) -> Option<Vec<u8>> {
        match <[Column; 3]>::try_from(self.found(place)?.columns).ok()? {
            [Column::Null, Column::Blob(_), Column::Blob(text)] => Some(text),
            _ => None,
        }
    }

    /// A draft: its session, its query, its checksum and what was typed.
    pub(super) fn draft(&self, place: Place) -> Option<(i64, String, i64, String)> {
        match <[Column; 5]>::try_from(self.found(place)?.columns).ok()? {
            [Column::Null, Column::Number(session), Column::Text(query), Column::Number(sum), Column::Text(text)] => {
                Some((session, String::from_utf8(query).ok()?, sum, String::from_utf8(text).ok()?))
            }
            _ => None,
        }
    }

    fn found(&self, place: Place) -> Option<Found> {
        self.cell(&self.page(place.page)?, place)
    }

    fn page(&self, number: u32) -> Option<Vec<u8>> {
        let mut page = vec![0; PAGE];
        match (self.newer.get(&number), &self.log) {
            (Some(at), Some(log)) => log.read_exact_at(&mut page, *at).ok()?,
            _ => self.file.read_exact_at(&mut page, u64::from(number.checked_sub(1)?) * PAGE as u64).ok()?,
        }
        Some(page)
    }

    /// The row in a cell of a leaf.
    fn cell(&self, page: &[u8], place: Place) -> Option<Found> {
        let pointer = head(place.page) + 8 + 2 * usize::from(place.cell);
        let start = usize::from(u16::from_be_bytes(*page.get(pointer..)?.first_chunk()?));
        let mut rest = page.get(start..)?;
        let length = usize::try_from(varint(&mut rest)?).ok()?;
        varint(&mut rest)?;
        let payload = self.payload(rest, length)?;
        Some(Found { place, columns: columns(&payload)? })
    }

    /// A payload of `length` bytes that begins in a cell, and may go on on pages of its own.
    fn payload(&self, rest: &[u8], length: usize) -> Option<Vec<u8>> {
        const MOST: usize = PAGE - 35;
        const LEAST: usize = (PAGE - 12) * 32 / 255 - 23;
        if length <= MOST {
            return Some(rest.get(..length)?.to_vec());
        }
        // A damaged length must not ask for more memory than there are pages.
        if length / PAGE > self.count as usize {
            return None;
        }
        let local = LEAST + (length - LEAST) % (PAGE - 4);
        let local = if local <= MOST { local } else { LEAST };
        let mut payload = rest.get(..local)?.to_vec();
        let mut next = u32::from_be_bytes(*rest.get(local..)?.first_chunk()?);
        while payload.len() < length {
            let page = self.page(next)?;
            let (link, content) = page.split_first_chunk()?;
            next = u32::from_be_bytes(*link);
            payload.extend_from_slice(&content[..content.len().min(length - payload.len())]);
        }
        Some(payload)
    }
}

impl Found {
    /// What the row is; `None` where it is none of a journal, or not what was written.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self.columns.as_slice() {
            [
                Column::Null,
                Column::Number(place),
                Column::Number(n),
                Column::Number(seq),
                Column::Number(sum),
                Column::Blob(body),
            ] => (row::checksum(&[*place, *n, *seq], body) == *sum).then_some(Kind::Record { place: *place, n: *n }),
            [Column::Null, Column::Blob(hash), Column::Blob(text)] => {
                let right = ContentHash::of(text);
                (right.to_bytes() == hash.as_slice()).then_some(Kind::Text(right))
            }
            [Column::Null, Column::Number(session), Column::Text(query), Column::Number(sum), Column::Text(text)] => {
                let (query, text) = (str::from_utf8(query).ok()?, str::from_utf8(text).ok()?);
                let right = writer::draft_sum(SessionId::from_bits(*session as u64), query, text);
                (right == *sum).then_some(Kind::Draft)
            }
            _ => None,
        }
    }

    /// Whether only a journal has such a row.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self.kind(), Some(Kind::Record { .. }))
    }
}

/// Where a page's own head begins: the first one has the file's head before it.
fn head(page: u32) -> usize {
    if page == 1 { 100 } else { 0 }
}

/// How many cells a page has; none unless it is a leaf of a table.
fn cells(number: u32, page: &[u8]) -> u16 {
    let head = &page[head(number)..];
    if head[0] == 0x0d { u16::from_be_bytes([head[3], head[4]]) } else { 0 }
}

/// A number of one to nine bytes.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for n in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        if n == 8 {
            return Some(number << 8 | u64::from(*byte));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

/// The columns of a row.
fn columns(payload: &[u8]) -> Option<Vec<Column>> {
    let mut types = payload;
    let head = usize::try_from(varint(&mut types)?).ok()?;
    let mut content = payload.get(head..)?;
    let mut types = payload.get(payload.len() - types.len()..head)?;
    let mut columns = Vec::with_capacity(8);
    while !types.is_empty() {
        let kind = varint(&mut types)?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind as usize,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            text_or_blob => usize::try_from((text_or_blob - 12) / 2).ok()?,
        };
        let (value, rest) = content.split_at_checked(length)?;
        content = rest;
        columns.push(match kind {
            0 => Column::Null,
            8 => Column::Number(0),
            9 => Column::Number(1),
            1..=6 => {
                let sign = if value[0] & 0x80 == 0 { 0 } else { -1 };
                Column::Number(value.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte)))
            }
            even if even % 2 == 0 => Column::Blob(value.to_vec()),
            _ => Column::Text(value.to_vec()),
        });
    }
    Some(columns)
}

/// Where the newest form of each page stands in a log, as far as it is intact and committed.
fn committed(log: &File) -> HashMap<u32, u64> {
    let mut newer = HashMap::new();
    let mut head = [0; 32];
    if log.read_exact_at(&mut head, 0).is_err() {
        return newer;
    }
    let number = |bytes: &[u8], at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let magic = number(&head, 0);
    if magic & !1 != 0x377f_0682 || number(&head, 8) as usize != PAGE {
        return newer;
    }
    let sum = |sum: (u32, u32), bytes: &[u8]| {
        bytes.chunks_exact(8).fold(sum, |(one, two), pair| {
            let word = |at: usize| {
                let word = [pair[at], pair[at + 1], pair[at + 2], pair[at + 3]];
                if magic & 1 == 1 { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
            };
            let one = one.wrapping_add(word(0)).wrapping_add(two);
            (one, two.wrapping_add(word(4)).wrapping_add(one))
        })
    };
    let mut so_far = sum((0, 0), &head[..24]);
    if so_far != (number(&head, 24), number(&head, 28)) {
        return newer;
    }
    let mut frame = vec![0; 24 + PAGE];
    let mut uncommitted = Vec::new();
    for at in (32_u64..).step_by(24 + PAGE) {
        if log.read_exact_at(&mut frame, at).is_err() || frame[8..16] != head[16..24] {
            break;
        }
        so_far = sum(sum(so_far, &frame[..8]), &frame[24..]);
        if so_far != (number(&frame, 16), number(&frame, 20)) {
            break;
        }
        uncommitted.push((number(&frame, 0), at + 24));
        if number(&frame, 4) != 0 {
            newer.extend(uncommitted.drain(..));
        }
    }
    newer
}
