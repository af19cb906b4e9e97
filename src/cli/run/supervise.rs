//! Runs the sessions of one `run`: starts them, waits for them, and ends them when nobody can answer any more, on a
//! signal, or when nobody reads.

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::args::Format;
use super::super::exit::{CliError, Exit};
use super::Plan;
use super::answerer::Answerer;
use super::follow::Follower;
use super::sources::{Report, Stage};
use super::stdin::StdinAnswers;
use super::stream::{self, Ended, Stream};
use crate::desk::DeskError;
use crate::domain::SessionId;
use crate::engine::Registry;

/// How long ended sessions get to be printed, and before that to stop. A program in a section that cannot be interrupted
/// needs 50 ms; the rest is for a busy machine.
const CLOSING: Duration = Duration::from_secs(2);

/// Reports that wait for the supervisor. It only counts them; who reports may wait.
const REPORTS: usize = 256;

/// Why a run ended before its sessions did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Every session waits for what no source can answer.
    NobodyAnswers,
    /// A signal.
    Signal(Exit),
    /// Nobody reads standard output any more.
    ReaderGone,
    /// It cannot go on, for the reason that is returned.
    Failed,
}

/// Runs a plan to its end.
pub(super) async fn supervise(registry: Registry, plan: Plan) -> Result<Exit, CliError> {
    let mut signals = Signals::listen().map_err(DeskError::Runtime)?;
    let (stream, ended) = stream::start().map_err(DeskError::Runtime)?;
    let (reports, received) = mpsc::channel(REPORTS);
    let ending = Arc::new(OnceLock::new());
    let over = CancellationToken::new();
    let tasks = TaskTracker::new();

    let capacity = plan.copies as usize;
    let mut next = Stage::Nobody(reports.clone());
    if plan.stdin {
        let (asks, queue) = mpsc::channel(capacity);
        let answers = StdinAnswers::open(registry.clone(), next, plan.copies, Arc::clone(&ending));
        let serve = answers.map_err(DeskError::Runtime)?.serve(queue, over.clone());
        tasks.spawn(told_if_broken(serve, reports.clone()));
        next = Stage::Source(asks);
    }
    if let Some(command) = plan.answerer {
        let (asks, queue) = mpsc::channel(capacity);
        let answerer = Answerer::start(command, registry.clone(), next).map_err(CliError::Answerer)?;
        tasks.spawn(told_if_broken(answerer.serve(queue, over.clone()), reports.clone()));
        next = Stage::Source(asks);
    }
    let format = plan.form.format;
    let follower = Follower {
        registry: registry.clone(),
        form: plan.form,
        stream: stream.clone(),
        answers: plan.answers,
        next,
        reports,
        ending: Arc::clone(&ending),
    };
    let mut run = Run {
        registry,
        spec: plan.spec,
        unstarted: plan.copies,
        follower,
        ended,
        reports: received,
        ending,
        over,
        tasks,
        order: Vec::new(),
        live: HashSet::new(),
        stuck: HashSet::new(),
        ends: Vec::new(),
        documents: HashMap::new(),
    };
    let failed = run.supervise(&mut signals).await;
    run.finish(format, stream, failed).await
}

/// A run under way.
struct Run {
    registry: Registry,
    spec: crate::domain::SessionSpec,
    unstarted: u32,
    follower: Follower,
    ended: Ended,
    reports: mpsc::Receiver<Report>,
    ending: Arc<OnceLock<Ending>>,
    over: CancellationToken,
    tasks: TaskTracker,
    order: Vec<SessionId>,
    live: HashSet<SessionId>,
    stuck: HashSet<SessionId>,
    ends: Vec<Exit>,
    documents: HashMap<SessionId, String>,
}

impl Run {
    /// Starts the sessions and waits for their ends. Says why it could not, if so.
    async fn supervise(&mut self, signals: &mut Signals) -> Result<(), CliError> {
        while self.unstarted > 0 || !self.live.is_empty() {
            if self.unstarted == 0 && self.stuck.len() == self.live.len() {
                self.end(Ending::NobodyAnswers).await;
                return Ok(());
            }
            tokio::select! {
                biased;
                exit = signals.next() => {
                    self.end(Ending::Signal(exit)).await;
                    return Ok(());
                }
                result = self.ended.wait() => return self.output_ended(result).await,
                Some(report) = self.reports.recv() => {
                    if self.take(report).is_break() {
                        self.end(Ending::Failed).await;
                        return Err(CliError::Broken);
                    }
                }
                () = std::future::ready(()), if self.unstarted > 0 => {
                    if let Err(error) = self.start_one().await {
                        self.end(Ending::Failed).await;
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    }

    async fn start_one(&mut self) -> Result<(), CliError> {
        let session = self.registry.spawn(self.spec.clone()).await?;
        self.unstarted -= 1;
        self.order.push(session);
        self.live.insert(session);
        let follow = self.follower.clone().follow(session);
        let over = self.over.clone();
        let follow = async move { over.run_until_cancelled(follow).await.unwrap_or(()) };
        self.tasks.spawn(told_if_broken(follow, self.follower.reports.clone()));
        Ok(())
    }

    /// Takes in a report. Breaks where the run cannot go on.
    fn take(&mut self, report: Report) -> ControlFlow<()> {
        match report {
            Report::Broken => return ControlFlow::Break(()),
            Report::Ended { session, end, document } => {
                self.live.remove(&session);
                self.stuck.remove(&session);
                self.ends.push(end);
                self.documents.extend(document.map(|document| (session, document)));
            }
            // What it waited for may have ended with it meanwhile.
            Report::Stuck(session) => {
                if self.live.contains(&session) {
                    self.stuck.insert(session);
                }
            }
        }
        ControlFlow::Continue(())
    }

    async fn output_ended(&mut self, result: io::Result<()>) -> Result<(), CliError> {
        match result {
            Err(error) if !stream::is_reader_gone(&error) => {
                self.end(Ending::Failed).await;
                Err(CliError::Output(error))
            }
            Ok(()) | Err(_) => {
                self.end(Ending::ReaderGone).await;
                Ok(())
            }
        }
    }

    /// Ends every session, and waits until their ends are printed, as long as that may take.
    async fn end(&mut self, ending: Ending) {
        self.ending.set(ending).expect("a run ends once");
        self.registry.shutdown(CLOSING).await;
        let deadline = Instant::now() + CLOSING;
        while !self.live.is_empty() {
            let Ok(Some(report)) = tokio::time::timeout_at(deadline, self.reports.recv()).await else { break };
            if self.take(report).is_break() {
                break;
            }
        }
    }

    /// Prints what stands at the end and says what the run comes to.
    async fn finish(self, format: Format, stream: Stream, result: Result<(), CliError>) -> Result<Exit, CliError> {
        let Self { follower, mut ended, over, tasks, order, ends, mut documents, ending, .. } = self;
        over.cancel();
        drop(follower);
        tasks.close();
        tasks.wait().await;
        result?;
        let ending = ending.get().copied();
        if ending == Some(Ending::ReaderGone) {
            return Ok(Exit::worst_of(ends));
        }
        if format == Format::Json {
            let sessions: Vec<_> = order.iter().filter_map(|session| documents.remove(session)).collect();
            stream.print(format!("{{\"sessions\":[{}]}}\n", sessions.join(",")).into_bytes()).await;
        }
        drop(stream);
        let written = match ending {
            // Whoever sent the signal waits for the process, not for its reader.
            Some(Ending::Signal(_)) => tokio::time::timeout(CLOSING, ended.wait()).await.unwrap_or(Ok(())),
            Some(Ending::NobodyAnswers | Ending::ReaderGone | Ending::Failed) | None => ended.wait().await,
        };
        match (written, ending) {
            (Err(error), _) if !stream::is_reader_gone(&error) => Err(CliError::Output(error)),
            (_, Some(Ending::Signal(exit))) => Ok(exit),
            (_, Some(Ending::NobodyAnswers | Ending::ReaderGone | Ending::Failed) | None) => Ok(Exit::worst_of(ends)),
        }
    }
}

/// Runs a task, and says so when it panics: nobody else would notice, and the run would wait for it for ever.
async fn told_if_broken(task: impl Future<Output = ()>, reports: mpsc::Sender<Report>) {
    if AssertUnwindSafe(task).catch_unwind().await.is_err() {
        let _ = reports.send(Report::Broken).await;
    }
}

/// The signals that end a run. From here on they no longer end the process by themselves.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
            _ = self.hang_up.recv() => Exit::HungUp,
        }
    }
}
