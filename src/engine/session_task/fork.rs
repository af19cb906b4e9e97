//! Runs the children that a program forks, and waits for them.
//!
//! A child is a session of its own: it is listed, observed, answered and cancelled like any other, has its parent's
//! limits (of its wall limit what is left), and takes from the budget of its family. It ends with its parent. The parent
//! waits as `running {waiting_on: n}`, and its usage grows by what each child has used, as that ends.
//!
//! A crash in between leaves children with a `parent` in their spec whether or not `child_started` was written: a
//! recovery finds them by session, fork and index, and makes none twice.

use std::sync::{Arc, Weak};

use futures::future::BoxFuture;
use futures::stream::{FuturesOrdered, FuturesUnordered};
use futures::{Stream, StreamExt};
use serde_json::{Value, json};

use super::{Over, SessionTask};
use crate::domain::{
    CancelCode, CancelReason, Command, EventKind, Parent, SessionId, SessionKind, SessionSpec, SharedBudget,
    TerminalOutcome,
};
use crate::engine::feed::Feed;
use crate::engine::posts::Live;
use crate::engine::purse::Purse;
use crate::engine::shared::Shared;
use crate::engine::spawning::Prepared;
use crate::engine::weight::json_weight;
use crate::engine::world::World;
use crate::engine::{EventRef, Fork, OnError, Presence, Spent};

/// Children of one fork, at most: each is a Lua state of its own.
const CHILDREN: usize = 256;

/// How deep forks may stand within each other.
const DEPTH: u32 = 4;

impl SessionTask {
    /// Runs the children of a fork to their ends. `Err` within is raised in the program.
    ///
    /// `begun` is what the record has of this fork, where the process before was in the middle of it: children that are
    /// there are not made again, and ends that are told are not told again.
    pub(super) async fn fork(&mut self, fork: Fork, begun: &[EventRef]) -> Result<Result<Value, String>, Over> {
        let depth = self.session.spec().parent.as_ref().map_or(0, |parent| parent.depth) + 1;
        if depth > DEPTH {
            return Ok(Err(format!("alc.fork: more than {DEPTH} forks within each other")));
        }
        if fork.strategies.len() > CHILDREN {
            return Ok(Err(format!("alc.fork: {} strategies; the limit is {CHILDREN}", fork.strategies.len())));
        }
        if begun.is_empty()
            && let Some(why) = self.too_large(fork.strategies.len(), &fork.ctx)
        {
            return Ok(Err(why));
        }
        let purse = self.purse_of_children();
        let number = self.session.forks() + u32::from(begun.is_empty());
        let there = match self.there_already(number, begun) {
            Ok(there) => there,
            Err(child) => {
                // To make it again would ask again what was answered.
                let why = format!("its child {child} has not come back");
                tracing::warn!(session = %self.session.id(), %why, "a fork cannot go on");
                self.show(Presence::cannot_replay(&why));
                match self.wait_marked().await? {}
            }
        };
        let mut children = Children::new(&self.shared, &self.world, there);
        for (index, strategy) in (0..).zip(&fork.strategies) {
            if children.is_there(index) {
                continue;
            }
            let spec = self.child(number, index, depth, strategy, &fork.ctx);
            let (shared, purse) = (self.shared.clone(), purse.clone());
            let mut preparing = Box::pin(async move {
                let shared = shared.upgrade().ok_or("the registry is gone")?;
                shared.prepare(spec, purse).await.map_err(|error| error.to_string())
            });
            let prepared = match self.meanwhile(&mut preparing).await {
                Ok(prepared) => prepared,
                Err(over) => {
                    // It may stand in the journal by now: then it has to come to an end there, with the others.
                    if over == Over::Ended
                        && let Ok(prepared) = preparing.await
                    {
                        children.add(index, prepared);
                    }
                    return Err(over);
                }
            };
            match prepared {
                Ok(prepared) => children.add(index, prepared),
                // No failure of the program's: whoever closes says what becomes of it.
                Err(_) if self.is_closing() => match self.wait_for_the_end().await? {},
                Err(why) => return Ok(Err(format!("alc.fork: cannot start strategy '{strategy}': {why}"))),
            }
        }
        // Whoever reads of them finds them.
        children.list();
        if begun.is_empty() {
            let names = children.ids().zip(fork.strategies.iter().cloned()).collect();
            self.turn(Command::StartChildren { children: names })?;
        }
        children.start();
        let told: Vec<SessionId> = begun.iter().filter_map(ended_child).collect();
        let mut results = vec![Value::Null; fork.strategies.len()];
        let mut failure: Option<(usize, String)> = None;
        // More the program could not take in.
        let (limit, mut results_take) = (self.session.spec().limits.memory_bytes, 0);
        let mut ends = children.ends(&told);
        while let Some((index, outcome)) = self.meanwhile(ends.next()).await? {
            if self.is_closing() && is_shut_down(&outcome) {
                // So is this session, and may hear of it later: what it waited for is no business of its program.
                match self.wait_for_the_end().await? {}
            }
            let child = &children.all[index];
            let strategy = &*fork.strategies[index];
            let result = result(&outcome).and_then(|value| {
                results_take += json_weight(&value) as u64;
                let too_many = || format!("the results of the fork take more than {limit} bytes, the limit of memory");
                if results_take > limit { Err(too_many()) } else { Ok(value) }
            });
            let gives_up = fork.on_error == OnError::Abort || results_take > limit;
            let aborts = gives_up && failure.is_none() && result.is_err();
            if aborts {
                // Before anybody learns of the failure: what they wait for does not count any more.
                children.expect_cancel();
            }
            if !told.contains(&child.id) {
                let usage = Box::new(child.live.feed.lock().summary.usage);
                self.turn(Command::EndChild { session: child.id, state: outcome.name(), usage })?;
            }
            match result {
                Ok(value) => results[index] = json!({ "strategy": strategy, "ok": true, "result": value }),
                Err(error) => {
                    results[index] = json!({ "strategy": strategy, "ok": false, "error": error });
                    if aborts {
                        failure = Some((index, error));
                        children
                            .cancel(CancelCode::Internal, &format!("strategy '{strategy}' failed, and so the fork"));
                    }
                }
            }
        }
        Ok(match failure {
            Some((index, error)) => Err(format!("alc.fork: strategy '{}' failed: {error}", fork.strategies[index])),
            None => Ok(results.into()),
        })
    }

    fn is_closing(&self) -> bool {
        self.shared.upgrade().is_none_or(|shared| shared.closing.is_cancelled())
    }

    /// Why its family may not grow by `n`, if so.
    fn too_large(&self, n: usize, ctx: &Value) -> Option<String> {
        let spec = self.session.spec();
        let shared = self.shared.upgrade()?;
        let top = if spec.parent.is_some() { shared.top_of(spec)? } else { self.session.id() };
        let would_take = shared.heaps_below(top)?.taken() + (json_weight(ctx) * n) as u64;
        let limit = spec.limits.family_memory_bytes;
        if would_take > limit {
            return Some(format!("alc.fork: its family would take {would_take} bytes of memory; the limit is {limit}"));
        }
        let limit = spec.limits.family;
        if (shared.sessions(|sessions| sessions.len()) + n) as u64 <= limit {
            return None;
        }
        let would = (shared.living_below(top).len() + n) as u64;
        (would > limit)
            .then(|| format!("alc.fork: {would} sessions of one family would not have ended; the limit is {limit}"))
    }

    /// The spec of a child.
    fn child(&self, fork: u32, index: u32, depth: u32, strategy: &str, ctx: &Value) -> SessionSpec {
        let own = self.session.spec();
        let kind = SessionKind::Advice { strategy: strategy.to_owned(), task: None, opts: Some(ctx.clone()) };
        let left = |deadline| u64::try_from(deadline - self.world.clock.now()).unwrap_or(0);
        let mut limits = own.limits.clone();
        limits.wall_ms = self.session.wall_deadline().map(left);
        let parent = Parent { session: self.session.id(), fork, index, depth, budget: self.budget_of_children() };
        SessionSpec {
            kind,
            project_root: own.project_root.clone(),
            library_dirs: own.library_dirs.clone(),
            ctx: None,
            env: own.env.clone(),
            title: None,
            tags: own.tags.clone(),
            limits,
            parent: Some(parent),
            branch: None,
            held: false,
        }
    }

    /// The children of a fork that the process before had made. `Err`: one of which its record tells and which is not
    /// there.
    fn there_already(&self, fork: u32, begun: &[EventRef]) -> Result<Vec<(u32, Arc<Live>)>, SessionId> {
        let Some(shared) = self.shared.upgrade() else { return Ok(Vec::new()) };
        if !self.has_come_back {
            return Ok(Vec::new());
        }
        let id = self.session.id();
        let of_this_fork = |live: Arc<Live>| {
            let parent = live.feed.lock().summary.spec.parent.clone().filter(|parent| parent.fork == fork)?;
            Some((parent.index, live))
        };
        let mut there: Vec<_> = shared.children(id).into_iter().filter_map(of_this_fork).collect();
        for event in begun {
            if let EventKind::ChildStarted { session: child, index, .. } = event.kind
                && !there.iter().any(|(_, live)| live.feed.id() == child)
            {
                // It has ended, and was evicted.
                let remains = self.world.journal.retired(child).ok_or(child)?;
                there.push((index, Arc::new(Live::new(Arc::new(Feed::of_remains(remains)), None))));
            }
        }
        Ok(there)
    }

    /// The budget that the children take from.
    fn budget_of_children(&self) -> Option<SharedBudget> {
        let spec = self.session.spec();
        if let Some(parent) = &spec.parent {
            return parent.budget;
        }
        let limits = spec.budget();
        limits.is_set().then(|| SharedBudget { limits, since: self.session.created_at() })
    }

    /// What counts what they take: the family's, or a new one if this session is at its top.
    fn purse_of_children(&self) -> Option<Arc<Purse>> {
        self.purse.clone().or_else(|| {
            self.budget_of_children()?;
            let usage = self.session.usage();
            let spent = Spent { llm_calls: usage.llm_calls, tokens: usage.total_tokens.tokens };
            self.shared.upgrade()?.purse_below(self.session.id(), || spent)
        })
    }
}

/// The child whose end an event tells.
fn ended_child(event: &EventRef) -> Option<SessionId> {
    match event.kind {
        EventKind::ChildEnded { session, .. } => Some(session),
        _ => None,
    }
}

/// Whether a session has ended only because the registry does.
fn is_shut_down(outcome: &TerminalOutcome) -> bool {
    matches!(outcome, TerminalOutcome::Cancelled(cancelled) if cancelled.reason.code == CancelCode::SystemShutdown)
}

/// What the parent gets of a child.
fn result(outcome: &TerminalOutcome) -> Result<Value, String> {
    match outcome {
        TerminalOutcome::Done(done) => Ok(done.value.clone()),
        TerminalOutcome::Failed(failure) => Err(failure.message.clone()),
        TerminalOutcome::Cancelled(cancelled) => {
            let CancelReason { code, detail, .. } = &cancelled.reason;
            let detail = detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
            Err(format!("cancelled: {}{detail}", code.as_str()))
        }
    }
}

/// The children of a fork. Dropped, as the parent ends, it cancels those that have not ended; dropped as the process is
/// about to end, it leaves them to the journal, as the parent is.
struct Children {
    shared: Weak<Shared>,
    world: Arc<World>,
    /// In the order of their places, once all are there.
    all: Vec<Child>,
    are_listed: bool,
}

struct Child {
    index: u32,
    id: SessionId,
    live: Arc<Live>,
    /// Until it is listed and started.
    prepared: Option<Prepared>,
}

impl Children {
    fn new(shared: &Weak<Shared>, world: &Arc<World>, there: Vec<(u32, Arc<Live>)>) -> Self {
        let child = |(index, live): (u32, Arc<Live>)| Child { index, id: live.feed.id(), live, prepared: None };
        let all = there.into_iter().map(child).collect();
        Self { shared: shared.clone(), world: Arc::clone(world), all, are_listed: false }
    }

    fn is_there(&self, index: u32) -> bool {
        self.all.iter().any(|child| child.index == index)
    }

    fn add(&mut self, index: u32, prepared: Prepared) {
        let (id, live) = (prepared.id, Arc::clone(&prepared.live));
        self.all.push(Child { index, id, live, prepared: Some(prepared) });
    }

    fn ids(&self) -> impl Iterator<Item = SessionId> {
        self.all.iter().map(|child| child.id)
    }

    fn list(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        self.all.sort_by_key(|child| child.index);
        self.all.iter().filter_map(|child| child.prepared.as_ref()).for_each(|prepared| shared.list(prepared));
        self.are_listed = true;
    }

    fn start(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        for prepared in self.all.iter_mut().filter_map(|child| child.prepared.take()) {
            shared.start(prepared);
        }
    }

    /// Their ends, each with the place of the child: first those that the parent was `told`, in that order, since the
    /// first failure is the fork's; then the others, as they come.
    fn ends(&self, told: &[SessionId]) -> impl Stream<Item = (usize, TerminalOutcome)> + Unpin + use<> {
        let end = |(index, child): (usize, &Child)| -> BoxFuture<'static, _> {
            let feed = Arc::clone(&child.live.feed);
            Box::pin(async move { (index, feed.ended().await) })
        };
        let all = || self.all.iter().enumerate();
        let told_before = told.iter().filter_map(|id| all().find(|(_, child)| child.id == *id));
        let others = all().filter(|(_, child)| !told.contains(&child.id));
        let told_before: FuturesOrdered<_> = told_before.map(end).collect();
        told_before.chain(others.map(end).collect::<FuturesUnordered<_>>())
    }

    /// Shows of those that have not ended that they are about to be cancelled.
    fn expect_cancel(&self) {
        for child in self.all.iter().filter(|child| !child.live.has_ended()) {
            child.live.feed.lock().is_ending = true;
        }
    }

    /// Cancels those that have not ended.
    fn cancel(&self, code: CancelCode, detail: &str) {
        // A registry that is gone has cancelled them itself.
        let Some(shared) = self.shared.upgrade() else { return };
        for child in &self.all {
            if !child.live.has_ended() {
                let requested_at = self.world.clock.now();
                let reason = CancelReason { code, detail: Some(detail.to_owned()), requested_at };
                shared.send_cancel(&child.live, reason);
            }
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        let is_closing = self.shared.upgrade().is_none_or(|shared| shared.closing.is_cancelled());
        if is_closing && self.world.journal.outlives_the_process() {
            self.all.iter_mut().filter_map(|child| child.prepared.take()).for_each(Prepared::leave);
            return;
        }
        // They are in the journal, so they have to come to an end there too.
        if !self.are_listed {
            self.list();
        }
        // In this order: a child that has not begun sees the cancel before its first instruction.
        self.cancel(CancelCode::ParentDropped, "the session that forked it has ended");
        self.start();
    }
}
