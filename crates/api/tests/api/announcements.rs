//! The shards are told of what changes.

use std::collections::BTreeSet;

use placement::Bucket;
use protocol::hint::Hint;
use serde_json::json;

use crate::support::{Server, User};

/// Gives the chat shards of users.
fn shards(server: &Server, users: &[&User]) -> BTreeSet<String> {
    let shard = |user: &&User| server.table.chat.owner(Bucket::of(user.name.as_str())).shard.to_string();
    users.iter().map(shard).collect()
}

/// Gives who was told of a change of a conversation: the shards, the version and those removed.
fn told(server: &Server) -> (BTreeSet<String>, u64, Vec<String>) {
    let batches = server.hints.take();
    assert!(batches.iter().all(|(_, hints)| hints.len() == 1), "{batches:?}");
    let shards = batches.iter().map(|(shard, _)| shard.to_string()).collect();
    match &batches[0].1[0] {
        Hint::Conversation(change) => {
            (shards, change.version, change.removed.iter().map(ToString::to_string).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// Gives two users who live on different chat shards.
async fn apart(server: &Server) -> (User, User) {
    let first = server.user("user0").await;
    for number in 1.. {
        let other = server.user(&format!("user{number}")).await;
        if shards(server, &[&first, &other]).len() == 2 {
            return (first, other);
        }
    }
    unreachable!()
}

#[tokio::test]
async fn each_change_of_a_conversation_goes_to_the_shards_of_its_members_and_of_those_who_left() {
    let server = Server::start().await;
    let (one, other) = apart(&server).await;
    let (alone, all) = (shards(&server, &[&one]), shards(&server, &[&one, &other]));
    let group = server.group(&one, &[]).await;
    assert_eq!(told(&server), (alone.clone(), 1, vec![]));
    let path = format!("/api/conversations/{group}");
    let member = format!("{path}/members/{}", other.name);

    server.put(member.clone()).by(&one).send().await.expect(204);
    assert_eq!(told(&server), (all.clone(), 2, vec![]));
    server.patch(path.clone()).by(&one).json(&json!({ "title": "other" })).send().await.expect(200);
    assert_eq!(told(&server), (all.clone(), 3, vec![]));
    server.patch(path.clone()).by(&one).json(&json!({ "muted": true })).send().await.expect(200);
    assert!(server.hints.take().is_empty());
    server.delete(member).by(&one).send().await.expect(204);
    assert_eq!(told(&server), (all, 4, vec![other.name.to_string()]));
    server.delete(path).by(&one).send().await.expect(204);
    assert_eq!(told(&server), (alone, 5, vec![one.name.to_string()]));
}

#[tokio::test]
async fn contacts_go_to_presence_and_blocks_to_chat_as_well() {
    let server = Server::start().await;
    let (one, other) = apart(&server).await;
    let direct =
        server.store().direct_conversation(&one.name, &other.name, protocol::Timestamp(1)).await.unwrap();
    for request in [
        server.put(format!("/api/contacts/{}", other.name)),
        server.delete(format!("/api/contacts/{}", other.name)),
    ] {
        request.by(&one).send().await.expect(204);
        let [(shard, hints)] = &server.hints.take()[..] else { panic!("another number of batches") };
        assert_eq!(shard.as_str(), "presence-0");
        assert!(
            matches!(&hints[..], [Hint::Contacts { users }] if *users == [one.name.clone(), other.name.clone()])
        );
    }
    let mut version = direct.version;
    for request in [
        server.put(format!("/api/blocks/{}", other.name)),
        server.delete(format!("/api/blocks/{}", other.name)),
    ] {
        request.by(&one).send().await.expect(204);
        version += 1;
        let batches = server.hints.take();
        let told: BTreeSet<&str> = batches.iter().map(|(shard, _)| shard.as_str()).collect();
        assert_eq!(told, BTreeSet::from(["chat-0", "chat-1", "presence-0"]));
        let versions = batches.iter().flat_map(|(_, hints)| hints).filter_map(|hint| match hint {
            Hint::Conversation(change) => Some(change.version),
            _ => None,
        });
        assert_eq!(versions.collect::<Vec<_>>(), [version, version]);
    }
}
