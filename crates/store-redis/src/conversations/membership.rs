//! What a user has of conversations, and the user's list of them, which is derived from the conversations' members.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use ports::{Membership, Result};
use protocol::{ConversationId, Username};

use super::record::{self, StoredMembership};
use crate::RedisStore;
use crate::accounts::by_partition;
use crate::link::Call;
use crate::script::Script;
use crate::todo::{arguments, conversation_id, entity};

static JOIN: Script = entity!("join");
static UNJOIN: Script = entity!("unjoin");
static JOINED: Script = entity!("joined");
static LEAVE: Script = entity!("leave", "prelude", "members");
static READ: Script = entity!("membership");
static VERSIONS: Script = entity!("membership_versions");
static MUTE: Script = entity!("mute");
static MARK: Script = entity!("mark");

/// A version that no conversation has: the greatest that a script can compare.
const NEWEST: u64 = 1 << 53;
/// How many conversations are left at once.
const AT_ONCE: usize = 64;

impl RedisStore {
    /// Gives what a user has of all conversations.
    pub(super) async fn all_memberships(&self, username: &Username) -> Result<Vec<Membership>> {
        self.memberships_in(&self.listed(username).await?, username).await
    }

    /// Gives what a user has of some conversations, without those of which the user is no member.
    pub(super) async fn memberships_in(
        &self,
        ids: &[ConversationId],
        username: &Username,
    ) -> Result<Vec<Membership>> {
        let read = |id: &ConversationId| {
            let keys = self.context.keys.conversation(*id);
            Call::new(&READ, vec![keys.conversation(), keys.members()], arguments![username])
        };
        let stored: Vec<Option<StoredMembership>> = self.look_many(ids.iter().map(read).collect()).await?;
        let stored = ids.iter().zip(stored);
        stored.filter_map(|(id, stored)| Some(record::membership(*id, stored?))).collect()
    }

    /// Gives how often users joined or left a conversation.
    pub(super) async fn versions_of_memberships(&self, usernames: &[Username]) -> Result<Vec<u64>> {
        let partitions: Vec<Vec<&Username>> = by_partition(usernames).into_values().collect();
        let read = |usernames: &Vec<&Username>| {
            let accounts = usernames.iter().map(|username| self.user(username).account()).collect();
            Call::new(&VERSIONS, accounts, Vec::new())
        };
        let versions: Vec<Vec<u64>> = self.look_many(partitions.iter().map(read).collect()).await?;
        let versions: BTreeMap<&Username, u64> =
            partitions.into_iter().flatten().zip(versions.into_iter().flatten()).collect();
        Ok(usernames.iter().map(|username| versions.get(username).copied().unwrap_or_default()).collect())
    }

    /// Mutes or unmutes a conversation for a member.
    pub(super) async fn mute(&self, id: ConversationId, username: &Username, muted: bool) -> Result<()> {
        let keys = vec![self.context.keys.conversation(id).members()];
        self.write(Call::new(&MUTE, keys, arguments![username, muted])).await
    }

    /// Moves a member's marks on, and gives the membership if one of them moved.
    pub(super) async fn move_marks(
        &self,
        id: ConversationId,
        username: &Username,
        read: Option<u64>,
        delivered: Option<u64>,
    ) -> Result<Option<Membership>> {
        let keys = self.context.keys.conversation(id);
        // Short, because each member has one.
        let token = format!("{:08x}", u32::from_be_bytes(self.context.entropy.bytes()));
        let arguments = arguments![token, username, read.unwrap_or_default(), delivered.unwrap_or_default()];
        let moved: Option<StoredMembership> =
            self.write(Call::new(&MARK, vec![keys.conversation(), keys.members()], arguments)).await?;
        moved.map(|moved| record::membership(id, moved)).transpose()
    }

    /// Enters a conversation into the list of a user who joined it at a version, or of all members.
    pub(crate) async fn joined(
        &self,
        id: ConversationId,
        version: u64,
        username: Option<&Username>,
    ) -> Result<()> {
        match username {
            Some(username) => self.enter(id, version, &[username]).await,
            None => {
                let members = self.names(self.context.keys.conversation(id).members()).await?;
                self.enter(id, version, &members.iter().collect::<Vec<_>>()).await
            }
        }
    }

    /// Enters a conversation into the lists of users who joined it at a version.
    pub(super) async fn enter(
        &self,
        id: ConversationId,
        version: u64,
        usernames: &[&Username],
    ) -> Result<()> {
        let partitions: Vec<Vec<&Username>> = by_partition(usernames.iter().copied()).into_values().collect();
        let join = |usernames: &Vec<&Username>| {
            let keys = usernames.iter().map(|username| self.user(username));
            let keys = keys.flat_map(|keys| [keys.account(), keys.conversations()]).collect();
            Call::new(&JOIN, keys, arguments![id, version])
        };
        let exist: Vec<Vec<bool>> = self.write_many(partitions.iter().map(join).collect()).await?;
        for (username, exists) in partitions.into_iter().flatten().zip(exist.into_iter().flatten()) {
            if !exists {
                // Deleted in the meantime.
                self.expel(id, username).await?;
            }
        }
        Ok(())
    }

    /// Takes a conversation from the list of a user who left it at a version.
    pub(crate) async fn left(&self, id: ConversationId, version: u64, username: &Username) -> Result<()> {
        let keys = self.user(username);
        let touched = vec![keys.account(), keys.conversations()];
        self.write(Call::new(&UNJOIN, touched, arguments![id, version])).await
    }

    /// Takes one whose account is deleted out of all groups, gives those, and closes the user's direct conversations for ever.
    pub(crate) async fn leave_all(&self, username: &Username) -> Result<Vec<ConversationId>> {
        let mut left = Vec::new();
        for some in self.listed(username).await?.chunks(AT_ONCE) {
            let leaving = some.iter().map(|id| async {
                let is_group = self.expel(*id, username).await?;
                self.left(*id, NEWEST, username).await?;
                Ok(is_group.then_some(*id))
            });
            left.extend(try_join_all(leaving).await?.into_iter().flatten());
        }
        Ok(left)
    }

    /// Takes one whose account is deleted out of a conversation, and says whether that is a group.
    async fn expel(&self, id: ConversationId, username: &Username) -> Result<bool> {
        let keys = self.context.keys.conversation(id);
        let kind: String = self
            .write(Call::new(&LEAVE, vec![keys.conversation(), keys.members()], arguments![username]))
            .await?;
        if kind == "d" {
            self.close_for_ever(id, username).await?;
        }
        Ok(kind == "g")
    }

    async fn listed(&self, username: &Username) -> Result<Vec<ConversationId>> {
        let read = Call::new(&JOINED, vec![self.user(username).conversations()], Vec::new());
        let listed: Vec<String> = self.look(read).await?;
        listed.iter().map(|id| conversation_id(id)).collect()
    }
}
