//! Sessions that run an installed package, or evaluate one.

use serde_json::json;
use switchboard::domain::{InvalidSpec, Scenario, SessionKind, SessionSpec, SpawnError};

use super::rig::Rig;

fn advice(strategy: &str, task: Option<&str>, opts: Option<serde_json::Value>) -> SessionSpec {
    let kind = SessionKind::Advice { strategy: strategy.into(), task: task.map(str::to_owned), opts };
    SessionSpec { kind, ..SessionSpec::run("") }
}

fn eval(scenario: Scenario, strategy: &str) -> SessionSpec {
    let kind = SessionKind::Eval { scenario, strategy: strategy.into(), opts: None, auto_card: false };
    SessionSpec { kind, ..SessionSpec::run("") }
}

async fn refused(rig: &Rig, spec: SessionSpec) -> InvalidSpec {
    match rig.registry.spawn(spec).await {
        Err(SpawnError::InvalidSpec(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn advice_runs_a_package_on_its_options_and_its_task() {
    let rig = Rig::new();
    rig.package("echo", "return { run = function(ctx) return { ctx = ctx } end }");
    let value = rig.value_of(advice("echo", Some("t"), Some(json!({ "depth": 2, "task": "old" })))).await;
    assert_eq!(value["ctx"], json!({ "depth": 2, "task": "t" }));
    assert_eq!(rig.value_of(advice("echo", None, None)).await["ctx"], json!({}));
}

#[tokio::test]
async fn what_is_not_installed_is_refused_before_any_session_exists() {
    let rig = Rig::new();
    rig.package("echo", "return { run = function(ctx) return ctx end }");
    let strategy = "nope".to_owned();
    assert_eq!(refused(&rig, advice("nope", None, None)).await, InvalidSpec::UnknownStrategy { strategy });
    assert!(matches!(refused(&rig, advice(" ", None, None)).await, InvalidSpec::BadStrategy { .. }));
    assert_eq!(refused(&rig, advice("echo", None, Some(json!([1])))).await, InvalidSpec::OptsNotObject);
    let with_ctx = SessionSpec { ctx: Some(json!({})), ..advice("echo", None, None) };
    assert_eq!(refused(&rig, with_ctx).await, InvalidSpec::CtxNotTaken { kind: "advice" });
    for scenario in [Scenario::Name("nope".into()), Scenario::File("nope.lua".into()), Scenario::Inline(" ".into())] {
        let why = refused(&rig, eval(scenario, "echo")).await;
        assert!(matches!(why, InvalidSpec::UnknownScenario { .. }), "{why}");
    }
    let unknown = refused(&rig, eval(Scenario::Inline("{ cases = {} }".into()), "nope")).await;
    assert_eq!(unknown, InvalidSpec::UnknownStrategy { strategy: "nope".into() });
    assert!(rig.registry.list().is_empty());
}

#[tokio::test]
async fn a_scenario_in_a_file_is_part_of_the_session_from_its_first_moment() {
    let rig = Rig::new();
    rig.package("echo", "return { run = function(ctx) return ctx end }");
    rig.put("mine.lua", "{ cases = {} }");
    let id = rig.start(eval(Scenario::File(rig.home("mine.lua")), "echo")).await;
    let spec = rig.registry.summary(id).unwrap().spec;
    let SessionKind::Eval { scenario, .. } = &spec.kind else { panic!("it is an evaluation") };
    assert_eq!(*scenario, Scenario::Inline("{ cases = {} }".into()));
}

#[tokio::test]
async fn the_packages_of_the_library_directories_are_listed_with_what_they_say_of_themselves() {
    let rig = Rig::new();
    rig.package("b", "--- b(B) — does things\nreturn {}");
    rig.package("a", "return {}");
    let listed: Vec<_> = rig.registry.packages().into_iter().map(|it| (it.name, it.summary)).collect();
    assert_eq!(listed, [("a".to_owned(), None), ("b".to_owned(), Some("does things".to_owned()))]);
}
