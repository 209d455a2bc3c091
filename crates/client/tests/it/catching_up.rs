//! Each event once and in order, whatever is missed on the way.

use client::{Chat, ChatEvent, ChatOptions, NewMessage};
use protocol::Position;
use serde_json::json;

use crate::server::{HOME, Server, options, seqs, until};

#[tokio::test]
async fn what_comes_again_after_a_resume_is_dropped() {
    let server = Server::start().await;
    let (chat, mut events) = Chat::connect(&server.log_in().await, options());
    let (mut peer, cursors) = server.serve().await;
    assert_eq!(cursors, json!({}));
    peer.messages(1..=3).await;
    peer.resumed(3).await;
    assert_eq!(seqs(&mut events, 3).await, [1, 2, 3]);
    drop(peer);
    let (mut peer, cursors) = server.serve().await;
    assert_eq!(cursors, json!({HOME.to_string(): {"seq": 3, "gen": 1}}));
    peer.messages(2..=5).await;
    peer.resumed(5).await;
    peer.messages(5..=6).await;
    assert_eq!(seqs(&mut events, 3).await, [4, 5, 6]);
    assert_eq!(chat.cursors().await.unwrap()[&HOME], Position { r#gen: 1, seq: 6 });
}

#[tokio::test]
async fn a_gap_is_noticed_on_arrival_and_filled() {
    let server = Server::start().await;
    let (_chat, mut events) = Chat::connect(&server.log_in().await, options());
    let (mut peer, _) = server.serve().await;
    peer.resumed(0).await;
    peer.messages([1, 3, 4]).await;
    let resume = peer.expect("resume").await;
    assert_eq!(resume["cursors"][HOME.to_string()], json!({"seq": 1, "gen": 1}));
    peer.messages(2..=4).await;
    peer.resumed(4).await;
    assert_eq!(seqs(&mut events, 4).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn an_ack_stands_for_the_own_message_and_waits_for_those_before_it() {
    let server = Server::start().await;
    let (chat, mut events) = Chat::connect(
        &server.log_in().await,
        ChatOptions { gap_patience: std::time::Duration::MAX, ..options() },
    );
    let (mut peer, _) = server.serve().await;
    peer.resumed(0).await;
    let sent = chat.send(NewMessage::text(HOME, "mine")).await;
    let frame = peer.expect("send").await;
    peer.ack(&frame["id"], 2, false).await;
    assert_eq!(sent.await.unwrap().seq, 2);
    peer.messages([1, 3]).await;
    let mut texts = Vec::new();
    while texts.len() < 3 {
        texts.extend(events.recv().await.unwrap().logged().and_then(|logged| logged.body.text.clone()));
    }
    assert_eq!(texts, ["text 1", "mine", "text 3"]);
}

#[tokio::test]
async fn what_cannot_be_recovered_is_said_and_not_passed_over() {
    let server = Server::start().await;
    let cursors = [(HOME, Position { r#gen: 1, seq: 3 })].into();
    let (_chat, mut events) = Chat::connect(&server.log_in().await, ChatOptions { cursors, ..options() });
    let (mut peer, _) = server.serve().await;
    let place = json!({"seq": 900, "gen": 2, "recovered": false, "reason": "too_far_behind"});
    peer.send(json!({"type": "resumed", "conversations": {HOME.to_string(): place}})).await;
    let gap =
        until(&mut events, |event| if let ChatEvent::Gap(gap) = event { Some(gap) } else { None }).await;
    assert_eq!((gap.conversation, gap.position), (HOME, Position { r#gen: 2, seq: 900 }));
    assert_eq!(gap.last, Some(Position { r#gen: 1, seq: 3 }));
}

#[tokio::test]
async fn a_slow_application_has_everything_in_order() {
    let server = Server::start().await;
    let (_chat, mut events) =
        Chat::connect(&server.log_in().await, ChatOptions { event_capacity: 1, ..options() });
    let (mut peer, _) = server.serve().await;
    peer.resumed(0).await;
    peer.messages(1..=1000).await;
    assert_eq!(seqs(&mut events, 1000).await, (1..=1000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_refused_resume_is_asked_for_again() {
    let server = Server::start().await;
    let (_chat, mut events) = Chat::connect(&server.log_in().await, options());
    let (mut peer, _) = server.serve().await;
    peer.send(json!({"type": "error", "code": "unavailable", "detail": "x", "retry_after_ms": 1})).await;
    peer.expect("resume").await;
    peer.messages([1]).await;
    peer.resumed(1).await;
    assert_eq!(seqs(&mut events, 1).await, [1]);
}
