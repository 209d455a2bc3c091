//! The store on the disk, closed and opened again now and then, does the same as its twin in memory.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ports::{
    Accounts, Append, Contacts, Conversations, Devices, Documents, Entropy, Log, Login, Logins, NewGroup,
    Operation, Outbox, PresenceRecord, Presences, ProfileChange, Remembered,
};
use proptest::prelude::*;
use protocol::conversation::Role;
use protocol::presence::Status;
use protocol::{ConversationId, Event, LoginId, Timestamp, Username};
use store_embedded::{EmbeddedStore, Options};

use crate::scene::{NOW, SetClock, account, at_once, message, name};

const USERS: [&str; 4] = ["ada", "ben", "carl", "dora"];

/// Something to do with a store. The numbers choose users, conversations, messages; `when` is in hours.
#[derive(Clone, Debug)]
enum Step {
    Reopen,
    CreateAccount(usize),
    DeleteAccount(usize),
    Rename(usize, u8),
    SearchAccounts(u8, usize),
    CreateLogin(usize, u8),
    EndLogins(usize, u8),
    Ended,
    RedeemTicket(u8, u64),
    Direct(usize, usize),
    CreateGroup(u8, usize, usize),
    PutMember(u8, usize, usize, Option<Role>),
    RemoveMember(u8, usize, usize),
    Mark(u8, usize, u64, u64),
    Mute(u8, usize, bool),
    Memberships(usize),
    Contact(usize, usize, bool),
    Block(usize, usize, bool),
    Device(usize, u8, bool),
    Presence(usize, u64, bool),
    Document(u8, u64),
    Remember(u8, u64, u64),
    Append { conversation: u8, from: usize, id: u8, operation: u8, target: u64, when: u64 },
    Read(u8, u64, usize),
    Search(u8, Option<u64>, usize, usize),
    Outbox(u16, u64),
}

/// Numbers instead of random bytes, so that both stores make the same identifiers.
#[derive(Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        let number = self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        bytes.fill(0xee);
        bytes[..8].copy_from_slice(&number);
        // The last byte chooses the outbox's partition.
        bytes[15] = number[7];
    }
}

fn role() -> impl Strategy<Value = Option<Role>> {
    prop_oneof![Just(None), Just(Some(Role::Member)), Just(Some(Role::Admin)), Just(Some(Role::Owner))]
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 0..USERS.len();
    let conversation = || 0..5_u8;
    let accounts = prop_oneof![
        1 => Just(Step::Reopen),
        2 => user().prop_map(Step::CreateAccount),
        1 => user().prop_map(Step::DeleteAccount),
        1 => (user(), 0..3_u8).prop_map(|(user, text)| Step::Rename(user, text)),
        1 => (0..4_u8, 0..3_usize).prop_map(|(prefix, limit)| Step::SearchAccounts(prefix, limit)),
        1 => (user(), 0..6_u8).prop_map(|(user, login)| Step::CreateLogin(user, login)),
        1 => (user(), 0..6_u8).prop_map(|(user, except)| Step::EndLogins(user, except)),
        1 => Just(Step::Ended),
        1 => (0..4_u8, 0..9_u64).prop_map(|(ticket, end)| Step::RedeemTicket(ticket, end)),
        1 => (user(), 0..3_u8, any::<bool>()).prop_map(|(user, id, put)| Step::Device(user, id, put)),
        1 => (user(), 0..3_u64, any::<bool>()).prop_map(|(user, epoch, on)| Step::Presence(user, epoch, on)),
        1 => (0..2_u8, 0..3_u64).prop_map(|(name, expected)| Step::Document(name, expected)),
        1 => (0..3_u8, 0..9_u64, 0..9_u64).prop_map(|(key, end, now)| Step::Remember(key, end, now)),
    ];
    let conversations = prop_oneof![
        2 => (user(), user()).prop_map(|(from, to)| Step::Direct(from, to)),
        2 => (0..2_u8, user(), user()).prop_map(|(id, owner, member)| Step::CreateGroup(id, owner, member)),
        3 => (conversation(), user(), user(), role())
            .prop_map(|(id, by, user, role)| Step::PutMember(id, by, user, role)),
        1 => (conversation(), user(), user()).prop_map(|(id, by, user)| Step::RemoveMember(id, by, user)),
        2 => (conversation(), user(), 0..9_u64, 0..9_u64)
            .prop_map(|(id, user, read, delivered)| Step::Mark(id, user, read, delivered)),
        1 => (conversation(), user(), any::<bool>()).prop_map(|(id, user, muted)| Step::Mute(id, user, muted)),
        1 => user().prop_map(Step::Memberships),
        1 => (user(), user(), any::<bool>()).prop_map(|(user, other, put)| Step::Contact(user, other, put)),
        1 => (user(), user(), any::<bool>()).prop_map(|(user, other, put)| Step::Block(user, other, put)),
    ];
    let log = prop_oneof![
        6 => (conversation(), user(), 0..12_u8, 0..6_u8, 0..6_u64, 0..60_u64).prop_map(
            |(conversation, from, id, operation, target, when)| {
                Step::Append { conversation, from, id, operation, target, when }
            }
        ),
        2 => (conversation(), 0..9_u64, 0..5_usize).prop_map(|(id, from, limit)| Step::Read(id, from, limit)),
        1 => (conversation(), proptest::option::of(0..9_u64), 0..4_usize, 0..9_usize)
            .prop_map(|(id, before, limit, budget)| Step::Search(id, before, limit, budget)),
        1 => (0..9_u16, 0..9_u64).prop_map(|(partition, position)| Step::Outbox(partition, position)),
    ];
    prop_oneof![2 => accounts, 3 => conversations, 4 => log]
}

/// Gives the conversation that a number stands for: two groups, then the direct ones that were made first.
fn conversation(number: u8) -> ConversationId {
    if number < 2 {
        return ConversationId([number; 16]);
    }
    let mut bytes = [0xee; 16];
    bytes[..8].copy_from_slice(&u64::from(number - 2).to_be_bytes());
    bytes[15] = number - 2;
    ConversationId(bytes)
}

fn user(number: usize) -> Username {
    name(USERS[number])
}

fn shown(value: impl Debug) -> String {
    format!("{value:?}")
}

fn shown_events(events: &[Event]) -> String {
    shown(events.iter().map(|event| (event.position, &event.body)).collect::<Vec<_>>())
}

/// Takes a step, and gives all that it tells.
async fn take(store: &EmbeddedStore, step: &Step) -> String {
    match step.clone() {
        Step::Reopen => String::new(),
        Step::CreateAccount(who) => shown(store.create_account(account(USERS[who])).await),
        Step::DeleteAccount(who) => shown(store.delete_account(&user(who), NOW).await),
        Step::Rename(who, text) => {
            let change = ProfileChange { display_name: Some(format!("Name {text}")), ..Default::default() };
            shown(store.change_profile(&user(who), change).await)
        }
        Step::SearchAccounts(prefix, limit) => {
            let prefix = ["", "a", "name", "1"][usize::from(prefix)];
            shown(store.search_accounts(prefix, Some(&user(0)), limit).await)
        }
        Step::CreateLogin(who, login) => {
            let id = LoginId([login; 16]);
            let login = Login {
                id,
                username: user(who),
                device: None,
                created_at: NOW,
                expires_at: NOW,
                refresh: vec![login],
                version: 1,
            };
            shown((
                store.create_login(login.clone()).await,
                store.update_login(login).await,
                store.login(id).await,
            ))
        }
        Step::EndLogins(who, except) => {
            shown(store.end_logins(&user(who), Some(LoginId([except; 16])), NOW).await)
        }
        Step::Ended => shown(store.ended_logins(NOW).await),
        Step::RedeemTicket(ticket, end) => {
            shown(store.redeem_ticket([ticket; 16], Timestamp(NOW.0 - 4 + end)).await)
        }
        Step::Direct(from, to) => shown(store.direct_conversation(&user(from), &user(to), NOW).await),
        Step::CreateGroup(id, owner, member) => {
            let (id, owner, members) = (conversation(id), user(owner), vec![user(member)]);
            shown(store.create_group(NewGroup { id, title: None, owner, members, at: NOW }).await)
        }
        Step::PutMember(id, by, who, role) => {
            shown(store.put_member(conversation(id), &user(by), &user(who), role).await)
        }
        Step::RemoveMember(id, by, who) => {
            shown(store.remove_member(conversation(id), &user(by), &user(who)).await)
        }
        Step::Mark(id, who, read, delivered) => {
            shown(store.mark(conversation(id), &user(who), Some(read), Some(delivered)).await)
        }
        Step::Mute(id, who, muted) => shown(store.set_muted(conversation(id), &user(who), muted).await),
        Step::Memberships(who) => {
            let versions = store.membership_versions(&[user(who)]).await;
            shown((store.memberships(&user(who)).await, versions))
        }
        Step::Contact(who, other, put) => {
            let done = if put {
                store.put_contact(&user(who), &user(other), NOW).await
            } else {
                store.delete_contact(&user(who), &user(other)).await
            };
            shown((done, store.contacts(&user(other)).await, store.visible_contacts(&user(who)).await))
        }
        Step::Block(who, other, put) => {
            let done = if put {
                store.put_block(&user(who), &user(other), NOW).await
            } else {
                store.delete_block(&user(who), &user(other)).await
            };
            shown((done, store.blocks(&user(who)).await))
        }
        Step::Device(who, id, put) => {
            let (id, channel, address) = (id.to_string(), "log".to_owned(), serde_json::Value::Null);
            let done = if put {
                store.put_device(&user(who), ports::Device { id, channel, address, registered_at: NOW }).await
            } else {
                store.delete_device(&user(who), &id).await
            };
            shown((done, store.devices(&user(who)).await))
        }
        Step::Presence(who, epoch, connected) => {
            let (username, status) = (user(who), Status::Away);
            let (last_seen, status_text) = (None, None);
            let record = PresenceRecord { username, status, last_seen, status_text, connected, epoch };
            shown((store.put_presences(vec![record]).await, store.connected_presences(None, 10).await))
        }
        Step::Document(name, expected) => {
            let name = name.to_string();
            shown((store.put_document(&name, expected, vec![1]).await, store.document(&name).await))
        }
        Step::Remember(key, end, now) => {
            let answer = Remembered { request: vec![key], answer: vec![1], expires_at: Timestamp(end) };
            let done = store.remember(vec![key], answer, Timestamp(now)).await;
            shown((done, store.remembered(&[key], Timestamp(now)).await))
        }
        Step::Append { conversation: id, from, id: request, operation, target, when } => {
            let first = message(conversation(id), USERS[from], &format!("m{request}"));
            let operation = match operation {
                0 => Operation::Edit { target, text: format!("edited by {request}") },
                1 => Operation::Delete { target },
                2 => Operation::React { target, emoji: "+".to_owned(), active: true },
                3 => Operation::React { target, emoji: "+".to_owned(), active: false },
                _ => Operation::Message,
            };
            let digest = u64::from(operation == Operation::Message);
            let at = NOW.plus(when * 60 * 60 * 1000);
            shown(store.append(Append { operation, digest, at, ..first }).await)
        }
        Step::Read(id, from, limit) => {
            let id = conversation(id);
            let after = store.events(id, from, limit).await.unwrap();
            let before = store.events_before(id, Some(from), limit).await.unwrap();
            let last = store.events_before(id, None, limit).await.unwrap();
            let events = [after, before, last].map(|events| shown_events(&events));
            shown((events, store.ends(&[id]).await, store.reactions(id, from, from + 3).await))
        }
        Step::Search(id, before, limit, budget) => {
            let found = store.search(conversation(id), "TEXT", before, limit, budget).await;
            let (events, last) = found.unwrap();
            shown((shown_events(&events), last))
        }
        Step::Outbox(partition, position) => {
            let done = store.dealt_with(partition, position).await;
            shown((done, at_once(store.pending(partition, 0, 5))))
        }
    }
}

fn options() -> Options {
    Options { sync: false, clock: Arc::new(SetClock::default()), ..Options::default() }
}

fn open(folder: &Path, entropy: Arc<Counting>) -> EmbeddedStore {
    EmbeddedStore::open(folder, Options { entropy, ..options() }).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn both_tell_the_same(steps in proptest::collection::vec(step(), 1..150)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let entropy = Arc::new(Counting::default());
            let mut on_disk = open(folder.path(), entropy.clone());
            let in_memory =
                EmbeddedStore::in_memory_with(Options { entropy: Arc::new(Counting::default()), ..options() });
            for user in &USERS[..3] {
                for store in [&on_disk, &in_memory] {
                    store.create_account(account(user)).await.unwrap();
                }
            }
            for step in steps {
                if matches!(step, Step::Reopen) {
                    drop(on_disk);
                    on_disk = open(folder.path(), entropy.clone());
                }
                let (one, other) = (take(&on_disk, &step).await, take(&in_memory, &step).await);
                prop_assert_eq!(one, other, "{:?}", step);
            }
            Ok(())
        })?;
    }
}
