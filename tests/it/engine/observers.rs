//! Contract §3 `observe` and §4, promise 8: no observer is needed, and none can hurt.

use futures::FutureExt;
use switchboard::domain::{Event, EventKind, ObserverRecvError, Seq, SessionId};
use switchboard::engine::{Durability, EventRef, Journal, MemoryJournal, Observer, Record, Turn};

use std::sync::Arc;
use std::time::Duration;

use crate::support::{
    Act, Parts, Rig, TestJournal, answer, bounded, ended, history, kinds, paused, paused_at, say, stream,
};

/// The ring of a session's newest events holds this many; tests go well beyond.
const FAR_BEYOND_THE_RING: u64 = 2000;

fn seqs(events: &[EventRef]) -> Vec<Seq> {
    events.iter().map(|event| event.seq).collect()
}

#[tokio::test]
async fn observe_is_synchronous_and_reads_from_the_first_event() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    let mut observer = rig.registry.observe(id, None).unwrap();
    assert_eq!(observer.session(), id);
    assert_eq!(observer.try_recv(), Ok(None), "nothing has happened yet");
    assert_eq!(observer.recv().await.unwrap().kind.name(), "tick");
}

#[tokio::test]
async fn publishing_with_no_observer_is_a_matter_of_course() {
    let rig = Rig::new();
    let id = rig.start([Act::Log(500), say("why?")]).await;
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    ended(&rig.registry, id).await;
}

#[tokio::test]
async fn try_recv_says_closed_only_after_the_last_event() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    let mut observer = rig.registry.observe(id, None).unwrap();
    paused(&rig.registry, id).await;
    let mut read = Vec::new();
    while let Some(event) = observer.try_recv().unwrap() {
        read.push(event);
    }
    assert_eq!(kinds(&read), ["tick", "state_transition", "pause_requested", "llm_call_begin"]);
    for _ in 0..3 {
        assert_eq!(observer.try_recv(), Ok(None));
    }
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    ended(&rig.registry, id).await;
    while let Some(event) = observer.try_recv().transpose().and_then(Result::ok) {
        read.push(event);
    }
    assert!(read.last().unwrap().kind.is_last());
    for _ in 0..3 {
        assert_eq!(observer.try_recv(), Err(ObserverRecvError::Closed));
        assert_eq!(observer.recv().await, Err(ObserverRecvError::Closed));
    }
}

#[tokio::test]
async fn every_observer_gets_the_same_stream_however_late_it_comes() {
    let rig = Rig::new();
    let id = rig.start([Act::Log(FAR_BEYOND_THE_RING), say("why?"), Act::Log(300)]).await;
    let early = rig.registry.observe(id, None).unwrap();
    paused(&rig.registry, id).await;
    let midway = rig.registry.observe(id, None).unwrap();
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    ended(&rig.registry, id).await;
    let late = rig.registry.observe(id, None).unwrap();
    let whole = stream(early).await;
    assert_eq!(seqs(&whole), (1..=whole.len() as u64).collect::<Vec<_>>());
    assert_eq!(whole.iter().filter(|event| matches!(event.kind, EventKind::Log { .. })).count(), 2300);
    assert_eq!(stream(midway).await, whole);
    assert_eq!(stream(late).await, whole);
}

#[tokio::test]
async fn an_observer_begins_where_it_is_told() {
    let rig = Rig::new();
    let id = rig.start([Act::Log(FAR_BEYOND_THE_RING)]).await;
    let mut ahead = rig.registry.observe(id, Some(FAR_BEYOND_THE_RING + 2)).unwrap();
    assert_eq!(ahead.try_recv(), Ok(None), "its first event is still to come");
    let whole = history(&rig.registry, id).await;
    let last = whole.len() as u64;
    for from in [0, 1, 2, 700, last - 257, last - 256, last - 255, last] {
        let part = stream(rig.registry.observe(id, Some(from)).unwrap()).await;
        assert_eq!(part, whole[from.saturating_sub(1) as usize..], "from {from}");
    }
    assert_eq!(stream(ahead).await, whole[last as usize - 1..]);
    for beyond in [last + 1, u64::MAX] {
        let mut observer = rig.registry.observe(id, Some(beyond)).unwrap();
        assert_eq!(observer.recv().await, Err(ObserverRecvError::Closed));
    }
}

#[tokio::test]
async fn a_receive_that_was_given_up_loses_no_event() {
    let rig = Rig::new();
    let id = rig.start([Act::Log(FAR_BEYOND_THE_RING), say("why?"), Act::Log(700), say("why?")]).await;
    let mut observer = rig.registry.observe(id, None).unwrap();
    let mut read = Vec::new();
    // Every other receive is given up at its first wait, before, between and behind the events of a turn.
    for round in 0..3 {
        if round > 0 {
            paused_at(&rig.registry, id, round).await;
            rig.registry.resume(id, answer(round, "a")).await.unwrap();
        }
        for _ in 0..800 {
            if let Some(event) = observer.recv().now_or_never() {
                read.push(event.unwrap());
            }
            tokio::task::yield_now().await;
        }
    }
    ended(&rig.registry, id).await;
    read.extend(stream(observer).await);
    assert_eq!(read, history(&rig.registry, id).await);
}

#[tokio::test(start_paused = true)]
async fn a_receive_under_a_timeout_or_in_a_select_loses_no_event() {
    let rig = Rig::on_paused_time();
    let id = rig.start([say("first?"), say("second?")]).await;
    let mut observer = rig.registry.observe(id, None).unwrap();
    let mut read = Vec::new();
    for n in 1..=2 {
        while let Ok(event) = tokio::time::timeout(Duration::from_millis(5), observer.recv()).await {
            read.push(event.unwrap());
        }
        tokio::select! {
            biased;
            event = observer.recv() => panic!("{event:?} while it waits"),
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
        rig.registry.resume(id, answer(n, "a")).await.unwrap();
    }
    read.extend(stream(observer).await);
    assert_eq!(read, history(&rig.registry, id).await);
}

#[tokio::test]
async fn an_observer_that_waits_for_the_journal_waits_neither_in_try_recv_nor_for_ever() {
    let rig = Rig::new();
    let id = rig.start([Act::Log(FAR_BEYOND_THE_RING)]).await;
    ended(&rig.registry, id).await;
    rig.journal.hold_reads();
    let mut observer = rig.registry.observe(id, None).unwrap();
    assert_eq!(observer.try_recv(), Ok(None), "the journal has not answered yet");
    assert!(observer.recv().now_or_never().is_none());
    assert_eq!(observer.try_recv(), Ok(None));
    assert_eq!(rig.journal.reads(), 1, "it is asked once");
    rig.journal.release_reads();
    let first = observer.recv().await.unwrap();
    let mut whole = vec![first];
    whole.extend(stream(observer).await);
    assert_eq!(seqs(&whole), (1..=FAR_BEYOND_THE_RING + 2).collect::<Vec<_>>());
}

#[tokio::test]
async fn whoever_reads_turn_by_turn_reads_the_same_events() {
    let rig = Rig::new();
    let id = rig.start([Act::Log(FAR_BEYOND_THE_RING), say("why?"), say("how?")]).await;
    for n in 1..=2 {
        paused_at(&rig.registry, id, n).await;
        rig.registry.resume(id, answer(n, "a")).await.unwrap();
    }
    let all = history(&rig.registry, id).await;

    // By ones and by turns in changing order, from the journal and from the ring.
    for ones in [0, 1, 3] {
        let mut observer = rig.registry.observe(id, Some(2)).unwrap();
        let mut read = Vec::new();
        let closed = bounded(async {
            loop {
                for _ in 0..ones {
                    match observer.recv().await {
                        Ok(event) => read.push(event),
                        Err(closed) => return closed,
                    }
                }
                match observer.recv_turn().await {
                    Ok(events) => read.extend(events.iter().cloned().map(EventRef::from)),
                    Err(closed) => return closed,
                }
            }
        })
        .await;
        assert_eq!(closed, ObserverRecvError::Closed);
        assert_eq!(read, all[1..], "{ones} by ones before each turn");
    }

    // An answer's turn is one piece, and what was read of it before is not in it.
    let accepted = |event: &&EventRef| matches!(event.kind, EventKind::AnswerAccepted { .. });
    let answered = all.iter().rfind(accepted).unwrap().seq;
    let mut observer = rig.registry.observe(id, Some(answered)).unwrap();
    assert_eq!(observer.recv().await.unwrap().seq, answered);
    let rest: Vec<&str> = observer.recv_turn().await.unwrap().iter().map(|event| event.kind.name()).collect();
    assert_eq!(rest, ["llm_call_end", "state_transition", "resume_accepted"]);
}

#[tokio::test]
async fn a_reader_close_behind_never_asks_the_journal() {
    let rig = Rig::new();
    let id = rig.start([Act::Log(100), say("why?"), Act::Log(100)]).await;
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    history(&rig.registry, id).await;
    assert_eq!(rig.journal.reads(), 0);
}

#[tokio::test]
async fn a_gap_names_exactly_the_events_that_are_no_longer_kept() {
    let journal = Arc::new(TestJournal::new(MemoryJournal::new(64 << 10, 10)));
    let rig = Rig::of(Parts { journal, ..Parts::default() });
    let acts = [say("why?"), Act::Log(4000), say("why?"), Act::Log(4000)];
    let id = rig.start(acts).await;
    let mut live = rig.registry.observe(id, None).unwrap();
    let mut all = Vec::new();
    let read_what_is_there = |live: &mut Observer, all: &mut Vec<EventRef>| {
        while let Some(event) = live.try_recv().transpose().and_then(Result::ok) {
            all.push(event);
        }
    };
    paused(&rig.registry, id).await;
    read_what_is_there(&mut live, &mut all);
    for n in 1..=2 {
        rig.registry.resume(id, answer(n, "kept for ever")).await.unwrap();
        // Reads along, so that one reader has seen everything.
        while !matches!(all.last().unwrap().kind, EventKind::LlmCallBegin { query_id } if query_id.number() == n + 1) {
            match live.recv().await {
                Ok(event) => all.push(event),
                Err(ObserverRecvError::Closed) => break,
                Err(gap @ ObserverRecvError::Gap { .. }) => panic!("{gap}"),
            }
        }
    }
    assert_eq!(seqs(&all), (1..=all.len() as u64).collect::<Vec<_>>());

    let mut late = rig.registry.observe(id, None).unwrap();
    let mut next = 1;
    let mut gaps = 0;
    let mut answers = 0;
    bounded(async {
        loop {
            match late.recv().await {
                Ok(event) => {
                    assert_eq!(event.seq, next, "nothing is missing but what a gap names");
                    assert_eq!(event, all[next as usize - 1]);
                    answers += usize::from(matches!(event.kind, EventKind::AnswerAccepted { .. }));
                    next += 1;
                }
                Err(ObserverRecvError::Gap { from, to }) => {
                    assert_eq!(from, next);
                    assert!(from <= to && to < all.len() as u64, "{from} to {to}");
                    gaps += 1;
                    next = to + 1;
                }
                Err(ObserverRecvError::Closed) => break,
            }
        }
    })
    .await;
    assert_eq!(next, all.len() as u64 + 1);
    assert_eq!((gaps, answers), (3, 2), "before, between and behind the answers, which are always kept");
}

/// A journal, and a log line of a thousand bytes for a session of it.
fn log_line(journal: &MemoryJournal, session: u64, seq: Seq) {
    let (level, source, message) = ("info".into(), "alc.log".into(), "x".repeat(1000));
    let line = Event { seq, at: 0, kind: EventKind::Log { level, source, message } };
    let record = Record::Turn(Turn::new([line]).unwrap());
    journal.append(SessionId::from_bits(session), &[record], Durability::Derived);
}

/// Bytes of the events that are still kept of a session, of which the newest has this number.
async fn kept(journal: &MemoryJournal, session: u64, last: Seq) -> usize {
    let page = journal.events(SessionId::from_bits(session), 1, usize::MAX).get().await.unwrap();
    assert_eq!(page.events.last().map(|event| event.seq), Some(last), "the newest are kept");
    page.events.iter().map(EventRef::bytes).sum()
}

#[tokio::test]
async fn sessions_that_say_little_take_nothing_from_one_that_says_much() {
    let journal = MemoryJournal::default();
    (1..=20_000).for_each(|session| log_line(&journal, session, 1));
    (1..=3000).for_each(|seq| log_line(&journal, 0, seq));
    assert!(kept(&journal, 0, 3000).await > 3_000_000);
}

#[tokio::test]
async fn all_sessions_together_keep_no_more_than_a_bound_also_those_that_say_nothing_any_more() {
    const LINES: Seq = 4000;
    let journal = MemoryJournal::default();
    let mut all = 0;
    for session in 0..320 {
        (1..=LINES).for_each(|seq| log_line(&journal, session, seq));
    }
    for session in 0..320 {
        all += kept(&journal, session, LINES).await;
    }
    assert!((200_000_000..300_000_000).contains(&all), "{all} bytes are kept");
}

#[tokio::test]
async fn a_gap_leaves_out_what_only_the_ring_still_has() {
    let journal = Arc::new(TestJournal::new(MemoryJournal::new(1 << 10, 10)));
    let rig = Rig::of(Parts { journal, ..Parts::default() });
    let id = rig.start([Act::Log(400), say("why?")]).await;
    paused(&rig.registry, id).await;
    let last = rig.registry.summary(id).unwrap().last_seq;
    let mut late = rig.registry.observe(id, None).unwrap();
    let Err(ObserverRecvError::Gap { from: 1, to }) = bounded(late.recv()).await else { panic!("so little is kept") };
    for seq in to + 1..=last {
        assert_eq!(bounded(late.recv()).await.unwrap().seq, seq);
    }
    let mut in_ring = rig.registry.observe(id, Some(to)).unwrap();
    assert_eq!(bounded(in_ring.recv()).await, Err(ObserverRecvError::Gap { from: to, to }), "and not one more");
}

#[tokio::test]
async fn every_answer_is_kept_when_what_stands_between_them_is_not() {
    const PAUSES: u32 = 500;
    let journal = Arc::new(TestJournal::new(MemoryJournal::new(64 << 10, 10)));
    let rig = Rig::of(Parts { journal, ..Parts::default() });
    let id = rig.start([Act::AskForEver]).await;
    for n in 1..=PAUSES {
        paused_at(&rig.registry, id, n).await;
        rig.registry.resume(id, answer(n, &format!("answer {n}"))).await.unwrap();
    }
    paused_at(&rig.registry, id, PAUSES + 1).await;
    let last = rig.registry.summary(id).unwrap().last_seq;
    let middle = last / 2;
    for from in [1, middle, middle + 1] {
        let mut late = rig.registry.observe(id, Some(from)).unwrap();
        let (mut next, mut answers, mut gaps) = (from, Vec::new(), 0);
        while next <= last {
            match bounded(late.recv()).await {
                Ok(event) => {
                    assert_eq!(event.seq, next, "nothing is missing but what a gap names");
                    next += 1;
                    if let EventKind::AnswerAccepted { response, .. } = &event.kind {
                        answers.push(response.to_string());
                    }
                }
                Err(ObserverRecvError::Gap { from, to }) => {
                    assert_eq!(from, next);
                    (next, gaps) = (to + 1, gaps + 1);
                }
                Err(ObserverRecvError::Closed) => panic!("it waits"),
            }
        }
        assert!(gaps > 10, "{gaps}");
        let first = PAUSES as usize + 1 - answers.len();
        let expected: Vec<String> = (first..=PAUSES as usize).map(|n| format!("answer {n}")).collect();
        assert_eq!(answers, expected, "from {from} on");
        assert!(if from == 1 { first == 1 } else { (200..300).contains(&first) }, "{first}");
    }
}

#[tokio::test]
async fn a_slow_observer_costs_nobody_any_time() {
    let rig = Rig::new();
    let id = rig.start([Act::Log(FAR_BEYOND_THE_RING), say("why?")]).await;
    let slow: Vec<Observer> = (0..50).map(|_| rig.registry.observe(id, None).unwrap()).collect();
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    ended(&rig.registry, id).await;
    for observer in slow {
        assert_eq!(stream(observer).await.len() as u64, FAR_BEYOND_THE_RING + 9);
    }
}

#[tokio::test]
async fn a_closed_observer_reads_nothing_more_and_the_others_go_on() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    let one = rig.registry.observe(id, None).unwrap();
    let mut two = rig.registry.observe(id, None).unwrap();
    two.recv().await.unwrap();
    one.close();
    paused(&rig.registry, id).await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    assert!(stream(two).await.last().unwrap().kind.is_last());
}

#[tokio::test]
async fn a_waiting_observer_is_woken_by_the_next_event() {
    let rig = Rig::new();
    let id = rig.start([say("why?")]).await;
    let pause = paused(&rig.registry, id).await;
    assert_eq!(pause.epoch, 1);
    let readers: Vec<_> = (0..10).map(|_| tokio::spawn(stream(rig.registry.observe(id, Some(5)).unwrap()))).collect();
    tokio::task::yield_now().await;
    rig.registry.resume(id, answer(1, "a")).await.unwrap();
    for reader in readers {
        let events = bounded(reader).await.unwrap();
        assert_eq!(kinds(&events)[..2], ["answer_accepted", "llm_call_end"]);
    }
}
