//! Limits that the rules themselves know: pauses, queries, the size of a prompt, what a spec may be.

use std::sync::Arc;

use serde_json::json;
use switchboard::domain::{
    Command, EventKind, ExecutionState, Failure, FailureKind, InvalidSpec, LimitKind, Limits, Scenario, SessionKind,
    SessionSpec,
};

use super::{Life, answer, ask, ask_batch, single};

fn limited(change: impl FnOnce(&mut Limits)) -> Life {
    let mut spec = SessionSpec::run("x");
    change(&mut spec.limits);
    let mut life = Life::with(spec);
    life.take(Command::Begin).unwrap();
    life
}

fn failure(life: &Life) -> Arc<Failure> {
    match life.session.state() {
        ExecutionState::Failed(failure) => Arc::clone(failure),
        other => panic!("it should have failed: {other:?}"),
    }
}

const ANNOUNCED_AND_ENDED: [&str; 4] = ["state_transition", "pause_requested", "llm_call_begin", "state_transition"];

#[test]
fn after_so_many_answered_pauses_the_next_one_is_announced_and_ends_the_session() {
    for limit in [0, 1, 3] {
        let mut life = limited(|limits| limits.pauses = Some(limit));
        for n in 1..=limit {
            life.take(ask("again")).unwrap();
            life.take(Command::Answer(single(answer(n as u32)))).unwrap();
        }
        assert_eq!(life.take(ask("once too often")).unwrap(), ANNOUNCED_AND_ENDED, "limit {limit}");
        let failure = failure(&life);
        assert_eq!((failure.kind, failure.limit), (FailureKind::Limit, Some(LimitKind::Pauses)));
        assert_eq!((life.session.usage().pauses, life.session.usage().rounds), (limit + 1, limit));
    }
}

#[test]
fn the_pause_that_goes_beyond_the_queries_is_announced_and_ends_the_session() {
    let mut life = limited(|limits| limits.queries = Some(3));
    life.take(ask_batch(["a", "b"])).unwrap();
    life.take(Command::Answer(super::batch([answer(1), answer(2)]))).unwrap();
    let names = life.take(ask_batch(["c", "d"])).unwrap();
    assert_eq!(names.last(), Some(&"state_transition"));
    let failure = failure(&life);
    assert_eq!((failure.kind, failure.limit), (FailureKind::Limit, Some(LimitKind::Queries)));
    assert_eq!(failure.message, "the program asked 4 queries; the limit is 3 queries");
    let EventKind::StateTransition { from, .. } = life.events.last().unwrap().kind.clone() else { panic!("the end") };
    assert_eq!(from.as_str(), "paused", "it ended out of the pause that it announced");
}

#[test]
fn a_note_says_once_when_four_fifths_of_a_limit_are_used() {
    let notes = |change: fn(&mut Limits), pauses: u32| {
        let mut life = limited(change);
        for n in 1..=pauses {
            life.take(ask("again")).unwrap();
            life.take(Command::Answer(single(answer(n)))).unwrap();
        }
        let notes = life.events.iter().filter_map(|event| match &event.kind {
            EventKind::Note { title, content } => Some(format!("{}: {content}", title.as_deref().unwrap_or_default())),
            _ => None,
        });
        notes.collect::<Vec<_>>()
    };
    let of_pauses = "limit near: 8 of 10 pauses are used; the limit ends the session";
    let of_queries = "limit near: 4 of 5 queries are used; the limit ends the session";
    assert_eq!(notes(|limits| limits.pauses = Some(10), 7), [""; 0]);
    assert_eq!(notes(|limits| limits.pauses = Some(10), 10), [of_pauses]);
    assert_eq!(notes(|limits| limits.queries = Some(5), 5), [of_queries]);
    assert_eq!(notes(|limits| limits.pauses = Some(1), 1), [""; 0], "there is no near where there is only one");
}

#[test]
fn exactly_as_many_queries_as_the_limit_may_be_asked() {
    let mut life = limited(|limits| limits.queries = Some(2));
    life.take(ask_batch(["a", "b"])).unwrap();
    assert_eq!(life.pause().prompts.len(), 2);
}

#[test]
fn a_prompt_over_the_limit_ends_the_session_unasked_and_its_system_text_counts() {
    let mut life = limited(|limits| limits.prompt_bytes = 8);
    life.take(ask("12345678")).unwrap();
    life.take(Command::Answer(single(answer(1)))).unwrap();
    let mut question = super::question("1234");
    question.system = Some("56789".into());
    let ask = Command::Ask { kind: switchboard::domain::PauseKind::Single, questions: vec![question] };
    assert_eq!(life.take(ask).unwrap(), ["state_transition"]);
    let failure = failure(&life);
    assert_eq!((failure.kind, failure.limit), (FailureKind::Limit, Some(LimitKind::Size)));
    assert_eq!(failure.message, "the prompt of q-2 is 9 bytes long; the limit is 8");
    assert_eq!(life.session.usage().llm_calls, 1, "a query counts when its pause is published");
}

#[test]
fn a_spec_that_cannot_be_run_is_refused_before_any_session_exists() {
    let with = |kind| SessionSpec { kind, ..SessionSpec::run("x") };
    let mut large = SessionSpec::run("12345");
    large.limits.source_bytes = 4;
    let mut wide = SessionSpec::run("x");
    wide.ctx = Some(json!({"key": "value"}));
    wide.limits.ctx_bytes = 14;
    let advice = |strategy: &str, opts| SessionKind::Advice { strategy: strategy.into(), task: None, opts };
    let eval = |scenario| SessionKind::Eval { scenario, strategy: "cot".into(), opts: None, auto_card: false };
    let mut wide_opts = with(advice("cot", Some(json!({"key": "value"}))));
    wide_opts.limits.ctx_bytes = 14;
    let mut long_scenario = with(eval(Scenario::Inline("12345".into())));
    long_scenario.limits.source_bytes = 4;
    let with_ctx = SessionSpec { ctx: Some(json!({})), ..with(eval(Scenario::Name("s".into()))) };
    let cases = [
        (SessionSpec::run(""), InvalidSpec::Blank),
        (SessionSpec::run(" \n\t "), InvalidSpec::Blank),
        (large, InvalidSpec::SourceTooLarge { bytes: 5, limit: 4 }),
        (wide, InvalidSpec::CtxTooLarge { bytes: 15, limit: 14 }),
        (wide_opts, InvalidSpec::CtxTooLarge { bytes: 15, limit: 14 }),
        (long_scenario, InvalidSpec::SourceTooLarge { bytes: 5, limit: 4 }),
        (with(advice("cot", Some(json!([])))), InvalidSpec::OptsNotObject),
        (with(advice("a\nb", None)), InvalidSpec::BadStrategy { strategy: "a\nb".into() }),
        (with_ctx, InvalidSpec::CtxNotTaken { kind: "eval" }),
    ];
    for (spec, why) in cases {
        assert_eq!(spec.check(), Err(why));
    }
    assert_eq!(SessionSpec::run("return 1 +").check(), Ok(()), "what does not compile is a session that fails");
}
