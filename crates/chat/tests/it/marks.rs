//! Marks: how far members have received and read.

use std::time::Duration;

use chat::Options;
use ports::Conversations;
use protocol::hint::{EventHint, Hint};
use protocol::{ConversationId, Position};
use serde_json::json;

use crate::support::{Cluster, Person, Rates, patient};

fn marking() -> Options {
    Options { marks_every: Duration::from_millis(5), ..patient() }
}

async fn delivered(cluster: &Cluster, conversation: ConversationId, person: &Person, seq: u64) {
    while cluster.store.membership(conversation, &person.name).await.unwrap().unwrap().delivered < seq {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_noted_once_the_store_is_back() {
    let cluster = Cluster::start(1, marking(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let pair = cluster.group(&[ada, bob]).await;
    let mut b = cluster.connect(bob).await;
    cluster.write(pair, ada, "one").await;
    let event = ports::Log::event(&*cluster.store, pair, 1).await.unwrap().unwrap();
    let body = serde_json::from_slice(&event.body).unwrap();
    cluster.failing(Rates { refused: 100, ..Rates::default() });
    let position = Position { r#gen: 1, seq: 1 };
    cluster
        .hint(0, Hint::Event(EventHint { conversation: pair, position, version: 1, body: Some(body) }))
        .await;
    b.event(pair, 1).await;
    cluster.trouble.refusing().await;
    cluster.failing(Rates::default());
    delivered(&cluster, pair, bob, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_resume_brings_is_delivered_and_the_others_are_told() {
    let cluster = Cluster::start(2, marking(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 1]).await;
    let pair = cluster.group(&[ada, bob]).await;
    let mut a = cluster.connect(ada).await;
    a.say(pair, "one").await;
    a.say(pair, "two").await;
    let mut b = cluster.open(bob).await;
    b.resume(&[]).await;
    let receipt =
        |frame: &serde_json::Value| frame["type"] == "receipt" && frame["user"] == bob.name.as_str();
    assert_eq!(a.until(receipt).await["delivered"], 2);
    delivered(&cluster, pair, bob, 2).await;
    b.send(&json!({"type": "read", "conversation": pair, "seq": 1})).await;
    assert_eq!(a.until(receipt).await["read"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_vanishes_while_typing_types_no_more() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 1]).await;
    let pair = cluster.group(&[ada, bob]).await;
    let (mut a, mut b) = (cluster.connect(ada).await, cluster.connect(bob).await);
    a.send(&json!({"type": "typing", "conversation": pair, "active": true})).await;
    assert_eq!(b.until(|frame| frame["type"] == "typing").await["active"], true);
    a.ping("sent").await;
    drop(a);
    assert_eq!(b.until(|frame| frame["type"] == "typing").await["active"], false);
}
