//! People who sign up, meet, and go again while masters die: each request has exactly the outcome that it has in quiet times, because
//! what the link repeats is known again.

use std::time::Duration;

use futures_util::future::join_all;
use ports::{
    Account, Accounts, Contacts, Conversations, Documents, Error, Login, Logins, NewGroup, ProfileChange,
};
use protocol::account::User;
use protocol::{ConversationId, LoginId, Username};
use redis_lab::Lab;
use store_redis::{Options, RedisStore};
use tokio::sync::watch;

use crate::scene::{self, NOW, cluster, name, random, user};

/// How many people are at it at once.
const PEOPLE: usize = 8;

/// People who live one life after the other, until they are told to stop.
struct Lives {
    store: RedisStore,
    lived: watch::Sender<usize>,
    stop: watch::Sender<bool>,
}

impl Lives {
    async fn begin(lab: &Lab) -> Self {
        let deadline = Duration::from_secs(60);
        let store = RedisStore::open(Options { deadline, ..scene::options(lab) }).await.unwrap();
        user(&store, &name("hub")).await;
        Self { store, lived: watch::Sender::new(0), stop: watch::Sender::new(false) }
    }

    /// Has everybody live while `trouble` goes on.
    async fn during(&self, trouble: impl Future<Output = ()>) {
        let people = (0..PEOPLE).map(|person| async move {
            for number in 0.. {
                if *self.stop.borrow() {
                    return;
                }
                live(&self.store, &name(&format!("person-{person}-{number}"))).await;
                self.lived.send_modify(|lived| *lived += 1);
            }
        });
        let trouble = async {
            trouble.await;
            self.stop.send_replace(true);
        };
        tokio::join!(join_all(people), trouble);
    }

    /// Waits until some more lives are lived.
    async fn go_on(&self, more: usize) {
        let before = *self.lived.borrow();
        self.lived.subscribe().wait_for(|lived| *lived >= before + more).await.unwrap();
    }
}

async fn live(store: &RedisStore, ada: &Username) {
    let hub = &name("hub");
    store.create_account(account(ada)).await.unwrap();
    let login = Login {
        id: LoginId(random()),
        username: ada.clone(),
        device: None,
        created_at: NOW,
        expires_at: NOW.plus(1_000),
        refresh: vec![1],
        version: 1,
    };
    store.create_login(login.clone()).await.unwrap();
    store.update_login(Login { refresh: vec![2], ..login.clone() }).await.unwrap();
    assert_eq!(store.update_login(login.clone()).await, Err(Error::Conflict));
    assert_eq!(store.redeem_ticket(random(), NOW).await, Ok(true));
    assert_eq!(store.put_document(ada.as_str(), 0, vec![1]).await, Ok(1));
    assert_eq!(store.put_document(ada.as_str(), 1, vec![2]).await, Ok(2));

    store.put_contact(ada, hub, NOW).await.unwrap();
    store.put_contact(hub, ada, NOW).await.unwrap();
    assert_eq!(store.visible_contacts(ada).await, Ok(vec![hub.clone()]));
    let display_name = Some(format!("The {ada}"));
    store.change_profile(ada, ProfileChange { display_name, ..ProfileChange::default() }).await.unwrap();
    assert_eq!(store.search_accounts(&format!("e {ada}"), None, 1).await.unwrap().users.len(), 1);

    let direct = store.direct_conversation(ada, hub, NOW).await.unwrap();
    assert_eq!(store.put_block(ada, hub, NOW).await, Ok(Some(direct.id)));
    assert!(store.conversation(direct.id).await.unwrap().unwrap().blocked);
    assert_eq!(store.delete_block(ada, hub).await, Ok(Some(direct.id)));
    assert_eq!(store.conversation(direct.id).await.unwrap().unwrap().version, direct.version + 2);
    let group = NewGroup {
        id: ConversationId(random()),
        title: Some("group".to_owned()),
        owner: ada.clone(),
        members: vec![hub.clone()],
        at: NOW,
    };
    let group = store.create_group(group).await.unwrap();
    assert_eq!(group.version, 1);
    let left = store.remove_member(group.id, hub, hub).await.unwrap();
    assert!(left.was_member && left.conversation.version == 2);
    assert_eq!(store.put_member(group.id, ada, hub, None).await.unwrap().version, 3);
    assert_eq!(store.memberships(ada).await.unwrap().len(), 2);

    store.end_login(login.id, NOW).await.unwrap();
    assert_eq!(store.login(login.id).await, Ok(None));
    assert_eq!(store.delete_account(ada, NOW).await, Ok(vec![group.id]));
    assert_eq!(store.memberships(ada).await, Ok(Vec::new()));
    assert!(store.conversation(direct.id).await.unwrap().unwrap().blocked);
}

fn account(username: &Username) -> Account {
    let user = User {
        username: username.clone(),
        display_name: username.as_str().to_owned(),
        bio: None,
        avatar_url: None,
        status_text: None,
        created_at: NOW,
    };
    Account { user, password_hash: "hash".to_owned(), throttle: Vec::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_master_changes_no_outcome() {
    let lab = cluster(2).await;
    let lives = Lives::begin(&lab).await;
    let trouble = async {
        lives.go_on(PEOPLE).await;
        lab.kill(0).unwrap();
        lives.go_on(3 * PEOPLE).await;
        lab.restart(0).await.unwrap();
        lives.go_on(3 * PEOPLE).await;
    };
    lives.during(trouble).await;
    assert_nothing_is_left(&lives.store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_master_and_planned_failovers_change_no_outcome() {
    let lab = cluster(2).await;
    let lives = Lives::begin(&lab).await;
    let trouble = async {
        lives.go_on(PEOPLE).await;
        lab.pause(1).unwrap();
        lives.go_on(3 * PEOPLE).await;
        lab.resume(1).unwrap();
        lab.wait_until_healthy().await.unwrap();
        for replica in [3, 0] {
            lab.failover(replica).await.unwrap();
            lives.go_on(2 * PEOPLE).await;
        }
    };
    lives.during(trouble).await;
    assert_nothing_is_left(&lives.store).await;
}

async fn assert_nothing_is_left(store: &RedisStore) {
    // What was done is struck out a moment later.
    while store.finish_intents(Duration::ZERO).await.unwrap() > 0 {}
    let hub = name("hub");
    assert_eq!(store.contacts(&hub).await, Ok(Vec::new()));
    assert_eq!(store.visible_contacts(&hub).await, Ok(Vec::new()));
}
