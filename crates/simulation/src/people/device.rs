//! A device of a person: whether it is on, and what the person wants of it. Its tasks are in `chat` and `presence`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use protocol::{ClientId, ConversationId, Username};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::http::Http;
use super::knowledge::Knowledge;
use super::outbox::Pending;
use super::shared::Shared;
use super::signal::{Follower, Signal};
use crate::history::{DeviceId, Request, To};

/// A device.
pub(super) struct Device {
    pub(super) id: DeviceId,
    /// On the network.
    pub(super) name: String,
    pub(super) user: Username,
    pub(super) shared: Arc<Shared>,
    /// What the person knows, from whichever device.
    pub(super) knowledge: Arc<Mutex<Knowledge>>,
    pub(super) http: Http,
    /// Whether it also tells that the person is there.
    pub(super) has_presence: bool,
    /// Tells its tasks that something is wanted.
    pub(super) chat_wanted: Notify,
    pub(super) presence_wanted: Notify,
    switch: Signal<Switch>,
    wanted: Mutex<Wanted>,
    requests: AtomicU64,
}

/// Whether a device is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Switch {
    pub(super) on: bool,
    /// It does not connect before.
    pub(super) back_at: Instant,
    /// How often it has vanished.
    pub(super) vanished: u64,
    /// Since when it is logged out, if it is.
    pub(super) logged_out: Option<Instant>,
}

/// What a person wants of a device.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) requests: Vec<Pending>,
    /// Each not before a moment.
    pub(super) notices: Vec<(Instant, Notice)>,
    /// Whether the person's status is to be said.
    pub(super) status: bool,
    /// Whom to follow.
    pub(super) subscriptions: Vec<Vec<Username>>,
}

/// Something that is said once, and has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// How far the person has read.
    Read(ConversationId, u64),
    /// Whether the person types.
    Typing(ConversationId, bool),
}

impl Device {
    pub(super) fn new(
        id: DeviceId,
        name: String,
        shared: Arc<Shared>,
        user: Username,
        knowledge: Arc<Mutex<Knowledge>>,
        http: Http,
        has_presence: bool,
    ) -> Self {
        let switch = Switch { on: true, back_at: Instant::now(), vanished: 0, logged_out: None };
        Self {
            id,
            name,
            user,
            shared,
            knowledge,
            http,
            has_presence,
            chat_wanted: Notify::new(),
            presence_wanted: Notify::new(),
            switch: Signal::new(switch),
            wanted: Mutex::default(),
            requests: AtomicU64::new(0),
        }
    }

    /// Gives an id that no other request of this world has.
    pub(super) fn next_request(&self) -> Option<ClientId> {
        let number = 1 + self.requests.fetch_add(1, Ordering::Relaxed);
        ClientId::new(&format!("{}.{number}", self.name)).ok()
    }

    /// Has a request made, now or once the device is connected, until it is answered.
    pub(super) fn request(&self, id: ClientId, to: To, request: Request, reply_to: Option<u64>) {
        self.wanted.lock().requests.push(Pending { id, to, request, reply_to });
        self.chat_wanted.notify_one();
    }

    /// Has something said after a while.
    pub(super) fn notice(&self, after: Duration, notice: Notice) {
        self.wanted.lock().notices.push((Instant::now() + after, notice));
        self.chat_wanted.notify_one();
    }

    /// Has the person's status said.
    pub(super) fn say_status(&self) {
        self.wanted.lock().status = true;
        self.presence_wanted.notify_one();
    }

    /// Has users followed.
    pub(super) fn subscribe(&self, users: Vec<Username>) {
        self.wanted.lock().subscriptions.push(users);
        self.presence_wanted.notify_one();
    }

    /// Takes the requests and notices.
    pub(super) fn take_chat(&self) -> (Vec<Pending>, Vec<(Instant, Notice)>) {
        let mut wanted = self.wanted.lock();
        (std::mem::take(&mut wanted.requests), std::mem::take(&mut wanted.notices))
    }

    /// Takes whether the status is to be said, and whom to follow.
    pub(super) fn take_presence(&self) -> (bool, Vec<Vec<Username>>) {
        let mut wanted = self.wanted.lock();
        (std::mem::take(&mut wanted.status), std::mem::take(&mut wanted.subscriptions))
    }

    /// Gives whether the device is on, to be followed.
    pub(super) fn switch(&self) -> Follower<Switch> {
        self.switch.follow()
    }

    /// Says whether the device can do something for its person.
    pub(super) fn is_on(&self) -> bool {
        let switch = self.switch.get();
        switch.on && switch.logged_out.is_none()
    }

    /// Says whether the person ended its login.
    pub(super) fn is_logged_out(&self) -> bool {
        self.switch.get().logged_out.is_some()
    }

    /// Turns it on, to be there after a while.
    pub(super) fn turn_on(&self, after: Duration) {
        let back_at = Instant::now() + after;
        self.switch.change(|switch| (switch.on, switch.back_at) = (true, back_at));
    }

    /// Turns it off in good order.
    pub(super) fn turn_off(&self) {
        self.switch.change(|switch| switch.on = false);
    }

    /// Lets it be gone without a word. If it is on, it comes back after a while, as if it had not been there.
    pub(super) fn vanish(&self, back_after: Duration) {
        self.shared.network.vanish(&self.name);
        let back_at = Instant::now() + back_after;
        self.switch.change(|switch| (switch.vanished, switch.back_at) = (switch.vanished + 1, back_at));
    }

    /// Lets it be gone without a word, and off.
    pub(super) fn die(&self) {
        self.shared.network.vanish(&self.name);
        self.switch.change(|switch| (switch.vanished, switch.on) = (switch.vanished + 1, false));
    }

    /// Takes note that its connections are waited for at the end.
    pub(super) fn is_expected(&self) {
        self.shared.report(&self.name, Some("is not connected"));
        if self.has_presence {
            self.shared.report(&self.presence_name(), Some("is not connected"));
        }
    }

    /// Gives the name under which it reports on its presence.
    pub(super) fn presence_name(&self) -> String {
        format!("{} on presence", self.name)
    }

    /// Takes note that its login has ended.
    pub(super) fn log_out(&self) {
        let now = Instant::now();
        self.switch.change(|switch| switch.logged_out = switch.logged_out.or(Some(now)));
    }
}
