//! Real programs that come back from their record: whatever a process was doing as it died.

use std::fmt::Write as _;
use std::time::Duration;

use futures::FutureExt as _;
use serde_json::json;
use switchboard::domain::{
    CancelCode, CancelError, CancelReason, EffectStep, Event, EventKind, ExecutionState, LimitKind, Limits, SessionId,
    SessionSpec, StateName, TerminalOutcome,
};
use switchboard::engine::{Hibernation, Presence, Record, Registry, Retention};

use super::rig::Rig;
use crate::support::{Seeded, ended, paused, paused_at, until, wait_for};

/// A program made of random pieces: it asks, forks, writes, and looks at the clock, at random numbers and at state.
fn program(seed: u64) -> String {
    let random = Seeded::new(seed);
    let mut code = String::from("local got, incrs = {}, 0\nlocal function keep(v) got[#got + 1] = v end\n");
    for n in 0..3 + random.below(8) {
        let _ = match random.below(20) {
            0 | 1 => writeln!(code, "keep(alc.llm('ask {n} ' .. #got))"),
            2 => writeln!(
                code,
                "for _, a in ipairs(alc.llm_batch({{ {{ prompt = 'a {n}' }}, {{ prompt = 'b {n}' }} }})) do keep(a) end"
            ),
            3 => writeln!(code, "keep(math.random(1000000))"),
            4 => writeln!(code, "keep(os.time()) keep(alc.time())"),
            5 => writeln!(code, "for i = 1, {} do alc.log('info', 'line ' .. i) end", 1 + random.below(40)),
            6 => writeln!(code, "alc.progress({n}, 10, 'step') alc.stats.record('n{n}', #got)"),
            7 => writeln!(code, "keep(alc.state.get('absent {n}') == nil)"),
            8 => writeln!(
                code,
                "do local n = 0 for k in pairs({{ a = 1, b = 2, c = 3, [{n}] = 4 }}) do n = n + 1 keep(k) end end"
            ),
            9 => writeln!(
                code,
                "local t = {{}} for i = 1, 50 do t[i] = math.random(1, 9) end table.sort(t, function(a, b) return a < b end) keep(t[25])"
            ),
            10 => writeln!(code, "keep(coroutine.wrap(function() return alc.llm('inside {n}') end)())"),
            11 => writeln!(code, "keep(select(2, pcall(function() error('raised ' .. alc.llm('in pcall {n}')) end)))"),
            12 => {
                writeln!(code, "local s = 0 for i = 1, {} do s = s + i % 7 end keep(s)", 1000 * (1 + random.below(50)))
            }
            13 => writeln!(code, "keep(alc.parallel({{ 'x', 'y' }}, function(p) return p .. ' {n}' end))"),
            14 => writeln!(code, "alc.state.set('k{n}', {{ #got, 'v' }}) keep(alc.state.get('k{n}')[1])"),
            15 => writeln!(code, "incrs = incrs + 1 keep(alc.state.incr('n', 1))"),
            16 => writeln!(
                code,
                "alc.state.set('d{n}', 1) keep(alc.state.delete('d{n}')) keep(table.concat(alc.state.keys(), ' '))"
            ),
            17 => {
                writeln!(code, "alc.state.set('p:i{n}', #got) keep(alc.state.get('p:i{n}')) keep(#alc.state.list('p'))")
            }
            18 => writeln!(
                code,
                "alc.card.create({{ pkg = {{ name = 'p' }}, card_id = 'c{n}', v = #got }}) keep(alc.card.get('c{n}').v)"
            ),
            _ => {
                let kids = ["'asks', 'quick'", "'asks', 'asks'", "'asks', 'quick', 'asks'"][random.below(3) as usize];
                writeln!(
                    code,
                    "for _, r in ipairs(alc.fork({{ {kids} }}, {{ n = {n} }})) do keep(r.ok and r.result) end"
                )
            }
        };
    }
    // A write that a crash has lost or doubled shows in the count.
    code + "return { got, #got, 1 / 3, 0.1 + 0.2, alc.state.get('n', 0) == incrs }"
}

/// The packages that random programs fork.
fn kin(rig: &Rig) {
    rig.package(
        "asks",
        "return { run = function(ctx) local a = alc.llm('kid ' .. ctx.n) alc.log('info', a) \
         local m = alc.state.incr('m', 1) return { a, alc.llm('again ' .. m), math.random(1000), alc.time() } end }",
    );
    rig.package("quick", "return { run = function(ctx) alc.state.set('q', ctx.n) return alc.state.get('q') end }");
}

/// Answers everything that a session and its children ask, one at a time and by a rule, until it has ended.
async fn answer_all(rig: &Rig, top: SessionId, mut before_each: impl AsyncFnMut(&Registry, SessionId)) {
    let is_still = |state: &ExecutionState| {
        matches!(state, ExecutionState::Paused(_) | ExecutionState::Running { waiting_on: Some(_) })
    };
    loop {
        wait_for("everything to wait", || {
            let all = rig.registry.list();
            let stuck = all.iter().find(|it| matches!(it.presence, Presence::CannotReplay(_)));
            assert!(stuck.is_none(), "{stuck:#?}");
            let mut live = all.iter().filter(|it| !it.state.is_ended()).peekable();
            live.peek().is_none() || live.clone().all(|it| is_still(&it.state)) && live.any(|it| asks(&it.state))
        })
        .await;
        if rig.registry.state(top).unwrap().is_ended() {
            return;
        }
        let Some(next) = rig.registry.list().into_iter().find(|it| asks(&it.state)) else { continue };
        before_each(&rig.registry, next.id).await;
        let ExecutionState::Paused(pause) = next.state else { continue };
        let Some(prompt) = pause.pending().next() else { continue };
        rig.answer(next.id, &format!("<{}>", prompt.query.prompt)).await;
    }
}

fn asks(state: &ExecutionState) -> bool {
    matches!(state, ExecutionState::Paused(_))
}

/// The sessions of a rig, in the order of their birth, and everything that happened to each.
async fn all_events(rig: &Rig) -> Vec<(SessionId, Vec<String>)> {
    let home = rig.home("").display().to_string();
    let mut all = Vec::new();
    for summary in rig.registry.list() {
        let events = rig.events(summary.id).await;
        // Paths of cards are results, too.
        all.push((summary.id, events.iter().map(|event| format!("{event:?}").replace(&home, "~/")).collect()));
    }
    all
}

async fn verify_all(rig: &Rig, what: &str) {
    for summary in rig.registry.list() {
        rig.registry.verify(summary.id).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    }
}

#[tokio::test]
async fn random_programs_come_back_from_every_point_of_their_record() {
    let programs = std::env::var("SWITCHBOARD_RANDOM_PROGRAMS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    let first = std::env::var("SWITCHBOARD_RANDOM_FIRST").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    for seed in first..first + programs {
        let rig = Rig::recorded();
        kin(&rig);
        let homes = rig.keep_homes();
        let what = format!("seed {seed}\n{}", program(seed));
        let id = rig.start(SessionSpec::run(program(seed))).await;
        answer_all(&rig, id, async |_, _| ()).await;
        verify_all(&rig, &what).await;
        let appends = rig.journal.appends();
        // Some cuts of each.
        for cut in (1..=appends).step_by((appends / 6).max(1)) {
            let what = format!("cut {cut} of {what}");
            let after = rig.after_a_crash_at(cut, &homes).await;
            answer_all(&after, id, async |_, _| ()).await;
            let end = ended(&after.registry, id).await;
            let TerminalOutcome::Done(done) = end else { panic!("{end:?}: {what}") };
            assert_eq!(done.value[0].as_array().map(Vec::len), done.value[1].as_u64().map(|n| n as usize), "{what}");
            assert_eq!(done.value[4], true, "{what}");
            verify_all(&after, &what).await;
        }
        // From the whole record nothing new happens.
        let whole = rig.after_a_crash(|_, records| records.len()).await;
        assert_eq!(all_events(&whole).await, all_events(&rig).await, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn random_programs_that_sleep_at_every_pause_do_what_they_do_awake() {
    for seed in 100..110 {
        let mut streams = Vec::new();
        for sleeps in [false, true] {
            let rig = Rig::recorded();
            kin(&rig);
            let interval = Duration::from_millis(1);
            if sleeps {
                rig.registry.hibernate(Hibernation { after: Duration::ZERO, residents: usize::MAX, interval });
            }
            let id = rig.start(SessionSpec::run(program(seed))).await;
            let fall_asleep = async |registry: &Registry, id: SessionId| {
                while sleeps && registry.summary(id).unwrap().presence != Presence::Sleeping {
                    let presence = registry.summary(id).unwrap().presence;
                    assert!(!matches!(presence, Presence::CannotSleep(_)), "{presence:?}\n{}", program(seed));
                    tokio::time::sleep(interval).await;
                }
            };
            answer_all(&rig, id, fall_asleep).await;
            verify_all(&rig, &program(seed)).await;
            streams.push(all_events(&rig).await);
        }
        assert_eq!(streams[0], streams[1], "seed {seed}\n{}", program(seed));
    }
}

/// How many records there are up to the first that fits.
fn up_to(records: &[Record], fits: impl Fn(&EventKind) -> bool) -> usize {
    let fits = |record: &Record| matches!(record, Record::Turn(turn) if turn.iter().any(|event| fits(&event.kind)));
    1 + records.iter().position(fits).unwrap()
}

fn is_intent(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Effect(EffectStep::Intent(_)))
}

fn is_done(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Effect(EffectStep::Done { .. }))
}

/// Its program saw its CPU time go up; run again it uses less, since it need not wait for what is recorded.
#[tokio::test]
async fn the_cpu_clock_of_a_program_that_has_come_back_does_not_go_back() {
    let code = "local t repeat t = os.clock() until t > 0.05 alc.llm('go?') return os.clock() >= t";
    let rig = Rig::recorded();
    let id = rig.start(SessionSpec::run(code)).await;
    paused(&rig.registry, id).await;
    let after = rig.after_a_crash(|_, records| records.len()).await;
    after.answer(id, "on").await;
    let TerminalOutcome::Done(done) = ended(&after.registry, id).await else { panic!("it is done") };
    assert_eq!(done.value, true);
    verify_all(&after, "clock").await;
}

const INCREMENT: &str = "alc.llm('go?') local n = alc.state.incr('n', 1) alc.llm('on?') return n";

/// A session that has written once and waits.
async fn written(rig: &Rig) -> SessionId {
    rig.put("state/default.json", r#"{"n": 1}"#);
    let id = rig.start(SessionSpec::run(INCREMENT)).await;
    paused(&rig.registry, id).await;
    rig.answer(id, "yes").await;
    until(&rig.registry, id, |state| matches!(state, ExecutionState::Paused(pause) if pause.epoch == 2)).await;
    id
}

#[tokio::test]
async fn a_write_is_done_once_wherever_the_process_died() {
    for (point, holds) in [("before the intent", 1), ("intent, not written", 1), ("intent, written", 2), ("done", 2)] {
        let rig = Rig::recorded();
        let id = written(&rig).await;
        rig.put("state/default.json", &json!({ "n": holds }).to_string().replace(":2", ":2.0"));
        let after = rig
            .after_a_crash(|_, records| match point {
                "before the intent" => up_to(records, is_intent) - 1,
                "done" => up_to(records, is_done),
                _ => up_to(records, is_intent),
            })
            .await;
        until(&after.registry, id, |state| matches!(state, ExecutionState::Paused(pause) if pause.epoch == 2)).await;
        let state: serde_json::Value = serde_json::from_str(&after.text("state/default.json")).unwrap();
        assert_eq!(state["n"].as_f64(), Some(2.0), "{point}");
        after.answer(id, "on").await;
        let TerminalOutcome::Done(done) = ended(&after.registry, id).await else { panic!("{point}") };
        assert_eq!(done.value.as_f64(), Some(2.0), "{point}");
        let events = after.events(id).await;
        assert_eq!(events.iter().filter(|event| is_intent(&event.kind)).count(), 1, "{point}");
        after.registry.verify(id).await.unwrap_or_else(|error| panic!("{point}: {error}"));
    }
}

#[tokio::test]
async fn of_sessions_that_write_one_file_each_write_is_done_once_wherever_the_process_died() {
    let rig = Rig::recorded();
    let homes = rig.keep_homes();
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(rig.start(SessionSpec::run("for _ = 1, 3 do alc.state.incr('n') end")).await);
    }
    for id in &sessions {
        ended(&rig.registry, *id).await;
    }
    let appends = rig.journal.appends();
    for cut in 1..appends {
        for home in [cut, cut + 1] {
            let what = format!("{cut} appends, the home of {home}");
            let after = rig.after_a_crash_between(cut, home, &homes).await;
            let there: Vec<_> = after.registry.list().iter().map(|it| it.id).collect();
            wait_for("their end", || {
                let all = after.registry.list();
                let stuck = all.iter().find(|it| matches!(it.presence, Presence::CannotReplay(_)));
                assert!(stuck.is_none(), "{what}: {stuck:#?}");
                all.iter().all(|it| it.state.is_ended())
            })
            .await;
            let value = after.value("return alc.state.get('n', 0)").await;
            assert_eq!(value.as_f64(), Some(3.0 * there.len() as f64), "{what}");
        }
    }
}

#[tokio::test]
async fn a_write_that_somebody_else_came_between_is_left_for_a_person() {
    let rig = Rig::recorded();
    let id = written(&rig).await;
    rig.put("state/default.json", r#"{"n": 7}"#);
    let after = rig.after_a_crash(|_, records| up_to(records, is_intent)).await;
    let is_stuck = || matches!(after.registry.summary(id).unwrap().presence, Presence::CannotReplay(_));
    wait_for("the conflict to be found", is_stuck).await;
    let Presence::CannotReplay(why) = after.registry.summary(id).unwrap().presence else { unreachable!() };
    assert!(why.contains("state/default.json") && why.contains("somebody else"), "{why}");
    assert_eq!(after.text("state/default.json"), r#"{"n": 7}"#, "nothing is touched");
    // Once the person has put it right, the next start goes on.
    after.put("state/default.json", r#"{"n": 1}"#);
    let again = after.after_a_crash(|_, records| records.len()).await;
    until(&again.registry, id, |state| matches!(state, ExecutionState::Paused(pause) if pause.epoch == 2)).await;
}

const FORK: &str = "local r = alc.fork({ 'asks', 'asks', 'quick' }, { x = 1 }) alc.llm('all?') \
                    return { r[1].result, r[2].result, r[3].result }";

fn packages(rig: &Rig) {
    rig.package("asks", "return { run = function(ctx) return alc.llm('child?') .. ctx.x end }");
    rig.package("quick", "return { run = function() return 'at once' end }");
}

fn children(registry: &Registry, parent: SessionId) -> Vec<SessionId> {
    let mut children: Vec<_> = registry.list().into_iter().filter(|summary| summary.parent() == Some(parent)).collect();
    children.sort_by_key(|summary| summary.spec.parent.as_ref().map(|parent| parent.index));
    children.iter().map(|summary| summary.id).collect()
}

/// A fork of which one child has ended and two wait.
async fn forked(rig: &Rig) -> (SessionId, Vec<SessionId>) {
    packages(rig);
    let parent = rig.start(SessionSpec::run(FORK)).await;
    wait_for("the children", || children(&rig.registry, parent).len() == 3).await;
    let ids = children(&rig.registry, parent);
    for id in &ids[..2] {
        paused(&rig.registry, *id).await;
    }
    ended(&rig.registry, ids[2]).await;
    wait_for("the word of its end", || {
        matches!(rig.registry.state(parent), Ok(ExecutionState::Running { waiting_on: Some(2) }))
    })
    .await;
    (parent, ids)
}

/// The same behind the death of the process, of which the second child cannot be read: the parent cannot come back.
async fn forked_and_damaged() -> (Rig, SessionId, Vec<SessionId>) {
    let rig = Rig::recorded();
    let (parent, ids) = forked(&rig).await;
    let after = rig.image(|_, all| all.len());
    after.journal.damage(ids[1]);
    after.registry.recover().await.unwrap();
    wait_for("it to be marked", || {
        matches!(after.registry.summary(parent).unwrap().presence, Presence::CannotReplay(_))
    })
    .await;
    (after, parent, ids)
}

#[tokio::test]
async fn a_fork_goes_on_with_its_children_wherever_the_process_died() {
    let rig = Rig::recorded();
    let (parent, ids) = forked(&rig).await;
    rig.answer(ids[1], "b").await;
    ended(&rig.registry, ids[1]).await;
    let told = |id| move |event: &Event| matches!(event.kind, EventKind::ChildEnded { session, .. } if session == id);
    let last = rig.registry.summary(parent).unwrap();
    wait_for("both ends", || rig.registry.summary(parent).unwrap().last_seq >= last.last_seq.max(6)).await;
    let records = rig.journal.count(parent);

    for cut in 1..=records {
        let after = rig.after_a_crash(|id, all| if id == parent { cut } else { all.len() }).await;
        let now = || children(&after.registry, parent);
        assert_eq!(now(), ids, "cut {cut}: no child is made twice");
        wait_for("the first child", || after.registry.state(ids[0]).unwrap().name() == StateName::Paused).await;
        after.answer(ids[0], "a").await;
        let all = || format!("cut {cut}: {:#?}", after.registry.list());
        let there = until(&after.registry, parent, |state| matches!(state, ExecutionState::Paused(_)));
        tokio::time::timeout(Duration::from_secs(30), there).await.unwrap_or_else(|_| panic!("{}", all()));
        after.answer(parent, "yes").await;
        let TerminalOutcome::Done(done) = ended(&after.registry, parent).await else { panic!("cut {cut}") };
        assert_eq!(done.value, json!(["a1", "b1", "at once"]), "cut {cut}");
        let events = after.events(parent).await;
        for id in &ids {
            assert_eq!(events.iter().filter(|event| told(*id)(event)).count(), 1, "cut {cut}");
        }
        after.registry.verify(parent).await.unwrap_or_else(|error| panic!("cut {cut}: {error}"));
    }
}

#[tokio::test]
async fn a_session_that_waits_for_its_children_comes_back_however_often_the_process_dies() {
    let rig = Rig::recorded();
    let (parent, ids) = forked(&rig).await;
    let mut before = rig;
    for death in 1..=3 {
        let after = before.image(|_, all| all.len());
        after.journal.was_killed();
        after.registry.recover().await.unwrap();
        wait_for("the children", || {
            matches!(after.registry.state(parent), Ok(ExecutionState::Running { waiting_on: Some(2) }))
                && after.registry.summary(parent).unwrap().presence == Presence::Resident
        })
        .await;
        assert_eq!(children(&after.registry, parent), ids, "death {death}");
        before = after;
    }
}

#[tokio::test]
async fn the_children_of_a_session_that_cannot_come_back_end_with_it() {
    let (after, parent, ids) = forked_and_damaged().await;
    cancel(&after.registry, parent).await;
    let TerminalOutcome::Cancelled(end) = ended(&after.registry, ids[0]).await else { panic!("it goes on") };
    assert_eq!(end.reason.code, CancelCode::ParentDropped);
}

async fn cancel(registry: &Registry, id: SessionId) {
    let reason = CancelReason { code: CancelCode::User, detail: None, requested_at: 0 };
    registry.cancel(id, reason).await.unwrap();
}

/// That sessions were cancelled since their parent had ended, and are so for whoever comes next.
async fn were_dropped(rig: &Rig, ids: &[SessionId]) {
    for id in ids {
        let state = rig.registry.state(*id).unwrap();
        let ExecutionState::Cancelled(end) = &state else { panic!("{id}: {state:?}") };
        assert_eq!(end.reason.code, CancelCode::ParentDropped);
    }
    let next = rig.after_a_crash(|_, all| all.len()).await;
    assert!(next.registry.list().iter().all(|it| it.state.is_ended()));
}

#[tokio::test]
async fn the_children_of_a_session_that_was_cancelled_before_anything_came_back_end_too() {
    let rig = Rig::recorded();
    let (parent, ids) = forked(&rig).await;
    let after = rig.image(|_, all| all.len());
    cancel(&after.registry, parent).await;
    after.registry.recover().await.unwrap();
    were_dropped(&after, &ids[..2]).await;
    // The same of one family, and where nobody else comes back.
    let after = rig.image(|_, all| all.len());
    cancel(&after.registry, parent).await;
    assert_eq!(family_of(&after, parent).await, [parent]);
    were_dropped(&after, &ids[..2]).await;
    let after = rig.image(|_, all| all.len());
    after.registry.end_dropped().await.unwrap();
    assert_eq!(after.registry.state(ids[0]).unwrap().name(), StateName::Paused, "its parent has not ended");
    cancel(&after.registry, parent).await;
    after.registry.end_dropped().await.unwrap();
    were_dropped(&after, &ids[..2]).await;
}

#[tokio::test]
async fn children_that_a_dying_process_has_left_behind_end_before_they_run_again() {
    let rig = Rig::recorded();
    packages(&rig);
    rig.package("nests", "return { run = function() return alc.fork({ 'asks' }, { x = 2 })[1].result end }");
    let parent = rig.start(SessionSpec::run("return #alc.fork({ 'nests', 'asks' }, { x = 1 })")).await;
    wait_for("two children", || children(&rig.registry, parent).len() == 2).await;
    let ids = children(&rig.registry, parent);
    wait_for("a child of a child", || children(&rig.registry, ids[0]).len() == 1).await;
    let below = children(&rig.registry, ids[0])[0];
    paused(&rig.registry, below).await;
    paused(&rig.registry, ids[1]).await;
    let begun = |all: &[Record]| up_to(all, |kind| matches!(kind, EventKind::StateTransition { .. }));
    let counts: Vec<usize> = [ids[0], below].iter().map(|id| rig.journal.count(*id)).collect();
    cancel(&rig.registry, parent).await;
    for id in [ids[0], ids[1], below] {
        ended(&rig.registry, id).await;
    }
    // One ran, one waits for its own child, and that one waits for an answer.
    let kept = |id: SessionId, all: &[Record]| match id {
        id if id == ids[0] => counts[0],
        id if id == below => counts[1],
        id if id == ids[1] => begun(all),
        _ => all.len(),
    };
    let image = rig.image(kept);
    let before = image.journal.count(ids[1]);
    image.journal.was_killed();
    image.registry.recover().await.unwrap();
    were_dropped(&image, &[ids[0], ids[1], below]).await;
    assert_eq!(image.journal.count(ids[1]), before + 1, "nothing but its end");
    assert!(!image.registry.recovery().is_under_way());
    let family = rig.image(kept);
    assert_eq!(family_of(&family, parent).await, [parent]);
    were_dropped(&family, &[ids[0], ids[1], below]).await;
}

#[tokio::test]
async fn a_child_whose_parent_is_not_there_is_left_as_it_is() {
    let rig = Rig::recorded();
    let (parent, ids) = forked(&rig).await;
    let removed = rig.image(|id, all| if id == parent { 0 } else { all.len() });
    let damaged = rig.image(|_, all| all.len());
    damaged.journal.damage(parent);
    for after in [removed, damaged] {
        after.registry.recover().await.unwrap();
        after.registry.end_dropped().await.unwrap();
        for id in &ids[..2] {
            assert_eq!(after.registry.state(*id).unwrap().name(), StateName::Paused);
        }
    }
}

#[tokio::test]
async fn a_fork_with_a_child_that_is_damaged_waits_and_makes_it_not_again() {
    let (after, parent, ids) = forked_and_damaged().await;
    let Presence::CannotReplay(why) = after.registry.summary(parent).unwrap().presence else { unreachable!() };
    assert_eq!(*why, *format!("its child {} has not come back", ids[1]));
    assert_eq!(children(&after.registry, parent), [ids[0], ids[2]]);
    assert!(!after.registry.recovery().is_under_way());
}

#[tokio::test]
async fn a_child_that_has_ended_and_was_evicted_is_not_made_again() {
    let rig = Rig::recorded();
    let (parent, ids) = forked(&rig).await;
    // Both times before the word that there are children: what waits for children would come back by itself.
    let begins = |all: &[Record]| up_to(all, |kind| matches!(kind, EventKind::ChildStarted { .. })) - 1;
    let first = rig.image(|id, all| if id == parent { begins(all) } else { all.len() });
    let cut = first.journal.count(parent);
    first.journal.was_killed();
    first.registry.recover().await.unwrap();
    wait_for("the word that it is run again", || first.journal.count(parent) > cut + 1).await;
    let resumed = |all: &[Record]| all.iter().position(|it| matches!(it, Record::Resumed { .. })).unwrap() + 1;
    let second = first.image(|id, all| if id == parent { resumed(all) } else { all.len() });
    second.journal.was_killed();
    second.registry.recover().await.unwrap();
    assert_eq!(second.registry.summary(parent).unwrap().presence, Presence::Suspended);
    second.registry.collect(Duration::ZERO, Duration::from_millis(1));
    let is_evicted = || second.registry.inspect(ids[2]).unwrap().retention == Retention::Evicted;
    wait_for("the child to be evicted", is_evicted).await;
    second.registry.release(parent).await.unwrap();
    for (id, text) in [(ids[0], "a"), (ids[1], "b")] {
        second.answer(id, text).await;
    }
    until(&second.registry, parent, |state| matches!(state, ExecutionState::Paused(_))).await;
    second.answer(parent, "yes").await;
    let TerminalOutcome::Done(done) = ended(&second.registry, parent).await else { panic!("it is done") };
    assert_eq!(done.value, json!(["a1", "b1", "at once"]));
    second.registry.verify(parent).await.unwrap();
}

#[tokio::test]
async fn an_aborted_fork_raises_the_same_wherever_the_process_died() {
    let rig = Rig::recorded();
    packages(&rig);
    rig.package("fails", "return { run = function(ctx) error('no luck') end }");
    let homes = rig.keep_homes();
    let code = "return select(2, pcall(alc.fork, { 'asks', 'fails', 'asks' }, {}, { on_error = 'abort' }))";
    let parent = rig.start(SessionSpec::run(code)).await;
    let TerminalOutcome::Done(first) = ended(&rig.registry, parent).await else { panic!("it is done") };
    assert!(first.value.as_str().unwrap().starts_with("alc.fork: strategy 'fails' failed: "), "{first:?}");
    for appends in 1..=rig.journal.appends() {
        let after = rig.after_a_crash_at(appends, &homes).await;
        let TerminalOutcome::Done(done) = ended(&after.registry, parent).await else { panic!("it is done") };
        assert_eq!(done.value, first.value, "behind {appends} appends");
        verify_all(&after, &format!("behind {appends} appends")).await;
    }
}

#[tokio::test]
async fn a_shutdown_in_the_middle_of_a_fork_ends_and_tells_nothing() {
    fn is_child(records: &[Record], index: u32) -> bool {
        let [Record::Spawned { spec, .. }] = records else { return false };
        spec.parent.as_ref().is_some_and(|parent| parent.index == index)
    }
    fn is_intent(records: &[Record]) -> bool {
        let [Record::Turn(turn)] = records else { return false };
        turn.iter().any(|event| matches!(event.kind, EventKind::Effect(EffectStep::Intent(_))))
    }
    // Before the fork, while the first child is being recorded, and while the second is.
    let moments: [fn(&[Record]) -> bool; 3] =
        [is_intent, |records| is_child(records, 0), |records| is_child(records, 1)];
    for moment in moments {
        let rig = Rig::recorded();
        packages(&rig);
        rig.journal.hold(move |_, records, _| moment(records));
        let code = "alc.state.set('k', 1) local all = {}
            for _, one in ipairs(alc.fork({ 'quick', 'quick' }, {})) do all[#all + 1] = one.result or one.error end return all";
        let parent = rig.start(SessionSpec::run(code)).await;
        wait_for("the moment", || rig.journal.waiting() == 1).await;
        let mut closing = Box::pin(rig.registry.shutdown(Duration::from_secs(30)));
        assert!(closing.as_mut().now_or_never().is_none());
        rig.journal.release(&Ok(()));
        assert_eq!(closing.await, 0);
        assert!(rig.registry.list().iter().all(|it| !it.state.is_ended()), "{:#?}", rig.registry.list());
        let after = rig.after_a_crash(|_, all| all.len()).await;
        let TerminalOutcome::Done(done) = ended(&after.registry, parent).await else { panic!("it is done") };
        assert_eq!(done.value, json!(["at once", "at once"]));
        verify_all(&after, "behind a shutdown").await;
    }
}

#[tokio::test]
async fn a_session_that_was_ended_while_it_waited_for_children_does_the_same_again() {
    let rig = Rig::recorded();
    let (parent, ids) = forked(&rig).await;
    cancel(&rig.registry, parent).await;
    were_dropped(&rig, &ids[..2]).await;
    verify_all(&rig, "cancelled").await;
    let spec = SessionSpec::run("return alc.fork({ 'asks' }, {})");
    let limits = Limits { wall_ms: Some(1), ..spec.limits.clone() };
    let late = rig.start(SessionSpec { limits, ..spec }).await;
    wait_for("its child", || children(&rig.registry, late).len() == 1).await;
    rig.clock.advance(10);
    // Its child has what is left of its time, and may be the first to be too late.
    ended(&rig.registry, late).await;
    verify_all(&rig, "too late").await;
}

/// Brings back one family and gives those of it that have not ended.
async fn family_of(rig: &Rig, top: SessionId) -> Vec<SessionId> {
    rig.registry.recover_family(top).await.unwrap().iter().map(|summary| summary.id).collect()
}

#[tokio::test]
async fn a_family_comes_back_by_itself_and_nobody_else_with_it() {
    let rig = Rig::recorded();
    let other = rig.start(SessionSpec::run("return alc.llm('other?')")).await;
    let (parent, ids) = forked(&rig).await;
    let (second, _) = forked(&rig).await;
    let after = rig.image(|_, all| all.len());
    let family = family_of(&after, parent).await;
    assert_eq!(family, [parent, ids[0], ids[1]]);
    let mut listed: Vec<SessionId> = after.registry.list().iter().map(|summary| summary.id).collect();
    listed.sort_unstable();
    let mut all = vec![parent, ids[0], ids[1], ids[2]];
    all.sort_unstable();
    assert_eq!(listed, all);
    for (id, text) in [(ids[0], "a"), (ids[1], "b")] {
        after.answer(id, text).await;
    }
    until(&after.registry, parent, |state| matches!(state, ExecutionState::Paused(_))).await;
    after.answer(parent, "yes").await;
    let TerminalOutcome::Done(done) = ended(&after.registry, parent).await else { panic!("it is done") };
    assert_eq!(done.value, json!(["a1", "b1", "at once"]));
    for id in [other, second] {
        assert_eq!(after.journal.count(id), rig.journal.count(id), "nothing of it has run");
    }
    // One that waits is read alone, and so is one that is damaged.
    let after = rig.image(|_, all| all.len());
    assert_eq!(family_of(&after, other).await, [other]);
    after.journal.damage(second);
    assert_eq!(after.registry.recover_family(second).await.unwrap_err().0, "a row is damaged");
}

#[tokio::test]
async fn an_edited_package_changes_nothing_of_a_session_that_has_loaded_it() {
    let rig = Rig::recorded();
    rig.package("greet", "return { text = 'old' }");
    let code = "local g = require('greet') local a = alc.llm(g.text .. '?') return { a, g.text }";
    let id = rig.start(SessionSpec::run(code)).await;
    paused(&rig.registry, id).await;
    rig.package("greet", "return { text = 'new' }");
    let after = rig.after_a_crash(|_, records| records.len()).await;
    after.answer(id, "a").await;
    let TerminalOutcome::Done(done) = ended(&after.registry, id).await else { panic!("it is done") };
    assert_eq!(done.value, json!(["a", "old"]));
}

/// A section that cannot yield and lasts until the clock is set.
const IN_A_SECTION: &str = "
    local first = alc.llm('one?')
    alc.log('info', 'before')
    alc.state.get('k')
    xpcall(error, function() while alc.time() < 2000 do end end)
    return first .. alc.llm('two?')";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_was_raised_out_of_a_section_for_a_cancel_that_was_not_recorded_goes_on() {
    let rig = Rig::recorded();
    let mut spec = SessionSpec::run(IN_A_SECTION);
    spec.limits.section_ms = 3_600_000;
    let id = rig.start(spec).await;
    paused(&rig.registry, id).await;
    rig.answer(id, "a").await;
    let in_it = || rig.registry.summary(id).is_ok_and(|summary| summary.last_seq >= 9);
    wait_for("the line before the section", in_it).await;

    rig.journal.refuse_acknowledged();
    let reason = CancelReason { code: CancelCode::User, detail: None, requested_at: 1 };
    let refused = rig.registry.cancel(id, reason).await;
    assert!(matches!(refused, Err(CancelError::NotRecorded { .. })), "{refused:?}");
    rig.journal.accept();

    rig.clock.advance(2_000_000);
    paused_at(&rig.registry, id, 2).await;
    rig.answer(id, "b").await;
    let TerminalOutcome::Done(done) = ended(&rig.registry, id).await else { panic!("it did not end well") };
    assert_eq!(done.value, json!("ab"));
    rig.registry.verify(id).await.unwrap();
    let logged = rig.events(id).await.iter().filter(|event| matches!(event.kind, EventKind::Log { .. })).count();
    assert_eq!(logged, 1);
}

#[tokio::test]
async fn large_values_come_in_and_out_as_they_are_also_where_they_are_replayed() {
    let rig = Rig::recorded();
    let mut spec = SessionSpec::run("alc.state.set('k', ctx) alc.llm('one?') return alc.state.get('k')");
    let ctx = json!({"list": (0..100_000).collect::<Vec<_>>(), "text": "x".repeat(300_000), "empty": []});
    spec.ctx = Some(ctx.clone());
    let id = rig.start(spec).await;
    paused(&rig.registry, id).await;
    rig.answer(id, "a").await;
    let TerminalOutcome::Done(done) = ended(&rig.registry, id).await else { panic!("it did not end well") };
    assert!(done.value == ctx, "the same value");
    rig.registry.verify(id).await.unwrap();
}

#[tokio::test]
async fn a_session_that_ended_at_the_limit_of_a_section_is_verified_however_fast_the_machine_is_by_now() {
    for within in ["", "alc.log('info', 'here') ", "n = n + os.time() ", "for i = 1, 9 do alc.log('info', i) end "] {
        let rig = Rig::recorded();
        let code = format!("local n = 0 alc.llm('q') xpcall(error, function() while true do {within}end end)");
        let mut spec = SessionSpec::run(code);
        spec.limits.section_ms = 2;
        let id = rig.start(spec).await;
        paused(&rig.registry, id).await;
        rig.answer(id, "a").await;
        let TerminalOutcome::Failed(failure) = ended(&rig.registry, id).await else { panic!("it has no end") };
        assert_eq!(failure.limit, Some(LimitKind::Section), "{within}");
        rig.registry.verify(id).await.unwrap_or_else(|error| panic!("{within}: {error}"));
    }
}
