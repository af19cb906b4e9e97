//! Interrupts a running program: the hook that looks at the door every so many instructions.
//!
//! Where the program can yield it yields, and a stopped session is never resumed. Only where it cannot (a message
//! handler, a function that C called) and the session has to end is an error raised, then at every instruction,
//! so that nothing can catch it for long.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mlua::debug::Debug;
use mlua::{HookTriggers, Lua, VmState};

use super::failure;
use super::host::{Host, State};
use crate::domain::LimitKind;

/// Instructions between two looks at the door: some fifty microseconds.
const PERIOD: u32 = 10_000;

/// How often a section that cannot yield is asked whether it can by now. Each time costs coroutines that run in it a
/// way out and in again.
const RETRY: Duration = Duration::from_millis(1);

/// An attempt to yield. If the hook runs again within the same step, it has not succeeded, or it is still on its way
/// out through coroutines.
pub(super) struct Attempt {
    since: Instant,
    last: Instant,
    /// The address of the thread it was made in; compared, never followed.
    thread: usize,
}

/// Installs the hook in a state; coroutines that the program makes inherit it.
pub(super) fn install(lua: &Lua, host: &Arc<Host>) -> mlua::Result<()> {
    arm(lua, host, PERIOD)
}

/// Has the hook run at the next instruction of the current thread, if the slice is over: a function of the host or of C
/// took long, and the hook counts instructions only. Gives whether the slice is over.
pub(super) fn hurry(lua: &Lua, host: &Arc<Host>) -> mlua::Result<bool> {
    {
        let mut state = host.state();
        if !state.door().slice_is_over() {
            return Ok(false);
        }
        if state.raising || std::mem::replace(&mut state.hurries, true) {
            return Ok(true);
        }
    }
    arm(lua, host, 1)?;
    Ok(true)
}

/// Raises errors from now on at every instruction, because a function of the host lasted too long or the session is
/// stopped; the first error.
pub(super) fn give_up(lua: &Lua, host: &Arc<Host>) -> mlua::Error {
    raise(lua, host, host.state())
}

fn arm(lua: &Lua, host: &Arc<Host>, period: u32) -> mlua::Result<()> {
    let host = Arc::clone(host);
    let triggers = HookTriggers::new().every_nth_instruction(period);
    lua.set_global_hook(triggers, move |lua: &Lua, _: &Debug| look(lua, &host))
}

/// The hook.
fn look(lua: &Lua, host: &Arc<Host>) -> mlua::Result<VmState> {
    let mut state = host.state();
    if state.raising {
        return Err(raise(lua, host, state));
    }
    if std::mem::take(&mut state.hurries) {
        drop(state);
        arm(lua, host, PERIOD)?;
        state = host.state();
    }
    let must_end = state.doom.is_some() || state.door().is_stopped();
    if !must_end && !state.door().slice_is_over() {
        return Ok(VmState::Continue);
    }
    let now = Instant::now();
    drop(state);
    let thread = lua.current_thread().to_pointer().addr();
    let mut state = host.state();
    let Some(attempt) = &mut state.attempt else {
        state.attempt = Some(Attempt { since: now, last: now, thread });
        return Ok(VmState::Yield);
    };
    let same_thread = std::mem::replace(&mut attempt.thread, thread) == thread;
    let too_long = now.duration_since(attempt.since) >= Duration::from_millis(host.limits().section_ms);
    if too_long || must_end && same_thread {
        return Err(raise(lua, host, state));
    }
    if must_end || now.duration_since(attempt.last) >= RETRY {
        attempt.last = now;
        return Ok(VmState::Yield);
    }
    Ok(VmState::Continue)
}

/// Makes the hook run at every instruction of the current thread, and gives the error to raise there.
fn raise(lua: &Lua, host: &Arc<Host>, mut state: std::sync::MutexGuard<'_, State>) -> mlua::Error {
    state.raising = true;
    let is_first = state.doom.is_none() && !state.door().is_stopped();
    drop(state);
    if is_first {
        let limit = host.limits().section_ms;
        let place = failure::position(lua, 0).unwrap_or_default();
        let message = format!("{place}in a section that cannot be interrupted for more than {limit} ms");
        host.exceed(LimitKind::Section, message);
    }
    if let Err(error) = arm(lua, host, 1) {
        return error;
    }
    mlua::Error::runtime("the session has to end")
}
