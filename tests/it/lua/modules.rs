//! `require`: what is loaded, what is put up, and what the library directories have.

use serde_json::json;

use super::driver::{Session, echo, error, result};

fn with_modules(code: &str) -> Session {
    let mut session = Session::new(code);
    session.modules = vec![
        ("greet", "return {hello = function(who) return alc.llm('hello ' .. who) end, args = select('#', ...)}"),
        ("sub.nil", "loads = (loads or 0) + 1"),
        ("asks", "return alc.llm('at load')"),
        ("broken", "return ("),
        ("fails", "\nerror('at load')"),
        ("outer", "return require('greet')"),
    ];
    session
}

#[test]
fn a_module_is_read_once_and_kept() {
    let code = "local g = require('greet') return {rawequal(g, require('outer')), g.hello('x'), g.args,
        require('sub.nil'), require('sub.nil'), loads, package.loaded['sub.nil']}";
    assert_eq!(with_modules(code).finish(echo), Ok(json!([true, "<hello x>", 0, true, true, 1, true])));
}

#[test]
fn a_module_may_be_required_in_a_coroutine_and_ask_while_it_loads() {
    let code = "return coroutine.wrap(function() return require('asks') end)()";
    assert_eq!(with_modules(code).finish(echo), Ok(json!("<at load>")));
}

#[test]
fn directories_come_before_what_is_put_up_and_that_before_what_is_part_of_a_session() {
    let code = "package.preload.greet = function() return 'put up' end
        package.preload.evalframe = function() return 'put up' end
        return {type(require('greet')), require('evalframe')}";
    assert_eq!(with_modules(code).finish(echo), Ok(json!(["table", "put up"])));
    assert_eq!(result("return type(require('evalframe').bind)"), json!("table"));
}

#[test]
fn what_is_put_up_or_built_in_is_found() {
    let code = "package.preload.zz = function(...) return {select('#', ...), ...} end
        return {require('zz'), require('string') == string, require('math') == math}";
    assert_eq!(result(code), json!([[2, "zz", ":preload:"], true, true]));
}

#[test]
fn a_module_that_cannot_be_loaded_says_why() {
    let fail = |code: &str| with_modules(code).finish(echo).unwrap_err().message;
    let text = "module 'nope' not found:\n\t\n\tno resolver for 'nope'\n\tno field package.preload['nope']";
    assert_eq!(error("local x = require('nope')"), format!("script:1: {text}"));
    assert_eq!(fail("require('broken')"), "[string \"broken.lua\"]:1: unexpected symbol near <eof>");
    assert_eq!(fail("require('fails')"), "[string \"fails.lua\"]:2: at load");
    let code = "local ok, e = pcall(require, 'fails') return {type(e), e}";
    assert_eq!(
        with_modules(code).finish(echo),
        Ok(json!(["string", "runtime error: [string \"fails.lua\"]:2: at load"]))
    );
}
