//! Equal texts and specs of many sessions are one in memory: a hundred thousand runs of one program hold it once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::domain::{Scenario, SessionKind, SessionSpec};

/// Texts that are remembered, at most: they live as long as they may still be shared.
const TEXTS: usize = 1 << 16;

/// Texts shorter than this are not worth looking up.
const SHORT: usize = 32;

/// What was seen and may be seen again.
#[derive(Default)]
pub(super) struct Share {
    texts: HashSet<Arc<str>>,
    /// The last spec of each program.
    specs: HashMap<Arc<str>, Arc<SessionSpec>>,
}

impl Share {
    /// Puts an equal text that was seen before in the place of `text`.
    pub(super) fn text(&mut self, text: &mut Arc<str>) {
        if text.len() < SHORT {
            return;
        }
        if let Some(seen) = self.texts.get(&**text) {
            *text = Arc::clone(seen);
            return;
        }
        if self.texts.len() >= TEXTS {
            self.texts.clear();
        }
        self.texts.insert(Arc::clone(text));
    }

    /// An equal spec that was seen before, or this one.
    pub(super) fn spec(&mut self, mut spec: Arc<SessionSpec>) -> Arc<SessionSpec> {
        let program = match &spec.kind {
            SessionKind::Run { code, .. } => Arc::clone(code),
            SessionKind::Advice { strategy, .. } | SessionKind::Eval { strategy, .. } => strategy.as_str().into(),
        };
        if let Some(seen) = self.specs.get(&program)
            && is_same(seen, &spec)
        {
            return Arc::clone(seen);
        }
        match &mut Arc::make_mut(&mut spec).kind {
            SessionKind::Run { code: text, .. } | SessionKind::Eval { scenario: Scenario::Inline(text), .. } => {
                self.text(text);
            }
            SessionKind::Advice { .. } | SessionKind::Eval { .. } => {}
        }
        if self.specs.len() >= TEXTS {
            self.specs.clear();
        }
        self.specs.insert(program, Arc::clone(&spec));
        spec
    }
}

/// Whether two specs are the same to the last bit of their numbers: to `==`, 0.0 is −0.0.
fn is_same(one: &Arc<SessionSpec>, other: &Arc<SessionSpec>) -> bool {
    let numbers = |spec: &SessionSpec| spec.program_ctx().map(|ctx| ctx.to_string());
    Arc::ptr_eq(one, other) || one == other && numbers(one) == numbers(other)
}
