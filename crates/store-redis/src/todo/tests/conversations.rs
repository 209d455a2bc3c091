//! Conversations, and their members' lists of them.

use ports::{Conversations, NewGroup};
use protocol::{ConversationId, Username};

use super::scene::{NOW, stopped_at_each_write, user};
use crate::RedisStore;

async fn two(store: &RedisStore, number: usize) -> (Username, Username) {
    (user(store, &format!("ada{number}")).await, user(store, &format!("ben{number}")).await)
}

fn group(number: usize, owner: &Username, members: &[&Username]) -> NewGroup {
    NewGroup {
        id: ConversationId([u8::try_from(number).unwrap(); 16]),
        title: Some("group".to_owned()),
        owner: owner.clone(),
        members: members.iter().map(|member| (*member).clone()).collect(),
        at: NOW,
    }
}

async fn lists(store: &RedisStore, username: &Username) -> usize {
    store.memberships(username).await.unwrap().len()
}

#[tokio::test]
async fn a_direct_conversation_is_in_both_lists() {
    stopped_at_each_write(
        two,
        async |store, (ada, ben)| store.direct_conversation(ada, ben, NOW).await,
        async |store, (ada, ben), begun| {
            assert_eq!(
                (lists(store, ada).await, lists(store, ben).await),
                (usize::from(begun), usize::from(begun))
            );
        },
    )
    .await;
}

#[tokio::test]
async fn a_group_is_in_its_members_lists() {
    stopped_at_each_write(
        async |store, number| {
            let (ada, ben) = two(store, number).await;
            let group = group(number, &ada, &[&ben]);
            (ada, ben, group)
        },
        async |store, (_, _, group)| store.create_group(group.clone()).await,
        async |store, (ada, ben, group), begun| {
            assert_eq!(
                (lists(store, ada).await, lists(store, ben).await),
                (usize::from(begun), usize::from(begun))
            );
            // The client asks again, and it is the same group.
            let again = store.create_group(group.clone()).await.unwrap();
            assert_eq!((again.id, again.version, again.members.len()), (group.id, 1, 2));
            assert_eq!((lists(store, ada).await, lists(store, ben).await), (1, 1));
        },
    )
    .await;
}

#[tokio::test]
async fn one_who_joins_or_leaves_has_a_list_that_says_so() {
    let begun_group = async |store: &RedisStore, number: usize, with_ben: bool| {
        let (ada, ben) = two(store, number).await;
        let members: &[&Username] = if with_ben { &[&ben] } else { &[] };
        let id = store.create_group(group(number, &ada, members)).await.unwrap().id;
        let version = store.membership_versions(std::slice::from_ref(&ben)).await.unwrap()[0];
        (ada, ben, id, version)
    };
    let check = async |store: &RedisStore, ben: &Username, before: u64, begun: bool, listed: bool| {
        assert_eq!(lists(store, ben).await == 1, listed);
        let version = store.membership_versions(std::slice::from_ref(ben)).await.unwrap()[0];
        assert_eq!(version > before, begun);
    };
    stopped_at_each_write(
        async |store, number| begun_group(store, number, false).await,
        async |store, (ada, ben, id, _)| store.put_member(*id, ada, ben, None).await,
        async |store, (_, ben, _, before), begun| check(store, ben, *before, begun, begun).await,
    )
    .await;
    stopped_at_each_write(
        async |store, number| begun_group(store, number, true).await,
        async |store, (_, ben, id, _)| store.remove_member(*id, ben, ben).await,
        async |store, (_, ben, _, before), begun| check(store, ben, *before, begun, !begun).await,
    )
    .await;
}
