//! Damaged files are left as they are, and what is intact in them is saved.

use std::fs;
use std::path::Path;

use switchboard::domain::{QueryId, SessionId, SessionSpec};
use switchboard::engine::Journal;
use switchboard::store::journal::{Opened, SqliteJournal};

use super::{Life, close, open, records_of, shown, told};

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

fn lives() -> Vec<Life> {
    (1..=12)
        .map(|id| {
            let mut life = Life::new(id, SessionSpec::run(format!("-- {}\nreturn {}", "code ".repeat(900), id % 3)));
            life.take(switchboard::domain::Command::Begin);
            for n in 1..=12 {
                life.ask(&format!("{n}: {}", "why? ".repeat(id as usize * 20)));
                life.answer(n, &"because ".repeat(n as usize * 10));
            }
            if id % 2 == 0 {
                life.finish();
            }
            life
        })
        .collect()
}

async fn write(path: &Path, lives: &[Life]) {
    let journal = open(path);
    for life in lives {
        life.write(&journal).await;
    }
    journal.keep_draft(lives[0].id(), QueryId::new(13), Some("half an answer".into()));
    close(journal).await;
}

/// Opens a damaged journal as a desk would; where damage shows only as it is read, once more. Gives how many rows are
/// there; of every session they are the first ones.
async fn saved(path: &Path, lives: &[Life]) -> usize {
    for _ in 0..2 {
        let journal = open(path);
        let mut count = 0;
        let mut is_damaged = false;
        for life in lives {
            match journal.records(life.id()).get().await {
                Ok(records) => {
                    let found = records.map_or_else(Vec::new, |records| shown(&records));
                    assert_eq!(found, shown(&life.records)[..found.len()], "it is the beginning of the session");
                    let folded = journal.retired(life.id());
                    assert_eq!(folded.is_some(), !found.is_empty());
                    count += found.len();
                }
                Err(error) => {
                    assert!(error.0.contains("is damaged"), "{error}");
                    is_damaged = true;
                }
            }
        }
        close(journal).await;
        if !is_damaged {
            return count;
        }
    }
    panic!("what was salvaged is damaged")
}

#[tokio::test]
async fn what_random_damage_leaves_intact_is_saved_and_the_file_is_left_as_it_is() {
    let lives = lives();
    let directory = tempfile::tempdir().unwrap();
    let whole = directory.path().join("whole.db");
    write(&whole, &lives).await;
    let bytes = fs::read(&whole).unwrap();
    let all: usize = lives.iter().map(|life| life.records.len()).sum();
    assert_eq!(saved(&whole, &lives).await, all);
    let mut numbers = Numbers(1);
    for round in 0..24 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.db");
        let mut damaged = bytes.clone();
        match round % 4 {
            0 => damaged[numbers.below(bytes.len())] ^= 1 << numbers.below(8),
            1 => {
                let start = numbers.below(bytes.len() / 4096) * 4096;
                damaged[start..start + 4096].fill(0);
            }
            2 => {
                let start = numbers.below(bytes.len() - 10_000);
                (start..start + 5000).for_each(|at| damaged[at] = numbers.below(256) as u8);
            }
            _ => damaged.truncate(bytes.len() / 3 + numbers.below(bytes.len() / 2)),
        }
        fs::write(&path, &damaged).unwrap();
        let count = saved(&path, &lives).await;
        let has_salvaged = directory.path().join("journal.salvaged-1.db").exists();
        assert!(has_salvaged || count == all, "round {round}: {count} of {all}");
        if has_salvaged {
            assert!(fs::read(&path).unwrap()[4096..] == damaged[4096.min(damaged.len())..], "round {round}");
        }
        if round % 4 < 3 {
            assert!(count * 3 > all, "round {round}: {count} of {all}");
        }
    }
}

#[tokio::test]
async fn without_its_first_page_everything_is_saved_and_it_goes_on_in_the_new_file() {
    let lives = lives();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    write(&path, &lives).await;
    let mut bytes = fs::read(&path).unwrap();
    bytes[..4096].fill(0xee);
    fs::write(&path, &bytes).unwrap();
    let salvaged = directory.path().join("journal.salvaged-1.db");

    let journal = open(&path);
    let notice = format!(
        "{} is damaged and left as it is; 12 sessions were saved into {}, which takes its place",
        path.display(),
        salvaged.display()
    );
    assert_eq!((journal.notice(), journal.path()), (Some(&*notice), &*salvaged));
    for life in &lives {
        assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)));
    }
    let ended = journal.all_retired().len();
    assert_eq!(ended, 6);
    assert_eq!(&*told(journal.drafts()).await[0].text, "half an answer");
    let more = Life::begun(99);
    more.write(&journal).await;
    let Opened::Reader(..) = SqliteJournal::open(&path).unwrap() else { panic!("it is held") };
    close(journal).await;

    let journal = open(&path);
    let notice = format!("{} is damaged; going on with {}", path.display(), salvaged.display());
    assert_eq!(journal.notice(), Some(&*notice));
    assert_eq!(records_of(&journal, more.id()).await, Some(shown(&more.records)));
    close(journal).await;
    assert!(fs::read(&path).unwrap() == bytes, "the damaged file is left as it is");
    let reader = SqliteJournal::read(&path).unwrap();
    assert_eq!(records_of(&reader, more.id()).await, Some(shown(&more.records)));
}

#[tokio::test]
async fn what_stands_only_in_the_log_is_saved_too() {
    let lives = lives();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    write(&path, &lives[..6]).await;
    let journal = open(&path);
    for life in &lives[6..] {
        life.write(&journal).await;
    }
    let copy = tempfile::tempdir().unwrap();
    let copied = copy.path().join("journal.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[..100].fill(0);
    fs::write(&copied, &bytes).unwrap();
    fs::copy(path.with_file_name("journal.db-wal"), copied.with_file_name("journal.db-wal")).unwrap();
    close(journal).await;
    let all: usize = lives.iter().map(|life| life.records.len()).sum();
    assert_eq!(saved(&copied, &lives).await, all);
}

#[tokio::test]
async fn a_row_that_is_damaged_is_noticed_as_it_is_read_and_the_next_start_saves_the_rest() {
    let lives = lives();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    for life in &lives {
        life.write(&journal).await;
    }
    close(journal).await;
    let journal = open(&path);
    // Behind the back of the journal, while it is open.
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute("UPDATE records SET body = zeroblob(length(body)) WHERE place = 3 AND n = 5", []).unwrap();
    // This one has ended.
    db.execute("UPDATE records SET body = zeroblob(length(body)) WHERE place = 6 AND n = 5", []).unwrap();
    drop(db);
    let error = journal.records(lives[2].id()).get().await.unwrap_err();
    assert!(error.0.starts_with(&format!("{} is damaged (row 5 of place 3: ", path.display())), "{error}");
    assert!(journal.records(lives[3].id()).get().await.is_ok());
    let page = told(journal.stored(0, 100)).await;
    assert_eq!((page.sessions.len(), page.last, told(journal.stored_count()).await), (10, Some(12), 12));
    assert_eq!(page.damaged[0], (lives[2].id(), error));
    assert_eq!((page.damaged.len(), page.damaged[1].0), (2, lives[5].id()));
    assert_eq!(journal.all_retired().len(), 5, "one of six is in nobody's way");
    assert_eq!(told(journal.stored_one(lives[3].id())).await.unwrap().place, 4);
    assert!(journal.stored_one(lives[2].id()).get().await.unwrap_err().0.contains("is damaged"));
    assert!(told(journal.stored_one(SessionId::from_bits(99))).await.is_none());
    assert_eq!(journal.ids().unwrap(), lives.iter().map(Life::id).collect::<Vec<_>>());
    close(journal).await;
    let journal = open(&path);
    assert_eq!(journal.path(), directory.path().join("journal.salvaged-1.db"));
    assert_eq!(records_of(&journal, lives[2].id()).await.unwrap().len(), 4);
    assert_eq!(records_of(&journal, lives[3].id()).await, Some(shown(&lives[3].records)));
}

#[tokio::test]
async fn what_stands_in_a_column_and_is_never_written_there_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let whole = directory.path().join("whole.db");
    let lives = lives();
    write(&whole, &lives).await;
    for column in ["records.n", "records.seq", "records.sum", "snapshots.n", "sessions.id", "facts.value", "texts.text"]
    {
        let path = directory.path().join(format!("{column}.db"));
        fs::copy(&whole, &path).unwrap();
        let db = rusqlite::Connection::open(&path).unwrap();
        let (table, name) = column.split_once('.').unwrap();
        if table == "facts" {
            db.execute("INSERT INTO facts VALUES ('last_row', 'x')", []).unwrap();
        } else {
            let last = format!("(SELECT max(rowid) FROM {table})");
            db.execute(&format!("UPDATE {table} SET {name} = 'x' WHERE rowid = {last}"), []).unwrap();
        }
        db.pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(())).unwrap();
        drop(db);

        let is_told = |why: String| assert!(why.contains("is damaged"), "{column}: {why}");
        match SqliteJournal::read(&path) {
            Err(error) => is_told(error.to_string()),
            Ok(journal) => {
                drop(journal.ids().map_err(|error| is_told(error.0)));
                drop(journal.stored(0, 100).get().await.map_err(|error| is_told(error.0)));
                for life in &lives {
                    drop(journal.records(life.id()).get().await.map_err(|error| is_told(error.0)));
                }
            }
        }
        if table != "snapshots" && table != "sessions" {
            // Its snapshots can be made again, and what stands there of a session stands in its rows, too.
            let journal = open(&path);
            assert!(journal.notice().is_some_and(|notice| notice.contains("is damaged")), "{column}");
            close(journal).await;
        }
    }
}
