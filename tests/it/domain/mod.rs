//! The rules of a session: pure data, no runtime.

mod answers;
mod endings;
mod fold;
mod json;
mod limits;
mod query;
mod transitions;
mod usage;

use switchboard::domain::{
    Answer, AnsweredBy, CancelCode, CancelReason, Command, Event, ExecutionState, Pause, PauseKind, QueryId, Question,
    Rejected, ResumeError, ResumePayload, SeenAt, Session, SessionId, SessionSpec, Timestamp, apply, decide,
};

/// When every session of these tests is made.
const BIRTH: Timestamp = 1_000;

/// A session that takes commands at a time that the test says.
struct Life {
    session: Session,
    now: Timestamp,
    events: Vec<Event>,
}

impl Life {
    fn new() -> Self {
        Self::with(SessionSpec::run("return 1"))
    }

    fn with(spec: SessionSpec) -> Self {
        let session = Session::new(SessionId::from_bits(7), spec.into(), BIRTH);
        Self { session, now: BIRTH, events: Vec::new() }
    }

    fn begun() -> Self {
        let mut life = Self::new();
        life.take(Command::Begin).unwrap();
        life
    }

    /// Takes a command ten milliseconds after the one before; gives the names of the events.
    fn take(&mut self, command: Command) -> Result<Vec<&'static str>, Rejected> {
        self.now += 10;
        let events = decide(&self.session, command, self.now)?;
        for event in &events {
            apply(&mut self.session, event);
        }
        let names = events.iter().map(|event| event.kind.name()).collect();
        self.events.extend(events);
        Ok(names)
    }

    /// Takes an answer that is refused with an error of the contract.
    fn refused(&mut self, payload: ResumePayload) -> ResumeError {
        let before = self.session.clone();
        match self.take(Command::Answer(payload)) {
            Err(Rejected::Answer(error)) => {
                assert_eq!(self.session, before, "a refused answer changes nothing");
                error
            }
            other => panic!("it should have been refused: {other:?}"),
        }
    }

    fn pause(&self) -> &Pause {
        match self.session.state() {
            ExecutionState::Paused(pause) => pause,
            other => panic!("it should be paused: {other:?}"),
        }
    }
}

fn question(prompt: &str) -> Question {
    Question { prompt: prompt.into(), max_tokens: 100, ..Question::default() }
}

fn ask(prompt: &str) -> Command {
    Command::Ask { kind: PauseKind::Single, questions: vec![question(prompt)] }
}

fn ask_batch<const N: usize>(prompts: [&str; N]) -> Command {
    Command::Ask { kind: PauseKind::Batch, questions: prompts.map(question).to_vec() }
}

fn answer(n: u32) -> Answer {
    Answer::new(QueryId::new(n), format!("answer {n}"), AnsweredBy::Person)
}

fn named(n: u32, name: &str) -> Answer {
    Answer { answer_id: Some(name.into()), ..answer(n) }
}

fn single(answer: Answer) -> ResumePayload {
    ResumePayload::Single(answer)
}

fn batch<const N: usize>(answers: [Answer; N]) -> ResumePayload {
    ResumePayload::Batch(answers.into())
}

fn cancel(seen_at: SeenAt) -> Command {
    let reason = CancelReason { code: CancelCode::User, detail: Some("enough".into()), requested_at: 5 };
    Command::Cancel { reason, seen_at }
}

fn finish() -> Command {
    Command::Finish { value: serde_json::json!({"ok": true}) }
}

fn fail(message: &str) -> Command {
    let kind = switchboard::domain::FailureKind::LuaError;
    Command::Fail { message: message.into(), kind, limit: None, traceback: None }
}
