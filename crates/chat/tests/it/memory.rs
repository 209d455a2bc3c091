//! What a shard remembers: nothing of those who have gone.

use chat::Holdings;

use crate::support::{Cluster, HintFaults, message, patient, quick};

#[tokio::test(flavor = "multi_thread")]
async fn when_everybody_has_gone_nothing_is_left() {
    let cluster = Cluster::start(2, quick(), 3).await;
    cluster.hints(HintFaults { lost: 30, repeated: 30, kept: 6 });
    let people = cluster.people_on([0, 0, 1, 1]).await;
    let group = cluster.group(&people.each_ref()).await;
    let pair = cluster.group(&[&people[0], &people[2]]).await;
    let mut clients = Vec::new();
    for person in &people {
        clients.push(cluster.connect(person).await);
    }
    cluster.holds(0, |held| (held.users, held.conversations) == (2, 2)).await;
    assert_eq!(cluster.nodes[0].metric("chatapp_chat_users"), 2.0);
    assert_eq!(cluster.nodes[0].metric("chatapp_chat_conversations"), 2.0);
    for (number, client) in clients.iter_mut().enumerate() {
        let requests = (0..30).map(|message_| message(group, &format!("{number}-{message_}"))).collect();
        client.post_all(requests, 10).await;
    }
    clients[0].say(pair, "last").await;
    clients[2].event(pair, 1).await;
    drop(clients);
    cluster.emptied().await;
    for node in &cluster.nodes {
        for gauge in ["chatapp_chat_users", "chatapp_chat_conversations", "chatapp_chat_connections"] {
            assert_eq!(node.metric(gauge), 0.0, "{gauge}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_while_joining_is_forgotten() {
    let cluster = Cluster::start(1, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let (a, b) = (cluster.connect(ada).await, cluster.connect(bob).await);
    let group = cluster.group(&[ada]).await;
    let joined = cluster.add(group, ada, bob).await;
    // The first look is at what has changed, the second is bob's way in.
    cluster.trouble.hold("conversation");
    cluster.announce(&joined, &[]).await;
    cluster.trouble.waiting(1).await;
    cluster.trouble.hold("conversation");
    cluster.trouble.waiting(1).await;
    drop((a, b));
    cluster.holds(0, |held| held.users == 0).await;
    cluster.trouble.release();
    // The hints are followed one after the other: when this one is shown, the joining is at its end.
    let pair = cluster.group(&[ada, bob]).await;
    let mut a = cluster.connect(ada).await;
    let user = bob.name.clone();
    cluster.hint(0, protocol::hint::Hint::Typing { conversation: pair, user, active: true }).await;
    a.until(|frame| frame["type"] == "typing").await;
    drop(a);
    cluster.holds(0, |held| *held == Holdings::default()).await;
}
