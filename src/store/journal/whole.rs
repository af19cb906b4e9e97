//! A journal as a whole: which sessions it has, who writes it, how large it is, and that it is not wanted any more.
//!
//! What is looked at here is not opened as a journal that is read: no thread is started, and no record is read.

use std::fs;
use std::io;
use std::path::Path;

use super::lock::{self, beside};
use super::opening::{OpenError, look_at};
use super::place::file_of;
use super::{Access, SqliteJournal, figures, salvage};
use crate::domain::SessionId;

impl SqliteJournal {
    /// The ids of all sessions of the journal at `path`, in the order of their birth, whoever writes it.
    ///
    /// # Errors
    /// When there is none, or it is something else, of a newer version or damaged, or cannot be read.
    pub fn ids_in(path: &Path) -> Result<Vec<SessionId>, OpenError> {
        let asked = file_of(path);
        let file = salvage::newest(&asked);
        let read = || {
            let (db, _) = look_at(&file)?;
            let mut statement = db.prepare("SELECT id FROM sessions ORDER BY place")?;
            let ids = statement.query_map([], |row| Ok(SessionId::from_bits(row.get::<_, i64>(0)?.cast_unsigned())))?;
            Ok(ids.collect::<Result<_, _>>()?)
        };
        read().map_err(|refused| OpenError {
            refused: salvage::named(refused, &file),
            path: if file == asked { path.to_owned() } else { file.clone() },
        })
    }

    /// Who writes the journal at `path`, if anybody does.
    pub fn writer_of(path: &Path) -> Option<String> {
        let asked = file_of(path);
        lock::holder(&asked).or_else(|| lock::holder(&salvage::newest(&asked)))
    }

    /// The bytes of the journal at `path`, with what was salvaged from it.
    pub fn bytes_of(path: &Path) -> u64 {
        let asked = file_of(path);
        let salvaged = salvage::all_salvaged(&asked);
        figures::bytes(&asked) + salvaged.iter().map(|file| figures::bytes(file)).sum::<u64>()
    }

    /// Deletes the journal, with everything that lies beside it, what was salvaged from it, and the symbolic link that it
    /// was asked for as. Nobody else can have any of it before all of it is gone.
    ///
    /// # Errors
    /// When this process does not write it, or another has what was salvaged from it under its own name: then nothing is
    /// deleted. When the system says no; then some of it may be there still.
    pub fn delete(mut self) -> io::Result<()> {
        let (called, asked) = (self.called.clone(), self.asked.clone());
        let mut locks = match &mut self.access {
            Access::Writes(writing) => std::mem::take(&mut writing.locks),
            Access::Reads(..) => return Err(io::Error::other(self.not_ours())),
        };
        // It writes no more.
        drop(self);
        let salvaged = salvage::all_begun(&asked);
        for file in &salvaged {
            if !locks.iter().any(|lock| lock.is_of(file)) {
                locks.push(lock::take(file)?.map_err(|holder| busy(file, &holder))?);
            }
        }
        if called.is_symlink() && file_of(&called) == asked {
            fs::remove_file(called)?;
        }
        for file in salvaged.into_iter().rev() {
            delete_files(&file)?;
        }
        delete_files(&asked)
    }
}

fn busy(file: &Path, holder: &str) -> io::Error {
    let message = format!("{} belongs to it and is held by {holder}; end that first", file.display());
    io::Error::new(io::ErrorKind::ResourceBusy, message)
}

/// Deletes a file and those that belong to it. The lock comes last: who finds none finds no journal either.
fn delete_files(path: &Path) -> io::Result<()> {
    for suffix in ["", "-journal", "-wal", "-shm", ".lock"] {
        match fs::remove_file(beside(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
