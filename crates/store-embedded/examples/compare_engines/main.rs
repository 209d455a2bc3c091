//! Measures the key-value engines that were candidates for the store, with the writes of appends; then the store itself.
//!
//! `cargo run --release -p store-embedded --example compare_engines [seconds [store]]`, with `store` the store alone.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measuring program")]

mod fjall;
mod measure;
mod redb;
mod store;
mod workload;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::measure::{bytes_on_disk, cpu, now, percentile};
use crate::workload::Workload;

/// How many entries a child writes before it is killed.
const ENTRIES_BEFORE_KILL: u64 = 100_000;

/// A key and its value.
type Pair = (Vec<u8>, Vec<u8>);

/// An engine to be measured.
trait Candidate: Sized {
    /// What the table calls it.
    const NAME: &'static str;

    /// Opens or makes a database in a folder.
    fn open(folder: &Path) -> Self;

    /// Writes all pairs at once and returns when they are on the disk.
    fn commit(&self, pairs: Vec<Pair>);

    /// Reads at most `limit` values from the key `from` on.
    fn read(&self, from: &[u8], to: &[u8], limit: usize) -> usize;
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, engine, folder] = arguments.as_slice()
        && mode == "fill"
    {
        match engine.as_str() {
            fjall::Fjall::NAME => fill::<fjall::Fjall>(Path::new(folder)),
            _ => fill::<redb::Redb>(Path::new(folder)),
        }
    }
    let seconds = arguments.get(1).map_or(20, |seconds| seconds.parse().unwrap());
    if arguments.get(2).is_none() {
        run::<fjall::Fjall>(seconds);
        run::<redb::Redb>(seconds);
    }
    store::run(seconds);
}

/// Measures one engine.
fn run<C: Candidate>(seconds: u64) {
    println!("{}", C::NAME);
    for batch in [1, 16, 128] {
        appends::<C>(batch, seconds.div_ceil(4));
    }
    paced::<C>(4_000, seconds);
    saturated::<C>(seconds);
    recovery::<C>();
}

/// Appends in batches of one size, each synced.
fn appends<C: Candidate>(batch: u64, seconds: u64) {
    let folder = tempfile::tempdir().unwrap();
    let engine = C::open(folder.path());
    let mut workload = Workload::new();
    let (start, cpu_before, mut appended, mut commits) = (now(), cpu(), 0, Vec::new());
    while (now() - start).as_secs() < seconds {
        let pairs = workload.appends(batch);
        let before = now();
        engine.commit(pairs);
        commits.push(now() - before);
        appended += batch;
    }
    let wall = (now() - start).as_secs_f64();
    let cpu = (cpu() - cpu_before).as_secs_f64() * 1e6 / appended as f64;
    println!(
        "  batch {batch:3}: {:7.0} appends/s, {cpu:5.1} µs CPU each, commit p50 {:?} p99 {:?}",
        appended as f64 / wall,
        percentile(&mut commits, 0.5),
        percentile(&mut commits, 0.99),
    );
}

/// Appends at a steady rate, as many at a time as have come meanwhile, and tells the longest commit.
fn paced<C: Candidate>(rate: u64, seconds: u64) {
    let folder = tempfile::tempdir().unwrap();
    let engine = C::open(folder.path());
    let mut workload = Workload::new();
    let (start, mut appended, mut commits) = (now(), 0, Vec::new());
    while (now() - start).as_secs() < seconds {
        let due = (now() - start).as_micros() as u64 * rate / 1_000_000;
        if due == appended {
            std::thread::sleep(Duration::from_micros(250));
            continue;
        }
        let pairs = workload.appends(due - appended);
        appended = due;
        let before = now();
        engine.commit(pairs);
        commits.push(now() - before);
    }
    println!(
        "  {rate} appends/s for {seconds} s: commit p99 {:?} p99.9 {:?}, longest {:?}",
        percentile(&mut commits, 0.99),
        percentile(&mut commits, 0.999),
        percentile(&mut commits, 1.0),
    );
}

/// Appends 128 at a time without a pause, then reads, and tells the longest commit and the size on disk.
fn saturated<C: Candidate>(seconds: u64) {
    let folder = tempfile::tempdir().unwrap();
    let engine = C::open(folder.path());
    let mut workload = Workload::new();
    let (start, mut commits) = (now(), Vec::new());
    while (now() - start).as_secs() < seconds {
        let pairs = workload.appends(128);
        let before = now();
        engine.commit(pairs);
        commits.push(now() - before);
    }
    let appended = commits.len() as f64 * 128.0;
    println!(
        "  {seconds} s of batches of 128: {:.0} appends/s, commit p99.9 {:?}, longest {:?}, {:.0} bytes on disk each",
        appended / (now() - start).as_secs_f64(),
        percentile(&mut commits, 0.999),
        percentile(&mut commits, 1.0),
        bytes_on_disk(folder.path()) as f64 / appended,
    );
    let mut reads = Vec::new();
    for _ in 0..20_000 {
        let (from, to) = workload.some_range(50);
        let before = now();
        let read = engine.read(&from, &to, 50);
        reads.push(now() - before);
        assert!(read > 0);
    }
    println!("  ranges of 50: p50 {:?} p99 {:?}", percentile(&mut reads, 0.5), percentile(&mut reads, 0.99));
}

/// Kills a process that has written entries, and tells how long it takes to open what it left.
fn recovery<C: Candidate>() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["fill", C::NAME])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "filled\n");
    child.kill().unwrap();
    child.wait().unwrap();
    let before = now();
    let engine = C::open(folder.path());
    let (from, to) = Workload::new().everything();
    assert_eq!(engine.read(&from, &to, usize::MAX) as u64, ENTRIES_BEFORE_KILL);
    println!(
        "  opened after a kill with {ENTRIES_BEFORE_KILL} appends: {:?} with reading all events",
        now() - before
    );
}

/// Writes entries until it is killed; commits what the parent does not wait for as well.
fn fill<C: Candidate>(folder: &Path) -> ! {
    let engine = C::open(folder);
    let mut workload = Workload::new();
    for _ in 0..ENTRIES_BEFORE_KILL / 100 {
        engine.commit(workload.appends(100));
    }
    println!("filled");
    std::io::stdout().flush().unwrap();
    loop {
        std::thread::park();
    }
}
