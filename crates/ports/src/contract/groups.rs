//! Groups: who may do what.

use protocol::conversation::{ConversationKind, Role};
use protocol::{ConversationId, MAX_GROUP_MEMBERS, Username};

use super::Backend;
use super::fixture::{NOW, error, free_name, group, new_group, random, user};
use crate::{Error, NewGroup};

async fn roles(store: &impl Backend, id: ConversationId) -> Vec<(Username, Role)> {
    let conversation = store.conversation(id).await.unwrap().unwrap();
    conversation.members.into_iter().map(|member| (member.username, member.role)).collect()
}

async fn users<const N: usize>(store: &impl Backend, names: [&str; N]) -> [Username; N] {
    let mut users = names.map(free_name);
    for username in &mut users {
        store.create_account(super::fixture::account_of(username)).await.unwrap();
    }
    users
}

/// Whoever makes a group owns it, and is in it once.
pub async fn a_group_begins_with_its_owner_and_members(store: &impl Backend) {
    let [ada, ben, carl] = users(store, ["ada", "ben", "carl"]).await;
    let conversation = group(store, &ben, &[&carl, &ada, &ben, &carl]).await;
    assert_eq!((conversation.kind, conversation.version), (ConversationKind::Group, 1));
    assert_eq!(conversation.title.as_deref(), Some("group"));
    let expected = [(ada, Role::Member), (ben, Role::Owner), (carl, Role::Member)];
    assert_eq!(roles(store, conversation.id).await, expected);
}

/// Members exist, do not block the owner, and are not too many; an identifier is used once.
pub async fn a_group_takes_only_users_who_may_be_in_it(store: &impl Backend) {
    let [ada, ben] = users(store, ["ada", "ben"]).await;
    let nobody = free_name("nobody");
    let refused = async |group: NewGroup| error(store.create_group(group).await);
    assert_eq!(refused(new_group(&ada, &[&nobody])).await, Error::UserNotFound);
    assert_eq!(refused(new_group(&nobody, &[&ada])).await, Error::UserNotFound);

    let members = (0..MAX_GROUP_MEMBERS).map(|number| Username::new(&format!("member{number}")).unwrap());
    let crowd = NewGroup { members: members.collect(), ..new_group(&ada, &[]) };
    assert!(matches!(refused(crowd).await, Error::LimitReached(_)));

    let made = group(store, &ada, &[&ben]).await;
    assert_eq!(refused(NewGroup { id: made.id, ..new_group(&ben, &[]) }).await, Error::Conflict);

    store.put_block(&ben, &ada, NOW).await.unwrap();
    assert_eq!(refused(new_group(&ada, &[&ben])).await, Error::NotAllowed);
    let alone = group(store, &ada, &[]).await;
    assert_eq!(error(store.put_member(alone.id, &ada, &ben, None).await), Error::NotAllowed);
    // A block closes no group that both are in.
    assert!(!store.conversation(made.id).await.unwrap().unwrap().blocked);
    assert_eq!(store.memberships(&ben).await.unwrap().len(), 1);
}

/// Members write, admins also rename and add, remove those below them, and the owner gives the roles.
pub async fn everybody_does_what_the_role_allows(store: &impl Backend) {
    let [ada, ben, carl, dora, eve] = users(store, ["ada", "ben", "carl", "dora", "eve"]).await;
    let (id, nobody) = (group(store, &ada, &[&ben, &carl]).await.id, free_name("nobody"));
    let put = async |by, member, role| store.put_member(id, by, member, role).await.map(|_| ());
    let remove =
        async |by, member| store.remove_member(id, by, member).await.map(|removed| removed.was_member);
    let rename = async |by| store.rename_conversation(id, by, unique_title()).await.map(|_| ());

    // A member, and one who is none.
    for (by, expected) in [(&ben, Error::NotAllowed), (&dora, Error::ConversationNotFound)] {
        assert_eq!(rename(by).await, Err(expected.clone()));
        assert_eq!(put(by, &eve, None).await, Err(expected.clone()));
        assert_eq!(put(by, &carl, Some(Role::Admin)).await, Err(expected.clone()));
        assert_eq!(remove(by, &carl).await, Err(expected));
    }
    // The owner makes an admin.
    assert_eq!(put(&ada, &ben, Some(Role::Admin)).await, Ok(()));
    assert_eq!(rename(&ben).await, Ok(()));
    assert_eq!(put(&ben, &dora, None).await, Ok(()));
    assert_eq!(put(&ben, &dora, Some(Role::Member)).await, Ok(()));
    assert_eq!(put(&ben, &dora, Some(Role::Admin)).await, Err(Error::NotAllowed));
    assert_eq!(put(&ben, &eve, Some(Role::Admin)).await, Err(Error::NotAllowed));
    assert_eq!(put(&ben, &ben, Some(Role::Owner)).await, Err(Error::NotAllowed));
    assert_eq!(put(&ben, &ada, Some(Role::Member)).await, Err(Error::NotAllowed));
    assert_eq!(put(&ben, &nobody, None).await, Err(Error::UserNotFound));
    assert_eq!(remove(&ben, &ada).await, Err(Error::NotAllowed));
    assert_eq!(remove(&ben, &carl).await, Ok(true));
    assert_eq!(remove(&ben, &carl).await, Ok(false));
    // Admins do not remove each other; the owner removes them, and unmakes them.
    assert_eq!(put(&ada, &carl, Some(Role::Admin)).await, Ok(()));
    assert_eq!(remove(&carl, &ben).await, Err(Error::NotAllowed));
    assert_eq!(put(&ada, &carl, Some(Role::Member)).await, Ok(()));
    assert_eq!(remove(&ada, &ben).await, Ok(true));
    // Everybody goes when they like.
    assert_eq!(remove(&dora, &dora).await, Ok(true));
    assert_eq!(remove(&dora, &dora).await, Err(Error::ConversationNotFound));
    assert_eq!(roles(store, id).await, [(ada, Role::Owner), (carl, Role::Member)]);

    let unknown = ConversationId(random());
    assert_eq!(error(store.put_member(unknown, &eve, &eve, None).await), Error::ConversationNotFound);
}

/// There is one owner, who makes another and is an admin then.
pub async fn the_ownership_is_handed_on(store: &impl Backend) {
    let [ada, ben, carl] = users(store, ["ada", "ben", "carl"]).await;
    let id = group(store, &ada, &[&ben]).await.id;
    assert_eq!(error(store.put_member(id, &ada, &ada, Some(Role::Admin)).await), Error::NotAllowed);
    store.put_member(id, &ada, &ben, Some(Role::Owner)).await.unwrap();
    assert_eq!(roles(store, id).await, [(ada.clone(), Role::Admin), (ben.clone(), Role::Owner)]);
    assert_eq!(error(store.put_member(id, &ada, &ada, Some(Role::Owner)).await), Error::NotAllowed);
    // To one who was no member.
    store.put_member(id, &ben, &carl, Some(Role::Owner)).await.unwrap();
    let expected = [(ada, Role::Admin), (ben, Role::Admin), (carl, Role::Owner)];
    assert_eq!(roles(store, id).await, expected);
}

/// The first admin by name succeeds an owner who leaves, or else the first member.
pub async fn an_owner_who_leaves_is_succeeded(store: &impl Backend) {
    let [ada, ben, carl, dora] = users(store, ["ada", "ben", "carl", "dora"]).await;
    let id = group(store, &dora, &[&ada, &ben, &carl]).await.id;
    for admin in [&carl, &ben] {
        store.put_member(id, &dora, admin, Some(Role::Admin)).await.unwrap();
    }
    let removed = store.remove_member(id, &dora, &dora).await.unwrap();
    assert!(removed.was_member);
    let expected = [(ada.clone(), Role::Member), (ben.clone(), Role::Owner), (carl.clone(), Role::Admin)];
    assert_eq!(roles(store, id).await, expected);
    let shown: Vec<_> =
        removed.conversation.members.into_iter().map(|member| (member.username, member.role)).collect();
    assert_eq!(shown, expected);

    store.put_member(id, &ben, &carl, Some(Role::Member)).await.unwrap();
    store.remove_member(id, &ben, &ben).await.unwrap();
    assert_eq!(roles(store, id).await, [(ada.clone(), Role::Owner), (carl.clone(), Role::Member)]);
    store.remove_member(id, &carl, &carl).await.unwrap();
    let removed = store.remove_member(id, &ada, &ada).await.unwrap();
    assert_eq!(removed.conversation.members, []);
}

/// A version tells a change of title or members, and nothing else.
pub async fn versions_grow_with_changes_alone(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let conversation = group(store, &ada, &[]).await;
    let id = conversation.id;
    let renamed = store.rename_conversation(id, &ada, "other".to_owned()).await.unwrap();
    assert_eq!((renamed.title.as_deref(), renamed.version), (Some("other"), 2));
    let same = store.rename_conversation(id, &ada, "other".to_owned()).await.unwrap();
    assert_eq!(same.version, 2);
    assert_eq!(store.put_member(id, &ada, &ben, None).await.unwrap().version, 3);
    assert_eq!(store.put_member(id, &ada, &ben, None).await.unwrap().version, 3);
    assert_eq!(store.put_member(id, &ada, &ben, Some(Role::Member)).await.unwrap().version, 3);
    assert_eq!(store.put_member(id, &ada, &ben, Some(Role::Admin)).await.unwrap().version, 4);
    assert_eq!(store.remove_member(id, &ada, &ben).await.unwrap().conversation.version, 5);
    assert_eq!(store.remove_member(id, &ada, &ben).await.unwrap().conversation.version, 5);
    let appended = store.append(super::fixture::message(id, &ada, "m1", "hi")).await.unwrap();
    assert_eq!(appended.version, 5);
    assert_eq!(store.conversation(id).await.unwrap().unwrap().version, 5);
}

fn unique_title() -> String {
    super::fixture::unique()
}
