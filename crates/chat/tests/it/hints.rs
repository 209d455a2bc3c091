//! Hints are hints: whatever becomes of them, everybody is shown everything, once and in order.

use ports::{Conversations, Logins};
use protocol::Timestamp;
use serde_json::json;

use crate::support::{Client, Cluster, Dice, HintFaults, Person, patient, quick};

#[tokio::test(flavor = "multi_thread")]
async fn without_any_hint_everybody_learns_everything() {
    let cluster = Cluster::start(3, quick(), 0).await;
    cluster.hints(HintFaults::ALL_LOST);
    let [ada, bob, cyd] = &cluster.people_on([0, 1, 2]).await;
    let (mut a, mut b, mut c) =
        (cluster.connect(ada).await, cluster.connect(bob).await, cluster.connect(cyd).await);
    // A conversation that was made while they are connected, its messages, and an edit.
    let group = cluster.group(&[ada, bob]).await;
    a.say(group, "one").await;
    b.event(group, 1).await;
    b.say(group, "two").await;
    a.event(group, 2).await;
    a.post(json!({"type": "edit", "id": "e", "conversation": group, "seq": 1, "text": "changed"})).await;
    assert_eq!(b.event(group, 3).await["text"], "changed");
    // Another name for it, and nothing said after.
    cluster.store.rename_conversation(group, &ada.name, "us".to_owned()).await.unwrap();
    b.conversation(group, |shown| shown["title"] == "us").await;
    // Somebody joins and is shown what comes from then on, and goes again.
    cluster.add(group, ada, cyd).await;
    c.conversation(group, |shown| shown["members"].as_array().unwrap().len() == 3).await;
    a.say(group, "for-three").await;
    c.event(group, 4).await;
    cluster.remove(group, ada, cyd).await;
    // The sweep that tells the shard may come after the next message: it must not be shown all the same once it has come.
    c.conversation(group, |shown| shown["left"] == true).await;
    a.say(group, "for-two").await;
    b.event(group, 5).await;
    c.ping("still-here").await;
    assert_eq!(c.seen.events(group), [4]);
    // A login ends elsewhere.
    cluster.store.end_login(cyd.login, Timestamp(u64::MAX / 2)).await.unwrap();
    assert_eq!(c.close_code().await, 4401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_read_keeps_nothing_from_the_others() {
    let cluster = Cluster::start(2, quick(), 0).await;
    cluster.hints(HintFaults::ALL_LOST);
    let [ada, bob] = &cluster.people_on([0, 1]).await;
    let mut groups = Vec::new();
    for _ in 0..20 {
        groups.push(cluster.group(&[ada, bob]).await);
    }
    let (mut a, mut b) = (cluster.connect(ada).await, cluster.connect(bob).await);
    cluster.trouble.spoil(groups[0]);
    for group in &groups {
        a.say(*group, "one").await;
    }
    for group in &groups[1..] {
        b.event(*group, 1).await;
    }
    // Nor from those who have logged out.
    cluster.store.end_login(bob.login, Timestamp(u64::MAX / 2)).await.unwrap();
    assert_eq!(b.close_code().await, 4401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_that_concerns_nobody_here_costs_nothing() {
    let cluster = Cluster::start(2, patient(), 0).await;
    let [ada, bob, cyd] = &cluster.people_on([0, 1, 1]).await;
    let group = cluster.group(&[ada, bob]).await;
    let (mut a, mut c) = (cluster.connect(ada).await, cluster.connect(cyd).await);
    a.say(group, "first").await;
    cluster.metric(1, "chatapp_chat_hints_received_total", |hints| hints == 1.0).await;
    let pair = cluster.group(&[ada, cyd]).await;
    a.say(pair, "after").await;
    c.event(pair, 1).await;
    let before = cluster.trouble.calls("conversation");
    for number in 0..50 {
        a.say(group, &format!("{number}")).await;
    }
    a.say(pair, "last").await;
    c.event(pair, 2).await;
    assert_eq!(cluster.trouble.calls("conversation"), before);
    // Until it does concern somebody.
    let mut b = cluster.connect(bob).await;
    a.say(group, "bob").await;
    b.event(group, 52).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_in_any_order_show_each_event_once_and_in_order() {
    for seed in 0..20 {
        let mut dice = Dice::new(seed);
        let faults = HintFaults { lost: dice.below(60), repeated: dice.below(60), kept: dice.below(12) };
        println!("seed {seed}");
        chat_with(seed, faults).await;
    }
}

/// Six people on three shards talk in pairs and all together; each connection checks what it is shown.
async fn chat_with(seed: u64, faults: HintFaults) {
    let cluster = Cluster::start(3, quick(), seed).await;
    cluster.hints(faults);
    let mut people = Vec::new();
    for number in 0..6 {
        people.push(cluster.person(&format!("p{number}"), number % 3).await);
    }
    let all: Vec<&Person> = people.iter().collect();
    let mut conversations = vec![(cluster.group(&all).await, vec![0, 1, 2, 3, 4, 5])];
    for pair in [[0, 1], [2, 3], [4, 5], [0, 5]] {
        let members = [&people[pair[0]], &people[pair[1]]];
        conversations.push((cluster.group(&members).await, pair.to_vec()));
    }
    // Everybody is there before anybody speaks: what comes is live.
    let mut connected = Vec::new();
    for person in &people {
        connected.push(cluster.connect(person).await);
    }
    let mut tasks = Vec::new();
    for (number, mut client) in connected.into_iter().enumerate() {
        let mine: Vec<_> =
            conversations.iter().filter(|(_, members)| members.contains(&number)).cloned().collect();
        tasks.push(tokio::spawn(async move {
            let mut dice = Dice::new(seed * 31 + number as u64);
            for message in 0..40 {
                let (conversation, _) = dice.pick(&mine);
                client.say(*conversation, &format!("{number}-{message}")).await;
            }
            client
        }));
    }
    let mut clients: Vec<Client> = Vec::new();
    for task in tasks {
        clients.push(task.await.unwrap());
    }
    for (conversation, members) in &conversations {
        let end = cluster.ids(*conversation).await.len() as u64;
        for number in members {
            clients[*number].whole(*conversation, 0, end).await;
        }
    }
    for (number, client) in clients.iter().enumerate() {
        let heard = client.seen.heard_of();
        let allowed =
            |id| conversations.iter().any(|(other, members)| *other == id && members.contains(&number));
        assert!(
            heard.into_iter().all(allowed),
            "seed {seed}: {} heard of another's conversation",
            client.name
        );
    }
    for client in clients {
        client.close().await;
    }
    // Whoever comes later reads all of it in the same order.
    for (number, person) in people.iter().enumerate() {
        let mut client = cluster.open(person).await;
        client.resume(&[]).await;
        for (conversation, _) in conversations.iter().filter(|(_, members)| members.contains(&number)) {
            let end = cluster.ids(*conversation).await.len() as u64;
            assert_eq!(client.seen.events(*conversation), (1..=end).collect::<Vec<_>>(), "seed {seed}");
        }
        client.close().await;
    }
    cluster.emptied().await;
}
