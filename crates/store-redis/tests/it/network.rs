//! Packets that vanish while people write: machines that lose their power, and networks that fall apart.

use std::sync::Arc;
use std::time::Duration;

use protocol::ConversationId;
use redis_lab::{Lab, in_own_network};
use store_redis::{Options, RedisStore};

use crate::load::{Load, check, has_moved};
use crate::scene::{self, cluster, group_on, name, user};

async fn writing(lab: &Lab) -> (Arc<RedisStore>, ConversationId, Load) {
    let deadline = Duration::from_secs(60);
    let store = RedisStore::open(Options { deadline, ..scene::options(lab) }).await.unwrap();
    for username in ["ada", "ben"] {
        user(&store, &name(username)).await;
    }
    let conversations = [group_on(&store, lab, 0).await, group_on(&store, lab, 1).await];
    let store = Arc::new(store);
    let load = Load::start(&store, &conversations);
    load.goes_on(100).await;
    (store, conversations[0], load)
}

#[test]
fn a_master_that_loses_its_power_loses_nothing() {
    in_own_network(async {
        let lab = cluster(2).await;
        let (store, id, load) = writing(&lab).await;
        lab.cut(0).unwrap();
        load.goes_on(500).await;
        lab.heal().unwrap();
        load.goes_on(500).await;
        lab.wait_until_healthy().await.unwrap();
        let acknowledged = load.stop().await;
        check(&store, &acknowledged, true).await;
        assert!(!has_moved(&store, &acknowledged, id).await);
    })
    .unwrap();
}

/// What the master on the small side acknowledges with its replica there is taken back when the network is whole again.
#[test]
fn a_partition_with_a_replica_on_either_side_loses_nothing() {
    in_own_network(async {
        let lab = cluster(2).await;
        let (store, id, load) = writing(&lab).await;
        lab.partition(&[0, 3]).unwrap();
        load.goes_on(500).await;
        assert_eq!(lab.wait_for_master_other_than(0, 0).await.unwrap(), 6);
        lab.heal().unwrap();
        load.goes_on(500).await;
        lab.wait_until_healthy().await.unwrap();
        let acknowledged = load.stop().await;
        check(&store, &acknowledged, false).await;
        assert!(has_moved(&store, &acknowledged, id).await, "something was taken back");
    })
    .unwrap();
}
