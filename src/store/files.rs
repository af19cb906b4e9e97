//! Reads modules from library directories, and nothing that lies outside of them.
//!
//! A library directory is a border: what a program may `require` lies in it, or under the target of a symbolic link
//! that somebody put directly into it. A link further down, an absolute name or `..` never leads out.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{cards, entry, packages, scenarios, state};
use crate::domain::Intent;
use crate::engine::{Files, Finished, ModuleSource, Package, Prepared, StoreRead, StoreWrite};

/// The longest module that is read. 1 MB, as for a program: compiling it cannot be interrupted.
const MODULE_BYTES: u64 = 1 << 20;

/// Files on the real file system: modules, and what programs keep below a home.
#[derive(Debug, Clone, Default)]
pub struct FsFiles {
    home: Option<PathBuf>,
}

impl FsFiles {
    /// Files whose state, cards and scenarios lie in `home`. It need not exist; without one they are refused.
    pub fn new(home: Option<PathBuf>) -> Self {
        Self { home }
    }

    fn home(&self) -> Result<&Path, String> {
        self.home.as_deref().ok_or_else(|| "there is no place for state and cards; set HOME or give --home".into())
    }
}

impl Files for FsFiles {
    fn read_module(&self, roots: &[PathBuf], name: &str) -> Result<Option<ModuleSource>, String> {
        let stem = name.replace('.', "/");
        let candidates = [format!("{stem}.lua"), format!("{stem}/init.lua")];
        for root in roots {
            // A library directory that is not there holds nothing.
            let Some(root) = found(fs::canonicalize(root), name)? else { continue };
            for candidate in &candidates {
                if let Some(module) = read_candidate(&root, Path::new(candidate), name)? {
                    return Ok(Some(module));
                }
            }
        }
        Ok(None)
    }

    fn packages(&self, roots: &[PathBuf]) -> Vec<Package> {
        packages::of(roots)
    }

    fn read_scenario(&self, path: &Path) -> Result<String, String> {
        scenarios::read_file(path)
    }

    fn read(&self, roots: &[PathBuf], read: &StoreRead) -> Result<Value, String> {
        let home = self.home()?;
        if let StoreRead::Scenario { name } = read {
            return scenarios::read(home, roots, name);
        }
        let result = state::read(home, read).or_else(|| cards::read(home, read));
        result.expect("every read is one of state, of cards or of scenarios")
    }

    fn prepare(&self, write: &StoreWrite) -> Result<Prepared, String> {
        let home = self.home()?;
        let result = state::prepare(home, write).or_else(|| cards::prepare(home, write));
        result.expect("every write is one of state or of cards")
    }

    fn finish(&self, intent: &Intent) -> Result<Finished, String> {
        entry::finish(self.home()?, intent)
    }
}

/// Reads one file of one library directory, if it is there.
fn read_candidate(root: &Path, candidate: &Path, name: &str) -> Result<Option<ModuleSource>, String> {
    let Some(path) = found(fs::canonicalize(root.join(candidate)), name)? else { return Ok(None) };
    if !is_inside(root, &path) {
        return Err(format!("path traversal blocked: {name}"));
    }
    let Some(metadata) = found(fs::metadata(&path), name)? else { return Ok(None) };
    if metadata.is_dir() {
        return Ok(None);
    }
    // Opening a FIFO would wait for its other end, and a device may never end.
    if !metadata.is_file() {
        return Err(format!("module {name}: {} is not a regular file", candidate.display()));
    }
    let Some(file) = found(File::open(&path), name)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(MODULE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| format!("module {name}: {error}"))?;
    if bytes.len() as u64 > MODULE_BYTES {
        return Err(format!("module {name}: {} is longer than {MODULE_BYTES} bytes", candidate.display()));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("module {name}: {} is not UTF-8 (byte {at})", candidate.display())
    })?;
    let path = path.strip_prefix(root).unwrap_or(candidate);
    let path = if candidate.is_absolute() { path } else { candidate };
    Ok(Some(ModuleSource { path: path.to_owned(), text }))
}

/// Whether a canonical path lies in a canonical root, or under the target of a link that sits directly in the root.
fn is_inside(root: &Path, path: &Path) -> bool {
    path.starts_with(root) || linked_targets(root).any(|target| path.starts_with(target))
}

/// Where the links lead that sit directly in `root`. Looked up at every read that needs it: they come and go.
fn linked_targets(root: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()))
        .filter_map(|entry| fs::canonicalize(entry.path()).ok())
}

/// Tells what is not there from what must not or cannot be read.
fn found<T>(result: io::Result<T>, name: &str) -> Result<Option<T>, String> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => match error.kind() {
            // A name with a NUL or of more characters than a file name can have is no file's name.
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
                Ok(None)
            }
            _ => Err(format!("module {name}: {error}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Library {
        dir: tempfile::TempDir,
    }

    impl Library {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap() }
        }

        fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
            let path = self.dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        }

        fn path(&self, path: &str) -> PathBuf {
            self.dir.path().join(path)
        }

        fn read(&self, roots: &[&str], name: &str) -> Given {
            let roots: Vec<_> = roots.iter().map(|root| self.path(root)).collect();
            let module = FsFiles::default().read_module(&roots, name)?;
            Ok(module.map(|module| (module.path.to_str().unwrap().to_owned(), module.text)))
        }
    }

    /// What a library gives: the path of the module and its text.
    type Given = Result<Option<(String, String)>, String>;

    #[expect(clippy::unnecessary_wraps, reason = "the form of what is compared")]
    fn found(path: &str, text: &str) -> Given {
        Ok(Some((path.to_owned(), text.to_owned())))
    }

    #[test]
    fn all_candidates_of_one_directory_come_before_the_next_directory() {
        let library = Library::new();
        library.write("one/a/init.lua", "one init");
        library.write("two/a.lua", "two file");
        library.write("two/b/c.lua", "two nested");
        library.write("one/d.lua", "file first");
        library.write("one/d/init.lua", "not this");
        let roots = ["missing", "one", "two"];
        assert_eq!(library.read(&roots, "a"), found("a/init.lua", "one init"));
        assert_eq!(library.read(&roots, "b.c"), found("b/c.lua", "two nested"));
        assert_eq!(library.read(&roots, "b/c"), found("b/c.lua", "two nested"));
        assert_eq!(library.read(&roots, "d"), found("d.lua", "file first"));
        assert_eq!(library.read(&roots, "a.b.c"), Ok(None));
    }

    #[test]
    fn what_is_not_there_is_no_error() {
        let library = Library::new();
        library.write("lib/file.lua", "");
        let long = "x".repeat(5000);
        for name in ["nothing", "../nothing", "file.lua.deeper", "", "nul\0", &long] {
            assert_eq!(library.read(&["lib"], name), Ok(None), "{name:?}");
        }
    }

    #[test]
    fn only_links_that_sit_directly_in_the_directory_lead_out_of_it() {
        let library = Library::new();
        library.write("outside/p/init.lua", "linked");
        library.write("outside/single.lua", "single");
        library.write("elsewhere/secret.lua", "secret");
        library.write("lib/inner/ok.lua", "ok");
        symlink(library.path("outside/p"), library.path("lib/p")).unwrap();
        symlink(library.path("outside/single.lua"), library.path("lib/single.lua")).unwrap();
        symlink(library.path("elsewhere"), library.path("lib/inner/deep")).unwrap();
        symlink(library.path("lib/inner/ok.lua"), library.path("lib/inner/alias.lua")).unwrap();
        assert_eq!(library.read(&["lib"], "p"), found("p/init.lua", "linked"));
        assert_eq!(library.read(&["lib"], "single"), found("single.lua", "single"));
        assert_eq!(library.read(&["lib"], "inner.alias"), found("inner/alias.lua", "ok"));
        let blocked = Err("path traversal blocked: inner.deep.secret".to_owned());
        assert_eq!(library.read(&["lib"], "inner.deep.secret"), blocked);
        let absolute = library.path("elsewhere/secret").to_str().unwrap().to_owned();
        if !absolute.contains('.') {
            assert_eq!(library.read(&["lib"], &absolute), Err(format!("path traversal blocked: {absolute}")));
        }
    }

    #[test]
    fn an_absolute_name_inside_the_directory_works() {
        let library = Library::new();
        library.write("lib/sub/m.lua", "text");
        let absolute = fs::canonicalize(library.path("lib/sub")).unwrap().join("m");
        let absolute = absolute.to_str().unwrap();
        // The temporary directory's own name may hold a dot, which in a module name is a separator.
        if !absolute.contains('.') {
            assert_eq!(library.read(&["lib"], absolute), found("sub/m.lua", "text"));
        }
    }

    #[test]
    fn a_file_that_must_not_be_read_is_named() {
        let library = Library::new();
        library.write("lib/latin.lua", b"return '\xe9'");
        library.write("lib/big.lua", vec![b' '; (1 << 20) + 1]);
        library.write("lib/full.lua", vec![b' '; 1 << 20]);
        fs::create_dir(library.path("lib/dir.lua")).unwrap();
        let refused = |name| library.read(&["lib"], name).unwrap_err();
        assert_eq!(refused("latin"), "module latin: latin.lua is not UTF-8 (byte 8)");
        assert_eq!(refused("big"), "module big: big.lua is longer than 1048576 bytes");
        assert!(library.read(&["lib"], "full").is_ok());
        assert_eq!(library.read(&["lib"], "dir"), Ok(None));
    }

    #[test]
    fn a_pipe_is_refused_instead_of_waited_for() {
        let library = Library::new();
        library.write("lib/ok.lua", "");
        let made = std::process::Command::new("mkfifo").arg(library.path("lib/pipe.lua")).status();
        if made.is_ok_and(|status| status.success()) {
            let error = library.read(&["lib"], "pipe").unwrap_err();
            assert_eq!(error, "module pipe: pipe.lua is not a regular file");
        }
    }
}
