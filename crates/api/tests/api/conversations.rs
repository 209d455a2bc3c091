//! Conversations: making, reading, changing and leaving them.

use protocol::{ConversationId, Timestamp};
use serde_json::{Value, json};

use crate::support::{Server, User};

async fn view(server: &Server, id: ConversationId, user: &User) -> Value {
    server.get(format!("/api/conversations/{id}")).by(user).send().await.expect(200).json()
}

#[tokio::test]
async fn a_group_is_made_with_its_members() {
    let server = Server::start().await;
    let [ada, bob, carol] = server.users(["ada", "bob", "carol"]).await;
    let body = json!({ "title": "three", "members": ["carol", "BOB", "bob", "ada"] });
    let reply = server.post("/api/conversations").by(&ada).json(&body).send().await.expect(201);
    let id = reply.text("id");
    assert_eq!(reply.header("location"), format!("/api/conversations/{id}"));
    let made = reply.json();
    let members = json!([
        { "username": "ada", "role": "owner" },
        { "username": "bob", "role": "member" },
        { "username": "carol", "role": "member" },
    ]);
    assert_eq!(
        (&made["kind"], &made["title"], &made["members"]),
        (&json!("group"), &json!("three"), &members)
    );
    assert_eq!((&made["seq"], &made["unread"], &made["last_message"]), (&json!(0), &json!(0), &Value::Null));
    for user in [&bob, &carol] {
        assert_eq!(view(&server, ConversationId::parse(&id).unwrap(), user).await["members"], members);
    }
}

#[tokio::test]
async fn a_group_needs_neither_title_nor_members() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let made = server.post("/api/conversations").by(&ada).json(&json!({})).send().await.expect(201).json();
    assert_eq!((made.get("title"), made["members"].as_array().unwrap().len()), (None, 1));
}

#[tokio::test]
async fn a_group_is_not_made_of_what_is_wrong() {
    let server = Server::start().await;
    let [ada, bob] = server.users(["ada", "bob"]).await;
    let make = async |body| server.post("/api/conversations").by(&ada).json(&body).send().await;
    make(json!({ "members": ["nobody"] })).await.refused(404, "user_not_found").blames("members");
    make(json!({ "members": ["bob", "x"] })).await.refused(422, "invalid_field").blames("members[1]");
    make(json!({ "members": "bob" })).await.refused(422, "invalid_field").blames("members");
    make(json!({ "title": "x".repeat(129) })).await.refused(422, "invalid_field").blames("title");
    make(json!({ "title": "" })).await.refused(422, "invalid_field").blames("title");
    server.put("/api/blocks/ada").by(&bob).send().await.expect(204);
    make(json!({ "members": ["bob"] })).await.refused(403, "not_allowed");
    assert!(server.get("/api/conversations").by(&ada).send().await.items().is_empty());
}

#[tokio::test]
async fn the_state_says_what_is_new() {
    let server = Server::start().await;
    let [ada, bob] = server.users(["ada", "bob"]).await;
    let group = server.group(&ada, &[&bob]).await;
    server.say(group, &ada, "m1", "first").await;
    server.say(group, &bob, "m2", "second").await;
    let last = server.say(group, &ada, "m3", "third").await;
    let state = view(&server, group, &bob).await;
    // Whoever writes has read what was before.
    assert_eq!((&state["seq"], &state["unread"], &state["read"]), (&json!(last), &json!(1), &json!(2)));
    assert_eq!(
        (&state["last_message"]["text"], &state["last_message"]["from"]),
        (&json!("third"), &json!("ada"))
    );
    server.store().mark(group, &bob.name, Some(last), Some(last)).await.unwrap();
    let state = view(&server, group, &bob).await;
    assert_eq!(
        (&state["unread"], &state["read"], &state["delivered"]),
        (&json!(0), &json!(last), &json!(last))
    );
    assert_eq!(view(&server, group, &ada).await["unread"], json!(0));
}

#[tokio::test]
async fn unread_messages_are_counted_up_to_a_thousand() {
    let server = Server::start().await;
    let [ada, bob] = server.users(["ada", "bob"]).await;
    let group = server.group(&ada, &[&bob]).await;
    for number in 0..1003 {
        server.say(group, &ada, &format!("m{number}"), "x").await;
    }
    assert_eq!(view(&server, group, &bob).await["unread"], json!(1000));
    server.store().mark(group, &bob.name, Some(4), None).await.unwrap();
    assert_eq!(view(&server, group, &bob).await["unread"], json!(999));
}

#[tokio::test]
async fn a_title_is_for_all_and_muting_for_oneself() {
    let server = Server::start().await;
    let [ada, bob] = server.users(["ada", "bob"]).await;
    let group = server.group(&ada, &[&bob]).await;
    let change = async |user: &User, body| {
        server.patch(format!("/api/conversations/{group}")).by(user).json(&body).send().await
    };
    let changed = change(&ada, json!({ "title": "new", "muted": true })).await.expect(200).json();
    assert_eq!(
        (&changed["title"], &changed["muted"], &changed["version"]),
        (&json!("new"), &json!(true), &json!(2))
    );
    let seen = view(&server, group, &bob).await;
    assert_eq!((&seen["title"], &seen["muted"]), (&json!("new"), &json!(false)));
    change(&bob, json!({ "muted": true })).await.expect(200);
    change(&bob, json!({ "title": "mine" })).await.refused(403, "not_allowed");
    change(&ada, json!({ "title": "\u{0}" })).await.refused(422, "invalid_field").blames("title");
    change(&ada, json!({ "muted": "yes" })).await.refused(422, "invalid_field").blames("muted");
    assert_eq!(change(&ada, json!({})).await.expect(200).json()["title"], json!("new"));
}

#[tokio::test]
async fn whoever_leaves_sees_it_no_more() {
    let server = Server::start().await;
    let [ada, bob] = server.users(["ada", "bob"]).await;
    let group = server.group(&ada, &[&bob]).await;
    let path = format!("/api/conversations/{group}");
    server.delete(path.clone()).by(&ada).send().await.expect(204);
    server.get(path.clone()).by(&ada).send().await.refused(404, "conversation_not_found");
    server.delete(path.clone()).by(&ada).send().await.refused(404, "conversation_not_found");
    assert!(server.get("/api/conversations").by(&ada).send().await.items().is_empty());
    assert_eq!(view(&server, group, &bob).await["members"], json!([{ "username": "bob", "role": "owner" }]));
}

#[tokio::test]
async fn a_direct_conversation_has_no_title_and_cannot_be_left() {
    let server = Server::start().await;
    let [ada, bob] = server.users(["ada", "bob"]).await;
    let direct = server.store().direct_conversation(&ada.name, &bob.name, Timestamp(1)).await.unwrap().id;
    assert_eq!(view(&server, direct, &bob).await["kind"], json!("direct"));
    let path = format!("/api/conversations/{direct}");
    server.delete(path.clone()).by(&ada).send().await.refused(403, "not_allowed");
    let title = json!({ "title": "x" });
    server.patch(path.clone()).by(&ada).json(&title).send().await.refused(403, "not_allowed");
    server.put(format!("{path}/members/bob")).by(&ada).send().await.refused(403, "not_allowed");
    server.patch(path).by(&ada).json(&json!({ "muted": true })).send().await.expect(200);
}

#[tokio::test]
async fn what_names_no_conversation_is_not_found() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    for id in ["x", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAA!", "AAAAAAAAAAAAAAAAAAAAAB"] {
        let reply = server.get(format!("/api/conversations/{id}")).by(&ada).send().await;
        reply.refused(404, "conversation_not_found");
        let reply = server.get(format!("/api/conversations/{id}/messages")).by(&ada).send().await;
        reply.refused(404, "conversation_not_found");
    }
    server.get("/api/conversations/%c0%80").by(&ada).send().await.refused(404, "not_found");
}
