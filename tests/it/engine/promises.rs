//! Contract §4: promises that stand in no other file of these tests.
//!
//! The others: no lost pause, exactly one answer, partial batches (`figures`, `concurrent`, `model`); cancels
//! (`cancelling`); observers (`observers`); one writer (`changes`, `concurrent`).

use std::time::Duration;

use switchboard::domain::{CancelCode, ExecutionState, ObserverRecvError, StateName};
use switchboard::engine::{ChangeCursor, Journal};

use crate::support::{Act, Rig, Switch, answer, bounded, ended, history, paused, say, wait_for};

/// §4.9: state is copied out, and nobody waits for a task or a program to do so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_looks_waits_for_a_program_that_holds_its_thread() {
    let rig = Rig::new();
    let (held, free) = (Switch::default(), Switch::default());
    let _end = free.on_at_the_end();
    let act = {
        let (held, free) = (held.clone(), free.clone());
        Act::call(move || {
            held.on();
            while !free.is_on() {
                std::thread::yield_now();
            }
        })
    };
    let id = rig.start([act, say("why?")]).await;
    wait_for("the program to hold its thread", || held.is_on()).await;
    let registry = &rig.registry;
    assert_eq!(registry.state(id).unwrap().name(), StateName::Running);
    assert_eq!(registry.list().len(), 1);
    assert_eq!(registry.changes(ChangeCursor::default()).sessions, [id]);
    let mut observer = registry.observe(id, None).unwrap();
    assert_eq!(observer.try_recv().unwrap().unwrap().kind.name(), "tick");
    assert_eq!(observer.try_recv(), Ok(None));
    let other = rig.start([Act::Finish(1.into())]).await;
    ended(registry, other).await;
    free.on();
    paused(registry, id).await;
}

/// §4.2: the answer is delivered behind the transition, so a program never runs before everybody can see it resumed.
/// On one thread: it would never come to the switch otherwise.
#[tokio::test]
async fn a_heavy_step_keeps_no_other_session_waiting_and_a_panic_in_it_ends_its_own() {
    let rig = Rig::new();
    let free = Switch::default();
    let _end = free.on_at_the_end();
    let heavy = rig.start([Act::HoldUntil(free.clone()), say("why?")]).await;
    let broken = rig.start([Act::HoldUntil(free.clone()), Act::Panic("it broke")]).await;
    let other = rig.start([say("why?")]).await;
    paused(&rig.registry, other).await;
    rig.registry.resume(other, answer(1, "a")).await.unwrap();
    assert_eq!(ended(&rig.registry, other).await.name(), StateName::Done);
    assert_eq!(rig.registry.state(heavy).unwrap().name(), StateName::Running);
    free.on();
    paused(&rig.registry, heavy).await;
    assert_eq!(ended(&rig.registry, broken).await.name(), StateName::Failed);
}

#[tokio::test]
async fn a_program_gets_its_answers_behind_the_transition_that_says_so() {
    let rig = Rig::new();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(None));
    let who = std::sync::Arc::new(std::sync::OnceLock::new());
    let act = {
        let (seen, who) = (std::sync::Arc::clone(&seen), std::sync::Arc::clone(&who));
        Act::call(move || {
            let (registry, id): &(switchboard::engine::Registry, _) = who.get().unwrap();
            *seen.lock().unwrap() = Some(registry.summary(*id).unwrap());
        })
    };
    let id = rig.start([say("why?"), act]).await;
    assert!(who.set((rig.registry.clone(), id)).is_ok());
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    ended(&rig.registry, id).await;
    let seen = seen.lock().unwrap().take().unwrap();
    assert_eq!((seen.state, seen.last_seq, seen.usage.rounds), (ExecutionState::BORN, 8, 1));
}

/// §4.3: usage is booked with the answer, before delivery.
#[tokio::test]
async fn usage_is_booked_when_an_answer_is_acknowledged() {
    let rig = Rig::new();
    let id = rig.start([say("why?"), Act::Spin]).await;
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "four")).await.unwrap();
    assert_eq!(rig.registry.summary(id).unwrap().usage.total_response_chars, 4);
}

/// §4.10 and §6: an observer is counted in the same breath as it is opened, never on a half-removed session.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observer_opened_while_a_sweep_runs_reads_the_whole_session() {
    // Keeps every session whole: a lane may be held up while the others end a thousand.
    let rig = Rig::recorded();
    for _ in 0..4 {
        rig.registry.collect(Duration::ZERO, Duration::from_millis(1));
    }
    let (spec, _) = rig.write([Act::Log(3)]);
    let mut lanes = Vec::new();
    for _ in 0..4 {
        let (registry, spec) = (rig.registry.clone(), spec.clone());
        lanes.push(tokio::spawn(async move {
            for _ in 0..500 {
                let id = registry.spawn(spec.clone()).await.unwrap();
                let end = ended(&registry, id).await;
                for _ in 0..3 {
                    assert_eq!(history(&registry, id).await.len(), 5);
                    assert_eq!(registry.state(id).unwrap(), ExecutionState::from(end.clone()));
                }
            }
        }));
    }
    for lane in lanes {
        bounded(lane).await.unwrap();
    }
    wait_for("every session to be evicted", || rig.journal.all_retired().len() == 2000).await;
}

/// §1: sessions are isolated; whatever a thousand others do, each gets its own answers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_sessions_side_by_side_get_each_its_own_answers() {
    let rig = Rig::new();
    let (spec, _) = rig.write([say("first?"), say("second?")]);
    let mut ids = Vec::new();
    for _ in 0..1000 {
        ids.push(rig.registry.spawn(spec.clone()).await.unwrap());
    }
    for n in 1..=2 {
        for id in &ids {
            crate::support::paused_at(&rig.registry, *id, n).await;
            rig.registry.resume(*id, answer(n, &format!("{id} {n}"))).await.unwrap();
        }
    }
    for id in ids {
        let ExecutionState::Done(done) = ended(&rig.registry, id).await.into() else { panic!("it should be done") };
        assert_eq!(done.value, serde_json::json!([format!("{id} 1"), format!("{id} 2")]));
    }
}

/// §4.1: whoever looks at any moment sees a whole turn or nothing of it, never half of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reader_that_never_waits_sees_no_half_of_a_turn() {
    const PAUSES: u32 = 5000;
    let rig = Rig::new();
    let id = rig.start([Act::AskForEver]).await;
    let registry = rig.registry.clone();
    let answering = tokio::spawn(async move {
        for n in 1..=PAUSES {
            crate::support::paused_at(&registry, id, n).await;
            registry.resume(id, answer(n, "a")).await.unwrap();
        }
        registry.cancel(id, crate::support::reason(CancelCode::User, "end", 0)).await.unwrap();
    });
    let mut observer = rig.registry.observe(id, None).unwrap();
    let mut read = 0;
    // On a thread of its own, beside the one worker of the sessions.
    loop {
        let before = read;
        match observer.try_recv() {
            Ok(Some(event)) => read = event.seq,
            Ok(None) => {}
            Err(ObserverRecvError::Closed) => break,
            Err(gap @ ObserverRecvError::Gap { .. }) => panic!("{gap}"),
        }
        assert!(read == before || read == before + 1);
        let now = rig.registry.summary(id).unwrap();
        assert!(now.last_seq >= read, "the state is at least as new as what was read");
        let waiting = u64::from(matches!(now.state, ExecutionState::Paused(_)));
        match now.state {
            ExecutionState::Paused(_) | ExecutionState::Running { .. } => {
                assert_eq!(now.usage.pauses, now.usage.rounds + waiting, "{now:?}");
            }
            _ => assert!(now.state.is_ended()),
        }
    }
    bounded(answering).await.unwrap();
}
