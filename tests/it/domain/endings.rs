//! How sessions end, and that they stay ended.

use switchboard::domain::{
    AnsweredBy, Cancelled, Command, EventKind, ExecutionState, QueryId, Rejected, SeenAt, StateName,
};

use super::{BIRTH, Life, answer, ask_batch, cancel, finish, single};

fn cancelled(life: &Life) -> &Cancelled {
    match life.session.state() {
        ExecutionState::Cancelled(cancelled) => cancelled,
        other => panic!("it should be cancelled: {other:?}"),
    }
}

#[test]
fn a_cancel_shows_the_whole_state_before_with_what_was_answered() {
    let mut life = Life::begun();
    life.take(ask_batch(["a", "b"])).unwrap();
    life.take(Command::Answer(single(answer(2)))).unwrap();
    let before = life.session.state().clone();
    life.take(cancel(SeenAt::Paused)).unwrap();
    let cancelled = cancelled(&life);
    assert_eq!(cancelled.state_before, before);
    let ExecutionState::Paused(pause) = &cancelled.state_before else { panic!("it was paused") };
    let pending: Vec<QueryId> = pause.pending().map(|prompt| prompt.query.query_id).collect();
    assert_eq!(pending, [QueryId::new(1)]);
    assert_eq!(pause.prompts[1].answered_by, Some(AnsweredBy::Person));
}

#[test]
fn a_cancel_keeps_reason_time_and_checkpoint() {
    for seen_at in [SeenAt::BeforeStart, SeenAt::BeforePause, SeenAt::Running, SeenAt::Paused] {
        let mut life = Life::new();
        life.take(cancel(seen_at)).unwrap();
        let cancelled = cancelled(&life);
        assert_eq!(cancelled.reason.detail.as_deref(), Some("enough"));
        assert_eq!((cancelled.reason.requested_at, cancelled.observed_at), (5, BIRTH + 10));
        assert_eq!((cancelled.seen_at, &cancelled.state_before), (seen_at, &ExecutionState::BORN));
    }
}

#[test]
fn a_session_cancelled_before_its_start_never_ticks() {
    let mut life = Life::new();
    assert_eq!(life.take(cancel(SeenAt::BeforeStart)).unwrap(), ["cancel_requested", "state_transition"]);
    assert_eq!(life.take(Command::Begin), Err(Rejected::Ended(StateName::Cancelled)));
}

#[test]
fn a_cancelled_session_never_nests_a_second_cancel() {
    let mut life = Life::begun();
    life.take(cancel(SeenAt::Running)).unwrap();
    let first = life.session.clone();
    assert_eq!(life.take(cancel(SeenAt::Running)), Err(Rejected::Ended(StateName::Cancelled)));
    assert_eq!(life.session, first);
}

#[test]
fn the_first_end_wins_and_its_transition_is_the_last_event() {
    let ends = || [finish(), cancel(SeenAt::Running), super::fail("no")];
    for first in ends() {
        let mut life = Life::begun();
        life.take(first).unwrap();
        let end = life.session.clone();
        for later in ends() {
            assert_eq!(life.take(later), Err(Rejected::Ended(end.state().name())));
            assert_eq!(life.session, end);
        }
        let last = life.events.last().unwrap();
        assert!(last.kind.is_last());
        let EventKind::StateTransition { to, end: Some(outcome), .. } = &last.kind else { panic!("{last:?}") };
        assert_eq!((*to, ExecutionState::from(outcome.clone())), (end.state().name(), end.state().clone()));
        assert_eq!(life.events.iter().filter(|event| event.kind.is_last()).count(), 1);
    }
}
