//! Time on a machine that may be busy.

use std::fs;
use std::time::Duration;

/// A limit for what takes no time of its own on a machine that has nothing else to do: as many times as long
/// as there are processes that want to run for each core, now or on average of the last minute.
pub(crate) fn on_this_machine(limit: Duration) -> Duration {
    limit.mul_f64(busy_factor().max(1.0))
}

fn busy_factor() -> f64 {
    let Ok(load) = fs::read_to_string("/proc/loadavg") else { return 1.0 };
    let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    let words: Vec<&str> = load.split_whitespace().collect();
    let average: f64 = words[0].parse().unwrap_or_default();
    let running = words[3].split('/').next().and_then(|now| now.parse().ok());
    average.max(running.unwrap_or_default()) / cores
}
