//! Programs that the desk starts: files of this machine, typed code and packages, with the options that the desk was
//! started with.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::args::{KindArgs, SessionArgs};
use super::program::{Program, spec};
use crate::domain::{Limits, SessionSpec};
use crate::tui::{Programs, Wanted};

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
    /// Where scenarios lie that have names.
    scenarios: Option<PathBuf>,
}

impl OnDisk {
    pub(super) fn new(args: SessionArgs, limits: Limits, env: BTreeMap<String, String>) -> Self {
        // The title was for the programs of the command line.
        Self { args: SessionArgs { title: None, ..args }, limits, env, scenarios: None }
    }

    /// The same with the scenarios of a home, which are offered by their names.
    pub(super) fn with_home(self, home: Option<PathBuf>) -> Self {
        Self { scenarios: home.map(|home| home.join("scenarios")), ..self }
    }

    fn spec(&self, program: &Program<'_>) -> Result<SessionSpec, String> {
        let spec = spec(program, &self.args, &self.limits).map_err(|error| error.to_string())?;
        Ok(SessionSpec { env: self.env.clone(), ..spec })
    }

    fn package(&self, kind: KindArgs, opts: Option<Value>) -> Result<SessionSpec, String> {
        let kind = KindArgs { opts: opts.map(|opts| opts.to_string()), ..kind };
        // The options of a package are its ctx; the one that was given is for programs of the other kind.
        let args = SessionArgs { ctx: None, ..self.args.clone() };
        Self { args, limits: self.limits.clone(), env: self.env.clone(), scenarios: None }.spec(&Program::Kind(&kind))
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

    fn complete(&self, begun: &str, wanted: Wanted) -> Vec<String> {
        let names = self.scenarios.as_deref().filter(|_| wanted == Wanted::Scenario && !begun.contains('/'));
        let mut offers = names.map_or_else(Vec::new, |directory| named(directory, begun));
        let endings: &[&str] = match wanted {
            Wanted::Program => &["lua"],
            Wanted::Scenario => &["lua", "json"],
        };
        let (directory, name) = begun.rsplit_once('/').map_or(("", begun), |(directory, name)| (directory, name));
        let shown = if begun.contains('/') { format!("{directory}/") } else { String::new() };
        let looked_in = if shown.is_empty() { ".".to_owned() } else { with_home(&shown) };
        let entries = fs::read_dir(looked_in).into_iter().flatten().flatten().take(LOOKED_AT);
        let mut paths: Vec<String> = entries
            .filter_map(|entry| {
                let entry_name = entry.file_name().into_string().ok()?;
                let hidden = entry_name.starts_with('.') && !name.starts_with('.');
                let is_directory = entry.path().is_dir();
                let wanted = is_directory
                    || Path::new(&entry_name).extension().is_some_and(|it| endings.iter().any(|ending| it == *ending));
                let slash = if is_directory { "/" } else { "" };
                (wanted && !hidden && entry_name.starts_with(name)).then(|| format!("{shown}{entry_name}{slash}"))
            })
            .collect();
        paths.sort();
        offers.append(&mut paths);
        offers.truncate(OFFERS);
        offers
    }
}

/// The names of the scenarios in a directory that begin so, in order.
fn named(directory: &Path, begun: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().take(LOOKED_AT);
    let names = entries.filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".lua")?.to_owned()));
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.') && name.starts_with(begun)).collect();
    names.sort();
    names
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
    fn directories_and_files_are_offered_and_for_a_scenario_names_too() {
        let home = tempfile::tempdir().unwrap();
        for name in ["alpha.lua", "albatross.txt", ".hidden.lua", "beta.lua", "alto.json"] {
            fs::write(home.path().join(name), "return 1").unwrap();
        }
        fs::create_dir(home.path().join("alps")).unwrap();
        let path = |name: &str| home.path().join(name).to_string_lossy().into_owned();
        let offers = |begun: &str| OnDisk::default().complete(&path(begun), Wanted::Program);
        assert_eq!(offers("al"), [path("alpha.lua"), path("alps/")]);
        assert_eq!(offers("."), [path(".hidden.lua")]);
        assert_eq!(offers("none/"), Vec::<String>::new());
        fs::create_dir(home.path().join("scenarios")).unwrap();
        for name in ["sums.lua", "subtraction.lua", "notes.txt", "areas.lua"] {
            fs::write(home.path().join("scenarios").join(name), "return {}").unwrap();
        }
        let desk = OnDisk::default().with_home(Some(home.path().to_owned()));
        let scenarios = |begun: &str| desk.complete(begun, Wanted::Scenario);
        assert_eq!(scenarios(&path("al")), [path("alpha.lua"), path("alps/"), path("alto.json")]);
        assert_eq!(scenarios("su")[..2], ["subtraction", "sums"]);
        assert_eq!(desk.complete("su", Wanted::Program), OnDisk::default().complete("su", Wanted::Program));
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
