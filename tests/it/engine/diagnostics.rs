//! What the engine says of itself: which worker runs what, what straggles, what waits.

use std::sync::Arc;

use switchboard::domain::{CancelCode, SessionSpec};
use switchboard::engine::{MemoryJournal, Registry, RegistryConfig, STRAGGLES};
use switchboard::lua::LuaVms;

use crate::support::{Act, HandClock, NoFiles, Rig, Seeded, Switch, answer, bounded, paused, reason, say, wait_for};

/// A registry that runs Lua on this runtime.
fn registry() -> Registry {
    Registry::new(RegistryConfig {
        vms: Arc::new(LuaVms::new()),
        journal: Arc::new(MemoryJournal::default()),
        clock: Arc::new(HandClock::new()),
        entropy: Arc::new(Seeded::new(3)),
        files: Arc::new(NoFiles),
        library_dirs: Vec::new(),
        runtime: tokio::runtime::Handle::current(),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_straggling_section_shows_with_its_name_and_place_and_is_gone_when_it_is_over() {
    let registry = registry();
    let mut spec = SessionSpec::run("xpcall(error,\n  function() while true do end end)");
    spec.title = Some("sorter".into());
    // It ends because it is cancelled, however slow the machine is.
    spec.limits.section_ms = 3_600_000;
    let id = registry.spawn(spec).await.unwrap();
    let straggling = || {
        let workers = registry.diagnostics().workers;
        workers.into_iter().filter_map(|worker| worker.work).find(|work| work.straggles() && work.place.is_some())
    };
    wait_for("the section to straggle", || straggling().is_some()).await;
    let work = straggling().unwrap();
    assert_eq!((work.session, work.title.as_str(), work.inbox), (id, "sorter", 0));
    assert!(work.place.as_deref().is_some_and(|place| place.ends_with(":2")), "{:?}", work.place);
    bounded(registry.cancel(id, reason(CancelCode::User, "enough", 1))).await.unwrap();
    assert_eq!(straggling(), None);
    wait_for("the worker to be idle", || registry.diagnostics().workers.iter().all(|it| it.work.is_none())).await;
    let straggled = registry.diagnostics().straggled;
    let last = straggled.first().expect("it is remembered");
    assert_eq!((last.session, last.title.as_str(), &last.place), (id, "sorter", &work.place));
    assert!(last.lasted > STRAGGLES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_says_what_it_runs_and_what_waits_behind_it() {
    let rig = Rig::new();
    let (begun, over) = (Switch::default(), Switch::default());
    let _over = over.on_at_the_end();
    let held = Act::call({
        let (begun, over) = (begun.clone(), over.clone());
        move || {
            begun.on();
            while !over.is_on() {
                std::thread::yield_now();
            }
        }
    });
    let id = rig.start([say("why?"), held, say("and?")]).await;
    paused(&rig.registry, id).await;
    assert!(rig.registry.diagnostics().workers.iter().all(|worker| worker.work.is_none()), "it waits");
    rig.registry.resume(id, answer(1, "so")).await.unwrap();
    wait_for("the step", || begun.is_on()).await;
    let registry = rig.registry.clone();
    let asked = tokio::spawn(async move { registry.resume(id, answer(2, "so")).await });
    let work = || rig.registry.diagnostics().workers.into_iter().find_map(|worker| worker.work);
    wait_for("the request", || work().is_some_and(|work| work.inbox == 1)).await;
    assert_eq!((work().unwrap().session, rig.registry.diagnostics().requests), (id, 1));
    over.on();
    // Whether it came before the second question or behind it, it has its reply.
    drop(bounded(asked).await.unwrap());
    wait_for("the worker to be idle", || work().is_none()).await;
    let said = rig.registry.diagnostics();
    assert_eq!((said.requests, said.tasks), (0, 1));
    assert!(said.workers.iter().map(|worker| worker.steps).sum::<u64>() >= 2);
}

#[tokio::test]
async fn programs_whose_slice_is_over_wait_for_a_worker() {
    let rig = Rig::new();
    let over = Switch::default();
    let _over = over.on_at_the_end();
    for _ in 0..3 {
        rig.start([Act::SpinUntil(over.clone())]).await;
    }
    // On one thread, each of them waits whenever this test runs.
    wait_for("all to wait", || rig.registry.diagnostics().preempted == 3).await;
    over.on();
    wait_for("none to wait", || rig.registry.diagnostics().preempted == 0).await;
}
