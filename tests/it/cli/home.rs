//! A directory to run the program in: its own home, an empty environment, nothing of the machine but `PATH`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

/// A program that has not ended by then hangs. No test depends on how long one takes.
const HANGS: Duration = Duration::from_mins(2);

/// The directory.
pub(crate) struct Home {
    dir: tempfile::TempDir,
}

/// What a program that has ended has left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file and gives its name back.
    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Any command in this home.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir(self.path());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.path().join("home"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The program in this home.
    pub(crate) fn switchboard(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_switchboard"));
        command.args(arguments);
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.switchboard(arguments).spawn().unwrap())
    }

    /// Runs the program to its end with `input` on its standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self.switchboard(arguments).stdin(Stdio::piped()).spawn().unwrap();
        // It may end without reading all of it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ended::of(child)
    }
}

impl Ended {
    /// Waits for the end of a program.
    pub(crate) fn of(child: Child) -> Self {
        let id = child.id();
        let (sender, ended) = mpsc::channel();
        let waits = std::thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = ended.recv_timeout(HANGS) else {
            signal(id, "KILL");
            panic!("the program hangs");
        };
        waits.join().unwrap().unwrap();
        let Output { status, stdout, stderr } = output.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: code_of(status), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Asserts the exit code; shows everything where it is another.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The last lines of the sessions.
    #[track_caller]
    pub(crate) fn terminals(&self) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["kind"] == "terminal").collect()
    }

    /// The one last line of the one session.
    #[track_caller]
    pub(crate) fn terminal(&self) -> Value {
        let mut terminals = self.terminals();
        assert_eq!(terminals.len(), 1, "{self:#?}");
        terminals.remove(0)
    }
}

fn code_of(status: ExitStatus) -> Option<i32> {
    status.code()
}

/// Sends a signal to a process, by way of the shell.
pub(crate) fn signal(process: u32, name: &str) {
    let sent = Command::new("sh").arg("-c").arg(format!("kill -{name} {process}")).status().unwrap();
    assert!(sent.success());
}
