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
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::super::args::Format;
use super::super::exit::{CliError, Exit};
use super::super::output;
use super::answerer::Answerer;
use super::follow::{Follower, Start};
use super::left::{self, Left};
use super::printed::Printed;
use super::sources::{Report, Stage};
use super::stdin::StdinAnswers;
use super::stream::{self, Ended, Stream};
use super::terminal::Terminal;
use super::{KeptIn, Plan, Sessions};
use crate::desk::DeskError;
use crate::domain::{ExecutionState, SessionId, SessionSpec};
use crate::engine::{ChangeCursor, Presence, Registry, Summary};

/// How long ended sessions get to be printed, and before that to stop. A program in a section that cannot be interrupted
/// needs 50 ms; the rest is for a busy machine.
const CLOSING: Duration = Duration::from_secs(2);

/// Reports that wait for the supervisor. It only counts them; who reports may wait.
const REPORTS: usize = 256;

/// Questions of a kept session and its children that wait for a source: a fork has at most so many children.
const KEPT_FAMILY: usize = 1024;

/// Why a run ended before its sessions did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Every session waits for what no source can answer.
    NobodyAnswers,
    /// A signal.
    Signal(Exit),
    /// Nobody reads standard output any more. The run stops where it stands, since a program without an end, or answers
    /// that cost, would go on for nobody; and what it leaves is no success, as a script would take it for that was only
    /// looking for a line: exit code 6, and it is said how it goes on.
    ReaderGone,
    /// It cannot go on, for the reason that is returned.
    Failed,
}

/// Runs a plan to its end. Nothing of it is kept without `kept_in`.
pub(super) async fn supervise(registry: Registry, plan: Plan, kept_in: Option<KeptIn>) -> Result<Exit, CliError> {
    let mut signals = Signals::listen().map_err(DeskError::Runtime)?;
    let (stream, ended) = stream::start().map_err(DeskError::Runtime)?;
    let (reports, received) = mpsc::channel(REPORTS);
    let ending = Arc::new(OnceLock::new());
    let over = CancellationToken::new();
    let tasks = TaskTracker::new();

    let count = plan.sessions.count();
    // Of a session that is kept, children may be kept too.
    let capacity = if matches!(plan.sessions, Sessions::Kept(_)) { KEPT_FAMILY } else { count as usize };
    let mut next = Stage::Nobody(reports.clone());
    if plan.stdin {
        let (asks, queue) = mpsc::channel(capacity);
        let answers = StdinAnswers::open(registry.clone(), next, count, Arc::clone(&ending));
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
        left: CancellationToken::new(),
        printed: Printed::default(),
    };
    let (spec, unstarted, kept) = match plan.sessions {
        Sessions::New { spec, copies } => (*spec, copies, None),
        Sessions::Kept(session) => (SessionSpec::run(""), 0, Some(session)),
    };
    let mut run = Run {
        registry,
        spec,
        unstarted,
        follower,
        ended,
        reports: received,
        ending,
        over,
        tasks,
        kept_in,
        is_kept: kept.is_some(),
        seen: ChangeCursor::default(),
        order: Vec::new(),
        live: HashSet::new(),
        stuck: HashSet::new(),
        told: HashSet::new(),
        left: Left::default(),
        parents: HashMap::new(),
        parent_of: HashMap::new(),
        documents: HashMap::new(),
        written: None,
        hurried: None,
    };
    if let Some(session) = kept {
        run.take_up(session).await?;
    }
    let result = run.supervise(&mut signals).await;
    run.finish(format, stream, result, &mut signals).await
}

/// A run under way.
struct Run {
    registry: Registry,
    spec: SessionSpec,
    unstarted: u32,
    follower: Follower,
    ended: Ended,
    reports: mpsc::Receiver<Report>,
    ending: Arc<OnceLock<Ending>>,
    over: CancellationToken,
    tasks: TaskTracker,
    kept_in: Option<KeptIn>,
    /// Whether it goes on with a session of a journal.
    is_kept: bool,
    /// How far it has looked for sessions that stand still.
    seen: ChangeCursor,
    order: Vec<SessionId>,
    live: HashSet<SessionId>,
    /// Those that wait for what no source can answer, and those that cannot be run again.
    stuck: HashSet<SessionId>,
    /// Those of which was said that they cannot be run again.
    told: HashSet<SessionId>,
    /// What it leaves, once it is ended.
    left: Left,
    /// How many children of each session are live.
    parents: HashMap<SessionId, u32>,
    /// Of every child that was followed. A parent may name one twice: as it goes on, what it has said of a child may not
    /// have been written, and where something of it cannot be read, all its children are looked up.
    parent_of: HashMap<SessionId, SessionId>,
    documents: HashMap<SessionId, String>,
    /// What became of the output, where it ended before the run.
    written: Option<io::Result<()>>,
    /// A signal that came while the run was ending.
    hurried: Option<Exit>,
}

impl Run {
    /// Starts the sessions and waits for their ends. Says why it could not, if so.
    async fn supervise(&mut self, signals: &mut Signals) -> Result<(), CliError> {
        while self.unstarted > 0 || !self.live.is_empty() {
            let all_wait = self.unstarted == 0 && self.all_wait();
            // What a fork ends that gives up waits for nobody.
            let some_end = all_wait && self.live.iter().any(|session| self.registry.is_ending(*session));
            if all_wait && !some_end {
                return self.end(Ending::NobodyAnswers, signals).await;
            }
            tokio::select! {
                biased;
                exit = signals.next() => return self.end(Ending::Signal(exit), signals).await,
                result = self.ended.wait() => return self.output_ended(result, signals).await,
                Some(report) = self.reports.recv() => {
                    if self.take(report).is_break() {
                        return self.end(Ending::Failed, signals).await.and(Err(CliError::Broken));
                    }
                }
                // Only what comes back from its record can stand still and ask nothing; and the cancel of one that waits may
                // be refused.
                () = self.registry.changed(self.seen), if self.is_kept || some_end => self.note_halted(),
                () = std::future::ready(()), if self.unstarted > 0 => {
                    if let Err(error) = self.start_one().await {
                        return self.end(Ending::Failed, signals).await.and(Err(error));
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes sessions that cannot be run again from their records, and says so of each.
    fn note_halted(&mut self) {
        let changes = self.registry.changes(self.seen);
        self.seen = changes.cursor;
        let sessions = if changes.overflowed { self.live.iter().copied().collect() } else { changes.sessions };
        for session in sessions {
            let Ok(summary) = self.registry.summary(session) else { continue };
            // One that waits for an answer is refused it, which its source says, and then the run's last word.
            if let (ExecutionState::Running { .. }, Presence::CannotReplay(why)) = (&summary.state, &summary.presence)
                && self.live.contains(&session)
                && self.stuck.insert(session)
            {
                output::message(&left::cannot_go_on(session, why, self.kept_in.as_ref()));
                self.told.insert(session);
            }
        }
    }

    /// Whether every session waits for what no source can answer, or for children that do, or cannot be run again.
    fn all_wait(&self) -> bool {
        // A parent is known to wait once all its children are: some may have ended of which nobody has reported yet, or
        // which the parent was not told yet, or have started. Each of these comes with a report.
        let waits = |(parent, children): (&SessionId, &u32)| match self.registry.state(*parent) {
            Ok(ExecutionState::Running { waiting_on }) => waiting_on == Some(*children),
            Ok(_) | Err(_) => false,
        };
        let parents = || self.parents.iter().filter(|(parent, _)| !self.stuck.contains(parent));
        self.stuck.len() + parents().count() == self.live.len() && parents().all(waits)
    }

    async fn start_one(&mut self) -> Result<(), CliError> {
        let session = self.registry.spawn(self.spec.clone()).await?;
        self.unstarted -= 1;
        self.order.push(session);
        self.follow(session, session, Start::Birth);
        Ok(())
    }

    /// Goes on with a session of the journal, and with those below it that have not ended.
    async fn take_up(&mut self, session: SessionId) -> Result<(), CliError> {
        let family = self.registry.recover_family(session).await?;
        if family.is_empty() {
            return Err(CliError::NoSession(format!("no session {session}: it was removed just now")));
        }
        let mut children: HashMap<SessionId, Vec<SessionId>> = HashMap::new();
        for Summary { id, spec, .. } in &family {
            self.follower.printed.expect(*id);
            if let Some(parent) = spec.parent.as_ref().filter(|_| *id != session) {
                self.add_child(*id, parent.session);
                children.entry(parent.session).or_default().push(*id);
            }
        }
        self.order.push(session);
        for summary in family {
            let (id, standing) = (summary.id, summary.standing());
            let children = children.remove(&id).unwrap_or_default();
            self.follow(id, session, Start::Kept { summary: Box::new(summary), children });
            // Whoever asks for it by name lets it go on, also one that is held, or behind two deaths, and with it what it
            // waits for.
            if standing.is_some() {
                // Refused only where it has ended meanwhile, or somebody was quicker.
                drop(self.registry.release(id).await);
            }
        }
        Ok(())
    }

    fn add_child(&mut self, child: SessionId, parent: SessionId) {
        *self.parents.entry(parent).or_default() += 1;
        self.parent_of.insert(child, parent);
    }

    fn follow(&mut self, session: SessionId, top: SessionId, start: Start) {
        self.live.insert(session);
        let printed = self.follower.printed.guard(session);
        let follow = self.follower.clone().follow(session, top, start);
        let over = self.over.clone();
        let follow = async move {
            let _printed = printed;
            over.run_until_cancelled(follow).await.unwrap_or(());
        };
        self.tasks.spawn(told_if_broken(follow, self.follower.reports.clone()));
    }

    /// Takes in a report. Breaks where the run cannot go on.
    fn take(&mut self, report: Report) -> ControlFlow<()> {
        match report {
            Report::Broken => return ControlFlow::Break(()),
            Report::Ended { session, document } => {
                self.live.remove(&session);
                self.stuck.remove(&session);
                if let Some(parent) = self.parent_of.get(&session)
                    && let Some(children) = self.parents.get_mut(parent)
                {
                    *children -= 1;
                    if *children == 0 {
                        self.parents.remove(parent);
                    }
                }
                self.documents.extend(document.map(|document| (session, document)));
            }
            Report::Children { parent, top, forked } => {
                for child in forked {
                    if !self.parent_of.contains_key(&child) {
                        self.add_child(child, parent);
                        self.follow(child, top, Start::Birth);
                    }
                }
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

    async fn output_ended(&mut self, result: io::Result<()>, signals: &mut Signals) -> Result<(), CliError> {
        self.written = Some(Ok(()));
        match result {
            Err(error) if !stream::is_reader_gone(&error) => {
                self.end(Ending::Failed, signals).await.and(Err(CliError::Output(error)))
            }
            Ok(()) | Err(_) => self.end(Ending::ReaderGone, signals).await,
        }
    }

    /// Ends every session, and waits until their ends are printed: as long as their reader takes, unless it has gone or
    /// somebody waits for the process.
    async fn end(&mut self, ending: Ending, signals: &mut Signals) -> Result<(), CliError> {
        self.ending.set(ending).expect("a run ends once");
        self.left = Left::of(&self.registry, &self.order);
        tokio::select! {
            biased;
            exit = signals.next() => {
                self.hurried = Some(exit);
                return Ok(());
            }
            _ = self.registry.shutdown(CLOSING) => {}
        }
        // What the journal keeps has not ended, and nothing more will happen to it here.
        self.follower.left.cancel();
        let late = async {
            match ending {
                Ending::NobodyAnswers => std::future::pending().await,
                // Of a run that failed a follower may be gone, whose report would never come.
                Ending::Signal(_) | Ending::ReaderGone | Ending::Failed => tokio::time::sleep(CLOSING).await,
            }
        };
        tokio::pin!(late);
        while !self.live.is_empty() {
            tokio::select! {
                biased;
                exit = signals.next() => {
                    self.hurried = Some(exit);
                    break;
                }
                Some(report) = self.reports.recv() => {
                    if self.take(report).is_break() {
                        return Err(CliError::Broken);
                    }
                }
                written = self.ended.wait(), if self.written.is_none() => {
                    self.written = Some(written);
                    break;
                }
                () = &mut late => break,
            }
        }
        Ok(())
    }

    /// What the run comes to by the ends of its sessions, whether or not they could be printed.
    fn exit(&self, ending: Option<Ending>) -> Exit {
        let ends = self.order.iter().filter_map(|session| {
            let summary = self.registry.summary(*session).expect("a session of this run is never pruned");
            Terminal::of(&summary, ending).map(|terminal| terminal.exit(ending))
        });
        Exit::worst_of(ends.chain((self.unstarted > 0).then_some(Exit::Waiting)))
    }

    /// Prints what stands at the end and says what the run comes to. A signal ends it at once, whatever is not printed.
    async fn finish(
        self,
        format: Format,
        stream: Stream,
        result: Result<(), CliError>,
        signals: &mut Signals,
    ) -> Result<Exit, CliError> {
        let ending = self.ending.get().copied();
        let exit = match ending {
            Some(Ending::Signal(exit)) => exit,
            Some(Ending::NobodyAnswers | Ending::ReaderGone | Ending::Failed) | None => self.exit(ending),
        };
        let Self {
            registry,
            unstarted,
            follower,
            mut ended,
            over,
            reports,
            tasks,
            kept_in,
            order,
            told,
            left,
            mut documents,
            written,
            hurried,
            ..
        } = self;
        over.cancel();
        // Nobody takes reports any more: who still has one must not wait for that.
        drop((follower, reports));
        tasks.close();
        tasks.wait().await;
        result?;
        // Of two signals the first says why.
        let hurried_exit = |hurried| if matches!(ending, Some(Ending::Signal(_))) { exit } else { hurried };
        if let Some(hurried) = hurried {
            return Ok(hurried_exit(hurried));
        }
        if ending == Some(Ending::ReaderGone) {
            left.tell_without_reader(&registry, &order, unstarted, &told, kept_in.as_ref());
            return Ok(exit);
        }
        let write = async {
            if format == Format::Json {
                let sessions: Vec<_> = order.iter().filter_map(|session| documents.remove(session)).collect();
                stream.print(format!("{{\"sessions\":[{}]}}\n", sessions.join(",")).into_bytes()).await;
            }
            drop(stream);
            match (written, ending) {
                (Some(written), _) => written,
                // Whoever sent the signal waits for the process, not for its reader.
                (None, Some(Ending::Signal(_))) => tokio::time::timeout(CLOSING, ended.wait()).await.unwrap_or(Ok(())),
                (None, _) => ended.wait().await,
            }
        };
        let written = tokio::select! {
            biased;
            hurried = signals.next() => return Ok(hurried_exit(hurried)),
            written = write => written,
        };
        match written {
            Err(error) if !stream::is_reader_gone(&error) => Err(CliError::Output(error)),
            Ok(()) | Err(_) => {
                left.tell(&registry, &told, kept_in.as_ref());
                Ok(exit)
            }
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
