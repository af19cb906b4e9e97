//! A registry with everything around it in the test's hands.

use std::path::PathBuf;
use std::sync::Arc;

use switchboard::domain::{SessionId, SessionSpec};
use switchboard::engine::{Entropy, Files, MemoryJournal, Record, Registry, RegistryConfig};
use tokio::runtime::Handle;

use super::{Act, HandClock, NoFiles, Probe, Programs, Seeded, TestJournal};

/// What a registry is made of, with the usual choice for each.
pub(crate) struct Parts {
    pub(crate) programs: Arc<Programs>,
    pub(crate) journal: Arc<TestJournal>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) library_dirs: Vec<PathBuf>,
    pub(crate) runtime: Handle,
}

impl Default for Parts {
    /// On the runtime that the test runs on.
    fn default() -> Self {
        Self::on(Handle::current())
    }
}

impl Parts {
    pub(crate) fn on(runtime: Handle) -> Self {
        Self {
            programs: Arc::default(),
            journal: Arc::new(TestJournal::new(MemoryJournal::default())),
            clock: Arc::new(HandClock::new()),
            entropy: Arc::new(Seeded::new(1)),
            files: Arc::new(NoFiles),
            library_dirs: Vec::new(),
            runtime,
        }
    }
}

/// Makes a registry of its parts.
pub(crate) fn registry(parts: &Parts) -> Registry {
    Registry::new(RegistryConfig {
        vms: Arc::clone(&parts.programs) as _,
        journal: Arc::clone(&parts.journal) as _,
        clock: Arc::clone(&parts.clock) as _,
        entropy: Arc::clone(&parts.entropy),
        files: Arc::clone(&parts.files),
        library_dirs: parts.library_dirs.clone(),
        runtime: parts.runtime.clone(),
    })
}

/// A registry and the world it lives in.
pub(crate) struct Rig {
    pub(crate) registry: Registry,
    pub(crate) programs: Arc<Programs>,
    pub(crate) journal: Arc<TestJournal>,
    pub(crate) clock: Arc<HandClock>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::of(Parts::default())
    }

    /// For tests on paused time: the clock goes with it.
    pub(crate) fn on_paused_time() -> Self {
        Self::of(Parts { clock: Arc::new(HandClock::following_the_runtime()), ..Parts::default() })
    }

    pub(crate) fn of(parts: Parts) -> Self {
        let registry = registry(&parts);
        let Parts { programs, journal, clock, .. } = parts;
        Self { registry, programs, journal, clock }
    }

    /// A registry whose journal keeps everything, as one on the disk does.
    pub(crate) fn recorded() -> Self {
        let journal = Arc::new(TestJournal::new(MemoryJournal::keeping_everything()));
        Self::of(Parts { journal, ..Parts::default() })
    }

    /// What is there once the process has died and another has started: of each session as many records as `kept` says
    /// of them. Nothing has been recovered yet.
    pub(crate) fn after_a_crash(&self, kept: impl Fn(&[Record]) -> usize) -> Self {
        let journal = Arc::new(TestJournal::new(self.journal.image(|_, records| kept(records))));
        let (programs, clock) = (Arc::clone(&self.programs), Arc::clone(&self.clock));
        Self::of(Parts { programs, journal, clock, entropy: Arc::new(Seeded::new(99)), ..Parts::default() })
    }

    /// Writes a program down, to be started any number of times.
    pub(crate) fn write(&self, acts: impl Into<Arc<[Act]>>) -> (SessionSpec, Arc<Probe>) {
        self.programs.write(acts)
    }

    /// Starts a program.
    pub(crate) async fn start(&self, acts: impl Into<Arc<[Act]>>) -> SessionId {
        self.start_probed(acts).await.0
    }

    /// Starts a program that is looked at from outside.
    pub(crate) async fn start_probed(&self, acts: impl Into<Arc<[Act]>>) -> (SessionId, Arc<Probe>) {
        let (spec, probe) = self.write(acts);
        (self.registry.spawn(spec).await.unwrap(), probe)
    }
}
