//! One process that answers: a line in, a line out.
//!
//! Knows nothing of sessions, of trying again and of giving up.

use std::io;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::domain::Limits;

/// How long a process gets to end by itself once its input is closed. It has nothing left to do.
const ENDING: Duration = Duration::from_secs(1);

/// How long a process that has answered gets to read the rest of its question.
const READING: Duration = Duration::from_secs(1);

/// A running process.
pub(super) struct Coprocess {
    child: Child,
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
    /// The pipe to it failed.
    #[error("reading its answer: {0}")]
    Pipe(#[from] io::Error),
}

impl Coprocess {
    /// Starts `sh -c command`, whose messages go to `errors`.
    pub(super) fn start(command: &str, errors: Stdio) -> io::Result<Self> {
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            // A group of its own: it can be ended with all it started, and Ctrl-C is ours to handle.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().expect("its input was asked to be a pipe");
        let output = child.stdout.take().expect("its output was asked to be a pipe");
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    /// Writes a line and reads the one that answers it. What was written before can be seen, and is a fault; a line too
    /// many that comes later cannot be told from an answer.
    pub(super) async fn ask(&mut self, line: &[u8]) -> Result<Vec<u8>, Fault> {
        let is_waiting = |output: &ChildStdout| rustix::io::ioctl_fionread(output).is_ok_and(|bytes| bytes > 0);
        if !self.output.buffer().is_empty() || is_waiting(self.output.get_ref()) {
            return Err(Fault::Unasked);
        }
        let limit = line_limit();
        let mut answer = Vec::new();
        // Both at once: a process that writes while it still reads would otherwise wait for us, and we for it.
        let was_read = {
            let mut output = (&mut self.output).take(limit);
            let mut wrote = pin!(self.input.write_all(line));
            let mut read = pin!(output.read_until(b'\n', &mut answer));
            tokio::select! {
                biased;
                // One that cannot be written to may have answered all the same.
                _ = &mut wrote => {
                    read.await?;
                    true
                }
                read = &mut read => {
                    // Where there is no more output there is nothing to wait for.
                    read? == 0 || tokio::time::timeout(READING, wrote).await.is_ok()
                }
            }
        };
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
        // Its output ended. So has it, or it closed its output and will not answer either.
        let ended = tokio::time::timeout(ENDING, self.child.wait()).await;
        Err(Fault::Ended(match ended {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "closed its output".to_owned(),
        }))
    }

    /// Closes its input, waits for its end, and ends it if it does not.
    pub(super) async fn stop(self) {
        let Self { mut child, input, output } = self;
        drop((input, output));
        if tokio::time::timeout(ENDING, child.wait()).await.is_err() {
            Self::kill(child).await;
        }
    }

    /// Ends it at once.
    pub(super) async fn discard(self) {
        Self::kill(self.child).await;
    }

    async fn kill(mut child: Child) {
        if let Some(group) = child.id() {
            // What the shell started would otherwise live on, holding our standard error.
            let mut command = Command::new("sh");
            command.arg("-c").arg(format!("kill -s KILL -- -{group}"));
            let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().await;
        }
        if let Err(error) = child.kill().await {
            tracing::warn!(%error, "cannot end the answerer");
        }
    }
}

/// The longest line that can hold an answer: JSON may write a byte as six characters, and there are names beside it.
pub(super) fn line_limit() -> u64 {
    Limits::default().answer_bytes * 6 + (64 << 10)
}
