//! Direct conversations.

use protocol::ConversationId;
use protocol::conversation::{ConversationKind, Role};

use super::Backend;
use super::fixture::{NOW, error, free_name, message, pair, random, user};
use crate::Error;

/// Two users have one direct conversation, whoever begins it, and however often.
pub async fn there_is_one_direct_conversation_for_a_pair(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let (one, other) = tokio::join!(
        store.direct_conversation(&ada, &ben, NOW),
        store.direct_conversation(&ben, &ada, NOW.plus(1))
    );
    let conversation = one.unwrap();
    assert_eq!(conversation, other.unwrap());
    assert_eq!(conversation, store.direct_conversation(&ben, &ada, NOW.plus(2)).await.unwrap());
    assert_eq!(store.conversation(conversation.id).await, Ok(Some(conversation.clone())));
    assert_eq!((conversation.kind, conversation.version), (ConversationKind::Direct, 1));
    assert!(!conversation.blocked && conversation.title.is_none());
    let members: Vec<_> = conversation.members.iter().map(|member| &member.username).collect();
    assert_eq!(members, [&ada, &ben]);
    assert!(conversation.members.iter().all(|member| member.role == Role::Member));
    for username in [&ada, &ben] {
        assert_eq!(store.memberships(username).await.unwrap().len(), 1);
    }
    assert_eq!(store.conversation(ConversationId(random())).await, Ok(None));
}

/// A user writes to themself in a conversation of one.
pub async fn a_user_has_a_direct_conversation_alone(store: &impl Backend) {
    let ada = user(store, "ada").await;
    let conversation = store.direct_conversation(&ada, &ada, NOW).await.unwrap();
    assert_eq!(conversation.members.len(), 1);
    assert_eq!(store.direct_conversation(&ada, &ada, NOW).await, Ok(conversation.clone()));
    assert!(store.append(message(conversation.id, &ada, "m1", "note")).await.is_ok());
}

/// Nobody talks to one who does not exist.
pub async fn a_direct_conversation_needs_two_users(store: &impl Backend) {
    let (ada, nobody) = (user(store, "ada").await, free_name("ben"));
    assert_eq!(error(store.direct_conversation(&ada, &nobody, NOW).await), Error::UserNotFound);
    assert_eq!(error(store.direct_conversation(&nobody, &ada, NOW).await), Error::UserNotFound);
    assert_eq!(store.memberships(&ada).await, Ok(Vec::new()));
}

/// A block closes the conversation of the two until the last of them is lifted.
pub async fn blocks_close_a_direct_conversation(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let id = conversation.id;
    let read = async || store.conversation(id).await.unwrap().unwrap();

    assert_eq!(store.put_block(&ada, &ben, NOW).await, Ok(Some(id)));
    let closed = read().await;
    assert!(closed.blocked && closed.version > conversation.version);
    for from in [&ada, &ben] {
        assert_eq!(error(store.append(message(id, from, "m1", "hi")).await), Error::NotAllowed);
    }
    assert_eq!(store.direct_conversation(&ben, &ada, NOW).await, Ok(closed.clone()));
    assert_eq!(store.put_block(&ada, &ben, NOW).await, Ok(Some(id)));
    assert_eq!(store.put_block(&ben, &ada, NOW).await, Ok(Some(id)));
    assert_eq!(read().await.version, closed.version);

    assert_eq!(store.delete_block(&ada, &ben).await, Ok(Some(id)));
    assert!(read().await.blocked);
    assert_eq!(store.delete_block(&ben, &ada).await, Ok(Some(id)));
    let open = read().await;
    assert!(!open.blocked && open.version > closed.version);
    let appended = store.append(message(id, &ben, "m1", "hi")).await.unwrap();
    assert_eq!(appended.version, open.version);
}

/// A conversation is not begun over a block.
pub async fn a_blocked_user_starts_no_conversation(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    assert_eq!(store.put_block(&ada, &ben, NOW).await, Ok(None));
    for (from, to) in [(&ada, &ben), (&ben, &ada)] {
        assert_eq!(error(store.direct_conversation(from, to, NOW).await), Error::NotAllowed);
    }
    assert_eq!(store.delete_block(&ada, &ben).await, Ok(None));
    assert!(store.direct_conversation(&ben, &ada, NOW).await.is_ok());
}

/// Nobody renames, enters or leaves a direct conversation.
pub async fn a_direct_conversation_is_no_group(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let (carl, id) = (user(store, "carl").await, conversation.id);
    for (by, expected) in [(&ada, Error::NotAllowed), (&carl, Error::ConversationNotFound)] {
        assert_eq!(error(store.rename_conversation(id, by, "ours".to_owned()).await), expected);
        assert_eq!(error(store.put_member(id, by, &carl, None).await), expected);
        assert_eq!(error(store.remove_member(id, by, &ben).await), expected);
    }
    assert_eq!(store.conversation(id).await, Ok(Some(conversation)));
}
