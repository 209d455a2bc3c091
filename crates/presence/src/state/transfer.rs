//! A new table: users come, and users go.

use std::collections::BTreeSet;
use std::sync::Arc;

use availability::Moment;
use placement::Bucket;
use ports::PresenceRecord;
use protocol::Username;

use super::State;
use crate::ownership::Ownership;
use crate::socket::Socket;

/// What a new table means for this shard.
#[derive(Debug, Default)]
pub(crate) struct Transfer {
    /// The buckets that it has now and did not have before.
    pub(crate) gained: BTreeSet<Bucket>,
    /// The sockets whose users belong elsewhere now and did not before.
    pub(crate) away: Vec<Arc<Socket>>,
}

impl State {
    /// Takes over a newer table; an older one changes nothing.
    pub(crate) fn take_table(&mut self, ownership: Ownership, now: Moment) -> Transfer {
        if ownership.epoch() <= self.ownership.epoch() {
            return Transfer::default();
        }
        let before = std::mem::replace(&mut self.ownership, Arc::new(ownership));
        let after = self.ownership.clone();
        self.availability.forget(|user| !after.owns(user));
        self.leaving.retain(|user, _| self.availability.presence(user).is_some());
        let gained = after.gained_since(Some(&before));
        let known = self.availability.users();
        let come: Vec<Username> =
            known.filter(|user| after.owns(user) && !before.owns(user)).cloned().collect();
        for user in come {
            // Those who are here already, or have just left, are ours to speak of from now on.
            if let Some(presence) = self.availability.presence(&user).cloned() {
                self.publish(presence, now);
            }
        }
        self.vouch_for_guests();
        let moved = |socket: &&Arc<Socket>| before.owns(&socket.user) && !after.owns(&socket.user);
        let away = self.roster.sockets().filter(moved).cloned().collect();
        Transfer { gained, away }
    }

    /// Expects those users of the gained buckets who are connected as far as the store knows.
    pub(crate) fn adopt_all(
        &mut self,
        records: &[PresenceRecord],
        gained: &BTreeSet<Bucket>,
        read_at: u64,
        now: Moment,
    ) {
        for record in records {
            if gained.contains(&Bucket::of(record.username.as_str())) {
                self.adopt(record, read_at, now);
            }
        }
    }
}
