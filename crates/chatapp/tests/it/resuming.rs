//! Whoever was away gets what was missed: once, in order, and without a silent gap.

use serde_json::json;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn resume_brings_what_was_missed_once_and_in_order() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let (a, b) = (world.chat(&people[0]).await, world.chat(&people[1]).await);
    let first = a.said("m0", &people[1].name, "live").await;
    let (conversation, r#gen) = (first["conversation"].as_str().unwrap(), &first["gen"]);
    b.wait_for("message").await;
    b.close().await;
    for n in 1..=300 {
        a.say(&format!("m{n}"), &people[1].name, "away");
    }
    a.wait_many(301, |frame| frame["type"] == "ack").await;
    for cursor in [json!(1), json!({ "seq": 1, "gen": r#gen })] {
        let b = world.chat(&people[1]).await;
        let resumed = b.resume(&json!({ conversation: cursor })).await;
        assert_eq!(resumed[conversation], json!({ "seq": 301, "gen": r#gen, "recovered": true }));
        assert_eq!(b.seqs(conversation), (2..=301).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_while_others_write_neither_misses_nor_repeats() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let a = world.chat(&people[0]).await;
    let conversation = a.said("m0", &people[1].name, "first").await["conversation"].clone();
    let conversation = conversation.as_str().unwrap();
    for round in 0..10 {
        for n in 0..40 {
            a.say(&format!("r{round}m{n}"), &people[1].name, "away");
        }
        let b = world.chat(&people[1]).await;
        b.resume(&json!({ conversation: 1 })).await;
        let end = 1 + 40 * (round + 1);
        b.wait(|frame| frame["type"] == "message" && frame["seq"] == end).await;
        assert_eq!(b.seqs(conversation), (2..=end).collect::<Vec<_>>(), "round {round}");
        b.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_brings_conversations_made_while_away() {
    let world = World::start().await;
    let people = world.strangers(3).await;
    let a = world.chat(&people[0]).await;
    a.said("hi", &people[1].name, "hi").await;
    let group = people[0].group("new", &[&people[1], &people[2]]).await;
    a.said("g", &group, "hello").await;
    let b = world.chat(&people[1]).await;
    let resumed = b.resume(&json!({})).await;
    assert_eq!(resumed.as_object().unwrap().len(), 2);
    let ids: Vec<_> = b.frames().iter().filter(|f| f["type"] == "message").map(|f| f["id"].clone()).collect();
    assert!(ids.contains(&json!("hi")) && ids.contains(&json!("g")) && ids.len() == 2, "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_resumed_is_said() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let a = world.chat(&people[0]).await;
    let ack = a.said("m", &people[1].name, "one").await;
    let conversation = ack["conversation"].as_str().unwrap();
    for (cursor, recovered, reason) in [
        (json!(1), true, None),
        (json!(9), false, Some("log_lost_tail")),
        (json!({ "seq": 1, "gen": 99 }), false, Some("log_lost_tail")),
    ] {
        let b = world.chat(&people[1]).await;
        let resumed = b.resume(&json!({ conversation: cursor })).await;
        let found = &resumed[conversation];
        assert_eq!(
            (found["recovered"].as_bool(), found["reason"].as_str()),
            (Some(recovered), reason),
            "{cursor}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_is_not_sent_in_one_go() {
    let world = World::start_with(|configuration| {
        configuration.frames_per_second = 10_000;
        configuration.frames_burst = 10_000;
    })
    .await;
    let people = world.strangers(2).await;
    let a = world.chat(&people[0]).await;
    for n in 0..1100 {
        a.say(&format!("m{n}"), &people[1].name, "much");
    }
    let acks = a.wait_many(1100, |frame| frame["type"] == "ack").await;
    let conversation = acks[0]["conversation"].as_str().unwrap();
    let b = world.chat(&people[1]).await;
    let resumed = b.resume(&json!({ conversation: 0 })).await;
    assert_eq!(resumed[conversation]["reason"], "too_far_behind");
    assert_eq!((&resumed[conversation]["seq"], b.seqs(conversation).len()), (&json!(1100), 0));
    // The history has it all, and live events go on after it.
    let (mut seqs, mut before) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/conversations/{conversation}/messages?limit=200{before}");
        let (_, page) = people[1].call("GET", &path, None).await;
        let found: Vec<u64> = page["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["seq"].as_u64().unwrap())
            .collect();
        before = format!("&before={}", found[0]);
        seqs.splice(0..0, found);
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(seqs, (1..=1100).collect::<Vec<_>>());
    a.said("next", &people[1].name, "live").await;
    b.wait_for("message").await;
    assert_eq!(b.seqs(conversation), [1101]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_larger_than_the_queue_comes_whole() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let a = world.chat(&people[0]).await;
    let text = "x".repeat(32_000);
    for n in 0..60 {
        a.said(&format!("m{n}"), &people[1].name, &text).await;
    }
    let b = world.chat(&people[1]).await;
    let resumed = b.resume(&json!({})).await;
    let conversation = resumed.as_object().unwrap().keys().next().unwrap().clone();
    assert_eq!((&resumed[&conversation]["recovered"], b.seqs(&conversation).len()), (&json!(true), 60));
    // A page that would not fit into the queue is cut, and says so.
    b.send(&json!({ "type": "history", "id": "h", "conversation": conversation, "limit": 200 }));
    let page = b.wait_for("history").await;
    let seqs: Vec<u64> =
        page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    assert_eq!((seqs.last(), &page["more"]), (Some(&60), &json!(true)));
    assert!(seqs.len() < 60 && seqs.is_sorted());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_that_comes_too_late_is_told_so_and_breaks_no_order() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let (a, b) = (world.chat(&people[0]).await, world.chat(&people[1]).await);
    let conversation = a.said("m1", &people[1].name, "one").await["conversation"].clone();
    let conversation = conversation.as_str().unwrap();
    b.close().await;
    a.said("m2", &people[1].name, "away").await;
    a.said("m3", &people[1].name, "away").await;
    let b = world.chat(&people[1]).await;
    b.settle().await;
    a.said("m4", &people[1].name, "live").await;
    b.wait(|frame| frame["id"] == "m4").await;
    let resumed = b.resume(&json!({ conversation: 1 })).await;
    assert_eq!(
        (&resumed[conversation]["recovered"], &resumed[conversation]["reason"]),
        (&json!(false), &json!("too_late"))
    );
    assert_eq!(b.seqs(conversation), [4]);
    // Once more, from where it stands: nothing is missing.
    b.send(&json!({ "type": "resume", "cursors": { conversation: 4 } }));
    let again = b.wait_many(2, |frame| frame["type"] == "resumed").await[1]["conversations"].clone();
    assert_eq!(again[conversation]["recovered"], true);
}
