//! What a desk shows of sessions that another process runs.

use std::sync::Arc;

use switchboard::domain::{
    Answer, AnsweredBy, CancelCode, CancelError, CancelReason, ExecutionState, QueryId, ResumeError, ResumePayload,
    SessionId,
};
use switchboard::engine::{ChangeCursor, Durability, Journal, Presence, Record, Registry, RegistryConfig};
use switchboard::store::journal::{News, Opened, SqliteJournal};
use tokio::runtime::Handle;

use super::{Life, close, open, told, write_at_once};
use crate::support::{HandClock, NoFiles, Programs, Seeded};

pub(super) fn watching(journal: &Arc<SqliteJournal>) -> Registry {
    Registry::new(RegistryConfig {
        vms: Arc::<Programs>::default(),
        journal: Arc::clone(journal) as Arc<dyn Journal>,
        clock: Arc::new(HandClock::new()),
        entropy: Arc::new(Seeded::new(1)),
        files: Arc::new(NoFiles),
        library_dirs: Vec::new(),
        runtime: Handle::current(),
    })
}

#[tokio::test]
async fn what_another_process_records_is_shown_and_nothing_is_done_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let writer = open(&path);
    let mut life = Life::begun(1);
    life.ask("first?");
    life.write(&writer).await;
    let mut runs = Life::begun(2);
    runs.write(&writer).await;

    let Opened::Reader(journal, _) = SqliteJournal::open(&path).unwrap() else { panic!("it is held") };
    let journal = Arc::new(journal);
    let end = told(journal.news(&News::default())).await;
    assert!(end.sessions.is_empty(), "what was there comes back as every session does");
    let registry = watching(&journal);
    let recovered = registry.recover().await.unwrap();
    assert_eq!((recovered.waiting, recovered.running), (1, 1));
    let summary = |life: &Life| registry.summary(life.id()).unwrap();
    for life in [&life, &runs] {
        assert_eq!((summary(life).state, summary(life).presence), (life.session.state().clone(), Presence::Elsewhere));
    }
    let answer = Answer::new(QueryId::new(1), "mine", AnsweredBy::Person);
    let refused = registry.resume(life.id(), ResumePayload::Single(answer)).await;
    assert!(
        matches!(&refused, Err(ResumeError::NotRecorded { cause }) if cause.starts_with("another process has the session")),
        "{refused:?}"
    );
    let reason = CancelReason { code: CancelCode::User, detail: None, requested_at: 0 };
    let refused = registry.cancel(life.id(), reason).await;
    assert!(matches!(refused, Err(CancelError::NotRecorded { .. })), "{refused:?}");

    // The others go on, one ends, one is new.
    let mut observer = registry.observe(life.id(), Some(life.session.last_seq() + 1)).unwrap();
    let (told_of, seen) = (life.records.len(), life.session.last_seq());
    life.answer(1, "theirs");
    life.ask("second?");
    life.write_from(told_of, &writer).await;
    let told_of = runs.records.len();
    runs.finish();
    runs.write_from(told_of, &writer).await;
    let born = Life::begun(3);
    born.write(&writer).await;

    let news = told(journal.news(&end)).await;
    for stored in &news.sessions {
        registry.show(stored);
    }
    for life in [&life, &runs, &born] {
        assert_eq!(summary(life).state, *life.session.state());
    }
    assert!(matches!(summary(&life).state, ExecutionState::Paused(pause) if pause.epoch == 2));
    assert_eq!((summary(&runs).presence, summary(&born).presence), (Presence::Resident, Presence::Elsewhere));
    assert_eq!(registry.list().len(), 3);
    assert_eq!(observer.recv().await.unwrap().seq, seen + 1);
    assert!(told(journal.news(&news)).await.sessions.is_empty());

    // One of them is removed.
    assert_eq!(news.count, 3);
    told(writer.remove(vec![runs.id()])).await;
    let fewer = told(journal.news(&news)).await;
    assert_eq!((fewer.count, journal.ids().unwrap()), (2, vec![life.id(), born.id()]));
    let cursor = registry.changes(ChangeCursor::default()).cursor;
    registry.forget([runs.id()]);
    assert_eq!(registry.changes(cursor).sessions, [runs.id()], "who looks is told");
    assert!(registry.summary(runs.id()).is_err());
    assert_eq!(registry.list().len(), 2);
    registry.shutdown(std::time::Duration::ZERO).await;
    close(writer).await;
}

#[tokio::test]
async fn what_another_process_leaves_suspended_is_shown_so_until_it_is_released_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let run_again = async |writer: &SqliteJournal, life: &Life| {
        let record = Record::Resumed { unclean: true, at: 2000 };
        told(writer.append(life.id(), &[record], Durability::Acknowledged)).await;
    };
    let first = open(&path);
    let (computes, forks) = (Life::begun(1), Life::begun(2));
    computes.write(&first).await;
    forks.write(&first).await;
    run_again(&first, &computes).await;
    let rests = async |life: &Life| told(first.stored_one(life.id())).await.unwrap().rests;
    assert_eq!(
        (rests(&computes).await, rests(&forks).await),
        (false, true),
        "it is asked only of what may be suspended"
    );

    let Opened::Reader(journal, _) = SqliteJournal::open(&path).unwrap() else { panic!("it is held") };
    let journal = Arc::new(journal);
    let end = told(journal.news(&News::default())).await;
    let registry = watching(&journal);
    assert_eq!(registry.recover().await.unwrap().running, 2);
    let presence = |life: &Life| registry.summary(life.id()).unwrap().presence;
    assert_eq!(presence(&computes), Presence::Elsewhere, "it is run again there");

    // That one dies, and the next does not run it again.
    drop(first);
    let second = open(&path);
    let news = told(journal.news(&end)).await;
    news.sessions.iter().for_each(|stored| registry.show(stored));
    assert_eq!((presence(&computes), presence(&forks)), (Presence::SuspendedElsewhere, Presence::Elsewhere));
    let late = watching(&journal);
    assert_eq!(late.recover().await.unwrap().suspended, 1, "also where the desk is opened only now");
    assert_eq!(late.summary(computes.id()).unwrap().presence, Presence::SuspendedElsewhere);

    run_again(&second, &computes).await;
    let news = told(journal.news(&news)).await;
    news.sessions.iter().for_each(|stored| registry.show(stored));
    assert_eq!((news.sessions.len(), presence(&computes)), (1, Presence::Elsewhere), "somebody has released it");
    for registry in [registry, late] {
        registry.shutdown(std::time::Duration::ZERO).await;
    }
    close(second).await;
}

#[tokio::test]
async fn what_is_born_where_others_were_removed_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let writer = open(&path);
    let (stays, mut goes, born) = (Life::begun(1), Life::begun(2), Life::begun(3));
    goes.finish();
    for life in [&stays, &goes] {
        life.write(&writer).await;
    }
    let Opened::Reader(journal, _) = SqliteJournal::open(&path).unwrap() else { panic!("it is held") };
    let mut last = told(journal.news(&News::default())).await;
    let place = async |life: &Life| told(journal.stored_one(life.id())).await.unwrap().place;
    let of_the_one_that_goes = place(&goes).await;

    // Between two looks the last is removed, and another one is born with fewer rows.
    told(writer.remove(vec![goes.id()])).await;
    write_at_once(std::slice::from_ref(&born), &writer).await;
    last = told(journal.news(&last)).await;
    assert_eq!(last.sessions.iter().map(|stored| stored.session.id()).collect::<Vec<_>>(), [born.id()]);
    assert!(place(&born).await > of_the_one_that_goes);
    last = told(journal.news(&last)).await;
    assert!(last.sessions.is_empty());

    // The same where nothing was recorded in between, also by another process.
    let mut goes = Life::begun(4);
    goes.finish();
    goes.write(&writer).await;
    last = told(journal.news(&last)).await;
    let of_the_one_that_goes = place(&goes).await;
    told(writer.remove(vec![goes.id()])).await;
    last = told(journal.news(&last)).await;
    close(writer).await;
    let writer = open(&path);
    let born = Life::begun(5);
    write_at_once(std::slice::from_ref(&born), &writer).await;
    let (pages, _) = told_by_pages(&journal, last).await;
    assert_eq!(pages.concat().first(), Some(&born.id()));
    assert!(place(&born).await > of_the_one_that_goes);
    close(writer).await;
}

#[tokio::test]
async fn what_runs_again_is_not_suspended_though_the_last_rows_were_removed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    let (runs, mut goes) = (Life::begun(1), Life::begun(2));
    goes.finish();
    for life in [&runs, &goes] {
        life.write(&journal).await;
    }
    drop(journal);
    let journal = open(&path);
    told(journal.remove(vec![goes.id()])).await;
    let record = Record::Resumed { unclean: true, at: 2000 };
    told(journal.append(runs.id(), &[record], Durability::Acknowledged)).await;
    assert!(!told(journal.stored_one(runs.id())).await.unwrap().rests);
    close(journal).await;
}

#[tokio::test]
async fn what_is_born_while_a_reader_opens_the_journal_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let writer = open(&path);
    let Opened::Reader(journal, _) = SqliteJournal::open(&path).unwrap() else { panic!("it is held") };
    let (journal, born) = (Arc::new(journal), Life::begun(1));
    born.write(&writer).await;
    let end = told(journal.news(&News::default())).await;
    let registry = watching(&journal);
    assert_eq!(registry.recover().await.unwrap().running, 1);
    assert!(told(journal.news(&end)).await.sessions.is_empty());
    registry.shutdown(std::time::Duration::ZERO).await;
    close(writer).await;
}

/// What is told, page by page, until there is no more: the ids of each page, and the last of them.
async fn told_by_pages(journal: &SqliteJournal, mut last: News) -> (Vec<Vec<SessionId>>, News) {
    let mut pages = Vec::new();
    loop {
        last = told(journal.news(&last)).await;
        pages.push(last.sessions.iter().map(|stored| stored.session.id()).collect());
        if !last.is_more {
            return (pages, last);
        }
    }
}

#[tokio::test]
async fn many_are_told_page_by_page_each_once_and_new_ones_before_those_that_only_have_another_writer() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let first = open(&path);
    let all: Vec<Life> = (1..=700).map(Life::begun).collect();
    let ids = |lives: &[Life]| lives.iter().map(Life::id).collect::<Vec<_>>();
    write_at_once(&all[..300], &first).await;
    let Opened::Reader(journal, _) = SqliteJournal::open(&path).unwrap() else { panic!("it is held") };
    let end = told(journal.news(&News::default())).await;

    write_at_once(&all[300..650], &first).await;
    let (pages, last) = told_by_pages(&journal, end).await;
    assert!(pages.len() > 1 && pages.iter().all(|page| page.len() <= 256), "none is long");
    assert_eq!(pages.concat(), ids(&all[300..650]));
    assert_eq!(told_by_pages(&journal, last.clone()).await.0, [vec![]]);

    // Another process writes: of those that it leaves alone nothing is recorded.
    drop(first);
    let second = open(&path);
    let began = told(journal.news(&last)).await;
    assert!(began.is_more);
    write_at_once(&all[650..], &second).await;
    let (pages, last) = told_by_pages(&journal, began.clone()).await;
    assert_eq!(pages[0][..50], ids(&all[650..]), "what is new does not wait for them");
    let rest: Vec<SessionId> = pages.concat().split_off(50);
    let told_of: Vec<SessionId> = began.sessions.iter().map(|stored| stored.session.id()).chain(rest).collect();
    assert_eq!(told_of, ids(&all), "in the order of their birth");
    assert_eq!(told_by_pages(&journal, last).await.0, [vec![]]);
    close(second).await;
}
