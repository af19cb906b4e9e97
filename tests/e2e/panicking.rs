//! A panic of the desk itself. The program has no key for that, so this test program shows a desk of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use switchboard::config::{Environment, Flags, Settings};
use switchboard::domain::{SessionSpec, Timestamp};
use switchboard::engine::{Clock, MemoryJournal, Registry, RegistryConfig, SystemClock, SystemEntropy};
use switchboard::lua::LuaVms;
use switchboard::store::FsFiles;
use switchboard::tui;

use crate::terminal::Terminal;

const INSIDE: &str = "SWITCHBOARD_TEST_INSIDE_A_TERMINAL";

/// Tells the time a few times and then panics.
struct BrokenClock(AtomicU32);

impl Clock for BrokenClock {
    fn now(&self) -> Timestamp {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) < 10, "the clock is broken on purpose");
        SystemClock.now()
    }
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was() {
    let mut desk = Terminal::start_test("panicking::a_desk_that_panics", INSIDE);
    assert_ne!(desk.ends().exit_code(), 0);
    desk.is_as_it_was();
    let raw = desk.raw();
    let (_, left) = raw.rsplit_once("\x1b[?1049l").expect("the alternate screen was left");
    assert!(left.contains("the clock is broken on purpose"), "the panic is told on the ordinary screen: {left:?}");
}

/// The part of the test above that runs inside the terminal.
#[test]
fn a_desk_that_panics() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let sessions = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let registry = Registry::new(RegistryConfig {
        vms: Arc::new(LuaVms::new()),
        journal: Arc::new(MemoryJournal::default()),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        files: Arc::new(FsFiles::default()),
        library_dirs: Vec::new(),
        runtime: sessions.handle().clone(),
    });
    let screen = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let clock = Arc::new(BrokenClock(AtomicU32::new(0)));
    let options = tui::TuiOptions {
        look: tui::Look::default(),
        clock,
        entropy: Arc::new(SystemEntropy),
        settings: Settings::merge(&Environment::of(std::iter::empty()), &Flags::default()).unwrap().desk,
        keymap: tui::Keymap::default(),
        programs: Arc::new(tui::NoPrograms),
        keeper: None,
        unsent: Vec::new(),
        notices: Vec::new(),
        opening: Arc::default(),
        drafts: None,
        stand: None,
    };
    screen.block_on(async {
        registry.spawn(SessionSpec::run("alc.llm('Who broke the clock?')")).await.unwrap();
        drop(tui::run(registry, options).await);
    });
}
