//! Runs the children that a program forks, and waits for them.
//!
//! A child is a session of its own: it is listed, observed, answered and cancelled like any other, has its parent's
//! limits (of its wall limit what is left), and takes from the budget of its family. It ends with its parent. The parent
//! waits as `running {waiting_on: n}`, and its usage grows by what each child has used, as that ends.
//!
//! A crash in between leaves children with a `parent` in their spec whether or not `child_started` was written: a
//! recovery finds them by session, fork and index, and makes none twice.

use std::sync::{Arc, Weak};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};

use super::{Ended, SessionTask};
use crate::domain::{
    CancelCode, CancelReason, Command, Parent, SessionId, SessionKind, SessionSpec, SharedBudget, TerminalOutcome,
};
use crate::engine::purse::Purse;
use crate::engine::registry::{Live, Shared};
use crate::engine::spawning::Prepared;
use crate::engine::{Clock, Fork, OnError, Spent};

/// Children of one fork, at most: each is a Lua state of its own.
const CHILDREN: usize = 256;

/// How deep forks may stand within each other.
const DEPTH: u32 = 4;

impl SessionTask {
    /// Runs the children of a fork to their ends. `Err` within is raised in the program.
    pub(super) async fn fork(&mut self, fork: Fork) -> Result<Result<Value, String>, Ended> {
        let depth = self.session.spec().parent.as_ref().map_or(0, |parent| parent.depth) + 1;
        if depth > DEPTH {
            return Ok(Err(format!("alc.fork: more than {DEPTH} forks within each other")));
        }
        if fork.strategies.len() > CHILDREN {
            return Ok(Err(format!("alc.fork: {} strategies; the limit is {CHILDREN}", fork.strategies.len())));
        }
        let purse = self.purse_of_children();
        let mut children = Children::new(&self.shared, &self.world.clock);
        for (index, strategy) in (0..).zip(&fork.strategies) {
            let spec = self.child(index, depth, strategy, &fork.ctx);
            let (shared, purse) = (self.shared.clone(), purse.clone());
            let prepared = self.meanwhile(async move {
                let shared = shared.upgrade().ok_or("the registry is gone")?;
                shared.prepare(spec, purse).await.map_err(|error| error.to_string())
            });
            match prepared.await? {
                Ok(prepared) => children.add(prepared),
                Err(why) => return Ok(Err(format!("alc.fork: cannot start strategy '{strategy}': {why}"))),
            }
        }
        // Whoever reads of them finds them.
        children.list();
        let names = children.ids().zip(fork.strategies.iter().cloned()).collect();
        self.turn(Command::StartChildren { children: names })?;
        children.start();

        let mut results = vec![Value::Null; fork.strategies.len()];
        let mut failure: Option<(usize, String)> = None;
        let mut ends = children.ends();
        while let Some((index, outcome)) = self.meanwhile(ends.next()).await? {
            let child = &children.all[index];
            let usage = Box::new(child.live.feed.lock().summary.usage);
            self.turn(Command::EndChild { session: child.id, state: outcome.name(), usage })?;
            let strategy = &*fork.strategies[index];
            match result(&outcome) {
                Ok(value) => results[index] = json!({ "strategy": strategy, "ok": true, "result": value }),
                Err(error) => {
                    results[index] = json!({ "strategy": strategy, "ok": false, "error": error });
                    if fork.on_error == OnError::Abort && failure.is_none() {
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

    /// The spec of a child.
    fn child(&self, index: u32, depth: u32, strategy: &str, ctx: &Value) -> SessionSpec {
        let own = self.session.spec();
        let kind = SessionKind::Advice { strategy: strategy.to_owned(), task: None, opts: Some(ctx.clone()) };
        let left = |deadline| u64::try_from(deadline - self.world.clock.now()).unwrap_or(0);
        let mut limits = own.limits.clone();
        limits.wall_ms = self.session.wall_deadline().map(left);
        let parent = Parent {
            session: self.session.id(),
            fork: self.session.forks() + 1,
            index,
            depth,
            budget: self.budget_of_children(),
        };
        SessionSpec {
            kind,
            project_root: own.project_root.clone(),
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
            Some(Arc::new(Purse::new(Spent { llm_calls: usage.llm_calls, tokens: usage.total_tokens.tokens })))
        })
    }
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

/// The children of a fork. Dropped, as the parent ends, it cancels those that have not ended.
struct Children {
    shared: Weak<Shared>,
    clock: Arc<dyn Clock>,
    all: Vec<Child>,
    are_listed: bool,
}

struct Child {
    id: SessionId,
    live: Arc<Live>,
    /// Until it is started.
    prepared: Option<Prepared>,
}

impl Children {
    fn new(shared: &Weak<Shared>, clock: &Arc<dyn Clock>) -> Self {
        Self { shared: shared.clone(), clock: Arc::clone(clock), all: Vec::new(), are_listed: false }
    }

    fn add(&mut self, prepared: Prepared) {
        let (id, live) = (prepared.id, Arc::clone(&prepared.live));
        self.all.push(Child { id, live, prepared: Some(prepared) });
    }

    fn ids(&self) -> impl Iterator<Item = SessionId> {
        self.all.iter().map(|child| child.id)
    }

    fn list(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        self.all.iter().filter_map(|child| child.prepared.as_ref()).for_each(|prepared| shared.list(prepared));
        self.are_listed = true;
    }

    fn start(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        for prepared in self.all.iter_mut().filter_map(|child| child.prepared.take()) {
            shared.start(prepared);
        }
    }

    /// Their ends, as they come, each with the place of the child.
    fn ends(&self) -> FuturesUnordered<BoxFuture<'static, (usize, TerminalOutcome)>> {
        let end = |(index, child): (usize, &Child)| -> BoxFuture<'static, _> {
            let feed = Arc::clone(&child.live.feed);
            Box::pin(async move { (index, feed.ended().await) })
        };
        self.all.iter().enumerate().map(end).collect()
    }

    /// Cancels those that have not ended.
    fn cancel(&self, code: CancelCode, detail: &str) {
        // A registry that is gone has cancelled them itself.
        let Some(shared) = self.shared.upgrade() else { return };
        for child in &self.all {
            let has_ended = child.live.feed.lock().summary.state.is_ended();
            if !has_ended {
                let reason = CancelReason { code, detail: Some(detail.to_owned()), requested_at: self.clock.now() };
                shared.send_cancel(&child.live, reason);
            }
        }
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        // They are in the journal, so they have to come to an end there too.
        if !self.are_listed {
            self.list();
        }
        // In this order: a child that has not begun sees the cancel before its first instruction.
        self.cancel(CancelCode::ParentDropped, "the session that forked it has ended");
        self.start();
    }
}
