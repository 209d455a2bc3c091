//! Slots that are moved while people write in them.

use std::sync::Arc;

use ports::Log;

use crate::load::{Load, check};
use crate::scene::{cluster, edit, group_on, name, open, slot_of, user};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_moves_while_people_write_in_it() {
    let lab = cluster(1).await;
    let store = Arc::new(open(&lab).await);
    for username in ["ada", "ben"] {
        user(&store, &name(username)).await;
    }
    let (moving, staying) = (group_on(&store, &lab, 0).await, group_on(&store, &lab, 1).await);
    let load = Load::start(&store, &[moving, staying]);
    load.goes_on(1_000).await;
    let slot = slot_of(&lab, moving).await;
    // There and back again, with keys that are at either end, for long enough to be met.
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        lab.begin_slot_move(slot, to).await.unwrap();
        while lab.move_keys(slot, from, to, 1).await.unwrap() > 0 {}
        lab.finish_slot_move(slot, from, to).await.unwrap();
        load.goes_on(200).await;
    }
    let acknowledged = load.stop().await;
    check(&store, &acknowledged, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_all_its_keys_on_the_way_is_found_there() {
    let lab = cluster(1).await;
    let store = open(&lab).await;
    for username in ["ada", "ben"] {
        user(&store, &name(username)).await;
    }
    let id = group_on(&store, &lab, 0).await;
    let ada = name("ada");
    store.append(crate::scene::message(id, &ada, 1)).await.unwrap();
    store.append(edit(id, &ada, "e1", 1, "changed")).await.unwrap();
    let slot = slot_of(&lab, id).await;
    lab.begin_slot_move(slot, 1).await.unwrap();
    while lab.move_keys(slot, 0, 1, 100).await.unwrap() > 0 {}
    // The keys are at the other end, which has not got the slot yet: it answers those that ask.
    let ends = store.ends(&[id]).await.unwrap();
    assert_eq!(ends[0].seq, 2);
    let events = store.events(id, 0, 10).await.unwrap();
    assert_eq!(events.len(), 2);
    lab.finish_slot_move(slot, 0, 1).await.unwrap();
    assert_eq!(store.append(crate::scene::message(id, &ada, 2)).await.unwrap().position.seq, 3);
}
