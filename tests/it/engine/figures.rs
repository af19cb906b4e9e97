//! The rows of the table "Correctness": each fault that another engine shows, tried at least as often, and never met.
//!
//! Many small sessions run side by side on two workers, which is where such faults show.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use switchboard::domain::{
    Answer, AnsweredBy, CancelCode, EventKind, ExecutionState, ObserverRecvError, QueryId, ResumeError, ResumeOutcome,
    ResumePayload, StateName, TerminalOutcome, TokenSource, TokenUsage,
};
use switchboard::engine::{Journal, MemoryJournal};

use crate::support::{
    Act, Parts, Rig, Switch, TestJournal, answer, answers, batch, bounded, ended, history, in_parallel, paused,
    paused_at, reason, say, wait_for,
};

/// Sessions side by side.
const WIDTH: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_asks_again_at_once_is_never_left_running_with_a_question_pending() {
    const SESSIONS: usize = 50;
    const ANSWERS: u32 = 400;
    let rig = Rig::new();
    let (spec, _) = rig.write([Act::AskForEver]);
    let registry = rig.registry.clone();
    in_parallel(SESSIONS, SESSIONS, move |_| {
        let (registry, spec) = (registry.clone(), spec.clone());
        async move {
            let id = registry.spawn(spec).await.unwrap();
            let mut observer = registry.observe(id, None).unwrap();
            for n in 1..=ANSWERS {
                // An ordinary client: reads on to the next question, and answers it.
                let asked = loop {
                    if let EventKind::PauseRequested { info } = &observer.recv().await.unwrap().kind {
                        break Arc::clone(info);
                    }
                };
                let state = registry.state(id).unwrap();
                assert_eq!(state, ExecutionState::Paused(asked), "whoever reads the question sees the pause");
                assert_eq!(registry.resume(id, answer(n, "a")).await, Ok(ResumeOutcome::Continued));
            }
            registry.cancel(id, reason(CancelCode::User, "end", 0)).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn done_is_never_overwritten_and_no_result_is_lost() {
    const TRIES: usize = 15_000;
    let rig = Rig::new();
    let (spec, _) = rig.write([say("why?")]);
    let registry = rig.registry.clone();
    in_parallel(TRIES, WIDTH, move |n| {
        let (registry, spec) = (registry.clone(), spec.clone());
        async move {
            let id = registry.spawn(spec).await.unwrap();
            if n % 2 == 0 {
                paused(&registry, id).await;
            } else {
                while registry.state(id).unwrap().name() != StateName::Paused {
                    tokio::task::yield_now().await;
                }
            }
            registry.resume(id, answer(1, "a")).await.unwrap();
            let TerminalOutcome::Done(done) = ended(&registry, id).await else { panic!("it should be done") };
            assert_eq!(done.value, json!(["a"]));
            assert_eq!(registry.state(id).unwrap(), ExecutionState::Done(done));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_callers_who_await_the_end_all_get_it() {
    const TRIES: usize = 300;
    let rig = Rig::new();
    let (spec, _) = rig.write([say("why?")]);
    let registry = rig.registry.clone();
    in_parallel(TRIES, WIDTH, move |_| {
        let (registry, spec) = (registry.clone(), spec.clone());
        async move {
            let id = registry.spawn(spec).await.unwrap();
            let callers = [(); 3].map(|()| {
                let registry = registry.clone();
                tokio::spawn(async move { registry.await_terminal(id).await })
            });
            paused(&registry, id).await;
            registry.resume(id, answer(1, "a")).await.unwrap();
            let end = ended(&registry, id).await;
            for caller in callers {
                assert_eq!(caller.await.unwrap().as_ref(), Ok(&end));
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_can_be_awaited_again_after_a_caller_gave_up() {
    const TRIES: usize = 60;
    let rig = Rig::on_paused_time();
    for _ in 0..TRIES {
        let id = rig.start([say("why?")]).await;
        for _ in 0..2 {
            let waited = tokio::time::timeout(Duration::from_millis(5), rig.registry.await_terminal(id)).await;
            assert!(waited.is_err(), "nobody has answered");
        }
        rig.registry.resume(id, answer(1, "a")).await.unwrap();
        assert_eq!(ended(&rig.registry, id).await.name(), StateName::Done);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_query_id_is_refused_and_the_session_lives() {
    const TRIES: usize = 200;
    let rig = Rig::new();
    let (spec, _) = rig.write([say("why?")]);
    let registry = rig.registry.clone();
    in_parallel(TRIES, WIDTH, move |_| {
        let (registry, spec) = (registry.clone(), spec.clone());
        async move {
            let id = registry.spawn(spec).await.unwrap();
            paused(&registry, id).await;
            let before = registry.summary(id).unwrap();
            let unknown = ResumeError::UnknownQuery { id: QueryId::new(7), pending: vec![QueryId::new(1)] };
            assert_eq!(registry.resume(id, answer(7, "lost")).await, Err(unknown));
            assert_eq!(registry.summary(id).unwrap(), before);
            registry.resume(id, answer(1, "a")).await.unwrap();
            assert_eq!(ended(&registry, id).await.name(), StateName::Done);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_may_be_answered_in_parts() {
    const TRIES: usize = 200;
    let rig = Rig::new();
    let (spec, _) = rig.write([batch(["a", "b", "c"])]);
    let registry = rig.registry.clone();
    in_parallel(TRIES, WIDTH, move |n| {
        let (registry, spec) = (registry.clone(), spec.clone());
        async move {
            let id = registry.spawn(spec).await.unwrap();
            paused(&registry, id).await;
            let first = n as u32 % 3 + 1;
            let [second, third] = [first % 3 + 1, (first + 1) % 3 + 1];
            assert_eq!(registry.resume(id, answer(first, "x")).await, Ok(ResumeOutcome::Remaining(2)));
            let rest = answers([(second, "x"), (third, "x")]);
            assert_eq!(registry.resume(id, rest).await, Ok(ResumeOutcome::Continued));
            let TerminalOutcome::Done(done) = ended(&registry, id).await else { panic!("it should be done") };
            assert_eq!(done.value, json!(["x", "x", "x"]));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_that_makes_no_sense_is_refused_whole() {
    const TRIES: usize = 50;
    let rig = Rig::new();
    let (single, _) = rig.write([say("why?")]);
    let (several, _) = rig.write([batch(["a", "b"])]);
    let registry = rig.registry.clone();
    in_parallel(TRIES, WIDTH, move |_| {
        let (registry, single, several) = (registry.clone(), single.clone(), several.clone());
        async move {
            let cases = [
                (single, answers([(1, "x"), (2, "y")])),
                (several.clone(), answers([(1, "x"), (1, "y")])),
                (several.clone(), answers([(1, "x"), (3, "y")])),
                (several, ResumePayload::Batch(Vec::new())),
            ];
            for (spec, payload) in cases {
                let id = registry.spawn(spec).await.unwrap();
                paused(&registry, id).await;
                let before = registry.summary(id).unwrap();
                registry.resume(id, payload).await.unwrap_err();
                assert_eq!(registry.summary(id).unwrap(), before);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_session_that_is_cancelled_shows_the_reason_given() {
    const TRIES: usize = 20;
    let rig = Rig::new();
    let (spec, _) = rig.write([Act::Spin]);
    let registry = rig.registry.clone();
    in_parallel(TRIES, 4, move |n| {
        let (registry, spec) = (registry.clone(), spec.clone());
        async move {
            let id = registry.spawn(spec).await.unwrap();
            registry.observe(id, None).unwrap().recv().await.unwrap();
            let why = reason(CancelCode::Timeout, "operator: over the deadline", n as i64);
            let state = registry.cancel(id, why.clone()).await.unwrap();
            let ExecutionState::Cancelled(end) = &state else { panic!("{state:?}") };
            assert_eq!(end.reason, why);
            assert_eq!(registry.state(id).unwrap(), state);
        }
    })
    .await;
}

/// Two rows in one: no reason is lost and no cancelled session turns into another, however answer and cancel meet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_races_a_cancel_never_takes_its_reason_or_its_effect() {
    const TRIES: usize = 10_000;
    let rig = Rig::new();
    let (spec, _) = rig.write([say("first?"), say("second?")]);
    let registry = rig.registry.clone();
    let both = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&both);
    in_parallel(TRIES, WIDTH, move |n| {
        let (registry, spec, both) = (registry.clone(), spec.clone(), Arc::clone(&counted));
        async move {
            let id = registry.spawn(spec).await.unwrap();
            paused(&registry, id).await;
            let answered = tokio::spawn({
                let registry = registry.clone();
                async move { registry.resume(id, answer(1, "a")).await }
            });
            // Now the one is a little earlier, now the other.
            for _ in 0..n % 4 {
                tokio::task::yield_now().await;
            }
            let why = reason(CancelCode::Timeout, "why", n as i64);
            let state = registry.cancel(id, why.clone()).await.unwrap();
            let ExecutionState::Cancelled(end) = &state else { panic!("{state:?}") };
            assert_eq!(end.reason, why);
            match answered.await.unwrap() {
                Ok(outcome) => {
                    both.fetch_add(1, Ordering::Relaxed);
                    assert_eq!(outcome, ResumeOutcome::Continued);
                }
                Err(refused) => assert_eq!(refused, ResumeError::AlreadyCancelled),
            }
            assert_eq!(ended(&registry, id).await, TerminalOutcome::Cancelled(Arc::clone(end)));
            assert_eq!(registry.state(id).unwrap(), state);
        }
    })
    .await;
    let both = both.load(Ordering::Relaxed);
    assert!((1..TRIES).contains(&both), "each was first at times: {both} of {TRIES}");
}

#[tokio::test(start_paused = true)]
async fn collection_evicts_no_waiting_and_no_running_session() {
    const WAITING: usize = 50;
    const RUNNING: usize = 10;
    let rig = Rig::on_paused_time();
    rig.registry.collect(Duration::ZERO, Duration::from_millis(1));
    let switch = Switch::default();
    let mut running = Vec::new();
    for _ in 0..RUNNING {
        running.push(rig.start([Act::SpinUntil(switch.clone()), Act::Finish(json!("kept"))]).await);
    }
    let mut waiting = Vec::new();
    for _ in 0..WAITING {
        let id = rig.start([say("why?")]).await;
        paused(&rig.registry, id).await;
        waiting.push(id);
    }
    for _ in 0..100 {
        tokio::time::advance(Duration::from_mins(1)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.journal.all_retired().len(), 0);
    switch.on();
    for id in running {
        let TerminalOutcome::Done(done) = ended(&rig.registry, id).await else { panic!("it should be done") };
        assert_eq!(done.value, "kept");
    }
    for id in waiting {
        rig.registry.resume(id, answer(1, "a")).await.unwrap();
        assert_eq!(ended(&rig.registry, id).await.name(), StateName::Done);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn observe_and_state_never_say_not_found_of_a_session_that_exists() {
    const SESSIONS: usize = 3000;
    let rig = Rig::new();
    rig.registry.collect(Duration::ZERO, Duration::from_millis(1));
    let (spec, _) = rig.write([Act::Log(2)]);
    let made = Arc::new(std::sync::Mutex::new(Vec::new()));
    let over = Switch::default();
    let looked = Arc::new(AtomicUsize::new(0));
    let lookers: Vec<_> = (0..2)
        .map(|_| {
            let (registry, made, over) = (rig.registry.clone(), Arc::clone(&made), over.clone());
            let looked = Arc::clone(&looked);
            tokio::spawn(async move {
                while !over.is_on() {
                    let ids: Vec<_> = made.lock().unwrap().iter().rev().take(64).copied().collect();
                    for id in ids {
                        let observer = registry.observe(id, None).expect("it exists");
                        assert_eq!(observer.session(), id);
                        registry.state(id).expect("it exists");
                        registry.summary(id).expect("it exists");
                        looked.fetch_add(1, Ordering::Relaxed);
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for _ in 0..SESSIONS {
        let id = rig.registry.spawn(spec.clone()).await.unwrap();
        made.lock().unwrap().push(id);
        if id.bits().is_multiple_of(8) {
            ended(&rig.registry, id).await;
        }
    }
    wait_for("every session to be evicted", || rig.journal.all_retired().len() == SESSIONS).await;
    over.on();
    for looker in lookers {
        bounded(looker).await.unwrap();
    }
    assert!(looked.load(Ordering::Relaxed) > SESSIONS);
    assert_eq!(rig.registry.list().len(), SESSIONS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_answer_sent_twice_at_once_never_answers_the_next_question() {
    const TRIES: usize = 1500;
    let rig = Rig::new();
    let (spec, _) = rig.write([say("delete the branch?"), say("delete the database?")]);
    let registry = rig.registry.clone();
    in_parallel(TRIES, WIDTH, move |n| {
        let (registry, spec) = (registry.clone(), spec.clone());
        async move {
            let id = registry.spawn(spec).await.unwrap();
            paused(&registry, id).await;
            // One half of the deliveries has a name: then both are told the same.
            let named = n % 2 == 0;
            let answer_id = named.then(|| Arc::from("click"));
            let one = Answer { answer_id, ..Answer::new(QueryId::new(1), "yes", AnsweredBy::Person) };
            let clicks = [(); 2].map(|()| {
                let (registry, one) = (registry.clone(), one.clone());
                tokio::spawn(async move { registry.resume(id, ResumePayload::Single(one)).await })
            });
            let mut taken = 0;
            for click in clicks {
                match click.await.unwrap() {
                    Ok(outcome) => {
                        assert_eq!(outcome, ResumeOutcome::Continued);
                        taken += 1;
                    }
                    Err(refused) => {
                        let first = ResumeError::AlreadyAnswered { id: QueryId::new(1), by: AnsweredBy::Person };
                        assert_eq!(refused, first);
                    }
                }
            }
            assert_eq!(taken, if named { 2 } else { 1 });
            let pause = paused_at(&registry, id, 2).await;
            assert_eq!(pause.pending().count(), 1, "nobody has answered the second question");
            registry.resume(id, answer(2, "no")).await.unwrap();
            let TerminalOutcome::Done(done) = ended(&registry, id).await else { panic!("it should be done") };
            assert_eq!(done.value, json!(["yes", "no"]));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_meant_for_the_first_question_is_never_accepted_for_the_second() {
    const TRIES: usize = 150;
    let rig = Rig::new();
    let (spec, _) = rig.write([say("one"), say("two")]);
    let registry = rig.registry.clone();
    in_parallel(TRIES, WIDTH, move |_| {
        let (registry, spec) = (registry.clone(), spec.clone());
        async move {
            let id = registry.spawn(spec).await.unwrap();
            paused(&registry, id).await;
            registry.resume(id, answer(1, "first")).await.unwrap();
            paused_at(&registry, id, 2).await;
            let first = ResumeError::AlreadyAnswered { id: QueryId::new(1), by: AnsweredBy::Person };
            assert_eq!(registry.resume(id, answer(1, "STALE")).await, Err(first));
            let stale = Answer { epoch: Some(1), ..Answer::new(QueryId::new(2), "STALE", AnsweredBy::File) };
            let refused = registry.resume(id, ResumePayload::Single(stale)).await;
            assert!(matches!(refused, Err(ResumeError::Stale { .. })), "{refused:?}");
            registry.resume(id, answer(2, "second")).await.unwrap();
            let TerminalOutcome::Done(done) = ended(&registry, id).await else { panic!("it should be done") };
            assert_eq!(done.value, json!(["first", "second"]));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_usage_at_the_end_is_the_sum_of_what_every_answer_reported() {
    const TRIES: usize = 1500;
    const QUESTIONS: u32 = 5;
    let rig = Rig::new();
    let (spec, _) = rig.write(vec![say("why?"); QUESTIONS as usize]);
    let registry = rig.registry.clone();
    in_parallel(TRIES, WIDTH, move |_| {
        let (registry, spec) = (registry.clone(), spec.clone());
        async move {
            let id = registry.spawn(spec).await.unwrap();
            let usage = Some(TokenUsage { prompt_tokens: Some(1000), completion_tokens: Some(100) });
            for n in 1..=QUESTIONS {
                paused_at(&registry, id, n).await;
                let one = Answer { usage, ..Answer::new(QueryId::new(n), "a", AnsweredBy::Person) };
                // The late double changes nothing, whenever it arrives.
                let double = tokio::spawn({
                    let (registry, one) = (registry.clone(), one.clone());
                    async move { registry.resume(id, ResumePayload::Single(one)).await.is_ok() }
                });
                let taken = registry.resume(id, ResumePayload::Single(one)).await.is_ok();
                assert!(taken ^ double.await.unwrap());
            }
            let TerminalOutcome::Done(done) = ended(&registry, id).await else { panic!("it should be done") };
            let usage = done.usage.unwrap();
            let n = u64::from(QUESTIONS);
            assert_eq!((usage.llm_calls, usage.pauses, usage.rounds), (n, n, n));
            assert_eq!((usage.prompt_tokens.tokens, usage.response_tokens.tokens), (1000 * n, 100 * n));
            assert_eq!((usage.total_tokens.tokens, usage.total_tokens.source()), (1100 * n, TokenSource::Provided));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_observer_sees_the_whole_history_then_the_end_then_closed() {
    const LINES: u64 = 1200;
    let rig = Rig::new();
    let id = rig.start([Act::Log(LINES)]).await;
    ended(&rig.registry, id).await;
    let events = history(&rig.registry, id).await;
    assert_eq!(events.len() as u64, LINES + 2);
    for (n, event) in (1..).zip(&events) {
        assert_eq!(event.seq, n);
    }
    assert!(events.last().unwrap().kind.is_last());
}

/// So many lines that a session may log at once.
fn talkative(rig: &Rig, lines: u64) -> switchboard::domain::SessionSpec {
    let (mut spec, _) = rig.write([Act::Log(lines)]);
    spec.limits.log_lines_per_s = lines;
    spec
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_observer_that_reads_late_gets_every_one_of_80_000_events() {
    const LINES: u64 = 80_000;
    let journal = Arc::new(TestJournal::new(MemoryJournal::new(64 << 20, 10)));
    let rig = Rig::of(Parts { journal, ..Parts::default() });
    let id = rig.registry.spawn(talkative(&rig, LINES)).await.unwrap();
    let reads_late = rig.registry.observe(id, None).unwrap();
    ended(&rig.registry, id).await;
    let events = crate::support::stream(reads_late).await;
    assert_eq!(events.len() as u64, LINES + 2);
    let mut line = 0;
    for event in &events {
        if let EventKind::Log { message, .. } = &event.kind {
            line += 1;
            assert_eq!(message, &format!("line {line}"));
        }
    }
    assert_eq!(line, LINES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_default_bound_of_memory_a_late_observer_gets_one_exact_gap_and_then_the_rest() {
    const LINES: u64 = 80_000;
    let rig = Rig::new();
    let id = rig.registry.spawn(talkative(&rig, LINES)).await.unwrap();
    let mut observer = rig.registry.observe(id, None).unwrap();
    ended(&rig.registry, id).await;
    let gap = observer.recv().await.unwrap_err();
    let ObserverRecvError::Gap { from: 1, to } = gap else { panic!("{gap}") };
    assert!((1000..LINES).contains(&to), "some are gone and many are kept: {to}");
    let rest = crate::support::stream(observer).await;
    assert_eq!(rest.first().unwrap().seq, to + 1);
    assert_eq!(rest.len() as u64, LINES + 2 - to);
    for (n, event) in (to + 1..).zip(&rest) {
        assert_eq!(event.seq, n);
    }
}
