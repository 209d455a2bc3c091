//! What holds for every archive.

use archive::{Archive, Error, Segment, Stored};
use bytes::Bytes;
use protocol::ConversationId;

const ID: ConversationId = ConversationId([0xc0; 16]);

/// Goes through all that an archive does; it is empty before and after.
pub(crate) async fn check(archive: &dyn Archive) {
    stores_and_gives_back(archive).await;
    finds_the_segment_of_an_event(archive).await;
    a_higher_generation_wins(archive).await;
    lists_in_pages(archive).await;
    tells_what_is_not_there(archive).await;
}

pub(crate) fn segment(first: u64, last: u64) -> Segment {
    Segment { first, last, generation: 1 }
}

async fn stores_and_gives_back(archive: &dyn Archive) {
    for bytes in [Bytes::new(), Bytes::from("some events".repeat(100)), Bytes::from(noise(200_000))] {
        let stored = archive.put(ID, segment(1, 10), bytes.clone()).await.unwrap();
        assert_eq!(stored.segment, segment(1, 10));
        assert_eq!(archive.get(ID, stored).await.unwrap(), bytes);
        assert_eq!(archive.put(ID, segment(1, 10), bytes).await.unwrap(), stored, "again is the same");
        assert_eq!(archive.list(ID, None, 10).await.unwrap(), [stored]);
        archive.delete_all(ID).await.unwrap();
        assert_eq!(archive.list(ID, None, 10).await.unwrap(), []);
    }
}

async fn finds_the_segment_of_an_event(archive: &dyn Archive) {
    // The number of digits changes in between.
    for (first, last) in [(1, 9), (10, 99), (100, 1_000), (5_000, u64::MAX)] {
        archive.put(ID, segment(first, last), Bytes::from(format!("from {first}"))).await.unwrap();
    }
    let other = ConversationId([0xc1; 16]);
    archive.put(other, segment(1_001, 1_001), Bytes::new()).await.unwrap();
    for (seq, first) in
        [(1, 1), (9, 1), (10, 10), (99, 10), (100, 100), (1_000, 100), (5_000, 5_000), (u64::MAX, 5_000)]
    {
        let found = archive.find(ID, seq).await.unwrap().unwrap();
        assert_eq!(found.segment.first, first, "event {seq}");
        assert_eq!(archive.get(ID, found).await.unwrap(), format!("from {first}"));
    }
    for seq in [1_001, 4_999] {
        assert_eq!(archive.find(ID, seq).await.unwrap(), None, "event {seq}");
    }
    archive.delete_all(ID).await.unwrap();
    assert_eq!(archive.list(other, None, 10).await.unwrap().len(), 1, "of others nothing is deleted");
    archive.delete_all(other).await.unwrap();
}

async fn a_higher_generation_wins(archive: &dyn Archive) {
    let put = async |first, last, generation| {
        archive.put(ID, Segment { first, last, generation }, Bytes::new()).await.unwrap()
    };
    let (old, _later, new) = (put(1, 100, 1).await, put(101, 200, 1).await, put(51, 300, 2).await);
    assert_eq!(archive.find(ID, 50).await.unwrap(), Some(old));
    for seq in [51, 100, 101, 200, 300] {
        assert_eq!(archive.find(ID, seq).await.unwrap(), Some(new), "event {seq}");
    }
    let longer = put(41, 300, 2).await;
    assert_eq!(archive.find(ID, 60).await.unwrap(), Some(longer));
    archive.delete_all(ID).await.unwrap();
}

async fn lists_in_pages(archive: &dyn Archive) {
    let mut all = Vec::new();
    for number in 0..25 {
        all.push(archive.put(ID, segment(number * 10 + 1, number * 10 + 10), Bytes::new()).await.unwrap());
    }
    let mut listed: Vec<Stored> = Vec::new();
    loop {
        let page = archive.list(ID, listed.last().copied(), 10).await.unwrap();
        assert!(page.len() <= 10);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed, all);
    archive.delete(ID, all[3]).await.unwrap();
    archive.delete(ID, all[3]).await.unwrap();
    assert_eq!(archive.find(ID, 35).await.unwrap(), None);
    assert_eq!(archive.list(ID, Some(all[2]), 1).await.unwrap(), [all[4]]);
    archive.delete_all(ID).await.unwrap();
}

async fn tells_what_is_not_there(archive: &dyn Archive) {
    assert_eq!(archive.find(ID, 1).await.unwrap(), None);
    let none = Stored { segment: segment(1, 2), checksum: 3 };
    assert_eq!(archive.get(ID, none).await, Err(Error::NotFound));
    assert!(matches!(archive.put(ID, segment(2, 1), Bytes::new()).await, Err(Error::Invalid(_))));
}

/// Gives bytes that cannot be compressed.
pub(crate) fn noise(count: usize) -> Vec<u8> {
    let mut state: u64 = 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..count).map(|_| next()).collect()
}
