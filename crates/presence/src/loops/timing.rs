//! What time alone changes: graces and arrivals that end, users who become inactive.

use std::sync::Arc;

use crate::hub::Hub;

/// Looks after whatever is due.
pub(super) async fn run(hub: Arc<Hub>) {
    let mut deadlines = hub.bells.deadline.subscribe();
    loop {
        let deadline = *deadlines.borrow_and_update();
        tokio::select! {
            biased;
            () = hub.sleep_until(deadline) => hub.update(|state, now| state.advance(now)),
            // The sender is part of the hub.
            _ = deadlines.changed() => {}
        }
    }
}
