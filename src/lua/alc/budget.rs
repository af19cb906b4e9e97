//! The budget of `ctx.budget`: what is left of it, and whether it forbids to ask.
//!
//! A child shares the budget of its family: what the others have spent of it is a recorded read.

use std::sync::Arc;

use mlua::Lua;

use crate::domain::Budget;
use crate::engine::Spent;
use crate::lua::host::Host;

/// What is left: whether there is a budget at all, then calls, milliseconds and tokens as far as they are limited.
type Remaining = (bool, Option<i64>, Option<i64>, Option<i64>);

/// Why the budget forbids to ask `n` questions, if it does; else they count as asked. The last ones may go beyond it.
pub(in crate::lua) fn exceeded(host: &Host, n: usize) -> Option<String> {
    if !host.budget.is_set() {
        return None;
    }
    let Budget { llm_calls, elapsed_ms, tokens } = host.budget;
    let mut state = host.state();
    let door = state.door();
    loop {
        let spent @ Spent { llm_calls: calls_used, tokens: tokens_used } = door.spent();
        if let Some(max) = llm_calls.filter(|max| calls_used >= *max) {
            return Some(format!("budget_exceeded: max_llm_calls ({max}) reached ({calls_used} used)"));
        }
        if let Some(max) = elapsed_ms {
            let elapsed = door.elapsed_ms();
            if elapsed >= max {
                return Some(format!("budget_exceeded: max_elapsed_ms ({max}ms) reached ({elapsed}ms elapsed)"));
            }
        }
        if let Some(max) = tokens.filter(|max| tokens_used >= *max) {
            return Some(format!("budget_exceeded: max_tokens ({max}) reached ({tokens_used} used)"));
        }
        // Somebody of the family may have been quicker.
        if door.take_calls(n, spent) {
            return None;
        }
    }
}

/// What is left of the budget.
pub(in crate::lua) fn remaining(_: &Lua, host: &Arc<Host>, _: bool) -> mlua::Result<Remaining> {
    let Budget { llm_calls, elapsed_ms, tokens } = host.budget;
    let mut state = host.state();
    let door = state.door();
    let left = |max: u64, used: u64| i64::try_from(max.saturating_sub(used)).unwrap_or(i64::MAX);
    let spent = if host.budget.is_set() { door.spent() } else { Spent::default() };
    let calls = llm_calls.map(|max| left(max, spent.llm_calls));
    let tokens = tokens.map(|max| left(max, spent.tokens));
    let elapsed = elapsed_ms.map(|max| left(max, door.elapsed_ms()));
    Ok((host.budget.is_set(), calls, elapsed, tokens))
}
