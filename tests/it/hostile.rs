//! Programs that mean harm, one after the other on a registry where others are answered meanwhile. Of each: how it ends
//! and why, that its state is given back and it is never stepped again, and that the others go on with the right
//! questions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use switchboard::domain::{
    Answer, AnsweredBy, CancelCode, CancelReason, ExecutionState, FailureKind, InvalidSpec, LimitKind, ResumePayload,
    SessionId, SessionSpec, SpawnError, TerminalOutcome,
};
use switchboard::engine::{Door, Input, MemoryJournal, Registry, RegistryConfig, Step, Vm, VmFactory, VmFailure};
use switchboard::lua::LuaVms;

use crate::support::{HandClock, NoFiles, Seeded, bounded, paused_at, until, wait_for};

/// What becomes of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Becomes {
    /// It runs until it is stopped; or it comes to the limit of what cannot be interrupted.
    Stopped,
    /// It is ended by this limit.
    Limited(LimitKind),
    /// It fails by an error of its own that says this.
    Fails(&'static str),
    /// It ends well.
    Done,
    /// It is ended by a limit or an error, whichever comes first.
    Ended,
}

use Becomes::{Done, Ended, Fails, Limited, Stopped};

const MEMORY: Becomes = Limited(LimitKind::Memory);
const SIZE: Becomes = Limited(LimitKind::Size);

#[rustfmt::skip]
const TABLE: &[(Becomes, &str)] = &[
    // Deep recursion.
    (Ended, "local function f() return 1 + f() end return f()"),
    (Stopped, "local function f() return f() end return f()"),
    (Ended, "local function f(x) return f(x .. x) end return f('x')"),
    (Done, "local function f() return (pcall(f)) end return f()"),
    (Stopped, "local function f() while true do pcall(f) end end f()"),
    (Fails("stack overflow"), "local t = setmetatable({}, {}) getmetatable(t).__index = function(t, k) return t[k + 1] end return t[1]"),
    (Fails("stack overflow"), "local t = setmetatable({}, {}) getmetatable(t).__concat = function(a, b) return a .. b end return t .. t"),
    (Fails("'__index' chain too long"), "local t = {} setmetatable(t, {__index = t}) return t.x"),
    (Fails("stack overflow"), "local t = setmetatable({}, {__tostring = function(t) return tostring(t) end}) return tostring(t)"),
    (Ended, "local t = setmetatable({}, {}) getmetatable(t).__call = function(t) return 1 + t() end return t()"),
    (Fails("stack overflow"), "local function nest(n) return 1 + coroutine.wrap(nest)(n - 1) end return nest(1e6)"),
    (Done, "return (pcall(string.rep, ('x'):rep(10), -1)) and select('#', load(('('):rep(1e5)))"),
    (Done, "return (load(('return {'):rep(1e5))) == nil"),
    // Errors and message handlers.
    (Fails(""), "error(setmetatable({}, {__tostring = function() error('again') end}))"),
    (Fails("table"), "error(setmetatable({}, {__tostring = function() return {} end}))"),
    (Fails("xxx"), "error(('x'):rep(8 << 20))"),
    (Fails("xxx"), "error(setmetatable({}, {__tostring = function() return ('x'):rep(8 << 20) end}))"),
    (Fails("nil"), "error()"),
    (Fails("function"), "error(print)"),
    (Done, "return select('#', xpcall(error, function(e) error(e) end))"),
    (Stopped, "xpcall(error, function() while true do end end)"),
    (Stopped, "local function h() while true do xpcall(error, h) end end h()"),
    (Stopped, "error(setmetatable({}, {__tostring = function() while true do end end}))"),
    // What is to be closed.
    (Stopped, "local x <close> = setmetatable({}, {__close = function() while true do end end})"),
    (Stopped, "local x <close> = setmetatable({}, {__close = function() while true do end end}) while true do end"),
    (Stopped, "local x <close> = setmetatable({}, {__close = function() while true do end end}) alc.state.get('k') while true do end"),
    (Fails("x"), "local x <close> = setmetatable({}, {__close = function() error('x') end})"),
    (Done, "coroutine.wrap(function() local x <close> = setmetatable({}, {__close = function() while true do end end}) coroutine.yield() end)()"),
    (Stopped, "local co = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() while true do end end}) coroutine.yield() end) coroutine.resume(co) coroutine.close(co)"),
    (Stopped, "local co co = coroutine.wrap(function() local x <close> = setmetatable({}, {__close = function() while true do pcall(co) end end}) error('x') end) co()"),
    // Metatables on what the host reads.
    (Stopped, "alc.llm('p', setmetatable({}, {__index = function() while true do end end}))"),
    (Fails("error converting Lua table"), "alc.llm(setmetatable({}, {__tostring = function() while true do end end}), {})"),
    (Ended, "alc.llm_batch(setmetatable({}, {__len = function() return 1 << 60 end, __index = function() return {prompt = 'p'} end}))"),
    (Ended, "alc.parallel(setmetatable({}, {__len = function() return 1 << 60 end, __index = function(_, i) return i end}), function() return 'p' end)"),
    (Ended, "alc.map(setmetatable({}, {__index = function(_, i) return i end}), function(x) return x end)"),
    (Stopped, "alc.map(setmetatable({}, {__index = function(_, i) return i end}), function() end)"),
    (Stopped, "alc.filter(setmetatable({}, {__index = function(_, i) return i end}), function() end)"),
    (Stopped, "alc.reduce(setmetatable({}, {__len = function() return 1 << 60 end, __index = function() return 1 end}), function() return 1 end)"),
    (Ended, "alc.vote(setmetatable({}, {__len = function() return 1 << 60 end, __index = function(_, i) return i end}))"),
    (Stopped, "alc.tuning({a = 1}, setmetatable({}, {__index = function() while true do end end}))"),
    (Done, "alc.json_encode(setmetatable({}, {__index = function() while true do end end, __pairs = function() while true do end end, __len = function() while true do end end}))"),
    (Stopped, "alc.json_extract('{') alc.fmt('%s', setmetatable({}, {__tostring = function() while true do end end}))"),
    (Stopped, "alc.pipe({function(ctx) return setmetatable({}, {__index = function() while true do end end}) end, function() end}, {})"),
    (Stopped, "setmetatable(package.loaded, {__index = function() while true do end end}) require('nothing')"),
    (Stopped, "setmetatable(package.preload, {__index = function() while true do end end}) require('nothing')"),
    (Stopped, "setmetatable(_G, {__index = function() while true do end end}) return undefined"),
    (Stopped, "setmetatable(_G, {__newindex = function() while true do end end}) undefined = 1"),
    (Stopped, "getmetatable('').__index = function() while true do end end return ('x'):upper()"),
    (Stopped, "getmetatable('').__add = function() while true do end end return 'a' + 1"),
    (Fails("attempt to index a string"), "getmetatable('').__index = nil return {alc.parse_number('x7', '%d') == nil}"),
    (Done, "return setmetatable({1, 2}, {__index = function() while true do end end, __pairs = function() while true do end end, __len = function() while true do end end})"),
    (Fails("__gc is not available"), "setmetatable({}, {__gc = function() while true do end end})"),
    (Done, "local mt = {} setmetatable({}, mt) mt.__gc = function() while true do end end mt = nil local t = {} for i = 1, 1e5 do t = {t} end"),
    (Done, "local mt = {__gc = nil, __mode = 'kv'} for i = 1, 1e4 do setmetatable({}, mt) end"),
    // Coroutines by the thousand.
    (MEMORY, "local t = {} for i = 1, 1e6 do t[i] = coroutine.create(function() coroutine.yield() end) coroutine.resume(t[i]) end"),
    (Stopped, "local function chain(n) if n == 0 then while true do end end return coroutine.wrap(chain)(n - 1) end chain(150)"),
    (Stopped, "while true do for i = 1, 100 do coroutine.wrap(function() coroutine.yield() end)() end end"),
    (Stopped, "local function spawn() coroutine.wrap(function() while true do coroutine.yield(coroutine.wrap(spawn)) end end)() end while true do spawn() end"),
    (Fails("cannot resume"), "local co co = coroutine.create(function() return assert(coroutine.resume(co)) end) assert(coroutine.resume(co)) assert(coroutine.resume(co))"),
    // Loops without loops.
    (Stopped, "::a:: goto a"),
    (Stopped, "do ::a:: ::b:: goto c end ::c:: for i = 1, 2 do ::d:: do goto d end end"),
    (Stopped, "local function a() end ::top:: local f = function() return a end goto top"),
    (Stopped, "repeat local x <const> = 1 until x == 2"),
    (Stopped, "for i = 1, math.huge do end"),
    (Stopped, "for i = math.mininteger, math.maxinteger do end"),
    (Stopped, "for i = 1.0, 2.0, 1e-300 do end"),
    (Stopped, "while next({1}) do end"),
    // Code that makes code.
    (Stopped, "while true do load('return ' .. ('{'):rep(190) .. ('}'):rep(190))() end"),
    (Stopped, "local s = 'load(s)()' .. (' '):rep(100) _G.s = s while true do pcall(load(s)) end"),
    (Stopped, "load(function() while true do end end)"),
    (Stopped, "load(function() return ' ' end) while true do end"),
    (Done, "return load('local t = {' .. ('1,'):rep(4e5) .. '}') ~= nil"),
    (Fails("attempt to call a nil value"), "return assert(load('return ' .. ('f('):rep(195) .. (')'):rep(195)))()"),
    (Fails("syntax error"), "assert(load(('y'):rep(9e5) .. ' ' .. ('z'):rep(9e4)))"),
    (Fails("syntax error near"), "error(select(2, load('x ' .. ('y'):rep(9e5))), 0)"),
    (Done, "return select(2, load(('x'):rep(2 << 20)))"),
    (Done, "return select('#', load('\\27Lua' .. ('\\0'):rep(100)))"),
    // Large things.
    (SIZE, "return ('x'):rep(20 << 20)"),
    (SIZE, "alc.llm(('x'):rep(5 << 20))"),
    (SIZE, "alc.llm('p', {system = ('x'):rep(5 << 20)})"),
    (Ended, "local t = {} for i = 1, 1e5 do t[i] = {prompt = ('x'):rep(1000)} end alc.llm_batch(t)"),
    (Fails("a figure of"), "alc.stats.record('k', ('x'):rep(1 << 20))"),
    (Done, "print(('x'):rep(20 << 20)) alc.log(('l'):rep(1 << 20), ('x'):rep(8 << 20)) alc.progress(1, 2, ('x'):rep(8 << 20)) io.write(('x'):rep(8 << 20))"),
    (Ended, "alc.state.set('k', ('x'):rep(20 << 20))"),
    (Ended, "local t = {} for i = 1, 60 do t = {t, t} end return t"),
    (Ended, "local t = {} for i = 1, 1e5 do t = {t} end return t"),
    (Ended, "local t = {} for i = 1, 1e5 do t = {t} end return alc.json_encode(t)"),
    (Fails("recursion limit"), "return alc.json_decode(('['):rep(1e6))"),
    (Fails("recursive table"), "local t = {} t.t = t return alc.json_encode(t)"),
    // Comparators that lie.
    (Fails("invalid order function"), "local t = {} for i = 1, 300 do t[i] = i % 7 end table.sort(t, function() return true end)"),
    (Stopped, "local t = {} for i = 1, 300 do t[i] = i end while true do pcall(table.sort, t, function() return math.random() < 0.5 end) end"),
    (Stopped, "local t = {} for i = 1, 300 do t[i] = setmetatable({}, {__lt = function() while true do end end}) end table.sort(t)"),
    (Stopped, "local t = setmetatable({}, {__len = function() return 1 << 30 end, __index = function(_, i) return -i end, __newindex = function() end}) table.sort(t)"),
    (Fails("array too big"), "table.sort(setmetatable({}, {__len = function() return 1 << 31 end}))"),
    // Patterns without end.
    (Stopped, "return ('a'):rep(40):find(('a?'):rep(40) .. ('a'):rep(41))"),
    (Stopped, "return ('x'):rep(1e5):match('^(.-)(.-)(.-)(.-)$y')"),
    (Stopped, "return ('x'):rep(1e4):gsub('(.*)(.*)(.*)(.*)y', '')"),
    (Stopped, "for _ in ('x'):rep(1e5):gmatch('.-.-.-.-y') do end"),
    (Stopped, "alc.parse_number(('x'):rep(1e5), '.-.-.-.-y')"),
    (Stopped, "while true do ('(('):rep(1e4):find('%b()') end"),
    (Stopped, "while true do ('x'):rep(1e5):find(('x'):rep(5e4) .. 'y', 1, true) end"),
    // Memory.
    (MEMORY, "local t = {} while true do t[#t + 1] = ('x'):rep(1e5) .. #t end"),
    (MEMORY, "while true do pcall(string.rep, 'x', 1e9) end"),
    (MEMORY, "local s = 'x' while true do s = s .. s end"),
    (MEMORY, "local t = {} while true do pcall(function() t[#t + 1] = {t, t, t, t} end) end"),
    (MEMORY, "local s = ('x'):rep(1 << 20) local t = {} for i = 1, 1000 do t[i] = s end return #table.concat(t)"),
    (Ended, "return (('x'):rep(1e5):gsub('x', ('y'):rep(1e4)))"),
    (MEMORY, "local f while true do local g = f f = function() return g end end"),
    (Ended, "return select('#', ('x'):rep(1e7):byte(1, -1))"),
    (Ended, "return select('#', utf8.codepoint(('x'):rep(1e7), 1, -1))"),
    (Ended, "return select('#', table.unpack({}, 1, 1e6))"),
    (Stopped, "local function f(...) return f(1, 2, 3, 4, ...) end f()"),
    (Fails("invalid conversion"), "return string.format('%99999d', 1)"),
    (Done, "return #string.format('%99.99f', 1e300)"),
    (MEMORY, "return #string.pack('s', ('x'):rep(40 << 20))"),
    // What would reach outside.
    (Fails("exit"), "os.exit()"),
    (Fails("dofile"), "dofile('/etc/passwd')"),
    (Fails("debug"), "debug.sethook()"),
    (Done, "return {io.popen('true'), io.open('/etc/passwd')}"),
    (Fails("dump"), "string.dump(print)"),
    (Done, "collectgarbage('stop') collectgarbage('generational') return collectgarbage('count')"),
    // Floods.
    (Stopped, "while true do print('x') alc.progress(1, 2) alc.stats.record('k', 1) os.time() end"),
    (Stopped, "while true do pcall(require, 'nothing') end"),
    (Stopped, "while true do pcall(alc.state.get, 'k') end"),
    (Stopped, "while true do pcall(alc.fork, {'nothing'}, {}) end"),
];

/// VMs that count themselves and the steps of the hostile ones.
struct Watched {
    vms: LuaVms,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    /// Hostile programs that hold a state.
    alive: AtomicUsize,
    /// Steps of hostile programs.
    steps: AtomicUsize,
}

struct WatchedVm {
    vm: Box<dyn Vm>,
    counts: Arc<Counts>,
}

impl VmFactory for Watched {
    fn version(&self) -> Arc<str> {
        self.vms.version()
    }

    fn make(&self, spec: &Arc<SessionSpec>) -> Result<Box<dyn Vm>, VmFailure> {
        let vm = self.vms.make(spec)?;
        if spec.display_title() == NEIGHBOUR {
            return Ok(vm);
        }
        self.counts.alive.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(WatchedVm { vm, counts: Arc::clone(&self.counts) }))
    }
}

impl Vm for WatchedVm {
    fn step(&mut self, input: Input, door: Door) -> (Step, Door) {
        self.counts.steps.fetch_add(1, Ordering::SeqCst);
        self.vm.step(input, door)
    }

    fn memory(&self) -> usize {
        self.vm.memory()
    }
}

impl Drop for WatchedVm {
    fn drop(&mut self) {
        self.counts.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

const NEIGHBOUR: &str = "neighbour";

/// Asks with a number, and checks that the answer is that of its question.
const ASKS: &str = "local n = 0 while true do n = n + 1 assert(alc.llm('q' .. n) == 'a' .. n) end";

struct World {
    registry: Registry,
    counts: Arc<Counts>,
    neighbour: SessionId,
    /// Questions of the neighbour that were answered.
    answered: u32,
}

impl World {
    async fn new() -> Self {
        let counts = Arc::<Counts>::default();
        let registry = Registry::new(RegistryConfig {
            vms: Arc::new(Watched { vms: LuaVms::new(), counts: Arc::clone(&counts) }),
            journal: Arc::new(MemoryJournal::default()),
            clock: Arc::new(HandClock::new()),
            entropy: Arc::new(Seeded::new(3)),
            files: Arc::new(NoFiles),
            library_dirs: Vec::new(),
            runtime: tokio::runtime::Handle::current(),
        });
        let spec = SessionSpec { title: Some(NEIGHBOUR.to_owned()), ..SessionSpec::run(ASKS) };
        let neighbour = registry.spawn(spec).await.unwrap();
        Self { registry, counts, neighbour, answered: 0 }
    }

    /// Answers the neighbour some times. Each answer is that of the question it has come to.
    async fn answer_neighbour(&mut self, times: u32) {
        for _ in 0..times {
            self.answered += 1;
            let n = self.answered;
            let pause = paused_at(&self.registry, self.neighbour, n).await;
            let query = &pause.prompts[0].query;
            assert_eq!(*query.prompt, format!("q{n}"));
            let answer = Answer::new(query.query_id, format!("a{n}"), AnsweredBy::Person);
            self.registry.resume(self.neighbour, ResumePayload::Single(answer)).await.unwrap();
        }
    }

    /// Runs one hostile program, stops it if it does not end, and says what became of it.
    async fn run(&mut self, becomes: Becomes, code: &str) -> Result<(), String> {
        let id = self.registry.spawn(SessionSpec::run(code)).await.unwrap();
        self.answer_neighbour(3).await;
        let reason = CancelReason { code: CancelCode::User, detail: Some("enough".into()), requested_at: 42 };
        let outcome = if becomes == Stopped {
            until(&self.registry, id, |state| state.is_ended() || *state == ExecutionState::BORN).await;
            let state = bounded(self.registry.cancel(id, reason.clone())).await.unwrap();
            state.outcome().ok_or("a cancel came back before the end")?
        } else {
            bounded(self.registry.await_terminal(id)).await.unwrap()
        };
        let as_wanted = match (&outcome, becomes) {
            (TerminalOutcome::Cancelled(cancelled), Stopped) => cancelled.reason == reason,
            (TerminalOutcome::Failed(failure), Stopped) => failure.limit == Some(LimitKind::Section),
            (TerminalOutcome::Failed(failure), Limited(limit)) => {
                failure.kind == FailureKind::Limit && failure.limit == Some(limit)
            }
            (TerminalOutcome::Failed(failure), Fails(text)) => {
                failure.kind == FailureKind::LuaError && failure.message.contains(text)
            }
            (TerminalOutcome::Failed(_), Ended) | (TerminalOutcome::Done(_), Done) => true,
            _ => false,
        };
        if !as_wanted {
            let told: String = format!("{outcome:?}").chars().take(300).collect();
            return Err(format!("{becomes:?}: {code}\n  became {told}"));
        }
        if let TerminalOutcome::Failed(failure) = &outcome
            && failure.message.len() > LONGEST
        {
            return Err(format!("{code}\n  tells it in {} bytes", failure.message.len()));
        }
        let counts = Arc::clone(&self.counts);
        wait_for("its state to be given back", || counts.alive.load(Ordering::SeqCst) == 0).await;
        let steps = counts.steps.load(Ordering::SeqCst);
        self.answer_neighbour(2).await;
        assert_eq!(counts.steps.load(Ordering::SeqCst), steps, "{code} is stepped after its end");
        Ok(())
    }
}

/// More than this of an error is cut off.
const LONGEST: usize = 20 << 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_hostile_program_ends_as_the_table_says_and_hurts_nobody() {
    let mut world = World::new().await;
    let mut wrong = Vec::new();
    for (becomes, code) in TABLE {
        let t = std::time::Instant::now();
        let r = world.run(*becomes, code).await;
        if t.elapsed().as_millis() > 200 {
            println!("{} ms: {}", t.elapsed().as_millis(), code.chars().take(100).collect::<String>());
        }
        if let Err(why) = r {
            wrong.push(why);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_is_too_large_to_begin_with_is_no_session() {
    let world = World::new().await;
    let refused = async |spec: SessionSpec| world.registry.spawn(spec).await.unwrap_err();
    let ctx = serde_json::json!({ "x": "y".repeat(17 << 20) });
    let large_ctx = SessionSpec { ctx: Some(ctx), ..SessionSpec::run("return 1") };
    assert!(matches!(refused(large_ctx).await, SpawnError::InvalidSpec(InvalidSpec::CtxTooLarge { .. })));
    let large_source = SessionSpec::run("-".repeat(2 << 20));
    assert!(matches!(refused(large_source).await, SpawnError::InvalidSpec(InvalidSpec::SourceTooLarge { .. })));
}
