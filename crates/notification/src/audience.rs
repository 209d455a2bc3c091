//! Who is to be told of a message.

use std::collections::HashSet;

use ports::{Conversation, Membership, OutboxEntry, Result};
use protocol::Username;

use crate::role::Shared;

impl Shared {
    /// Gives the members who have no device connected, have not read the message, and did not mute the conversation.
    pub(crate) async fn audience(
        &self,
        entry: &OutboxEntry,
        conversation: &Conversation,
    ) -> Result<Vec<Username>> {
        let others: Vec<Username> = conversation
            .members
            .iter()
            .filter(|member| member.username != entry.from && member.joined_at_seq < entry.seq)
            .map(|member| member.username.clone())
            .collect();
        let connected: HashSet<Username> = self.connected.connected(&others).await?;
        let mut audience = Vec::new();
        for user in others.into_iter().filter(|user| !connected.contains(user)) {
            let membership = self.store.membership(entry.conversation, &user).await?;
            if membership.is_some_and(|membership| wants(&membership, entry.seq)) {
                audience.push(user);
            }
        }
        Ok(audience)
    }
}

fn wants(membership: &Membership, seq: u64) -> bool {
    !membership.muted && membership.read < seq
}
