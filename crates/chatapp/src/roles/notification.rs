//! The notification role by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use notification::Notification;

use super::{Started, follow};
use crate::base::Base;
use crate::listener::bind;
use crate::parts;
use crate::sockets::Asked;

/// Starts the role; it is ready once it knows whom to ask who is connected.
pub(super) async fn start(base: &Base, ready: &Arc<AtomicBool>) -> Result<Started> {
    let operators = bind(base.configuration.operator_address, "operator_address").await?;
    base.serve(operators, base.operators(ready));
    let tables = follow::tables(base).await?;
    let connected = Arc::new(Asked::new(tables, base.dial.clone()));
    Notification::start(parts::notification(base, connected)?)?;
    ready.store(true, Ordering::Release);
    Ok(Started::default())
}
