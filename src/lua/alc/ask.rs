//! `alc.llm` and `alc.llm_batch`: takes the arguments, looks at budget and limits, and keeps the questions until the
//! prelude yields.

use std::sync::Arc;

use mlua::{Either, Lua, LuaString, Table, Value};

use super::budget;
use crate::domain::{LimitKind, PauseKind, Question};
use crate::lua::asker;
use crate::lua::convert::{self, Place};
use crate::lua::failure;
use crate::lua::host::{Host, Wanted};
use crate::lua::preempt;

/// How long an answer is wanted where the program does not say.
const MAX_TOKENS: u32 = 1024;

/// What a question of a batch costs besides its text, for the limit on batches.
const QUESTION_BYTES: u64 = 200;

/// The fields of one question, as the prelude read them.
type Fields = (Prompt, Value, Value, Value, Value, Value, Value);

/// A text, copied off the stack with no handle made for it, or something else. One that is too long is copied before it
/// is refused: no more than the memory that the session may have, and it ends the session.
type Prompt = Either<String, Value>;

/// Which texts are taken for `system`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum System {
    /// `alc.llm`.
    NumbersToo,
    /// `alc.llm_batch`.
    OnlyTexts,
}

/// Takes one question that is nothing but its prompt. Gives the text of the error, if there is one.
pub(in crate::lua) fn ask(lua: &Lua, host: &Arc<Host>, prompt: Prompt) -> mlua::Result<Option<String>> {
    ask_with(lua, host, (prompt, Value::Nil, Value::Nil, Value::Nil, Value::Nil, Value::Nil, Value::Nil))
}

/// Takes one question. Gives the text of the error, if there is one.
pub(in crate::lua) fn ask_with(lua: &Lua, host: &Arc<Host>, fields: Fields) -> mlua::Result<Option<String>> {
    let mut question = match question(lua, host, Place::Argument(1), System::NumbersToo, fields)? {
        Ok(question) => question,
        Err(text) => return Ok(Some(host.refuse(text))),
    };
    if let Some(text) = budget::exceeded(host, 1) {
        return Ok(Some(host.refuse(text)));
    }
    if !preempt::may_yield() {
        return Ok(Some(cannot_wait_text(lua, host, "alc.llm")));
    }
    question.line = asker::line(host);
    host.state().asked = Some(Wanted::Answers(PauseKind::Single, vec![question]));
    Ok(None)
}

/// Takes a batch: `n` questions, the fields of each one behind those of the one before.
pub(in crate::lua) fn ask_batch(
    lua: &Lua,
    host: &Arc<Host>,
    (fields, n): (Table, Value),
) -> mlua::Result<Option<String>> {
    let n = n.as_i64().unwrap_or(0);
    if n < 1 {
        return Ok(Some(host.refuse("alc.llm_batch: empty items array".into())));
    }
    let mut questions = Vec::new();
    let mut bytes = 0;
    for i in 0..n {
        let field = |k: i64| fields.raw_get::<Value>(7 * i + k);
        let of_one = (Either::Right(field(1)?), field(2)?, field(3)?, field(4)?, field(5)?, field(6)?, field(7)?);
        match question(lua, host, Place::Inside, System::OnlyTexts, of_one)? {
            Ok(question) => {
                bytes += size(&question) + QUESTION_BYTES;
                let limit = host.limits().memory_bytes;
                if bytes > limit {
                    let message =
                        format!("a batch of questions takes more than {limit} bytes, the limit of its memory");
                    return Err(host.exceed(LimitKind::Size, message));
                }
                questions.push(question);
            }
            Err(text) => return Ok(Some(host.refuse(text))),
        }
    }
    if let Some(text) = budget::exceeded(host, questions.len()) {
        return Ok(Some(host.refuse(text)));
    }
    if !preempt::may_yield() {
        return Ok(Some(cannot_wait_text(lua, host, "alc.llm_batch")));
    }
    let line = asker::line(host);
    for question in &mut questions {
        question.line = line;
    }
    host.state().asked = Some(Wanted::Answers(PauseKind::Batch, questions));
    Ok(None)
}

/// What is said of a value that should be a table: argument `n`, or something within one.
pub(in crate::lua) fn misfit(_: &Lua, host: &Arc<Host>, (value, n): (Value, Option<u32>)) -> mlua::Result<String> {
    let place = n.map_or(Place::Inside, Place::Argument);
    Ok(host.refuse(convert::misfit(place, &value, "table")))
}

/// What is said where a function that waits was called out of something that cannot.
pub(in crate::lua) fn cannot_wait(lua: &Lua, host: &Arc<Host>, name: LuaString) -> mlua::Result<String> {
    Ok(cannot_wait_text(lua, host, &name.to_string_lossy()))
}

fn cannot_wait_text(lua: &Lua, host: &Host, name: &str) -> String {
    let within = failure::unyielding(lua);
    host.refuse(format!("{name} cannot wait within {within}: attempt to yield across a C-call boundary"))
}

fn question(
    lua: &Lua,
    host: &Arc<Host>,
    place: Place,
    numbers: System,
    (prompt, system, max_tokens, grounded, underspecified, role, cache_breakpoint): Fields,
) -> mlua::Result<Result<Question, String>> {
    let others = [&system, &role, &cache_breakpoint].map(length).iter().sum();
    let prompt = match prompt {
        Either::Left(text) => check_size(host, others, text.len()).map(|()| Arc::from(text))?,
        Either::Right(value) => {
            match convert::shared_text(lua, place, &value, |bytes| check_size(host, others, bytes))? {
                Ok(text) => text,
                Err(text) => return Ok(Err(text)),
            }
        }
    };
    let system = match system {
        Value::Nil => None,
        Value::String(text) => Some(text),
        number if numbers == System::NumbersToo => convert::coerced(lua, &number)?,
        _ => None,
    };
    Ok(Ok(Question {
        prompt,
        system: system.as_ref().and_then(optional),
        max_tokens: tokens(lua, &max_tokens),
        grounded: is_true(&grounded),
        underspecified: is_true(&underspecified),
        role: role.as_string().and_then(optional),
        cache_breakpoint: cache_breakpoint.as_string().and_then(optional),
        line: None,
    }))
}

fn length(text: &Value) -> usize {
    text.as_string().map_or(0, |text| text.as_bytes().len())
}

/// Refuses texts that are too long.
fn check_size(host: &Host, others: usize, prompt: usize) -> mlua::Result<()> {
    let bytes = (others + prompt) as u64;
    let limit = host.limits().prompt_bytes;
    if bytes > limit {
        let message = format!("a prompt of {bytes} bytes; the limit is {limit}");
        return Err(host.exceed(LimitKind::Size, message));
    }
    Ok(())
}

fn size(question: &Question) -> u64 {
    let of = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| text.len());
    (question.prompt.len() + of(&question.system) + of(&question.role) + of(&question.cache_breakpoint)) as u64
}

/// A text that may be absent; one that is not UTF-8 is as good as absent.
fn optional(text: &LuaString) -> Option<Arc<str>> {
    text.to_str().ok().map(|text| Arc::from(&*text))
}

/// What Lua takes for true.
fn is_true(value: &Value) -> bool {
    !matches!(value, Value::Nil | Value::Boolean(false))
}

fn tokens(lua: &Lua, value: &Value) -> u32 {
    let number = convert::number(lua, value).unwrap_or(-1.0).trunc();
    if (0.0..=f64::from(u32::MAX)).contains(&number) { number as u32 } else { MAX_TOKENS }
}
