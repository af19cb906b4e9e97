//! `alc.eval` and the module `evalframe`.

use serde_json::{Value, json};

use super::driver::Session;

/// Runs a program beside some strategies and scenarios.
fn run(code: &str, answer: impl Fn(&str) -> String) -> (Session, Result<Value, String>) {
    let mut session = Session::new(code);
    session.modules = vec![
        ("ask", "return {run = function(ctx) ctx.result = alc.llm(ctx.task) return ctx end}"),
        (
            "nested",
            "return {run = function(ctx) ctx.result = {n = 1, answer = alc.llm(ctx.task .. (ctx.more or ''))} return ctx end}",
        ),
        ("fails", "return {run = function() error('broken') end}"),
        (
            "full",
            "local ef = require('evalframe')
             return { ef.bind { ef.graders.contains, weight = 0.5 }, ef.bind { ef.graders.exact_match, weight = 0.5 },
                cases = { ef.case 'one' { input = '1+1', expected = '2', tags = {'sum'} },
                    ef.case { input = '2+2', expected = {'4', 'four'} } } }",
        ),
    ];
    let ended = session.finish(answer).map_err(|failure| failure.message);
    (session, ended)
}

#[test]
fn a_scenario_in_its_simple_form_is_asked_graded_and_added_up() {
    let code = "return alc.eval({name = 'sums', cases = {{input = '1+1', expected = '2'}, {input = '2+2', expected = '4'}}}, 'ask')";
    let (session, report) = run(code, |_| "2".into());
    let report = report.unwrap();
    assert_eq!(session.prompts(), ["1+1", "2+2"]);
    assert_eq!(report["name"], "ask:sums");
    let sums = &report["aggregated"];
    assert_eq!((&sums["total"], &sums["passed"], &sums["pass_rate"]), (&json!(2), &json!(1), &json!(0.5)));
    assert_eq!((&sums["scores"]["mean"], &sums["scores"]["min"]), (&json!(0.5), &json!(0.0)));
    assert_eq!(sums["ci_95"], json!({"lower": 0.0, "upper": 1.0}));
    assert_eq!(report["failures"].as_array().unwrap().len(), 1);
    assert_eq!(report["failures"][0]["case"]["input"], "2+2");
    assert_eq!(
        report["results"][0]["grades"][0],
        json!({"grader": "exact_match", "grade": true, "score": 1.0, "weight": 1.0})
    );
    let summary = report["summary"].as_str().unwrap();
    assert!(summary.starts_with("Suite: ask:sums\nCases: 2  Pass: 1  Fail: 1\npass@1: 0.50\nMean: 0.500"), "{summary}");
}

#[test]
fn a_scenario_in_its_full_form_is_found_by_its_name() {
    let (session, report) = run("return alc.eval('full', 'nested', {strategy_opts = {more = '?'}})", |prompt| {
        if prompt == "1+1?" { "It is 2".into() } else { "four".into() }
    });
    let report = report.unwrap();
    assert_eq!(session.prompts(), ["1+1?", "2+2?"]);
    assert_eq!(report["name"], "nested:full");
    assert_eq!((&report["results"][0]["score"], &report["results"][1]["passed"]), (&json!(0.5), &json!(true)));
    assert_eq!(report["aggregated"]["by_tag"], json!({"sum": {"pass": 0, "fail": 1, "rate": 0.0}}));
}

#[test]
fn a_strategy_that_fails_fails_its_case_only() {
    let (_, report) =
        run("return alc.eval({cases = {{input = 'x', expected = 'y'}}, graders = {'not_empty'}}, 'fails')", |_| {
            String::new()
        });
    let report = report.unwrap();
    assert_eq!(report["results"][0]["response"], json!({"text": "", "error": "[string \"fails.lua\"]:1: broken"}));
    assert_eq!(report["aggregated"]["passed"], 0);
}

#[test]
fn graders_that_ask_do_so_as_graders() {
    let code = "return alc.eval({graders = {'llm_yes_no', 'llm_rubric', 'llm_factuality'},
        cases = {{input = 'Capital of Japan?', expected = 'Tokyo', rubric = 'brevity'}}}, 'ask')";
    let (session, report) = run(code, |prompt| {
        let answer = if prompt.contains("one digit") {
            "5"
        } else if prompt.contains("yes or no") {
            "Yes."
        } else {
            "Tokyo"
        };
        answer.into()
    });
    assert_eq!(report.unwrap()["aggregated"]["passed"], 1);
    let asked: Vec<_> =
        session.pauses.iter().map(|(_, it)| (it[0].role.as_deref(), it[0].prompt.contains("brevity"))).collect();
    assert_eq!(asked, [(None, false), (Some("grader"), false), (Some("grader"), true), (Some("grader"), false)]);
    assert!(session.pauses[3].1[0].prompt.contains("Known to be right: Tokyo"));
}

#[test]
fn every_grader_says_what_its_name_says() {
    let code = "local g = require('evalframe').graders
        local case = {input = '', expected = {'ab', 'b'}, context = {pattern = '^%a+$'}}
        local out = {}
        for _, text in ipairs({'ab', 'xab', 'abx', '1', '', '[1]'}) do
            local row = {}
            for i, name in ipairs({'exact_match', 'contains', 'starts_with', 'ends_with', 'regex', 'json_valid', 'not_empty'}) do
                row[i] = g[name].check({text = text}, case) and 1 or 0
            end
            out[#out + 1] = table.concat(row)
        end
        return out";
    let (_, rows) = run(code, |_| String::new());
    assert_eq!(rows, Ok(json!(["1111101", "0101101", "0110101", "0000011", "0000000", "0000011"])));
}

#[test]
fn what_is_wrong_with_a_scenario_is_said() {
    for (call, text) in [
        ("alc.eval()", "alc.eval: scenario is required"),
        ("alc.eval(5, 'ask')", "alc.eval: scenario must be a string or table"),
        ("alc.eval({}, 5)", "alc.eval: strategy must be a string package name"),
        ("alc.eval('nope', 'ask')", "alc.eval: could not resolve scenario 'nope'"),
        ("alc.eval({cases = {}}, 'ask')", "suite 'ask:inline': no cases to evaluate"),
        ("alc.eval({cases = {5}}, 'ask')", "alc.eval: case #1 must have an 'input' field"),
        ("alc.eval({graders = {'x'}, cases = {{input = 'i'}}}, 'ask')", "alc.eval: unknown grader 'x'"),
    ] {
        let (_, ended) = run(&format!("local report = {call}"), |_| String::new());
        assert_eq!(ended, Err(format!("script:1: {text}")), "{call}");
    }
}
