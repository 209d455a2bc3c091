//! Nodes that die, stall and come back.

use redis_lab::{Lab, Options};

use crate::client::{cluster, connect, get, options, ping, set};

#[tokio::test]
async fn a_killed_master_is_replaced_by_its_replica() {
    let lab = cluster().await;
    set(&lab, "a", "1").await;
    let slot = lab.slot_of("a").await.unwrap();
    let old = lab.master_of(slot).await.unwrap();
    let mut connection = connect(&lab, old).await;
    ping(&mut connection).await.unwrap();

    lab.kill(old).unwrap();
    assert!(ping(&mut connection).await.is_err());
    assert_eq!(lab.wait_for_master_other_than(old, slot).await.unwrap(), old + 3);
    assert_eq!(get(&lab, "a").await.as_deref(), Some("1"));
    lab.wait_until_healthy().await.unwrap();

    lab.restart(old).await.unwrap();
    lab.wait_until_healthy().await.unwrap();
    assert_eq!(lab.master_of(slot).await.unwrap(), old + 3);
    assert_eq!(lab.replicas_of(old + 3).await.unwrap(), [old]);
}

#[tokio::test]
async fn a_paused_master_is_replaced_and_learns_of_it() {
    let lab = cluster().await;
    let mut connection = connect(&lab, 0).await;
    lab.pause(0).unwrap();
    assert!(ping(&mut connection).await.unwrap_err().is_timeout());
    assert_eq!(lab.wait_for_master_other_than(0, 0).await.unwrap(), 3);
    lab.resume(0).unwrap();
    lab.wait_until_healthy().await.unwrap();
    assert_eq!(lab.replicas_of(3).await.unwrap(), [0]);
}

#[tokio::test]
async fn a_planned_failover_swaps_master_and_replica() {
    let lab = cluster().await;
    set(&lab, "a", "1").await;
    lab.failover(4).await.unwrap();
    assert_eq!(lab.master_of(5461).await.unwrap(), 4);
    assert_eq!(lab.replicas_of(4).await.unwrap(), [1]);
    assert_eq!(get(&lab, "a").await.as_deref(), Some("1"));
    assert!(lab.failover(0).await.is_err(), "a master takes over from nobody");
}

#[tokio::test]
async fn a_master_that_comes_back_empty_takes_its_replicas_data_along() {
    // A time-out that it does not reach, as a container that is restarted at once.
    let quick = Options { append_only: false, node_timeout: std::time::Duration::from_secs(30), ..options() };
    let lab = Lab::start(quick).await.unwrap();
    set(&lab, "a", "1").await;
    let slot = lab.slot_of("a").await.unwrap();
    let master = lab.master_of(slot).await.unwrap();
    lab.restart_empty(master).await.unwrap();
    lab.wait_until_healthy().await.unwrap();
    assert_eq!(lab.master_of(slot).await.unwrap(), master);
    assert_eq!(get(&lab, "a").await, None);
    let size: usize = lab.command(master + 3, &redis::cmd("DBSIZE")).await.unwrap();
    assert_eq!(size, 0, "the replica has followed");
}

#[tokio::test]
async fn what_is_in_the_file_survives_a_kill() {
    let lab = Lab::start(Options { replicas_per_master: 0, ..options() }).await.unwrap();
    let slot = lab.slot_of("a").await.unwrap();
    let master = lab.master_of(slot).await.unwrap();
    lab.command::<()>(master, redis::cmd("SET").arg("a").arg("1")).await.unwrap();
    lab.restart(master).await.unwrap();
    lab.wait_until_healthy().await.unwrap();
    assert_eq!(get(&lab, "a").await.as_deref(), Some("1"));
    lab.restart_empty(master).await.unwrap();
    lab.wait_until_healthy().await.unwrap();
    assert_eq!(get(&lab, "a").await, None);
}

#[tokio::test]
async fn an_exchanged_machine_joins_as_a_replica() {
    let lab = cluster().await;
    set(&lab, "a", "1").await;
    let slot = lab.slot_of("a").await.unwrap();
    let old = lab.master_of(slot).await.unwrap();
    let before = lab.view(old).await.unwrap();
    lab.kill(old).unwrap();
    let new = lab.wait_for_master_other_than(old, slot).await.unwrap();
    lab.replace(old, new).await.unwrap();
    lab.wait_until_healthy().await.unwrap();
    assert_eq!(lab.replicas_of(new).await.unwrap(), [old]);
    let after = lab.view(new).await.unwrap();
    assert_eq!(after.peers.len(), 6);
    let name = &before.peers.iter().find(|peer| peer.is("myself")).unwrap().id;
    assert!(after.peers.iter().all(|peer| peer.id != *name), "it has another name");
}
