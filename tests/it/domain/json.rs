//! The JSON forms of everything public: what is written to disk, printed and read by others.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use switchboard::domain::{
    Answer, AnsweredBy, Branch, Budget, CancelCode, CancelError, CancelReason, Cancelled, Command, Done, EffectStep,
    Event, EventKind, ExecutionState, Failure, FailureKind, Intent, LimitKind, Limits, ObserverRecvError, Parent,
    Pause, PauseKind, Phase, Prompt, PromptHash, Query, QueryId, ResumeError, ResumeOutcome, Scenario, SeenAt,
    SessionId, SessionKind, SessionSpec, SharedBudget, StateName, TerminalOutcome, TokenUsage, Usage,
};

use super::{Life, answer, ask, finish, single};

/// `value` is written as `json` and read back from it.
fn is_written<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, json: &Value) {
    assert_eq!(&serde_json::to_value(value).unwrap(), json);
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
}

fn pause() -> Arc<Pause> {
    let plain = Query {
        query_id: QueryId::new(1),
        prompt: "why?".into(),
        system: None,
        max_tokens: 1024,
        grounded: false,
        underspecified: false,
        role: None,
        cache_breakpoint: None,
        line: None,
    };
    let full = Query {
        query_id: QueryId::new(2),
        system: Some("be brief".into()),
        grounded: true,
        underspecified: true,
        role: Some("judge".into()),
        cache_breakpoint: Some("here".into()),
        line: Some(12),
        ..plain.clone()
    };
    let prompts = vec![
        Prompt { query: Arc::new(plain), answered_by: None },
        Prompt { query: Arc::new(full), answered_by: Some(AnsweredBy::Rule("yes".into())) },
    ];
    Arc::new(Pause { epoch: 3, kind: PauseKind::Batch, prompts, paused_at: 40 })
}

fn pause_json() -> Value {
    json!({
        "epoch": 3,
        "kind": "batch",
        "prompts": [
            {"query_id": "q-1", "prompt": "why?", "system": null, "max_tokens": 1024, "grounded": false,
             "underspecified": false},
            {"query_id": "q-2", "prompt": "why?", "system": "be brief", "max_tokens": 1024, "grounded": true,
             "underspecified": true, "role": "judge", "cache_breakpoint": "here", "line": 12, "answered_by": "rule:yes"},
        ],
        "paused_at": 40,
    })
}

/// `fields` and then `more`.
fn with(mut fields: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("fields") };
    fields.as_object_mut().unwrap().extend(more);
    fields
}

fn reason() -> CancelReason {
    CancelReason { code: CancelCode::Timeout, detail: Some("over the deadline".into()), requested_at: 1234 }
}

#[test]
fn every_state_is_an_object_whose_field_state_names_it() {
    let cancelled = Cancelled {
        reason: reason(),
        observed_at: 1240,
        seen_at: SeenAt::Paused,
        state_before: ExecutionState::Paused(pause()),
    };
    let failure = |limit, traceback: Option<&str>| Failure {
        message: "script:1: no".into(),
        kind: if limit == Some(LimitKind::Cpu) { FailureKind::Limit } else { FailureKind::LuaError },
        limit,
        traceback: traceback.map(str::to_owned),
        occurred_at: 9,
    };
    let states = [
        (ExecutionState::BORN, json!({"state": "running"})),
        (ExecutionState::Running { waiting_on: Some(2) }, json!({"state": "running", "waiting_on": 2})),
        (ExecutionState::Paused(pause()), with(json!({"state": "paused"}), pause_json())),
        (
            ExecutionState::Done(Arc::new(Done { value: json!({"n": 1}), usage: None, finished_at: 7 })),
            json!({"state": "done", "value": {"n": 1}, "finished_at": 7}),
        ),
        (
            ExecutionState::Cancelled(Arc::new(cancelled)),
            json!({
                "state": "cancelled",
                "reason": {"code": "timeout", "detail": "over the deadline", "requested_at": 1234},
                "observed_at": 1240,
                "seen_at": "paused",
                "state_before": with(json!({"state": "paused"}), pause_json()),
            }),
        ),
        (
            ExecutionState::Failed(Arc::new(failure(None, None))),
            json!({"state": "failed", "message": "script:1: no", "kind": "lua_error", "occurred_at": 9}),
        ),
        (
            ExecutionState::Failed(Arc::new(failure(Some(LimitKind::Cpu), Some("a\nb")))),
            json!({"state": "failed", "message": "script:1: no", "kind": "limit", "limit": "cpu", "traceback": "a\nb",
                   "occurred_at": 9}),
        ),
    ];
    for (state, json) in &states {
        is_written(state, json);
        assert_eq!(json["state"], state.name().as_str());
        assert_eq!(json!(state.name()), json["state"]);
        if let Some(outcome) = state.outcome() {
            is_written(&outcome, json);
            assert_eq!(&ExecutionState::from(outcome), state);
        }
    }
}

#[test]
fn every_event_is_an_object_with_seq_at_kind_and_its_own_fields() {
    let usage = TokenUsage { prompt_tokens: Some(3), completion_tokens: None };
    let end = TerminalOutcome::Done(Arc::new(Done { value: json!(1), usage: None, finished_at: 20 }));
    let id = QueryId::new(4);
    let events = [
        (EventKind::Tick { phase: Phase::Running }, json!({"kind": "tick", "phase": "running"})),
        (
            EventKind::StateTransition { from: StateName::Running, to: StateName::Paused, end: None },
            json!({"kind": "state_transition", "from": "running", "to": "paused"}),
        ),
        (
            EventKind::StateTransition { from: StateName::Running, to: StateName::Done, end: Some(end) },
            json!({"kind": "state_transition", "from": "running", "to": "done",
                   "end": {"state": "done", "value": 1, "finished_at": 20}}),
        ),
        (EventKind::PauseRequested { info: pause() }, json!({"kind": "pause_requested", "info": pause_json()})),
        (
            EventKind::ResumeAccepted { payload_kind: PauseKind::Single },
            json!({"kind": "resume_accepted", "payload_kind": "single"}),
        ),
        (EventKind::LlmCallBegin { query_id: id }, json!({"kind": "llm_call_begin", "query_id": "q-4"})),
        (EventKind::LlmCallEnd { query_id: id, usage: None }, json!({"kind": "llm_call_end", "query_id": "q-4"})),
        (
            EventKind::LlmCallEnd { query_id: id, usage: Some(Box::new(usage)) },
            json!({"kind": "llm_call_end", "query_id": "q-4", "usage": {"prompt_tokens": 3}}),
        ),
        (
            EventKind::Note { title: Some("limit".into()), content: "near".into() },
            json!({"kind": "note", "title": "limit", "content": "near"}),
        ),
        (
            EventKind::Log { level: "warn".into(), source: "print".into(), message: "m".into() },
            json!({"kind": "log", "level": "warn", "source": "print", "message": "m"}),
        ),
        (EventKind::LogDropped { n: 5 }, json!({"kind": "log_dropped", "n": 5})),
        (
            EventKind::Progress { step: 1, total: 2, message: Some("m".into()) },
            json!({"kind": "progress", "step": 1, "total": 2, "message": "m"}),
        ),
        (
            EventKind::Stats { key: "k".into(), value: json!([1.5, null]) },
            json!({"kind": "stats", "key": "k", "value": [1.5, null]}),
        ),
        (
            EventKind::AnswerAccepted {
                query_id: id,
                by: AnsweredBy::Answerer("oracle".into()),
                answer_id: Some("a-1".into()),
                remaining: 1,
                response: "yes".into(),
                usage: Some(Box::new(usage)),
            },
            json!({"kind": "answer_accepted", "query_id": "q-4", "by": "answerer:oracle", "answer_id": "a-1",
                   "remaining": 1, "response": "yes", "usage": {"prompt_tokens": 3}}),
        ),
        (
            EventKind::Effect(EffectStep::Intent(Arc::new(Intent {
                op: "state.set".into(),
                file: "state/default.json".into(),
                key: Some("k".into()),
                before: None,
                after: Some("1".into()),
                result: json!([1]),
                backup: true,
            }))),
            json!({"kind": "effect", "phase": "intent", "op": "state.set", "file": "state/default.json", "key": "k",
                   "before": null, "after": "1", "result": [1], "backup": true}),
        ),
        (
            EventKind::ChildStarted { session: SessionId::from_bits(7), index: 0, strategy: "cot".into() },
            json!({"kind": "child_started", "id": "0000000000000007", "index": 0, "strategy": "cot"}),
        ),
        (
            EventKind::ChildEnded {
                session: SessionId::from_bits(7),
                state: StateName::Failed,
                usage: Box::new(Usage::default()),
            },
            json!({"kind": "child_ended", "id": "0000000000000007", "state": "failed",
                   "usage": json!(Usage::default())}),
        ),
        (
            EventKind::Branched(Branch { of: SessionId::from_bits(8), at: QueryId::new(3), made_at: 6 }),
            json!({"kind": "branched", "of": "0000000000000008", "query_id": "q-3", "made_at": 6}),
        ),
        (
            EventKind::Effect(EffectStep::Done { intent: 3, error: Some("no room".into()) }),
            json!({"kind": "effect", "phase": "done", "intent": 3, "error": "no room"}),
        ),
        (
            EventKind::CancelRequested { reason: reason() },
            json!({"kind": "cancel_requested",
                   "reason": {"code": "timeout", "detail": "over the deadline", "requested_at": 1234}}),
        ),
    ];
    for (kind, json) in events {
        assert_eq!(json["kind"], kind.name());
        is_written(&Event { seq: 12, at: 34, kind }, &with(json!({"seq": 12, "at": 34}), json));
    }
}

#[test]
fn words_are_written_in_snake_case() {
    let code = |code: CancelCode| (json!(code), code.as_str());
    for (json, word) in CancelCode::ALL.map(code) {
        assert_eq!(json, word);
    }
    let words = [
        (json!(CancelCode::ALL), json!(["user", "timeout", "parent_dropped", "system_shutdown", "internal"])),
        (
            json!([SeenAt::BeforeStart, SeenAt::BeforePause, SeenAt::Running, SeenAt::Paused]),
            json!(["before_start", "before_pause", "running", "paused"]),
        ),
        (
            json!([FailureKind::LuaError, FailureKind::EngineError, FailureKind::Limit, FailureKind::Other]),
            json!(["lua_error", "engine_error", "limit", "other"]),
        ),
        (
            json!([
                LimitKind::Memory,
                LimitKind::Cpu,
                LimitKind::Wall,
                LimitKind::Section,
                LimitKind::Pauses,
                LimitKind::Queries,
                LimitKind::Size
            ]),
            json!(["memory", "cpu", "wall", "section", "pauses", "queries", "size"]),
        ),
        (json!([ResumeOutcome::Continued, ResumeOutcome::Remaining(2)]), json!(["continued", {"remaining": 2}])),
    ];
    for (written, wanted) in words {
        assert_eq!(written, wanted);
    }
}

#[test]
fn an_answerer_is_one_word_or_a_kind_with_a_name() {
    let written = [
        (AnsweredBy::Person, "person"),
        (AnsweredBy::Rule("a:b".into()), "rule:a:b"),
        (AnsweredBy::Answerer("oracle".into()), "answerer:oracle"),
        (AnsweredBy::File, "file"),
        (AnsweredBy::Stdin, "stdin"),
    ];
    for (by, text) in written {
        is_written(&by, &json!(text));
    }
    for text in ["", "Person", "rule", "rule:", "answerer:", "file:x", "robot:x"] {
        assert!(text.parse::<AnsweredBy>().is_err(), "{text:?}");
    }
}

#[test]
fn ids_are_written_in_one_way_only() {
    is_written(&QueryId::new(12), &json!("q-12"));
    is_written(&QueryId::of_child(0, 3), &json!("f-0-3"));
    is_written(&QueryId::of_child(17, 1), &json!("f-17-1"));
    is_written(&SessionId::from_bits(0xab), &json!("00000000000000ab"));
    is_written(&PromptHash::of("why?"), &json!(PromptHash::of("why?").to_string()));
    for text in [
        "",
        "q-",
        "q-0",
        "q-01",
        "q-+1",
        "q--1",
        "q-1 ",
        "Q-1",
        "12",
        "q-4294967296",
        "f-1",
        "f-1-0",
        "f-01-1",
        "f--1",
        "f-4294967295-1",
        "q-1-1",
    ] {
        assert!(text.parse::<QueryId>().is_err(), "{text:?}");
    }
    for text in ["", "ab", "00000000000000AB", "0x000000000000ab", "+0000000000000ab", "00000000000000abc"] {
        assert!(text.parse::<SessionId>().is_err(), "{text:?}");
    }
    for text in ["", "zz", "+123456789abcdef", "123456789abcdef", "0123456789abcdefg"] {
        assert!(serde_json::from_value::<PromptHash>(json!(text)).is_err(), "{text:?}");
    }
}

#[test]
fn a_prompt_hash_is_the_beginning_of_a_known_digest() {
    // SHA-256 of the empty text begins with e3b0c44298fc1c14.
    assert_eq!(PromptHash::of("").to_string(), "e3b0c44298fc1c14");
}

#[test]
fn an_answer_needs_only_query_response_and_answerer() {
    is_written(
        &Answer::new(QueryId::new(1), "yes", AnsweredBy::Person),
        &json!({"query_id": "q-1", "response": "yes", "by": "person"}),
    );
    let full = Answer {
        epoch: Some(2),
        prompt_hash: Some(PromptHash::of("")),
        usage: Some(TokenUsage { prompt_tokens: Some(1), completion_tokens: Some(2) }),
        answer_id: Some("a".into()),
        ..Answer::new(QueryId::new(1), "yes", AnsweredBy::Stdin)
    };
    is_written(
        &full,
        &json!({"query_id": "q-1", "epoch": 2, "prompt_hash": "e3b0c44298fc1c14", "response": "yes",
                "usage": {"prompt_tokens": 1, "completion_tokens": 2}, "by": "stdin", "answer_id": "a"}),
    );
}

#[test]
fn a_spec_writes_its_kind_beside_the_rest_and_every_absent_field_has_a_default() {
    let minimal = json!({"kind": "run", "code": "return 1"});
    let spec: SessionSpec = serde_json::from_value(minimal).unwrap();
    assert_eq!(spec, SessionSpec::run("return 1"));
    let limits: Limits = serde_json::from_value(json!({"pauses": 3})).unwrap();
    assert_eq!(limits, Limits { pauses: Some(3), ..Limits::default() });
    let full = SessionSpec {
        kind: SessionKind::Run { code: "x".into(), name: Some("a.lua".into()) },
        project_root: Some("lib".into()),
        library_dirs: vec!["more".into()],
        ctx: Some(json!({"k": [1]})),
        env: BTreeMap::from([("A".into(), "1".into())]),
        title: Some("t".into()),
        tags: BTreeMap::from([("k".into(), "v".into())]),
        limits: Limits::default(),
        parent: Some(Parent {
            session: SessionId::from_bits(7),
            fork: 1,
            index: 2,
            depth: 1,
            budget: Some(SharedBudget { limits: Budget { tokens: Some(9), ..Budget::default() }, since: 5 }),
        }),
        branch: Some(Branch { of: SessionId::from_bits(8), at: QueryId::new(3), made_at: 6 }),
        held: true,
    };
    let written = with(
        json!({"kind": "run", "code": "x", "name": "a.lua", "project_root": "lib", "library_dirs": ["more"],
               "ctx": {"k": [1]},
               "env": {"A": "1"}, "title": "t", "tags": {"k": "v"}, "held": true}),
        json!({"limits": serde_json::to_value(Limits::default()).unwrap(),
               "parent": {"session": "0000000000000007", "fork": 1, "index": 2, "depth": 1,
                          "budget": {"tokens": 9, "since": 5}},
               "branch": {"of": "0000000000000008", "query_id": "q-3", "made_at": 6}}),
    );
    is_written(&full, &written);
    let kind = |kind| serde_json::to_value(SessionSpec { kind, ..SessionSpec::run("") }).unwrap();
    let advice = SessionKind::Advice { strategy: "cot".into(), task: Some("t".into()), opts: None };
    assert_eq!(without_limits(kind(advice)), json!({"kind": "advice", "strategy": "cot", "task": "t"}));
    for (scenario, written) in [
        (Scenario::Name("s".into()), json!({"name": "s"})),
        (Scenario::File("s.lua".into()), json!({"file": "s.lua"})),
        (Scenario::Inline("{}".into()), json!({"inline": "{}"})),
    ] {
        let eval = SessionKind::Eval { scenario, strategy: "cot".into(), opts: None, auto_card: true };
        let written = json!({"kind": "eval", "scenario": written, "strategy": "cot", "auto_card": true});
        assert_eq!(without_limits(kind(eval)), written);
    }
}

fn without_limits(mut spec: Value) -> Value {
    spec.as_object_mut().unwrap().remove("limits");
    spec
}

#[test]
fn errors_are_told_apart_by_a_word() {
    let session = SessionId::from_bits(1);
    let id = QueryId::new(2);
    let errors = [
        (json!(ResumeError::InvalidPayload { why: "w".into() }), json!({"error": "invalid_payload", "why": "w"})),
        (json!(ResumeError::NotFound { session }), json!({"error": "not_found", "session": "0000000000000001"})),
        (json!(ResumeError::AlreadyCancelled), json!({"error": "already_cancelled"})),
        (
            json!(ResumeError::AlreadyAnswered { id, by: AnsweredBy::File }),
            json!({"error": "already_answered", "id": "q-2", "by": "file"}),
        ),
        (
            json!(ResumeError::Stale { expected: "e".into(), given: "g".into() }),
            json!({"error": "stale", "expected": "e", "given": "g"}),
        ),
        (json!(ResumeError::NotPaused { actual: StateName::Done }), json!({"error": "not_paused", "actual": "done"})),
        (
            json!(ResumeError::UnknownQuery { id, pending: vec![QueryId::new(1)] }),
            json!({"error": "unknown_query", "id": "q-2", "pending": ["q-1"]}),
        ),
        (json!(ResumeError::NotRecorded { cause: "c".into() }), json!({"error": "not_recorded", "cause": "c"})),
        (json!(CancelError::NotRecorded { cause: "c".into() }), json!({"error": "not_recorded", "cause": "c"})),
        (json!(ObserverRecvError::Gap { from: 1, to: 2 }), json!({"error": "gap", "from": 1, "to": 2})),
        (json!(ObserverRecvError::Closed), json!({"error": "closed"})),
    ];
    for (written, wanted) in errors {
        assert_eq!(written, wanted);
    }
}

#[test]
fn the_usage_in_a_done_state_says_how_well_each_sum_is_known() {
    let mut life = Life::begun();
    life.take(ask("abcd")).unwrap();
    life.take(Command::Answer(single(answer(1)))).unwrap();
    life.take(finish()).unwrap();
    let state = serde_json::to_value(life.session.state()).unwrap();
    let wanted = json!({
        "llm_calls": 1, "pauses": 1, "rounds": 1, "total_prompt_chars": 4, "total_response_chars": 8,
        "prompt_tokens": {"tokens": 1, "source": "estimated"},
        "response_tokens": {"tokens": 2, "source": "estimated"},
        "total_tokens": {"tokens": 3, "source": "estimated"},
        "elapsed_ms": 40, "waiting_ms": 10,
    });
    assert_eq!(state["usage"], wanted);
    let read: ExecutionState = serde_json::from_value(state.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), state);
}
