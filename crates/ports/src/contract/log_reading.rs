//! Reading the log: pages, and the search.

use protocol::{ConversationId, Username};

use super::Backend;
use super::fixture::{delete, edit, message, pair, random, react, send, seqs, texts};
use crate::Conversation;

async fn numbered(store: &impl Backend, count: u64) -> (Username, Conversation) {
    let (ada, _, conversation) = pair(store).await;
    for number in 1..=count {
        send(store, &conversation, &ada, &format!("Text {number}")).await;
    }
    (ada, conversation)
}

/// Pages after a number, up to the end.
pub async fn pages_after_a_number(store: &impl Backend) {
    let (_, conversation) = numbered(store, 10).await;
    let after = async |after, limit| seqs(&store.events(conversation.id, after, limit).await.unwrap());
    assert_eq!(after(0, 3).await, [1, 2, 3]);
    assert_eq!(after(3, 3).await, [4, 5, 6]);
    assert_eq!(after(8, 3).await, [9, 10]);
    assert_eq!(after(9, 1).await, [10]);
    assert_eq!(after(0, 1_000).await.len(), 10);
    for (number, limit) in [(10, 3), (11, 3), (u64::MAX, 3), (0, 0)] {
        assert_eq!(after(number, limit).await, Vec::<u64>::new());
    }
    let event = store.event(conversation.id, 7).await.unwrap().unwrap();
    assert_eq!((event.position.seq, event.conversation), (7, conversation.id));
    assert_eq!(store.event(conversation.id, 0).await, Ok(None));
    assert_eq!(store.event(conversation.id, 11).await, Ok(None));
    assert_eq!(store.events(ConversationId(random()), 0, 10).await, Ok(Vec::new()));
}

/// Pages before a number, or of the newest, in order all the same.
pub async fn pages_before_a_number(store: &impl Backend) {
    let (_, conversation) = numbered(store, 10).await;
    let before =
        async |before, limit| seqs(&store.events_before(conversation.id, before, limit).await.unwrap());
    assert_eq!(before(None, 3).await, [8, 9, 10]);
    assert_eq!(before(Some(8), 3).await, [5, 6, 7]);
    assert_eq!(before(Some(3), 3).await, [1, 2]);
    assert_eq!(before(Some(u64::MAX), 2).await, [9, 10]);
    assert_eq!(before(None, 1_000).await.len(), 10);
    for (number, limit) in [(Some(1), 3), (Some(0), 3), (None, 0)] {
        assert_eq!(before(number, limit).await, Vec::<u64>::new());
    }
}

/// The newest come first, and the search goes on where it stopped.
pub async fn the_search_finds_texts_in_any_case(store: &impl Backend) {
    let (ada, conversation) = numbered(store, 10).await;
    let id = conversation.id;
    store.append(message(id, &ada, "m1", "Grüße aus Köln")).await.unwrap();
    store.append(react(id, &ada, "r1", 1, "text", true)).await.unwrap();
    let search = async |query: &str, before, limit| {
        let (events, last) = store.search(id, query, before, limit, 1_000).await.unwrap();
        (seqs(&events), last)
    };
    assert_eq!(search("tEXT", None, 3).await, (vec![10, 9, 8], 8));
    assert_eq!(search("text", Some(8), 3).await, (vec![7, 6, 5], 5));
    assert_eq!(search("text", Some(5), 100).await, (vec![4, 3, 2, 1], 0));
    assert_eq!(search("text 1", None, 100).await, (vec![10, 1], 0));
    assert_eq!(search("text 1", None, 2).await, (vec![10, 1], 0));
    assert_eq!(search("GRÜSSE", None, 100).await, (vec![], 0));
    assert_eq!(search("GRÜßE", None, 1).await, (vec![11], 11));
    assert_eq!(search("nothing like it", None, 100).await, (vec![], 0));
    assert_eq!(search("text", Some(1), 100).await, (vec![], 0));
    let unknown = store.search(ConversationId(random()), "text", None, 10, 10).await;
    assert_eq!(unknown, Ok((Vec::new(), 0)));
}

/// A search that finds nothing stops at its budget and says where.
pub async fn the_search_reads_no_more_than_its_budget(store: &impl Backend) {
    let (_, conversation) = numbered(store, 10).await;
    let search = async |before, budget| {
        let (events, last) = store.search(conversation.id, "text 2", before, 10, budget).await.unwrap();
        (seqs(&events), last)
    };
    assert_eq!(search(None, 4).await, (vec![], 7));
    assert_eq!(search(Some(7), 4).await, (vec![], 3));
    assert_eq!(search(Some(3), 1).await, (vec![2], 2));
    assert_eq!(search(Some(3), 4).await, (vec![2], 0));
}

/// The search finds texts as they are now.
pub async fn nobody_finds_what_was_changed_or_deleted(store: &impl Backend) {
    let (ada, conversation) = numbered(store, 3).await;
    let id = conversation.id;
    store.append(edit(id, &ada, "e1", 1, "changed")).await.unwrap();
    store.append(delete(id, &ada, "d1", 2)).await.unwrap();
    let (events, _) = store.search(id, "text", None, 10, 100).await.unwrap();
    assert_eq!(seqs(&events), [3]);
    let (events, _) = store.search(id, "changed", None, 10, 100).await.unwrap();
    assert_eq!((seqs(&events), texts(&events)), (vec![1], vec!["changed".to_owned()]));
}
