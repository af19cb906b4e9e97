//! Lends the terminal to the person's editor and pager, with a text in a file that only its owner can read.
//!
//! Blocks until the other program ends: it has the terminal, so there is nothing to draw and no key to take. The file is
//! gone afterwards, whatever happened.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::process::{Child, Command, Stdio};

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};
use tempfile::NamedTempFile;

use super::terminal::stop_here;

/// Why the text is as it was. One line.
pub(super) type Failed = String;

/// What the terminal is lent for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Loan {
    /// To edit a text.
    Edit(String),
    /// To read one.
    Page(String),
}

/// Lets `editor` edit a text of at most `limit` bytes.
pub(super) fn edit(editor: &str, text: &str, limit: usize) -> Result<String, Failed> {
    let file = written(text)?;
    run(editor, &file)?;
    // By its name: many editors write a new file and give it the old one's name.
    let bytes = std::fs::read(file.path()).map_err(|error| format!("what {editor} wrote cannot be read: {error}"))?;
    if bytes.len() > limit {
        return Err(format!("{editor} wrote {} bytes; at most {limit} are taken", bytes.len()));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| format!("what {editor} wrote is not UTF-8"))?;
    // Editors end the last line; the draft did not.
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

/// Lets `pager` show a text.
pub(super) fn page(pager: &str, text: &str) -> Result<(), Failed> {
    run(pager, &written(text)?)
}

fn written(text: &str) -> Result<NamedTempFile, Failed> {
    let write = || {
        let mut file = tempfile::Builder::new().prefix("switchboard-").suffix(".txt").tempfile()?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.flush()?;
        Ok(file)
    };
    write().map_err(|error: io::Error| format!("no file for the text: {error}"))
}

/// Ctrl-C is for the other program alone: it may be a key like any other there. A shell without a trap dies of it and leaves
/// the program behind; one that ignored it would hand that on, and this does not.
const OUTLIVING_INTERRUPTS: &str = "trap : INT QUIT\n";

/// Here Ctrl-S sends, and whoever presses it in a pager must not stop the terminal.
const WITHOUT_FLOW_CONTROL: &str = "before=$(stty -g 2> /dev/null) && stty -ixon\n";
const AS_BEFORE: &str = "ended=$?; test -z \"$before\" || stty \"$before\"; exit $ended";

/// Runs a command line with the file as its last argument, as a shell would.
fn run(command: &str, file: &NamedTempFile) -> Result<(), Failed> {
    // Standard input may be a pipe that a program was read from.
    let input = if io::stdin().is_terminal() {
        Stdio::inherit()
    } else {
        File::open("/dev/tty").map_or_else(|_| Stdio::inherit(), Stdio::from)
    };
    let child = Command::new("sh")
        .arg("-c")
        .arg(format!("{OUTLIVING_INTERRUPTS}{WITHOUT_FLOW_CONTROL}{command} \"$1\"\n{AS_BEFORE}"))
        .arg(command)
        .arg(file.path())
        .stdin(input)
        .spawn()
        .map_err(|error| format!("sh cannot be started: {error}"))?;
    let status = wait_for(&child).map_err(|error| format!("{command} cannot be waited for: {error}"))?;
    match status.exit_status() {
        Some(0) => Ok(()),
        Some(127) => Err(format!("there is no command {command:?}; set editor and pager in the config file")),
        // So a shell says that a signal ended what it ran.
        None | Some(129..=192) => Err(format!("{command} was ended by a signal")),
        Some(code) => Err(format!("{command} ended with {code}")),
    }
}

/// Waits until a program has ended. While it is stopped this process is, too: the shell they were started from has the
/// terminal then, and continues both.
fn wait_for(child: &Child) -> io::Result<WaitStatus> {
    loop {
        match waitpid(Some(Pid::from_child(child)), WaitOptions::UNTRACED) {
            Ok(Some((_, status))) if status.stopped() => stop_here()?,
            Ok(Some((_, status))) => return Ok(status),
            Ok(None) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn an_edited_text_comes_back_and_a_failing_editor_says_so() {
        assert_eq!(edit("sed -i s/old/new/", "the old text", 100).as_deref(), Ok("the new text"));
        assert_eq!(edit("true", "as it was\n", 100).as_deref(), Ok("as it was\n"));
        assert_eq!(edit("false", "x", 100), Err("false ended with 1".to_owned()));
        let missing = edit("no-such-editor 2> /dev/null", "x", 100).unwrap_err();
        assert!(missing.contains("there is no command"), "{missing}");
        assert!(edit("printf '\\377' >", "x", 100).unwrap_err().contains("not UTF-8"));
        assert!(edit("true", "too long", 3).unwrap_err().contains("at most 3"));
        assert_eq!(edit("sh -c 'kill -INT $$'", "x", 100).unwrap_err(), "sh -c 'kill -INT $$' was ended by a signal");
    }

    #[test]
    fn only_its_owner_can_read_the_text_and_it_does_not_stay() {
        let path = {
            let file = written("secret").unwrap();
            assert_eq!(file.as_file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
            file.path().to_owned()
        };
        assert!(!path.exists());
    }
}
