//! Time, randomness and files as a test wants them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use switchboard::domain::Timestamp;
use switchboard::engine::{Clock, Entropy, Files, ModuleSource};
use tokio::time::Instant;

/// A clock that stands still until somebody moves it.
#[derive(Debug)]
pub(crate) struct HandClock {
    set: AtomicI64,
    followed_from: Option<Instant>,
}

impl HandClock {
    /// What the clock shows at first.
    pub(crate) const START: Timestamp = 1_000_000;

    pub(crate) fn new() -> Self {
        Self { set: AtomicI64::new(Self::START), followed_from: None }
    }

    /// A clock that also goes on with the runtime's time, paused or not.
    pub(crate) fn following_the_runtime() -> Self {
        Self { followed_from: Some(Instant::now()), ..Self::new() }
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.set.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        let followed = self.followed_from.map_or(0, |from| from.elapsed().as_millis() as i64);
        self.set.load(Ordering::SeqCst) + followed
    }
}

/// The same random bits in every run.
#[derive(Debug)]
pub(crate) struct Seeded(AtomicU64);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A number below `n`.
    pub(crate) fn below(&self, n: u64) -> u64 {
        self.bits() % n
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&self, n: u64) -> bool {
        self.below(n) == 0
    }
}

impl Entropy for Seeded {
    /// Steele, Lea and Flood's `SplitMix64`.
    fn bits(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// No files at all.
#[derive(Debug)]
pub(crate) struct NoFiles;

impl Files for NoFiles {
    fn read_module(&self, _roots: &[PathBuf], _name: &str) -> Result<Option<ModuleSource>, String> {
        Ok(None)
    }
}

/// A few modules behind a gate: reading one blocks its thread until the gate is open.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) modules: HashMap<&'static str, &'static str>,
    pub(crate) gate: Gate,
    /// The roots of the last read.
    pub(crate) roots: Mutex<Vec<PathBuf>>,
}

impl Files for Shelf {
    fn read_module(&self, roots: &[PathBuf], name: &str) -> Result<Option<ModuleSource>, String> {
        *self.roots.lock().unwrap() = roots.to_vec();
        self.gate.pass();
        match name {
            "forbidden" => Err("it lies outside its root".into()),
            "broken" => panic!("the shelf broke"),
            _ => Ok(self.modules.get(name).map(|text| {
                let path = PathBuf::from(format!("{name}.lua"));
                ModuleSource { path, text: (*text).to_owned() }
            })),
        }
    }
}

/// Blocks threads until it is opened. Clones are the same gate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        let (open, opened) = &*self.0;
        *open.lock().unwrap() = true;
        opened.notify_all();
    }

    fn pass(&self) {
        let (open, opened) = &*self.0;
        let open = open.lock().unwrap();
        drop(opened.wait_while(open, |open| !*open).unwrap());
    }

    /// Opens the gate at the end of the test however it ends: a thread that still waits would hold up the runtime.
    pub(crate) fn opens_at_the_end(&self) -> AtTheEnd<impl FnMut() + use<>> {
        let gate = self.clone();
        AtTheEnd(move || gate.open())
    }
}

/// Does something when it is dropped.
pub(crate) struct AtTheEnd<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for AtTheEnd<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
