//! Tells the shards what has changed: hints, so a failure is noted and costs latency only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::join_all;
use placement::{Assignment, Bucket, Table};
use ports::{Conversation, Inbox, Tasks};
use protocol::hint::{ConversationHint, Envelope, Hint};
use protocol::{LoginId, Shard, Username};
use tokio::sync::watch;

/// Tells the shards what has changed.
pub(crate) struct Announcer {
    inbox: Arc<dyn Inbox>,
    tables: watch::Receiver<Arc<Table>>,
    tasks: Tasks,
}

/// Hints on their way to shards, gathered so that each shard is written to once.
pub(crate) struct Announcement {
    table: Arc<Table>,
    hints: BTreeMap<Shard, Vec<Hint>>,
}

impl Announcer {
    /// Makes an announcer.
    pub(crate) fn new(inbox: Arc<dyn Inbox>, tables: watch::Receiver<Arc<Table>>, tasks: Tasks) -> Self {
        Self { inbox, tables, tasks }
    }

    /// Begins an announcement by the table as it is now.
    pub(crate) fn begin(&self) -> Announcement {
        Announcement { table: self.tables.borrow().clone(), hints: BTreeMap::new() }
    }

    /// Tells the chat shards of the members, and of those `removed`, that a conversation has changed.
    pub(crate) async fn conversation(&self, conversation: &Conversation, removed: &[Username]) {
        let mut announcement = self.begin();
        announcement.conversation(conversation, removed);
        self.publish(announcement).await;
    }

    /// Tells all shards that logins of a user have ended.
    pub(crate) async fn logins_ended(&self, user: &Username, logins: &[LoginId]) {
        let mut announcement = self.begin();
        announcement.logins_ended(user, logins);
        self.publish(announcement).await;
    }

    /// Sends what was gathered; it is sent even if the client does not wait for it.
    pub(crate) async fn publish(&self, announcement: Announcement) {
        let inbox = self.inbox.clone();
        let sending = self.tasks.spawn(async move {
            let epoch = announcement.table.epoch.into();
            let each = announcement.hints.into_iter().map(|(shard, hints)| {
                let entries: Vec<_> = hints
                    .into_iter()
                    .map(|hint| Envelope { epoch, passed_on: false, hint }.encode())
                    .collect();
                publish(inbox.as_ref(), shard, entries)
            });
            join_all(each).await;
        });
        if let Err(error) = sending.await {
            tracing::error!(%error, "an announcement failed");
        }
    }
}

impl Announcement {
    /// A conversation has changed, and these users are no longer in it.
    pub(crate) fn conversation(&mut self, conversation: &Conversation, removed: &[Username]) {
        let hint = Hint::Conversation(ConversationHint {
            conversation: conversation.id,
            version: conversation.version,
            removed: removed.to_vec(),
        });
        let members = conversation.members.iter().map(|member| &member.username);
        let shards = owners(&self.table.chat, members.chain(removed));
        self.add(shards, &hint);
    }

    /// Two users may see each other otherwise than before.
    pub(crate) fn contacts(&mut self, one: &Username, other: &Username) {
        let hint = Hint::Contacts { users: [one.clone(), other.clone()] };
        let shards = owners(&self.table.presence, [one, other]);
        self.add(shards, &hint);
    }

    /// Logins have ended: any shard may hold sockets of them.
    pub(crate) fn logins_ended(&mut self, user: &Username, logins: &[LoginId]) {
        let shards: BTreeSet<Shard> = [&self.table.chat, &self.table.presence]
            .into_iter()
            .flat_map(|assignment| assignment.members())
            .map(|member| member.shard.clone())
            .collect();
        for login in logins {
            self.add(shards.clone(), &Hint::LoginEnded { login: *login, user: user.clone() });
        }
    }

    fn add(&mut self, shards: BTreeSet<Shard>, hint: &Hint) {
        for shard in shards {
            self.hints.entry(shard).or_default().push(hint.clone());
        }
    }
}

fn owners<'a>(assignment: &Assignment, users: impl IntoIterator<Item = &'a Username>) -> BTreeSet<Shard> {
    users.into_iter().map(|user| assignment.owner(Bucket::of(user.as_str())).shard.clone()).collect()
}

async fn publish(inbox: &dyn Inbox, shard: Shard, entries: Vec<bytes::Bytes>) {
    if let Err(error) = inbox.publish(&shard, entries).await {
        tracing::warn!(%shard, %error, "a shard was not told of a change");
    }
}
