use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Preemption, available, timer};
use crate::domain::{SessionSpec, Timestamp, Usage};
use crate::engine::{Clock, Door, Entropy, Input, Step, StopFlag, VmFactory};
use crate::lua::LuaVms;

/// What can go wrong when a signal comes at a bad moment: calls, coroutines within coroutines, errors through them,
/// closing, garbage, growing stacks. The result depends on all of it.
const PROGRAM: &str = "
    local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end
    local function produce(depth, n)
        for i = 1, n do
            local closed <close> = setmetatable({}, {__close = function() depth = depth + 0 end})
            if depth > 0 and i % 3 == 0 then
                for v in coroutine.wrap(function() produce(depth - 1, 3) end) do coroutine.yield(v) end
            end
            coroutine.yield(i + #tostring(i) + deep(i % 40))
        end
    end
    local sum = 0
    for round = 1, 30 do
        local co = coroutine.create(function() produce(4, 9) if round % 2 == 0 then error('late', 0) end end)
        local abandoned = round % 7
        while true do
            local ok, v = coroutine.resume(co)
            if not ok then assert(v == 'late') sum = sum + 7 break end
            if coroutine.status(co) == 'dead' then break end
            sum = (sum * 31 + v) % 1000003
            if abandoned > 0 and v % 11 == abandoned then assert(coroutine.close(co)) break end
        end
        local words = {}
        for w in (('ab cd '):rep(20)):gmatch('%a+') do words[#words + 1] = w end
        table.sort(words, function(a, b) return a > b end)
        sum = sum + #table.concat(words)
    end
    return sum";

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        0
    }
}

impl Entropy for Still {
    fn bits(&self) -> u64 {
        0
    }
}

fn run(vms: &LuaVms, code: &str) -> serde_json::Value {
    let spec = Arc::new(SessionSpec::run(code));
    let mut vm = vms.make(&spec).expect("a state can be made");
    let mut door = Door::new(Arc::new(Still), Arc::new(Still), StopFlag::default(), 0, &spec.limits);
    let mut input = Input::Start;
    loop {
        door.begin_slice(Usage::default());
        let (step, back) = vm.step(input, door);
        door = back;
        door.end_slice();
        input = match step {
            Step::Preempted => Input::Continue,
            Step::Finished(Ok(value)) => return value,
            other => panic!("{other:?}"),
        };
    }
}

#[test]
fn programs_are_interrupted_on_demand_here() {
    assert_eq!(available(), Preemption::OnDemand);
}

/// The stack that threads have for signals holds two at most.
#[test]
fn a_tick_takes_no_room_from_other_signals_and_lets_none_come_in_between() {
    assert!(timer::start());
    // SAFETY: zeros are a `sigaction` that may be filled; nothing is changed.
    let action = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        assert_eq!(libc::sigaction(timer::SIGNAL, std::ptr::null(), &raw mut action), 0);
        action
    };
    assert_eq!(action.sa_flags & libc::SA_ONSTACK, 0);
    for signal in [libc::SIGHUP, libc::SIGCONT, libc::SIGTERM, libc::SIGWINCH, libc::SIGCHLD] {
        // SAFETY: the mask was filled above.
        assert_eq!(unsafe { libc::sigismember(&raw const action.sa_mask, signal) }, 1, "{signal}");
    }
}

/// As many as `SWITCHBOARD_STRESS_SIGNALS` says, or so many that it takes a moment.
#[test]
fn a_program_is_the_same_under_a_hail_of_signals() {
    let wanted = std::env::var("SWITCHBOARD_STRESS_SIGNALS").ok().and_then(|n| n.parse().ok());
    let signals: u64 = wanted.unwrap_or(20_000);
    let vms = LuaVms::new();
    let expected = run(&LuaVms::with_standing_hook(), PROGRAM);
    // SAFETY: it takes no argument and cannot fail.
    let target = unsafe { libc::pthread_self() };
    let done = AtomicBool::new(false);
    timer::start();
    let before = timer::ticks();
    let matched = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // SAFETY: the thread is the one that waits for this scope to end.
                unsafe { libc::pthread_kill(target, timer::SIGNAL) };
                // With no room in between the program would run one instruction a signal.
                (0..40).for_each(|_| std::hint::spin_loop());
            }
        });
        let run = || {
            let mut matched = true;
            while matched && timer::ticks() - before < signals {
                matched = run(&vms, PROGRAM) == expected;
            }
            matched
        };
        let matched = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
        done.store(true, Ordering::Relaxed);
        matched
    });
    assert_eq!(matched.ok(), Some(true));
}
