//! What runs beside the connections, each a loop of its own until the shard stops.

mod announcing;
mod contacts;
mod inbox;
mod logins;
mod recording;
mod sweeping;
mod tables;
mod timing;

use std::sync::Arc;

use placement::Table;
use tokio::sync::watch;

use crate::hub::Hub;

pub(crate) use recording::write_records;

/// Starts them all. `cursor` is where the inbox is read from.
pub(crate) fn start(hub: &Arc<Hub>, tables: watch::Receiver<Arc<Table>>, cursor: u64) {
    hub.spawn(announcing::run(hub.clone()));
    hub.spawn(contacts::run(hub.clone()));
    hub.spawn(contacts::refresh(hub.clone()));
    hub.spawn(inbox::run(hub.clone(), cursor));
    hub.spawn(logins::run(hub.clone()));
    hub.spawn(recording::run(hub.clone()));
    hub.spawn(recording::refresh(hub.clone()));
    hub.spawn(sweeping::run(hub.clone()));
    hub.spawn(tables::run(hub.clone(), tables));
    hub.spawn(timing::run(hub.clone()));
}
