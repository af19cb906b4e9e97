//! What a program is, what its errors say, and which limits end it.

use serde_json::json;
use switchboard::domain::{FailureKind, LimitKind, Limits, SessionKind, SessionSpec};

use super::driver::{Session, echo, error, failure, limit, result};

#[test]
fn the_first_value_that_a_program_returns_is_its_result() {
    assert_eq!(result("return 1, 2"), json!(1));
    assert_eq!(result("local x = 1"), json!(null));
    assert_eq!(result("return _VERSION"), json!("Lua 5.4"));
}

#[test]
fn ctx_is_what_was_given_and_an_empty_table_if_nothing_was() {
    assert_eq!(result("return ctx"), json!({}));
    let ctx = json!({"a": 1, "b": [1, null, 3], "c": {"d": null}, "e": [], "f": {}, "g": 1.0});
    let mut session = Session::with_ctx("ctx.n = tostring(ctx.c.d) return ctx", ctx);
    let kept = json!({"a": 1, "b": [1, null, 3], "c": {}, "e": [], "f": {}, "g": 1.0, "n": "nil"});
    assert_eq!(session.finish(echo), Ok(kept));
}

#[test]
fn an_error_names_the_script_and_its_own_line() {
    let table = [
        ("local x\n\nreturn x.y", "script:3: attempt to index a nil value (local 'x')"),
        ("error('boom')", "script:1: boom"),
        ("error('boom', 0)", "boom"),
        ("\nlocal function f() error('two', 2) end\nf()", "script:3: two"),
        ("error()", "nil"),
        ("error(42)", "42"),
        ("error({})", "table: 0x0000000000000001"),
        ("error(setmetatable({}, {__tostring = function() return 'told' end}))", "told"),
        ("error(setmetatable({}, {__tostring = error}))", "(error object is a table value)"),
        ("coroutine.wrap(function() error('inner') end)()", "script:1: script:1: inner"),
        ("\nlocal x = alc.json_decode('{')", "script:2: EOF while parsing an object at line 1 column 1"),
        ("\nreturn alc.json_decode('{')", "script:2: EOF while parsing an object at line 1 column 1"),
        (
            "local function f() return alc.json_decode('{') end\n\nreturn f()",
            "script:3: EOF while parsing an object at line 1 column 1",
        ),
        ("local x\nreturn {...}", "script:2: cannot use '...' outside a vararg function near '...'"),
        ("alc.parallel({})\nreturn 1", "script:1: alc.parallel: items must be a non-empty array"),
        ("\n\nif x then\nend end", "script:4: <eof> expected near 'end'"),
        ("return ((", "script:1: unexpected symbol near <eof>"),
        ("\ntable.sort({1, 'a'})\n", "attempt to compare string with number"),
        ("local t = {} for i = 1, 200 do t[i] = i end t[7] = 'a'\ntable.sort(t)", "script:2: attempt to compare "),
    ];
    for (code, text) in table {
        let found = error(code);
        assert!(found == text || text.ends_with("compare ") && found.starts_with(text), "{code}\n{found}");
    }
}

#[test]
fn tail_calls_of_functions_take_no_stack() {
    let code = "local function count(n) if n == 0 then return 'done' end return count(n - 1) end return count(1000000)";
    assert_eq!(result(code), json!("done"));
    assert_eq!(result("return (function(...) return select('#', ...) end)(1, 2, 3)"), json!(3));
}

#[test]
fn an_error_calls_the_script_by_its_name() {
    let mut spec = SessionSpec::run("local x\nreturn x.y");
    spec.kind = SessionKind::Run { code: "local x\nreturn x.y".into(), name: Some("review.lua".into()) };
    let failure = Session::of(spec).finish(echo).unwrap_err();
    assert_eq!(failure.message, "review.lua:2: attempt to index a nil value (local 'x')");
}

#[test]
fn the_stack_of_an_error_has_only_frames_of_the_program() {
    let failure = failure("local function a() error('deep') end\nlocal function b() a() end\nb()");
    let stack = "[C]: in function 'error'\nscript:1: in upvalue 'a'\nscript:2: in local 'b'\nscript:3: in main chunk";
    assert_eq!(failure.traceback.as_deref(), Some(stack));
}

#[test]
fn errors_of_engine_functions_are_plain_texts() {
    let code = "local ok, e = pcall(alc.llm, {}) return {type(e), e}";
    let text = "bad argument #1: error converting Lua table to String (expected string or number)";
    assert_eq!(result(code), json!(["string", text]));
}

#[test]
fn a_result_that_is_not_json_is_an_error_of_the_engine() {
    let table = [
        ("return print", "deserialize error: unsupported value type `function`"),
        ("return {coroutine.create(print)}", "deserialize error: unsupported value type `thread`"),
        ("local t = {} t.t = t return t", "deserialize error: recursive table detected"),
        ("return '\\xff'", "deserialize error: invalid type: byte array, expected any valid JSON value"),
        ("return {[5] = 1}", "deserialize error: invalid type: integer `5`, expected a string key"),
        (
            "local t = {} local r = t for i = 1, 200 do t.x = {} t = t.x end return r",
            "JSON parse: recursion limit exceeded at line 1 column 636",
        ),
    ];
    for (code, text) in table {
        let failure = failure(code);
        assert_eq!((failure.message.as_str(), failure.kind), (text, FailureKind::EngineError), "{code}");
    }
}

#[test]
fn the_first_memory_error_ends_the_session_even_if_it_is_caught() {
    for code in [
        "local t = {} while true do t[#t + 1] = string.rep('x', 1000000) end",
        "pcall(string.rep, 'x', 1000000000) return 'went on'",
        "pcall(pcall, string.rep, 'x', 1000000000) return 'went on'",
        "xpcall(string.rep, function() end, 'x', 1000000000) return 'went on'",
        "coroutine.resume(coroutine.create(function() return string.rep('x', 1e9) end)) return 'went on'",
        "pcall(coroutine.wrap(function() return string.rep('x', 1e9) end)) return 'went on'",
        "table.sort({2, 1}, function() pcall(string.rep, 'x', 1000000000) end) return 'went on'",
        "local s = string.rep('x', 1e6) pcall(string.gsub, s, 'x', s) return 'went on'",
        "local t = {} for i = 1, 60 do t = {t, t} end pcall(alc.json_encode, t) return 'went on'",
        "pcall(alc.json_decode, '[' .. string.rep('{},', 2e6) .. '1]') return 'went on'",
    ] {
        let mut spec = SessionSpec::run(code);
        spec.limits.memory_bytes = 4 << 20;
        // Encoding megabytes may take longer than a section; that is another limit.
        spec.limits.section_ms = 60_000;
        let failure = Session::of(spec).finish(echo).expect_err(code);
        assert_eq!((failure.kind, failure.limit), (FailureKind::Limit, Some(LimitKind::Memory)), "{code}: {failure:?}");
    }
}

#[test]
fn a_section_that_cannot_be_interrupted_ends_the_session() {
    let failure = failure("\nxpcall(error, function()\n while true do end\nend)");
    let text = "script:3: in a section that cannot be interrupted for more than 50 ms";
    assert_eq!((failure.message.as_str(), failure.limit), (text, Some(LimitKind::Section)));
}

#[test]
fn a_program_that_can_be_interrupted_may_take_as_long_as_it_wants() {
    let mut session = Session::new("local n = 0 for i = 1, 3e7 do n = n + i % 3 end return n");
    assert_eq!(session.finish(echo), Ok(json!(30_000_000)));
    assert!(session.preempted > 0);
}

#[test]
fn a_result_a_prompt_and_a_batch_have_a_size() {
    assert_eq!(limit("return string.rep('x', 17 << 20)"), LimitKind::Size);
    assert_eq!(
        limit("local s = string.rep('x', 1000) local t = {} for i = 1, 20000 do t[i] = s end return t"),
        LimitKind::Size
    );
    assert_eq!(limit("alc.llm(string.rep('x', 5 << 20))"), LimitKind::Size);
    assert_eq!(limit("pcall(alc.llm, 'x', {system = string.rep('x', 5 << 20)})"), LimitKind::Size);
    assert_eq!(
        limit(
            "local s = string.rep('x', 1 << 20) local t = {} for i = 1, 100 do t[i] = {prompt = s} end alc.llm_batch(t)"
        ),
        LimitKind::Size
    );
    let failure = failure("alc.llm(string.rep('x', 5 << 20))");
    assert_eq!(failure.message, "a prompt of 5242880 bytes; the limit is 4194304");
}

#[test]
fn too_little_memory_for_a_program_is_a_limit_too() {
    for memory_bytes in (20_000..60_000).step_by(97) {
        let limits = Limits { memory_bytes, ..Limits::default() };
        let spec =
            SessionSpec { limits, ..SessionSpec::run("local t = {} for i = 1, 1000 do t[i] = {alc.llm(i)} end") };
        let Some(mut session) = Session::try_of(spec) else { continue };
        let failure = session.finish(echo).unwrap_err();
        assert_eq!(failure.limit, Some(LimitKind::Memory), "{memory_bytes}: {failure:?}");
    }
}

#[test]
fn a_large_ctx_and_a_large_result_are_no_sections() {
    let item = json!({"name": "x".repeat(50), "values": [1, 2, 3]});
    let ctx = serde_json::Value::Array(vec![item; 60_000]);
    let mut spec = SessionSpec { ctx: Some(ctx.clone()), ..SessionSpec::run("return ctx") };
    spec.limits.section_ms = 1;
    // Megabytes: a failure does not print them.
    assert!(Session::of(spec).finish(echo) == Ok(ctx), "the result is the ctx");
}
