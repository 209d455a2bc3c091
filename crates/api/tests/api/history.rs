//! Pages of messages.

use protocol::{ConversationId, EventKind};
use serde_json::{Value, json};

use ports::Operation;

use crate::support::{Server, User};

async fn page(server: &Server, id: ConversationId, user: &User, query: &str) -> (Vec<u64>, bool, Value) {
    let path = format!("/api/conversations/{id}/messages?{query}");
    let json = server.get(path).by(user).send().await.expect(200).json();
    let messages = json["messages"].as_array().unwrap();
    let seqs = messages.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
    (seqs, json["more"].as_bool().unwrap(), json["messages"].clone())
}

async fn edit(server: &Server, group: ConversationId, by: &User, id: &str, target: u64, text: &str) {
    let mut body = server.event(EventKind::Edited, by, id);
    (body.target, body.text) = (Some(target), Some(text.to_owned()));
    server.append(group, body, Operation::Edit { target, text: text.to_owned() }).await;
}

async fn react(server: &Server, group: ConversationId, by: &User, id: &str, target: u64, emoji: &str) {
    let mut body = server.event(EventKind::Reacted, by, id);
    (body.target, body.emoji, body.active) = (Some(target), Some(emoji.to_owned()), Some(true));
    server.append(group, body, Operation::React { target, emoji: emoji.to_owned(), active: true }).await;
}

async fn take_back(server: &Server, group: ConversationId, by: &User, id: &str, target: u64) {
    let mut body = server.event(EventKind::Deleted, by, id);
    body.target = Some(target);
    server.append(group, body, Operation::Delete { target }).await;
}

#[tokio::test]
async fn pages_go_both_ways_and_know_their_end() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let group = server.group(&ada, &[]).await;
    assert_eq!(page(&server, group, &ada, "").await.0, [0; 0]);
    for number in 1..=10 {
        server.say(group, &ada, &format!("m{number}"), "x").await;
    }
    let page = async |query: &str| {
        let (seqs, more, _) = page(&server, group, &ada, query).await;
        (seqs, more)
    };
    assert_eq!(page("limit=3").await, (vec![8, 9, 10], true));
    assert_eq!(page("limit=10").await, ((1..=10).collect(), false));
    assert_eq!(page("before=4&limit=3").await, (vec![1, 2, 3], false));
    assert_eq!(page("before=5&limit=3").await, (vec![2, 3, 4], true));
    assert_eq!(page("before=1").await, (vec![], false));
    assert_eq!(page("before=0").await, (vec![], false));
    assert_eq!(page("before=18446744073709551615&limit=1").await, (vec![10], true));
    assert_eq!(page("after=0&limit=3").await, (vec![1, 2, 3], true));
    assert_eq!(page("after=7&limit=3").await, (vec![8, 9, 10], false));
    assert_eq!(page("after=8&limit=3").await, (vec![9, 10], false));
    assert_eq!(page("after=10").await, (vec![], false));
    assert_eq!(page("after=18446744073709551615").await, (vec![], false));
}

#[tokio::test]
async fn a_message_is_as_it_is_now() {
    let server = Server::start().await;
    let [ada, bob] = server.users(["ada", "bob"]).await;
    let group = server.group(&ada, &[&bob]).await;
    server.say(group, &ada, "m1", "first").await;
    server.say(group, &bob, "m2", "second").await;
    react(&server, group, &bob, "r1", 1, "👍").await;
    react(&server, group, &ada, "r2", 1, "👍").await;
    react(&server, group, &ada, "r3", 1, "🦀").await;
    react(&server, group, &ada, "r4", 2, "👍").await;
    edit(&server, group, &ada, "e1", 1, "changed").await;
    take_back(&server, group, &bob, "d1", 2).await;
    let (seqs, more, messages) = page(&server, group, &ada, "").await;
    assert_eq!((seqs, more), (vec![1, 2], false));
    assert_eq!(messages[0]["text"], "changed");
    assert!(messages[0]["edited_at"].is_string());
    assert_eq!(messages[0]["reactions"], json!({ "👍": ["bob", "ada"], "🦀": ["ada"] }));
    assert_eq!((&messages[1]["deleted"], messages[1].get("text")), (&json!(true), None));
    assert_eq!(messages[1].get("reactions"), None);
    assert!(!messages.to_string().contains("second"));
}

#[tokio::test]
async fn events_that_are_no_messages_take_no_place() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let group = server.group(&ada, &[]).await;
    let mut expected = Vec::new();
    for number in 0..6 {
        let seq = server.say(group, &ada, &format!("m{number}"), "x").await;
        expected.push(seq);
        // More than are read at once.
        for edition in 0..40 {
            edit(&server, group, &ada, &format!("e{number}-{edition}"), seq, "y").await;
        }
    }
    let (mut backwards, mut before) = (Vec::new(), String::new());
    loop {
        let (seqs, more, _) = page(&server, group, &ada, &format!("limit=2{before}")).await;
        assert_eq!(seqs.len(), 2);
        before = format!("&before={}", seqs[0]);
        backwards.splice(..0, seqs);
        if !more {
            break;
        }
    }
    assert_eq!(backwards, expected);
    let (mut forwards, mut after) = (Vec::new(), 0);
    loop {
        let (seqs, more, _) = page(&server, group, &ada, &format!("limit=4&after={after}")).await;
        after = *seqs.last().unwrap();
        forwards.extend(seqs);
        if !more {
            break;
        }
    }
    assert_eq!(forwards, expected);
}

#[tokio::test]
async fn a_range_can_be_read_from_both_ends() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let group = server.group(&ada, &[]).await;
    for number in 1..=6 {
        server.say(group, &ada, &format!("m{number}"), "x").await;
    }
    let between = async |before, after, limit| {
        let log = server.store.as_ref();
        let (messages, more) =
            ports::history::page(log, group, Some(before), Some(after), limit).await.unwrap();
        (messages.iter().map(|message| message.seq).collect::<Vec<_>>(), more)
    };
    assert_eq!(between(5, 1, 10).await, (vec![2, 3, 4], false));
    assert_eq!(between(5, 1, 2).await, (vec![2, 3], true));
    assert_eq!(between(2, 5, 10).await, (vec![], false));
}

#[tokio::test]
async fn what_is_no_page_is_refused() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let group = server.group(&ada, &[]).await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("before=-1", "before"),
        ("after=x", "after"),
        ("after=18446744073709551616", "after"),
        ("before=1&after=1", "before"),
    ] {
        let reply = server.get(format!("/api/conversations/{group}/messages?{query}")).by(&ada).send().await;
        reply.refused(422, "invalid_field").blames(field);
    }
}
