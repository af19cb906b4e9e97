//! A registry with real programs and a home of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use switchboard::domain::{
    Answer, AnsweredBy, Event, ExecutionState, ResumePayload, SessionId, SessionSpec, TerminalOutcome,
};
use switchboard::engine::{MemoryJournal, Record, Registry, RegistryConfig};
use switchboard::lua::LuaVms;
use switchboard::store::FsFiles;

use crate::support::{HandClock, Seeded, TestJournal, bounded, history};

/// The registry and what is around it.
pub(crate) struct Rig {
    dir: Arc<tempfile::TempDir>,
    pub(crate) registry: Registry,
    pub(crate) journal: Arc<TestJournal>,
    pub(crate) clock: Arc<HandClock>,
}

/// Everything that a test may want otherwise.
struct Wanted {
    dir: Arc<tempfile::TempDir>,
    clock: HandClock,
    journal: MemoryJournal,
    has_home: bool,
    library: Option<PathBuf>,
}

impl Default for Wanted {
    fn default() -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self { dir, clock: HandClock::new(), journal: MemoryJournal::default(), has_home: true, library: None }
    }
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::of(Wanted::default())
    }

    /// Where there is no place for state and cards.
    pub(crate) fn without_home() -> Self {
        Self::of(Wanted { has_home: false, ..Wanted::default() })
    }

    /// With packages that lie elsewhere.
    pub(crate) fn with_library(library: PathBuf) -> Self {
        Self::of(Wanted { library: Some(library), ..Wanted::default() })
    }

    /// For tests on paused time: the clock goes with it.
    pub(crate) fn on_paused_time() -> Self {
        Self::of(Wanted { clock: HandClock::following_the_runtime(), ..Wanted::default() })
    }

    /// One whose journal keeps everything, as one on the disk does.
    pub(crate) fn recorded() -> Self {
        Self::of(Wanted { journal: MemoryJournal::keeping_everything(), ..Wanted::default() })
    }

    /// What is there once the process has died and another has started on the same home: of each session as many
    /// records as `kept` says of them. Everything has been recovered.
    pub(crate) async fn after_a_crash(&self, kept: impl Fn(SessionId, &[Record]) -> usize) -> Self {
        let rig = self.image(kept);
        rig.registry.recover().await.unwrap();
        rig
    }

    /// From here on, what lies in the home as each append comes to the journal.
    pub(crate) fn keep_homes(&self) -> Homes {
        let homes = Homes::default();
        let (kept, home) = (Arc::clone(&homes), self.home(""));
        self.journal.at_each_append(move || {
            let mut files = BTreeMap::new();
            files_in(&home, &mut files);
            kept.lock().unwrap().push(files);
        });
        homes
    }

    /// What is there once the process has died right behind so many appends, and another has started. Everything has been
    /// recovered.
    pub(crate) async fn after_a_crash_at(&self, appends: usize, homes: &Homes) -> Self {
        self.after_a_crash_between(appends, appends, homes).await
    }

    /// The same, but the home is as it was when `home` appends had come: one more where it died right before the next.
    pub(crate) async fn after_a_crash_between(&self, appends: usize, home: usize, homes: &Homes) -> Self {
        let library = Some(self.dir.path().join("packages"));
        let journal = self.journal.image_of(appends);
        let rig = Self::of(Wanted { journal, library, ..Wanted::default() });
        for (path, bytes) in &homes.lock().unwrap()[home - 1] {
            let path = rig.home("").join(path.strip_prefix(self.home("")).unwrap());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        rig.registry.recover().await.unwrap();
        rig
    }

    /// The same, before anything is recovered.
    pub(crate) fn image(&self, kept: impl Fn(SessionId, &[Record]) -> usize) -> Self {
        let (dir, journal) = (Arc::clone(&self.dir), self.journal.image(kept));
        Self::of(Wanted { dir, journal, ..Wanted::default() })
    }

    fn of(Wanted { dir, clock, journal, has_home, library }: Wanted) -> Self {
        let files = Arc::new(FsFiles::new(has_home.then(|| dir.path().join("home"))));
        let journal = Arc::new(TestJournal::new(journal));
        let clock = Arc::new(clock);
        let registry = Registry::new(RegistryConfig {
            vms: Arc::new(LuaVms::new()),
            journal: Arc::clone(&journal) as _,
            clock: Arc::clone(&clock) as _,
            entropy: Arc::new(Seeded::new(7)),
            files,
            library_dirs: vec![library.unwrap_or_else(|| dir.path().join("packages"))],
            runtime: tokio::runtime::Handle::current(),
        });
        Self { dir, registry, journal, clock }
    }

    /// A path below the home.
    pub(crate) fn home(&self, path: &str) -> PathBuf {
        self.dir.path().join("home").join(path)
    }

    /// The text of a file below the home.
    #[track_caller]
    pub(crate) fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.home(path)).unwrap()
    }

    /// Writes a file below the home.
    pub(crate) fn put(&self, path: &str, text: &str) {
        put(&self.home(path), text);
    }

    /// Writes a package.
    pub(crate) fn package(&self, name: &str, text: &str) {
        put(&self.dir.path().join("packages").join(format!("{name}.lua")), text);
    }

    pub(crate) async fn start(&self, spec: SessionSpec) -> SessionId {
        self.registry.spawn(spec).await.unwrap()
    }

    /// Runs a program to its end; it asks nothing.
    pub(crate) async fn run(&self, spec: SessionSpec) -> TerminalOutcome {
        let id = self.start(spec).await;
        bounded(self.registry.await_terminal(id)).await.unwrap()
    }

    /// What a program returns.
    #[track_caller]
    pub(crate) fn value(&self, code: &str) -> impl Future<Output = Value> {
        self.value_of(SessionSpec::run(code))
    }

    pub(crate) async fn value_of(&self, spec: SessionSpec) -> Value {
        match self.run(spec).await {
            TerminalOutcome::Done(done) => done.value.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// How a program fails.
    pub(crate) async fn error(&self, code: &str) -> String {
        match self.run(SessionSpec::run(code)).await {
            TerminalOutcome::Failed(failure) => failure.message.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Everything that happened to a session that has ended.
    pub(crate) async fn events(&self, id: SessionId) -> Vec<Event> {
        history(&self.registry, id).await.iter().map(|event| (**event).clone()).collect()
    }

    /// Answers the first open query of a session.
    pub(crate) async fn answer(&self, id: SessionId, response: &str) {
        let ExecutionState::Paused(pause) = self.registry.state(id).unwrap() else { panic!("it is not paused") };
        let query = pause.pending().next().unwrap().query.query_id;
        let answer = Answer::new(query, response, AnsweredBy::Person);
        self.registry.resume(id, ResumePayload::Single(answer)).await.unwrap();
    }
}

/// What lay in the home as each append came: the files by their paths.
pub(crate) type Homes = Arc<Mutex<Vec<BTreeMap<PathBuf, Vec<u8>>>>>;

/// Every file below a directory. One that goes meanwhile was never there.
fn files_in(directory: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            files_in(&entry.path(), files);
        } else if let Ok(bytes) = std::fs::read(entry.path()) {
            files.insert(entry.path(), bytes);
        }
    }
}

fn put(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
