//! Who is watched from here, by whom, and what the watchers were last told.

use std::collections::{BTreeMap, BTreeSet};

use protocol::Username;
use protocol::presence::Presence;

/// The users whom somebody connected here may see.
#[derive(Debug, Default)]
pub(crate) struct Watchlist {
    entries: BTreeMap<Username, Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    known: Option<Known>,
    watchers: BTreeSet<Username>,
}

#[derive(Debug)]
struct Known {
    presence: Presence,
    /// The epoch of the table by which it was said: an older one knows less.
    epoch: u64,
    /// When it was learnt, in milliseconds.
    at: u64,
}

impl Watchlist {
    /// Adds a watcher. Gives the watched name as it is kept here, so that each name is in memory once.
    pub(crate) fn watch(&mut self, name: &Username, watcher: &Username) -> Username {
        let kept = self.entries.get_key_value(name).map_or(name, |(kept, _)| kept).clone();
        self.entries.entry(kept.clone()).or_default().watchers.insert(watcher.clone());
        kept
    }

    /// Removes a watcher; nobody's watched user is forgotten.
    pub(crate) fn unwatch(&mut self, name: &Username, watcher: &Username) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        entry.watchers.remove(watcher);
        if entry.watchers.is_empty() {
            self.entries.remove(name);
        }
    }

    /// Gives what is known of a user.
    pub(crate) fn presence(&self, name: &Username) -> Option<&Presence> {
        self.entries.get(name)?.known.as_ref().map(|known| &known.presence)
    }

    /// Takes what the store, or this shard itself, says of somebody of whom nothing is known yet.
    pub(crate) fn fill(&mut self, presence: Presence, epoch: u64, at: u64) {
        if let Some(entry) = self.entries.get_mut(&presence.user)
            && entry.known.is_none()
        {
            entry.known = Some(Known { presence, epoch, at });
        }
    }

    /// Takes news of a user. Gives the watchers if it is news to them.
    pub(crate) fn learn(&mut self, presence: &Presence, epoch: u64, at: u64) -> Option<&BTreeSet<Username>> {
        let entry = self.entries.get_mut(&presence.user)?;
        let new = match &entry.known {
            Some(known) if epoch < known.epoch => return None,
            Some(Known { presence: before, .. }) => {
                (before.status, &before.status_text) != (presence.status, &presence.status_text)
            }
            None => true,
        };
        entry.known = Some(Known { presence: presence.clone(), epoch, at });
        new.then_some(&entry.watchers)
    }

    /// Says whether what is known of a watched user was learnt before then, and not under a newer table.
    pub(crate) fn is_older(&self, name: &Username, epoch: u64, at: u64) -> bool {
        let known = self.entries.get(name).map(|entry| entry.known.as_ref());
        known.is_some_and(|known| known.is_none_or(|known| known.at <= at && known.epoch <= epoch))
    }

    /// Gives everybody who is watched.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Username> {
        self.entries.keys()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "test")]
mod tests {
    use protocol::presence::Status;

    use super::*;

    fn name(name: &str) -> Username {
        Username::new(name).unwrap()
    }

    fn presence(status: Status) -> Presence {
        Presence { user: name("ada"), status, last_seen: None, status_text: None }
    }

    #[test]
    fn news_is_told_once_and_not_by_an_older_table() {
        let mut list = Watchlist::default();
        assert!(list.learn(&presence(Status::Online), 1, 0).is_none());
        list.watch(&name("ada"), &name("bob"));
        assert_eq!(list.learn(&presence(Status::Online), 2, 0).unwrap().len(), 1);
        assert!(list.learn(&presence(Status::Online), 2, 1).is_none());
        assert!(list.learn(&presence(Status::Busy), 1, 2).is_none());
        assert!(list.learn(&presence(Status::Busy), 3, 3).is_some());
    }

    #[test]
    fn the_store_does_not_outweigh_news() {
        let mut list = Watchlist::default();
        list.watch(&name("ada"), &name("bob"));
        list.learn(&presence(Status::Busy), 2, 100);
        list.fill(presence(Status::Online), 2, 100);
        assert_eq!(list.presence(&name("ada")).unwrap().status, Status::Busy);
        assert!(!list.is_older(&name("ada"), 2, 99));
        assert!(!list.is_older(&name("ada"), 1, 100));
        assert!(list.is_older(&name("ada"), 2, 100));
    }

    #[test]
    fn the_last_watcher_takes_the_entry_along() {
        let mut list = Watchlist::default();
        list.watch(&name("ada"), &name("bob"));
        list.watch(&name("ada"), &name("eve"));
        list.unwatch(&name("ada"), &name("bob"));
        assert_eq!(list.names().count(), 1);
        list.unwatch(&name("ada"), &name("eve"));
        assert_eq!(list.names().count(), 0);
    }
}
