//! Contract §3 `changes`: which sessions changed, for a screen that never looks at the others.

use std::collections::{HashMap, HashSet};

use futures::FutureExt;
use switchboard::domain::{ExecutionState, SessionId};
use switchboard::engine::ChangeCursor;

use crate::support::{Act, Rig, answer, bounded, ended, in_parallel, paused, say};

#[tokio::test]
async fn a_session_is_listed_when_it_is_made_and_whenever_it_changes() {
    let rig = Rig::new();
    let id = rig.start([say("why?"), say("why?")]).await;
    let other = rig.start([Act::Finish(1.into())]).await;
    let made = rig.registry.changes(ChangeCursor::default());
    assert_eq!(made.sessions, [id, other]);
    paused(&rig.registry, id).await;
    ended(&rig.registry, other).await;
    let begun = rig.registry.changes(made.cursor);
    assert_eq!(begun.sessions.iter().collect::<HashSet<_>>(), HashSet::from([&id, &other]));
    assert_eq!(begun.sessions.len(), 2, "each once, however much happened");
    assert_eq!(rig.registry.changes(begun.cursor).sessions, [], "nothing has happened since");
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    let answered = rig.registry.changes(begun.cursor);
    assert_eq!((answered.sessions.as_slice(), answered.overflowed), (&[id][..], false));
}

#[tokio::test]
async fn whoever_looks_does_not_take_changes_away_from_others() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    paused(&rig.registry, id).await;
    let start = rig.registry.changes(ChangeCursor::default()).cursor;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    for _ in 0..3 {
        assert!(rig.registry.changes(start).sessions.contains(&id));
        rig.registry.changes(ChangeCursor::default());
    }
}

#[tokio::test]
async fn waiting_for_changes_ends_with_the_next_one_and_may_be_given_up() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    paused(&rig.registry, id).await;
    let cursor = rig.registry.changes(ChangeCursor::default()).cursor;
    for _ in 0..3 {
        assert!(rig.registry.changed(cursor).now_or_never().is_none());
    }
    let waiting = tokio::spawn({
        let registry = rig.registry.clone();
        async move { registry.changed(cursor).await }
    });
    tokio::task::yield_now().await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    bounded(waiting).await.unwrap();
    assert!(rig.registry.changed(cursor).now_or_never().is_some(), "what has changed already is not waited for");
}

/// A screen that copies only what is said to have changed shows, in the end, exactly what is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_that_looks_only_at_changes_never_misses_one() {
    const SESSIONS: usize = 300;
    let rig = Rig::new();
    let (spec, _) = rig.write([say("first?"), Act::Log(3), say("second?"), Act::Progress(1, 1)]);
    let screens: Vec<_> = (0..2)
        .map(|_| {
            let registry = rig.registry.clone();
            tokio::spawn(async move {
                let mut shown: HashMap<SessionId, ExecutionState> = HashMap::new();
                let mut cursor = ChangeCursor::default();
                while shown.len() < SESSIONS || !shown.values().all(ExecutionState::is_ended) {
                    registry.changed(cursor).await;
                    let changes = registry.changes(cursor);
                    assert!(!changes.overflowed);
                    cursor = changes.cursor;
                    for id in changes.sessions {
                        shown.insert(id, registry.state(id).unwrap());
                    }
                }
                shown
            })
        })
        .collect();
    let registry = rig.registry.clone();
    in_parallel(SESSIONS, 8, move |_| {
        let (registry, spec) = (registry.clone(), spec.clone());
        async move {
            let id = registry.spawn(spec).await.unwrap();
            for n in 1..=2 {
                crate::support::paused_at(&registry, id, n).await;
                registry.resume(id, answer(n, "a")).await.unwrap();
            }
        }
    })
    .await;
    for screen in screens {
        for (id, state) in bounded(screen).await.unwrap() {
            assert_eq!(rig.registry.state(id).unwrap(), state);
        }
    }
}

/// §4.1: snapshot first, then feed, then the changed-set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_read_an_event_sees_a_state_at_least_as_new() {
    let rig = Rig::new();
    let (spec, _) = rig.write([say("why?"), Act::Log(20), say("why?"), Act::Log(20)]);
    let registry = rig.registry.clone();
    in_parallel(400, 4, move |_| {
        let (registry, spec) = (registry.clone(), spec.clone());
        async move {
            let id = registry.spawn(spec).await.unwrap();
            let mut observer = registry.observe(id, None).unwrap();
            while let Ok(event) = observer.recv().await {
                let summary = registry.summary(id).unwrap();
                assert!(summary.last_seq >= event.seq);
                assert!(summary.last_at >= event.at);
                if event.kind.is_last() {
                    assert!(summary.state.is_ended());
                }
                if let switchboard::domain::EventKind::PauseRequested { info } = &event.kind {
                    let ExecutionState::Paused(now) = &summary.state else { panic!("nobody has answered") };
                    assert_eq!(now, info);
                    registry.resume(id, answer(info.epoch, "a")).await.unwrap();
                }
            }
        }
    })
    .await;
}
