//! The simulated store keeps the ports' contract, as the stores do that ship.

use std::sync::Arc;

use ports::contract::{inbox, log, logins, outbox, presences};
use simulation::dice::Dice;
use simulation::history::History;
use simulation::store::{SimStore, StoreHandle, Trouble};

async fn open() -> Option<Arc<StoreHandle>> {
    Some(SimStore::new(Dice::new(1, "store"), History::begin()).handle("chat-0"))
}

mod without_faults {
    ports::contract_tests!(crate::open);
}

/// What depends on the order in which calls arrive holds while each takes a time of its own.
#[tokio::test(start_paused = true)]
async fn order_is_kept_though_calls_take_their_time() {
    for seed in 0..20 {
        let store = SimStore::new(Dice::new(seed, "store"), History::begin());
        store.trouble("*", Trouble { delay_ms: 0..=20, ..Trouble::default() });
        let handle = store.handle("chat-0");
        log::queued_appends_keep_their_order(&*handle).await;
        log::concurrent_appends_have_dense_numbers(&*handle).await;
        log::concurrent_repeats_append_once(&*handle).await;
        inbox::entries_come_in_order_after_the_cursor(&*handle).await;
        inbox::reading_waits_for_news(&*handle).await;
        outbox::entries_come_in_order_until_they_are_dealt_with(&*handle).await;
        outbox::pending_waits_for_entries(&*handle).await;
        logins::a_ticket_is_redeemed_once(&*handle).await;
        presences::an_older_epoch_overwrites_nothing(&*handle).await;
    }
}
