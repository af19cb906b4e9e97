//! What a session is said to have used.

use switchboard::domain::{
    Answer, Command, ExecutionState, PauseKind, Question, SeenAt, TokenSource, TokenUsage, Usage,
};

use super::{Life, answer, ask, ask_batch, batch, cancel, finish, single};

fn counted(n: u32, prompt_tokens: Option<u64>, completion_tokens: Option<u64>) -> Answer {
    Answer { usage: Some(TokenUsage { prompt_tokens, completion_tokens }), ..answer(n) }
}

fn final_usage(life: &Life) -> Option<Usage> {
    match life.session.state() {
        ExecutionState::Done(done) => done.usage,
        other => panic!("it should be done: {other:?}"),
    }
}

#[test]
fn a_session_that_asked_nothing_is_done_without_usage() {
    let mut life = Life::begun();
    life.take(finish()).unwrap();
    assert_eq!(final_usage(&life), None);
}

#[test]
fn the_usage_at_the_end_counts_calls_pauses_rounds_and_characters() {
    let mut life = Life::begun();
    life.take(ask_batch(["abc", "é"])).unwrap();
    life.take(Command::Answer(single(answer(2)))).unwrap();
    life.take(Command::Answer(single(answer(1)))).unwrap();
    let system = Question { system: Some("sys".into()), ..super::question("abcd") };
    life.take(Command::Ask { kind: PauseKind::Single, questions: vec![system] }).unwrap();
    life.take(Command::Answer(single(answer(3)))).unwrap();
    life.take(finish()).unwrap();
    let usage = final_usage(&life).unwrap();
    assert_eq!((usage.llm_calls, usage.pauses, usage.rounds), (3, 2, 2));
    assert_eq!((usage.total_prompt_chars, usage.total_response_chars), (3 + 2 + 4 + 3, 3 * 8));
}

#[test]
fn a_query_counts_when_its_pause_is_published_and_an_answer_when_it_is_taken() {
    let mut life = Life::begun();
    life.take(ask_batch(["abcd", "abcd"])).unwrap();
    let usage = *life.session.usage();
    assert_eq!((usage.llm_calls, usage.pauses, usage.rounds, usage.total_response_chars), (2, 1, 0, 0));
    life.take(Command::Answer(single(answer(1)))).unwrap();
    let usage = *life.session.usage();
    assert_eq!((usage.rounds, usage.total_response_chars), (0, 8));
}

#[test]
fn a_provided_count_replaces_the_estimate_of_its_query_and_a_missing_side_is_estimated() {
    let mut life = Life::begun();
    life.take(ask_batch(["abcd", "abcdefgh"])).unwrap();
    life.take(Command::Answer(batch([counted(1, Some(100), Some(9)), counted(2, None, Some(7))]))).unwrap();
    let usage = *life.session.usage();
    assert_eq!((usage.prompt_tokens.tokens, usage.prompt_tokens.source()), (102, TokenSource::Estimated));
    assert_eq!((usage.response_tokens.tokens, usage.response_tokens.source()), (16, TokenSource::Provided));
    assert_eq!((usage.total_tokens.tokens, usage.total_tokens.source()), (118, TokenSource::Estimated));
}

#[test]
fn a_sum_is_as_weak_as_its_weakest_part() {
    assert!(TokenSource::Estimated < TokenSource::Provided && TokenSource::Provided < TokenSource::Definite);
    let mut life = Life::begun();
    assert_eq!(life.session.usage().total_tokens.source(), TokenSource::Definite, "nothing was counted yet");
    life.take(ask_batch(["a", "b"])).unwrap();
    let source = |life: &Life| life.session.usage().total_tokens.source();
    assert_eq!(source(&life), TokenSource::Estimated);
    life.take(Command::Answer(single(counted(1, Some(1), Some(1))))).unwrap();
    assert_eq!(source(&life), TokenSource::Estimated, "the other prompt is still an estimate");
    life.take(Command::Answer(single(counted(2, Some(1), Some(1))))).unwrap();
    assert_eq!(source(&life), TokenSource::Provided);
}

#[test]
fn refused_and_repeated_answers_are_not_booked() {
    let mut life = Life::begun();
    life.take(ask("abcd")).unwrap();
    let delivery = Answer { answer_id: Some("once".into()), ..counted(1, Some(5), Some(5)) };
    life.take(Command::Answer(single(delivery.clone()))).unwrap();
    let booked = *life.session.usage();
    life.take(Command::Answer(single(delivery))).unwrap_err();
    life.refused(single(counted(1, Some(1000), Some(1000))));
    life.refused(batch([counted(2, Some(1000), None), counted(2, None, None)]));
    assert_eq!(*life.session.usage(), booked);
}

#[test]
fn absurd_counts_of_an_answerer_saturate_and_harm_nothing() {
    let absurd = |n| counted(n, Some(u64::MAX), Some(u64::MAX));
    let mut life = Life::begun();
    for n in 0..4 {
        life.take(ask_batch(["abcd", "abcd"])).unwrap();
        life.take(Command::Answer(batch([absurd(2 * n + 1), answer(2 * n + 2)]))).unwrap();
    }
    let usage = *life.session.usage();
    assert_eq!(usage.total_tokens.tokens, u64::MAX);
    assert_eq!(usage.llm_calls, 8);
}

#[test]
fn elapsed_time_runs_from_birth_to_the_end_and_waiting_time_while_it_was_paused() {
    let mut life = Life::begun(); // 10
    life.take(ask("a")).unwrap(); // 20
    life.now += 1000;
    life.take(Command::Answer(single(answer(1)))).unwrap(); // 1030
    life.take(ask("b")).unwrap(); // 1040
    life.now += 500;
    let between = life.session.usage_at(life.now);
    assert_eq!((between.elapsed_ms, between.waiting_ms), (1540, 1510), "its clock goes on between its events");
    life.take(cancel(SeenAt::Paused)).unwrap(); // 1550
    let usage = *life.session.usage();
    assert_eq!((usage.elapsed_ms, usage.waiting_ms), (1550, 1520));
    assert_eq!(life.session.usage_at(life.now + 9999), usage, "nothing counts after the end");
}

#[test]
fn a_clock_that_goes_backwards_counts_nothing() {
    let mut life = Life::begun();
    life.take(ask("a")).unwrap();
    life.now = 0;
    life.take(Command::Answer(single(answer(1)))).unwrap();
    life.take(finish()).unwrap();
    let usage = final_usage(&life).unwrap();
    assert_eq!((usage.elapsed_ms, usage.waiting_ms), (0, 0));
}

#[test]
fn ended_sessions_of_every_kind_report_their_usage() {
    let fail = Command::Fail {
        message: "no".into(),
        kind: switchboard::domain::FailureKind::LuaError,
        limit: None,
        traceback: None,
    };
    for end in [finish(), fail, cancel(SeenAt::Running)] {
        let mut life = Life::begun();
        life.take(ask("abcd")).unwrap();
        life.take(Command::Answer(single(answer(1)))).unwrap();
        life.take(end).unwrap();
        let usage = life.session.usage();
        assert_eq!((usage.llm_calls, usage.rounds, usage.elapsed_ms), (1, 1, 40));
    }
}
