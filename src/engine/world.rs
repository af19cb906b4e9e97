//! Everything that the tasks of a registry share: the ports, the list of changes, and the board where
//! workers note what they do.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::changes::ChangeLog;
use super::diagnostics::Board;
use super::recovery_log::RecoveryLog;
use super::{Clock, Entropy, Files, Journal, VmFactory};

/// What a session's task needs from outside.
pub(super) struct World {
    pub(super) vms: Arc<dyn VmFactory>,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) files: Arc<dyn Files>,
    pub(super) library_dirs: Vec<PathBuf>,
    pub(super) changes: ChangeLog,
    pub(super) board: Board,
    pub(super) recovery: RecoveryLog,
    /// Bounds how many writes of files are under way: each holds a thread while it waits for the lock of its file.
    pub(super) writes: Arc<Semaphore>,
    /// Bounds how many running programs are run again at a time after a start.
    pub(super) reruns: Arc<Semaphore>,
}

/// Running programs that are run again at a time: others want the workers, too.
pub(super) const RERUNS: usize = 4;

/// Writes of files that are under way at a time: more would only wait for the same disk.
pub(super) const WRITES: usize = 16;
