//! Slots that move while clients use them.

use redis::{ErrorKind, ServerErrorKind, cmd};

use crate::client::{cluster, connect, get, set};

#[tokio::test]
async fn a_slot_moves_with_its_keys() {
    let lab = cluster().await;
    let keys: Vec<String> = (0..250).map(|key| format!("{{a}}{key}")).collect();
    for key in &keys {
        set(&lab, key, key).await;
    }
    let slot = lab.slot_of("{a}").await.unwrap();
    let from = lab.master_of(slot).await.unwrap();
    let to = (from + 1) % 3;
    lab.move_slot(slot, to).await.unwrap();
    assert_eq!(lab.master_of(slot).await.unwrap(), to);
    for key in &keys {
        assert_eq!(get(&lab, key).await.as_ref(), Some(key));
    }
    let error = cmd("GET").arg(&keys[0]).query_async::<()>(&mut connect(&lab, from).await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server(ServerErrorKind::Moved));
    lab.wait_until_healthy().await.unwrap();
}

#[tokio::test]
async fn a_slot_on_its_way_asks_and_wants_another_try() {
    let lab = cluster().await;
    for key in ["{a}1", "{a}2"] {
        set(&lab, key, "old").await;
    }
    let slot = lab.slot_of("{a}").await.unwrap();
    let to = (lab.master_of(slot).await.unwrap() + 1) % 3;
    let from = lab.begin_slot_move(slot, to).await.unwrap();
    assert_eq!(lab.move_keys(slot, from, to, 1).await.unwrap(), 1);
    let mut connection = connect(&lab, from).await;
    let both = cmd("MGET").arg("{a}1").arg("{a}2").query_async::<()>(&mut connection).await.unwrap_err();
    assert_eq!(both.kind(), ErrorKind::Server(ServerErrorKind::TryAgain));
    let new = cmd("GET").arg("{a}3").query_async::<()>(&mut connection).await.unwrap_err();
    assert_eq!(new.kind(), ErrorKind::Server(ServerErrorKind::Ask));
    assert_eq!(lab.move_keys(slot, from, to, 10).await.unwrap(), 1);
    assert_eq!(lab.move_keys(slot, from, to, 10).await.unwrap(), 0);
    lab.finish_slot_move(slot, from, to).await.unwrap();
    assert_eq!(get(&lab, "{a}1").await.as_deref(), Some("old"));
}
