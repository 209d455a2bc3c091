//! The operators' port: health and figures of all roles.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;

use super::Base;

/// Makes the routes. Ready means: everything has started, nothing drains, and the store takes writes.
pub(super) fn router(base: &Base, ready: &Arc<AtomicBool>) -> Router {
    let (metrics, store, ready) = (base.metrics.clone(), base.store.clone(), ready.clone());
    http_edge::operator_router(
        move |accept| metrics.answer(accept),
        move || {
            if !ready.load(Ordering::Acquire) {
                return Err("starting or draining".to_owned());
            }
            if store.is_writable() { Ok(()) } else { Err("the store takes no writes".to_owned()) }
        },
    )
}
