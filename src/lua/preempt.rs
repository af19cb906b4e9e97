//! Preemption on demand: running Lua pays nothing for being interruptible until it is interrupted.
//!
//! Each worker thread has a timer whose ticks are signals to that very thread. A tick that finds the step running that
//! the tick before saw has Lua call the hook before its next instruction; the hook asks [`interrupt`](super::interrupt)
//! what to do. No other thread takes part, so nothing waits for a scheduler. A worker that steps nothing for a while
//! stops its timer; the next step starts it.
//!
//! Where this does not work (no such timers, or the self-test fails) a standing hook looks every so many instructions:
//! the same behaviour, while hot Lua is 1.5 to 2.4 times slower.
//!
//! Beside that stand the few functions that have to be written against Lua's C interface, since the code that may do so is
//! here: what runs coroutines, `tostring`, and a look at the stack.
//!
//! What is deliberately absent: any decision. It knows steps, ticks and coroutines, no limit and no session.
//!
//! # Why this is safe
//!
//! This is the only module of the project with `unsafe` code. It rests on these facts:
//!
//! - `lua_sethook` is made for being called from a signal handler while the state runs (Lua's own interpreter does so on
//!   Ctrl-C): it writes three fields and walks the list of active calls, which a running state always leaves whole.
//! - The handler runs on the thread it interrupts, so it sees that thread's own order of writes. All it touches is the
//!   thread's [`Worker`]: atomics without a destructor in statically initialised thread-local storage. Besides it calls
//!   only `timer_settime`, which may be called from handlers, and it leaves `errno` as it was.
//! - [`Worker::current`] is a state that runs, or null. It is set to the program's thread for the length of a step, during
//!   which the VM holds that thread, and to a coroutine for the length of `lua_resume` or `lua_closethread`, during which
//!   the coroutine stands on the stack of the one that resumes it. Neither function is left but by returning: what they
//!   say of a coroutine that cannot be resumed, [`LASTING`], is never allocated.
//! - [`Worker::host`] is valid while `current` is not null: [`Running`] borrows it.
//! - `clock_gettime` writes one value into a place of its own.
//! - Frames that a Lua error passes hold nothing that would have to be dropped.
#![allow(unsafe_code)]

#[cfg(all(test, target_os = "linux"))]
mod tests;
#[cfg(target_os = "linux")]
mod timer;

use std::ffi::{CStr, c_int};
use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mlua::ffi::{self, lua_Debug, lua_State};
use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua, Thread};

use super::host::Host;
use super::interrupt::{self, Verdict};
use super::mark::Mark;
use crate::domain::{LimitKind, SessionSpec};

/// Instructions between two looks of a standing hook: some fifty microseconds.
const PERIOD: c_int = 10_000;

/// Frames that are looked through for a line of the program.
const FRAMES: c_int = 50;

/// What Lua says in `lua_resume` outside any protection. Each state keeps these texts, which are short enough for Lua to
/// have every text once: running out of memory there would end the process.
pub(super) const LASTING: [&str; 3] =
    ["cannot resume dead coroutine", "cannot resume non-suspended coroutine", "C stack overflow"];

/// How running programs are interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Preemption {
    /// By ticks of a timer.
    OnDemand,
    /// By a hook that runs all the time.
    StandingHook,
}

/// What the handler and the hook know of the thread they run on.
struct Worker {
    /// The state that runs Lua now.
    current: AtomicPtr<lua_State>,
    /// The host of the session that is stepped.
    host: AtomicPtr<Host>,
    /// Whether a standing hook is to be put back after a look.
    standing: AtomicBool,
    /// Whether the program is being raised out of wherever it is.
    raising: AtomicBool,
    /// Counts steps.
    step: AtomicU32,
    /// The state that a tick has had the hook called soon for, until that happens or another state runs. Asking takes as
    /// long as the stack is deep: with a deep one, ticks that ask again and again would leave no time for anything else.
    asked: AtomicPtr<lua_State>,
    /// The step that the last tick saw, and how many ticks in a row saw it.
    #[cfg(target_os = "linux")]
    seen: AtomicU32,
    #[cfg(target_os = "linux")]
    times: AtomicU32,
}

thread_local! {
    static WORKER: Worker = const {
        Worker {
            current: AtomicPtr::new(ptr::null_mut()),
            host: AtomicPtr::new(ptr::null_mut()),
            standing: AtomicBool::new(false),
            raising: AtomicBool::new(false),
            step: AtomicU32::new(0),
            asked: AtomicPtr::new(ptr::null_mut()),
            #[cfg(target_os = "linux")]
            seen: AtomicU32::new(0),
            #[cfg(target_os = "linux")]
            times: AtomicU32::new(0),
        }
    };
}

/// A step under way on this thread. Dropped where it was made.
struct Running<'a> {
    _host: PhantomData<&'a Host>,
    /// Not to be sent elsewhere.
    _here: PhantomData<*mut ()>,
}

/// Resumes the program's thread; what runs from it is interrupted when its slice is over.
pub(super) fn resume_interruptibly<R: FromLuaMulti>(
    host: &Host,
    thread: &Thread,
    args: impl IntoLuaMulti,
) -> mlua::Result<R> {
    let _running = Running::begin(host, thread);
    thread.resume(args)
}

impl<'a> Running<'a> {
    /// Says that from now on `thread` runs on this thread of the process.
    fn begin(host: &'a Host, thread: &Thread) -> Self {
        let state = thread.state();
        WORKER.with(|worker| {
            worker.host.store(ptr::from_ref(host).cast_mut(), Ordering::Relaxed);
            worker.raising.store(host.is_raising(), Ordering::Relaxed);
            worker.step.fetch_add(1, Ordering::Relaxed);
            worker.asked.store(ptr::null_mut(), Ordering::Relaxed);
            let standing = host.preemption == Preemption::StandingHook || !timer::start();
            worker.standing.store(standing, Ordering::Relaxed);
            if standing {
                // SAFETY: `state` is a state that this VM holds, and nobody else runs it.
                unsafe {
                    if ffi::lua_gethookmask(state) == 0 {
                        ffi::lua_sethook(state, Some(hook), ffi::LUA_MASKCOUNT, PERIOD);
                    }
                }
            }
            worker.current.store(state, Ordering::Release);
        });
        Self { _host: PhantomData, _here: PhantomData }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        WORKER.with(|worker| worker.current.store(ptr::null_mut(), Ordering::Release));
    }
}

/// Whether what runs on this thread could yield where it stands.
pub(super) fn may_yield() -> bool {
    let state = WORKER.with(|worker| worker.current.load(Ordering::Relaxed));
    // SAFETY: a state that was taken from `Worker::current` on this thread runs on this thread.
    !state.is_null() && unsafe { ffi::lua_isyieldable(state) != 0 }
}

/// Has the hook run before the next instruction of whatever runs on this thread.
pub(super) fn look_soon() {
    WORKER.with(|worker| call_hook_soon(worker.current.load(Ordering::Relaxed)));
}

/// Raises errors from now on at every instruction of whatever runs on this thread, until the step ends.
pub(super) fn raise_from_now_on() {
    WORKER.with(|worker| worker.raising.store(true, Ordering::Relaxed));
    look_soon();
}

/// CPU time this thread has used.
pub(super) fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: it writes one `timespec`; every thread has this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn call_hook_soon(state: *mut lua_State) {
    if !state.is_null() {
        // SAFETY: `state` was taken from `Worker::current` on this thread, so it runs on this thread.
        unsafe { ffi::lua_sethook(state, Some(hook), ffi::LUA_MASKCOUNT, 1) };
    }
}

/// What the handler of the timer's signal does. Async-signal-safe.
#[cfg(target_os = "linux")]
fn tick() {
    WORKER.with(|worker| {
        let state = worker.current.load(Ordering::Acquire);
        let step = worker.step.load(Ordering::Relaxed);
        let is_same = worker.seen.swap(step, Ordering::Relaxed) == step;
        let times = if is_same { worker.times.load(Ordering::Relaxed).saturating_add(1) } else { 1 };
        worker.times.store(times, Ordering::Relaxed);
        if state.is_null() {
            if times >= timer::IDLE_TICKS {
                timer::stop();
            }
        } else if times > timer::TICKS_A_SLICE && worker.asked.swap(state, Ordering::Relaxed) != state {
            call_hook_soon(state);
        }
    });
}

/// The hook. Lua calls it before an instruction of `state`, which runs on this thread.
unsafe extern "C-unwind" fn hook(state: *mut lua_State, why: *mut lua_Debug) {
    // SAFETY: Lua calls this with what it says of the event, and runs `state` on this thread.
    unsafe {
        if (*why).event == ffi::LUA_HOOKRET {
            // A return that leaves a section which cannot yield: the next instruction can.
            if ffi::lua_isyieldable(state) != 0 {
                ffi::lua_sethook(state, Some(hook), ffi::LUA_MASKCOUNT, 1);
            }
            return;
        }
    }
    let verdict = WORKER.with(|worker| {
        if worker.current.load(Ordering::Relaxed).is_null() {
            // Code of the host runs, such as a part of the prelude as it is loaded: there is nothing to interrupt.
            return Verdict::GoOn;
        }
        // SAFETY: `host` is valid while `current` is not null, and Lua runs on this thread only meanwhile.
        let host = unsafe { &*worker.host.load(Ordering::Relaxed) };
        let look = || interrupt::look(host, state.addr(), || position(state));
        let verdict = std::panic::catch_unwind(std::panic::AssertUnwindSafe(look)).unwrap_or(Verdict::Raise);
        if matches!(verdict, Verdict::Raise) {
            worker.raising.store(true, Ordering::Relaxed);
        }
        verdict
    });
    let looked = || WORKER.with(|worker| worker.asked.store(ptr::null_mut(), Ordering::Relaxed));
    // SAFETY: Lua runs `state` on this thread and is in its hook; nothing in this frame has to be dropped.
    unsafe {
        match verdict {
            // The hook stays as it is: after the yield Lua leaves one call of it out.
            Verdict::Yield if ffi::lua_isyieldable(state) != 0 => {
                looked();
                ffi::lua_yield(state, 0);
            }
            Verdict::GoOn | Verdict::Yield | Verdict::Later => {
                let standing = WORKER.with(|worker| worker.standing.load(Ordering::Relaxed));
                let count = if standing { ffi::LUA_MASKCOUNT } else { 0 };
                let returns = if verdict == Verdict::GoOn { 0 } else { ffi::LUA_MASKRET };
                // No mask is no hook.
                ffi::lua_sethook(state, Some(hook), count | returns, PERIOD);
                // Behind that: what a tick has asked for meanwhile is lost, and the next one has to ask again.
                looked();
            }
            Verdict::Raise => {
                looked();
                ffi::lua_sethook(state, Some(hook), ffi::LUA_MASKCOUNT, 1);
                ffi::lua_pushlightuserdata(state, Mark::Ended.value().0);
                ffi::lua_error(state);
            }
        }
    }
}

/// The first line of the program on the stack of `state`, as the beginning of an error text.
fn position(state: *mut lua_State) -> Option<String> {
    // SAFETY: `state` runs on this thread and is in its hook.
    unsafe {
        find_frame(state, 0, |frame, _| {
            // SAFETY: `short_src` ends with a zero.
            let source = CStr::from_ptr(frame.short_src.as_ptr());
            (source != c"?").then(|| format!("{}:{}: ", source.to_string_lossy(), frame.currentline))
        })
    }
}

/// The line at which the innermost call stands of code from `file`, of the step that runs on this thread.
pub(super) fn line_within(file: &str) -> Option<u32> {
    let state = WORKER.with(|worker| worker.current.load(Ordering::Relaxed));
    if state.is_null() {
        return None;
    }
    // The first two calls are of the host's function and of the prelude's, which asks it.
    // SAFETY: `state` was taken from `Worker::current` on this thread, so it runs on this thread.
    unsafe {
        find_frame(state, 2, |frame, name| {
            let is_within = name.strip_prefix(b"=") == Some(file.as_bytes());
            is_within.then(|| u32::try_from(frame.currentline).ok()).flatten()
        })
    }
}

/// Looks through the calls of `state` from `level` outwards that stand on a known line; `find` gets what Lua says of each
/// and the name of its code. No part of this allocates or raises.
///
/// # Safety
/// `state` runs on this thread.
unsafe fn find_frame<T>(
    state: *mut lua_State,
    level: c_int,
    mut find: impl FnMut(&lua_Debug, &[u8]) -> Option<T>,
) -> Option<T> {
    for level in level..FRAMES {
        // SAFETY: a `lua_Debug` of zeros is one that Lua may fill; once `S` was asked for, `source` has `srclen` bytes,
        // which live as long as the call.
        unsafe {
            let mut frame: lua_Debug = std::mem::zeroed();
            if ffi::lua_getstack(state, level, &raw mut frame) == 0 {
                return None;
            }
            ffi::lua_getinfo(state, c"l".as_ptr(), &raw mut frame);
            if frame.currentline <= 0 {
                continue;
            }
            ffi::lua_getinfo(state, c"S".as_ptr(), &raw mut frame);
            let name = std::slice::from_raw_parts(frame.source.cast::<u8>(), frame.srclen);
            if let Some(found) = find(&frame, name) {
                return Some(found);
            }
        }
    }
    None
}

/// Under this name the registry, which no program can reach, has the function that makes a text of what is no plain value.
const TEXT_OF: &CStr = c"text_of";

/// `tostring` that calls `text_of` with what is no plain value, so that it can be interrupted and can yield. As a
/// function of Lua it would take a third longer with a number than the C library's own.
pub(super) fn text_function(lua: &Lua, text_of: &Function) -> mlua::Result<Function> {
    lua.set_named_registry_value(&TEXT_OF.to_string_lossy(), text_of)?;
    // SAFETY: as for `coroutine_functions`.
    unsafe { lua.create_c_function(text) }
}

unsafe extern "C-unwind" fn text(state: *mut lua_State) -> c_int {
    unsafe extern "C-unwind" fn told(_: *mut lua_State, _: c_int, _: ffi::lua_KContext) -> c_int {
        1
    }
    // SAFETY: Lua calls this with arguments on the stack of `state`, which runs on this thread; the function calls with
    // what was just pushed, and holds nothing that has to be dropped when it is left by an error or a yield.
    unsafe {
        match ffi::lua_type(state, 1) {
            ffi::LUA_TNONE => ffi::luaL_checkany(state, 1),
            ffi::LUA_TNIL | ffi::LUA_TBOOLEAN | ffi::LUA_TNUMBER | ffi::LUA_TSTRING => {
                ffi::luaL_tolstring(state, 1, ptr::null_mut());
            }
            _ => {
                ffi::lua_settop(state, 1);
                ffi::lua_getfield(state, ffi::LUA_REGISTRYINDEX, TEXT_OF.as_ptr());
                ffi::lua_insert(state, 1);
                ffi::lua_callk(state, 1, 1, 0, Some(told));
            }
        }
    }
    1
}

/// `coroutine.resume` and `coroutine.close` that say which coroutine runs. Their first argument must be a coroutine, for
/// `close` one that is suspended or dead.
pub(super) fn coroutine_functions(lua: &Lua) -> mlua::Result<(Function, Function)> {
    // SAFETY: both are C functions in every respect: they take their arguments from the stack, return how many results
    // they leave there, and hold nothing that has to be dropped when Lua raises an error in them.
    unsafe { Ok((lua.create_c_function(resume)?, lua.create_c_function(close)?)) }
}

unsafe extern "C-unwind" fn resume(outer: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this with arguments on the stack of `outer`, which runs on this thread; every index and count
    // below is one that was just checked or pushed.
    unsafe {
        let inner = ffi::lua_tothread(outer, 1);
        let args = ffi::lua_gettop(outer) - 1;
        if inner.is_null() || ffi::lua_checkstack(inner, args) == 0 {
            return refuse(outer, c"too many arguments to resume");
        }
        if ffi::lua_status(inner) == ffi::LUA_OK && ffi::lua_gettop(inner) == 0 {
            return refuse(outer, c"cannot resume dead coroutine");
        }
        ffi::lua_xmove(outer, inner, args);
        let mut results = 0;
        let status = running(outer, inner, || ffi::lua_resume(inner, outer, args, &raw mut results));
        if status != ffi::LUA_OK && status != ffi::LUA_YIELD {
            // A coroutine that resumes itself has the error on its own stack already.
            ffi::lua_xmove(inner, outer, 1);
            ffi::lua_pushboolean(outer, 0);
            ffi::lua_insert(outer, -2);
            return 2;
        }
        if ffi::lua_checkstack(outer, results + 1) == 0 {
            ffi::lua_pop(inner, results);
            return refuse(outer, c"too many results to resume");
        }
        ffi::lua_pushboolean(outer, 1);
        ffi::lua_xmove(inner, outer, results);
        results + 1
    }
}

unsafe extern "C-unwind" fn close(outer: *mut lua_State) -> c_int {
    // SAFETY: as in `resume`; what the prelude calls this with is suspended or dead.
    unsafe {
        let inner = ffi::lua_tothread(outer, 1);
        if inner.is_null() {
            return refuse(outer, c"cannot close what is no coroutine");
        }
        let status = running(outer, inner, || ffi::lua_closethread(inner, outer));
        if status == ffi::LUA_OK {
            ffi::lua_pushboolean(outer, 1);
            return 1;
        }
        ffi::lua_pushboolean(outer, 0);
        ffi::lua_xmove(inner, outer, 1);
        2
    }
}

/// Runs `inner` from `outer`. `run` comes back by returning only.
fn running(outer: *mut lua_State, inner: *mut lua_State, run: impl FnOnce() -> c_int) -> c_int {
    WORKER.with(|worker| {
        let standing = worker.standing.load(Ordering::Relaxed);
        // SAFETY: `inner` is a coroutine on the stack of `outer`, which runs on this thread.
        let has_hook = || unsafe { ffi::lua_gethookmask(inner) != 0 };
        if standing && !has_hook() {
            // It was made on a worker whose timer works.
            // SAFETY: as above.
            unsafe { ffi::lua_sethook(inner, Some(hook), ffi::LUA_MASKCOUNT, PERIOD) };
        }
        let switch_to = |state| {
            worker.asked.store(ptr::null_mut(), Ordering::Relaxed);
            worker.current.store(state, Ordering::Release);
        };
        switch_to(inner);
        let status = run();
        switch_to(outer);
        // What was raised out of the coroutine goes on being raised where it was resumed; and a tick that came too late
        // for it is for the one that resumed it.
        let late_tick = status != ffi::LUA_YIELD && !standing && has_hook();
        if late_tick || worker.raising.load(Ordering::Relaxed) {
            call_hook_soon(outer);
        }
        status
    })
}

/// Leaves false and a text, as `coroutine.resume` does.
///
/// # Safety
/// Lua called the caller with `outer`.
unsafe fn refuse(outer: *mut lua_State, why: &CStr) -> c_int {
    // SAFETY: every C function has room for twenty values on its stack.
    unsafe {
        ffi::lua_pushboolean(outer, 0);
        ffi::lua_pushstring(outer, why.as_ptr());
    }
    2
}

/// The way in which programs are interrupted here. Tried once a process: some code runs, and the timer has to reach it.
pub(super) fn available() -> Preemption {
    static TRIED: OnceLock<Preemption> = OnceLock::new();
    *TRIED.get_or_init(|| if timer::start() && self_test() { Preemption::OnDemand } else { Preemption::StandingHook })
}

/// Whether a loop of some tenths of a second is interrupted.
fn self_test() -> bool {
    let interrupted = || -> mlua::Result<bool> {
        let lua = Lua::new();
        let thread = lua.create_thread(lua.load("for _ = 1, 50000000 do end return true").into_function()?)?;
        let host = Host::new(&Arc::new(SessionSpec::run("")), Preemption::OnDemand);
        host.exceed(LimitKind::Cpu, "whatever has to end is told to yield when it is looked at".into());
        resume_interruptibly::<Option<bool>>(&host, &thread, ()).map(|ended| ended.is_none())
    };
    interrupted().unwrap_or(false)
}

/// There is none.
#[cfg(not(target_os = "linux"))]
mod timer {
    pub(super) fn start() -> bool {
        false
    }
}
