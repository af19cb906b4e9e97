//! Answers from a command: keeps its process running, asks it one query after the other, and gives up on one that
//! keeps failing.

use std::process::Stdio;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::output;
use super::answers_file::json_fault;
use super::coprocess::{Coprocess, Fault};
use super::sources::{Ask, Stage};
use crate::domain::{
    Answer, AnsweredBy, Query, QueryId, ResumeError, ResumePayload, SessionId, TokenUsage, printable_line,
};
use crate::engine::Registry;

/// Failures in a row after which it is given up. A process that ends after each answer fails once at each question, one
/// that was ended by hand twice; what fails three times will fail again.
const FAILURES: u32 = 3;

/// How much of the command names it in events.
const NAME_CHARS: usize = 40;

/// A command that answers.
pub(super) struct Answerer {
    command: String,
    by: AnsweredBy,
    process: Option<Running>,
    failures: u32,
    registry: Registry,
    next: Stage,
}

struct Running {
    process: Coprocess,
    /// Whether it has given a good answer.
    proven: bool,
}

/// What is wrong with the command.
struct Failure {
    what: String,
    /// Whether it would be the same at every start.
    is_lasting: bool,
}

impl From<String> for Failure {
    fn from(what: String) -> Self {
        Self { what, is_lasting: false }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { what: fault.to_string(), is_lasting: matches!(fault, Fault::WantsTerminal) }
    }
}

/// A query as the process reads it.
#[derive(Serialize)]
struct QueryLine<'a> {
    session: SessionId,
    /// The child that asks, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    child: Option<SessionId>,
    epoch: u32,
    #[serde(flatten)]
    query: &'a Query,
}

/// An answer as the process writes it. Without a `query_id` it answers the query just asked.
#[derive(Deserialize)]
struct ReplyLine {
    session: Option<String>,
    query_id: Option<QueryId>,
    response: String,
    usage: Option<TokenUsage>,
    answer_id: Option<Arc<str>>,
}

impl Answerer {
    /// Starts the command. What it cannot answer is passed to `next`.
    pub(super) fn start(command: String, registry: Registry, next: Stage) -> std::io::Result<Self> {
        let process = Some(Running { process: Coprocess::start(&command, Stdio::inherit())?, proven: false });
        let name: String = printable_line(&command).chars().take(NAME_CHARS).collect();
        let by = AnsweredBy::Answerer(name.into());
        Ok(Self { command, by, process, failures: 0, registry, next })
    }

    /// Answers until the run is over.
    pub(super) async fn serve(mut self, mut asks: mpsc::Receiver<Ask>, over: CancellationToken) {
        let work = async {
            while let Some(ask) = asks.recv().await {
                self.answer(ask).await;
            }
        };
        let _ = over.run_until_cancelled(work).await;
        match self.process.take() {
            // It may have something to put in order.
            Some(Running { process, proven: true }) => process.stop().await,
            // Nobody asked it, or it sits on a question: it may still be starting and nobody waits for it.
            Some(Running { process, proven: false }) => process.discard().await,
            None => {}
        }
    }

    async fn answer(&mut self, ask: Ask) {
        let mut left = Vec::new();
        for query in &ask.queries {
            if !ask.is_open(&self.registry) {
                return;
            }
            if !self.answer_query(&ask, query).await {
                left.push(Arc::clone(query));
            }
        }
        self.next.ask(Ask { queries: left, ..ask }).await;
    }

    /// Asks until a good answer is taken or the command is given up. Says whether the query needs nobody else.
    async fn answer_query(&mut self, ask: &Ask, query: &Query) -> bool {
        let line = question_line([ask.top, ask.session], ask.epoch, query);
        while self.failures < FAILURES {
            match self.try_answer(ask, query, &line).await {
                Ok(is_taken) => {
                    self.failures = 0;
                    return is_taken;
                }
                Err(failure) => self.note_failure(query.query_id, &failure).await,
            }
        }
        false
    }

    /// Asks once. Says whether the query needs nobody else; `Err`: what is wrong with the command.
    async fn try_answer(&mut self, ask: &Ask, query: &Query, line: &[u8]) -> Result<bool, Failure> {
        let running = match &mut self.process {
            Some(running) => running,
            none => {
                let process = Coprocess::start(&self.command, Stdio::inherit())
                    .map_err(|error| format!("it cannot be started: {error}"))?;
                none.insert(Running { process, proven: false })
            }
        };
        let text = running.process.ask(line).await.inspect_err(|fault| {
            // An earlier answer may have been another question's: that is told of any process.
            running.proven &= !matches!(fault, Fault::Unasked);
        })?;
        let reply = read(&text, [ask.top, ask.session], query.query_id)?;
        let answer = Answer {
            epoch: Some(ask.epoch),
            usage: reply.usage,
            answer_id: reply.answer_id,
            ..Answer::new(query.query_id, reply.response, self.by.clone())
        };
        let taken = self.registry.resume(ask.session, ResumePayload::Single(answer)).await;
        if let Err(fault @ ResumeError::InvalidPayload { .. }) = taken {
            return Err(format!("its answer was refused: {fault}").into());
        }
        running.proven = true;
        if let Err(fault @ ResumeError::NotRecorded { .. }) = taken {
            // To ask again would cost another answer and change nothing.
            output::message(&format!(
                "answerer {}: the answer to {} was {fault}",
                shown(&self.command),
                query.query_id
            ));
            return Ok(false);
        }
        // Any other refusal means that the session has gone another way meanwhile.
        Ok(true)
    }

    /// Ends the process, says why where a person would want to know, and gives up after too many failures.
    async fn note_failure(&mut self, query: QueryId, Failure { what: fault, is_lasting }: &Failure) {
        self.failures = if *is_lasting { FAILURES } else { self.failures + 1 };
        let mut proven = false;
        if let Some(running) = self.process.take() {
            proven = running.proven;
            running.process.discard().await;
        }
        let name = shown(&self.command);
        if *is_lasting {
            output::message(&format!("answerer {name}: given up at {query}: {fault}"));
        } else if self.failures == FAILURES {
            output::message(&format!(
                "answerer {name}: given up after {FAILURES} failures in a row, the last at {query}: {fault}"
            ));
        } else if proven {
            // One answer a process is a fair way to write an answerer.
            tracing::info!(%query, fault, "the answerer is started again");
        } else {
            output::message(&format!("answerer {name}: {query}: {fault}; it is started again and asked again"));
        }
    }
}

/// The line that a command reads of a query: of the session that a person started, and of the child that asks.
fn question_line([top, session]: [SessionId; 2], epoch: u32, query: &Query) -> Vec<u8> {
    let child = (session != top).then_some(session);
    let line = QueryLine { session: top, child, epoch, query };
    let mut line = serde_json::to_vec(&line).expect("a query always has a JSON form");
    line.push(b'\n');
    line
}

/// Asks a fresh process of `command` one query, for a text that only a person will send. Its own messages go nowhere:
/// the desk has the terminal.
pub(in crate::cli) async fn ask_once(
    command: &str,
    sessions: [SessionId; 2],
    epoch: u32,
    query: &Query,
) -> Result<String, String> {
    let mut process =
        Coprocess::start(command, Stdio::null()).map_err(|error| format!("it cannot be started: {error}"))?;
    let answer = process.ask(&question_line(sessions, epoch, query)).await;
    let reply = answer.map_err(|fault| fault.to_string()).and_then(|text| read(&text, sessions, query.query_id));
    match reply {
        Ok(reply) => {
            process.stop().await;
            Ok(reply.response)
        }
        Err(fault) => {
            process.discard().await;
            Err(format!("answerer {}: {fault}", shown(command)))
        }
    }
}

fn read(text: &[u8], sessions: [SessionId; 2], query: QueryId) -> Result<ReplyLine, String> {
    let reply: ReplyLine =
        serde_json::from_slice(text).map_err(|error| format!("its answer is no answer: {}", json_fault(&error)))?;
    if let Some(named) = reply.query_id.filter(|named| *named != query) {
        return Err(format!("its answer names {named}"));
    }
    match &reply.session {
        Some(named) if sessions.iter().all(|session| *named != session.to_string()) => {
            Err(format!("its answer names session {}", shown(named)))
        }
        Some(_) | None => Ok(reply),
    }
}

/// A text of somebody else's in a message: one short line in quotation marks.
fn shown(text: &str) -> String {
    let line = printable_line(text);
    match line.char_indices().nth(NAME_CHARS) {
        Some((end, _)) => format!("“{}…”", &line[..end]),
        None => format!("“{line}”"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_must_answer_the_query_that_was_asked() {
        let session = SessionId::from_bits(1);
        let fault = |text: &str| read(text.as_bytes(), [session; 2], QueryId::new(2)).err();
        assert_eq!(fault(r#"{"response": "x"}"#), None);
        assert_eq!(fault(r#"{"query_id": "q-2", "session": "0000000000000001", "response": "x", "more": 1}"#), None);
        assert_eq!(fault(r#"{"query_id": "q-3", "response": "x"}"#).unwrap(), "its answer names q-3");
        assert_eq!(fault(r#"{"session": "7", "response": "x"}"#).unwrap(), "its answer names session “7”");
        assert_eq!(fault("{}").unwrap(), "its answer is no answer: missing field `response` (column 2)");
        assert!(fault("hello").unwrap().starts_with("its answer is no answer: expected value"));
        assert!(fault(r#"{"response": 7}"#).unwrap().starts_with("its answer is no answer: invalid type"));
    }
}
