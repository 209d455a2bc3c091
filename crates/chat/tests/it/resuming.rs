//! Coming back: what was missed comes once, in order with what happens meanwhile, whatever fails on the way.

use std::collections::BTreeSet;
use std::time::Duration;

use chat::Options;
use protocol::ConversationId;
use serde_json::json;
use session::Limits;

use crate::support::{Client, Cluster, Dice, HintFaults, Person, Rates, message, patient, quick};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_and_goes_misses_nothing_and_gets_nothing_twice() {
    for seed in 0..8 {
        println!("seed {seed}");
        come_and_go(seed).await;
    }
}

/// One talks without an end while another comes, resumes and vanishes, and everything fails now and then.
async fn come_and_go(seed: u64) {
    let cluster = Cluster::start(2, quick(), seed).await;
    cluster.hints(HintFaults { lost: 20, repeated: 20, kept: 4 });
    let [ada, bob] = &cluster.people_on([0, 1]).await;
    let group = cluster.group(&[ada, bob]).await;
    let mut a = cluster.connect(ada).await;
    cluster.failing(Rates { refused: 5, lost: 10, late: 40 });
    let talking = async {
        let requests = (0..150).map(|number| message(group, &format!("m{number}"))).collect();
        a.post_all(requests, 3).await;
    };
    let mut seen = BTreeSet::new();
    let coming = async {
        let mut dice = Dice::new(seed);
        while seen.len() < 150 {
            let cursor = (1..).take_while(|seq| seen.contains(seq)).last().unwrap_or(0);
            let mut b = cluster.open_unread(bob).await;
            // It may be closed at any time: the store is not always there.
            let _ = watch(&mut b, group, cursor, dice.below(40), 150).await;
            let events = b.seen.events(group);
            assert!(events.first().is_none_or(|first| *first > cursor), "{events:?} after {cursor}");
            assert!(events.iter().zip(&events[1.min(events.len())..]).all(|(one, next)| one + 1 == *next));
            seen.extend(events);
        }
    };
    tokio::join!(talking, coming);
    assert_eq!(cluster.end(group).await, 150);
}

/// Resumes after a number, and reads so many frames.
async fn watch(
    client: &mut Client,
    group: ConversationId,
    cursor: u64,
    frames: usize,
    end: u64,
) -> Result<(), u16> {
    client.frame().await?;
    client.begin_resume(&[(group, cursor)]).await;
    for _ in 0..frames {
        if client.seen.whole_from(group, cursor) >= end {
            break;
        }
        let frame = client.frame().await?;
        if frame["type"] == "resumed" {
            assert_eq!(frame["conversations"][group.to_string()]["recovered"], true, "{frame}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_nothing_gets_all_of_many_conversations() {
    let cluster = Cluster::start(1, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let mut groups = Vec::new();
    for _ in 0..300 {
        let group = cluster.group(&[ada, bob]).await;
        cluster.write_many(group, ada, 3).await;
        groups.push(group);
    }
    let mut b = cluster.open(bob).await;
    let resumed = b.resume(&[]).await;
    assert_eq!(resumed.as_object().unwrap().len(), 300);
    for group in &groups {
        assert_eq!(b.seen.events(*group), [1, 2, 3]);
        assert!(b.seen.conversations.contains_key(group));
        assert_eq!(resumed[group.to_string()], json!({"seq": 3, "gen": 1, "recovered": true}));
    }
    // Whoever has everything gets nothing, and is told so.
    let cursors: Vec<_> = groups.iter().map(|group| (*group, 3)).collect();
    let mut b = cluster.open(bob).await;
    let calls = |call| cluster.trouble.calls(call);
    let before = (calls("events"), calls("event"), calls("ends"));
    assert_eq!(b.resume(&cursors).await, resumed);
    assert!(b.seen.heard_of().is_empty());
    // For which the log is asked where it ends, many at once.
    assert_eq!((calls("events"), calls("event"), calls("ends")), (before.0, before.1, before.2 + 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_resume_repeats_nothing() {
    let cluster = Cluster::start(1, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let group = cluster.group(&[ada, bob]).await;
    cluster.write_many(group, ada, 5).await;
    let (mut a, mut b) = (cluster.connect(ada).await, cluster.open(bob).await);
    b.resume(&[(group, 2)]).await;
    a.say(group, "live").await;
    b.event(group, 6).await;
    let again = b.resume(&[(group, 6)]).await;
    assert_eq!(again[group.to_string()]["recovered"], true);
    let behind = b.resume(&[(group, 2)]).await;
    assert_eq!(behind[group.to_string()]["reason"], "too_late");
    a.say(group, "later").await;
    b.event(group, 7).await;
    assert_eq!(b.seen.events(group), [3, 4, 5, 6, 7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passed_live_is_not_repeated_by_a_late_resume() {
    let cluster = Cluster::start(1, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let (lively, quiet) = (cluster.group(&[ada, bob]).await, cluster.group(&[ada, bob]).await);
    cluster.write_many(lively, ada, 4).await;
    cluster.write_many(quiet, ada, 4).await;
    let (mut a, mut b) = (cluster.connect(ada).await, cluster.connect(bob).await);
    a.say(lively, "live").await;
    b.event(lively, 5).await;
    let resumed = b.resume(&[(lively, 2), (quiet, 1)]).await;
    assert_eq!(resumed[lively.to_string()]["reason"], "too_late");
    assert_eq!(resumed[quiet.to_string()]["recovered"], true);
    a.say(lively, "more").await;
    b.event(lively, 6).await;
    assert_eq!((b.seen.events(lively), b.seen.events(quiet)), (vec![5, 6], vec![2, 3, 4]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_waited_for_and_not_taken_for_dead() {
    let session = Limits { heartbeat_ms: 10, dead_after_ms: 600_000, ..patient().session };
    let cluster = Cluster::start(1, Options { session, ..patient() }, 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let group = cluster.group(&[ada, bob]).await;
    let text = "x".repeat(30_000);
    for number in 0..120 {
        cluster.write_text(group, ada, &format!("m{number}"), &text).await;
    }
    let mut b = cluster.open(bob).await;
    b.begin_resume(&[]).await;
    b.event(group, 1).await;
    silence_kills_others(&cluster, ada).await;
    b.resumed().await;
    assert_eq!(b.seen.events(group), (1..=120).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_nothing_of_a_resume_is_cut() {
    let session = Limits { heartbeat_ms: 10, dead_after_ms: 40, ..patient().session };
    let cluster = Cluster::start(1, Options { session, ..patient() }, 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let group = cluster.group(&[ada, bob]).await;
    let text = "x".repeat(30_000);
    for number in 0..120 {
        cluster.write_text(group, ada, &format!("m{number}"), &text).await;
    }
    let mut b = cluster.open(bob).await;
    b.begin_resume(&[]).await;
    cluster.holds(0, |held| held.users == 0).await;
    assert_eq!(cluster.nodes[0].metric("chatapp_chat_connections"), 0.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_the_store_is_not_taken_for_dead() {
    let session = Limits { heartbeat_ms: 10, dead_after_ms: 600_000, ..patient().session };
    let cluster = Cluster::start(1, Options { session, in_flight: 1, ..patient() }, 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let group = cluster.group(&[ada, bob]).await;
    let mut b = cluster.connect(bob).await;
    cluster.trouble.hold("append");
    b.send(&message(group, "waits")).await;
    cluster.trouble.waiting(1).await;
    silence_kills_others(&cluster, ada).await;
    cluster.trouble.release();
    b.when(|seen| seen.acked("waits")).await;
}

/// Lets hours pass in which nothing is heard of anybody, until others were closed for it twice: by then everybody's silence was looked at.
async fn silence_kills_others(cluster: &Cluster, other: &Person) {
    for _ in 0..2 {
        let mut control = cluster.connect(other).await;
        cluster.clock.advance(Duration::from_secs(3600));
        assert_eq!(control.close_code().await, 4408);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_that_the_store_fails_closes_and_may_be_made_again() {
    let cluster = Cluster::start(1, patient(), 0).await;
    let [ada, bob] = &cluster.people_on([0, 0]).await;
    let group = cluster.group(&[ada, bob]).await;
    cluster.write_many(group, ada, 5).await;
    let mut b = cluster.open(bob).await;
    cluster.failing(Rates { refused: 100, ..Rates::default() });
    b.begin_resume(&[(group, 2)]).await;
    assert_eq!(b.close_code().await, 1013);
    cluster.failing(Rates::default());
    let mut b = cluster.open(bob).await;
    b.resume(&[(group, 2)]).await;
    assert_eq!(b.seen.events(group), [3, 4, 5]);
}
