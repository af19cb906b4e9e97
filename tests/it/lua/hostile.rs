//! Programs that mean harm: each one is stopped, and takes nobody's worker for long.

use switchboard::domain::{FailureKind, LimitKind, SessionSpec};
use switchboard::engine::{Input, Step};
use switchboard::lua::LuaVms;

use super::driver::{Session, VMS};

/// Slices in which a program is given the chance to get going before it is stopped.
const SLICES: usize = 3;

/// Runs a program for some slices, asks it to stop, and steps it once more at most. That a step comes back at all is
/// what is asserted; the test would hang if it did not.
fn stops(vms: &LuaVms, code: &str) {
    let mut session = Session::made_by(vms, SessionSpec::run(code)).expect("a state can be made");
    let mut step = session.step(Input::Start);
    for _ in 0..SLICES {
        match step {
            Step::Preempted => step = session.step(Input::Continue),
            // A section that cannot be interrupted was ended by its own limit.
            Step::Finished(Err(failure)) => {
                assert_eq!((failure.kind, failure.limit), (FailureKind::Limit, Some(LimitKind::Section)), "{code}");
                return;
            }
            other => panic!("{code}\n{other:?}"),
        }
    }
    session.stop.raise();
    assert!(matches!(session.step(Input::Continue), Step::Preempted), "{code}");
}

/// Asks a program to stop while it runs.
fn stops_while_it_runs(vms: &LuaVms, code: &str) {
    let mut session = Session::made_by(vms, SessionSpec::run(code)).expect("a state can be made");
    let flag = session.stop.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // Whether it comes before, within or behind the first slice, the program has to stop.
            flag.raise();
        });
        let mut step = session.step(Input::Start);
        while !session.stop.is_raised() {
            step = match step {
                Step::Preempted => session.step(Input::Continue),
                _ => return,
            };
        }
    });
}

const PROGRAMS: &[&str] = &[
    "while true do end",
    "while true do pcall(function() while true do end end) end",
    "while true do pcall(pcall, pcall, function() while true do end end) end",
    "while true do xpcall(function() while true do end end, function() while true do end end) end",
    "xpcall(error, function() while true do end end)",
    "xpcall(error, function() while true do pcall(function() while true do end end) end end)",
    "local function f() while true do pcall(f) end end f()",
    "while true do coroutine.wrap(function() while true do end end)() end",
    "while true do coroutine.wrap(function() for i = 1, 1000 do end end)() end",
    "local function chain(n) if n == 0 then while true do end end \
     while true do pcall(coroutine.wrap(chain), n - 1) end end chain(20)",
    "local function spread() while true do coroutine.resume(coroutine.create(function() \
     coroutine.resume(coroutine.create(function() coroutine.resume(coroutine.create(function() \
     for i = 1, 900 do end end)) end)) end)) end end spread()",
    "local co co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end",
    "while true do coroutine.yield() end",
    "local s, set = ('b'):rep(1e5), '[' .. ('a'):rep(1e5) .. ']' while true do s:find(set) end",
    "local s, t = ('a'):rep(1e6), ('a'):rep(5e5) .. 'b' while true do s:find(t, 1, true) end",
    "table.sort({3, 2, 1}, function() while true do end end)",
    "table.sort({3, 2, 1}, function() while true do pcall(function() while true do end end) end end)",
    "string.gsub('x', 'x', function() while true do end end)",
    "string.gsub('x', 'x', function() while true do pcall(function() while true do end end) end end)",
    "tostring(setmetatable({}, {__tostring = function() while true do end end}))",
    "string.format('%s', setmetatable({}, {__tostring = function() while true do pcall(error) end end}))",
    "table.sort({3, 2, 1}, function() local x <close> = setmetatable({}, {__close = function() \
     while true do end end}) error('x') end)",
    "local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() \
     while true do end end}) coroutine.yield() end) coroutine.resume(co) coroutine.close(co)",
    "local t = setmetatable({}, {__index = function() while true do end end}) return t.x",
    "for _ in function() while true do end end do end",
    "for _ in pairs(setmetatable({}, {__pairs = function() while true do end end})) do end",
    "load(function() while true do end end)",
    "load(function() return ' ' end)",
    "error(setmetatable({}, {__tostring = function() while true do end end}))",
    "string.rep('', 1 << 62) while true do end",
    "string.rep('', '1000000000000000') while true do end",
    "table.insert(setmetatable({}, {__len = function() return 1 << 60 end}), 1, 'x')",
    "table.remove(setmetatable({}, {__len = function() return 1 << 60 end}), 1)",
    "table.move({}, 1, 1 << 60, 2)",
    "table.concat(setmetatable({}, {__len = function() return 1 << 60 end, __index = function() return '' end}))",
    "while true do pcall(table.unpack, {}, 1, 1e8) end",
    "table.sort(setmetatable({}, {__len = function() return 1 << 30 end, __index = function(_, i) return i end}))",
    "string.find(string.rep('a', 5000), string.rep('a-', 30) .. 'b')",
    "string.match(string.rep('a', 100000), '.-.-.-.-.-b')",
    "while true do pcall(string.gsub, string.rep('a', 2000), '.-.-b', '') end",
    "for _ in string.gmatch(string.rep('a', 10000), '.-.-.-b') do end",
    "while true do string.find(string.rep('(', 90000), '%b()') end",
    "string.gsub(string.rep('a', 5000), '.-.-.-b', function() end)",
    "while true do alc.log('info', 'x') end",
    "while true do print('x') end",
    "while true do alc.stats.record('k', 1) end",
    "while true do alc.progress(1, 2) end",
    "while true do os.time() end",
    "while true do io.write('x\\n') end",
    "local t = {} for i = 1, 1e5 do t[i] = i end while true do alc.json_encode(t) end",
    "local t = {} for i = 1, 1e5 do t[i] = i end local s = alc.json_encode(t) while true do alc.json_decode(s) end",
];

/// Loops whose every instruction takes milliseconds: only a timer gets a word in.
const LONG_CALLS: &[&str] = &[
    "local s = ('x'):rep(8 << 20) while true do s:upper() end",
    "local s = ('x'):rep(8 << 20) while true do s:reverse() end",
    "local s = ('x'):rep(8 << 20) while true do s:sub(2) end",
    "local s, t = ('x'):rep(8 << 20), ('x'):rep(8 << 20) while true do local _ = s == t end",
    "local s = ('x'):rep(8 << 20) while true do utf8.len(s) end",
    "local s = ('x'):rep(4 << 20) while true do local _ = s .. 'y' end",
    "local s = ('x'):rep(1 << 20) while true do table.concat({s, s, s, s}) end",
    "local s = 'return ' .. ('1 + '):rep(1e5) .. '1' while true do load(s) end",
    "local f = string.rep while true do f('x', 4 << 20) end",
];

#[test]
fn every_loop_of_long_calls_stops() {
    if VMS.preempts_on_demand() {
        for code in LONG_CALLS {
            stops(&VMS, code);
            stops_while_it_runs(&VMS, code);
        }
    }
}

#[test]
fn every_hostile_program_stops() {
    for code in PROGRAMS {
        stops(&VMS, code);
        stops_while_it_runs(&VMS, code);
    }
}

#[test]
fn every_hostile_program_stops_where_only_a_standing_hook_interrupts() {
    let vms = LuaVms::with_standing_hook();
    for code in PROGRAMS {
        stops(&vms, code);
        stops_while_it_runs(&vms, code);
    }
}

#[test]
fn a_cancel_taken_back_after_a_section_was_ended_for_it_loses_the_program() {
    let mut session = Session::new("xpcall(error, function() while true do end end)");
    session.stop.raise();
    assert!(matches!(session.step(Input::Start), Step::Preempted));
    session.stop.lower();
    let flag = session.stop.clone();
    let step = std::thread::scope(|scope| {
        scope.spawn(move || flag.raise());
        session.step(Input::Continue)
    });
    if matches!(step, Step::Finished(_)) {
        // The section came to its own limit before it was asked to stop.
        return;
    }
    session.stop.lower();
    match session.go(Input::Continue) {
        // Only its record brings it back.
        Step::Lost => {}
        // It was asked to stop before it had begun, and then came to its own limit.
        Step::Finished(Err(failure)) => assert_eq!(failure.limit, Some(LimitKind::Section), "{failure:?}"),
        other => panic!("{other:?}"),
    }
}
