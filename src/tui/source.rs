//! The program text of a session, with its lines numbered and the line marked that asked or failed. Of a session that
//! runs a package it is the text of the package, which the engine is asked for.

use super::app::{App, Tab};
use super::msg::Cmd;
use super::pager::Block;
use super::theme::Tone;
use crate::domain::{ExecutionState, Failure, SessionId, SessionKind, SessionSpec, StateName};
use crate::engine::{ModuleText, Summary};

/// The module that a session runs, as far as it is known.
#[derive(Debug)]
pub(super) struct Module {
    session: SessionId,
    text: Option<Result<ModuleText, String>>,
}

impl App {
    /// Asks for the module of the session whose source is shown, once. Comes behind every message.
    pub(super) fn read_module(&mut self, cmds: &mut Vec<Cmd>) {
        if self.tab != Tab::Source {
            self.module = None;
            return;
        }
        let Some(summary) = self.selected_summary() else { return };
        let session = summary.id;
        if let Some(name) = package_of(&summary.spec)
            && self.module.as_ref().is_none_or(|module| module.session != session)
        {
            cmds.push(Cmd::Module { session, name: name.to_owned() });
            self.module = Some(Module { session, text: None });
        }
    }

    /// Takes in the text of a module, or why there is none.
    pub(super) fn take_module(&mut self, session: SessionId, text: Result<ModuleText, String>) {
        if let Some(module) = self.module.as_mut().filter(|module| module.session == session) {
            module.text = Some(text);
        }
    }

    /// The program text of a session, as far as it is known.
    pub(super) fn program_of<'a>(&'a self, summary: &'a Summary) -> Program<'a> {
        let module = self.module.as_ref().filter(|module| module.session == summary.id);
        match &summary.spec.kind {
            SessionKind::Run { code, .. } => Program::Script(code),
            SessionKind::Advice { .. } | SessionKind::Eval { .. } => match module.and_then(|it| it.text.as_ref()) {
                None => Program::NotRead,
                Some(Ok(text)) => Program::Module(text),
                Some(Err(why)) => Program::Unknown(why),
            },
        }
    }
}

/// The program text of a session.
#[derive(Debug, Clone, Copy)]
pub(super) enum Program<'a> {
    /// Its own.
    Script(&'a str),
    /// That of its package.
    Module(&'a ModuleText),
    /// That of its package, which is being read.
    NotRead,
    /// There is none, with the reason.
    Unknown(&'a str),
}

impl Program<'_> {
    /// The text itself.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Script(code) => Some(code),
            Self::Module(module) => Some(&module.source.text),
            Self::NotRead | Self::Unknown(_) => None,
        }
    }

    /// A number that is another one for another of these.
    pub(super) fn edition(&self) -> i64 {
        match self {
            Self::Script(_) | Self::Module(_) => 0,
            Self::NotRead => 1,
            Self::Unknown(_) => 2,
        }
    }

    /// What stands above it.
    fn heading(&self) -> Option<String> {
        match self {
            Self::Script(_) | Self::NotRead | Self::Unknown(_) => None,
            Self::Module(module) => {
                let path = module.source.path.display();
                let now = if module.recorded { "" } else { ", as it is now" };
                Some(format!("module {path}{now}"))
            }
        }
    }
}

/// The text, a block for each line; with a mark, or where there is something else to say of it, a heading before them.
pub(super) fn text(summary: &Summary, program: Program<'_>) -> Vec<Block> {
    let code = match (program.code(), program) {
        (Some(code), _) => code,
        (None, Program::Unknown(why)) => {
            return vec![Block::new(Tone::Dim, format!("There is no text to show: {why}."))];
        }
        (None, _) => return vec![Block::new(Tone::Dim, "Reading the text of its package …")],
    };
    let marked = marked_line(summary, program);
    let tone = Tone::State(summary.state.name());
    let numbers = code.lines().count().to_string().len().max(3);
    let line = |(n, line): (usize, &str)| {
        let (sign, tone) = if marked == Some(n) { ("▸", tone) } else { (" ", Tone::Plain) };
        Block::hanging(tone, format!("{sign}{n:>numbers$} {line}"), numbers + 2)
    };
    let means = marked.map(|line| mark_means(summary, line));
    let head: Vec<String> = program.heading().into_iter().chain(means).collect();
    let head = (!head.is_empty()).then(|| Block::new(Tone::Dim, head.join(" · ")));
    head.into_iter().chain((1..).zip(code.lines()).map(line)).collect()
}

/// The package that a session runs, if it runs one.
fn package_of(spec: &SessionSpec) -> Option<&str> {
    match &spec.kind {
        SessionKind::Run { .. } => None,
        SessionKind::Advice { strategy, .. } | SessionKind::Eval { strategy, .. } => Some(strategy),
    }
}

/// The line of the program, counted from 1, that asked what the session waits for, or where it failed.
pub(super) fn marked_line(summary: &Summary, program: Program<'_>) -> Option<usize> {
    match (&summary.state, program) {
        (ExecutionState::Failed(failure), Program::Module(module)) => {
            // As Lua calls a text that it got by a name.
            line_named(failure, &format!("[string \"{}\"]", module.source.path.display()))
        }
        (_, Program::Script(_)) => line_of_the_script(summary),
        // Where a package asks is not recorded.
        (_, Program::Module(_) | Program::NotRead | Program::Unknown(_)) => None,
    }
}

fn line_of_the_script(summary: &Summary) -> Option<usize> {
    match &summary.state {
        ExecutionState::Failed(failure) => line_named(failure, summary.spec.script_name()),
        ExecutionState::Paused(pause) => {
            let asked = pause.pending().chain(&pause.prompts).next();
            asked.and_then(|prompt| prompt.query.line).map(|line| line as usize)
        }
        ExecutionState::Cancelled(cancelled) => match &cancelled.state_before {
            ExecutionState::Paused(pause) => {
                pause.prompts.first().and_then(|prompt| prompt.query.line).map(|line| line as usize)
            }
            ExecutionState::Running { .. }
            | ExecutionState::Done(_)
            | ExecutionState::Cancelled(_)
            | ExecutionState::Failed(_) => None,
        },
        ExecutionState::Running { .. } | ExecutionState::Done(_) => None,
    }
}

/// What the mark means, above the text.
fn mark_means(summary: &Summary, line: usize) -> String {
    match summary.state.name() {
        StateName::Failed => format!("failed at line {line}"),
        StateName::Paused => format!("line {line} asked"),
        StateName::Running | StateName::Done | StateName::Cancelled => format!("line {line} had asked"),
    }
}

/// The first line of a text of this name that the message or the stack names.
fn line_named(failure: &Failure, name: &str) -> Option<usize> {
    let texts = std::iter::once(failure.message.as_str()).chain(failure.traceback.as_deref());
    texts.flat_map(|text| text.match_indices(name).map(|(at, _)| &text[at + name.len()..])).find_map(|behind| {
        let number = behind.strip_prefix(':')?;
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        number[..digits].parse().ok().filter(|line| *line > 0)
    })
}
