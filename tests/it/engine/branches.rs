//! Contract §8: a rewind and a fork make new sessions, and change no existing one.

use switchboard::domain::{
    AnsweredBy, CancelCode, CancelReason, Event, EventKind, ExecutionState, QueryId, SessionId, StateName,
    TerminalOutcome,
};
use switchboard::engine::{BranchError, LeftAnswer, Registry, Verb};

use crate::support::{Act, Rig, answer, answers, batch, ended, history, paused, paused_at, reason, say};

fn q(n: u32) -> QueryId {
    QueryId::new(n)
}

/// Asks one, then two at once, then one, and returns what it was told.
fn acts() -> Vec<Act> {
    vec![Act::ReadSeed, say("one?"), Act::Log(1), batch(["two?", "three?"]), Act::ReadClock, say("four?")]
}

async fn value(registry: &Registry, id: SessionId) -> serde_json::Value {
    let TerminalOutcome::Done(done) = ended(registry, id).await else { panic!("it is done") };
    done.value.clone()
}

/// A session that was answered to its end.
async fn done(rig: &Rig) -> SessionId {
    let id = rig.start(acts()).await;
    for (epoch, payload) in [(1, answer(1, "a")), (2, answer(3, "c")), (2, answer(2, "b")), (3, answer(4, "d"))] {
        paused_at(&rig.registry, id, epoch).await;
        rig.registry.resume(id, payload).await.unwrap();
    }
    ended(&rig.registry, id).await;
    id
}

async fn events(registry: &Registry, id: SessionId) -> Vec<Event> {
    history(registry, id).await.iter().map(|event| (**event).clone()).collect()
}

#[tokio::test]
async fn a_rewind_asks_again_from_one_question_on_and_nothing_before_it() {
    let rig = Rig::recorded();
    let parent = done(&rig).await;
    let before = (rig.registry.state(parent).unwrap(), events(&rig.registry, parent).await);
    let preview = rig.registry.preview_branch(parent, q(2)).await.unwrap();
    assert_eq!((&*preview.prompt, preview.kept, preview.state), ("two?", 2, StateName::Done));
    let left =
        |query, response: &str| LeftAnswer { query: q(query), by: AnsweredBy::Person, response: response.into() };
    assert_eq!(preview.left, [left(2, "b"), left(4, "d")]);

    let id = rig.registry.rewind_to(parent, q(2)).await.unwrap();
    let ExecutionState::Paused(pause) = rig.registry.state(id).unwrap() else { panic!("it waits") };
    assert_eq!((pause.epoch, pause.pending().map(|prompt| prompt.query.query_id).collect::<Vec<_>>()), (2, vec![q(2)]));
    rig.registry.resume(id, answer(2, "B")).await.unwrap();
    paused_at(&rig.registry, id, 3).await;
    rig.registry.resume(id, answer(4, "D")).await.unwrap();
    assert_eq!(value(&rig.registry, id).await, serde_json::json!(["a", "B", "c", "D"]));

    let own = events(&rig.registry, id).await;
    let shared = own.iter().position(|event| matches!(event.kind, EventKind::Branched(_))).unwrap();
    assert_eq!(own[..shared], before.1[..shared], "the events before are the parent's");
    assert!(own.iter().zip(1..).all(|(event, seq)| event.seq == seq));
    assert_eq!((rig.registry.state(parent).unwrap(), events(&rig.registry, parent).await), before);
    rig.registry.verify(id).await.unwrap();
    assert_eq!(
        rig.registry.summary(id).unwrap().spec.branch.map(|branch| (branch.of, branch.at)),
        Some((parent, q(2)))
    );
}

#[tokio::test]
async fn every_question_of_a_session_can_be_asked_again_and_again_of_what_came_of_it() {
    let rig = Rig::recorded();
    let mut id = done(&rig).await;
    for n in [4, 3, 2, 1] {
        let again = rig.registry.rewind_to(id, q(n)).await.unwrap();
        assert_eq!(rig.registry.state(again).unwrap().name(), StateName::Paused, "q-{n}");
        rig.registry.verify(again).await.unwrap();
        id = again;
    }
    for (epoch, payload) in [(1, answer(1, "A")), (2, answers([(2, "B"), (3, "C")])), (3, answer(4, "D"))] {
        paused_at(&rig.registry, id, epoch).await;
        rig.registry.resume(id, payload).await.unwrap();
    }
    assert_eq!(value(&rig.registry, id).await, serde_json::json!(["A", "B", "C", "D"]));
    rig.registry.verify(id).await.unwrap();
}

#[tokio::test]
async fn a_fork_of_a_half_answered_batch_keeps_the_half_and_both_go_their_way() {
    let rig = Rig::recorded();
    let parent = rig.start(acts()).await;
    paused(&rig.registry, parent).await;
    rig.registry.resume(parent, answer(1, "a")).await.unwrap();
    paused_at(&rig.registry, parent, 2).await;
    rig.registry.resume(parent, answer(3, "c")).await.unwrap();
    let open = rig.registry.fork_at(parent, q(2)).await.unwrap();
    let answered = rig.registry.fork_at(parent, q(3)).await.unwrap();
    for (id, payload) in [(parent, answer(2, "p")), (open, answer(2, "o")), (answered, answers([(2, "x"), (3, "y")]))] {
        rig.registry.resume(id, payload).await.unwrap();
        paused_at(&rig.registry, id, 3).await;
        rig.registry.resume(id, answer(4, "d")).await.unwrap();
    }
    for (id, two, three) in [(parent, "p", "c"), (open, "o", "c"), (answered, "x", "y")] {
        assert_eq!(value(&rig.registry, id).await, serde_json::json!(["a", two, three, "d"]));
        rig.registry.verify(id).await.unwrap();
    }
}

#[tokio::test]
async fn a_rewind_cancels_a_session_that_has_not_ended_and_says_why() {
    let rig = Rig::recorded();
    let parent = rig.start(acts()).await;
    paused(&rig.registry, parent).await;
    rig.registry.resume(parent, answer(1, "a")).await.unwrap();
    paused_at(&rig.registry, parent, 2).await;
    let id = rig.registry.rewind_to(parent, q(1)).await.unwrap();
    let ExecutionState::Cancelled(end) = rig.registry.state(parent).unwrap() else { panic!("it is cancelled") };
    let CancelReason { code, detail, .. } = &end.reason;
    assert_eq!((*code, detail.as_deref()), (CancelCode::User, Some("rewound to q-1")));
    // A cancelled session can be rewound, too; and while a fork's parent runs on, nothing of it changes.
    for at in [1, 2, 3] {
        let again = rig.registry.rewind_to(parent, q(at)).await.unwrap();
        assert_eq!(rig.registry.state(again).unwrap().name(), StateName::Paused);
        rig.registry.verify(again).await.unwrap();
    }
    rig.registry.cancel(id, reason(CancelCode::User, "enough", 0)).await.unwrap();
}

#[tokio::test]
async fn a_failed_session_is_rewound_and_a_running_one_is_forked() {
    let rig = Rig::recorded();
    let failed = rig.start([say("one?"), Act::raise("boom")]).await;
    let running = rig.start([say("one?"), Act::Spin]).await;
    for id in [failed, running] {
        paused(&rig.registry, id).await;
        rig.registry.resume(id, answer(1, "a")).await.unwrap();
    }
    ended(&rig.registry, failed).await;
    let again = rig.registry.rewind_to(failed, q(1)).await.unwrap();
    rig.registry.resume(again, answer(1, "b")).await.unwrap();
    assert!(matches!(ended(&rig.registry, again).await, TerminalOutcome::Failed(_)));
    let beside = rig.registry.fork_at(running, q(1)).await.unwrap();
    assert_eq!(rig.registry.state(running).unwrap().name(), StateName::Running);
    for id in [running, beside] {
        rig.registry.cancel(id, reason(CancelCode::User, "enough", 0)).await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_branched_says_so_and_makes_no_session() {
    let rig = Rig::recorded();
    let id = rig.start([say("one?")]).await;
    paused(&rig.registry, id).await;
    let never = rig.registry.fork_at(id, q(7)).await.unwrap_err();
    assert_eq!(never.to_string(), format!("{id} has not asked q-7; it has asked q-1"));
    let nobody = SessionId::from_bits(1);
    assert_eq!(rig.registry.fork_at(nobody, q(1)).await, Err(BranchError::NotFound(nobody)));
    rig.journal.refuse_acknowledged();
    assert!(matches!(rig.registry.rewind_to(id, q(1)).await, Err(BranchError::NotRecorded(_))));
    assert_eq!((rig.registry.list().len(), rig.registry.state(id).unwrap().name()), (1, StateName::Paused));
    // A journal that forgets cannot branch.
    let rig = Rig::new();
    let id = rig.start([say("one?")]).await;
    paused(&rig.registry, id).await;
    assert!(matches!(rig.registry.fork_at(id, q(1)).await, Err(BranchError::Unreadable(_))));
}

#[tokio::test]
async fn a_branch_outlives_the_process_as_every_session_does() {
    let rig = Rig::recorded();
    let parent = done(&rig).await;
    let id = rig.registry.rewind_to(parent, q(2)).await.unwrap();
    let after = rig.after_a_crash(<[_]>::len);
    after.registry.recover().await.unwrap();
    after.registry.resume(id, answer(2, "B")).await.unwrap();
    paused_at(&after.registry, id, 3).await;
    after.registry.resume(id, answer(4, "D")).await.unwrap();
    assert_eq!(value(&after.registry, id).await, serde_json::json!(["a", "B", "c", "D"]));
    after.registry.verify(id).await.unwrap();
}

#[tokio::test]
async fn rewinds_and_forks_stand_among_the_calls_like_other_verbs() {
    let rig = Rig::recorded();
    let parent = done(&rig).await;
    let fork = rig.registry.fork_at(parent, q(2)).await.unwrap();
    let rewound = rig.registry.rewind_to(parent, q(1)).await.unwrap();
    let refused = rig.registry.fork_at(parent, q(9)).await.unwrap_err();
    let calls = rig.registry.calls();
    let branches: Vec<_> = calls.iter().filter(|call| matches!(call.verb, Verb::Branch { .. })).collect();
    let told: Vec<_> = branches.iter().map(|call| (call.session, &call.verb)).collect();
    let branch = |rewinds, at, outcome| Verb::Branch { rewinds, at: q(at), outcome };
    let wanted = [branch(false, 2, Ok(fork)), branch(true, 1, Ok(rewound)), branch(false, 9, Err(refused.clone()))];
    assert_eq!(told, wanted.iter().map(|verb| (Some(parent), verb)).collect::<Vec<_>>());
    assert_eq!(branches.iter().map(|call| call.verb.name()).collect::<Vec<_>>(), ["fork", "rewind", "fork"]);
    assert_eq!(branches[2].verb.refusal(), Some(refused.to_string()));
}
