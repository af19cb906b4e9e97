//! The lines of standard input, each with its number, read on a thread of their own: a read cannot be interrupted.

use std::io::{self, BufRead, Read};

use tokio::sync::mpsc;

use super::coprocess::line_limit;

/// Lines read ahead of the one who looks at them.
const AHEAD: usize = 256;

/// What may stand before the first line.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A line with its number, counted from 1; or why there is none.
pub(super) type Numbered = (u64, Result<Vec<u8>, String>);

/// Starts to read. The thread ends with its input or with the process.
pub(super) fn start() -> io::Result<mpsc::Receiver<Numbered>> {
    let (sender, lines) = mpsc::channel(AHEAD);
    std::thread::Builder::new().name("stdin".into()).spawn(move || read(&mut io::stdin().lock(), &sender))?;
    Ok(lines)
}

/// Reads lines until the input ends or nobody wants them.
fn read(input: &mut impl BufRead, lines: &mpsc::Sender<Numbered>) {
    let limit = line_limit();
    for number in 1.. {
        let mut line = Vec::new();
        let read = input.by_ref().take(limit).read_until(b'\n', &mut line);
        let line = match read {
            Ok(0) => return,
            Ok(_) if line.len() as u64 >= limit && line.last() != Some(&b'\n') => {
                skip_line(input);
                Err(format!("it is longer than {limit} bytes; it is skipped"))
            }
            // Some editors begin a file so.
            Ok(_) if number == 1 && line.starts_with(BYTE_ORDER_MARK) => Ok(line.split_off(BYTE_ORDER_MARK.len())),
            Ok(_) => Ok(line),
            Err(error) => {
                let _ = lines.blocking_send((number, Err(format!("cannot be read: {error}"))));
                return;
            }
        };
        if lines.blocking_send((number, line)).is_err() {
            return;
        }
    }
}

fn skip_line(input: &mut impl BufRead) {
    while let Ok(buffer) = input.fill_buf() {
        let (length, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(length);
        if ended {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_skipped_and_the_next_is_read() {
        let mut text = vec![b'x'; line_limit() as usize + 10];
        text.extend_from_slice(b"\nnext\nlast");
        let (sender, mut lines) = mpsc::channel(8);
        read(&mut text.as_slice(), &sender);
        let mut next = || lines.try_recv().unwrap();
        assert!(next().1.unwrap_err().starts_with("it is longer than"));
        assert_eq!(next(), (2, Ok(b"next\n".to_vec())));
        assert_eq!(next(), (3, Ok(b"last".to_vec())));
    }
}
