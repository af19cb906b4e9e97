//! `alc.fork`: children are sessions of their own, under the session that forked them.

use std::sync::Arc;

use serde_json::{Value, json};
use switchboard::domain::{
    CancelCode, EventKind, ExecutionState, InvalidSpec, LimitKind, Limits, Parent, QueryId, SessionId, SessionSpec,
    SpawnError, StateName, TerminalOutcome,
};

use switchboard::engine::{JournalError, Record};

use super::rig::Rig;
use crate::support::{bounded, ended, paused, paused_at, reason, until, wait_for};

/// Asks as often as `ctx.times` says, and returns the answers.
const ASKS: &str = r#"
    return { run = function(ctx)
        local answers = {}
        for i = 1, ctx.times or 1 do answers[i] = alc.llm((ctx.q or "q") .. i) end
        return { answers = answers }
    end }"#;

/// A home with a few packages.
fn rig() -> Rig {
    let rig = Rig::new();
    rig.package("asks", ASKS);
    rig.package("echo", "return { run = function(ctx) return ctx end }");
    rig.package("fails", "return { run = function(ctx) error('no luck') end }");
    rig.package("nothing", "return {}");
    rig
}

/// Waits until a session waits for `n` children, and gives them in their order.
async fn children(rig: &Rig, parent: SessionId, n: u32) -> Vec<SessionId> {
    let waits = |state: &ExecutionState| *state == ExecutionState::Running { waiting_on: Some(n) };
    until(&rig.registry, parent, waits).await;
    of(rig, parent)
}

/// The children of a session, in their order.
fn of(rig: &Rig, parent: SessionId) -> Vec<SessionId> {
    let mut all: Vec<_> = rig.registry.list().into_iter().filter(|it| it.parent() == Some(parent)).collect();
    all.sort_by_key(|it| it.spec.parent.as_ref().map(|parent| (parent.fork, parent.index)));
    all.into_iter().map(|it| it.id).collect()
}

async fn value(rig: &Rig, id: SessionId) -> Value {
    match ended(&rig.registry, id).await {
        TerminalOutcome::Done(done) => done.value.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn children_ask_under_ids_of_their_own_and_their_parent_waits_for_them() {
    let rig = rig();
    let parent = rig.start(SessionSpec::run("return alc.fork({ 'asks', 'echo', 'asks' }, { q = 'x' })")).await;
    let all = children(&rig, parent, 2).await;
    assert_eq!(all.len(), 3);
    for (index, child) in [(0, all[0]), (2, all[2])] {
        let pause = paused(&rig.registry, child).await;
        assert_eq!(pause.prompts[0].query.query_id.to_string(), format!("f-{index}-1"));
        assert_eq!(&*pause.prompts[0].query.prompt, "x1");
        assert_eq!(rig.registry.summary(child).unwrap().spec.display_title(), "asks");
    }
    rig.answer(all[2], "two").await;
    rig.answer(all[0], "zero").await;
    let expected = json!([
        { "strategy": "asks", "ok": true, "result": { "answers": ["zero"] } },
        { "strategy": "echo", "ok": true, "result": { "q": "x" } },
        { "strategy": "asks", "ok": true, "result": { "answers": ["two"] } },
    ]);
    assert_eq!(value(&rig, parent).await, expected, "in the order of the strategies");

    let events = rig.events(parent).await;
    let started: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::ChildStarted { session, index, strategy } => Some((*session, *index, strategy.to_string())),
            _ => None,
        })
        .collect();
    assert_eq!(started, [(all[0], 0, "asks".into()), (all[1], 1, "echo".into()), (all[2], 2, "asks".into())]);
    let ends = events.iter().filter(|event| matches!(event.kind, EventKind::ChildEnded { state: StateName::Done, .. }));
    assert_eq!(ends.count(), 3);
    let usage = rig.registry.summary(parent).unwrap().usage;
    assert_eq!((usage.llm_calls, usage.pauses), (2, 0), "what children asked is counted, their pauses are their own");
}

#[tokio::test]
async fn a_family_has_a_bound_over_all_its_forks() {
    let rig = rig();
    rig.package("tree", "return { run = function() return select(2, pcall(alc.fork, { 'asks', 'asks' }, {})) end }");
    let mut spec = SessionSpec::run("return alc.fork({ 'tree', 'tree' }, {})");
    spec.limits.family = 5;
    let other = rig.start(SessionSpec::run("return alc.fork({ 'asks', 'asks' }, {})")).await;
    children(&rig, other, 2).await;
    let parent = rig.start(spec).await;
    let grown = children(&rig, parent, 1).await;
    // Whichever of the two forks first grows.
    let state = |n: usize| rig.registry.state(grown[n]).unwrap();
    let larger = usize::from(matches!(state(0), ExecutionState::Done(_)));
    let ExecutionState::Done(done) = state(1 - larger) else { panic!("{:?}", state(1 - larger)) };
    let why = "alc.fork: 6 sessions of one family would not have ended; the limit is 5";
    assert!(done.value.as_str().is_some_and(|text| text.contains(why)), "{}", done.value);
    for child in children(&rig, grown[larger], 2).await {
        paused(&rig.registry, child).await;
        rig.answer(child, "a").await;
    }
    let value = value(&rig, parent).await;
    assert_eq!(value[larger]["result"].as_array().map(Vec::len), Some(2), "{value}");
}

#[tokio::test]
async fn what_children_ask_is_not_among_the_questions_of_their_parent() {
    let rig = Rig::recorded();
    rig.package("asks", ASKS);
    let code = "alc.llm('one?') alc.fork({ 'asks' }, { times = 3 }) return alc.llm('two?')";
    let parent = rig.start(SessionSpec::run(code)).await;
    paused(&rig.registry, parent).await;
    rig.answer(parent, "a").await;
    let child = children(&rig, parent, 1).await[0];
    for epoch in 1..=3 {
        paused_at(&rig.registry, child, epoch).await;
        rig.answer(child, "b").await;
    }
    paused_at(&rig.registry, parent, 2).await;
    rig.answer(parent, "c").await;
    ended(&rig.registry, parent).await;
    let summary = rig.registry.summary(parent).unwrap();
    assert_eq!((summary.usage.llm_calls, summary.asked), (5, 2));
    let never = rig.registry.fork_at(parent, QueryId::new(5)).await.unwrap_err();
    assert_eq!(never.to_string(), format!("{parent} has not asked q-5; it has asked q-1 to q-2"));
}

#[tokio::test]
async fn a_child_that_is_ready_is_not_held_up_by_its_slowest_sibling() {
    let rig = rig();
    let parent = rig.start(SessionSpec::run("return #alc.fork({ 'asks', 'asks' }, { times = 3 })")).await;
    let all = children(&rig, parent, 2).await;
    paused(&rig.registry, all[0]).await;
    for epoch in 1..=3 {
        paused_at(&rig.registry, all[1], epoch).await;
        rig.answer(all[1], "quick").await;
    }
    ended(&rig.registry, all[1]).await;
    assert_eq!(paused(&rig.registry, all[0]).await.epoch, 1);
    assert_eq!(children(&rig, parent, 1).await.len(), 2);
    for epoch in 1..=3 {
        paused_at(&rig.registry, all[0], epoch).await;
        rig.answer(all[0], "slow").await;
    }
    assert_eq!(value(&rig, parent).await, 2);
}

#[tokio::test]
async fn a_child_that_fails_or_is_cancelled_is_an_error_among_the_results() {
    let rig = rig();
    let code = "return alc.fork({ 'fails', 'asks', 'missing', 'nothing' }, {})";
    let parent = rig.start(SessionSpec::run(code)).await;
    let all = children(&rig, parent, 1).await;
    paused(&rig.registry, all[1]).await;
    let why = reason(CancelCode::User, "not this one", 1);
    bounded(rig.registry.cancel(all[1], why)).await.unwrap();
    let value = value(&rig, parent).await;
    let error = |n: usize| value[n]["error"].as_str().unwrap().to_owned();
    assert!((0..4).all(|n| value[n]["ok"] == false), "{value}");
    assert!(error(0).contains("fails.lua") && error(0).ends_with(":1: no luck"), "{}", error(0));
    assert_eq!(error(1), "cancelled: user: not this one");
    assert!(error(2).contains("module 'missing' not found:"), "{}", error(2));
    assert_eq!(error(3), "advice:3: attempt to call a nil value (field 'run')");
}

#[tokio::test]
async fn the_end_of_a_parent_cancels_its_children_and_theirs() {
    let rig = rig();
    rig.package("forks", "return { run = function(ctx) return alc.fork({ 'asks' }, ctx) end }");
    let parent = rig.start(SessionSpec::run("return alc.fork({ 'asks', 'forks' }, {})")).await;
    let all = children(&rig, parent, 2).await;
    let below = children(&rig, all[1], 1).await;
    paused(&rig.registry, below[0]).await;
    paused(&rig.registry, all[0]).await;
    let state = bounded(rig.registry.cancel(parent, reason(CancelCode::User, "enough", 1))).await.unwrap();
    let ExecutionState::Cancelled(cancelled) = state else { panic!("it is cancelled") };
    assert_eq!(cancelled.state_before, ExecutionState::Running { waiting_on: Some(2) });
    for child in [all[0], all[1], below[0]] {
        let TerminalOutcome::Cancelled(cancelled) = ended(&rig.registry, child).await else { panic!("{child}") };
        assert_eq!(cancelled.reason.code, CancelCode::ParentDropped);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wall_limit_ends_the_children_with_their_parent() {
    let rig = Rig::on_paused_time();
    rig.package("asks", ASKS);
    let mut spec = SessionSpec::run("return alc.fork({ 'asks' }, {})");
    spec.limits.wall_ms = Some(5_000);
    let parent = rig.start(spec).await;
    let all = children(&rig, parent, 1).await;
    paused(&rig.registry, all[0]).await;
    let left = rig.registry.summary(all[0]).unwrap().spec.limits.wall_ms.unwrap();
    assert!(left <= 5_000, "what is left of its parent's");
    for id in [parent, all[0]] {
        let outcome = ended(&rig.registry, id).await;
        assert_ne!(outcome.name(), StateName::Done, "{outcome:?}");
    }
}

#[tokio::test]
async fn a_shutdown_ends_a_family() {
    let rig = rig();
    let parent = rig.start(SessionSpec::run("return alc.fork({ 'asks', 'asks' }, {})")).await;
    let all = children(&rig, parent, 2).await;
    assert_eq!(bounded(rig.registry.shutdown(std::time::Duration::from_secs(30))).await, 0);
    for id in [parent, all[0], all[1]] {
        let TerminalOutcome::Cancelled(_) = ended(&rig.registry, id).await else { panic!("{id} is cancelled") };
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_ends_each_session_of_a_family_where_it_stands() {
    for _ in 0..10 {
        let rig = rig();
        rig.package("nests", "return { run = function() return alc.fork({ 'asks', 'asks' }, {})[1].result end }");
        let top = rig.start(SessionSpec::run("return alc.fork({ 'nests', 'nests' }, {})[1].result")).await;
        let all = children(&rig, top, 2).await;
        for id in &all {
            for child in children(&rig, *id, 2).await {
                paused(&rig.registry, child).await;
            }
        }
        assert_eq!(bounded(rig.registry.shutdown(std::time::Duration::from_secs(30))).await, 0);
        for id in [top, all[0], all[1]] {
            let TerminalOutcome::Cancelled(end) = ended(&rig.registry, id).await else { panic!("{id} is cancelled") };
            assert_eq!(end.state_before, ExecutionState::Running { waiting_on: Some(2) });
        }
    }
}

#[tokio::test]
async fn with_abort_the_first_failure_cancels_the_others_and_is_raised() {
    let rig = rig();
    let code = "return select(2, pcall(alc.fork, { 'asks', 'fails' }, {}, { on_error = 'abort' }))";
    let parent = rig.start(SessionSpec::run(code)).await;
    let raised = value(&rig, parent).await.as_str().unwrap().to_owned();
    assert!(raised.starts_with("alc.fork: strategy 'fails' failed: ") && raised.ends_with(":1: no luck"), "{raised}");
    let all = of(&rig, parent);
    let TerminalOutcome::Cancelled(cancelled) = ended(&rig.registry, all[0]).await else { panic!("it is cancelled") };
    assert_eq!(cancelled.reason.code, CancelCode::Internal);
}

#[tokio::test]
async fn of_the_others_it_is_known_that_they_end_before_the_failure_is() {
    let rig = rig();
    rig.journal.hold(|_, records, _| is_cancel(records));
    let code = "return select(2, pcall(alc.fork, { 'asks', 'fails' }, {}, { on_error = 'abort' }))";
    let parent = rig.start(SessionSpec::run(code)).await;
    let all = children(&rig, parent, 1).await;
    assert!(rig.registry.is_ending(all[0]) && rig.registry.is_ending(all[1]));
    assert!(!rig.registry.is_ending(parent));
    wait_for("the cancel", || rig.journal.waiting() == 1).await;
    rig.journal.release(&Err(JournalError("no room".into())));
    wait_for("the refusal", || !rig.registry.is_ending(all[0])).await;
    rig.answer(all[0], "yes").await;
    let raised = value(&rig, parent).await;
    assert!(raised.as_str().unwrap().ends_with(":1: no luck"), "{raised}");
}

fn is_cancel(records: &[Record]) -> bool {
    let Some(Record::Turn(turn)) = records.first() else { return false };
    turn.iter().any(|event| matches!(event.kind, EventKind::CancelRequested { .. }))
}

#[tokio::test]
async fn a_child_that_is_being_recorded_as_its_parent_ends_ends_too() {
    let rig = rig();
    rig.journal.hold(|_, records, _| matches!(records, [Record::Spawned { spec, .. }] if spec.parent.is_some()));
    let parent = rig.start(SessionSpec::run("return alc.fork({ 'asks', 'asks' }, {})")).await;
    wait_for("the first child", || rig.journal.waiting() == 1).await;
    bounded(rig.registry.cancel(parent, reason(CancelCode::User, "enough", 0))).await.unwrap();
    rig.journal.release(&Ok(()));
    wait_for("the child", || of(&rig, parent).len() == 1).await;
    let TerminalOutcome::Cancelled(end) = ended(&rig.registry, of(&rig, parent)[0]).await else { panic!("it ends") };
    assert_eq!(end.reason.code, CancelCode::ParentDropped);
}

#[tokio::test]
async fn a_fork_that_makes_no_sense_is_refused_before_any_child_exists() {
    let rig = rig();
    let code = r#"
        local out = {}
        local function t(...) out[#out + 1] = select(2, pcall(alc.fork, ...)) end
        t({}, {})
        t({ "a-b" }, {})
        t({ "echo" }, { f = print })
        t({ "echo" })
        t("echo", {})
        local many = {}
        for i = 1, 257 do many[i] = "echo" end
        t(many, {})
        return out"#;
    let parent = rig.start(SessionSpec::run(code)).await;
    let expected = json!([
        "alc.fork: strategies must be a non-empty array",
        "alc.fork: invalid strategy name 'a-b' (only alphanumeric and underscore allowed)",
        "deserialize error: unsupported value type `function`",
        "bad argument #2: error converting Lua nil to table",
        "bad argument #1: error converting Lua string to table",
        "alc.fork: 257 strategies; the limit is 256",
    ]);
    assert_eq!(value(&rig, parent).await, expected);
    assert_eq!(of(&rig, parent), []);
}

/// A program whose forks may take so much memory together.
fn in_memory(code: &str, family_memory_bytes: u64) -> SessionSpec {
    let spec = SessionSpec::run(code);
    SessionSpec { limits: Limits { family_memory_bytes, ..spec.limits.clone() }, ..spec }
}

/// Forks `n` children, and returns how many have come to a result, and what the last of the others says.
fn counting(strategy: &str, n: u32, ctx: &str) -> String {
    format!(
        "local all, ok, why = {{}}, 0
        for i = 1, {n} do all[i] = '{strategy}' end
        for _, one in ipairs(alc.fork(all, {ctx})) do if one.ok then ok = ok + 1 else why = one.error end end
        return {{ ok, why }}"
    )
}

#[tokio::test]
async fn a_family_that_takes_too_much_memory_loses_those_that_take_more() {
    let rig = rig();
    rig.package("holds", "return { run = function() local t = ('x'):rep(1000000) alc.llm('?') return #t end }");
    let parent = rig.start(in_memory(&counting("holds", 12, "{}"), 5_000_000)).await;
    wait_for("those that fit", || {
        let states: Vec<_> = of(&rig, parent).iter().map(|id| rig.registry.state(*id).unwrap().name()).collect();
        states.len() == 12 && states.iter().all(|state| matches!(state, StateName::Paused | StateName::Failed))
    })
    .await;
    let all = of(&rig, parent);
    let waiting = || all.iter().filter(|id| matches!(rig.registry.state(**id), Ok(ExecutionState::Paused(_))));
    let fit = waiting().count();
    assert!((1..=4).contains(&fit), "{fit}");
    for child in waiting().copied().collect::<Vec<_>>() {
        rig.answer(child, "yes").await;
    }
    let got = value(&rig, parent).await;
    assert_eq!(got[0], fit);
    assert!(got[1].as_str().unwrap().contains("out of memory: what one session has forked takes "), "{got}");
    assert!(got[1].as_str().unwrap().ends_with("; the limit is 5000000"), "{got}");
    for child in all {
        if let TerminalOutcome::Failed(failure) = ended(&rig.registry, child).await {
            assert_eq!(failure.limit, Some(LimitKind::FamilyMemory));
        }
    }
}

#[tokio::test]
async fn what_children_return_and_are_given_counts_for_their_family() {
    let rig = rig();
    rig.package("large", "return { run = function() return ('x'):rep(1000000) end }");
    let got = value(&rig, rig.start(in_memory(&counting("large", 12, "{}"), 5_000_000)).await).await;
    // Those that still run hold theirs as well.
    assert!((1..=4).contains(&got[0].as_u64().unwrap()), "{got}");
    let code =
        "return select(2, pcall(alc.fork, { 'echo', 'echo', 'echo', 'echo', 'echo' }, { x = ('x'):rep(1000000) }))";
    let got = value(&rig, rig.start(in_memory(code, 5_000_000)).await).await;
    assert!(got.as_str().unwrap().starts_with("alc.fork: its family would take 5000"), "{got}");
    // What the parent itself could not take in ends the fork.
    let mut spec = in_memory(&counting("large", 12, "{}"), 1 << 30);
    spec.limits.memory_bytes = 4_000_000;
    let TerminalOutcome::Failed(failure) = ended(&rig.registry, rig.start(spec).await).await else {
        panic!("it fails")
    };
    let expected = "alc.fork: strategy 'large' failed: the results of the fork take more than 4000000 bytes";
    assert!(failure.message.contains(expected), "{failure:?}");
}

#[tokio::test]
async fn forks_within_each_other_have_a_bottom() {
    let rig = rig();
    rig.package("deep", "return { run = function(ctx) return alc.fork({ 'deep' }, ctx)[1] end }");
    let mut value = rig.value("return alc.fork({ 'deep' }, {})[1]").await;
    let mut depth = 0;
    while value["ok"] == true {
        value = value["result"].take();
        depth += 1;
    }
    assert_eq!(depth, 3);
    assert!(value["error"].as_str().unwrap().contains("alc.fork: more than 4 forks within each other"), "{value}");
}

#[tokio::test]
async fn a_family_shares_one_budget() {
    let rig = rig();
    let code = r#"
        alc.llm("mine")
        local r = alc.fork({ "asks", "asks", "asks", "asks" }, {})
        local asked = 0
        for _, one in ipairs(r) do asked = asked + (one.ok and 1 or 0) end
        return { asked, alc.budget_remaining(), select(2, pcall(alc.llm, "more")) }"#;
    let ctx = json!({ "budget": { "max_llm_calls": 3 } });
    let parent = rig.start(SessionSpec { ctx: Some(ctx), ..SessionSpec::run(code) }).await;
    paused(&rig.registry, parent).await;
    rig.answer(parent, "yes").await;
    // Two of the four get a question each, whoever is first; the others fail at once.
    let all = children(&rig, parent, 2).await;
    for child in all {
        if matches!(rig.registry.state(child).unwrap(), ExecutionState::Failed(_)) {
            continue;
        }
        paused(&rig.registry, child).await;
        rig.answer(child, "yes").await;
    }
    let expected = json!([2, { "llm_calls": 0 }, "budget_exceeded: max_llm_calls (3) reached (3 used)"]);
    assert_eq!(value(&rig, parent).await, expected);
}

#[tokio::test]
async fn a_child_has_its_own_namespace_and_its_parents_limits() {
    let rig = rig();
    rig.package("keeps", "return { run = function() alc.state.set('k', 1) return alc.state.keys() end }");
    let mut spec = SessionSpec::run("alc.state.set('mine', 1) return alc.fork({ 'echo', 'keeps' }, {})");
    spec.limits.memory_bytes = 3 << 20;
    spec.tags.insert("team".into(), "ci".into());
    let parent = rig.start(spec).await;
    assert_eq!(value(&rig, parent).await[1]["result"], json!(["k"]));
    assert_eq!(rig.text("state/fork-1.json"), "{\n  \"k\": 1\n}");
    for child in of(&rig, parent) {
        let spec = rig.registry.summary(child).unwrap().spec;
        assert_eq!((spec.limits.memory_bytes, spec.tags["team"].as_str()), (3 << 20, "ci"));
    }
}

#[tokio::test]
async fn a_parent_may_fork_again_and_each_fork_has_a_number() {
    let rig = rig();
    let parent = rig.start(SessionSpec::run("alc.fork({ 'echo' }, {}) return #alc.fork({ 'echo', 'echo' }, {})")).await;
    assert_eq!(value(&rig, parent).await, 2);
    let forks: Vec<_> = of(&rig, parent)
        .into_iter()
        .map(|child| rig.registry.summary(child).unwrap().spec.parent.clone().unwrap())
        .map(|Parent { session, fork, index, depth, budget }| (session == parent, fork, index, depth, budget))
        .collect();
    assert_eq!(forks, [(true, 1, 0, 1, None), (true, 2, 0, 1, None), (true, 2, 1, 1, None)]);
}

#[tokio::test]
async fn only_a_fork_makes_children() {
    let rig = rig();
    let parent = rig.start(SessionSpec::run("return alc.fork({ 'echo' }, {})")).await;
    ended(&rig.registry, parent).await;
    let spec = Arc::clone(&rig.registry.summary(of(&rig, parent)[0]).unwrap().spec);
    let refused = rig.registry.spawn((*spec).clone()).await;
    assert_eq!(refused, Err(SpawnError::InvalidSpec(InvalidSpec::ParentGiven)));
    let again = rig.start(spec.without_parent()).await;
    assert_eq!(value(&rig, again).await, json!({}));
}
