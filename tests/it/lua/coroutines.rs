//! Coroutines that a program makes: questions and preemption pass through them, whatever their depth.

use serde_json::json;
use switchboard::domain::LimitKind;

use super::driver::{Session, echo, error, limit, result};

/// Wraps `body` in coroutines, `depth` deep, half of them by `wrap` and half by `create` and `resume`.
fn nested(depth: usize, body: &str) -> String {
    (0..depth).fold(body.to_owned(), |inner, i| {
        if i % 2 == 0 {
            format!("return coroutine.wrap(function() {inner} end)()")
        } else {
            format!("return select(2, coroutine.resume(coroutine.create(function() {inner} end)))")
        }
    })
}

#[test]
fn a_question_passes_out_of_coroutines_and_its_answer_comes_in() {
    for depth in [1, 2, 4, 9] {
        let mut session = Session::new(&nested(depth, "return alc.llm('a') .. alc.llm('b')"));
        assert_eq!(session.finish(echo), Ok(json!("<a><b>")), "{depth}");
        assert_eq!(session.prompts(), ["a", "b"]);
    }
}

#[test]
fn a_program_is_interrupted_within_coroutines_and_loses_nothing() {
    for depth in [1, 4, 8] {
        let body = "local n = 0 for i = 1, 3000000 do n = n + 1 end return n";
        let mut session = Session::new(&nested(depth, body));
        assert_eq!(session.finish(echo), Ok(json!(3_000_000)), "{depth}");
        assert!(session.preempted > 0);
    }
}

#[test]
fn what_coroutines_yield_arrives_whole_between_interruptions_and_questions() {
    let code = "
        local function work() for i = 1, 60000 do end end
        local function produce(depth)
            if depth == 0 then
                for i = 1, 40 do
                    work()
                    if i % 10 == 0 then alc.llm(i) end
                    if i % 2 == 0 then coroutine.yield() else coroutine.yield(i, nil, 'x', nil) end
                end
                return 'end', nil
            end
            local co = coroutine.wrap(produce)
            local got = table.pack(co(depth - 1))
            while got[1] ~= 'end' do
                work()
                coroutine.yield(table.unpack(got, 1, got.n))
                got = table.pack(co())
            end
            return table.unpack(got, 1, got.n)
        end
        local co = coroutine.create(produce)
        local seen, empty = 0, 0
        local got = table.pack(coroutine.resume(co, 4))
        while coroutine.status(co) ~= 'dead' do
            work()
            assert(got[1] == true)
            if got.n == 1 then empty = empty + 1 else assert(got.n == 5 and got[4] == 'x') seen = seen + got[2] end
            got = table.pack(coroutine.resume(co))
        end
        return {seen, empty, got.n, got[2]}";
    let mut session = Session::new(code);
    assert_eq!(session.finish(echo), Ok(json!([400, 20, 3, "end"])));
    assert_eq!(session.prompts(), ["10", "20", "30", "40"]);
    assert!(session.preempted > 10, "{}", session.preempted);
}

#[test]
fn coroutines_look_as_they_do_without_a_host() {
    for (code, value) in [
        ("local co, main = coroutine.running() return {type(co), main, coroutine.isyieldable()}", json!(["thread", false, true])),
        ("local a = coroutine.yield(1) return {a}", json!({})),
        ("local g = coroutine.wrap(function(...) local n = select('#', ...) while true do n = select('#', coroutine.yield(n)) end end)
          return {g(), g(nil, nil), g(1)}", json!([0, 2, 1])),
        ("local co = coroutine.create(function() error({1}) end) local ok, e = coroutine.resume(co)
          return {ok, e, coroutine.status(co)}", json!([false, [1], "dead"])),
        ("local co = coroutine.create(function() end) coroutine.resume(co) return {coroutine.resume(co)}",
            json!([false, "cannot resume dead coroutine"])),
        ("local co co = coroutine.create(function() return coroutine.status(co), coroutine.resume(co) end)
          return {coroutine.resume(co)}", json!([true, "running", false, "cannot resume non-suspended coroutine"])),
        ("local log = {} local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function()
          log[1] = 'closed' end}) coroutine.yield() end) coroutine.resume(co) return {coroutine.close(co), log[1], coroutine.status(co)}",
            json!([true, "closed", "dead"])),
        ("return select('#', coroutine.resume(coroutine.create(function() end)))", json!(1)),
        ("local n = 0 for a, b in coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i, i) end end) do n = n + a + b end return n",
            json!(12)),
    ] {
        assert_eq!(result(code), value, "{code}");
    }
    assert_eq!(error("coroutine.resume(5)"), "script:1: bad argument #1 to 'resume' (coroutine expected)");
    assert_eq!(error("coroutine.wrap(5)"), "script:1: bad argument #1 to 'wrap' (function expected)");
}

#[test]
fn a_chain_that_is_too_deep_is_an_error_that_can_be_caught() {
    let code = "local depth = 0 local function f() depth = depth + 1 coroutine.wrap(f)() end
        local ok, e = pcall(f) return {ok, depth > 50, (e:find('C stack overflow', 1, true) ~= nil)}";
    assert_eq!(result(code), json!([false, true, true]));
    assert_eq!(
        result(
            "local n = 0 for i = 1, 20000 do local co = coroutine.create(function() coroutine.yield() end)
        coroutine.resume(co) n = n + 1 end return n"
        ),
        json!(20_000)
    );
}

#[test]
fn resuming_a_dead_coroutine_with_no_memory_left_ends_the_session_and_nothing_else() {
    for pad in [10, 29, 45] {
        let code = format!(
            "local co = coroutine.create(error) coroutine.resume(co) local t, resume = {{}}, coroutine.resume
             local pad = ('x'):rep({pad}) while true do t = {{t}} resume(co) end"
        );
        assert_eq!(limit(&code), LimitKind::Memory);
    }
}

#[test]
fn short_sections_that_cannot_yield_do_not_add_up_to_a_long_one() {
    let code = "
        local work = setmetatable({}, {__index = function(_, i)
            if i > 400 then return nil end
            for _ = 1, 100000 do end
            return i
        end})
        local n = 0
        for _, v in ipairs(work) do n = n + v end
        return n";
    // Each far below the limit, also where others have the machine; all of them far beyond it.
    assert_eq!(result(code), json!(80_200));
}
