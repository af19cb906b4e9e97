//! Everything at once, for as many minutes as one wants: sessions on a journal on disk that are answered, batched, forked,
//! rewound, put to sleep and woken, verified, watched by readers that come late and leave early, cancelled in hot loops
//! and in sections, ended by their limits, and collected; new ones come in the place of each.
//!
//! Each minute is a row: memory, threads, handles, tasks, and how long answers took meanwhile. The last row is what
//! remains when everything has ended: nothing may grow from minute to minute, and nothing may be left.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use switchboard::domain::{
    Answer, AnsweredBy, CancelCode, CancelReason, ExecutionState, ObserverRecvError, QueryId, ResumePayload, SessionId,
    SessionSpec,
};
use switchboard::engine::{Hibernation, Presence, Registry, RegistryConfig, SystemClock, SystemEntropy};
use switchboard::lua::LuaVms;
use switchboard::store::FsFiles;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::durable::open;
use crate::measure::{Samples, cpu, handles, row, rss_kb, threads};
use crate::rows::two_cores;

/// Those who answer, and how many sessions each has in hand.
const ANSWERERS: usize = 8;
const SESSIONS_EACH: usize = 25;

/// From one answer of an answerer to its next: 500 a second of them all.
const PACE: Duration = Duration::from_millis(16);

/// Sessions that sleep; one of them is woken five times a second.
const SLEEPERS: usize = 500;

/// Asks some questions alone and in batches, says how far it is, logs, keeps state, and has a result.
const ASKER: &str = r#"
    local n = 20 + math.random(0, 180)
    local seen = {}
    for i = 1, n do
      alc.progress(i, n, "step " .. i)
      if i % 10 == 0 then
        local answers = alc.llm_batch({{prompt = "a" .. i}, {prompt = "b" .. i}, {prompt = "c" .. i}})
        seen[#seen + 1] = table.concat(answers)
      else
        seen[#seen + 1] = alc.llm("Step " .. i .. ": what is to be done now, and why?", {max_tokens = 50})
      end
      if i % 7 == 0 then alc.log("info", "at " .. i .. " after " .. os.time()) end
      if i % 13 == 0 then alc.state.set("soak_" .. (i % 3), {at = i, last = seen[#seen]}) end
      if i % 50 == 0 then seen = {} end
    end
    return {asked = n, bytes = #table.concat(seen)}
"#;

/// Waits between two answers for as long as a person would.
const SLEEPER: &str = "local n = 0 while true do n = n + #alc.llm('How are things after ' .. n .. '?') end";

/// Programs that end by themselves, or are ended by a limit of theirs.
const SHORT: &[&str] = &[
    "return 42",
    "local t = {} for i = 1, 20000 do t[i] = {i, tostring(i)} end return #t",
    "error('as wanted')",
    "error(setmetatable({}, {__tostring = function() error('again') end}))",
    "local s = ('x'):rep(1 << 20) while true do s = s .. s end",
    "local t = {} while true do t[#t + 1] = ('y'):rep(1 << 16) .. #t end",
    "local function f() return 1 + f() end return f()",
    "local t = {} for i = 1, 5000 do t[i] = coroutine.create(function() coroutine.yield() end) coroutine.resume(t[i]) end",
    "for i = 1, 2000 do alc.log('info', ('line %d'):format(i)) end return true",
    "alc.state.set('short', {n = (alc.state.get('short') or {n = 0}).n + 1}) return alc.state.get('short').n",
    "return alc.json_decode(alc.json_encode({a = {1, 2, 3}, b = ('z'):rep(100000)})).a[2]",
    "for i = 1, 500 do alc.stats.record('k' .. i % 5, i) end return 1",
];

/// Programs that never end, in Lua that can be interrupted and in sections that cannot.
const ENDLESS: &[&str] = &[
    "while true do end",
    "local t = {} while true do t[1] = {t[1] and 1} end",
    "while true do pcall(function() while true do end end) end",
    "local t = {} for i = 1, 200 do t[i] = i end while true do table.sort(t, function() while true do end end) end",
    "while true do ('x'):rep(100):gsub('x', function() while true do end end) end",
    "tostring(setmetatable({}, {__tostring = function() while true do end end}))",
    "string.find(('a'):rep(30000), ('a*'):rep(20) .. 'b')",
    "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) while true do pcall(function() return t[1] end) end",
];

/// A parent whose children ask.
const FORKS: &str = r#"
    local results = alc.fork({"soak_child", "soak_child", "soak_child"}, {task = "t"})
    return #results
"#;

const CHILD: &str = "local M = {} function M.run(ctx) ctx.result = alc.llm('A child of ' .. ctx.task .. ' asks') return ctx end return M";

/// What all of them have.
#[derive(Clone)]
struct World {
    registry: Registry,
    until: Instant,
    seen: Arc<Seen>,
    /// Sessions that are answered now: others read, branch and verify them.
    known: Arc<Mutex<Vec<SessionId>>>,
}

/// What happened since the last row.
#[derive(Default)]
struct Seen {
    answers: AtomicU64,
    refused: AtomicU64,
    started: AtomicU64,
    branched: AtomicU64,
    verified: AtomicU64,
    differed: AtomicU64,
    events_read: AtomicU64,
    cancelled: AtomicU64,
    latency: Mutex<Samples>,
}

impl World {
    fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }

    async fn start(&self, code: &str) -> SessionId {
        self.seen.started.fetch_add(1, Ordering::Relaxed);
        self.registry.spawn(SessionSpec::run(code)).await.expect("the spec is valid")
    }

    async fn cancel(&self, id: SessionId) {
        let reason = CancelReason { code: CancelCode::User, detail: None, requested_at: 0 };
        self.registry.cancel(id, reason).await.expect("it exists");
        self.seen.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    /// Answers everything that a session asks now. Whether it asked.
    async fn answer(&self, id: SessionId) -> bool {
        let Ok(ExecutionState::Paused(pause)) = self.registry.state(id) else { return false };
        let answer =
            |query_id: QueryId| Answer::new(query_id, "Go on with the next one, as agreed.", AnsweredBy::Person);
        let answers: Vec<Answer> = pause.pending().map(|prompt| answer(prompt.query.query_id)).collect();
        let count = answers.len() as u64;
        let start = Instant::now();
        match self.registry.resume(id, ResumePayload::Batch(answers)).await {
            Ok(_) => {
                self.seen.answers.fetch_add(count, Ordering::Relaxed);
                self.seen.latency.lock().unwrap_or_else(PoisonError::into_inner).push(start.elapsed());
            }
            Err(_) => {
                self.seen.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
        true
    }

    fn any(&self, n: u64) -> Option<SessionId> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(n as usize % known.len().max(1)).copied()
    }

    /// Answers its sessions in turn, at its pace, and starts another in the place of each that has ended.
    async fn answerer(self, me: usize) {
        let mut pace = interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut mine = Vec::new();
        for _ in 0..SESSIONS_EACH {
            mine.push(self.start(ASKER).await);
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&mine);
        for turn in 0_usize.. {
            if !self.goes_on() {
                break;
            }
            pace.tick().await;
            let index = turn % mine.len();
            let ended = self.registry.state(mine[index]).map_or(true, |state| state.is_ended());
            if ended {
                mine[index] = self.start(ASKER).await;
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                known[me * SESSIONS_EACH + index] = mine[index];
            } else {
                self.answer(mine[index]).await;
            }
        }
    }

    /// Keeps sessions that sleep, and wakes one after the other.
    async fn waker(self) {
        let mut mine = Vec::new();
        for _ in 0..SLEEPERS {
            mine.push(self.start(SLEEPER).await);
        }
        for turn in 0_usize.. {
            if !self.goes_on() {
                break;
            }
            sleep(Duration::from_millis(200)).await;
            let index = turn % mine.len();
            self.answer(mine[index]).await;
            // A record without an end would be a growth of its own.
            if turn % 10 == 9 {
                self.cancel(mine[index]).await;
                mine[index] = self.start(SLEEPER).await;
            }
        }
    }

    async fn short(self) {
        for code in SHORT.iter().cycle() {
            if !self.goes_on() {
                break;
            }
            let id = self.start(code).await;
            self.registry.await_terminal(id).await.expect("it exists");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Lets an endless program run for a moment, and stops it.
    async fn endless(self, first: usize) {
        for code in ENDLESS.iter().cycle().skip(first) {
            if !self.goes_on() {
                break;
            }
            let id = self.start(code).await;
            sleep(Duration::from_millis(500)).await;
            self.cancel(id).await;
            self.registry.await_terminal(id).await.expect("it exists");
            sleep(Duration::from_millis(500)).await;
        }
    }

    /// Forks children, which are answered until the parent has ended.
    async fn forks(self) {
        while self.goes_on() {
            let parent = self.start(FORKS).await;
            let ended = self.registry.await_terminal(parent);
            tokio::pin!(ended);
            while timeout(Duration::from_millis(20), &mut ended).await.is_err() {
                let children = self.registry.list().into_iter().filter(|summary| summary.parent() == Some(parent));
                for child in children.collect::<Vec<_>>() {
                    self.answer(child.id).await;
                }
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Goes back to an earlier question of a session, answers the branch once, and leaves it.
    async fn brancher(self) {
        for turn in 0_u64.. {
            if !self.goes_on() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
            let Some(of) = self.any(turn * 7) else { continue };
            let at = QueryId::new(1 + (turn % 12) as u32);
            let branch =
                if turn % 2 == 0 { self.registry.fork_at(of, at).await } else { self.registry.rewind_to(of, at).await };
            // One that has not come so far, or has been collected, has no such question.
            let Ok(branch) = branch else { continue };
            self.seen.branched.fetch_add(1, Ordering::Relaxed);
            self.answer(branch).await;
            self.cancel(branch).await;
        }
    }

    /// Runs sessions again from their record, beside those that go on.
    async fn verifier(self) {
        for turn in 0_u64.. {
            if !self.goes_on() {
                break;
            }
            sleep(Duration::from_secs(3)).await;
            let Some(id) = self.any(turn * 11) else { continue };
            let counter =
                if self.registry.verify(id).await.is_ok() { &self.seen.verified } else { &self.seen.differed };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Reads sessions from their beginning, and leaves some of them in the middle.
    async fn reader(self) {
        for turn in 0_u64.. {
            if !self.goes_on() {
                break;
            }
            sleep(Duration::from_millis(300)).await;
            let Some(mut observer) = self.any(turn * 5).and_then(|id| self.registry.observe(id, None).ok()) else {
                continue;
            };
            for _ in 0..50 + turn % 500 {
                match timeout(Duration::from_millis(100), observer.recv()).await {
                    Ok(Ok(_)) => drop(self.seen.events_read.fetch_add(1, Ordering::Relaxed)),
                    Ok(Err(ObserverRecvError::Gap { .. })) => {}
                    Ok(Err(ObserverRecvError::Closed)) | Err(_) => break,
                }
            }
        }
    }
}

/// A row of the curve.
fn sample(world: &World, runtime: &Runtime, at: Duration, cpu_before: Duration, path: &Path) -> Value {
    let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
    let seen = &world.seen;
    let mut latency = std::mem::take(&mut *seen.latency.lock().unwrap_or_else(PoisonError::into_inner));
    let list = world.registry.list();
    let live = list.iter().filter(|summary| !summary.state.is_ended()).count();
    let asleep = list.iter().filter(|summary| summary.presence == Presence::Sleeping).count();
    json!({
        "at_s": at.as_secs(),
        "rss_mb": (rss_kb() / 102.4).round() / 10.0,
        "threads": threads(),
        "handles": handles(),
        "tasks": runtime.metrics().num_alive_tasks(),
        "live": live,
        "asleep": asleep,
        "ended": list.len() - live,
        "cpu_cores": (cpu().saturating_sub(cpu_before).as_secs_f64() / at.as_secs_f64().max(1.0) * 100.0).round() / 100.0,
        "journal_mb": std::fs::metadata(path).map_or(0, |metadata| metadata.len() >> 20),
        "answers": take(&seen.answers),
        "refused": take(&seen.refused),
        "answer_acknowledged": latency.figures(),
        "started": take(&seen.started),
        "cancelled": take(&seen.cancelled),
        "branched": take(&seen.branched),
        "verified": take(&seen.verified),
        "differed": take(&seen.differed),
        "events_read": take(&seen.events_read),
    })
}

/// The open handles of this process, and what each is of.
fn open_handles() -> BTreeSet<String> {
    let entries = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let target = |path: &Path| std::fs::read_link(path).ok().map(|target| target.display().to_string());
    entries.filter_map(|entry| target(&entry.path())).filter(|target| !target.ends_with("/fd")).collect()
}

/// Everything at once for `minutes`.
pub(crate) fn soak(minutes: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("journal.db");
    let library = directory.path().join("lib").join("soak_child");
    std::fs::create_dir_all(&library).expect("a directory");
    std::fs::write(library.join("init.lua"), CHILD).expect("a file");
    let (threads_before, handles_before) = (threads(), open_handles());
    let runtime = two_cores();
    let journal = Arc::new(open(&path));
    let registry = Registry::new(RegistryConfig {
        vms: Arc::new(LuaVms::new()),
        journal: Arc::clone(&journal) as _,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        files: Arc::new(FsFiles::new(Some(directory.path().join("home")))),
        library_dirs: vec![directory.path().join("lib")],
        runtime: runtime.handle().clone(),
    });
    registry.collect(Duration::from_secs(5), Duration::from_secs(1));
    registry.hibernate(Hibernation {
        after: Duration::from_secs(2),
        residents: 1000,
        interval: Duration::from_millis(500),
    });
    let (start, cpu_before) = (Instant::now(), cpu());
    let world = World {
        registry: registry.clone(),
        until: start + Duration::from_mins(minutes as u64),
        seen: Arc::default(),
        known: Arc::default(),
    };
    // Beside the programs, as a desk and its helpers are.
    let outside = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let outside = outside.expect("a runtime");
    let mut hands: Vec<JoinHandle<()>> = Vec::new();
    for me in 0..ANSWERERS {
        hands.push(outside.spawn(world.clone().answerer(me)));
    }
    hands.push(outside.spawn(world.clone().waker()));
    hands.push(outside.spawn(world.clone().short()));
    for first in 0..4 {
        hands.push(outside.spawn(world.clone().endless(first * 2)));
    }
    hands.push(outside.spawn(world.clone().forks()));
    hands.push(outside.spawn(world.clone().brancher()));
    hands.push(outside.spawn(world.clone().verifier()));
    hands.push(outside.spawn(world.clone().reader()));
    let mut memory = Vec::new();
    for minute in 1..=minutes as u64 {
        std::thread::sleep((start + Duration::from_mins(minute)).saturating_duration_since(Instant::now()));
        let figures = sample(&world, &runtime, start.elapsed(), cpu_before, &path);
        memory.extend(figures["rss_mb"].as_f64());
        row("soak_minute", minutes, 1, &figures);
    }
    outside.block_on(async {
        for hand in hands {
            hand.await.expect("no panic");
        }
        for summary in registry.list() {
            world.cancel(summary.id).await;
        }
    });
    drop(outside);
    let late = runtime.block_on(registry.shutdown(Duration::from_secs(10)));
    let remains = registry.list().iter().filter(|summary| !summary.state.is_ended()).count();
    let tasks = runtime.metrics().num_alive_tasks();
    drop((world, registry, journal));
    drop(runtime);
    let quarter = (memory.len() / 4).max(1);
    let mean = |part: &[f64]| (part.iter().sum::<f64>() / part.len().max(1) as f64 * 10.0).round() / 10.0;
    let figures = json!({
        "minutes": minutes,
        "rss_mb_second_quarter": mean(memory.get(quarter..2 * quarter).unwrap_or(&memory)),
        "rss_mb_last_quarter": mean(&memory[memory.len().saturating_sub(quarter)..]),
        "late_at_the_end": late,
        "live_at_the_end": remains,
        "tasks_at_the_end": tasks,
        "threads_more": threads() - threads_before,
        "handles_more": open_handles().difference(&handles_before).collect::<Vec<_>>(),
        "rss_mb_at_the_end": (rss_kb() / 102.4).round() / 10.0,
    });
    row("soak", minutes, 1, &figures);
}
