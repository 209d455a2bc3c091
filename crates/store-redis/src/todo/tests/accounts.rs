//! Accounts and logins.

use ports::{
    Accounts, Contacts, Conversations, Device, Devices, Login, Logins, NewGroup, PresenceRecord, Presences,
    ProfileChange,
};
use protocol::presence::Status;
use protocol::{ConversationId, LoginId, Username};

use super::scene::{NOW, account, stopped_at_each_write, user};
use crate::RedisStore;

fn login(username: &Username, number: u8) -> Login {
    Login {
        id: LoginId([number; 16]),
        username: username.clone(),
        device: None,
        created_at: NOW.plus(u64::from(number)),
        expires_at: NOW.plus(1_000),
        refresh: vec![1],
        version: 1,
    }
}

async fn finds(store: &RedisStore, text: &str, username: &Username) -> bool {
    let page = store.search_accounts(text, None, 10).await.unwrap();
    page.users.iter().any(|user| user.username == *username)
}

#[tokio::test]
async fn a_new_account_is_found() {
    stopped_at_each_write(
        async |_, number| Username::new(&format!("ada{number}")).unwrap(),
        async |store, ada| store.create_account(account(ada)).await,
        async |store, ada, begun| {
            assert_eq!(store.account(ada).await.unwrap().is_some(), begun);
            assert_eq!(finds(store, &format!("e {ada}"), ada).await, begun);
        },
    )
    .await;
}

#[tokio::test]
async fn a_changed_name_is_found() {
    stopped_at_each_write(
        async |store, number| user(store, &format!("ada{number}")).await,
        async |store, ada| {
            let display_name = Some(format!("Lady {ada}"));
            store.change_profile(ada, ProfileChange { display_name, ..ProfileChange::default() }).await
        },
        async |store, ada, begun| {
            assert_eq!(finds(store, &format!("lady {ada}"), ada).await, begun);
            assert_eq!(finds(store, &format!("the {ada}"), ada).await, !begun);
        },
    )
    .await;
}

#[tokio::test]
async fn a_login_that_pushes_another_out_ends_it() {
    stopped_at_each_write(
        async |store, number| {
            let ada = user(store, &format!("ada{number}")).await;
            let scene = u8::try_from(number).unwrap();
            for number in 0..100 {
                let id = LoginId([[scene; 8], [number; 8]].concat().try_into().unwrap());
                store.create_login(Login { id, ..login(&ada, number) }).await.unwrap();
            }
            (ada, scene)
        },
        async |store, (ada, scene)| {
            let id = LoginId([[*scene; 8], [100; 8]].concat().try_into().unwrap());
            store.create_login(Login { id, ..login(ada, 100) }).await
        },
        async |store, (_, scene), begun| {
            let oldest = LoginId([[*scene; 8], [0; 8]].concat().try_into().unwrap());
            assert_eq!(store.login(oldest).await.unwrap().is_none(), begun);
        },
    )
    .await;
}

#[tokio::test]
async fn logins_end_for_good() {
    stopped_at_each_write(
        async |store, number| {
            let ada = user(store, &format!("ada{number}")).await;
            let ids = [2 * number, 2 * number + 1].map(|number| u8::try_from(number).unwrap());
            for number in ids {
                store.create_login(login(&ada, number)).await.unwrap();
            }
            (ada, ids.map(|number| LoginId([number; 16])))
        },
        async |store, (ada, _)| store.end_logins(ada, None, NOW).await,
        async |store, (ada, ids), begun| {
            let told = store.ended_logins(NOW).await.unwrap();
            for id in ids {
                assert_eq!(store.login(*id).await.unwrap().is_none(), begun);
                assert_eq!(told.iter().filter(|ended| ended.id == *id).count(), usize::from(begun));
            }
            if begun {
                assert_eq!(store.end_logins(ada, None, NOW).await, Ok(Vec::new()));
            }
        },
    )
    .await;
}

#[tokio::test]
async fn an_ended_login_leaves_its_users_list() {
    stopped_at_each_write(
        async |store, number| {
            let ada = user(store, &format!("ada{number}")).await;
            let login = login(&ada, u8::try_from(number).unwrap());
            store.create_login(login.clone()).await.unwrap();
            login
        },
        async |store, login| store.end_login(login.id, NOW).await,
        async |store, login, begun| {
            assert_eq!(store.login(login.id).await.unwrap().is_none(), begun);
            let left = store.end_logins(&login.username, None, NOW).await.unwrap();
            assert_eq!(left.is_empty(), begun);
        },
    )
    .await;
}

/// A user with something everywhere, a friend, a group that the user owns, and the user's direct conversation with the friend.
struct Life {
    ada: Username,
    ben: Username,
    group: ConversationId,
    direct: ConversationId,
    login: LoginId,
}

async fn life(store: &RedisStore, number: usize) -> Life {
    let (ada, ben) = (user(store, &format!("ada{number}")).await, user(store, &format!("ben{number}")).await);
    let login = login(&ada, u8::try_from(number).unwrap());
    store.create_login(login.clone()).await.unwrap();
    for (one, other) in [(&ada, &ben), (&ben, &ada)] {
        store.put_contact(one, other, NOW).await.unwrap();
    }
    let carl = user(store, &format!("carl{number}")).await;
    store.put_block(&carl, &ada, NOW).await.unwrap();
    let device = Device {
        id: "phone".to_owned(),
        channel: "log".to_owned(),
        address: serde_json::json!({}),
        registered_at: NOW,
    };
    store.put_device(&ada, device).await.unwrap();
    let presence = PresenceRecord {
        username: ada.clone(),
        status: Status::Online,
        last_seen: None,
        status_text: None,
        connected: true,
        epoch: 1,
    };
    store.put_presences(vec![presence]).await.unwrap();
    let group = NewGroup {
        id: ConversationId([u8::try_from(number).unwrap(); 16]),
        title: None,
        owner: ada.clone(),
        members: vec![ben.clone()],
        at: NOW,
    };
    let group = store.create_group(group).await.unwrap().id;
    let direct = store.direct_conversation(&ada, &ben, NOW).await.unwrap().id;
    Life { ada, ben, group, direct, login: login.id }
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_behind() {
    stopped_at_each_write(
        life,
        async |store, life| store.delete_account(&life.ada, NOW).await,
        async |store, Life { ada, ben, group, direct, login }, begun| {
            assert_eq!(store.account(ada).await.unwrap().is_none(), begun);
            assert_eq!(store.login(*login).await.unwrap().is_none(), begun);
            assert_eq!(store.contacts(ben).await.unwrap().is_empty(), begun);
            assert_eq!(store.contacts(ada).await.unwrap().is_empty(), begun);
            assert_eq!(store.devices(ada).await.unwrap().is_empty(), begun);
            assert_eq!(store.presences(std::slice::from_ref(ada)).await.unwrap().is_empty(), begun);
            assert_eq!(store.memberships(ada).await.unwrap().is_empty(), begun);
            assert_eq!(finds(store, &format!("e {ada}"), ada).await, !begun);
            let members = store.conversation(*group).await.unwrap().unwrap().members;
            assert_eq!(members.iter().any(|member| member.username == *ada), !begun);
            assert_eq!(store.conversation(*direct).await.unwrap().unwrap().blocked, begun);
            // Again: there is nothing left to do.
            if begun {
                assert_eq!(store.delete_account(ada, NOW).await, Ok(Vec::new()));
            }
        },
    )
    .await;
}

/// What a client repeats goes on where it was stopped, without anybody who finds it.
#[tokio::test]
async fn a_deletion_that_is_repeated_is_finished() {
    let store = super::scene::store().await;
    for writes in 1..6 {
        let life = life(&store, writes).await;
        let stopped = crate::todo::interruption::after(writes, store.delete_account(&life.ada, NOW)).await;
        assert!(stopped.is_err());
        store.delete_account(&life.ada, NOW.plus(1)).await.unwrap();
        assert_eq!(store.login(life.login).await, Ok(None));
        assert!(store.contacts(&life.ben).await.unwrap().is_empty());
        assert!(store.conversation(life.direct).await.unwrap().unwrap().blocked);
    }
}
