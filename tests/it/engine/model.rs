//! A small model of the registry, written for itself, against the real one: whatever is asked of both in whatever
//! order, both say the same.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::Config;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use switchboard::domain::{
    Answer, AnsweredBy, CancelCode, CancelReason, ExecutionState, ObserverRecvError, PromptHash, QueryId, Question,
    ResumeError, ResumeOutcome, ResumePayload, SessionId, StateName,
};
use switchboard::engine::{Journal, Observer};
use tokio::runtime::Runtime;

use std::time::Duration;

use crate::support::{Act, Rig};

/// What a program of the model does.
#[derive(Debug, Clone, Copy)]
enum Beat {
    Ask(u32),
    AskBatch(u32),
    Log(u32),
    Fail,
    Spin,
}

/// One answer of a payload.
#[derive(Debug, Clone)]
struct Item {
    query: u32,
    epoch: Option<u32>,
    /// Whether the hash is the right one.
    hash: Option<bool>,
    name: Option<u8>,
    by: u8,
}

#[derive(Debug, Clone)]
enum Move {
    Spawn(Vec<Beat>),
    Answer {
        session: usize,
        batch: bool,
        items: Vec<Item>,
    },
    Cancel {
        session: usize,
        n: i64,
    },
    Observe {
        session: usize,
        from: u64,
    },
    Close {
        observer: usize,
    },
    Await {
        session: usize,
    },
    /// Time passes and the sweeper sweeps.
    Sweep,
}

/// What a verb says.
#[derive(Debug, Clone, PartialEq)]
enum Word {
    Nothing,
    Continued,
    Remaining(u32),
    Invalid,
    AlreadyCancelled,
    AlreadyAnswered(u32, u8),
    Stale,
    NotPaused(StateName),
    Unknown(u32, Vec<u32>),
    /// The state after a cancel, with the number of the reason if it is cancelled.
    State(StateName, Option<i64>),
}

#[derive(Debug, Clone)]
struct Life {
    beats: Vec<Beat>,
    next: usize,
    state: StateName,
    cancelled_by: Option<i64>,
    epoch: u32,
    /// Queries of the pause: from this number on, each answered or not.
    first: u32,
    open: Vec<bool>,
    asked: u32,
    answered: BTreeMap<u32, u8>,
    delivered: BTreeMap<(u32, u8), u32>,
    events: Vec<&'static str>,
    retired: bool,
}

#[derive(Debug, Clone, Default)]
struct Model {
    lives: Vec<Life>,
    /// Session and first event of each observer; `None` once it is closed.
    observers: Vec<Option<(usize, u64)>>,
    word: Option<Word>,
}

impl Life {
    fn new(beats: Vec<Beat>) -> Self {
        let mut life = Self {
            beats,
            next: 0,
            state: StateName::Running,
            cancelled_by: None,
            epoch: 0,
            first: 1,
            open: Vec::new(),
            asked: 0,
            answered: BTreeMap::new(),
            delivered: BTreeMap::new(),
            events: vec!["tick"],
            retired: false,
        };
        life.run();
        life
    }

    /// The program runs until it waits, loops or ends.
    fn run(&mut self) {
        loop {
            let beat = self.beats.get(self.next).copied();
            self.next += 1;
            match beat {
                Some(Beat::Log(n)) => self.events.extend((0..n).map(|_| "log")),
                Some(Beat::Spin) => return,
                Some(Beat::Fail) => return self.end(StateName::Failed),
                None => return self.end(StateName::Done),
                Some(Beat::Ask(n) | Beat::AskBatch(n)) => {
                    self.state = StateName::Paused;
                    self.epoch += 1;
                    self.first = self.asked + 1;
                    self.asked += n;
                    self.open = vec![true; n as usize];
                    self.events.extend(["state_transition", "pause_requested"]);
                    self.events.extend((0..n).map(|_| "llm_call_begin"));
                    return;
                }
            }
        }
    }

    fn end(&mut self, state: StateName) {
        self.state = state;
        self.events.push("state_transition");
    }

    fn pending(&self) -> Vec<u32> {
        (self.first..).zip(&self.open).filter(|(_, open)| **open).map(|(n, _)| n).collect()
    }

    fn in_pause(&self, query: u32) -> bool {
        self.state == StateName::Paused && (self.first..self.first + self.open.len() as u32).contains(&query)
    }

    fn answer(&mut self, items: &[Item]) -> Word {
        let twice = |n: usize| items[..n].iter().any(|before| before.query == items[n].query);
        if items.is_empty() || (0..items.len()).any(twice) {
            return Word::Invalid;
        }
        let delivered: Option<Vec<u32>> =
            items.iter().map(|item| self.delivered.get(&(item.query, item.name?)).copied()).collect();
        if let Some(left) = delivered.and_then(|all| all.into_iter().min()) {
            return outcome(left);
        }
        if self.state == StateName::Cancelled {
            return Word::AlreadyCancelled;
        }
        if let Some(item) = items.iter().find(|item| self.answered.contains_key(&item.query)) {
            return Word::AlreadyAnswered(item.query, self.answered[&item.query]);
        }
        for item in items {
            let other_pause = item.epoch.is_some_and(|epoch| epoch != self.epoch);
            if other_pause || (item.hash == Some(false) && self.in_pause(item.query)) {
                return Word::Stale;
            }
        }
        if self.state != StateName::Paused {
            return Word::NotPaused(self.state);
        }
        if let Some(item) = items.iter().find(|item| !self.in_pause(item.query)) {
            return Word::Unknown(item.query, self.pending());
        }
        for item in items {
            self.open[(item.query - self.first) as usize] = false;
            self.answered.insert(item.query, item.by);
            if let Some(name) = item.name {
                self.delivered.insert((item.query, name), self.pending().len() as u32);
            }
            self.events.extend(["answer_accepted", "llm_call_end"]);
        }
        let left = self.pending().len() as u32;
        if left == 0 {
            self.state = StateName::Running;
            self.events.extend(["state_transition", "resume_accepted"]);
            self.run();
        }
        outcome(left)
    }

    fn cancel(&mut self, n: i64) -> Word {
        if !self.state.is_ended() {
            self.cancelled_by = Some(n);
            self.events.push("cancel_requested");
            self.end(StateName::Cancelled);
        }
        Word::State(self.state, self.cancelled_by)
    }
}

fn outcome(left: u32) -> Word {
    if left == 0 { Word::Continued } else { Word::Remaining(left) }
}

fn beats() -> impl Strategy<Value = Vec<Beat>> {
    let beat = prop_oneof![
        6 => Just(Beat::Ask(1)),
        6 => (1..4_u32).prop_map(Beat::AskBatch),
        2 => (1..400_u32).prop_map(Beat::Log),
        1 => Just(Beat::Fail),
        1 => Just(Beat::Spin),
    ];
    vec(beat, 0..8)
}

/// Items that mostly fit the session as it stands, and sometimes do not.
fn item(life: &Life) -> BoxedStrategy<Item> {
    let (epoch, first, width) = (life.epoch, life.first, life.open.len() as u32);
    let query = prop_oneof![8 => first..=first + width, 2 => 0..=life.asked + 2];
    let epoch = prop_oneof![6 => Just(None), 3 => Just(Some(epoch)), 1 => (0..5_u32).prop_map(Some)];
    let hash = prop_oneof![6 => Just(None), 3 => Just(Some(true)), 1 => Just(Some(false))];
    (query, epoch, hash, option::weighted(0.4, 0..6_u8), 0..3_u8)
        .prop_map(|(query, epoch, hash, name, by)| Item { query, epoch, hash, name, by })
        .boxed()
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Move;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn transitions(state: &Self) -> BoxedStrategy<Move> {
        let spawn = beats().prop_map(Move::Spawn);
        if state.lives.is_empty() {
            return spawn.boxed();
        }
        let session = 0..state.lives.len();
        let lives = state.lives.clone();
        let answer = session.clone().prop_flat_map(move |session| {
            let items = vec(item(&lives[session]), 0..4);
            (items, any::<bool>()).prop_map(move |(items, batch)| {
                let batch = batch || items.len() != 1;
                Move::Answer { session, batch, items }
            })
        });
        prop_oneof![
            3 => spawn,
            20 => answer,
            1 => (session.clone(), any::<i64>()).prop_map(|(session, n)| Move::Cancel { session, n }),
            3 => (session.clone(), 0..30_u64).prop_map(|(session, from)| Move::Observe { session, from }),
            2 => (0..4_usize).prop_map(|observer| Move::Close { observer }),
            2 => session.prop_map(|session| Move::Await { session }),
            2 => Just(Move::Sweep),
        ]
        .boxed()
    }

    fn preconditions(state: &Self, transition: &Move) -> bool {
        match transition {
            Move::Spawn(_) | Move::Sweep => true,
            Move::Answer { session, .. }
            | Move::Cancel { session, .. }
            | Move::Observe { session, .. }
            | Move::Await { session } => *session < state.lives.len(),
            Move::Close { observer } => state.observers.get(*observer).is_some_and(Option::is_some),
        }
    }

    fn apply(mut state: Self, transition: &Move) -> Self {
        let word = match transition {
            Move::Spawn(beats) => {
                state.lives.push(Life::new(beats.clone()));
                Word::Nothing
            }
            Move::Answer { session, items, .. } => state.lives[*session].answer(items),
            Move::Cancel { session, n } => state.lives[*session].cancel(*n),
            Move::Observe { session, from } => {
                state.observers.push(Some((*session, *from)));
                Word::Nothing
            }
            Move::Close { observer } => {
                state.observers[*observer] = None;
                Word::Nothing
            }
            Move::Await { session } => {
                let life = &state.lives[*session];
                if life.state.is_ended() { Word::State(life.state, life.cancelled_by) } else { Word::Nothing }
            }
            Move::Sweep => {
                let observed: Vec<usize> = state.observers.iter().flatten().map(|(session, _)| *session).collect();
                for (n, life) in state.lives.iter_mut().enumerate() {
                    life.retired |= life.state.is_ended() && !observed.contains(&n);
                }
                Word::Nothing
            }
        };
        state.word = Some(word);
        state
    }
}

/// The real registry, and what is needed to ask it.
struct Real {
    runtime: Runtime,
    rig: Rig,
    ids: Vec<SessionId>,
    /// Each with how many events of its session it has read or skipped.
    observers: Vec<Option<(Observer, u64)>>,
}

const ANSWERERS: [fn() -> AnsweredBy; 3] =
    [|| AnsweredBy::Person, || AnsweredBy::Rule("polite".into()), || AnsweredBy::File];

fn real_answer(item: &Item) -> Answer {
    let prompt = |right| if right { format!("prompt {}", item.query) } else { "another".to_owned() };
    Answer {
        epoch: item.epoch,
        prompt_hash: item.hash.map(|right| PromptHash::of(&prompt(right))),
        answer_id: item.name.map(|name| format!("delivery {name}").into()),
        ..Answer::new(QueryId::new(item.query), "text", ANSWERERS[item.by as usize]())
    }
}

fn word_of(reply: Result<ResumeOutcome, ResumeError>) -> Word {
    let by = |by| ANSWERERS.iter().position(|answerer| answerer() == by).unwrap() as u8;
    match reply {
        Ok(ResumeOutcome::Continued) => Word::Continued,
        Ok(ResumeOutcome::Remaining(n)) => Word::Remaining(n),
        Err(ResumeError::InvalidPayload { .. }) => Word::Invalid,
        Err(ResumeError::AlreadyCancelled) => Word::AlreadyCancelled,
        Err(ResumeError::AlreadyAnswered { id, by: first }) => Word::AlreadyAnswered(id.number(), by(first)),
        Err(ResumeError::Stale { .. }) => Word::Stale,
        Err(ResumeError::NotPaused { actual }) => Word::NotPaused(actual),
        Err(ResumeError::UnknownQuery { id, pending }) => {
            Word::Unknown(id.number(), pending.iter().map(|id| id.number()).collect())
        }
        Err(other) => panic!("{other}"),
    }
}

fn word_of_state(state: &ExecutionState) -> Word {
    let n = match state {
        ExecutionState::Cancelled(end) => Some(end.reason.requested_at),
        _ => None,
    };
    Word::State(state.name(), n)
}

fn acts(beats: &[Beat]) -> Vec<Act> {
    let mut asked = 0;
    let mut prompt = || {
        asked += 1;
        Question { prompt: format!("prompt {asked}").into(), ..Question::default() }
    };
    let act = |beat: &Beat| match beat {
        Beat::Ask(_) => Act::Ask(prompt().prompt),
        Beat::AskBatch(n) => Act::AskBatch((0..*n).map(|_| prompt()).collect()),
        Beat::Log(n) => Act::Log(u64::from(*n)),
        Beat::Fail => Act::raise("no"),
        Beat::Spin => Act::Spin,
    };
    beats.iter().map(act).collect()
}

impl Real {
    /// Does what the model did; gives what was said.
    fn make(&mut self, transition: Move) -> Word {
        let Self { runtime, rig, ids, observers } = self;
        let registry = &rig.registry;
        runtime.block_on(async {
            match transition {
                Move::Spawn(beats) => {
                    ids.push(rig.start(acts(&beats)).await);
                    Word::Nothing
                }
                Move::Answer { session, batch, items } => {
                    let mut answers = items.iter().map(real_answer);
                    let payload = if batch {
                        ResumePayload::Batch(answers.collect())
                    } else {
                        ResumePayload::Single(answers.next().unwrap())
                    };
                    word_of(registry.resume(ids[session], payload).await)
                }
                Move::Cancel { session, n } => {
                    let why = CancelReason { code: CancelCode::User, detail: None, requested_at: n };
                    word_of_state(&registry.cancel(ids[session], why).await.unwrap())
                }
                Move::Observe { session, from } => {
                    let observer = registry.observe(ids[session], Some(from)).unwrap();
                    observers.push(Some((observer, from.saturating_sub(1))));
                    Word::Nothing
                }
                Move::Close { observer } => {
                    observers[observer] = None;
                    Word::Nothing
                }
                Move::Await { session } => {
                    let end = futures::FutureExt::now_or_never(registry.await_terminal(ids[session]));
                    end.map_or(Word::Nothing, |end| word_of_state(&end.unwrap().into()))
                }
                Move::Sweep => {
                    tokio::time::advance(Duration::from_secs(10)).await;
                    Word::Nothing
                }
            }
        })
    }

    /// Lets everything happen that is under way. On one thread a few hundred turns are far more than it takes.
    fn settle(&self) {
        self.runtime.block_on(async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        });
    }
}

struct ModelTest;

impl StateMachineTest for ModelTest {
    type SystemUnderTest = Real;
    type Reference = Model;

    fn init_test(_: &Model) -> Real {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let rig = runtime.block_on(async {
            let rig = Rig::on_paused_time();
            rig.registry.collect(Duration::ZERO, Duration::from_secs(10));
            rig
        });
        Real { runtime, rig, ids: Vec::new(), observers: Vec::new() }
    }

    fn apply(mut real: Real, model: &Model, transition: Move) -> Real {
        let said = real.make(transition.clone());
        assert_eq!(Some(&said), model.word.as_ref(), "{transition:?}");
        real.settle();
        // An observer reads along after some moves and falls behind during the others.
        for (n, (observer, wanted)) in (0..).zip(real.observers.iter_mut().zip(&model.observers)) {
            let (Some((observer, seen)), Some((session, _))) = (observer, wanted) else { continue };
            let life = &model.lives[*session];
            if (n + model.lives.len()).is_multiple_of(2) && !life.state.is_ended() {
                continue;
            }
            let said = loop {
                match observer.try_recv() {
                    Ok(Some(event)) => {
                        assert_eq!(event.seq, *seen + 1);
                        assert_eq!(event.kind.name(), life.events[*seen as usize]);
                        *seen += 1;
                    }
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            };
            assert_eq!(said, life.state.is_ended().then_some(ObserverRecvError::Closed));
            assert_eq!((*seen).max(life.events.len() as u64), *seen, "it has read everything");
        }
        real
    }

    fn check_invariants(real: &Real, model: &Model) {
        let registry = &real.rig.registry;
        assert_eq!(registry.list().len(), model.lives.len());
        for (id, life) in real.ids.iter().zip(&model.lives) {
            let summary = registry.summary(*id).unwrap();
            assert_eq!(registry.state(*id).as_ref(), Ok(&summary.state));
            assert_eq!(word_of_state(&summary.state), Word::State(life.state, life.cancelled_by));
            assert_eq!(summary.last_seq as usize, life.events.len());
            assert_eq!(
                (summary.usage.llm_calls, summary.usage.pauses, summary.usage.total_response_chars),
                (u64::from(life.asked), u64::from(life.epoch), 4 * life.answered.len() as u64)
            );
            if let ExecutionState::Paused(pause) = &summary.state {
                let pending: Vec<u32> = pause.pending().map(|prompt| prompt.query.query_id.number()).collect();
                assert_eq!((pause.epoch, pending), (life.epoch, life.pending()));
            }
            assert_eq!(real.rig.journal.retired(*id).is_some(), life.retired, "{life:?}");
        }
    }

    /// At the end somebody comes late to every session and reads all of it.
    fn teardown(real: Real, model: Model) {
        real.runtime.block_on(async {
            for (id, life) in real.ids.iter().zip(&model.lives) {
                let mut late = real.rig.registry.observe(*id, None).unwrap();
                for kind in &life.events {
                    assert_eq!(late.recv().await.unwrap().kind.name(), *kind);
                }
            }
        });
    }
}

prop_state_machine! {
    #![proptest_config(Config { cases: 100, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() })]

    #[test]
    fn the_registry_says_what_a_small_model_of_it_says(sequential 1..60 => ModelTest);
}
