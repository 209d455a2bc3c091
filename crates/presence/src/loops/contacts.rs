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

/// Has everybody's contacts read again: what a lost hint did not tell ends here.
pub(super) async fn refresh(hub: Arc<Hub>) {
    loop {
        sleep(hub.options.contacts_refresh).await;
        hub.update(|state, _| state.reload_all_contacts());
    }
}
