//! What a user has of conversations.

use super::Backend;
use super::fixture::{NOW, error, group, message, pair, send, unique, user};
use crate::{Append, Error, Membership};

/// When something last happened: the making, or else the last event.
pub async fn a_membership_tells_when_something_last_happened(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let of = async |username| store.membership(conversation.id, username).await.unwrap().unwrap();
    let expected = Membership {
        conversation: conversation.id,
        muted: false,
        read: 0,
        delivered: 0,
        active_at: conversation.created_at,
    };
    assert_eq!(of(&ben).await, expected);
    assert_eq!(store.memberships(&ben).await, Ok(vec![expected]));
    let later = Append { at: NOW.plus(9), ..message(conversation.id, &ada, "m1", "hi") };
    store.append(later).await.unwrap();
    assert_eq!(of(&ada).await.active_at, NOW.plus(9));
    assert_eq!(of(&ben).await.active_at, NOW.plus(9));

    let other = group(store, &ben, &[]).await;
    let mut ids: Vec<_> =
        store.memberships(&ben).await.unwrap().iter().map(|membership| membership.conversation).collect();
    ids.sort();
    let mut expected = [conversation.id, other.id];
    expected.sort();
    assert_eq!(ids, expected);
    assert_eq!(store.membership(other.id, &ada).await, Ok(None));
}

/// Whoever sends a message has read up to it; the others have not.
pub async fn a_message_moves_its_senders_read_mark(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let read = async |username| store.membership(conversation.id, username).await.unwrap().unwrap().read;
    send(store, &conversation, &ada, "one").await;
    send(store, &conversation, &ada, "two").await;
    assert_eq!((read(&ada).await, read(&ben).await), (2, 0));
    send(store, &conversation, &ben, "three").await;
    assert_eq!((read(&ada).await, read(&ben).await), (2, 3));
}

/// A mark moves on only, and up to the log's end.
pub async fn marks_never_go_back_and_never_past_the_end(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    let id = conversation.id;
    for text in ["one", "two", "three"] {
        send(store, &conversation, &ada, text).await;
    }
    let marks = |membership: Option<Membership>| membership.map(|marks| (marks.read, marks.delivered));
    let mark = async |read, delivered| marks(store.mark(id, &ben, read, delivered).await.unwrap());
    assert_eq!(mark(Some(1), Some(2)).await, Some((1, 2)));
    assert_eq!(mark(Some(1), None).await, None);
    assert_eq!(mark(Some(0), Some(1)).await, None);
    assert_eq!(mark(None, None).await, None);
    assert_eq!(mark(Some(2), Some(1)).await, Some((2, 2)));
    assert_eq!(mark(Some(99), None).await, Some((3, 2)));
    assert_eq!(mark(Some(u64::MAX), Some(u64::MAX)).await, Some((3, 3)));
    assert_eq!(marks(store.membership(id, &ben).await.unwrap()), Some((3, 3)));

    let carl = user(store, "carl").await;
    assert_eq!(store.mark(id, &carl, Some(1), None).await, Ok(None));
    assert_eq!(store.membership(id, &carl).await, Ok(None));
}

/// One who joins has read what was said before, as one who comes back has.
pub async fn one_who_joins_begins_at_the_end(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let conversation = group(store, &ada, &[]).await;
    let id = conversation.id;
    send(store, &conversation, &ada, "one").await;
    send(store, &conversation, &ada, "two").await;
    for expected in [2, 3] {
        let joined = store.put_member(id, &ada, &ben, None).await.unwrap();
        let member = joined.members.iter().find(|member| member.username == ben).unwrap();
        assert_eq!(member.joined_at_seq, expected);
        let membership = store.membership(id, &ben).await.unwrap().unwrap();
        assert_eq!((membership.read, membership.delivered), (expected, expected));
        store.remove_member(id, &ben, &ben).await.unwrap();
        assert_eq!(store.membership(id, &ben).await, Ok(None));
        assert_eq!(store.memberships(&ben).await, Ok(Vec::new()));
        send(store, &conversation, &ada, "three").await;
    }
}

/// A number tells that a user's conversations have changed.
pub async fn versions_grow_when_a_user_joins_or_leaves(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let usernames = [ada.clone(), ben.clone()];
    let versions = async || store.membership_versions(&usernames).await.unwrap();
    let start = versions().await;
    let conversation = group(store, &ada, &[&ben]).await;
    let made = versions().await;
    assert!(made[0] > start[0] && made[1] > start[1]);
    store.rename_conversation(conversation.id, &ada, unique()).await.unwrap();
    send(store, &conversation, &ada, "hi").await;
    assert_eq!(versions().await, made);
    store.remove_member(conversation.id, &ada, &ben).await.unwrap();
    let left = versions().await;
    assert!(left[0] == made[0] && left[1] > made[1]);
}

/// Muting is a member's own affair, and touches no mark.
pub async fn each_member_mutes_for_themself(store: &impl Backend) {
    let (ada, ben, conversation) = pair(store).await;
    send(store, &conversation, &ada, "hi").await;
    store.set_muted(conversation.id, &ada, true).await.unwrap();
    let of = async |username| store.membership(conversation.id, username).await.unwrap().unwrap();
    assert_eq!((of(&ada).await.muted, of(&ada).await.read), (true, 1));
    assert!(!of(&ben).await.muted);
    store.set_muted(conversation.id, &ada, false).await.unwrap();
    assert!(!of(&ada).await.muted);
    let carl = user(store, "carl").await;
    let refused = store.set_muted(conversation.id, &carl, true).await;
    assert_eq!(error(refused), Error::ConversationNotFound);
}
