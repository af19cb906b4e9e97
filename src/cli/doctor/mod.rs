//! `switchboard doctor`: what holds on this machine, a line for each, and the crash test.
//!
//! It changes nothing of the person's: the crash test works in a directory of its own.

mod crash_test;
mod life;

use std::path::Path;

use super::args::DoctorArgs;
use super::exit::{CliError, Exit};
use super::{files, output};
use crate::config::Settings;
use crate::domain::printable_line;
use crate::lua::{LuaVms, pairs_order_is_fixed};
use crate::store::journal::{SqliteJournal, Unwritable};

/// One thing that was looked at.
struct Finding {
    is_well: bool,
    what: String,
}

impl Finding {
    fn well(what: impl Into<String>) -> Self {
        Self { is_well: true, what: what.into() }
    }

    fn ill(what: impl Into<String>) -> Self {
        Self { is_well: false, what: what.into() }
    }
}

/// Looks at this machine. `faults`: what is wrong with the settings.
pub(super) fn doctor(settings: &Settings, faults: &[CliError], args: &DoctorArgs) -> Result<Exit, CliError> {
    if let Some(directory) = &args.life {
        return life::live(directory, args.seed, args.last);
    }
    let mut all_well = true;
    for Finding { is_well, what } in findings(settings, faults) {
        all_well &= is_well;
        tell(is_well, &what)?;
    }
    if args.crash_test {
        all_well &= crash_test::run(args.kills, args.seed)?;
    }
    Ok(if all_well { Exit::Ok } else { Exit::Failure })
}

fn tell(is_well: bool, what: &str) -> Result<(), CliError> {
    output::data(format!("{}  {}\n", if is_well { "ok " } else { "BAD" }, printable_line(what)))
}

fn findings(settings: &Settings, faults: &[CliError]) -> Vec<Finding> {
    let order = if pairs_order_is_fixed() {
        Finding::well("pairs visits keys in one order: sessions can sleep and come back")
    } else {
        Finding::ill("pairs visits keys in another order in each state; build with the project's .cargo/config.toml")
    };
    let interrupts = if LuaVms::new().preempts_on_demand() {
        Finding::well("running programs are interrupted on demand")
    } else {
        Finding::well("running programs are interrupted by a standing hook: hot Lua is slower here")
    };
    let journal = match settings.paths.journal() {
        Some(path) => journal(path),
        None => Finding::well("there is no place for a journal, since HOME is not set: nothing is kept"),
    };
    [order, interrupts, journal].into_iter().chain(of_the_settings(settings, faults)).collect()
}

/// The files that the desk reads before it opens, and variables: each mistake, else that there is none.
fn of_the_settings(settings: &Settings, faults: &[CliError]) -> Vec<Finding> {
    let (keymap, theme) = (files::keymap(settings).err(), files::theme(settings).err());
    let faults = faults.iter().chain(&keymap).chain(&theme);
    let findings: Vec<Finding> = faults.flat_map(CliError::lines).map(Finding::ill).collect();
    if !findings.is_empty() {
        return findings;
    }
    let config = settings.paths.config().filter(|(path, _)| path.exists());
    let of = config.map_or_else(|| "the settings".to_owned(), |(path, _)| path.display().to_string());
    vec![Finding::well(format!("{of}, the keymap and the theme: no mistake"))]
}

fn journal(path: &Path) -> Finding {
    if !path.exists() {
        // A file without a name, which nobody ever sees, says whether one could be made there.
        let there = path.ancestors().skip(1).find(|directory| directory.exists()).unwrap_or(Path::new("."));
        let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
        return match tempfile::tempfile_in(there) {
            Ok(_) => Finding::well(format!("{}: no journal yet; the desk makes one", path.display())),
            Err(error) => Finding::ill(format!(
                "{}: no journal, and none can be made: {error}; --journal FILE names another place",
                path.display()
            )),
        };
    }
    if let Some(why) = Unwritable::of(path) {
        return Finding::ill(format!("{why:#}"));
    }
    match SqliteJournal::read(path) {
        Ok(_) => Finding::well(format!("{}: the journal can be read", path.display())),
        Err(error) => Finding::ill(error.to_string()),
    }
}
