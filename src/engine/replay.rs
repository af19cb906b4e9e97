//! What a program does when it is run again, held against what it did when it was recorded.
//!
//! Pure: no VM, no journal, no clock. Whoever runs the program again tells each thing that it does, in order, and
//! learns whether it is recorded, is new because the record ends before it, or differs. What others did in between
//! (answers, intents of writes, ends of children) is taken from the record on the way.

use std::collections::VecDeque;
use std::sync::Arc;

use super::reads::PastReads;
use super::{EffectResult, EventRef, Performed, Record};
use crate::domain::{
    Command, ContentHash, Event, EventKind, ExecutionState, LimitKind, Pause, Rejected, Seq, Session, TerminalOutcome,
    apply, decide,
};

/// The first thing that a program did otherwise than recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the program does not do again what it did: event {seq} was {recorded}; now it is {now}")]
pub struct Difference {
    /// The number of the event that was recorded, or would have been.
    pub seq: Seq,
    /// What was recorded: a prompt, or what happened.
    pub recorded: String,
    /// What the program did now.
    pub now: String,
}

/// What the record says of something that the program did.
#[derive(Debug, PartialEq)]
pub(super) enum Past<T> {
    /// It is recorded.
    Recorded(T),
    /// The record ends before it, or somebody else ended the session there.
    New,
}

/// What the record says of an effect.
#[derive(Debug, PartialEq)]
pub(super) enum PastEffect {
    /// It was performed, and this is what the program got.
    Performed(Arc<EffectResult>),
    /// The record ends before it was over: what had happened of it.
    Begun(Vec<EventRef>),
}

/// The record of a session, as far as the program has not come to it again.
pub(super) struct Replay {
    /// As it was where the program is now.
    session: Session,
    ahead: VecDeque<Ahead>,
    /// Log lines that had been dropped since the record last said so.
    dropped: u64,
    /// Events in the record.
    events: u64,
}

/// A record that lies ahead.
enum Ahead {
    Event(EventRef),
    Performed(Performed),
}

impl Replay {
    /// Begins at the beginning of the records of `session`. Gives also what the program gets to see through its door.
    pub(super) fn new(session: &Session, records: &[Record]) -> (Self, PastReads) {
        let (mut ahead, mut reads, mut events) = (VecDeque::new(), PastReads::default(), 0);
        for record in records {
            match record {
                Record::Turn(turn) => {
                    events += turn.len() as u64;
                    ahead.extend(turn.since(turn.first_seq()).map(Ahead::Event));
                }
                Record::Read(seen) => reads.push(*seen),
                Record::Performed(performed) => ahead.push_back(Ahead::Performed(performed.clone())),
                Record::Spawned { .. } | Record::Resumed { .. } => {}
            }
        }
        let session = Session::new(session.id(), Arc::clone(session.spec()), session.created_at());
        (Self { session, ahead, dropped: 0, events }, reads)
    }

    /// The session as it was where the program is now.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Whether nothing lies ahead that the program itself did: the record ends here, or somebody else ended the session.
    pub(super) fn is_over(&self) -> bool {
        match self.ahead.front() {
            None => true,
            Some(Ahead::Event(event)) => is_end_by_others(event),
            Some(Ahead::Performed(_)) => false,
        }
    }

    /// Whether somebody else ended the session where the program is now.
    pub(super) fn is_cut(&self) -> bool {
        self.next_event().is_some_and(|event| is_end_by_others(event))
    }

    /// Events that the program has come to again, and events in the record.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.session.last_seq(), self.events)
    }

    /// The program does something that makes events.
    pub(super) fn does(&mut self, command: Command) -> Result<Past<()>, Difference> {
        if let Command::Log { .. } = command
            && self.was_dropped()
        {
            return Ok(Past::Recorded(()));
        }
        if self.is_over() {
            return Ok(Past::New);
        }
        if self.dropped > 0 {
            self.settle();
        }
        let is_said = matches!(command, Command::Progress { .. } | Command::Stats { .. });
        if self.dropped > 0 && !is_said {
            return Err(self.difference("more log lines".into()));
        }
        let at = self.next_event().map_or(self.session.last_at(), |event| event.at);
        let now = decide(&self.session, command, at).map_err(|rejected| self.refused(&rejected))?;
        for event in now {
            match self.ahead.front() {
                Some(Ahead::Event(recorded)) if **recorded == event => self.take_event(),
                Some(_) | None => return Err(self.differs(&event)),
            }
        }
        Ok(Past::Recorded(()))
    }

    /// After the program has asked what is recorded: takes what came of it. The answers, in the order of its queries,
    /// where all are recorded; `None` where the record ends at the pause.
    pub(super) fn answers(&mut self) -> Option<Vec<Arc<str>>> {
        while matches!(self.session.state(), ExecutionState::Paused(_)) && !self.is_over() {
            self.take_event();
        }
        // The transition is followed by what completes it.
        while let Some(EventKind::ResumeAccepted { .. }) = self.next_event().map(|event| &event.kind) {
            self.take_event();
        }
        matches!(self.session.state(), ExecutionState::Running { .. }).then(|| self.session.take_replies())
    }

    /// The program wants an effect.
    pub(super) fn wants(&mut self, wanted: ContentHash, now: &str) -> Result<PastEffect, Difference> {
        let mut begun = Vec::new();
        while let Some(Ahead::Event(event)) = self.ahead.front() {
            if !is_of_effect(event) {
                if is_end_by_others(event) {
                    break;
                }
                return Err(self.difference(now.to_owned()));
            }
            begun.push(event.clone());
            self.take_event();
        }
        match self.ahead.pop_front() {
            Some(Ahead::Performed(performed)) if performed.wanted == wanted => {
                Ok(PastEffect::Performed(performed.result))
            }
            Some(Ahead::Performed(_)) => {
                let (seq, now) = (self.session.last_seq(), now.to_owned());
                Err(Difference { seq, recorded: "another effect, or one with other arguments".into(), now })
            }
            Some(event @ Ahead::Event(_)) => {
                self.ahead.push_front(event);
                Ok(PastEffect::Begun(begun))
            }
            None => Ok(PastEffect::Begun(begun)),
        }
    }

    /// What lies ahead at the end of a run, if the program has stopped before it.
    pub(super) fn differs_at_end(&self, now: &str) -> Option<Difference> {
        (!self.is_over()).then(|| self.difference(now.to_owned()))
    }

    /// Whether a log line was dropped: no line was kept in its place, and the record counts it.
    fn was_dropped(&mut self) -> bool {
        self.settle();
        match self.next_event().map(|event| &event.kind) {
            Some(EventKind::LogDropped { .. } | EventKind::Progress { .. } | EventKind::Stats { .. }) => {
                self.dropped += 1;
                self.settle();
                true
            }
            _ => false,
        }
    }

    /// Takes the count of dropped lines from the record once the program has come to the last of them.
    fn settle(&mut self) {
        if let Some(EventKind::LogDropped { n }) = self.next_event().map(|event| &event.kind)
            && *n == self.dropped
        {
            self.dropped = 0;
            self.take_event();
        }
    }

    fn next_event(&self) -> Option<&EventRef> {
        match self.ahead.front() {
            Some(Ahead::Event(event)) => Some(event),
            Some(Ahead::Performed(_)) | None => None,
        }
    }

    fn take_event(&mut self) {
        if let Some(Ahead::Event(event)) = self.ahead.pop_front() {
            apply(&mut self.session, &event);
        }
    }

    fn differs(&self, now: &Event) -> Difference {
        self.difference(told(now))
    }

    fn refused(&self, rejected: &Rejected) -> Difference {
        self.difference(rejected.to_string())
    }

    fn difference(&self, now: String) -> Difference {
        let recorded = match self.ahead.front() {
            Some(Ahead::Event(event)) => told(event),
            Some(Ahead::Performed(_)) => "an effect".into(),
            None => "nothing".into(),
        };
        Difference { seq: self.session.last_seq() + 1, recorded, now }
    }
}

/// What ends a session from outside its program: a cancel, or a limit that depends on the machine or on others.
fn is_end_by_others(event: &Event) -> bool {
    match &event.kind {
        EventKind::CancelRequested { .. } => true,
        EventKind::StateTransition { end: Some(TerminalOutcome::Failed(failure)), .. } => {
            matches!(
                failure.limit,
                Some(LimitKind::Wall | LimitKind::Cpu | LimitKind::Section | LimitKind::FamilyMemory)
            )
        }
        _ => false,
    }
}

/// Whether an event tells of an effect that is under way.
fn is_of_effect(event: &Event) -> bool {
    matches!(event.kind, EventKind::Effect(_) | EventKind::ChildStarted { .. } | EventKind::ChildEnded { .. })
}

/// An event in words: of a pause its prompts, of everything else its JSON text.
fn told(event: &Event) -> String {
    match &event.kind {
        EventKind::PauseRequested { info } => told_pause(info),
        _ => serde_json::to_string(&event.kind).unwrap_or_else(|error| error.to_string()),
    }
}

fn told_pause(pause: &Pause) -> String {
    let prompts: Vec<String> = pause.prompts.iter().map(|prompt| format!("{:?}", prompt.query.prompt)).collect();
    format!("the question {}", prompts.join(", "))
}
