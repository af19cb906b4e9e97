//! Files that earlier versions have written are read as long as this program reads any.

use std::path::{Path, PathBuf};

use switchboard::domain::{QueryId, SessionId};
use switchboard::engine::Journal;

use super::contract::every_record;
use super::{Life, close, open, records_of, shown, told};

fn golden(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/journal-{version}.db"))
}

/// What the file of version 1 was made with: every kind of record, a session that waits and a draft.
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
async fn a_file_of_version_1_is_read_whole() {
    if std::env::var_os("JOURNAL_GOLDEN").is_some() {
        let journal = open(&golden(1));
        write(&journal).await;
        close(journal).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    std::fs::copy(golden(1), &path).unwrap();
    let journal = open(&path);
    assert!(journal.was_closed());
    for life in [every_record(), waits()] {
        assert_eq!(records_of(&journal, life.id()).await, Some(shown(&life.records)));
        assert_eq!(journal.retired(life.id()).as_deref(), Some(&life.session));
    }
    assert_eq!(told(journal.stored(0, 9)).await.sessions.len(), 2);
    assert_eq!(&*told(journal.drafts()).await[0].text, "half");
    close(journal).await;
}
