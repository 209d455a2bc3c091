//! The table as the roles read it: a first one, and every later one.

use std::sync::Arc;

use placement::Table;
use registry::TableFeed;
use tokio::sync::watch;

use crate::base::Base;

/// Passes on what comes after `first` until the program stops.
pub(crate) fn after(first: Arc<Table>, mut feed: TableFeed, base: &Base) -> watch::Receiver<Arc<Table>> {
    let (sender, receiver) = watch::channel(first);
    let stop = base.stop.clone();
    base.tracker.spawn(async move {
        let follow = async {
            loop {
                let epoch = sender.borrow().epoch;
                let Some(table) = feed.newer_than(epoch).await else { return };
                sender.send_replace(table);
            }
        };
        stop.run_until_cancelled(follow).await;
    });
    receiver
}
