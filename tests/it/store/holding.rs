//! Who writes a journal, who reads it meanwhile, and which files are refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use switchboard::domain::{QueryId, SessionId};
use switchboard::engine::{Durability, Journal};
use switchboard::store::journal::{Opened, SqliteJournal};

use super::{Life, close, open, records_of, shown, told};

#[tokio::test]
async fn the_second_one_is_told_who_has_it_and_reads_along() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let first = open(&path);
    let mut life = Life::begun(1);
    life.write(&first).await;
    let Opened::Reader(second, holder) = SqliteJournal::open(&path).unwrap() else { panic!("it is held") };
    assert!(holder.starts_with(&format!("pid {} on ", std::process::id())), "{holder}");
    assert!(holder.contains(" since 20"), "{holder}");
    assert_eq!(records_of(&second, life.id()).await, Some(shown(&life.records)));

    let refused = second.append(life.id(), &life.records[1..], Durability::Acknowledged).get().await.unwrap_err();
    let expected = format!("{holder} has the journal; here {} can only be read", path.display());
    assert_eq!(refused.0, expected);
    assert_eq!(second.trouble(), Some(expected));
    second.keep_draft(life.id(), QueryId::new(1), Some("lost".into()));
    assert!(second.remove(vec![life.id()]).get().await.is_err());

    let written = life.records.len();
    life.ask("why?");
    life.write_from(written, &first).await;
    assert_eq!(records_of(&second, life.id()).await, Some(shown(&life.records)), "what comes later is seen");
    assert_eq!(told(first.drafts()).await.to_vec(), []);
    close(first).await;
    let free = "nobody has the journal any more; open it again to have it";
    assert_eq!((second.trouble().as_deref(), second.is_free()), (Some(free), true));
    let third = open(&path);
    assert!(second.trouble().is_some_and(|trouble| trouble.starts_with("pid ")), "looking keeps nobody out");
    close(third).await;
    close(second).await;
    close(open(&path)).await;
}

#[tokio::test]
async fn a_process_that_did_not_close_it_is_noticed_and_its_lock_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    assert!(journal.was_closed(), "nobody had it before");
    drop(journal);
    let journal = open(&path);
    assert!(!journal.was_closed());
    close(journal).await;
    let journal = open(&path);
    assert!(journal.was_closed());
    close(journal).await;
}

#[tokio::test]
async fn after_it_is_closed_nothing_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory.path().join("journal.db"));
    let life = Life::begun(1);
    told(journal.close()).await;
    for durability in [Durability::Acknowledged, Durability::Derived] {
        let refused = journal.append(life.id(), &life.records, durability).get().await.unwrap_err();
        assert_eq!(refused.0, "the journal is closed");
    }
    assert_eq!(records_of(&journal, life.id()).await, None);
}

#[tokio::test]
async fn only_the_owner_can_read_what_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/deep/journal.db");
    let journal = open(&path);
    Life::begun(1).write(&journal).await;
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(directory.path().join("new")), 0o700);
    assert_eq!(mode(directory.path().join("new/deep")), 0o700);
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(path.clone()), 0o600, "{}", path.display());
    }
    close(journal).await;
}

#[test]
fn a_file_of_something_else_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.db");
    let refused = |path: &PathBuf| SqliteJournal::open(path).unwrap_err().to_string();
    let message = format!("{}: this file is no journal; give another one with --journal", path.display());
    fs::write(&path, "my notes\n".repeat(2000)).unwrap();
    assert_eq!(refused(&path), message);
    assert_eq!(fs::read_to_string(&path).unwrap(), "my notes\n".repeat(2000));

    fs::remove_file(&path).unwrap();
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE mine (a); INSERT INTO mine VALUES (1)").unwrap();
    drop(db);
    let before = fs::read(&path).unwrap();
    assert_eq!(refused(&path), message);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_newer_version_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    close(open(&path)).await;
    let db = rusqlite::Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 7).unwrap();
    db.pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(())).unwrap();
    drop(db);
    let before = fs::read(&path).unwrap();
    let message = "the journal is of version 7; this program reads up to version 2; use a newer one";
    for refused in [SqliteJournal::open(&path).map(drop), SqliteJournal::read(&path).map(drop)] {
        assert_eq!(refused.unwrap_err().to_string(), format!("{}: {message}", path.display()));
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn reading_makes_no_journal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let refused = SqliteJournal::read(&path).unwrap_err().to_string();
    assert_eq!(refused, format!("{}: there is no journal; nothing was recorded there", path.display()));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_journal_is_read_while_nobody_writes_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    let life = Life::begun(1);
    life.write(&journal).await;
    drop(journal);
    let reader = SqliteJournal::read(&path).unwrap();
    assert_eq!(records_of(&reader, life.id()).await, Some(shown(&life.records)));
    assert_eq!(reader.retired(SessionId::from_bits(2)), None);
}

#[tokio::test]
async fn a_file_whose_tables_were_being_made_as_the_process_was_killed_is_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let (making, path) = (directory.path().join("making.db"), directory.path().join("journal.db"));
    let db = rusqlite::Connection::open(&making).unwrap();
    // So small that what is written goes to the file before it is committed.
    let write = "PRAGMA cache_size = 1; BEGIN; CREATE TABLE sessions (body BLOB);
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
        INSERT INTO sessions SELECT zeroblob(4000) FROM n;";
    db.execute_batch(write).unwrap();
    for suffix in ["", "-journal"] {
        fs::copy(directory.path().join(format!("making.db{suffix}")), format!("{}{suffix}", path.display())).unwrap();
    }
    drop(db);

    let read = SqliteJournal::read(&path).unwrap_err().to_string();
    assert!(read.contains("there is no journal; nothing was recorded there"), "{read}");
    let journal = open(&path);
    let life = Life::begun(1);
    life.write(&journal).await;
    close(journal).await;
    let journal = open(&path);
    assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)));
    close(journal).await;
}

#[tokio::test]
async fn a_copy_without_a_log_that_was_being_opened_as_the_process_was_killed_is_no_empty_one() {
    let directory = tempfile::tempdir().unwrap();
    let [original, copy, path] = ["original.db", "copy.db", "journal.db"].map(|name| directory.path().join(name));
    let journal = open(&original);
    let life = Life::begun(1);
    life.write(&journal).await;
    close(journal).await;
    let db = rusqlite::Connection::open(&original).unwrap();
    db.execute("VACUUM INTO ?", [copy.to_str()]).unwrap();
    let db = rusqlite::Connection::open(&copy).unwrap();
    // So small that what is written goes to the file before it is committed.
    let write = "PRAGMA cache_size = 1; BEGIN;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
        INSERT INTO facts SELECT i, zeroblob(4000) FROM n;";
    db.execute_batch(write).unwrap();
    for suffix in ["", "-journal"] {
        fs::copy(directory.path().join(format!("copy.db{suffix}")), format!("{}{suffix}", path.display())).unwrap();
    }
    drop(db);

    let interrupted = "a process ended as it opened the journal; the next desk that opens it puts that right";
    let expected = format!("{}: {interrupted}", path.display());
    assert_eq!(SqliteJournal::read(&path).unwrap_err().to_string(), expected);
    assert_eq!(SqliteJournal::ids_in(&path).unwrap_err().to_string(), expected);
    let journal = open(&path);
    assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)));
    close(journal).await;

    // What would undo something that is done may stay there: it begins with a zero.
    fs::write(directory.path().join("journal.db-journal"), [0; 512]).unwrap();
    assert_eq!(SqliteJournal::ids_in(&path).unwrap(), [life.id()]);
}

#[tokio::test]
async fn what_was_salvaged_has_one_writer_also_under_its_own_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    Life::begun(1).write(&journal).await;
    close(journal).await;
    let mut bytes = fs::read(&path).unwrap();
    bytes[20..24].fill(0x55);
    fs::write(&path, bytes).unwrap();
    let journal = open(&path);
    let saved = journal.path().to_owned();
    close(journal).await;

    let other = open(&saved);
    let Opened::Reader(journal, holder) = SqliteJournal::open(&path).unwrap() else { panic!("it is held") };
    assert_eq!((journal.holder(), journal.is_free()), (Some(holder.clone()), false));
    assert_eq!(SqliteJournal::writer_of(&path), Some(holder));
    close(other).await;
    assert!(journal.is_free());
    drop(journal);
    close(open(&path)).await;
}

#[tokio::test]
async fn a_journal_is_not_deleted_while_somebody_has_what_was_salvaged_from_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let (journal, saved) = (open(&path), directory.path().join("journal.salvaged-1.db"));
    let (other, life) = (open(&saved), Life::begun(1));
    let refused = journal.delete().unwrap_err().to_string();
    assert!(refused.starts_with(&format!("{} belongs to it and is held by pid ", saved.display())), "{refused}");
    assert!(path.exists());
    life.write(&other).await;
    close(other).await;

    open(&path).delete().unwrap();
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [""; 0].map(PathBuf::from));
}

#[test]
fn a_journal_that_is_deleted_and_made_again_has_one_writer_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let (writers, had) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..60 {
                    // Where another one has it, it may just be gone.
                    let Ok(Opened::Writer(journal)) = SqliteJournal::open(&path) else { continue };
                    assert_eq!(writers.fetch_add(1, Ordering::SeqCst), 0, "another one writes it");
                    had.fetch_add(1, Ordering::SeqCst);
                    thread::yield_now();
                    writers.fetch_sub(1, Ordering::SeqCst);
                    journal.delete().unwrap();
                }
            });
        }
    });
    assert!(had.into_inner() > 0);
}

#[test]
fn nothing_that_was_begun_beside_a_journal_outlasts_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    // A process that was killed as it salvaged leaves these.
    for suffix in [".lock", ".unfinished", ".unfinished-journal", ".unfinished-wal", ".unfinished-shm"] {
        fs::write(directory.path().join(format!("journal.salvaged-1.db{suffix}")), "").unwrap();
    }
    journal.delete().unwrap();
    let left: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [""; 0].map(PathBuf::from));
}
