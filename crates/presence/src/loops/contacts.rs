//! Who may see whom: read again when a hint says so, and now and then.

use std::sync::Arc;

use tokio::time::sleep;

use crate::hub::Hub;

/// Reads the contacts of users for whom they may have changed.
pub(super) async fn run(hub: Arc<Hub>) {
    loop {
        hub.bells.reloads.notified().await;
        for user in hub.update(|state, _| state.take_reloads()) {
            // Where it fails the next refresh tries again.
            let _ = hub.reload_contacts(&user).await;
        }
    }
}

/// Reads everybody's contacts again: what a lost hint did not tell ends here. In a loop of its own, so that what a hint
/// did tell does not wait for it.
pub(super) async fn refresh(hub: Arc<Hub>) {
    loop {
        sleep(hub.options.contacts_refresh).await;
        let users: Vec<_> = hub.update(|state, _| state.roster.users().cloned().collect());
        for user in users {
            let _ = hub.reload_contacts(&user).await;
        }
    }
}
