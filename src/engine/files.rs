//! The port through which sessions read and write files.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{ModuleSource, StoreRead, StoreWrite};
use crate::domain::Intent;

/// Files of sessions. Every method may block; the engine calls it off its runtime.
pub trait Files: Send + Sync + 'static {
    /// Reads the module `name` from the first of `roots` that has it: `a.b` is `a/b.lua`, else `a/b/init.lua`.
    ///
    /// # Errors
    /// One line that says why a file that is there must not be read: it lies outside its root, is not UTF-8, or the
    /// system refused. Not to be found is no error, but `None`.
    fn read_module(&self, roots: &[PathBuf], name: &str) -> Result<Option<ModuleSource>, String>;

    /// The packages that lie directly in `roots`, by name, each once: of two with one name the first root's.
    fn packages(&self, roots: &[PathBuf]) -> Vec<Package> {
        let _ = roots;
        Vec::new()
    }

    /// Reads the text of a scenario that a person has named by its file.
    ///
    /// # Errors
    /// Why it cannot be read, in one line.
    fn read_scenario(&self, path: &Path) -> Result<String, String> {
        let _ = path;
        Err(NO_HOME.into())
    }

    /// Reads state, cards or scenarios. `roots` are where scenarios are looked for besides their own directory.
    ///
    /// A reader sees each file as it stood before or after a write, never in between.
    ///
    /// # Errors
    /// The text of the error that is raised in the program.
    fn read(&self, roots: &[PathBuf], read: &StoreRead) -> Result<Value, String> {
        let _ = (roots, read);
        Err(NO_HOME.into())
    }

    /// Gets a write ready: takes the lock of its file, reads what it holds, and says what is to be written. Nothing is
    /// written yet.
    ///
    /// A crash from here on until [`PendingWrite::commit`] has returned leaves the file as it was or as it will be;
    /// the lock goes with the process.
    ///
    /// # Errors
    /// The text of the error that is raised in the program.
    fn prepare(&self, write: &StoreWrite) -> Result<Prepared, String> {
        let _ = write;
        Err(NO_HOME.into())
    }

    /// Finishes a write whose intent was recorded and whose end was not, because the process died in between.
    ///
    /// Doing it again changes nothing more.
    ///
    /// # Errors
    /// Why the file cannot be read or written.
    fn finish(&self, intent: &Intent) -> Result<Finished, String> {
        let _ = intent;
        Err(NO_HOME.into())
    }
}

const NO_HOME: &str = "there is no place for state and cards; set HOME or give --home";

/// A write that is ready.
pub enum Prepared {
    /// There is nothing to write; the program gets this.
    Nothing(Value),
    /// It can be written.
    Write(Box<dyn PendingWrite>),
}

/// A write that is ready, and the lock of its file. Dropping it gives the lock back and writes nothing more.
pub trait PendingWrite: Send {
    /// What is to be written; durable in the journal before [`commit`](Self::commit).
    fn intent(&self) -> &Intent;

    /// Writes: all of it, durably, or nothing. The program gets what this returns.
    ///
    /// A crash on the way leaves what [`Files::finish`] finds to be finished or done. The lock is held until this is
    /// dropped: nobody else announces a write of the file before it is in the journal that this one is done.
    ///
    /// # Errors
    /// The text of the error that is raised in the program; the file is as it was.
    fn commit(&mut self) -> Result<Value, String>;
}

/// What became of a write that a crash had interrupted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// The file still held what it held before: it is written now.
    Written,
    /// It was written before the crash.
    AlreadyWritten,
    /// Somebody else has written something else. Nothing was touched; a person has to look at it.
    Conflict,
}

/// A package that a program can `require`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// The name to require.
    pub name: String,
    /// The first line of what it says of itself, if it says something.
    pub summary: Option<String>,
    /// The fields of `ctx` that it says it needs, in its order.
    pub required: Vec<String>,
}

impl Package {
    /// Whether a file of this name in a library directory is a package's: the name to require, if so.
    pub fn name_of(path: &Path) -> Option<&str> {
        let name = path.file_name()?.to_str()?;
        let name = name.strip_suffix(".lua").unwrap_or(name);
        let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_word.then_some(name)
    }
}
