//! Standard output as a stream of lines, written by a thread of its own.
//!
//! A reader that is slow makes those who print wait; one that has gone ends the run, and neither ever holds a thread
//! that programs run on.

use std::io::{self, ErrorKind, Write};

use tokio::sync::{mpsc, oneshot};

/// Chunks that wait for a slow reader. A chunk is at most some 64 KB unless one event is larger, so this is some 4 MB.
const CHUNKS: usize = 64;

/// Chunks that are written before the reader gets to see them: what has come while the last was written.
const BATCH_BYTES: usize = 1 << 20;

/// Takes chunks of whole lines. Cheap to clone; the stream ends with its last clone.
#[derive(Clone)]
pub(super) struct Stream(mpsc::Sender<Vec<u8>>);

impl Stream {
    /// Prints whole lines, behind everything printed before.
    pub(super) async fn print(&self, lines: Vec<u8>) {
        if !lines.is_empty() {
            // The reader has gone; the supervisor knows.
            let _ = self.0.send(lines).await;
        }
    }
}

/// Says when the stream has ended.
pub(super) struct Ended(oneshot::Receiver<io::Result<()>>);

impl Ended {
    /// Waits until everything is written, or cannot be any more. `BrokenPipe` means that the reader has gone.
    /// Cancel-safe; must not be waited for again after it came back.
    pub(super) async fn wait(&mut self) -> io::Result<()> {
        (&mut self.0).await.unwrap_or_else(|_| Err(io::Error::other("its writer is gone")))
    }
}

/// Starts the thread that writes.
pub(super) fn start() -> io::Result<(Stream, Ended)> {
    let (chunks, received) = mpsc::channel(CHUNKS);
    let (done, ended) = oneshot::channel();
    // It ends with the stream; one that hangs in a write ends with the process.
    std::thread::Builder::new().name("stdout".into()).spawn(move || {
        let _ = done.send(write(received, &mut io::stdout().lock()));
    })?;
    Ok((Stream(chunks), Ended(ended)))
}

fn write(mut chunks: mpsc::Receiver<Vec<u8>>, out: &mut impl Write) -> io::Result<()> {
    while let Some(mut batch) = chunks.blocking_recv() {
        while batch.len() < BATCH_BYTES
            && let Ok(more) = chunks.try_recv()
        {
            batch.extend_from_slice(&more);
        }
        out.write_all(&batch)?;
        out.flush()?;
    }
    Ok(())
}

/// Whether an error only means that the reader does not want more.
pub(super) fn is_reader_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}
