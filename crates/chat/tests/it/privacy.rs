//! Whoever is no member any more is shown nothing more, whatever is lost on the way.

use protocol::Position;
use protocol::hint::{EventHint, Hint};

use crate::support::{Cluster, HintFaults, patient, quick};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_left_a_group_is_not_shown_what_is_said_after() {
    for faults in [HintFaults::ALL_LOST, HintFaults { lost: 40, repeated: 20, kept: 5 }] {
        let cluster = Cluster::start(2, quick(), 1).await;
        cluster.hints(faults);
        let [ada, bob, cyd] = &cluster.people_on([0, 1, 1]).await;
        let group = cluster.group(&[ada, bob]).await;
        let (mut a, mut b, mut c) =
            (cluster.connect(ada).await, cluster.connect(bob).await, cluster.connect(cyd).await);
        let mut secret = Vec::new();
        for round in 0..8 {
            let joined = cluster.add(group, ada, cyd).await;
            cluster.announce(&joined, &[]).await;
            let seq = a.say(group, &format!("{round}-for-three")).await["seq"].as_u64().unwrap();
            c.event(group, seq).await;
            let left = cluster.remove(group, ada, cyd).await;
            cluster.announce(&left, &[cyd]).await;
            for number in 0..5 {
                let ack = a.say(group, &format!("{round}-for-two-{number}")).await;
                secret.push(ack["seq"].as_u64().unwrap());
            }
            // The other one on the shard has been shown it, so that it has passed by there.
            b.whole(group, 0, *secret.last().unwrap()).await;
            c.conversation(group, |shown| shown["left"] == true && shown["version"] == left.version).await;
        }
        c.ping("still-here").await;
        let seen = c.seen.events(group);
        assert!(
            seen.iter().all(|seq| !secret.contains(seq)),
            "{secret:?} were secret, and seen were {seen:?}"
        );
        assert_eq!(seen.len(), 8);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_removed_while_resuming_slowly_is_not_shown_what_is_said_after() {
    let cluster = Cluster::start(1, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let group = cluster.group(&[ada, bob]).await;
    // More than a page of them.
    let text = "x".repeat(15_000);
    for number in 0..250 {
        cluster.write_text(group, ada, &format!("m{number}"), &text).await;
    }
    let mut b = cluster.open(bob).await;
    b.begin_resume(&[]).await;
    b.event(group, 1).await;
    // Far from the end, bob reads no further.
    cluster.remove(group, ada, bob).await;
    cluster.write(group, ada, "secret").await;
    b.resumed().await;
    let seen = b.seen.events(group);
    assert!(!seen.contains(&251) && seen == (1..=seen.len() as u64).collect::<Vec<_>>(), "{seen:?}");
    b.conversation(group, |shown| shown["left"] == true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_removed_while_joining_is_not_let_in() {
    let cluster = Cluster::start(1, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let (group, pair) = (cluster.group(&[ada]).await, cluster.group(&[ada, bob]).await);
    let (mut a, mut b) = (cluster.connect(ada).await, cluster.connect(bob).await);
    // Bob is to be shown what was said since he was added when the removal overtakes.
    let joined = cluster.add(group, ada, bob).await;
    cluster.write(group, ada, "for-both").await;
    let position = Position { r#gen: 1, seq: 1 };
    cluster.hint(0, Hint::Event(EventHint { conversation: group, position, version: 1, body: None })).await;
    a.event(group, 1).await;
    cluster.trouble.hold("events");
    cluster.announce(&joined, &[]).await;
    cluster.trouble.waiting(1).await;
    cluster.remove(group, ada, bob).await;
    a.say(group, "secret").await;
    cluster.trouble.release();
    // Hints are followed one after the other: the way in is at its end.
    let (user, conversation) = (ada.name.clone(), pair);
    cluster.hint(0, Hint::Typing { conversation, user, active: true }).await;
    b.until(|frame| frame["type"] == "typing").await;
    a.say(group, "another").await;
    b.ping("still-here").await;
    assert_eq!(b.seen.events(group), [0; 0]);
    assert_eq!(b.seen.conversations[&group]["left"], true);
}
