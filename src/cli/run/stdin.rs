//! Answers on standard input: each line waits until its query is asked, each question until its line has come.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead, Read};
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::output;
use super::answers_file::json_fault;
use super::coprocess::line_limit;
use super::sources::{Ask, Stage};
use super::supervise::Ending;
use crate::domain::{Answer, AnsweredBy, ExecutionState, QueryId, ResumePayload, SessionId, TokenUsage};
use crate::engine::Registry;

/// Lines read ahead of the one who looks at them.
const LINES: usize = 256;

/// Unused answers that are named at the end; of more, the number is told.
const NAMED: usize = 5;

/// The source.
pub(super) struct StdinAnswers {
    lines: mpsc::Receiver<Numbered>,
    matching: Matching,
    registry: Registry,
    next: Stage,
    ending: Arc<OnceLock<Ending>>,
}

/// A line with its number, counted from 1; or why there is none.
type Numbered = (u64, Result<Vec<u8>, String>);

/// A line as people write it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerLine {
    session: Option<String>,
    query_id: QueryId,
    epoch: Option<u32>,
    response: String,
    usage: Option<TokenUsage>,
    answer_id: Option<Arc<str>>,
}

/// An answer and the number of its line.
#[derive(Debug)]
struct Given {
    number: u64,
    line: AnswerLine,
}

impl StdinAnswers {
    /// Starts to read standard input. What it cannot answer once that has ended is passed to `next`.
    pub(super) fn open(
        registry: Registry,
        next: Stage,
        copies: u32,
        ending: Arc<OnceLock<Ending>>,
    ) -> io::Result<Self> {
        let (sender, lines) = mpsc::channel(LINES);
        // A read cannot be interrupted: the thread ends with its input or with the process.
        std::thread::Builder::new().name("stdin".into()).spawn(move || read(&mut io::stdin().lock(), &sender))?;
        Ok(Self { lines, matching: Matching::new(copies), registry, next, ending })
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
            Some(Ending::NobodyAnswers) | None => self.matching.name_unused(),
        }
    }

    async fn asked(&mut self, ask: Ask) {
        self.matching.open(ask.session, &ask);
        for query in &ask.queries {
            while let Some(given) = self.matching.take_given(ask.session, query.query_id) {
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
        if let Some(session) = &line.session
            && !is_id_prefix(session)
        {
            return complain(number, &format!("{session:?} is no session id; it is skipped"));
        }
        let query = line.query_id;
        let names_session = line.session.is_some();
        let given = Given { number, line };
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

/// Which answers wait for their question, and which questions for their answer.
struct Matching {
    copies: u32,
    /// Whether no more lines come.
    is_complete: bool,
    /// Questions without an answer.
    open: HashMap<SessionId, Ask>,
    /// The same by query, in the order asked; some may have been settled since.
    open_by_query: HashMap<QueryId, VecDeque<SessionId>>,
    /// The last query that each session has asked here.
    asked: HashMap<SessionId, QueryId>,
    /// The session of the run above each child.
    tops: HashMap<SessionId, SessionId>,
    /// Answers that name a whole session.
    for_session: HashMap<(SessionId, QueryId), VecDeque<Given>>,
    /// Answers that name the beginning of one.
    for_prefix: Vec<Given>,
    /// Answers for whichever session asks first.
    for_any: HashMap<QueryId, VecDeque<Given>>,
}

/// Where an answer belongs.
enum Place {
    /// To a question that waits.
    Asked(SessionId),
    /// To a question that was answered.
    Over(SessionId),
    /// To one that has not been asked.
    NotYet,
}

impl Matching {
    fn new(copies: u32) -> Self {
        Self {
            copies,
            is_complete: false,
            open: HashMap::new(),
            open_by_query: HashMap::new(),
            asked: HashMap::new(),
            tops: HashMap::new(),
            for_session: HashMap::new(),
            for_prefix: Vec::new(),
            for_any: HashMap::new(),
        }
    }

    fn open(&mut self, session: SessionId, ask: &Ask) {
        for query in &ask.queries {
            self.open_by_query.entry(query.query_id).or_default().push_back(session);
            self.asked.insert(session, query.query_id);
        }
        if ask.top != session {
            self.tops.insert(session, ask.top);
        }
        self.open.insert(session, Ask { queries: ask.queries.clone(), ..*ask });
    }

    fn close(&mut self, session: SessionId, query: QueryId) {
        if let Some(ask) = self.open.get_mut(&session) {
            ask.queries.retain(|open| open.query_id != query);
            if ask.queries.is_empty() {
                self.open.remove(&session);
            }
        }
    }

    /// Takes back that a session was to get an answer that names none: it is the first to get the next.
    fn put_back(&mut self, session: SessionId, query: QueryId) {
        if self.copies > 1 || query.child().is_some() {
            self.open_by_query.entry(query).or_default().push_front(session);
        }
    }

    fn give_up(&mut self, session: SessionId) -> Option<Ask> {
        self.open.remove(&session)
    }

    fn open_sessions(&self) -> Vec<SessionId> {
        self.open.keys().copied().collect()
    }

    fn is_open(&self, session: SessionId, query: QueryId) -> bool {
        self.open.get(&session).is_some_and(|ask| ask.queries.iter().any(|open| open.query_id == query))
    }

    /// An answer that has waited for this query: one that names its session before one that does not.
    fn take_given(&mut self, session: SessionId, query: QueryId) -> Option<Given> {
        let names = self.names_of(session);
        for name in &names {
            if let Some(given) = self.for_session.get_mut(&(*name, query)).and_then(VecDeque::pop_front) {
                return Some(given);
            }
        }
        if !self.for_prefix.is_empty() {
            let ids: Vec<String> = names.iter().map(SessionId::to_string).collect();
            let names_one = |named: &String| ids.iter().any(|id| id.starts_with(named));
            let fits =
                |given: &Given| given.line.query_id == query && given.line.session.as_ref().is_some_and(names_one);
            if let Some(at) = self.for_prefix.iter().position(fits) {
                return Some(self.for_prefix.remove(at));
            }
        }
        self.for_any.get_mut(&query).and_then(VecDeque::pop_front)
    }

    fn place(&mut self, given: &Given) -> Place {
        let query = given.line.query_id;
        let session = match &given.line.session {
            None if self.copies > 1 || query.child().is_some() => {
                // Of several sessions the one that has waited longest is meant.
                while let Some(session) = self.open_by_query.get_mut(&query).and_then(VecDeque::pop_front) {
                    if self.is_open(session, query) {
                        return Place::Asked(session);
                    }
                }
                return Place::NotYet;
            }
            None => self.asked.keys().find(|session| !self.tops.contains_key(session)).copied(),
            Some(named) => self.named(named, query),
        };
        match session {
            Some(session) if self.is_open(session, query) => Place::Asked(session),
            Some(session) if self.asked.get(&session).is_some_and(|last| *last >= query) => Place::Over(session),
            Some(_) | None => Place::NotYet,
        }
    }

    /// What people may call a session: its id, or that of the session of the run.
    fn names_of(&self, session: SessionId) -> Vec<SessionId> {
        [Some(session), self.tops.get(&session).copied()].into_iter().flatten().collect()
    }

    /// The session that a line means which names one by its id or the beginning of it. With the query of a child the
    /// session of the run means the one of its children that waits for that.
    fn named(&self, named: &str, query: QueryId) -> Option<SessionId> {
        let session = named.parse().ok().or_else(|| self.by_prefix(named, query));
        if query.child().is_none() || session.is_some_and(|session| self.tops.contains_key(&session)) {
            return session;
        }
        let is_meant = |child: &SessionId| {
            let top = self.tops.get(child).map(SessionId::to_string);
            top.is_some_and(|top| top.starts_with(named)) && self.is_open(*child, query)
        };
        self.open.keys().find(|child| is_meant(child)).copied().or(session)
    }

    /// The one session that has asked such a query and whose id begins so.
    fn by_prefix(&self, prefix: &str, query: QueryId) -> Option<SessionId> {
        let alike = |(_, asked): &(&SessionId, &QueryId)| asked.child() == query.child();
        let asked = self.asked.iter().filter(alike).map(|(session, _)| session);
        let mut fitting = asked.filter(|session| session.to_string().starts_with(prefix));
        match (fitting.next(), fitting.next()) {
            (Some(session), None) => Some(*session),
            _ => None,
        }
    }

    /// Keeps an answer until its query is asked. Without bound, since the lines are the user's own.
    fn keep(&mut self, given: Given) {
        let query = given.line.query_id;
        match given.line.session.as_ref().map(|named| named.parse()) {
            None => self.for_any.entry(query).or_default().push_back(given),
            Some(Ok(session)) => self.for_session.entry((session, query)).or_default().push_back(given),
            Some(Err(_)) => self.for_prefix.push(given),
        }
    }

    /// Names the answers that were never used: an answer must not vanish unseen.
    fn name_unused(self) {
        let queues = self.for_session.into_values().chain(self.for_any.into_values());
        let mut unused: Vec<_> = queues.flatten().chain(self.for_prefix).collect();
        unused.sort_by_key(|given| given.number);
        for given in unused.iter().take(NAMED) {
            complain(given.number, &format!("nobody waited for an answer to {}", given.line.query_id));
        }
        if unused.len() > NAMED {
            output::message(&format!("standard input: so it was with {} more lines", unused.len() - NAMED));
        }
    }
}

fn complain(number: u64, fault: &str) {
    output::message(&format!("standard input, line {number}: {fault}"));
}

fn is_id_prefix(text: &str) -> bool {
    (1..=16).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Reads lines until the input ends or nobody wants them.
fn read(input: &mut impl BufRead, lines: &mpsc::Sender<Numbered>) {
    let limit = line_limit();
    for number in 1.. {
        let mut line = Vec::new();
        let read = input.by_ref().take(limit).read_until(b'\n', &mut line);
        let line = match read {
            Ok(0) => return,
            Ok(_) if line.len() as u64 >= limit && line.last() != Some(&b'\n') => {
                skip_line(input);
                Err(format!("it is longer than {limit} bytes; it is skipped"))
            }
            Ok(_) => Ok(line),
            Err(error) => {
                let _ = lines.blocking_send((number, Err(format!("cannot be read: {error}"))));
                return;
            }
        };
        if lines.blocking_send((number, line)).is_err() {
            return;
        }
    }
}

fn skip_line(input: &mut impl BufRead) {
    while let Ok(buffer) = input.fill_buf() {
        let (length, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(length);
        if ended {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_skipped_and_the_next_is_read() {
        let mut text = vec![b'x'; line_limit() as usize + 10];
        text.extend_from_slice(b"\nnext\nlast");
        let (sender, mut lines) = mpsc::channel(8);
        read(&mut text.as_slice(), &sender);
        let mut next = || lines.try_recv().unwrap();
        assert!(next().1.unwrap_err().starts_with("it is longer than"));
        assert_eq!(next(), (2, Ok(b"next\n".to_vec())));
        assert_eq!(next(), (3, Ok(b"last".to_vec())));
    }
}
