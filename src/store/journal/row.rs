//! The form of what is stored: one row for each append, as MessagePack with named fields, and a checksum over it.
//!
//! MessagePack and not JSON text, since floats come back to the last bit. The events of a turn are written without the
//! nesting that their JSON form has: number, time, kind.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::reads::Reads;
use super::texts::{self, Text};
use crate::domain::{ContentHash, Event, EventKind, Seq, Session, SessionId, SessionSpec, Timestamp};
use crate::engine::{Performed, Read, Record, Seen, Turn};

/// One append, ready to be written.
#[derive(Debug)]
pub(super) struct Row {
    /// The number of its last event, if it has one.
    pub(super) last_seq: Option<Seq>,
    /// When the session ended, if it ends in this append.
    pub(super) ended: Option<Timestamp>,
    pub(super) body: Vec<u8>,
    pub(super) texts: Vec<Text>,
}

impl Row {
    /// The form of what is appended to a session at once.
    ///
    /// # Errors
    /// What cannot be written, such as a path that is no text.
    pub(super) fn of(session: SessionId, records: &[Record]) -> Result<Self, String> {
        let stretches = records.chunk_by(|one, next| matches!((one, next), (Record::Read(_), Record::Read(_))));
        let entries: Vec<Written<'_>> = stretches.filter_map(|stretch| Written::of(session, stretch)).collect();
        let body = pack(&entries)?;
        // Log lines go after a while, and a long one does not repeat: it stays where it is and goes with its row.
        let has_logs = records
            .iter()
            .any(|record| matches!(record, Record::Turn(turn) if turn.iter().any(|event| is_log(&event.kind))));
        let (body, texts) = if has_logs { (body, Vec::new()) } else { texts::take_out(body) };
        let mut turns = records.iter().filter_map(|record| match record {
            Record::Turn(turn) => Some(turn),
            _ => None,
        });
        let last = turns.next_back().and_then(|turn| turn.last());
        let ended = last.filter(|event| event.kind.is_last()).map(|event| event.at);
        Ok(Self { last_seq: last.map(|event| event.seq), ended, body, texts })
    }

    /// About how many bytes it takes while it waits.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.body.len() + self.texts.iter().map(|text| text.text.len()).sum::<usize>()
    }
}

/// The packed form of a value with named fields.
fn pack(value: &impl Serialize) -> Result<Vec<u8>, String> {
    rmp_serde::to_vec_named(value).map_err(|error| error.to_string())
}

/// A record as it is written.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Written<'a> {
    Spawned { id: SessionId, spec: &'a SessionSpec, at: Timestamp, engine: &'a str },
    Turn(Events<'a>),
    Reads(Reads),
    Performed(&'a Performed),
    Resumed { unclean: bool, at: Timestamp },
}

impl<'a> Written<'a> {
    /// One record as it is written; of reads all that follow one another.
    fn of(id: SessionId, stretch: &'a [Record]) -> Option<Self> {
        let reads = |record: &Record| if let Record::Read(seen) = record { Some(*seen) } else { None };
        Some(match stretch.first()? {
            Record::Spawned { spec, at, engine } => Self::Spawned { id, spec, at: *at, engine },
            Record::Turn(turn) => Self::Turn(Events(turn)),
            Record::Read(_) => Self::Reads(Reads(stretch.iter().filter_map(reads).collect())),
            Record::Performed(performed) => Self::Performed(performed),
            Record::Resumed { unclean, at } => Self::Resumed { unclean: *unclean, at: *at },
        })
    }
}

struct Events<'a>(&'a [Event]);

impl Serialize for Events<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|event| (event.seq, event.at, &event.kind)))
    }
}

/// A record as it is read; written again where log lines were taken out.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    Spawned {
        id: SessionId,
        spec: Arc<SessionSpec>,
        at: Timestamp,
        engine: Arc<str>,
    },
    Turn(Vec<(Seq, Timestamp, EventKind)>),
    /// One by itself, as they were written once.
    Read(Read),
    Reads(Reads),
    Performed(Performed),
    Resumed {
        unclean: bool,
        at: Timestamp,
    },
}

/// The entries of a stored body; `find` gives the texts that stand by themselves.
///
/// # Errors
/// Why it is none.
pub(super) fn entries(
    body: &[u8],
    find: impl FnMut(ContentHash) -> Result<Vec<u8>, String>,
) -> Result<Vec<Entry>, String> {
    rmp_serde::from_slice(&texts::put_back(body, find)?).map_err(|error| error.to_string())
}

/// The records of stored entries, in order. Of a turn of which some events are no longer kept, each stretch of the
/// others is one by itself.
pub(super) fn records(entries: Vec<Entry>) -> Vec<Record> {
    let mut records = Vec::with_capacity(entries.len());
    for entry in entries {
        match entry {
            Entry::Spawned { spec, at, engine, .. } => records.push(Record::Spawned { spec, at, engine }),
            Entry::Read(read) => records.push(Record::Read(Seen::from(read))),
            Entry::Reads(Reads(reads)) => records.extend(reads.into_iter().map(Record::Read)),
            Entry::Performed(performed) => records.push(Record::Performed(performed)),
            Entry::Resumed { unclean, at } => records.push(Record::Resumed { unclean, at }),
            Entry::Turn(events) => {
                let events: Vec<Event> = events.into_iter().map(|(seq, at, kind)| Event { seq, at, kind }).collect();
                let stretches = events.chunk_by(|one, next| one.seq + 1 == next.seq);
                records.extend(stretches.filter_map(Turn::new).map(Record::Turn));
            }
        }
    }
    records
}

/// What is left of stored entries without their log lines, packed; `None` where there are no such lines.
///
/// # Errors
/// What cannot be written.
pub(super) fn without_logs(mut entries: Vec<Entry>) -> Result<Option<Vec<u8>>, String> {
    let count = |entries: &[Entry]| -> usize {
        entries.iter().map(|entry| if let Entry::Turn(events) = entry { events.len() } else { 0 }).sum()
    };
    let before = count(&entries);
    for entry in &mut entries {
        if let Entry::Turn(events) = entry {
            events.retain(|(_, _, kind)| !is_log(kind));
        }
    }
    if count(&entries) == before {
        return Ok(None);
    }
    entries.retain(|entry| !matches!(entry, Entry::Turn(events) if events.is_empty()));
    pack(&entries).map(|body| Some(texts::take_out(body).0))
}

fn is_log(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Log { .. } | EventKind::LogDropped { .. })
}

/// The form of a session as its records amount to it; with the texts that stand by themselves.
///
/// # Errors
/// What cannot be written.
pub(super) fn pack_session(session: &Session) -> Result<(Vec<u8>, Vec<Text>), String> {
    pack(&session).map(texts::take_out)
}

/// The session of a stored form.
///
/// # Errors
/// Why it is none.
pub(super) fn unpack_session(
    body: &[u8],
    find: impl FnMut(ContentHash) -> Result<Vec<u8>, String>,
) -> Result<Session, String> {
    rmp_serde::from_slice(&texts::put_back(body, find)?).map_err(|error| error.to_string())
}

/// The checksum of what a row holds: numbers and a body.
pub(super) fn checksum(numbers: &[i64], body: &[u8]) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(body);
    i64::from(hasher.finalize())
}
