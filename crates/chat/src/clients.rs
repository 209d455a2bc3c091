//! Who is connected to this shard: one set, handed down, no global.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use protocol::{ConversationId, LoginId, Username};
use tokio::sync::OnceCell;

use crate::connection::Connection;

/// A user with at least one connection.
pub(crate) struct LocalUser {
    /// Who it is.
    pub(crate) name: Username,
    /// The connections in the order of their coming.
    pub(crate) connections: Mutex<Vec<Arc<Connection>>>,
    /// The conversations whose events reach the user here.
    pub(crate) conversations: Mutex<Vec<ConversationId>>,
    /// Set once the conversations are known: from then on nothing is missed.
    pub(crate) ready: OnceCell<()>,
    /// Held while a mark is moved and told, so that the others see a user's marks in the order in which they moved.
    pub(crate) marking: tokio::sync::Mutex<()>,
    /// What the store counted of the user's joining and leaving when the conversations were read.
    pub(crate) membership_version: AtomicU64,
}

/// The users with connections.
#[derive(Default)]
pub(crate) struct Clients {
    users: Mutex<HashMap<Username, Arc<LocalUser>>>,
    next_connection: AtomicU64,
}

impl LocalUser {
    /// Gives the connections, copied: nothing is done under the lock.
    pub(crate) fn connections(&self) -> Vec<Arc<Connection>> {
        self.connections.lock().clone()
    }

    /// Says whether events reach the user already.
    pub(crate) fn is_in(&self, conversation: ConversationId) -> bool {
        self.conversations.lock().contains(&conversation)
    }
}

impl Clients {
    /// Gives a number for a new connection.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_connection.fetch_add(1, Ordering::Relaxed)
    }

    /// Adds a connection, and gives its user and the oldest connection if there are more than `most`.
    pub(crate) fn add(
        &self,
        name: &Username,
        connection: Arc<Connection>,
        most: usize,
    ) -> (Arc<LocalUser>, Option<Arc<Connection>>) {
        let mut users = self.users.lock();
        let user = users.entry(name.clone()).or_insert_with(|| {
            Arc::new(LocalUser {
                name: name.clone(),
                connections: Mutex::default(),
                conversations: Mutex::default(),
                ready: OnceCell::new(),
                marking: tokio::sync::Mutex::default(),
                membership_version: AtomicU64::new(0),
            })
        });
        let mut connections = user.connections.lock();
        connections.push(connection);
        let oldest = (connections.len() > most).then(|| connections[0].clone());
        drop(connections);
        (user.clone(), oldest)
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

    /// Gives the connections that belong to a login.
    pub(crate) fn of_login(&self, user: &Username, login: LoginId) -> Vec<Arc<Connection>> {
        let Some(user) = self.get(user) else { return Vec::new() };
        let mut connections = user.connections();
        connections.retain(|connection| connection.login == login);
        connections
    }
}
