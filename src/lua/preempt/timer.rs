//! The timer of a worker, where the system can send its ticks to one thread.
//!
//! It knows nothing of Lua: what a tick means is said in [`tick`](super::tick).
#![allow(unsafe_code)]

use std::cell::OnceCell;
use std::ffi::c_int;
use std::mem;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::engine::SLICE;

/// After so many ticks a step has lasted a slice.
pub(super) const TICKS_A_SLICE: u32 = 1;

/// After so many ticks without a step the timer is stopped.
pub(super) const IDLE_TICKS: u32 = 32;

/// Nobody sends this signal to a process that did not ask for it, and by default it is ignored.
pub(super) const SIGNAL: c_int = libc::SIGURG;

/// A timer of the system that lives as long as its thread.
struct Timer(libc::timer_t);

impl Drop for Timer {
    fn drop(&mut self) {
        let _ = TICKING.try_with(|ticking| ticking.store(ptr::null_mut(), Ordering::Relaxed));
        // SAFETY: the timer was created and is deleted once.
        unsafe { libc::timer_delete(self.0) };
    }
}

thread_local! {
    /// This thread's timer, or that it could have none.
    static TIMER: OnceCell<Option<Timer>> = const { OnceCell::new() };
    /// The timer while it ticks. What a timer is called may be null, so this is one more.
    static TICKING: AtomicPtr<u8> = const { AtomicPtr::new(ptr::null_mut()) };
}

/// Has this thread's timer tick. Gives whether it does: the system may have no more timers.
pub(super) fn start() -> bool {
    if !TICKING.with(|ticking| ticking.load(Ordering::Relaxed)).is_null() {
        return true;
    }
    TIMER.with(|timer| {
        let Some(Timer(id)) = timer.get_or_init(create) else { return false };
        TICKING.with(|ticking| ticking.store(id.cast::<u8>().wrapping_add(1), Ordering::Relaxed));
        set(*id, SLICE.as_nanos() as i64 / i64::from(TICKS_A_SLICE));
        true
    })
}

/// Stops this thread's timer. Async-signal-safe.
pub(super) fn stop() {
    TICKING.with(|ticking| {
        let id = ticking.swap(ptr::null_mut(), Ordering::Relaxed);
        if !id.is_null() {
            set(id.wrapping_sub(1).cast(), 0);
        }
    });
}

fn set(timer: libc::timer_t, nanoseconds: i64) {
    let period = libc::timespec { tv_sec: 0, tv_nsec: nanoseconds as _ };
    let setting = libc::itimerspec { it_interval: period, it_value: period };
    // SAFETY: the timer is this thread's and exists as long as it; the other arguments are as the call wants them.
    unsafe { libc::timer_settime(timer, 0, &raw const setting, ptr::null_mut()) };
}

fn create() -> Option<Timer> {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        // On the thread's own stack, which has room: what threads have beside it for signals holds two at most, and a
        // process that is sent three at once, as when its terminal goes, would die. No other comes in between, either.
        // SAFETY: zeros are a `sigaction` with no flags, whose mask is filled; the handler is async-signal-safe.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = on_signal as extern "C" fn(c_int) as libc::sighandler_t;
            action.sa_flags = libc::SA_RESTART;
            libc::sigfillset(&raw mut action.sa_mask);
            libc::sigaction(SIGNAL, &raw const action, ptr::null_mut());
        }
    });
    // SAFETY: zeros are a `sigevent`; the fields that this kind of it has are set.
    unsafe {
        let mut event: libc::sigevent = mem::zeroed();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = SIGNAL;
        event.sigev_notify_thread_id = libc::gettid();
        let mut id: libc::timer_t = ptr::null_mut();
        (libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut id) == 0).then_some(Timer(id))
    }
}

#[cfg(test)]
static TICKS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// Ticks of all threads so far.
#[cfg(test)]
pub(super) fn ticks() -> u64 {
    TICKS.load(Ordering::Relaxed)
}

extern "C" fn on_signal(_: c_int) {
    #[cfg(test)]
    TICKS.fetch_add(1, Ordering::Relaxed);
    // SAFETY: `errno` of this thread may always be read and written.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        super::tick();
        *errno = before;
    }
}
