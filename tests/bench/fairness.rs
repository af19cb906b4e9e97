//! The row about fairness: hot loops beside a thousand sessions that are answered all the time, on a desk.
//!
//! The desk is the real one, on a pseudo-terminal, in a process of its own. A thread of that process answers as a person
//! or a command does, from outside the runtime of the programs; keys come through the terminal. Desks with and without
//! the loops take turns, so that what the machine itself does to both can be seen.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use switchboard::config::{Environment, Flags, Settings};
use switchboard::desk::{Desk, DeskOptions};
use switchboard::engine::{Registry, SystemClock, SystemEntropy};
use switchboard::tui::{Keymap, Look, NoPrograms, TuiOptions};
use tokio::runtime::Builder;

use crate::measure::{Samples, row};
use crate::rows::{ASK_FOREVER, paused_on, single, spawn};
use crate::screen::Program;

/// What the name of the second process's deed is on its command line.
pub(crate) const DESK: &str = "fairness_desk";

/// Sessions that ask.
const SESSIONS: usize = 1000;

/// Between two answers: 500 a second.
const PACE: Duration = Duration::from_millis(2);

/// Desks of each kind.
const RUNS: usize = 3;

/// Keys to a desk.
const KEYS: usize = 300;

/// Programs that never stop: eight that loop, and eight in functions that other functions call.
const LOOPS: [&str; 16] = [
    "while true do end",
    "local x = 0 while true do x = x + 1 end",
    "local t = {} while true do for i = 1, 1000 do t[i] = i end end",
    "while true do pcall(function() while true do end end) end",
    "local function f(n) if n > 0 then f(n - 1) end end while true do f(100) end",
    "local s = '' while true do s = (s .. 'x'):sub(-100) end",
    "::again:: goto again",
    "local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end",
    "table.sort({3, 2, 1}, function(a, b) while true do end end)",
    "table.sort({3, 2, 1}, function(a, b) while true do pcall(error) end end)",
    "local t = {} while true do for i = 1, 1000 do t[i] = i * 7919 % 1000 end table.sort(t, function(a, b) return a < b end) end",
    "string.gsub('abc', '.', function() while true do end end)",
    "string.gsub('abc', '.', function() while true do pcall(error) end end)",
    "while true do string.gsub(('abc '):rep(100), '%a+', function(w) return w .. w end) end",
    "tostring(setmetatable({}, {__tostring = function() while true do end end}))",
    "tostring(setmetatable({}, {__tostring = function() while true do pcall(error) end end}))",
];

/// From an answer to the next pause and from a key to its frame, with and without the loops.
pub(crate) fn fairness(answers: usize) {
    let mut quiet = [Samples::default(), Samples::default()];
    let mut loaded = [Samples::default(), Samples::default()];
    for _ in 0..RUNS {
        for (with_loops, [to_pause, to_frame]) in [(false, &mut quiet), (true, &mut loaded)] {
            desk_beside(with_loops, answers / RUNS, to_pause, to_frame);
        }
    }
    let told = |[to_pause, to_frame]: [Samples; 2]| -> Value {
        let [mut to_pause, mut to_frame] = [to_pause, to_frame];
        json!({"answer_to_next_pause": to_pause.figures(), "key_to_frame": to_frame.figures()})
    };
    let figures = json!({"sessions": SESSIONS, "loops": LOOPS.len(), "without": told(quiet), "with": told(loaded)});
    row("fairness", answers, RUNS, &figures);
}

/// One desk: keys until there are enough of both.
fn desk_beside(with_loops: bool, answers: usize, to_pause: &mut Samples, to_frame: &mut Samples) {
    let home = tempfile::tempdir().expect("a directory");
    let report = home.path().join("report");
    let this = std::env::current_exe().expect("a running program has a path");
    let loops = if with_loops { LOOPS.len() } else { 0 };
    let args = [DESK.into(), loops.to_string(), answers.to_string(), report.display().to_string()];
    let mut program = Program::launch(&this.display().to_string(), &args, home);
    let count = SESSIONS + loops;
    program.until(&format!("{count} session"), true);
    std::thread::sleep(Duration::from_millis(500));
    for n in 0..KEYS {
        let (key, shown) = if n % 2 == 0 { ("?", true) } else { ("q", false) };
        program.key(key);
        to_frame.push(program.until("┌ Help", shown));
        // About as fast as a key that is held repeats, and in step with nothing.
        std::thread::sleep(Duration::from_millis(20 + n as u64 * 7 % 17));
    }
    let times = loop {
        match std::fs::read_to_string(&report) {
            Ok(text) if text.ends_with('\n') => break text,
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    };
    for time in times.split_whitespace() {
        to_pause.push(Duration::from_nanos(time.parse().expect("a number of nanoseconds")));
    }
}

/// The second process: a desk with `loops` loops, whose other sessions get so many answers.
pub(crate) fn desk(args: &[String]) {
    let [loops, answers, report] = args else { panic!("the desk takes its loops, its answers and its report") };
    let number = |text: &String| -> usize { text.parse().expect("a whole number") };
    let (loops, answers, report) = (number(loops), number(answers), Path::new(report).to_owned());
    let desk = Desk::open(DeskOptions::default()).expect("threads");
    let registry = desk.registry().clone();
    // It goes with the process.
    std::thread::spawn(move || {
        let times = Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
            let local = tokio::task::LocalSet::new();
            local.run_until(answer_all(registry, loops, answers)).await
        });
        let lines: Vec<String> = times.iter().map(|time| time.as_nanos().to_string()).collect();
        std::fs::write(report, lines.join(" ") + "\n").expect("a file");
    });
    let settings = Settings::merge(&Environment::of(std::env::vars_os()), &Flags::default()).expect("defaults fit");
    let options = TuiOptions {
        look: Look::default(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        settings: settings.desk,
        keymap: Keymap::default(),
        programs: Arc::new(NoPrograms),
        drafts: None,
        keeper: None,
        unsent: Vec::new(),
        notices: Vec::new(),
        opening: Arc::default(),
        stand: None,
    };
    let _ = desk.show(Vec::new(), options);
}

/// Answers one session after the other at an even pace, whether or not the ones before have paused again.
async fn answer_all(registry: Registry, loops: usize, answers: usize) -> Vec<Duration> {
    let mut askers = Vec::with_capacity(SESSIONS);
    for _ in 0..SESSIONS {
        let id = spawn(&registry, ASK_FOREVER).await;
        let mut observer = registry.observe(id, None).expect("it exists");
        paused_on(&mut observer, 1).await;
        askers.push((id, observer));
    }
    for code in &LOOPS[..loops] {
        spawn(&registry, code).await;
    }
    let begin = Instant::now() + Duration::from_millis(500);
    let answered = askers.into_iter().enumerate().map(|(place, (id, mut observer))| {
        let registry = registry.clone();
        tokio::task::spawn_local(async move {
            let mut times = Vec::new();
            for (n, query) in (place..answers).step_by(SESSIONS).zip(1..) {
                tokio::time::sleep_until((begin + PACE * n as u32).into()).await;
                let start = Instant::now();
                registry.resume(id, single(query)).await.expect("it is paused");
                paused_on(&mut observer, query + 1).await;
                times.push(start.elapsed());
            }
            times
        })
    });
    let answered: Vec<_> = answered.collect();
    let mut times = Vec::with_capacity(answers);
    for one in answered {
        times.extend(one.await.expect("no panic"));
    }
    times
}
