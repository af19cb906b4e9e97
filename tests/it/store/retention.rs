//! What goes: log lines of ended sessions after a while, and what a person removes. Nothing of a session that has not
//! ended.

use std::fs;

use switchboard::domain::{Command, EventKind, Parent, SessionId, SessionSpec};
use switchboard::engine::Journal;
use switchboard::store::journal::{Removed, Retention};

use super::{Life, close, open, records_of, shown, told};

/// A session that has logged a lot, and been answered.
fn talker(id: u64) -> Life {
    let mut life = Life::begun(id);
    for n in 0..50 {
        life.log(&"line ".repeat(500));
        if n == 25 {
            life.ask("why?");
            life.answer(1, "because");
        }
    }
    life.take(Command::Stats { key: "k".into(), value: 1.into() });
    life
}

#[tokio::test]
async fn log_lines_go_a_month_after_the_end_and_answers_stay() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let (mut ended, running) = (talker(1), talker(2));
    ended.finish();
    let journal = open(&path);
    for life in [&ended, &running] {
        life.write(&journal).await;
    }
    let month = 30 * 24 * 3600 * 1000;
    journal.prune(Retention::at(ended.now + month - 1));
    assert_eq!(records_of(&journal, ended.id()).await, Some(shown(&ended.records)), "not yet");
    journal.prune(Retention::at(ended.now + month));
    assert_eq!(records_of(&journal, ended.id()).await, None, "not all are kept");
    assert_eq!(records_of(&journal, running.id()).await, Some(shown(&running.records)));

    let mut names = Vec::new();
    let (mut from, mut missing) = (1, 0);
    loop {
        let page = told(journal.events(ended.id(), from, 5)).await;
        if let Some((first, last)) = page.gap {
            assert_eq!(first, from);
            missing += last + 1 - first;
        }
        let Some(last) = page.events.last() else { break };
        from = last.seq + 1;
        names.extend(page.events.iter().map(|event| event.kind.name()));
    }
    assert_eq!((missing, from), (50, ended.session.last_seq() + 1));
    assert!(names.contains(&"answer_accepted") && names.contains(&"stats") && !names.contains(&"log"));
    let left = journal.retired(ended.id()).unwrap();
    assert_eq!((left.state(), left.usage(), left.log().len()), (ended.session.state(), ended.session.usage(), 0));
    close(journal).await;
    let journal = open(&path);
    assert_eq!(told(journal.stored(0, 9)).await.sessions.len(), 2);
}

#[tokio::test]
async fn a_large_journal_lets_log_lines_go_sooner_the_oldest_first() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory.path().join("journal.db"));
    let mut life = talker(1);
    life.finish();
    life.write(&journal).await;
    let large = Retention { bytes: 1 << 30, ..Retention::at(life.now) };
    journal.prune(large);
    assert!(records_of(&journal, life.id()).await.is_some());
    journal.prune(Retention { bytes: 1000, ..large });
    assert!(records_of(&journal, life.id()).await.is_none());
    let page = told(journal.events(life.id(), 1, 100)).await;
    assert!(page.events.iter().all(|event| !matches!(event.kind, EventKind::Log { .. })));
}

#[tokio::test]
async fn only_sessions_that_have_ended_are_removed_and_nothing_of_them_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.db");
    let journal = open(&path);
    let secret = "a secret that must go ".repeat(200);
    let (mut ended, mut waits) = (Life::begun(1), Life::begun(2));
    ended.ask(&secret);
    ended.answer(1, "s3same-open");
    ended.finish();
    waits.ask("why?");
    for life in [&ended, &waits] {
        life.write(&journal).await;
        journal.retire(life.session.clone().into());
    }
    let unknown = SessionId::from_bits(3);
    let removed = told(journal.remove(vec![ended.id(), waits.id(), unknown])).await;
    let expected = Removed { removed: vec![ended.id()], not_ended: vec![waits.id()], unknown: vec![unknown] };
    assert_eq!(removed, expected);
    journal.retire(ended.session.clone().into());
    assert_eq!(records_of(&journal, ended.id()).await, None);
    assert_eq!(journal.retired(ended.id()), None);
    assert_eq!(journal.all_retired(), []);
    assert_eq!(records_of(&journal, waits.id()).await, Some(shown(&waits.records)));
    close(journal).await;
    drop(open(&path));
    let bytes = fs::read(&path).unwrap();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!has("s3same-open") && !has("a secret that must go"));
}

#[tokio::test]
async fn what_a_session_that_has_not_ended_has_forked_is_kept_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory.path().join("journal.db"));
    let mut top = Life::begun(1);
    let below = |id, parent: &Life, depth| {
        let parent = Some(Parent { session: parent.id(), fork: 1, index: 0, depth, budget: None });
        let mut life = Life::new(id, SessionSpec { parent, ..SessionSpec::run("-- x\n".repeat(900)) });
        life.take(Command::Begin);
        life.finish();
        life
    };
    let child = below(2, &top, 1);
    let grandchild = below(3, &child, 2);
    for life in [&top, &child, &grandchild] {
        life.write(&journal).await;
    }
    let all = vec![grandchild.id(), child.id()];
    let kept = Removed { not_ended: all.clone(), ..Removed::default() };
    assert_eq!(told(journal.remove(all.clone())).await, kept);
    let written = top.records.len();
    top.finish();
    top.write_from(written, &journal).await;
    assert_eq!(told(journal.remove(all.clone())).await, Removed { removed: all, ..Removed::default() });
    close(journal).await;
}

#[tokio::test]
async fn what_still_waits_below_an_end_can_be_removed_with_it_or_before() {
    let directory = tempfile::tempdir().unwrap();
    let journal = open(&directory.path().join("journal.db"));
    let mut top = Life::begun(1);
    let below = |id, above: &Life, depth| {
        let parent = Some(Parent { session: above.id(), fork: 1, index: 0, depth, budget: None });
        let mut life = Life::new(id, SessionSpec { parent, ..SessionSpec::run("return 1") });
        life.take(Command::Begin);
        life
    };
    let child = below(2, &top, 1);
    let mut grandchild = below(3, &child, 2);
    grandchild.ask("whom?");
    for life in [&top, &child, &grandchild] {
        life.write(&journal).await;
    }
    let all = vec![top.id(), child.id(), grandchild.id()];
    let kept = Removed { not_ended: all.clone(), ..Removed::default() };
    assert_eq!(told(journal.remove(all.clone())).await, kept);
    let written = top.records.len();
    top.finish();
    top.write_from(written, &journal).await;
    let gone = |removed: &[SessionId]| Removed { removed: removed.to_vec(), ..Removed::default() };
    assert_eq!(told(journal.remove(all[2..].to_vec())).await, gone(&all[2..]));
    assert_eq!(told(journal.remove(all[..2].to_vec())).await, gone(&all[..2]));
    close(journal).await;
}
