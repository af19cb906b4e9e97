//! What a session is made of: its program, its `ctx`, and the limits it runs under.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Branch, Budget, Parent, Timestamp};

/// Everything that is needed to start a session. JSON names are `snake_case`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionSpec {
    /// What to run.
    #[serde(flatten)]
    pub kind: SessionKind,
    /// The first library directory, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_root: Option<PathBuf>,
    /// The library directories behind it, in order: those that came with the session, which finds them again wherever it
    /// goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub library_dirs: Vec<PathBuf>,
    /// The value of the global `ctx`; absent is `{}`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub ctx: Option<serde_json::Value>,
    /// What `os.getenv` sees; nothing of the process's own environment reaches a program.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Free labels for people and filters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// The limits the session runs under.
    #[serde(default)]
    pub limits: Limits,
    /// The session that forked it, of a child.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// The session that it goes on from, and where; only a rewind or a fork of a session gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Branch>,
    /// Whether it stands before its first instruction until somebody releases it. It is `running` meanwhile, as every
    /// session is from birth, and can be cancelled (seen `before_start`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

/// The kinds of session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SessionKind {
    /// Executes Lua source.
    Run {
        /// The program text.
        code: Arc<str>,
        /// What errors call the script, usually its file name; absent is `script`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// Runs an installed strategy: `require(strategy).run(ctx)`.
    Advice {
        /// The package to run.
        strategy: String,
        /// Merged into `opts` as `task`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<String>,
        /// The strategy's `ctx`, an object.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        opts: Option<serde_json::Value>,
    },
    /// Evaluates a strategy against a scenario: `alc.eval`, whose report is the result.
    Eval {
        /// The scenario.
        scenario: Scenario,
        /// The package to evaluate.
        strategy: String,
        /// The strategy's options, an object.
        #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
        opts: Option<serde_json::Value>,
        /// Whether to write a card of the report.
        #[serde(default)]
        auto_card: bool,
    },
}

/// Where a scenario is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// Here: JSON, or Lua that returns a table, with or without `return`.
    Inline(Arc<str>),
    /// Installed under a name: a module, or a file of the directory of scenarios.
    Name(String),
    /// In a file. It is read before the session is made, which then has it inline.
    File(PathBuf),
}

/// What a session may use. Every size is in bytes, every time in milliseconds; an absent limit does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Lua heap. 64 MB: a hundred sessions at their limit still fit a laptop.
    pub memory_bytes: u64,
    /// CPU time in all, counted while the program really runs.
    pub cpu_ms: Option<u64>,
    /// Time since the session was made, waiting for people included.
    pub wall_ms: Option<u64>,
    /// Time in one section that cannot be interrupted. 50 ms: a pause that a person does not notice.
    pub section_ms: u64,
    /// Pauses that may be answered; the next one is announced and ends the session.
    pub pauses: Option<u64>,
    /// Queries that may be asked; the pause that goes beyond is announced and ends the session.
    pub queries: Option<u64>,
    /// Sessions that have not ended below the one at the top of a family of forks. 4096: a fork of forks of the largest
    /// size would be four thousand million.
    pub family: u64,
    /// What they take together in memory: their programs, and the results of those that have ended. 1 GB: sixteen at
    /// their own limit. Who takes more then fails.
    pub family_memory_bytes: u64,
    /// Program text. 1 MB: compiling is linear and cannot be interrupted.
    pub source_bytes: u64,
    /// `ctx` as JSON. 16 MB: it is copied into the Lua heap, which is larger.
    pub ctx_bytes: u64,
    /// One prompt with its system text. 4 MB: far beyond what any model takes; every observer holds it.
    pub prompt_bytes: u64,
    /// One answer. 4 MB, as for a prompt.
    pub answer_bytes: u64,
    /// The result as JSON. 16 MB: it is kept with the session for ever.
    pub result_bytes: u64,
    /// One log line; the rest is cut off and said to be. 16 KB: several screens full.
    pub log_line_bytes: u64,
    /// Log lines per second that are kept, after a burst of ten times as many. 1000: more cannot be read. A line counts
    /// as one more for every 256 bytes.
    pub log_lines_per_s: u64,
    /// Progress reports, and figures, that are kept one by one between two pauses; of more only every second, fourth and
    /// so on. 1000: a thousandth of the way is what a bar on the screen can show.
    pub reports: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 << 20,
            cpu_ms: None,
            wall_ms: None,
            section_ms: 50,
            pauses: None,
            queries: None,
            family: 4096,
            family_memory_bytes: 1 << 30,
            source_bytes: 1 << 20,
            ctx_bytes: 16 << 20,
            prompt_bytes: 4 << 20,
            answer_bytes: 4 << 20,
            result_bytes: 16 << 20,
            log_line_bytes: 16 << 10,
            log_lines_per_s: 1000,
            reports: 1000,
        }
    }
}

/// Why a spec is refused before any session exists.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpec {
    /// Nothing but white space.
    #[error("the program is blank; give it at least one statement")]
    Blank,
    /// More source than the limit allows.
    #[error("the program is {bytes} bytes long; the limit is {limit}")]
    SourceTooLarge {
        /// Its length.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A larger `ctx` than the limit allows.
    #[error("ctx is {bytes} bytes of JSON; the limit is {limit}")]
    CtxTooLarge {
        /// Its length.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Options that are no object.
    #[error("opts must be a JSON object, such as {{\"depth\": 2}}")]
    OptsNotObject,
    /// A `ctx` where the kind makes its own.
    #[error("a session of kind {kind} makes its ctx itself; give opts instead")]
    CtxNotTaken {
        /// The kind.
        kind: &'static str,
    },
    /// No strategy, or one whose name nothing can have.
    #[error("{strategy:?} can be no package; give the name of one, such as cot")]
    BadStrategy {
        /// The name given.
        strategy: String,
    },
    /// A strategy that is not installed.
    #[error("no package {strategy} in the library directories; install it there or give its directory with --lib")]
    UnknownStrategy {
        /// The name given.
        strategy: String,
    },
    /// A strategy that is there and cannot be read.
    #[error("{0}")]
    UnreadableStrategy(String),
    /// A scenario that is not there, or cannot be read.
    #[error("no scenario {scenario}: {why}")]
    UnknownScenario {
        /// Its name or file.
        scenario: String,
        /// What was found instead.
        why: String,
    },
    /// A child that no parent has made.
    #[error("only alc.fork makes children; leave out parent")]
    ParentGiven,
}

impl SessionSpec {
    /// `at`, but of a branch not before its own birth: what lies before it is that of the session it goes on from.
    pub fn own_time(&self, at: Timestamp) -> Timestamp {
        self.branch.map_or(at, |branch| at.max(branch.made_at))
    }

    /// A spec that runs `code` with everything else at its default.
    pub fn run(code: impl Into<Arc<str>>) -> Self {
        Self {
            kind: SessionKind::Run { code: code.into(), name: None },
            project_root: None,
            library_dirs: Vec::new(),
            ctx: None,
            env: BTreeMap::new(),
            title: None,
            tags: BTreeMap::new(),
            limits: Limits::default(),
            parent: None,
            branch: None,
            held: false,
        }
    }

    /// Where it looks for modules first, in order; behind them come the directories of the registry.
    pub fn own_library_dirs(&self) -> impl Iterator<Item = &PathBuf> {
        self.project_root.iter().chain(&self.library_dirs)
    }

    /// Says whether a session can be made of this.
    ///
    /// # Errors
    /// [`InvalidSpec`] names what is wrong and what to do. Source that does not compile is no invalid spec: it is a
    /// session that fails.
    pub fn check(&self) -> Result<(), InvalidSpec> {
        let limits = &self.limits;
        match &self.kind {
            SessionKind::Run { code, .. } => {
                if code.trim().is_empty() {
                    return Err(InvalidSpec::Blank);
                }
                if code.len() as u64 > limits.source_bytes {
                    return Err(InvalidSpec::SourceTooLarge { bytes: code.len() as u64, limit: limits.source_bytes });
                }
            }
            SessionKind::Advice { strategy, opts, .. } => {
                self.check_strategy("advice", strategy)?;
                // A child gets whatever its parent passes on.
                check_opts(opts.as_ref().filter(|_| self.parent.is_none()))?;
            }
            SessionKind::Eval { scenario, strategy, opts, .. } => {
                self.check_strategy("eval", strategy)?;
                check_opts(opts.as_ref())?;
                check_scenario(scenario, limits)?;
            }
        }
        let bytes = self.ctx.iter().chain(self.opts()).map(json_len).sum();
        if bytes > limits.ctx_bytes {
            return Err(InvalidSpec::CtxTooLarge { bytes, limit: limits.ctx_bytes });
        }
        Ok(())
    }

    fn check_strategy(&self, kind: &'static str, strategy: &str) -> Result<(), InvalidSpec> {
        if strategy.trim().is_empty() || strategy.chars().any(char::is_control) {
            return Err(InvalidSpec::BadStrategy { strategy: strategy.to_owned() });
        }
        if self.ctx.is_some() { Err(InvalidSpec::CtxNotTaken { kind }) } else { Ok(()) }
    }

    /// The options of a strategy.
    fn opts(&self) -> Option<&serde_json::Value> {
        match &self.kind {
            SessionKind::Run { .. } => None,
            SessionKind::Advice { opts, .. } | SessionKind::Eval { opts, .. } => opts.as_ref(),
        }
    }

    /// The value of the global `ctx`: what was given, or what the kind makes of its options. Absent is `{}`.
    pub fn program_ctx(&self) -> Option<Cow<'_, serde_json::Value>> {
        match &self.kind {
            SessionKind::Run { .. } => self.ctx.as_ref().map(Cow::Borrowed),
            SessionKind::Advice { task: None, opts, .. } | SessionKind::Eval { opts, .. } => {
                opts.as_ref().map(Cow::Borrowed)
            }
            SessionKind::Advice { task: Some(task), opts, .. } => {
                let mut ctx = opts.clone().unwrap_or_else(|| serde_json::json!({}));
                ctx["task"] = task.as_str().into();
                Some(Cow::Owned(ctx))
            }
        }
    }

    /// What the global `ctx` is made of: what was given, or the options.
    pub fn given_ctx(&self) -> Option<&serde_json::Value> {
        self.ctx.as_ref().or(self.opts())
    }

    /// The namespace of the state that its program writes: `_ns` of its `ctx`; a child has one of its own.
    pub fn state_namespace(&self) -> String {
        if let Some(parent) = &self.parent {
            return format!("fork-{}", parent.index);
        }
        self.given_ctx()
            .and_then(|ctx| ctx.get("_ns"))
            .and_then(serde_json::Value::as_str)
            .unwrap_or("default")
            .to_owned()
    }

    /// The budget that its program has: the one of its `ctx`, or the one that its family shares.
    pub fn budget(&self) -> Budget {
        match &self.parent {
            None => Budget::of(self.given_ctx()),
            Some(parent) => parent.budget.map_or_else(Budget::default, |shared| shared.limits),
        }
    }

    /// What errors call its program.
    pub fn script_name(&self) -> &str {
        match &self.kind {
            SessionKind::Run { name, .. } => name.as_deref().unwrap_or("script"),
            SessionKind::Advice { .. } => "advice",
            SessionKind::Eval { .. } => "eval",
        }
    }

    /// The same without what makes it a child or a branch: to run it again by itself.
    #[must_use]
    pub fn without_parent(&self) -> Self {
        Self { parent: None, branch: None, ..self.clone() }
    }

    /// What the screen calls the session: its title, else the name of its script.
    pub fn display_title(&self) -> &str {
        let script = match &self.kind {
            SessionKind::Run { name, .. } => name.as_deref().unwrap_or("script"),
            SessionKind::Advice { strategy, .. } | SessionKind::Eval { strategy, .. } => strategy,
        };
        self.title.as_deref().unwrap_or(script)
    }
}

/// A value that is there, also where it is null: a replay gives the program what it had.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}

fn check_opts(opts: Option<&serde_json::Value>) -> Result<(), InvalidSpec> {
    if opts.is_none_or(serde_json::Value::is_object) { Ok(()) } else { Err(InvalidSpec::OptsNotObject) }
}

fn check_scenario(scenario: &Scenario, limits: &Limits) -> Result<(), InvalidSpec> {
    let (bytes, limit) = match scenario {
        Scenario::Inline(text) => (text.len() as u64, limits.source_bytes),
        Scenario::Name(_) | Scenario::File(_) => (0, limits.source_bytes),
    };
    if bytes > limit {
        return Err(InvalidSpec::SourceTooLarge { bytes, limit });
    }
    let is_blank = match scenario {
        Scenario::Inline(text) => text.trim().is_empty(),
        Scenario::Name(name) => name.trim().is_empty(),
        Scenario::File(path) => path.as_os_str().is_empty(),
    };
    let why = || "it is blank; give a table of cases, a name or a file".to_owned();
    if is_blank { Err(InvalidSpec::UnknownScenario { scenario: String::new(), why: why() }) } else { Ok(()) }
}

/// The length of the compact JSON text of `value`, without making it.
fn json_len(value: &serde_json::Value) -> u64 {
    struct Count(u64);
    impl std::io::Write for Count {
        fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
            self.0 += buf.len() as u64;
            Ok(buf.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, value).expect("a JSON value with string keys always serializes");
    count.0
}
