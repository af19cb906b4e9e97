//! How the journal keeps up: what its writer measures of its commits, for whoever asks why answers take long.
//!
//! What waits is the queue's to say; nothing here is recorded.

use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::engine::{JournalFigures, Lately};

/// What the writer measures. Read and written for a moment only.
#[derive(Debug, Default)]
pub(super) struct Commits(Mutex<Measured>);

#[derive(Debug, Default)]
struct Measured {
    /// When the commit under way began.
    began: Option<Instant>,
    took: Lately,
    waited: Lately,
    last_trouble: Option<(String, Instant)>,
}

impl Commits {
    fn lock(&self) -> MutexGuard<'_, Measured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A commit begins.
    pub(super) fn begin(&self) {
        self.lock().began = Some(Instant::now());
    }

    /// The commit that began has come to its end; the first that somebody waits for in it was `asked` for then.
    pub(super) fn done(&self, asked: Option<Instant>) {
        let mut measured = self.lock();
        if let Some(began) = measured.began.take() {
            measured.took.note(began.elapsed());
        }
        if let Some(asked) = asked {
            measured.waited.note(asked.elapsed());
        }
    }

    /// The commit that began has failed.
    pub(super) fn failed(&self, why: &str) {
        let mut measured = self.lock();
        measured.began = None;
        measured.last_trouble = Some((why.to_owned(), Instant::now()));
    }

    /// What is measured. What waits is for the queue to fill in.
    pub(super) fn figures(&self) -> JournalFigures {
        let measured = self.lock();
        JournalFigures {
            committing: measured.began.map(|began| began.elapsed()),
            commits: measured.took.spread(),
            waits: measured.waited.spread(),
            last_trouble: measured.last_trouble.as_ref().map(|(why, at)| (why.clone(), at.elapsed())),
            ..JournalFigures::default()
        }
    }
}

/// Bytes of the files of a journal: itself and its log.
pub(super) fn bytes(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    [path.as_os_str(), &log].into_iter().filter_map(|file| fs::metadata(file).ok()).map(|file| file.len()).sum()
}
