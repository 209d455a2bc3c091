//! Clusters, stores in them, users and conversations.

use ports::{Account, Accounts, Append, Conversations, Entropy, NewGroup, Operation, SystemEntropy};
use protocol::account::User;
use protocol::{ClientId, ConversationId, EventBody, EventKind, Timestamp, Username};
use redis_lab::{Lab, Options as LabOptions, valkey_server};
use store_redis::{Options, RedisStore};
use tokio::sync::OnceCell;
use xxhash_rust::xxh3::xxh3_64;

/// When the tests take place.
pub(crate) const NOW: Timestamp = Timestamp(4_000_000_000_000);

/// Gives a cluster that the tests share which break nothing.
pub(crate) async fn shared() -> &'static Lab {
    static LAB: OnceCell<Lab> = OnceCell::const_new();
    // Logs of a failed test are shown with it.
    tracing_subscriber::fmt().with_test_writer().try_init().ok();
    LAB.get_or_init(async || Lab::start(LabOptions::default()).await.unwrap()).await
}

/// Gives a cluster of Valkey that the tests share which break nothing, if `make` has installed that.
pub(crate) async fn shared_valkey() -> Option<&'static Lab> {
    static LAB: OnceCell<Lab> = OnceCell::const_new();
    let server = valkey_server()?;
    let options = LabOptions { server, ..LabOptions::default() };
    Some(LAB.get_or_init(async || Lab::start(options).await.unwrap()).await)
}

/// Starts a cluster for one test, each master with that many replicas.
pub(crate) async fn cluster(replicas_per_master: usize) -> Lab {
    tracing_subscriber::fmt().with_test_writer().try_init().ok();
    Lab::start(LabOptions { replicas_per_master, ..LabOptions::default() }).await.unwrap()
}

/// Gives options for a store of its own.
pub(crate) fn options(lab: &Lab) -> Options {
    Options {
        urls: lab.urls(),
        prefix: format!("{:016x}:", u64::from_be_bytes(random())),
        ..Options::default()
    }
}

/// Opens a store of its own.
pub(crate) async fn open(lab: &Lab) -> RedisStore {
    RedisStore::open(options(lab)).await.unwrap()
}

/// Gives random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let entropy: &dyn Entropy = &SystemEntropy;
    entropy.bytes()
}

/// Gives a username.
pub(crate) fn name(name: &str) -> Username {
    Username::new(name).unwrap()
}

/// Makes a user.
pub(crate) async fn user(store: &RedisStore, username: &Username) {
    let user = User {
        username: username.clone(),
        display_name: username.as_str().to_owned(),
        bio: None,
        avatar_url: None,
        status_text: None,
        created_at: NOW,
    };
    let account = Account { user, password_hash: "hash".to_owned(), throttle: Vec::new() };
    store.create_account(account).await.unwrap();
}

/// Makes a group of ada and ben, who must be there, in a slot of a node.
pub(crate) async fn group_on(store: &RedisStore, lab: &Lab, node: usize) -> ConversationId {
    loop {
        let id = ConversationId(random());
        if lab.master_of(slot_of(lab, id).await).await.unwrap() == node {
            let (owner, members) = (name("ada"), vec![name("ben")]);
            store.create_group(NewGroup { id, title: None, owner, members, at: NOW }).await.unwrap();
            return id;
        }
    }
}

/// Gives the slot of a conversation.
pub(crate) async fn slot_of(lab: &Lab, ConversationId(id): ConversationId) -> u16 {
    lab.slot_of(&format!("{{c{}}}", xxh3_64(&id) % 1024)).await.unwrap()
}

/// Gives an append of a message whose id is a number.
pub(crate) fn message(conversation: ConversationId, from: &Username, number: u64) -> Append {
    let id = ClientId::new(&format!("m{number}")).unwrap();
    let mut body = EventBody::new(EventKind::Message, from.clone(), id, NOW);
    body.text = Some(format!("text {number}"));
    append(conversation, &body, Operation::Message)
}

/// Gives an append of an edit.
pub(crate) fn edit(
    conversation: ConversationId,
    from: &Username,
    id: &str,
    target: u64,
    text: &str,
) -> Append {
    let mut body = EventBody::new(EventKind::Edited, from.clone(), ClientId::new(id).unwrap(), NOW.plus(1));
    (body.target, body.text) = (Some(target), Some(text.to_owned()));
    append(conversation, &body, Operation::Edit { target, text: text.to_owned() })
}

fn append(conversation: ConversationId, body: &EventBody, operation: Operation) -> Append {
    let (from, id, at) = (body.from.clone(), body.id.clone(), body.sent_at);
    Append { conversation, from, id, digest: 1, operation, body: body.encode(), at }
}
