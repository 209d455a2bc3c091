//! Where a connection goes when it is lost, or told to go.

use client::{Chat, ChatEvent, ChatOptions, End, Loss, NewMessage, Route};
use serde_json::json;

use crate::server::{HOME, Server, options, seqs, until};

#[tokio::test]
async fn a_client_goes_where_it_is_sent_while_the_old_connection_delivers() {
    let (old_server, new_server) = (Server::start().await, Server::start().await);
    let (chat, mut events) = Chat::connect(&old_server.log_in().await, options());
    let (mut old, _) = old_server.serve().await;
    old.resumed(0).await;
    let sent = chat.send(NewMessage::text(HOME, "mine")).await;
    let before = old.expect("send").await;
    let url = new_server.socket_address();
    old.send(json!({"type": "reconnect", "url": url, "after_ms": 1, "reason": "moved"})).await;
    let mut new = new_server.accept().await;
    // The new one is not welcome yet: the old one still delivers.
    old.messages([1]).await;
    assert_eq!(seqs(&mut events, 1).await, [1]);
    new.welcome().await;
    assert_eq!(new.expect("resume").await["cursors"][HOME.to_string()]["seq"], 1);
    chat.typing(HOME, true).await;
    assert_eq!(new.expect("send").await, before);
    new.ack(&before["id"], 2, true).await;
    assert_eq!(sent.await.unwrap().seq, 2);
    assert_eq!(old.next().await.unwrap_err(), Some(1000));
    let event = events.recv().await.unwrap();
    assert!(matches!(event, ChatEvent::Connected { .. }), "never disconnected: {event:?}");
}

#[tokio::test]
async fn a_drained_connection_that_closes_early_goes_there_too() {
    let (old_server, new_server) = (Server::start().await, Server::start().await);
    let (_chat, _events) = Chat::connect(&old_server.log_in().await, options());
    let (mut old, _) = old_server.serve().await;
    let url = format!("{}/chat", new_server.socket_address());
    old.send(json!({"type": "reconnect", "url": url, "after_ms": 3_600_000, "reason": "draining"})).await;
    old.close(4503).await;
    new_server.serve().await;
}

#[tokio::test]
async fn restarts_and_overload_are_survived() {
    let server = Server::start().await;
    let (_chat, mut events) = Chat::connect(&server.log_in().await, options());
    for code in [1001, 1012, 1013, 4408, 4503] {
        let (peer, _) = server.serve().await;
        peer.close(code).await;
        let loss =
            until(
                &mut events,
                |event| {
                    if let ChatEvent::Disconnected(loss) = event { Some(loss) } else { None }
                },
            );
        assert_eq!(loss.await, Loss::Closed(code));
    }
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_then_given_up() {
    let server = Server::start().await;
    let (chat, mut events) = Chat::connect(&server.log_in().await, options());
    let (peer, _) = server.serve().await;
    assert_eq!(peer.authorization, "Bearer token-1");
    peer.close(4401).await;
    let (peer, _) = server.serve().await;
    assert_eq!(peer.authorization, "Bearer token-2");
    peer.close(4401).await;
    let end = until(&mut events, |event| if let ChatEvent::Ended(end) = event { Some(end) } else { None });
    assert_eq!(end.await, End::Unauthenticated);
    assert!(events.recv().await.is_none());
    let error = chat.send(NewMessage::text(HOME, "x")).await.await.unwrap_err();
    assert_eq!(error.to_string(), "the connection has ended: the login has ended");
}

#[tokio::test]
async fn a_refused_handshake_renews_the_token_as_well() {
    let server = Server::start().await;
    let (_chat, _events) = Chat::connect(&server.log_in().await, options());
    server.refuse(401).await;
    assert_eq!(server.serve().await.0.authorization, "Bearer token-2");
}

#[tokio::test]
async fn after_two_failures_the_server_is_asked_where_the_user_belongs() {
    let (gone, server) = (Server::start().await, Server::start().await);
    *server.api.chat_url.lock().unwrap() = gone.socket_address();
    let session = server.log_in().await;
    drop(gone);
    *server.api.chat_url.lock().unwrap() = server.socket_address();
    let (_chat, mut events) = Chat::connect(&session, options());
    server.serve().await;
    assert_eq!(*server.api.asked.lock().unwrap(), 1);
    let mut failures = 0;
    until(&mut events, |event| {
        failures += u32::from(matches!(event, ChatEvent::Disconnected(Loss::Unreachable(_))));
        matches!(event, ChatEvent::Connected { .. }).then_some(())
    })
    .await;
    assert_eq!(failures, 2);
}

#[tokio::test]
async fn a_silent_server_is_pinged_and_then_left() {
    let server = Server::start().await;
    let (_chat, mut events) = Chat::connect(&server.log_in().await, options());
    let mut peer = server.accept().await;
    peer.welcome_with_heartbeat(1).await;
    peer.expect("resume").await;
    peer.expect("ping").await;
    let loss =
        until(&mut events, |event| if let ChatEvent::Disconnected(loss) = event { Some(loss) } else { None });
    assert_eq!(loss.await, Loss::Silent);
    server.serve().await;
}

#[tokio::test]
async fn the_way_through_the_api_does_not_need_the_shards_address() {
    let server = Server::start().await;
    *server.api.chat_url.lock().unwrap() = "ws://127.0.0.1:1/chat".to_owned();
    let session = server.log_in().await;
    let mut saved = session.saved();
    saved.server = server.socket_address().replace("ws:", "http:");
    let http = client::Http::new(&saved.server).unwrap();
    let session = client::Session::restore(&http, saved);
    let (_chat, _events) = Chat::connect(&session, ChatOptions { route: Route::Api, ..options() });
    server.serve().await;
}

#[tokio::test]
async fn an_application_can_break_its_connection_to_see_it_come_back() {
    let server = Server::start().await;
    let (chat, mut events) = Chat::connect(&server.log_in().await, options());
    let (mut peer, _) = server.serve().await;
    chat.reconnect().await;
    assert_eq!(peer.next().await.unwrap_err(), None);
    let loss =
        until(&mut events, |event| if let ChatEvent::Disconnected(loss) = event { Some(loss) } else { None });
    assert_eq!(loss.await, Loss::Dropped);
    server.serve().await;
}
