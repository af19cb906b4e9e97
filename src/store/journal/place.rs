//! Where a journal lies, and what the system lets this process do there: whether it can be written, and how it is read if
//! not.
//!
//! SQLite keeps a log beside a file and an index beside the log, and makes them also for reading. Where nothing can be
//! made, or would be in the way of whoever may write, they are read as they stand there.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access, access};

use super::lock::beside;
use crate::store::disk;

/// The file of the journal that is asked for as `path`: where symbolic links lead, also if nothing is there yet. Its lock
/// and its log lie beside that file, so that there is one of each, whatever leads to it.
pub(super) fn file_of(path: &Path) -> PathBuf {
    // What the system does not follow, whoever opens it next is told.
    disk::target(path).unwrap_or_else(|_| path.to_owned())
}

/// That a journal is there and can be read, and not written.
#[derive(Debug)]
pub struct Unwritable {
    path: PathBuf,
    /// What the system says, and of what if not of the file itself.
    cause: String,
    /// What whoever wants this one can do.
    remedy: &'static str,
}

/// In one line, with what to do; in the alternate form with its whole path.
impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if f.alternate() { self.path.as_os_str() } else { self.path.file_name().unwrap_or_default() };
        write!(f, "{} cannot be written ({}); try --journal FILE or --ephemeral", name.display(), self.cause)
    }
}

impl Unwritable {
    /// The same in one line for whoever wants this journal and no other.
    pub fn of_it(&self) -> String {
        format!("{} cannot be written ({}); {}", self.path.display(), self.cause, self.remedy)
    }

    /// The same of a file that is called so.
    pub(super) fn called(self, path: &Path) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    /// What keeps this process from writing the journal at `path`, if it is there and anything does. Changes nothing.
    pub fn of(path: &Path) -> Option<Self> {
        Self::of_file(&file_of(path)).map(|why| why.called(path))
    }

    /// The same of a file to which no links have to be followed any more.
    pub(super) fn of_file(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok().filter(|found| found.len() > 0)?;
        let refused = |what: &str, error: &io::Error| Self {
            path: path.to_owned(),
            cause: format!("{what}{}", in_words(error)),
            remedy: "change that, or who you are",
        };
        if let Err(error) = may_write(path) {
            return Some(refused("", &error));
        }
        for suffix in [".lock", "-wal", "-shm"] {
            let file = beside(path, suffix);
            match may_write(&file) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if let Err(error) = may_write(directory_of(path)) {
                        return Some(refused("its directory: ", &error));
                    }
                }
                Err(error) => return Some(refused(&format!("its {suffix} file: "), &error)),
            }
        }
        // Beside each of its names there is another lock, and another log.
        (found.is_file() && found.nlink() > 1).then(|| Self {
            path: path.to_owned(),
            cause: format!("it has {} names, hard links", found.nlink()),
            remedy: "delete the others, but none that has a -wal file",
        })
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn may_write(path: &Path) -> io::Result<()> {
    access(path, Access::WRITE_OK).map_err(io::Error::from)
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::ReadOnlyFilesystem => "read-only file system".into(),
        _ => error.to_string(),
    }
}

/// Whether `path` is a file with something in it.
pub(super) fn has_content(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// How a journal is read: connections that were made in another way do not see what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// As SQLite has it: it makes what it needs beside the file, or finds it there.
    Usual,
    /// With a log and without an index, which each connection makes for itself.
    Logged(State, State),
    /// The file is everything there is.
    Alone(State),
}

/// What is different of a file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State([i64; 4]);

impl State {
    fn of(path: &Path) -> Self {
        let state = |file: fs::Metadata| [file.ino() as i64, file.len() as i64, file.mtime(), file.mtime_nsec()];
        Self(fs::metadata(path).map(state).unwrap_or_default())
    }
}

impl Standing {
    /// How the journal at `path` stands.
    pub(super) fn of(path: &Path) -> Self {
        if Unwritable::of_file(path).is_none() {
            return Self::Usual;
        }
        let log = beside(path, "-wal");
        if !has_content(&log).unwrap_or(false) {
            Self::Alone(State::of(path))
        } else if access(beside(path, "-shm"), Access::READ_OK).is_ok() {
            Self::Usual
        } else {
            Self::Logged(State::of(path), State::of(&log))
        }
    }

    /// A connection that only reads.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn connect(&self, path: &Path) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match self {
            Self::Usual => Connection::open_with_flags(path, flags),
            Self::Logged(..) => {
                // Without locks, since none can be had on an index that is not there.
                let db = Connection::open_with_flags_and_vfs(path, flags, c"unix-none")?;
                db.pragma_update_and_check(None, "locking_mode", "exclusive", |_| Ok(()))?;
                Ok(db)
            }
            Self::Alone(_) => Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI),
        }
    }
}

/// The name by which SQLite opens a file that nobody writes.
fn immutable(path: &Path) -> OsString {
    let mut name = if path.is_absolute() { b"file://".to_vec() } else { b"file:".to_vec() };
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => name.extend(format!("%{byte:02X}").bytes()),
            byte => name.push(*byte),
        }
    }
    name.extend(b"?immutable=1");
    OsStr::from_bytes(&name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a mount that may only be read says, which a test cannot make everywhere; the rest is tested with permissions.
    #[test]
    fn what_the_system_says_is_told_in_plain_words() {
        let words = |error: rustix::io::Errno| in_words(&error.into());
        assert_eq!(words(rustix::io::Errno::ROFS), "read-only file system");
        assert_eq!(words(rustix::io::Errno::ACCESS), "permission denied");
        assert_eq!(words(rustix::io::Errno::PERM), "permission denied");
    }

    #[test]
    fn a_name_that_reads_like_a_part_of_an_address_is_a_name() {
        let name = |path: &str| immutable(Path::new(path)).into_string().unwrap();
        assert_eq!(name("/a b/50%?#.db"), "file:///a b/50%25%3F%23.db?immutable=1");
        assert_eq!(name("//a/j.db"), "file:////a/j.db?immutable=1");
        assert_eq!(name("j.db"), "file:j.db?immutable=1");
    }
}
