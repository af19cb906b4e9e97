//! The files of a journal that is written: each has to stay the one that it was, since whoever opens the journal next
//! finds what lies at their names.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::lock::{Lock, beside};

/// What a person has to do where a file is gone that this process cannot do without.
const LEAVE: &str = "it must stay while the journal is in use; leave, and start again";

/// That a file is not there any more, or another one is.
pub(super) enum Gone {
    /// Of the journal itself, or of a lock of it: others may write it.
    Journal(String),
    /// Of what SQLite has beside it: nobody else finds what stands there.
    Log(String),
}

/// The files, as they were when the journal was opened.
pub(super) struct Kept {
    file: File,
    locks: Vec<File>,
    logs: Vec<File>,
}

impl Kept {
    /// Those of the journal at `path`, of which these are the locks.
    ///
    /// # Errors
    /// When one is gone already.
    pub(super) fn of(path: &Path, locks: &[Lock]) -> io::Result<Self> {
        let lock = |lock: &Lock| Ok(File { path: lock.path(), identity: identity(&lock.metadata()?) });
        let locks = locks.iter().map(lock).collect::<io::Result<_>>()?;
        // Where the file system has no use for them, there are none.
        let logs = ["-wal", "-shm"].into_iter().flat_map(|suffix| File::at(beside(path, suffix))).collect();
        Ok(Self { file: File::at(path.to_owned())?, locks, logs })
    }

    /// Looks whether they are still there. Some hundredths of a commit.
    ///
    /// # Errors
    /// Which is not, in a line.
    pub(super) fn look(&self) -> Result<(), Gone> {
        self.file.look().map_err(Gone::Journal)?;
        let and_leave = |why: String| format!("{why}; {LEAVE}");
        self.locks.iter().try_for_each(File::look).map_err(and_leave).map_err(Gone::Journal)?;
        self.logs.iter().try_for_each(File::look).map_err(and_leave).map_err(Gone::Log)
    }
}

/// A file as it was.
struct File {
    path: PathBuf,
    identity: (u64, u64),
}

impl File {
    fn at(path: PathBuf) -> io::Result<Self> {
        Ok(Self { identity: identity_at(&path)?, path })
    }

    fn look(&self) -> Result<(), String> {
        match identity_at(&self.path) {
            Ok(found) if found == self.identity => Ok(()),
            Ok(_) => Err(format!("{} was replaced by another file", self.path.display())),
            Err(error) => Err(format!("{} is gone: {error}", self.path.display())),
        }
    }
}

/// The same of the file at `path`, with no look at its times: Linux would give the log a new one at the next write then,
/// and each commit would have to wait for that, too (a third of its time).
fn identity_at(path: &Path) -> io::Result<(u64, u64)> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
        let found = statx(CWD, path, AtFlags::empty(), StatxFlags::INO)?;
        Ok((makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino))
    }
    #[cfg(not(target_os = "linux"))]
    Ok(identity(&std::fs::metadata(path)?))
}

/// What tells a file from every other.
pub(super) fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
