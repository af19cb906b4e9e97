//! The one place that wires store, engine, Lua and screen together.
//!
//! A [`Desk`] owns the runtime that Lua programs run on and the registry over them. The screen runs beside it, on the
//! main thread and a runtime of its own, so that no program can ever make a key wait.

use std::collections::HashSet;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::runtime::{Builder, Runtime};

use crate::config::Sleep;
use crate::domain::{QueryId, SessionId, SessionSpec, SpawnError};
use crate::engine::{Clock, Hibernation, Journal, MemoryJournal, Registry, RegistryConfig, SystemClock, SystemEntropy};
use crate::lua::{LuaVms, pairs_order_is_fixed};
use crate::store::FsFiles;
use crate::store::journal::{News, Retention, SqliteJournal};
use crate::tui;

/// Sessions that are started before the first picture: a few milliseconds' worth. The others come while one looks.
const AT_ONCE: usize = 100;

/// Sessions that are being started at a time: one commit takes all of them.
const TOGETHER: usize = 64;

/// How long sessions get to stop when the desk closes. A program that can be interrupted needs a millisecond, one in a
/// section that cannot needs 50; the rest is for a busy machine.
const CLOSING: Duration = Duration::from_secs(2);

/// How long a session that has ended is kept as it was; after that, as the journal keeps it.
const IDLE: Duration = Duration::from_mins(10);

/// How often such sessions are looked for: a sweep looks at every session once.
const SWEEP: Duration = Duration::from_mins(1);

/// How often sessions are looked for that may leave memory.
const DROWSE: Duration = Duration::from_secs(10);

/// How often a journal that is only read is looked at: what a person does not notice.
const LOOK: Duration = Duration::from_millis(200);

/// How often it is looked for log lines that may go.
const PRUNE: Duration = Duration::from_mins(10);

/// Why a desk could not be built or shown.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The system gave no threads.
    #[error("cannot start the threads that programs run on: {0}")]
    Runtime(#[source] io::Error),
    /// A program was refused.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// The screen could not be shown.
    #[error(transparent)]
    Screen(#[from] tui::TuiError),
}

/// What a desk is built of.
#[derive(Default)]
pub struct DeskOptions {
    /// Where programs find modules.
    pub library_dirs: Vec<PathBuf>,
    /// Where they keep state and cards, if there is a place.
    pub home: Option<PathBuf>,
    /// Where sessions are kept; without one they end with the process.
    pub journal: Option<SqliteJournal>,
    /// When sessions that wait leave memory for the journal.
    pub sleep: Sleep,
}

/// Shows what others record in a journal that this desk only reads, for as long as it is open.
async fn follow(journal: &SqliteJournal, registry: &Registry, mut last: News) {
    let mut known: HashSet<SessionId> = journal.ids().unwrap_or_default().into_iter().collect();
    loop {
        if !last.is_more {
            tokio::time::sleep(LOOK).await;
        }
        let Ok(news) = journal.news(&last).get().await else {
            // It stands in the log, and is tried again.
            last.is_more = false;
            continue;
        };
        for stored in &news.sessions {
            known.insert(stored.session.id());
            registry.show(stored);
        }
        if news.count < known.len()
            && let Ok(ids) = journal.ids()
        {
            let there: HashSet<SessionId> = ids.into_iter().collect();
            registry.forget(known.difference(&there).copied());
            known = there;
        }
        last = news;
    }
}

/// Keeps for the screen what outlives it.
struct KeptIn(Arc<SqliteJournal>);

impl tui::Keeper for KeptIn {
    fn trouble(&self) -> Option<String> {
        self.0.trouble()
    }

    fn follows(&self) -> Option<String> {
        self.0.holder()
    }

    fn is_free(&self) -> bool {
        self.0.is_free()
    }

    fn keep_draft(&self, session: SessionId, query: QueryId, text: Option<Arc<str>>) {
        self.0.keep_draft(session, query, text);
    }
}

/// A registry and the runtime under it. When it is closed, sessions end, or are left where they stand in their journal.
pub struct Desk {
    lua: Runtime,
    registry: Registry,
    journal: Option<Arc<SqliteJournal>>,
}

impl Desk {
    /// Builds a desk. Sessions of its journal come back with [`Registry::recover`].
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn open(options: DeskOptions) -> Result<Self, DeskError> {
        let DeskOptions { library_dirs, home, journal, sleep: Sleep { after, residents } } = options;
        let journal = journal.map(Arc::new);
        // As many workers as cores, the default: a program holds one for a slice, or for 50 ms in a section that cannot
        // be interrupted. Large values are converted and recorded beside the workers. No thread has a priority: lower
        // ones for workers, by 5 to 19, made no difference that could be told from the noise.
        let lua = Builder::new_multi_thread()
            .thread_name("lua")
            // Commands to sessions come from outside this runtime; a worker looks for them at every turn.
            .global_queue_interval(1)
            .enable_all()
            .build()
            .map_err(DeskError::Runtime)?;
        let registry = Registry::new(RegistryConfig {
            vms: Arc::new(LuaVms::new()),
            journal: match &journal {
                Some(journal) => Arc::clone(journal) as Arc<dyn Journal>,
                None => Arc::new(MemoryJournal::default()),
            },
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            files: Arc::new(FsFiles::new(home)),
            library_dirs,
            runtime: lua.handle().clone(),
        });
        // Of sessions that ended a while ago and that nobody looks at, the journal answers for what there is to know.
        registry.collect(IDLE, SWEEP);
        // Where one program does not do the same twice, none may leave.
        if pairs_order_is_fixed() {
            registry.hibernate(Hibernation { after, residents, interval: DROWSE });
        }
        if let Some(journal) = &journal {
            let weak = Arc::downgrade(journal);
            // It ends with the runtime, or once nobody has the journal.
            lua.spawn(async move {
                while let Some(journal) = weak.upgrade() {
                    journal.prune(Retention::at(SystemClock.now()));
                    drop(journal);
                    tokio::time::sleep(PRUNE).await;
                }
            });
        }
        Ok(Self { lua, registry, journal })
    }

    /// The handle over all sessions.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Runs `work` on the runtime of the programs, beside them, and waits for its end.
    ///
    /// What answers in bulk belongs there: a wake-up from another thread costs more than the answer.
    pub fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let task = self.lua.spawn(work);
        match self.lua.block_on(task) {
            Ok(result) => result,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Starts `specs`, shows the screen until its person leaves it, and closes the desk. Where it has no journal, the
    /// memory of its sessions is left to the end of the process: giving back that of 100 000 one by one would keep a
    /// person who has left for seconds.
    ///
    /// # Errors
    /// When a spec is refused, or the terminal fails.
    pub fn show(self, specs: Vec<SessionSpec>, options: tui::TuiOptions) -> Result<tui::Exit, DeskError> {
        let result = self.screen(specs, options);
        if self.journal.is_some() {
            self.close();
        } else {
            self.stop();
            std::mem::forget(self);
        }
        result
    }

    fn screen(&self, specs: Vec<SessionSpec>, mut options: tui::TuiOptions) -> Result<tui::Exit, DeskError> {
        if let Some(journal) = self.journal.clone() {
            options.keeper = Some(Arc::new(KeptIn(journal)));
        }
        let screen = Builder::new_current_thread().enable_all().build().map_err(DeskError::Runtime)?;
        screen.block_on(async {
            if let Some(journal) = &self.journal {
                options.unsent = match journal.drafts().get().await {
                    Ok(drafts) => drafts.to_vec(),
                    Err(error) => {
                        tracing::error!(%error, "drafts did not come back");
                        Vec::new()
                    }
                };
            }
            self.bring_back(Arc::clone(&options.opening));
            let all = specs.len();
            let mut specs = specs.into_iter();
            let mut first =
                stream::iter(specs.by_ref().take(AT_ONCE)).map(|spec| self.registry.spawn(spec)).buffered(TOGETHER);
            while let Some(started) = first.next().await {
                started?;
            }
            drop(first);
            if specs.len() > 0 {
                self.start_the_rest(specs, all, Arc::clone(&options.opening));
            }
            Ok(tui::run(self.registry.clone(), options).await?)
        })
    }

    /// Starts what is left of `all` sessions, while the screen is there already.
    fn start_the_rest(&self, specs: std::vec::IntoIter<SessionSpec>, all: usize, opening: Arc<tui::Opening>) {
        let registry = self.registry.clone();
        let mut started = all - specs.len();
        opening.started(started, all);
        self.lua.spawn(async move {
            let mut rest = stream::iter(specs).map(|spec| registry.spawn(spec)).buffered(TOGETHER);
            while let Some(outcome) = rest.next().await {
                if let Err(error) = outcome {
                    tracing::warn!(%error, "not started");
                    let left = all - started;
                    opening.is_started(Some(format!("{left} of {all} sessions were not started: {error}")));
                    return;
                }
                started += 1;
                opening.started(started, all);
            }
            opening.is_started(None);
        });
    }

    /// Brings back what the journal has, while the screen is there already; then what another process goes on to record.
    fn bring_back(&self, opening: Arc<tui::Opening>) {
        let Some(journal) = self.journal.clone() else { return };
        let registry = self.registry.clone();
        opening.reads();
        self.lua.spawn(async move {
            // Where the end is, before anything is read: nothing falls between.
            let last = journal.news(&News::default()).get().await.unwrap_or_default();
            match registry.recover().await {
                Ok(recovered) => tracing::info!(?recovered, journal = %journal.path().display(), "came back"),
                Err(error) => tracing::error!(%error, "not every session came back"),
            }
            opening.has_read();
            if journal.watched().is_some() {
                follow(&journal, &registry, last).await;
            }
        });
    }

    /// Ends every session, or leaves it in the journal, and ends the threads under them.
    pub fn close(self) {
        self.stop();
        // A read of a file that never comes back must not keep the process.
        self.lua.shutdown_timeout(CLOSING);
    }

    /// Ends every session, or leaves it in the journal.
    fn stop(&self) {
        let late = self.lua.block_on(self.registry.shutdown(CLOSING));
        if late > 0 {
            tracing::warn!(sessions = late, "did not stop in time");
        }
    }
}
