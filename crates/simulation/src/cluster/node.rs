//! A process with a role in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chat::ChatShard;
use parking_lot::Mutex;
use presence::PresenceShard;
use tokio::sync::watch;

use crate::host::Process;
use crate::world::World;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Gives users their shards.
    Registry,
    /// Messages.
    Chat,
    /// Who is there.
    Presence,
    /// HTTP.
    Api,
    /// Pushes.
    Notification,
}

/// A process with a role in it.
pub struct Node {
    /// What it does.
    pub role: Role,
    /// The process.
    pub process: Process,
    /// What runs in it, once it does.
    running: Mutex<Option<Running>>,
    ready: AtomicBool,
    draining: AtomicBool,
    frozen: AtomicBool,
    /// Whether it, a registry, believes to lead.
    leading: watch::Sender<bool>,
    /// Whether new tables are held up.
    late: watch::Sender<bool>,
}

#[derive(Clone)]
enum Running {
    Chat(ChatShard),
    Presence(PresenceShard),
}

impl Role {
    /// Gives its name, with which those of its processes begin.
    pub fn name(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Chat => "chat",
            Self::Presence => "presence",
            Self::Api => "api",
            Self::Notification => "notification",
        }
    }
}

impl Node {
    pub(super) fn new(world: &World, role: Role, name: &str) -> Self {
        // A process that comes back has other clocks and another chance than the one before.
        let now = world.history.now();
        let dice = world.dice(&format!("{name} {now}"));
        Self {
            role,
            process: Process::start(name, &dice, now),
            running: Mutex::default(),
            ready: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            frozen: AtomicBool::new(false),
            leading: watch::Sender::new(false),
            late: watch::Sender::new(false),
        }
    }

    /// Gives its name.
    pub fn name(&self) -> &str {
        self.process.name()
    }

    /// Stands still.
    pub fn freeze(&self) {
        self.frozen.store(true, Ordering::Relaxed);
        self.process.freeze();
    }

    /// Goes on.
    pub fn thaw(&self) {
        self.frozen.store(false, Ordering::Relaxed);
        self.process.thaw();
    }

    /// Says whether it stands still.
    pub fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Relaxed)
    }

    /// Gives the chat shard in it, if one runs.
    pub(crate) fn chat(&self) -> Option<ChatShard> {
        match &*self.running.lock() {
            Some(Running::Chat(chat)) => Some(chat.clone()),
            _ => None,
        }
    }

    /// Holds new tables up, or lets them in.
    pub fn hold_tables(&self, late: bool) {
        self.late.send_replace(late);
    }

    pub(super) fn is_late(&self) -> watch::Receiver<bool> {
        self.late.subscribe()
    }

    pub(super) fn lead(&self, leads: bool) {
        self.leading.send_replace(leads);
    }

    pub(super) fn leading(&self) -> watch::Receiver<bool> {
        self.leading.subscribe()
    }

    pub(super) fn runs_chat(&self, chat: ChatShard) {
        *self.running.lock() = Some(Running::Chat(chat));
        self.set_ready();
    }

    pub(super) fn runs_presence(&self, presence: PresenceShard) {
        *self.running.lock() = Some(Running::Presence(presence));
        self.set_ready();
    }

    pub(super) fn set_ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    /// Says whether it sends its clients away.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Says whether it takes users.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Sends the clients elsewhere.
    pub(super) async fn drain(self: &Arc<Self>, window: Duration) {
        self.draining.store(true, Ordering::Relaxed);
        let running = self.running.lock().clone();
        // In the process, so that a crash in between ends it.
        let drained = self.process.tasks.spawn(async move {
            match running {
                Some(Running::Chat(chat)) => chat.drain(window).await,
                Some(Running::Presence(presence)) => presence.drain(window).await,
                None => {}
            }
        });
        // A pod that has not gone in time is killed.
        let _ = tokio::time::timeout(3 * window, drained).await;
    }

    /// Ends its roles in good order.
    pub(super) async fn stop(&self) {
        self.process.stop.cancel();
        self.process.tasks.close();
        let _ = tokio::time::timeout(Duration::from_secs(5), self.process.tasks.wait()).await;
    }

    /// Ends it: nothing of it runs any more.
    pub(super) fn end(&self) {
        *self.running.lock() = None;
        self.process.end();
    }
}
