//! The port through which the desk gets programs to start: what a path or a text means is not its own to say.

use serde_json::Value;

use crate::domain::SessionSpec;

/// Reads programs. Every method may block; the loop calls them beside itself.
pub trait Programs: Send + Sync {
    /// The spec of the program in a file.
    ///
    /// # Errors
    /// One line that names the file, the cause and what to do.
    fn file(&self, path: &str) -> Result<SessionSpec, String>;

    /// The spec of a typed program.
    ///
    /// # Errors
    /// One line that says what is wrong and what to do.
    fn code(&self, code: &str) -> Result<SessionSpec, String>;

    /// The spec of a package that does a task.
    ///
    /// # Errors
    /// One line that says what is wrong and what to do.
    fn advice(&self, strategy: &str, task: Option<String>, opts: Option<Value>) -> Result<SessionSpec, String>;

    /// The spec of a package that is tried on a scenario: a file, a name, or cases.
    ///
    /// # Errors
    /// One line that says what is wrong and what to do.
    fn eval(&self, strategy: &str, scenario: &str, opts: Option<Value>) -> Result<SessionSpec, String>;

    /// What begins so and can be what is wanted, in order: names, directories (with a slash at their end) and files.
    fn complete(&self, begun: &str, wanted: Wanted) -> Vec<String>;
}

/// What a text that is begun is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The file of a program.
    Program,
    /// A scenario: a file of Lua or JSON, or the name of one.
    Scenario,
}

/// Knows no program; for a desk that only looks on.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPrograms;

impl Programs for NoPrograms {
    fn file(&self, path: &str) -> Result<SessionSpec, String> {
        Err(format!("{path}: this desk starts no programs"))
    }

    fn code(&self, _code: &str) -> Result<SessionSpec, String> {
        Err("this desk starts no programs".to_owned())
    }

    fn advice(&self, _strategy: &str, _task: Option<String>, _opts: Option<Value>) -> Result<SessionSpec, String> {
        Err("this desk starts no programs".to_owned())
    }

    fn eval(&self, _strategy: &str, _scenario: &str, _opts: Option<Value>) -> Result<SessionSpec, String> {
        Err("this desk starts no programs".to_owned())
    }

    fn complete(&self, _begun: &str, _wanted: Wanted) -> Vec<String> {
        Vec::new()
    }
}
