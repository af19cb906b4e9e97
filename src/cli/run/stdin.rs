//! Answers on standard input: each line waits until its query is asked, each question until its line has come.

use std::io;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::output;
use super::answers_file::json_fault;
use super::lines::{self, Numbered};
use super::matching::{AnswerLine, Given, Matching, Place};
use super::sources::{Ask, Stage};
use super::supervise::Ending;
use crate::domain::{Answer, AnsweredBy, ExecutionState, QueryId, ResumePayload, SessionId};
use crate::engine::{ChangeCursor, Registry, Summary};

/// Unused answers that are named at the end; of more, the number is told.
const NAMED: usize = 5;

/// The source.
pub(super) struct StdinAnswers {
    lines: mpsc::Receiver<Numbered>,
    matching: Matching,
    /// How far it has looked for sessions that were started.
    seen: ChangeCursor,
    registry: Registry,
    next: Stage,
    ending: Arc<OnceLock<Ending>>,
}

impl StdinAnswers {
    /// Starts to read standard input. What it cannot answer once that has ended is passed to `next`.
    pub(super) fn open(
        registry: Registry,
        next: Stage,
        copies: u32,
        ending: Arc<OnceLock<Ending>>,
    ) -> io::Result<Self> {
        let lines = lines::start()?;
        Ok(Self { lines, matching: Matching::new(copies), seen: ChangeCursor::default(), registry, next, ending })
    }

    /// Answers until the run is over, then names the lines that nobody asked for.
    pub(super) async fn serve(mut self, mut asks: mpsc::Receiver<Ask>, over: CancellationToken) {
        loop {
            tokio::select! {
                () = over.cancelled() => break,
                Some(ask) = asks.recv() => self.asked(ask).await,
                line = self.lines.recv(), if !self.matching.is_complete => match line {
                    Some((number, Ok(text))) => self.given(number, &text).await,
                    Some((number, Err(fault))) => complain(number, &fault),
                    None => self.ended().await,
                },
            }
        }
        match self.ending.get() {
            // A signal or a reader that left: what is unused is no fault of the lines.
            Some(Ending::Signal(_) | Ending::ReaderGone | Ending::Failed) => {}
            Some(Ending::NobodyAnswers) | None => name_unused(&self.matching.unused()),
        }
    }

    async fn asked(&mut self, ask: Ask) {
        self.matching.open(ask.session, &ask);
        for query in &ask.queries {
            while let Some(given) = self.matching.take_given(ask.session, query.query_id) {
                if self.is_ambiguous(&given) {
                    continue;
                }
                if self.deliver(ask.session, given).await {
                    self.matching.close(ask.session, query.query_id);
                    break;
                }
            }
        }
        if self.matching.is_complete {
            self.give_up(ask.session).await;
        }
    }

    async fn given(&mut self, number: u64, text: &[u8]) {
        if text.trim_ascii().is_empty() {
            return;
        }
        let line: AnswerLine = match serde_json::from_slice(text) {
            Ok(line) => line,
            Err(error) => return complain(number, &format!("{}; it is skipped", json_fault(&error))),
        };
        if let Some(session) = line.session.as_deref().filter(|session| !is_id_prefix(session)) {
            return complain(number, &format!("{session:?} is no session id; it is skipped"));
        }
        let (query, names_session) = (line.query_id, line.session.is_some());
        let given = Given { number, line };
        if self.is_ambiguous(&given) {
            return;
        }
        match self.matching.place(&given) {
            Place::Asked(session) => {
                if self.deliver(session, given).await {
                    self.matching.close(session, query);
                } else if !names_session && self.still_waits(session, query) {
                    self.matching.put_back(session, query);
                }
            }
            Place::Over(session) => drop(self.deliver(session, given).await),
            Place::NotYet => self.matching.keep(given),
        }
    }

    /// Whether a line may mean several sessions, which is told. They may have asked nothing yet.
    fn is_ambiguous(&mut self, given: &Given) -> bool {
        let Some(named) = given.line.session.as_deref().filter(|named| named.parse::<SessionId>().is_err()) else {
            return false;
        };
        self.note_started();
        let meanings = self.matching.meanings(named, given.line.query_id);
        if meanings > 1 {
            let fault = format!("{named} is the beginning of {meanings} ids; give more digits; it is skipped");
            complain(given.number, &fault);
        }
        meanings > 1
    }

    /// Notes the sessions that a person has started since it was last looked.
    fn note_started(&mut self) {
        let changes = self.registry.changes(self.seen);
        self.seen = changes.cursor;
        let summaries: Vec<Summary> = if changes.overflowed {
            let all = self.registry.list().into_iter();
            all.filter(|summary| !summary.state.is_ended()).collect()
        } else {
            changes.sessions.into_iter().filter_map(|session| self.registry.summary(session).ok()).collect()
        };
        for summary in summaries.iter().filter(|summary| summary.parent().is_none()) {
            self.matching.start(summary.id);
        }
    }

    async fn ended(&mut self) {
        self.matching.is_complete = true;
        for session in self.matching.open_sessions() {
            self.give_up(session).await;
        }
    }

    /// Passes on what is still open of a session, now that no more lines come.
    async fn give_up(&mut self, session: SessionId) {
        if let Some(ask) = self.matching.give_up(session) {
            self.next.ask(ask).await;
        }
    }

    /// Whether a session still waits for this query. A limit may have ended it.
    fn still_waits(&self, session: SessionId, query: QueryId) -> bool {
        match self.registry.state(session) {
            Ok(ExecutionState::Paused(pause)) => pause.pending().any(|prompt| prompt.query.query_id == query),
            Ok(_) | Err(_) => false,
        }
    }

    /// Answers. Says whether the query is settled; where not, the fault of the line has been told.
    async fn deliver(&self, session: SessionId, Given { number, line }: Given) -> bool {
        let query = line.query_id;
        let answer = Answer {
            epoch: line.epoch,
            usage: line.usage,
            answer_id: line.answer_id,
            ..Answer::new(query, line.response, AnsweredBy::Stdin)
        };
        match self.registry.resume(session, ResumePayload::Single(answer)).await {
            Ok(_) => true,
            Err(refused) => {
                complain(number, &format!("{query} of session {}: {refused}", session.short()));
                false
            }
        }
    }
}

/// Names the answers that were never used: an answer must not vanish unseen.
fn name_unused(unused: &[Given]) {
    for given in unused.iter().take(NAMED) {
        complain(given.number, &format!("nobody waited for an answer to {}", given.line.query_id));
    }
    if unused.len() > NAMED {
        output::message(&format!("standard input: so it was with {} more lines", unused.len() - NAMED));
    }
}

fn complain(number: u64, fault: &str) {
    output::message(&format!("standard input, line {number}: {fault}"));
}

fn is_id_prefix(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
