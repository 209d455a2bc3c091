//! The signing keys: shared, changed in time, and never a reason to log in again.

use std::sync::Arc;
use std::time::Duration;

use api::{Keys, KeysParts, PublicKeys};
use auth::{Lifetimes, RotationPolicy};
use ports::{Clock, Documents, SystemEntropy};
use store_embedded::EmbeddedStore;

use crate::support::{ManualClock, Server, realm};

fn parts(store: &Arc<EmbeddedStore>, clock: &Arc<ManualClock>) -> KeysParts {
    KeysParts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: Arc::new(SystemEntropy),
        realm: realm(),
        lifetimes: Lifetimes::default(),
        rotation: RotationPolicy::default(),
    }
}

#[tokio::test]
async fn processes_that_start_together_agree_on_one_key() {
    let clock = Arc::new(ManualClock::new());
    let store = Arc::new(EmbeddedStore::in_memory(clock.clone()));
    let opened = futures_util::future::join_all((0..6).map(|_| Keys::open(parts(&store, &clock)))).await;
    let jwks: Vec<_> = opened.into_iter().map(|keys| keys.unwrap().jwks()).collect();
    assert_eq!(jwks[0].keys.len(), 1);
    assert!(jwks.iter().all(|other| *other == jwks[0]));
}

#[tokio::test]
async fn a_key_that_one_process_makes_is_taken_over_by_the_others_before_it_signs() {
    let clock = Arc::new(ManualClock::new());
    let store = Arc::new(EmbeddedStore::in_memory(clock.clone()));
    let one = Keys::open(parts(&store, &clock)).await.unwrap();
    let other = Keys::open(parts(&store, &clock)).await.unwrap();
    let shard = PublicKeys::open(store.clone(), realm()).await.unwrap();
    clock.advance(Duration::from_secs(23 * 3600));
    one.refresh().await.unwrap();
    other.refresh().await.unwrap();
    shard.refresh().await.unwrap();
    assert_eq!((one.jwks().keys.len(), other.jwks()), (2, one.jwks()));
    let old = one.service_token("builds", "notify", 60_000).unwrap().token;
    clock.advance(Duration::from_secs(3600));
    let new = one.service_token("builds", "notify", 60_000).unwrap().token;
    let kid = |token: &str| token.split('.').next().unwrap().to_owned();
    assert_ne!(kid(&old), kid(&new));
    for verifier in [one.verifier(), other.verifier(), shard.verifiers().borrow().clone()] {
        verifier.service(&new, clock.now()).unwrap();
        verifier.service(&old, clock.now().plus(0)).unwrap_err();
    }
}

#[tokio::test]
async fn a_shard_that_starts_first_learns_the_keys_later() {
    let clock = Arc::new(ManualClock::new());
    let store = Arc::new(EmbeddedStore::in_memory(clock.clone()));
    let shard = PublicKeys::open(store.clone(), realm()).await.unwrap();
    let mut verifiers = shard.verifiers();
    let keys = Keys::open(parts(&store, &clock)).await.unwrap();
    let token = keys.service_token("builds", "notify", 60_000).unwrap().token;
    verifiers.borrow_and_update().service(&token, clock.now()).unwrap_err();
    shard.refresh().await.unwrap();
    assert!(verifiers.has_changed().unwrap());
    verifiers.borrow().service(&token, clock.now()).unwrap();
}

#[tokio::test]
async fn what_shards_read_holds_no_private_key() {
    let server = Server::start().await;
    let public = server.store.document("public-keys").await.unwrap().unwrap();
    let text = String::from_utf8(public.body).unwrap();
    assert!(text.contains("Ed25519") && !text.contains("pkcs8"), "{text}");
    assert_eq!(
        server.get("/api/jwks.json").send().await.expect(200).json(),
        serde_json::json!(server.keys.jwks())
    );
}

#[tokio::test]
async fn a_damaged_ring_is_an_error_and_is_not_replaced() {
    let clock = Arc::new(ManualClock::new());
    let store = Arc::new(EmbeddedStore::in_memory(clock.clone()));
    store.put_document("signing-keys", 0, b"nonsense".to_vec()).await.unwrap();
    assert!(Keys::open(parts(&store, &clock)).await.is_err());
    assert_eq!(store.document("signing-keys").await.unwrap().unwrap().body, b"nonsense");
}
