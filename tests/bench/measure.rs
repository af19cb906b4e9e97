//! Samples, the machine's own accounting, and the form of a printed row.

use std::time::Duration;

use serde_json::{Value, json};

/// Durations of one thing done many times.
#[derive(Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Adds one measurement.
    pub(crate) fn push(&mut self, duration: Duration) {
        self.0.push(duration.as_secs_f64() * 1e6);
    }

    /// The `q`-th quantile in microseconds.
    pub(crate) fn quantile(&mut self, q: f64) -> f64 {
        self.0.sort_by(f64::total_cmp);
        let index = ((self.0.len().max(1) - 1) as f64 * q).round() as usize;
        self.0.get(index).map_or(f64::NAN, |us| (us * 100.0).round() / 100.0)
    }

    /// `n`, median, p99 and maximum, in microseconds.
    pub(crate) fn figures(&mut self) -> Value {
        json!({"n": self.0.len(), "median_us": self.quantile(0.5), "p99_us": self.quantile(0.99), "max_us": self.quantile(1.0)})
    }
}

/// Prints one row.
pub(crate) fn row(name: &str, size: usize, runs: usize, figures: &Value) {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    println!("{}", json!({"row": name, "size": size, "runs": runs, "load": load, "figures": figures}));
}

fn status_kb(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kb| kb.parse().ok()).unwrap_or(f64::NAN)
}

/// Resident memory of this process in KB.
pub(crate) fn rss_kb() -> f64 {
    status_kb("VmRSS:")
}

/// Threads of this process.
pub(crate) fn threads() -> f64 {
    status_kb("Threads:")
}

/// Open file handles of this process.
pub(crate) fn handles() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// CPU time this process has used so far.
pub(crate) fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let mut total = stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
    if let Ok(tasks) = std::fs::read_dir("/proc/self/task") {
        total = tasks
            .flatten()
            .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
            .filter_map(|stat| stat.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()))
            .sum();
    }
    Duration::from_nanos(total)
}
