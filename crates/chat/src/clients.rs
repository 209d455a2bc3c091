//! Who is connected to this shard: one set, handed down, no global.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use protocol::{CloseCode, ConversationId, LoginId, Username};
use telemetry::IntGauge;
use tokio::sync::OnceCell;

use crate::connection::Connection;
use crate::metrics::show;

/// A user with at least one connection.
pub(crate) struct LocalUser {
    /// Who it is.
    pub(crate) name: Username,
    /// The connections in the order of their coming.
    pub(crate) connections: Mutex<Vec<Arc<Connection>>>,
    /// The conversations whose events reach the user here; nothing once the last connection has gone.
    conversations: Mutex<Option<BTreeSet<ConversationId>>>,
    /// Set once the conversations are known: from then on nothing is missed.
    pub(crate) ready: OnceCell<()>,
    /// Held while a conversation is made to reach the user, so that what came before in it is shown once.
    pub(crate) joining: tokio::sync::Mutex<()>,
    /// Held while a mark is moved and told, so that the others see a user's marks in the order in which they moved.
    pub(crate) marking: tokio::sync::Mutex<()>,
    /// What the store counted of the user's joining and leaving when the conversations were read.
    pub(crate) membership_version: AtomicU64,
}

/// What became of a conversation that a user was to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// The user receives it from now on.
    New,
    /// The user received it already.
    Known,
    /// The user has gone.
    Gone,
}

/// The users with connections.
pub(crate) struct Clients {
    users: Mutex<BTreeMap<Username, Arc<LocalUser>>>,
    next_connection: AtomicU64,
    count: IntGauge,
}

impl LocalUser {
    fn new(name: Username) -> Self {
        Self {
            name,
            connections: Mutex::default(),
            conversations: Mutex::new(Some(BTreeSet::new())),
            ready: OnceCell::new(),
            joining: tokio::sync::Mutex::default(),
            marking: tokio::sync::Mutex::default(),
            membership_version: AtomicU64::new(0),
        }
    }

    /// Gives the connections, copied: nothing is done under the lock.
    pub(crate) fn connections(&self) -> Vec<Arc<Connection>> {
        self.connections.lock().clone()
    }

    /// Gives the conversations whose events reach the user here.
    pub(crate) fn conversations(&self) -> Vec<ConversationId> {
        self.conversations.lock().iter().flatten().copied().collect()
    }

    /// Says whether a conversation's events reach the user already.
    pub(crate) fn is_in(&self, conversation: ConversationId) -> bool {
        self.conversations.lock().as_ref().is_some_and(|all| all.contains(&conversation))
    }

    /// Takes note that a conversation's events reach the user from now on.
    pub(crate) fn note_joined(&self, conversation: ConversationId) -> Join {
        match self.conversations.lock().as_mut().map(|all| all.insert(conversation)) {
            Some(true) => Join::New,
            Some(false) => Join::Known,
            None => Join::Gone,
        }
    }

    /// Takes note that a conversation's events reach the user no more.
    pub(crate) fn note_left(&self, conversation: ConversationId) {
        if let Some(all) = &mut *self.conversations.lock() {
            all.remove(&conversation);
        }
    }

    /// Takes note that the user has gone: nothing reaches the user any more. Gives what did.
    pub(crate) fn note_gone(&self) -> BTreeSet<ConversationId> {
        self.conversations.lock().take().unwrap_or_default()
    }
}

impl Clients {
    /// Makes an empty set; `count` shows how many there are.
    pub(crate) fn new(count: IntGauge) -> Self {
        Self { users: Mutex::default(), next_connection: AtomicU64::new(0), count }
    }

    /// Gives a number for a new connection.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_connection.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds a connection, and gives its user; ends the oldest connection that is not about to end if there are more than `most` of these.
    pub(crate) fn add(&self, name: &Username, connection: Arc<Connection>, most: usize) -> Arc<LocalUser> {
        let mut users = self.users.lock();
        let user =
            users.entry(name.clone()).or_insert_with(|| Arc::new(LocalUser::new(name.clone()))).clone();
        show(&self.count, users.len());
        let mut connections = user.connections.lock();
        connections.push(connection);
        let mut staying = connections.iter().filter(|connection| !connection.is_ending());
        // Under the lock, so that two who come at once do not end the same one.
        if let Some(oldest) = staying.next()
            && staying.count() >= most
        {
            oldest.end(CloseCode::Replaced, "too many sockets of this user");
        }
        drop(connections);
        user
    }

    /// Removes a connection, and says whether it was the user's last.
    pub(crate) fn remove(&self, user: &Arc<LocalUser>, id: u64) -> bool {
        let mut users = self.users.lock();
        let mut connections = user.connections.lock();
        connections.retain(|connection| connection.id != id);
        connections.shrink_to_fit();
        if !connections.is_empty() {
            return false;
        }
        if users.get(&user.name).is_some_and(|known| Arc::ptr_eq(known, user)) {
            users.remove(&user.name);
            show(&self.count, users.len());
        }
        true
    }

    /// Gives a user who is connected.
    pub(crate) fn get(&self, name: &Username) -> Option<Arc<LocalUser>> {
        self.users.lock().get(name).cloned()
    }

    /// Gives everybody.
    pub(crate) fn all(&self) -> Vec<Arc<LocalUser>> {
        self.users.lock().values().cloned().collect()
    }

    /// Gives how many there are.
    pub(crate) fn len(&self) -> usize {
        self.users.lock().len()
    }

    /// Gives the connections that belong to a login.
    pub(crate) fn of_login(&self, user: &Username, login: LoginId) -> Vec<Arc<Connection>> {
        let Some(user) = self.get(user) else { return Vec::new() };
        let mut connections = user.connections();
        connections.retain(|connection| connection.login == login);
        connections
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]
    use super::*;

    #[test]
    fn each_connection_over_the_bound_makes_another_one_end() {
        let clients = Clients::new(telemetry::Metrics::new().gauge("users", "Users.").unwrap());
        let name = Username::new("ada").unwrap();
        // None of them is removed: their tasks have not run yet.
        for id in 0..5 {
            clients.add(&name, Arc::new(Connection::new(id, LoginId([0; 16]), 1000, 0)), 2);
        }
        let connections = clients.get(&name).unwrap().connections();
        let ended =
            connections.iter().filter(|connection| connection.is_ending()).map(|connection| connection.id);
        assert_eq!(ended.collect::<Vec<_>>(), [0, 1, 2]);
    }
}
