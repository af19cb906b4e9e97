//! The functions of `alc`: asking, budget, logging, figures, and functions over arrays.

use serde_json::json;
use switchboard::domain::{Command, PauseKind, SessionSpec};
use switchboard::engine::{Input, Read, Step};

use super::driver::{Session, echo, result};

#[test]
fn a_question_carries_what_the_program_gave_it() {
    let mut session = Session::new(
        "return alc.llm('p', {system = 5, max_tokens = '12', grounded = 0, underspecified = false, role = 'grader',
            cache_breakpoint = 'here', other = print})",
    );
    assert_eq!(session.finish(echo), Ok(json!("<p>")));
    let (kind, questions) = &session.pauses[0];
    assert_eq!((*kind, questions.len()), (PauseKind::Single, 1));
    let question = &questions[0];
    assert_eq!((question.system.as_deref(), question.max_tokens), (Some("5"), 12));
    assert_eq!((question.grounded, question.underspecified), (true, false));
    assert_eq!((question.role.as_deref(), question.cache_breakpoint.as_deref()), (Some("grader"), Some("here")));
}

#[test]
fn a_question_names_the_line_of_the_program_that_asks() {
    let code = "local function ask(p)\n  return (alc.llm(p))\nend\nlocal a = ask('1')\nlocal b = alc.llm_batch({\n{prompt='2'},{prompt='3'}})\nlocal c = coroutine.wrap(function()\n  local d = alc.llm('4') return d end)()\nlocal e = alc.parallel({1}, function() return '5' end)";
    let mut session = Session::new(code);
    session.finish(echo).unwrap();
    let lines: Vec<Option<u32>> = session.pauses.iter().map(|(_, questions)| questions[0].line).collect();
    assert_eq!(lines, [Some(2), Some(5), Some(8), Some(9)]);
}

#[test]
fn max_tokens_is_taken_where_it_makes_sense() {
    for (given, taken) in
        [("nil", 1024), ("3.7", 3), ("0", 0), ("-1", 1024), ("2^40", 1024), ("'x'", 1024), ("{}", 1024)]
    {
        let mut session = Session::new(&format!("alc.llm('p', {{max_tokens = {given}}})"));
        session.finish(echo).unwrap();
        assert_eq!(session.pauses[0].1[0].max_tokens, taken, "{given}");
    }
}

#[test]
fn a_batch_is_one_pause_and_answered_in_order() {
    let code = "return alc.llm_batch({{prompt = 'a', system = 5}, {prompt = 7, system = 'S'}})";
    let mut session = Session::new(code);
    assert_eq!(session.finish(echo), Ok(json!(["<a>", "<7>"])));
    let (kind, questions) = &session.pauses[0];
    assert_eq!((session.pauses.len(), *kind), (1, PauseKind::Batch));
    assert_eq!((questions[0].system.as_deref(), questions[1].system.as_deref()), (None, Some("S")));
    let mut session = Session::new("return alc.llm_batch({{prompt = 'a'}})");
    session.finish(echo).unwrap();
    assert_eq!(session.pauses[0].0, PauseKind::Batch, "a batch of one is a batch");
}

#[test]
fn a_batch_may_be_made_of_metamethods_that_ask() {
    let mut session = Session::new(
        "local t = setmetatable({}, {__len = function() return 2 end,
            __index = function(_, i) return {prompt = alc.llm(i)} end}) return alc.llm_batch(t)",
    );
    assert_eq!(session.finish(echo), Ok(json!(["<<1>>", "<<2>>"])));
    assert_eq!(session.prompts(), ["1", "2", "<1>", "<2>"]);
}

#[test]
fn wrong_arguments_are_errors_and_ask_nothing() {
    for (call, text) in [
        ("alc.llm", "bad argument #1: error converting Lua nil to String (expected string or number)"),
        ("alc.llm, true", "bad argument #1: error converting Lua boolean to String (expected string or number)"),
        ("alc.llm, 'p', 5", "bad argument #2: error converting Lua integer to table"),
        (
            "alc.llm, 'a\\xff'",
            "bad argument #1: error converting Lua string to String (invalid utf-8 sequence of 1 bytes from index 1)",
        ),
        ("alc.llm_batch", "bad argument #1: error converting Lua nil to table"),
        ("alc.llm_batch, {}", "alc.llm_batch: empty items array"),
        ("alc.llm_batch, {'a'}", "error converting Lua string to table"),
        ("alc.llm_batch, {{}}", "error converting Lua nil to String (expected string or number)"),
        ("alc.parallel, {1}, 5", "alc.parallel: prompt_fn must be a function"),
        (
            "alc.parallel, {1}, function() return 5 end",
            "alc.parallel: prompt_fn must return string or table, got number at index 1",
        ),
        (
            "alc.parallel, {1}, function() return {} end",
            "alc.parallel: prompt_fn returned table without .prompt at index 1",
        ),
        ("alc.log, 'info'", "bad argument #2: error converting Lua nil to String (expected string or number)"),
        ("alc.progress, -1, 5", "bad argument #1: error converting Lua integer to u64 (out of range)"),
    ] {
        let mut session = Session::new(&format!("local ok, e = pcall({call}) return e"));
        assert_eq!(session.finish(echo), Ok(json!(text)), "{call}");
        assert!(session.pauses.is_empty(), "{call}");
    }
}

#[test]
fn questions_can_be_asked_wherever_lua_can_be_interrupted() {
    for (code, value) in [
        ("return {pcall(function() error(alc.llm('p'), 0) end)}", json!([false, "<p>"])),
        ("return {xpcall(function() return alc.llm('p') end, print)}", json!([true, "<p>"])),
        ("return setmetatable({}, {__index = function(_, k) return alc.llm(k) end}).p", json!("<p>")),
        ("for x in function() return alc.llm('p') end do return x end", json!("<p>")),
        (
            "local r do local c <close> = setmetatable({}, {__close = function() r = alc.llm('p') end}) end return r",
            json!("<p>"),
        ),
        ("return tostring(setmetatable({}, {__tostring = function() return alc.llm('p') end}))", json!("<p>")),
        (
            "return string.format('%s!', setmetatable({}, {__tostring = function() return alc.llm('p') end}))",
            json!("<p>!"),
        ),
        ("return (string.gsub('a b', '%w', alc.llm))", json!("<a> <b>")),
        (
            "local t = {3, 1, 2} table.sort(t, function(a, b) return #alc.llm('c') > 0 and a < b end) return t",
            json!([1, 2, 3]),
        ),
        ("return load(function() return nil, alc.llm('p') end) and 1", json!(1)),
        ("return alc.map({1}, function(x) return alc.llm(x) end)", json!(["<1>"])),
    ] {
        assert_eq!(result(code), value, "{code}");
    }
}

#[test]
fn a_question_in_a_message_handler_is_an_error() {
    let code = "local said xpcall(error, function() local _, e = pcall(alc.llm, 'p') said = e end) return said";
    let text =
        "alc.llm cannot wait within a message handler or a C function: attempt to yield across a C-call boundary";
    assert_eq!(result(code), json!(text));
    let of_error = "local said xpcall(function() error('x') end, function() said = select(2, pcall(alc.llm, 'p')) end) return said";
    assert_eq!(
        result(of_error),
        json!("alc.llm cannot wait within a message handler: attempt to yield across a C-call boundary")
    );
    let of_ipairs = "local t = setmetatable({}, {__index = function() return alc.llm_batch({{prompt = 'p'}}) end})
        return select(2, pcall(function() for _ in ipairs(t) do end end))";
    assert_eq!(
        result(of_ipairs),
        json!("alc.llm_batch cannot wait within the iterator of ipairs: attempt to yield across a C-call boundary")
    );
    for (name, call) in [
        ("alc.state.get", "alc.state.get('k')"),
        ("alc.state.update", "alc.state.update('k', function() end)"),
        ("alc.card.list", "alc.card.list()"),
        ("alc.fork", "alc.fork({'p'}, {})"),
        ("alc.eval", "alc.eval('x', 'y')"),
        ("alc.llm", "alc.llm('p', {card_context = 'c'})"),
    ] {
        let code = format!(
            "local said xpcall(error, function() local _, e = pcall(function() {call} end) said = e end) return said"
        );
        // The one that changes a value reads it first.
        let name = name.replace("update", "get");
        assert_eq!(result(&code), json!(text.replace("alc.llm", &name)));
    }
    let inner = "local said xpcall(error, function() said = select(2, coroutine.resume(coroutine.create(function()
        return alc.llm('p') end))) end) return {said, alc.llm('q')}";
    assert_eq!(result(inner), json!([text, "<q>"]));
}

#[test]
fn parallel_asks_one_batch() {
    let mut session = Session::new(
        "return alc.parallel({'x', 'y'}, function(item, i) return item .. i end, {system = 's', max_tokens = 3,
            post_fn = function(answer, item, i) return answer .. item .. i end})",
    );
    assert_eq!(session.finish(echo), Ok(json!(["<x1>x1", "<y2>y2"])));
    let questions = &session.pauses[0].1;
    assert!(questions.iter().all(|it| it.system.as_deref() == Some("s") && it.max_tokens == 3));
}

#[test]
fn map_filter_and_reduce_give_item_and_place() {
    let code = "return {alc.map({1, 2, 3}, function(x, i) return x * i end),
        alc.filter({1, 2, 3, 4}, function(x) return x % 2 == 0 end),
        alc.reduce({1, 2, 3}, function(a, x, i) return a + x * i end),
        alc.reduce({1, 2}, function(a, x) return a .. x end, 's'), tostring(alc.reduce({}, print))}";
    assert_eq!(result(code), json!([[1, 4, 9], [2, 4], 14, "s12", "nil"]));
}

#[test]
fn a_budget_forbids_to_ask_once_it_is_used_up() {
    let code = "local out = {} for i = 1, 3 do local ok, e = pcall(alc.llm, 'q')
        out[i] = {ok, not ok and e or 0, alc.budget_remaining().llm_calls, alc.budget_check()} end return out";
    let mut session = Session::with_ctx(code, json!({"budget": {"max_llm_calls": 2}}));
    let text = "budget_exceeded: max_llm_calls (2) reached (2 used)";
    assert_eq!(session.finish(echo), Ok(json!([[true, 0, 1, true], [true, 0, 0, false], [false, text, 0, false]])));

    let code = "return select(2, pcall(alc.llm, 'q'))";
    let mut session = Session::with_ctx(code, json!({"budget": {"max_elapsed_ms": 100}}));
    assert_eq!(session.finish(echo), Ok(json!("budget_exceeded: max_elapsed_ms (100ms) reached (123ms elapsed)")));
    assert_eq!(session.reads, [Read::Elapsed(123)]);

    let code = "alc.llm(string.rep('word ', 40)) return select(2, pcall(alc.llm, 'q'))";
    let mut session = Session::with_ctx(code, json!({"budget": {"max_tokens": 60}}));
    assert_eq!(session.finish(|_| "x".repeat(60)), Ok(json!("budget_exceeded: max_tokens (60) reached (65 used)")));
}

#[test]
fn without_a_valid_budget_nothing_is_limited() {
    for budget in
        [json!(null), json!(8), json!({"max_llm_calls": 2.0}), json!({"max_llm_calls": "2"}), json!({"max_tokens": -1})]
    {
        let code = "return {tostring(alc.budget_remaining()), alc.budget_check()}";
        let mut session = Session::with_ctx(code, json!({"budget": budget}));
        assert_eq!(session.finish(echo), Ok(json!(["nil", true])), "{budget}");
    }
}

#[test]
fn what_a_program_says_goes_out_through_the_door() {
    let mut session = Session::new(
        "alc.log('weird', 5) print('a', 1, 2.5, 2.0, nil, true, {}) io.write('x\\ny') io.stdout:write('z', 1)
         io.stderr:write('\\n') io.write('end') alc.progress(1.5, '5', 'm') alc.stats.record('k', {1, 2})",
    );
    session.finish(echo).unwrap();
    assert_eq!(
        session.lines(),
        [
            ("weird", "alc.log", "5"),
            ("info", "alc.lua.print", "a\t1\t2.5\t2.0\tnil\ttrue\ttable: 0x0000000000000001"),
            ("info", "alc.lua.io", "x"),
            ("info", "alc.lua.io", "yz1"),
            ("info", "alc.lua.io", "end"),
        ]
    );
    assert!(session.said.contains(&Command::Progress { step: 1, total: 5, message: Some("m".into()) }));
    assert!(session.said.contains(&Command::Stats { key: "k".into(), value: json!([1, 2]) }));
}

#[test]
fn figures_can_be_read_again_and_queries_are_counted() {
    let code = "local t = {1} alc.stats.record('a', t) t[1] = 2 alc.stats.record('b', nil) local n = alc.stats.llm_calls()
        alc.llm('x') alc.llm_batch({{prompt = 'y'}, {prompt = 'z'}})
        return {alc.stats.get('a'), tostring(alc.stats.get('b')), tostring(alc.stats.get('c')), n, alc.stats.llm_calls()}";
    assert_eq!(result(code), json!([[1], "nil", "nil", 0, 3]));
}

#[test]
fn a_door_that_is_full_ends_the_slice() {
    let mut spec = SessionSpec::run("for i = 1, 10000 do alc.progress(i, 10000) end");
    spec.limits.reports = u64::MAX;
    let mut session = Session::of(spec);
    assert!(matches!(session.step(Input::Start), Step::Preempted));
    assert!(session.said.len() <= 300, "{}", session.said.len());
    assert!(matches!(session.go(Input::Continue), Step::Finished(Ok(_))));
    assert_eq!(session.said.len(), 10_000);
}

#[test]
fn clocks_and_seeds_are_recorded() {
    let mut session = Session::new("return {alc.time(), os.time(), math.random() < 1, math.random(1, 6) < 7}");
    assert_eq!(session.finish(echo), Ok(json!([1_700_000_000.123, 1_700_000_000, true, true])));
    let time = Read::Time(1_700_000_000_123);
    assert_eq!(session.reads, [time, time, Read::Seed(0)]);
}

#[test]
fn the_same_record_gives_the_same_random_numbers() {
    let code = "local t = {} for i = 1, 20 do t[i] = math.random(1000000) end math.randomseed() t[21] = math.random() return t";
    assert_eq!(result(code), result(code));
    assert_eq!(
        result("math.randomseed(42) return math.random(1000000)"),
        result("math.randomseed(42) return math.random(1000000)")
    );
}

#[test]
fn a_request_to_stop_that_is_taken_back_costs_no_answer() {
    let mut session = Session::new("return alc.llm('q')");
    session.stop.raise();
    assert!(matches!(session.step(Input::Start), Step::Preempted));
    session.stop.lower();
    assert!(matches!(session.go(Input::Continue), Step::Asked { .. }));
    session.stop.raise();
    assert!(matches!(session.step(Input::Answers(vec!["kept".into()])), Step::Preempted));
    session.stop.lower();
    let step = session.go(Input::Continue);
    assert!(matches!(&step, Step::Finished(Ok(value)) if *value == json!("kept")), "{step:?}");
}
