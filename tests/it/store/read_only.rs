//! A journal that may be read and not written: it is shown, nothing is taken for it, and nothing is made beside it.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use switchboard::domain::{Answer, AnsweredBy, ExecutionState, QueryId, ResumeError, ResumePayload};
use switchboard::engine::{Durability, Journal, Presence};
use switchboard::store::journal::{News, Opened, SqliteJournal, Unwritable};

use super::watching::watching;
use super::{Life, close, open, records_of, shown, told};
use crate::cli::home::{Ended, Home};
use crate::support::wait_for;

/// Somebody who owns nothing: permissions do not hold for the superuser.
const NOBODY: u32 = 65534;

/// Runs one test of this program again, alone, as a person whom permissions stop, in a directory of theirs.
fn as_a_person(test: &str) {
    let directory = tempfile::tempdir().unwrap();
    if !rustix::process::geteuid().is_root() {
        run(Command::new(std::env::current_exe().unwrap()), test, directory.path());
        return;
    }
    chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    // Where the programs lie, that person may not be let in.
    let programs = tempfile::tempdir().unwrap();
    permit(programs.path(), 0o755);
    let program = programs.path().join("switchboard");
    fs::copy(env!("CARGO_BIN_EXE_switchboard"), &program).unwrap();
    let mut command = Command::new("/proc/self/exe");
    command.uid(NOBODY).gid(NOBODY).env("JOURNAL_PROGRAM", program);
    run(command, test, directory.path());
}

fn run(mut command: Command, test: &str, directory: &Path) {
    command.args(["--exact", test, "--nocapture"]).env("JOURNAL_TEST", directory).current_dir(directory);
    let output = command.output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

/// Where a part of a test works, if it was started by [`as_a_person`].
fn here() -> Option<PathBuf> {
    std::env::var_os("JOURNAL_TEST").map(PathBuf::from)
}

/// Starts the program.
fn start(home: &Home, arguments: &[&str]) -> Child {
    let program = std::env::var("JOURNAL_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_switchboard").to_owned());
    home.command(&program).args(arguments).stdin(Stdio::piped()).spawn().unwrap()
}

/// Runs the program to its end.
fn program(home: &Home, arguments: &[&str]) -> Ended {
    Ended::of(start(home, arguments))
}

/// Answers the `n`-th question of a program that runs elsewhere.
fn answer(child: &mut Child, n: u32) {
    writeln!(child.stdin.as_mut().unwrap(), r#"{{"query_id": "q-{n}", "response": "so"}}"#).unwrap();
}

fn names(directory: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    names
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Lets a directory and what is in it only be read, or be written again.
fn lock_up(directory: &Path, is_locked: bool) {
    let (file, all) = if is_locked { (0o444, 0o555) } else { (0o644, 0o755) };
    permit(directory, 0o755);
    for path in names(directory) {
        permit(&path, file);
    }
    permit(directory, all);
}

/// A life that waits for an answer.
fn asking() -> Life {
    let mut life = Life::begun(1);
    life.ask("why?");
    life
}

fn read_only(path: &Path) -> (SqliteJournal, String) {
    match SqliteJournal::open(path).unwrap() {
        Opened::ReadOnly(journal, why) => (journal, why.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn where_it_may_only_be_read_it_is_shown_and_takes_nothing() {
    as_a_person("store::read_only::part_where_it_may_only_be_read");
}

#[tokio::test]
async fn part_where_it_may_only_be_read() {
    let Some(directory) = here() else { return };
    let copied = |to: &str, suffixes: &[&str]| {
        let to = directory.join(to);
        fs::create_dir(&to).unwrap();
        for suffix in suffixes {
            fs::copy(directory.join(format!("live/journal.db{suffix}")), to.join(format!("journal.db{suffix}")))
                .unwrap();
        }
        to
    };
    fs::create_dir(directory.join("live")).unwrap();
    let path = directory.join("live/journal.db");
    close(open(&path)).await;
    let journal = open(&path);
    let life = asking();
    life.write(&journal).await;
    // As a process leaves it that was killed, whole and without the index; then as one that has ended.
    let mut places = vec![copied("killed 100%?", &["", "-wal", "-shm"]), copied("#without index", &["", "-wal"])];
    close(journal).await;
    places.push(copied("closed", &[""]));
    places.push(copied("with a lock", &["", ".lock"]));

    for place in places {
        lock_up(&place, true);
        let (path, before) = (place.join("journal.db"), names(&place));
        let (journal, why) = read_only(&path);
        assert_eq!(why, "journal.db cannot be written (permission denied); try --journal FILE or --ephemeral");
        assert_eq!(journal.trouble(), Some(why.clone()));
        assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)), "{}", place.display());
        let refused = journal.append(life.id(), &life.records[1..], Durability::Acknowledged).get().await.unwrap_err();
        assert_eq!(refused.0, why);
        assert!(!journal.is_free());

        let registry = watching(&Arc::new(journal));
        assert_eq!(registry.recover().await.unwrap().waiting, 1);
        assert_eq!(registry.summary(life.id()).unwrap().presence, Presence::ReadOnly);
        let answer = ResumePayload::Single(Answer::new(QueryId::new(1), "mine", AnsweredBy::Person));
        let refused = registry.resume(life.id(), answer).await;
        assert!(matches!(&refused, Err(ResumeError::NotRecorded { .. })), "{refused:?}");
        registry.shutdown(std::time::Duration::ZERO).await;

        let (home, path) = (Home::new(), path.to_str().unwrap());
        let listed = program(&home, &["session", "list", "--journal", path]).exits(0).stdout;
        assert!(listed.contains("why?"), "{listed}");
        let doctor = program(&home, &["doctor", "--journal", path]).exits(1).stdout;
        assert!(doctor.contains(&format!("BAD  {path} cannot be written (permission denied)")), "{doctor}");
        let refused = program(&home, &["run", "--code", "return 1", "--journal", path]).exits(1).stderr;
        assert!(refused.contains("cannot be written") && refused.lines().count() == 1, "{refused}");
        assert_eq!(names(&place), before, "nothing is made beside it");
        lock_up(&place, false);
    }
}

#[test]
fn it_says_what_of_it_cannot_be_written() {
    as_a_person("store::read_only::part_what_cannot_be_written");
}

#[tokio::test]
async fn part_what_cannot_be_written() {
    let Some(directory) = here() else { return };
    let path = directory.join("journal.db");
    let life = asking();
    assert!(Unwritable::of(&path).is_none(), "there is none");
    permit(&directory, 0o555);
    let refused = SqliteJournal::open(&path).unwrap_err().to_string();
    assert!(refused.contains("ermission denied") && refused.contains("--journal FILE names another"), "{refused}");
    permit(&directory, 0o755);
    let journal = open(&path);
    life.write(&journal).await;
    close(journal).await;
    let why = |cause: &str| format!("journal.db cannot be written ({cause}); try --journal FILE or --ephemeral");
    for (what, cause) in [
        ("journal.db", "permission denied"),
        ("journal.db.lock", "its .lock file: permission denied"),
        ("", "its directory: permission denied"),
    ] {
        let (place, usual) = (directory.join(what), if what.is_empty() { 0o755 } else { 0o600 });
        for made_when_opened in ["-wal", "-shm"] {
            let _ = fs::remove_file(directory.join(format!("journal.db{made_when_opened}")));
        }
        permit(&place, usual & 0o555);
        let (journal, told) = read_only(&path);
        assert_eq!(told, why(cause));
        assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)));
        assert!(!journal.is_free());
        permit(&place, usual);
        assert!(journal.is_free(), "it can be written again after {what}: {:?}", journal.trouble());
        drop(journal);
        close(open(&path)).await;
    }
    permit(&path, 0o000);
    let refused = SqliteJournal::open(&path).unwrap_err().to_string();
    assert!(refused.contains("ermission denied") && refused.contains("--journal FILE names another"), "{refused}");
}

#[test]
fn what_others_write_meanwhile_is_seen() {
    as_a_person("store::read_only::part_what_others_write");
}

#[tokio::test]
async fn part_what_others_write() {
    let Some(directory) = here() else { return };
    let (home, path) = (Home::new(), directory.join("journal.db"));
    let named = ["--journal", path.to_str().unwrap()];
    let code = "return alc.llm('first?') .. alc.llm('second?') .. alc.llm('third?')";
    let mut writer = start(&home, &[&["run", "--stdin", "--code", code], &named[..]].concat());
    let asks = |what: &str| program(&home, &[&["session", "list"], &named[..]].concat()).stdout.contains(what);
    wait_for("it to ask", || asks("first?")).await;
    lock_up(&directory, true);
    let (reader, holder) = match SqliteJournal::open(&path).unwrap() {
        Opened::Reader(reader, holder) => (reader, holder),
        other => panic!("{other:?}"),
    };
    assert!(holder.starts_with(&format!("pid {} on ", writer.id())), "{holder}");
    let id = reader.ids().unwrap()[0];
    let epoch = |reader: &SqliteJournal| match reader.retired(id).unwrap().state() {
        ExecutionState::Paused(pause) => pause.epoch,
        _ => 0,
    };
    assert_eq!(epoch(&reader), 1);
    answer(&mut writer, 1);
    wait_for("its second question", || epoch(&reader) == 2).await;
    assert!(!reader.is_free());
    drop(writer.stdin.take());
    Ended::of(writer).exits(6);
    assert!(reader.is_free(), "it has gone; what can be done here now is another matter");
    drop(reader);

    // Nobody has it; then somebody who may write; then nobody.
    let (reader, why) = read_only(&path);
    assert_eq!((epoch(&reader), reader.is_free()), (2, false));
    let end = told(reader.news(&News::default())).await;
    lock_up(&directory, false);
    let mut writer = start(&home, &[&["run", "--stdin", "--resume", &id.to_string()], &named[..]].concat());
    let log = directory.join("journal.db-wal");
    wait_for("it to write", || fs::metadata(&log).is_ok_and(|log| log.len() > 0)).await;
    assert!(reader.trouble().is_some_and(|why| why.starts_with("pid ")), "{:?}", reader.trouble());
    lock_up(&directory, true);
    answer(&mut writer, 2);
    wait_for("its third question", || epoch(&reader) == 3).await;
    let news = told(reader.news(&end)).await;
    assert_eq!(news.sessions.iter().map(|stored| stored.session.id()).collect::<Vec<_>>(), [id]);
    answer(&mut writer, 3);
    Ended::of(writer).exits(0);
    assert_eq!(epoch(&reader), 0, "it has ended");
    assert_eq!(reader.trouble(), Some(why));
    lock_up(&directory, false);
    assert!(reader.is_free());
    drop(reader);
    close(open(&path)).await;
}
