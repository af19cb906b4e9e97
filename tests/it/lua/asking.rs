//! The other ways to ask, and what a program does with its answers.

use serde_json::json;
use switchboard::domain::SessionSpec;

use super::driver::{Session, echo, error, result};

#[test]
fn a_remembered_answer_is_not_asked_for_again() {
    let code = "local out = {alc.cache('Q  1'), alc.cache('q 1 '), alc.cache('q 1', {system = 's'}),
        alc.cache('other', {cache_key = 'k'}), alc.cache('third', {cache_key = 'k'}),
        alc.cache('q 1', {cache_skip = true})}
        out[7] = alc.cache_info() alc.cache_clear() out[8] = alc.cache_info() out[9] = alc.cache('q 1') return out";
    let mut session = Session::new(code);
    let (full, empty) = (
        json!({"entries": 3, "hits": 2, "misses": 3, "max_entries": 256}),
        json!({"entries": 0, "hits": 0, "misses": 0, "max_entries": 256}),
    );
    let first = "<Q  1>";
    assert_eq!(
        session.finish(echo),
        Ok(json!([first, first, "<q 1>", "<other>", "<other>", "<q 1>", full, empty, "<q 1>"]))
    );
    assert_eq!(session.prompts(), ["Q  1", "q 1", "other", "q 1", "q 1"]);
}

#[test]
fn the_oldest_of_256_remembered_answers_is_forgotten() {
    let code = "for i = 1, 257 do alc.cache('q' .. i) end alc.cache('q2') alc.cache('q1') return alc.cache_info()";
    assert_eq!(result(code), json!({"entries": 256, "hits": 1, "misses": 258, "max_entries": 256}));
}

#[test]
fn a_question_that_cannot_be_asked_gives_the_default_and_a_warning() {
    let mut session = Session::with_ctx(
        "return {alc.llm_safe('a'), alc.llm_safe('b', nil, 'D'), tostring(alc.llm_safe('c'))}",
        json!({"budget": {"max_llm_calls": 1}}),
    );
    assert_eq!(session.finish(echo), Ok(json!(["<a>", "D", "nil"])));
    let text = "alc.llm_safe: budget_exceeded: max_llm_calls (1) reached (1 used)";
    assert_eq!(session.lines(), [("warn", "alc.log", text); 2]);
}

#[test]
fn an_answer_that_is_no_json_is_repaired_once() {
    let repair = "The previous response was not valid JSON.\n\nPrevious output:\nno\n\n\
        Fix the JSON and return ONLY valid JSON.\n\nOriginal request:\ngive";
    let mut session = Session::new("return {alc.llm_json('give', {system = 's', max_tokens = 9})}");
    assert_eq!(
        session.finish(|prompt| if prompt == repair { "```json\n{\"a\": 1}\n```".into() } else { "no".into() }),
        Ok(json!([{"a": 1}, "```json\n{\"a\": 1}\n```"]))
    );
    let asked = &session.pauses[1].1[0];
    assert_eq!((&*asked.prompt, asked.max_tokens), (repair, 9));
    let system = "Output ONLY valid JSON. No markdown fences, no explanation.";
    assert_eq!((asked.system.as_deref(), session.pauses[0].1[0].system.as_deref()), (Some(system), Some("s")));
    let mut session = Session::new("local value, raw = alc.llm_json('give') return {tostring(value), raw}");
    assert_eq!(session.finish(|_| "no".into()), Ok(json!(["nil", "no"])));
}

#[test]
fn claims_and_open_questions_are_marked() {
    let mut session = Session::new("local o = {max_tokens = 5} alc.ground('g', o) alc.specify('s') return o");
    assert_eq!(session.finish(echo), Ok(json!({"max_tokens": 5})), "the options stay as they were");
    let asked = |i: usize| &session.pauses[i].1[0];
    assert_eq!((asked(0).grounded, asked(0).underspecified, asked(0).max_tokens), (true, false, 5));
    assert_eq!((asked(1).grounded, asked(1).underspecified, asked(1).max_tokens), (false, true, 1024));
}

#[test]
fn stages_of_a_pipe_hand_on_their_results() {
    let mut session = Session::new(
        "local seen = {} local ctx = alc.pipe({'double', function(c) c.result = alc.llm(c.task) return c end, 'double'},
            {task = 'x', keep = 1}, {on_stage = function(i, name, c) seen[i] = name .. ':' .. tostring(c.task) end})
         ctx.seen = seen return ctx",
    );
    session.modules = vec![("double", "return {run = function(c) c.result = {c.task .. c.task} return c end}")];
    assert_eq!(
        session.finish(echo),
        Ok(json!({
            "keep": 1,
            "task": "<[\"xx\"]>",
            "result": ["<[\"xx\"]><[\"xx\"]>"],
            "pipe_history": [
                {"strategy": "double", "result": ["xx"]},
                {"strategy": "(inline-2)", "result": "<[\"xx\"]>"},
                {"strategy": "double", "result": ["<[\"xx\"]><[\"xx\"]>"]},
            ],
            "seen": ["double:[\"xx\"]", "(inline-2):<[\"xx\"]>", "double:<[\"xx\"]>"],
        }))
    );
    assert_eq!(error("alc.pipe({5}, {}) return 1"), "script:1: alc.pipe: strategy[1] must be a string or function");
}

#[test]
fn the_first_json_of_an_answer_that_is_a_table_is_found() {
    for (raw, value) in [
        ("[1] then {\"k\": 2}", json!({"k": 2})),
        ("{ {\"a\": 1}", json!({"a": 1})),
        ("```\\n[1]\\n``` {\"x\": 1}", json!([1])),
        ("{x} {y: [2]} [3]", json!([2])),
        ("5", json!(null)),
    ] {
        assert_eq!(result(&format!("return alc.json_extract('{raw}')")), value, "{raw}");
    }
    // Neither takes a time that grows with the square of the length.
    let code = "return tostring(alc.json_extract(string.rep('{', 1000000))) .. tostring(alc.json_extract(string.rep('[}', 500000)))";
    assert_eq!(result(code), json!("nilnil"));
}

#[test]
fn templates_take_what_answers_hold() {
    let code = "return {alc.fmt('%d %5d|%x', 2.5, -2.5, 254.6), alc.fmt('%s %s', nil, {1} and true), alc.fmt('%d %.2f', 0/0, 1/0),
        alc.fmt('%5.1f|%-6d|', -1/0, 0/0), alc.fmt('%d', '3'), alc.fmt('%d', 1e300):sub(1, 3), alc.fmt('100%%'),
        alc.fmt('%s', setmetatable({}, {__tostring = function() return alc.llm('t') end})), alc.fmt('%d', -0.5)}";
    assert_eq!(
        result(code),
        json!(["3    -3|ff", "<nil> true", "NaN Inf", " -Inf|NaN   |", "3", "100", "100%", "<t>", "-1"])
    );
    assert_eq!(error("\nalc.fmt('%d', {})"), "script:2: bad argument #2 to 'alc.fmt' (number expected, got table)");
    let mut session = Session::new("alc.log_fmt('info', '%d of %d', 1.0, 2)");
    session.finish(echo).unwrap();
    assert_eq!(session.lines(), [("info", "alc.log", "1 of 2")]);
}

#[test]
fn the_environment_can_be_read_and_not_changed() {
    let of = |code: &str, variables: &[(&str, &str)]| {
        let mut spec = SessionSpec::run(code);
        spec.env = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Session::of(spec).finish(echo).unwrap()
    };
    let code = "local ok, e = pcall(function() alc.env.A = 2 end)
        return {alc.env.A, tostring(alc.env.B), alc.env:get('B', 'd'), alc.env:use({'A', 'B'}), e, tostring(alc.env.HOME)}";
    assert_eq!(
        of(code, &[("A", "1"), ("HOME", "/h")]),
        json!(["1", "nil", "d", {"A": "1"}, "script:1: alc.env is readonly", "nil"])
    );
    assert_eq!(of("return {alc._dirs, type(alc.env)}", &[("HOME", "/h")])[1], json!("nil"));
    assert_eq!(
        of("return alc._dirs", &[("HOME", "/h")]),
        json!({"state": "/h/state", "cards": "/h/cards", "scenarios": "/h/scenarios"})
    );
    assert_eq!(result("return alc._dirs"), json!({}));
}
