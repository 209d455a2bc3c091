//! Inboxes.

use bytes::Bytes;
use protocol::Shard;

use super::Backend;
use super::fixture::{assert_waits, unique};

fn shard() -> Shard {
    Shard::new(&format!("chat-{}", unique())).unwrap()
}

fn news(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Entries come in the order in which they were published, and each once to one who reads on.
pub async fn entries_come_in_order_after_the_cursor(store: &impl Backend) {
    let shard = shard();
    let start = store.end(&shard).await.unwrap();
    store.publish(&shard, vec![news("a"), news("b")]).await.unwrap();
    store.publish(&shard, vec![news("c")]).await.unwrap();
    store.publish(&shard, Vec::new()).await.unwrap();
    let first = store.read(&shard, start, 2).await.unwrap();
    assert_eq!(first.entries, [news("a"), news("b")]);
    let second = store.read(&shard, first.cursor, 2).await.unwrap();
    assert_eq!(second.entries, [news("c")]);
    assert_eq!(store.end(&shard).await, Ok(second.cursor));
    // Another reader has its own cursor.
    assert_eq!(store.read(&shard, start, 100).await.unwrap().entries.len(), 3);
}

/// What one shard is told no other is.
pub async fn each_shard_has_its_own_inbox(store: &impl Backend) {
    let (one, other) = (shard(), shard());
    let (start_of_one, start_of_other) = (store.end(&one).await.unwrap(), store.end(&other).await.unwrap());
    store.publish(&one, vec![news("one")]).await.unwrap();
    store.publish(&other, vec![news("other")]).await.unwrap();
    assert_eq!(store.read(&one, start_of_one, 9).await.unwrap().entries, [news("one")]);
    assert_eq!(store.read(&other, start_of_other, 9).await.unwrap().entries, [news("other")]);
}

/// One who has read everything waits for more.
pub async fn reading_waits_for_news(store: &impl Backend) {
    let shard = shard();
    let end = store.end(&shard).await.unwrap();
    let waiting = assert_waits(store.read(&shard, end, 10)).await;
    store.publish(&shard, vec![news("a")]).await.unwrap();
    let batch = waiting.await.unwrap();
    assert_eq!(batch.entries, [news("a")]);
    let (batch, published) = tokio::join!(store.read(&shard, batch.cursor, 10), async {
        tokio::task::yield_now().await;
        store.publish(&shard, vec![news("b")]).await
    });
    published.unwrap();
    assert_eq!(batch.unwrap().entries, [news("b")]);
}

/// Of what nobody reads the oldest goes, and the newest is there.
pub async fn an_unread_inbox_is_bounded(store: &impl Backend) {
    let shard = shard();
    let start = store.end(&shard).await.unwrap();
    for thousand in 0..200 {
        let entries = (0..1_000).map(|number| news(&(thousand * 1_000 + number).to_string()));
        store.publish(&shard, entries.collect()).await.unwrap();
    }
    let batch = store.read(&shard, start, usize::MAX).await.unwrap();
    assert!(batch.entries.len() < 200_000);
    assert_eq!(batch.entries.last(), Some(&news("199999")));
    assert_eq!(store.end(&shard).await, Ok(batch.cursor));
}
