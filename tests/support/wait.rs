//! Waiting for conditions, and the words that tests of the engine use.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use switchboard::domain::{
    Answer, AnsweredBy, CancelCode, CancelReason, ExecutionState, ObserverRecvError, Pause, QueryId, ResumePayload,
    SessionId, TerminalOutcome, Timestamp,
};
use switchboard::engine::{EventRef, Observer, Registry};

/// After so long something hangs. It is far longer than anything takes, also where many others want the machine and its
/// disk (a hundred writes that are made durable one after the other have taken more than a minute), and asserts no time.
const HANGS: Duration = Duration::from_mins(5);

/// Gives up on what would otherwise hang.
pub(crate) async fn bounded<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANGS, what).await.expect("this should have come to its end")
}

/// Waits until `there` says so, letting others run meanwhile. For what nobody announces.
pub(crate) async fn wait_for(what: &str, there: impl Fn() -> bool) {
    let waiting = async {
        while !there() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(HANGS, waiting).await.unwrap_or_else(|_| panic!("waited for {what}"));
}

/// Waits until a session is in a state that `there` accepts.
pub(crate) async fn until(
    registry: &Registry,
    id: SessionId,
    there: impl Fn(&ExecutionState) -> bool,
) -> ExecutionState {
    let summary = registry.summary(id).unwrap();
    if there(&summary.state) {
        return summary.state;
    }
    let mut observer = registry.observe(id, Some(summary.last_seq + 1)).unwrap();
    bounded(async {
        loop {
            let closed = matches!(observer.recv_turn().await, Err(ObserverRecvError::Closed));
            let state = registry.state(id).unwrap();
            if there(&state) {
                return state;
            }
            assert!(!closed, "{id} has ended: {state:?}");
        }
    })
    .await
}

/// Waits until a session is paused.
pub(crate) async fn paused(registry: &Registry, id: SessionId) -> Arc<Pause> {
    paused_at(registry, id, 1).await
}

/// Waits until a session is at its pause number `epoch` or a later one.
pub(crate) async fn paused_at(registry: &Registry, id: SessionId, epoch: u32) -> Arc<Pause> {
    let there = |state: &ExecutionState| matches!(state, ExecutionState::Paused(pause) if pause.epoch >= epoch);
    let ExecutionState::Paused(pause) = until(registry, id, there).await else { unreachable!("it is paused") };
    pause
}

/// Waits until a session has ended.
pub(crate) async fn ended(registry: &Registry, id: SessionId) -> TerminalOutcome {
    bounded(registry.await_terminal(id)).await.unwrap()
}

/// Reads an observer to its end. Nothing may be missing.
pub(crate) async fn stream(mut observer: Observer) -> Vec<EventRef> {
    bounded(async {
        let mut events = Vec::new();
        loop {
            match observer.recv().await {
                Ok(event) => events.push(event),
                Err(ObserverRecvError::Closed) => return events,
                Err(gap @ ObserverRecvError::Gap { .. }) => panic!("{gap} (behind {} events)", events.len()),
            }
        }
    })
    .await
}

/// Every event of a session that has ended or will.
pub(crate) async fn history(registry: &Registry, id: SessionId) -> Vec<EventRef> {
    stream(registry.observe(id, None).unwrap()).await
}

/// The kinds of events, in order.
pub(crate) fn kinds(events: &[EventRef]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind.name()).collect()
}

/// A person's answer to query number `n`.
pub(crate) fn answer(n: u32, response: &str) -> ResumePayload {
    ResumePayload::Single(Answer::new(QueryId::new(n), response, AnsweredBy::Person))
}

/// A person's answers to several queries.
pub(crate) fn answers<const N: usize>(list: [(u32, &str); N]) -> ResumePayload {
    let one = |(n, response)| Answer::new(QueryId::new(n), response, AnsweredBy::Person);
    ResumePayload::Batch(list.map(one).to_vec())
}

pub(crate) fn reason(code: CancelCode, detail: &str, requested_at: Timestamp) -> CancelReason {
    CancelReason { code, detail: Some(detail.to_owned()), requested_at }
}

/// Does something `tries` times, `width` at a time on the test's runtime; each with its number, counted from 0.
pub(crate) async fn in_parallel<F, T>(tries: usize, width: usize, one: F)
where
    F: Fn(usize) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send + 'static,
{
    let one = Arc::new(one);
    let lanes: Vec<_> = (0..width)
        .map(|lane| {
            let one = Arc::clone(&one);
            tokio::spawn(async move {
                for n in (lane..tries).step_by(width) {
                    one(n).await;
                }
            })
        })
        .collect();
    for lane in lanes {
        bounded(lane).await.unwrap();
    }
}
