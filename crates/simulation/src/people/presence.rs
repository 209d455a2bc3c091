//! A device's `/presence`: it tells that the person is there, and how; and it is shown how others are.

use std::sync::Arc;
use std::time::Duration;

use protocol::Service;
use protocol::presence::{ChosenStatus, Status};
use tokio::time::{Instant, sleep_until};

use super::device::{Device, Switch};
use super::incoming::Incoming;
use super::link::Link;
use super::outgoing::Outgoing;
use super::signal::Follower;
use super::silence::{Patience, Silence};
use super::socket::Socket;
use crate::dice::Dice;
use crate::history::{ConnectionId, Ending, Happened};

/// How long a device that was logged out waits to be closed.
const CLOSED_WITHIN: Duration = Duration::from_secs(10);
/// How long after everybody has become quiet the person's status is said for the last time: what was said before on other connections has
/// come by then.
const LAST_WORD_AFTER: Duration = Duration::from_secs(4);

/// A connection while it is open.
struct Connected<'a> {
    device: &'a Device,
    dice: &'a Dice,
    socket: Socket,
    connection: ConnectionId,
    switch: Follower<Switch>,
    vanished: u64,
    patience: Patience,
    /// When the person does something next.
    active_at: Instant,
    /// When the status is said for the last time.
    last_word: LastWord,
    go: Option<(Instant, Option<String>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastWord {
    /// People still do things.
    NotYet,
    Due(Instant),
    Said,
}

/// Keeps a device connected until its login has ended.
pub(super) async fn run(device: Arc<Device>, dice: Dice) {
    let mut link = Link::new(device.clone(), Service::Presence, dice.clone());
    let name = device.presence_name();
    while let Some((socket, _)) = link.open().await {
        let connection = device.shared.next_connection();
        let (id, opened) = (device.id, Instant::now());
        device.shared.note(Happened::PresenceOpened { device: id, connection });
        let (how, go) = Box::pin(Connected::new(&device, &dice, socket, connection).run()).await;
        device.shared.note(Happened::PresenceClosed { device: id, connection, how });
        if device.shared.is_quiet() && device.is_on() {
            device.shared.report(&name, Some("is not connected"));
        }
        link.lost(opened.elapsed());
        if let Some(url) = go {
            link.go(url.as_deref());
        }
    }
    device.shared.report(&name, None);
}

impl<'a> Connected<'a> {
    fn new(device: &'a Device, dice: &'a Dice, socket: Socket, connection: ConnectionId) -> Self {
        let mut switch = device.switch();
        let vanished = switch.see().vanished;
        Self {
            device,
            dice,
            socket,
            connection,
            switch,
            vanished,
            patience: Patience::new(dice),
            active_at: Instant::now() + dice.millis(2_000..=30_000),
            last_word: LastWord::NotYet,
            go: None,
        }
    }

    /// Talks until the connection ends; gives how it did, and where the server said to go.
    async fn run(mut self) -> (Ending, Option<Option<String>>) {
        self.say_status();
        let how = loop {
            let now = Instant::now();
            if let Some(how) = self.is_enough(now) {
                break how;
            }
            self.say(now);
            let patience = match self.patience.look() {
                Silence::GivesUp => break Ending::Vanished,
                Silence::Asks => {
                    self.socket.say(Outgoing::Ping.encode());
                    continue;
                }
                Silence::Bears(until) => until,
            };
            let due = self.due(patience);
            tokio::select! {
                biased;
                () = self.switch.changed() => {}
                frame = self.socket.next() => match frame {
                    Ok(text) => {
                        self.patience.heard();
                        self.take(&text);
                    }
                    Err(how) => break how,
                },
                () = self.device.presence_wanted.notified() => {}
                () = sleep_until(due) => {}
            }
        };
        if how == Ending::Left {
            self.socket.leave();
        }
        (how, self.go.map(|(_, url)| url))
    }

    fn is_enough(&mut self, now: Instant) -> Option<Ending> {
        let switch = self.switch.see();
        if switch.vanished > self.vanished {
            return Some(Ending::Vanished);
        }
        let logged_out = switch.logged_out.is_some_and(|since| now - since >= CLOSED_WITHIN);
        let goes = self.go.as_ref().is_some_and(|(at, _)| *at <= now);
        (!switch.on || logged_out || goes).then_some(Ending::Left)
    }

    fn due(&self, patience: Instant) -> Instant {
        let logged_out = self.switch.get().logged_out.map(|since| since + CLOSED_WITHIN);
        let last_word = if let LastWord::Due(at) = self.last_word { Some(at) } else { None };
        let due = [logged_out, last_word, self.go.as_ref().map(|(at, _)| *at), Some(self.active_at)];
        due.into_iter().flatten().fold(patience, Instant::min)
    }

    /// Says everything that is due.
    fn say(&mut self, now: Instant) {
        let (status, subscriptions) = self.device.take_presence();
        if status {
            self.say_status();
        }
        for users in subscriptions {
            self.socket.say(Outgoing::Subscribe { users: &users }.encode());
        }
        if self.active_at <= now {
            self.socket.say(Outgoing::Active.encode());
            self.active_at = now + self.dice.millis(5_000..=40_000);
        }
        match self.last_word {
            LastWord::NotYet if self.device.shared.is_quiet() => {
                self.last_word = LastWord::Due(now + LAST_WORD_AFTER);
            }
            LastWord::Due(at) if at <= now => {
                self.last_word = LastWord::Said;
                self.say_status();
                self.device.shared.report(&self.device.presence_name(), None);
            }
            _ => {}
        }
    }

    /// Says what the person chose, if anything: a server forgets it when the person is gone.
    fn say_status(&mut self) {
        let Some(chosen) = self.device.knowledge.lock().status else { return };
        self.device.shared.note(Happened::StatusChosen { device: self.device.id, status: shown_as(chosen) });
        self.socket.say(Outgoing::Status { status: chosen }.encode());
    }

    fn take(&mut self, text: &str) {
        let (device, connection) = (self.device.id, self.connection);
        match Incoming::read(text) {
            Incoming::Presences(users) => {
                for (user, status) in users {
                    let shown = Happened::PresenceShown { device, connection, user, status };
                    self.device.shared.note(shown);
                }
            }
            Incoming::Reconnect { url, after } => self.go = Some((Instant::now() + after, url)),
            Incoming::Pong => {}
            Incoming::Error { id, code, .. } => {
                self.device.shared.note(Happened::Refused { device, connection, id, code });
            }
            _ => {
                let code = "unreadable".to_owned();
                self.device.shared.note(Happened::Refused { device, connection, id: None, code });
            }
        }
    }
}

/// Says how others see somebody who chose this.
fn shown_as(chosen: ChosenStatus) -> Status {
    match chosen {
        ChosenStatus::Online => Status::Online,
        ChosenStatus::Away => Status::Away,
        ChosenStatus::Busy => Status::Busy,
        ChosenStatus::Invisible => Status::Offline,
    }
}
