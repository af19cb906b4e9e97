//! The lock that says who writes a journal: an advisory lock of the system on a small file beside it.
//!
//! The system lets go of it when the process ends, however it ends. Its text names the holder, for people.

use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::kept::identity;

/// How long looking whether a lock is held may keep it from somebody else, and more.
const LOOK: Duration = Duration::from_millis(5);

/// A lock that is held; let go of when dropped. The file stays the one that others find, unless somebody deletes it: the
/// [writer](super::writer) looks.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    journal: PathBuf,
    /// Whether its file was made to be locked.
    is_new: bool,
}

impl Lock {
    /// Whether it is that of the journal at `path`.
    pub(super) fn is_of(&self, path: &Path) -> bool {
        self.journal == path
    }

    /// Where its file lies, unless somebody has deleted it.
    pub(super) fn path(&self) -> PathBuf {
        beside(&self.journal, ".lock")
    }

    /// Leaves no file where none was: nobody has opened the journal.
    pub(super) fn unmake(&self) {
        if self.is_new {
            // It is held: who waits for it finds another one.
            let _ = fs::remove_file(self.path());
        }
    }

    /// What the system says of its file, wherever that is.
    ///
    /// # Errors
    /// When it says nothing.
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }
}

/// Takes the lock of the journal at `journal`, or says who has it.
///
/// # Errors
/// When the file beside it can be neither made nor opened.
pub(super) fn take(journal: &Path) -> io::Result<Result<Lock, String>> {
    let path = beside(journal, ".lock");
    loop {
        let is_new = !path.exists();
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        let mut locked = file.try_lock();
        if let Err(TryLockError::WouldBlock) = locked {
            // Somebody may only have looked whether it is held.
            thread::sleep(LOOK);
            locked = file.try_lock();
        }
        match locked {
            // Its holder has deleted it meanwhile: who comes next locks another one.
            Ok(()) if !is_at(&file, &path)? => {}
            Ok(()) => {
                file.set_len(0)?;
                file.write_all(this_process().as_bytes())?;
                return Ok(Ok(Lock { file, journal: journal.to_owned(), is_new }));
            }
            Err(TryLockError::WouldBlock) => return Ok(Err(name_in(&mut file))),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Whether the file that is open is the one that lies at `path`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(found) => Ok(identity(&found) == identity(&file.metadata()?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Who has the lock of the journal at `path`, if anybody has.
pub(super) fn holder(path: &Path) -> Option<String> {
    let mut file = File::open(beside(path, ".lock")).ok()?;
    match file.try_lock_shared() {
        // It is let go of with the file.
        Ok(()) => None,
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => Some(name_in(&mut file)),
    }
}

/// The name of the holder, as it stands in the file.
fn name_in(file: &mut File) -> String {
    let mut holder = String::new();
    // It may be writing its name right now, or be of another user.
    let _ = file.read_to_string(&mut holder);
    if holder.is_empty() { "another process".into() } else { holder }
}

/// `path` with `suffix` behind its whole name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn this_process() -> String {
    let host = rustix::system::uname();
    let since = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ");
    format!("pid {} on {} since {since}", std::process::id(), host.nodename().to_string_lossy())
}
