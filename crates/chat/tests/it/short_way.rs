//! The short way of a message, from shard to shard without a sweep: nobody has to wait for one.

use protocol::Position;
use protocol::hint::{EventHint, Hint};
use serde_json::json;

use crate::support::{Cluster, message, patient};

#[tokio::test(flavor = "multi_thread")]
async fn a_first_message_reaches_everybody_at_once() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob, cyd] = &cluster.people_on([0, 0, 1]).await;
    let (mut a, mut device) = (cluster.connect(ada).await, cluster.connect(ada).await);
    let (mut b, mut c) = (cluster.connect(bob).await, cluster.connect(cyd).await);
    for other in [&mut b, &mut c] {
        let name = other.name.clone();
        let ack = a.post(json!({"type": "send", "id": name.as_str(), "to": name, "text": "hello"})).await;
        let shown = other.until(|frame| frame["type"] == "conversation").await;
        assert_eq!(shown["id"], ack["conversation"]);
        let message = other.until(|frame| frame["type"] == "message").await;
        assert_eq!((&message["conversation"], &message["seq"]), (&ack["conversation"], &json!(1)));
        device.until(|frame| frame["type"] == "message" && frame["id"] == name.as_str()).await;
    }
    // The connection that sent has the acks.
    a.ping("last").await;
    assert!(a.seen.heard_of().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_right_after_sending_is_heard() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob, cyd] = &cluster.people_on([0, 0, 1]).await;
    let group = cluster.group(&[ada, bob, cyd]).await;
    let (mut a, mut b, mut c) =
        (cluster.connect(ada).await, cluster.connect(bob).await, cluster.connect(cyd).await);
    cluster.trouble.hold("append");
    a.send(&message(group, "parting")).await;
    cluster.trouble.waiting(1).await;
    drop(a);
    cluster.holds(0, |held| held.users == 1).await;
    cluster.trouble.release();
    for other in [&mut b, &mut c] {
        assert_eq!(other.event(group, 1).await["id"], "parting");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_begins_a_conversation_and_leaves_is_heard() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob, cyd] = &cluster.people_on([0, 0, 1]).await;
    for other in [bob, cyd] {
        let (mut a, mut b) = (cluster.connect(ada).await, cluster.connect(other).await);
        // The ack is there, and what follows it stands still.
        cluster.trouble.hold("conversation");
        a.post(json!({"type": "send", "id": "hi", "to": other.name, "text": "hello"})).await;
        cluster.trouble.waiting(1).await;
        drop(a);
        cluster.holds(0, |held| held.users == usize::from(other.name == bob.name)).await;
        cluster.trouble.release();
        b.until(|frame| frame["type"] == "message" && frame["id"] == "hi").await;
        drop(b);
        cluster.holds(0, |held| held.users + held.conversations == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_and_its_first_messages_reach_all_members_whole() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let people = cluster.people_on([0, 0, 0, 1]).await;
    let [ada, bob, cyd, dan] = &people;
    let mut clients = Vec::new();
    for person in &people {
        clients.push(cluster.connect(person).await);
    }
    for _ in 0..60 {
        // Told by the api and by the first messages at once.
        let group = cluster.group(&[ada, bob, cyd, dan]).await;
        let made = ports::Conversations::conversation(&*cluster.store, group).await.unwrap().unwrap();
        let (first, second) = (message(group, "first"), message(group, "second"));
        let [a, b, ..] = &mut clients[..] else { unreachable!() };
        tokio::join!(a.send(&first), b.send(&second), cluster.announce(&made, &[]));
        for client in &mut clients {
            client.whole(group, 0, 2).await;
            client.conversation(group, |shown| shown["version"] == made.version).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_while_conversations_are_read_is_not_missed() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob, cyd] = &cluster.people_on([0, 1, 1]).await;
    let group = cluster.group(&[ada, bob]).await;
    let mut a = cluster.connect(ada).await;
    let _c = cluster.connect(cyd).await;
    cluster.trouble.hold("ends");
    let mut b = cluster.open_unread(bob).await;
    cluster.trouble.waiting(1).await;
    // The shard is told, and nobody is there yet to be told.
    a.say(group, "meanwhile").await;
    cluster.metric(1, "chatapp_chat_hints_received_total", |hints| hints >= 1.0).await;
    cluster.trouble.release();
    b.welcome().await;
    b.listen().await;
    b.event(group, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_the_log_is_read_is_not_missed() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 1]).await;
    let group = cluster.group(&[ada, bob]).await;
    let mut b = cluster.connect(bob).await;
    cluster.write(group, ada, "one").await;
    // The shard reads what there is, and the answer is on its way.
    cluster.trouble.hold("events");
    let position = Position { r#gen: 1, seq: 1 };
    cluster.hint(1, Hint::Event(EventHint { conversation: group, position, version: 1, body: None })).await;
    cluster.trouble.waiting(1).await;
    // The second is not in it, and the third shows that it is missing.
    cluster.write(group, ada, "two").await;
    b.say(group, "three").await;
    cluster.metric(1, "chatapp_chat_repairs_total", |repairs| repairs >= 1.0).await;
    cluster.trouble.release();
    b.event(group, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_of_the_log_that_is_given_up_is_made_again() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob, cyd] = &cluster.people_on([0, 1, 1]).await;
    let group = cluster.group(&[ada, bob, cyd]).await;
    let mut b = cluster.connect(bob).await;
    cluster.write(group, ada, "one").await;
    // A resume finds that the log is ahead, reads on, and its connection ends in the middle.
    let mut c = cluster.open(cyd).await;
    cluster.trouble.hold("events");
    c.begin_resume(&[]).await;
    cluster.trouble.waiting(1).await;
    cluster.trouble.hold("events");
    cluster.trouble.waiting(1).await;
    cluster.hint(1, Hint::LoginEnded { login: cyd.login, user: cyd.name.clone() }).await;
    assert_eq!(c.close_code().await, 4401);
    cluster.trouble.release();
    let position = Position { r#gen: 1, seq: 1 };
    cluster.hint(1, Hint::Event(EventHint { conversation: group, position, version: 1, body: None })).await;
    b.event(group, 1).await;
}
