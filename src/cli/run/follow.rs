//! Follows one session: prints what happens to it as it happens, and takes its questions to the sources.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::args::Format;
use super::super::output;
use super::answers_file::AnswersFile;
use super::printed::Printed;
use super::sources::{Ask, Report, Stage};
use super::stream::Stream;
use super::supervise::Ending;
use super::terminal::{End, Terminal};
use super::{Form, text};
use crate::domain::{
    Answer, AnsweredBy, Event, EventKind, ExecutionState, ObserverRecvError, Pause, PauseKind, Prompt, ResumePayload,
    SessionId, gap_line,
};
use crate::engine::{Observer, Registry, Summary};

/// What is printed at once, at most, unless one event is larger.
const CHUNK_BYTES: usize = 64 << 10;

/// What every follower of a run shares. Cheap to clone.
#[derive(Clone)]
pub(super) struct Follower {
    pub(super) registry: Registry,
    pub(super) form: Form,
    pub(super) stream: Stream,
    pub(super) answers: Option<Arc<AnswersFile>>,
    pub(super) next: Stage,
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) ending: Arc<OnceLock<Ending>>,
    /// Raised once sessions were left in their journal: nothing more happens to them.
    pub(super) left: CancellationToken,
    pub(super) printed: Printed,
}

/// Where to begin to follow a session.
#[derive(Debug, Clone)]
pub(super) enum Start {
    /// With its first event.
    Birth,
    /// Where it was taken up: with what it waited for then, and what has happened since.
    Kept {
        summary: Box<Summary>,
        /// Its children that had not ended.
        children: Vec<SessionId>,
    },
}

/// Events as far as they have been read.
#[derive(Default)]
struct Batch {
    lines: String,
    pauses: Vec<Arc<Pause>>,
    forked: Vec<SessionId>,
    /// Whether events are missing.
    has_gap: bool,
    /// The child whose end was read last, and the lines that stand behind everything of it.
    ended: Option<(SessionId, String)>,
    closed: bool,
}

/// Whose events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Whose {
    /// The session of the run.
    pub(in crate::cli) top: SessionId,
    /// The session itself.
    pub(in crate::cli) session: SessionId,
}

impl Whose {
    /// The session, if it is a child of one of the run.
    pub(super) fn child(self) -> Option<SessionId> {
        (self.session != self.top).then_some(self.session)
    }
}

impl Follower {
    /// Follows a session to its end. `top` is the session of the run that it belongs to.
    pub(super) async fn follow(self, session: SessionId, top: SessionId, start: Start) {
        let whose = Whose { top, session };
        let (from, children) = match start {
            Start::Birth => (None, Vec::new()),
            Start::Kept { summary, children } => {
                self.take_up(whose, &summary).await;
                (Some(summary.last_seq + 1), children)
            }
        };
        let document = match self.registry.observe(session, from) {
            Ok(observer) => self.read(whose, observer, children).await,
            // It was just spawned and nothing is collected.
            Err(error) => unreachable!("{error}"),
        };
        let _ = self.reports.send(Report::Ended { session, document }).await;
    }

    /// Takes what a session of the journal waits for to the sources.
    async fn take_up(&self, whose: Whose, summary: &Summary) {
        if let ExecutionState::Paused(pause) = &summary.state {
            let mut lines = String::new();
            if self.form.format == Format::Text {
                pause.pending().for_each(|prompt| text::question(&mut lines, self.form, whose, &prompt.query));
            }
            self.stream.print(lines.into_bytes()).await;
            self.answer(whose, pause).await;
        }
    }

    async fn read(&self, whose: Whose, mut observer: Observer, mut children: Vec<SessionId>) -> Option<String> {
        loop {
            let mut batch = Batch::default();
            let mut next = tokio::select! {
                biased;
                received = observer.recv() => received.map(Some),
                () = self.left.cancelled() => Err(ObserverRecvError::Closed),
            };
            while let Some(()) = self.take(whose, next, &mut batch) {
                next = observer.try_recv();
            }
            self.stream.print(batch.lines.into_bytes()).await;
            if batch.has_gap {
                for child in self.registry.children(whose.session).iter().filter(|child| !child.state.is_ended()) {
                    self.printed.expect(child.id);
                    batch.forked.push(child.id);
                }
            }
            if batch.has_gap || !batch.forked.is_empty() || batch.ended.is_some() {
                let Whose { top, session: parent } = whose;
                children.extend(&batch.forked);
                let _ = self.reports.send(Report::Children { parent, top, forked: batch.forked }).await;
            }
            if batch.closed {
                // One may have been named twice.
                let mut named = HashSet::new();
                children.retain(|child| named.insert(*child));
                // What has ended with it comes before its last word.
                for child in &children {
                    self.printed.wait(*child).await;
                }
                let mut line = String::new();
                let document = self.last_line(whose, &children, &mut line);
                self.stream.print(line.into_bytes()).await;
                return document;
            }
            for pause in batch.pauses {
                self.answer(whose, &pause).await;
            }
            if let Some((child, lines)) = batch.ended {
                self.printed.wait(child).await;
                self.stream.print(lines.into_bytes()).await;
            }
        }
    }

    /// Takes in what an observer gave. `None` when the batch should be printed.
    fn take(
        &self,
        whose: Whose,
        received: Result<Option<impl Deref<Target = Event>>, ObserverRecvError>,
        batch: &mut Batch,
    ) -> Option<()> {
        match received {
            Ok(None) => return None,
            Ok(Some(event)) => {
                if let EventKind::PauseRequested { info } = &event.kind {
                    batch.pauses.push(Arc::clone(info));
                }
                match event.kind {
                    EventKind::ChildStarted { session, .. } => {
                        self.printed.expect(session);
                        batch.forked.push(session);
                    }
                    EventKind::ChildEnded { session, .. } => {
                        let mut lines = String::new();
                        self.print(&mut lines, whose, &event);
                        batch.ended = Some((session, lines));
                        return None;
                    }
                    _ => {}
                }
                self.print(&mut batch.lines, whose, &event);
            }
            Err(ObserverRecvError::Gap { from, to }) => {
                batch.has_gap = true;
                self.print_gap(&mut batch.lines, whose, from, to);
            }
            Err(ObserverRecvError::Closed) => {
                batch.closed = true;
                return None;
            }
        }
        (batch.lines.len() < CHUNK_BYTES).then_some(())
    }

    fn print(&self, out: &mut String, whose: Whose, event: &Event) {
        match self.form.format {
            Format::Text => text::event(out, self.form, whose, event),
            Format::Json => {}
            Format::Jsonl => {
                out.push_str(&event.line(whose.top, whose.child()));
                out.push('\n');
            }
        }
    }

    fn print_gap(&self, out: &mut String, whose: Whose, from: u64, to: u64) {
        match self.form.format {
            Format::Text => text::gap(out, self.form, whose, from, to),
            Format::Json => {}
            Format::Jsonl => {
                out.push_str(&gap_line(whose.top, whose.child(), from, to));
                out.push('\n');
            }
        }
    }

    /// The last line of a session; a child has none, since its end is an event of its parent.
    fn last_line(&self, whose: Whose, children: &[SessionId], out: &mut String) -> Option<String> {
        if whose.child().is_some() {
            return None;
        }
        let ending = self.ending.get().copied();
        let summary = self.registry.summary(whose.session).expect("a session of this run is never pruned");
        let mut terminal = Terminal::of(&summary, ending).expect("it has ended, or the run has");
        if let End::Waiting { pending } = &mut terminal.end {
            pending.extend(children.iter().flat_map(|child| self.waits_for(*child)));
        }
        let mut document = None;
        match self.form.format {
            Format::Text => text::terminal(out, self.form, whose, &terminal),
            Format::Json => document = Some(terminal.json()),
            Format::Jsonl => {
                out.push_str(&terminal.json());
                out.push('\n');
            }
        }
        document
    }

    /// What a child waits for, or has waited for as the run ended; also what its own children do.
    fn waits_for(&self, child: SessionId) -> Vec<Prompt> {
        let Ok(summary) = self.registry.summary(child) else { return Vec::new() };
        let state = match &summary.state {
            ExecutionState::Cancelled(cancelled) => &cancelled.state_before,
            state => state,
        };
        match state {
            ExecutionState::Paused(pause) => pause.pending().cloned().collect(),
            ExecutionState::Running { waiting_on: Some(_) } => {
                self.registry.children(child).iter().flat_map(|below| self.waits_for(below.id)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Answers from the file what it has answers to, and asks the next source the rest.
    async fn answer(&self, Whose { top, session }: Whose, pause: &Pause) {
        let mut answers = Vec::new();
        let mut queries = Vec::new();
        for prompt in pause.pending() {
            let query = &prompt.query;
            match self.answers.as_ref().and_then(|file| file.reply(&query.prompt)) {
                Some(reply) => answers.push(Answer {
                    epoch: Some(pause.epoch),
                    usage: reply.usage,
                    ..Answer::new(query.query_id, reply.response, AnsweredBy::File)
                }),
                None => queries.push(Arc::clone(query)),
            }
        }
        if let Some(first) = answers.first() {
            let given = match answers.len() - 1 {
                0 => first.query_id.to_string(),
                more => format!("{} and {more} more", first.query_id),
            };
            let payload = match (pause.kind, answers.pop()) {
                (PauseKind::Single, Some(answer)) => ResumePayload::Single(answer),
                (_, last) => ResumePayload::Batch(answers.into_iter().chain(last).collect()),
            };
            if let Err(refused) = self.registry.resume(session, payload).await {
                tracing::debug!(%session, %refused, "an answer of the file");
                match self.registry.state(session) {
                    // The next source gets all that the pause still waits for, unless nothing is taken any more.
                    Ok(ExecutionState::Paused(now)) if now.epoch == pause.epoch && self.ending.get().is_none() => {
                        let text = format!("answers file: {given} of session {}: {refused}", session.short());
                        output::message(&text);
                        queries = now.pending().map(|prompt| Arc::clone(&prompt.query)).collect();
                    }
                    // A limit ended it meanwhile, or a signal ends the run.
                    Ok(_) | Err(_) => return,
                }
            }
        }
        self.next.ask(Ask { session, top, epoch: pause.epoch, queries }).await;
    }
}
