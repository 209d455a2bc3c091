//! Stores of other layouts.

#![expect(clippy::unwrap_used, reason = "tests may panic")]

use ports::{Error, PresenceRecord, Presences};
use protocol::presence::Status;
use protocol::{Timestamp, Username};

use super::{LAYOUT, Migrator};
use crate::keys::Keys;
use crate::link::Call;
use crate::presences::{PRESENCE_PARTITIONS, presence_keys, presence_partition};
use crate::script::Script;
use crate::todo::{Token, arguments, call, interruption};
use crate::{OpenError, Options, RedisStore, testing};

static COMMAND: Script = Script::new("command", "return redis.call(ARGV[1], KEYS[1], unpack(ARGV, 2))");

/// A store whose keys a test writes itself, and another in the same cluster to write them with.
struct Old {
    options: Options,
    keys: Keys,
    hand: RedisStore,
}

impl Old {
    /// Begins a store of a layout.
    async fn of(layout: u64) -> Self {
        let options = testing::options().await;
        let old = Self { keys: Keys::new(&options.prefix), options, hand: testing::store().await };
        old.command::<()>(old.keys.meta(), arguments!["HSET", "layout", layout]).await;
        old
    }

    /// Begins a store of layout 0 with some presences.
    async fn with_presences() -> Self {
        let old = Self::of(0).await;
        for record in records() {
            let [presences, _] = presence_keys(&old.keys, presence_partition(&record.username));
            let mut json = serde_json::to_value(&record).unwrap();
            json.as_object_mut().unwrap().remove("connected");
            old.command::<()>(presences, arguments!["HSET", &record.username, json.to_string()]).await;
        }
        old
    }

    async fn command<T: redis::FromRedisValue>(&self, key: bytes::Bytes, command: Vec<bytes::Bytes>) -> T {
        call(&self.hand.context, Call::new(&COMMAND, vec![key], command)).await.unwrap()
    }

    async fn open(&self) -> Result<RedisStore, OpenError> {
        RedisStore::open(self.options.clone()).await
    }

    /// Lets the claim of whoever migrates run out.
    async fn time_passes(&self) {
        self.command::<()>(self.keys.meta(), arguments!["HSET", "migrates_until", 0_u64]).await;
    }
}

/// Enough that a partition holds several.
fn records() -> Vec<PresenceRecord> {
    let record = |number: u64| PresenceRecord {
        username: Username::new(&format!("user{number:03}")).unwrap(),
        status: if number.is_multiple_of(3) { Status::Offline } else { Status::Away },
        last_seen: Some(Timestamp(4_000_000_000_000 + number)),
        status_text: (number == 7).then(|| "out for lunch".to_owned()),
        connected: !number.is_multiple_of(3),
        epoch: 1 + number,
    };
    (0..u64::from(2 * PRESENCE_PARTITIONS)).map(record).collect()
}

async fn assert_migrated(store: &RedisStore) {
    let records = records();
    let usernames: Vec<Username> = records.iter().map(|record| record.username.clone()).collect();
    assert_eq!(store.presences(&usernames).await, Ok(records.clone()));
    let connected: Vec<PresenceRecord> = records.into_iter().filter(|record| record.connected).collect();
    assert_eq!(store.connected_presences(None, usize::MAX).await, Ok(connected.clone()));
    // What was brought over keeps its epoch.
    let older = PresenceRecord { epoch: connected[0].epoch - 1, ..connected[0].clone() };
    assert_eq!(store.put_presences(vec![older]).await, Ok(0));
}

#[tokio::test]
async fn an_empty_store_has_the_newest_layout_and_one_secret() {
    let options = testing::options().await;
    let (one, other) = tokio::join!(RedisStore::open(options.clone()), RedisStore::open(options.clone()));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.secret, other.secret);
    let layout: u64 =
        call(&one.context, Call::new(&COMMAND, vec![one.context.keys.meta()], arguments!["HGET", "layout"]))
            .await
            .unwrap();
    assert_eq!(layout, LAYOUT);
}

#[tokio::test]
async fn a_newer_layout_is_refused() {
    let old = Old::of(LAYOUT + 1).await;
    match old.open().await.err().unwrap() {
        OpenError::NewerLayout { found, known } => assert_eq!((found, known), (LAYOUT + 1, LAYOUT)),
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn an_older_layout_is_migrated_by_one_of_those_who_come() {
    let old = Old::with_presences().await;
    let (one, other) = tokio::join!(old.open(), old.open());
    assert_migrated(&one.unwrap()).await;
    assert_migrated(&other.unwrap()).await;
}

#[tokio::test]
async fn a_migration_that_was_interrupted_is_finished_by_another() {
    for writes in [1, 2, 3, 10, 50, 100, 150] {
        let old = Old::with_presences().await;
        let stopped = interruption::after(writes, old.open()).await.err();
        assert!(matches!(stopped, Some(OpenError::Store(Error::Unavailable(_)))), "{writes}");
        old.time_passes().await;
        assert_migrated(&old.open().await.unwrap()).await;
    }
}

#[tokio::test]
async fn a_migrator_that_was_given_up_is_refused() {
    let old = Old::with_presences().await;
    let mut context = old.hand.context.clone();
    context.keys = old.keys.clone();
    let migrator = |number| Migrator { context: &context, token: Token::random([number; 16]), from: 0 };
    let (first, second) = (migrator(1), migrator(2));
    assert_eq!(first.claim().await, Ok(Some(1)));
    assert_eq!(second.claim().await, Ok(None));
    old.time_passes().await;
    assert_eq!(second.claim().await, Ok(Some(2)));
    second.run(2).await.unwrap();
    assert_eq!(first.claim().await, Ok(None));
    assert_eq!(first.run(1).await, Err(Error::Conflict));
    assert_eq!(first.list_some(1, 0, "0".to_owned()).await, Err(Error::Conflict));
}
