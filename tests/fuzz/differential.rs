//! A random program comes to the same in a session as in plain Lua, wherever it is interrupted, and leaves nothing behind
//! among the globals. A cancel at any moment stops it.

use mlua::Lua;
use serde_json::Value;
use switchboard::domain::SessionSpec;
use switchboard::engine::{Input, Step};

use super::driver::Session;
use super::grammar::{Choices, program};

/// What a session has that plain Lua has not: the library.
const PLAIN: &str = "local answer = ...
    local function llm(prompt)
        local text, refused = answer(prompt)
        if refused then error(refused, 0) end
        return text
    end
    alc = { llm = llm, log = function() end }";

/// Functions of C in a session, too, through which no question can wait: how the stack names them, and a session does.
const SECTIONS: [(&str, &str); 3] = [("max", "'max'"), ("min", "'min'"), ("for iterator", "the iterator of ipairs")];

/// The globals of a session.
const GLOBALS: &str = "_G _VERSION alc assert collectgarbage coroutine ctx error getmetatable io ipairs load math next os \
    package pairs pcall print rawequal rawget rawlen rawset require select setmetatable string table tonumber tostring \
    type utf8 xpcall";

/// Bytes of heap that plain Lua gets: as many as a session.
const MEMORY: usize = 64 << 20;

/// Runs one program both ways, then once more with a cancel. Where the memory does not suffice for it the two need not
/// agree: they take different amounts.
///
/// # Errors
/// How the two differ, with the program.
pub(crate) fn check(choices: &mut impl Choices) -> Result<(), String> {
    let code = program(choices);
    let plainly = |memory| named_alike(&plainly(&code, memory));
    let mut session = patient(&code);
    let hosted = match session.finish(|prompt| format!("<{prompt}>")) {
        Ok(Value::String(text)) => named_alike(&text),
        Ok(other) => format!("a value: {other}"),
        Err(failure) => format!("an error: {}", failure.message),
    };
    let expected = plainly(MEMORY);
    let suffices = || !expected.contains("not enough memory") && plainly(4 * MEMORY) == expected;
    if hosted != expected && suffices() {
        return Err(format!("{code}\n{}", first_difference(&expected, &hosted)));
    }
    let strangers = globals(&code);
    if strangers != Value::String(String::new()) && suffices() {
        return Err(format!("{code}\nit leaves {strangers}"));
    }
    cancelled(&code, choices);
    Ok(())
}

/// A session whose sections may last: how fast the machine is must not show.
fn patient(code: &str) -> Session {
    let mut spec = SessionSpec::run(code);
    spec.limits.section_ms = 60_000;
    Session::of(spec)
}

fn plainly(code: &str, memory: usize) -> String {
    let lua = Lua::new();
    lua.set_memory_limit(memory).expect("its allocator counts");
    let answer = lua.create_function(|lua, prompt: mlua::LuaString| Ok(answer(lua, &prompt))).expect("there is memory");
    lua.load(PLAIN).call::<()>(answer).expect("it is sound");
    let body = lua.load(code).set_name("=script").into_function();
    match body.and_then(|body| body.call::<mlua::LuaString>(())) {
        Ok(text) => text.to_string_lossy(),
        Err(mlua::Error::SyntaxError { message, .. }) => format!("an error: {message}"),
        Err(error) => format!("an error: {error}"),
    }
}

/// Answers a question at once, as a session gets it answered, and refuses it where a session cannot wait.
fn answer(lua: &Lua, prompt: &mlua::LuaString) -> (Option<String>, Option<String>) {
    let called = |level| {
        lua.inspect_stack(level, |frame| {
            let names = frame.names();
            let is_c = frame.source().what == "C";
            SECTIONS.iter().find(|(name, _)| is_c && names.name.as_deref() == Some(*name)).map(|(_, said)| *said)
        })
    };
    let refused = (1..)
        .map_while(called)
        .flatten()
        .next()
        .map(|section| format!("alc.llm cannot wait within {section}: attempt to yield across a C-call boundary"));
    let text = refused.is_none().then(|| format!("<{}>", prompt.to_string_lossy()));
    (text, refused)
}

/// A function that nothing names, such as one that `pcall` calls, is `string.find` in errors of the C library. Here it
/// is always `find`. And it calls a table by its `__name`, where functions that are written in Lua here call it a table.
fn named_alike(trace: &str) -> String {
    let libraries = ["string", "table", "math", "utf8", "coroutine"];
    libraries
        .iter()
        .fold(trace.replace("got Name)", "got table)"), |trace, library| trace.replace(&format!("'{library}."), "'"))
}

/// Where the two traces part.
fn first_difference(plainly: &str, hosted: &str) -> String {
    let (plainly, hosted): (Vec<&str>, Vec<&str>) = (plainly.split('|').collect(), hosted.split('|').collect());
    let same = plainly.iter().zip(&hosted).take_while(|(a, b)| a == b).count();
    let here = |trace: &[&str]| trace[same..trace.len().min(same + 3)].join("|");
    format!("entry {same}: plainly {:?}, in a session {:?}", here(&plainly), here(&hosted))
}

/// The globals that a program leaves and that no session has.
fn globals(code: &str) -> Value {
    let code = format!(
        "local result = (function() {code}\nend)() local known = {{}}
        for name in ('{GLOBALS}'):gmatch('%S+') do known[name] = true end
        local strangers = {{}}
        for name in pairs(_G) do if not known[name] then strangers[#strangers + 1] = tostring(name) end end
        return table.concat(strangers, ' ')"
    );
    patient(&code).finish(|prompt| format!("<{prompt}>")).unwrap_or_else(|failure| Value::String(failure.message))
}

/// Stops a program at some pause or slice; it must never come to an end of its own then.
fn cancelled(code: &str, choices: &mut impl Choices) {
    let mut session = patient(code);
    let mut steps = choices.below(8);
    let mut step = session.step(Input::Start);
    loop {
        if steps == 0 {
            session.stop.raise();
        }
        let input = match step {
            Step::Preempted => Input::Continue,
            Step::Asked { questions, .. } => Input::Answers(questions.iter().map(|it| it.prompt.clone()).collect()),
            Step::Wants(_) | Step::Lost => unreachable!("no program of the grammar wants anything"),
            Step::Finished(_) => return,
        };
        step = session.step(input);
        if steps == 0 {
            assert!(matches!(step, Step::Preempted), "{code}\na cancelled program came to {step:?}");
            return;
        }
        steps -= 1;
    }
}
