//! How files that outlive a session are read, locked and replaced.
//!
//! A file is replaced as a whole: written beside itself, made durable, renamed. So a reader needs no lock and sees it as
//! it was before or after. Writers of one file, in this process and in others, take turns by an advisory lock on a file
//! beside it, since the file itself is another one after each write.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The largest file that is read. Far above what programs keep; what is read ends up in their memory.
pub(super) const FILE_BYTES: u64 = 64 << 20;

/// How long a writer waits for its turn. A write takes milliseconds; who holds a lock for so long has been stopped.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it looks. The kernel's own queue would have no end.
const LOOK: Duration = Duration::from_millis(1);

/// The turn of a writer; the next has it once this is dropped, or the process has died.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "held for its lock")] File);

/// Waits for the turn to write what `lock` stands for. Makes the directory of the lock.
pub(super) fn take_turn(lock: &Path) -> io::Result<Turn> {
    if let Some(dir) = lock.parent() {
        make_dir(dir)?;
    }
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(lock)?;
    let since = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Turn(file)),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if since.elapsed() < PATIENCE => std::thread::sleep(LOOK),
            Err(TryLockError::WouldBlock) => {
                let message = format!("another process has held it for {} s; end it", PATIENCE.as_secs());
                return Err(io::Error::new(ErrorKind::TimedOut, message));
            }
        }
    }
}

/// Reads a text file; `None` where it is not there.
pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it is longer than {FILE_BYTES} bytes")));
    }
    let not_utf8 = |error: std::string::FromUtf8Error| {
        let at = error.utf8_error().valid_up_to();
        io::Error::new(ErrorKind::InvalidData, format!("it is damaged: not UTF-8 at byte {at}"))
    };
    String::from_utf8(bytes).map(Some).map_err(not_utf8)
}

/// Replaces a file by `text`, durably: after a crash it holds the old text or the new one. Makes its directory.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    make_dir(dir)?;
    let beside = with_suffix(path, ".tmp");
    let written = write(&beside, text).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // What a full disk left of it is in the way of nobody but its reader.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    sync_dir(dir)
}

/// Removes a file, durably.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    path.parent().map_or(Ok(()), sync_dir)
}

/// `path` with something behind its whole name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Makes a directory that only its owner sees, and those above it that are missing, durably.
fn make_dir(dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    missing.iter().filter_map(|dir| dir.parent()).filter(|above| !above.as_os_str().is_empty()).try_for_each(sync_dir)
}

/// A rename is durable once its directory is.
fn sync_dir(dir: impl AsRef<Path>) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
