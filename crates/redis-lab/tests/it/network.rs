//! Packets that vanish.

use redis::cmd;
use redis_lab::{Error, in_own_network};

use crate::client::{cluster, connect, ping, try_connect};

#[test]
fn a_node_that_is_cut_off_answers_nothing_and_is_replaced() {
    in_own_network(async {
        let lab = cluster().await;
        let mut connection = connect(&lab, 0).await;
        ping(&mut connection).await.unwrap();
        lab.cut(0).unwrap();
        assert!(ping(&mut connection).await.unwrap_err().is_timeout(), "silence, not a refusal");
        assert!(try_connect(&lab.node(0).url()).await.unwrap_err().is_timeout());
        assert_eq!(lab.wait_for_master_other_than(0, 0).await.unwrap(), 3);
        let cut: String = lab.command(0, &cmd("PING")).await.unwrap();
        assert_eq!(cut, "PONG", "it runs, and the lab reaches it");

        lab.heal().unwrap();
        lab.wait_until_healthy().await.unwrap();
        assert_eq!(lab.replicas_of(3).await.unwrap(), [0]);
        ping(&mut connect(&lab, 0).await).await.unwrap();
    })
    .unwrap();
}

#[test]
fn the_smaller_side_of_a_partition_takes_writes_for_a_while_and_loses_them() {
    in_own_network(async {
        let lab = cluster().await;
        let slot = lab.slot_of("a").await.unwrap();
        let old = lab.master_of(slot).await.unwrap();
        lab.partition(&[old]).unwrap();
        let mut connection = connect(&lab, old).await;
        cmd("SET").arg("a").arg("lost").query_async::<()>(&mut connection).await.unwrap();

        let new = lab.wait_for_master_other_than(old, slot).await.unwrap();
        let value: Option<String> = lab.command(new, cmd("GET").arg("a")).await.unwrap();
        assert_eq!(value, None);
        lab.heal().unwrap();
        lab.wait_until_healthy().await.unwrap();
        let size: usize = lab.command(old, &cmd("DBSIZE")).await.unwrap();
        assert_eq!(size, 0, "the old master follows the new one");
    })
    .unwrap();
}

#[tokio::test]
async fn everybodys_network_is_left_alone() {
    let lab = cluster().await;
    assert!(matches!(lab.cut(0), Err(Error::Network(_))));
    assert!(matches!(lab.partition(&[0]), Err(Error::Network(_))));
}

#[test]
fn a_failure_in_its_own_network_is_a_failure() {
    let failed = in_own_network(async { panic!("on purpose") });
    let Err(Error::Inside(printed)) = failed else { panic!("{failed:?}") };
    assert!(printed.contains("on purpose"), "{printed}");
}
