//! Whatever a crash leaves of the log, what is read is what was appended up to some point.

use std::fs;
use std::path::{Path, PathBuf};

use switchboard::engine::{Durability, Journal, Record};

use super::{Life, close, open, shown, told};

const FRAME: usize = 24 + 4096;

/// The files of a journal as a crash would leave them, and what was appended, in order.
struct Crashed {
    directory: tempfile::TempDir,
    log: Vec<u8>,
    main: Vec<u8>,
    appended: Vec<(usize, String)>,
    lives: [Life; 2],
}

impl Crashed {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.db");
        close(open(&path)).await;
        let journal = open(&path);
        let mut lives = [Life::begun(1), Life::begun(2)];
        for life in &mut lives {
            life.ask("why?");
            life.answer(1, &"because ".repeat(300));
            life.log("and so on");
            life.finish();
        }
        let mut appended = Vec::new();
        for n in 0..lives[0].records.len() {
            for (which, life) in lives.iter().enumerate() {
                let record = &life.records[n];
                told(journal.append(life.id(), std::slice::from_ref(record), Durability::Acknowledged)).await;
                appended.push((which, format!("{record:?}")));
            }
        }
        let log = fs::read(directory.path().join("journal.db-wal")).unwrap();
        let main = fs::read(&path).unwrap();
        drop(journal);
        Self { directory, log, main, appended, lives }
    }

    /// Puts the files down with another log.
    fn with_log(&self, log: &[u8]) -> PathBuf {
        let directory = self.directory.path().join("crashed");
        fs::remove_dir_all(&directory).ok();
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("journal.db"), &self.main).unwrap();
        fs::write(directory.join("journal.db-wal"), log).unwrap();
        directory.join("journal.db")
    }

    /// Where the frames that were written end: the log may be longer.
    fn end(&self) -> usize {
        let salt = &self.log[16..24];
        let frames = self.log[32..].chunks_exact(FRAME).take_while(|frame| &frame[8..16] == salt);
        32 + frames.count() * FRAME
    }

    /// Reads everything through the journal; it must be what some number of appends have left. Gives that number.
    async fn read(&self, path: &Path) -> usize {
        let journal = open(path);
        let mut found: Vec<Vec<String>> = Vec::new();
        for life in &self.lives {
            found.push(told(journal.records(life.id())).await.map_or_else(Vec::new, |records| shown(&records)));
        }
        close(journal).await;
        let count = found.iter().map(Vec::len).sum();
        let mut expected = vec![Vec::new(); 2];
        for (which, record) in &self.appended[..count] {
            expected[*which].push(record.clone());
        }
        assert!(found == expected, "it is no prefix");
        count
    }
}

#[tokio::test]
async fn a_log_cut_at_or_beside_any_frame_leaves_a_prefix() {
    let crashed = Crashed::new().await;
    let end = crashed.end();
    assert!(end > 32 + 12 * FRAME, "{end}");
    let mut most = 0;
    for frames_end in (32..=end).step_by(FRAME) {
        for length in [frames_end.saturating_sub(1), frames_end, (frames_end + 1).min(end)] {
            let count = crashed.read(&crashed.with_log(&crashed.log[..length])).await;
            assert!(count >= most || length < frames_end, "more of the log gives no less");
            most = most.max(count);
        }
    }
    assert_eq!(most, crashed.appended.len(), "the whole log has everything");
}

/// Every byte: read without the journal, since that takes a tenth of the time. What the rows say, the test above proves.
#[tokio::test]
async fn a_log_cut_or_damaged_at_any_byte_of_its_last_frames_leaves_a_prefix() {
    let crashed = Crashed::new().await;
    let end = crashed.end();
    let path = crashed.with_log(&crashed.log[..end]);
    let count = |log: &[u8]| -> i64 {
        fs::write(&path, &crashed.main).unwrap();
        fs::write(path.with_file_name("journal.db-wal"), log).unwrap();
        fs::remove_file(path.with_file_name("journal.db-shm")).ok();
        let db = rusqlite::Connection::open_with_flags(&path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let (count, last): (i64, i64) = db
            .query_row("SELECT count(*), coalesce(max(row), 0) FROM records", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert_eq!(count, last, "rows are numbered in the order of the appends");
        count
    };
    let all = count(&crashed.log[..end]);
    assert_eq!(all as usize, crashed.appended.len());
    let mut seen = Vec::new();
    for length in end - FRAME - 30..end {
        seen.push(count(&crashed.log[..length]));
    }
    assert!(seen.is_sorted() && seen.last() < Some(&all));
    for at in end - FRAME..end {
        let mut log = crashed.log[..end].to_vec();
        log[at] ^= 0x40;
        assert!(count(&log) < all, "byte {at}");
    }
}

#[tokio::test]
async fn what_waits_together_is_committed_in_the_order_it_came() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    let mut lives: Vec<Life> = (1..=20).map(Life::begun).collect();
    let mut replies = Vec::new();
    for life in &mut lives {
        for n in 0..30 {
            life.log(&n.to_string());
        }
        life.finish();
    }
    for n in 0..lives[0].records.len() {
        for life in &lives {
            let durability = if n % 3 == 0 { Durability::Acknowledged } else { Durability::Derived };
            replies.push(journal.append(life.id(), &life.records[n..=n], durability));
        }
    }
    for mut reply in replies {
        reply.get().await.unwrap();
    }
    for life in &lives {
        assert_eq!(super::records_of(&journal, life.id()).await, Some(shown(&life.records)));
    }
    close(journal).await;
    let db = rusqlite::Connection::open(&path).unwrap();
    let mut statement = db.prepare("SELECT place FROM records ORDER BY row").unwrap();
    let places: Vec<i64> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(places.chunks(20).all(|round| round.iter().copied().eq(1..=20)));
}

#[tokio::test]
async fn a_journal_that_is_dropped_has_written_what_it_took() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    let mut life = Life::begun(1);
    life.log("last words");
    for record in &life.records {
        let _ = journal.append(life.id(), std::slice::from_ref(record), Durability::Derived);
    }
    drop(journal);
    let journal = open(&path);
    assert_eq!(super::records_of(&journal, life.id()).await, Some(shown(&life.records)));
    assert!(matches!(life.records[0], Record::Spawned { .. }));
}
