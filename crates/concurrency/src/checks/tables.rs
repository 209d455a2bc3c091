//! The placement table and its readers: `registry/src/feed.rs`.

use std::sync::{Arc, LazyLock};

use placement::{BucketLoads, Epoch, Member, ORDINARY_WEIGHT, Options, Table, plan};
use protocol::{Service, Shard, Username};
use shuttle::future::block_on;
use shuttle::thread;

use crate::explore::{explore, join};
use crate::feed::{TableFeed, TableSource};

/// The greatest epoch that is offered.
const NEWEST: u64 = 4;

/// The tables that are offered, by epoch.
static TABLES: LazyLock<Vec<Arc<Table>>> = LazyLock::new(|| (0..=NEWEST).map(table).collect());

/// Whatever order tables come in, and from how many sides, every reader sees epochs that only grow and ends with the newest table; none is
/// taken twice.
pub fn epochs_only_grow_for_every_reader() {
    LazyLock::force(&TABLES);
    explore(|| {
        let source = Arc::new(TableSource::new());
        let waiting = thread::spawn({
            let mut feed = source.feed();
            move || {
                let mut known = Epoch::ZERO;
                while known < epoch(NEWEST) {
                    let table = block_on(feed.newer_than(known)).unwrap();
                    assert!(table.epoch > known);
                    known = table.epoch;
                }
            }
        });
        let looking = thread::spawn({
            let feed = source.feed();
            move || look(&feed)
        });
        let offering = [[1, 4, 2], [3, 1, 3]].map(|epochs| {
            let source = source.clone();
            thread::spawn(move || epochs.map(|epoch| source.offer(TABLES[epoch].clone()).then_some(epoch)))
        });
        let accepted = join(offering).concat();
        waiting.join().unwrap();
        looking.join().unwrap();
        assert_eq!(source.feed().epoch(), epoch(NEWEST));
        for epoch in 1..=NEWEST {
            let count = accepted.iter().filter(|accepted| **accepted == usize::try_from(epoch).ok()).count();
            assert!(count <= 1 && (epoch < NEWEST || count == 1), "epoch {epoch} was taken {count} times");
        }
    });
}

/// One who waits for a newer table learns that none will come, and keeps the last.
pub fn a_source_that_goes_wakes_those_who_wait() {
    LazyLock::force(&TABLES);
    explore(|| {
        let source = TableSource::new();
        let mut feed = source.feed();
        let gone = thread::spawn(move || assert!(source.offer(TABLES[1].clone())));
        let mut known = Epoch::ZERO;
        while let Some(table) = block_on(feed.newer_than(known)) {
            assert!(table.epoch > known);
            known = table.epoch;
        }
        gone.join().unwrap();
        assert_eq!(feed.epoch(), epoch(1));
    });
}

fn look(feed: &TableFeed) {
    let user = Username::new("ada").unwrap();
    let mut known = Epoch::ZERO;
    let mut see = |epoch: Epoch| {
        assert!(epoch >= known, "from {known} back to {epoch}");
        known = epoch;
    };
    for _ in 0..2 {
        see(feed.epoch());
        see(feed.current().map_or(Epoch::ZERO, |table| table.epoch));
        see(feed.owner_of(&user, Service::Chat).map_or(Epoch::ZERO, |placed| placed.epoch));
    }
}

/// Makes a table whose only shard owns everything.
fn table(number: u64) -> Arc<Table> {
    let chat =
        plan(None, &[member("chat-0")], &BucketLoads::uniform(), &Options::default()).unwrap().assignment;
    Arc::new(Table { epoch: epoch(number), presence: chat.clone(), chat })
}

/// Makes an ordinary member.
pub(super) fn member(name: &str) -> Member {
    Member {
        shard: Shard::new(name).unwrap(),
        url: format!("ws://{name}"),
        weight: ORDINARY_WEIGHT,
        operator_url: None,
        draining: false,
    }
}

/// Makes an epoch.
pub(super) fn epoch(number: u64) -> Epoch {
    Epoch::try_from(number).unwrap()
}
