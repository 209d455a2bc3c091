//! Clocks, counters and percentiles.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use ports::Clock;

/// Gives a time that only grows.
pub(crate) fn now() -> Duration {
    ports::SystemClock.monotonic()
}

/// Gives the processor time of the process so far, in the kernel's ticks of 10 ms.
pub(crate) fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

/// Gives the processor time so far of the threads of one name.
pub(crate) fn cpu_of_thread(name: &str) -> Duration {
    let mut nanoseconds = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        if std::fs::read_to_string(task.join("comm")).unwrap().trim_end() == name {
            let statistics = std::fs::read_to_string(task.join("schedstat")).unwrap();
            nanoseconds += statistics.split(' ').next().unwrap().parse::<u64>().unwrap();
        }
    }
    Duration::from_nanos(nanoseconds)
}

/// Gives the size of all that a folder holds, as allocated.
pub(crate) fn bytes_on_disk(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() { bytes_on_disk(&entry.path()) } else { metadata.blocks() * 512 }
        })
        .sum()
}

/// Gives the duration that a share of all does not exceed.
pub(crate) fn percentile(durations: &mut [Duration], share: f64) -> Duration {
    durations.sort_unstable();
    let index = (durations.len() as f64 * share) as usize;
    durations[index.min(durations.len() - 1)]
}
