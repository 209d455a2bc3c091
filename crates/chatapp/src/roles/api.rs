//! The api role by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use notification::Notification;

use super::{Started, follow};
use crate::base::Base;
use crate::listener::bind;
use crate::notes::Notes;
use crate::parts;
use crate::sockets::Asked;

/// Starts the role; it is ready once it knows who belongs where.
pub(super) async fn start(base: &Base, ready: &Arc<AtomicBool>) -> Result<Started> {
    let public = bind(base.configuration.public_address, "public_address").await?;
    let operators = bind(base.configuration.operator_address, "operator_address").await?;
    base.serve(operators, base.operators(ready));
    let keys = parts::keys(base).await?;
    let tables = follow::tables(base).await?;
    let connected = Arc::new(Asked::new(tables.clone(), base.dial.clone()));
    let sender = Notification::new(parts::notification(base, connected)?)?;
    let notes = Arc::new(Notes::new(sender, base.tracker.clone()));
    base.serve(public, parts::api(base, keys, tables, notes)?.router());
    ready.store(true, Ordering::Release);
    Ok(Started::default())
}
