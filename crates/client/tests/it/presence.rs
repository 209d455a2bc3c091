//! A connection to `/presence`.

use client::{PresenceConnection, PresenceEvent, PresenceOptions};
use protocol::Username;
use protocol::presence::{ChosenStatus, Status};
use serde_json::json;

use crate::server::{Server, until, waits};

#[tokio::test]
async fn what_was_wanted_is_said_again_after_a_cut_and_news_arrive() {
    let server = Server::start().await;
    let options = PresenceOptions { waits: waits(), ..PresenceOptions::default() };
    let (presence, mut events) = PresenceConnection::connect(&server.log_in().await, &options);
    let mut peer = server.accept().await;
    peer.welcome().await;
    presence.set_status(ChosenStatus::Busy, Some("writing".to_owned())).await;
    presence.subscribe(vec![Username::new("bob").unwrap()]).await;
    let said = [peer.expect("status").await, peer.expect("subscribe").await];
    assert_eq!(said[0], json!({"type": "status", "status": "busy", "status_text": "writing"}));
    drop(peer);
    let mut peer = server.accept().await;
    peer.welcome().await;
    assert_eq!([peer.expect("status").await, peer.expect("subscribe").await], said);
    let bob = json!({"user": "bob", "status": "online", "last_seen": null});
    peer.send(json!({"type": "snapshot", "users": [bob]})).await;
    peer.send(json!({"type": "presence", "user": "bob", "status": "away", "last_seen": null})).await;
    let snapshot =
        until(
            &mut events,
            |event| {
                if let PresenceEvent::Snapshot(users) = event { Some(users) } else { None }
            },
        );
    assert_eq!(snapshot.await[0].status, Status::Online);
    let changed =
        until(&mut events, |event| if let PresenceEvent::Changed(user) = event { Some(user) } else { None });
    assert_eq!(changed.await.status, Status::Away);
    let (closed, ()) = tokio::join!(peer.next(), presence.close());
    assert_eq!(closed.unwrap_err(), Some(1000));
}
