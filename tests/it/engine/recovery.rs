//! Contract §7: what comes back after the process has ended, however it ended. Programs that are written down; those
//! in Lua are in `effects/recovery.rs`.

use std::sync::Arc;
use std::time::Duration;

use switchboard::domain::{
    CancelCode, Event, EventKind, ExecutionState, LimitKind, Question, ResumeError, ResumeOutcome, SessionId,
    SessionSpec, StateName, TerminalOutcome,
};
use switchboard::engine::{EventRef, Hibernation, Presence, Record, Recovered, Recovery, Registry, VerifyError};

use crate::support::{
    Act, Rig, Switch, answer, answers, batch, bounded, ended, has_resumed, history, paused, paused_at, reason, say,
    wait_for,
};

const PLENTY: Duration = Duration::from_mins(1);

fn everything(records: &[Record]) -> usize {
    records.len()
}

fn presence(registry: &Registry, id: SessionId) -> Presence {
    registry.summary(id).unwrap().presence
}

/// The events of a session, without the end of the stream if it has not ended.
async fn so_far(registry: &Registry, id: SessionId) -> Vec<EventRef> {
    let last = registry.summary(id).unwrap().last_seq;
    let mut observer = registry.observe(id, None).unwrap();
    let mut events = Vec::new();
    while events.last().map_or(0, |event: &EventRef| event.seq) < last {
        events.push(bounded(observer.recv()).await.unwrap());
    }
    events
}

#[tokio::test]
async fn a_session_that_waited_is_there_again_at_the_same_question_and_nothing_of_it_runs() {
    let rig = Rig::recorded();
    let (id, probe) = rig.start_probed([say("one?"), Act::Log(2), batch(["two?", "three?"]), say("four?")]).await;
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    paused_at(&rig.registry, id, 2).await;
    rig.registry.resume(id, answer(3, "c")).await.unwrap();
    let before = (rig.registry.state(id).unwrap(), so_far(&rig.registry, id).await);
    let steps = probe.steps();

    let after = rig.after_a_crash(everything);
    drop(rig);
    let recovered = after.registry.recover().await.unwrap();
    assert_eq!(recovered, Recovered { waiting: 1, ..Recovered::default() });
    assert_eq!((after.registry.state(id).unwrap(), so_far(&after.registry, id).await), before);
    assert_eq!((presence(&after.registry, id), probe.steps()), (Presence::Sleeping, steps));

    // A refused answer does not wake it.
    let refused = after.registry.resume(id, answer(3, "again")).await;
    assert!(matches!(refused, Err(ResumeError::AlreadyAnswered { .. })), "{refused:?}");
    assert_eq!(probe.steps(), steps);
    assert_eq!(after.registry.resume(id, answer(2, "b")).await, Ok(ResumeOutcome::Continued));
    let pause = paused_at(&after.registry, id, 3).await;
    assert_eq!((&*pause.prompts[0].query.prompt, presence(&after.registry, id)), ("four?", Presence::Resident));
    after.registry.resume(id, answer(4, "d")).await.unwrap();
    let TerminalOutcome::Done(done) = ended(&after.registry, id).await else { panic!("it is done") };
    assert_eq!(done.value, serde_json::json!(["a", "b", "c", "d"]));
    let events = history(&after.registry, id).await;
    assert_eq!(&events[..before.1.len()], before.1, "nothing is renumbered");
    assert!(events.iter().zip(1..).all(|(event, seq)| event.seq == seq));
    assert_eq!(after.registry.verify(id).await.unwrap().events, events.len() as u64);
}

#[tokio::test]
async fn a_session_that_ran_is_run_again_from_what_is_recorded_whatever_was_lost() {
    let acts = [Act::ReadClock, Act::Log(3), say("one?"), Act::ReadSeed, Act::Progress(1, 2), Act::Log(2), say("two?")];
    let rig = Rig::recorded();
    let (id, _) = rig.start_probed(acts).await;
    paused(&rig.registry, id).await;
    rig.clock.advance(1000);
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    paused_at(&rig.registry, id, 2).await;
    rig.registry.resume(id, answer(2, "b")).await.unwrap();
    ended(&rig.registry, id).await;
    let whole: Vec<Event> = history(&rig.registry, id).await.iter().map(|event| (**event).clone()).collect();
    let records = rig.journal.image(|_, records| records.len());
    let switchboard::engine::Reply::Ready(Ok(Some(records))) = switchboard::engine::Journal::records(&records, id)
    else {
        panic!("memory answers at once")
    };

    for cut in 1..=records.len() {
        let after = rig.after_a_crash(|_| cut);
        after.registry.recover().await.unwrap();
        for (n, text) in [(1, "a"), (2, "b")] {
            let state = after.registry.state(id).unwrap();
            if !state.is_ended() {
                let asks = |state: &ExecutionState| match state {
                    ExecutionState::Paused(pause) => pause.epoch >= n,
                    ExecutionState::Running { .. } => false,
                    _ => true,
                };
                crate::support::until(&after.registry, id, asks).await;
                // It was answered before the cut, or it is answered now.
                let _ = after.registry.resume(id, answer(n, text)).await;
            }
        }
        let TerminalOutcome::Done(done) = ended(&after.registry, id).await else { panic!("cut {cut}") };
        assert_eq!(done.value, serde_json::json!(["a", "b"]), "cut {cut}");
        let events = history(&after.registry, id).await;
        let kinds = |events: &[Event]| events.iter().map(|event| (event.seq, event.kind.name())).collect::<Vec<_>>();
        let events: Vec<Event> = events.iter().map(|event| (**event).clone()).collect();
        assert_eq!(kinds(&events), kinds(&whole), "cut {cut}");
        after.registry.verify(id).await.unwrap_or_else(|error| panic!("cut {cut}: {error}"));
    }
}

#[tokio::test]
async fn a_program_gets_to_see_again_what_it_saw_and_only_then_something_new() {
    let rig = Rig::recorded();
    let (id, probe) = rig.start_probed([Act::ReadClock, Act::ReadSeed, say("one?"), Act::ReadSeed]).await;
    paused(&rig.registry, id).await;
    let saw = probe.seen.lock().unwrap().clone();
    let after = rig.after_a_crash(everything);
    after.clock.advance(5000);
    after.registry.recover().await.unwrap();
    after.registry.resume(id, answer(1, "a")).await.unwrap();
    ended(&after.registry, id).await;
    let seen = probe.seen.lock().unwrap().clone();
    assert_eq!((seen[2..4].to_vec(), seen.len()), (saw, 5));
}

#[tokio::test]
async fn log_lines_that_came_too_fast_are_not_missed_by_a_replay() {
    let rig = Rig::recorded();
    let (mut spec, _) =
        rig.write([Act::Log(30), say("one?"), Act::Log(700), Act::Progress(1, 2), Act::Log(5), say("two?")]);
    spec.limits.log_lines_per_s = 2;
    let id = rig.registry.spawn(spec).await.unwrap();
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    paused_at(&rig.registry, id, 2).await;
    let before = so_far(&rig.registry, id).await;
    assert!(before.iter().any(|event| matches!(event.kind, EventKind::LogDropped { .. })));
    let after = rig.after_a_crash(everything);
    after.registry.recover().await.unwrap();
    after.registry.resume(id, answer(2, "b")).await.unwrap();
    ended(&after.registry, id).await;
    assert_eq!(history(&after.registry, id).await[..before.len()], before);
}

/// Asks another question when it is made for the second time.
fn fickle(second: &Switch) -> [Act; 2] {
    let again = second.clone();
    let questions = move || if again.is_on() { "something else?" } else { "one?" };
    [Act::AskWith(Arc::new(move || Question { prompt: questions().into(), ..Question::default() })), say("two?")]
}

#[tokio::test]
async fn a_replay_that_differs_leaves_the_session_waiting_and_marked_and_takes_no_answer() {
    let (rig, second) = (Rig::recorded(), Switch::default());
    let id = rig.start(fickle(&second)).await;
    paused(&rig.registry, id).await;
    let before = rig.registry.state(id).unwrap();
    second.on();
    let after = rig.after_a_crash(everything);
    after.registry.recover().await.unwrap();
    let refused = after.registry.resume(id, answer(1, "a")).await.unwrap_err();
    let ResumeError::NotRecorded { cause } = refused else { panic!("{refused:?}") };
    assert!(cause.contains("one?") && cause.contains("something else?"), "{cause}");
    assert_eq!(
        (after.registry.state(id).unwrap(), presence(&after.registry, id)),
        (before, Presence::CannotReplay(cause.into()))
    );
    let difference = after.registry.verify(id).await.unwrap_err();
    assert!(matches!(difference, VerifyError::Differs(_)), "{difference}");
    // The next start tries again.
    let again = after.after_a_crash(everything);
    again.registry.recover().await.unwrap();
    assert_eq!(presence(&again.registry, id), Presence::Sleeping);
    // It can be cancelled all the same.
    let state = after.registry.cancel(id, reason(CancelCode::User, "enough", 0)).await.unwrap();
    assert_eq!(state.name(), StateName::Cancelled);
}

#[tokio::test]
async fn a_session_that_ran_as_the_process_went_down_twice_waits_for_a_person() {
    let (rig, go) = (Rig::recorded(), Switch::default());
    let _off = go.on_at_the_end();
    let id = rig.start([say("one?"), Act::SpinUntil(go.clone()), say("two?")]).await;
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();

    let first = rig.after_a_crash(everything);
    first.journal.was_killed();
    assert_eq!(first.registry.recover().await.unwrap().running, 1);
    wait_for("the word that it is run again", || has_resumed(&first.journal.memory, id)).await;

    let second = first.after_a_crash(everything);
    second.journal.was_killed();
    assert_eq!(second.registry.recover().await.unwrap().suspended, 1);
    assert_eq!(presence(&second.registry, id), Presence::Suspended);
    go.on();
    second.registry.release(id).await.unwrap();
    paused_at(&second.registry, id, 2).await;
    assert_eq!(presence(&second.registry, id), Presence::Resident);

    // It has come to a pause since, so that the next start runs it again by itself.
    second.registry.resume(id, answer(2, "b")).await.unwrap();
    ended(&second.registry, id).await;
}

#[tokio::test]
async fn a_recovery_says_how_much_is_read_and_how_many_programs_have_come_back() {
    let (rig, go) = (Rig::recorded(), Switch::default());
    let _off = go.on_at_the_end();
    let mut running = Vec::new();
    for _ in 0..2 {
        let id = rig.start([say("one?"), Act::SpinUntil(go.clone()), say("two?")]).await;
        paused(&rig.registry, id).await;
        rig.registry.resume(id, answer(1, "a")).await.unwrap();
        running.push(id);
    }
    let waiting = rig.start([say("one?")]).await;
    paused(&rig.registry, waiting).await;

    let after = rig.after_a_crash(everything);
    assert_eq!(after.registry.recovery(), Recovery::default());
    let recovered = after.registry.recover().await.unwrap();
    assert_eq!((recovered.running, recovered.waiting), (2, 1));
    let read = Recovery { read: 3, of: 3, to_rerun: 2, ..Recovery::default() };
    // They may have come to the end of their records already, or be cancelled before it.
    after.registry.cancel(running[0], reason(CancelCode::User, "enough", 0)).await.unwrap();
    let mut now = after.registry.recovery();
    while now.is_under_way() {
        assert_eq!(Recovery { rerun: 0, ..now.clone() }, read);
        bounded(after.registry.recovery_changed(&now)).await;
        now = after.registry.recovery();
    }
    assert_eq!(now, Recovery { rerun: 2, ..read });
    // One that is run again later is none of it.
    after.registry.resume(waiting, answer(1, "a")).await.unwrap();
    ended(&after.registry, waiting).await;
    assert_eq!(after.registry.recovery(), now);
}

#[tokio::test]
async fn a_recovery_is_over_also_where_a_session_is_held() {
    let rig = Rig::recorded();
    let (spec, probe) = rig.write([say("why?")]);
    let id = rig.registry.spawn(SessionSpec { held: true, ..spec }).await.unwrap();
    let after = rig.after_a_crash(everything);
    assert_eq!(after.registry.recover().await.unwrap().running, 1);
    let mut now = after.registry.recovery();
    while now.is_under_way() {
        bounded(after.registry.recovery_changed(&now)).await;
        now = after.registry.recovery();
    }
    assert_eq!(probe.steps(), 0, "it is held as before");
    after.registry.release(id).await.unwrap();
    paused(&after.registry, id).await;
}

#[tokio::test]
async fn what_is_damaged_is_named_and_is_in_nobodys_way() {
    let rig = Rig::recorded();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = rig.start([say("one?"), say("two?")]).await;
        paused(&rig.registry, id).await;
        ids.push(id);
    }
    let after = rig.after_a_crash(everything);
    after.journal.damage(ids[0]);
    let recovered = after.registry.recover().await.unwrap();
    assert_eq!(recovered, Recovered { waiting: 2, damaged: 1, ..Recovered::default() });
    let Recovery { read, of, damaged, trouble, .. } = after.registry.recovery();
    assert_eq!((read, of, damaged, trouble.as_deref()), (3, 3, 1, Some("a row is damaged")));
    assert!(after.registry.state(ids[0]).is_err());
    for id in &ids[1..] {
        after.registry.resume(*id, answer(1, "a")).await.unwrap();
        paused_at(&after.registry, *id, 2).await;
    }
}

#[tokio::test]
async fn a_shutdown_ends_no_session_that_the_journal_keeps() {
    let rig = Rig::recorded();
    let waiting = rig.start([say("one?")]).await;
    let running = rig.start([Act::Log(1), Act::Spin]).await;
    paused(&rig.registry, waiting).await;
    wait_for("the line", || rig.registry.summary(running).unwrap().last_seq == 2).await;
    assert_eq!(rig.registry.shutdown(PLENTY).await, 0);
    for (id, name) in [(waiting, StateName::Paused), (running, StateName::Running)] {
        assert_eq!(rig.registry.state(id).unwrap().name(), name);
        let late = rig.registry.cancel(id, reason(CancelCode::User, "late", 0)).await;
        assert!(late.is_err(), "{late:?}");
    }
    let refused = rig.registry.resume(waiting, answer(1, "late")).await;
    assert!(matches!(refused, Err(ResumeError::NotRecorded { .. })), "{refused:?}");

    let after = rig.after_a_crash(everything);
    let recovered = after.registry.recover().await.unwrap();
    assert_eq!(recovered, Recovered { waiting: 1, running: 1, ..Recovered::default() });
    after.registry.resume(waiting, answer(1, "a")).await.unwrap();
    ended(&after.registry, waiting).await;
    after.registry.cancel(running, reason(CancelCode::User, "enough", 0)).await.unwrap();
}

#[tokio::test]
async fn a_session_that_had_ended_is_there_as_it_was() {
    let rig = Rig::recorded();
    let done = rig.start([say("one?")]).await;
    let cancelled = rig.start([say("one?")]).await;
    for id in [done, cancelled] {
        paused(&rig.registry, id).await;
    }
    rig.registry.resume(done, answer(1, "a")).await.unwrap();
    rig.registry.cancel(cancelled, reason(CancelCode::User, "no", 0)).await.unwrap();
    ended(&rig.registry, done).await;
    let after = rig.after_a_crash(everything);
    assert_eq!(after.registry.recover().await.unwrap().ended, 2);
    for id in [done, cancelled] {
        assert_eq!(after.registry.state(id), rig.registry.state(id));
        assert_eq!(history(&after.registry, id).await, history(&rig.registry, id).await);
        assert_eq!(ended(&after.registry, id).await, ended(&rig.registry, id).await);
        after.registry.verify(id).await.unwrap();
    }
    let late = after.registry.resume(done, answer(1, "b")).await;
    assert!(matches!(late, Err(ResumeError::AlreadyAnswered { .. })), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_sleeps_at_every_pause_has_the_same_events_as_one_that_never_does() {
    let acts =
        || vec![Act::ReadSeed, say("one?"), Act::Log(3), batch(["two?", "three?"]), Act::ReadClock, say("four?")];
    let mut streams = Vec::new();
    for sleeps in [false, true] {
        let rig = Rig::recorded();
        let (id, probe) = rig.start_probed(acts()).await;
        if sleeps {
            let interval = Duration::from_millis(1);
            rig.registry.hibernate(Hibernation { after: Duration::ZERO, residents: usize::MAX, interval });
        }
        for (epoch, payload) in [(1, answer(1, "a")), (2, answers([(3, "c"), (2, "b")])), (3, answer(4, "d"))] {
            paused_at(&rig.registry, id, epoch).await;
            if sleeps {
                // Time moves on by itself once nobody has anything to do.
                while presence(&rig.registry, id) != Presence::Sleeping {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                assert_eq!(probe.made(), probe.dropped(), "nothing of it is in memory");
            }
            rig.registry.resume(id, payload).await.unwrap();
        }
        ended(&rig.registry, id).await;
        let events = history(&rig.registry, id).await;
        streams.push(events.iter().map(|event| (event.seq, event.kind.clone())).collect::<Vec<_>>());
    }
    let asleep = streams.pop();
    assert_eq!(Some(format!("{:?}", streams[0])), asleep.map(|events| format!("{events:?}")));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_would_not_come_back_stays_in_memory_and_says_why() {
    let (rig, second) = (Rig::recorded(), Switch::default());
    let id = rig.start(fickle(&second)).await;
    paused(&rig.registry, id).await;
    second.on();
    let interval = Duration::from_millis(1);
    rig.registry.hibernate(Hibernation { after: Duration::ZERO, residents: usize::MAX, interval });
    while presence(&rig.registry, id) == Presence::Resident {
        tokio::time::sleep(interval).await;
    }
    let Presence::CannotSleep(why) = presence(&rig.registry, id) else { panic!("it stays") };
    assert!(why.contains("something else?"), "{why}");
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    paused_at(&rig.registry, id, 2).await;
}

#[tokio::test(start_paused = true)]
async fn beyond_the_bound_those_that_waited_longest_leave_memory() {
    let rig = Rig::recorded();
    let mut ids = Vec::new();
    for _ in 0..5 {
        let id = rig.start([say("one?")]).await;
        paused(&rig.registry, id).await;
        rig.clock.advance(10);
        ids.push(id);
    }
    let interval = Duration::from_millis(1);
    rig.registry.hibernate(Hibernation { after: Duration::from_hours(1), residents: 2, interval });
    while presence(&rig.registry, ids[2]) != Presence::Sleeping {
        tokio::time::sleep(interval).await;
    }
    let asleep: Vec<bool> = ids.iter().map(|id| presence(&rig.registry, *id) == Presence::Sleeping).collect();
    assert_eq!(asleep, [true, true, true, false, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_and_cancels_that_race_with_falling_asleep_are_never_lost() {
    let rig = Rig::recorded();
    let interval = Duration::from_millis(1);
    rig.registry.hibernate(Hibernation { after: Duration::ZERO, residents: 0, interval });
    let registry = rig.registry.clone();
    let (spec, _) = rig.write([Act::AskForEver]);
    let ids: Vec<SessionId> = {
        let mut ids = Vec::new();
        for _ in 0..20 {
            ids.push(registry.spawn(spec.clone()).await.unwrap());
        }
        ids
    };
    let lanes = ids.clone().into_iter().map(|id| {
        let registry = registry.clone();
        tokio::spawn(async move {
            for epoch in 1..=30 {
                paused_at(&registry, id, epoch).await;
                if epoch % 7 == 0 {
                    // Now and then somebody takes long enough for it to fall asleep.
                    tokio::task::yield_now().await;
                    wait_for("sleep", || registry.summary(id).unwrap().presence == Presence::Sleeping).await;
                }
                assert_eq!(registry.resume(id, answer(epoch, "x")).await, Ok(ResumeOutcome::Continued));
            }
            paused_at(&registry, id, 31).await;
            registry.cancel(id, reason(CancelCode::User, "enough", 0)).await.unwrap()
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        assert_eq!(bounded(lane).await.unwrap().name(), StateName::Cancelled);
    }
    for id in ids {
        registry.verify(id).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_of_a_session_that_waits_goes_on_over_a_restart_and_keeps_it_awake() {
    let rig = Rig::recorded();
    let (mut spec, probe) = rig.write([say("one?")]);
    spec.limits.wall_ms = Some(60_000);
    let id = rig.registry.spawn(spec).await.unwrap();
    paused(&rig.registry, id).await;
    let interval = Duration::from_millis(1);
    rig.registry.hibernate(Hibernation { after: Duration::ZERO, residents: 0, interval });
    let other = rig.start([say("one?")]).await;
    paused(&rig.registry, other).await;
    while presence(&rig.registry, other) != Presence::Sleeping {
        tokio::time::sleep(interval).await;
    }
    assert_eq!(presence(&rig.registry, id), Presence::Resident);

    let after = rig.after_a_crash(everything);
    let made = probe.made();
    after.registry.recover().await.unwrap();
    after.clock.advance(60_000);
    let TerminalOutcome::Failed(failure) = ended(&after.registry, id).await else { panic!("its time is over") };
    assert_eq!((failure.limit, probe.made()), (Some(LimitKind::Wall), made));
}
