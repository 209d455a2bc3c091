//! People chat: one to one and in groups, over shards and devices.

use serde_json::json;

use crate::support::{Socket, World};

#[tokio::test(flavor = "multi_thread")]
async fn two_people_on_different_shards_share_one_sequence() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let (ada, bob) = (&people[0], &people[1]);
    let (a, b1) = (world.chat(ada).await, world.chat(bob).await);
    // The second device goes straight to the shard.
    let b2 = Socket::open(&bob.chat_url, &bob.token).await;
    let welcome = a.wait_for("welcome").await;
    assert_eq!((&welcome["shard"], &welcome["user"]), (&json!(ada.chat_shard), &json!(ada.name)));
    for n in 0..50 {
        a.say(&format!("a{n}"), &bob.name, "from ada");
        b1.say(&format!("b{n}"), &ada.name, "from bob");
    }
    let conversation = a.wait_many(50, |frame| frame["type"] == "ack").await[0]["conversation"].clone();
    let conversation = conversation.as_str().unwrap();
    let message = |frame: &serde_json::Value| frame["type"] == "message";
    b2.wait_many(100, message).await;
    assert_eq!(b2.seqs(conversation), (1..=100).collect::<Vec<_>>());
    // Whoever sent has the acks of the own messages, and the other's messages in order.
    for (socket, author) in [(&a, &bob.name), (&b1, &ada.name)] {
        socket.wait_many(50, message).await;
        let seqs = socket.seqs(conversation);
        assert!(seqs.len() == 50 && seqs.is_sorted(), "{seqs:?}");
        assert!(socket.frames().iter().filter(|frame| message(frame)).all(|frame| frame["from"] == **author));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_is_the_same_message() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let (a, b) = (world.chat(&people[0]).await, world.chat(&people[1]).await);
    let first = a.said("m", &people[1].name, "hello").await;
    assert_eq!((&first["seq"], &first["duplicate"]), (&json!(1), &json!(false)));
    // Once more, also from another device.
    let other = world.chat(&people[0].again().await).await;
    for socket in [&a, &other] {
        socket.say("m", &people[1].name, "hello");
        let again = socket.wait(|frame| frame["type"] == "ack" && frame["duplicate"] == true).await;
        assert_eq!((&again["seq"], &again["sent_at"]), (&first["seq"], &first["sent_at"]));
    }
    a.say("m", &people[1].name, "something else");
    let refused = a.wait_for("error").await;
    assert_eq!((&refused["code"], &refused["id"]), (&json!("id_conflict"), &json!("m")));
    let second = a.said("n", &people[1].name, "bye").await;
    assert_eq!(second["seq"], 2);
    b.wait(|frame| frame["type"] == "message" && frame["id"] == "n").await;
    assert_eq!(b.seqs(first["conversation"].as_str().unwrap()), [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_have_edits_reactions_receipts_and_typing() {
    let world = World::start().await;
    let people = world.strangers(3).await;
    let group = people[0].group("three", &[&people[1], &people[2]]).await;
    let (a, b, c) =
        (world.chat(&people[0]).await, world.chat(&people[1]).await, world.chat(&people[2]).await);
    let seq = b.said("g1", &group, "hello all").await["seq"].clone();
    for socket in [&a, &c] {
        socket.wait(|frame| frame["type"] == "message" && frame["id"] == "g1").await;
    }
    a.send(&json!({ "type": "read", "conversation": group, "seq": seq }));
    b.wait(|frame| frame["type"] == "receipt" && frame["user"] == *people[0].name && frame["read"] == seq)
        .await;
    a.send(&json!({ "type": "typing", "conversation": group, "active": true }));
    c.wait(|frame| frame["type"] == "typing" && frame["user"] == *people[0].name && frame["active"] == true)
        .await;
    b.send(
        &json!({ "type": "edit", "id": "e1", "conversation": group, "seq": seq, "text": "hello everybody" }),
    );
    let edited = c.wait_for("edited").await;
    assert_eq!(
        (&edited["target"], &edited["text"], &edited["seq"]),
        (&seq, &json!("hello everybody"), &json!(2))
    );
    a.send(&json!({ "type": "edit", "id": "e2", "conversation": group, "seq": seq, "text": "forged" }));
    assert_eq!(a.wait(|frame| frame["type"] == "error" && frame["id"] == "e2").await["code"], "not_allowed");
    c.send(&json!({ "type": "react", "id": "r1", "conversation": group, "seq": seq, "emoji": "👍", "active": true }));
    let reacted = a.wait_for("reacted").await;
    assert_eq!((&reacted["emoji"], &reacted["from"]), (&json!("👍"), &json!(people[2].name)));
    a.send(&json!({ "type": "history", "id": "h", "conversation": group, "limit": 10 }));
    let page = a.wait_for("history").await;
    assert_eq!(page["messages"][0]["text"], "hello everybody");
    assert_eq!(page["messages"][0]["reactions"]["👍"], json!([people[2].name]));
    b.send(&json!({ "type": "delete", "id": "d1", "conversation": group, "seq": seq }));
    assert_eq!(c.wait_for("deleted").await["target"], seq);
    let (_, page) = people[2].call("GET", &format!("/api/conversations/{group}/messages"), None).await;
    assert_eq!((&page["messages"][0]["deleted"], page["messages"][0].get("text")), (&json!(true), None));
    // Whoever goes while typing is not seen typing for ever.
    a.close().await;
    c.wait(|frame| frame["type"] == "typing" && frame["active"] == false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_while_others_chat() {
    let world = World::start().await;
    let people = world.strangers(3).await;
    let group = people[0].group("two", &[&people[1]]).await;
    let (a, b, c) =
        (world.chat(&people[0]).await, world.chat(&people[1]).await, world.chat(&people[2]).await);
    a.said("before", &group, "not for the third").await;
    let path = format!("/api/conversations/{group}/members/{}", people[2].name);
    c.say("early", &group, "let me in");
    assert_eq!(c.wait_for("error").await["code"], "conversation_not_found");
    assert_eq!(people[0].call("PUT", &path, Some(json!({}))).await.0, 204);
    let shown = c.wait_for("conversation").await;
    assert_eq!((&shown["id"], &shown["title"]), (&json!(group), &json!("two")));
    b.said("welcome", &group, "welcome").await;
    c.wait(|frame| frame["type"] == "message" && frame["id"] == "welcome").await;
    assert_eq!(c.seqs(&group), [2]);
    c.said("thanks", &group, "thanks").await;
    a.wait(|frame| frame["type"] == "message" && frame["id"] == "thanks").await;
    assert_eq!(people[0].call("DELETE", &path, None).await.0, 204);
    c.wait(|frame| frame["type"] == "conversation" && frame["left"] == true).await;
    b.said("private", &group, "without the third").await;
    a.wait(|frame| frame["type"] == "message" && frame["id"] == "private").await;
    c.say("late", &group, "still here?");
    c.wait_many(2, |frame| frame["type"] == "error").await;
    assert_eq!(c.seqs(&group), [2]);
    let (status, _) = people[2].call("GET", &format!("/api/conversations/{group}/messages"), None).await;
    assert_eq!(status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_blocked_does_not_write() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let (a, b) = (world.chat(&people[0]).await, world.chat(&people[1]).await);
    a.said("one", &people[1].name, "hello").await;
    let path = format!("/api/blocks/{}", people[0].name);
    assert_eq!(people[1].call("PUT", &path, None).await.0, 204);
    a.say("two", &people[1].name, "hello?");
    let refused = a.wait_for("error").await;
    assert_eq!(refused["code"], "not_allowed");
    // Nor is one seen typing.
    b.wait(|frame| frame["type"] == "conversation" && frame["version"] == 2).await;
    a.wait(|frame| frame["type"] == "conversation" && frame["version"] == 2).await;
    let (_, list) = people[0].call("GET", "/api/conversations", None).await;
    let conversation = list["items"][0]["id"].clone();
    a.send(&json!({ "type": "typing", "conversation": conversation, "active": true }));
    a.wait_many(2, |frame| frame["type"] == "error" && frame["code"] == "not_allowed").await;
    assert_eq!(people[1].call("DELETE", &path, None).await.0, 204);
    a.said("three", &people[1].name, "thanks").await;
    b.wait(|frame| frame["type"] == "message" && frame["id"] == "three").await;
    let ids: Vec<_> = b.frames().iter().filter(|f| f["type"] == "message").map(|f| f["id"].clone()).collect();
    assert_eq!(ids, ["one", "three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_neither_reads_nor_writes_nor_learns() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let a = world.chat(&people[0]).await;
    let conversation = a.said("m", &people[1].name, "secret").await["conversation"].clone();
    let id = conversation.as_str().unwrap();
    let mallory = world.person("mallory").await;
    let m = world.chat(&mallory).await;
    m.send(&json!({ "type": "history", "id": "h", "conversation": id, "limit": 10 }));
    m.send(&json!({ "type": "send", "id": "s", "conversation": id, "text": "let me in" }));
    m.send(&json!({ "type": "edit", "id": "e", "conversation": id, "seq": 1, "text": "forged" }));
    m.send(
        &json!({ "type": "react", "id": "r", "conversation": id, "seq": 1, "emoji": "x", "active": true }),
    );
    m.send(&json!({ "type": "typing", "conversation": id, "active": true }));
    m.send(&json!({ "type": "read", "conversation": id, "seq": 1 }));
    let errors = m.wait_many(5, |frame| frame["type"] == "error").await;
    assert!(errors.iter().all(|error| error["code"] == "conversation_not_found"), "{errors:?}");
    let resumed = m.resume(&json!({ id: 0 })).await;
    assert_eq!((&resumed[id]["recovered"], &resumed[id]["reason"]), (&json!(false), &json!("not_a_member")));
    // It looks the same as one that does not exist.
    m.send(&json!({ "type": "history", "id": "n", "conversation": "AAAAAAAAAAAAAAAAAAAAAA", "limit": 10 }));
    let none = m.wait(|frame| frame["type"] == "error" && frame["id"] == "n").await;
    assert_eq!((&none["code"], &none["detail"]), (&errors[0]["code"], &errors[0]["detail"]));
    assert!(!m.frames().iter().any(|frame| frame["type"] == "message"));
}

#[tokio::test(flavor = "multi_thread")]
async fn content_travels_as_it_is() {
    let world = World::start().await;
    let people = world.strangers(2).await;
    let (a, b) = (world.chat(&people[0]).await, world.chat(&people[1]).await);
    let content = json!({ "kind": "location", "at": [52.5, 13.4], "note": "ä \"quoted\" 🦀" });
    a.send(&json!({ "type": "send", "id": "c", "to": people[1].name, "content": content }));
    assert_eq!(b.wait_for("message").await["content"], content);
    let conversation = a.wait_for("ack").await["conversation"].clone();
    let path = format!("/api/conversations/{}/messages", conversation.as_str().unwrap());
    assert_eq!(people[1].call("GET", &path, None).await.1["messages"][0]["content"], content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_message_reaches_somebody_on_the_same_shard_at_once() {
    // The sweep, which finds what was forgotten, would take seconds; one shard alone gets no hints either.
    let world = World::start_with(|configuration| configuration.chat_shards = 1).await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let (a, b) = (world.chat(&ada).await, world.chat(&bob).await);
    let ack = a.said("m", &bob.name, "hello").await;
    // In order: the conversation, then its first message, before anything that is asked for later.
    b.wait_for("message").await;
    let frames = b.frames();
    let place = |kind: &str| frames.iter().position(|frame| frame["type"] == kind);
    assert!(place("conversation") < place("message"), "{frames:?}");
    let seq = ack["seq"].clone();
    a.wait(|frame| frame["type"] == "receipt" && frame["user"] == *bob.name && frame["delivered"] == seq)
        .await;
}
