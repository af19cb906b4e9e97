//! Follows one session: prints what happens to it as it happens, and takes its questions to the sources.

use std::fmt::Write;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;

use super::super::args::Format;
use super::answers_file::AnswersFile;
use super::sources::{Ask, Report, Stage};
use super::stream::Stream;
use super::supervise::Ending;
use super::terminal::Terminal;
use super::{Form, text};
use crate::domain::{
    Answer, AnsweredBy, Event, EventKind, ExecutionState, ObserverRecvError, Pause, PauseKind, ResumePayload, SessionId,
};
use crate::engine::{Observer, Registry};

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
}

/// Events as far as they have been read.
#[derive(Default)]
struct Batch {
    lines: String,
    pauses: Vec<Arc<Pause>>,
    closed: bool,
}

impl Follower {
    /// Follows a session to its end.
    pub(super) async fn follow(self, session: SessionId) {
        let document = match self.registry.observe(session, None) {
            Ok(observer) => self.read(session, observer).await,
            // It was just spawned and nothing is collected.
            Err(error) => unreachable!("{error}"),
        };
        let _ = self.reports.send(Report::Ended { session, document }).await;
    }

    async fn read(&self, session: SessionId, mut observer: Observer) -> Option<String> {
        loop {
            let mut batch = Batch::default();
            let mut next = observer.recv().await.map(Some);
            while let Some(()) = self.take(session, next, &mut batch) {
                next = observer.try_recv();
            }
            if batch.closed {
                let document = self.last_line(session, &mut batch.lines);
                self.stream.print(batch.lines.into_bytes()).await;
                return document;
            }
            self.stream.print(batch.lines.into_bytes()).await;
            for pause in batch.pauses {
                self.answer(session, &pause).await;
            }
        }
    }

    /// Takes in what an observer gave. `None` when the batch should be printed.
    fn take(
        &self,
        session: SessionId,
        received: Result<Option<impl Deref<Target = Event>>, ObserverRecvError>,
        batch: &mut Batch,
    ) -> Option<()> {
        match received {
            Ok(None) => return None,
            Ok(Some(event)) => {
                if let EventKind::PauseRequested { info } = &event.kind {
                    batch.pauses.push(Arc::clone(info));
                }
                self.print(&mut batch.lines, session, &event);
            }
            Err(ObserverRecvError::Gap { from, to }) => self.print_gap(&mut batch.lines, session, from, to),
            Err(ObserverRecvError::Closed) => {
                batch.closed = true;
                return None;
            }
        }
        (batch.lines.len() < CHUNK_BYTES).then_some(())
    }

    fn print(&self, out: &mut String, session: SessionId, event: &Event) {
        match self.form.format {
            Format::Text => text::event(out, self.form, session, event),
            Format::Json => {}
            Format::Jsonl => {
                let event = serde_json::to_string(event).expect("an event with string keys always has a JSON form");
                // The fields of the event stand beside its session.
                let fields = event.strip_prefix('{').expect("the JSON form of an event is an object");
                writeln!(out, "{{\"session\":\"{session}\",{fields}").expect("writing to memory does not fail");
            }
        }
    }

    fn print_gap(&self, out: &mut String, session: SessionId, from: u64, to: u64) {
        match self.form.format {
            Format::Text => text::gap(out, self.form, session, from, to),
            Format::Json => {}
            Format::Jsonl => {
                let gap = serde_json::json!({ "session": session, "kind": "gap", "from": from, "to": to });
                writeln!(out, "{gap}").expect("writing to memory does not fail");
            }
        }
    }

    fn last_line(&self, session: SessionId, out: &mut String) -> Option<String> {
        let ending = self.ending.get().copied();
        let summary = self.registry.summary(session).expect("a session of this run is never pruned");
        let terminal = Terminal::of(&summary, ending).expect("a session whose feed is closed has ended");
        let mut document = None;
        match self.form.format {
            Format::Text => text::terminal(out, self.form, session, &terminal),
            Format::Json => document = Some(terminal.json()),
            Format::Jsonl => {
                out.push_str(&terminal.json());
                out.push('\n');
            }
        }
        document
    }

    /// Answers from the file what it has answers to, and asks the next source the rest.
    async fn answer(&self, session: SessionId, pause: &Pause) {
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
        if !answers.is_empty() {
            let payload = match (pause.kind, answers.pop()) {
                (PauseKind::Single, Some(answer)) => ResumePayload::Single(answer),
                (_, last) => ResumePayload::Batch(answers.into_iter().chain(last).collect()),
            };
            if let Err(refused) = self.registry.resume(session, payload).await {
                tracing::debug!(%session, %refused, "an answer of the file");
                match self.registry.state(session) {
                    // The next source gets all that the pause still waits for.
                    Ok(ExecutionState::Paused(now)) if now.epoch == pause.epoch => {
                        queries = now.pending().map(|prompt| Arc::clone(&prompt.query)).collect();
                    }
                    // A limit or a signal ended it meanwhile.
                    Ok(_) | Err(_) => return,
                }
            }
        }
        self.next.ask(Ask { session, epoch: pause.epoch, queries }).await;
    }
}
