//! Where load reports go.

use std::sync::Arc;

use parking_lot::Mutex;
use placement::BucketLoads;
use ports::Clock;
use protocol::Service;

use crate::feed::{TableFeed, assignment_of};
use crate::loads::Loads;
use crate::report::LoadReport;

/// Takes load reports, from requests or from a shard in the same process.
#[derive(Clone)]
pub struct LoadSink {
    feed: TableFeed,
    clock: Arc<dyn Clock>,
    chat: Arc<Mutex<Loads>>,
    presence: Arc<Mutex<Loads>>,
}

impl LoadSink {
    pub(crate) fn new(feed: TableFeed, clock: Arc<dyn Clock>, loads: impl Fn() -> Loads) -> Self {
        let loads = || Arc::new(Mutex::new(loads()));
        Self { feed, clock, chat: loads(), presence: loads() }
    }

    /// Takes in a report; says whether the shard is in the table, without which it counts for nothing.
    pub fn take(&self, report: &LoadReport) -> bool {
        let mut loads = self.loads(report.service).lock();
        // Looked at under the lock, so that the old owner of a bucket is not believed after the new one.
        let Some(table) = self.feed.current() else { return false };
        let assignment = assignment_of(&table, report.service);
        let known = assignment.member(&report.shard).is_some();
        if known {
            loads.take(report, assignment, self.clock.monotonic());
        }
        known
    }

    /// Gives what is known of the load of a service.
    pub(crate) fn current(&self, service: Service) -> BucketLoads {
        self.loads(service).lock().current()
    }

    fn loads(&self, service: Service) -> &Mutex<Loads> {
        match service {
            Service::Chat => &self.chat,
            Service::Presence => &self.presence,
        }
    }
}
