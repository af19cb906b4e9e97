//! Everything that the tasks of a registry share: the ports, and the list of changes.

use std::path::PathBuf;
use std::sync::Arc;

use super::changes::ChangeLog;
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
}
