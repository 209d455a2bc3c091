//! What lasts of presence.

use protocol::presence::Status;
use protocol::{Timestamp, Username};

use super::Backend;
use super::fixture::{NOW, free_name, unique};
use crate::PresenceRecord;

fn record(username: &Username, epoch: u64, connected: bool) -> PresenceRecord {
    PresenceRecord {
        username: username.clone(),
        status: if connected { Status::Online } else { Status::Offline },
        last_seen: Some(Timestamp(NOW.0 + epoch)),
        status_text: Some("busy".to_owned()),
        connected,
        epoch,
    }
}

/// A record of an older epoch does not replace a newer one, one of the same epoch does.
pub async fn an_older_epoch_overwrites_nothing(store: &impl Backend) {
    let (ada, ben) = (free_name("ada"), free_name("ben"));
    let usernames = [ada.clone(), free_name("nobody"), ben.clone()];
    let first = vec![record(&ada, 5, true), record(&ben, 5, true)];
    assert_eq!(store.put_presences(first.clone()).await, Ok(2));
    assert_eq!(store.presences(&usernames).await, Ok(first.clone()));
    let mixed = vec![record(&ada, 4, false), record(&ben, 6, false)];
    assert_eq!(store.put_presences(mixed.clone()).await, Ok(1));
    assert_eq!(store.presences(&usernames).await, Ok(vec![first[0].clone(), mixed[1].clone()]));
    assert_eq!(store.put_presences(vec![record(&ada, 5, false)]).await, Ok(1));
    assert_eq!(store.presences(&usernames[..1]).await, Ok(vec![record(&ada, 5, false)]));
}

/// Those who are connected are listed in order of their names, in pages.
pub async fn the_connected_are_listed_in_order(store: &impl Backend) {
    let key = unique();
    let name = |letter: &str| Username::new(&format!("{key}-{letter}")).unwrap();
    let records: Vec<_> = ["c", "a", "b", "d"].map(|letter| record(&name(letter), 1, letter != "b")).into();
    store.put_presences(records).await.unwrap();
    let page = store.connected_presences(Some(&name("a")), 1).await.unwrap();
    assert_eq!(page, [record(&name("c"), 1, true)]);
    let page = store.connected_presences(Some(&name("c")), 1).await.unwrap();
    assert_eq!(page, [record(&name("d"), 1, true)]);
    store.put_presences(vec![record(&name("c"), 2, false)]).await.unwrap();
    let page = store.connected_presences(Some(&name("a")), 1).await.unwrap();
    assert_eq!(page, [record(&name("d"), 1, true)]);
    let all = store.connected_presences(None, usize::MAX).await.unwrap();
    assert!(all.is_sorted_by_key(|record| record.username.clone()));
    assert!(all.contains(&record(&name("a"), 1, true)));
}
