//! The way of every role to the table.

use std::sync::Arc;

use placement::{Assignment, Bucket, Epoch, Member, Table};
use protocol::Service;
use protocol::Username;
use tokio::sync::watch;

/// The reading end: the newest table that has come so far, kept for ever.
///
/// Invariant: the epochs that it shows only grow.
#[derive(Clone, Debug)]
pub struct TableFeed(watch::Receiver<Option<Arc<Table>>>);

/// The writing end: takes tables from the registry's loop or from [`follow`](crate::follow).
#[derive(Debug)]
pub struct TableSource(watch::Sender<Option<Arc<Table>>>);

/// Where a user belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The epoch of the table that says so.
    pub epoch: Epoch,
    /// The shard.
    pub member: Member,
}

impl TableSource {
    /// Makes a source that has no table yet.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// Gives a reading end.
    #[must_use]
    pub fn feed(&self) -> TableFeed {
        TableFeed(self.0.subscribe())
    }

    /// Shows the table if it is newer than the one shown; says whether it was.
    pub fn offer(&self, table: Arc<Table>) -> bool {
        self.0.send_if_modified(|current| {
            let newer = current.as_ref().is_none_or(|current| current.epoch < table.epoch);
            if newer {
                *current = Some(table);
            }
            newer
        })
    }
}

impl Default for TableSource {
    fn default() -> Self {
        Self::new()
    }
}

impl TableFeed {
    /// Gives the newest table, or `None` before the first.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Table>> {
        self.0.borrow().clone()
    }

    /// Gives the epoch of the newest table, [`Epoch::ZERO`] before the first.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.0.borrow().as_ref().map_or(Epoch::ZERO, |table| table.epoch)
    }

    /// Waits for a table newer than `epoch`, which may be there already.
    ///
    /// `None` says that the source is gone and no other table will come; the last one stays.
    pub async fn newer_than(&mut self, epoch: Epoch) -> Option<Arc<Table>> {
        let newer = |table: &Option<Arc<Table>>| table.as_ref().is_some_and(|table| table.epoch > epoch);
        self.0.wait_for(newer).await.ok()?.clone()
    }

    /// Says where a user belongs, or `None` before the first table.
    #[must_use]
    pub fn owner_of(&self, user: &Username, service: Service) -> Option<Placed> {
        let current = self.0.borrow();
        let table = current.as_ref()?;
        let member = assignment_of(table, service).owner(Bucket::of(user.as_str())).clone();
        Some(Placed { epoch: table.epoch, member })
    }
}

/// Gives the part of a table that is about a service.
#[must_use]
pub fn assignment_of(table: &Table, service: Service) -> &Assignment {
    match service {
        Service::Chat => &table.chat,
        Service::Presence => &table.presence,
    }
}

#[cfg(test)]
mod tests {
    use placement::{BucketLoads, ORDINARY_WEIGHT, Options, plan};
    use protocol::Shard;

    use super::*;

    fn table(epoch: u64) -> Arc<Table> {
        let shard = Shard::new("chat-0").unwrap();
        let member = Member {
            shard,
            url: "ws://chat-0".into(),
            weight: ORDINARY_WEIGHT,
            operator_url: None,
            draining: false,
        };
        let chat = plan(None, &[member], &BucketLoads::uniform(), &Options::default()).unwrap().assignment;
        Arc::new(Table { epoch: Epoch::try_from(epoch).unwrap(), presence: chat.clone(), chat })
    }

    #[tokio::test]
    async fn older_tables_are_refused_and_the_last_stays_for_ever() {
        let source = TableSource::new();
        let mut feed = source.feed();
        assert_eq!((feed.current(), feed.epoch()), (None, Epoch::ZERO));
        assert!(source.offer(table(5)));
        assert!(!source.offer(table(5)));
        assert!(!source.offer(table(4)));
        assert_eq!(feed.newer_than(Epoch::ZERO).await, Some(table(5)));
        drop(source);
        assert_eq!(feed.newer_than(table(5).epoch).await, None);
        let user = Username::new("alice").unwrap();
        let placed = feed.owner_of(&user, Service::Presence).unwrap();
        assert_eq!((placed.epoch, placed.member.name()), (table(5).epoch, "chat-0"));
    }
}
