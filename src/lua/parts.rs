//! The parts of the prelude: which names of which library each provides, and its compiled form.
//!
//! A part is compiled once per process, to bytecode that only this very binary loads again.

use mlua::{Function, Lua};

use crate::domain::ContentHash;

/// A piece of Lua that is loaded into a state when one of its names is first used there.
pub(super) struct Part {
    /// The library that it belongs to, as the prelude names it.
    pub(super) library: &'static str,
    /// What it provides there.
    pub(super) names: &'static [&'static str],
    source: &'static str,
}

macro_rules! parts {
    ($($library:literal $names:expr => $file:literal;)*) => {
        /// Every part. Their places in this list are their numbers.
        pub(super) const PARTS: &[Part] = &[$(Part {
            library: $library,
            names: &$names,
            source: include_str!(concat!("../../assets/prelude/", $file, ".lua")),
        }),*];
    };
}

parts! {
    "alc" ["llm"] => "ask";
    "kept" ["ask_with", "fail", "cannot_wait"] => "ask_with";
    "alc" ["llm_batch"] => "batch";
    "alc" ["log", "progress", "stats", "time"] => "say";
    "alc" ["json_encode", "json_decode"] => "json";
    "alc" ["map", "filter", "reduce", "parallel"] => "collect";
    "alc" ["cache", "cache_info", "cache_clear", "llm_safe", "llm_json", "ground", "specify"] => "asking";
    "alc" ["pipe"] => "pipe";
    "alc" ["json_extract", "parse_score", "parse_number", "match_enum", "match_bool"] => "reading";
    "alc" ["fingerprint", "chunk", "vote", "tuning"] => "shaping";
    "alc" ["math"] => "math";
    "alc" ["fmt", "log_fmt"] => "formatting";
    "alc" ["env", "_dirs"] => "env";
    "alc" ["eval"] => "eval";
    "kept" ["evalframe"] => "evalframe";
    "kept" ["add_judges"] => "judges";
    "kept" ["suite"] => "suite";
    "alc" ["budget_remaining", "budget_check"] => "budget";
    "alc" ["state"] => "state";
    "alc" ["card"] => "card";
    "alc" ["fork"] => "fork";
    "kept" ["attempt", "perform", "read_scenario"] => "effects";
    "kept" ["with_cards"] => "card_context";
    "string" ["find", "match", "gmatch", "gsub"] => "matching";
    "string" ["rep", "format"] => "strings";
    "table" ["sort"] => "sort";
    "table" ["insert", "remove", "concat", "move", "unpack"] => "tables";
    "math" ["random", "randomseed"] => "random";
    "os" ["clock", "date", "difftime", "getenv", "time"] => "os";
    "io" ["close", "flush", "input", "lines", "open", "output", "popen", "read", "stderr", "stdout", "tmpfile", "type",
        "write"] => "io";
    "coroutine" ["resume", "wrap", "yield", "close"] => "coroutines";
    "package" ["config", "cpath", "loaded", "path", "preload"] => "package";
    "kept" ["preload"] => "preload";
    "kept" ["check", "protected_call", "handled_call", "trace", "explain", "refuse_metatable",
        "collect_nothing"] => "failing";
    "kept" ["readable", "text_of", "plain_text_of", "address_of"] => "text";
    "kept" ["print_line"] => "print";
    "kept" ["load_text"] => "load";
    "kept" ["require_module"] => "require";
    "kept" ["slice_is_over", "hurry"] => "slice";
}

/// The prelude and its parts as bytecode.
pub(super) struct Prelude {
    /// What every state runs first.
    pub(super) core: Vec<u8>,
    /// The parts, in the order of [`PARTS`].
    pub(super) parts: Vec<Vec<u8>>,
}

impl Prelude {
    /// Compiles everything.
    pub(super) fn compile() -> mlua::Result<Self> {
        let lua = Lua::new();
        let compile = |source: &str| -> mlua::Result<Vec<u8>> {
            let function: Function = lua.load(source).set_name("=prelude").into_function()?;
            Ok(function.dump(true))
        };
        Ok(Self {
            core: compile(include_str!("../../assets/prelude.lua"))?,
            parts: PARTS.iter().map(|part| compile(part.source)).collect::<mlua::Result<_>>()?,
        })
    }

    /// The beginning of a hash over everything that is loaded: states of two preludes may behave differently.
    pub(super) fn hash() -> String {
        let mut sources = include_str!("../../assets/prelude.lua").to_owned();
        sources.extend(PARTS.iter().map(|part| part.source));
        ContentHash::of(sources).to_string()[..8].to_owned()
    }
}
