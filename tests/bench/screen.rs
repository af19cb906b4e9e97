//! The rows about the screen: what a key costs until its frame is written, and what the screen keeps of a session.
//!
//! `screen_key_*` run the desk's own `update` and `view` on a terminal that writes to memory, at sizes that programs
//! could not be started for; `desk_*` run the real program on a pseudo-terminal, with its loop and its pacing.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use ratatui::backend::CrosstermBackend;
use ratatui::{Terminal, TerminalOptions, Viewport};
use serde_json::json;
use switchboard::domain::{ExecutionState, Pause, PauseKind, Prompt, Query, QueryId, SessionId, SessionSpec, Usage};
use switchboard::engine::{Presence, Summary};
use switchboard::tui::{App, Input, Key, Look, Msg, update, view};

use crate::measure::{Samples, row, rss_kb};
use crate::recovery::write;
use crate::rows::two_cores;

const NOW: i64 = 1_700_000_000_000;
const SIZE: (u16, u16) = (120, 36);

/// Sessions that change in one frame where 20 000 events a second come in and each is another session's.
const CHANGES_A_FRAME: usize = 20_000 / 60;

fn summary(n: usize, round: usize) -> Summary {
    // Spread over the id space as random ids are.
    let id = SessionId::from_bits((n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut spec = SessionSpec::run("return 1");
    spec.title = Some(format!("session {n}"));
    let state = if (n + round).is_multiple_of(2) {
        let query = Query {
            query_id: QueryId::new(1),
            prompt: format!("Is finding {n} critical? Answer with one word.").into(),
            system: None,
            max_tokens: 20,
            grounded: false,
            underspecified: false,
            role: None,
            cache_breakpoint: None,
            line: None,
        };
        let prompts = vec![Prompt { query: Arc::new(query), answered_by: None }];
        let paused_at = NOW - (n % 100_000) as i64;
        ExecutionState::Paused(Arc::new(Pause { epoch: 1, kind: PauseKind::Single, prompts, paused_at }))
    } else {
        ExecutionState::BORN
    };
    Summary {
        id,
        spec: Arc::new(spec),
        created_at: NOW - 1_000_000 + n as i64,
        state,
        last_seq: round as u64,
        last_at: NOW,
        usage: Usage::default(),
        asked: 1,
        progress: None,
        presence: Presence::default(),
    }
}

/// A desk with a screen that is written to memory.
struct Desk {
    app: App,
    terminal: Terminal<CrosstermBackend<std::io::Sink>>,
}

impl Desk {
    fn new(sessions: usize) -> Self {
        let mut app = App::new(Look::default(), 1, NOW);
        update(&mut app, Msg::Resize(SIZE.0, SIZE.1));
        update(&mut app, Msg::Changed((0..sessions).map(|n| summary(n, 0)).collect()));
        let area = ratatui::layout::Rect::new(0, 0, SIZE.0, SIZE.1);
        let options = TerminalOptions { viewport: Viewport::Fixed(area) };
        let terminal =
            Terminal::with_options(CrosstermBackend::new(std::io::sink()), options).expect("memory takes all");
        let mut desk = Self { app, terminal };
        desk.draw();
        desk
    }

    fn draw(&mut self) {
        self.terminal.draw(|frame| view(&self.app, frame)).expect("memory takes all");
    }

    fn key(&mut self, key: &str) {
        let key: Key = key.parse().expect("a key");
        update(&mut self.app, Msg::Input(vec![Input::Key(key)]));
    }
}

/// From a key to its frame, and the longest that anything else made a key wait.
fn keys(name: &str, sessions: usize, changes: usize) {
    const KEYS: usize = 2_000;
    let mut desk = Desk::new(sessions);
    let script = ["j", "k", "Ctrl-D", "w", "G", "k", "g", "j", "2", "1", "?", "Esc", "Space", "Ctrl-U"];
    let (mut to_frame, mut between) = (Samples::default(), Samples::default());
    for n in 0..KEYS {
        let batch: Vec<Summary> =
            (0..changes.min(sessions)).map(|c| summary((n * changes + c) % sessions, n)).collect();
        let start = Instant::now();
        update(&mut desk.app, Msg::Time(NOW + n as i64 * 16));
        if !batch.is_empty() {
            update(&mut desk.app, Msg::Changed(batch));
        }
        desk.draw();
        between.push(start.elapsed());
        let start = Instant::now();
        desk.key(script[n % script.len()]);
        desk.draw();
        to_frame.push(start.elapsed());
    }
    let figures = json!({"n": KEYS, "key_to_frame": to_frame.figures(), "frame_of_changes": between.figures()});
    row(name, sessions, 1, &figures);
}

/// Keys while nothing happens.
pub(crate) fn screen_key_idle(sessions: usize) {
    keys("screen_key_idle", sessions, 0);
}

/// Keys while 20 000 events a second come in, each of another session.
pub(crate) fn screen_key_busy(sessions: usize) {
    keys("screen_key_busy", sessions, CHANGES_A_FRAME);
}

/// Typing a filter: each key to its frame, the longest portion of work between two keys, and until all is filtered.
pub(crate) fn screen_filter(sessions: usize) {
    const RUNS: usize = 10;
    let mut desk = Desk::new(sessions);
    let (mut to_frame, mut portions, mut whole) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..RUNS {
        for key in ["/", "f", "i", "n", "d", "Space", "9", "9"] {
            let start = Instant::now();
            desk.key(key);
            desk.draw();
            to_frame.push(start.elapsed());
            let all = Instant::now();
            while desk.app.has_work() {
                let start = Instant::now();
                update(&mut desk.app, Msg::Work);
                portions.push(start.elapsed());
            }
            whole.push(all.elapsed());
        }
        desk.key("Esc");
        while desk.app.has_work() {
            update(&mut desk.app, Msg::Work);
        }
    }
    let figures = json!({
        "key_to_frame": to_frame.figures(), "portion": portions.figures(), "until_all_is_filtered": whole.figures(),
    });
    row("screen_filter", sessions, RUNS, &figures);
}

/// What the screen keeps of a session beside what the engine has of it anyway.
pub(crate) fn screen_memory(sessions: usize) {
    let shared: Vec<Summary> = (0..sessions).map(|n| summary(n, 0)).collect();
    let mut app = App::new(Look::default(), 1, NOW);
    update(&mut app, Msg::Resize(SIZE.0, SIZE.1));
    let before = rss_kb();
    for portion in shared.chunks(2_000) {
        update(&mut app, Msg::Changed(portion.to_vec()));
    }
    let bytes = (rss_kb() - before) * 1024.0 / sessions as f64;
    row("screen_memory", sessions, 1, &json!({"n": sessions, "bytes_per_session": bytes.round()}));
    drop((app, shared));
}

/// A program on a pseudo-terminal.
pub(crate) struct Program {
    screen: Arc<(Mutex<(vt100::Parser, usize)>, Condvar)>,
    keys: Box<dyn std::io::Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
    /// Where it is its own, so that it goes with it.
    home: Option<tempfile::TempDir>,
}

impl Program {
    /// The real program with so many sessions of this code.
    fn start(code: &str, copies: usize) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::write(home.path().join("program.lua"), code).expect("a file");
        Self::start_in(home, &["program.lua", "-n", &copies.to_string()])
    }

    /// A desk whose sessions wait: in memory, where nothing is kept, or asleep in a journal.
    fn waiting(sessions: usize, asleep: bool) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        if asleep {
            write(&two_cores(), &home.path().join("journal.db"), sessions, 0);
            return Self::start_in(home, &["--journal", "journal.db"]);
        }
        std::fs::write(home.path().join("program.lua"), "return alc.llm('Well?')").expect("a file");
        Self::start_in(home, &["--ephemeral", "program.lua", "-n", &sessions.to_string()])
    }

    fn start_in(home: tempfile::TempDir, args: &[&str]) -> Self {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        Self::launch(env!("CARGO_BIN_EXE_switchboard"), &args, home)
    }

    /// A program that runs in `home`, which goes with it.
    pub(crate) fn launch(program: &str, args: &[String], home: tempfile::TempDir) -> Self {
        let mut launched = Self::open(program, home.path(), args);
        launched.home = Some(home);
        launched
    }

    /// A program whose home is `home`.
    fn open(program: &str, home: &Path, args: &[impl AsRef<std::ffi::OsStr>]) -> Self {
        let size = PtySize { rows: SIZE.1, cols: SIZE.0, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.env_clear();
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.cwd(home);
        let child = pair.slave.spawn_command(command).expect("the program");
        let rows = std::num::NonZero::new(SIZE.1).expect("some");
        let columns = std::num::NonZero::new(SIZE.0).expect("some");
        let screen = Arc::new((Mutex::new((vt100::Parser::new(rows, columns, 0), 0)), Condvar::new()));
        let seen = Arc::clone(&screen);
        let mut output = pair.master.try_clone_reader().expect("a reader");
        std::thread::spawn(move || {
            let mut bytes = vec![0; 1 << 16];
            while let Ok(n @ 1..) = output.read(&mut bytes) {
                let mut screen = seen.0.lock().expect("no panic");
                screen.0.process(&bytes[..n]);
                screen.1 += n;
                drop(screen);
                seen.1.notify_all();
            }
        });
        let keys = pair.master.take_writer().expect("a writer");
        Self { screen, keys, child, _master: pair.master, home: None }
    }

    /// Presses a key.
    pub(crate) fn key(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).expect("it listens");
        self.keys.flush().expect("it listens");
    }

    /// Waits until the screen shows `text`, or no longer does; says how long that took.
    pub(crate) fn until(&self, text: &str, shown: bool) -> Duration {
        let start = Instant::now();
        let mut screen = self.screen.0.lock().expect("no panic");
        while screen.0.screen().contents().contains(text) != shown {
            let contents = || screen.0.screen().contents();
            assert!(start.elapsed() < Duration::from_mins(2), "waited for {text}; there is\n{}", contents());
            screen = self.screen.1.wait_timeout(screen, Duration::from_secs(1)).expect("no panic").0;
        }
        start.elapsed()
    }

    fn shows(&self, text: &str) -> bool {
        self.screen.0.lock().expect("no panic").0.screen().contents().contains(text)
    }

    /// The same, with a key now and then meanwhile: how long each waits for its picture.
    fn until_with_keys(&mut self, text: &str, keys: &mut Samples) -> Duration {
        let start = Instant::now();
        while !self.shows(text) {
            assert!(start.elapsed() < Duration::from_mins(5), "waited for {text}");
            for (key, shown) in [("?", true), ("q", false)] {
                self.key(key);
                keys.push(self.until("┌ Help", shown));
                std::thread::sleep(Duration::from_millis(40));
            }
        }
        start.elapsed()
    }

    /// Waits until it has ended.
    fn ends(&mut self) -> Duration {
        let start = Instant::now();
        self.child.wait().expect("it can be waited for");
        start.elapsed()
    }

    fn written(&self) -> usize {
        self.screen.0.lock().expect("no panic").1
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The real program: from its start to its first frame, and until all sessions are listed.
pub(crate) fn desk_start(sessions: usize) {
    const RUNS: usize = 5;
    let (mut first, mut all) = (Samples::default(), Samples::default());
    for _ in 0..RUNS {
        let start = Instant::now();
        let program = Program::start("return alc.llm('Well?')", sessions);
        program.until("session", true);
        first.push(start.elapsed());
        program.until(&format!("{sessions} waiting"), true);
        all.push(start.elapsed());
    }
    let figures = json!({"first_frame": first.figures(), "all_waiting": all.figures()});
    row("desk_start", sessions, RUNS, &figures);
}

/// The real program on a journal of sessions that wait behind two answers each, as a killed desk leaves it: until the
/// first of them are seen, until all are, and from a key to its frame meanwhile.
pub(crate) fn journal_start(sessions: usize) {
    const RUNS: usize = 3;
    let home = tempfile::tempdir().expect("a directory");
    write(&two_cores(), &home.path().join("journal.db"), sessions, 2);
    let (mut first, mut all, mut keys) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..RUNS {
        let start = Instant::now();
        let mut program = Program::open(env!("CARGO_BIN_EXE_switchboard"), home.path(), &["--journal", "journal.db"]);
        program.until("paused", true);
        first.push(start.elapsed());
        while !program.shows(&format!("{sessions} sessions")) {
            for (key, shown) in [("?", true), ("q", false)] {
                program.key(key);
                keys.push(program.until("┌ Help", shown));
                std::thread::sleep(Duration::from_millis(7));
            }
        }
        all.push(start.elapsed());
    }
    let figures = json!({"first_rows": first.figures(), "all_there": all.figures(), "key_to_frame": keys.figures()});
    row("journal_start", sessions, RUNS, &figures);
}

/// The real program: all of its sessions marked and cancelled at once, the keys pressed meanwhile, and leaving it then.
pub(crate) fn bulk_cancel(sessions: usize) {
    for (name, asleep) in [("bulk_cancel_in_memory", false), ("bulk_cancel_asleep", true)] {
        let mut program = Program::waiting(sessions, asleep);
        let mut keys = Samples::default();
        let listed = program.until_with_keys(&format!("{sessions} waiting"), &mut keys);
        let (mut still, mut steps) = (Samples::default(), Vec::new());
        for (what, key, text) in [("mark", "*", format!("{sessions} sessions marked")), ("form", "c", "detail".into())]
        {
            program.key(key);
            steps.push((what, program.until(&text, true)));
        }
        program.key("\x13");
        let all = program.until_with_keys(&format!("{sessions} cancelled"), &mut still);
        program.key("q");
        let ended = program.ends();
        let ms = |time: Duration| (time.as_secs_f64() * 1e5).round() / 100.0;
        let mut figures = json!({
            "listed_ms": ms(listed), "keys_while_listing": keys.figures(), "all_cancelled_ms": ms(all),
            "keys_meanwhile": still.figures(), "quit_ms": ms(ended),
        });
        for (what, time) in steps {
            figures[format!("{what}_ms")] = ms(time).into();
        }
        row(name, sessions, 1, &figures);
    }
}

/// The real program: leaving it while all of its sessions wait, until the terminal is back and until it has ended.
pub(crate) fn quit(sessions: usize) {
    for (name, asleep) in [("quit_in_memory", false), ("quit_asleep", true)] {
        let mut program = Program::waiting(sessions, asleep);
        program.until(&format!("{sessions} waiting"), true);
        program.key("q");
        if !asleep {
            program.until("Quit?", true);
            program.key("y");
        }
        // What it says as it leaves names the sessions that wait too.
        let given_back = program.until("┌ Sessions", false);
        let ended = program.ends();
        let ms = |time: Duration| (time.as_secs_f64() * 1e5).round() / 100.0;
        row(name, sessions, 1, &json!({"given_back_ms": ms(given_back), "ended_ms": ms(given_back + ended)}));
    }
}

/// The real program: from a key to its frame, the terminal included; idle, and while 20 000 lines a second are logged.
pub(crate) fn desk_key(sessions: usize) {
    const KEYS: usize = 300;
    let quiet = "return alc.llm('Well?')";
    // Each logs its share of 20 000 lines a second and then lets others run.
    let busy = format!(
        "local share = {} local start = os.time() local n = 0 \
         while true do alc.log('info', 'line ' .. n) n = n + 1 local t = os.clock() + 1 / share \
         while os.clock() < t do end end",
        (20_000 / sessions).max(1)
    );
    for (name, code) in [("desk_key_idle", quiet.to_owned()), ("desk_key_busy", busy)] {
        let mut program = Program::start(&code, sessions);
        program.until(&format!("{sessions} session"), true);
        let mut samples = Samples::default();
        for _ in 0..KEYS / 2 {
            for (key, shown) in [("?", true), ("q", false)] {
                program.key(key);
                samples.push(program.until("┌ Help", shown));
                std::thread::sleep(Duration::from_millis(7));
            }
        }
        row(name, sessions, 1, &samples.figures());
    }
}

/// The real program: bytes written to the terminal in three seconds in which nobody waits and nobody runs.
pub(crate) fn desk_idle(sessions: usize) {
    let program = Program::start("return 1", sessions);
    program.until(&format!("{sessions} done"), true);
    std::thread::sleep(Duration::from_secs(1));
    let before = program.written();
    std::thread::sleep(Duration::from_secs(3));
    row("desk_idle", sessions, 1, &json!({"seconds": 3, "bytes_written": program.written() - before}));
}
