//! The port through which sessions read and write files.

use std::path::PathBuf;

use super::ModuleSource;

/// Files of sessions. Every method may block; the engine calls it off its runtime.
pub trait Files: Send + Sync + 'static {
    /// Reads the module `name` from the first of `roots` that has it: `a.b` is `a/b.lua`, else `a/b/init.lua`.
    ///
    /// # Errors
    /// One line that says why a file that is there must not be read: it lies outside its root, is not UTF-8, or the
    /// system refused. Not to be found is no error, but `None`.
    fn read_module(&self, roots: &[PathBuf], name: &str) -> Result<Option<ModuleSource>, String>;
}
