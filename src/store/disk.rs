//! How files that outlive a session are read, locked and replaced.
//!
//! A file is replaced as a whole: written beside itself, made durable, renamed. So a reader needs no lock and sees it as
//! it was before or after. It keeps its mode, and a symbolic link stays one: what it leads to is replaced. Writers of one
//! file, in this process and in others, take turns by an advisory lock on a file beside it, since the file itself is
//! another one after each write. Who has the turn writes a mark into that file: where many take turns, each waits long
//! in all, and only one turn of another process that lasts long is a fault. For one of this process there is nothing to
//! do but to wait until the disk has done its work.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The largest file that is read. Far above what programs keep; what is read ends up in their memory.
pub(super) const FILE_BYTES: u64 = 64 << 20;

/// How long a writer waits for one turn of another process. A write takes milliseconds; who holds a lock for so long has
/// been stopped.
const PATIENCE: Duration = Duration::from_secs(30);

/// Always the same length, so that one mark covers the one before.
const MARK_BYTES: usize = 32;

/// How often it looks. The kernel's own queue would have no end.
const LOOK: Duration = Duration::from_millis(1);

/// Symbolic links that are followed, one after the other: as many as the system itself follows.
const LINKS: usize = 40;

/// The turn of a writer; the next has it once this is dropped, or the process has died.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "held for its lock")] File);

/// Waits for the turn to write what `lock` stands for. Makes the directory of the lock.
pub(super) fn take_turn(lock: &Path) -> io::Result<Turn> {
    if let Some(dir) = lock.parent() {
        make_dir(dir)?;
    }
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(lock)?;
    let mut wait = Wait { holder: Mark::read(&file), since: Instant::now() };
    loop {
        match file.try_lock() {
            Ok(()) => {
                Mark::read(&file).next().write(&file);
                return Ok(Turn(file));
            }
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if wait.is_over(Mark::read(&file), Instant::now()) => {
                let message = format!("process {} has held it for {} s; end it", wait.holder.pid, PATIENCE.as_secs());
                return Err(io::Error::new(ErrorKind::TimedOut, message));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOOK),
        }
    }
}

/// What a lock says of its holder: the process, and how many have held it before.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Mark {
    pid: u32,
    turn: u64,
}

impl Mark {
    /// The mark of the present holder, or of the last one. A lock that was never held has none yet.
    fn read(file: &File) -> Self {
        let mut bytes = [0; MARK_BYTES];
        let read = file.read_exact_at(&mut bytes, 0).ok().and_then(|()| std::str::from_utf8(&bytes).ok());
        let parts = read.and_then(|text| text.trim_end().split_once(' '));
        let mark = parts.and_then(|(pid, turn)| Some(Self { pid: pid.parse().ok()?, turn: turn.parse().ok()? }));
        mark.unwrap_or_default()
    }

    fn next(self) -> Self {
        Self { pid: std::process::id(), turn: self.turn.wrapping_add(1) }
    }

    /// Without a mark, as on a full disk, a lock holds as well; those that wait lose their patience sooner.
    fn write(self, file: &File) {
        let _ = file.write_all_at(format!("{:010} {:020}\n", self.pid, self.turn).as_bytes(), 0);
    }
}

/// Waiting for a turn.
struct Wait {
    holder: Mark,
    since: Instant,
}

impl Wait {
    /// Whether one holder of another process, who holds it `now` too, has taken too long.
    fn is_over(&mut self, holder: Mark, now: Instant) -> bool {
        if holder != self.holder {
            *self = Self { holder, since: now };
        }
        holder.pid != std::process::id() && now.duration_since(self.since) >= PATIENCE
    }
}

/// Why a file does not durably hold what it is to hold.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// It is as it was.
    #[error("not written: {0}")]
    NotWritten(#[from] io::Error),
    /// It is as it should be, for now.
    #[error("written, but a power failure may still undo it: {0}")]
    NotDurable(#[source] io::Error),
}

/// Reads a text file; `None` where it is not there. One that is no regular file is refused: opening a pipe would wait for
/// its other end, and a device may never end.
pub(super) fn read(path: &Path) -> io::Result<Option<String>> {
    let file = match OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file; move it away"));
    }
    text(file).map(Some)
}

/// The text of a file, as much as may be read.
pub(super) fn text(file: File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.take(FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it is longer than {FILE_BYTES} bytes")));
    }
    let not_utf8 = |error: std::string::FromUtf8Error| {
        let at = error.utf8_error().valid_up_to();
        io::Error::new(ErrorKind::InvalidData, format!("it is damaged: not UTF-8 at byte {at}"))
    };
    String::from_utf8(bytes).map_err(not_utf8)
}

/// Replaces a file by `text`, durably: after a crash it holds the old text or the new one. Makes its directory.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Fault> {
    let path = &target(path)?;
    let dir = path.parent().unwrap_or(Path::new("."));
    make_dir(dir)?;
    // Whatever stands in its way is found before anything is changed.
    let dir = File::open(dir)?;
    let beside = with_suffix(path, ".tmp");
    let written = write(&beside, text, path).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // What a full disk left of it is in the way of nobody but its reader.
        let _ = fs::remove_file(&beside);
        return Err(error.into());
    }
    // A rename is durable once its directory is.
    dir.sync_all().map_err(Fault::NotDurable)
}

/// Removes a file, durably.
pub(super) fn remove(path: &Path) -> Result<(), Fault> {
    let dir = File::open(path.parent().unwrap_or(Path::new(".")))?;
    fs::remove_file(path)?;
    dir.sync_all().map_err(Fault::NotDurable)
}

/// The file that a name stands for: where its symbolic links lead, also if nothing is there yet.
pub(super) fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = path.parent().unwrap_or(Path::new("")).join(to),
            // It is no link, or nothing.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => return Ok(path),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(ErrorKind::InvalidInput, "its symbolic links lead nowhere"))
}

/// `path` with something behind its whole name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Writes `text` to a new file at `beside`, with the mode of the file at `path` if there is one.
fn write(beside: &Path, text: &str, path: &Path) -> io::Result<()> {
    // What a crash has left there, or somebody has put there.
    match fs::remove_file(beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(beside)?;
    match fs::metadata(path) {
        Ok(metadata) => file.set_permissions(metadata.permissions())?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Makes a directory that only its owner sees, and those above it that are missing, durably.
fn make_dir(dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists()).collect();
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    missing.iter().filter_map(|dir| dir.parent()).filter(|above| !above.as_os_str().is_empty()).try_for_each(sync_dir)
}

fn sync_dir(dir: impl AsRef<Path>) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn pipe(path: &Path) -> bool {
        std::process::Command::new("mkfifo").arg(path).status().is_ok_and(|status| status.success())
    }

    #[test]
    fn one_turn_may_last_too_long_and_many_in_turn_never_do() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("a.lock");
        let mut now = Instant::now();
        let mut wait = Wait { holder: Mark::default(), since: now };
        for turn in 1..=9 {
            now += PATIENCE / 2;
            assert!(!wait.is_over(Mark { pid: u32::MAX, turn }, now), "each had it for half of the time");
        }
        let last = wait.holder;
        assert!(!wait.is_over(last, now + PATIENCE / 2));
        assert!(wait.is_over(last, now + PATIENCE));

        let mark = || Mark::read(&File::open(&lock).unwrap());
        for turn in 1..=2 {
            let held = take_turn(&lock).unwrap();
            assert_eq!(mark(), Mark { pid: std::process::id(), turn });
            drop(held);
        }
        assert!(!wait.is_over(mark(), now) && !wait.is_over(mark(), now + PATIENCE), "it is a disk that is slow");
        fs::write(&lock, "a lock from elsewhere").unwrap();
        drop(take_turn(&lock).unwrap());
        assert_eq!(mark().turn, 1, "what cannot be read is covered");
    }

    #[test]
    fn a_pipe_is_refused_instead_of_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        if pipe(&path) {
            assert_eq!(read(&path).unwrap_err().to_string(), "it is not a regular file; move it away");
        }
        let path = dir.path().join("b.json");
        if pipe(&with_suffix(&path, ".tmp")) {
            replace(&path, "b").unwrap();
            assert_eq!(
                read(&path).unwrap().as_deref(),
                Some("b"),
                "what stands where it is written first is in no way"
            );
        }
        assert!(read(dir.path()).is_err());
        assert_eq!(read(&dir.path().join("none")).unwrap(), None);
    }

    #[test]
    fn what_is_replaced_keeps_its_mode_and_new_files_are_their_owners() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        replace(&path, "1").unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        replace(&path, "2").unwrap();
        assert_eq!((mode(&path), read(&path).unwrap().as_deref()), (0o640, Some("2")));
    }

    #[test]
    fn a_link_stays_a_link_and_what_it_leads_to_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (link, real) = (dir.path().join("a.json"), dir.path().join("elsewhere/b.json"));
        fs::create_dir(dir.path().join("elsewhere")).unwrap();
        symlink("c.json", &link).unwrap();
        symlink(&real, dir.path().join("c.json")).unwrap();
        for text in ["nothing was there", "it is there"] {
            replace(&link, text).unwrap();
            assert_eq!(fs::read_to_string(&real).unwrap(), text);
            assert!(link.is_symlink() && !real.is_symlink());
        }
        remove(&link).unwrap();
        assert!(real.exists(), "what it leads to is somebody else's");
        symlink("round", dir.path().join("round")).unwrap();
        let round = replace(&dir.path().join("round"), "").unwrap_err();
        assert_eq!(round.to_string(), "not written: its symbolic links lead nowhere");
    }

    #[test]
    fn whether_it_is_written_is_said_of_each_fault() {
        let error = || io::Error::other("the disk is gone");
        assert_eq!(Fault::from(error()).to_string(), "not written: the disk is gone");
        let text = "written, but a power failure may still undo it: the disk is gone";
        assert_eq!(Fault::NotDurable(error()).to_string(), text);
    }
}
