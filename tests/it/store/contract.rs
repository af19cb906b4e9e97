//! What every journal promises, told of the one in memory and the one on disk alike.

use std::path::PathBuf;
use std::sync::Arc;

use switchboard::domain::{Answer, AnsweredBy, ContentHash, QueryId, ResumePayload, SessionId, SessionSpec};
use switchboard::engine::{
    Draft, Durability, EffectResult, Journal, MemoryJournal, ModuleSource, Performed, Read, Record, Reply, Seen, Spent,
};

use super::{Life, close, open, records_of, shown, told};

/// A journal that can be opened again, as a new process would.
enum Kept {
    Memory(Arc<MemoryJournal>),
    Disk { path: PathBuf, _directory: tempfile::TempDir },
}

impl Kept {
    fn both() -> [Self; 2] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.db");
        [Self::Memory(MemoryJournal::keeping_everything().into()), Self::Disk { path, _directory: directory }]
    }

    /// Does something with the journal, and closes it where it can be closed.
    async fn with<T>(&self, work: impl AsyncFnOnce(&dyn Journal) -> T) -> T {
        match self {
            Self::Memory(journal) => work(&**journal).await,
            Self::Disk { path, .. } => {
                let journal = open(path);
                let result = work(&journal).await;
                close(journal).await;
                result
            }
        }
    }
}

/// A session of which every kind of record is kept.
pub(super) fn every_record() -> Life {
    let long = "module ".repeat(1000);
    let mut life = Life::new(1, SessionSpec::run(format!("return 1 -- {long}")));
    life.take(switchboard::domain::Command::Begin);
    let reads = [
        Read::Time(-5),
        Read::Seed(u64::MAX),
        Read::Elapsed(0),
        Read::Cpu(77),
        Read::Spent(Spent { llm_calls: 1, tokens: 2 }),
        Read::Taken(true),
    ];
    life.records.extend(reads.map(|read| Record::Read(read.into())));
    let results = [
        EffectResult::Module(Ok(Some(ModuleSource { path: "a/b.lua".into(), text: long.clone() }))),
        EffectResult::Module(Ok(None)),
        EffectResult::Module(Err("no".into())),
        EffectResult::Value(Ok(serde_json::json!({"a": [1, 2.5, null, "x"], "b": u64::MAX}))),
        EffectResult::Value(Err("no room".into())),
    ];
    for (n, result) in results.into_iter().enumerate() {
        let wanted = ContentHash::of(n.to_string());
        life.records.push(Record::Performed(Performed { wanted, result: result.into() }));
    }
    life.log("before");
    life.ask(&long);
    life.records.push(Record::Resumed { unclean: true, at: 5 });
    life.answer(1, "because");
    life.finish();
    life
}

#[tokio::test]
async fn every_record_comes_back_as_it_was_and_in_order() {
    for kept in Kept::both() {
        let life = every_record();
        let written = Some(shown(&life.records));
        kept.with(async |journal| {
            life.write(journal).await;
            assert_eq!(records_of(journal, life.id()).await, written);
            assert_eq!(records_of(journal, SessionId::from_bits(2)).await, None);
        })
        .await;
        kept.with(async |journal| assert_eq!(records_of(journal, life.id()).await, written)).await;
    }
}

#[tokio::test]
async fn reads_that_are_appended_at_once_come_back_with_their_counts() {
    let reads = [Read::Time(1), Read::Cpu(u64::MAX), Read::Time(i64::MIN), Read::Cpu(3), Read::Spent(Spent::default())];
    let seen = reads.into_iter().zip([1, 2, 300, 70_000, u32::MAX]).map(|(read, times)| Seen { read, times });
    for kept in Kept::both() {
        let mut life = Life::begun(1);
        life.records.extend(seen.clone().map(Record::Read));
        life.log("behind them");
        life.records.push(Record::Read(Read::Seed(1 << 63).into()));
        let written = Some(shown(&life.records));
        kept.with(async |journal| {
            told(journal.append(life.id(), &life.records, Durability::Acknowledged)).await;
        })
        .await;
        kept.with(async |journal| assert_eq!(records_of(journal, life.id()).await, written)).await;
    }
}

#[tokio::test]
async fn derived_records_are_read_back_at_once_also_before_they_are_written() {
    for kept in Kept::both() {
        kept.with(async |journal| {
            let mut life = Life::begun(1);
            life.write(journal).await;
            for n in 0..200 {
                let turn = life.log(&n.to_string());
                let reply = journal.append(life.id(), &[Record::Turn(turn)], Durability::Derived);
                assert!(matches!(reply, Reply::Ready(Ok(()))));
                let page = told(journal.events(life.id(), n + 1, 1000)).await;
                let seqs: Vec<u64> = page.events.iter().map(|event| event.seq).collect();
                assert_eq!((page.gap, seqs), (None, vec![n + 1, n + 2]));
            }
            assert_eq!(records_of(journal, life.id()).await, Some(shown(&life.records)));
        })
        .await;
    }
}

#[tokio::test]
async fn events_come_in_pages() {
    for kept in Kept::both() {
        kept.with(async |journal| {
            let mut life = Life::begun(1);
            for _ in 0..20 {
                life.log("line");
            }
            life.ask("why?");
            life.write(journal).await;
            let last = life.session.last_seq();
            let mut from = 1;
            while from <= last {
                let page = told(journal.events(life.id(), from, 7)).await;
                assert_eq!(page.gap, None);
                assert!(page.events.len() <= 7 && page.events[0].seq == from);
                from = page.events.last().unwrap().seq + 1;
            }
            assert_eq!(from, last + 1);
            assert_eq!(told(journal.events(life.id(), from, 7)).await.events, []);
            assert_eq!(told(journal.events(SessionId::from_bits(9), 1, 7)).await.events, []);
        })
        .await;
    }
}

#[tokio::test]
async fn sessions_are_stored_in_the_order_of_their_birth_with_what_they_amount_to() {
    for kept in Kept::both() {
        let mut lives: Vec<Life> = (1..=10).rev().map(Life::begun).collect();
        lives[3].ask("why?");
        lives[4].ask("why?");
        let answer = Answer { answer_id: Some("d".into()), ..Answer::new(QueryId::new(1), "x", AnsweredBy::Person) };
        lives[4].take(switchboard::domain::Command::Answer(ResumePayload::Single(answer)));
        lives[5].records.push(Record::Resumed { unclean: true, at: 1 });
        lives[5].records.push(Record::Resumed { unclean: false, at: 1 });
        lives[5].records.push(Record::Resumed { unclean: true, at: 1 });
        lives[6].records.push(Record::Resumed { unclean: true, at: 1 });
        lives[6].ask("why?");
        lives[7].finish();
        for n in 0..50 {
            lives[8].ask(&n.to_string());
            lives[8].answer(n + 1, "y");
        }
        lives[9].records.push(Record::Resumed { unclean: true, at: 1 });
        for _ in 0..50 {
            lives[9].log("line");
        }
        kept.with(async |journal| {
            for life in &lives {
                life.write(journal).await;
            }
        })
        .await;
        // The second time, long lives have been summed up.
        for _ in 0..3 {
            kept.with(async |journal| {
                assert!(journal.was_closed() && journal.outlives_the_process());
                let (mut place, mut found) = (0, Vec::new());
                loop {
                    let page = told(journal.stored(place, 3)).await;
                    let Some(last) = page.last else { break };
                    let sessions = &page.sessions;
                    assert!(sessions.len() <= 3 && sessions[0].place > place);
                    assert_eq!((last, page.damaged.len()), (sessions[sessions.len() - 1].place, 0));
                    place = last;
                    found.extend(sessions.iter().cloned());
                }
                assert_eq!(found.len(), lives.len());
                for (stored, life) in found.iter().zip(&lives) {
                    assert_eq!(*stored.session, life.session);
                }
                let attempts: Vec<u32> = found.iter().map(|stored| stored.attempts).collect();
                assert_eq!(attempts, [0, 0, 0, 0, 0, 2, 0, 0, 0, 1]);
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_session_that_was_retired_is_told_at_once_and_the_ended_are_listed() {
    for kept in Kept::both() {
        let (mut waits, mut ended) = (Life::begun(1), Life::begun(2));
        waits.ask("why?");
        ended.finish();
        kept.with(async |journal| {
            for life in [&waits, &ended] {
                life.write(journal).await;
                journal.retire(Arc::new(life.session.clone()));
                assert_eq!(journal.retired(life.id()).as_deref(), Some(&life.session));
            }
            assert_eq!(journal.retired(SessionId::from_bits(3)), None);
            let ended_ids =
                |journal: &dyn Journal| -> Vec<_> { journal.all_retired().iter().map(|it| it.id()).collect() };
            assert_eq!(ended_ids(journal), [ended.id()]);
        })
        .await;
        kept.with(async |journal| {
            assert_eq!(journal.retired(waits.id()).as_deref(), Some(&waits.session));
            assert_eq!(
                journal.all_retired().iter().map(|it| (**it).clone()).collect::<Vec<_>>(),
                [ended.session.clone()]
            );
            let turn = waits.answer(1, "so");
            told(journal.append(waits.id(), &[Record::Turn(turn)], Durability::Acknowledged)).await;
            assert_eq!(records_of(journal, waits.id()).await, Some(shown(&waits.records)));
        })
        .await;
    }
}

#[tokio::test]
async fn the_last_draft_of_a_query_is_kept_until_it_is_taken_back() {
    for kept in Kept::both() {
        let draft = |n, query, text: &str| Draft {
            session: SessionId::from_bits(n),
            query: QueryId::new(query),
            text: text.into(),
        };
        let typed = [draft(u64::MAX, 1, "a"), draft(u64::MAX, 1, "ab"), draft(2, 1, "gone"), draft(2, 7, "é\n\u{1}")];
        kept.with(async |journal| {
            for Draft { session, query, text } in typed.clone() {
                journal.keep_draft(session, query, Some(text));
            }
            journal.keep_draft(SessionId::from_bits(2), QueryId::new(1), None);
        })
        .await;
        kept.with(async |journal| {
            let mut drafts = told(journal.drafts()).await.to_vec();
            drafts.sort_by_key(|draft| draft.session);
            assert_eq!(drafts, [typed[3].clone(), typed[1].clone()]);
        })
        .await;
    }
}

#[tokio::test]
async fn a_journal_that_is_in_order_has_no_trouble() {
    for kept in Kept::both() {
        kept.with(async |journal| assert_eq!(journal.trouble(), None)).await;
    }
}
