//! What the desk asks of the registry beside answers and cancels: the raw verbs, and reading a few events once.
//!
//! Nothing is decided here; what comes of it goes back as a message.

use std::sync::Arc;

use super::acts;
use super::history::KEPT as PAST_ANSWERS;
use super::msg::{FeedItem, Msg, Peek};
use super::programs::Programs;
use super::raw::{Program, Raw};
use crate::domain::{
    AnsweredBy, CancelReason, EventKind, ObserverRecvError, ResumeOutcome, Seq, SessionId, SessionSpec, Timestamp,
};
use crate::engine::Registry;

/// Calls a raw verb. The last message says what came of it.
pub(super) async fn call(registry: &Registry, programs: &Arc<dyn Programs>, raw: Raw, now: Timestamp) -> Vec<Msg> {
    let mut msgs = Vec::new();
    let result = match &raw {
        Raw::Resume { session, payload } => match registry.resume(*session, payload.clone()).await {
            Ok(ResumeOutcome::Continued) => Ok("resume: continued".into()),
            Ok(ResumeOutcome::Remaining(n)) => Ok(format!("resume: {n} remain")),
            Err(refused) => Err(format!("resume: {refused}")),
        },
        Raw::Cancel { session, code, detail } => {
            let reason = CancelReason { code: *code, detail: detail.clone(), requested_at: now };
            match registry.cancel(*session, reason).await {
                Ok(state) => Ok(format!("cancel: the session is {}", state.name())),
                Err(refused) => Err(format!("cancel: {refused}")),
            }
        }
        Raw::Spawn { program, held } => spawn(registry, programs, program.clone(), *held).await,
        Raw::Release { sessions } => {
            let releasing = acts::release_all(registry.clone(), Arc::clone(sessions));
            let (released, result) = registry.beside(releasing).await;
            msgs.push(Msg::Released(released));
            result
        }
        Raw::Collect { ttl, interval } => {
            registry.collect(*ttl, *interval);
            Ok(format!("collect: ended sessions go after {ttl:?}, looked for every {interval:?}"))
        }
    };
    msgs.push(Msg::RawDone { raw, result });
    msgs
}

/// Starts a session. What is said of it begins with the verb that was typed.
async fn spawn(
    registry: &Registry,
    programs: &Arc<dyn Programs>,
    program: Program,
    held: bool,
) -> Result<String, String> {
    let verb = if held { "hold" } else { "spawn" };
    let mut spec = program_of(programs, program).await.map_err(|fault| format!("{verb}: {fault}"))?;
    spec.held = held;
    match registry.spawn(spec).await {
        Ok(id) if held => Ok(format!("{verb}: {id} is held; release lets it begin")),
        Ok(id) => Ok(format!("{verb}: {id}")),
        Err(refused) => Err(format!("{verb}: {refused}")),
    }
}

async fn program_of(programs: &Arc<dyn Programs>, program: Program) -> Result<SessionSpec, String> {
    let programs = Arc::clone(programs);
    let read = tokio::task::spawn_blocking(move || match program {
        Program::Code(code) => programs.code(&code),
        Program::File(path) => programs.file(&path),
    });
    read.await.unwrap_or_else(|fault| Err(fault.to_string()))
}

/// Reads what is wanted, as far as it can be had at once; the rest is a gap.
pub(super) fn peek(registry: &Registry, wanted: &[Peek]) -> Vec<(SessionId, Vec<FeedItem>)> {
    wanted.iter().map(|peek| (peek.session, items(registry, *peek))).collect()
}

/// Reads what is wanted, also from the journal.
pub(super) async fn peek_back(registry: Registry, wanted: Vec<Peek>) -> Msg {
    let mut found = Vec::with_capacity(wanted.len());
    for Peek { session, from, to } in wanted {
        found.push((session, read(&registry, session, from, to).await));
    }
    Msg::Peeked(found)
}

/// Bytes of events in which answers are looked for, and one portion beyond them.
const LOOKED_AT_BYTES: usize = 64 << 20;

/// Looks for answers of people, of the newest sessions first. The newest stands last.
pub(super) async fn past_answers(registry: Registry, wanted: Vec<Peek>) -> Msg {
    let (mut found, mut bytes) = (Vec::new(), 0);
    for Peek { session, from, to } in wanted {
        for (from, to) in newest_first(from, to) {
            let mut next = from;
            while next <= to && found.len() < PAST_ANSWERS && bytes < LOOKED_AT_BYTES {
                let items = read(&registry, session, next, to).await;
                next = match items.last() {
                    Some(FeedItem::Event(event)) => event.seq + 1,
                    Some(FeedItem::Instead(ObserverRecvError::Gap { to, .. })) => to + 1,
                    Some(FeedItem::Instead(ObserverRecvError::Closed)) | None => break,
                };
                for item in items {
                    let FeedItem::Event(event) = item else { continue };
                    bytes += event.bytes();
                    if let EventKind::AnswerAccepted { by: AnsweredBy::Person, response, .. } = &event.kind {
                        found.push((event.at, event.seq, Arc::clone(response)));
                    }
                }
            }
        }
    }
    found.sort_by_key(|(at, seq, _)| (*at, *seq));
    Msg::PastAnswers(found.into_iter().map(|(.., text)| text).collect())
}

/// Events that are read in one direction: few enough that the newest come first, many enough for one look at a journal.
const STRETCH: Seq = 128;

/// The events from number `from` to `to` in stretches, the newest stretch first.
fn newest_first(from: Seq, to: Seq) -> impl Iterator<Item = (Seq, Seq)> {
    let mut end = (from <= to).then_some(to);
    std::iter::from_fn(move || {
        let to = end?;
        let first = from.max(to.saturating_sub(STRETCH - 1));
        end = (first > from).then(|| first - 1);
        Some((first, to))
    })
}

fn items(registry: &Registry, Peek { session, from, to }: Peek) -> Vec<FeedItem> {
    let mut items = Vec::new();
    let mut next = from;
    let Ok(mut observer) = registry.observe(session, Some(from)) else { return items };
    while next <= to {
        match observer.try_recv() {
            Ok(Some(event)) if event.seq <= to => {
                next = event.seq + 1;
                items.push(FeedItem::Event(event));
            }
            Err(ObserverRecvError::Gap { from, to: end }) => {
                next = end + 1;
                items.push(FeedItem::Instead(ObserverRecvError::Gap { from, to: end.min(to) }));
            }
            Ok(Some(_) | None) | Err(ObserverRecvError::Closed) => break,
        }
    }
    if next <= to {
        items.push(FeedItem::Instead(ObserverRecvError::Gap { from: next, to }));
    }
    items
}

/// Bytes of events that are read at a time, and the event that goes beyond them.
const READ_BYTES: usize = 8 << 20;

/// Reads events that have happened, up to `to` or as many as a portion holds.
pub(super) async fn read(registry: &Registry, session: SessionId, from: Seq, to: Seq) -> Vec<FeedItem> {
    let (mut items, mut bytes, mut next) = (Vec::new(), 0, from);
    let Ok(mut observer) = registry.observe(session, Some(from)) else { return items };
    while next <= to && bytes < READ_BYTES {
        match observer.recv().await {
            Ok(event) => {
                next = event.seq + 1;
                bytes += event.bytes();
                items.push(FeedItem::Event(event));
            }
            Err(gap @ ObserverRecvError::Gap { to, .. }) => {
                next = to + 1;
                items.push(FeedItem::Instead(gap));
            }
            Err(ObserverRecvError::Closed) => break,
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_go_back_from_the_newest_and_leave_nothing_out() {
        for (from, to) in [(1, 1), (1, STRETCH), (1, STRETCH + 1), (7, 2000), (500, 501), (3, 2)] {
            let stretches: Vec<_> = newest_first(from, to).collect();
            let mut events: Vec<_> = stretches.iter().rev().flat_map(|(first, last)| *first..=*last).collect();
            assert_eq!(events, (from..=to).collect::<Vec<_>>(), "{from} to {to}");
            assert!(stretches.iter().all(|(first, last)| last - first < STRETCH));
            assert_eq!(events.pop().unwrap_or(to), stretches.first().map_or(to, |(_, last)| *last));
        }
    }
}
