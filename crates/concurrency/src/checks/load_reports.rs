//! What shards report of their load: `registry/src/load_sink.rs`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use placement::{Assignment, Bucket, BucketLoads, Options, Table, plan};
use ports::Clock;
use protocol::{Service, Shard, Timestamp};
use shuttle::thread;

use super::tables::{epoch, member};
use crate::explore::{explore, join};
use crate::feed::TableSource;
use crate::load_sink::LoadSink;
use crate::loads::Loads;
use crate::report::LoadReport;

/// What [`Loads`] makes of a weight of 1.
const STEPS: u64 = 1_000;

/// A table of two shards, and the one after the first of them has gone.
static TABLES: LazyLock<[Arc<Table>; 2]> = LazyLock::new(|| {
    let table = |number, previous: Option<&Assignment>, names: &[&str]| {
        let members: Vec<_> = names.iter().map(|name| member(name)).collect();
        let chat = plan(previous, &members, &BucketLoads::uniform(), &Options::default()).unwrap().assignment;
        Arc::new(Table { epoch: epoch(number), presence: chat.clone(), chat })
    };
    let both = table(1, None, &["chat-0", "chat-1"]);
    let one = table(2, Some(&both.chat), &["chat-1"]);
    [both, one]
});

/// A clock that goes on by a second with each look.
struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// A report counts whole or not at all, and no later one for less, while two shards report at once.
pub fn a_report_counts_whole() {
    let mine = two_buckets_of("chat-0");
    explore(move || {
        let (_source, sink) = sink();
        let reporting = [("chat-0", mine), ("chat-1", two_buckets_of("chat-1"))].map(|(name, buckets)| {
            let sink = sink.clone();
            thread::spawn(move || {
                for weight in 1..=2 {
                    assert!(sink.take(&report(name, buckets, weight)));
                }
            })
        });
        let mut known = 0;
        for _ in 0..2 {
            let loads = sink.current(Service::Chat);
            let [first, second] = mine.map(|bucket| loads.of(bucket));
            assert_eq!(first, second, "half a report");
            assert!(first >= known);
            known = first;
        }
        join(reporting);
        assert_eq!(sink.current(Service::Chat).of(mine[0]), 2 * STEPS);
    });
}

/// Once the new owner of a bucket has reported, what the old one still says of it counts for nothing.
pub fn an_old_owner_is_not_believed_after_the_new_one() {
    let moved = two_buckets_of("chat-0");
    explore(move || {
        let (source, sink) = sink();
        let old = thread::spawn({
            let sink = sink.clone();
            move || {
                sink.take(&report("chat-0", moved, 1));
            }
        });
        assert!(source.offer(TABLES[1].clone()));
        assert!(sink.take(&report("chat-1", moved, 2)));
        old.join().unwrap();
        assert_eq!(moved.map(|bucket| sink.current(Service::Chat).of(bucket)), [2 * STEPS; 2]);
    });
}

fn sink() -> (TableSource, LoadSink) {
    let source = TableSource::new();
    assert!(source.offer(TABLES[0].clone()));
    let clock = Arc::new(Ticking(AtomicU64::new(0)));
    let sink = LoadSink::new(source.feed(), clock, || Loads::new(Duration::ZERO, 0.0));
    (source, sink)
}

fn two_buckets_of(name: &str) -> [Bucket; 2] {
    let shard = Shard::new(name).unwrap();
    let mut buckets = TABLES[0].chat.buckets_of(&shard);
    [buckets.next().unwrap(), buckets.last().unwrap()]
}

fn report(name: &str, buckets: [Bucket; 2], weight: u32) -> LoadReport {
    let weights = buckets.map(|bucket| (bucket, f64::from(weight))).into();
    LoadReport { shard: Shard::new(name).unwrap(), service: Service::Chat, weights }
}
