//! Documents, and answers that are remembered.

use super::Backend;
use super::fixture::{NOW, error, unique};
use crate::{Document, Error, Remembered};

/// A document is written only by one who knows its last version.
pub async fn a_document_is_changed_only_at_its_version(store: &impl Backend) {
    let name = unique();
    assert_eq!(store.document(&name).await, Ok(None));
    assert_eq!(error(store.put_document(&name, 1, vec![1]).await), Error::Conflict);
    assert_eq!(store.put_document(&name, 0, vec![0, 255]).await, Ok(1));
    assert_eq!(store.document(&name).await, Ok(Some(Document { version: 1, body: vec![0, 255] })));
    assert_eq!(error(store.put_document(&name, 0, vec![2]).await), Error::Conflict);
    assert_eq!(store.put_document(&name, 1, Vec::new()).await, Ok(2));
    assert_eq!(store.document(&name).await, Ok(Some(Document { version: 2, body: Vec::new() })));
}

/// Of two who write at the same version, one fails.
pub async fn one_of_two_writers_wins(store: &impl Backend) {
    let name = unique();
    let (one, other) =
        tokio::join!(store.put_document(&name, 0, vec![1]), store.put_document(&name, 0, vec![2]));
    let body = store.document(&name).await.unwrap().unwrap().body;
    match (one, other) {
        (Ok(1), Err(Error::Conflict)) => assert_eq!(body, [1]),
        (Err(Error::Conflict), Ok(1)) => assert_eq!(body, [2]),
        outcome => panic!("{outcome:?}"),
    }
}

/// An answer is given until it expires, and replaced by a newer one.
pub async fn an_answer_is_remembered_until_it_expires(store: &impl Backend) {
    let key = unique().into_bytes();
    let answer = |text: &str, expires_at| Remembered {
        request: b"request".to_vec(),
        answer: text.as_bytes().to_vec(),
        expires_at,
    };
    let short = answer("first", NOW.plus(10));
    assert_eq!(store.remembered(&key, NOW).await, Ok(None));
    store.remember(key.clone(), short.clone(), NOW).await.unwrap();
    assert_eq!(store.remembered(&key, NOW.plus(9)).await, Ok(Some(short.clone())));
    assert_eq!(store.remembered(&key, NOW.plus(10)).await, Ok(None));
    let long = answer("second", NOW.plus(100));
    store.remember(key.clone(), long.clone(), NOW.plus(1)).await.unwrap();
    // What the first would have expired to does not touch the second.
    for number in 0..40_u8 {
        let other = [key.as_slice(), &[number]].concat();
        store.remember(other, answer("other", NOW.plus(200)), NOW.plus(50)).await.unwrap();
    }
    assert_eq!(store.remembered(&key, NOW.plus(50)).await, Ok(Some(long)));
}
