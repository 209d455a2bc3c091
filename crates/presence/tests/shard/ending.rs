//! Connections that end: by a logout, by silence, by a crash of the shard.

use std::time::Duration;

use ports::{Accounts, Logins};
use presence::PresenceOptions;
use protocol::hint::Hint;

use crate::cluster::{Cluster, now, patient};

#[tokio::test]
async fn a_logout_closes_the_sockets_of_that_login_and_no_others() {
    let mut cluster = Cluster::new(2).await;
    let (here, there) = (cluster.start(0, patient()).await, cluster.start(1, patient()).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    cluster.befriend(&ada, &bob).await;
    let mut watching = cluster.connect(&there, &bob).await;
    let (phone, laptop) = (cluster.log_in(&ada).await, cluster.log_in(&ada).await);
    let mut phone_device = cluster.dial(&here, &ada, phone).await;
    let mut laptop_device = cluster.dial(&here, &ada, laptop).await;
    laptop_device.snapshot().await;
    assert_eq!(watching.presence().await.1, "online");

    cluster.store.end_login(phone, now()).await.unwrap();
    cluster.hint(&here, Hint::LoginEnded { login: phone, user: ada.clone() }).await;
    assert_eq!(phone_device.close_code().await, 4401);
    laptop_device.hears_nothing().await;

    cluster.store.end_login(laptop, now()).await.unwrap();
    cluster.hint(&here, Hint::LoginEnded { login: laptop, user: ada.clone() }).await;
    assert_eq!(laptop_device.close_code().await, 4401);
    // At once, although the grace is long.
    assert_eq!(watching.presence().await.1, "offline");
}

#[tokio::test]
async fn a_logout_whose_hint_is_lost_is_noticed_all_the_same() {
    let mut cluster = Cluster::new(1).await;
    let options = PresenceOptions { ended_logins_poll: Duration::from_millis(10), ..patient() };
    let here = cluster.start(0, options).await;
    let ada = cluster.user("ada", 0).await;
    let login = cluster.log_in(&ada).await;
    let mut device = cluster.dial(&here, &ada, login).await;
    cluster.store.end_login(login, now()).await.unwrap();
    assert_eq!(device.close_code().await, 4401);
}

#[tokio::test]
async fn a_deleted_account_looks_offline_though_it_has_no_contacts_any_more() {
    let mut cluster = Cluster::new(2).await;
    let (here, there) = (cluster.start(0, patient()).await, cluster.start(1, patient()).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    cluster.befriend(&ada, &bob).await;
    let mut watching = cluster.connect(&there, &bob).await;
    let login = cluster.log_in(&ada).await;
    let mut device = cluster.dial(&here, &ada, login).await;
    assert_eq!(watching.presence().await.1, "online");
    cluster.store.delete_account(&ada, now()).await.unwrap();
    cluster.hint(&here, Hint::LoginEnded { login, user: ada.clone() }).await;
    assert_eq!(device.close_code().await, 4401);
    assert_eq!(watching.presence().await.1, "offline");
}

#[tokio::test]
async fn a_silent_death_is_noticed_and_has_had_its_grace() {
    let mut cluster = Cluster::new(2).await;
    let strict = PresenceOptions {
        heartbeat: Duration::from_millis(50),
        answer_time: Duration::from_millis(200),
        ..patient()
    };
    let (here, there) = (cluster.start(0, strict).await, cluster.start(1, patient()).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    let healthy = cluster.user("eve", 0).await;
    cluster.befriend(&ada, &bob).await;
    let mut watching = cluster.connect(&there, &bob).await;
    let mut survivor = cluster.connect(&here, &healthy).await;
    let device = cluster.connect(&here, &ada).await;
    assert_eq!(watching.presence().await.1, "online");
    device.fall_silent();
    // The grace after a close would be an hour.
    assert_eq!(watching.presence().await.1, "offline");
    survivor.hears_nothing().await;
}

#[tokio::test]
async fn the_successor_of_a_crashed_shard_announces_those_who_do_not_return() {
    let mut cluster = Cluster::new(2).await;
    let options = PresenceOptions { adoption: Duration::from_millis(300), ..patient() };
    let (here, there) = (cluster.start(0, patient()).await, cluster.start(1, options).await);
    let bob = cluster.user("bob", 1).await;
    let (returns, stays_away) = (cluster.user("ada", 0).await, cluster.user("eve", 0).await);
    cluster.befriend(&returns, &bob).await;
    cluster.befriend(&stays_away, &bob).await;
    let mut watching = cluster.connect(&there, &bob).await;
    let first = cluster.connect(&here, &returns).await;
    assert_eq!(watching.presence().await, (returns.to_string(), "online".to_owned()));
    let _second = cluster.connect(&here, &stays_away).await;
    assert_eq!(watching.presence().await, (stays_away.to_string(), "online".to_owned()));
    first.choose("busy");
    assert_eq!(watching.presence().await, (returns.to_string(), "busy".to_owned()));
    cluster.recorded(&returns, |record| record.status == protocol::presence::Status::Busy).await;
    cluster.recorded(&stays_away, |record| record.connected).await;

    here.crash();
    cluster.give_all_to(1);
    cluster.recorded(&returns, |record| record.epoch == cluster.epoch()).await;
    let again = cluster.connect(&there, &returns).await;
    assert_eq!(watching.presence().await, (stays_away.to_string(), "offline".to_owned()));
    // Who returned was never seen to go, and is as before.
    again.choose("online");
    assert_eq!(watching.presence().await, (returns.to_string(), "online".to_owned()));
    cluster.recorded(&stays_away, |record| !record.connected).await;
}

#[tokio::test]
async fn a_shard_that_restarts_expects_its_users() {
    let mut cluster = Cluster::new(2).await;
    let (mut here, there) = (cluster.start(0, patient()).await, cluster.start(1, patient()).await);
    let (ada, bob) = (cluster.user("ada", 0).await, cluster.user("bob", 1).await);
    let gone = cluster.user("eve", 0).await;
    cluster.befriend(&ada, &bob).await;
    cluster.befriend(&gone, &bob).await;
    let mut watching = cluster.connect(&there, &bob).await;
    let mut device = cluster.connect(&here, &ada).await;
    assert_eq!(watching.presence().await.1, "online");
    let _other = cluster.connect(&here, &gone).await;
    assert_eq!(watching.presence().await.1, "online");
    for user in [&ada, &gone] {
        cluster.recorded(user, |record| record.connected).await;
    }
    here.crash();
    assert_eq!(device.close_code().await, 1001);
    here = cluster.start(0, PresenceOptions { adoption: Duration::from_millis(300), ..patient() }).await;
    let device = cluster.connect(&here, &ada).await;
    device.choose("busy");
    let mut changes = [watching.presence().await, watching.presence().await];
    changes.sort();
    assert_eq!(changes, [(ada.to_string(), "busy".to_owned()), (gone.to_string(), "offline".to_owned())]);
}
