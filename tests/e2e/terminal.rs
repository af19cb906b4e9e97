//! The program on a real pseudo-terminal, seen through a terminal emulator.
//!
//! Waits on what the screen shows and never on time: the one bound here ends a test that hangs.

use std::io::{Read as _, Write as _};
use std::num::NonZero;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

/// After so long without what it waits for, a test has failed. Generous: the machine may be busy.
const HANGS: Duration = Duration::from_mins(1);

/// The program, its terminal and its home.
pub(crate) struct Terminal {
    screen: Arc<(Mutex<Emulator>, Condvar)>,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn std::io::Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    termios_before: String,
    /// Goes when the terminal goes.
    _home: TempDir,
}

struct Emulator {
    parser: vt100::Parser,
    /// Everything the program wrote, for what an emulator does not keep.
    raw: Vec<u8>,
    closed: bool,
    /// Whether the terminal is to be taken away: then nobody reads any more.
    hung_up: bool,
}

impl Terminal {
    /// Starts the program with `args` in a terminal of `columns` × `rows`.
    pub(crate) fn start(args: &[&str], columns: u16, rows: u16) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), args, columns, rows)
    }

    /// Starts it in a home that was prepared.
    pub(crate) fn start_in(home: TempDir, args: &[&str], columns: u16, rows: u16) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_switchboard"));
        command.args(args);
        Self::run(home, command, columns, rows, &[])
    }

    /// Starts it in a home that was prepared, with these variables.
    pub(crate) fn start_with(home: TempDir, args: &[&str], env: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_switchboard"));
        command.args(args);
        Self::run(home, command, 120, 36, env)
    }

    /// Starts a shell that runs a script with job control; the program is `$0` there.
    pub(crate) fn start_shell(home: TempDir, script: &str) -> Self {
        let mut command = CommandBuilder::new("/bin/sh");
        command.args(["-m", "-c", script, env!("CARGO_BIN_EXE_switchboard")]);
        Self::run(home, command, 120, 36, &[])
    }

    /// Starts one test of this very test program, which is told so by a variable.
    pub(crate) fn start_test(name: &str, variable: &str) -> Self {
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--exact", name, "--nocapture"]);
        Self::run(tempfile::tempdir().unwrap(), command, 80, 24, &[(variable, "1")])
    }

    fn run(home: TempDir, mut command: CommandBuilder, columns: u16, rows: u16, env: &[(&str, &str)]) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        command.env_clear();
        command.env("HOME", home.path());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.cwd(home.path());
        for (name, value) in env {
            command.env(name, value);
        }
        let termios_before = format!("{:?}", pair.master.get_termios());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);

        let emulator = Emulator {
            parser: vt100::Parser::new(cells(rows), cells(columns), 0),
            raw: Vec::new(),
            closed: false,
            hung_up: false,
        };
        let screen = Arc::new((Mutex::new(emulator), Condvar::new()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let seen = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                let n = output.read(&mut bytes).unwrap_or(0);
                // A test that has failed may have poisoned it, and is over.
                let Ok(mut emulator) = seen.0.lock() else { return };
                emulator.parser.process(&bytes[..n]);
                emulator.raw.extend_from_slice(&bytes[..n]);
                emulator.closed = n == 0;
                let over = n == 0 || emulator.hung_up;
                drop(emulator);
                seen.1.notify_all();
                if over {
                    return;
                }
            }
        });
        let keys = pair.master.take_writer().unwrap();
        Self { screen, master: Some(pair.master), keys: Some(keys), child, termios_before, _home: home }
    }

    /// The process id of the program.
    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Types keys in the notation of the documentation: `a`, `<Enter>`, `<C-s>`, `<A-n>`, `<Esc>`.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.bytes(&bytes_of(keys));
    }

    /// Pastes a text, as a terminal with bracketed paste does.
    pub(crate) fn paste(&mut self, text: &str) {
        self.bytes(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let keys = self.keys.as_mut().unwrap();
        keys.write_all(bytes).unwrap();
        keys.flush().unwrap();
    }

    /// Changes the size of the terminal.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.0.lock().unwrap().parser.screen_mut().set_size(cells(rows), cells(columns));
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    /// Takes the terminal away, as closing its window does.
    pub(crate) fn hang_up(&mut self) {
        self.screen.0.lock().unwrap().hung_up = true;
        // A key that is answered by a picture wakes the reader, which has the last handle.
        self.keys("?");
        self.keys = None;
        self.master = None;
    }

    /// Waits until the screen shows `text`.
    pub(crate) fn shows(&self, text: &str) {
        self.wait(&format!("{text:?} on the screen"), |screen| screen.contents().contains(text));
    }

    /// Waits until the header ends with `word`: what the keyboard does now. Hints and questions may have such words, too.
    pub(crate) fn mode(&self, word: &str) {
        let behind = format!(" {word}");
        self.wait(&format!("the mode {word}"), |screen| header(screen).trim_end().ends_with(&behind));
    }

    /// Waits until the header counts so many sessions in a state, such as `1 done`, and none is still being started: what
    /// keys go by. Rows, feeds, results and questions may have such words at other times.
    pub(crate) fn counts(&self, text: &str) {
        self.wait(&format!("{text:?} in the header, and nothing that starts"), |screen| {
            let header = header(screen);
            header.contains(&format!(" {text}")) && !header.contains("starting")
        });
    }

    /// Waits until the screen no longer shows `text`.
    pub(crate) fn hides(&self, text: &str) {
        self.wait(&format!("no {text:?} on the screen"), |screen| !screen.contents().contains(text));
    }

    /// Waits until the program has written `bytes` at some time, for what an emulator does not keep.
    pub(crate) fn writes(&self, bytes: &str) {
        let start = Instant::now();
        while !self.raw().contains(bytes) {
            assert!(start.elapsed() < HANGS, "{bytes:?} was never written:\n{}", self.contents());
            let emulator = self.lock();
            drop(self.screen.1.wait_timeout(emulator, Duration::from_millis(20)).unwrap());
        }
    }

    /// Waits until `holds` of the screen.
    pub(crate) fn wait(&self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let start = Instant::now();
        let mut emulator = self.lock();
        while !holds(emulator.parser.screen()) {
            let contents = emulator.parser.screen().contents();
            assert!(!emulator.closed, "the program ended before there was {what}:\n{contents}");
            assert!(start.elapsed() < HANGS, "there never was {what}:\n{contents}");
            emulator = self.screen.1.wait_timeout(emulator, Duration::from_secs(1)).unwrap().0;
        }
    }

    /// What the screen shows now.
    pub(crate) fn contents(&self) -> String {
        self.lock().parser.screen().contents()
    }

    /// Everything the program has written so far.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.lock().raw).into_owned()
    }

    fn lock(&self) -> MutexGuard<'_, Emulator> {
        self.screen.0.lock().unwrap()
    }

    /// Waits for the end of the program.
    pub(crate) fn ends(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < HANGS, "the program does not end:\n{}", self.contents());
            let emulator = self.screen.0.lock().unwrap();
            drop(self.screen.1.wait_timeout(emulator, Duration::from_millis(20)).unwrap());
        }
    }

    /// Asserts that the terminal is as it was before the program: modes, screen, cursor and line discipline.
    pub(crate) fn is_as_it_was(&self) {
        let start = Instant::now();
        let mut emulator = self.lock();
        // What the program wrote last may still be on its way.
        while emulator.parser.screen().alternate_screen() && start.elapsed() < HANGS {
            emulator = self.screen.1.wait_timeout(emulator, Duration::from_millis(20)).unwrap().0;
        }
        let screen = emulator.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is still on");
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is still on");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "the mouse is still caught");
        let termios = format!("{:?}", self.master.as_ref().unwrap().get_termios());
        assert_eq!(termios, self.termios_before, "the line discipline was changed");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A failed test leaves no process behind. One that has ended already is no error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first row.
fn header(screen: &vt100::Screen) -> String {
    screen.rows(0, screen.size().1.into()).next().unwrap_or_default()
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn cells(n: u16) -> NonZero<u16> {
    NonZero::new(n).unwrap()
}

fn bytes_of(keys: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = keys;
    while let Some(c) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|named| named.split_once('>'));
        if let Some((name, behind)) = named
            && name.chars().all(|c| c.is_ascii_graphic())
            && name.len() > 1
        {
            bytes.extend(named_key(name));
            rest = behind;
        } else {
            bytes.extend(c.to_string().bytes());
            rest = &rest[c.len_utf8()..];
        }
    }
    bytes
}

fn named_key(name: &str) -> Vec<u8> {
    match name {
        "Enter" => b"\r".to_vec(),
        "Esc" => b"\x1b".to_vec(),
        "Tab" => b"\t".to_vec(),
        "S-Tab" => b"\x1b[Z".to_vec(),
        "Space" => b" ".to_vec(),
        "BS" => b"\x7f".to_vec(),
        "Up" => b"\x1b[A".to_vec(),
        "Down" => b"\x1b[B".to_vec(),
        "Right" => b"\x1b[C".to_vec(),
        "A-Enter" => b"\x1b\r".to_vec(),
        _ => match (name.strip_prefix("C-"), name.strip_prefix("A-")) {
            (Some(letter), _) => vec![letter.as_bytes()[0] & 0x1f],
            (_, Some(letter)) => [b"\x1b", letter.as_bytes()].concat(),
            _ => panic!("no key is called <{name}>"),
        },
    }
}
