//! Contract §4, promises 5 to 7: cancels, their reasons and the four checkpoints.

use std::sync::{Arc, OnceLock};

use futures::FutureExt;
use switchboard::domain::{
    CancelCode, Cancelled, ExecutionState, QueryId, ResumeError, SeenAt, SessionId, StateName, TerminalOutcome,
};
use switchboard::engine::Registry;

use crate::support::{
    Act, HandClock, Parts, Rig, Shelf, answer, batch, ended, history, kinds, paused, paused_at, reason, say, wait_for,
};

async fn cancelled(registry: &Registry, id: SessionId) -> Arc<Cancelled> {
    match ended(registry, id).await {
        TerminalOutcome::Cancelled(cancelled) => cancelled,
        other => panic!("it should be cancelled: {other:?}"),
    }
}

/// Lets a program cancel its own session in the middle of a step.
#[derive(Clone, Default)]
struct Itself(Arc<OnceLock<(Registry, SessionId)>>);

impl Itself {
    fn cancel(&self) -> Act {
        let this = self.clone();
        Act::call(move || {
            let (registry, id) = this.0.get().expect("the program runs after it was told who it is");
            let sent = registry.cancel(*id, reason(CancelCode::Timeout, "from within", 3)).now_or_never();
            assert!(sent.is_none(), "its own task is busy");
        })
    }

    async fn start(&self, rig: &Rig, acts: impl Into<Arc<[Act]>>) -> SessionId {
        let id = rig.start(acts).await;
        assert!(self.0.set((rig.registry.clone(), id)).is_ok());
        id
    }
}

#[tokio::test]
async fn checkpoint_a_a_session_cancelled_before_its_first_instruction_never_runs() {
    let rig = Rig::new();
    let (id, probe) = rig.start_probed([say("why?")]).await;
    rig.registry.cancel(id, reason(CancelCode::User, "changed my mind", 7)).await.unwrap();
    let end = cancelled(&rig.registry, id).await;
    assert_eq!((end.seen_at, &end.state_before), (SeenAt::BeforeStart, &ExecutionState::BORN));
    assert_eq!((probe.made(), probe.steps()), (0, 0));
    assert_eq!(kinds(&history(&rig.registry, id).await), ["cancel_requested", "state_transition"], "no tick");
}

#[tokio::test]
async fn checkpoint_b_a_question_that_was_asked_but_not_published_is_never_seen() {
    let rig = Rig::new();
    let itself = Itself::default();
    let id = itself.start(&rig, [Act::Log(1), itself.cancel(), say("why?")]).await;
    let end = cancelled(&rig.registry, id).await;
    assert_eq!((end.seen_at, &end.state_before), (SeenAt::BeforePause, &ExecutionState::BORN));
    assert_eq!(kinds(&history(&rig.registry, id).await), ["tick", "log", "cancel_requested", "state_transition"]);
    assert_eq!(rig.registry.summary(id).unwrap().usage.llm_calls, 0, "a query counts when its pause is published");
}

#[tokio::test]
async fn checkpoint_c_an_answer_behind_a_cancel_is_refused() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    let pause = paused(&rig.registry, id).await;
    let sent = rig.registry.cancel(id, reason(CancelCode::User, "first", 7)).now_or_never();
    assert!(sent.is_none(), "it is under way");
    assert_eq!(rig.registry.resume(id, answer(1, "late")).await, Err(ResumeError::AlreadyCancelled));
    let end = cancelled(&rig.registry, id).await;
    assert_eq!((end.seen_at, &end.state_before), (SeenAt::Paused, &ExecutionState::Paused(pause)));
    assert_eq!(rig.registry.resume(id, answer(1, "later")).await, Err(ResumeError::AlreadyCancelled));
}

#[tokio::test]
async fn checkpoint_d_a_running_loop_is_interrupted_not_waited_for() {
    let rig = Rig::new();
    let (id, probe) = rig.start_probed([Act::Spin]).await;
    wait_for("a few steps", || probe.steps() > 5).await;
    let state = rig.registry.cancel(id, reason(CancelCode::User, "enough", 7)).await.unwrap();
    assert_eq!(state.name(), StateName::Cancelled);
    let end = cancelled(&rig.registry, id).await;
    assert_eq!((end.seen_at, &end.state_before), (SeenAt::Running, &ExecutionState::BORN));
    wait_for("its state to be dropped", || probe.dropped() == 1).await;
    let steps = probe.steps();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(probe.steps(), steps, "it uses no more time");
}

#[tokio::test]
async fn checkpoint_d_a_program_that_waits_for_a_module_is_not_waited_for_either() {
    let shelf = Arc::new(Shelf::default());
    let _end = shelf.gate.opens_at_the_end();
    let rig = Rig::of(Parts { files: Arc::clone(&shelf) as _, ..Parts::default() });
    let (id, probe) = rig.start_probed([Act::Require("slow")]).await;
    wait_for("the first step", || probe.steps() == 1).await;
    rig.registry.cancel(id, reason(CancelCode::User, "enough", 7)).await.unwrap();
    assert_eq!(cancelled(&rig.registry, id).await.seen_at, SeenAt::Running);
    shelf.gate.open();
    wait_for("its state to be dropped", || probe.dropped() == 1).await;
    assert_eq!(probe.steps(), 1);
}

#[tokio::test]
async fn a_cancel_during_the_last_step_wins_over_the_end_of_the_program() {
    for last in [Act::Finish(1.into()), Act::raise("too late")] {
        let rig = Rig::new();
        let itself = Itself::default();
        let id = itself.start(&rig, [itself.cancel(), last]).await;
        assert_eq!(cancelled(&rig.registry, id).await.seen_at, SeenAt::Running);
    }
}

#[tokio::test]
async fn a_cancel_keeps_code_detail_and_time_at_every_checkpoint() {
    for code in CancelCode::ALL {
        for acts in [vec![Act::Spin], vec![say("why?")], vec![batch(["a", "b"])]] {
            let rig = Rig::new();
            let asks = !matches!(acts[0], Act::Spin);
            let id = rig.start(acts).await;
            if asks {
                paused(&rig.registry, id).await;
            }
            rig.clock.advance(100);
            let why = reason(code, "a reason of my own", 1234);
            rig.registry.cancel(id, why.clone()).await.unwrap();
            let end = cancelled(&rig.registry, id).await;
            assert_eq!((&end.reason, end.observed_at), (&why, HandClock::START + 100));
        }
    }
}

#[tokio::test]
async fn the_first_cancel_wins_and_every_later_one_is_told_so() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    paused(&rig.registry, id).await;
    let why = |n: i64| reason(CancelCode::User, &format!("number {n}"), n);
    assert!(rig.registry.cancel(id, why(1)).now_or_never().is_none());
    for n in 2..5 {
        let state = rig.registry.cancel(id, why(n)).await.unwrap();
        let ExecutionState::Cancelled(end) = state else { panic!("it is cancelled") };
        assert_eq!(end.reason, why(1));
    }
}

#[tokio::test]
async fn a_cancel_of_a_session_that_has_ended_is_ok_and_changes_nothing() {
    for last in [Act::Finish(1.into()), Act::raise("no")] {
        let rig = Rig::new();
        let id = rig.start([last]).await;
        let end = ExecutionState::from(ended(&rig.registry, id).await);
        for _ in 0..3 {
            assert_eq!(rig.registry.cancel(id, reason(CancelCode::User, "late", 1)).await, Ok(end.clone()));
        }
        assert_eq!(history(&rig.registry, id).await.last().unwrap().seq, 2);
    }
}

#[tokio::test]
async fn a_cancel_in_the_middle_of_a_batch_shows_what_was_answered() {
    let rig = Rig::new();
    let id = rig.start([batch(["a", "b", "c"])]).await;
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(2, "b")).await.unwrap();
    rig.registry.cancel(id, reason(CancelCode::User, "enough", 7)).await.unwrap();
    let end = cancelled(&rig.registry, id).await;
    let ExecutionState::Paused(pause) = &end.state_before else { panic!("it was paused") };
    let pending: Vec<QueryId> = pause.pending().map(|prompt| prompt.query.query_id).collect();
    assert_eq!(pending, [QueryId::new(1), QueryId::new(3)]);
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_take_its_cancel_back() {
    let rig = Rig::new();
    let id = rig.start([Act::Spin]).await;
    drop(rig.registry.cancel(id, reason(CancelCode::User, "done all the same", 7)).now_or_never());
    assert_eq!(cancelled(&rig.registry, id).await.reason.detail.as_deref(), Some("done all the same"));
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_take_its_answer_back() {
    let rig = Rig::new();
    let id = rig.start([say("first?"), say("second?")]).await;
    paused(&rig.registry, id).await;
    assert!(rig.registry.resume(id, answer(1, "a")).now_or_never().is_none());
    paused_at(&rig.registry, id, 2).await;
}

#[tokio::test]
async fn a_cancel_gets_through_to_a_session_with_a_hundred_requests_before_it() {
    let rig = Rig::new();
    let (id, probe) = rig.start_probed([say("why?")]).await;
    let mut waiting: Vec<_> = (0..100)
        .map(|_| {
            let registry = rig.registry.clone();
            Box::pin(async move { registry.resume(id, answer(1, "too early")).await })
        })
        .collect();
    for request in &mut waiting {
        assert!(request.now_or_never().is_none());
    }
    let state = rig.registry.cancel(id, reason(CancelCode::User, "enough", 7)).await.unwrap();
    assert_eq!(state.name(), StateName::Cancelled);
    assert_eq!(probe.made(), 0, "it was seen before the start");
    for request in waiting {
        let refused = request.await.unwrap_err();
        let known = [ResumeError::NotPaused { actual: StateName::Running }, ResumeError::AlreadyCancelled];
        assert!(known.contains(&refused), "{refused}");
    }
}
