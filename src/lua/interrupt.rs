//! What to do with a running program when somebody looks at it: let it go on, have it yield, or raise it out.
//!
//! Where the program can yield it yields, and a stopped session is never resumed. Only where it cannot (a message
//! handler, a function that C called) and the session has to end is an error raised, then at every instruction,
//! so that nothing can catch it for long. When the looks happen is the matter of [`preempt`].

use std::sync::Arc;
use std::time::Duration;

use mlua::Lua;

use super::host::{Host, State};
use super::{failure, preempt};
use crate::domain::LimitKind;
use crate::engine::{STRAGGLES, straggles_at};

/// How often a section that cannot yield is asked whether it can by now. Each time costs coroutines that run in it a
/// way out and in again.
const RETRY: Duration = Duration::from_millis(1);

/// An attempt to yield. If somebody looks again within the same step, it has not succeeded, or it is still on its way
/// out through coroutines.
///
/// Its times are CPU time of the thread: on a busy machine, or one that slept, a section has not lasted because the
/// clock on the wall went on.
pub(super) struct Attempt {
    since: Duration,
    last: Duration,
    /// The address of the thread it was made in; compared, never followed.
    thread: usize,
    /// Whether it was said where it straggles.
    is_told: bool,
}

/// What becomes of a program that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    GoOn,
    /// It yields if it can, else as soon as it can.
    Yield,
    /// It goes on for now, and is looked at again as soon as it can yield.
    Later,
    /// An error is raised, now and at every further instruction.
    Raise,
}

/// Looks at a program that runs in the Lua thread at address `thread`; `position` finds the line it is at.
pub(super) fn look(host: &Host, thread: usize, position: impl FnOnce() -> Option<String>) -> Verdict {
    let mut state = host.state();
    if host.is_raising() {
        return Verdict::Raise;
    }
    let must_end = state.doom.is_some() || state.door().is_stopped();
    if !must_end && !state.door().slice_is_over() {
        return Verdict::GoOn;
    }
    let now = preempt::cpu_time();
    // The test at the start of a process looks once, and has no door.
    let most = if state.attempt.is_some() { state.door().section_limit() } else { Duration::ZERO };
    let Some(attempt) = &mut state.attempt else {
        state.attempt = Some(Attempt { since: now, last: now, thread, is_told: false });
        return Verdict::Yield;
    };
    let same_thread = std::mem::replace(&mut attempt.thread, thread) == thread;
    let too_long = now.saturating_sub(attempt.since) >= most;
    if too_long || must_end && same_thread {
        start_raising(host, state, position);
        return Verdict::Raise;
    }
    if !attempt.is_told && now.saturating_sub(attempt.since) >= STRAGGLES {
        attempt.is_told = true;
        if let Some(place) = position() {
            straggles_at(&place);
        }
    }
    if must_end || now.saturating_sub(attempt.last) >= RETRY {
        attempt.last = now;
        return Verdict::Yield;
    }
    Verdict::Later
}

/// Has the program looked at before its next instruction, if its slice is over. Gives whether it is.
pub(super) fn hurry(host: &Host) -> bool {
    let mut state = host.state();
    let is_over = state.door().slice_is_over();
    if is_over && !host.is_raising() {
        preempt::look_soon();
    }
    is_over
}

/// Raises errors from now on at every instruction, because a function of the host lasted too long or the session is
/// stopped; the first error.
pub(super) fn give_up(lua: &Lua, host: &Arc<Host>) -> mlua::Error {
    start_raising(host, host.state(), || failure::position(lua, 0));
    preempt::raise_from_now_on();
    mlua::Error::runtime("the session has to end")
}

fn start_raising(host: &Host, mut state: std::sync::MutexGuard<'_, State>, position: impl FnOnce() -> Option<String>) {
    host.start_raising();
    let is_first = state.doom.is_none() && !state.door().is_stopped();
    drop(state);
    if is_first {
        let limit = host.limits().section_ms;
        let place = position().unwrap_or_default();
        let message = format!("{place}in a section that cannot be interrupted for more than {limit} ms");
        host.exceed(LimitKind::Section, message);
    }
}
