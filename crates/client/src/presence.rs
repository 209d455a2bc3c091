//! A connection to `/presence`.

mod driver;
mod wishes;

use protocol::presence::{ChosenStatus, Presence};
use protocol::{Shard, Username};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use self::driver::{Command, Driver};
use crate::core::{End, Loss, Waits};
use crate::link::{Endpoint, Link, Route};
use crate::outlet::Outlet;
use crate::{Problem, Session};

/// How a connection to `/presence` behaves.
#[derive(Clone, Debug)]
pub struct PresenceOptions {
    /// How the user's shard is reached.
    pub route: Route,
    /// How many events may wait for the application; then nothing more is read from the server.
    pub event_capacity: usize,
    /// How long is waited between attempts to connect.
    pub waits: Waits,
}

/// A connection to `/presence` that comes back; cheap to clone.
///
/// What was chosen and subscribed is said again after a reconnect. It ends when it is closed, when all clones are dropped, or when the
/// server ends it for good.
#[derive(Clone, Debug)]
pub struct PresenceConnection {
    commands: mpsc::Sender<Command>,
    tasks: TaskTracker,
}

/// Something that happened on a connection to `/presence`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PresenceEvent {
    /// The connection stands, for the first time or again; a snapshot of the contacts follows.
    Connected {
        /// The shard that serves.
        shard: Shard,
        /// The placement table's epoch.
        epoch: u64,
    },
    /// The connection is lost, or an attempt to make it has failed; another is under way.
    Disconnected(Loss),
    /// The connection has ended for good; this is the last event.
    Ended(End),
    /// How several users are: the contacts, or those who were subscribed to.
    Snapshot(Vec<Presence>),
    /// How a user is now.
    Changed(Presence),
    /// The server refused something.
    Refused(Problem),
}

impl PresenceConnection {
    /// Connects, and gives the connection and what happens on it.
    pub fn connect(session: &Session, options: &PresenceOptions) -> (Self, mpsc::Receiver<PresenceEvent>) {
        let (outlet, events) = Outlet::new(options.event_capacity);
        let (sender, commands) = mpsc::channel(64);
        let link = Link::new(session.clone(), Endpoint::Presence, options.route, options.waits);
        let connection = Self { commands: sender, tasks: TaskTracker::new() };
        connection.tasks.spawn(Driver::new(link, commands, outlet).run());
        (connection, events)
    }

    /// Chooses the user's own status; without a text the text stays.
    pub async fn set_status(&self, status: ChosenStatus, status_text: Option<String>) {
        self.command(Command::Status { status, status_text }).await;
    }

    /// Follows users beside the contacts.
    pub async fn subscribe(&self, users: Vec<Username>) {
        self.command(Command::Subscribe(users)).await;
    }

    /// Follows users no more.
    pub async fn unsubscribe(&self, users: Vec<Username>) {
        self.command(Command::Unsubscribe(users)).await;
    }

    /// Says that the person did something.
    pub async fn active(&self) {
        self.command(Command::Active).await;
    }

    /// Drops the connection without a word, as a network does, and makes another.
    pub async fn reconnect(&self) {
        self.command(Command::Reconnect).await;
    }

    /// Closes the connection, for all clones.
    pub async fn close(self) {
        self.command(Command::Close).await;
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn command(&self, command: Command) {
        // A connection that has ended takes no commands.
        let _ = self.commands.send(command).await;
    }
}

impl Default for PresenceOptions {
    fn default() -> Self {
        Self { route: Route::default(), event_capacity: 256, waits: Waits::default() }
    }
}
