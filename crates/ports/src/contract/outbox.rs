//! The outbox. Nobody else may read it meanwhile.

use futures_util::future::select_all;
use protocol::ConversationId;

use super::Backend;
use super::fixture::{NOW, assert_waits, edit, group, react, send, user};
use crate::OutboxEntry;

/// Gives the partition of a conversation that has entries, and all that is pending there.
async fn partition_of(store: &impl Backend, conversation: ConversationId) -> (u16, Vec<OutboxEntry>) {
    let mut waiting: Vec<_> = (0..store.partitions())
        .map(|partition| {
            Box::pin(async move { (partition, store.pending(partition, 0, usize::MAX).await.unwrap()) })
        })
        .collect();
    loop {
        let ((partition, entries), _, others) = select_all(waiting).await;
        if entries.iter().any(|entry| entry.conversation == conversation) {
            return (partition, entries);
        }
        waiting = others;
    }
}

fn seqs(entries: &[OutboxEntry], conversation: ConversationId) -> Vec<u64> {
    entries.iter().filter(|entry| entry.conversation == conversation).map(|entry| entry.seq).collect()
}

/// A message that others may have to be told of has an entry, and nothing else has.
pub async fn only_messages_to_others_are_entered(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let conversation = group(store, &ada, &[]).await;
    let id = conversation.id;
    send(store, &conversation, &ada, "to nobody").await;
    store.put_member(id, &ada, &ben, None).await.unwrap();
    send(store, &conversation, &ada, "to ben").await;
    store.append(edit(id, &ada, "e1", 2, "to Ben")).await.unwrap();
    store.append(react(id, &ben, "r1", 2, "👍", true)).await.unwrap();
    send(store, &conversation, &ben, "to ada").await;
    let (_, entries) = partition_of(store, id).await;
    assert_eq!(seqs(&entries, id), [2, 5]);
    let entry = entries.iter().find(|entry| entry.conversation == id).unwrap();
    assert_eq!((&entry.from, entry.at), (&ada, NOW));
}

/// Entries come in order, again and again until they are dealt with.
pub async fn entries_come_in_order_until_they_are_dealt_with(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let conversation = group(store, &ada, &[&ben]).await;
    let id = conversation.id;
    for number in 0..5 {
        send(store, &conversation, &ada, &number.to_string()).await;
    }
    let (partition, entries) = partition_of(store, id).await;
    assert_eq!(seqs(&entries, id), [1, 2, 3, 4, 5]);
    assert!(entries.is_sorted_by(|one, other| one.position < other.position));
    let one = store.pending(partition, 0, 1).await.unwrap();
    assert_eq!(one, entries[..1]);
    let rest = store.pending(partition, entries[2].position, usize::MAX).await.unwrap();
    assert_eq!(rest, entries[3..]);
    let second = entries.iter().find(|entry| entry.conversation == id && entry.seq == 2).unwrap();
    store.dealt_with(partition, second.position).await.unwrap();
    let left = store.pending(partition, 0, usize::MAX).await.unwrap();
    assert_eq!(seqs(&left, id), [3, 4, 5]);
}

/// A late word changes nothing, and what is not there yet is not dealt with.
pub async fn the_cursor_never_goes_back_and_never_ahead(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let conversation = group(store, &ada, &[&ben]).await;
    let id = conversation.id;
    for number in 0..3 {
        send(store, &conversation, &ada, &number.to_string()).await;
    }
    let (partition, entries) = partition_of(store, id).await;
    let position = |seq| entries.iter().find(|entry| entry.conversation == id && entry.seq == seq);
    store.dealt_with(partition, position(2).unwrap().position).await.unwrap();
    store.dealt_with(partition, position(1).unwrap().position).await.unwrap();
    let left = store.pending(partition, 0, usize::MAX).await.unwrap();
    assert_eq!(seqs(&left, id), [3]);
    store.dealt_with(partition, u64::MAX).await.unwrap();
    send(store, &conversation, &ada, "later").await;
    let left = store.pending(partition, 0, usize::MAX).await.unwrap();
    assert_eq!(seqs(&left, id), [4]);
}

/// One who has dealt with everything waits for more.
pub async fn pending_waits_for_entries(store: &impl Backend) {
    let (ada, ben) = (user(store, "ada").await, user(store, "ben").await);
    let conversation = group(store, &ada, &[&ben]).await;
    send(store, &conversation, &ada, "one").await;
    let (partition, entries) = partition_of(store, conversation.id).await;
    store.dealt_with(partition, entries.last().unwrap().position).await.unwrap();
    let waiting = assert_waits(store.pending(partition, 0, 10)).await;
    send(store, &conversation, &ada, "two").await;
    assert_eq!(seqs(&waiting.await.unwrap(), conversation.id), [2]);
}
