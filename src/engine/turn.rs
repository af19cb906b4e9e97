//! The events of one turn, shared as a whole by the journal, the feed and every reader.
//!
//! One count of its readers for a turn and not for each event: answering a question makes seven of them.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

use super::weight::weight;
use crate::domain::{Event, Seq};

/// The events of one turn, in order; never empty. Cheap to clone. The list is the one that was filled: as a slice behind
/// the count it would have to be copied first, which takes as long as everything else that is done to share it.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn(Arc<Body>);

#[derive(Debug, PartialEq)]
struct Body {
    events: Vec<Event>,
    /// About how many bytes they take.
    bytes: usize,
}

impl Turn {
    /// Shares the events of a turn; `None` of a turn in which nothing happened.
    pub fn new(events: impl Into<Vec<Event>>) -> Option<Self> {
        let events = events.into();
        (!events.is_empty()).then(|| Self::of(events))
    }

    fn of(mut events: Vec<Event>) -> Self {
        // Where nothing is to spare, as on the way of an answer, this does nothing. What is to spare nobody counts.
        events.shrink_to_fit();
        let bytes = events.iter().map(weight).sum();
        Self(Arc::new(Body { events, bytes }))
    }

    /// About how many bytes its events take in memory.
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes
    }

    /// The number of its first event.
    pub fn first_seq(&self) -> Seq {
        self[0].seq
    }

    /// The number of its last event.
    pub fn last_seq(&self) -> Seq {
        self[self.len() - 1].seq
    }

    /// Its events from number `from` on, in order.
    pub fn since(&self, from: Seq) -> impl Iterator<Item = EventRef> + '_ {
        (self.skipped(from)..self.len()).map(|index| EventRef { turn: self.clone(), index })
    }

    /// The same as one piece; `None` where there are none.
    pub(super) fn part_since(&self, from: Seq) -> Option<Events> {
        let range = self.skipped(from)..self.len();
        (!range.is_empty()).then(|| Events { turn: self.clone(), range })
    }

    fn skipped(&self, from: Seq) -> usize {
        usize::try_from(from.saturating_sub(self.first_seq())).unwrap_or(usize::MAX)
    }
}

impl Deref for Turn {
    type Target = [Event];

    fn deref(&self) -> &[Event] {
        &self.0.events
    }
}

/// One event, together with the turn that it shares its memory with. Cheap to clone.
#[derive(Clone)]
pub struct EventRef {
    turn: Turn,
    index: usize,
}

impl EventRef {
    /// About how many bytes the event takes in memory.
    pub fn bytes(&self) -> usize {
        weight(self)
    }
}

impl Deref for EventRef {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.turn[self.index]
    }
}

/// The same event is equal to itself whatever it shares its memory with: the journal keeps answers without their turn.
impl PartialEq for EventRef {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for EventRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl From<Event> for EventRef {
    fn from(event: Event) -> Self {
        Self { turn: Turn::of(vec![event]), index: 0 }
    }
}

/// Events of one turn that follow each other, as a reader comes to them; never empty. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    turn: Turn,
    range: Range<usize>,
}

impl Events {
    /// Takes the first of them; the rest, if there is one.
    pub(super) fn split_first(self) -> (EventRef, Option<Self>) {
        let Range { start, end } = self.range;
        if start + 1 == end {
            return (EventRef { turn: self.turn, index: start }, None);
        }
        let first = EventRef { turn: self.turn.clone(), index: start };
        (first, Some(Self { turn: self.turn, range: start + 1..end }))
    }

    /// The number of the last of them.
    pub(super) fn last_seq(&self) -> Seq {
        self[self.len() - 1].seq
    }
}

impl Deref for Events {
    type Target = [Event];

    fn deref(&self) -> &[Event] {
        &self.turn[self.range.clone()]
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl From<EventRef> for Events {
    fn from(EventRef { turn, index }: EventRef) -> Self {
        Self { turn, range: index..index + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{EventKind, Phase};

    #[test]
    fn a_turn_keeps_no_room_that_nobody_counts() {
        let mut events = Vec::with_capacity(100);
        events.push(Event { seq: 1, at: 0, kind: EventKind::Tick { phase: Phase::Running } });
        let turn = Turn::new(events).expect("it has an event");
        assert_eq!((turn.0.events.capacity(), turn.bytes()), (1, size_of::<Event>()));
    }
}
