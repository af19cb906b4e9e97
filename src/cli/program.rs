//! What to run: reads programs and `ctx` from files, arguments and standard input, and makes a spec of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::{KindArgs, SessionArgs};
use super::exit::{CliError, FileFault};
use crate::config::Settings;
use crate::domain::{Limits, Scenario, SessionKind, SessionSpec};

/// Where a program comes from.
pub(super) enum Program<'a> {
    /// A file.
    File(&'a Path),
    /// Standard input.
    Stdin,
    /// An argument.
    Code(&'a str),
    /// An installed package.
    Kind(&'a KindArgs),
}

/// Makes the spec of a program, checked. What no flag limits is limited by `defaults`.
pub(super) fn spec(program: &Program<'_>, args: &SessionArgs, defaults: &Limits) -> Result<SessionSpec, CliError> {
    let ms = |duration: Option<Duration>| duration.map(|duration| duration.as_millis() as u64);
    let limits = Limits {
        memory_bytes: args.memory.unwrap_or(defaults.memory_bytes),
        cpu_ms: ms(args.cpu).or(defaults.cpu_ms),
        wall_ms: ms(args.timeout).or(defaults.wall_ms),
        section_ms: ms(args.section).unwrap_or(defaults.section_ms),
        pauses: args.max_pauses.or(defaults.pauses),
        queries: args.max_queries.or(defaults.queries),
        ..defaults.clone()
    };
    let enough = limits.source_bytes;
    let (called, kind) = match program {
        Program::File(path) => {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            (path.display().to_string(), run_kind(without_hash_line(read_file(path, enough)?), Some(name)))
        }
        Program::Stdin => {
            let code = without_hash_line(read_text(io::stdin().lock(), Path::new("standard input"), enough)?);
            ("standard input".to_owned(), run_kind(code, Some("stdin".to_owned())))
        }
        Program::Code(code) => ("--code".to_owned(), run_kind((*code).to_owned(), None)),
        Program::Kind(args) => package(args, &limits)?,
    };
    let mut spec = SessionSpec { kind, ..SessionSpec::run("") };
    spec.ctx = args.ctx.as_deref().map(|text| json("ctx", text, &limits)).transpose()?;
    spec.title.clone_from(&args.title);
    spec.tags = args.tag.iter().cloned().collect();
    spec.limits = limits;
    // With the session, not with the process: it may go on in another.
    spec.library_dirs = args.lib.iter().filter_map(|dir| std::path::absolute(dir).ok()).collect();
    spec.check().map_err(|cause| CliError::Program { name: called, cause })?;
    Ok(spec)
}

/// The library directories of a run: those given, in order, then the installed packages.
pub(super) fn library_dirs(given: &[PathBuf], settings: &Settings) -> Result<Vec<PathBuf>, CliError> {
    let mut dirs = Vec::new();
    for dir in given {
        let found = fs::metadata(dir).map_err(|error| CliError::io(dir, error))?;
        if !found.is_dir() {
            return Err(CliError::file(dir, FileFault::NotADirectory));
        }
        dirs.push(std::path::absolute(dir).map_err(|error| CliError::io(dir, error))?);
    }
    dirs.extend(settings.paths.packages().and_then(|path| std::path::absolute(path).ok()));
    Ok(dirs)
}

/// Where programs keep state and cards, if there is a place for that.
pub(super) fn home(settings: &Settings) -> Option<PathBuf> {
    settings.paths.home().and_then(|path| std::path::absolute(path).ok())
}

/// What programs see of an environment: what was given, and their home, if there is a place for one.
pub(super) fn environment(args: &SessionArgs, settings: &Settings) -> BTreeMap<String, String> {
    let mut environment: BTreeMap<_, _> = args.env.iter().cloned().collect();
    environment.extend(home(settings).map(|home| ("HOME".to_owned(), home.to_string_lossy().into_owned())));
    environment
}

/// Reads a text file of at most `limit` bytes. Pipes are fine: a shell may make one of a command.
pub(super) fn read_file(path: &Path, limit: u64) -> Result<String, CliError> {
    let file = File::open(path).map_err(|error| CliError::io(path, error))?;
    read_text(file, path, limit)
}

fn read_text(source: impl Read, path: &Path, limit: u64) -> Result<String, CliError> {
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes).map_err(|error| CliError::io(path, error))?;
    if bytes.len() as u64 > limit {
        return Err(CliError::file(path, FileFault::TooLong(limit)));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| CliError::file(path, FileFault::NotUtf8(error.utf8_error().valid_up_to())))?;
    // The mark that some editors put before UTF-8.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// A first line that begins with `#` is for the shell, as in every Lua; the line itself stays, for the numbers.
fn without_hash_line(code: String) -> String {
    if !code.starts_with('#') {
        return code;
    }
    code.find('\n').map(|end| code[end..].to_owned()).unwrap_or_default()
}

fn run_kind(code: String, name: Option<String>) -> SessionKind {
    SessionKind::Run { code: code.into(), name }
}

/// The kind of session that runs a package, and what errors call it.
fn package(args: &KindArgs, limits: &Limits) -> Result<(String, SessionKind), CliError> {
    let opts = args.opts.as_deref().map(|text| json("opts", text, limits)).transpose()?;
    match (&args.advice, &args.eval, &args.strategy) {
        (Some(strategy), ..) => {
            let kind = SessionKind::Advice { strategy: strategy.clone(), task: args.task.clone(), opts };
            Ok(("--advice".to_owned(), kind))
        }
        (None, Some(eval), Some(strategy)) => {
            let kind =
                SessionKind::Eval { scenario: scenario(eval), strategy: strategy.clone(), opts, auto_card: args.card };
            Ok(("--eval".to_owned(), kind))
        }
        (None, _, _) => Err(CliError::usage("--eval needs --strategy PACKAGE; name the package that is evaluated")),
    }
}

/// What is meant by a scenario on the command line: a file that is there, cases, or a name.
fn scenario(text: &str) -> Scenario {
    if Path::new(text).is_file() || Path::new(text).extension().is_some_and(|it| it == "lua" || it == "json") {
        Scenario::File(PathBuf::from(text))
    } else if text.contains(['{', '\n']) {
        Scenario::Inline(text.into())
    } else {
        Scenario::Name(text.to_owned())
    }
}

/// The JSON of an option, or of the file that it names.
fn json(option: &str, text: &str, limits: &Limits) -> Result<serde_json::Value, CliError> {
    let not_json = |error: &serde_json::Error| format!("it is not JSON ({error}); give a value such as {{\"n\": 1}}");
    match text.strip_prefix('@') {
        Some("") => Err(CliError::usage(format!("--{option}: @ needs the name of a file right behind it"))),
        Some(path) => {
            let path = Path::new(path);
            // Blanks and line ends do not count against the limit of the value.
            let text = read_file(path, limits.ctx_bytes.saturating_mul(4))?;
            serde_json::from_str(&text)
                .map_err(|error| CliError::file(path, FileFault::Content(format!("as {option} {}", not_json(&error)))))
        }
        None => {
            serde_json::from_str(text).map_err(|error| CliError::usage(format!("--{option}: {}", not_json(&error))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_for_the_shell_goes_and_the_numbers_stay() {
        assert_eq!(without_hash_line("#!/bin/x\nreturn 1\n".into()), "\nreturn 1\n");
        assert_eq!(without_hash_line("return #t".into()), "return #t");
        assert_eq!(without_hash_line("#!only".into()), "");
    }
}
