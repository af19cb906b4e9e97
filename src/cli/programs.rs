//! Programs that the desk starts: files of this machine, typed code and packages, with the options that the desk was
//! started with.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::args::{KindArgs, SessionArgs};
use super::program::{Program, spec};
use crate::domain::{Limits, SessionSpec};
use crate::tui::Programs;

/// Paths that are offered at most: more than a form shows, and a bound on a directory of thousands.
const OFFERS: usize = 100;

/// Entries of a directory that are looked at.
const LOOKED_AT: usize = 10_000;

/// Reads programs as the command line does.
#[derive(Debug, Default)]
pub(super) struct OnDisk {
    args: SessionArgs,
    /// The limits of the config file.
    limits: Limits,
    /// What programs see of an environment.
    env: BTreeMap<String, String>,
}

impl OnDisk {
    pub(super) fn new(args: SessionArgs, limits: Limits, env: BTreeMap<String, String>) -> Self {
        // The title was for the programs of the command line.
        Self { args: SessionArgs { title: None, ..args }, limits, env }
    }

    fn spec(&self, program: &Program<'_>) -> Result<SessionSpec, String> {
        let spec = spec(program, &self.args, &self.limits).map_err(|error| error.to_string())?;
        Ok(SessionSpec { env: self.env.clone(), ..spec })
    }

    fn package(&self, kind: KindArgs, opts: Option<Value>) -> Result<SessionSpec, String> {
        let kind = KindArgs { opts: opts.map(|opts| opts.to_string()), ..kind };
        // The options of a package are its ctx; the one that was given is for programs of the other kind.
        let args = SessionArgs { ctx: None, ..self.args.clone() };
        Self { args, limits: self.limits.clone(), env: self.env.clone() }.spec(&Program::Kind(&kind))
    }
}

impl Programs for OnDisk {
    fn file(&self, path: &str) -> Result<SessionSpec, String> {
        self.spec(&Program::File(Path::new(&with_home(path))))
    }

    fn code(&self, code: &str) -> Result<SessionSpec, String> {
        let mut spec = self.spec(&Program::Code(code))?;
        let first = code.trim().lines().next().unwrap_or_default();
        spec.title = Some(first.chars().take(40).collect());
        Ok(spec)
    }

    fn advice(&self, strategy: &str, task: Option<String>, opts: Option<Value>) -> Result<SessionSpec, String> {
        self.package(KindArgs { advice: Some(strategy.to_owned()), task, ..KindArgs::default() }, opts)
    }

    fn eval(&self, strategy: &str, scenario: &str, opts: Option<Value>) -> Result<SessionSpec, String> {
        let (eval, strategy) = (Some(with_home(scenario)), Some(strategy.to_owned()));
        self.package(KindArgs { eval, strategy, ..KindArgs::default() }, opts)
    }

    fn complete(&self, begun: &str) -> Vec<String> {
        let (directory, name) = begun.rsplit_once('/').map_or(("", begun), |(directory, name)| (directory, name));
        let shown = if begun.contains('/') { format!("{directory}/") } else { String::new() };
        let looked_in = if shown.is_empty() { ".".to_owned() } else { with_home(&shown) };
        let Ok(entries) = fs::read_dir(looked_in) else { return Vec::new() };
        let mut offers: Vec<String> = entries
            .flatten()
            .take(LOOKED_AT)
            .filter_map(|entry| {
                let entry_name = entry.file_name().into_string().ok()?;
                let hidden = entry_name.starts_with('.') && !name.starts_with('.');
                let is_directory = entry.path().is_dir();
                let wanted = is_directory || Path::new(&entry_name).extension().is_some_and(|ext| ext == "lua");
                let slash = if is_directory { "/" } else { "" };
                (wanted && !hidden && entry_name.starts_with(name)).then(|| format!("{shown}{entry_name}{slash}"))
            })
            .collect();
        offers.sort();
        offers.truncate(OFFERS);
        offers
    }
}

/// A path with the home directory for a tilde, as a shell would have it.
fn with_home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest).to_string_lossy().into_owned(),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Scenario, SessionKind};

    #[test]
    fn directories_and_lua_files_are_offered() {
        let home = tempfile::tempdir().unwrap();
        for name in ["alpha.lua", "albatross.txt", ".hidden.lua", "beta.lua"] {
            fs::write(home.path().join(name), "return 1").unwrap();
        }
        fs::create_dir(home.path().join("alps")).unwrap();
        let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
        let offers = |begun: &str| OnDisk::default().complete(&path(begun));
        assert_eq!(offers("al"), [path("alpha.lua"), path("alps/")]);
        assert_eq!(offers("."), [path(".hidden.lua")]);
        assert_eq!(offers("none/"), Vec::<String>::new());
        assert_eq!(OnDisk::default().file(&path("beta.lua")).unwrap().display_title(), "beta.lua");
        assert!(OnDisk::default().file(&path("gone.lua")).unwrap_err().contains("no such file"));
        assert!(OnDisk::default().code(" ").unwrap_err().contains("blank"));
    }

    #[test]
    fn packages_get_their_task_and_options_and_the_environment_of_the_desk() {
        let args = SessionArgs { ctx: Some("{\"for\": \"programs\"}".into()), ..SessionArgs::default() };
        let desk = OnDisk::new(args, Limits::default(), BTreeMap::from([("HOME".to_owned(), "/home".to_owned())]));
        let opts = Some(serde_json::json!({ "n": 3 }));
        let advice = desk.advice("cot", Some("think".into()), opts.clone()).unwrap();
        let (strategy, task) = ("cot".to_owned(), Some("think".to_owned()));
        assert_eq!(advice.kind, SessionKind::Advice { strategy: strategy.clone(), task, opts: opts.clone() });
        assert_eq!((advice.ctx, advice.env["HOME"].as_str()), (None, "/home"));
        let scenario = Scenario::Name("sums".into());
        let eval = desk.eval("cot", "sums", opts.clone()).unwrap();
        assert_eq!(eval.kind, SessionKind::Eval { scenario, strategy, opts, auto_card: false });
        assert!(desk.advice("no/package", None, None).is_err() || desk.advice("", None, None).is_err());
    }
}
