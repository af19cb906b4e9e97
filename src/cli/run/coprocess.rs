//! One process that answers: a line in, a line out.
//!
//! It is in a process group of its own, so that it can be ended with all it started, and Ctrl-C is the run's and not a
//! fault of the answerer. The price is that it cannot have the terminal: a terminal has one group at a time, and would
//! give that one Ctrl-C as well. Whoever reads `/dev/tty` all the same is stopped by the system and would keep its
//! question for ever, so that is a fault which says what to do instead. One that is stopped by another signal is waited for:
//! whoever has sent that lets it go on.
//!
//! Knows nothing of sessions, of trying again and of giving up.

use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::signal::unix::{self, SignalKind, signal};

use crate::domain::Limits;

/// How long a process gets to end by itself once its input is closed. It has nothing left to do.
const ENDING: Duration = Duration::from_secs(1);

/// How long a process that has answered gets to read the rest of its question.
const READING: Duration = Duration::from_secs(1);

/// A running process.
pub(super) struct Coprocess {
    child: Child,
    /// The group of it and of what it starts.
    group: Option<Pid>,
    /// Comes whenever something becomes of it.
    changes: unix::Signal,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Why a process gave no line.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// It ended.
    #[error("it ended ({0}) before it answered")]
    Ended(String),
    /// It wrote and wrote.
    #[error("its answer is a line of more than {0} bytes")]
    TooLong(u64),
    /// It wrote something that answers no question, so that one answer may have been taken for another.
    #[error("it wrote more than one line for each question")]
    Unasked,
    /// It does not read what it is asked, and a line that is cut short can be followed by no other.
    #[error("it answered without reading its question")]
    Unread,
    /// The system stopped it, as it used the terminal.
    #[error("it wants the terminal and cannot have it; a person answers on the desk, or with --stdin")]
    WantsTerminal,
    /// The pipe to it failed.
    #[error("reading its answer: {0}")]
    Pipe(#[from] io::Error),
}

impl Coprocess {
    /// Starts `sh -c command`, whose messages go to `errors`.
    pub(super) fn start(command: &str, errors: Stdio) -> io::Result<Self> {
        let changes = signal(SignalKind::child())?;
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().expect("its input was asked to be a pipe");
        let output = child.stdout.take().expect("its output was asked to be a pipe");
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self { child, group, changes, input, output: BufReader::new(output) })
    }

    /// Writes a line and reads the one that answers it. What was written before can be seen, and is a fault; a line too
    /// many that comes later cannot be told from an answer.
    pub(super) async fn ask(&mut self, line: &[u8]) -> Result<Vec<u8>, Fault> {
        if has_more(&self.output) {
            return Err(Fault::Unasked);
        }
        let limit = line_limit();
        let (mut answer, mut was_read) = (Vec::new(), false);
        let ended = {
            // Both at once: a process that writes while it still reads would otherwise wait for us, and we for it.
            let talk = async {
                let mut wrote = pin!(self.input.write_all(line));
                let mut read = pin!(read_line(&mut self.output, &mut answer, limit));
                tokio::select! {
                    biased;
                    // One that cannot be written to may have answered all the same.
                    _ = &mut wrote => {
                        was_read = true;
                        read.await.map(drop)
                    }
                    read = &mut read => {
                        // Where there is no more output there is nothing to wait for.
                        was_read = read? == 0 || tokio::time::timeout(READING, wrote).await.is_ok();
                        Ok(())
                    }
                }
            };
            tokio::select! {
                biased;
                talked = talk => {
                    talked?;
                    None
                }
                // What it has started may hold its output open.
                status = self.child.wait() => Some(status),
                () = stopped_by_terminal(self.group, &mut self.changes) => return Err(Fault::WantsTerminal),
            }
        };
        if ended.is_some() {
            was_read = true;
            while has_more(&self.output) && !is_whole(&answer, limit) {
                read_some(&mut self.output, &mut answer, limit).await?;
            }
        }
        if answer.last() == Some(&b'\n') {
            if !was_read {
                return Err(Fault::Unread);
            }
            answer.pop();
            // One that answers without having read its question is told so by the next.
            return Ok(answer);
        }
        if answer.len() as u64 >= limit {
            return Err(Fault::TooLong(limit));
        }
        if !answer.is_empty() {
            // It has ended, or its output has: whatever it wrote last is a line, with or without an end.
            return Ok(answer);
        }
        // Its output ended. So has it, or it closed its output and will not answer either.
        let ended = match ended {
            Some(status) => Ok(status),
            None => tokio::time::timeout(ENDING, self.child.wait()).await,
        };
        Err(Fault::Ended(match ended {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "closed its output".to_owned(),
        }))
    }

    /// Closes its input, waits for its end, and ends what is left of it and of what it has started.
    pub(super) async fn stop(self) {
        let Self { mut child, group, input, output, .. } = self;
        drop((input, output));
        let _ = tokio::time::timeout(ENDING, child.wait()).await;
        Self::kill(child, group).await;
    }

    /// Ends it at once.
    pub(super) async fn discard(self) {
        Self::kill(self.child, self.group).await;
    }

    async fn kill(mut child: Child, group: Option<Pid>) {
        // What the shell started would otherwise live on, holding our standard error.
        if let Some(group) = group {
            // Nobody is left, if this fails.
            let _ = kill_process_group(group, Signal::KILL);
        }
        if child.id().is_some()
            && let Err(error) = child.kill().await
        {
            tracing::warn!(%error, "cannot end the answerer");
        }
    }
}

/// Waits until the first process of a group is stopped for its use of the terminal, which stops all of the group.
async fn stopped_by_terminal(group: Option<Pid>, changes: &mut unix::Signal) {
    while !group.is_some_and(is_stopped_by_terminal) {
        if changes.recv().await.is_none() {
            return std::future::pending().await;
        }
    }
}

fn is_stopped_by_terminal(process: Pid) -> bool {
    // Only looks: its end is waited for elsewhere. One that has ended is no longer there.
    let look = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    let status = waitid(WaitId::Pid(process), look).ok().flatten();
    let by = status.and_then(|status| status.stopping_signal());
    by.is_some_and(|by| [Signal::TTIN, Signal::TTOU].iter().any(|signal| signal.as_raw() == by))
}

/// Whether something can be read at once.
fn has_more(output: &BufReader<ChildStdout>) -> bool {
    !output.buffer().is_empty() || ioctl_fionread(output.get_ref()).is_ok_and(|bytes| bytes > 0)
}

/// Whether nothing more belongs to a line.
fn is_whole(line: &[u8], limit: u64) -> bool {
    line.last() == Some(&b'\n') || line.len() as u64 >= limit
}

/// Reads to the end of a line, of the output, or of what a line may have. Gives what was read last. Cancel-safe: what
/// was read stands in `line`.
async fn read_line(output: &mut BufReader<ChildStdout>, line: &mut Vec<u8>, limit: u64) -> io::Result<usize> {
    loop {
        let read = read_some(output, line, limit).await?;
        if read == 0 || is_whole(line, limit) {
            return Ok(read);
        }
    }
}

async fn read_some(output: &mut BufReader<ChildStdout>, line: &mut Vec<u8>, limit: u64) -> io::Result<usize> {
    let bytes = output.fill_buf().await?;
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
    let read = end.min(usize::try_from(limit).unwrap_or(usize::MAX) - line.len());
    line.extend_from_slice(&bytes[..read]);
    output.consume(read);
    Ok(read)
}

/// The longest line that can hold an answer: JSON may write a byte as six characters, and there are names beside it.
pub(super) fn line_limit() -> u64 {
    Limits::default().answer_bytes * 6 + (64 << 10)
}
