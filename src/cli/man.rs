//! `switchboard man`: the manual page, one for all subcommands.

use std::io::Write;

use clap::{Arg, Command};
use clap_mangen::Man;

use super::exit::{CliError, Exit};
use super::output;

/// Prints the page.
pub(super) fn man(command: Command) -> Result<Exit, CliError> {
    output::data(page(command).expect("writing to memory does not fail"))?;
    Ok(Exit::Ok)
}

fn page(mut command: Command) -> std::io::Result<Vec<u8>> {
    command.build();
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    parts(&mut page, &command, "SWITCHBOARD")?;
    Ok(page)
}

/// A section for each subcommand, and behind it for each of its own. What all of them take stands at the top.
fn parts(page: &mut Vec<u8>, command: &Command, name: &str) -> std::io::Result<()> {
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help") {
        let is_common = |arg: &Arg| arg.is_global_set() || arg.get_id() == "help";
        let part = verb.clone().mut_args(|arg| if is_common(&arg) { arg.hide(true) } else { arg });
        let (man, mut part) = (Man::new(part), Vec::new());
        man.render_synopsis_section(&mut part)?;
        man.render_description_section(&mut part)?;
        man.render_options_section(&mut part)?;
        let name = format!("{name} {}", verb.get_name().to_uppercase());
        writeln!(page, ".SH \"{name}\"")?;
        // What is a page of its own elsewhere is a section here, and its sections are parts of it.
        for line in String::from_utf8_lossy(&part).lines() {
            writeln!(page, "{}", line.replacen(".SH ", ".SS ", 1))?;
        }
        parts(page, verb, &name)?;
    }
    Ok(())
}
