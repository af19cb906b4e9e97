//! Which answers are taken, and what the others are told.

use switchboard::domain::{
    AnsweredBy, Command, EventKind, PauseKind, PromptHash, QueryId, Rejected, ResumeError, ResumeOutcome,
    ResumePayload, SeenAt, SessionSpec, StateName,
};

use super::{Life, answer, ask, ask_batch, batch, cancel, finish, named, single};

/// A session that was answered q-1 and now waits for q-2 and q-3, in its second pause.
fn waiting_for_two() -> Life {
    let mut life = Life::begun();
    life.take(ask("first")).unwrap();
    life.take(Command::Answer(single(answer(1)))).unwrap();
    life.take(ask_batch(["second", "third"])).unwrap();
    life
}

fn epoch(n: u32, epoch: u32) -> switchboard::domain::Answer {
    switchboard::domain::Answer { epoch: Some(epoch), ..answer(n) }
}

fn meant_for(n: u32, prompt: &str) -> switchboard::domain::Answer {
    switchboard::domain::Answer { prompt_hash: Some(PromptHash::of(prompt)), ..answer(n) }
}

fn name_of(error: &ResumeError) -> &'static str {
    match error {
        ResumeError::InvalidPayload { .. } => "invalid payload",
        ResumeError::NotFound { .. } => "not found",
        ResumeError::AlreadyCancelled => "already cancelled",
        ResumeError::AlreadyAnswered { .. } => "already answered",
        ResumeError::Stale { .. } => "stale",
        ResumeError::NotPaused { .. } => "not paused",
        ResumeError::UnknownQuery { .. } => "unknown query",
        ResumeError::NotRecorded { .. } => "not recorded",
    }
}

#[test]
fn an_error_is_the_first_that_applies_in_the_order_of_the_contract() {
    let cancelled = || {
        let mut life = waiting_for_two();
        life.take(cancel(SeenAt::Paused)).unwrap();
        life
    };
    let done = || {
        let mut life = Life::begun();
        life.take(ask("first")).unwrap();
        life.take(Command::Answer(single(answer(1)))).unwrap();
        life.take(finish()).unwrap();
        life
    };
    let empty = || ResumePayload::Batch(Vec::new());
    // In each payload everything behind the error that is told is wrong as well.
    let cases: [(&str, Life, ResumePayload, &str); 13] = [
        ("cancelled", cancelled(), empty(), "invalid payload"),
        ("done", done(), batch([answer(1), answer(1)]), "invalid payload"),
        ("waiting", waiting_for_two(), batch([answer(9), epoch(9, 1)]), "invalid payload"),
        ("cancelled", cancelled(), batch([answer(1), epoch(9, 1)]), "already cancelled"),
        ("cancelled", cancelled(), single(answer(1)), "already cancelled"),
        ("waiting", waiting_for_two(), batch([epoch(9, 1), epoch(1, 1)]), "already answered"),
        ("waiting", waiting_for_two(), single(meant_for(1, "another")), "already answered"),
        ("done", done(), single(epoch(1, 9)), "already answered"),
        ("waiting", waiting_for_two(), batch([answer(9), epoch(2, 1)]), "stale"),
        ("waiting", waiting_for_two(), batch([answer(9), meant_for(2, "third")]), "stale"),
        ("done", done(), single(epoch(9, 7)), "stale"),
        ("done", done(), single(answer(9)), "not paused"),
        ("waiting", waiting_for_two(), batch([answer(2), answer(9)]), "unknown query"),
    ];
    for (state, mut life, payload, told) in cases {
        let error = life.refused(payload.clone());
        assert_eq!(name_of(&error), told, "{payload:?} while {state}");
    }
}

#[test]
fn an_unknown_id_is_refused_with_the_queries_that_wait() {
    let mut life = waiting_for_two();
    life.take(Command::Answer(single(answer(3)))).unwrap();
    for n in [0, 4, u32::MAX] {
        let pending = vec![QueryId::new(2)];
        assert_eq!(life.refused(single(answer(n))), ResumeError::UnknownQuery { id: QueryId::new(n), pending });
    }
}

#[test]
fn a_second_answer_is_told_who_was_first() {
    let mut life = waiting_for_two();
    let rule = switchboard::domain::Answer { by: AnsweredBy::Rule("polite".into()), ..answer(3) };
    life.take(Command::Answer(single(rule))).unwrap();
    let first = |n, by| ResumeError::AlreadyAnswered { id: QueryId::new(n), by };
    assert_eq!(life.refused(single(answer(3))), first(3, AnsweredBy::Rule("polite".into())));
    assert_eq!(life.refused(single(answer(1))), first(1, AnsweredBy::Person));
}

#[test]
fn an_answer_meant_for_another_pause_is_stale() {
    let mut life = waiting_for_two();
    for given in [0, 1, 3] {
        assert_eq!(
            life.refused(single(epoch(2, given))),
            ResumeError::Stale { expected: "epoch 2".into(), given: format!("epoch {given}") }
        );
    }
    life.take(Command::Answer(single(epoch(2, 2)))).unwrap();
}

#[test]
fn an_answer_meant_for_another_prompt_is_stale() {
    let mut life = waiting_for_two();
    let hash = |prompt| format!("prompt {}", PromptHash::of(prompt));
    assert_eq!(
        life.refused(single(meant_for(3, "second"))),
        ResumeError::Stale { expected: hash("third"), given: hash("second") }
    );
    life.take(Command::Answer(single(meant_for(3, "third")))).unwrap();
}

#[test]
fn a_payload_with_one_bad_id_is_refused_whole() {
    let bad = [answer(9), answer(1), epoch(3, 1), meant_for(3, "second"), answer(2)];
    for bad in bad {
        for payload in [batch([answer(2), bad.clone()]), batch([bad.clone(), answer(2)])] {
            let mut life = waiting_for_two();
            life.refused(payload);
            assert_eq!(life.pause().pending().count(), 2);
        }
    }
}

#[test]
fn a_single_payload_answers_any_query_of_a_batch_and_a_batch_answers_a_single_one() {
    let mut life = waiting_for_two();
    life.take(Command::Answer(single(answer(3)))).unwrap();
    life.take(Command::Answer(batch([answer(2)]))).unwrap();
    let EventKind::ResumeAccepted { payload_kind } = &life.events.last().unwrap().kind else { panic!("it goes on") };
    assert_eq!(*payload_kind, PauseKind::Batch);
    life.take(ask("fourth")).unwrap();
    life.take(Command::Answer(batch([answer(4)]))).unwrap();
    assert_eq!(life.session.state().name(), StateName::Running);
}

#[test]
fn answers_are_delivered_in_the_order_asked_whatever_order_they_came_in() {
    let mut life = Life::begun();
    life.take(ask_batch(["a", "b", "c"])).unwrap();
    life.take(Command::Answer(single(answer(3)))).unwrap();
    assert_eq!(life.session.take_replies(), [], "one is still open");
    life.take(Command::Answer(batch([answer(2), answer(1)]))).unwrap();
    let replies: Vec<_> = life.session.take_replies().iter().map(ToString::to_string).collect();
    assert_eq!(replies, ["answer 1", "answer 2", "answer 3"]);
}

#[test]
fn every_prompt_of_a_pause_stays_listed_and_the_answered_ones_say_by_whom() {
    let mut life = waiting_for_two();
    life.take(Command::Answer(single(answer(3)))).unwrap();
    let listed: Vec<_> = life
        .pause()
        .prompts
        .iter()
        .map(|prompt| (prompt.query.query_id.number(), prompt.answered_by.clone()))
        .collect();
    assert_eq!(listed, [(2, None), (3, Some(AnsweredBy::Person))]);
}

#[test]
fn an_answer_says_how_many_queries_remain() {
    let mut life = Life::begun();
    life.take(ask_batch(["a", "b", "c", "d"])).unwrap();
    for payload in [single(answer(2)), batch([answer(4), answer(1)]), single(answer(3))] {
        life.take(Command::Answer(payload)).unwrap();
    }
    let remaining: Vec<u32> = life
        .events
        .iter()
        .filter_map(|event| match event.kind {
            EventKind::AnswerAccepted { remaining, .. } => Some(remaining),
            _ => None,
        })
        .collect();
    assert_eq!(remaining, [3, 2, 1, 0]);
}

#[test]
fn a_delivery_sent_again_gets_its_first_outcome_whatever_the_session_does_now() {
    let mut life = Life::begun();
    life.take(ask_batch(["a", "b", "c"])).unwrap();
    life.take(Command::Answer(single(named(2, "first")))).unwrap();
    life.take(Command::Answer(batch([named(1, "second"), named(3, "third")]))).unwrap();
    let deliveries = [
        (single(named(2, "first")), ResumeOutcome::Remaining(2)),
        (batch([named(1, "second"), named(3, "third")]), ResumeOutcome::Continued),
        (batch([named(3, "third"), named(1, "second")]), ResumeOutcome::Continued),
    ];
    for next in [ask("d"), cancel(SeenAt::Paused)] {
        for (payload, outcome) in &deliveries {
            let before = life.session.clone();
            assert_eq!(life.take(Command::Answer(payload.clone())), Err(Rejected::Repeated(*outcome)), "{payload:?}");
            assert_eq!(life.session, before);
        }
        life.take(next).unwrap();
    }
}

#[test]
fn a_batch_with_one_new_name_is_no_repetition() {
    let mut life = Life::begun();
    life.take(ask_batch(["a", "b"])).unwrap();
    life.take(Command::Answer(single(named(1, "first")))).unwrap();
    let mixed = batch([named(1, "first"), named(2, "new")]);
    assert_eq!(life.refused(mixed), ResumeError::AlreadyAnswered { id: QueryId::new(1), by: AnsweredBy::Person });
}

#[test]
fn a_batch_may_be_delivered_under_one_name() {
    let mut life = Life::begun();
    life.take(ask_batch(["a", "b", "c"])).unwrap();
    let together = batch([named(1, "both"), named(3, "both")]);
    life.take(Command::Answer(together.clone())).unwrap();
    assert_eq!(life.take(Command::Answer(together)), Err(Rejected::Repeated(ResumeOutcome::Remaining(1))));
}

#[test]
fn a_name_used_again_for_another_query_is_another_delivery() {
    let mut life = Life::begun();
    life.take(ask("a")).unwrap();
    life.take(Command::Answer(single(named(1, "always")))).unwrap();
    life.take(ask("b")).unwrap();
    life.take(Command::Answer(single(named(2, "always")))).unwrap();
    assert_eq!(life.session.state().name(), StateName::Running, "both queries are answered");
}

#[test]
fn a_refused_delivery_leaves_its_name_unused() {
    let mut life = Life::begun();
    life.take(ask("a")).unwrap();
    life.refused(single(named(9, "mine")));
    life.take(Command::Answer(single(named(1, "mine")))).unwrap();
}

#[test]
fn an_answer_over_the_limit_is_an_invalid_payload_and_one_at_the_limit_is_taken() {
    let mut spec = SessionSpec::run("x");
    spec.limits.answer_bytes = 4;
    let mut life = Life::with(spec);
    life.take(ask("a")).unwrap();
    let long = |text: &str| switchboard::domain::Answer { response: text.into(), ..answer(1) };
    let why = "the answer to q-1 is 5 bytes long; the limit is 4".to_owned();
    assert_eq!(life.refused(single(long("12345"))), ResumeError::InvalidPayload { why });
    life.take(Command::Answer(single(long("1234")))).unwrap();
}

#[test]
fn every_refusal_is_one_clear_line() {
    let by = AnsweredBy::Answerer("oracle".into());
    let ids = |n| (1..=n).map(QueryId::new).collect::<Vec<_>>();
    let id = QueryId::new(9);
    let lines = [
        (ResumeError::InvalidPayload { why: "the batch is empty".into() }, "invalid payload: the batch is empty"),
        (ResumeError::AlreadyCancelled, "the session is already cancelled"),
        (ResumeError::AlreadyAnswered { id, by }, "q-9 is already answered by answerer:oracle"),
        (ResumeError::NotPaused { actual: StateName::Done }, "not paused: done"),
        (ResumeError::UnknownQuery { id, pending: ids(2) }, "unknown query q-9; waiting for q-1, q-2"),
        (
            ResumeError::UnknownQuery { id, pending: ids(7) },
            "unknown query q-9; waiting for q-1, q-2, q-3, q-4, q-5 and 2 more",
        ),
        (ResumeError::NotRecorded { cause: "the disk is full".into() }, "not recorded: the disk is full"),
    ];
    for (error, line) in lines {
        assert_eq!(error.to_string(), line);
    }
}
