//! `switchboard man`: the manual page, one for all subcommands.

use std::io::Write;

use clap::Command;
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
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        let mut part = Vec::new();
        let man = Man::new(verb.clone());
        man.render_synopsis_section(&mut part)?;
        man.render_description_section(&mut part)?;
        man.render_options_section(&mut part)?;
        writeln!(page, ".SH \"SWITCHBOARD {}\"", verb.get_name().to_uppercase())?;
        // What is a page of its own elsewhere is a section here, and its sections are parts of it.
        for line in String::from_utf8_lossy(&part).lines() {
            writeln!(page, "{}", line.replacen(".SH ", ".SS ", 1))?;
        }
    }
    Ok(page)
}
