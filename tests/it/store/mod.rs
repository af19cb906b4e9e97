//! The journal on disk, and the port that it and the one in memory stand behind.

mod contract;
mod damage;
mod exact;
mod golden;
mod holding;
mod links;
mod prefix;
mod read_only;
mod retention;
mod trouble;
mod watching;

use std::path::Path;
use std::sync::Arc;

use switchboard::domain::{
    Answer, AnsweredBy, Command, PauseKind, QueryId, Question, ResumePayload, Session, SessionId, SessionSpec,
    Timestamp, apply, decide,
};
use switchboard::engine::{Durability, Journal, Record, Reply, Turn};
use switchboard::store::journal::{Opened, SqliteJournal};

/// The life of one session, as its task would record it.
pub(crate) struct Life {
    pub(crate) session: Session,
    now: Timestamp,
    pub(crate) records: Vec<Record>,
}

impl Life {
    pub(crate) fn new(id: u64, spec: SessionSpec) -> Self {
        let (spec, at) = (Arc::new(spec), 1000);
        let session = Session::new(SessionId::from_bits(id), Arc::clone(&spec), at);
        Self { session, now: at, records: vec![Record::Spawned { spec, at, engine: "test".into() }] }
    }

    /// A program that has begun.
    pub(crate) fn begun(id: u64) -> Self {
        let mut life = Self::new(id, SessionSpec::run("return alc.llm('why?')"));
        life.take(Command::Begin);
        life
    }

    pub(crate) fn id(&self) -> SessionId {
        self.session.id()
    }

    /// Takes a command, and adds its turn to the records.
    pub(crate) fn take(&mut self, command: Command) -> Turn {
        self.now += 10;
        let events = decide(&self.session, command, self.now).unwrap();
        for event in &events {
            apply(&mut self.session, event);
        }
        let turn = Turn::new(events).unwrap();
        self.records.push(Record::Turn(turn.clone()));
        turn
    }

    pub(crate) fn ask(&mut self, prompt: &str) -> Turn {
        let question = Question { prompt: prompt.into(), max_tokens: 10, ..Question::default() };
        self.take(Command::Ask { kind: PauseKind::Single, questions: vec![question] })
    }

    pub(crate) fn answer(&mut self, n: u32, response: &str) -> Turn {
        let answer = Answer::new(QueryId::new(n), response, AnsweredBy::Rule("r".into()));
        self.take(Command::Answer(ResumePayload::Single(answer)))
    }

    pub(crate) fn log(&mut self, message: &str) -> Turn {
        self.take(Command::Log { level: "info".into(), source: "log".into(), message: message.into() })
    }

    pub(crate) fn finish(&mut self) -> Turn {
        self.take(Command::Finish { value: serde_json::json!({"ok": 0.1}) })
    }

    /// Appends every record by itself, and waits until it is durable.
    pub(crate) async fn write(&self, journal: &dyn Journal) {
        self.write_from(0, journal).await;
    }

    pub(crate) async fn write_from(&self, first: usize, journal: &dyn Journal) {
        for record in &self.records[first..] {
            let mut reply = journal.append(self.id(), std::slice::from_ref(record), Durability::Acknowledged);
            reply.get().await.unwrap();
        }
    }
}

/// Appends all records of each life at once, and waits until they are durable.
async fn write_at_once(lives: &[Life], journal: &dyn Journal) {
    let append = |life: &Life| journal.append(life.id(), &life.records, Durability::Acknowledged);
    for mut reply in lives.iter().map(append).collect::<Vec<_>>() {
        reply.get().await.unwrap();
    }
}

/// What a journal says, once it does.
async fn told<T: Clone>(mut reply: Reply<T>) -> T {
    reply.get().await.unwrap()
}

/// What tells records from each other: they have no other equality, and their form for people shows every bit.
fn shown(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| format!("{record:?}")).collect()
}

async fn records_of(journal: &dyn Journal, id: SessionId) -> Option<Vec<String>> {
    told(journal.records(id)).await.map(|records| shown(&records))
}

/// Opens a journal that nobody else has.
pub(crate) fn open(path: &Path) -> SqliteJournal {
    match SqliteJournal::open(path).unwrap() {
        Opened::Writer(journal) => journal,
        Opened::Reader(_, holder) => panic!("it is held by {holder}"),
        Opened::ReadOnly(_, why) => panic!("{why}"),
    }
}

pub(crate) async fn close(journal: SqliteJournal) {
    told(journal.close()).await;
}
