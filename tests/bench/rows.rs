//! The rows: what is measured, each in one function that takes its size.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use switchboard::domain::{
    Answer, AnsweredBy, CancelCode, CancelReason, Event, EventKind, ExecutionState, ObserverRecvError, QueryId,
    ResumePayload, SessionId, SessionSpec, StateName,
};
use switchboard::engine::{MemoryJournal, Observer, Registry, RegistryConfig, SystemClock, SystemEntropy};
use switchboard::lua::LuaVms;
use switchboard::store::FsFiles;
use tokio::runtime::{Builder, Runtime};

use crate::measure::{Samples, cpu, handles, row, rss_kb, threads};

pub(crate) const ASK_FOREVER: &str = "while true do alc.llm('q') end";

fn one_core() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

pub(crate) fn two_cores() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).global_queue_interval(1).enable_all().build().expect("a runtime")
}

fn registry(runtime: &Runtime, journal: MemoryJournal) -> Registry {
    Registry::new(RegistryConfig {
        vms: Arc::new(LuaVms::new()),
        journal: Arc::new(journal),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        files: Arc::new(FsFiles::default()),
        library_dirs: Vec::new(),
        runtime: runtime.handle().clone(),
    })
}

pub(crate) async fn spawn(registry: &Registry, code: &str) -> SessionId {
    registry.spawn(SessionSpec::run(code)).await.expect("the spec is valid")
}

pub(crate) fn single(query: u32) -> ResumePayload {
    ResumePayload::Single(Answer::new(QueryId::new(query), "a", AnsweredBy::Person))
}

/// Reads until a session that asks one thing at a time is announced as paused on query `q-n`.
pub(crate) async fn paused_on(observer: &mut Observer, n: u32) {
    loop {
        match observer.recv_turn().await {
            Ok(events) => {
                let asks = |event: &Event| matches!(&event.kind, EventKind::LlmCallBegin { query_id } if query_id.number() == n);
                if events.iter().any(asks) {
                    return;
                }
            }
            Err(ObserverRecvError::Gap { .. }) => {}
            Err(ObserverRecvError::Closed) => panic!("the session ended"),
        }
    }
}

async fn cancel(registry: &Registry, id: SessionId) {
    let reason = CancelReason { code: CancelCode::User, detail: None, requested_at: 0 };
    registry.cancel(id, reason).await.expect("the session exists");
}

/// From the call of `spawn` until the first pause can be seen, one session after the other.
pub(crate) fn spawn_to_paused(n: usize) {
    let runtime = two_cores();
    let registry = registry(&runtime, MemoryJournal::default());
    let figures = runtime.block_on(async move {
        let task = async move {
            let mut samples = Samples::default();
            for _ in 0..n {
                let start = Instant::now();
                let id = spawn(&registry, "return alc.llm('q')").await;
                let mut observer = registry.observe(id, None).expect("it exists");
                paused_on(&mut observer, 1).await;
                samples.push(start.elapsed());
                registry.resume(id, single(1)).await.expect("it is paused");
                registry.await_terminal(id).await.expect("it exists");
            }
            samples.figures()
        };
        tokio::spawn(task).await.expect("no panic")
    });
    row("spawn_to_paused", n, 1, &figures);
}

/// Sessions started and ended by eight callers.
pub(crate) fn sessions_per_second(n: usize) {
    const CALLERS: usize = 8;
    let runtime = two_cores();
    let registry = registry(&runtime, MemoryJournal::default());
    registry.collect(Duration::ZERO, Duration::from_millis(20));
    let elapsed = runtime.block_on(async move {
        let start = Instant::now();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let registry = registry.clone();
                tokio::spawn(async move {
                    for _ in 0..n / CALLERS {
                        let id = spawn(&registry, "return 42").await;
                        registry.await_terminal(id).await.expect("it exists");
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.expect("no panic");
        }
        start.elapsed()
    });
    let per_second = (n / CALLERS * CALLERS) as f64 / elapsed.as_secs_f64();
    row("sessions_per_second", n, 1, &json!({"n": n, "callers": CALLERS, "per_second": per_second.round()}));
}

/// Resident memory, threads, handles and idle CPU of sessions that wait.
pub(crate) fn memory_per_paused_session(n: usize) {
    let runtime = two_cores();
    let registry = registry(&runtime, MemoryJournal::default());
    let figures = runtime.block_on(async move {
        let warm = spawn(&registry, "return alc.llm('q')").await;
        paused_on(&mut registry.observe(warm, None).expect("it exists"), 1).await;
        let (rss, thread_count, handle_count) = (rss_kb(), threads(), handles());
        let start = Instant::now();
        let mut ids = Vec::with_capacity(n);
        for _ in 0..n {
            ids.push(spawn(&registry, "return alc.llm('q')").await);
        }
        for id in &ids {
            paused_on(&mut registry.observe(*id, None).expect("it exists"), 1).await;
        }
        let elapsed = start.elapsed();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (cpu_before, idle) = (cpu(), Instant::now());
        tokio::time::sleep(Duration::from_secs(2)).await;
        let idle_cpu = cpu().saturating_sub(cpu_before).as_secs_f64() / idle.elapsed().as_secs_f64();
        json!({
            "n": n,
            "rss_kb_per_session": ((rss_kb() - rss) / n as f64 * 10.0).round() / 10.0,
            "threads_per_session": (threads() - thread_count) / n as f64,
            "handles_per_session": (handles() as f64 - handle_count as f64) / n as f64,
            "spawned_and_paused_per_second": (n as f64 / elapsed.as_secs_f64()).round(),
            "idle_cpu_cores": (idle_cpu * 1e5).round() / 1e5,
        })
    });
    row("memory_per_paused_session", n, 1, &figures);
}

/// Resident memory while `n` sessions wait and once they are cancelled and collected, five times over.
pub(crate) fn memory_given_back(n: usize) {
    const ROUNDS: usize = 5;
    let runtime = two_cores();
    let registry = registry(&runtime, MemoryJournal::new(0, 0));
    registry.collect(Duration::ZERO, Duration::from_millis(20));
    let figures = runtime.block_on(async move {
        let before = rss_kb();
        let (mut waiting, mut after) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mut ids = Vec::with_capacity(n);
            for _ in 0..n {
                ids.push(spawn(&registry, "local t = {} for i = 1, 2000 do t[i] = i end return alc.llm('q')").await);
            }
            for id in &ids {
                paused_on(&mut registry.observe(*id, None).expect("it exists"), 1).await;
            }
            waiting.push(((rss_kb() - before) / 1024.0).round());
            for id in ids {
                cancel(&registry, id).await;
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
            after.push(((rss_kb() - before) / 1024.0).round());
        }
        json!({"n": n, "rss_mb_waiting": waiting, "rss_mb_after": after})
    });
    row("memory_given_back", n, ROUNDS, &figures);
}

async fn answer_cycles(registry: Registry, cycles: usize) -> Vec<Duration> {
    let id = spawn(&registry, ASK_FOREVER).await;
    let mut observer = registry.observe(id, None).expect("it exists");
    paused_on(&mut observer, 1).await;
    let mut times = Vec::with_capacity(cycles);
    for query in 1..=cycles as u32 {
        let start = Instant::now();
        registry.resume(id, single(query)).await.expect("it is paused");
        paused_on(&mut observer, query + 1).await;
        times.push(start.elapsed());
    }
    cancel(&registry, id).await;
    times
}

fn samples(times: &[Duration]) -> Samples {
    let mut samples = Samples::default();
    for time in times {
        samples.push(*time);
    }
    samples
}

/// One answer, until the next question is announced; caller and session on one thread.
pub(crate) fn answer_to_next_pause_one_core(n: usize) {
    let runtime = one_core();
    let registry = registry(&runtime, MemoryJournal::default());
    let times = runtime.block_on(async move { tokio::spawn(answer_cycles(registry, n)).await.expect("no panic") });
    row("answer_to_next_pause_one_core", n, 1, &samples(&times).figures());
}

/// The same on the runtime of the sessions with two workers.
pub(crate) fn answer_to_next_pause_two_cores(n: usize) {
    let runtime = two_cores();
    let registry = registry(&runtime, MemoryJournal::default());
    let times = runtime.block_on(async move { tokio::spawn(answer_cycles(registry, n)).await.expect("no panic") });
    row("answer_to_next_pause_two_cores", n, 1, &samples(&times).figures());
}

/// The same from a thread of its own, as a screen does.
pub(crate) fn answer_to_next_pause_other_thread(n: usize) {
    let runtime = two_cores();
    let registry = registry(&runtime, MemoryJournal::default());
    let times = one_core().block_on(answer_cycles(registry, n));
    row("answer_to_next_pause_other_thread", n, 1, &samples(&times).figures());
}

/// The first and the last thousand cycles of a long session.
pub(crate) fn answer_to_next_pause_long_transcript(n: usize) {
    let runtime = one_core();
    let registry = registry(&runtime, MemoryJournal::default());
    let times = runtime.block_on(async move { tokio::spawn(answer_cycles(registry, n)).await.expect("no panic") });
    let edge = 1000.min(times.len());
    let figures = json!({
        "n": n,
        "first_1000": samples(&times[..edge]).figures(),
        "last_1000": samples(&times[times.len() - edge..]).figures(),
    });
    row("answer_to_next_pause_long_transcript", n, 1, &figures);
}

/// Answers a second over `n` sessions with 64 in flight.
pub(crate) fn answers_per_second(n: usize) {
    const IN_FLIGHT: usize = 64;
    const SECONDS: u64 = 3;
    let runtime = two_cores();
    let registry = registry(&runtime, MemoryJournal::default());
    let (answers, elapsed) = runtime.block_on(async move {
        let mut ids = Vec::with_capacity(n);
        for _ in 0..n {
            ids.push(spawn(&registry, ASK_FOREVER).await);
        }
        for id in &ids {
            paused_on(&mut registry.observe(*id, None).expect("it exists"), 1).await;
        }
        let start = Instant::now();
        let callers: Vec<_> = (0..IN_FLIGHT)
            .map(|caller| {
                let registry = registry.clone();
                let mine: Vec<SessionId> = ids.iter().skip(caller).step_by(IN_FLIGHT).copied().collect();
                tokio::spawn(async move {
                    let mut answers = 0_u64;
                    let mut query = 0;
                    while start.elapsed() < Duration::from_secs(SECONDS) {
                        query += 1;
                        for id in &mine {
                            loop {
                                match registry.resume(*id, single(query)).await {
                                    Ok(_) => break,
                                    // The next question is not announced yet.
                                    Err(_) => tokio::task::yield_now().await,
                                }
                            }
                            answers += 1;
                        }
                    }
                    answers
                })
            })
            .collect();
        let mut answers = 0;
        for caller in callers {
            answers += caller.await.expect("no panic");
        }
        (answers, start.elapsed())
    });
    let per_second = (answers as f64 / elapsed.as_secs_f64()).round();
    row("answers_per_second", n, 1, &json!({"n": answers, "in_flight": IN_FLIGHT, "per_second": per_second}));
}

/// Events a second that one observer reads while they happen.
pub(crate) fn events_per_second(n: usize) {
    let runtime = two_cores();
    let registry = registry(&runtime, MemoryJournal::new(256 << 20, 0));
    let mut spec = SessionSpec::run(format!("for i = 1, {n} do alc.progress(i, {n}) end return 1"));
    spec.limits.reports = u64::MAX;
    let (events, missing, elapsed) = runtime.block_on(async move {
        let task = async move {
            let start = Instant::now();
            let id = registry.spawn(spec).await.expect("the spec is valid");
            let mut observer = registry.observe(id, None).expect("it exists");
            let (mut events, mut missing) = (0_u64, 0);
            loop {
                match observer.recv_turn().await {
                    Ok(turn) => events += turn.len() as u64,
                    Err(ObserverRecvError::Gap { from, to }) => missing += to - from + 1,
                    Err(ObserverRecvError::Closed) => return (events, missing, start.elapsed()),
                }
            }
        };
        tokio::spawn(task).await.expect("no panic")
    });
    let per_second = (events as f64 / elapsed.as_secs_f64()).round();
    row("events_per_second", n, 1, &json!({"n": events, "missing": missing, "per_second": per_second}));
}

/// An observer that opens after `n` answers and reads everything.
pub(crate) fn late_observer(n: usize) {
    let runtime = two_cores();
    let registry = registry(&runtime, MemoryJournal::new(256 << 20, 0));
    let figures = runtime.block_on(async move {
        let task = async move {
            let id = spawn(&registry, &format!("for i = 1, {n} do alc.llm('q') end")).await;
            let mut live = registry.observe(id, None).expect("it exists");
            for query in 1..=n as u32 {
                paused_on(&mut live, query).await;
                registry.resume(id, single(query)).await.expect("it is paused");
            }
            registry.await_terminal(id).await.expect("it exists");
            let start = Instant::now();
            let mut late = registry.observe(id, None).expect("it exists");
            let (mut events, mut missing) = (0_u64, 0);
            loop {
                match late.recv_turn().await {
                    Ok(turn) => events += turn.len() as u64,
                    Err(ObserverRecvError::Gap { from, to }) => missing += to - from + 1,
                    Err(ObserverRecvError::Closed) => break,
                }
            }
            let per_second = (events as f64 / start.elapsed().as_secs_f64()).round();
            json!({"n": events, "missing": missing, "read_per_second": per_second})
        };
        tokio::spawn(task).await.expect("no panic")
    });
    row("late_observer", n, 1, &figures);
}

/// A program that asks again the moment it is answered: how often it is seen running with a question outstanding.
pub(crate) fn asks_again_at_once(n: usize) {
    let runtime = two_cores();
    let registry = registry(&runtime, MemoryJournal::new(1 << 20, 0));
    let stuck = runtime.block_on(async move {
        let task = async move {
            let id = spawn(&registry, ASK_FOREVER).await;
            let mut observer = registry.observe(id, None).expect("it exists");
            let mut stuck = 0;
            for query in 1..=n as u32 {
                paused_on(&mut observer, query).await;
                match registry.state(id) {
                    Ok(ExecutionState::Paused(pause)) if pause.prompts[0].query.query_id.number() == query => {}
                    _ => stuck += 1,
                }
                registry.resume(id, single(query)).await.expect("it is paused");
            }
            stuck
        };
        tokio::spawn(task).await.expect("no panic")
    });
    row("asks_again_at_once", n, 1, &json!({"n": n, "stuck": stuck}));
}

/// From the call of `cancel` on a hot loop until the session has ended, and the CPU used after that.
pub(crate) fn cancel_hot_loop(n: usize) {
    const LOOPS: [(&str, &str); 4] = [
        ("plain", "while true do end"),
        ("pcall", "while true do pcall(function() while true do end end) end"),
        ("sort", "table.sort({3,2,1}, function(a, b) while true do end end)"),
        ("tostring", "tostring(setmetatable({}, {__tostring = function() while true do end end}))"),
    ];
    let runtime = two_cores();
    let registry = registry(&runtime, MemoryJournal::default());
    let figures = runtime.block_on(async move {
        let task = async move {
            let mut figures = serde_json::Map::new();
            for (name, code) in LOOPS {
                let mut samples = Samples::default();
                for _ in 0..n {
                    let id = spawn(&registry, code).await;
                    let mut observer = registry.observe(id, None).expect("it exists");
                    // The tick: the program has begun.
                    let _ = observer.recv().await;
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    let start = Instant::now();
                    cancel(&registry, id).await;
                    samples.push(start.elapsed());
                    let name = registry.state(id).expect("it exists").name();
                    assert_eq!(name, StateName::Cancelled);
                }
                figures.insert(name.into(), samples.figures());
            }
            let (before, idle) = (cpu(), Instant::now());
            tokio::time::sleep(Duration::from_secs(1)).await;
            let burnt = cpu().saturating_sub(before).as_secs_f64() / idle.elapsed().as_secs_f64();
            figures.insert("cpu_cores_afterwards".into(), json!((burnt * 1e4).round() / 1e4));
            serde_json::Value::Object(figures)
        };
        tokio::spawn(task).await.expect("no panic")
    });
    row("cancel_hot_loop", n, 1, &figures);
}

/// Programs that only compute, run `n` times, each time as a session and in a bare Lua state in turn: of this very
/// build, since where a linker puts the interpreter's loop alone moves such programs by a tenth. Both begin without a
/// state and end when its memory is given back.
pub(crate) fn hot_lua(n: usize) {
    const PROGRAMS: [(&str, &str); 4] = [
        (
            "fib_30",
            "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end return fib(30)",
        ),
        ("loop_5e7", "local x = 0 for i = 1, 50000000 do x = x + i end return x"),
        ("table_2e6", "local t = {} for i = 1, 2000000 do t[i] = i end return #t"),
        ("texts_2e6", "local t = {} for i = 1, 2000000 do t[i % 1000] = tostring(i) end return #t"),
    ];
    let runtime = two_cores();
    let registry = registry(&runtime, MemoryJournal::default());
    let figures = runtime.block_on(async move {
        let mut figures = serde_json::Map::new();
        for (name, code) in PROGRAMS {
            let (mut sessions, mut bare) = (Samples::default(), Samples::default());
            for _ in 0..n {
                let start = Instant::now();
                let id = spawn(&registry, code).await;
                let outcome = registry.await_terminal(id).await.expect("it exists");
                assert_eq!(outcome.name(), StateName::Done);
                sessions.push(start.elapsed());
                let start = Instant::now();
                let lua = mlua::Lua::new();
                lua.load(code).eval::<i64>().expect("it computes a number");
                drop(lua);
                bare.push(start.elapsed());
            }
            let times = sessions.quantile(0.5) / bare.quantile(0.5);
            let figures_of = json!({"session": sessions.figures(), "bare": bare.figures(),
                "times": (times * 1e3).round() / 1e3});
            figures.insert(name.into(), figures_of);
        }
        serde_json::Value::Object(figures)
    });
    row("hot_lua", n, n, &figures);
}
