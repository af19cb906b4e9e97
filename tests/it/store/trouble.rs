//! A disk that does not take what is to be written: nothing is acknowledged that is not durable, and nothing derived is
//! lost or out of order.

use std::fs;
use std::path::Path;
use std::process::Command;

use switchboard::engine::{Durability, Journal, JournalError, Record, Reply};

use super::{Life, close, open, records_of, shown, told};
use crate::cli::home::{Ended, Home};
use crate::support::wait_for;

/// Appends an answer of a session that waits, until it is taken or refused.
async fn answer(journal: &dyn Journal, life: &mut Life, n: u32) -> Result<(), JournalError> {
    let before = life.session.clone();
    let turn = life.answer(n, "so");
    let result = journal.append(life.id(), &[Record::Turn(turn)], Durability::Acknowledged).get().await;
    if result.is_err() {
        // Then it was never given.
        life.session = before;
        life.records.pop();
    }
    result
}

fn derive(journal: &dyn Journal, life: &Life) {
    let last = life.records.last().unwrap();
    let reply = journal.append(life.id(), std::slice::from_ref(last), Durability::Derived);
    assert!(matches!(reply, Reply::Ready(Ok(()))));
}

#[tokio::test]
async fn while_another_program_keeps_it_locked_answers_are_refused_and_what_is_derived_waits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    let mut life = Life::begun(1);
    let mut other = Life::begun(2);
    life.ask("why?");
    life.write(&journal).await;
    other.write(&journal).await;

    let thief = rusqlite::Connection::open(&path).unwrap();
    thief.execute_batch("BEGIN IMMEDIATE").unwrap();
    other.log("one");
    derive(&journal, &other);
    let why = format!("another program keeps {} locked", path.display());
    assert_eq!(answer(&journal, &mut life, 1).await, Err(JournalError(why.clone())));
    assert_eq!(journal.trouble(), Some(why.clone()));
    other.log("two");
    derive(&journal, &other);
    assert!(answer(&journal, &mut life, 1).await.is_err());
    let seen = told(journal.events(other.id(), 1, 10)).await;
    assert_eq!(seen.events.last().unwrap().seq, other.session.last_seq(), "what waits is read all the same");

    thief.execute_batch("ROLLBACK").unwrap();
    wait_for("it to be tried again", || journal.trouble().is_none()).await;
    assert_eq!(answer(&journal, &mut life, 1).await, Ok(()));
    for life in [&life, &other] {
        assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)));
    }
    let figures = journal.figures().expect("it writes a disk");
    assert_eq!(figures.last_trouble.map(|(last, _)| last), Some(why), "somebody may ask for it later");
    close(journal).await;
    let journal = open(&path);
    for life in [&life, &other] {
        assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)));
    }
}

#[tokio::test]
async fn a_journal_that_is_slow_says_how_long_the_commit_under_way_lasts_and_what_waits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    let figures = || journal.figures().expect("it writes a disk");
    let mut life = Life::begun(1);
    life.ask("why?");
    life.write(&journal).await;
    let before = figures();
    assert!(before.commits.total > 0 && before.waits.total > 0 && before.bytes > 0, "{before:?}");
    assert_eq!((before.waiting, before.committing, before.last_trouble), (0, None, None));

    let thief = rusqlite::Connection::open(&path).unwrap();
    thief.execute_batch("BEGIN IMMEDIATE").unwrap();
    let turn = life.answer(1, "so");
    let mut reply = journal.append(life.id(), &[Record::Turn(turn)], Durability::Acknowledged);
    wait_for("the commit", || figures().committing.is_some()).await;
    life.log("one");
    derive(&journal, &life);
    let slow = figures();
    assert!(slow.waiting_bytes > 0, "{slow:?}");
    thief.execute_batch("ROLLBACK").unwrap();
    // It waits for the other for a while; on a very slow machine for longer than it does.
    drop(reply.get().await);
    wait_for("it to be written", || figures().waiting_bytes == 0 && figures().committing.is_none()).await;
    assert!(figures().commits.total > before.commits.total);
    close(journal).await;
}

#[tokio::test]
async fn a_file_that_is_deleted_or_replaced_is_noticed_and_taken_up_again_when_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let aside = directory.path().join("aside.db");
    let journal = open(&path);
    let mut life = Life::begun(1);
    life.write(&journal).await;
    fs::rename(&path, &aside).unwrap();
    life.log("line");
    derive(&journal, &life);
    wait_for("it to be noticed", || journal.trouble().is_some()).await;
    assert!(journal.trouble().unwrap().starts_with(&format!("{} is gone: ", path.display())));
    fs::write(&path, "something else").unwrap();
    life.ask("why?");
    derive(&journal, &life);
    let why = format!("{} was replaced by another file", path.display());
    assert_eq!(answer(&journal, &mut life, 1).await, Err(JournalError(why)));
    fs::rename(&aside, &path).unwrap();
    assert_eq!(answer(&journal, &mut life, 1).await, Ok(()));
    assert_eq!(journal.trouble(), None);
    close(journal).await;
    assert_eq!(records_of(&open(&path), life.id()).await, Some(shown(&life.records)));
}

const LEAVE: &str = "it must stay while the journal is in use; leave, and start again";

#[tokio::test]
async fn whose_lock_was_deleted_writes_nothing_more() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let lock = directory.path().join("journal.db.lock");
    let first = open(&path);
    let mut life = Life::begun(1);
    life.ask("why?");
    life.write(&first).await;
    fs::remove_file(&lock).unwrap();
    let told = answer(&first, &mut life, 1).await.unwrap_err().0;
    assert!(told.starts_with(&format!("{} is gone: ", lock.display())) && told.ends_with(LEAVE), "{told}");

    // What the first one writes there would be rows of the same numbers.
    let second = open(&path);
    let replaced = format!("{} was replaced by another file; {LEAVE}", lock.display());
    let mut here = Life { session: life.session.clone(), records: life.records.clone(), ..life };
    assert_eq!(answer(&first, &mut life, 1).await, Err(JournalError(replaced.clone())));
    assert_eq!(answer(&second, &mut here, 1).await, Ok(()));
    assert_eq!(answer(&first, &mut life, 1).await, Err(JournalError(replaced)));
    drop(first);
    close(second).await;
    let journal = open(&path);
    assert_eq!((records_of(&journal, here.id()).await, journal.notice()), (Some(shown(&here.records)), None));
    close(journal).await;
}

#[tokio::test]
async fn whose_log_was_deleted_writes_nothing_more_and_what_was_acknowledged_is_in_the_file() {
    for suffix in ["-wal", "-shm"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.db");
        let log = directory.path().join(format!("journal.db{suffix}"));
        let journal = open(&path);
        let mut life = Life::begun(1);
        life.ask("why?");
        life.write(&journal).await;
        fs::remove_file(&log).unwrap();
        let told = answer(&journal, &mut life, 1).await.unwrap_err().0;
        assert!(told.starts_with(&format!("{} is gone: ", log.display())) && told.ends_with(LEAVE), "{told}");
        // As somebody finds it whose process was killed now.
        let copy = directory.path().join("copy.db");
        fs::copy(&path, &copy).unwrap();
        assert_eq!(records_of(&open(&copy), life.id()).await, Some(shown(&life.records)), "{suffix}");
        drop(journal);
        let journal = open(&path);
        assert_eq!(answer(&journal, &mut life, 1).await, Ok(()));
        assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)));
        close(journal).await;
    }
}

/// Runs one test of this program again, alone, where no file may grow beyond `blocks` of 512 bytes or 1 KB.
fn run_limited(test: &str, directory: &Path, blocks: u32) {
    let this = std::env::current_exe().unwrap();
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --exact {test} --nocapture");
    let output = Command::new("sh").args(["-c", &script]).arg(this).env("JOURNAL_TEST", directory).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn on_a_full_disk_nothing_is_acknowledged_that_is_not_durable() {
    let directory = tempfile::tempdir().unwrap();
    run_limited("store::trouble::part_on_a_full_disk", directory.path(), 400);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let journal = open(&directory.path().join("journal.db"));
    let acknowledged: usize = fs::read_to_string(directory.path().join("acknowledged")).unwrap().parse().unwrap();
    assert!(acknowledged > 3, "{acknowledged}");
    let records = runtime.block_on(records_of(&journal, Life::begun(1).id())).unwrap();
    let answers = records.iter().filter(|record| record.contains("AnswerAccepted")).count();
    assert_eq!(answers, acknowledged);
}

/// The part of the test above that runs where the disk is full.
#[tokio::test]
async fn part_on_a_full_disk() {
    let Some(directory) = std::env::var_os("JOURNAL_TEST") else { return };
    let directory = Path::new(&directory);
    let journal = open(&directory.join("journal.db"));
    let mut life = Life::begun(1);
    life.write(&journal).await;
    let mut acknowledged = 0;
    for n in 1..1000 {
        life.ask(&"why? ".repeat(100));
        derive(&journal, &life);
        if answer(&journal, &mut life, n).await.is_err() {
            break;
        }
        acknowledged += 1;
    }
    assert!(acknowledged < 900);
    let why = journal.trouble().unwrap();
    assert!(why.starts_with(&format!("{}: ", directory.join("journal.db").display())) || why.contains("full"), "{why}");
    assert!(answer(&journal, &mut life, acknowledged + 1).await.is_err());
    fs::write(directory.join("acknowledged"), acknowledged.to_string()).unwrap();
}

#[test]
fn a_limit_of_the_size_of_files_is_a_disk_that_takes_nothing_and_does_not_end_the_program() {
    let home = Home::new();
    home.file("many.lua", "for i = 1, 400 do alc.llm(('x'):rep(200) .. i) end return 'all'");
    let answers = home.file("any.jsonl", "{\"response\": \"so\"}");
    let run = |script: &str| {
        let arguments =
            [env!("CARGO_BIN_EXE_switchboard"), "--journal", "j.db", "--answers", answers.to_str().unwrap()];
        Ended::of(home.command("sh").args(["-c", script]).args(arguments).spawn().unwrap())
    };
    run("ulimit -f 400; exec \"$0\" run many.lua \"$@\"").exits(6);
    let listed = home.run(&["session", "list", "--journal", "j.db", "-o", "jsonl"]).exits(0).lines();
    let id = listed[0]["session"].as_str().unwrap();
    let ended = run(&format!("exec \"$0\" run --resume {id} \"$@\"")).exits(0);
    assert!(ended.stdout.ends_with("done: \"all\"\n"), "{}", ended.stdout);
}

#[test]
fn what_is_started_has_its_own_say_about_the_size_of_files() {
    let home = Home::new();
    home.file("ask.lua", "return alc.llm('why?')");
    // Where it ignored the signal, it would only be told that it cannot write.
    let answerer = "sh -c 'ulimit -f 1; exec head -c 100000 /dev/zero > large'; code=$?; read line; \
                    echo \"{\\\"response\\\": \\\"$code\\\"}\"; cat > /dev/null";
    let ended = home.run(&["run", "ask.lua", "--answerer", answerer]).exits(0);
    assert!(ended.stdout.ends_with("done: \"153\"\n"), "{ended:?}");
}

#[tokio::test]
async fn with_too_few_files_open_that_is_what_is_said() {
    let home = Home::new();
    let path = home.path().join("j.db");
    let journal = open(&path);
    Life::begun(1).write(&journal).await;
    close(journal).await;
    let mut refused = 0;
    for limit in 8..24 {
        let script = format!("ulimit -n {limit}; exec \"$0\" session list --journal j.db");
        let ended = home.command("sh").args(["-c", &script, env!("CARGO_BIN_EXE_switchboard")]).spawn().unwrap();
        let Ended { code, stderr, .. } = Ended::of(ended);
        let is_of_the_journal = stderr.starts_with("error: j.db");
        assert!(!is_of_the_journal || stderr.contains("Too many open files"), "{limit}: {stderr}");
        refused += usize::from(is_of_the_journal);
        assert_eq!(code == Some(0), stderr.is_empty(), "{limit}: {stderr}");
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn too_much_that_is_not_written_makes_a_session_wait() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    let mut life = Life::begun(1);
    life.write(&journal).await;
    let thief = rusqlite::Connection::open(&path).unwrap();
    thief.execute_batch("BEGIN IMMEDIATE").unwrap();
    let long = "x".repeat(100_000);
    let mut waiting = None;
    for _ in 0..100 {
        life.log(&long);
        match journal.append(life.id(), &life.records[life.records.len() - 1..], Durability::Derived) {
            Reply::Ready(result) => result.unwrap(),
            later @ Reply::Later(_) => {
                waiting = Some(later);
                break;
            }
        }
    }
    let mut waiting = waiting.expect("the bound of one session is 4 MB");
    assert!(life.records.len() > 30);
    thief.execute_batch("ROLLBACK").unwrap();
    waiting.get().await.unwrap();
    assert_eq!(records_of(&journal, life.id()).await.unwrap().len(), life.records.len());
}
