//! Files that earlier versions have written are read as long as this program reads any.

use std::path::{Path, PathBuf};

use switchboard::domain::{QueryId, SessionId};
use switchboard::engine::Journal;
use switchboard::store::journal::SqliteJournal;

use super::contract::every_record;
use super::{Life, close, open, records_of, shown, told};

fn golden(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/journal-{version}.db"))
}

/// What the files were made with: every kind of record, a session that waits and a draft.
async fn write(journal: &dyn Journal) {
    let life = every_record();
    life.write(journal).await;
    journal.retire(life.session.clone().into());
    waits().write(journal).await;
    journal.keep_draft(SessionId::from_bits(2), QueryId::new(1), Some("half".into()));
}

fn waits() -> Life {
    let mut life = Life::begun(2);
    life.ask("why?");
    life
}

#[tokio::test]
async fn a_file_of_each_version_is_read_whole() {
    if std::env::var_os("JOURNAL_GOLDEN").is_some() {
        let journal = open(&golden(2));
        write(&journal).await;
        close(journal).await;
    }
    for version in [1, 2] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.db");
        std::fs::copy(golden(version), &path).unwrap();
        let reader = SqliteJournal::read(&path).unwrap();
        is_whole(&reader).await;
        drop(reader);
        let journal = open(&path);
        assert!(journal.was_closed());
        is_whole(&journal).await;
        // What is new is written beside what is old.
        let mut later = Life::begun(3);
        later.ask("and now?");
        later.write(&journal).await;
        close(journal).await;
        let journal = open(&path);
        assert_eq!(records_of(&journal, later.id()).await, Some(shown(&later.records)));
        close(journal).await;
    }
}

async fn is_whole(journal: &SqliteJournal) {
    for life in [every_record(), waits()] {
        assert_eq!(records_of(journal, life.id()).await, Some(shown(&life.records)));
        assert_eq!(journal.retired(life.id()).as_deref(), Some(&life.session));
    }
    assert_eq!(told(journal.stored(0, 9)).await.sessions.len(), 2);
    assert_eq!(&*told(journal.drafts()).await[0].text, "half");
}
