//! A session is a fold over its events: properties over random lives.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;
use switchboard::domain::{
    Answer, AnsweredBy, Command, Event, EventKind, ExecutionState, Pause, PauseKind, Phase, Prompt, Query, QueryId,
    ResumePayload, SeenAt, Session, SessionId, SessionSpec, StateName, TokenUsage, apply, apply_turn, decide,
};

use super::{BIRTH, Life, cancel, fail, finish, question};

fn tokens() -> impl Strategy<Value = Option<TokenUsage>> {
    let side = || option::of(prop_oneof![0..100_u64, Just(u64::MAX)]);
    option::of(
        (side(), side()).prop_map(|(prompt_tokens, completion_tokens)| TokenUsage { prompt_tokens, completion_tokens }),
    )
}

fn some_answer() -> impl Strategy<Value = Answer> {
    let name = option::of((0..6_u8).prop_map(|n| Arc::from(format!("delivery {n}"))));
    (0..8_u32, option::of(0..5_u32), name, tokens()).prop_map(|(n, epoch, answer_id, usage)| Answer {
        epoch,
        answer_id,
        usage,
        ..Answer::new(QueryId::new(n), "text", AnsweredBy::File)
    })
}

fn some_command() -> impl Strategy<Value = Command> {
    let ask = (1..4_usize, any::<bool>()).prop_map(|(n, batch)| Command::Ask {
        kind: if batch { PauseKind::Batch } else { PauseKind::Single },
        questions: vec![question("why?"); n],
    });
    let log = || Command::Log { level: "info".into(), source: "print".into(), message: "line".into() };
    prop_oneof![
        3 => Just(Command::Begin),
        12 => ask,
        16 => some_answer().prop_map(|answer| Command::Answer(ResumePayload::Single(answer))),
        12 => vec(some_answer(), 0..4).prop_map(|answers| Command::Answer(ResumePayload::Batch(answers))),
        1 => Just(cancel(SeenAt::Running)),
        1 => Just(finish()),
        1 => Just(fail("no")),
        2 => Just(Command::Progress { step: 1, total: 2, message: None }),
        2 => Just(Command::Stats { key: "k".into(), value: json!([1, "two"]) }),
        2 => (0..4_usize).prop_map(move |n| if n == 0 { Command::DropLogs { n: 1 } } else { log() }),
        2 => Just(Command::Note { title: None, content: "note".into() }),
    ]
}

/// Any event at all, also such as could never follow each other.
fn any_event() -> impl Strategy<Value = Event> {
    let id = || (0..7_u32).prop_map(QueryId::new);
    let pause = (0..4_u32, vec(id(), 0..4)).prop_map(|(epoch, ids)| {
        let prompt = |query_id| {
            let query = Query {
                query_id,
                prompt: "why?".into(),
                system: None,
                max_tokens: 1,
                grounded: false,
                underspecified: false,
                role: None,
                cache_breakpoint: None,
                line: None,
            };
            Prompt { query: Arc::new(query), answered_by: None }
        };
        let prompts = ids.into_iter().map(prompt).collect();
        let info = Arc::new(Pause { epoch, kind: PauseKind::Batch, prompts, paused_at: 3 });
        EventKind::PauseRequested { info }
    });
    let accepted = (id(), 0..3_u32, tokens()).prop_map(|(query_id, remaining, usage)| EventKind::AnswerAccepted {
        query_id,
        by: AnsweredBy::Person,
        answer_id: Some("name".into()),
        remaining,
        response: "text".into(),
        usage: usage.map(Box::new),
    });
    let transition = any::<bool>().prop_map(|go_on| {
        let (from, to) =
            if go_on { (StateName::Paused, StateName::Running) } else { (StateName::Running, StateName::Paused) };
        EventKind::StateTransition { from, to, end: None }
    });
    let kind = prop_oneof![
        1 => Just(EventKind::Tick { phase: Phase::Running }),
        1 => transition,
        3 => pause,
        6 => accepted,
        1 => Just(EventKind::ResumeAccepted { payload_kind: PauseKind::Batch }),
        1 => id().prop_map(|query_id| EventKind::LlmCallEnd { query_id, usage: None }),
    ];
    (any::<u64>(), any::<i64>(), kind).prop_map(|(seq, at, kind)| Event { seq, at, kind })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_events_are_numbered_without_gaps_and_fold_to_the_same_session(
        commands in vec(some_command(), 0..60)
    ) {
        let mut life = Life::new();
        let mut by_turns = life.session.clone();
        let mut queries = 0;
        let mut epoch = 0;
        for command in commands {
            let before = life.session.clone();
            let first = life.events.len();
            if life.take(command).is_err() {
                prop_assert_eq!(&life.session, &before, "a refused command changes nothing");
                prop_assert_eq!(life.events.len(), first);
                continue;
            }
            prop_assert!(!before.state().is_ended(), "an ended session takes nothing");
            prop_assert!(life.events.len() > first, "a command that is taken leaves a trace");
            apply_turn(&mut by_turns, &life.events[first..]);
            prop_assert_eq!(&by_turns, &life.session, "a turn folded as a whole is its events folded one by one");
            for event in &life.events[first..] {
                if let EventKind::PauseRequested { info } = &event.kind {
                    epoch += 1;
                    prop_assert_eq!(info.epoch, epoch);
                    for prompt in &info.prompts {
                        queries += 1;
                        prop_assert_eq!(prompt.query.query_id.number(), queries, "ids count on and are never reused");
                    }
                }
            }
        }
        for (n, event) in (1..).zip(&life.events) {
            prop_assert_eq!(event.seq, n);
        }
        prop_assert_eq!(life.session.last_seq(), life.events.len() as u64);

        let mut again = Session::new(life.session.id(), Arc::clone(life.session.spec()), BIRTH);
        let mut read_back = again.clone();
        for event in &life.events {
            apply(&mut again, event);
            let json = serde_json::to_string(event).unwrap();
            let event: Event = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(serde_json::to_string(&event).unwrap(), json);
            apply(&mut read_back, &event);
        }
        // What the program took is not an event of its own.
        life.session.take_replies();
        again.take_replies();
        prop_assert_eq!(&again, &life.session, "recovery is apply over the journal");
        prop_assert_eq!(read_back.last_seq(), life.session.last_seq());
        prop_assert_eq!(read_back.state().name(), life.session.state().name());
        prop_assert_eq!(read_back.usage(), life.session.usage(), "no figure is lost on the way through JSON");
    }

    #[test]
    fn applying_events_is_total_even_where_the_record_makes_no_sense(events in vec(any_event(), 0..40)) {
        let mut session = Session::new(SessionId::from_bits(1), SessionSpec::run("x").into(), BIRTH);
        for event in &events {
            apply(&mut session, event);
        }
        prop_assert_eq!(session.last_seq(), events.last().map_or(0, |event| event.seq));
    }

    #[test]
    fn every_query_is_answered_once_at_most_and_only_while_it_waits(commands in vec(some_command(), 0..60)) {
        let mut life = Life::new();
        for command in commands {
            let waiting: Vec<QueryId> = match life.session.state() {
                ExecutionState::Paused(pause) => pause.pending().map(|prompt| prompt.query.query_id).collect(),
                _ => Vec::new(),
            };
            let first = life.events.len();
            let _ = life.take(command);
            let mut accepted: Vec<QueryId> = life.events[first..].iter().filter_map(|event| match &event.kind {
                EventKind::AnswerAccepted { query_id, .. } => Some(*query_id),
                _ => None,
            }).collect();
            prop_assert!(accepted.iter().all(|id| waiting.contains(id)));
            let all = accepted.len();
            accepted.sort();
            accepted.dedup();
            prop_assert_eq!(accepted.len(), all);
        }
    }
}

#[test]
fn deciding_changes_nothing_and_says_the_same_again() {
    let mut life = Life::begun();
    life.take(super::ask_batch(["a", "b"])).unwrap();
    let before = life.session.clone();
    let answer = || Command::Answer(super::single(super::answer(1)));
    assert_eq!(decide(&life.session, answer(), 99), decide(&life.session, answer(), 99));
    assert_eq!(life.session, before);
}

#[test]
fn a_session_is_running_from_birth_with_no_event_for_it() {
    let life = Life::new();
    assert_eq!(life.session.state(), &ExecutionState::BORN);
    assert_eq!((life.session.last_seq(), life.session.last_at(), life.session.has_begun()), (0, BIRTH, false));
}
