//! Which answers wait for their question, and which questions for their answer. Nothing is answered here.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use serde::Deserialize;

use super::sources::Ask;
use crate::domain::{QueryId, SessionId, TokenUsage};

/// A line as people write it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerLine {
    pub(super) session: Option<String>,
    pub(super) query_id: QueryId,
    pub(super) epoch: Option<u32>,
    pub(super) response: String,
    pub(super) usage: Option<TokenUsage>,
    pub(super) answer_id: Option<Arc<str>>,
}

/// An answer and the number of its line.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) number: u64,
    pub(super) line: AnswerLine,
}

/// Which answers wait for their question, and which questions for their answer.
pub(super) struct Matching {
    copies: u32,
    /// Whether no more lines come.
    pub(super) is_complete: bool,
    /// Questions without an answer.
    open: HashMap<SessionId, Ask>,
    /// The same by query, in the order asked; some may have been settled since.
    open_by_query: HashMap<QueryId, VecDeque<SessionId>>,
    /// The last query that each session has asked here.
    asked: HashMap<SessionId, QueryId>,
    /// The sessions that a person has started, as far as they are known, also those that have asked nothing yet.
    started: BTreeSet<SessionId>,
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
pub(super) enum Place {
    /// To a question that waits.
    Asked(SessionId),
    /// To a question that was answered.
    Over(SessionId),
    /// To one that has not been asked.
    NotYet,
}

impl Matching {
    pub(super) fn new(copies: u32) -> Self {
        Self {
            copies,
            is_complete: false,
            open: HashMap::new(),
            open_by_query: HashMap::new(),
            asked: HashMap::new(),
            started: BTreeSet::new(),
            tops: HashMap::new(),
            for_session: HashMap::new(),
            for_prefix: Vec::new(),
            for_any: HashMap::new(),
        }
    }

    pub(super) fn open(&mut self, session: SessionId, ask: &Ask) {
        for query in &ask.queries {
            self.open_by_query.entry(query.query_id).or_default().push_back(session);
            self.asked.insert(session, query.query_id);
        }
        self.started.insert(ask.top);
        if ask.top != session {
            self.tops.insert(session, ask.top);
        }
        self.open.insert(session, Ask { queries: ask.queries.clone(), ..*ask });
    }

    pub(super) fn close(&mut self, session: SessionId, query: QueryId) {
        if let Some(ask) = self.open.get_mut(&session) {
            ask.queries.retain(|open| open.query_id != query);
            if ask.queries.is_empty() {
                self.open.remove(&session);
            }
        }
    }

    /// Takes back that a session was to get an answer that names none: it is the first to get the next.
    pub(super) fn put_back(&mut self, session: SessionId, query: QueryId) {
        if self.copies > 1 || query.child().is_some() {
            self.open_by_query.entry(query).or_default().push_front(session);
        }
    }

    pub(super) fn give_up(&mut self, session: SessionId) -> Option<Ask> {
        self.open.remove(&session)
    }

    pub(super) fn open_sessions(&self) -> Vec<SessionId> {
        self.open.keys().copied().collect()
    }

    fn is_open(&self, session: SessionId, query: QueryId) -> bool {
        self.open.get(&session).is_some_and(|ask| ask.queries.iter().any(|open| open.query_id == query))
    }

    /// An answer that has waited for this query: one that names its session before one that does not.
    pub(super) fn take_given(&mut self, session: SessionId, query: QueryId) -> Option<Given> {
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

    pub(super) fn place(&mut self, given: &Given) -> Place {
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

    /// Notes a session that a person has started.
    pub(super) fn start(&mut self, session: SessionId) {
        self.started.insert(session);
    }

    /// How many sessions a line may mean that names one by the beginning of its id. With the query of a child, a session
    /// that was started and the one of its children that asks so are the same.
    pub(super) fn meanings(&self, named: &str, query: QueryId) -> usize {
        let begins = |id: &SessionId| id.to_string().starts_with(named);
        let started: BTreeSet<&SessionId> = self.started.iter().filter(|id| begins(id)).collect();
        let is_child = |session: &SessionId| self.tops.get(session).is_some_and(|top| !started.contains(top));
        let asks_so = |asked: &QueryId| query.child().is_some() && asked.child() == query.child();
        let children =
            self.asked.iter().filter(|(session, asked)| asks_so(asked) && is_child(session) && begins(session));
        started.len() + children.count()
    }

    /// Keeps an answer until its query is asked. Without bound, since the lines are the user's own.
    pub(super) fn keep(&mut self, given: Given) {
        let query = given.line.query_id;
        match given.line.session.as_ref().map(|named| named.parse()) {
            None => self.for_any.entry(query).or_default().push_back(given),
            Some(Ok(session)) => self.for_session.entry((session, query)).or_default().push_back(given),
            Some(Err(_)) => self.for_prefix.push(given),
        }
    }

    /// The answers that were never used, in the order of their lines.
    pub(super) fn unused(self) -> Vec<Given> {
        let queues = self.for_session.into_values().chain(self.for_any.into_values());
        let mut unused: Vec<_> = queues.flatten().chain(self.for_prefix).collect();
        unused.sort_by_key(|given| given.number);
        unused
    }
}
