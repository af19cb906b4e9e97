//! What leads to a journal by other names: there is one lock and one log all the same.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use switchboard::engine::{Durability, Journal, Presence};
use switchboard::store::journal::{Opened, SqliteJournal, Unwritable};

use super::{Life, close, open, records_of, shown};
use crate::cli::home::Home;

/// What lies in a directory, by name.
fn names(directory: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

/// A directory with another one in it, and a way to the file in that by links: from `way.db` over `far/next.db` to
/// `far/journal.db`.
fn linked() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let (far, way) = (directory.path().join("far"), directory.path().join("way.db"));
    fs::create_dir(&far).unwrap();
    symlink("far/next.db", &way).unwrap();
    symlink(far.join("journal.db"), far.join("next.db")).unwrap();
    let path = far.join("journal.db");
    (directory, path, way)
}

const FILES: [&str; 5] = ["journal.db", "journal.db-shm", "journal.db-wal", "journal.db.lock", "next.db"];

#[tokio::test]
async fn whatever_links_lead_to_it_a_journal_has_one_writer() {
    let (directory, path, way) = linked();
    symlink("far", directory.path().join("short")).unwrap();
    let ways = [path.clone(), way, directory.path().join("far/next.db"), directory.path().join("short/journal.db")];
    let mut life = Life::begun(1);
    for first in &ways {
        let writer = open(first);
        if first == &path {
            life.write(&writer).await;
        } else {
            let written = life.records.len();
            life.log("more");
            life.write_from(written, &writer).await;
        }
        for second in &ways {
            let Opened::Reader(reader, holder) = SqliteJournal::open(second).unwrap() else { panic!("it is held") };
            assert_eq!(records_of(&reader, life.id()).await, Some(shown(&life.records)));
            let refused = reader.append(life.id(), &life.records, Durability::Acknowledged).get().await.unwrap_err();
            assert_eq!(refused.0, format!("{holder} has the journal; here {} can only be read", second.display()));
            assert_eq!(SqliteJournal::writer_of(second), Some(holder));
            assert_eq!(SqliteJournal::ids_in(second).unwrap(), [life.id()]);
            assert!(SqliteJournal::bytes_of(second) > 4096);
        }
        assert_eq!(names(directory.path()), ["far", "short", "way.db"]);
        assert_eq!(names(path.parent().unwrap()), FILES);
        close(writer).await;
    }
}

#[tokio::test]
async fn where_a_link_leads_a_journal_is_made_and_saved_and_deleted_with_the_link() {
    let (directory, path, way) = linked();
    let told = format!("{}: there is no journal; nothing was recorded there", way.display());
    assert_eq!(SqliteJournal::read(&way).unwrap_err().to_string(), told);
    let journal = open(&way);
    let life = Life::begun(1);
    life.write(&journal).await;
    assert_eq!((journal.path(), names(path.parent().unwrap())), (&*path, FILES.map(String::from).to_vec()));
    close(journal).await;

    let mut bytes = fs::read(&path).unwrap();
    bytes[20..24].fill(0x55);
    fs::write(&path, bytes).unwrap();
    let journal = open(&way);
    assert_eq!(journal.path(), path.with_extension("salvaged-1.db"));
    assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)));
    assert_eq!(names(directory.path()), ["far", "way.db"]);
    journal.delete().unwrap();
    assert_eq!((names(directory.path()), names(path.parent().unwrap())), (vec!["far".into()], vec!["next.db".into()]));
}

#[tokio::test]
async fn with_a_second_name_of_its_own_it_is_only_read() {
    let directory = tempfile::tempdir().unwrap();
    let (path, other) = (directory.path().join("journal.db"), directory.path().join("other.db"));
    let journal = open(&path);
    let mut life = Life::begun(1);
    life.write(&journal).await;
    // Whoever has it already goes on: nobody gets it by the new name.
    fs::hard_link(&path, &other).unwrap();
    assert!(matches!(SqliteJournal::open(&path).unwrap(), Opened::Reader(..)));
    assert!(matches!(SqliteJournal::open(&other), Ok(Opened::ReadOnly(..)) | Err(_)));
    let written = life.records.len();
    life.log("more");
    life.write_from(written, &journal).await;
    close(journal).await;

    for path in [&path, &other] {
        let before = names(directory.path());
        let Opened::ReadOnly(journal, why) = SqliteJournal::open(path).unwrap() else { panic!("nobody has it") };
        let cause = "cannot be written (it has 2 names, hard links)";
        let name = path.file_name().unwrap().display();
        assert_eq!(why.to_string(), format!("{name} {cause}; try --journal FILE or --ephemeral"));
        let remedy = "delete the others, but none that has a -wal file";
        assert_eq!(why.of_it(), format!("{} {cause}; {remedy}", path.display()));
        assert_eq!((journal.trouble(), journal.watched()), (Some(why.to_string()), Some(Presence::ReadOnly)));
        assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)));
        assert!(!journal.is_free());
        assert_eq!(names(directory.path()), before, "nothing is made beside it");
    }
    let Opened::ReadOnly(journal, _) = SqliteJournal::open(&path).unwrap() else { panic!("it has two names") };
    fs::remove_file(other).unwrap();
    assert!(journal.is_free() && Unwritable::of(&path).is_none());
    drop(journal);
    close(open(&path)).await;
}

#[test]
fn of_a_journal_with_two_names_each_command_says_what_to_do() {
    let home = Home::new();
    home.file("ask.lua", "return alc.llm('why?')");
    home.run(&["run", "ask.lua", "--journal", "j.db"]).exits(6);
    fs::hard_link(home.path().join("j.db"), home.path().join("other.db")).unwrap();
    let id = home.run(&["session", "list", "--journal", "other.db"]).exits(0).stdout[..8].to_owned();
    let refused = "error: other.db cannot be written (it has 2 names, hard links); delete the others, but none that has \
                   a -wal file\n";
    for arguments in [&["run", "ask.lua"][..], &["run", "--resume", &id], &["session", "cancel", &id]] {
        let ended = home.run(&[arguments, &["--journal", "other.db"]].concat()).exits(1);
        assert_eq!((ended.stderr.as_str(), ended.stdout.as_str()), (refused, ""), "{arguments:?}");
    }
    fs::write(home.path().join("empty.db"), "").unwrap();
    fs::hard_link(home.path().join("empty.db"), home.path().join("empty too.db")).unwrap();
    let ended = home.run(&["run", "ask.lua", "--journal", "empty.db"]).exits(2);
    let told =
        "error: empty.db: this is a hard link; a journal is a file of its own, so give another one with --journal\n";
    assert_eq!(ended.stderr, told);
    home.run(&["session", "show", &id, "--journal", "other.db"]).exits(0);
}

#[test]
fn where_no_journal_can_be_opened_no_lock_is_left() {
    let home = Home::new();
    home.file("ok.lua", "return 1");
    symlink("loop.db", home.path().join("loop.db")).unwrap();
    fs::create_dir(home.path().join("there")).unwrap();
    symlink("there", home.path().join("place")).unwrap();
    let ended = home.run(&["run", "ok.lua", "--journal", "loop.db"]).exits(1);
    assert!(ended.stderr.starts_with("error: loop.db: Too many levels of symbolic links"), "{}", ended.stderr);
    home.run(&["session", "list", "--journal", "loop.db"]).exits(3);
    home.run(&["run", "ok.lua", "--journal", "place/new.db"]).exits(0);
    assert!(!home.path().join("loop.db.lock").exists());
    assert!(home.path().join("there/new.db.lock").exists());
}

#[test]
fn records_of_runs_are_kept_also_where_their_directory_is_elsewhere() {
    let home = Home::new();
    home.file("ask.lua", "return alc.llm('why?')");
    home.file("any.jsonl", "{\"response\": \"so\"}");
    fs::create_dir_all(home.path().join("elsewhere/runs")).unwrap();
    fs::create_dir(home.path().join("state")).unwrap();
    symlink("../elsewhere/runs", home.path().join("state/runs")).unwrap();
    let run = |arguments: &[&str]| home.run(&[arguments, &["--state-dir", "state"]].concat());
    run(&["run", "ask.lua"]).exits(6);
    let id = run(&["session", "list", "--runs"]).exits(0).stdout[..8].to_owned();
    run(&["run", "--resume", &id, "--answers", "any.jsonl"]).exits(0);
    assert_eq!(names(&home.path().join("state")), ["runs", "switchboard.log"]);
    run(&["session", "rm", "--runs", "--all"]).exits(0);
    assert_eq!(names(&home.path().join("elsewhere/runs")), [""; 0]);
}
